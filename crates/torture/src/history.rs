//! What clients did and what they were told, and the one judge of it. A history comes from any number of clients and nodes;
//! the judge is pure, and knows nothing of how the answers were had.
//!
//! Events overlap, so nothing is concluded from the order of two events unless one had ended before the other began. What was
//! acknowledged is there for every event that begins later. What was asked without an answer may have taken effect or not, then
//! or later. A refusal needs a cause that is possible; a success must meet no obstacle that is certain.

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "each part of the judge reads its own operations out of all"
)]
mod audit;
mod breach;
mod effect;
mod event;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "each part of the judge reads its own operations out of all"
)]
mod issuer;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "each part of the judge reads its own operations out of all"
)]
mod known;
mod lines;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "each part of the judge reads its own operations out of all"
)]
mod login;
mod recovery;
mod standing;

pub use audit::Recorded;
pub use breach::{Breach, Invariant};
pub use event::{Event, Kind, Operation, Outcome, Place, UNENDED};
pub use known::{Known, State, known};
pub use lines::{Line, LineFault, parse};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::standing::Standings;

/// How late a sound answer may be. The defaults are the house's own promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// By how many seconds the nodes' clocks, taken together with the one that wrote the history, may differ.
    pub skew: i64,
    /// For how long another node than the one that changed a registration may go by its copy, in microseconds.
    pub copies: u64,
    /// For how long after its end what was asked without an answer may still take effect, in microseconds; `None`: for ever.
    pub unknown: Option<u64>,
    /// Within how long after a fault's end something succeeds again, in microseconds.
    pub recovery: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { skew: 0, copies: 1_000_000, unknown: None, recovery: 30_000_000 }
    }
}

/// What was done in one run, and, once it was read, what the audit says of it.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In any order: the judge goes by their times.
    pub events: Vec<Event>,
    /// Every audit record of the run, read when nothing was being asked any more.
    pub audit: Option<Vec<Recorded>>,
}

/// How much was judged: a history in which nothing happened proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Logins.
    pub logins: u64,
    /// Acknowledgements of writes.
    pub acknowledged: u64,
    /// Refusals, each with a possible cause.
    pub refused: u64,
    /// Questions without an answer.
    pub unknown: u64,
    /// Single uses contested: more than one attempt was made.
    pub contested: u64,
    /// Logins, or codes, with tokens that were taken back.
    pub revoked: u64,
    /// Acknowledged uses of refresh tokens.
    #[serde(default)]
    pub refreshed: u64,
    /// Refresh tokens of which more than one use was acknowledged: retries of lost answers, each with its two branches.
    #[serde(default)]
    pub retried: u64,
    /// Audit records that were held against their effects.
    pub audit: u64,
    /// Signatures that were held against the published keys.
    pub signatures: u64,
    /// Faults after which something succeeded again.
    pub recovered: u64,
}

/// What the judge found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Every broken invariant that was found, at most one for each event.
    pub breaches: Vec<Breach>,
    /// What was judged.
    pub counts: Counts,
}

impl Verdict {
    /// The counts, if nothing was broken.
    ///
    /// # Errors
    /// The first breach.
    pub fn held(self) -> Result<Counts, Breach> {
        match self.breaches.into_iter().next() {
            None => Ok(self.counts),
            Some(breach) => Err(breach),
        }
    }
}

impl History {
    /// Holds everything against the invariants.
    pub fn judge(&self, bounds: &Bounds) -> Verdict {
        let mut events: Vec<&Event> = self.events.iter().collect();
        events.sort_by_key(|event| (event.start, event.end));
        let mut verdict = Verdict::default();
        count(&events, &mut verdict.counts);
        let mut logins: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        let mut issuers: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in &events {
            match event.operation.kind() {
                Kind::Login => logins.entry(&event.about).or_default().push(event),
                Kind::Issuer => issuers.entry(&event.about).or_default().push(event),
                Kind::Client | Kind::Person | Kind::Scope | Kind::Site => {}
            }
        }
        let standings = Standings::of(&events, bounds);
        standings.judge(&mut verdict);
        let mut promised = audit::Promised::default();
        promised.of_standings(&events, bounds);
        verdict.counts.logins = logins.len() as u64;
        for story in logins.values() {
            let judged = login::judge(story, &standings, bounds, &mut verdict);
            promised.of_login(story, &judged);
        }
        for story in issuers.values() {
            issuer::judge(story, bounds, &mut verdict);
            promised.of_issuer(story);
        }
        recovery::judge(&events, bounds, &mut verdict);
        if let Some(records) = &self.audit {
            promised.judge(records, &mut verdict);
        }
        verdict
    }
}

fn count(events: &[&Event], counts: &mut Counts) {
    counts.events = events.len() as u64;
    for event in events {
        match &event.outcome {
            Outcome::Done if event.operation.writes() => counts.acknowledged += 1,
            Outcome::Done => {}
            Outcome::Refused(_) => counts.refused += 1,
            Outcome::Unknown | Outcome::Failed(_) => counts.unknown += 1,
        }
    }
}
