//! One player: login after login, in every order that a sound store must bear.

use std::collections::BTreeMap;

use portvakt_crypto::encoding::hex_encode;
use portvakt_protocol::client::{ClientId, RefreshUse};
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::secret::{AccessToken, BrowserSecret, Code, CodeDigest, LoginHandle, RefreshToken};
use portvakt_protocol::time::{Seconds, Timestamp};

use super::shell::{Handles, Pair, Shell};
use super::{Node, Stage, Until, about};
use crate::chance::Chance;
use crate::history::{Event, Operation, Outcome};
use crate::world::{CODE, LOGIN, Person, TOKEN, World};

/// How much later than it is a refresh token is presented of which the grace is to be over.
const LATE: Seconds = Seconds::new(31);

/// How many older logins are asked after each time.
const OLDER: u64 = 8;

/// A player, and all its logins.
#[derive(Debug)]
pub(super) struct Player {
    name: String,
    chance: Chance,
    /// How many logins it has had, those of earlier processes included.
    had: usize,
    stories: Vec<Story>,
    settled: usize,
}

/// One login with all that became of it.
#[derive(Clone, Debug)]
struct Story {
    name: String,
    person: String,
    who: Handles,
    /// Codes that were brought, each with what came of it.
    codes: Vec<(CodeDigest, GrantId, Outcome)>,
    /// What redemptions and uses of refresh tokens brought.
    tokens: Vec<Fruit>,
    /// What becomes of its refresh tokens, if it gets any.
    refreshes: Option<RefreshUse>,
    /// The scope of the login's that may be withdrawn.
    scope: Option<String>,
    /// Which attempt brought the refresh token that its client would use next.
    leaf: Option<usize>,
    /// When its code ends.
    code_expires: Option<Timestamp>,
}

/// What one attempt brings.
#[derive(Clone, Debug)]
struct Fruit {
    pair: Pair,
    outcome: Outcome,
}

impl Player {
    pub(super) fn new(name: String, seed: u64) -> Self {
        Self { name, chance: Chance::seeded(seed), had: 0, stories: Vec::new(), settled: 0 }
    }

    /// Plays one login after the other.
    pub(super) async fn live(&mut self, stage: &Stage, until: Until) {
        let mut played = 0;
        while !stage.stop.is_stopped() && until != Until::Logins(played) {
            played += 1;
            let Some(mut story) = self.new_story(stage) else { return };
            self.play(stage, &mut story).await;
            self.stories.push(story);
        }
    }

    /// Asks after what became of the logins since the last time, and of a few older ones.
    pub(super) async fn settle(&mut self, stage: &Stage) {
        let known = self.settled;
        self.settled = self.stories.len();
        let mut stories = std::mem::take(&mut self.stories);
        let older: Vec<u64> = (0..OLDER).map(|_| self.chance.below(known as u64)).collect();
        for (at, story) in stories.iter_mut().enumerate() {
            if at >= known || older.contains(&(at as u64)) {
                self.ask_after(stage, story).await;
            }
        }
        self.stories = stories;
    }

    fn new_story(&mut self, stage: &Stage) -> Option<Story> {
        let client = self.chance.pick(stage.world.clients())?.clone();
        let person = self.chance.pick(stage.world.persons())?;
        let name = format!("{}{}", self.prefix(), self.had);
        self.had += 1;
        Some(Story::new(&stage.world, name, client, person))
    }

    /// How the names of its logins begin.
    fn prefix(&self) -> String {
        format!("{}, login ", self.name)
    }

    /// Takes up the logins of an earlier process of its name, as their events tell of them. They are yet to be asked after.
    pub(super) fn recall(&mut self, world: &World, events: &[Event]) {
        let prefix = self.prefix();
        let mut stories: BTreeMap<usize, Story> = BTreeMap::new();
        for event in events {
            let Some(number) = event.about.strip_prefix(&prefix).and_then(|number| number.parse().ok())
            else {
                continue;
            };
            let client =
                world.clients().iter().find(|client| event.client.as_deref() == Some(client.as_str()));
            let person = world.persons().iter().find(|person| event.person.as_ref() == Some(&person.name));
            let Some((client, person)) = client.zip(person) else { continue };
            stories
                .entry(number)
                .or_insert_with(|| Story::new(world, event.about.clone(), client.clone(), person))
                .recall(event);
        }
        self.had = stories.keys().next_back().map_or(0, |last| last + 1);
        self.stories = stories.into_values().collect();
        self.settled = 0;
    }

    async fn play(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, three]) = self.nodes(stage) else { return };
        let begun = story.begin(stage, &one).await;
        if begun != Outcome::Done
            && (self.chance.once_in(2) || story.find_login(stage, &two).await != Outcome::Done)
        {
            return;
        }
        if self.chance.once_in(4) {
            story.find_login(stage, &two).await;
        }
        match self.chance.below(16) {
            0 => drop(tokio::join!(story.identify(stage, &two), story.identify(stage, &three))),
            1 => {
                story.identify(stage, &two).await;
                story.identify(stage, &three).await;
            }
            // Nobody logs in.
            2 => {}
            _ => drop(story.identify(stage, &two).await),
        }
        self.finish(stage, story).await;
        if self.chance.once_in(4) {
            story.find_login(stage, &three).await;
        }
        // Some codes are kept for later.
        if !self.chance.once_in(8) {
            self.redeem(stage, story).await;
        }
    }

    /// One answer, or several at once: of one kind, or of two.
    async fn finish(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, three]) = self.nodes(stage) else { return };
        let brought = if self.chance.once_in(4) { 2 } else { 1 };
        let first = story.codes.len();
        for _ in 0..brought {
            story.bring_code();
        }
        story.code_expires.get_or_insert(stage.clock().now() + CODE);
        let told = match (brought, self.chance.below(8)) {
            (2, _) => {
                let (a, b) =
                    tokio::join!(story.collect(stage, &one, first), story.collect(stage, &two, first + 1));
                vec![a, b]
            }
            (_, 0) => vec![tokio::join!(story.collect(stage, &one, first), story.refuse(stage, &three)).0],
            (_, 1) => vec![tokio::join!(story.collect(stage, &one, first), story.end(stage, &three)).0],
            (_, 2) => {
                tokio::join!(story.refuse(stage, &one), story.end(stage, &two));
                vec![story.collect(stage, &three, first).await]
            }
            _ => vec![story.collect(stage, &one, first).await],
        };
        for ((_, _, outcome), told) in story.codes.iter_mut().skip(first).zip(told) {
            *outcome = told;
        }
        for at in first..story.codes.len() {
            story.learn_code(stage, &three, at).await;
        }
    }

    /// Redeems the code, once or by several at once, too late, and again.
    async fn redeem(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, three]) = self.nodes(stage) else { return };
        let Some(code) = story.code() else { return };
        if self.chance.once_in(8)
            && let Some(expires) = story.code_expires
        {
            let token = story.bring_token();
            let told = story.redeem(stage, &two, code, token, expires).await;
            story.learn_token(token, told);
        }
        let now = stage.clock().now();
        let contenders = if self.chance.once_in(3) { 3 } else { 1 };
        let tokens: Vec<usize> = (0..contenders).map(|_| story.bring_token()).collect();
        let told = match *tokens.as_slice() {
            [a, b, c] => {
                let (a, b, c) = tokio::join!(
                    story.redeem(stage, &one, code, a, now),
                    story.redeem(stage, &two, code, b, now),
                    story.redeem(stage, &three, code, c, now)
                );
                vec![a, b, c]
            }
            [a, ..] => vec![story.redeem(stage, &one, code, a, now).await],
            [] => return,
        };
        for (token, told) in tokens.into_iter().zip(told) {
            story.learn_token(token, told);
        }
        story.use_tokens(stage, &two, now).await;
        self.refresh(stage, story).await;
        if self.chance.once_in(8) {
            story.use_tokens(stage, &two, now + TOKEN + CODE).await;
        }
        if self.chance.once_in(5) {
            let token = story.bring_token();
            let told = story.redeem(stage, &three, code, token, now).await;
            story.learn_token(token, told);
            story.use_tokens(stage, &one, now).await;
        }
    }

    /// Uses refresh tokens: one after the other, by several at once, again after a lost answer, too late; and has it all revoked.
    async fn refresh(&mut self, stage: &Stage, story: &mut Story) {
        for _ in 0..self.chance.below(5) {
            let Some([one, two, three]) = self.nodes(stage) else { return };
            let Some(leaf) = story.leaf else { return };
            let now = stage.clock().now();
            let old = usize::try_from(self.chance.below(leaf as u64 + 1)).unwrap_or(leaf);
            match self.chance.below(24) {
                0..=2 => {
                    story.refresh_at_once(stage, [(&one, leaf), (&two, leaf), (&three, leaf)], now).await
                }
                3 => story.refresh_at_once(stage, [(&one, old), (&two, leaf), (&three, leaf)], now).await,
                // The answer is lost, and the client asks again.
                4..=6 => {
                    story.refresh(stage, &one, leaf, now).await;
                    story.refresh(stage, &two, leaf, now).await;
                }
                7 => story.refresh(stage, &one, old, now).await,
                8 => story.refresh(stage, &one, old, now + LATE).await,
                9 => story.refresh(stage, &one, leaf, now + TOKEN).await,
                10 => story.revoke(stage, &one, old, now).await,
                11 => story.revoke_meanwhile(stage, [&one, &two, &three], leaf, now).await,
                _ => story.refresh(stage, &one, leaf, now).await,
            }
            if self.chance.once_in(2) {
                story.use_tokens(stage, &three, now).await;
            }
        }
    }

    async fn ask_after(&mut self, stage: &Stage, story: &mut Story) {
        let Some([one, two, _]) = self.nodes(stage) else { return };
        let now = stage.clock().now();
        story.find_login(stage, &one).await;
        for at in 0..story.codes.len() {
            story.learn_code(stage, &two, at).await;
        }
        story.use_tokens(stage, &one, now).await;
        if let Some(code) = story.code()
            && (story.tokens.is_empty() || self.chance.once_in(4))
        {
            let token = story.bring_token();
            let told = story.redeem(stage, &two, code, token, now).await;
            story.learn_token(token, told);
            story.use_tokens(stage, &one, now).await;
        }
        let Some(leaf) = story.leaf else { return };
        if self.chance.once_in(2) {
            story.refresh(stage, &two, leaf, now).await;
            story.use_tokens(stage, &one, now).await;
        } else {
            // Whatever it ever got: the newest first, which works; then the others, which all were used, and end it.
            for token in (0..=leaf).rev() {
                story.refresh(stage, &two, token, now).await;
            }
            story.refresh(stage, &one, leaf, now).await;
            story.use_tokens(stage, &one, now).await;
        }
    }

    /// Three nodes by chance, and not always different ones.
    fn nodes(&mut self, stage: &Stage) -> Option<[Node; 3]> {
        Some([stage.node(&mut self.chance)?, stage.node(&mut self.chance)?, stage.node(&mut self.chance)?])
    }
}

/// Everything of a login is made of its name, so that whoever has the log can ask after it.
impl Story {
    fn new(world: &World, name: String, client: ClientId, person: &Person) -> Self {
        let refreshes = world.refreshes(&client);
        let scope = world.scopes_of(&client).contains(world.scope().as_str());
        let who = Handles {
            client,
            pid: person.pid.clone(),
            login: LoginHandle::presented(&name).digest(),
            browser: BrowserSecret::presented(&name).digest(),
        };
        let (codes, tokens) = (Vec::new(), Vec::new());
        Self {
            person: person.name.clone(),
            who,
            codes,
            tokens,
            refreshes,
            scope: scope.then(|| world.scope().as_str().to_owned()),
            leaf: None,
            code_expires: None,
            name,
        }
    }

    /// A new code with its grant, which the next finish brings.
    fn bring_code(&mut self) {
        let name = format!("{} {}", self.name, self.codes.len());
        let of_grant = Code::presented(&format!("{name} grant")).digest();
        let mut grant = [0; 16];
        grant.iter_mut().zip(of_grant.as_bytes()).for_each(|(to, from)| *to = *from);
        self.codes.push((Code::presented(&name).digest(), GrantId(grant), Outcome::Unknown));
    }

    /// New tokens, which the next redemption or use of a refresh token brings.
    fn bring_token(&mut self) -> usize {
        let name = format!("{} {}", self.name, self.tokens.len());
        let access = AccessToken::presented(&name).digest();
        let refresh = RefreshToken::presented(&format!("{name} refresh")).digest();
        self.tokens.push(Fruit { pair: Pair { access, refresh }, outcome: Outcome::Unknown });
        self.tokens.len() - 1
    }

    /// Takes up what an event tells.
    fn recall(&mut self, event: &Event) {
        let Some(at) = event.attempt.checked_sub(1).and_then(|at| usize::try_from(at).ok()) else { return };
        let expires = event.expires.map(Timestamp::from_unix);
        if event.operation == Operation::Collect {
            while self.codes.len() <= at {
                self.bring_code();
            }
            self.code_expires = self.code_expires.or(expires);
            self.learn(at, event.outcome.clone());
        } else if event.operation == Operation::FindCode && event.is_done() {
            self.learn(at, Outcome::Done);
        } else if matches!(event.operation, Operation::Redeem | Operation::Refresh | Operation::Reuse) {
            while self.tokens.len() <= at {
                self.bring_token();
            }
            if event.operation == Operation::Reuse {
                self.learn_fruit(at, event.outcome.clone());
            } else {
                self.learn_token(at, event.outcome.clone());
            }
        }
    }

    /// Keeps what came of a code.
    fn learn(&mut self, at: usize, told: Outcome) {
        if let Some((_, _, outcome)) = self.codes.get_mut(at) {
            *outcome = told;
        }
    }

    fn event(&self, operation: Operation, now: Timestamp) -> Event {
        Event {
            client: Some(self.who.client.as_str().to_owned()),
            person: Some(self.person.clone()),
            scope: self.scope.clone(),
            now: Some(now.unix()),
            ..about(&self.name, operation)
        }
    }

    /// The code that is known to be there.
    fn code(&self) -> Option<CodeDigest> {
        self.codes.iter().find(|(_, _, outcome)| *outcome == Outcome::Done).map(|(code, _, _)| *code)
    }

    async fn begin(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = Event { expires: Some((now + LOGIN).unix()), ..self.event(Operation::Begin, now) };
        stage.ask(node, event, shell(stage, node).begin(&self.who, now)).await
    }

    async fn find_login(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::FindLogin, now);
        stage.ask(node, event, shell(stage, node).find_login(&self.who, now)).await
    }

    async fn identify(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::Identify, now);
        stage.ask(node, event, shell(stage, node).identify(&self.who, now)).await
    }

    async fn collect(&self, stage: &Stage, node: &Node, at: usize) -> Outcome {
        let now = stage.clock().now();
        let Some((code, grant, _)) = self.codes.get(at) else { return Outcome::Unknown };
        let event = Event {
            attempt: number(at),
            grant: Some(hex_encode(&grant.0)),
            expires: Some((now + CODE).unix()),
            ..self.event(Operation::Collect, now)
        };
        stage.ask(node, event, shell(stage, node).collect(&self.who, *code, *grant, now)).await
    }

    async fn refuse(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::Refuse, now);
        stage.ask(node, event, shell(stage, node).refuse(&self.who, now)).await
    }

    async fn end(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::End, now);
        stage.ask(node, event, shell(stage, node).end(&self.who, now)).await
    }

    /// Looks whether a code is there that nobody has refused.
    async fn learn_code(&mut self, stage: &Stage, node: &Node, at: usize) {
        let event = Event { attempt: number(at), ..self.event(Operation::FindCode, stage.clock().now()) };
        let Some((code, _, _)) = self.codes.get(at) else { return };
        if stage.ask(node, event, shell(stage, node).find_code(*code)).await == Outcome::Done {
            self.learn(at, Outcome::Done);
        }
    }

    async fn redeem(
        &self,
        stage: &Stage,
        node: &Node,
        code: CodeDigest,
        at: usize,
        now: Timestamp,
    ) -> Outcome {
        let Some(fruit) = self.tokens.get(at) else { return Outcome::Unknown };
        let event = self.brings(Operation::Redeem, at, now);
        stage.ask(node, event, shell(stage, node).redeem(&self.who, code, fruit.pair, now)).await
    }

    /// What is asked by an attempt that brings tokens.
    fn brings(&self, operation: Operation, at: usize, now: Timestamp) -> Event {
        let expires = Some((now + TOKEN).unix());
        Event { attempt: number(at), expires, ..self.event(operation, now) }
    }

    /// Keeps what came of an attempt, whose refresh token is used next if it came.
    fn learn_token(&mut self, at: usize, told: Outcome) {
        if told == Outcome::Done && self.refreshes.is_some() {
            self.leaf = Some(at);
        }
        self.learn_fruit(at, told);
    }

    fn learn_fruit(&mut self, at: usize, told: Outcome) {
        if let Some(fruit) = self.tokens.get_mut(at) {
            fruit.outcome = told;
        }
    }

    /// Uses a refresh token once.
    async fn refresh(&mut self, stage: &Stage, node: &Node, token: usize, now: Timestamp) {
        let at = self.bring_token();
        let told = self.refresh_for(stage, node, token, at, now).await;
        self.learn_refresh(at, told);
    }

    /// Three uses at once.
    async fn refresh_at_once(&mut self, stage: &Stage, uses: [(&Node, usize); 3], now: Timestamp) {
        let [a, b, c] = uses;
        let [at_a, at_b, at_c] = [self.bring_token(), self.bring_token(), self.bring_token()];
        let (told_a, told_b, told_c) = tokio::join!(
            self.refresh_for(stage, a.0, a.1, at_a, now),
            self.refresh_for(stage, b.0, b.1, at_b, now),
            self.refresh_for(stage, c.0, c.1, at_c, now)
        );
        for (at, told) in [(at_a, told_a), (at_b, told_b), (at_c, told_c)] {
            self.learn_refresh(at, told);
        }
    }

    /// Two uses at once with a revocation.
    async fn revoke_meanwhile(&mut self, stage: &Stage, nodes: [&Node; 3], token: usize, now: Timestamp) {
        let [one, two, three] = nodes;
        let (a, b) = (self.bring_token(), self.bring_token());
        let (told_a, told_b, ()) = tokio::join!(
            self.refresh_for(stage, one, token, a, now),
            self.refresh_for(stage, two, token, b, now),
            self.revoke(stage, three, token, now)
        );
        self.learn_refresh(a, told_a);
        self.learn_refresh(b, told_b);
    }

    async fn refresh_for(
        &self,
        stage: &Stage,
        node: &Node,
        token: usize,
        at: usize,
        now: Timestamp,
    ) -> Outcome {
        let Some((presented, fruit)) = self.tokens.get(token).zip(self.tokens.get(at)) else {
            return Outcome::Unknown;
        };
        let operation = if self.stays() { Operation::Reuse } else { Operation::Refresh };
        let event = Event { presented: Some(number(token)), ..self.brings(operation, at, now) };
        let (presented, pair) = (presented.pair.refresh, fruit.pair);
        stage.ask(node, event, shell(stage, node).refresh(&self.who, presented, pair, now)).await
    }

    /// Whether its refresh tokens stay when they are used.
    fn stays(&self) -> bool {
        self.refreshes == Some(RefreshUse::Reuse)
    }

    fn learn_refresh(&mut self, at: usize, told: Outcome) {
        if self.stays() { self.learn_fruit(at, told) } else { self.learn_token(at, told) }
    }

    async fn revoke(&self, stage: &Stage, node: &Node, token: usize, now: Timestamp) {
        let Some(fruit) = self.tokens.get(token) else { return };
        let event = Event { presented: Some(number(token)), ..self.event(Operation::Revoke, now) };
        stage.ask(node, event, shell(stage, node).revoke(&self.who, fruit.pair, now)).await;
    }

    /// Uses every token that nobody has refused.
    async fn use_tokens(&self, stage: &Stage, node: &Node, now: Timestamp) {
        for (at, fruit) in self.tokens.iter().enumerate() {
            if !matches!(fruit.outcome, Outcome::Refused(_)) {
                let event = Event { attempt: number(at), ..self.event(Operation::Userinfo, now) };
                stage.ask(node, event, shell(stage, node).userinfo(fruit.pair.access, now)).await;
            }
        }
    }
}

fn shell<'a>(stage: &'a Stage, node: &'a Node) -> Shell<'a> {
    Shell { store: &node.store, world: &stage.world }
}

/// Attempts are counted from 1, so that each has a number of its own.
fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}
