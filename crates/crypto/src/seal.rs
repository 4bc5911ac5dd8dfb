//! Sealing of stored values: AES-256-GCM (NIST SP 800-38D) under a key with a number.
//!
//! A sealed value is `version (1) | key id (4, big-endian) | nonce (12) | ciphertext | tag (16)`. The tag covers the
//! version and the key id too, and whatever the caller names as *associated data*: the row a value belongs to. A
//! value copied into another row, cut short or changed in any bit does not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize;

use crate::random::Random;

const VERSION: u8 = 1;
const PREFIX: usize = 1 + 4;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Bytes that [`SealingKey::seal`] adds to what it seals.
pub const OVERHEAD: usize = PREFIX + NONCE + TAG;

/// A 256-bit key that seals values, and its number, which is stored with each of them.
///
/// Nonces are random, so one key may seal at most 2^32 values (SP 800-38D §8.3); the house seals a few per
/// signing key and person.
pub struct SealingKey {
    key_id: u32,
    key: LessSafeKey,
}

/// A value did not open: another key, another row, or changed bytes. Which of these, nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value did not open: it was sealed under another key or for another row, or it was changed")]
pub struct SealBroken;

impl SealingKey {
    /// The key made of these 32 bytes; this function's copy of them is cleared.
    #[must_use]
    pub fn new(key_id: u32, mut bytes: [u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &bytes);
        bytes.zeroize();
        match key {
            Ok(key) => Self { key_id, key: LessSafeKey::new(key) },
            // The one error is a wrong length, and the type has it right.
            Err(_) => crate::abort("an AES-256 key of 32 bytes was refused"),
        }
    }

    /// The number stored with what this key seals.
    #[must_use]
    pub const fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Seals `plain` for the row that `aad` names. `random` gives the nonce, so it must not be a seeded one outside
    /// of tests: two values under one nonce give each other away.
    #[must_use]
    pub fn seal(&self, random: &Random, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let prefix = prefix_of(self.key_id);
        let nonce: [u8; NONCE] = random.bytes();
        let mut sealed = Vec::with_capacity(plain.len().saturating_add(OVERHEAD));
        sealed.extend_from_slice(&prefix);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (_, body) = sealed.split_at_mut(PREFIX + NONCE);
        let nonce = Nonce::assume_unique_for_key(nonce);
        match self.key.seal_in_place_separate_tag(nonce, bound(&prefix, aad), body) {
            Ok(tag) => sealed.extend_from_slice(tag.as_ref()),
            // Only a plaintext beyond 64 GiB (SP 800-38D §5.2.1.1) fails, and no value here is near it.
            Err(_) => crate::abort("AES-256-GCM refused to seal a value"),
        }
        sealed
    }

    /// Opens what [`SealingKey::seal`] made, for the row that `aad` names.
    ///
    /// # Errors
    /// [`SealBroken`] for everything else, whatever its bytes.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        let (prefix, rest) = sealed.split_first_chunk::<PREFIX>().ok_or(SealBroken)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or(SealBroken)?;
        if *prefix != prefix_of(self.key_id) {
            return Err(SealBroken);
        }
        let mut plain = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length =
            self.key.open_in_place(nonce, bound(prefix, aad), &mut plain).map_err(|_| SealBroken)?.len();
        // Opened in place, so that no second copy of the secret is left behind.
        plain.truncate(length);
        Ok(plain)
    }
}

/// Which key sealed this value, to know which to open it with. `None` if it is no sealed value of a known version.
#[must_use]
pub fn key_id_of(sealed: &[u8]) -> Option<u32> {
    let (version, rest) = sealed.split_first()?;
    if *version != VERSION || sealed.len() < OVERHEAD {
        return None;
    }
    rest.first_chunk().map(|id| u32::from_be_bytes(*id))
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({}, ***)", self.key_id)
    }
}

fn prefix_of(key_id: u32) -> [u8; PREFIX] {
    let [a, b, c, d] = key_id.to_be_bytes();
    [VERSION, a, b, c, d]
}

/// The prefix has one length, so prefix and caller's data cannot be divided in two ways.
fn bound(prefix: &[u8; PREFIX], aad: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([prefix.as_slice(), aad].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &[u8] = b"signing_key/exttest/1";
    const PLAIN: &[u8] = b"a private key";

    fn key() -> SealingKey {
        SealingKey::new(7, [0x42; 32])
    }

    fn sealed() -> Vec<u8> {
        key().seal(&Random::danger_seeded(1), ROW, PLAIN)
    }

    #[test]
    fn a_value_moved_to_another_row_does_not_open() {
        for row in [&b"signing_key/exttest/2"[..], b"signing_key/exttest/", b"", b"\0signing_key/exttest/1"] {
            assert_eq!(key().open(row, &sealed()), Err(SealBroken), "{row:?}");
        }
    }

    #[test]
    fn every_flipped_bit_breaks_the_seal() {
        let sealed = sealed();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(key().open(ROW, &changed), Err(SealBroken), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn every_truncation_and_an_extension_break_the_seal() {
        let sealed = sealed();
        for length in 0..sealed.len() {
            assert_eq!(key().open(ROW, &sealed[..length]), Err(SealBroken), "{length} bytes");
        }
        assert_eq!(key().open(ROW, &[sealed.as_slice(), b"\0"].concat()), Err(SealBroken));
    }

    #[test]
    fn another_key_or_the_same_key_under_another_number_does_not_open() {
        assert_eq!(SealingKey::new(7, [0x43; 32]).open(ROW, &sealed()), Err(SealBroken));
        assert_eq!(SealingKey::new(8, [0x42; 32]).open(ROW, &sealed()), Err(SealBroken));
    }

    #[test]
    fn a_value_renumbered_for_a_key_of_the_same_bytes_does_not_open() {
        let mut renumbered = sealed();
        renumbered[PREFIX - 1] = 8;
        assert_eq!(key_id_of(&renumbered), Some(8));
        assert_eq!(SealingKey::new(8, [0x42; 32]).open(ROW, &renumbered), Err(SealBroken));
    }

    #[test]
    fn only_a_whole_value_of_this_version_tells_its_key() {
        assert_eq!(key_id_of(&[]), None);
        assert_eq!(key_id_of(&[VERSION, 0, 0, 0, 7]), None);
        let mut foreign = sealed();
        foreign[0] = 2;
        assert_eq!(key_id_of(&foreign), None);
        assert_eq!(key_id_of(&sealed()), Some(7));
    }

    #[test]
    fn what_was_sealed_opens_and_does_not_show() {
        let sealed = sealed();
        assert_eq!(sealed.len(), PLAIN.len() + OVERHEAD);
        assert!(!sealed.windows(PLAIN.len()).any(|window| window == PLAIN));
        assert_eq!(key().open(ROW, &sealed).unwrap(), PLAIN);
        let empty = key().seal(&Random::system(), b"", b"");
        assert_eq!(key().open(b"", &empty).unwrap(), b"");
    }

    #[test]
    fn one_value_sealed_twice_looks_different() {
        let random = Random::system();
        assert_ne!(key().seal(&random, ROW, PLAIN), key().seal(&random, ROW, PLAIN));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", key()), "SealingKey(7, ***)");
    }
}
