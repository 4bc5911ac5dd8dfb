//! Refusals: what a fault says to whom. Each topic has its own enum of faults; each fault breaks one rule of the table in
//! [`rules`], named by one exhaustive match, so the compiler asks about every new one. Three audiences read a refusal: the caller on
//! the wire, the person on a page, and the developer or operator in the log.

mod example;
mod malformed;
mod received;
mod rule;
pub mod rules;
mod sensitive;

pub use example::{Example, ExampleKind, Only, ShownExample};
pub use malformed::{Malformed, Sent};
pub use received::{Received, beginning, inert};
pub use rule::{Rule, Shared, Text};
pub use sensitive::{Seen, holds_number, is_shown_whole, shown};

use std::borrow::Cow;
use std::fmt;

use crate::features::Endpoint;
use crate::provider::{Environment, Provider};

/// The error codes of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §5.2.
    UnauthorizedClient,
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidScope,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// RFC 6749 §4.1.2.1.
    ServerError,
    /// OpenID Connect Core §3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6.
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6.
    RequestUriNotSupported,
    /// RFC 8707 §2.
    InvalidTarget,
    /// RFC 9396 §5.
    InvalidAuthorizationDetails,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
}

impl ErrorCode {
    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The HTTP status of a direct answer with this code.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::InvalidScope
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::AccessDenied
            | Self::LoginRequired
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::InvalidTarget
            | Self::InvalidAuthorizationDetails => 400,
        }
    }
}

/// A refusal: a rule of the table, and what of this request broke it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule: its name, its code, its clause and its page.
    pub rule: &'static Rule,
    /// The parameter or header concerned.
    pub parameter: Option<Cow<'static, str>>,
    /// What was expected, in a few words that fit after "expected".
    pub expected: Cow<'static, str>,
    /// What came.
    pub received: Received,
    /// What to do about it.
    pub fix: Cow<'static, str>,
}

impl Refusal {
    /// A rule, and what of this request broke it.
    pub(crate) fn of(
        rule: &'static Rule,
        parameter: Option<&'static str>,
        expected: impl Into<Cow<'static, str>>,
        received: Received,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (parameter, expected, fix) = (parameter.map(Cow::from), expected.into(), fix.into());
        Self { rule, parameter, expected, received, fix }
    }

    /// `error_description`: parameter, expectation, what came, the rule's name and the environment (for what is registered in one is
    /// unknown in another), and at its end the trace id, all within RFC 6749 §5.2's characters (%x20-21 / %x23-5B / %x5D-7E). What came is one word that is nobody's secret, or its kind and length. A caller
    /// that may not learn the rule reads the same of every rule that is told as one.
    pub fn description(&self, environment: Environment, trace_id: &str) -> String {
        let name = self.rule.told_name();
        let text = match self.rule.told_as {
            Some(Shared { sentence, quotes: true, .. }) => {
                format!("{sentence}, received {}", self.received.on_the_wire())
            }
            Some(Shared { sentence, quotes: false, .. }) => (*sentence).to_owned(),
            None => {
                let (expected, received) = (&self.expected, self.received.on_the_wire());
                let before = self.parameter.as_deref().map_or_else(String::new, |name| format!("{name}: "));
                format!("{before}expected {expected}, received {received}")
            }
        };
        format!("{text}; rule {name}, environment {environment} (trace_id: {trace_id})")
            .chars()
            .map(|c| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '?' })
            .collect()
    }

    /// `error_uri`: the page of the rule at this issuer, or of what it is told as.
    pub fn error_uri(&self, provider: &Provider) -> String {
        self.rule.page_url(provider)
    }
}

impl Rule {
    /// The address of the page that a caller is led to, at this issuer.
    pub fn page_url(&self, provider: &Provider) -> String {
        format!("{}/{}", provider.url(Endpoint::RulePage), self.told_name())
    }
}

/// A fault of one topic: it names its row.
pub trait Fault: fmt::Debug {
    /// The row.
    fn refusal(&self) -> Refusal;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::RawParams;

    const TRACE: &str = "0123456789abcdef0123456789abcdef";

    fn refusal(parameter: &'static str) -> Refusal {
        let expected = "\"one\" \\ line\r\n";
        Refusal::of(&rules::SCOPE_SYNTAX, Some(parameter), expected, Received::Absent, "")
    }

    #[test]
    fn rfc6749_s5_2_a_description_has_no_other_characters() {
        let text = refusal("scöpe").description(Environment::Test, TRACE);
        let told = format!(
            "sc?pe: expected ?one? ? line??, received nothing; rule scope-syntax, environment test (trace_id: {TRACE})"
        );
        assert_eq!(text, told);
    }

    #[test]
    fn a_parameter_whose_name_is_a_number_is_not_named() {
        let told = |name: &str| {
            let pairs = [(name, "1"), (name, "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            let sent = RawParams::from_iter(pairs);
            let again = sent.repeated().unwrap();
            assert!(!format!("{sent:?} {again:?}").contains("21879498012"));
            Malformed::from(again).refusal().description(Environment::Test, TRACE)
        };
        let drawn = crate::secret::Code::draw(&portvakt_crypto::random::Random::danger_seeded(1));
        for before in 0..80 {
            for secret in ["21879498012", drawn.reveal()] {
                let told = told(&format!("{}.{secret}", "x".repeat(before)));
                assert!(!told.contains("xx") && !told.contains(&secret[..4]), "cut or not: {told}");
            }
        }
        // A sentence for a name is no more quoted than one for a value.
        for sentence in ["Your account is locked. Call 22 22 22 22", "https://evil.example/login-again"] {
            let told = told(sentence);
            assert!(!told.contains("22") && !told.contains("evil"), "{told}");
        }
        assert!(told("code_challenge").starts_with("code_challenge: expected the parameter once"));
    }

    #[test]
    fn what_is_told_as_one_reads_the_same() {
        let told = |rule| {
            Refusal::of(rule, Some("x"), "y", Received::text("z"), "").description(Environment::Test, TRACE)
        };
        for shared in Shared::ALL {
            let said: std::collections::BTreeSet<_> = shared.rules().map(told).collect();
            let name = shared.page.name;
            let quoted = if shared.quotes { ", received 'z'" } else { "" };
            let same =
                format!("{}{quoted}; rule {name}, environment test (trace_id: {TRACE})", shared.sentence);
            assert_eq!(said.into_iter().collect::<Vec<_>>(), [same]);
        }
    }
}
