//! The test kit: a seeded [`World`] with a store, issuers and a fixed clock, called in process; a [`Browser`] that keeps
//! cookies as browsers do; a [`RelyingParty`] that knows nothing but a discovery document; and [`Process`], the real binary.
//!
//! Every world ends with a scan: no secret that its browsers and relying parties saw, and no person's number, may stand in
//! the log or in the database's files.
#![expect(clippy::expect_used, clippy::panic, reason = "a scene that cannot go on fails where it stands")]

mod browser;
mod call;
mod canaries;
mod client_requests;
mod data;
mod form;
mod process;
mod redemption;
mod refusals;
mod registered;
mod relying_party;
mod rows;
mod signing_keys;
mod verdict;
mod wire;
mod world;

pub use browser::Browser;
pub use call::{Call, Reply};
pub use canaries::log;
pub use data::{Damage, Data};
pub use form::Form;
pub use http::Method;
/// What judges every token response that the kit obtains.
pub use portvakt_verifier as verifier;
pub use process::Process;
pub use redemption::{Redemption, Tokens};
pub use refusals::{assert_inactive, assert_marks, assert_rule, assert_token_refusal, logged_rule, trace_id};
pub use registered::{
    client_id, native, opaque_scope, open_scope, organisation, orgno, owned_scope, public, read_by, reader,
    refreshing, registration, scopes,
};
pub use relying_party::{Answer, Asking, RelyingParty, Service};
pub use rows::Rows;
pub use wire::Wire;
pub use world::{At, PERSONS, World};
