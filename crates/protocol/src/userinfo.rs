//! The UserInfo endpoint (OpenID Connect Core §5.3) and how a bearer token is presented to it (RFC 6750 §2).

use std::borrow::Cow;
use std::sync::Arc;

use crate::client::{Client, ScopeRefused, Stopped};
use crate::grant::{Grant, LoadedAccessToken};
use crate::params::RawParams;
use crate::provider::{PersonStanding, Provider};
use crate::refusal::{Fault, Malformed, Received, Refusal, rules};
use crate::secret::AccessToken;
use crate::time::Timestamp;
use crate::token::{Halted, client_of, stands, taken_back};

/// A bearer token as presented; nothing is known of it yet.
#[derive(Debug)]
pub struct Presented(AccessToken);

impl Presented {
    /// The token's text.
    pub fn text(&self) -> &str {
        self.0.reveal()
    }

    /// The token, as an opaque one.
    pub fn opaque(&self) -> &AccessToken {
        &self.0
    }
}

/// A fault at the UserInfo endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserinfoFault {
    /// No token at all: a bare 401 (RFC 6750 §3.1).
    NoToken,
    /// How the request is written.
    Malformed(Malformed),
    /// The token in more than one place.
    TwoTokens,
    /// An `Authorization` header of another scheme, or without a token.
    NotBearer,
    /// No such token at this issuer, or its form is wrong; its length.
    Unknown(usize),
    /// Past its end, or its authorization's.
    Expired,
    /// Taken back.
    Revoked,
    /// It may not be used at present.
    Stopped(Halted),
    /// Without the scope `profile`.
    Scope,
}

impl From<Halted> for UserinfoFault {
    fn from(halted: Halted) -> Self {
        Self::Stopped(halted)
    }
}

impl From<Malformed> for UserinfoFault {
    fn from(fault: Malformed) -> Self {
        Self::Malformed(fault)
    }
}

/// Finds the token of a request: in the `Authorization` header, or in the form of a POST. One in the query is not seen
/// (RFC 6750 §2.3 is not supported).
///
/// # Errors
/// [`UserinfoFault`] if there is none, or more than one.
pub fn present(authorization: &[&[u8]], form: Option<&RawParams>) -> Result<Presented, UserinfoFault> {
    if let Some(again) = form.and_then(RawParams::repeated) {
        return Err(Malformed::from(again).into());
    }
    let token = match (authorization, form.and_then(|form| form.first("access_token"))) {
        ([], None) => return Err(UserinfoFault::NoToken),
        ([], Some(posted)) => posted,
        ([header], None) => bearer(header).ok_or(UserinfoFault::NotBearer)?,
        _ => return Err(UserinfoFault::TwoTokens),
    };
    Ok(Presented(AccessToken::presented(token)))
}

/// `Bearer` in any case, one or more spaces, and a token. One of other characters than RFC 6750 §2.1's is none of ours, and is looked
/// for as any other.
fn bearer(header: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A token that may read userinfo: its grant and its client. Only [`admit`] makes one.
#[derive(Debug)]
pub struct Admitted {
    grant: Grant,
    client: Arc<Client>,
}

impl Admitted {
    /// The grant.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

/// Decides whether a token reads userinfo: it lives to the earlier of `access_token_lifetime` from its issuance and
/// `authorization_lifetime` from login, and its client, organisation, scopes, customer, eID and person must still stand.
///
/// # Errors
/// [`UserinfoFault`].
pub fn admit(
    presented: &Presented,
    loaded: Option<LoadedAccessToken>,
    client: Option<Arc<Client>>,
    at: (&Provider, PersonStanding),
    now: Timestamp,
) -> Result<Admitted, UserinfoFault> {
    let LoadedAccessToken { grant, issued, expires, scopes, revoked } =
        loaded.ok_or_else(|| UserinfoFault::Unknown(presented.text().chars().count()))?;
    let client = client_of(&grant, client)?;
    if taken_back(&client, &grant, revoked) {
        return Err(UserinfoFault::Revoked);
    }
    if now >= client.end_of_token(&grant, &scopes, (issued, expires)) {
        return Err(UserinfoFault::Expired);
    }
    stands(&client, &grant, &scopes, at)?;
    if !scopes.contains("profile") && !client.userinfo_without_profile() {
        return Err(UserinfoFault::Scope);
    }
    Ok(Admitted { grant, client })
}

impl Fault for UserinfoFault {
    fn refusal(&self) -> Refusal {
        let token = |rule, expected: &'static str, received, fix| {
            Refusal::of(rule, Some("access_token"), expected, received, fix)
        };
        match self {
            Self::NoToken => Refusal::of(
                &rules::BEARER_MISSING,
                Some("Authorization"),
                "Bearer and an access token",
                Received::Absent,
                "send the access token in the Authorization header",
            ),
            Self::Malformed(fault) => fault.refusal(),
            Self::TwoTokens => Refusal::of(
                &rules::BEARER_TWICE,
                Some("access_token"),
                "the access token in one place",
                Received::State("it in more than one"),
                "send the token in the Authorization header only",
            ),
            Self::NotBearer => Refusal::of(
                &rules::BEARER_SCHEME,
                Some("Authorization"),
                "the scheme Bearer and an access token",
                Received::State("another header"),
                "send Authorization: Bearer and the access token",
            ),
            Self::Unknown(length) => token(
                &rules::TOKEN_UNKNOWN,
                "an access token of this issuer",
                Received::Hidden(*length),
                "send the access_token of the token response, not the id_token; check the environment",
            ),
            Self::Expired => token(
                &rules::TOKEN_EXPIRED,
                "a token within access_token_lifetime of its issuance and authorization_lifetime of the login",
                Received::State("a token past its end"),
                "log in again, or register longer lifetimes",
            ),
            Self::Revoked => token(
                &rules::TOKEN_REVOKED,
                "a token that holds",
                Received::State("a revoked token"),
                "log in again; if the client did not revoke it (RFC 7009), the operator did not (portvakt revoke) and the client is \
                 whose it was, look for a code or a refresh token of it that was used twice",
            ),
            Self::Stopped(halted) => {
                let (expected, received, fix) = told_of(halted);
                let expected = format!("a token of {expected}");
                Refusal::of(&rules::TOKEN_STOPPED, Some("access_token"), expected, received, fix)
            }
            Self::Scope => Refusal::of(
                &rules::SCOPE_PROFILE_MISSING,
                Some("scope"),
                "a token with the scope profile",
                Received::State("a token without it"),
                "ask for scope openid profile, or register userinfo_without_profile",
            ),
        }
    }
}

/// What the log says of a token that may not be used at present: what it was expected to be of, of what it is instead, and what to do.
fn told_of(halted: &Halted) -> (&'static str, Received, Cow<'static, str>) {
    match halted {
        Halted::ClientGone => (
            "a client that is registered, as may be registered now",
            Received::State("a client that is not"),
            "see what portvakt client show says of the client, and mend its registration".into(),
        ),
        Halted::Client(stopped @ Stopped::ClientDeactivated, _) => {
            (stopped.expected(), Received::State("a client that was deactivated"), stopped.fix().into())
        }
        Halted::Client(stopped @ (Stopped::OrganisationStopped | Stopped::SupplierStopped), orgno) => {
            (stopped.expected(), Received::text(orgno.as_str()), stopped.fix().into())
        }
        Halted::Person => (
            "a person who may log in",
            Received::State("a person who may not"),
            "use an active test person, or activate this one".into(),
        ),
        Halted::Scope(scope, why) => {
            let fix = match why {
                ScopeRefused::NotRegistered => "register it on the client again",
                ScopeRefused::Deactivated => "have it activated again (portvakt scope activate)",
                ScopeRefused::NotGranted(_) => "have its owner give the access again (portvakt scope access)",
                ScopeRefused::IntegrationType => "use a client of an integration_type that it is for",
            };
            let fix = format!("log in again without the scope, or {fix}");
            (why.expected(), Received::text(scope.as_str()), fix.into())
        }
        Halted::OnBehalfOf(name) => (
            "a customer that is still registered on the client",
            Received::text(name),
            "register the customer again, or have the person log in again".into(),
        ),
    }
}
