//! The load: clients that log persons in and redeem codes whatever breaks, and afterwards ask after everything that they were
//! promised. Every question and answer goes into the journal, which is judged at the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::doors::{Doors, Entrance};
use super::history::{Event, Journal, Operation, Outcome, seconds};
use super::server::{PERSONS, Parties, REUSING, SCOPE};
use crate::client::{Answer, Login, Miss, RelyingParty, Tokens};
use crate::house::Outcome as Done;

/// How long a login and a code last, in seconds (docs/spec-coverage.md).
const LOGIN_LASTS: i64 = 1800;
const CODE_LASTS: i64 = 60;

/// What introspection says of a token that is not good, whatever the reason (RFC 7662 §2.2).
const INACTIVE: &str = r#"{"active":false}"#;

/// How long a client waits after it lost the server, or was refused, as a person would.
const BREATH: Duration = Duration::from_millis(20);

/// Within how long after the last fault a site of several nodes answers every question.
pub(super) const RECOVERY: Duration = Duration::from_secs(30);

/// Older logins that are asked after each time.
const OLDER: usize = 8;

/// One login with all that became of it: what the client holds.
#[derive(Debug)]
struct Story {
    id: String,
    login: Option<Login>,
    /// The form was taken for certain.
    identified: bool,
    /// The resume point was asked, so often.
    collected: u32,
    /// It refused, or the form did: whatever became of the login, it brings no code any more.
    closed: bool,
    code: Option<String>,
    /// What brings tokens was asked, so often: redemptions and uses of refresh tokens.
    attempts: u32,
    /// Some redemption was answered for certain.
    spent: bool,
    /// What each attempt brought.
    tokens: Vec<(u32, Tokens)>,
    /// Which of those holds the refresh token that is used next.
    leaf: Option<usize>,
}

/// One client of a site, which does one thing at a time.
pub(super) struct Client {
    id: String,
    chance: Chance,
    party: RelyingParty,
    /// Who may introspect its tokens, if somebody may.
    reader: Option<RelyingParty>,
    entrance: Entrance,
    journal: Journal,
    stories: Vec<Story>,
    settled: usize,
}

/// A conversation about one story in one life of the site.
struct Talk<'a> {
    story: &'a mut Story,
    party: &'a RelyingParty,
    reader: Option<&'a RelyingParty>,
    doors: &'a mut Doors,
    journal: &'a Journal,
    life: u32,
}

/// Whether the conversation can go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
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

    fn begin(&mut self) -> Came {
        let (outcome, login) = self.ask(Operation::Begin, 0, |party, doors, _| party.begin(doors));
        self.story.login = login;
        came(&outcome)
    }

    fn identify(&mut self, pid: &str) -> Came {
        let Some(mut login) = self.story.login.clone() else { return Came::Through };
        let (outcome, _) =
            self.ask(Operation::Identify, 0, |party, doors, _| party.identify(doors, &mut login, pid));
        self.story.login = Some(login);
        self.story.identified |= outcome == Outcome::Done;
        self.story.closed |= matches!(outcome, Outcome::Refused(_));
        came(&outcome)
    }

    fn collect(&mut self) -> Came {
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

    fn redeem(&mut self) -> Came {
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
    fn userinfo(&mut self) -> Came {
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
    fn refresh_next(&mut self) -> Came {
        self.story.leaf.map_or(Came::Through, |leaf| self.refresh(leaf, false))
    }

    fn revoke(&mut self, at: usize) -> Came {
        let held = self.story.tokens.get(at).and_then(|(by, held)| Some((*by, held.refresh_token.clone()?)));
        let Some((presented, token)) = held else { return Came::Through };
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
                4 => self.revoke(old),
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
    fn surely(&mut self, mut step: impl FnMut(&mut Self) -> Came) -> Done {
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
    fn log_in(&mut self, chance: &mut Chance) -> Came {
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
    fn ask_after(&mut self, chance: &mut Chance, replay: bool) -> Done {
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
        if replay && chance.once_in(2) {
            return self.present_all();
        }
        if replay {
            self.surely(Self::redeem)?;
            self.surely(Self::userinfo)?;
            self.surely(Self::refresh_next)?;
        }
        Ok(())
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
pub(super) fn told(miss: &Miss) -> Outcome {
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

impl Client {
    /// The client of that name, for that relying party, and who may introspect its tokens.
    pub(super) fn new(
        id: String,
        seed: u64,
        party: RelyingParty,
        reader: Option<RelyingParty>,
        entrance: &Entrance,
        journal: &Journal,
    ) -> Self {
        let chance = Chance::seeded(seed);
        let (entrance, journal) = (entrance.clone(), journal.clone());
        Self { id, chance, party, reader, entrance, journal, stories: Vec::new(), settled: 0 }
    }

    /// Logs in and redeems until `stop`; where there is one server alone, until it is gone.
    pub(super) fn live(&mut self, life: u32, stop: &AtomicBool) {
        let mut doors = self.entrance.doors(&mut self.chance);
        while !stop.load(Ordering::Relaxed) {
            let came = self.log_in(&mut doors, life);
            if came == Came::Lost {
                if !self.entrance.is_several() {
                    break;
                }
                std::thread::sleep(BREATH);
            }
        }
    }

    /// One whole login at one node, its redemption and the use of its tokens; whether all of it was done.
    pub(super) fn probe(&mut self, node: usize, life: u32) -> bool {
        let mut doors = self.entrance.doors(&mut self.chance);
        doors.only(Some(node));
        let (id, pid) = (self.next_id(), self.chance.pick(&PERSONS).copied().unwrap_or_default());
        let mut story = Story::new(id);
        let mut talk = Talk {
            story: &mut story,
            party: &self.party,
            reader: self.reader.as_ref(),
            doors: &mut doors,
            journal: &self.journal,
            life,
        };
        let through = talk.begin() == Came::Through
            && talk.identify(pid) == Came::Through
            && talk.collect() == Came::Through
            && talk.redeem() == Came::Through
            && talk.refresh_next() == Came::Through
            && talk.userinfo() == Came::Through;
        let done = through && !story.tokens.is_empty();
        self.stories.push(story);
        done
    }

    fn next_id(&self) -> String {
        format!("{}, login {}", self.id, self.stories.len())
    }

    fn log_in(&mut self, doors: &mut Doors, life: u32) -> Came {
        let mut story = Story::new(self.next_id());
        let mut talk = Talk {
            story: &mut story,
            party: &self.party,
            reader: self.reader.as_ref(),
            doors,
            journal: &self.journal,
            life,
        };
        let came = talk.log_in(&mut self.chance);
        self.stories.push(story);
        came
    }

    /// When nothing is broken: asks after everything that was promised since the last time, and after a few older promises.
    ///
    /// # Errors
    /// No answer.
    pub(super) fn settle(&mut self, life: u32) -> Done {
        let known = self.settled;
        self.settled = self.stories.len();
        let older: Vec<u64> = (0..OLDER).map(|_| self.chance.below(known as u64)).collect();
        let mut doors = self.entrance.doors(&mut self.chance);
        let mut stories = std::mem::take(&mut self.stories);
        let mut asked = Ok(());
        for (at, story) in stories.iter_mut().enumerate() {
            if at < known && !older.contains(&(at as u64)) {
                continue;
            }
            let replay = at >= known && self.chance.once_in(4);
            asked = self.talk(story, &mut doors, life).ask_after(&mut Chance::seeded(at as u64), replay);
            if asked.is_err() {
                break;
            }
        }
        self.stories = stories;
        asked
    }

    /// At the end: every token once more at every node, and a replay of every `nth` code.
    ///
    /// # Errors
    /// As [`Client::settle`].
    pub(super) fn settle_all(&mut self, life: u32, nth: usize) -> Done {
        let mut doors = self.entrance.doors(&mut self.chance);
        let mut stories = std::mem::take(&mut self.stories);
        let mut asked = Ok(());
        for (at, story) in stories.iter_mut().enumerate() {
            let mut talk = self.talk(story, &mut doors, life);
            asked = talk.ask_after(&mut Chance::seeded(at as u64), at % nth == 0).and_then(|()| {
                (0..self.entrance.nodes.len()).try_for_each(|node| {
                    talk.doors.only(Some(node));
                    let used = talk.surely(Talk::userinfo);
                    talk.doors.only(None);
                    used
                })
            });
            if asked.is_err() {
                break;
            }
        }
        self.stories = stories;
        asked
    }

    fn talk<'a>(&'a self, story: &'a mut Story, doors: &'a mut Doors, life: u32) -> Talk<'a> {
        let reader = self.reader.as_ref();
        Talk { story, party: &self.party, reader, doors, journal: &self.journal, life }
    }
}

impl Story {
    fn new(id: String) -> Self {
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

/// So many clients of every kind.
pub(super) fn clients(
    parties: &Parties,
    count: usize,
    entrance: &Entrance,
    journal: &Journal,
    chance: &mut Chance,
) -> Vec<Client> {
    let numbered = parties.clients.iter().cycle().take(count).enumerate();
    let client = |(number, party): (usize, &RelyingParty)| {
        let reader = party.scope.contains(SCOPE).then(|| parties.reader.clone());
        Client::new(format!("client {number}"), chance.next(), party.clone(), reader, entrance, journal)
    };
    numbered.map(client).collect()
}

/// Has every client do something, all at once.
///
/// # Errors
/// The first that failed.
pub(super) fn each(clients: &mut [Client], work: impl Fn(&mut Client) -> Done + Sync) -> Done {
    std::thread::scope(|scope| {
        let work = &work;
        let all: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || work(client))).collect();
        all.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err("a client panicked".to_owned())))
    })
}
