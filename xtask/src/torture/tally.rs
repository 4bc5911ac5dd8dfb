//! What came of a run of faults over nodes, and how it is told.

use std::time::Duration;

use super::faults::PROMOTION;
use super::load::RECOVERY;

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) kills: u32,
    pub(super) in_the_start: u32,
    pub(super) failovers: u32,
    pub(super) pauses: u32,
    pub(super) wires: u32,
    /// From a node's kill until a whole login at that node, at most.
    pub(super) back_after_kill: Duration,
    /// From the new primary's first write until a whole login at each node, at most.
    pub(super) back_after_failover: Duration,
    pub(super) back_after_other: Duration,
    /// From the primary's kill until the new one took a write, at most.
    pub(super) promotion: Duration,
}

impl Tally {
    /// The primary was killed: what came.
    pub(super) fn failed_over(&mut self, promotion: Duration, back: Duration) {
        self.failovers += 1;
        self.promotion = self.promotion.max(promotion);
        self.back_after_failover = self.back_after_failover.max(back);
    }

    /// Tells it.
    pub(super) fn tell(&self, took: Duration) {
        let seconds = |time: Duration| time.as_secs_f64();
        println!(
            "logins again, at most: {:.1} s after a node's kill, {:.1} s after a new primary took writes, {:.1} s after \
             anything else (bar: {} s); new primary at most {:.1} s after the kill (bar: {} s)",
            seconds(self.back_after_kill),
            seconds(self.back_after_failover),
            seconds(self.back_after_other),
            RECOVERY.as_secs(),
            seconds(self.promotion),
            PROMOTION.as_secs(),
        );
        println!(
            "{} kills of a node, {} of them in its start, {} failovers of the primary, {} pauses, {} broken wires; nothing \
             lost, nothing used twice; {:.1} s",
            self.kills,
            self.in_the_start,
            self.failovers,
            self.pauses,
            self.wires,
            seconds(took)
        );
    }
}
