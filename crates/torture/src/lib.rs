//! What must hold whatever breaks, and how it is found out when it does not.
//!
//! - [`history`]: what clients did and were told, and the one judge of it, over the invariants I1 to I8;
//! - [`chance`]: choices that can be had again.

pub mod chance;
pub mod history;
