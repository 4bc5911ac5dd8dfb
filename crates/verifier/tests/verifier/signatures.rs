//! The header, the signature, and the compact form.

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, EncodingKey};
use portvakt_verifier::{Expected, Fault, Keys, Kind, Part, Wrong};
use serde_json::{Value, json};

use crate::expectation::{KINDS, PID, claims, expected, id_token, part};
use crate::signing::{jwk_set, keys, published, signed, stray};

const HEADER: &str = r#"{"alg":"RS256","kid":"published"}"#;

fn header_of(kind: Kind) -> Part {
    if kind == Kind::IdToken { Part::IdTokenHeader } else { Part::AccessTokenHeader }
}

fn wrong(kind: Kind, member: &'static str, wrong: Wrong) -> Result<(), Fault> {
    Err(Fault::Member { part: header_of(kind), member, wrong })
}

/// RFC 8725 §3.1: exactly one algorithm, whatever the header would like.
#[test]
fn another_algorithm_is_refused() {
    for kind in KINDS {
        let text = claims(kind).to_string();
        for (name, algorithm) in [
            ("RS384", Algorithm::RS384),
            ("RS512", Algorithm::RS512),
            ("PS256", Algorithm::PS256),
            ("rs256", Algorithm::RS256),
            ("RS256 ", Algorithm::RS256),
            ("none", Algorithm::RS256),
        ] {
            let header = format!(r#"{{"alg":"{name}","kid":"published"}}"#);
            let token = published().signs_with(algorithm, &header, &text);
            assert_eq!(keys().verify(kind, &token, &expected()), wrong(kind, "alg", Wrong::Value), "{name}");
        }
        // Said to be RS256, and signed otherwise.
        for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
            let token = published().signs_with(algorithm, HEADER, &text);
            assert_eq!(keys().verify(kind, &token, &expected()), Err(Fault::Signature(part(kind))));
        }
        let none = published().signs(r#"{"kid":"published"}"#, &text);
        assert_eq!(keys().verify(kind, &none, &expected()), wrong(kind, "alg", Wrong::Missing));
    }
}

/// RFC 8725 §2.1: the public key is no secret, so nobody can sign with it as one.
#[test]
fn the_public_key_used_as_a_secret_is_refused() {
    let modulus = published().jwk()["n"].as_str().unwrap().to_owned();
    let secret = EncodingKey::from_secret(modulus.as_bytes());
    let segment = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    for header in [HEADER, r#"{"alg":"HS256","kid":"published"}"#] {
        let input = format!("{}.{}", segment(header), segment(&id_token().to_string()));
        let mac = jsonwebtoken::crypto::sign(input.as_bytes(), &secret, Algorithm::HS256).unwrap();
        assert!(keys().verify(Kind::IdToken, &format!("{input}.{mac}"), &expected()).is_err());
    }
}

#[test]
fn a_key_that_is_not_published_is_refused() {
    for kind in KINDS {
        let text = claims(kind).to_string();
        let own_name = stray().signs(r#"{"alg":"RS256","kid":"stray"}"#, &text);
        assert_eq!(keys().verify(kind, &own_name, &expected()), Err(Fault::UnknownKey(header_of(kind))));
        let stolen_name = stray().signs(HEADER, &text);
        assert_eq!(keys().verify(kind, &stolen_name, &expected()), Err(Fault::Signature(part(kind))));
        let no_name = published().signs(r#"{"alg":"RS256"}"#, &text);
        assert_eq!(keys().verify(kind, &no_name, &expected()), wrong(kind, "kid", Wrong::Missing));
        // Once it is published, it is one of ours, and each key verifies what is its own.
        let both = Keys::parse(&jwk_set(&[published().jwk(), stray().jwk()])).unwrap();
        assert_eq!(both.verify(kind, &own_name, &expected()), Ok(()));
        assert_eq!(both.verify(kind, &signed(&claims(kind)), &expected()), Ok(()));
        assert_eq!(both.verify(kind, &stolen_name, &expected()), Err(Fault::Signature(part(kind))));
        let none = Keys::parse(br#"{"keys":[]}"#).unwrap();
        let found = none.verify(kind, &signed(&claims(kind)), &expected());
        assert_eq!(found, Err(Fault::UnknownKey(header_of(kind))));
    }
}

/// RFC 7515 §4.1: of what a header may hold, two members are ours, and two more if the profile has them.
#[test]
fn a_header_with_anything_else_is_refused() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("jku", json!("https://test.idporten.no/jwks.json")),
        ("jwk", published().jwk()),
        ("x5u", json!("https://example.no")),
        ("x5t", json!("x")),
        ("cty", json!("JWT")),
        ("pid", json!(PID)),
    ] {
        let mut header: Value = serde_json::from_str(HEADER).unwrap();
        header[name] = value;
        for kind in KINDS {
            let token = published().signs(&header.to_string(), &claims(kind).to_string());
            let found = keys().verify(kind, &token, &expected());
            let name = name.chars().filter(char::is_ascii_alphabetic).collect::<String>();
            match found {
                Err(Fault::Undocumented { part, name: found }) => {
                    assert_eq!((part, name.starts_with(&found)), (header_of(kind), true));
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    let twice =
        published().signs(r#"{"alg":"none","alg":"RS256","kid":"published"}"#, &id_token().to_string());
    let found = keys().verify(Kind::IdToken, &twice, &expected());
    assert_eq!(found, Err(Fault::NotAnObject(Part::IdTokenHeader)));
}

/// Catalogue T1: `typ` is what the profile says.
#[test]
fn typ_is_as_given() {
    let typed = |typ: &str| format!(r#"{{"alg":"RS256","kid":"published","typ":{typ}}}"#);
    let at = Kind::AccessToken;
    let expecting = Expected { access_token_typ: Some("at+jwt"), ..expected() };
    let signs = |header: &str, kind| published().signs(header, &claims(kind).to_string());
    let verify = |header: &str, expected: &Expected<'_>| keys().verify(at, &signs(header, at), expected);
    assert_eq!(verify(HEADER, &expecting), wrong(at, "typ", Wrong::Missing));
    assert_eq!(verify(&typed("\"JWT\""), &expecting), wrong(at, "typ", Wrong::Value));
    assert_eq!(verify(&typed("1"), &expecting), wrong(at, "typ", Wrong::Type));
    assert_eq!(verify(&typed("\"at+jwt\""), &expected()), wrong(at, "typ", Wrong::Unexpected));
    assert_eq!(verify(&typed("\"at+jwt\""), &expecting), Ok(()));
    // Of an ID token it would make an access token.
    let id_token = signs(&typed("\"at+jwt\""), Kind::IdToken);
    let found = keys().verify(Kind::IdToken, &id_token, &expecting);
    assert_eq!(found, wrong(Kind::IdToken, "typ", Wrong::Unexpected));
}

/// RFC 7515 §4.1.6: the certificate in a header is the published one.
#[test]
fn another_chain_than_the_published_one_is_refused() {
    let with = |chain: &Value| json!({ "alg": "RS256", "kid": "published", "x5c": chain }).to_string();
    let text = id_token().to_string();
    let verify =
        |chain: &Value| keys().verify(Kind::IdToken, &published().signs(&with(chain), &text), &expected());
    assert_eq!(verify(&json!(stray().chain())), wrong(Kind::IdToken, "x5c", Wrong::Value));
    assert_eq!(verify(&json!([])), wrong(Kind::IdToken, "x5c", Wrong::Value));
    assert_eq!(verify(&json!("MIIB")), wrong(Kind::IdToken, "x5c", Wrong::Type));
    assert_eq!(verify(&json!(published().chain())), Ok(()));
    let mut bare = published().jwk();
    bare.as_object_mut().unwrap().remove("x5c");
    let bare = Keys::parse(&jwk_set(&[bare])).unwrap();
    let token = published().signs(&with(&json!(published().chain())), &text);
    assert_eq!(bare.verify(Kind::IdToken, &token, &expected()), wrong(Kind::IdToken, "x5c", Wrong::Value));
}

/// RFC 7515 §7.1: three segments, each canonical.
#[test]
fn what_is_no_compact_form_is_refused() {
    let token = signed(&id_token());
    let (signed_text, signature) = token.rsplit_once('.').unwrap();
    for text in [
        String::new(),
        "..".to_owned(),
        PID.to_owned(),
        signed_text.to_owned(),
        format!("{signed_text}."),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!(".{token}"),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        token.replace('.', ". "),
        format!("{signed_text}.{}", signature.replace(['-', '_'], "+")),
        format!("{signed_text}.{}", &signature[..signature.len() - 4]),
        format!("{signed_text}.{signature}AAAA"),
        format!("{signed_text}.AAAA{signature}"),
    ] {
        let fault = keys().verify(Kind::IdToken, &text, &expected()).unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains(PID));
    }
    assert_eq!(keys().verify(Kind::IdToken, &token, &expected()), Ok(()));
}
