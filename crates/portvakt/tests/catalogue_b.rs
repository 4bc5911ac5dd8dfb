//! What other providers got wrong and told the world about, tried here. Each test names the advisory's number in the catalogue;
//! the attack stands beside the nearest honest request.

use std::collections::HashSet;

use portvakt_crypto::encoding::base64_encode;
use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::registration::{ClientRegistration, CodeChallengeMethod};
use portvakt_testkit::{At, Call, PERSONS, World, native, registration};

const PERSON: &str = PERSONS[0];

fn post(client_id: &str) -> ClientRegistration {
    ClientRegistration { token_endpoint_auth_method: AuthMethod::ClientSecretPost, ..registration(client_id) }
}

/// Every text that differs from `text` in one character, and each cut or lengthened by one.
fn neighbours(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, character) in text.char_indices() {
        let other = if character == 'A' { 'B' } else { 'A' };
        all.push(format!("{}{other}{}", &text[..at], &text[at + 1..]));
    }
    all.extend([
        text[1..].to_owned(),
        text[..text.len() - 1].to_owned(),
        format!("{text}A"),
        format!("A{text}"),
    ]);
    all
}

#[tokio::test]
async fn b01_another_client_cannot_redeem_a_code_and_no_byte_of_it_may_differ() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let (same_method, other_method) =
            (world.register(at, registration("other")).await, world.register(at, post("post")).await);
        let answer = world.answer(&service, PERSON).await;
        for thief in [same_method, other_method] {
            assert_eq!(world.refused_at_token(&thief.redemption(&answer)).await, "invalid_grant");
        }
        let before = world.rows();
        for mutated in neighbours(answer.code()) {
            let reply = service.redemption(&answer).with("code", &mutated).send().await;
            assert_eq!((reply.status.as_u16(), reply.error().as_str()), (400, "invalid_grant"), "{mutated}");
        }
        world.assert_untouched(&before);
        service.tokens(&answer).await;
    }
}

#[tokio::test]
async fn b02_every_artefact_is_nothing_in_every_other_s_slot() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let post = world.register(at, post("post")).await;
        let (asking, mut browser) = (service.request(), world.browser());
        let page = world.page(&mut browser, &asking).await;
        let form = page.form();
        let handle = form.action.rsplit('/').next().unwrap().to_owned();
        let cookie = browser.cookies(at.page_host()).first().unwrap().split_once('=').unwrap().1.to_owned();
        let form_token = form.value("form_token").to_owned();
        let unspent = world.answer(&service, PERSON).await;
        let tokens = world.tokens(&service, PERSON).await;
        let artefacts = [
            ("a login's handle", handle.clone()),
            ("a browser's secret", cookie.clone()),
            ("a form token", form_token.clone()),
            ("a code", unspent.code().to_owned()),
            ("an access token", tokens.access_token.clone()),
            ("an ID token", tokens.id_token.clone().unwrap()),
            ("a client secret", service.service().secret.clone().unwrap()),
            ("a verifier", asking.verifier.clone().unwrap()),
        ];
        let before = world.rows();
        let pages = form.action.rsplit_once('/').unwrap().0.to_owned();
        for (what, artefact) in &artefacts {
            if *what != "a code" {
                let code = service.redemption(&unspent).with("code", artefact).send().await;
                assert_eq!(code.error(), "invalid_grant", "{what} as a code");
            }
            if *what != "an access token" {
                assert_eq!(service.userinfo(artefact).await.status, 401, "{what} as an access token");
            }
            let secret = post.redemption(&unspent).with("client_secret", artefact).send().await;
            assert_eq!(secret.error(), "invalid_client", "{what} as a secret");
            if *what != "a login's handle" && !artefact.contains('.') {
                let moved =
                    browser.call(Call::get(&format!("{pages}/{artefact}")), "https://rp.example.no").await;
                assert_eq!(moved.status, 400, "{what} as a handle");
            }
            if *what != "a form token" {
                let wrong =
                    form.clone().with("form_token", artefact).with("pid", PERSON).with("action", "login");
                assert_eq!(browser.submit(&wrong).await.status, 403, "{what} as a form token");
            }
            if *what != "a browser's secret" {
                let name =
                    browser.cookies(at.page_host()).first().unwrap().split_once('=').unwrap().0.to_owned();
                let mut other = world.browser();
                other.plant(at.page_host(), &name, artefact);
                let shown = other.visit(&form.action).await;
                assert!(shown.is_page_with(400), "{what} as a cookie: {}", shown.status);
            }
        }
        world.assert_untouched(&before);
        service.tokens(&unspent).await;
        asking.answer(&browser.log_in_as(&page, PERSON).await);
    }
}

#[tokio::test]
async fn b12_b53_a_login_begun_in_one_browser_cannot_be_seen_or_finished_in_another() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let (mut attacker, mut victim) = (world.browser(), world.browser());
        let asking = service.request();
        let page = world.page(&mut attacker, &asking).await;
        let form = page.form();
        // The victim has a login of their own under way, so cookies of ours are there.
        let own = service.request();
        let own_page = world.page(&mut victim, &own).await;
        let before = world.rows();
        assert!(victim.visit(&form.action).await.is_page_with(400), "the page is not shown");
        let typed = form.clone().with("pid", PERSON).with("action", "login");
        assert!(victim.submit(&typed).await.is_page_with(400), "nor its form taken");
        let stolen = typed.clone().with("form_token", own_page.form().value("form_token"));
        assert!(victim.submit(&stolen).await.is_page_with(400));
        let resume = form.action.replace("/login/", "/resume/");
        assert!(victim.visit(&resume).await.is_page_with(400), "nor the login finished");
        world.assert_untouched(&before);
        assert!(own.answer(&victim.log_in_as(&own_page, PERSON).await).get("code").is_some());
        assert!(asking.answer(&attacker.log_in_as(&page, PERSON).await).get("code").is_some());
    }
}

#[tokio::test]
async fn b12_a_person_who_logged_in_cannot_be_carried_over_to_another_browser() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let (mut attacker, mut victim) = (world.browser(), world.browser());
    let asking = service.request();
    let form = world.page(&mut attacker, &asking).await.form().with("pid", PERSON).with("action", "login");
    let logged_in = attacker.post_from("http://localhost:8080", &form.action, &form.fields).await;
    let resume = logged_in.header("location").to_owned();
    let before = world.rows();
    assert!(victim.visit(&resume).await.is_page_with(400));
    world.assert_untouched(&before);
    assert!(asking.answer(&attacker.visit(&resume).await).get("code").is_some());
    assert!(attacker.visit(&resume).await.is_page(), "and it is finished once");
}

#[tokio::test]
async fn b21_nothing_that_a_form_or_page_url_carries_changes_the_request() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let (asking, mut browser) = (service.request().with("scope", "openid"), world.browser());
        let page = world.page(&mut browser, &asking).await;
        let form = page.form();
        let forged = [
            ("client_id", "other"),
            ("redirect_uri", "https://evil.example/cb"),
            ("scope", "openid profile"),
            ("state", "forged"),
            ("nonce", "forged"),
            ("response_type", "token"),
            ("code_challenge", "b7elB7ZyxIXgFyvBznKvxl7wOB-H17Pz0a3B62NIMFI"),
            ("acr_values", at.high()),
        ];
        let typed =
            forged.iter().fold(form.with("pid", PERSON).with("action", "login"), |form, (name, value)| {
                form.with(name, value)
            });
        let mut typed = typed;
        typed.action = format!(
            "{}?redirect_uri=https://evil.example/cb&scope=openid+profile&state=forged",
            typed.action
        );
        let answer = asking.answer(&browser.submit(&typed).await);
        assert_eq!(answer.get("state"), asking.get("state"));
        let tokens = service.tokens(&answer).await;
        assert_eq!(
            (tokens.response["scope"].as_str(), tokens.claim("nonce").as_str()),
            (Some("openid"), asking.get("nonce"))
        );
    }
}

#[tokio::test]
async fn b34_a_redirect_uri_in_other_letters_is_another_one() {
    let world = World::new().await;
    for at in At::PROFILES {
        let uris =
            ["https://rp.example.no/Callback", "https://rp.example.no/callback?Next=1"].map(str::to_owned);
        let service = ClientRegistration { redirect_uris: uris.to_vec(), ..registration("letters") };
        let service = world.register(at, service).await;
        for registered in &uris {
            for other in [
                registered.to_lowercase(),
                registered.to_uppercase(),
                registered.replace("rp.", "Rp."),
                registered.replace('k', "\u{212a}"),
            ] {
                if other != *registered {
                    world.refused_on_page(&service.request().with("redirect_uri", &other)).await;
                }
            }
            world.accepted(&service.request().with("redirect_uri", registered)).await;
        }
    }
}

#[tokio::test]
async fn b35_a_loopback_uri_takes_no_other_query() {
    let world = World::new().await;
    let service = world.register(At::Pilot, native("native", &["http://127.0.0.1/cb?fixed=1"])).await;
    for query in ["", "?", "?fixed=2", "?fixed=1&more=2", "?more=2&fixed=1", "?fixed=1#x", "?fixed=%31"] {
        let moved = format!("http://127.0.0.1:49152/cb{query}");
        world.refused_on_page(&service.request().with("redirect_uri", &moved)).await;
    }
    let there =
        service.pretending(|service| service.redirect_uri = "http://127.0.0.1:49152/cb?fixed=1".to_owned());
    let answer = world.answer(&there, PERSON).await;
    assert!(answer.location.starts_with("http://127.0.0.1:49152/cb?fixed=1&code="), "{}", answer.location);
}

#[tokio::test]
async fn b37_a_posted_secret_is_stored_nowhere() {
    let world = World::new().await;
    let service = world.register(At::Pilot, post("post")).await;
    let secret = service.service().secret.clone().unwrap();
    let answer = world.answer(&service, PERSON).await;
    world.refused_at_token(&service.redemption(&answer).with("code_verifier", &"x".repeat(43))).await;
    service.tokens(&answer).await;
    let (code, verifier) = (answer.code().to_owned(), answer.verifier.clone().unwrap());
    for (_, bytes) in world.data().stored() {
        for canary in [secret.as_bytes(), code.as_bytes(), verifier.as_bytes(), PERSON.as_bytes()] {
            assert!(!bytes.windows(canary.len()).any(|window| window == canary));
        }
    }
}

#[tokio::test]
async fn b38_no_parameter_called_an_error_reaches_a_page() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    for name in ["error", "error_hint", "error_description", "error_uri", "error_debug"] {
        let asking = service.request().with(name, "<script>alert(1)</script>");
        let page = world.accepted(&asking).await;
        assert!(!page.text().contains("alert(1)"), "{name}");
        let page = world.refused_on_page(&asking.without("redirect_uri")).await;
        assert!(!page.text().contains("alert(1)"), "{name}");
    }
}

#[tokio::test]
async fn b39_b40_pkce_cannot_be_taken_away_from_a_request_on_its_way() {
    let world = World::new().await;
    let strict = ClientRegistration {
        code_challenge_method: Some(CodeChallengeMethod::S256),
        ..registration("strict")
    };
    for (at, service) in [
        (At::Pilot, world.register(At::Pilot, strict).await),
        (At::Current, world.service(At::Current).await),
    ] {
        let stripped = service.request().without("code_challenge").without("code_challenge_method");
        assert_eq!(world.refused(&stripped).await, "invalid_request", "{at:?}");
        let answer = world.answer(&service, PERSON).await;
        let without = service.redemption(&answer).without("code_verifier");
        assert_eq!(world.refused_at_token(&without).await, "invalid_grant");
        service.tokens(&answer).await;
    }
    // Where PKCE is optional, an attacker who strips the challenge makes the honest verifier a reason to refuse.
    let service = world.service(At::Pilot).await;
    let stripped = service.request().without("code_challenge").without("code_challenge_method");
    let answer = service.login_with(&mut world.browser(), PERSON, stripped).await;
    assert!(answer.verifier.is_some());
    assert_eq!(world.refused_at_token(&service.redemption(&answer)).await, "invalid_grant");
}

#[tokio::test]
async fn b43_nothing_in_a_registered_uri_is_a_pattern() {
    let world = World::new().await;
    for at in At::PROFILES {
        let uris = ["https://rp.example.no/cb.(x)+[y]?z=$1^".to_owned()].to_vec();
        let service =
            world.register(at, ClientRegistration { redirect_uris: uris, ..registration("literal") }).await;
        for other in [
            "https://rpXexample.no/cb.(x)+[y]?z=$1^",
            "https://rp.example.no/cbX(x)+[y]?z=$1^",
            "https://rp.example.no/cb.x+[y]?z=$1^",
            "https://rp.example.no/cb.xxy",
        ] {
            world.refused_on_page(&service.request().with("redirect_uri", other)).await;
        }
        world.accepted(&service.request()).await;
    }
}

#[tokio::test]
async fn b44_no_shortened_or_lengthened_token_is_good() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let token = world.tokens(&service, PERSON).await.access_token;
        let before = world.rows();
        let step = (token.len() / 60).max(1);
        for length in (0..token.len()).step_by(step) {
            let cut = &token[..length];
            assert_eq!(service.userinfo(cut).await.status, 401, "{length} of {}", token.len());
        }
        for more in ["A", "=", ".", "AA", &token] {
            assert_eq!(service.userinfo(&format!("{token}{more}")).await.status, 401);
            assert_eq!(service.userinfo(&format!("{more}{token}")).await.status, 401);
        }
        if at == At::Pilot {
            for mutated in neighbours(&token) {
                assert_eq!(service.userinfo(&mutated).await.status, 401, "{mutated}");
            }
        }
        world.assert_untouched(&before);
        assert_eq!(service.userinfo(&token).await.status, 200);
    }
}

#[tokio::test]
async fn b51_a_scheme_that_runs_something_is_never_redirected_to() {
    let world = World::new().await;
    for at in At::PROFILES {
        let schemes = [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///x",
            "blob:x",
        ];
        for (number, scheme) in schemes.into_iter().enumerate() {
            for bad in [
                native(&format!("native-{number}"), &[scheme]),
                ClientRegistration {
                    redirect_uris: vec![scheme.to_owned()],
                    ..registration(&format!("web-{number}"))
                },
            ] {
                let bad = world.register(at, bad).await;
                world.refused_on_page(&bad.request()).await;
            }
            world.refused_on_page(&world.service(at).await.request().with("redirect_uri", scheme)).await;
        }
        let good = world.register(at, native("good", &["no.example.app:/cb"])).await;
        world.tokens(&good, PERSON).await;
    }
}

#[tokio::test]
async fn b60_a_failed_authentication_says_the_same_whatever_failed() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        world.register(at, registration("stopped")).await;
        world.set_client(at, "stopped", false).await;
        world.register(at, post("post")).await;
        let answer = world.answer(&service, PERSON).await;
        let mut told = HashSet::new();
        for (client_id, secret) in [
            ("nobody", "x".repeat(43)),
            ("web", "x".repeat(43)),
            ("web", "y".to_owned()),
            ("stopped", "x".repeat(43)),
            ("post", "x".repeat(43)),
        ] {
            let basic = base64_encode(format!("{client_id}:{secret}").as_bytes());
            let mut redemption = service.redemption(&answer);
            redemption.basic = None;
            let reply =
                world.call(redemption.call().header("authorization", &format!("Basic {basic}"))).await;
            let description = reply.description().split(" (trace_id").next().unwrap_or_default().to_owned();
            let error = (reply.error(), reply.error_uri());
            told.insert((reply.status.as_u16(), error, description, reply.headers.len()));
        }
        assert_eq!(told.len(), 1, "{told:?}");
        service.tokens(&answer).await;
    }
}
