//! Commands and what comes of them, as values that travel over the desk's socket: a line of JSON each way.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::keys::{IssuerKeys, Rotated, Takeover};
use crate::registry::Application;
use crate::registry::applied::Applied;
use crate::registry::client::{ClientDeed, ShownClient};
use crate::registry::not_before::{TakenBack, Whose};
use crate::registry::organisation::{OrganisationDeed, ShownOrganisation};
use crate::registry::person::{PersonDeed, ShownPerson};
use crate::registry::report::Report;
use crate::registry::scope::{ScopeDeed, ShownScope};

/// What the desk can be asked to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Command {
    /// Tells which signing keys are published.
    KeyList {
        /// At this issuer; absent: at each.
        issuer: Option<String>,
    },
    /// Publishes the next signing key.
    KeyRotate {
        /// At this issuer; absent: at each.
        issuer: Option<String>,
        /// When it takes over, and what becomes of the keys before it.
        takeover: Takeover,
    },
    /// Brings a catalogue about.
    Apply(Application),
    /// Shows or changes clients.
    Client {
        /// At this issuer; absent: at the only one, or for a list at each.
        issuer: Option<String>,
        /// What is to be done.
        deed: ClientDeed,
    },
    /// Shows or changes organisations.
    Organisation {
        /// As for clients.
        issuer: Option<String>,
        /// What is to be done.
        deed: OrganisationDeed,
    },
    /// Shows or changes scopes.
    Scope {
        /// As for clients.
        issuer: Option<String>,
        /// What is to be done.
        deed: ScopeDeed,
    },
    /// Takes back everything that was given before now.
    Revoke {
        /// At this issuer; absent: at the only one.
        issuer: Option<String>,
        /// Whose.
        whose: Whose,
    },
    /// Shows or changes test persons.
    Person {
        /// In this pool; absent: in the only one, or for a list in each.
        pool: Option<String>,
        /// What is to be done.
        deed: PersonDeed,
    },
}

impl Command {
    /// Its name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::KeyList { .. } => "key list",
            Self::KeyRotate { .. } => "key rotate",
            Self::Apply(_) => "apply",
            Self::Client { deed, .. } => deed.name(),
            Self::Organisation { deed, .. } => deed.name(),
            Self::Scope { deed, .. } => deed.name(),
            Self::Revoke { .. } => "revoke",
            Self::Person { deed, .. } => deed.name(),
        }
    }
}

/// What came of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It was carried out, durably.
    Done(Answer),
    /// It was not.
    Refused(Refused),
}

/// What a command that was carried out has to tell.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// Of [`Command::KeyList`].
    Keys(Vec<IssuerKeys>),
    /// Of [`Command::KeyRotate`].
    Rotated(Vec<Rotated>),
    /// Of every command that changes the registry.
    Applied(Applied),
    /// Of a list of clients.
    Clients(Vec<ShownClient>),
    /// Of one.
    Client(Box<ShownClient>),
    /// Of a list of organisations.
    Organisations(Vec<ShownOrganisation>),
    /// Of one.
    Organisation(Box<ShownOrganisation>),
    /// Of a report on one.
    Report(Box<Report>),
    /// Of a list of scopes.
    Scopes(Vec<ShownScope>),
    /// Of one.
    Scope(Box<ShownScope>),
    /// Of [`Command::Revoke`].
    TakenBack(TakenBack),
    /// Of a list of test persons.
    Persons(Vec<ShownPerson>),
}

/// Why a command was not carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// What is wrong.
    pub(crate) what: String,
    /// What to try next.
    pub(crate) hint: Option<String>,
}

impl Refused {
    /// It failed on our side.
    pub(crate) fn broken(cause: impl fmt::Display) -> Self {
        Self { what: cause.to_string(), hint: Some("the server's log says more".to_owned()) }
    }
}
