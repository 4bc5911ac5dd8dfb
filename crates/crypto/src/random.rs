//! Randomness, handed in as an argument so that a scene or a simulation can replay.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::digest::Sha256;

/// Where random bytes come from. Clones share the source, so a clone of a seeded one goes on with the same stream.
#[derive(Clone)]
pub struct Random(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Seeded>),
}

/// SHA-256 over seed and block number: a counter stream that needs no lock.
struct Seeded {
    seed: u64,
    next_block: AtomicU64,
}

impl Random {
    /// AWS-LC's generator, seeded by the operating system. The only one a server may use.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Reproducible bytes from a seed: for tests and simulation only.
    ///
    /// Anyone who knows the seed knows every code, token and nonce drawn from it.
    #[must_use]
    pub fn danger_seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Seeded { seed, next_block: AtomicU64::new(0) })))
    }

    /// Fills `buf` with random bytes.
    ///
    /// Should the system's generator fail, the process aborts: no caller could do anything but go on with
    /// predictable secrets.
    pub fn fill(&self, buf: &mut [u8]) {
        match &self.0 {
            Source::System => {
                if aws_lc_rs::rand::fill(buf).is_err() {
                    crate::abort("the system's random generator failed");
                }
            }
            Source::Seeded(stream) => stream.fill(buf),
        }
    }

    /// `N` random bytes; see [`Random::fill`]. 16 bytes are 128 bits, the least for a bearer secret (RFC 6749 §10.10).
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl Seeded {
    fn fill(&self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(32) {
            let block = self.next_block.fetch_add(1, Ordering::Relaxed);
            let stream = Sha256::of_parts(&[
                b"portvakt seeded random",
                &self.seed.to_be_bytes(),
                &block.to_be_bytes(),
            ]);
            for (to, from) in chunk.iter_mut().zip(stream.as_bytes()) {
                *to = *from;
            }
        }
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::System => f.write_str("Random(system)"),
            Source::Seeded(stream) => write!(f, "Random(seeded {})", stream.seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_source_never_repeats() {
        let random = Random::system();
        assert_ne!(random.bytes::<32>(), random.bytes::<32>());
        assert_ne!(random.bytes::<32>(), [0; 32]);
    }

    #[test]
    fn a_seed_replays_and_another_seed_differs() {
        let draw = |seed| {
            let random = Random::danger_seeded(seed);
            (random.bytes::<16>(), random.bytes::<100>())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_clone_continues_the_stream_instead_of_repeating_it() {
        let random = Random::danger_seeded(7);
        let clone = random.clone();
        assert_ne!(random.bytes::<32>(), clone.bytes::<32>());
    }

    #[test]
    fn blocks_of_a_long_draw_differ() {
        let drawn = Random::danger_seeded(1).bytes::<64>();
        assert_ne!(drawn[..32], drawn[32..]);
    }
}
