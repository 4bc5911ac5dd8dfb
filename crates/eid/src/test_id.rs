//! TestID: a person is whoever they type, at the level they pick. Never in production: a production provider cannot be made
//! with it ([`Provider::new`](portvakt_protocol::provider::Provider::new)).

use portvakt_protocol::acr::{AcrLadder, Assurance};
use portvakt_protocol::authorize::LoginHint;
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::person::{Pid, PidFault};
use portvakt_protocol::provider::TestIdSettings;
use portvakt_protocol::time::Timestamp;

/// The highest level that TestID reaches.
pub const REACH: Assurance = Assurance::High;

/// What a person typed and picked.
#[derive(Debug)]
pub struct Entry {
    pid: Pid,
    assurance: Assurance,
}

/// What is wrong with an entry: one fault for a field, carrying nothing of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryFault {
    /// The number.
    Pid(PidFault),
    /// The level is none of those offered.
    Level,
    /// The person may not log in here.
    Stopped,
}

/// The levels offered for a request: every rung of the ladder from its minimum up.
pub fn offered(ladder: &AcrLadder, minimum: Assurance) -> impl Iterator<Item = (&'static str, Assurance)> {
    ladder.rungs.iter().copied().filter(move |(_, assurance)| *assurance >= minimum)
}

impl Entry {
    /// Parses what was typed and picked: a synthetic number, and a level that was offered. `settings` are those of a provider
    /// that offers TestID, so no other can come here.
    ///
    /// # Errors
    /// [`EntryFault`].
    pub fn parse(
        _settings: &TestIdSettings,
        (pid, level): (&str, &str),
        ladder: &AcrLadder,
        minimum: Assurance,
    ) -> Result<Self, EntryFault> {
        let typed: String = pid.chars().filter(|character| !character.is_whitespace()).collect();
        let pid = Pid::parse_synthetic(&typed).map_err(EntryFault::Pid)?;
        let picked = offered(ladder, minimum).find(|(word, _)| *word == level);
        let (_, assurance) = picked.ok_or(EntryFault::Level)?;
        Ok(Self { pid, assurance })
    }

    /// The entry that a request's own hint makes. A hint is held to the same rules when its request is validated: synthetic,
    /// offered, and only where TestID is.
    pub fn hinted(hint: &LoginHint) -> Self {
        Self { pid: hint.pid().clone(), assurance: hint.assurance() }
    }

    /// The person named.
    pub fn pid(&self) -> &Pid {
        &self.pid
    }

    /// The evidence of this entry, unless the person may not log in here.
    ///
    /// # Errors
    /// [`EntryFault::Stopped`].
    pub fn evidence(self, stopped: bool, now: Timestamp) -> Result<Evidence, EntryFault> {
        if stopped {
            return Err(EntryFault::Stopped);
        }
        Ok(Evidence { pid: self.pid, method: Method::TestId, assurance: self.assurance, auth_time: now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portvakt_protocol::profile::{IDPORTEN, PILOT};

    const SETTINGS: TestIdSettings = TestIdSettings { pools: Vec::new(), assigned_only: false };

    #[test]
    fn a_level_below_the_minimum_is_not_offered_nor_taken() {
        let words: Vec<_> = offered(&IDPORTEN.acr, Assurance::High).map(|(word, _)| word).collect();
        assert_eq!(words, ["idporten-loa-high"]);
        for level in ["idporten-loa-substantial", "Level4", ""] {
            let entry = Entry::parse(&SETTINGS, ("21879498012", level), &IDPORTEN.acr, Assurance::High);
            assert_eq!(entry.unwrap_err(), EntryFault::Level, "{level}");
        }
        assert!(
            Entry::parse(&SETTINGS, ("21879498012", "idporten-loa-high"), &IDPORTEN.acr, Assurance::High)
                .is_ok()
        );
    }

    #[test]
    fn a_number_that_is_not_synthetic_or_a_stopped_person_yields_no_evidence() {
        let wrong = Entry::parse(&SETTINGS, ("21879498013", "Level3"), &PILOT.acr, Assurance::Substantial);
        assert_eq!(wrong.unwrap_err(), EntryFault::Pid(PidFault::ControlDigits));
        let entry = || {
            Entry::parse(&SETTINGS, ("218794 98012", "Level4"), &PILOT.acr, Assurance::Substantial).unwrap()
        };
        assert_eq!(entry().evidence(true, Timestamp::from_unix(1)).unwrap_err(), EntryFault::Stopped);
        let evidence = entry().evidence(false, Timestamp::from_unix(1)).unwrap();
        assert_eq!((evidence.assurance, evidence.method.as_str()), (Assurance::High, "TestID"));
    }
}
