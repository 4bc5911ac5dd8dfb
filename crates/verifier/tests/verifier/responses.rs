//! The token response.

use portvakt_verifier::{Expected, Fault, Format, Part, Want, Wrong};
use serde_json::{Value, json};

use crate::expectation::{PID, access_token, expected, id_token, stranger, with};
use crate::signing::{keys, signed, stray};

const OPAQUE: &str = "c2VjcmV0LXRleHQtb2YtMzItcmFuZG9tLWJ5dGVzLi4";
const REFRESH: &str = "b3RoZXItdGV4dC1vZi0zMi1yYW5kb20tYnl0ZXMuLi4";

/// The response with both tokens.
fn response() -> Value {
    json!({
        "access_token": signed(&access_token()), "token_type": "Bearer", "expires_in": 600,
        "id_token": signed(&id_token()), "scope": "openid profile",
    })
}

fn verdict(response: &Value, expected: &Expected<'_>) -> Result<(), Fault> {
    keys().verify_response(response.to_string().as_bytes(), expected)
}

fn refusal(member: &'static str, wrong: Wrong) -> Result<(), Fault> {
    Err(Fault::Member { part: Part::Response, member, wrong })
}

#[test]
fn each_member_is_there_and_right() {
    for member in ["access_token", "token_type", "expires_in", "id_token", "scope"] {
        let found = verdict(&with(response(), member, Value::Null), &expected());
        assert_eq!(found, refusal(member, Wrong::Missing), "{member}");
    }
    for (member, to, wrong) in [
        ("token_type", json!("bearer"), Wrong::Value),
        ("scope", json!("openid"), Wrong::Value),
        ("expires_in", json!(599), Wrong::Value),
        ("expires_in", json!("600"), Wrong::Type),
        ("expires_in", json!(600.5), Wrong::Type),
        ("access_token", json!(1), Wrong::Type),
        ("id_token", json!({}), Wrong::Type),
        ("refresh_token", json!(REFRESH), Wrong::Unexpected),
        ("refresh_token_expires_in", json!(600), Wrong::Unexpected),
    ] {
        assert_eq!(verdict(&with(response(), member, to), &expected()), refusal(member, wrong), "{member}");
    }
    for member in ["client_id", "pid", "authorization_details"] {
        let more = with(response(), member, json!("x"));
        let name = member.to_owned();
        assert_eq!(verdict(&more, &stranger()), Err(Fault::Undocumented { part: Part::Response, name }));
    }
    for body in [&b""[..], b"[]", b"{}", br#"{"scope":"a","scope":"a"}"#] {
        assert!(keys().verify_response(body, &stranger()).is_err());
    }
    assert_eq!(verdict(&response(), &expected()), Ok(()));
    assert_eq!(verdict(&response(), &stranger()), Ok(()));
}

/// RFC 6749 §5.1: `expires_in` is the access token's lifetime, whatever was registered.
#[test]
fn expires_in_agrees_with_exp() {
    let shorter = with(
        response(),
        "access_token",
        json!(signed(&with(access_token(), "exp", json!(access_token()["exp"].as_i64().unwrap() - 1),))),
    );
    assert_eq!(verdict(&shorter, &stranger()), refusal("expires_in", Wrong::Value));
    assert!(verdict(&shorter, &expected()).is_err());
    assert_eq!(
        verdict(&with(response(), "expires_in", json!(0)), &stranger()),
        refusal("expires_in", Wrong::Value)
    );
}

#[test]
fn a_token_signed_by_another_key_is_refused_wherever_it_stands() {
    let header = r#"{"alg":"RS256","kid":"published"}"#;
    for (member, claims, part) in
        [("id_token", id_token(), Part::IdToken), ("access_token", access_token(), Part::AccessToken)]
    {
        let forged = with(response(), member, json!(stray().signs(header, &claims.to_string())));
        for expected in [expected(), stranger()] {
            assert_eq!(verdict(&forged, &expected), Err(Fault::Signature(part)));
        }
    }
}

/// OpenID Connect Core §3.1.2.1: `openid` asks for an ID token, and nothing else does.
#[test]
fn an_id_token_is_there_if_and_only_if_openid_is() {
    let scope = "profile example:read";
    let claims = with(access_token(), "scope", json!(scope));
    let without = with(response(), "scope", json!(scope));
    let without = with(without, "access_token", json!(signed(&claims)));
    let expecting = Expected { scope, ..expected() };
    assert_eq!(verdict(&without, &expecting), refusal("id_token", Wrong::Unexpected));
    assert_eq!(verdict(&with(without, "id_token", Value::Null), &expecting), Ok(()));
}

#[test]
fn tokens_of_one_response_go_together() {
    let other_person = with(id_token(), "sub", json!("A".repeat(43)));
    let found = verdict(&with(response(), "id_token", json!(signed(&other_person))), &stranger());
    assert_eq!(found, Err(Fault::Together("sub")));
    let same_jti = with(id_token(), "jti", access_token()["jti"].clone());
    let found = verdict(&with(response(), "id_token", json!(signed(&same_jti))), &expected());
    assert_eq!(found, Err(Fault::Together("jti")));
    let opaque = with(with(response(), "access_token", json!(OPAQUE)), "refresh_token", json!(OPAQUE));
    assert_eq!(verdict(&opaque, &stranger()), Err(Fault::Together("refresh_token")));
    let exchanged = with(
        with(response(), "id_token", json!(signed(&access_token()))),
        "access_token",
        json!(signed(&id_token())),
    );
    assert!(verdict(&exchanged, &stranger()).is_err());
}

#[test]
fn an_access_token_has_the_format_that_was_decided() {
    let opaque = with(response(), "access_token", json!(OPAQUE));
    let expecting = Expected { format: Format::Opaque, ..expected() };
    assert!(verdict(&opaque, &expected()).is_err());
    assert_eq!(verdict(&response(), &expecting), refusal("access_token", Wrong::Shape));
    for text in ["short", "a space in it, and a comma", &format!("{PID}AAAAAAAAAAAAAAAA"), &"x".repeat(513)] {
        let wrong = with(response(), "access_token", json!(text));
        assert_eq!(verdict(&wrong, &expecting), refusal("access_token", Wrong::Shape), "{text}");
    }
    assert_eq!(verdict(&opaque, &expecting), Ok(()));
    assert_eq!(verdict(&opaque, &stranger()), Ok(()));
}

#[test]
fn a_refresh_token_is_opaque_and_its_end_stands_beside_it() {
    let with_refresh = |token: &str, seconds: Value| {
        let given = with(response(), "refresh_token", json!(token));
        with(given, "refresh_token_expires_in", seconds)
    };
    let expecting =
        Expected { refresh_token: Want::Any, refresh_token_expires_in: Want::Is("600"), ..expected() };
    assert_eq!(verdict(&response(), &expecting), refusal("refresh_token", Wrong::Missing));
    let wrong = |wrong| refusal("refresh_token_expires_in", wrong);
    assert_eq!(verdict(&with_refresh(REFRESH, Value::Null), &expecting), wrong(Wrong::Missing));
    assert_eq!(verdict(&with_refresh(REFRESH, json!(601)), &expecting), wrong(Wrong::Value));
    assert_eq!(verdict(&with_refresh(REFRESH, json!(0)), &stranger()), wrong(Wrong::Shape));
    assert_eq!(verdict(&with_refresh(REFRESH, json!(-1)), &stranger()), wrong(Wrong::Shape));
    assert_eq!(verdict(&with_refresh(REFRESH, json!("600")), &stranger()), wrong(Wrong::Type));
    let alone = with(response(), "refresh_token_expires_in", json!(600));
    assert_eq!(verdict(&alone, &stranger()), wrong(Wrong::Unexpected));
    let signed_one = with_refresh(&signed(&access_token()), json!(600));
    assert_eq!(verdict(&signed_one, &expecting), refusal("refresh_token", Wrong::Shape));
    assert_eq!(verdict(&with_refresh(REFRESH, json!(600)), &expecting), Ok(()));
    assert_eq!(verdict(&with_refresh(REFRESH, json!(600)), &stranger()), Ok(()));
}
