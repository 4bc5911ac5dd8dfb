//! What is wrong with the scopes that a request asks for.

use std::borrow::Cow;

use crate::client::ScopeRefused;
use crate::refusal::{Fault, Received, Refusal, rules};
use crate::scope::{AccessState, Scope, Scopes, ScopesFault};

/// A fault in the scopes asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeFault {
    /// No `scope`.
    Missing,
    /// `scope` cannot be read.
    Syntax,
    /// A scope that is not registered on the client.
    NotRegistered(String),
    /// A scope that was deactivated for all.
    Deactivated(String),
    /// A scope that the client's organisation has no access to: what was last said of that, if anything was.
    NotGranted(String, Option<AccessState>),
    /// A scope that is not for clients of this integration type.
    IntegrationType(String),
}

impl ScopeFault {
    /// Reads the value of a parameter `scope` (RFC 6749 §3.3).
    ///
    /// # Errors
    /// [`ScopeFault::Syntax`].
    pub(crate) fn read(sent: &str) -> Result<Scopes, Self> {
        Scopes::parse(sent).map_err(|(ScopesFault::Syntax | ScopesFault::TooMany)| Self::Syntax)
    }

    /// A scope that the client may not use now.
    pub(crate) fn refused(scope: &Scope, why: ScopeRefused) -> Self {
        let scope = scope.as_str().to_owned();
        match why {
            ScopeRefused::NotRegistered => Self::NotRegistered(scope),
            ScopeRefused::Deactivated => Self::Deactivated(scope),
            ScopeRefused::NotGranted(said) => Self::NotGranted(scope, said),
            ScopeRefused::IntegrationType => Self::IntegrationType(scope),
        }
    }
}

impl Fault for ScopeFault {
    fn refusal(&self) -> Refusal {
        let refused = |rule, expected: Cow<'static, str>, scope: &str, fix: &'static str| {
            Refusal::of(rule, Some("scope"), expected, Received::word(scope), fix)
        };
        match self {
            Self::Missing => Refusal::of(
                &rules::SCOPE_MISSING,
                Some("scope"),
                "at least one registered scope, such as openid",
                Received::Absent,
                "send scope=openid, and profile for userinfo",
            ),
            Self::Syntax => Refusal::of(
                &rules::SCOPE_SYNTAX,
                Some("scope"),
                "at most 64 scopes with single spaces between them",
                Received::State("something else"),
                "separate scopes with one space, encoded as + or %20",
            ),
            Self::NotRegistered(scope) => refused(
                &rules::SCOPE_NOT_REGISTERED,
                "only scopes that are registered on the client".into(),
                scope,
                "register the scope on the client, or leave it out",
            ),
            Self::Deactivated(scope) => refused(
                &rules::SCOPE_DEACTIVATED,
                "only scopes that are in use".into(),
                scope,
                "leave the scope out, or have it activated",
            ),
            Self::NotGranted(scope, said) => refused(
                &rules::SCOPE_NOT_GRANTED,
                match said {
                    Some(AccessState::Requested) => "a scope that the organisation has access to: it has asked, and its owner has not answered".into(),
                    Some(AccessState::Denied) => "a scope that the organisation has access to: its owner denied it".into(),
                    Some(AccessState::Withdrawn) => "a scope that the organisation has access to: its owner withdrew it".into(),
                    Some(AccessState::Approved) | None => "a scope that the organisation has access to".into(),
                },
                scope,
                "ask the scope's owner to approve the organisation's access in this environment",
            ),
            Self::IntegrationType(scope) => refused(
                &rules::SCOPE_INTEGRATION_TYPE,
                "a scope that is allowed for the client's integration_type".into(),
                scope,
                "use a client of an allowed integration_type, such as api_klient",
            ),
        }
    }
}
