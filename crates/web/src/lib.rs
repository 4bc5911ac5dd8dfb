//! Protocol endpoints and pages over HTTP. Every handler has the same five beats: parse, load, decide, save, reply.

pub mod listen;

mod authorize;
pub mod clock;
mod cookies;
mod cors;
mod csrf;
mod end_session;
mod form;
pub mod keys;
mod lately;
mod login;
mod metadata;
mod pages;
mod refuse;
mod reply;
pub mod router;
pub mod site;
mod token;
mod userinfo;
