//! The token response (RFC 6749 §5.1), and what its tokens have to do with one another.

use crate::claims::{self, Judged, wanted};
use crate::expected::{Expected, Format, Kind, Want};
use crate::fault::{Fault, Part, Wrong};
use crate::json::Members;
use crate::jwk_set::Keys;

/// Judges a token response and the tokens in it.
pub(crate) fn judge(keys: &Keys, body: &[u8], expected: &Expected<'_>) -> Result<(), Fault> {
    let mut response = Members::parse(Part::Response, body)?;
    response.exactly("token_type", "Bearer")?;
    response.exactly("scope", expected.scope)?;
    let expires_in = response.whole("expires_in")?;
    let right = expected.lifetime.map_or(expires_in > 0, |seconds| i64::from(seconds) == expires_in);
    if !right {
        return Err(response.wrong("expires_in", Wrong::Value));
    }
    let access_token = response.text("access_token")?;
    let judged_access_token = judge_access_token(keys, &response, &access_token, expected)?;
    if judged_access_token.as_ref().is_some_and(|judged| judged.lifetime != expires_in) {
        return Err(response.wrong("expires_in", Wrong::Value));
    }
    let refresh_token = refresh_token(&mut response, expected)?;
    if refresh_token.is_some_and(|token| token == access_token) {
        return Err(Fault::Together("refresh_token"));
    }
    let judged_id_token = judge_id_token(keys, &mut response, expected)?;
    response.end()?;
    match (judged_access_token, judged_id_token) {
        (Some(access), Some(id)) if access.sub != id.sub => Err(Fault::Together("sub")),
        (Some(access), Some(id)) if access.jti == id.jti => Err(Fault::Together("jti")),
        _ => Ok(()),
    }
}

/// There is an ID token if, and only if, `openid` is among the scopes (OpenID Connect Core §3.1.2.1).
fn judge_id_token(
    keys: &Keys,
    response: &mut Members,
    expected: &Expected<'_>,
) -> Result<Option<Judged>, Fault> {
    let asked = expected.scope.split(' ').any(|scope| scope == "openid");
    match (response.text_if_any("id_token")?, asked) {
        (None, false) => Ok(None),
        (None, true) => Err(response.wrong("id_token", Wrong::Missing)),
        (Some(_), false) => Err(response.wrong("id_token", Wrong::Unexpected)),
        (Some(token), true) => claims::judge(keys, Kind::IdToken, &token, expected).map(Some),
    }
}

fn judge_access_token(
    keys: &Keys,
    response: &Members,
    token: &str,
    expected: &Expected<'_>,
) -> Result<Option<Judged>, Fault> {
    let is_signed = match expected.format {
        Format::Opaque => false,
        Format::SelfContained => true,
        Format::Open => token.contains('.'),
    };
    if is_signed {
        return claims::judge(keys, Kind::AccessToken, token, expected).map(Some);
    }
    if is_random(token, expected) { Ok(None) } else { Err(response.wrong("access_token", Wrong::Shape)) }
}

/// A refresh token, which is opaque; and its inactivity, in seconds, only beside one.
fn refresh_token(response: &mut Members, expected: &Expected<'_>) -> Result<Option<String>, Fault> {
    let shape = |token: &str| is_random(token, expected);
    let token = wanted(response, "refresh_token", expected.refresh_token, shape)?;
    let seconds = response.whole_if_any("refresh_token_expires_in")?;
    let wrong = match (seconds, expected.refresh_token_expires_in) {
        (None, Want::Absent | Want::Open) => return Ok(token),
        (None, Want::Any | Want::Is(_)) => Wrong::Missing,
        (Some(_), Want::Absent) => Wrong::Unexpected,
        (Some(_), _) if token.is_none() => Wrong::Unexpected,
        (Some(seconds), _) if seconds <= 0 => Wrong::Shape,
        (Some(seconds), Want::Is(known)) if seconds.to_string() != known => Wrong::Value,
        (Some(_), Want::Any | Want::Is(_) | Want::Open) => return Ok(token),
    };
    Err(response.wrong("refresh_token_expires_in", wrong))
}

/// Text with at least 128 random bits (RFC 6749 §10.10) in base64url, that says nothing: no JWT, no number of a person.
fn is_random(token: &str, expected: &Expected<'_>) -> bool {
    let is_sign = |sign: u8| sign.is_ascii_alphanumeric() || b"-_+/=".contains(&sign);
    (22..=512).contains(&token.len())
        && token.bytes().all(is_sign)
        && !expected.person.is_some_and(|person| token.contains(person))
}
