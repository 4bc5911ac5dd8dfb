//! What must hold whatever breaks, and how it is found out when it does not.
//!
//! - [`history`]: what clients did and were told, and the one judge of it, over the invariants I1 to I8;
//! - [`journal`]: a history as it is made, on disk too, where it outlives its writer;
//! - [`load`]: clients on the store's verbs, which leave a history;
//! - [`contest`]: what is used once, wanted by many at the same moment;
//! - [`month`]: thirty days of logins by the clock that the verbs are told, weighed by the hour;
//! - [`world`]: the issuer, clients and persons that they need, and how a store is opened;
//! - [`chance`]: choices that can be had again.

pub mod chance;
pub mod contest;
pub mod history;
pub mod journal;
pub mod load;
pub mod month;
pub mod world;
