//! `login_hint=testid:<pid>_<acr>` (contract §2): a test suite logs a person in without a page. The same rules and the same writes as
//! with pages; never in production; and the number goes nowhere.

use portvakt_testkit::{Asking, At, Damage, PERSONS, RelyingParty, Reply, World, assert_marks, log};

const PERSON: &str = PERSONS[0];

fn hinted(service: &RelyingParty, pid: &str, acr: &str) -> Asking {
    service.request().with("login_hint", &format!("testid:{pid}_{acr}"))
}

/// What a refusal at the redirect URI says.
async fn refused(world: &World, asking: &Asking) -> (String, String) {
    let error = world.refused(asking).await;
    let answer = asking.answer(&asking.send().await);
    (error, answer.get("error_description").unwrap_or_default().to_owned())
}

fn is_answer(asking: &Asking, reply: &Reply) -> bool {
    let answer = asking.answer(reply);
    assert_marks(asking, &answer);
    assert!(reply.headers("set-cookie").is_empty(), "nothing is left to the browser");
    assert_eq!(reply.header("cache-control"), "no-store");
    !answer.code().is_empty()
}

#[tokio::test]
async fn s2_a_testid_hint_in_production_is_refused_and_names_the_rule() {
    let world = World::new().await;
    let service = world.service(At::Production).await;
    let asking = hinted(&service, PERSON, "idporten-loa-high");
    let (error, description) = refused(&world, &asking).await;
    assert_eq!(error, "invalid_request");
    assert!(description.contains("TestID is not offered"), "{description}");
    assert!(log().contains("login-hint-not-offered"));
    // Without it, the refusal is the one that any request meets there.
    assert_eq!(world.refused(&asking.without("login_hint")).await, "temporarily_unavailable");
}

#[tokio::test]
async fn s2_a_hint_that_is_wrong_is_refused_at_the_redirect_uri_and_changes_nothing() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let high = at.high();
        for (hint, told) in [
            (format!("testid:{PERSON}"), "and a level"),
            ("testid:".to_owned(), "and a level"),
            (format!("testid:21879498013_{high}"), "control digits"),
            (format!("testid:2187949801_{high}"), "eleven digits"),
            (format!("testid:{PERSON}_level4"), high),
            (format!("testid:{PERSON}_"), high),
            (format!("testid:{high}_{PERSON}"), "eleven digits"),
        ] {
            let (error, description) = refused(&world, &service.request().with("login_hint", &hint)).await;
            assert_eq!(error, "invalid_request", "{hint}");
            assert!(description.starts_with("login_hint: expected "), "{description}");
            assert!(description.contains(told), "{hint}: {description}");
        }
        let twice = hinted(&service, PERSON, high).again("login_hint", &format!("testid:{PERSON}_{high}"));
        assert_eq!(world.refused(&twice).await, "invalid_request");
    }
}

#[tokio::test]
async fn s2_a_level_below_the_minimum_is_refused_and_a_higher_one_says_what_it_is() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let low = hinted(&service, PERSON, at.substantial()).with("acr_values", at.high());
        let (error, description) = refused(&world, &low).await;
        assert_eq!(error, "invalid_request");
        assert!(description.contains(at.high()), "{description}");
        let asking = hinted(&service, PERSON, at.high()).with("acr_values", at.substantial());
        let tokens = service.tokens(&asking.answer(&asking.send().await)).await;
        assert_eq!(tokens.claim("acr"), at.high());
    }
}

#[tokio::test]
async fn s2_a_person_who_may_not_log_in_gets_no_code_by_a_hint_either() {
    let world = World::assigned().await;
    for (at, own) in At::OPEN.into_iter().zip(PERSONS) {
        let service = world.service(at).await;
        for stranger in PERSONS.iter().filter(|pid| **pid != own).take(2) {
            assert_eq!(world.refused(&hinted(&service, stranger, at.high())).await, "access_denied");
        }
        let asking = hinted(&service, own, at.high());
        assert!(is_answer(&asking, &asking.send().await));
    }
    let service = world.service(At::Split).await;
    world.person(portvakt_protocol::provider::Pool("Split".to_owned()), PERSONS[3], false).await;
    assert_eq!(world.refused(&hinted(&service, PERSONS[3], At::Split.high())).await, "access_denied");
}

#[tokio::test]
async fn s3_1_2_6_prompt_none_stays_login_required_and_prompt_login_is_a_login() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let asking = hinted(&service, PERSON, at.high());
        assert_eq!(world.refused(&asking.clone().with("prompt", "none")).await, "login_required");
        for (name, value) in [("prompt", "login"), ("max_age", "0")] {
            let asking = hinted(&service, PERSON, at.high()).with(name, value);
            assert!(is_answer(&asking, &asking.send().await), "{name}={value}");
        }
    }
}

#[tokio::test]
async fn s2_any_other_hint_leads_to_the_login_page() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for hint in [PERSON, "eidas:true", "TESTID:x", "testid", &"x".repeat(4000)] {
            world.accepted(&service.request().with("login_hint", hint)).await;
        }
    }
}

#[tokio::test]
async fn s2_a_hinted_login_is_answered_at_once_and_is_a_login_like_any_other() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        for acr in [at.substantial(), at.high()] {
            let before = world.events().await.len();
            let asking = hinted(&service, PERSON, acr).with("ui_locales", "nn").with("acr_values", acr);
            let reply = asking.send().await;
            assert_eq!(reply.status, 303);
            assert!(is_answer(&asking, &reply));
            let hinted_events = world.events().await.split_off(before);
            let tokens = service.tokens(&asking.answer(&reply)).await;
            assert_eq!(tokens.claim("acr"), acr);
            assert_eq!(tokens.claim("auth_time"), world.now().unix());
            assert_eq!(tokens.claim("locale"), "nn");
            assert_eq!(service.userinfo(&tokens.access_token).await.json()["pid"], PERSON);

            // The page's way writes the same.
            let before = world.events().await.len();
            let by_page = world.answer(&service, PERSON).await;
            assert_eq!(world.events().await.split_off(before), hinted_events);
            let by_page = service.tokens(&by_page).await;
            for claim in ["sub", "aud", "amr"] {
                assert_eq!(by_page.claim(claim), tokens.claim(claim), "{claim}");
            }
        }
        let posted = hinted(&service, PERSONS[1], at.high());
        assert!(is_answer(&posted, &world.call(posted.posted()).await), "OpenID Connect Core §3.1.2.1");
    }
}

#[tokio::test]
async fn s4_1_3_a_hinted_code_is_as_single_and_as_short_lived_as_any() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let asking = hinted(&service, PERSON, At::Current.high());
    let answer = asking.answer(&asking.send().await);
    service.tokens(&answer).await;
    assert_eq!(service.redeem(&answer).await.error(), "invalid_grant");
    let late = asking.answer(&asking.send().await);
    world.wait(60);
    assert_eq!(service.redeem(&late).await.error(), "invalid_grant");
}

#[tokio::test]
async fn canary_the_number_of_a_hint_is_in_no_row_no_log_and_no_reply() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        for hint in [
            format!("testid:{PERSON}_{}", at.high()),
            format!("testid:{PERSON}_{}", at.substantial()),
            format!("testid:{PERSON}_nothing"),
            format!("testid:nothing_{PERSON}"),
            format!("testid:{PERSON}"),
            format!("testid:{PERSON}{PERSON}_{}", at.high()),
            format!("testid:{PERSON}_{PERSON}"),
        ] {
            let asking = service.request().with("login_hint", &hint);
            let mut with_page = asking.clone().with("client_id", "nobody");
            with_page.params.push((hint.clone(), hint.clone()));
            for asking in [
                asking.clone(),
                asking.clone().with("prompt", "none"),
                asking.clone().with("scope", "unknown"),
                asking.clone().with("acr_values", PERSON),
                asking.clone().again("login_hint", &hint),
                asking.clone().again(PERSON, "x").again(PERSON, "x"),
                with_page,
            ] {
                let reply = asking.send().await;
                let said = format!("{:?} {}", reply.headers, reply.text());
                assert!(!said.contains(PERSON), "{hint}: {said}");
            }
        }
    }
    // With its last clone, the world is scanned: log and files.
}

/// A test suite waits at its redirect URI: whatever of ours fails, it hears of it there (RFC 6749 §4.1.2.1).
#[tokio::test]
async fn s2_a_failure_of_ours_is_told_at_the_redirect_uri() {
    for damage in
        [Damage::Gone("person"), Damage::Gone("login"), Damage::NoUpdate("login"), Damage::NoInsert("code")]
    {
        let world = World::new().await;
        let service = world.service(At::Current).await;
        let asking = hinted(&service, PERSON, At::Current.high());
        world.data().damage(damage);
        let reply = asking.send().await;
        assert_eq!(reply.status, 303, "{damage:?}: {}", reply.text());
        assert_eq!(asking.answer(&reply).get("error"), Some("temporarily_unavailable"), "{damage:?}");
    }
}
