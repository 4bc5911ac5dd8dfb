//! One login with all that becomes of it: what can be asked of it, step by step, and what a player keeps of the answers.

use portvakt_crypto::encoding::hex_encode;
use portvakt_protocol::client::{ClientId, RefreshUse};
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::secret::{AccessToken, BrowserSecret, Code, CodeDigest, LoginHandle, RefreshToken};
use portvakt_protocol::time::Timestamp;

use super::shell::{Handles, Pair, Shell};
use super::{Node, Stage, about};
use crate::history::{Event, Operation, Outcome};
use crate::world::{CODE, LOGIN, Person, TOKEN, World, by_access, by_refresh};

/// One login with all that became of it.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) name: String,
    pub(super) person: String,
    pub(super) who: Handles,
    /// Codes that were brought, each with what came of it.
    pub(super) codes: Vec<(CodeDigest, GrantId, Outcome)>,
    /// What redemptions and uses of refresh tokens brought.
    pub(super) tokens: Vec<Fruit>,
    /// What becomes of its refresh tokens, if it gets any.
    pub(super) refreshes: Option<RefreshUse>,
    /// The scope of the login's that may be withdrawn.
    pub(super) scope: Option<String>,
    /// Which attempt brought the refresh token that its client would use next.
    pub(super) leaf: Option<usize>,
    /// When its code ends.
    pub(super) code_expires: Option<Timestamp>,
}

/// What one attempt brings.
#[derive(Clone, Debug)]
pub(super) struct Fruit {
    pub(super) pair: Pair,
    pub(super) outcome: Outcome,
}

/// Everything of a login is made of its name, so that whoever has the log can ask after it.
impl Story {
    pub(super) fn new(world: &World, name: String, client: ClientId, person: &Person) -> Self {
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
    pub(super) fn bring_code(&mut self) {
        let name = format!("{} {}", self.name, self.codes.len());
        let of_grant = Code::presented(&format!("{name} grant")).digest();
        let mut grant = [0; 16];
        grant.iter_mut().zip(of_grant.as_bytes()).for_each(|(to, from)| *to = *from);
        self.codes.push((Code::presented(&name).digest(), GrantId(grant), Outcome::Unknown));
    }

    /// New tokens, which the next redemption or use of a refresh token brings.
    pub(super) fn bring_token(&mut self) -> usize {
        let name = format!("{} {}", self.name, self.tokens.len());
        let access = AccessToken::presented(&name).digest();
        let refresh = RefreshToken::presented(&format!("{name} refresh")).digest();
        self.tokens.push(Fruit { pair: Pair { access, refresh }, outcome: Outcome::Unknown });
        self.tokens.len() - 1
    }

    /// Takes up what an event tells.
    pub(super) fn recall(&mut self, event: &Event) {
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
    pub(super) fn learn(&mut self, at: usize, told: Outcome) {
        if let Some((_, _, outcome)) = self.codes.get_mut(at) {
            *outcome = told;
        }
    }

    pub(super) fn event(&self, operation: Operation, now: Timestamp) -> Event {
        Event {
            client: Some(self.who.client.as_str().to_owned()),
            person: Some(self.person.clone()),
            scope: self.scope.clone(),
            now: Some(now.unix()),
            ..about(&self.name, operation)
        }
    }

    /// The code that is known to be there.
    pub(super) fn code(&self) -> Option<CodeDigest> {
        self.codes.iter().find(|(_, _, outcome)| *outcome == Outcome::Done).map(|(code, _, _)| *code)
    }

    pub(super) async fn begin(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = Event { expires: Some((now + LOGIN).unix()), ..self.event(Operation::Begin, now) };
        stage.ask(node, event, shell(stage, node).begin(&self.who, now)).await
    }

    pub(super) async fn find_login(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::FindLogin, now);
        stage.ask(node, event, shell(stage, node).find_login(&self.who, now)).await
    }

    pub(super) async fn identify(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::Identify, now);
        stage.ask(node, event, shell(stage, node).identify(&self.who, now)).await
    }

    pub(super) async fn collect(&self, stage: &Stage, node: &Node, at: usize) -> Outcome {
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

    pub(super) async fn refuse(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::Refuse, now);
        stage.ask(node, event, shell(stage, node).refuse(&self.who, now)).await
    }

    pub(super) async fn end(&self, stage: &Stage, node: &Node) -> Outcome {
        let now = stage.clock().now();
        let event = self.event(Operation::End, now);
        stage.ask(node, event, shell(stage, node).end(&self.who, now)).await
    }

    /// Looks whether a code is there that nobody has refused.
    pub(super) async fn learn_code(&mut self, stage: &Stage, node: &Node, at: usize) {
        let event = Event { attempt: number(at), ..self.event(Operation::FindCode, stage.clock().now()) };
        let Some((code, _, _)) = self.codes.get(at) else { return };
        if stage.ask(node, event, shell(stage, node).find_code(*code)).await == Outcome::Done {
            self.learn(at, Outcome::Done);
        }
    }

    pub(super) async fn redeem(
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
    pub(super) fn brings(&self, operation: Operation, at: usize, now: Timestamp) -> Event {
        let expires = Some((now + TOKEN).unix());
        Event { attempt: number(at), expires, ..self.event(operation, now) }
    }

    /// Keeps what came of an attempt, whose refresh token is used next if it came.
    pub(super) fn learn_token(&mut self, at: usize, told: Outcome) {
        if told == Outcome::Done && self.refreshes.is_some() {
            self.leaf = Some(at);
        }
        self.learn_fruit(at, told);
    }

    pub(super) fn learn_fruit(&mut self, at: usize, told: Outcome) {
        if let Some(fruit) = self.tokens.get_mut(at) {
            fruit.outcome = told;
        }
    }

    /// Uses a refresh token once.
    pub(super) async fn refresh(&mut self, stage: &Stage, node: &Node, token: usize, now: Timestamp) {
        let at = self.bring_token();
        let told = self.refresh_for(stage, node, token, at, now).await;
        self.learn_refresh(at, told);
    }

    /// Three uses at once.
    pub(super) async fn refresh_at_once(&mut self, stage: &Stage, uses: [(&Node, usize); 3], now: Timestamp) {
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
    pub(super) async fn revoke_meanwhile(
        &mut self,
        stage: &Stage,
        nodes: [&Node; 3],
        token: usize,
        now: Timestamp,
    ) {
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

    pub(super) async fn refresh_for(
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
    pub(super) fn stays(&self) -> bool {
        self.refreshes == Some(RefreshUse::Reuse)
    }

    pub(super) fn learn_refresh(&mut self, at: usize, told: Outcome) {
        if self.stays() { self.learn_fruit(at, told) } else { self.learn_token(at, told) }
    }

    /// By one of the two tokens that an attempt brought: an access token too that has ended, or that a retry replaced.
    pub(super) async fn revoke(&self, stage: &Stage, node: &Node, token: usize, now: Timestamp) {
        let Some(Fruit { pair, .. }) = self.tokens.get(token) else { return };
        let has_refresh_token = self.refreshes == Some(RefreshUse::OneTime);
        let digests = match has_refresh_token && token.is_multiple_of(2) {
            true => by_refresh(pair.refresh),
            false => by_access(pair.access),
        };
        let event = Event { presented: Some(number(token)), ..self.event(Operation::Revoke, now) };
        stage.ask(node, event, shell(stage, node).revoke(&self.who, digests, now)).await;
    }

    /// Uses every token that nobody has refused.
    pub(super) async fn use_tokens(&self, stage: &Stage, node: &Node, now: Timestamp) {
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
