//! What was taken back, for those who look after it, and the clock that all who share a store have in common.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::person::Pid;
use portvakt_protocol::registration::Subject;
use portvakt_protocol::time::Timestamp;

use crate::{Backend, Broken, Store};

impl Store {
    /// The present as the store has it, cut to the whole second; none if it has no clock of its own: a folder's is its process's.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn clock(&self) -> Result<Option<Timestamp>, Broken> {
        verb!(self, "clock", store => store.clock())
    }

    /// Of whom everything was taken back at an issuer, each with the instant in force: of everybody, of clients and organisations,
    /// and of this person, if one is named. What was granted before is nothing.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn taken_back(
        &self,
        issuer: &Issuer,
        person: Option<&Pid>,
    ) -> Result<Vec<(Subject, Timestamp)>, Broken> {
        verb!(self, "taken_back", store => store.taken_back(issuer, person))
    }
}
