//! Claims: one wrong is enough.

use portvakt_verifier::Kind::{AccessToken, IdToken};
use portvakt_verifier::{AmrShape, Expected, Fault, Want, Wrong};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::expectation::{
    KINDS, NOW, PID, access_token, claims, expected, id_token, part, refusal, stranger, verdict, with,
};
use crate::signing::{keys, published};

#[test]
fn each_required_claim_is_missed() {
    let common = ["iss", "sub", "pid", "acr", "iat", "exp", "jti"];
    let of_id_token = ["aud", "amr", "auth_time", "nonce", "locale"];
    let of_access_token = ["client_id", "scope", "client_amr", "consumer"];
    for (kind, own) in [(IdToken, &of_id_token[..]), (AccessToken, &of_access_token[..])] {
        for claim in common.iter().chain(own) {
            let without = with(claims(kind), claim, Value::Null);
            assert_eq!(verdict(kind, &without, &expected()), refusal(kind, claim, Wrong::Missing), "{claim}");
        }
        assert_eq!(verdict(kind, &claims(kind), &expected()), Ok(()));
    }
}

#[test]
fn a_value_that_was_not_expected_is_refused() {
    for (kind, claim, other) in [
        (IdToken, "iss", json!("https://test.idporten.no/")),
        (AccessToken, "iss", json!("https://idporten.no")),
        (IdToken, "aud", json!("other")),
        (AccessToken, "client_id", json!("other")),
        (IdToken, "sub", json!("A".repeat(43))),
        (AccessToken, "sub", json!("A".repeat(43))),
        (IdToken, "pid", json!("20914695016")),
        (AccessToken, "pid", json!("20914695016")),
        (IdToken, "acr", json!("idporten-loa-substantial")),
        (AccessToken, "acr", json!("Level4")),
        (IdToken, "amr", json!(["BankID"])),
        (IdToken, "nonce", json!("n-0S6_WzA2MJ")),
        (IdToken, "locale", json!("en")),
        (IdToken, "auth_time", json!(NOW)),
        (AccessToken, "scope", json!("profile openid")),
        (AccessToken, "scope", json!("openid profile krr:global")),
        (AccessToken, "client_amr", json!("none")),
        (AccessToken, "consumer", json!({ "authority": "iso6523-actorid-upis", "ID": "0192:910753614" })),
    ] {
        let wrong = with(claims(kind), claim, other);
        assert_eq!(verdict(kind, &wrong, &expected()), refusal(kind, claim, Wrong::Value), "{wrong}");
    }
}

#[test]
fn a_value_that_the_claim_cannot_have_is_refused_whoever_asks() {
    for (kind, claim, other) in [
        (IdToken, "sub", json!("short")),
        (IdToken, "sub", json!("-".repeat(44))),
        (AccessToken, "sub", json!(format!("{}.", "A".repeat(42)))),
        (IdToken, "pid", json!("2187949801")),
        (IdToken, "pid", json!("218794980122")),
        (AccessToken, "pid", json!("2187949801X")),
        (AccessToken, "pid", json!("")),
        (IdToken, "acr", json!("level4")),
        (AccessToken, "acr", json!("")),
        (IdToken, "amr", json!(["testid"])),
        (IdToken, "amr", json!([])),
        (IdToken, "amr", json!(["TestID", "BankID"])),
        (IdToken, "jti", json!("1")),
        (AccessToken, "jti", json!("x".repeat(65))),
        (AccessToken, "jti", json!("a jti of words")),
        (IdToken, "locale", json!("no")),
        (AccessToken, "client_amr", json!("client_secret_jwt")),
        (AccessToken, "consumer", json!({ "authority": "iso6523-actorid-upis", "ID": "9908:991825827" })),
        (AccessToken, "consumer", json!({ "authority": "iso6523-actorid-upis", "ID": "0192:991825828" })),
        (AccessToken, "consumer", json!({ "authority": "iso6523-actorid-upis", "ID": "991825827" })),
        (AccessToken, "consumer", json!({ "authority": "iso6523", "ID": "0192:991825827" })),
        (AccessToken, "consumer", json!({ "ID": "0192:991825827" })),
        (AccessToken, "supplier", json!({ "authority": "iso6523-actorid-upis", "ID": "0192:1" })),
    ] {
        let wrong = with(claims(kind), claim, other);
        assert_eq!(verdict(kind, &wrong, &stranger()), refusal(kind, claim, Wrong::Shape), "{wrong}");
    }
}

#[test]
fn types_are_exact() {
    for (kind, claim, other) in [
        (IdToken, "aud", json!(["web"])),
        (IdToken, "pid", json!(21_879_498_012_i64)),
        (IdToken, "acr", json!(["idporten-loa-high"])),
        (IdToken, "amr", json!("TestID")),
        (IdToken, "amr", json!([1])),
        (IdToken, "amr", json!({})),
        (IdToken, "nonce", json!(1)),
        (AccessToken, "scope", json!(["openid", "profile"])),
        (AccessToken, "consumer", json!("0192:991825827")),
        (AccessToken, "jti", json!(12_345_678_901_i64)),
    ] {
        let wrong = with(claims(kind), claim, other);
        assert_eq!(verdict(kind, &wrong, &expected()), refusal(kind, claim, Wrong::Type), "{wrong}");
    }
    let nothing = published()
        .signs(r#"{"alg":"RS256","kid":"published"}"#, &id_token().to_string().replace("\"nb\"", "null"));
    assert_eq!(keys().verify(IdToken, &nothing, &expected()), refusal(IdToken, "locale", Wrong::Type));
}

/// The pilot: `amr` is a string (contract of December 2016).
#[test]
fn amr_has_the_shape_of_its_profile() {
    let pilot = Expected { amr_shape: Some(AmrShape::String), ..expected() };
    assert_eq!(verdict(IdToken, &id_token(), &pilot), refusal(IdToken, "amr", Wrong::Type));
    assert_eq!(verdict(IdToken, &with(id_token(), "amr", json!("TestID")), &pilot), Ok(()));
    assert_eq!(verdict(IdToken, &with(id_token(), "amr", json!("TestID")), &stranger()), Ok(()));
}

/// RFC 7519 §2 would allow fractions; nobody issues them, and many cannot read them.
#[test]
fn a_time_is_a_whole_number_of_seconds() {
    let header = r#"{"alg":"RS256","kid":"published"}"#;
    for kind in KINDS {
        for (claim, at) in [("iat", NOW), ("exp", claims(kind)["exp"].as_i64().unwrap())] {
            let whole = format!("\"{claim}\":{at}");
            let text = claims(kind).to_string();
            assert!(text.contains(&whole));
            for other in [format!("{at}.0"), format!("{at}.5"), format!("{at}e0"), format!("\"{at}\"")] {
                let token = published().signs(header, &text.replace(&whole, &format!("\"{claim}\":{other}")));
                let found = keys().verify(kind, &token, &expected());
                assert_eq!(found, refusal(kind, claim, Wrong::Type), "{other}");
            }
        }
    }
}

#[test]
fn times_are_those_of_this_moment_and_lifetimes_those_registered() {
    for kind in KINDS {
        let at = |iat: i64, lifetime: i64| {
            with(with(claims(kind), "iat", json!(iat)), "exp", json!(iat + lifetime))
        };
        let lifetime = if kind == IdToken { 120 } else { 600 };
        for iat in [NOW - 2, NOW + 2, 0, NOW * 1000, -NOW] {
            assert_eq!(verdict(kind, &at(iat, lifetime), &expected()), refusal(kind, "iat", Wrong::Value));
        }
        for wrong in [lifetime - 1, lifetime + 1, 0, -1] {
            assert_eq!(verdict(kind, &at(NOW, wrong), &expected()), refusal(kind, "exp", Wrong::Value));
        }
        for iat in [NOW - 1, NOW, NOW + 1] {
            assert_eq!(verdict(kind, &at(iat, lifetime), &expected()), Ok(()));
        }
    }
    let far = with(with(access_token(), "exp", json!(i64::MAX)), "iat", json!(i64::MIN));
    let whenever = Expected { issued: i64::MIN..=i64::MAX, ..expected() };
    assert_eq!(verdict(AccessToken, &far, &whenever), refusal(AccessToken, "exp", Wrong::Value));
    let never = with(access_token(), "exp", json!(NOW));
    assert_eq!(verdict(AccessToken, &never, &stranger()), refusal(AccessToken, "exp", Wrong::Value));
}

/// OpenID Connect Core §2: whoever logged in did so before the token.
#[test]
fn nobody_logged_in_after_the_token_was_issued() {
    for auth_time in [NOW + 1, 0, -1] {
        let wrong = with(id_token(), "auth_time", json!(auth_time));
        assert_eq!(verdict(IdToken, &wrong, &stranger()), refusal(IdToken, "auth_time", Wrong::Value));
    }
    assert_eq!(verdict(IdToken, &with(id_token(), "auth_time", json!(NOW)), &stranger()), Ok(()));
}

/// Pseudonymous login: `pid` is withheld from ID token and access token.
#[test]
fn a_pid_in_a_pseudonymous_token_is_refused() {
    let pseudonymous = Expected { pid: Want::Absent, ..expected() };
    for kind in KINDS {
        assert_eq!(verdict(kind, &claims(kind), &pseudonymous), refusal(kind, "pid", Wrong::Unexpected));
        let without = with(claims(kind), "pid", Value::Null);
        assert_eq!(verdict(kind, &without, &expected()), refusal(kind, "pid", Wrong::Missing));
        assert_eq!(verdict(kind, &without, &pseudonymous), Ok(()));
    }
}

#[test]
fn the_persons_number_stands_in_no_claim_but_its_own() {
    let pseudonymous = Expected { pid: Want::Absent, ..expected() };
    for kind in KINDS {
        for (claim, value) in [
            ("jti", json!(format!("jti-{PID}"))),
            ("sub", json!(format!("{PID}{}", "A".repeat(32)))),
            ("iat", json!(PID.parse::<i64>().unwrap())),
            ("acr", json!([[PID]])),
        ] {
            for expected in [&expected(), &pseudonymous] {
                let wrong = with(claims(kind), claim, value.clone());
                assert_eq!(verdict(kind, &wrong, expected), refusal(kind, claim, Wrong::NamesPerson));
            }
        }
        let wrong = with(claims(kind), PID, json!(1));
        let found = verdict(kind, &wrong, &expected());
        assert_eq!(found, refusal(kind, "a member that is not documented", Wrong::NamesPerson));
    }
    // A client may send what it likes as nonce, and gets it back (OpenID Connect Core §3.1.2.1).
    let echoed = with(id_token(), "nonce", json!(PID));
    assert_eq!(verdict(IdToken, &echoed, &Expected { nonce: Want::Is(PID), ..expected() }), Ok(()));
}

#[test]
fn a_claim_that_is_not_documented_is_refused() {
    for (kind, claim) in [
        (IdToken, "at_hash"),
        (IdToken, "sid"),
        (IdToken, "scope"),
        (IdToken, "client_id"),
        (IdToken, "azp"),
        (IdToken, "name"),
        (AccessToken, "nonce"),
        (AccessToken, "amr"),
        (AccessToken, "token_type"),
        (AccessToken, "client_orgno"),
        (AccessToken, "auth_time"),
        (AccessToken, "nbf"),
    ] {
        let more = with(claims(kind), claim, json!("x"));
        let name = claim.to_owned();
        assert_eq!(verdict(kind, &more, &stranger()), Err(Fault::Undocumented { part: part(kind), name }));
    }
    let inside = json!({ "authority": "iso6523-actorid-upis", "ID": "0192:991825827", "name": "x" });
    let found = verdict(AccessToken, &with(access_token(), "consumer", inside), &stranger());
    assert!(matches!(found, Err(Fault::Undocumented { .. })), "{found:?}");
}

/// RFC 8725 §2.4, RFC 7519 §4: of a claim that stands twice, one reader takes the first and another the last.
#[test]
fn a_claim_that_stands_twice_is_refused() {
    let header = r#"{"alg":"RS256","kid":"published"}"#;
    for kind in KINDS {
        for claim in ["iss", "pid", "exp", "sub"] {
            let value = &claims(kind)[claim];
            let twice = claims(kind).to_string().replacen('{', &format!("{{\"{claim}\":{value},"), 1);
            let found = keys().verify(kind, &published().signs(header, &twice), &expected());
            assert_eq!(found, Err(Fault::NotAnObject(part(kind))), "{claim}");
        }
    }
}

#[test]
fn a_token_in_the_others_place_is_refused() {
    assert!(verdict(IdToken, &access_token(), &stranger()).is_err());
    assert!(verdict(AccessToken, &id_token(), &stranger()).is_err());
}

#[test]
fn a_supplier_and_an_audience_are_there_if_and_only_if_they_are_expected() {
    let organisation = |id: &str| json!({ "authority": "iso6523-actorid-upis", "ID": id });
    let supplied = with(access_token(), "supplier", organisation("0192:889640782"));
    let expecting = Expected { supplier: Want::Is("0192:889640782"), ..expected() };
    let wrong = |wrong| refusal(AccessToken, "supplier", wrong);
    assert_eq!(verdict(AccessToken, &supplied, &expected()), wrong(Wrong::Unexpected));
    assert_eq!(verdict(AccessToken, &access_token(), &expecting), wrong(Wrong::Missing));
    let other = with(access_token(), "supplier", organisation("0192:910753614"));
    assert_eq!(verdict(AccessToken, &other, &expecting), wrong(Wrong::Value));
    assert_eq!(verdict(AccessToken, &supplied, &expecting), Ok(()));

    let addressed = with(access_token(), "aud", json!("https://api.example.no"));
    let expecting = Expected { access_token_aud: Want::Is("https://api.example.no"), ..expected() };
    let wrong = |wrong| refusal(AccessToken, "aud", wrong);
    assert_eq!(verdict(AccessToken, &addressed, &expected()), wrong(Wrong::Unexpected));
    assert_eq!(verdict(AccessToken, &access_token(), &expecting), wrong(Wrong::Missing));
    assert_eq!(verdict(AccessToken, &addressed, &expecting), Ok(()));
}

#[test]
fn onbehalfof_is_said_twice_and_the_same() {
    let expecting = Expected { onbehalfof: Want::Is("kommune"), ..expected() };
    let both =
        with(with(id_token(), "client_onbehalfof", json!("kommune")), "aud_onbehalfof", json!("kommune"));
    assert!(verdict(IdToken, &both, &expected()).is_err());
    assert!(verdict(IdToken, &id_token(), &expecting).is_err());
    for claim in ["client_onbehalfof", "aud_onbehalfof"] {
        assert!(verdict(IdToken, &with(both.clone(), claim, Value::Null), &expecting).is_err(), "{claim}");
        assert!(verdict(IdToken, &with(both.clone(), claim, json!("other")), &expecting).is_err(), "{claim}");
        assert!(
            verdict(IdToken, &with(both.clone(), claim, json!("other")), &stranger()).is_err(),
            "{claim}"
        );
    }
    assert_eq!(verdict(IdToken, &both, &expecting), Ok(()));
}

/// Any JSON of small size.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[0-9]{11}".prop_map(Value::from),
        Just(Value::from(PID)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z_]{1,12}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever a claim says instead, it is refused, and the refusal says nothing of the person.
    #[test]
    fn no_other_value_of_any_claim_passes(of_id_token in any::<bool>(), which in any::<prop::sample::Index>(), other in any_json()) {
        let kind = if of_id_token { IdToken } else { AccessToken };
        let right = claims(kind);
        let names: Vec<&String> = right.as_object().unwrap().keys().collect();
        let name = which.get(&names).as_str();
        prop_assume!(right[name] != other);
        // A `jti` is random: any that is one passes.
        prop_assume!(name != "jti" || !other.is_string());
        let mut wrong = right.clone();
        wrong.as_object_mut().unwrap().insert(name.to_owned(), other);
        let fault = verdict(kind, &wrong, &expected()).expect_err("a wrong claim");
        let told = format!("{fault} {fault:?}");
        prop_assert!(!told.contains(PID));
    }

    /// Whatever is added, it is refused.
    #[test]
    fn no_claim_more_passes(of_id_token in any::<bool>(), name in "\\PC{0,20}", value in any_json()) {
        let kind = if of_id_token { IdToken } else { AccessToken };
        let mut more = claims(kind);
        prop_assume!(more.get(&name).is_none());
        more.as_object_mut().unwrap().insert(name, value);
        let fault = verdict(kind, &more, &expected()).expect_err("a claim too many");
        let told = format!("{fault} {fault:?}");
        prop_assert!(!told.contains(PID));
    }
}
