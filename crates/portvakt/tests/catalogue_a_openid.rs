//! Requirements that every provider must withstand, of its tokens, of OpenID Connect and of client records. Each refusal stands
//! beside its acceptance, and changes nothing.

use std::collections::HashSet;

use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::organisation::Standing;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::time::Seconds;
use portvakt_testkit::{At, Call, PERSONS, World, native, registration};
use serde_json::Value;

const PERSON: &str = PERSONS[0];

fn post(client_id: &str) -> ClientRegistration {
    ClientRegistration { token_endpoint_auth_method: AuthMethod::ClientSecretPost, ..registration(client_id) }
}

// A8: tokens (RFC 9068 as far as the profile has it).

#[tokio::test]
async fn t1_the_current_profile_s_access_token_has_the_contract_s_claims_and_no_other() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let tokens = world.tokens(&service, PERSON).await;
    let claims = service.verify(&tokens.access_token).await.unwrap();
    let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let mut expected =
        ["sub", "acr", "scope", "iss", "client_amr", "pid", "exp", "iat", "jti", "client_id", "consumer"];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(claims["client_amr"], "client_secret_basic");
    assert_eq!((&claims["sub"], &claims["pid"]), (&tokens.claim("sub"), &Value::from(PERSON)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
}

#[tokio::test]
async fn t2_each_token_is_refused_in_every_other_s_place() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let post = world.register(at, post("post")).await;
        let unspent = world.answer(&service, PERSON).await;
        let tokens = world.tokens(&service, PERSON).await;
        let (id_token, access_token) = (tokens.id_token.clone().unwrap(), tokens.access_token.clone());
        let secret = service.service().secret.clone().unwrap();
        let jti = tokens.claim("jti").as_str().unwrap().to_owned();
        for (what, artefact) in [
            ("an ID token", &id_token),
            ("a code", &unspent.code().to_owned()),
            ("a secret", &secret),
            ("an ID token's jti", &jti),
        ] {
            println!("{what} as an access token");
            world.refused_at_userinfo_by(&service, artefact, "token-unknown").await;
        }
        for (what, artefact) in
            [("an access token", &access_token), ("an ID token", &id_token), ("a secret", &secret)]
        {
            let wrong = service.redemption(&unspent).with("code", artefact);
            println!("{what} as a code, and as a secret");
            world.refused_by(&wrong, "invalid_grant", "code-unknown").await;
            let wrong = post.redemption(&unspent).with("client_secret", artefact);
            world.refused_by(&wrong, "invalid_client", "client-secret-wrong").await;
        }
        service.tokens(&unspent).await;
        assert_eq!(service.userinfo(&access_token).await.status, 200, "and none of it spent anything");
    }
}

#[tokio::test]
async fn t2_a_jwt_that_no_key_of_the_issuer_signed_is_no_access_token() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let token = world.tokens(&service, PERSON).await.access_token;
    let parts: Vec<&str> = token.split('.').collect();
    let foreign = world.tokens(&world.service(At::Split).await, PERSON).await.access_token;
    let foreign_parts: Vec<&str> = foreign.split('.').collect();
    let none = portvakt_crypto::encoding::base64url_encode(br#"{"alg":"none"}"#);
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], foreign_parts[1], parts[2]),
        format!("{}.{}.{}", foreign_parts[0], parts[1], foreign_parts[2]),
        format!("{}.{}", parts[1], parts[2]),
        format!("{token}."),
        format!(".{token}"),
        foreign.clone(),
    ] {
        world.refused_at_userinfo_by(&service, &forged, "token-unknown").await;
    }
    assert_eq!(service.userinfo(&token).await.status, 200);
}

// A9: OpenID Connect Core.

#[tokio::test]
async fn o1_prompt_none_never_shows_a_page() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        assert_eq!(world.refused(&service.request().with("prompt", "none")).await, "login_required");
        for combined in ["none login", "login none", "none none", "none consent"] {
            assert_eq!(
                world.refused(&service.request().with("prompt", combined)).await,
                "invalid_request",
                "{combined}"
            );
        }
        // Nor in a browser that has just logged in: there is no session across services yet.
        let mut browser = world.browser();
        service.login(&mut browser, PERSON).await;
        let asking = service.request().with("prompt", "none");
        let left = browser.visit(&asking.url()).await;
        assert_eq!(asking.answer(&left).get("error"), Some("login_required"));
        for shown in ["login", "consent", "login consent", "select_account"] {
            world.accepted(&service.request().with("prompt", shown)).await;
        }
    }
}

#[tokio::test]
async fn o2_auth_time_is_the_login_s_and_nonce_comes_back_unchanged() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let nonce = "n \"<å>&%2B ".repeat(100);
        let asking = service.request().with("nonce", &nonce).with("max_age", "0");
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        let logged_in = world.now().unix();
        world.wait(30);
        let tokens = service.tokens(&answer).await;
        assert_eq!(tokens.claim("nonce").as_str(), Some(nonce.as_str()));
        assert_eq!(tokens.claim("auth_time"), logged_in);
        assert_eq!(tokens.claim("iat"), logged_in + 30);
    }
}

#[tokio::test]
async fn o2_a_login_older_than_max_age_is_asked_for_again_before_it_is_answered() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    for (max_age, waited, fresh) in
        [("100", 99, true), ("100", 100, false), ("0", 59, true), ("0", 60, false)]
    {
        let (asking, mut browser) = (service.request().with("max_age", max_age), world.browser());
        let form = world.page(&mut browser, &asking).await.form().with("pid", PERSON).with("action", "login");
        let logged_in = browser.post_from("http://localhost:8080", &form.action, &form.fields).await;
        world.wait(waited);
        let reply = browser.follow(logged_in).await;
        assert_eq!(reply.location().is_some(), fresh, "{max_age} after {waited} s: {}", reply.status);
        let left = if fresh { reply } else { browser.log_in_as(&reply, PERSON).await };
        let tokens = service.tokens(&asking.answer(&left)).await;
        assert_eq!(tokens.claim("auth_time"), world.now().unix() - if fresh { waited } else { 0 });
    }
}

#[tokio::test]
async fn o4_userinfo_says_the_same_sub_as_the_id_token_and_other_clients_another() {
    let world = World::new().await;
    for at in At::PROFILES {
        let (one, two) = (world.service(at).await, world.register(at, registration("two")).await);
        let mut subs = HashSet::new();
        for (service, pid) in [(&one, PERSONS[0]), (&one, PERSONS[1]), (&two, PERSONS[0]), (&two, PERSONS[1])]
        {
            let tokens = world.tokens(service, pid).await;
            let userinfo = service.userinfo(&tokens.access_token).await.json();
            assert_eq!(userinfo["sub"], tokens.claim("sub"), "OpenID Connect Core §5.3.2");
            let mut names: Vec<_> = userinfo.as_object().unwrap().keys().cloned().collect();
            names.sort();
            assert_eq!(names, ["locale", "pid", "sub"]);
            assert!(subs.insert(tokens.claim("sub").to_string()), "pairwise");
        }
    }
}

#[tokio::test]
async fn o5_only_the_registered_response_mode_and_no_token_in_a_query() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for mode in
            ["fragment", "form_post", "form_post.jwt", "query.jwt", "web_message", "QUERY", "../query"]
        {
            assert_eq!(
                world.refused(&service.request().with("response_mode", mode)).await,
                "invalid_request"
            );
            let elsewhere =
                service.request().with("response_mode", mode).with("redirect_uri", "https://evil.example/");
            world.refused_on_page(&elsewhere).await;
        }
        let asking = service.request().with("response_mode", "query");
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        let mut names: Vec<_> = answer.params.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let promised = if at == At::Current { vec!["code", "iss", "state"] } else { vec!["code", "state"] };
        assert_eq!(names, promised);
    }
}

/// What a client, its organisation or a person being stopped means at every endpoint, and that it holds again afterwards.
async fn o6_stops(world: &World, at: At, stop: impl AsyncFn(bool), person_only: bool) {
    let service = world.service(at).await;
    let mut browser = world.browser();
    let asking = service.request();
    let page = world.page(&mut browser, &asking).await;
    let answer = world.answer(&service, PERSON).await;
    let token = world.tokens(&service, PERSON).await.access_token;

    stop(false).await;
    world.refused_at_userinfo_by(&service, &token, "token-stopped").await;
    let (error, rule) = if person_only {
        ("invalid_grant", "code-person-stopped")
    } else {
        ("invalid_client", "client-authentication-stopped")
    };
    world.refused_by(&service.redemption(&answer), error, rule).await;
    let before = world.rows();
    let typed = browser.log_in_as(&page, PERSON).await;
    assert!(typed.is_page() && typed.location().is_none(), "{at:?}: {}", typed.status);
    world.assert_untouched(&before);
    if person_only {
        assert_eq!(typed.status, 422);
        world.accepted(&service.request()).await;
        world.tokens(&service, PERSONS[1]).await;
    } else {
        world.refused_on_page_by(&service.request(), "client-stopped").await;
    }

    stop(true).await;
    assert_eq!(service.userinfo(&token).await.status, 200, "nothing was deleted");
    service.tokens(&answer).await;
    let left = browser.log_in_as(&page, PERSON).await;
    assert!(asking.answer(&left).get("code").is_some(), "{at:?}: the login under way goes on");
}

#[tokio::test]
async fn o6_a_deactivated_client_stops_at_every_endpoint() {
    let world = World::new().await;
    for at in At::OPEN {
        o6_stops(&world, at, async |active| world.set_client(at, "web", active).await, false).await;
    }
}

#[tokio::test]
async fn o6_a_withdrawn_or_deactivated_organisation_stops_its_clients_at_every_endpoint() {
    let world = World::new().await;
    for at in At::OPEN {
        for standing in [Standing::Withdrawn, Standing::Deactivated] {
            let stop = async |active| {
                world.set_organisation(at, if active { Standing::Active } else { standing }).await;
            };
            o6_stops(&world, at, stop, false).await;
        }
    }
}

#[tokio::test]
async fn o6_a_deactivated_person_stops_at_every_endpoint() {
    let world = World::new().await;
    for at in At::OPEN {
        let pool = at.pool().unwrap();
        o6_stops(&world, at, async |active| world.person(pool.clone(), PERSON, active).await, true).await;
    }
}

#[tokio::test]
async fn o6_a_person_stopped_between_login_and_code_gets_no_code() {
    let world = World::new().await;
    let at = At::Current;
    let service = world.service(at).await;
    let (asking, mut browser) = (service.request(), world.browser());
    let form = world.page(&mut browser, &asking).await.form().with("pid", PERSON).with("action", "login");
    let logged_in = browser.post_from("http://localhost:8080", &form.action, &form.fields).await;
    world.person(at.pool().unwrap(), PERSON, false).await;
    let before = world.rows();
    let left = browser.follow(logged_in).await;
    assert_eq!(asking.answer(&left).get("error"), Some("access_denied"));
    for table in ["code", "login_grant"] {
        assert_eq!(world.rows().count(table), before.count(table), "{table}");
    }
    let again = browser.call(Call::get(&left.url), "http://localhost:8080").await;
    assert!(again.is_page_with(400) || again.is_page_with(409), "the login has ended: {}", again.status);
}

// A12: client records.

#[tokio::test]
async fn g1_a_registered_uri_is_judged_again_when_it_is_used() {
    let world = World::new().await;
    for at in At::PROFILES {
        for (number, uri) in [
            "javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://rp.example.no/x",
            "https://rp.example.no/cb#f",
            "https://rp.example.no/*",
            "https://*.example.no/cb",
            "https://user@rp.example.no/cb",
            "https://rp.example.no\\@evil.example/cb",
            "https://rp.example.no/c b",
            "https://rp.example.no/c\u{7f}b",
            "https://r\u{440}.example.no/cb",
            "//rp.example.no/cb",
            "/cb",
            "",
        ]
        .into_iter()
        .enumerate()
        {
            let bad = ClientRegistration {
                redirect_uris: vec![uri.to_owned()],
                ..registration(&format!("bad-{number}"))
            };
            let bad = world.register(at, bad).await;
            world.refused_on_page_by(&bad.request(), "client-unknown").await;
        }
        let good = ClientRegistration {
            redirect_uris: vec!["https://rp.example.no/cb?x=1".to_owned()],
            ..registration("good")
        };
        world.tokens(&world.register(at, good).await, PERSON).await;
    }
}

#[tokio::test]
async fn g1_production_takes_no_plain_http_and_no_loopback_but_for_native() {
    let world = World::new().await;
    for uri in
        ["http://rp.example.no/cb", "http://localhost:3000/cb", "http://127.0.0.1/cb", "https://127.0.0.1/cb"]
    {
        let bad = ClientRegistration { redirect_uris: vec![uri.to_owned()], ..registration("web-plain") };
        let bad = world.register(At::Production, bad).await;
        world.refused_on_page_by(&bad.request(), "client-unknown").await;
    }
    for uri in ["https://rp.example.no/cb", "http://127.0.0.1/cb"] {
        let good = world.register(At::Production, native("native", &[uri])).await;
        assert_eq!(
            world.refused(&good.request()).await,
            "temporarily_unavailable",
            "no eID yet, but an address"
        );
    }
}

#[tokio::test]
async fn g3_only_registered_scopes_are_granted_and_a_withdrawn_one_no_longer() {
    let world = World::new().await;
    let at = At::Current;
    let scope = portvakt_testkit::opaque_scope("example:read");
    world.scope(at, scope.clone()).await;
    let service = world.service(at).await;
    for asked in ["openid example:read", "example:read", "openid profile email address phone offline_access"]
    {
        let asking = service.request().with("scope", asked);
        world.refused_at_redirect_by(&asking, "invalid_scope", "scope-not-registered").await;
    }
    let scopes = portvakt_protocol::scope::Scopes::parse("openid example:read").unwrap();
    let reader = world.register(at, ClientRegistration { scopes, ..registration("reader") }).await;
    let asking = || reader.request().with("scope", "openid example:read");
    let answer = reader.login_with(&mut world.browser(), PERSON, asking()).await;
    let refused = reader.redemption(&answer).with("scope", "openid profile example:read example:write");
    let given = refused.send().await.json();
    assert_eq!(given["scope"], "openid example:read", "a scope named at redemption widens nothing");
    world.scope(at, portvakt_protocol::scope::ScopeRecord { active: false, ..scope }).await;
    world.refused_at_redirect_by(&asking(), "invalid_scope", "scope-deactivated").await;
}

#[tokio::test]
async fn g4_a_client_deactivated_between_login_and_code_gets_none() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let (asking, mut browser) = (service.request(), world.browser());
    let form = world.page(&mut browser, &asking).await.form().with("pid", PERSON).with("action", "login");
    let logged_in = browser.post_from("http://localhost:8080", &form.action, &form.fields).await;
    world.set_client(At::Pilot, "web", false).await;
    let before = world.rows();
    let resumed = browser.call(Call::get(logged_in.header("location")), "http://localhost:8080").await;
    assert!(resumed.is_page() && resumed.location().is_none(), "{}", resumed.status);
    world.assert_untouched(&before);
    world.set_client(At::Pilot, "web", true).await;
    let resumed = browser.call(Call::get(logged_in.header("location")), "http://localhost:8080").await;
    assert!(asking.answer(&resumed).get("code").is_some());
}

#[tokio::test]
async fn g4_what_was_taken_off_a_registration_stops_at_once() {
    let world = World::new().await;
    let at = At::Pilot;
    let two = ["https://rp.example.no/cb", "https://rp.example.no/new"].map(str::to_owned).to_vec();
    let wide = ClientRegistration { redirect_uris: two, ..registration("moving") };
    let service = world.register(at, wide.clone()).await;
    let (asking, mut browser) = (service.request(), world.browser());
    let page = world.page(&mut browser, &asking).await;
    let narrow = ClientRegistration { redirect_uris: vec!["https://rp.example.no/new".to_owned()], ..wide };
    world.register(at, narrow).await;
    world.refused_on_page_by(&service.request(), "redirect-uri-unregistered").await;
    let left = browser.log_in_as(&page, PERSON).await;
    assert!(
        left.is_page() && left.location().is_none(),
        "a login under way is judged by the client as it is now"
    );
}

#[tokio::test]
async fn the_access_token_s_lifetime_is_the_lowest_at_max_age_that_is_not_zero() {
    let world = World::new().await;
    let at = At::Current;
    let aged = |name: &str, age| portvakt_protocol::scope::ScopeRecord {
        at_max_age: Seconds::new(age),
        ..portvakt_testkit::opaque_scope(name)
    };
    for (name, age) in [("x:zero", 0), ("x:300", 300), ("x:200", 200)] {
        world.scope(at, aged(name, age)).await;
    }
    let scopes = portvakt_protocol::scope::Scopes::parse("openid profile x:zero x:300 x:200").unwrap();
    let service = world.register(at, ClientRegistration { scopes, ..registration("aged") }).await;
    for (asked, lifetime) in
        [("openid x:zero", 600), ("openid x:300", 300), ("openid x:300 x:200 x:zero", 200)]
    {
        let asking = service.request().with("scope", asked);
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        assert_eq!(service.tokens(&answer).await.response["expires_in"], lifetime, "{asked}");
    }
}
