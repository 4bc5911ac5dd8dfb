//! Proof Key for Code Exchange (RFC 7636), S256 only.

use portvakt_crypto::digest::{Sha256, constant_time_eq};
use portvakt_crypto::encoding::base64url_encode;
use zeroize::Zeroizing;

/// An S256 code challenge: exactly 43 base64url characters (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Parses a challenge; `None` unless it is 43 base64url characters without padding.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == 43 && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[derive(Clone)]
pub struct CodeVerifier(Zeroizing<String>);

impl CodeVerifier {
    /// Parses a verifier; `None` if it is too short, too long, or has other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        ((43..=128).contains(&text.len()) && text.bytes().all(allowed))
            .then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Whether this verifier answers `challenge` (RFC 7636 §4.6), compared in constant time.
    pub fn answers(&self, challenge: &CodeChallenge) -> bool {
        let computed = base64url_encode(Sha256::of(self.0.as_bytes()).as_bytes());
        constant_time_eq(computed.as_bytes(), challenge.0.as_bytes())
    }
}

impl std::fmt::Debug for CodeVerifier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "CodeVerifier({} characters)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_9_a_padded_challenge_is_refused() {
        let good = "b7elB7ZyxIXgFyvBznKvxl7wOB-H17Pz0a3B62NIMFI";
        for text in [
            format!("{good}="),
            good[..42].to_owned(),
            format!("{good}A"),
            good.replace('-', "+"),
            String::new(),
        ] {
            assert_eq!(CodeChallenge::parse(&text), None, "{text}");
        }
        assert!(CodeChallenge::parse(good).is_some());
    }

    #[test]
    fn row_11_a_verifier_of_42_or_129_characters_is_refused() {
        for length in [0, 42, 129] {
            assert!(CodeVerifier::parse(&"a".repeat(length)).is_none(), "{length}");
        }
        assert!(CodeVerifier::parse(&format!("{}+", "a".repeat(42))).is_none());
        for length in [43, 128] {
            assert!(CodeVerifier::parse(&"a".repeat(length)).is_some(), "{length}");
        }
    }

    #[test]
    fn row_10_and_rfc7636_appendix_b_vectors() {
        for (verifier, challenge) in [
            ("xyo94uhy3zKvgB0NJwLms86SwcjtWviEOpkBnGgaLlo", "b7elB7ZyxIXgFyvBznKvxl7wOB-H17Pz0a3B62NIMFI"),
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ] {
            let verifier = CodeVerifier::parse(verifier).unwrap();
            let challenge = CodeChallenge::parse(challenge).unwrap();
            assert!(verifier.answers(&challenge));
            assert!(!CodeVerifier::parse(&"a".repeat(43)).unwrap().answers(&challenge));
        }
    }
}
