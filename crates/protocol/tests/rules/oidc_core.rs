//! OpenID Connect Core 1.0.

use std::collections::HashSet;

use portvakt_protocol::acr::Assurance;
use portvakt_protocol::authorize::{LoginFault, validate, way_back};
use portvakt_protocol::grant::{GrantId, LoadedAccessToken};
use portvakt_protocol::interaction::{Decision, Login, decide};
use portvakt_protocol::language::Language;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::profile::{IDPORTEN, PILOT, Profile};
use portvakt_protocol::provider::{Environment, PersonStanding, Provider};
use portvakt_protocol::refusal::Fault;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::secret::Code;
use portvakt_protocol::time::Seconds;
use portvakt_protocol::token::{Halted, Signed, exchange};
use portvakt_protocol::userinfo::{UserinfoFault, admit, present};
use portvakt_protocol::witness::Spent;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::{
    NOW, PERSON, REDIRECT_URI, addressed, after, client, draws, evidence, granted, loaded, pairwise, proof,
    provider, redemption, registration, request, web,
};

const LEVELS: [Assurance; 3] = [Assurance::Low, Assurance::Substantial, Assurance::High];
const STANDINGS: [PersonStanding; 3] =
    [PersonStanding::Unassigned, PersonStanding::Active, PersonStanding::Deactivated];

/// What is decided, in a word.
fn decided(
    provider: &Provider,
    params: RawParams,
    login: Option<Login>,
    reach: Option<Assurance>,
) -> &'static str {
    match decide(addressed(provider, params).unwrap(), login, reach, provider, NOW) {
        Ok(Decision::AskLogin(_)) => "ask",
        Ok(Decision::Proceed(_)) => "proceed",
        Err(refused) => refused.fault.refusal().rule.code.as_str(),
    }
}

fn login(assurance: Assurance, standing: PersonStanding) -> Option<Login> {
    Some(Login { evidence: evidence(assurance), standing })
}

#[test]
fn s3_1_2_1_prompt_none_is_refused_whoever_has_logged_in() {
    for profile in [&PILOT, &IDPORTEN] {
        let provider = provider(profile);
        for login in [None, login(Assurance::High, PersonStanding::Active)] {
            let asked = request(&[("prompt", "none")]);
            assert_eq!(decided(&provider, asked, login, Some(Assurance::High)), "login_required");
        }
        for combined in ["none login", "login none", "none none"] {
            let asked = request(&[("prompt", combined)]);
            assert_eq!(
                decided(&provider, asked, None, Some(Assurance::High)),
                "invalid_request",
                "{combined}"
            );
        }
        let asked = request(&[("prompt", "login")]);
        assert_eq!(decided(&provider, asked, None, Some(Assurance::High)), "ask");
    }
}

#[test]
fn s3_1_2_1_no_login_below_the_requested_acr_ever_proceeds() {
    for (profile, word_of) in [
        (&PILOT, ["", "Level3", "Level4"]),
        (&IDPORTEN, ["idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high"]),
    ] {
        let provider = provider(profile);
        for (minimum, word) in LEVELS.into_iter().zip(word_of).filter(|(_, word)| !word.is_empty()) {
            for reached in LEVELS {
                let asked = request(&[("acr_values", word)]);
                let outcome =
                    decided(&provider, asked, login(reached, PersonStanding::Active), Some(Assurance::High));
                assert_eq!(
                    outcome,
                    if reached >= minimum { "proceed" } else { "ask" },
                    "{reached:?} for {word}"
                );
            }
        }
    }
}

#[test]
fn s3_1_2_1_a_level_that_no_eid_reaches_is_refused_not_lowered() {
    let provider = provider(&IDPORTEN);
    for (reach, outcome) in [
        (None, "temporarily_unavailable"),
        (Some(Assurance::Substantial), "temporarily_unavailable"),
        (Some(Assurance::High), "ask"),
    ] {
        let asked = request(&[("acr_values", "idporten-loa-high")]);
        assert_eq!(decided(&provider, asked, None, reach), outcome);
    }
}

#[test]
fn s3_1_2_1_the_lowest_of_acr_values_is_the_minimum_and_an_unknown_one_is_refused() {
    let provider = provider(&IDPORTEN);
    for (asked, minimum) in [
        ("idporten-loa-high", Some(Assurance::High)),
        ("idporten-loa-high idporten-loa-low", Some(Assurance::Low)),
        ("eidas-loa-high idporten-loa-high", Some(Assurance::High)),
        ("", Some(Assurance::Substantial)),
        ("Level4", None),
        ("idporten-loa-high Level4", None),
        ("eidas-loa-high", None),
    ] {
        let validated = validate(addressed(&provider, request(&[("acr_values", asked)])).unwrap(), &provider);
        assert_eq!(validated.ok().map(|request| request.minimum()), minimum, "{asked}");
    }
}

#[test]
fn s3_1_2_1_max_age_is_a_number_and_makes_an_old_login_ask_again() {
    let provider = provider(&PILOT);
    for wrong in ["-1", "+1", "1.5", "soon", "99999999999", " 1"] {
        let asked = addressed(&provider, request(&[("max_age", wrong)])).unwrap();
        assert_eq!(
            validate(asked, &provider).unwrap_err().fault,
            LoginFault::MaxAge(wrong.to_owned()).into()
        );
    }
    for (waited, proceeds) in [(299, true), (300, false)] {
        let asked = addressed(&provider, request(&[("max_age", "300")])).unwrap();
        let login = login(Assurance::High, PersonStanding::Active);
        let decision = decide(asked, login, Some(Assurance::High), &provider, after(waited)).unwrap();
        assert_eq!(matches!(decision, Decision::Proceed(_)), proceeds, "after {waited} s");
    }
}

#[test]
fn s3_1_2_6_a_stopped_person_or_an_eid_that_is_gone_yields_no_grant() {
    let open = provider(&PILOT);
    let outcome = decided(
        &open,
        request(&[]),
        login(Assurance::High, PersonStanding::Deactivated),
        Some(Assurance::High),
    );
    assert_eq!(outcome, "access_denied");
    let closed =
        Provider::new("http://localhost:8080/pilot", None, &PILOT, Environment::Test, None, "1").unwrap();
    let asked = addressed(&closed, request(&[])).unwrap();
    let decision = decide(asked, login(Assurance::High, PersonStanding::Active), None, &closed, NOW);
    assert_eq!(
        decision.unwrap_err().fault,
        LoginFault::NoEid.into(),
        "evidence of TestID is none where there is no TestID"
    );
    assert_eq!(
        decided(&open, request(&[]), login(Assurance::High, PersonStanding::Active), Some(Assurance::High)),
        "proceed"
    );
}

/// Claims of a whole exchange: of the ID token, and of the access token if it is a JWT; and the response.
fn issued(profile: &'static Profile, changes: &[(&str, &str)]) -> (Option<Value>, Option<Value>, Value) {
    let provider = provider(profile);
    let code = Code::presented("a code");
    let loaded = Some(loaded(&provider, &code, request(changes)));
    let plan = exchange(
        &proof(&provider),
        &redemption("a code", &[]),
        loaded,
        PersonStanding::Active,
        draws(),
        &provider,
        after(30),
    )
    .unwrap();
    let spent = Spent::vouched(plan.code(), (plan.access_token().digest, None));
    let signed = std::cell::RefCell::new((None, None));
    let response = plan.join(&spent).unwrap().respond(&provider, &pairwise(), |kind, claims| {
        let claims: Value = serde_json::from_slice(claims)?;
        match kind {
            Signed::IdToken => signed.borrow_mut().0 = Some(claims),
            Signed::AccessToken => signed.borrow_mut().1 = Some(claims),
        }
        Ok::<_, serde_json::Error>("signed".to_owned())
    });
    let (id_token, access_token) = signed.into_inner();
    (id_token, access_token, serde_json::from_slice(&response.unwrap()).unwrap())
}

#[test]
fn s2_the_id_token_s_claims_have_the_contract_s_types() {
    for (profile, amr, acr) in
        [(&PILOT, json!("TestID"), "Level4"), (&IDPORTEN, json!(["TestID"]), "idporten-loa-high")]
    {
        let (id_token, _, response) = issued(profile, &[]);
        let claims = id_token.unwrap();
        assert_eq!(claims["iss"], format!("http://localhost:8080/{}", profile.name));
        assert_eq!(
            (&claims["aud"], &claims["pid"], &claims["acr"], &claims["amr"]),
            (&json!("web"), &json!(PERSON), &json!(acr), &amr)
        );
        assert_eq!((&claims["nonce"], &claims["auth_time"]), (&json!("a nonce"), &json!(NOW.unix())));
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW.unix() + 30), &json!(NOW.unix() + 150)));
        assert_eq!((claims.get("sid"), claims.get("at_hash")), (None, None));
        assert_eq!(
            (&response["token_type"], &response["scope"]),
            (&json!("Bearer"), &json!("openid profile"))
        );
    }
}

#[test]
fn s3_1_3_3_without_openid_there_is_no_id_token() {
    let (id_token, _, response) = issued(&PILOT, &[("scope", "profile")]);
    assert_eq!((id_token, response.get("id_token")), (None, None));
}

#[test]
fn s5_3_2_one_sub_in_id_token_access_token_and_userinfo() {
    let (id_token, access_token, _) = issued(&IDPORTEN, &[]);
    let provider = provider(&IDPORTEN);
    let (_, grant) =
        granted(&provider, request(&[])).issue(&Code::presented("x"), GrantId([1; 16]), Language::Nb, NOW);
    let userinfo = portvakt_protocol::claims::userinfo(&portvakt_protocol::claims::Issue {
        provider: &provider,
        client: &web(&provider),
        grant: &grant,
        pairwise: &pairwise(),
    });
    let sub = serde_json::to_value(&userinfo).unwrap()["sub"].clone();
    assert_eq!((&id_token.unwrap()["sub"], &access_token.unwrap()["sub"]), (&sub, &sub));
}

#[test]
fn s8_1_a_pairwise_sub_differs_by_issuer_client_and_person_and_by_nothing_else() {
    let mut subs = HashSet::new();
    for profile in [&PILOT, &IDPORTEN] {
        let provider = provider(profile);
        for id in ["web", "we", "b"] {
            for pid in [PERSON, "20914695016"] {
                let (id, pid) = (
                    portvakt_protocol::client::ClientId::parse(id).unwrap(),
                    portvakt_protocol::person::Pid::parse(pid).unwrap(),
                );
                let sub = |key: &portvakt_protocol::subject::PairwiseKey| {
                    key.subject(provider.issuer(), &id, &pid, IDPORTEN.subject)
                };
                assert_eq!(sub(&pairwise()), sub(&pairwise()));
                assert!(!sub(&pairwise()).contains(pid.reveal()));
                assert!(subs.insert(sub(&pairwise())));
            }
        }
    }
}

/// What userinfo says of a token that was issued at `NOW`.
fn admitted(
    access: u32,
    authorization: u32,
    at: u32,
    change: impl Fn(&mut LoadedAccessToken),
    scope: &str,
) -> Result<(), UserinfoFault> {
    let provider = provider(&PILOT);
    let registration =
        ClientRegistration { authorization_lifetime: Seconds::new(authorization), ..registration() };
    let client = client(&provider, &registration);
    let (_, mut grant) = granted(&provider, request(&[("scope", scope)])).issue(
        &Code::presented("x"),
        GrantId([1; 16]),
        Language::Nb,
        NOW,
    );
    grant.expires = NOW + Seconds::new(authorization);
    let mut loaded = LoadedAccessToken {
        issued: NOW,
        scopes: grant.scopes.clone(),
        grant,
        expires: NOW + Seconds::new(access),
        revoked: false,
    };
    change(&mut loaded);
    let presented = present(&[b"Bearer a-token"], None).unwrap();
    admit(&presented, Some(loaded), Some(client), (&provider, PersonStanding::Active), after(at)).map(|_| ())
}

#[test]
fn s5_3_an_access_token_ends_at_the_earlier_of_its_two_lifetimes() {
    for (access, authorization) in [(600, 100), (100, 600), (100, 100)] {
        assert_eq!(
            admitted(access, authorization, 100, |_| (), "openid profile"),
            Err(UserinfoFault::Expired)
        );
        assert_eq!(admitted(access, authorization, 99, |_| (), "openid profile"), Ok(()));
    }
}

#[test]
fn s5_3_a_revoked_token_another_client_s_or_one_without_profile_reads_nothing() {
    assert_eq!(
        admitted(600, 600, 0, |token| token.revoked = true, "openid profile"),
        Err(UserinfoFault::Revoked)
    );
    let foreign = |token: &mut LoadedAccessToken| {
        token.grant.client_id = portvakt_protocol::client::ClientId::parse("other").unwrap()
    };
    assert_eq!(
        admitted(600, 600, 0, foreign, "openid profile"),
        Err(UserinfoFault::Stopped(Halted::ClientGone))
    );
    assert_eq!(admitted(600, 600, 0, |_| (), "openid"), Err(UserinfoFault::Scope));
    assert_eq!(admitted(600, 600, 0, |_| (), "profile"), Ok(()));
}

fn some_request() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let choices = |name: &'static str, values: &'static [&'static str]| {
        prop::sample::select(values).prop_map(move |value| (name, value))
    };
    (
        choices("prompt", &["", "none", "login", "consent", "none login", "x"]),
        choices(
            "acr_values",
            &[
                "",
                "idporten-loa-low",
                "idporten-loa-substantial",
                "idporten-loa-high",
                "eidas-loa-high",
                "Level4",
            ],
        ),
        choices("scope", &["openid", "openid profile", "profile", "", "email"]),
        choices("max_age", &["", "0", "100000", "x"]),
        choices("response_type", &["code", "", "token"]),
        choices("code_challenge_method", &["S256", "plain", ""]),
        choices("ui_locales", &["", "nn", "en"]),
    )
        .prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f, g])
}

proptest! {
    #[test]
    fn no_path_reaches_a_grant_without_evidence(
        changes in some_request(),
        reach in prop::option::of(prop::sample::select(LEVELS.as_slice())),
        pilot: bool,
    ) {
        let provider = provider(if pilot { &PILOT } else { &IDPORTEN });
        let asked = addressed(&provider, request(&changes)).unwrap();
        let decision = decide(asked, None, reach, &provider, NOW);
        prop_assert!(!matches!(decision, Ok(Decision::Proceed(_))));
    }

    #[test]
    fn every_grant_has_evidence_that_reaches_what_was_asked_by_a_person_who_stands(
        changes in some_request(),
        reached in prop::sample::select(LEVELS.as_slice()),
        standing in prop::sample::select(STANDINGS.as_slice()),
        reach in prop::option::of(prop::sample::select(LEVELS.as_slice())),
    ) {
        let provider = provider(&IDPORTEN);
        let asked = addressed(&provider, request(&changes)).unwrap();
        let valid = validate(addressed(&provider, request(&changes)).unwrap(), &provider);
        if let Ok(Decision::Proceed(authenticated)) = decide(asked, login(reached, standing), reach, &provider, NOW) {
            let valid = valid.expect("only a valid request proceeds");
            prop_assert!(reached >= valid.minimum());
            prop_assert_ne!(standing, PersonStanding::Deactivated);
            let granted = authenticated.grant();
            let (code, grant) = granted.issue(&Code::presented("x"), GrantId([1; 16]), Language::Nb, NOW);
            prop_assert_eq!((grant.assurance, grant.auth_time), (reached, NOW));
            prop_assert_eq!(&grant.scopes, valid.scopes());
            prop_assert_eq!(code.redirect_uri.as_str(), REDIRECT_URI);
            prop_assert_eq!(code.challenge.as_ref(), valid.challenge());
        }
    }
}

/// Contract §2: a hint with a person's number is for its own request alone.
#[test]
fn s3_1_2_1_a_login_hint_is_neither_kept_with_the_login_nor_carried_by_a_page() {
    for (profile, level) in [(&PILOT, "Level4"), (&IDPORTEN, "idporten-loa-high")] {
        let provider = provider(profile);
        for hint in [format!("testid:{PERSON}_{level}"), PERSON.to_owned()] {
            let asked = request(&[("login_hint", &hint), ("acr_values", level)]);
            let back = way_back(&asked, &provider);
            let validated = validate(addressed(&provider, asked).unwrap(), &provider).unwrap();
            assert_eq!(validated.login_hint().is_some(), hint.starts_with("testid:"));
            let kept = validated.addressed().kept(&provider);
            for text in [&kept, &back] {
                assert!(!text.contains("login_hint") && !text.contains(PERSON), "{text}");
                assert!(text.contains("state=a%20state") && text.contains("code_challenge="), "{text}");
            }
            let kept = RawParams::parse(kept.as_bytes()).unwrap();
            let later = validate(addressed(&provider, kept).unwrap(), &provider).unwrap();
            assert!(later.login_hint().is_none(), "what is kept logs nobody in");
        }
        let late = format!("https://rp.example.no/{}?pid={PERSON}", "a".repeat(300));
        let pasted = request(&[
            ("redirect_uri", &late),
            ("scope", &format!("openid {PERSON}")),
            ("state", &format!("of-{PERSON}")),
            ("nonce", PERSON),
        ]);
        let back = way_back(&pasted, &provider);
        assert!(!back.contains(PERSON) && back.contains("client_id=web"), "{back}");
    }
}
