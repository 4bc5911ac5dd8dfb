//! Proof Key for Code Exchange.

use portvakt_protocol::authorize::{AuthorizeFault, PkceFault, validate};
use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::pkce::{CodeChallenge, CodeVerifier};
use portvakt_protocol::profile::{IDPORTEN, PILOT, Profile};
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::registration::{ClientRegistration, CodeChallengeMethod};
use portvakt_protocol::secret::Code;
use portvakt_protocol::token::{GrantFault, TokenFault, exchange};
use proptest::prelude::*;

use crate::scene::{
    CHALLENGE, NOW, VERIFIER, authenticating, client, draws, loaded, proof, provider, redemption,
    registration, request,
};

/// What a client registered like this gets for a request with these changes.
fn verdict(
    profile: &'static Profile,
    registration: &ClientRegistration,
    changes: &[(&str, &str)],
) -> Result<(), AuthorizeFault> {
    let provider = provider(profile);
    let client = client(&provider, registration);
    let addressed = portvakt_protocol::authorize::address(request(changes), Some(client)).unwrap();
    validate(addressed, &provider).map(|_| ()).map_err(|refused| refused.fault)
}

const WITHOUT: &[(&str, &str)] = &[("code_challenge", ""), ("code_challenge_method", "")];

#[test]
fn s4_1_a_verifier_has_43_to_128_unreserved_characters() {
    for wrong in [
        "a".repeat(42),
        "a".repeat(129),
        format!("{}+", "a".repeat(42)),
        format!("{}=", "a".repeat(43)),
        "å".repeat(43),
        String::new(),
    ] {
        assert!(CodeVerifier::parse(&wrong).is_none(), "{} characters", wrong.chars().count());
    }
    for right in ["a".repeat(43), "Z9-._~".repeat(20), "~".repeat(128)] {
        assert!(CodeVerifier::parse(&right).is_some());
    }
}

#[test]
fn s4_2_a_challenge_is_the_sha256_of_its_verifier_in_43_characters() {
    for wrong in [
        &CHALLENGE[1..],
        &format!("{CHALLENGE}="),
        &format!("{CHALLENGE}A"),
        &format!("{}+", &CHALLENGE[1..]),
        "",
    ] {
        assert!(CodeChallenge::parse(wrong).is_none(), "{wrong}");
    }
    // Appendix B, and the pair that ID-porten documents.
    for (verifier, challenge) in [
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        (VERIFIER, CHALLENGE),
    ] {
        assert!(CodeVerifier::parse(verifier).unwrap().answers(&CodeChallenge::parse(challenge).unwrap()));
    }
}

#[test]
fn s4_3_only_s256_and_never_without_saying_so() {
    for (profile, registration) in [(&PILOT, registration()), (&IDPORTEN, registration())] {
        for (changes, fault) in [
            (&[("code_challenge_method", "plain")][..], PkceFault::Method(Some("plain".to_owned()))),
            (&[("code_challenge_method", "s256")], PkceFault::Method(Some("s256".to_owned()))),
            (&[("code_challenge_method", "")], PkceFault::Method(None)),
            (&[("code_challenge", "")], PkceFault::MethodAlone),
            (&[("code_challenge", "short")], PkceFault::Format(5)),
        ] {
            assert_eq!(verdict(profile, &registration, changes), Err(AuthorizeFault::Pkce(fault)));
        }
        assert_eq!(verdict(profile, &registration, &[]), Ok(()));
    }
}

#[test]
fn s4_4_1_a_challenge_is_demanded_where_profile_or_registration_says_so() {
    let with = |method| ClientRegistration { code_challenge_method: method, ..registration() };
    let (silent, strict, opted_out) =
        (with(None), with(Some(CodeChallengeMethod::S256)), with(Some(CodeChallengeMethod::None)));
    let public = authenticating(AuthMethod::None);
    let missing = Err(AuthorizeFault::Pkce(PkceFault::ChallengeMissing));
    for (profile, registration, expected) in [
        (&PILOT, &public, missing.clone()),
        (&IDPORTEN, &public, missing.clone()),
        (&PILOT, &strict, missing.clone()),
        (&IDPORTEN, &strict, missing.clone()),
        (&IDPORTEN, &silent, missing),
        (&PILOT, &silent, Ok(())),
        (&PILOT, &opted_out, Ok(())),
        (&IDPORTEN, &opted_out, Ok(())),
    ] {
        assert_eq!(verdict(profile, registration, WITHOUT), expected, "{}", profile.name);
        assert_eq!(verdict(profile, registration, &[]), Ok(()), "{}", profile.name);
    }
}

#[test]
fn s4_5_s4_6_challenge_and_verifier_come_together_or_not_at_all() {
    let provider = provider(&PILOT);
    let code = Code::presented("a code");
    let try_with = |asked: &[(&str, &str)], sent: &str| {
        let loaded = Some(loaded(&provider, &code, request(asked)));
        let request = redemption("a code", &[("code_verifier", sent)]);
        exchange(&proof(&provider), &request, loaded, PersonStanding::Active, draws(), &provider, NOW)
            .map(|_| ())
    };
    let refused = |fault| Err(TokenFault::Grant(fault));
    let other = "a".repeat(43);
    assert_eq!(try_with(&[], ""), refused(GrantFault::VerifierMissing));
    assert_eq!(try_with(WITHOUT, VERIFIER), refused(GrantFault::VerifierUnexpected), "RFC 9700 §4.8.2");
    assert_eq!(try_with(&[], &other), refused(GrantFault::VerifierDiffers));
    assert_eq!(try_with(&[], &other[1..]), refused(GrantFault::VerifierFormat(42)));
    assert_eq!(try_with(&[], VERIFIER), Ok(()));
    assert_eq!(try_with(WITHOUT, ""), Ok(()));
}

proptest! {
    #[test]
    fn s4_6_a_verifier_answers_its_own_challenge_and_no_other(
        one in "[A-Za-z0-9._~-]{43,128}",
        two in "[A-Za-z0-9._~-]{43,128}",
    ) {
        use portvakt_crypto::{digest::Sha256, encoding::base64url_encode};
        let challenge = CodeChallenge::parse(&base64url_encode(Sha256::of(one.as_bytes()).as_bytes())).unwrap();
        prop_assert!(CodeVerifier::parse(&one).unwrap().answers(&challenge));
        prop_assert_eq!(CodeVerifier::parse(&two).unwrap().answers(&challenge), one == two);
    }

    #[test]
    fn s4_1_s4_2_nothing_is_both_refused_and_accepted(text: String) {
        let unreserved = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        prop_assert_eq!(CodeVerifier::parse(&text).is_some(), unreserved && (43..=128).contains(&text.len()));
        prop_assert!(CodeChallenge::parse(&text).is_none_or(|challenge| challenge.as_str() == text));
    }
}
