//! The claims of ID token, access token and userinfo (contract §6, §7, §9). Types are exact: `aud` and `acr` are strings,
//! times are numbers, `pid` is a string.

use serde::Serialize;

use crate::client::Client;
use crate::evidence::Method;
use crate::grant::Grant;
use crate::organisation::OrgNumber;
use crate::person::Pid;
use crate::profile::{AmrShape, ID_TOKEN_LIFETIME};
use crate::provider::Provider;
use crate::scope::Scopes;
use crate::subject::PairwiseKey;
use crate::time::Timestamp;

/// `amr`: a string in the pilot, an array since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Amr {
    /// As the pilot.
    One(&'static str),
    /// As OpenID Connect Core §2.
    Many([&'static str; 1]),
}

impl Amr {
    fn of(method: Method, shape: AmrShape) -> Self {
        match shape {
            AmrShape::String => Self::One(method.as_str()),
            AmrShape::Array => Self::Many([method.as_str()]),
        }
    }
}

/// The claims of an ID token (OpenID Connect Core §2, contract §6). Secret until signed, for they hold the `pid`: no `Debug`.
#[derive(Serialize)]
pub struct IdTokenClaims {
    iss: String,
    aud: String,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    amr: Amr,
    auth_time: i64,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_onbehalfof: Option<String>,
    /// The same again: the documents name the claim both ways (contract §6).
    #[serde(skip_serializing_if = "Option::is_none")]
    aud_onbehalfof: Option<String>,
}

/// The claims of a self-contained access token (contract §7): these and nothing else. An introspection has them too, and says first that
/// they hold.
#[derive(Serialize)]
pub struct JwtAccessTokenClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    scope: String,
    iss: String,
    client_amr: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<String>,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    client_id: String,
    consumer: Consumer,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Consumer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'static str>,
}

/// The organisation a token is for, in ISO 6523 (contract §7).
#[derive(Serialize)]
pub struct Consumer {
    authority: &'static str,
    #[serde(rename = "ID")]
    id: String,
}

impl Consumer {
    fn of(organisation: &OrgNumber) -> Self {
        Self { authority: "iso6523-actorid-upis", id: organisation.iso6523() }
    }
}

impl JwtAccessTokenClaims {
    /// The same as an introspection tells them (RFC 7662 §2.2), to a reader who may know this `pid`, or none.
    #[must_use]
    pub(crate) fn introspected(self, pid: Option<&Pid>) -> Self {
        let pid = pid.map(|pid| pid.reveal().to_owned());
        Self { active: Some(true), token_type: Some("Bearer"), pid, ..self }
    }
}

/// The claims of userinfo (contract §9).
#[derive(Serialize)]
pub struct UserinfoClaims {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
}

/// What claims are told of: a grant, to its client.
pub struct Issue<'a> {
    /// Who tells.
    pub provider: &'a Provider,
    /// Whom it is told to.
    pub client: &'a Client,
    /// The grant.
    pub grant: &'a Grant,
    /// The key of pairwise subjects.
    pub pairwise: &'a PairwiseKey,
}

impl Issue<'_> {
    fn subject(&self) -> String {
        let Self { provider, client, grant, pairwise } = self;
        pairwise.subject(provider.issuer(), client.id(), &grant.pid, provider.profile().subject)
    }

    /// The `pid`, unless a scope of the grant withholds it (contract §14): of the grant, so that no refresh with fewer scopes brings it
    /// out.
    fn pid(&self) -> Option<String> {
        let withheld = self.client.withholds_pid(self.grant);
        (!withheld).then(|| self.grant.pid.reveal().to_owned())
    }
}

/// The claims of an ID token issued at `issued`; `jti` is random.
pub fn id_token(issue: &Issue<'_>, jti: &[u8; 32], issued: Timestamp) -> IdTokenClaims {
    let Issue { provider, client, grant, .. } = issue;
    IdTokenClaims {
        iss: provider.issuer().as_str().to_owned(),
        aud: client.id().as_str().to_owned(),
        sub: issue.subject(),
        pid: issue.pid(),
        acr: provider.profile().acr.word(grant.assurance),
        amr: Amr::of(grant.method, client.amr()),
        auth_time: grant.auth_time.unix(),
        iat: issued.unix(),
        exp: (issued + ID_TOKEN_LIFETIME).unix(),
        jti: provider.profile().subject.spell(jti),
        nonce: grant.echo.nonce.clone(),
        locale: grant.echo.locale.clone(),
        client_onbehalfof: grant.echo.onbehalfof.clone(),
        aud_onbehalfof: grant.echo.onbehalfof.clone(),
    }
}

/// The claims of a self-contained access token with these scopes, from `iat` to `exp`.
pub fn access_token(
    issue: &Issue<'_>,
    scopes: &Scopes,
    jti: Option<&str>,
    (issued, ends): (Timestamp, Timestamp),
) -> JwtAccessTokenClaims {
    let Issue { provider, client, grant, .. } = issue;
    JwtAccessTokenClaims {
        active: None,
        token_type: None,
        sub: issue.subject(),
        acr: provider.profile().acr.word(grant.assurance),
        scope: scopes.to_string(),
        iss: provider.issuer().as_str().to_owned(),
        client_amr: client.auth_method().as_str(),
        pid: issue.pid(),
        exp: ends.unix(),
        iat: issued.unix(),
        jti: jti.map(str::to_owned),
        client_id: client.id().as_str().to_owned(),
        consumer: Consumer::of(client.organisation()),
        supplier: client.supplier().map(Consumer::of),
        aud: provider.profile().access_token_aud,
    }
}

/// The claims of userinfo. `sub` is the ID token's (OpenID Connect Core §5.3.2).
pub fn userinfo(issue: &Issue<'_>) -> UserinfoClaims {
    UserinfoClaims { sub: issue.subject(), pid: issue.pid(), locale: issue.grant.echo.locale.clone() }
}
