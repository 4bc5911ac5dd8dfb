//! Secrets and persons' numbers where they do not belong: every scene of the house ends with a scan of its log and its files for
//! all that it gave out. Here the scan itself is tried, and what people paste into the wrong field.

use portvakt_crypto::encoding::base64_encode;
use portvakt_testkit::{At, Call, PERSONS, World, log, public, registration};

const PERSON: &str = PERSONS[0];

#[tokio::test]
#[should_panic(expected = "stands in portvakt.db")]
async fn a_secret_in_the_database_fails_the_scene() {
    let world = World::new().await;
    world.wire().keep_secret("https://rp.example.no/cb");
}

#[tokio::test]
#[should_panic(expected = "stands in the log")]
async fn a_secret_in_the_log_fails_the_scene() {
    let world = World::new().await;
    world.service(At::Pilot).await.request().with("client_id", "pasted-by-mistake").send().await;
    world.wire().keep_secret("pasted-by-mistake");
}

#[tokio::test]
async fn what_a_whole_login_gives_and_every_refusal_stays_out_of_log_and_files() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        let wrong = service.redemption(&answer);
        for (name, value) in [
            ("code_verifier", "x"),
            ("redirect_uri", "x"),
            ("grant_type", "x"),
            ("client_secret", "x"),
            ("resource", "x"),
        ] {
            wrong.clone().with(name, value).send().await;
        }
        let tokens = service.tokens(&answer).await;
        service.userinfo(&tokens.access_token).await;
        service.redeem(&answer).await;
        service.userinfo(&tokens.access_token).await;
        service.userinfo(&answer.code()[1..]).await;
        world
            .call(Call::get(&format!(
                "{}?access_token={}",
                service.url("userinfo_endpoint"),
                tokens.access_token
            )))
            .await;
        world
            .call(Call::get(
                &answer.location.replace("https://rp.example.no/cb", service.url("authorization_endpoint")),
            ))
            .await;
        world.wait(61);
        service.redeem(&answer).await;
    }
    let log = log();
    for rule in [
        "code-verifier-format",
        "redirect-uri-differs",
        "grant-type-unsupported",
        "code-replayed",
        "token-revoked",
    ] {
        assert!(log.contains(rule), "{rule} was tried, and logged");
    }
}

#[tokio::test]
async fn a_person_s_number_in_the_wrong_field_is_not_logged() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for name in ["login_hint", "state", "claims", "id_token_hint", "unknown"] {
            service.login_with(&mut world.browser(), PERSON, service.request().with(name, PERSON)).await;
        }
        let mut browser = world.browser();
        let page = world.page(&mut browser, &service.request()).await;
        for typed in [format!("{PERSON}1"), format!("{PERSON} {}", PERSONS[1]), PERSON.replace('2', "3")] {
            assert!(browser.log_in_as(&page, &typed).await.is_page_with(422));
        }
        browser.submit(&page.form().with("pid", "").with("acr", PERSON).with("action", "login")).await;
        browser.submit(&page.form().with("form_token", PERSON)).await;
    }
}

#[tokio::test]
async fn a_secret_in_the_wrong_field_of_a_token_request_is_not_logged() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let secret = service.service().secret.clone().unwrap();
        let answer = world.answer(&service, PERSON).await;
        let right = service.redemption(&answer);
        for name in ["client_id", "code", "code_verifier", "scope", "unknown"] {
            for pasted in [secret.as_str(), answer.code()] {
                right.clone().with(name, pasted).send().await;
                let mut posted = right.clone().with(name, pasted);
                posted.basic = None;
                posted.send().await;
            }
        }
        for swapped in [format!("{secret}:web"), format!("{secret}:{secret}"), secret.clone()] {
            let mut swapped_call = right.clone();
            swapped_call.basic = None;
            let header = format!("Basic {}", base64_encode(swapped.as_bytes()));
            world.call(swapped_call.call().header("authorization", &header)).await;
        }
        let authorization =
            world.call(Call::get(service.url("userinfo_endpoint")).header("authorization", &secret)).await;
        assert_eq!(authorization.status, 401);
    }
}

#[tokio::test]
async fn a_public_client_s_verifier_and_code_are_no_one_else_s_to_read() {
    let world = World::new().await;
    let spa = world.register(At::Current, public("spa")).await;
    let answer = world.answer(&spa, PERSON).await;
    spa.redemption(&answer).with("client_id", "web").send().await;
    spa.tokens(&answer).await;
    world.register(At::Current, registration("later")).await;
}
