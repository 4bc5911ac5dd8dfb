//! What clients did and what they were told: lines of JSON that `portvakt-torture judge` reads, and the counts that a run ends with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::Serialize;

use crate::house::Outcome as Done;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    /// An authorization request: a login is under way.
    Begin,
    /// The person's form: the login holds evidence.
    Identify,
    /// The resume point: the login is finished, and there is a code.
    Collect,
    /// A redemption of the code.
    Redeem,
    /// A use of the access token.
    Userinfo,
    /// A look at the access token by who may introspect it.
    Introspect,
    /// A use of a refresh token that rotates.
    Refresh,
    /// A use of a refresh token that stays.
    Reuse,
    /// A revocation of everything that a login gave.
    Revoke,
    /// The clients' organisation is given a scope.
    GiveScope,
    /// The scope is withdrawn from it.
    WithdrawScope,
    /// A client's registration.
    Register,
    /// The registered client shows its secret.
    Authenticate,
    /// Something was broken on purpose, from start to end.
    Fault,
}

/// What the client was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// What was asked for is done.
    Done,
    /// It is refused, for this reason.
    Refused(String),
    /// Nothing, or not all of an answer: it is done or not.
    Unknown,
    /// The server failed (5xx), or answered what no client should see: it is done or not.
    Failed(String),
}

impl Outcome {
    /// Whether what was asked for is done, or certain not to be.
    pub(super) fn is_certain(&self) -> bool {
        matches!(self, Self::Done | Self::Refused(_))
    }
}

/// One event. Times are microseconds since 1970, instants seconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Event {
    /// The thing: one login with all that became of it, or one client.
    pub(super) about: String,
    /// What was asked.
    pub(super) operation: Operation,
    /// Which of several attempts at a single use, or whose fruit is used.
    pub(super) attempt: u32,
    /// The attempt that brought the refresh token that is presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presented: Option<u32>,
    /// Where it was asked.
    pub(super) node: String,
    /// In which life of the site: the first is 0.
    pub(super) life: u32,
    /// When it was asked.
    pub(super) start: u64,
    /// When the answer was there, or hope was given up.
    pub(super) end: u64,
    /// The answer.
    pub(super) outcome: Outcome,
    /// The instant of asking.
    pub(super) now: i64,
    /// When what this brings about ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
    /// The client that a login is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<String>,
    /// The scope of the login's that may be withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    writer: u64,
    number: u64,
    event: &'a Event,
}

/// What was told about one thing at one operation: how often, and in which lives it was done.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    done: Option<(u32, u32)>,
}

/// Counts by operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Acknowledged.
    pub(super) done: u64,
    /// Refused.
    pub(super) refused: u64,
    /// Without an answer, or with one that says nothing.
    pub(super) unknown: u64,
}

struct Inner {
    file: BufWriter<File>,
    failed: Option<String>,
    number: u64,
    /// The first answer that no sound server gives.
    failure: Option<String>,
    tallies: BTreeMap<Operation, Tally>,
    spans: BTreeMap<(String, Operation), Span>,
}

/// What a run proves nothing without.
const DEMANDED: [(Operation, &str); 7] = [
    (Operation::Redeem, "somebody logged in"),
    (Operation::Register, "a client was registered by `portvakt apply`"),
    (Operation::Refresh, "a refresh token rotated"),
    (Operation::Reuse, "a refresh token that stays was used"),
    (Operation::Introspect, "a token was active at its introspection"),
    (Operation::Revoke, "a grant was revoked"),
    (Operation::WithdrawScope, "a scope was withdrawn"),
];

/// Where events are written down, by any number of threads. Clones write to the same place.
#[derive(Clone)]
pub(super) struct Journal {
    path: PathBuf,
    began: Instant,
    at: Duration,
    inner: Arc<Mutex<Inner>>,
}

impl Journal {
    /// A new file.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(|fault| format!("{}: {fault}", path.display()))?;
        let inner = Inner {
            file: BufWriter::new(file),
            failed: None,
            number: 0,
            failure: None,
            tallies: BTreeMap::new(),
            spans: BTreeMap::new(),
        };
        let at = UNIX_EPOCH.elapsed().unwrap_or_default();
        Ok(Self { path: path.to_owned(), began: Instant::now(), at, inner: Arc::new(Mutex::new(inner)) })
    }

    /// The present, in microseconds since 1970; never backwards.
    pub(super) fn micros(&self) -> u64 {
        u64::try_from((self.at + self.began.elapsed()).as_micros()).unwrap_or(u64::MAX)
    }

    /// Adds an event.
    pub(super) fn add(&self, event: &Event) {
        let mut inner = self.inner();
        let line = Line { writer: 0, number: inner.number, event };
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        if let Err(fault) = inner.file.write_all(&text) {
            inner.failed.get_or_insert(fault.to_string());
        }
        inner.number += 1;
        let tally = inner.tallies.entry(event.operation).or_default();
        match event.outcome {
            Outcome::Done => tally.done += 1,
            Outcome::Refused(_) => tally.refused += 1,
            Outcome::Unknown | Outcome::Failed(_) => tally.unknown += 1,
        }
        if let Outcome::Failed(how) = &event.outcome {
            inner.failure.get_or_insert_with(|| format!("{:?} of {}: {how}", event.operation, event.about));
        }
        if event.outcome == Outcome::Done {
            let span = inner.spans.entry((event.about.clone(), event.operation)).or_default();
            let first = span.done.map_or(event.life, |(first, _)| first);
            span.done = Some((first, event.life));
        }
    }

    /// Something was broken, from then until now.
    pub(super) fn fault(&self, what: &str, start: u64, life: u32) {
        let end = self.micros();
        self.add(&Event {
            about: what.to_owned(),
            operation: Operation::Fault,
            attempt: 0,
            presented: None,
            node: String::new(),
            life,
            start,
            end,
            outcome: Outcome::Done,
            now: seconds(start),
            expires: None,
            client: None,
            scope: None,
        });
    }

    /// Nobody was told that the server failed: what a server that is only killed, and has its disk, never says.
    ///
    /// # Errors
    /// Somebody was.
    pub(super) fn without_failures(&self) -> Done {
        self.inner().failure.clone().map_or(Ok(()), |how| Err(format!("the server failed: {how}")))
    }

    /// Everything on disk, for the judge.
    ///
    /// # Errors
    /// It could not be written: then it says less than what happened.
    pub(super) fn closed(&self) -> Result<&Path, String> {
        let mut inner = self.inner();
        let flushed = inner.file.flush().map_err(|fault| fault.to_string());
        match inner.failed.clone().map_or(flushed, Err) {
            Ok(()) => Ok(&self.path),
            Err(why) => Err(format!("{}: {why}", self.path.display())),
        }
    }

    /// How often an operation was answered how.
    pub(super) fn tally(&self, operation: Operation) -> Tally {
        self.inner().tallies.get(&operation).copied().unwrap_or_default()
    }

    /// How many things were promised in one life, and proven in a later one.
    pub(super) fn held(&self, promise: Operation, proof: Operation) -> usize {
        let inner = self.inner();
        let promised = inner.spans.iter().filter(|((_, operation), _)| *operation == promise);
        promised
            .filter(|((about, _), span)| {
                let proven = inner.spans.get(&(about.clone(), proof)).and_then(|span| span.done);
                span.done.zip(proven).is_some_and(|((first, _), (_, last))| last > first)
            })
            .count()
    }

    /// Tells the counts of a run.
    ///
    /// # Errors
    /// Something of what the run is about was never acknowledged: a run in which everything fails proves nothing.
    pub(super) fn tell(&self) -> Done {
        use Operation::{
            Authenticate, Begin, Collect, GiveScope, Identify, Introspect, Redeem, Refresh, Register, Reuse,
            Revoke, Userinfo, WithdrawScope,
        };
        let done = |operation| self.tally(operation).done;
        let unknown = |operation| self.tally(operation).unknown;
        println!(
            "acknowledged: {} logins, {} redemptions, {} registrations; replays refused: {}",
            done(Collect),
            done(Redeem),
            done(Register),
            self.tally(Redeem).refused,
        );
        println!(
            "outcome unknown: {} logins, {} redemptions, {} registrations",
            unknown(Begin) + unknown(Identify) + unknown(Collect),
            unknown(Redeem),
            unknown(Register),
        );
        println!(
            "refresh tokens: {} rotated, {} that stay used, {} uses refused, {} without an answer; {} revocations; {} introspections; the \
             scope withdrawn {} times, given {}",
            done(Refresh),
            done(Reuse),
            self.tally(Refresh).refused + self.tally(Reuse).refused,
            unknown(Refresh) + unknown(Reuse),
            done(Revoke),
            done(Introspect) + self.tally(Introspect).refused,
            done(WithdrawScope),
            done(GiveScope),
        );
        println!(
            "held from one life to a later one: {} logins under way, {} codes, {} tokens, {} refresh tokens, {} registrations",
            self.held(Begin, Collect),
            self.held(Collect, Redeem),
            self.held(Redeem, Userinfo),
            self.held(Redeem, Refresh) + self.held(Redeem, Reuse),
            self.held(Register, Authenticate),
        );
        self.proves()
    }

    /// Whether everything that a run is to prove something of was acknowledged, once at least.
    ///
    /// # Errors
    /// What never was.
    fn proves(&self) -> Done {
        let missing: Vec<&str> = DEMANDED
            .iter()
            .filter(|(operation, _)| self.tally(*operation).done == 0)
            .map(|(_, what)| *what)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("the run proves nothing, for it never came to this: {}", missing.join("; ")))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An instant as the protocol counts it.
pub(super) fn seconds(micros: u64) -> i64 {
    i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other half stands in `portvakt_torture::history`, which reads this.
    #[test]
    fn an_event_is_a_line_that_the_judge_reads() {
        let event = Event {
            about: "a".to_owned(),
            operation: Operation::Redeem,
            attempt: 2,
            presented: Some(1),
            node: "node1".to_owned(),
            life: 3,
            start: 4_000_000,
            end: 5_000_000,
            outcome: Outcome::Refused("invalid_grant".to_owned()),
            now: seconds(4_000_000),
            expires: None,
            client: Some("c".to_owned()),
            scope: Some("s".to_owned()),
        };
        let line = serde_json::to_string(&Line { writer: 0, number: 1, event: &event }).unwrap();
        assert_eq!(
            line,
            r#"{"writer":0,"number":1,"event":{"about":"a","operation":"redeem","attempt":2,"presented":1,"node":"node1","life":3,"#
                .to_owned()
                + r#""start":4000000,"end":5000000,"outcome":{"refused":"invalid_grant"},"now":4,"client":"c","scope":"s"}}"#
        );
    }

    /// An event of an operation that was done, of the first attempt.
    fn done(operation: Operation, life: u32) -> Event {
        Event {
            about: "a".to_owned(),
            operation,
            attempt: 0,
            presented: None,
            node: String::new(),
            life,
            start: 0,
            end: 0,
            outcome: Outcome::Done,
            now: 0,
            expires: None,
            client: None,
            scope: None,
        }
    }

    fn in_a_file(name: &str) -> Journal {
        let file = format!("xtask-journal-{name}-{}", std::process::id());
        Journal::create(&std::env::temp_dir().join(file)).unwrap()
    }

    /// A run without a single revocation or withdrawal is no proof of either.
    #[test]
    fn a_run_that_never_came_to_what_it_is_about_proves_nothing() {
        for (left_out, what) in DEMANDED {
            let journal = in_a_file("demands");
            for (operation, _) in DEMANDED.into_iter().filter(|(operation, _)| *operation != left_out) {
                journal.add(&done(operation, 0));
            }
            journal.add(&Event { outcome: Outcome::Unknown, ..done(left_out, 0) });
            let why = journal.tell().unwrap_err();
            assert!(why.ends_with(what), "{why}");
            journal.add(&done(left_out, 1));
            assert_eq!(journal.tell(), Ok(()));
            std::fs::remove_file(journal.closed().unwrap()).unwrap();
        }
    }

    #[test]
    fn what_is_proven_in_a_later_life_was_held() {
        let journal = in_a_file("lives");
        journal.add(&done(Operation::Collect, 1));
        journal.add(&done(Operation::Redeem, 1));
        assert_eq!(journal.held(Operation::Collect, Operation::Redeem), 0);
        journal.add(&done(Operation::Redeem, 2));
        assert_eq!(journal.held(Operation::Collect, Operation::Redeem), 1);
        std::fs::remove_file(journal.closed().unwrap()).unwrap();
    }
}
