//! One player: login after login, in every order that a sound store must bear.

use portvakt_crypto::encoding::hex_encode;
use portvakt_crypto::random::Random;
use portvakt_protocol::grant::{GrantId, NewAccessToken};
use portvakt_protocol::secret::{AccessToken, BrowserSecret, Code, CodeDigest, LoginHandle};
use portvakt_protocol::time::Timestamp;

use super::shell::{Handles, Shell};
use super::{Node, Stage, Until, about};
use crate::chance::Chance;
use crate::history::{Event, Operation, Outcome};
use crate::world::{CODE, LOGIN, TOKEN};

/// How many older logins are asked after each time.
const OLDER: u64 = 8;

/// A player, and all its logins.
#[derive(Debug)]
pub(super) struct Player {
    name: String,
    chance: Chance,
    random: Random,
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
    tokens: Vec<(NewAccessToken, Outcome)>,
    /// When its code ends.
    code_expires: Option<Timestamp>,
}

impl Player {
    pub(super) fn new(name: String, seed: u64) -> Self {
        let (chance, random) = (Chance::seeded(seed), Random::system());
        Self { name, chance, random, stories: Vec::new(), settled: 0 }
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
        Some(Story {
            name: format!("{}, login {}", self.name, self.stories.len()),
            person: person.name.clone(),
            who: Handles {
                client,
                pid: person.pid.clone(),
                login: LoginHandle::draw(&self.random).digest(),
                browser: BrowserSecret::draw(&self.random).digest(),
            },
            codes: Vec::new(),
            tokens: Vec::new(),
            code_expires: None,
        })
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
            let code = Code::draw(&self.random).digest();
            story.codes.push((code, GrantId(self.random.bytes()), Outcome::Unknown));
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
            let token = self.token(stage, story);
            let told = story.redeem(stage, &two, code, token, expires).await;
            story.learn_token(token, told);
        }
        let now = stage.clock().now();
        let contenders = if self.chance.once_in(3) { 3 } else { 1 };
        let tokens: Vec<usize> = (0..contenders).map(|_| self.token(stage, story)).collect();
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
        if self.chance.once_in(8) {
            story.use_tokens(stage, &two, now + TOKEN + CODE).await;
        }
        if self.chance.once_in(5) {
            let token = self.token(stage, story);
            let told = story.redeem(stage, &three, code, token, now).await;
            story.learn_token(token, told);
            story.use_tokens(stage, &one, now).await;
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
            let token = self.token(stage, story);
            let told = story.redeem(stage, &two, code, token, now).await;
            story.learn_token(token, told);
            story.use_tokens(stage, &one, now).await;
        }
    }

    /// A new token, which the next redemption brings.
    fn token(&mut self, stage: &Stage, story: &mut Story) -> usize {
        let digest = AccessToken::draw(&self.random).digest();
        let expires = stage.clock().now() + TOKEN;
        story.tokens.push((NewAccessToken { digest, expires }, Outcome::Unknown));
        story.tokens.len() - 1
    }

    /// Three nodes by chance, and not always different ones.
    fn nodes(&mut self, stage: &Stage) -> Option<[Node; 3]> {
        Some([stage.node(&mut self.chance)?, stage.node(&mut self.chance)?, stage.node(&mut self.chance)?])
    }
}

impl Story {
    fn event(&self, operation: Operation, now: Timestamp) -> Event {
        Event {
            client: Some(self.who.client.as_str().to_owned()),
            person: Some(self.person.clone()),
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
        let Some((code, _, outcome)) = self.codes.get_mut(at) else { return };
        let found = stage.ask(node, event, shell(stage, node).find_code(*code)).await;
        if found == Outcome::Done {
            *outcome = Outcome::Done;
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
        let Some((token, _)) = self.tokens.get(at) else { return Outcome::Unknown };
        let event = Event {
            attempt: number(at),
            expires: Some(token.expires.unix()),
            ..self.event(Operation::Redeem, now)
        };
        stage.ask(node, event, shell(stage, node).redeem(&self.who, code, token.clone(), now)).await
    }

    fn learn_token(&mut self, at: usize, told: Outcome) {
        if let Some((_, outcome)) = self.tokens.get_mut(at) {
            *outcome = told;
        }
    }

    /// Uses every token that nobody has refused.
    async fn use_tokens(&self, stage: &Stage, node: &Node, now: Timestamp) {
        for (at, (token, outcome)) in self.tokens.iter().enumerate() {
            if !matches!(outcome, Outcome::Refused(_)) {
                let event = Event { attempt: number(at), ..self.event(Operation::Userinfo, now) };
                stage.ask(node, event, shell(stage, node).userinfo(token.digest, now)).await;
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
