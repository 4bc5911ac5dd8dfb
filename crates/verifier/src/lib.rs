//! One independent verifier of Portvakt's own output. It judges a token, or a whole token response, as a stranger would who knows the
//! standards, the published JWK Set and what was asked for; and it shares no code with what signs: another RSA, another base64, another
//! reader of JSON. What it finds is a flaw of ours, so it is stricter than a relying party has reason to be: a claim that is not in the
//! documented list is a fault, and so is a time with a fraction.
//!
//! It has no clock and does no IO. [`Keys::parse`] reads a JWK Set, once; [`Keys::verify`] judges one token,
//! [`Keys::verify_response`] the body of a token response with the tokens in it.
//!
//! ```
//! # use portvakt_verifier::{Fault, Keys};
//! let keys = Keys::parse(br#"{"keys":[]}"#)?;
//! # Ok::<(), Fault>(())
//! ```
//!
//! A [`Fault`] names a member and what is wrong with it, never its value: it may be logged.

mod claims;
mod compact;
mod expected;
mod fault;
mod json;
mod jwk_set;
mod response;

pub use expected::{AmrShape, Expected, Format, Kind, Want};
pub use fault::{Fault, Part, Wrong};
pub use jwk_set::Keys;

impl Keys {
    /// Whether `token` is what was to be sent: its header, the signature by a published key, and each claim.
    ///
    /// # Errors
    /// [`Fault`], the first that is met.
    pub fn verify(&self, kind: Kind, token: &str, expected: &Expected<'_>) -> Result<(), Fault> {
        claims::judge(self, kind, token, expected).map(|_| ())
    }

    /// Whether `body` is the token response (RFC 6749 §5.1) that was to be sent: its members, and each token in it that is signed.
    ///
    /// # Errors
    /// [`Fault`], the first that is met.
    pub fn verify_response(&self, body: &[u8], expected: &Expected<'_>) -> Result<(), Fault> {
        response::judge(self, body, expected)
    }
}
