//! The UserInfo endpoint (OpenID Connect Core §5.3) and how a bearer token is presented to it (RFC 6750 §2).

use std::sync::Arc;

use crate::client::Client;
use crate::grant::{Grant, LoadedAccessToken};
use crate::params::RawParams;
use crate::provider::{PersonStanding, Provider};
use crate::refusal::{Fault, Malformed, Received, Refusal, rules};
use crate::secret::AccessToken;
use crate::time::Timestamp;
use crate::token::{stands, taken_back};

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
    /// The client, its organisation or the person may no longer be used.
    Stopped,
    /// Without the scope `profile`.
    Scope,
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
    (provider, standing): (&Provider, PersonStanding),
    now: Timestamp,
) -> Result<Admitted, UserinfoFault> {
    let LoadedAccessToken { grant, issued, expires, scopes, revoked } =
        loaded.ok_or_else(|| UserinfoFault::Unknown(presented.text().chars().count()))?;
    let client = client.filter(|client| *client.id() == grant.client_id);
    if let Some(client) = &client {
        if taken_back(client, &grant, revoked) {
            return Err(UserinfoFault::Revoked);
        }
        if now >= client.end_of_token(&grant, &scopes, (issued, expires)) {
            return Err(UserinfoFault::Expired);
        }
    }
    let client = client
        .filter(|client| stands(client, &grant, &scopes) && !provider.stops(grant.method, standing))
        .ok_or(UserinfoFault::Stopped)?;
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
            Self::NotBearer => token(
                &rules::BEARER_SCHEME,
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
                "log in again; if its code was redeemed twice, look for the retry",
            ),
            Self::Stopped => token(
                &rules::TOKEN_STOPPED,
                "a token of an active client, organisation and person",
                Received::State("one that may not be used at present"),
                "activate the client, its organisation or the person",
            ),
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
