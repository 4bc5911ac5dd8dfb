//! An operator who registers one client after another by the command line, withdraws a scope and gives it again, while things break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::chance::Chance;
use super::doors::{Doors, Entrance};
use super::history::{Event, Journal, Operation, Outcome, seconds};
use super::load::told;
use super::server::SCOPE;
use crate::client::{Miss, RelyingParty};
use crate::house::Outcome as Done;

/// After so many registrations the scope is withdrawn, for as long as the next takes.
const WITHDRAWN_EVERY: usize = 4;

/// Registers a client of that id by the command line; whether the command said that it was done.
pub(super) type Register = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Gives the clients' organisation the scope, or withdraws it; whether the command said that it was done.
pub(super) type GiveScope = Arc<dyn Fn(bool) -> bool + Send + Sync>;

/// What an operator does.
#[derive(Clone)]
pub(super) struct Desk {
    /// Registers a client.
    pub(super) register: Register,
    /// Gives the scope, or withdraws it.
    pub(super) give_scope: GiveScope,
}

/// The operator.
pub(super) struct Registrar {
    desk: Desk,
    given: bool,
    /// The site was at rest before, with the scope withdrawn.
    rested: bool,
    party: RelyingParty,
    entrance: Entrance,
    journal: Journal,
    registered: Vec<String>,
    settled: usize,
}

impl Registrar {
    /// An operator of that site. The clients are registered at `party`'s issuer.
    pub(super) fn new(desk: Desk, party: RelyingParty, entrance: &Entrance, journal: &Journal) -> Self {
        let (entrance, journal) = (entrance.clone(), journal.clone());
        let registrar = Self {
            desk,
            given: true,
            rested: false,
            party,
            entrance,
            journal,
            registered: Vec::new(),
            settled: 0,
        };
        // As the catalogue that the site was made with has it.
        registrar.add(
            SCOPE,
            Operation::GiveScope,
            "operator",
            (registrar.journal.micros(), 0),
            Outcome::Done,
        );
        registrar
    }

    /// Gives the scope, or withdraws it.
    fn give_scope(&mut self, given: bool, life: u32) -> bool {
        let start = self.journal.micros();
        let done = (self.desk.give_scope)(given);
        let operation = if given { Operation::GiveScope } else { Operation::WithdrawScope };
        let outcome = if done { Outcome::Done } else { Outcome::Unknown };
        self.add(SCOPE, operation, "operator", (start, life), outcome);
        self.given = given && done;
        done
    }

    /// Registers until `stop`, and has the scope withdrawn every now and then.
    pub(super) fn live(&mut self, life: u32, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let id = format!("registered-{}", self.registered.len());
            let start = self.journal.micros();
            let done = (self.desk.register)(&id);
            // A command that fails may have failed after its part was done: it lost the reply.
            let outcome = if done { Outcome::Done } else { Outcome::Unknown };
            self.add(&id, Operation::Register, "operator", (start, life), outcome);
            self.registered.push(id);
            if !self.given || self.registered.len().is_multiple_of(WITHDRAWN_EVERY) {
                self.give_scope(!self.given, life);
            }
        }
    }

    /// When nothing is broken: the scope is given, and every client registered since the last time shows its secret. The first time the
    /// scope is withdrawn instead, so that those who ask after their tokens find a site at rest without it.
    ///
    /// # Errors
    /// No answer.
    pub(super) fn settle(&mut self, life: u32) -> Done {
        let withdraws = !std::mem::replace(&mut self.rested, true);
        if (withdraws || !self.given) && !self.give_scope(!withdraws, life) {
            return Err("the scope cannot be changed though nobody broke anything".to_owned());
        }
        let first = std::mem::replace(&mut self.settled, self.registered.len());
        self.settle_from(first, life)
    }

    /// At the end: every client shows its secret, at every node.
    ///
    /// # Errors
    /// As [`Registrar::settle`].
    pub(super) fn settle_all(&mut self, life: u32) -> Done {
        self.settle_from(0, life)
    }

    fn settle_from(&mut self, first: usize, life: u32) -> Done {
        let mut doors = self.entrance.doors(&mut Chance::seeded(u64::from(life)));
        for node in 0..self.entrance.nodes.len() {
            doors.only(Some(node));
            for id in self.registered.iter().skip(first) {
                let party = RelyingParty { client_id: id.clone(), ..self.party.clone() };
                let start = self.journal.micros();
                let outcome = authenticated(&party, &mut doors);
                self.add(id, Operation::Authenticate, doors.last(), (start, life), outcome.clone());
                if outcome == Outcome::Unknown {
                    return Err(format!("no answer though nobody broke anything, about {id}"));
                }
            }
        }
        Ok(())
    }

    fn add(&self, id: &str, operation: Operation, node: &str, (start, life): (u64, u32), outcome: Outcome) {
        self.journal.add(&Event {
            about: id.to_owned(),
            operation,
            attempt: 0,
            presented: None,
            node: node.to_owned(),
            life,
            start,
            end: self.journal.micros(),
            outcome,
            now: seconds(start),
            expires: None,
            client: None,
            scope: None,
        });
    }
}

/// Whether the token endpoint knows the client by its secret: then it minds the code, which is nobody's.
fn authenticated(party: &RelyingParty, doors: &mut Doors) -> Outcome {
    match party.redeem(doors, "a-code-that-nobody-got") {
        Err(Miss::Answered(answer)) if answer.error() == "invalid_grant" => Outcome::Done,
        Err(miss) => told(&miss),
        Ok(_) => Outcome::Failed("tokens for nothing".to_owned()),
    }
}
