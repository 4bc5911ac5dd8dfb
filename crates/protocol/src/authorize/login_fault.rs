//! What is wrong with the login that a request asks for, and how a login can end without an answer.

use crate::acr::AcrFault;
use crate::refusal::{Fault, Received, Refusal, rules};

/// A fault about the login asked for, or in the login itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginFault {
    /// A word of `acr_values` that is not on the ladder, and the ladder's words.
    AcrUnknown(String, String),
    /// `acr_values` that no eID can meet, and the ladder's words.
    AcrUnmet(String, String),
    /// `prompt` has an unknown value.
    Prompt(String),
    /// `prompt=none` beside another value.
    PromptNoneCombined,
    /// `max_age` is no number.
    MaxAge(String),
    /// `prompt=none`, and the person must log in.
    LoginRequired,
    /// The person cancelled.
    Cancelled,
    /// The person who logged in may not, or no longer.
    PersonStopped,
    /// We cannot answer at present: what failed is ours, and in the log.
    Unavailable,
    /// No eID that reaches the level is to be had at this issuer.
    NoEid,
}

impl LoginFault {
    /// A person whom the issuer stops: found when the login is decided, or before it is begun where the request itself names the person.
    pub fn person_stopped() -> Self {
        Self::PersonStopped
    }

    /// `acr_values` that cannot be obeyed; `words` are the ladder's.
    pub(crate) fn acr(fault: AcrFault, words: String) -> Self {
        match fault {
            AcrFault::Unknown(word) => Self::AcrUnknown(word, words),
            AcrFault::Unmet(sent) => Self::AcrUnmet(sent, words),
        }
    }
}

impl Fault for LoginFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::AcrUnknown(word, words) => Refusal::of(
                &rules::ACR_VALUES_UNKNOWN,
                Some("acr_values"),
                format!("values from: {words}"),
                Received::word(word),
                "send levels of this issuer, separated by spaces",
            ),
            Self::AcrUnmet(sent, words) => Refusal::of(
                &rules::ACR_VALUES_UNMET,
                Some("acr_values"),
                format!("at least one value from: {words}"),
                Received::text(sent),
                "add a level that an eID of this issuer reaches",
            ),
            Self::Prompt(sent) => Refusal::of(
                &rules::PROMPT_UNKNOWN,
                Some("prompt"),
                "values from: none login consent select_account",
                Received::word(sent),
                "send a value of OpenID Connect Core §3.1.2.1",
            ),
            Self::PromptNoneCombined => Refusal::of(
                &rules::PROMPT_NONE_COMBINED,
                Some("prompt"),
                "none alone",
                Received::State("none beside another value"),
                "send prompt=none without other values",
            ),
            Self::MaxAge(sent) => Refusal::of(
                &rules::MAX_AGE,
                Some("max_age"),
                "a whole number of seconds",
                Received::text(sent),
                "send digits only",
            ),
            Self::LoginRequired => Refusal::of(
                &rules::LOGIN_REQUIRED,
                Some("prompt"),
                "a request that may show pages: the person must log in",
                Received::State("prompt=none"),
                "send the request again without prompt=none",
            ),
            Self::Cancelled => Refusal::of(
                &rules::CANCELLED,
                None,
                "a login: the person cancelled",
                Received::State("a cancellation"),
                "offer the person to log in again",
            ),
            Self::Unavailable => Refusal::of(
                &rules::UNAVAILABLE,
                None,
                "a moment in which it can be answered",
                Received::State("a failure of ours"),
                "send the request again in a moment",
            ),
            Self::PersonStopped => Refusal::of(
                &rules::PERSON_STOPPED,
                None,
                "a person who may log in",
                Received::State("a person who may not"),
                "use an active test person",
            ),
            Self::NoEid => Refusal::of(
                &rules::NO_EID,
                Some("acr_values"),
                "a level that an eID reaches: none can be used at present",
                Received::State("no eID at this issuer"),
                "configure an eID for this issuer",
            ),
        }
    }
}
