//! Commands and what comes of them, as values that travel over the desk's socket: a line of JSON each way.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::keys::{IssuerKeys, Rotated};

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
        /// Whether it signs at once.
        now: bool,
    },
}

impl Command {
    /// Its name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::KeyList { .. } => "key list",
            Self::KeyRotate { .. } => "key rotate",
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
