//! The last refusals of a development issuer, for its own page: whoever sees a service fail there need not look for a terminal.
//! Kept in memory only, and nowhere but in the environment `development`: elsewhere one caller would read of another's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portvakt_protocol::provider::Environment;
use portvakt_protocol::refusal::{Refusal, inert};

use crate::site::Trace;

/// So many are kept, oldest out first.
const MOST_KEPT: usize = 20;

/// A refusal as the log has it: every value inert text, secrets and numbers by kind and length only.
#[derive(Debug)]
pub(crate) struct LateRefusal {
    /// When, in RFC 3339.
    pub(crate) time: String,
    /// The trace id that the caller was told.
    pub(crate) trace_id: String,
    /// The endpoint, or `path` where nothing is served.
    pub(crate) endpoint: &'static str,
    /// The client, as far as one was named; empty otherwise.
    pub(crate) client: String,
    /// The code on the wire.
    pub(crate) code: &'static str,
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// Where the rule is written.
    pub(crate) clause: &'static str,
    /// The parameter or header concerned; empty if none is.
    pub(crate) parameter: String,
    /// What was expected.
    pub(crate) expected: String,
    /// What came.
    pub(crate) received: String,
    /// What to do about it.
    pub(crate) fix: String,
}

impl LateRefusal {
    fn of(trace: &Trace, endpoint: &'static str, client: String, refusal: &Refusal) -> Self {
        Self {
            time: trace.now.to_rfc3339(),
            trace_id: trace.id.clone(),
            endpoint,
            client,
            code: refusal.rule.code.as_str(),
            rule: refusal.rule.name,
            clause: refusal.rule.clause,
            parameter: inert(refusal.parameter.as_deref().unwrap_or_default()),
            expected: inert(&refusal.expected),
            received: refusal.received.to_string(),
            fix: inert(&refusal.fix),
        }
    }
}

/// What is kept of them.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<VecDeque<Arc<LateRefusal>>>);

impl Lately {
    /// An empty list for an issuer of the environment `development`; none for any other.
    pub(crate) fn in_environment(environment: Environment) -> Option<Self> {
        (environment == Environment::Development).then(Self::default)
    }

    /// One more.
    pub(crate) fn add(&self, trace: &Trace, endpoint: &'static str, client: String, refusal: &Refusal) {
        let late = Arc::new(LateRefusal::of(trace, endpoint, client, refusal));
        let mut kept = self.kept();
        kept.push_front(late);
        kept.truncate(MOST_KEPT);
    }

    /// The `n` last ones, newest first.
    pub(crate) fn newest(&self, n: usize) -> Vec<Arc<LateRefusal>> {
        self.kept().iter().take(n).cloned().collect()
    }

    /// A list is whole after every step, so one that another thread left in a panic is still good.
    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<LateRefusal>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::authorize::PageFault;
    use portvakt_protocol::refusal::Fault;
    use portvakt_protocol::time::Timestamp;
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn only_a_development_issuer_keeps_any() {
        assert!(Lately::in_environment(Environment::Production).is_none());
        assert!(Lately::in_environment(Environment::Test).is_none());
        assert!(Lately::in_environment(Environment::Development).is_some());
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let lately = Lately::default();
        for number in 0..30 {
            let trace =
                Trace { id: number.to_string(), now: Timestamp::from_unix(number), by: Instant::now() };
            lately.add(&trace, "authorize", String::new(), &PageFault::ClientIdMissing.refusal());
        }
        let ids: Vec<_> = lately.newest(3).iter().map(|late| late.trace_id.clone()).collect();
        assert_eq!(ids, ["29", "28", "27"]);
        assert_eq!(lately.newest(100).len(), MOST_KEPT);
    }

    #[test]
    fn what_came_is_inert() {
        let lately = Lately::default();
        let trace = Trace { id: "x".into(), now: Timestamp::from_unix(0), by: Instant::now() };
        let refusal = PageFault::ClientUnknown("a\r\n\u{202e}b".into(), Vec::new()).refusal();
        lately.add(&trace, "authorize", String::new(), &refusal);
        let late = lately.newest(1).remove(0);
        assert_eq!(late.received, "\"a\\u{d}\\u{a}\\u{202e}b\"");
    }
}
