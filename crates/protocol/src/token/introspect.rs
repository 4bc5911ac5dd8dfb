//! Introspection (RFC 7662): what a token is, told to a client that may know it. And the pilot's, for anyone. Whatever is not good, and
//! whoever may not know, reads the same: not active.

use std::sync::Arc;

use serde::Serialize;

use super::authenticate::ClientProof;
use super::faults::TokenFault;
use super::standing::{Halted, client_of, stands, taken_back};
use crate::claims::{self, Issue, JwtAccessTokenClaims};
use crate::client::{Client, Stopped};
use crate::grant::{Grant, LoadedAccessToken};
use crate::params::RawParams;
use crate::provider::{PersonStanding, Provider};
use crate::refusal::Rule;
use crate::scope::{INTROSPECTION, Scopes};
use crate::secret::AccessToken;
use crate::subject::PairwiseKey;
use crate::time::Timestamp;

/// The token that a request is about: introspection (RFC 7662 §2.1) and revocation (RFC 7009 §2.1). `token_type_hint` is not needed: a
/// token is looked for among both kinds.
///
/// # Errors
/// [`TokenFault::TokenMissing`].
pub fn presented_token(params: &RawParams) -> Result<AccessToken, TokenFault> {
    params.first("token").map(AccessToken::presented).ok_or(TokenFault::TokenMissing)
}

/// An access token that is good now, with its client.
struct Good {
    client: Arc<Client>,
    grant: Grant,
    scopes: Scopes,
    span: (Timestamp, Timestamp),
}

/// Why a token is told to be not active. For the log: whoever asks reads no reason (catalogue T4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inactive {
    /// No access token of this issuer.
    Unknown,
    /// Taken back.
    Revoked,
    /// Past its end.
    Expired,
    /// Its client is not registered any more, or not as it may be.
    ClientGone,
    /// Its client was deactivated.
    ClientStopped,
    /// Its client's organisation was stopped.
    OrganisationStopped,
    /// The supplier that runs its client was stopped.
    SupplierStopped,
    /// Its person was stopped.
    PersonStopped,
    /// A scope of it is no longer the client's to use.
    ScopeWithdrawn,
    /// Its customer is no longer registered on the client.
    OnBehalfOfWithdrawn,
    /// The caller cannot authenticate: anyone could ask in its name.
    CallerPublic,
    /// The caller has not the scope [`INTROSPECTION`], or may not use it now.
    CallerScope,
    /// No scope of the token names the caller among those that may introspect.
    CallerNotNamed,
}

/// Why an answer tells nothing, as the log has it in place of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// What is the case.
    pub meaning: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

impl Reason {
    const fn new(name: &'static str, meaning: &'static str, fix: &'static str) -> Self {
        Self { name, meaning, fix }
    }
}

impl From<&Rule> for Reason {
    /// That of a rule that was broken, which its caller may not learn.
    fn from(rule: &Rule) -> Self {
        Self::new(rule.name, rule.en.what, rule.en.mend)
    }
}

impl Inactive {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Unknown,
        Self::Revoked,
        Self::Expired,
        Self::ClientGone,
        Self::ClientStopped,
        Self::OrganisationStopped,
        Self::SupplierStopped,
        Self::PersonStopped,
        Self::ScopeWithdrawn,
        Self::OnBehalfOfWithdrawn,
        Self::CallerPublic,
        Self::CallerScope,
        Self::CallerNotNamed,
    ];

    /// What the log says of it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Unknown => Reason::new(
                "token-unknown",
                "What was sent is no access token of this issuer: it never was one, as a refresh token or an ID token, it was cut or \
                 altered, or its end is so long past that nothing is left of it.",
                "Send the whole access_token of a token response, to the issuer that gave it.",
            ),
            Self::Revoked => Reason::new(
                "token-revoked",
                "What the token was given by was taken back: by its client (RFC 7009), by the operator (`portvakt revoke`), with a \
                 client that became another's, or because a code or a refresh token of it was used twice.",
                "Have the person log in again.",
            ),
            Self::Expired => Reason::new(
                "token-expired",
                "The token is past its end. A lifetime that was shortened since counts for it too.",
                "Get a new one by the refresh token, or have the person log in again. How long one holds is the client's \
                 access_token_lifetime.",
            ),
            Self::ClientGone => Reason::new(
                "token-client-gone",
                "The token's client is not registered any more, or something in its registration does not hold any more.",
                "See what `portvakt client show` says of the token's client, and mend its registration.",
            ),
            Self::ClientStopped => Reason::new(
                "token-client-stopped",
                "The token's client was deactivated.",
                "Activate the client: `portvakt client activate`.",
            ),
            Self::OrganisationStopped => Reason::new(
                "token-organisation-stopped",
                "The organisation of the token's client has left, was deactivated, or has not accepted the terms of use.",
                "Activate the organisation, or have it accept the terms of use: `portvakt organisation show` says which.",
            ),
            Self::SupplierStopped => Reason::new(
                "token-supplier-stopped",
                "The supplier that runs the token's client has left, was deactivated, or has not accepted the terms of use.",
                "Activate the supplier, or have it accept the terms of use: `portvakt client show` names it. Or take it off the \
                 client.",
            ),
            Self::PersonStopped => Reason::new(
                "token-person-stopped",
                "The person who logged in may no longer do so.",
                "Use an active test person, or activate this one.",
            ),
            Self::ScopeWithdrawn => Reason::new(
                "token-scope-withdrawn",
                "A scope of the token is no longer the client's to use: it was taken off the client, deactivated, or the access of \
                 the client's organisation was withdrawn.",
                "See the scopes that `portvakt client show` shows of the token's client. Give the scope back, or have the person \
                 log in again without it.",
            ),
            Self::OnBehalfOfWithdrawn => Reason::new(
                "token-onbehalfof-withdrawn",
                "The customer (onbehalfof) that the person logged in for is no longer registered on the token's client.",
                "Register the customer again, or have the person log in again.",
            ),
            Self::CallerPublic => Reason::new(
                "caller-public",
                "The client that asks has no secret, so anybody could ask in its name.",
                "Ask with a client whose token_endpoint_auth_method is client_secret_basic or client_secret_post.",
            ),
            Self::CallerScope => Reason::new(
                "caller-scope-missing",
                "The client that asks has not the scope idporten:token.introspection, or may not use it now.",
                "Register the scope on the client that asks, beside its others: `portvakt client update` replaces the whole list.",
            ),
            Self::CallerNotNamed => Reason::new(
                "caller-not-named",
                "No scope of the token names the client that asks in its enforced_aud_for_introspection.",
                "Have the owner of a scope of the token name the client in it, beside the others: `portvakt scope update` replaces \
                 the whole list. Then see that the token has that scope.",
            ),
        }
    }
}

impl From<Halted> for Inactive {
    fn from(halted: Halted) -> Self {
        match halted {
            Halted::ClientGone => Self::ClientGone,
            Halted::Client(Stopped::ClientDeactivated, _) => Self::ClientStopped,
            Halted::Client(Stopped::OrganisationStopped, _) => Self::OrganisationStopped,
            Halted::Client(Stopped::SupplierStopped, _) => Self::SupplierStopped,
            Halted::Person => Self::PersonStopped,
            Halted::Scope(_, _) => Self::ScopeWithdrawn,
            Halted::OnBehalfOf(_) => Self::OnBehalfOfWithdrawn,
        }
    }
}

/// Catalogue T4: revoked, expired, or of a client, organisation, scope or person that was stopped is not good.
fn good(
    loaded: Option<LoadedAccessToken>,
    client: Option<Arc<Client>>,
    at: (&Provider, PersonStanding),
    now: Timestamp,
) -> Result<Good, Inactive> {
    let LoadedAccessToken { grant, issued, expires, scopes, revoked } = loaded.ok_or(Inactive::Unknown)?;
    let client = client_of(&grant, client)?;
    let ends = client.end_of_token(&grant, &scopes, (issued, expires));
    if taken_back(&client, &grant, revoked) {
        return Err(Inactive::Revoked);
    }
    if now >= ends {
        return Err(Inactive::Expired);
    }
    stands(&client, &grant, &scopes, at)?;
    Ok(Good { client, grant, scopes, span: (issued, ends) })
}

/// Introspects a token for a client: the claims that it has as a JWT (contract §10). The client must have authenticated with a secret
/// (RFC 7662 §2.1), must have the scope [`INTROSPECTION`], and a scope of the token must name it: it reads of those scopes alone. A `pid` that the token's client may not read is read by whom
/// the pseudonymous scope itself names. `jti` is a JWT's own: an opaque token has none.
///
/// # Errors
/// [`Inactive`]: the token is not good, or not this client's to know.
pub fn introspect(
    caller: &ClientProof,
    (loaded, jti): (Option<LoadedAccessToken>, Option<&str>),
    client: Option<Arc<Client>>,
    (provider, standing): (&Provider, PersonStanding),
    pairwise: &PairwiseKey,
    now: Timestamp,
) -> Result<JwtAccessTokenClaims, Inactive> {
    if !caller.client().auth_method().has_secret() {
        return Err(Inactive::CallerPublic);
    }
    if !caller.client().may_use(INTROSPECTION) {
        return Err(Inactive::CallerScope);
    }
    let Good { client, grant, scopes, span } = good(loaded, client, (provider, standing), now)?;
    let caller = caller.client().id();
    let mut reads_pid = !client.withholds_pid(&grant);
    let mut told = Vec::new();
    for scope in scopes.iter() {
        let record = client.scope(scope);
        if let Some(record) = record.filter(|record| record.enforced_aud_for_introspection.contains(caller)) {
            reads_pid |= record.requires_pseudonymous_tokens;
            told.push(scope.clone());
        }
    }
    if told.is_empty() {
        return Err(Inactive::CallerNotNamed);
    }
    let issue = Issue { provider, client: &client, grant: &grant, pairwise };
    let told: Scopes = told.into_iter().collect();
    Ok(claims::access_token(&issue, &told, jti, span).introspected(reads_pid.then_some(&grant.pid)))
}

/// What anyone reads of a token at the pilot (contract §10 A): nothing of a person.
#[derive(Debug, Serialize)]
pub struct Tokeninfo {
    active: bool,
    token_type: &'static str,
    expires_in: u32,
    exp: i64,
    iat: i64,
    scope: String,
    client_id: String,
    client_orgno: String,
}

/// What anyone reads of a token.
///
/// # Errors
/// [`Inactive`]: the token is not good.
pub fn tokeninfo(
    loaded: Option<LoadedAccessToken>,
    client: Option<Arc<Client>>,
    (provider, standing): (&Provider, PersonStanding),
    now: Timestamp,
) -> Result<Tokeninfo, Inactive> {
    let Good { client, scopes, span: (issued, ends), .. } = good(loaded, client, (provider, standing), now)?;
    Ok(Tokeninfo {
        active: true,
        token_type: "Bearer",
        expires_in: ends.since(now).get(),
        exp: ends.unix(),
        iat: issued.unix(),
        scope: scopes.to_string(),
        client_id: client.id().as_str().to_owned(),
        client_orgno: client.organisation().as_str().to_owned(),
    })
}
