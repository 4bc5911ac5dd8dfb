//! SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) and comparison in constant time.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};
use zeroize::Zeroize;

use crate::encoding::hex_encode;

/// A SHA-256 digest: 32 bytes. Its `Debug` is hex, since a digest of a high-entropy secret tells nothing of it.
///
/// Never the digest of a national number: eleven digits can be searched through in seconds. Use an [`HmacKey`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `data`.
    #[must_use]
    pub fn of(data: &[u8]) -> Self {
        Self(bytes_of(digest::digest(&digest::SHA256, data).as_ref()))
    }

    /// The digest of several parts, each preceded by its length (64 bits, big-endian).
    ///
    /// The lengths keep `["ab", "c"]` apart from `["a", "bc"]`. Name the purpose in the first part.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&length_of(part));
            context.update(part);
        }
        Self(bytes_of(context.finish().as_ref()))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest read back from storage; `None` unless there are exactly 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({})", hex_encode(&self.0))
    }
}

/// A key for HMAC-SHA-256. AWS-LC holds the key schedule and clears it when this is dropped.
#[derive(Clone)]
pub struct HmacKey(hmac::Key);

impl HmacKey {
    /// The key made of these 32 bytes; this function's copy of them is cleared.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        bytes.zeroize();
        key
    }

    /// The HMAC of `data`.
    #[must_use]
    pub fn mac(&self, data: &[u8]) -> [u8; 32] {
        bytes_of(hmac::sign(&self.0, data).as_ref())
    }

    /// The HMAC of several parts, each preceded by its length as in [`Sha256::of_parts`].
    #[must_use]
    pub fn mac_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&length_of(part));
            context.update(part);
        }
        bytes_of(context.sign().as_ref())
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(***)")
    }
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
///
/// The lengths themselves show: compare digests, or secrets of one fixed length.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// SHA-256 output is 32 bytes by definition, so the zip leaves nothing out.
fn bytes_of(output: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(output) {
        *to = *from;
    }
    bytes
}

fn length_of(part: &[u8]) -> [u8; 8] {
    // No address space reaches 2^64 bytes, so the conversion never loses anything.
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_of_any_other_length_is_refused() {
        for length in [0, 31, 33, 64] {
            assert_eq!(Sha256::from_slice(&vec![0; length]), None, "{length} bytes");
        }
        assert_eq!(Sha256::from_slice(Sha256::of(b"abc").as_bytes()), Some(Sha256::of(b"abc")));
    }

    #[test]
    fn different_strings_are_never_equal() {
        assert!(!constant_time_eq(b"a", b"b"));
        assert!(!constant_time_eq(b"a", b"ab"));
        assert!(!constant_time_eq(b"", b"a"));
        assert!(constant_time_eq(b"ab", b"ab"));
        assert!(constant_time_eq(b"", b""));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = HmacKey::from_bytes([7; 32]);
        let divisions: [&[&[u8]]; 5] =
            [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"abc", b""], &[b"", b"abc"]];
        for (i, one) in divisions.iter().enumerate() {
            for other in divisions.iter().skip(i + 1) {
                assert_ne!(Sha256::of_parts(one), Sha256::of_parts(other), "{one:?} {other:?}");
                assert_ne!(key.mac_parts(one), key.mac_parts(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn another_key_gives_another_mac() {
        assert_ne!(HmacKey::from_bytes([1; 32]).mac(b"x"), HmacKey::from_bytes([2; 32]).mac(b"x"));
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", HmacKey::from_bytes([0x5a; 32]));
        assert_eq!(shown, "HmacKey(***)");
    }

    #[test]
    fn fips_180_4_abc() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex_encode(Sha256::of(b"abc").as_bytes()), expected);
        assert_eq!(format!("{:?}", Sha256::of(b"abc")), format!("Sha256({expected})"));
    }

    #[test]
    fn fips_180_4_empty() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex_encode(Sha256::of(b"").as_bytes()), expected);
        assert_eq!(Sha256::of_parts(&[]), Sha256::of(b""));
    }

    /// HMAC pads a short key with zeros to the block (RFC 2104 §2), so the RFC's shorter keys fit into 32 bytes.
    fn padded(key: &[u8]) -> HmacKey {
        let mut bytes = [0; 32];
        bytes[..key.len()].copy_from_slice(key);
        HmacKey::from_bytes(bytes)
    }

    #[test]
    fn rfc4231_s4_2_to_s4_5() {
        let counting: Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (&counting, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        ];
        for (key, data, expected) in cases {
            assert_eq!(hex_encode(&padded(key).mac(data)), expected);
        }
    }

    #[test]
    fn parts_are_the_length_prefixed_concatenation() {
        let key = HmacKey::from_bytes([9; 32]);
        let joined = b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x01c";
        assert_eq!(Sha256::of_parts(&[b"ab", b"c"]), Sha256::of(joined));
        assert_eq!(key.mac_parts(&[b"ab", b"c"]), key.mac(joined));
    }
}
