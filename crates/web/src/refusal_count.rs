//! How often a registered client is refused for one rule, so that its owner can be told. Kept in memory, each node its own: a refusal
//! writes no row, and whoever floods us with refused requests gets none written either.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portvakt_protocol::client::ClientId;
use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::refusal::Refusal;
use portvakt_protocol::time::{Seconds, Timestamp};

use crate::site::Trace;

/// So many refusals for one rule ...
pub const OFTEN: usize = 10;

/// ... within so long are often.
pub const WITHIN: Seconds = Seconds::new(3600);

/// So many pairs of client and rule are counted; the one that was quiet longest goes when another comes.
const MOST_COUNTED: usize = 4096;

/// A client that was refused often for one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedOften {
    /// The client.
    pub client_id: ClientId,
    /// Its organisation.
    pub organisation: OrgNumber,
    /// The rule's name.
    pub rule: &'static str,
    /// What to do about it.
    pub fix: String,
    /// The last refusal's trace id, to have it explained.
    pub trace_id: String,
    /// When that was.
    pub last: Timestamp,
}

/// The refusals of one client for one rule.
#[derive(Debug)]
struct Count {
    organisation: OrgNumber,
    fix: String,
    trace_id: String,
    /// The last [`OFTEN`] of them, oldest first.
    times: VecDeque<Timestamp>,
    /// The day, counted from 1970, on which its owner was told.
    told: Option<i64>,
}

/// What is counted at one issuer.
#[derive(Debug, Default)]
pub(crate) struct RefusalCount(Mutex<HashMap<(ClientId, &'static str), Count>>);

impl RefusalCount {
    /// One more, of a registered client and its organisation.
    pub(crate) fn add(
        &self,
        trace: &Trace,
        (client_id, organisation): (&ClientId, &OrgNumber),
        refusal: &Refusal,
    ) {
        let mut counts = self.counts();
        let key = (client_id.clone(), refusal.rule.name);
        if !counts.contains_key(&key) && counts.len() >= MOST_COUNTED {
            make_room(&mut counts);
        }
        let count = counts.entry(key).or_insert_with(|| Count {
            organisation: organisation.clone(),
            fix: String::new(),
            trace_id: String::new(),
            times: VecDeque::with_capacity(OFTEN),
            told: None,
        });
        count.organisation.clone_from(organisation);
        count.fix = refusal.fix.to_string();
        count.trace_id.clone_from(&trace.id);
        if count.times.len() == OFTEN {
            count.times.pop_front();
        }
        count.times.push_back(trace.now);
    }

    /// Who was refused often on a day on which its owner has not been told of it.
    pub(crate) fn often(&self) -> Vec<RefusedOften> {
        let counts = self.counts();
        let found = counts.iter().filter_map(|((client_id, rule), count)| {
            let last = count.is_often().filter(|last| count.told != Some(day(*last)))?;
            Some(RefusedOften {
                client_id: client_id.clone(),
                organisation: count.organisation.clone(),
                rule,
                fix: count.fix.clone(),
                trace_id: count.trace_id.clone(),
                last,
            })
        });
        found.collect()
    }

    /// Its owner has been told, by this node or another.
    pub(crate) fn told(&self, often: &RefusedOften) {
        if let Some(count) = self.counts().get_mut(&(often.client_id.clone(), often.rule)) {
            count.told = Some(day(often.last));
        }
    }

    /// A map is whole after every step, so one that another thread left in a panic is still good.
    fn counts(&self) -> MutexGuard<'_, HashMap<(ClientId, &'static str), Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// The last refusal, if it and the nine before it lie within an hour.
    fn is_often(&self) -> Option<Timestamp> {
        let (first, last) = self.times.front().zip(self.times.back())?;
        (self.times.len() == OFTEN && *last < *first + WITHIN).then_some(*last)
    }
}

/// Drops the pair whose last refusal is oldest.
fn make_room(counts: &mut HashMap<(ClientId, &'static str), Count>) {
    let quiet = counts.iter().min_by_key(|(_, count)| count.times.back().copied());
    if let Some(quiet) = quiet.map(|(key, _)| key.clone()) {
        counts.remove(&quiet);
    }
}

/// The day of an instant (UTC), counted from 1970.
fn day(at: Timestamp) -> i64 {
    at.unix().div_euclid(i64::from(Seconds::days(1).get()))
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::authorize::PageFault;
    use portvakt_protocol::refusal::Fault;
    use tokio::time::Instant;

    use super::*;

    const START: i64 = 1_480_593_600;

    fn client(id: &str) -> (ClientId, OrgNumber) {
        (ClientId::parse(id).unwrap(), OrgNumber::parse("991825827").unwrap())
    }

    /// Refuses `id`, so many seconds after the start.
    fn refuse(count: &RefusalCount, id: &str, after: i64, fault: &PageFault) {
        let now = Timestamp::from_unix(START + after);
        let trace = Trace { id: format!("trace-{after}"), now, by: Instant::now() };
        let (client_id, organisation) = client(id);
        count.add(&trace, (&client_id, &organisation), &fault.refusal());
    }

    #[test]
    fn nine_in_an_hour_and_ten_in_a_little_more_are_not_often() {
        let count = RefusalCount::default();
        for number in 0..9 {
            refuse(&count, "a", number, &PageFault::ClientIdMissing);
        }
        assert_eq!(count.often(), []);
        refuse(&count, "a", 3600, &PageFault::ClientIdMissing);
        assert_eq!(count.often(), [], "the first is an hour old");
        refuse(&count, "a", 3600, &PageFault::ClientIdMissing);
        let often = count.often();
        assert_eq!(often.len(), 1, "the hour slides");
        assert_eq!((often[0].trace_id.as_str(), often[0].last.unix()), ("trace-3600", START + 3600));
        assert_eq!(often[0].organisation.as_str(), "991825827");
    }

    #[test]
    fn rules_and_clients_are_counted_apart() {
        let count = RefusalCount::default();
        for number in 0..9 {
            refuse(&count, "a", number, &PageFault::ClientIdMissing);
            refuse(&count, "a", number, &PageFault::RedirectUriMissing);
            refuse(&count, "b", number, &PageFault::ClientIdMissing);
        }
        assert_eq!(count.often(), []);
        refuse(&count, "b", 9, &PageFault::ClientIdMissing);
        let names: Vec<_> =
            count.often().into_iter().map(|one| (one.client_id.to_string(), one.rule)).collect();
        assert_eq!(names, [("b".to_owned(), PageFault::ClientIdMissing.refusal().rule.name)]);
    }

    #[test]
    fn an_owner_is_told_once_a_day() {
        let count = RefusalCount::default();
        let refuse_ten =
            |from| (from..from + 10).for_each(|at| refuse(&count, "a", at, &PageFault::ClientIdMissing));
        refuse_ten(0);
        let often = count.often().remove(0);
        assert_eq!(count.often().len(), 1, "until it is told");
        count.told(&often);
        refuse_ten(20);
        assert_eq!(count.often(), []);
        refuse_ten(86_400);
        assert_eq!(count.often().len(), 1, "and again the next day");
    }

    #[test]
    fn it_stays_bounded_and_the_quiet_go_first() {
        let count = RefusalCount::default();
        for at in 0..10 {
            refuse(&count, "loud", 10_000 + at, &PageFault::ClientIdMissing);
        }
        for number in 0..MOST_COUNTED + 50 {
            refuse(
                &count,
                &format!("c{number}"),
                i64::try_from(number).unwrap(),
                &PageFault::ClientIdMissing,
            );
        }
        assert_eq!(count.counts().len(), MOST_COUNTED);
        assert_eq!(count.often().len(), 1);
    }
}
