//! Floor 0: the only crate of the house that names a crypto library (AWS-LC, through `aws-lc-rs`).
//!
//! It owns JOSE ([`jws`], [`jwk`], strict [`json`]), [`certificate`]s for signing keys, [`digest`]s and keyed
//! digests, [`random`]ness as an argument, [`seal`]ing of stored values, and the text [`encoding`]s they travel in.
//! It knows nothing of OAuth, of storage or of HTTP, reads no clock for a decision and keeps no state beyond two
//! counters (see [`signing::measure_signatures`]).
//!
//! Two rules hold everywhere here. The **key chooses the algorithm**, never the message (RFC 8725 §3.1). And what
//! arrives from outside is measured before it is decoded, decoded in one canonical form only, and answered with a
//! fault rather than a panic.

pub mod certificate;
pub mod digest;
pub mod encoding;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod random;
pub mod seal;
pub mod signing;

/// Ends the process when the crypto library itself fails on input that cannot make it fail.
///
/// An exhausted generator or an AES context that cannot be built has no answer that keeps a promise: going on would
/// mean predictable codes or values stored unsealed, and a panic would be caught by the runtime and retried.
#[cold]
fn abort(reason: &str) -> ! {
    eprintln!("portvakt: {reason}; the process ends here rather than go on without it");
    std::process::abort()
}
