//! The UserInfo endpoint (OpenID Connect Core §5.3) and how a bearer token is presented to it (RFC 6750 §2).

use std::sync::Arc;

use crate::client::Client;
use crate::grant::{Grant, LoadedAccessToken};
use crate::params::{ParamsFault, RawParams};
use crate::provider::{PersonStanding, Provider};
use crate::refusal::{ErrorCode as Code, Fault, Received, Refusal, Told};
use crate::secret::AccessToken;
use crate::time::Timestamp;

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
    /// The form cannot be read.
    Encoding(ParamsFault),
    /// A body that is no form.
    ContentType(Option<String>),
    /// The token in more than one place.
    TwoTokens,
    /// A parameter of the form stands more than once.
    Repeated(String),
    /// An `Authorization` header of another scheme, or without a token.
    NotBearer,
    /// No such token at this issuer, or its form is wrong; its length.
    Unknown(usize),
    /// Past its end, or its authorization's.
    Expired,
    /// Taken back.
    Revoked,
    /// The client, its organisation or the person may no longer be used.
    Stopped,
    /// Without the scope `profile`.
    Scope,
}

/// Finds the token of a request: in the `Authorization` header, or in the form of a POST. One in the query is not seen
/// (RFC 6750 §2.3 is not supported).
///
/// # Errors
/// [`UserinfoFault`] if there is none, or more than one.
pub fn present(authorization: &[&[u8]], form: Option<&RawParams>) -> Result<Presented, UserinfoFault> {
    if let Some(again) = form.and_then(RawParams::repeated) {
        return Err(UserinfoFault::Repeated(again.0));
    }
    let posted = form.and_then(|form| form.first("access_token"));
    let header = match authorization {
        [] => None,
        [one] => Some(bearer(one)?),
        _ => return Err(UserinfoFault::TwoTokens),
    };
    match (header, posted) {
        (None, None) => Err(UserinfoFault::NoToken),
        (Some(token), None) | (None, Some(token)) => Ok(Presented(AccessToken::presented(token))),
        (Some(_), Some(_)) => Err(UserinfoFault::TwoTokens),
    }
}

/// `Bearer` in any case, one or more spaces, and a token of RFC 6750 §2.1's characters.
fn bearer(header: &[u8]) -> Result<&str, UserinfoFault> {
    let text = std::str::from_utf8(header).map_err(|_| UserinfoFault::NotBearer)?;
    let (scheme, token) = text.split_once(' ').ok_or(UserinfoFault::NotBearer)?;
    let token = token.trim_matches(' ');
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(UserinfoFault::NotBearer);
    }
    if !token.bytes().all(allowed) {
        return Err(UserinfoFault::Unknown(token.chars().count()));
    }
    Ok(token)
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
/// `authorization_lifetime` from login, and its client, organisation, eID and person must still stand.
///
/// # Errors
/// [`UserinfoFault`].
pub fn admit(
    presented: &Presented,
    loaded: Option<LoadedAccessToken>,
    client: Option<Arc<Client>>,
    (provider, standing): (&Provider, PersonStanding),
    now: Timestamp,
) -> Result<Admitted, UserinfoFault> {
    let LoadedAccessToken { grant, expires, revoked } =
        loaded.ok_or_else(|| UserinfoFault::Unknown(presented.text().chars().count()))?;
    if revoked {
        return Err(UserinfoFault::Revoked);
    }
    if now >= expires.min(grant.expires) {
        return Err(UserinfoFault::Expired);
    }
    let client = client
        .filter(|client| *client.id() == grant.client_id && client.stopped().is_none())
        .ok_or(UserinfoFault::Stopped)?;
    if provider.stops(grant.method, standing) {
        return Err(UserinfoFault::Stopped);
    }
    if !grant.scopes.contains("profile") && !client.userinfo_without_profile() {
        return Err(UserinfoFault::Scope);
    }
    Ok(Admitted { grant, client })
}

/// What a caller with a token that is not good is told, whatever the reason.
const NOT_GOOD: &str = "the access token is unknown, expired or revoked";

impl Fault for UserinfoFault {
    fn refusal(&self) -> Refusal {
        let bad_token = |rule, expected: &'static str, received, fix| Refusal {
            told: Told::Only(NOT_GOOD),
            ..Refusal::row(
                Code::InvalidToken,
                (rule, "RFC 6750 §3.1"),
                Some("access_token"),
                expected,
                received,
                fix,
            )
        };
        match self {
            Self::NoToken => Refusal::row(
                Code::InvalidToken,
                ("bearer-missing", "RFC 6750 §3.1"),
                Some("Authorization"),
                "Bearer and an access token",
                Received::Absent,
                "send the access token in the Authorization header",
            ),
            Self::Encoding(_) => Refusal::encoding(),
            Self::ContentType(sent) => Refusal::content_type(sent.as_deref()),
            Self::TwoTokens => Refusal::row(
                Code::InvalidRequest,
                ("bearer-twice", "RFC 6750 §2"),
                Some("access_token"),
                "the access token in one place",
                Received::State("it in more than one"),
                "send the token in the Authorization header only",
            ),
            Self::Repeated(name) => Refusal::repeated(name),
            Self::NotBearer => bad_token(
                "bearer-scheme",
                "the scheme Bearer and an access token",
                Received::State("another header"),
                "send Authorization: Bearer and the access token",
            ),
            Self::Unknown(length) => bad_token(
                "token-unknown",
                "an access token of this issuer",
                Received::Hidden(*length),
                "send the access_token of the token response, not the id_token; check the environment",
            ),
            Self::Expired => bad_token(
                "token-expired",
                "a token within access_token_lifetime of its issuance and authorization_lifetime of the login",
                Received::State("a token past its end"),
                "log in again, or register longer lifetimes",
            ),
            Self::Revoked => bad_token(
                "token-revoked",
                "a token that holds",
                Received::State("a revoked token"),
                "log in again; if its code was redeemed twice, look for the retry",
            ),
            Self::Stopped => bad_token(
                "token-stopped",
                "a token of an active client, organisation and person",
                Received::State("one that may not be used at present"),
                "activate the client, its organisation or the person",
            ),
            Self::Scope => Refusal::row(
                Code::InsufficientScope,
                ("scope-profile-missing", "RFC 6750 §3.1"),
                Some("scope"),
                "a token with the scope profile",
                Received::State("a token without it"),
                "ask for scope openid profile, or register userinfo_without_profile",
            ),
        }
    }
}
