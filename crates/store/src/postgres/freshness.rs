//! How fresh this process's copies are. A copy is of a generation, and may be used while the store was heard of that generation within
//! the last second; a process that is cut off stops using its copies by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::statement::statements;
use super::{Inner, Postgres};
use crate::Broken;
use crate::verbs::Generation;

/// How long after a change every process has stopped using older copies.
pub(super) const BOUND: Duration = Duration::from_secs(1);

/// How often the store is asked. Three answers may fail before copies are too old.
const ASK: Duration = Duration::from_millis(240);

/// Never heard: before the first answer, and after the store was closed.
const NEVER: u64 = u64::MAX;

statements! {
    /// The generation.
    GENERATION() = "SELECT generation FROM state WHERE sole = 1";
}

/// What was heard last, and when it was asked for.
#[derive(Debug)]
pub(super) struct Freshness {
    began: Instant,
    generation: AtomicU64,
    /// Milliseconds after `began`.
    asked: AtomicU64,
}

impl Freshness {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), generation: AtomicU64::new(0), asked: AtomicU64::new(NEVER) }
    }

    /// The generation that copies may be of, if it was heard of within [`BOUND`].
    pub(super) fn current(&self) -> Option<Generation> {
        let asked = self.asked.load(Ordering::Acquire);
        let age = self.now().checked_sub(asked)?;
        (u128::from(age) < BOUND.as_millis()).then(|| Generation(self.generation.load(Ordering::Acquire)))
    }

    /// What the store said, asked at `asked`. An older answer that comes later changes nothing.
    pub(super) fn heard(&self, generation: Generation, asked: Instant) {
        // The generation first: a reader that sees the new instant sees the new generation too.
        self.generation.fetch_max(generation.0, Ordering::AcqRel);
        let asked = self.since(asked);
        let _ = self.asked.fetch_update(Ordering::AcqRel, Ordering::Acquire, |before| {
            (before == NEVER || before < asked).then_some(asked)
        });
    }

    fn now(&self) -> u64 {
        self.since(Instant::now())
    }

    fn since(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.began).as_millis()).unwrap_or(NEVER - 1)
    }
}

impl Postgres {
    /// See [`crate::Store::generation`].
    pub(crate) async fn generation(&self) -> Result<Generation, Broken> {
        let asked = Instant::now();
        let row = self.read_one(&GENERATION, &[]).await?;
        let row = row.ok_or(Broken::Row { table: "state", what: "its one row is missing" })?;
        let generation = Generation(row.try_get::<_, i64>(0)?.unsigned_abs());
        self.freshness().heard(generation, asked);
        Ok(generation)
    }
}

/// Asks for the generation again and again, for as long as the store is used.
pub(super) async fn follow(store: Weak<Inner>) {
    let mut ticks = interval(ASK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(inner) = Weak::upgrade(&store) else { return };
        let asking = Postgres::of(Arc::clone(&inner));
        match asking.generation().await {
            Err(Broken::Closed) => return,
            Err(broken) => tracing::debug!(cause = %broken, "the database's generation was not heard"),
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_copy_is_used_for_a_second_after_it_was_asked_for_and_no_longer() {
        let freshness = Freshness::new();
        assert_eq!(freshness.current(), None, "before anything was heard");
        tokio::time::advance(Duration::from_secs(5)).await;
        let asked = Instant::now();
        tokio::time::advance(Duration::from_millis(400)).await;
        freshness.heard(Generation(3), asked);
        assert_eq!(freshness.current(), Some(Generation(3)));
        tokio::time::advance(Duration::from_millis(599)).await;
        assert_eq!(freshness.current(), Some(Generation(3)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(freshness.current(), None, "a second after the question, not after the answer");
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_answer_that_comes_later_changes_nothing() {
        let freshness = Freshness::new();
        let early = Instant::now();
        tokio::time::advance(Duration::from_millis(500)).await;
        freshness.heard(Generation(4), Instant::now());
        freshness.heard(Generation(3), early);
        assert_eq!(freshness.current(), Some(Generation(4)));
        tokio::time::advance(Duration::from_millis(999)).await;
        assert_eq!(freshness.current(), Some(Generation(4)));
    }
}
