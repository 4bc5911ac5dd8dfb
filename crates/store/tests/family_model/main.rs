//! Families against a small model of one: random uses, retries, replays and revocations, at random instants, some of which fail before
//! they are done, or after, or never answer, with the store opened anew in between. What nobody knows may have happened or not, and the
//! store must agree with one of the two; whatever happens, one token of a family at most can be used.

#[cfg(test)]
mod model;
#[cfg(test)]
mod scenes;
#[cfg(test)]
#[expect(dead_code, reason = "the scenes of the conformance suite use the rest of their world")]
#[path = "../conformance/world.rs"]
mod world;
