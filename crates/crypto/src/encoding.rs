//! Bytes as text: base64url (RFC 4648 §5, without padding, as RFC 7515 §2 asks), base64 (§4) and hex (§8).
//!
//! Each base64 text that is accepted is the only text for its bytes. Otherwise one signed token, or one stored
//! digest, could be written in several ways, and whoever compares the texts would be wrong.

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};

/// A text that is not in the encoding it should be in. It does not carry the text, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodingFault {
    /// Not base64url without padding.
    #[error("not base64url without padding, in its one canonical form (RFC 7515 §2)")]
    NotBase64Url,
    /// Not base64 with padding.
    #[error("not base64 with padding, in its one canonical form (RFC 4648 §4)")]
    NotBase64,
    /// Not pairs of hex digits.
    #[error("not pairs of hex digits (RFC 4648 §8)")]
    NotHex,
}

/// base64url without padding.
#[must_use]
pub fn base64url_encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Appends base64url without padding to `text`, allocating only if `text` must grow.
pub fn base64url_append(bytes: &[u8], text: &mut String) {
    BASE64URL_NOPAD.encode_append(bytes, text);
}

/// The bytes of a base64url text.
///
/// # Errors
/// Padding, whitespace, the standard alphabet's `+` and `/`, an impossible length and trailing bits that are not
/// zero (`_9` and `_8` would otherwise both be one byte) are all [`EncodingFault::NotBase64Url`].
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, EncodingFault> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| EncodingFault::NotBase64Url)
}

/// base64 with padding, as `x5c` has it (RFC 7517 §4.7).
#[must_use]
pub fn base64_encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The bytes of a base64 text, which HTTP Basic carries (RFC 7617 §2).
///
/// # Errors
/// Missing padding, whitespace, the URL alphabet and trailing bits that are not zero: [`EncodingFault::NotBase64`].
pub fn base64_decode(text: &str) -> Result<Vec<u8>, EncodingFault> {
    BASE64.decode(text.as_bytes()).map_err(|_| EncodingFault::NotBase64)
}

/// Lower-case hex.
#[must_use]
pub fn hex_encode(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// The bytes of a hex text in either case, since people type it.
///
/// # Errors
/// An odd length or any other character: [`EncodingFault::NotHex`].
pub fn hex_decode(text: &str) -> Result<Vec<u8>, EncodingFault> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| EncodingFault::NotHex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc7515_s2_other_spellings_of_base64url_are_refused() {
        // Padding, whitespace, the standard alphabet, trailing bits, an impossible length, and not ASCII at all.
        let spellings =
            ["_w==", "_w=", "_w ", " _w", "_\nw", "_w\n", "/w", "+w", "_x", "__9", "A", "AAAAA", "é", "_w\0"];
        for text in spellings {
            assert_eq!(base64url_decode(text), Err(EncodingFault::NotBase64Url), "{text:?}");
        }
        assert_eq!(base64url_decode("_w"), Ok(vec![0xff]));
        assert_eq!(base64url_decode("__8"), Ok(vec![0xff, 0xff]));
        assert_eq!(base64url_decode(""), Ok(vec![]));
    }

    #[test]
    fn rfc7515_appendix_c_example() {
        assert_eq!(base64url_encode(&[3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(base64url_decode("A-z_4ME"), Ok(vec![3, 236, 255, 224, 193]));
    }

    #[test]
    fn rfc4648_s4_other_spellings_of_base64_are_refused() {
        for text in ["/w", "/w=", "/x==", "_w==", "/w==\n", "/w== "] {
            assert_eq!(base64_decode(text), Err(EncodingFault::NotBase64), "{text:?}");
        }
        assert_eq!(base64_decode("/w=="), Ok(vec![0xff]));
        assert_eq!(base64_encode(b"foob"), "Zm9vYg==");
    }

    #[test]
    fn hex_is_read_in_either_case_and_written_in_one() {
        for text in ["a", "0g", "0x00", "00 ", "é0"] {
            assert_eq!(hex_decode(text), Err(EncodingFault::NotHex), "{text:?}");
        }
        assert_eq!(hex_decode("00fF"), Ok(vec![0, 255]));
        assert_eq!(hex_encode(&[0, 255]), "00ff");
    }

    proptest! {
        #[test]
        fn base64url_round_trips(bytes: Vec<u8>) {
            let text = base64url_encode(&bytes);
            prop_assert_eq!(base64url_decode(&text), Ok(bytes));
        }

        #[test]
        fn what_base64url_accepts_is_the_one_spelling_of_its_bytes(text in "[A-Za-z0-9_-]{0,40}") {
            if let Ok(bytes) = base64url_decode(&text) {
                prop_assert_eq!(base64url_encode(&bytes), text);
            }
        }

        #[test]
        fn one_foreign_character_anywhere_is_refused(
            bytes in proptest::collection::vec(any::<u8>(), 1..40),
            at: proptest::sample::Index,
            foreign in proptest::sample::select(vec!['=', '+', '/', ' ', '\n', '\t', '.', '\0', 'é']),
        ) {
            let mut text = base64url_encode(&bytes);
            text.insert(at.index(text.len() + 1), foreign);
            prop_assert_eq!(base64url_decode(&text), Err(EncodingFault::NotBase64Url));
        }

        #[test]
        fn base64_and_hex_round_trip(bytes: Vec<u8>) {
            prop_assert_eq!(base64_decode(&base64_encode(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(hex_decode(&hex_encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn appending_is_encoding(bytes: Vec<u8>) {
            let mut text = "head.".to_owned();
            base64url_append(&bytes, &mut text);
            prop_assert_eq!(text, format!("head.{}", base64url_encode(&bytes)));
        }
    }
}
