//! Codes, access tokens and logins under way, in time and side by side: when each begins and ends, and what ends it early.

use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::time::Seconds;
use portvakt_testkit::{At, Call, PERSONS, World, assert_token_refusal, registration};

const PERSON: &str = PERSONS[0];

#[tokio::test]
async fn a_code_lives_59_seconds_and_not_60() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        for (waited, good) in [(0, true), (59, true), (60, false), (61, false), (86_400, false)] {
            let answer = world.answer(&service, PERSON).await;
            world.wait(waited);
            if good {
                service.tokens(&answer).await;
            } else {
                assert_eq!(
                    world.refused_at_token(&service.redemption(&answer)).await,
                    "invalid_grant",
                    "{waited} s"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_clock_set_back_does_not_revive_a_spent_code() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    world.wait(7200);
    let answer = world.answer(&service, PERSON).await;
    service.tokens(&answer).await;
    world.wait(-3600);
    assert_eq!(service.redeem(&answer).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_replay_long_after_the_code_ended_still_revokes() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        let token = service.tokens(&answer).await.access_token;
        world.wait(300);
        assert_eq!(service.userinfo(&token).await.status, 200);
        let again = service.redeem(&answer).await;
        assert_token_refusal(&again);
        assert_eq!(again.error(), "invalid_grant");
        world.refused_at_userinfo(&service, &token).await;
        assert!(world.events().await.contains(&"code_replayed".to_owned()));
    }
}

#[tokio::test]
async fn a_replay_without_the_right_verifier_or_client_revokes_nothing() {
    let world = World::new().await;
    for at in At::PROFILES {
        let (service, other) = (world.service(at).await, world.register(at, registration("other")).await);
        let answer = world.answer(&service, PERSON).await;
        let token = service.tokens(&answer).await.access_token;
        for thief in [
            other.redemption(&answer),
            service.redemption(&answer).with("code_verifier", &"x".repeat(43)),
            service.redemption(&answer).without("code_verifier"),
            service.redemption(&answer).with("redirect_uri", "https://rp.example.no/other"),
        ] {
            assert_eq!(world.refused_at_token(&thief).await, "invalid_grant");
        }
        assert_eq!(
            service.userinfo(&token).await.status,
            200,
            "what a thief sees of a code ends no one's access"
        );
    }
}

#[tokio::test]
async fn an_access_token_ends_at_the_earlier_of_its_two_lifetimes() {
    let world = World::new().await;
    for at in At::PROFILES {
        for (name, access, authorization, waited) in
            [("long-token", 3600, 100, 30), ("short-token", 50, 3600, 30)]
        {
            let lives = ClientRegistration {
                access_token_lifetime: Seconds::new(access),
                authorization_lifetime: Seconds::new(authorization),
                ..registration(name)
            };
            let service = world.register(at, lives).await;
            let answer = world.answer(&service, PERSON).await;
            world.wait(waited);
            let token = service.tokens(&answer).await.access_token;
            // The authorization counts from the login, the token from its issuance.
            let left = i64::from(access).min(i64::from(authorization) - waited);
            world.wait(left - 1);
            assert_eq!(service.userinfo(&token).await.status, 200, "{name}: a second before its end");
            world.wait(1);
            world.refused_at_userinfo(&service, &token).await;
        }
    }
}

#[tokio::test]
async fn a_code_of_an_ended_authorization_gives_nothing() {
    let world = World::new().await;
    let brief = ClientRegistration {
        access_token_lifetime: Seconds::new(30),
        authorization_lifetime: Seconds::new(30),
        ..registration("brief")
    };
    let service = world.register(At::Pilot, brief).await;
    let answer = world.answer(&service, PERSON).await;
    world.wait(30);
    assert_eq!(world.refused_at_token(&service.redemption(&answer)).await, "invalid_grant");
    let answer = world.answer(&service, PERSON).await;
    world.wait(29);
    service.tokens(&answer).await;
}

#[tokio::test]
async fn two_logins_in_one_browser_finish_independently_and_in_any_order() {
    let world = World::new().await;
    let mut browser = world.browser();
    let (pilot, current) = (world.service(At::Pilot).await, world.service(At::Current).await);
    let other = world.register(At::Current, registration("other")).await;
    let askings = [current.request(), current.request(), other.request(), pilot.request()];
    let mut pages = Vec::new();
    for asking in &askings {
        pages.push(world.page(&mut browser, asking).await);
    }
    let mut answers = Vec::new();
    for number in [2, 0, 3, 1] {
        let left = browser.log_in_as(&pages[number], PERSONS[number]).await;
        answers.push((number, askings[number].answer(&left)));
    }
    for (number, answer) in &answers {
        let service = [&current, &current, &other, &pilot][*number];
        assert_eq!(service.tokens(answer).await.claim("pid"), PERSONS[*number], "each its own person");
    }
    for page in &pages {
        assert_eq!(
            browser.visit(&page.url).await.status,
            409,
            "a finished login's cookie says that it is over"
        );
    }
}

#[tokio::test]
async fn a_second_person_in_the_same_browser_gets_only_their_own() {
    let world = World::new().await;
    let (service, mut browser) = (world.service(At::Current).await, world.browser());
    let first = service.login(&mut browser, PERSONS[0]).await;
    let second = service.login(&mut browser, PERSONS[1]).await;
    assert_eq!(service.tokens(&second).await.claim("pid"), PERSONS[1]);
    assert_eq!(service.tokens(&first).await.claim("pid"), PERSONS[0]);
}

#[tokio::test]
async fn a_finished_or_cancelled_login_is_over() {
    let world = World::new().await;
    for at in At::PROFILES {
        let (service, mut browser) = (world.service(at).await, world.browser());
        let asking = service.request();
        let page = world.page(&mut browser, &asking).await;
        let kept = browser.clone();
        assert!(asking.answer(&browser.log_in_as(&page, PERSON).await).get("code").is_some());
        let before = world.rows();
        // Even with the cookie kept, as by a copied browser profile.
        let mut copy = kept;
        for again in
            [copy.log_in_as(&page, PERSON).await, copy.cancel(&page).await, copy.visit(&page.url).await]
        {
            assert!(again.is_page_with(409), "{}", again.status);
        }
        world.assert_untouched(&before);

        let asking = service.request();
        let page = world.page(&mut browser, &asking).await;
        let cancelled = asking.answer(&browser.cancel(&page).await);
        assert_eq!(cancelled.get("error"), Some("access_denied"));
        let typed = browser.log_in_as(&page, PERSON).await;
        assert!(typed.is_page() && typed.location().is_none());
    }
}

#[tokio::test]
async fn a_login_lasts_half_an_hour() {
    let world = World::new().await;
    let (service, mut browser) = (world.service(At::Current).await, world.browser());
    for (waited, good) in [(1799, true), (1800, false)] {
        let asking = service.request();
        let page = world.page(&mut browser, &asking).await;
        world.wait(waited);
        let before = world.rows();
        let left = browser.log_in_as(&page, PERSON).await;
        assert_eq!(left.location().is_some(), good, "{waited} s");
        if !good {
            world.assert_untouched(&before);
        }
    }
}

#[tokio::test]
async fn logout_ends_the_unfinished_logins_of_that_browser_only_and_redirects_nowhere() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let (mut here, mut elsewhere) = (world.browser(), world.browser());
        let (mine, other, theirs) = (service.request(), service.request(), service.request());
        let pages = [world.page(&mut here, &mine).await, world.page(&mut here, &other).await];
        let their_page = world.page(&mut elsewhere, &theirs).await;
        let kept = here.clone();
        let url = format!(
            "{}?post_logout_redirect_uri=https://rp.example.no/cb&client_id=web&state=x",
            service.url("end_session_endpoint")
        );
        let reply = here.visit(&url).await;
        assert!(reply.is_page_with(200) && reply.location().is_none(), "{at:?}: {}", reply.status);
        assert!(!reply.text().contains("rp.example.no"));
        assert_eq!(here.cookies(at.page_host()), Vec::<String>::new());
        let mut copy = kept;
        for page in &pages {
            assert!(
                copy.log_in_as(page, PERSON).await.is_page_with(409),
                "ended in the store, not only in the browser"
            );
        }
        assert!(theirs.answer(&elsewhere.log_in_as(&their_page, PERSON).await).get("code").is_some());
        let posted = here
            .call(Call::post(service.url("end_session_endpoint"), &[("x", "y")]), "https://rp.example.no")
            .await;
        assert!(posted.is_page_with(200), "a POST is as good (RP-Initiated Logout 1.0 §2)");
    }
}

#[tokio::test]
async fn logout_at_one_issuer_leaves_another_s_logins_in_the_same_browser() {
    let world = World::new().await;
    let (pilot, current) = (world.service(At::Pilot).await, world.service(At::Current).await);
    let mut browser = world.browser();
    let (one, two) = (pilot.request(), current.request());
    let (one_page, two_page) = (world.page(&mut browser, &one).await, world.page(&mut browser, &two).await);
    browser.visit(pilot.url("end_session_endpoint")).await;
    assert!(browser.log_in_as(&one_page, PERSON).await.is_page());
    assert!(two.answer(&browser.log_in_as(&two_page, PERSON).await).get("code").is_some());
}

#[tokio::test]
async fn what_was_given_before_a_key_was_replaced_still_verifies() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let before = world.tokens(&service, PERSON).await;
    world.rotate_key(At::Current).await;
    let after = world.tokens(&service, PERSON).await;
    assert_ne!(before.header()["kid"], after.header()["kid"]);
    assert_eq!(service.jwks().await.len(), 2);
    for tokens in [&before, &after] {
        assert!(service.verify(tokens.id_token.as_deref().unwrap()).await.is_some());
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
    }
    assert_eq!(before.claim("sub"), after.claim("sub"));
}

#[tokio::test]
async fn a_login_an_issuance_and_a_redemption_each_leave_a_record() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let begun = world.events().await.len();
    let answer = world.answer(&service, PERSON).await;
    service.tokens(&answer).await;
    assert_eq!(world.events().await[begun..], ["login", "code_issued", "code_redeemed"]);
}

#[tokio::test]
async fn no_code_is_given_for_an_authorization_that_has_ended_the_person_logs_in_again() {
    let world = World::new().await;
    let short = ClientRegistration { authorization_lifetime: Seconds::new(60), ..registration("short") };
    let service = world.register(At::Pilot, short).await;
    for (waited, path) in [(60, "/login/"), (59, "rp.example.no")] {
        let mut browser = world.browser();
        let form = world.page(&mut browser, &service.request()).await.form();
        let form = form.with("pid", PERSON).with("action", "login");
        let origin = "http://localhost:8080";
        let logged_in = browser.post_from(origin, &form.action, &form.fields).await;
        let resume = logged_in.location().expect("to the resume point").to_owned();
        world.wait(waited);
        let next = browser.call(Call::get(&resume), origin).await;
        assert!(
            next.location().is_some_and(|location| location.contains(path)),
            "{waited} s: {:?}",
            next.location()
        );
    }
}

#[tokio::test]
async fn a_request_whose_answer_nobody_would_read_begins_and_ends_nothing() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let before = world.rows();
    let head = world.call(Call::head(&service.request().url())).await;
    assert_eq!(head.status, 405);
    assert!(head.headers("set-cookie").is_empty());
    world.assert_untouched(&before);
}

#[tokio::test]
async fn no_value_that_is_kept_is_endless() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let before = world.rows();
    for name in ["nonce", "display", "ui_locales", "prompt", "acr_values", "state"] {
        let value = ["login"; 420].join(" ");
        let refused = world.call(service.request().with(name, &value).posted()).await;
        let location = refused.location().unwrap_or_default();
        assert!(location.contains("error=invalid_request") && location.contains(name), "{name}: {location}");
    }
    world.assert_untouched(&before);
    let long = "n".repeat(2048);
    assert!(
        world
            .call(service.request().with("nonce", &long).posted())
            .await
            .location()
            .is_some_and(|to| to.contains("/login/"))
    );
}

#[tokio::test]
async fn a_packed_form_is_not_unpacked() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let answer = world.answer(&service, PERSON).await;
    let packed = service.redemption(&answer).call().header("content-encoding", "gzip");
    assert_eq!(world.call(packed).await.error(), "invalid_request");
    service.tokens(&answer).await;
}
