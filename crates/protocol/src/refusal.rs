//! Refusals: what a fault says to whom. Each topic has its own enum of faults; each fault has one row here, made by one
//! exhaustive match, so the compiler asks about every new one. Three audiences read a row: the caller on the wire, the
//! person on a page, and the developer or operator in the log.

mod received;

pub use received::{Received, beginning, holds_number, inert, is_shown_whole, shown};

use std::borrow::Cow;
use std::fmt;

/// The error codes of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
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

/// A refusal: one row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code on the wire.
    pub code: ErrorCode,
    /// The rule's name, in kebab case: stable, for logs and searches.
    pub rule: &'static str,
    /// Where the rule is written.
    pub clause: &'static str,
    /// The parameter or header concerned.
    pub parameter: Option<Cow<'static, str>>,
    /// What was expected, in a few words that fit after "expected".
    pub expected: Cow<'static, str>,
    /// What came.
    pub received: Received,
    /// What to do about it.
    pub fix: Cow<'static, str>,
    /// Whether the caller may be told `expected`: a caller that has not authenticated learns only what its own request shows.
    pub told: Told,
}

/// How much of a refusal goes onto the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Parameter and expectation.
    Expected,
    /// This sentence, the same for every fault that shares it.
    Only(&'static str),
}

impl Refusal {
    /// A row of which the caller is told parameter and expectation.
    pub(crate) fn row(
        code: ErrorCode,
        (rule, clause): (&'static str, &'static str),
        parameter: Option<&'static str>,
        expected: impl Into<Cow<'static, str>>,
        received: Received,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (parameter, expected, fix) = (parameter.map(Cow::from), expected.into(), fix.into());
        Self { code, rule, clause, parameter, expected, received, fix, told: Told::Expected }
    }

    /// A parameter that stands more than once, at whichever endpoint. Its name is the caller's, so it may be anything.
    pub(crate) fn repeated(name: &str) -> Self {
        let row = Self::row(
            ErrorCode::InvalidRequest,
            ("parameter-repeated", "RFC 6749 §3.1"),
            None,
            "the parameter once",
            Received::State("it more than once"),
            "send each parameter once",
        );
        Self { parameter: Some(shown(name).into()), ..row }
    }

    /// A query or form that cannot be read, at whichever endpoint.
    pub(crate) fn encoding() -> Self {
        Self::row(
            ErrorCode::InvalidRequest,
            ("parameters-encoding", "RFC 6749 appendix B"),
            None,
            "at most 64 parameters, encoded as application/x-www-form-urlencoded in UTF-8",
            Received::State("something else"),
            "encode each name and value with your language's form encoder",
        )
    }

    /// A body that is no form, at whichever endpoint.
    pub(crate) fn content_type(sent: Option<&str>) -> Self {
        Self::row(
            ErrorCode::InvalidRequest,
            ("content-type", "RFC 6749 §4.1.3"),
            Some("Content-Type"),
            "application/x-www-form-urlencoded",
            Received::maybe(sent),
            "send the parameters as a form, not as JSON or multipart",
        )
    }

    /// `error_description`: within RFC 6749 §5.2's characters (%x20-21 / %x23-5B / %x5D-7E), and never what came.
    pub fn description(&self) -> String {
        let text = match self.told {
            Told::Only(sentence) => sentence.to_owned(),
            Told::Expected => match &self.parameter {
                Some(parameter) => format!("{parameter}: expected {}", self.expected),
                None => format!("expected {}", self.expected),
            },
        };
        text.chars().map(|c| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '?' }).collect()
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

    fn refusal(parameter: &'static str) -> Refusal {
        Refusal {
            code: ErrorCode::InvalidRequest,
            rule: "x",
            clause: "y",
            parameter: Some(parameter.into()),
            expected: "\"one\" \\ line\r\n".into(),
            received: Received::Absent,
            fix: "".into(),
            told: Told::Expected,
        }
    }

    #[test]
    fn rfc6749_s5_2_a_description_has_no_other_characters() {
        let text = refusal("scöpe").description();
        assert_eq!(text, "sc?pe: expected ?one? ? line??");
    }

    #[test]
    fn a_parameter_whose_name_is_a_number_is_not_named() {
        let refusal = Refusal::repeated("21879498012");
        assert!(!refusal.description().contains("2187"), "{}", refusal.description());
    }
}
