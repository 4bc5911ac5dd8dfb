//! Secrets and persons' numbers where they do not belong: every scene of the house ends with a scan of its log and its files for
//! all that it gave out. Here the scan itself is tried, and what people paste into the wrong field.

use portvakt_crypto::encoding::base64_encode;
use portvakt_testkit::{
    At, Call, PERSONS, World, log, public, read_by, reader, refreshing, registration, scopes,
};

const PERSON: &str = PERSONS[0];

#[tokio::test]
#[should_panic(expected = "a secret of 24 characters stands in ")]
async fn a_secret_in_the_database_fails_the_scene() {
    let world = World::new().await;
    world.wire().keep_secret("https://rp.example.no/cb");
}

#[tokio::test]
#[should_panic(expected = "stands in the log")]
async fn a_secret_in_the_log_fails_the_scene() {
    let world = World::new().await;
    world.service(At::Pilot).await.request().with("response_type", "pasted-by-mistake").send().await;
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

#[tokio::test]
async fn a_secret_or_a_number_in_a_field_that_is_shown_is_named_by_kind_and_length() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let secret = service.service().secret.clone().unwrap();
        let answer = world.answer(&service, PERSON).await;
        let tokens = service.tokens(&world.answer(&service, PERSON).await).await;
        let basic = base64_encode(format!("web:{secret}").as_bytes());
        world.wire().keep_secret(&basic);
        let (date, ending) = PERSON.split_at(6);
        let right = service.redemption(&answer);
        for pasted in [
            PERSON.to_owned(),
            format!("{date} {ending}"),
            secret.clone(),
            answer.code().to_owned(),
            tokens.access_token.clone(),
            tokens.id_token.clone().unwrap(),
            format!("Basic {basic}"),
            format!("https://rp.example.no/cb?pid={PERSON}&code={}", answer.code()),
        ] {
            for name in [
                "response_type",
                "response_mode",
                "redirect_uri",
                "scope",
                "acr_values",
                "prompt",
                "max_age",
                "client_id",
                "code_challenge_method",
                "onbehalfof",
            ] {
                let reply = service.request().with(name, &pasted).send().await;
                let told = reply.location().is_some() || reply.is_page_with(400);
                assert!(told, "{name} answers {}", reply.status);
                let said = format!("{:?} {}", reply.headers, reply.text());
                for unspoken in [PERSON, ending, &secret, answer.code(), &tokens.access_token, &basic] {
                    assert!(!said.contains(unspoken), "{name} comes back: {said}");
                }
                service.request().again(&pasted, "x").again(&pasted, "y").send().await;
            }
            for name in ["grant_type", "redirect_uri", "client_id", "resource"] {
                right.clone().with(name, &pasted).send().await;
                right.clone().again(&pasted, "x").again(&pasted, "y").send().await;
            }
            let path = pasted.replace([' ', '?'], "");
            world.call(Call::get(&format!("http://localhost:8080/{path}?{path}"))).await;
        }
    }
    let log = log();
    for kind in ["[identity number: 11 characters", "[code, token or secret: 43", "[JWT: ", "[credentials: "]
    {
        assert!(log.contains(kind), "{kind} was tried, and named");
    }
}

/// A refresh token is as secret as what it gives: each of them is kept from log and files by the scan that every scene ends with, used or
/// not; here they are pasted wherever a developer might paste one.
#[tokio::test]
async fn a_refresh_token_or_a_number_in_any_field_of_any_endpoint_comes_back_nowhere() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("pasting")).await;
        let mut tokens = world.tokens(&service, PERSON).await;
        let secret = service.service().secret.clone().unwrap();
        for _ in 0..3 {
            tokens = service.refresh(tokens.refresh_token()).await;
        }
        let other = world.register(at, refreshing("finder")).await;
        let endpoints = [
            service.refreshing(tokens.refresh_token()),
            service.revoking("unheard"),
            other.refreshing(tokens.refresh_token()),
            other.revoking(tokens.refresh_token()),
            service.revoking("unheard").to(&service.tokeninfo_endpoint()),
        ];
        let pasted = [PERSON, tokens.refresh_token(), &tokens.access_token, &secret];
        for value in pasted {
            for request in &endpoints {
                for name in [
                    "grant_type",
                    "client_id",
                    "scope",
                    "token",
                    "token_type_hint",
                    "code",
                    "client_secret",
                    "resource",
                ] {
                    let mut reply = request.clone().with(name, value).send().await;
                    if name == "token" || name == "token_type_hint" {
                        continue;
                    }
                    reply.headers.remove("content-length");
                    let said = format!("{:?} {}", reply.headers, reply.text());
                    assert!(!pasted.iter().any(|secret| said.contains(secret)), "{name} comes back: {said}");
                }
                let twice = request.clone().again(value, "x").again(value, "y").send().await;
                assert!(!twice.text().contains(value), "{}", twice.text());
            }
            for url in [
                service.url("token_endpoint"),
                &service.revocation_endpoint(),
                service.url("userinfo_endpoint"),
            ] {
                let reply =
                    world.call(Call::get(&format!("{url}?refresh_token={value}&token={value}"))).await;
                assert!(!reply.text().contains(value), "{}", reply.text());
            }
        }
        let late = world.tokens(&service, PERSON).await;
        world.wait(7200);
        service.refreshing(late.refresh_token()).send().await;
    }
    let log = log();
    for rule in
        ["refresh-token-unknown", "refresh-token-expired", "grant-type-unsupported", "refresh-scope-wider"]
    {
        assert!(log.contains(rule), "{rule} was tried, and logged");
    }
}

#[tokio::test]
async fn a_pid_that_introspection_tells_stands_in_its_body_alone() {
    let world = World::new().await;
    let at = At::Current;
    let mut scope = read_by("skatt:inntekt", &["canary-api"]);
    scope.requires_pseudonymous_tokens = true;
    world.scope(at, scope).await;
    let api = world.register(at, reader("canary-api")).await;
    let mut service = refreshing("canary");
    service.scopes = scopes("openid profile skatt:inntekt");
    let service = world.register(at, service).await;
    let tokens = world.tokens_for(&service, PERSON, "openid profile skatt:inntekt").await;
    let reply = api.introspecting(&tokens.access_token).send().await;
    assert_eq!(reply.json()["pid"], PERSON);
    assert!(!format!("{:?}", reply.headers).contains(PERSON));
    assert_eq!(reply.header("cache-control"), "no-store");
    let payload = service.verify(&tokens.access_token).await.unwrap().to_string();
    assert!(!payload.contains(PERSON) && !tokens.response.to_string().contains(PERSON));
}
