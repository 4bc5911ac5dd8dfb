//! The claims of ID token, access token and userinfo (contract §6, §7, §9). Types are exact: `aud` and `acr` are strings,
//! times are numbers, `pid` is a string.

use serde::Serialize;

use crate::client::Client;
use crate::evidence::Method;
use crate::grant::Grant;
use crate::profile::{AmrShape, ID_TOKEN_LIFETIME};
use crate::provider::Provider;
use crate::subject::PairwiseKey;
use crate::time::{Seconds, Timestamp};

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
    pid: String,
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
}

/// The claims of a self-contained access token (contract §7): these and nothing else.
#[derive(Serialize)]
pub struct JwtAccessTokenClaims {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    scope: String,
    iss: String,
    client_amr: &'static str,
    pid: String,
    exp: i64,
    iat: i64,
    jti: String,
    client_id: String,
    consumer: Consumer,
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

/// The claims of userinfo (contract §9).
#[derive(Serialize)]
pub struct UserinfoClaims {
    sub: String,
    pid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
}

fn subject(provider: &Provider, client: &Client, grant: &Grant, pairwise: &PairwiseKey) -> String {
    pairwise.subject(provider.issuer(), client.id(), &grant.pid, provider.profile().subject)
}

/// The claims of an ID token issued at `issued`; `jti` is random.
pub fn id_token(
    provider: &Provider,
    client: &Client,
    grant: &Grant,
    pairwise: &PairwiseKey,
    jti: &[u8; 32],
    issued: Timestamp,
) -> IdTokenClaims {
    IdTokenClaims {
        iss: provider.issuer().as_str().to_owned(),
        aud: client.id().as_str().to_owned(),
        sub: subject(provider, client, grant, pairwise),
        pid: grant.pid.reveal().to_owned(),
        acr: provider.profile().acr.word(grant.assurance),
        amr: Amr::of(grant.method, client.amr()),
        auth_time: grant.auth_time.unix(),
        iat: issued.unix(),
        exp: (issued + ID_TOKEN_LIFETIME).unix(),
        jti: provider.profile().subject.spell(jti),
        nonce: grant.echo.nonce.clone(),
        locale: grant.echo.locale.clone(),
    }
}

/// The claims of a self-contained access token issued at, and living for, `span`.
pub fn access_token(
    provider: &Provider,
    client: &Client,
    grant: &Grant,
    pairwise: &PairwiseKey,
    jti: &str,
    span: (Timestamp, Seconds),
) -> JwtAccessTokenClaims {
    JwtAccessTokenClaims {
        sub: subject(provider, client, grant, pairwise),
        acr: provider.profile().acr.word(grant.assurance),
        scope: grant.scopes.to_string(),
        iss: provider.issuer().as_str().to_owned(),
        client_amr: client.auth_method().as_str(),
        pid: grant.pid.reveal().to_owned(),
        exp: (span.0 + span.1).unix(),
        iat: span.0.unix(),
        jti: jti.to_owned(),
        client_id: client.id().as_str().to_owned(),
        consumer: Consumer { authority: "iso6523-actorid-upis", id: client.organisation().iso6523() },
        aud: provider.profile().access_token_aud,
    }
}

/// The claims of userinfo. `sub` is the ID token's (OpenID Connect Core §5.3.2).
pub fn userinfo(
    provider: &Provider,
    client: &Client,
    grant: &Grant,
    pairwise: &PairwiseKey,
) -> UserinfoClaims {
    UserinfoClaims {
        sub: subject(provider, client, grant, pairwise),
        pid: grant.pid.reveal().to_owned(),
        locale: grant.echo.locale.clone(),
    }
}
