//! Families against a small model of one: random uses, retries, replays, revocations and sweeps, at random instants, until after the
//! grant's end. Some of them fail before they are done, or after, or never answer; of some the database's answer is lost, or the request;
//! and some nodes die while one is under way, of which nobody knows then whether it was done. What is known must be so, what nobody knows
//! must be one of the two, and an error is told only where one was provoked. Whatever happens, one token of a family at most can be used.

#[cfg(test)]
mod model;
#[cfg(test)]
mod node;
#[cfg(test)]
mod run;
#[cfg(test)]
mod scenes;
#[cfg(test)]
#[expect(dead_code, reason = "the scenes of the conformance suite use the rest of their world")]
#[path = "../conformance/world.rs"]
mod world;
