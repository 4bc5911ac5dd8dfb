//! Levels of assurance and the words an issuer has for them (`acr`, OpenID Connect Core §2).

use serde::{Deserialize, Serialize};

/// How sure a login is, in the house's own words. Its order is the ladder's: a higher login satisfies a lower demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// eIDAS low.
    Low,
    /// eIDAS substantial; Level3 of the pilot.
    Substantial,
    /// eIDAS high; Level4 of the pilot.
    High,
}

/// An issuer's ladder: its words, lowest first, and what is meant when nothing is asked.
#[derive(Debug, Clone, Copy)]
pub struct AcrLadder {
    /// The words this issuer answers with, lowest first.
    pub rungs: &'static [(&'static str, Assurance)],
    /// Words it knows but has no eID for yet. Beside a rung they add nothing; alone they cannot be met.
    pub unmet: &'static [&'static str],
    /// The lowest level offered when `acr_values` is absent.
    pub default: Assurance,
}

/// Why `acr_values` cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcrFault {
    /// A word that is on no ladder of this issuer.
    Unknown(String),
    /// Only words that no eID of this issuer can meet.
    Unmet(String),
}

impl AcrLadder {
    /// The word for a login that reached `assurance`: the highest rung that is not above it. None if every rung is: then there
    /// is no word that would be true.
    pub fn word(&self, assurance: Assurance) -> Option<&'static str> {
        self.rungs.iter().rev().find(|(_, rung)| *rung <= assurance).map(|(word, _)| *word)
    }

    /// The level of a word on this ladder.
    pub fn assurance(&self, word: &str) -> Option<Assurance> {
        self.rungs.iter().find(|(rung, _)| *rung == word).map(|(_, assurance)| *assurance)
    }

    /// The lowest level that `acr_values` asks for: a space-separated list of which any one may be met (contract: a requested minimum).
    ///
    /// # Errors
    /// [`AcrFault`] if a word is unknown here, or if none can be met.
    pub fn minimum(&self, acr_values: Option<&str>) -> Result<Assurance, AcrFault> {
        let Some(text) = acr_values else { return Ok(self.default) };
        let mut lowest = None;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match self.assurance(word) {
                Some(level) => lowest = Some(lowest.map_or(level, |low: Assurance| low.min(level))),
                None if self.unmet.contains(&word) => {}
                None => return Err(AcrFault::Unknown(word.to_owned())),
            }
        }
        lowest.ok_or_else(|| AcrFault::Unmet(text.to_owned()))
    }

    /// The words, lowest first, separated by spaces: for messages.
    pub fn words(&self) -> String {
        self.rungs.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{IDPORTEN, PILOT};

    #[test]
    fn a_word_of_another_issuer_is_refused() {
        assert_eq!(
            PILOT.acr.minimum(Some("idporten-loa-high")),
            Err(AcrFault::Unknown("idporten-loa-high".into()))
        );
        assert_eq!(IDPORTEN.acr.minimum(Some("Level4")), Err(AcrFault::Unknown("Level4".into())));
        assert_eq!(
            IDPORTEN.acr.minimum(Some("eidas-loa-high")),
            Err(AcrFault::Unmet("eidas-loa-high".into()))
        );
    }

    #[test]
    fn no_word_is_above_the_evidence() {
        assert_eq!(PILOT.acr.word(Assurance::Low), None);
        assert_eq!(PILOT.acr.word(Assurance::High), Some("Level4"));
        assert_eq!(IDPORTEN.acr.word(Assurance::Low), Some("idporten-loa-low"));
    }

    #[test]
    fn the_lowest_asked_for_is_the_minimum() {
        assert_eq!(PILOT.acr.minimum(None), Ok(Assurance::Substantial));
        assert_eq!(PILOT.acr.minimum(Some("Level4")), Ok(Assurance::High));
        assert_eq!(PILOT.acr.minimum(Some("Level4 Level3")), Ok(Assurance::Substantial));
        assert_eq!(
            IDPORTEN.acr.minimum(Some("idporten-loa-high eidas-loa-substantial")),
            Ok(Assurance::High),
            "an eIDAS word beside a Norwegian one only adds a choice"
        );
    }
}
