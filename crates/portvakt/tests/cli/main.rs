//! The command line, as operators and scripts use it: scenes against the real binary.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a scene that cannot go on fails where it stands"
)]

mod apply;
mod clients;
mod configuration;
mod db;
mod desk;
mod dev;
mod keys;
mod nodes;
mod organisations;
mod registered;
mod revoke;
mod scopes;
mod serve;
mod server;
mod three_environments;
mod verified;
mod warnings;
