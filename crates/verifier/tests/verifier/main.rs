//! What the verifier refuses, and what it accepts: tokens that another library signed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a scene that cannot be set up fails its test"
)]

mod claims;
mod cost;
mod expectation;
mod flipped_bits;
mod jwk_set;
mod responses;
mod signatures;
mod signing;
