//! An operator who registers one client after another by the command line, while the server dies under them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::judge::{Breach, Known, judge};
use super::log::{Event, History, Outcome, Step};
use super::server::{CLIENT, Site};
use crate::client::{Connection, Miss, RelyingParty};

/// The operator, and the log of every registration.
#[derive(Debug)]
pub(super) struct Registrar {
    site: Site,
    party: RelyingParty,
    began: Instant,
    registrations: Vec<History>,
    settled: usize,
}

impl Registrar {
    /// An operator of that site. The clients are registered at `party`'s issuer.
    pub(super) fn new(site: Site, party: RelyingParty, began: Instant) -> Self {
        Self { site, party, began, registrations: Vec::new(), settled: 0 }
    }

    /// Every registration's log.
    pub(super) fn histories(&self) -> impl Iterator<Item = &History> {
        self.registrations.iter()
    }

    /// Registers until `stop`.
    pub(super) fn live(&mut self, life: u32, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let id = client_id(self.registrations.len());
            let start = self.began.elapsed();
            let done = self.site.register(&id);
            let end = self.began.elapsed();
            // A command that fails may have failed after the server had done its part: it lost the reply.
            let outcome = if done { Outcome::Done } else { Outcome::Unknown };
            let mut history = History::of(id);
            history.add(Event { step: Step::Register, life, start, end, outcome });
            self.registrations.push(history);
        }
    }

    /// After a kill: every client registered since the last time shows its secret.
    ///
    /// # Errors
    /// The server was lost though nobody killed it, or an acknowledged registration.
    pub(super) fn settle(&mut self, life: u32) -> Result<(), String> {
        self.settle_from(self.settled, life)
    }

    /// At the end: every client shows its secret.
    ///
    /// # Errors
    /// As [`Registrar::settle`].
    pub(super) fn settle_all(&mut self, life: u32) -> Result<(), String> {
        self.settle_from(0, life)
    }

    fn settle_from(&mut self, first: usize, life: u32) -> Result<(), String> {
        let mut server = Connection::to(&self.party.at.authority);
        self.settled = self.registrations.len();
        for history in self.registrations.iter_mut().skip(first) {
            let party = RelyingParty { client_id: history.id.clone(), ..self.party.clone() };
            let start = self.began.elapsed();
            let answer = authenticates(&party, &mut server);
            let end = self.began.elapsed();
            let outcome = match answer {
                Ok(true) => Outcome::Done,
                Ok(false) => Outcome::Refused("invalid_client".to_owned()),
                Err(Miss::Lost(fault)) => {
                    return Err(format!("the server was lost though nobody killed it: {fault}"));
                }
                Err(miss @ Miss::Answered(_)) => Outcome::Failed(miss.to_string()),
            };
            history.add(Event { step: Step::Authenticate, life, start, end, outcome });
            judge(history).map_err(|Breach { rule, shown }| format!("{rule:?}\n{shown}"))?;
        }
        Ok(())
    }

    /// Whether anything was registered at all: a loop in which every command fails proves nothing.
    ///
    /// # Errors
    /// Nothing was.
    pub(super) fn has_registered(&self) -> Result<(), String> {
        let registered = |history: &History| judge(history).is_ok_and(|state| state.registered == Known::Yes);
        if self.registrations.iter().any(registered) {
            Ok(())
        } else {
            Err("no registration was acknowledged: `portvakt apply` does not work here".to_owned())
        }
    }
}

fn client_id(number: usize) -> String {
    format!("registered-{number}")
}

/// Whether the token endpoint knows the client by its secret: then it minds the code, which is nobody's.
fn authenticates(party: &RelyingParty, server: &mut Connection) -> Result<bool, Miss> {
    match party.redeem(server, "a-code-that-nobody-got") {
        Err(Miss::Answered(answer)) if answer.error() == "invalid_grant" => Ok(true),
        Err(Miss::Answered(answer)) if answer.error() == "invalid_client" => Ok(false),
        Err(miss) => Err(miss),
        Ok(_) => {
            Err(Miss::Lost(std::io::Error::other(format!("{} got tokens for nothing", CLIENT.client_id))))
        }
    }
}
