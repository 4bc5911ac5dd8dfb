//! The JWK Set: as published, and nothing else.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use portvakt_verifier::{Fault, Keys, Part};
use serde_json::{Value, json};

use crate::signing::{jwk_set, published, stray};

/// A JWK Set of the published key with one member changed, or taken away by `null`.
fn changed(member: &str, to: Value) -> Vec<u8> {
    jwk_set(&[crate::expectation::with(published().jwk(), member, to)])
}

#[test]
fn what_is_no_jwk_set_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[],"x":1}"#,
    ] {
        assert!(Keys::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Keys::parse(&jwk_set(&[published().jwk()])).is_ok());
}

#[test]
fn a_key_for_anything_but_rs256_is_refused() {
    for (member, to) in [
        ("kty", json!("EC")),
        ("kty", Value::Null),
        ("use", json!("enc")),
        ("use", Value::Null),
        ("alg", json!("RS512")),
        ("alg", Value::Null),
        ("kid", json!("")),
        ("kid", json!("two words")),
        ("kid", json!(1)),
        ("kid", Value::Null),
        ("n", Value::Null),
        ("e", Value::Null),
        ("e", json!("Aw")),
        ("e", json!("AQAC")),
        ("e", json!("AAEAAQ")),
        ("n", json!(published().jwk()["n"].as_str().unwrap()[..170])),
        ("x5c", json!([])),
        ("x5c", json!("MIIB")),
        ("x5c", json!(["not base64"])),
        ("x5c", json!(stray().chain())),
        ("x5c", json!([Base64::encode_string(b"nothing of the kind")])),
        ("key_ops", json!(["verify"])),
    ] {
        let fault = Keys::parse(&changed(member, to.clone())).expect_err(member);
        assert!(fault.to_string().starts_with("the JWK Set"), "{fault}");
    }
    assert!(Keys::parse(&changed("x5c", Value::Null)).is_ok());
}

/// RFC 7517 §9.2: a private member in a published key is the end of that key.
#[test]
fn a_private_member_is_refused() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let found = Keys::parse(&changed(member, json!("AQAB")));
        let name = member.to_owned();
        assert_eq!(found.unwrap_err(), Fault::Undocumented { part: Part::JwkSet, name });
    }
}

#[test]
fn a_modulus_that_is_weak_or_not_in_its_shortest_form_is_refused() {
    let modulus = Base64UrlUnpadded::decode_vec(published().jwk()["n"].as_str().unwrap()).unwrap();
    let text = |bytes: &[u8]| json!(Base64UrlUnpadded::encode_string(bytes));
    let long = [[0xff; 513].as_slice(), &[1]].concat();
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    for other in [
        text(&[[0].as_slice(), &modulus].concat()),
        text(&modulus[..128]),
        text(&long),
        text(&even),
        text(&[]),
    ] {
        let set = jwk_set(&[crate::expectation::with(
            crate::expectation::with(published().jwk(), "x5c", Value::Null),
            "n",
            other,
        )]);
        assert!(Keys::parse(&set).is_err());
    }
}

/// Two keys of one name, or one key of two names: nobody could tell which of them signed.
#[test]
fn keys_are_distinct() {
    let one = published().jwk();
    let other_name = crate::expectation::with(one.clone(), "kid", json!("other"));
    let same_name = crate::expectation::with(stray().jwk(), "kid", json!("published"));
    for second in [one.clone(), other_name, same_name] {
        assert!(Keys::parse(&jwk_set(&[one.clone(), second])).is_err());
    }
    let keys = Keys::parse(&jwk_set(&[one, stray().jwk()])).unwrap();
    assert_eq!(format!("{keys:?}"), r#"["published", "stray"]"#);
}
