//! `login_hint=testid:<pid>_<acr>` (contract §2): a test suite's login without a page, where the issuer offers TestID. Any other hint
//! is ignored. The number stands in a URL that we did not make; nothing that we make or keep repeats it.

use std::fmt;

use super::AuthorizeFault;
use crate::acr::{AcrLadder, Assurance};
use crate::evidence::Method;
use crate::person::{Pid, PidFault};
use crate::provider::Provider;
use crate::refusal::{Fault, Received, Refusal, rules};

/// The parameter.
pub(super) const LOGIN_HINT: &str = "login_hint";

/// What marks a hint that logs in.
const SCHEME: &str = "testid:";

/// Whom a request logs in without a page, and at which level: a synthetic number, and a level that the issuer has and that is
/// not below the request's minimum. Made only where the issuer offers TestID, so never in production.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginHint {
    pid: Pid,
    assurance: Assurance,
}

impl LoginHint {
    /// Reads a hint; `None` for any that is not `testid:`'s, and is ignored.
    ///
    /// # Errors
    /// [`HintFault`] names the first rule that a `testid:` hint breaks.
    pub fn parse(hint: &str, provider: &Provider, minimum: Assurance) -> Result<Option<Self>, HintFault> {
        let Some(wish) = hint.strip_prefix(SCHEME) else { return Ok(None) };
        let length = hint.chars().count();
        if !provider.offers(Method::TestId) {
            return Err(HintFault::NotOffered(length));
        }
        let ladder = &provider.profile().acr;
        let (number, word) = wish.split_once('_').ok_or(HintFault::Syntax(length))?;
        let pid =
            Pid::parse_synthetic(number).map_err(|fault| HintFault::Number(fault, number.chars().count()))?;
        let rung = ladder.rungs.iter().find(|(rung, _)| *rung == word);
        let (word, assurance) = rung.ok_or_else(|| HintFault::LevelUnknown {
            words: offered(ladder, minimum),
            length: word.chars().count(),
        })?;
        if *assurance < minimum {
            return Err(HintFault::LevelTooLow { words: offered(ladder, minimum), sent: word });
        }
        Ok(Some(Self { pid, assurance: *assurance }))
    }

    /// The person.
    pub fn pid(&self) -> &Pid {
        &self.pid
    }

    /// The level to reach.
    pub fn assurance(&self) -> Assurance {
        self.assurance
    }
}

impl fmt::Debug for LoginHint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("LoginHint(redacted)")
    }
}

/// The words that will do, lowest first.
fn offered(ladder: &AcrLadder, minimum: Assurance) -> String {
    let enough = ladder.rungs.iter().filter(|(_, assurance)| *assurance >= minimum);
    enough.map(|(word, _)| *word).collect::<Vec<_>>().join(" ")
}

/// What is wrong with a `testid:` hint. It carries lengths in characters, and words of the issuer's own ladder; nothing that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HintFault {
    /// TestID is not to be had here, as in production; the hint's length.
    NotOffered(usize),
    /// Not `testid:<pid>_<acr>`; the hint's length.
    Syntax(usize),
    /// The number; its length.
    Number(PidFault, usize),
    /// A level that the issuer does not have.
    LevelUnknown {
        /// The words that will do.
        words: String,
        /// The length of what stood there: with the halves swapped, it is the number.
        length: usize,
    },
    /// A level below the request's minimum.
    LevelTooLow {
        /// The words that will do.
        words: String,
        /// The word sent.
        sent: &'static str,
    },
}

impl From<HintFault> for AuthorizeFault {
    fn from(fault: HintFault) -> Self {
        Self::Hint(fault)
    }
}

impl Fault for HintFault {
    fn refusal(&self) -> Refusal {
        let row = |rule, expected: String, received, fix: &'static str| {
            Refusal::of(rule, Some(LOGIN_HINT), expected, received, fix)
        };
        match self {
            Self::NotOffered(length) => row(
                &rules::LOGIN_HINT_NOT_OFFERED,
                "no testid hint: TestID is not offered at this issuer".to_owned(),
                Received::Kind("a testid hint", *length),
                "leave login_hint out, or use an issuer of a test environment",
            ),
            Self::Syntax(length) => row(
                &rules::LOGIN_HINT_SYNTAX,
                "testid:, an identity number, _ and a level".to_owned(),
                Received::Kind("a testid hint", *length),
                "write login_hint=testid:<pid>_<acr>, form-encoded",
            ),
            Self::Number(fault, length) => row(
                &rules::LOGIN_HINT_NUMBER,
                format!("a synthetic identity number after testid: it {fault}"),
                Received::Kind("a number", *length),
                "use a test person of the issuer's",
            ),
            Self::LevelUnknown { words, length } => row(
                &rules::LOGIN_HINT_LEVEL_UNKNOWN,
                format!("after the number and _ a level from: {words}"),
                Received::Kind("a level", *length),
                "write a level of this issuer after the number: login_hint=testid:<pid>_<acr>",
            ),
            Self::LevelTooLow { words, sent } => row(
                &rules::LOGIN_HINT_LEVEL_LOW,
                format!("a level that acr_values allows, from: {words}"),
                Received::State(sent),
                "raise the level of the hint, or lower acr_values",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{IDPORTEN, PILOT, Profile};
    use crate::provider::{Environment, TestIdSettings};

    const PERSON: &str = "21879498012";

    fn provider(profile: &'static Profile, environment: Environment, door: bool) -> Provider {
        let door = door.then(|| TestIdSettings { pools: Vec::new(), assigned_only: false });
        Provider::new("https://a.example", None, profile, environment, door, "1").unwrap()
    }

    fn parse(hint: &str) -> Result<Option<LoginHint>, HintFault> {
        LoginHint::parse(hint, &provider(&PILOT, Environment::Test, true), Assurance::Substantial)
    }

    #[test]
    fn a_testid_hint_is_refused_where_testid_is_not_offered() {
        for (environment, profile) in [(Environment::Production, &IDPORTEN), (Environment::Test, &PILOT)] {
            for hint in [format!("testid:{PERSON}_idporten-loa-high"), "testid:".to_owned()] {
                let refused = LoginHint::parse(&hint, &provider(profile, environment, false), Assurance::Low);
                assert_eq!(refused, Err(HintFault::NotOffered(hint.len())));
            }
        }
    }

    #[test]
    fn a_testid_hint_that_is_none_is_refused_by_the_rule_it_breaks() {
        let number = |fault, length| HintFault::Number(fault, length);
        for (hint, fault) in [
            ("testid:", HintFault::Syntax(7)),
            ("testid:21879498012", HintFault::Syntax(18)),
            ("testid:_Level4", number(PidFault::NotElevenDigits, 0)),
            ("testid:21879498013_Level4", number(PidFault::ControlDigits, 11)),
            ("testid: 21879498012_Level4", number(PidFault::NotElevenDigits, 12)),
            ("testid:Level4_21879498012", number(PidFault::NotElevenDigits, 6)),
            (
                "testid:21879498012_level4",
                HintFault::LevelUnknown { words: "Level3 Level4".into(), length: 6 },
            ),
            ("testid:21879498012_", HintFault::LevelUnknown { words: "Level3 Level4".into(), length: 0 }),
            (
                "testid:21879498012_Level4_x",
                HintFault::LevelUnknown { words: "Level3 Level4".into(), length: 8 },
            ),
            (
                "testid:21879498012_idporten-loa-high",
                HintFault::LevelUnknown { words: "Level3 Level4".into(), length: 17 },
            ),
        ] {
            assert_eq!(parse(hint), Err(fault), "{hint}");
        }
    }

    #[test]
    fn a_number_of_the_kind_that_real_people_have_is_refused() {
        // Made here, so that no such number stands in the project.
        let real = (0..100_000u32)
            .map(|ending| format!("010190{ending:05}"))
            .find(|text| Pid::parse(text).is_ok())
            .expect("one exists");
        let refused = parse(&format!("testid:{real}_Level3"));
        assert_eq!(refused, Err(HintFault::Number(PidFault::NotSynthetic, 11)));
    }

    #[test]
    fn a_level_below_the_minimum_is_refused_and_a_higher_one_is_not() {
        let provider = provider(&IDPORTEN, Environment::Development, true);
        let hint = |word: &str| {
            LoginHint::parse(&format!("testid:{PERSON}_{word}"), &provider, Assurance::Substantial)
        };
        let words = "idporten-loa-substantial idporten-loa-high".to_owned();
        assert_eq!(hint("idporten-loa-low"), Err(HintFault::LevelTooLow { words, sent: "idporten-loa-low" }));
        for (word, assurance) in
            [("idporten-loa-substantial", Assurance::Substantial), ("idporten-loa-high", Assurance::High)]
        {
            let hint = hint(word).unwrap().unwrap();
            assert_eq!((hint.pid().reveal(), hint.assurance()), (PERSON, assurance));
        }
    }

    #[test]
    fn any_other_hint_is_ignored() {
        for hint in ["", PERSON, "eidas:true", "TESTID:21879498012_Level4", " testid:x", "testid"] {
            assert_eq!(parse(hint), Ok(None), "{hint}");
        }
    }

    #[test]
    fn neither_a_hint_nor_a_fault_of_one_prints_the_number() {
        let hint = parse(&format!("testid:{PERSON}_Level4")).unwrap().unwrap();
        assert!(!format!("{hint:?}").contains("2187"));
        for wrong in ["testid:21879498012", "testid:21879498013_x", "testid:x_21879498012"] {
            let fault = parse(wrong).unwrap_err();
            let refusal = fault.refusal();
            assert!(
                !format!("{fault:?} {refusal:?} {}", refusal.description(Environment::Test, ""))
                    .contains("2187"),
                "{wrong}"
            );
        }
    }
}
