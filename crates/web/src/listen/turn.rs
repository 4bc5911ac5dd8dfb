//! Turns on a connection: the gate hands heads on, the service answers them, in the same order.
//!
//! A refusal has to be answered in its turn: requests pipelined before it are answered first. The gate may
//! read far ahead of the service (the library reads on while a request is handled, to notice a hang-up), so
//! it cannot simply say "refuse the next one". Both sides count instead, and a refusal carries the number of
//! the request it is for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::refusal::Refusal;

/// What gate and service of one connection share. One task runs both, so no ordering is needed between the
/// fields.
#[derive(Default)]
pub(super) struct Turns {
    /// Heads that the gate has handed on.
    handed: AtomicU64,
    /// Requests that the service has begun on, and finished.
    begun: AtomicU64,
    answered: AtomicU64,
    /// At most one: the gate lets nothing through after it.
    refused: OnceLock<(u64, Refusal)>,
}

impl Turns {
    /// The gate hands a head on.
    pub(super) fn hand_on(&self) {
        self.handed.fetch_add(1, Ordering::Relaxed);
    }

    /// How many heads were handed on.
    pub(super) fn handed(&self) -> u64 {
        self.handed.load(Ordering::Relaxed)
    }

    /// The gate refuses the request whose head it handed on last.
    pub(super) fn refuse(&self, refusal: Refusal) {
        // A second refusal has no request left to be the answer to.
        let _ = self.refused.set((self.handed(), refusal));
    }

    /// The service begins the next request, and learns its number.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The service has an answer to the request it began last.
    pub(super) fn finish(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// The refusal of request number `turn`, if there is one.
    pub(super) fn refusal_of(&self, turn: u64) -> Option<Refusal> {
        self.refused.get().filter(|(refused, _)| *refused == turn).map(|(_, refusal)| *refusal)
    }

    /// Whether a request was handed on that is not answered yet.
    pub(super) fn under_way(&self) -> bool {
        self.answered.load(Ordering::Relaxed) < self.handed()
    }
}
