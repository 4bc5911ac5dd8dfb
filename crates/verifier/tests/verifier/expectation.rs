//! The login that these tests are about, what its tokens say, and what is expected of them.

use portvakt_verifier::{AmrShape, Expected, Fault, Format, Kind, Part, Want, Wrong};
use serde_json::{Value, json};

use crate::signing::{keys, signed};

/// Synthetic.
pub(crate) const PID: &str = "21879498012";
/// The present.
pub(crate) const NOW: i64 = 1_800_000_000;
/// 43 characters of base64url.
pub(crate) const SUB: &str = "0fCz3kgXh5y4oTg9mS1mvZ0dZfQ1mVbq7sK2JtR8aLw";

/// Everything is known.
pub(crate) fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://test.idporten.no",
        client_id: "web",
        issued: NOW - 1..=NOW + 1,
        pid: Want::Any,
        person: Some(PID),
        sub: Want::Is(SUB),
        acr: Want::Is("idporten-loa-high"),
        scope: "openid profile",
        nonce: Want::Is("n-0S6_WzA2Mj"),
        amr: Want::Is("TestID"),
        amr_shape: Some(AmrShape::Array),
        auth_time: Some(NOW - 60),
        locale: Want::Is("nb"),
        onbehalfof: Want::Absent,
        format: Format::SelfContained,
        lifetime: Some(600),
        access_token_typ: None,
        access_token_aud: Want::Absent,
        client_amr: Want::Is("client_secret_basic"),
        consumer: Want::Is("0192:991825827"),
        supplier: Want::Absent,
        refresh_token: Want::Absent,
        refresh_token_expires_in: Want::Absent,
    }
}

/// Nothing is known but what a relying party always knows.
pub(crate) fn stranger() -> Expected<'static> {
    Expected {
        pid: Want::Open,
        person: None,
        sub: Want::Any,
        acr: Want::Any,
        amr: Want::Any,
        amr_shape: None,
        auth_time: None,
        locale: Want::Open,
        onbehalfof: Want::Open,
        format: Format::Open,
        lifetime: None,
        access_token_aud: Want::Open,
        client_amr: Want::Any,
        consumer: Want::Any,
        supplier: Want::Open,
        refresh_token: Want::Open,
        refresh_token_expires_in: Want::Open,
        ..expected()
    }
}

/// The claims of the ID token.
pub(crate) fn id_token() -> Value {
    json!({
        "iss": "https://test.idporten.no", "aud": "web", "sub": SUB, "pid": PID, "acr": "idporten-loa-high",
        "amr": ["TestID"], "auth_time": NOW - 60, "iat": NOW, "exp": NOW + 120,
        "jti": "kx1n4oDDlrZ0YVvcZW4Q0pS0oMZC1gJdN2cTq3kZ9aE", "nonce": "n-0S6_WzA2Mj", "locale": "nb",
    })
}

/// The claims of the access token.
pub(crate) fn access_token() -> Value {
    json!({
        "iss": "https://test.idporten.no", "sub": SUB, "pid": PID, "acr": "idporten-loa-high", "client_id": "web",
        "scope": "openid profile", "client_amr": "client_secret_basic", "iat": NOW, "exp": NOW + 600,
        "jti": "3jHkQ7yYkE0s7rWq8qBf2v1kXkqLw0m5yV9c2u3o4pA",
        "consumer": { "authority": "iso6523-actorid-upis", "ID": "0192:991825827" },
    })
}

/// The claims of either.
pub(crate) fn claims(kind: Kind) -> Value {
    match kind {
        Kind::IdToken => id_token(),
        Kind::AccessToken => access_token(),
    }
}

/// Both kinds.
pub(crate) const KINDS: [Kind; 2] = [Kind::IdToken, Kind::AccessToken];

/// Where a kind's claims stand.
pub(crate) fn part(kind: Kind) -> Part {
    match kind {
        Kind::IdToken => Part::IdToken,
        Kind::AccessToken => Part::AccessToken,
    }
}

/// A member of `value` set, or taken away by `null`.
pub(crate) fn with(mut value: Value, member: &str, to: Value) -> Value {
    let object = value.as_object_mut().unwrap();
    if to.is_null() {
        object.remove(member);
    } else {
        object.insert(member.to_owned(), to);
    }
    value
}

/// The verdict on these claims, signed as they should be.
pub(crate) fn verdict(kind: Kind, claims: &Value, expected: &Expected<'_>) -> Result<(), Fault> {
    keys().verify(kind, &signed(claims), expected)
}

/// A refusal of one member.
pub(crate) fn refusal(kind: Kind, member: &'static str, wrong: Wrong) -> Result<(), Fault> {
    Err(Fault::Member { part: part(kind), member, wrong })
}
