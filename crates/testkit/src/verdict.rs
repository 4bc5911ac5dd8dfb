//! Every token response that the test kit obtains is judged by the independent verifier, against the JWK Set as it is published then: by
//! all that a relying party can know of it, and where the scene logged somebody in, by who that was.

use portvakt_verifier::{Expected, Fault, Format, Keys, Want};
use serde_json::Value;
use url::form_urlencoded;

use crate::call::{Call, Reply};

/// What a discovery document says of where its tokens come from.
#[derive(Clone, Debug)]
pub(crate) struct TokenSource {
    pub(crate) issuer: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
}

/// What a scene knows of a token response beside the response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The client that asked.
    pub(crate) client_id: String,
    /// Its registered method.
    pub(crate) method: Option<String>,
    /// Who logged in.
    pub(crate) person: Option<String>,
    /// The nonce of the authorization request, if the scene knows of that request.
    pub(crate) nonce: Option<Option<String>>,
}

/// Judges a token response. `now` is when it may have been issued.
///
/// # Errors
/// The verifier's [`Fault`].
pub(crate) fn judge(
    jwks: &[u8],
    body: &[u8],
    source: &TokenSource,
    known: &Known,
    now: std::ops::RangeInclusive<i64>,
) -> Result<(), Fault> {
    let response: Value = serde_json::from_slice(body).unwrap_or_default();
    let scope = response.get("scope").and_then(Value::as_str).unwrap_or_default();
    let expected = Expected {
        issuer: &source.issuer,
        client_id: &known.client_id,
        issued: now,
        // Whether it is withheld is the registration's, of which a relying party sees nothing.
        pid: Want::Open,
        person: known.person.as_deref(),
        sub: Want::Any,
        acr: Want::Any,
        scope,
        nonce: match &known.nonce {
            Some(nonce) => Want::exactly(nonce.as_deref()),
            None => Want::Open,
        },
        amr: Want::Any,
        amr_shape: None,
        auth_time: None,
        locale: Want::Open,
        onbehalfof: Want::Open,
        format: Format::Open,
        lifetime: None,
        access_token_typ: None,
        access_token_aud: Want::Open,
        client_amr: known.method.as_deref().map_or(Want::Any, Want::Is),
        consumer: Want::Any,
        supplier: Want::Open,
        refresh_token: Want::Open,
        refresh_token_expires_in: Want::Open,
    };
    Keys::parse(jwks)?.verify_response(body, &expected)
}

/// The client that a token request comes from, by Basic or by its form; `None` if it does not say.
pub(crate) fn asker(call: &Call) -> Option<String> {
    let form = form_urlencoded::parse(&call.body).find(|(name, _)| name == "client_id");
    let basic = call.headers.iter().find_map(|(name, value)| {
        let (scheme, pair) = value.split_once(' ')?;
        let is_basic = name.eq_ignore_ascii_case("authorization") && scheme.eq_ignore_ascii_case("basic");
        let pair = portvakt_crypto::encoding::base64_decode(pair.trim()).ok().filter(|_| is_basic)?;
        let (user, _) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
        // Form-encoded, as RFC 6749 §2.3.1 has it.
        form_urlencoded::parse(user.as_bytes()).next().map(|(user, _)| user.into_owned())
    });
    basic.or_else(|| form.map(|(_, value)| value.into_owned()))
}

/// Whether a reply brings tokens.
pub(crate) fn brings_tokens(reply: &Reply) -> bool {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    reply.status == 200 && body.get("access_token").is_some()
}
