//! Protocol endpoints and pages over HTTP. Every handler has the same five beats: parse, load, decide, save, reply.

pub mod listen;

mod asker;
pub mod assets;
mod authorize;
pub mod clock;
mod concerned;
mod cookies;
mod cors;
mod csrf;
mod end_session;
pub mod face;
mod form;
mod form_action;
mod here;
mod inactive;
mod introspect;
mod issuer_page;
pub mod keys;
mod language;
mod lately;
mod login;
mod metadata;
mod pages;
mod presented;
pub mod refusal_count;
mod refuse;
mod reply;
mod revoke;
pub mod router;
mod rule_page;
pub mod site;
mod token;
mod unserved;
mod userinfo;
mod verdict;

pub use pages::pages_shown;
