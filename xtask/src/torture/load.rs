//! The load: clients that log persons in and redeem codes until the server dies, and afterwards ask after everything that
//! they were promised.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::chance::Chance;
use super::judge::{Breach, Known, judge};
use super::log::{Event, History, Outcome, Step};
use super::server::PERSONS;
use crate::client::{Connection, Login, Miss, RelyingParty, Tokens};

/// One login with all that became of it: what the client holds, and the log of how it came by it.
#[derive(Debug)]
pub(super) struct Story {
    /// Everything that was asked and told.
    pub(super) history: History,
    login: Option<Login>,
    code: Option<String>,
    tokens: Option<Tokens>,
}

/// One client of the server, on one connection at a time.
#[derive(Debug)]
pub(super) struct Client {
    id: String,
    chance: Chance,
    party: RelyingParty,
    began: Instant,
    /// All its logins, oldest first.
    pub(super) stories: Vec<Story>,
    settled: usize,
}

/// The server was lost: it died, or is about to.
struct Lost;

/// A conversation about one story in one life of the server.
struct Talk<'a> {
    story: &'a mut Story,
    party: &'a RelyingParty,
    server: &'a mut Connection,
    life: u32,
    began: Instant,
}

impl Talk<'_> {
    /// Asks, and writes down what was asked and told.
    fn ask<T>(
        &mut self,
        step: Step,
        call: impl FnOnce(&RelyingParty, &mut Connection, &mut Story) -> Result<T, Miss>,
    ) -> Result<Option<T>, Lost> {
        let start = self.began.elapsed();
        let answer = call(self.party, self.server, self.story);
        let end = self.began.elapsed();
        let (outcome, got) = match answer {
            Ok(got) => (Outcome::Done, Ok(Some(got))),
            Err(miss) if miss.is_lost() => (Outcome::Unknown, Err(Lost)),
            Err(miss) => (told(&miss), Ok(None)),
        };
        self.story.history.add(Event { step, life: self.life, start, end, outcome });
        got
    }

    fn begin(&mut self) -> Result<(), Lost> {
        let login = self.ask(Step::Begin, |party, server, _| party.begin(server))?;
        self.story.login = login;
        Ok(())
    }

    fn identify(&mut self, pid: &str) -> Result<(), Lost> {
        let Some(mut login) = self.story.login.clone() else { return Ok(()) };
        self.ask(Step::Identify, |party, server, _| party.identify(server, &mut login, pid))?;
        self.story.login = Some(login);
        Ok(())
    }

    fn collect(&mut self) -> Result<(), Lost> {
        let code = self.ask(Step::Collect, |party, server, story| match &story.login {
            Some(login) => party.collect(server, login),
            None => Err(Miss::Lost(std::io::ErrorKind::NotFound.into())),
        })?;
        self.story.code = code;
        Ok(())
    }

    fn redeem(&mut self) -> Result<(), Lost> {
        let Some(code) = self.story.code.clone() else { return Ok(()) };
        if let Some(tokens) = self.ask(Step::Redeem, |party, server, _| party.redeem(server, &code))? {
            self.story.tokens = Some(tokens);
        }
        Ok(())
    }

    fn userinfo(&mut self) -> Result<(), Lost> {
        let Some(tokens) = self.story.tokens.clone() else { return Ok(()) };
        self.ask(Step::Userinfo, |party, server, _| party.userinfo(server, &tokens.access_token))?;
        Ok(())
    }
}

/// What an unwelcome answer says.
fn told(miss: &Miss) -> Outcome {
    match miss {
        Miss::Lost(_) => Outcome::Unknown,
        Miss::Answered(answer) if answer.status >= 500 || answer.status == 200 => {
            Outcome::Failed(format!("{} {}", answer.status, answer.text()))
        }
        Miss::Answered(answer) => {
            let error = answer.error();
            Outcome::Refused(if error.is_empty() { answer.status.to_string() } else { error })
        }
    }
}

impl Client {
    /// The client of that number, for that relying party. Times in its log count from `began`.
    pub(super) fn new(number: usize, seed: u64, party: RelyingParty, began: Instant) -> Self {
        let chance = Chance::seeded(seed);
        Self { id: format!("client {number}"), chance, party, began, stories: Vec::new(), settled: 0 }
    }

    /// Logs in and redeems until the server dies, or until `stop`.
    pub(super) fn live(&mut self, life: u32, stop: &AtomicBool) {
        let mut server = Connection::to(&self.party.at.authority);
        while !stop.load(Ordering::Relaxed) {
            let id = format!("{}, login {}", self.id, self.stories.len());
            let mut story = Story { history: History::of(id), login: None, code: None, tokens: None };
            let talk =
                Talk { story: &mut story, party: &self.party, server: &mut server, life, began: self.began };
            let alive = one_login(talk, &mut self.chance);
            self.stories.push(story);
            if alive.is_err() {
                break;
            }
        }
    }

    /// After a kill: asks after everything that was promised since the last time, and after a few older promises.
    ///
    /// # Errors
    /// The server was lost though nobody killed it, or a [`Breach`].
    pub(super) fn settle(&mut self, life: u32) -> Result<(), String> {
        let mut server = Connection::to(&self.party.at.authority);
        let known = self.settled;
        self.settled = self.stories.len();
        let older: Vec<u64> = (0..8).map(|_| self.chance.below(known as u64)).collect();
        for (at, story) in self.stories.iter_mut().enumerate() {
            if at < known && !older.contains(&(at as u64)) {
                continue;
            }
            let mut talk = Talk { story, party: &self.party, server: &mut server, life, began: self.began };
            let replay = at >= known && self.chance.once_in(4);
            ask_after(&mut talk, &mut self.chance, replay).map_err(SettleFault::text)?;
        }
        Ok(())
    }

    /// At the end: every token once more, and a replay of every `nth` code.
    ///
    /// # Errors
    /// As [`Client::settle`].
    pub(super) fn settle_all(&mut self, life: u32, nth: usize) -> Result<(), String> {
        let mut server = Connection::to(&self.party.at.authority);
        for (at, story) in self.stories.iter_mut().enumerate() {
            let mut talk = Talk { story, party: &self.party, server: &mut server, life, began: self.began };
            ask_after(&mut talk, &mut self.chance, at % nth == 0).map_err(SettleFault::text)?;
        }
        Ok(())
    }
}

/// One login, whole or as far as the server lives. Some codes are kept for after the next kill, some are replayed.
fn one_login(mut talk: Talk<'_>, chance: &mut Chance) -> Result<(), Lost> {
    talk.begin()?;
    if talk.story.login.is_none() {
        return Ok(());
    }
    talk.identify(chance.pick(&PERSONS).copied().unwrap_or_default())?;
    talk.collect()?;
    if chance.once_in(4) {
        return Ok(());
    }
    talk.redeem()?;
    if chance.once_in(8) {
        talk.redeem()?;
        talk.userinfo()
    } else if chance.once_in(2) {
        talk.userinfo()
    } else {
        Ok(())
    }
}

enum SettleFault {
    Lost(String),
    Breach(Breach),
}

impl SettleFault {
    fn text(self) -> String {
        match self {
            Self::Lost(id) => format!("the server was lost though nobody killed it, in {id}"),
            Self::Breach(Breach { rule, shown }) => format!("{rule:?}\n{shown}"),
        }
    }
}

/// Asks after one story as far as it had come, and judges the answers.
fn ask_after(talk: &mut Talk<'_>, chance: &mut Chance, replay: bool) -> Result<(), SettleFault> {
    let state = judge(&talk.story.history).map_err(SettleFault::Breach)?;
    let mut asked = || {
        if talk.story.login.is_some() && state.code != Known::Yes {
            if state.evident != Known::Yes && state.code == Known::No {
                talk.identify(chance.pick(&PERSONS).copied().unwrap_or_default())?;
            }
            if state.code == Known::No || talk.story.code.is_none() {
                talk.collect()?;
            }
        }
        if state.redeemed != Known::Yes {
            talk.redeem()?;
        }
        talk.userinfo()?;
        if replay && state.revoked != Known::Yes {
            talk.redeem()?;
            talk.userinfo()?;
        }
        Ok(())
    };
    asked().map_err(|Lost| SettleFault::Lost(talk.story.history.id.clone()))?;
    judge(&talk.story.history).map(|_| ()).map_err(SettleFault::Breach)
}
