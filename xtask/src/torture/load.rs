//! The load: clients that log persons in and redeem codes whatever breaks, and afterwards ask after everything that they were
//! promised. Every question and answer goes into the journal, which is judged at the end.

mod talk;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) use self::talk::told;
use self::talk::{Came, Story, Talk};
use super::chance::Chance;
use super::doors::{Doors, Entrance};
use super::history::Journal;
use super::server::{PERSONS, Parties, SCOPE};
use crate::client::RelyingParty;
use crate::house::Outcome as Done;

/// How long a client waits after it lost the server, or was refused, as a person would.
const BREATH: Duration = Duration::from_millis(20);

/// Within how long after the last fault a site of several nodes answers every question.
pub(super) const RECOVERY: Duration = Duration::from_secs(30);

/// Older logins that are asked after each time.
const OLDER: usize = 8;

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
