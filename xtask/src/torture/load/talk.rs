//! One conversation of a client with a site: each step of a login and of what it gave, asked and written down.

use std::time::Instant;

use super::super::chance::Chance;
use super::super::doors::Doors;
use super::super::history::{Event, Journal, Operation, Outcome, seconds};
use super::super::server::{PERSONS, REUSING, SCOPE};
use super::{BREATH, RECOVERY};
use crate::client::{Answer, Login, Miss, RelyingParty, Tokens};
use crate::house::Outcome as Done;

/// How long a login and a code last, in seconds (docs/spec-coverage.md).
const LOGIN_LASTS: i64 = 1800;
const CODE_LASTS: i64 = 60;

/// What introspection says of a token that is not good, whatever the reason (RFC 7662 §2.2).
const INACTIVE: &str = r#"{"active":false}"#;

/// One login with all that became of it: what the client holds.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) id: String,
    pub(super) login: Option<Login>,
    /// The form was taken for certain.
    pub(super) identified: bool,
    /// The resume point was asked, so often.
    pub(super) collected: u32,
    /// It refused, or the form did: whatever became of the login, it brings no code any more.
    pub(super) closed: bool,
    pub(super) code: Option<String>,
    /// What brings tokens was asked, so often: redemptions and uses of refresh tokens.
    pub(super) attempts: u32,
    /// Some redemption was answered for certain.
    pub(super) spent: bool,
    /// What each attempt brought.
    pub(super) tokens: Vec<(u32, Tokens)>,
    /// Which of those holds the refresh token that is used next.
    pub(super) leaf: Option<usize>,
}

impl Story {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            login: None,
            identified: false,
            collected: 0,
            closed: false,
            code: None,
            attempts: 0,
            spent: false,
            tokens: Vec::new(),
            leaf: None,
        }
    }

    /// The number of the next attempt that brings tokens: they are counted from 1.
    fn next_attempt(&mut self) -> u32 {
        self.attempts += 1;
        self.attempts
    }

    /// Keeps what an attempt brought.
    fn keep(&mut self, attempt: u32, tokens: Tokens) {
        if tokens.refresh_token.is_some() {
            self.leaf = Some(self.tokens.len());
        }
        self.tokens.push((attempt, tokens));
    }
}

/// A conversation about one story in one life of the site.
pub(super) struct Talk<'a> {
    pub(super) story: &'a mut Story,
    pub(super) party: &'a RelyingParty,
    pub(super) reader: Option<&'a RelyingParty>,
    pub(super) doors: &'a mut Doors,
    pub(super) journal: &'a Journal,
    pub(super) life: u32,
}

/// Whether the conversation can go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// It is done, or refused.
    Through,
    /// Nobody knows.
    Lost,
}

impl Talk<'_> {
    /// Asks, and writes down what was asked and told.
    fn ask<T>(
        &mut self,
        operation: Operation,
        attempt: u32,
        call: impl FnOnce(&RelyingParty, &mut Doors, &Story) -> Result<T, Miss>,
    ) -> (Outcome, Option<T>) {
        self.ask_by(operation, attempt, None, call)
    }

    /// As [`Talk::ask`], presenting the refresh token that one attempt brought.
    fn ask_by<T>(
        &mut self,
        operation: Operation,
        attempt: u32,
        presented: Option<u32>,
        call: impl FnOnce(&RelyingParty, &mut Doors, &Story) -> Result<T, Miss>,
    ) -> (Outcome, Option<T>) {
        let start = self.journal.micros();
        let answer = call(self.party, self.doors, self.story);
        let end = self.journal.micros();
        let lasting = [(Operation::Begin, LOGIN_LASTS), (Operation::Collect, CODE_LASTS)];
        let lasts = lasting.iter().find(|(lasting, _)| *lasting == operation).map(|(_, time)| *time);
        let (outcome, got) = match answer {
            Ok(got) => (Outcome::Done, Some(got)),
            Err(miss) => (told(&miss), None),
        };
        self.journal.add(&Event {
            about: self.story.id.clone(),
            operation,
            attempt,
            presented,
            node: self.doors.last().to_owned(),
            life: self.life,
            start,
            end,
            outcome: outcome.clone(),
            now: seconds(start),
            expires: lasts.map(|lasts| seconds(start).saturating_add(lasts)),
            client: Some(self.party.client_id.clone()),
            scope: self.party.scope.contains(SCOPE).then(|| SCOPE.to_owned()),
        });
        (outcome, got)
    }

    pub(super) fn begin(&mut self) -> Came {
        let (outcome, login) = self.ask(Operation::Begin, 0, |party, doors, _| party.begin(doors));
        self.story.login = login;
        came(&outcome)
    }

    pub(super) fn identify(&mut self, pid: &str) -> Came {
        let Some(mut login) = self.story.login.clone() else { return Came::Through };
        let (outcome, _) =
            self.ask(Operation::Identify, 0, |party, doors, _| party.identify(doors, &mut login, pid));
        self.story.login = Some(login);
        self.story.identified |= outcome == Outcome::Done;
        self.story.closed |= matches!(outcome, Outcome::Refused(_));
        came(&outcome)
    }

    pub(super) fn collect(&mut self) -> Came {
        let Some(login) = self.story.login.clone() else { return Came::Through };
        self.story.collected += 1;
        let attempt = self.story.collected;
        let (outcome, code) =
            self.ask(Operation::Collect, attempt, |party, doors, _| party.collect(doors, &login));
        self.story.closed |= outcome.is_certain();
        if code.is_some() {
            self.story.code = code;
        }
        came(&outcome)
    }

    pub(super) fn redeem(&mut self) -> Came {
        let Some(code) = self.story.code.clone() else { return Came::Through };
        let attempt = self.story.next_attempt();
        let (outcome, tokens) =
            self.ask(Operation::Redeem, attempt, |party, doors, _| party.redeem(doors, &code));
        // For want of a scope a code is refused, and not spent.
        let withdrawn = Outcome::Refused("invalid_scope".to_owned());
        self.story.spent |= outcome.is_certain() && outcome != withdrawn;
        if let Some(tokens) = tokens {
            self.story.keep(attempt, tokens);
        }
        came(&outcome)
    }

    /// Every access token is used, or looked at by who may introspect it.
    pub(super) fn userinfo(&mut self) -> Came {
        let mut all = Came::Through;
        for (attempt, tokens) in self.story.tokens.clone() {
            let token = &tokens.access_token;
            let (outcome, _) = match self.reader.filter(|_| attempt % 2 == 0) {
                Some(reader) => {
                    self.ask(Operation::Introspect, attempt, |_, doors, _| reader.introspect(doors, token))
                }
                None => self.ask(Operation::Userinfo, attempt, |party, doors, _| {
                    party.userinfo(doors, token).map(drop)
                }),
            };
            if came(&outcome) == Came::Lost {
                all = Came::Lost;
            }
        }
        all
    }

    /// Whether the client's refresh tokens stay when they are used.
    fn stays(&self) -> bool {
        self.party.client_id == REUSING.client_id
    }

    /// Uses the refresh token of one of those that the client holds. With `forgets` it goes on as if it had not heard the answer.
    fn refresh(&mut self, at: usize, forgets: bool) -> Came {
        let held = self.story.tokens.get(at).and_then(|(by, held)| Some((*by, held.refresh_token.clone()?)));
        let Some((presented, token)) = held else { return Came::Through };
        let attempt = self.story.next_attempt();
        let operation = if self.stays() { Operation::Reuse } else { Operation::Refresh };
        let (outcome, tokens) =
            self.ask_by(operation, attempt, Some(presented), |party, doors, _| party.refresh(doors, &token));
        if let Some(mut tokens) = tokens {
            if self.stays() {
                tokens.refresh_token = None;
            }
            let leaf = self.story.leaf;
            self.story.keep(attempt, tokens);
            if forgets || self.stays() {
                self.story.leaf = leaf;
            }
        }
        came(&outcome)
    }

    /// Uses the refresh token that is next, if there is one.
    pub(super) fn refresh_next(&mut self) -> Came {
        self.story.leaf.map_or(Came::Through, |leaf| self.refresh(leaf, false))
    }

    /// Gives everything back by any of the tokens that the client ever held: a refresh token, used or not, or an access token, be it one
    /// that a rotation gave or one that a retry has replaced.
    fn revoke(&mut self, chance: &mut Chance) -> Came {
        let Some((presented, held)) = chance.pick(&self.story.tokens).cloned() else { return Came::Through };
        let by_refresh = held.refresh_token.filter(|_| chance.once_in(2));
        let token = by_refresh.unwrap_or(held.access_token);
        let revoked =
            self.ask_by(Operation::Revoke, 0, Some(presented), |party, doors, _| party.revoke(doors, &token));
        came(&revoked.0)
    }

    /// Uses refresh tokens as clients do: one after the other, once more after an answer that it did not hear, an old one by mistake; and gives
    /// everything back.
    fn refresh_some(&mut self, chance: &mut Chance) -> Came {
        for _ in 0..chance.below(4) {
            let Some(leaf) = self.story.leaf else { break };
            let old = usize::try_from(chance.below(leaf as u64 + 1)).unwrap_or(leaf);
            let came = match chance.below(16) {
                0..=2 => match self.refresh(leaf, true) {
                    Came::Through => self.refresh(leaf, false),
                    Came::Lost => Came::Lost,
                },
                3 => self.refresh(old, false),
                4 => self.revoke(chance),
                _ => self.refresh(leaf, false),
            };
            // What got no answer is asked for again, as it stands.
            if came == Came::Lost && (chance.once_in(2) || self.refresh_next() == Came::Lost) {
                return Came::Lost;
            }
        }
        Came::Through
    }

    /// Whatever it holds: the newest refresh token, which works; then all others, which were used before; then nothing works.
    fn present_all(&mut self) -> Done {
        let Some(leaf) = self.story.leaf else { return Ok(()) };
        for at in (0..=leaf).rev() {
            self.surely(|talk| talk.refresh(at, false))?;
        }
        self.surely(|talk| talk.refresh(leaf, false))?;
        self.surely(Self::userinfo)
    }

    /// As often as it takes, when nothing is broken any more.
    pub(super) fn surely(&mut self, mut step: impl FnMut(&mut Self) -> Came) -> Done {
        let begun = Instant::now();
        let several = self.doors.is_several();
        while step(self) == Came::Lost {
            if !several || begun.elapsed() > RECOVERY {
                return Err(format!("no answer though nobody broke anything, in {}", self.story.id));
            }
            std::thread::sleep(BREATH);
        }
        Ok(())
    }

    /// One login, whole or as far as it comes. Some codes are kept for later, some are replayed. What got no answer is sometimes
    /// asked again at once, perhaps at another node, as a person's reload does.
    pub(super) fn log_in(&mut self, chance: &mut Chance) -> Came {
        let pid = chance.pick(&PERSONS).copied().unwrap_or_default();
        if self.begin() == Came::Lost {
            return Came::Lost;
        }
        // Refused: the scope is withdrawn.
        if self.story.login.is_none() {
            std::thread::sleep(BREATH);
            return Came::Through;
        }
        if self.identify(pid) == Came::Lost && (chance.once_in(2) || self.identify(pid) == Came::Lost) {
            return Came::Lost;
        }
        if self.story.closed {
            return Came::Through;
        }
        if self.collect() == Came::Lost && (chance.once_in(2) || self.collect() == Came::Lost) {
            return Came::Lost;
        }
        if chance.once_in(4) {
            return Came::Through;
        }
        if self.redeem() == Came::Lost && (chance.once_in(2) || self.redeem() == Came::Lost) {
            return Came::Lost;
        }
        if self.refresh_some(chance) == Came::Lost {
            return Came::Lost;
        }
        if chance.once_in(8) && self.redeem() == Came::Lost {
            return Came::Lost;
        }
        if chance.once_in(2) { self.userinfo() } else { Came::Through }
    }

    /// Asks after the story as far as it had come.
    pub(super) fn ask_after(&mut self, chance: &mut Chance, replay: bool) -> Done {
        if self.story.login.is_some() && self.story.code.is_none() && !self.story.closed {
            let pid = chance.pick(&PERSONS).copied().unwrap_or_default();
            if !self.story.identified && self.story.collected == 0 {
                self.surely(|talk| talk.identify(pid))?;
            }
            if !self.story.closed {
                self.surely(Self::collect)?;
            }
        }
        if !self.story.spent {
            self.surely(Self::redeem)?;
        }
        self.surely(Self::refresh_next)?;
        self.surely(Self::userinfo)?;
        if !replay {
            return Ok(());
        }
        match chance.below(3) {
            0 => return self.present_all(),
            1 => self.surely(Self::redeem)?,
            _ => self.surely(|talk| talk.revoke(chance))?,
        }
        self.surely(Self::userinfo)?;
        self.surely(Self::refresh_next)
    }
}

fn came(outcome: &Outcome) -> Came {
    if outcome.is_certain() { Came::Through } else { Came::Lost }
}

/// The error that a redirect brings home to the client (RFC 6749 §4.1.2.1).
fn brought_home(answer: &Answer) -> Option<&str> {
    let (_, error) = answer.field("location")?.split_once("error=")?;
    error.split('&').next()
}

/// Whether that says that the server failed: what a 5xx is on the way through the browser.
fn says_it_failed(answer: &Answer) -> bool {
    brought_home(answer).is_some_and(|error| matches!(error, "temporarily_unavailable" | "server_error"))
}

/// What an unwelcome answer says.
pub(in super::super) fn told(miss: &Miss) -> Outcome {
    match miss {
        Miss::Lost(_) => Outcome::Unknown,
        Miss::Answered(answer) if answer.text() == INACTIVE => Outcome::Refused("inactive".to_owned()),
        Miss::Answered(answer) if answer.status >= 500 || answer.status == 200 => {
            let text = answer.text();
            Outcome::Failed(format!("{} {}", answer.status, text.get(..200).unwrap_or(&text)))
        }
        Miss::Answered(answer) if says_it_failed(answer) => {
            Outcome::Failed(answer.field("location").unwrap_or_default().to_owned())
        }
        Miss::Answered(answer) => {
            let error = answer.error();
            let said = [brought_home(answer).unwrap_or_default(), &error];
            let error = said.into_iter().find(|error| !error.is_empty());
            Outcome::Refused(error.map_or_else(|| answer.status.to_string(), str::to_owned))
        }
    }
}
