//! Whatever bit of a token is flipped, it is refused.

use portvakt_verifier::Kind;
use proptest::prelude::*;

use crate::expectation::{KINDS, claims, expected};
use crate::signing::{keys, signed};

/// The token with one bit of its text flipped.
fn flipped(token: &str, at: usize, bit: u8) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] ^= 1 << bit;
    // The eighth bit would make it no text at all, which no `str` can be.
    String::from_utf8(bytes).unwrap()
}

fn refused(kind: Kind, token: &str) -> bool {
    keys().verify(kind, token, &expected()).is_err()
}

/// The ends of the segments, where characters carry bits that are none (RFC 4648 §3.5), all of them.
#[test]
fn each_bit_around_the_ends_of_the_segments() {
    for kind in KINDS {
        let token = signed(&claims(kind));
        let ends = token.match_indices('.').map(|(at, _)| at).chain([token.len()]);
        for at in ends.flat_map(|end| end - 2..(end + 2).min(token.len())) {
            for bit in 0..7 {
                assert!(refused(kind, &flipped(&token, at, bit)), "bit {bit} at {at}");
            }
        }
        assert!(!refused(kind, &token));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_flipped_bit_refuses(of_id_token in any::<bool>(), which in any::<prop::sample::Index>(), bit in 0u8..7) {
        let kind = if of_id_token { Kind::IdToken } else { Kind::AccessToken };
        let token = signed(&claims(kind));
        prop_assert!(refused(kind, &flipped(&token, which.index(token.len()), bit)));
    }

    /// Nor does anything else that is not the token, and none of it makes the verifier fall over.
    #[test]
    fn no_other_text_passes(text in "[A-Za-z0-9_.-]{0,300}", start in any::<prop::sample::Index>(), end in any::<prop::sample::Index>()) {
        let token = signed(&claims(Kind::IdToken));
        prop_assert!(refused(Kind::IdToken, &text));
        let (start, end) = (start.index(token.len()), end.index(token.len()));
        prop_assert!(refused(Kind::IdToken, &token[start.min(end)..start.max(end)]));
    }
}
