//! Seeded chance: the same seed makes the same choices, so that a run can be had again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, and good enough to choose moments.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// From this seed on.
    pub(super) fn seeded(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// Where it began.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// A seed that nobody chose.
    pub(super) fn any_seed() -> u64 {
        RandomState::new().hash_one(std::process::id()) >> 16
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when `end` is.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Yes, once in `many` times.
    pub(super) fn once_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// A time below `end`.
    pub(super) fn time(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(end.as_micros()).unwrap_or(u64::MAX)))
    }

    /// One of them.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = self.below(all.len() as u64);
        all.get(usize::try_from(at).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_one_row_of_choices_and_another_seed_another() {
        let row = |seed| {
            let mut chance = Chance::seeded(seed);
            [(); 8].map(|()| chance.next())
        };
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
    }
}
