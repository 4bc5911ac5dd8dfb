//! The service provider: a registered organisation that has accepted the terms of use.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A Norwegian organisation number: nine digits, the last a control digit (weights 3,2,7,6,5,4,3,2, modulo 11).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrgNumber(String);

/// Why a text is no organisation number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrgNumberFault {
    /// Not nine digits.
    #[error("must be nine digits")]
    NotNineDigits,
    /// The control digit is wrong.
    #[error("must have a correct control digit")]
    ControlDigit,
}

impl OrgNumber {
    /// Parses nine digits with a right control digit.
    ///
    /// # Errors
    /// [`OrgNumberFault`].
    pub fn parse(text: &str) -> Result<Self, OrgNumberFault> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
        if text.len() != 9 || digits.len() != 9 {
            return Err(OrgNumberFault::NotNineDigits);
        }
        let sum: u32 =
            [3, 2, 7, 6, 5, 4, 3, 2].iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
        if digits.last() != Some(&((11 - sum % 11) % 11)) {
            return Err(OrgNumberFault::ControlDigit);
        }
        Ok(Self(text.to_owned()))
    }

    /// The nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `0192:` and the number: the ISO 6523 form that `consumer.ID` carries.
    pub fn iso6523(&self) -> String {
        format!("0192:{}", self.0)
    }
}

impl fmt::Display for OrgNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for OrgNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OrgNumber({})", self.0)
    }
}

impl<'de> Deserialize<'de> for OrgNumber {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Which version of the terms of use an organisation accepted, when, and who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The version accepted, as the issuer's configuration names it.
    pub version: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The person who accepted on the organisation's behalf: a name or a role, never a `pid`.
    pub accepted_by: String,
}

/// Where an organisation stands. Nothing is hard-deleted: an organisation that leaves is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Registered and in use.
    Active,
    /// The organisation withdrew from the terms.
    Withdrawn,
    /// The operator turned it off.
    Deactivated,
}

/// A registered organisation at one issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its number.
    pub orgno: OrgNumber,
    /// Its name.
    pub name: String,
    /// The terms it accepted, if any. Without them it has no clients.
    pub terms: Option<Acceptance>,
    /// Active, withdrawn or deactivated.
    pub standing: Standing,
}

impl Organisation {
    /// Whether its clients may be used at all: it is active and has accepted some version of the terms.
    pub fn may_have_clients(&self) -> bool {
        self.standing == Standing::Active && self.terms.is_some()
    }

    /// Whether it has yet to accept `current`, the version of the terms now in force.
    pub fn terms_outstanding(&self, current: &str) -> bool {
        self.terms.as_ref().is_none_or(|accepted| accepted.version != current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_wrong_control_digit_are_refused() {
        for text in ["991825828", "999888777"] {
            assert_eq!(OrgNumber::parse(text).unwrap_err(), OrgNumberFault::ControlDigit, "{text}");
        }
        for text in ["", "99182582", "9918258270", "99182582x"] {
            assert_eq!(OrgNumber::parse(text).unwrap_err(), OrgNumberFault::NotNineDigits, "{text}");
        }
        for text in ["991825827", "910753614", "889640782"] {
            assert_eq!(OrgNumber::parse(text).unwrap().iso6523(), format!("0192:{text}"));
        }
    }

    #[test]
    fn an_organisation_without_accepted_terms_has_no_clients() {
        let mut organisation = Organisation {
            orgno: OrgNumber::parse("991825827").unwrap(),
            name: "Difi".into(),
            terms: None,
            standing: Standing::Active,
        };
        assert!(!organisation.may_have_clients());
        organisation.terms = Some(Acceptance {
            version: "2016-12".into(),
            accepted_at: Timestamp::from_unix(0),
            accepted_by: "Kari".into(),
        });
        assert!(organisation.may_have_clients());
        assert!(!organisation.terms_outstanding("2016-12"));
        assert!(organisation.terms_outstanding("2017-01"));
        organisation.standing = Standing::Withdrawn;
        assert!(!organisation.may_have_clients());
    }
}
