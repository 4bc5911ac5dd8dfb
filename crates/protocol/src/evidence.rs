//! What an electronic ID brings back: evidence, never a session.

use serde::{Deserialize, Serialize};

use crate::acr::Assurance;
use crate::person::Pid;
use crate::time::Timestamp;

/// The eID a person logged in with: a value of the `amr` claim (contract §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// TestID: never in production.
    #[serde(rename = "TestID")]
    TestId,
}

impl Method {
    /// The value of `amr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TestId => "TestID",
        }
    }

    /// The method of that name, as a row holds it.
    pub fn named(name: &str) -> Option<Self> {
        (name == Self::TestId.as_str()).then_some(Self::TestId)
    }
}

/// Who logged in, by which eID, how surely, and when. Only an eID makes it, and only the store brings it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The person.
    pub pid: Pid,
    /// The eID.
    pub method: Method,
    /// The level reached.
    pub assurance: Assurance,
    /// The instant of the authentication (`auth_time`).
    pub auth_time: Timestamp,
}
