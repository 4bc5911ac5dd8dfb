//! What holds at every endpoint that takes a token or a client's credentials, alike: one way to authenticate, no parameter twice, no
//! artefact in another's place, no token but the whole one.

use std::collections::HashSet;

use portvakt_crypto::encoding::base64_encode;
use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_testkit::{
    Answer, At, Call, Method, PERSONS, Redemption, RelyingParty, Tokens, World, assert_inactive, assert_rule,
    logged_rule, public, read_by, refreshing, registration, scopes,
};

const PERSON: &str = PERSONS[0];
const SCOPE: &str = "api:read";

fn post(client_id: &str) -> ClientRegistration {
    ClientRegistration { token_endpoint_auth_method: AuthMethod::ClientSecretPost, ..refreshing(client_id) }
}

fn spa(client_id: &str) -> ClientRegistration {
    let ClientRegistration { grant_types, refresh_token_lifetime, .. } = refreshing(client_id);
    ClientRegistration { grant_types, refresh_token_lifetime, ..public(client_id) }
}

/// A client with tokens of its own, which it may introspect itself: so that one client can be tried at each endpoint.
struct Scene {
    world: World,
    at: At,
}

impl Scene {
    async fn at(at: At) -> Self {
        let world = World::new().await;
        world.scope(at, read_by(SCOPE, &["service", "basic", "post", "spa"])).await;
        Self { world, at }
    }

    async fn register(&self, registration: ClientRegistration) -> RelyingParty {
        let scopes = scopes(&format!("openid profile {SCOPE} idporten:token.introspection"));
        self.world.register(self.at, ClientRegistration { scopes, ..registration }).await
    }

    async fn answer(&self, service: &RelyingParty) -> Answer {
        let asking = service.request().with("scope", &format!("openid profile {SCOPE}"));
        service.login_with(&mut self.world.browser(), PERSON, asking).await
    }

    async fn tokens(&self, service: &RelyingParty) -> Tokens {
        service.tokens(&self.answer(service).await).await
    }

    /// A correct request to each endpoint where clients authenticate. The last of them ends what the others are about.
    fn requests(
        &self,
        service: &RelyingParty,
        answer: &Answer,
        tokens: &Tokens,
    ) -> Vec<(&'static str, Redemption)> {
        let mut all = Vec::new();
        if self.at == At::Current {
            let introspection = service.introspecting(&tokens.access_token);
            let alias = introspection.clone().to(&service.tokeninfo_endpoint());
            all.extend([("introspection", introspection), ("its alias", alias)]);
        }
        all.extend([
            ("code", service.redemption(answer)),
            ("refresh", service.refreshing(tokens.refresh_token())),
            ("revocation", service.revoking(&tokens.access_token)),
        ]);
        all
    }

    /// That all of them are answered as they should be.
    async fn assert_accepted(&self, requests: &[(&'static str, Redemption)]) {
        for (what, request) in requests {
            let reply = request.send().await;
            assert_eq!(reply.status, 200, "{what}: {}", reply.description());
            if what.contains("introspection") {
                assert_eq!(reply.json().get("active"), Some(&true.into()), "{what}");
            }
            assert_eq!(reply.header("cache-control"), "no-store", "C7: {what}");
        }
    }
}

// Client authentication.

#[tokio::test]
async fn row_26_another_method_than_the_registered_one_is_invalid_client_at_every_endpoint() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        for (registration, others) in [
            (refreshing("basic"), ["client_secret_post", "none"]),
            (post("post"), ["client_secret_basic", "none"]),
            (spa("spa"), ["client_secret_basic", "client_secret_post"]),
        ] {
            let public = registration.token_endpoint_auth_method == AuthMethod::None;
            let service = scene.register(registration).await;
            let (answer, tokens) = (scene.answer(&service).await, scene.tokens(&service).await);
            for method in others {
                let other = service.pretending(|of| {
                    of.method = method.to_owned();
                    of.secret = of.secret.clone().or_else(|| Some("a-secret-that-nobody-gave".to_owned()));
                });
                for (_, request) in scene.requests(&other, &answer, &tokens) {
                    scene.world.refused_by(&request, "invalid_client", "client-method-differs").await;
                }
            }
            let mut requests = scene.requests(&service, &answer, &tokens);
            // Who cannot authenticate reads nothing by introspection (RFC 7662 §2.1), but is no stranger.
            requests.retain(|(what, _)| {
                !(public && *what != "code" && *what != "refresh" && *what != "revocation")
            });
            scene.assert_accepted(&requests).await;
        }
    }
}

#[tokio::test]
async fn c4_each_endpoint_takes_posted_forms_and_one_method_of_authentication() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, scene.register(refreshing("service")).await);
        let (answer, tokens) = (scene.answer(&service).await, scene.tokens(&service).await);
        let secret = service.service().secret.clone().unwrap();
        let requests = scene.requests(&service, &answer, &tokens);
        let before = world.rows();
        for (what, request) in &requests {
            let twice = request.clone().with("client_id", "service").with("client_secret", &secret);
            world.refused_by(&twice, "invalid_request", "client-authentication-twice").await;
            let differs = request.clone().with("client_id", "another");
            world.refused_by(&differs, "invalid_request", "client-id-differs").await;
            let mut none = request.clone();
            none.basic = None;
            world.refused_by(&none, "invalid_client", "client-authentication-missing").await;
            for (header, rule) in [
                ("Basic %%%", "client-basic-unreadable"),
                ("Bearer x", "client-method-unsupported"),
                (&format!("Basic {}", base64_encode(b"service:wrong")), "client-secret-wrong"),
                (&format!("Basic {}", base64_encode(b"nobody:wrong")), "client-authentication-unknown"),
            ] {
                let reply = world.call(none.call().header("authorization", header)).await;
                assert_rule(&reply, "invalid_client", rule);
            }
            let assertion = none.clone().with("client_assertion", "a.b.c");
            world.refused_by(&assertion, "invalid_client", "client-method-unsupported").await;
            let mut call = request.call();
            call.url.push_str("?client_id=service");
            assert_rule(&world.call(call).await, "invalid_request", "parameters-in-query");
            let mut call = request.call();
            call.headers.retain(|(name, _)| name != "content-type");
            let body = std::mem::take(&mut call.body);
            let reply = world.call(call.clone().body("application/json", body)).await;
            assert_rule(&reply, "invalid_request", "content-type");
            let reply = world.call(call.body("application/x-www-form-urlencoded", "a=%zz")).await;
            assert_rule(&reply, "invalid_request", "parameters-encoding");
            for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
                let call = Call { method: method.clone(), ..request.call() };
                assert_eq!(world.call(call).await.status, 405, "{what} by {method}");
            }
        }
        world.assert_untouched(&before);
        scene.assert_accepted(&requests).await;
    }
}

#[tokio::test]
async fn b60_a_failed_authentication_reads_the_same_at_every_endpoint_whatever_failed() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let world = &scene.world;
        let service = scene.register(refreshing("service")).await;
        let stopped = scene.register(refreshing("stopped")).await;
        world.set_client(at, "stopped", false).await;
        let other = scene.register(post("other")).await;
        let (answer, tokens) = (scene.answer(&service).await, scene.tokens(&service).await);
        let requests = scene.requests(&service, &answer, &tokens);
        let mut told = HashSet::new();
        for (_, request) in &requests {
            let mut rules = Vec::new();
            for (client_id, secret) in [
                ("nobody", "x".repeat(43)),
                ("service", "x".repeat(43)),
                ("service", "y".to_owned()),
                ("stopped", stopped.service().secret.clone().unwrap()),
                ("other", other.service().secret.clone().unwrap()),
            ] {
                let mut request = request.clone();
                request.basic = Some((client_id.to_owned(), secret));
                let reply = request.send().await;
                let (description, _) = {
                    let said = reply.description();
                    said.split_once(" (trace_id").map(|(said, id)| (said.to_owned(), id.len())).unwrap()
                };
                let error = (reply.status.as_u16(), reply.error(), reply.error_uri());
                told.insert((
                    error,
                    description,
                    reply.headers.len(),
                    reply.header("www-authenticate").to_owned(),
                ));
                rules.push(logged_rule(&reply));
            }
            let wrong = ["client-secret-wrong", "client-secret-wrong"];
            assert_eq!(rules[0], "client-authentication-unknown");
            assert_eq!(
                (&rules[1..3], &rules[4]),
                (wrong.map(str::to_owned).as_slice(), &"client-method-differs".to_owned())
            );
            assert_eq!(rules[3], "client-authentication-stopped");
        }
        assert_eq!(told.len(), 1, "{told:?}");
        scene.assert_accepted(&requests).await;
    }
}

// Parameters.

#[tokio::test]
async fn b66_c2_no_endpoint_takes_a_parameter_twice() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, scene.register(post("service")).await);
        let (answer, tokens) = (scene.answer(&service).await, scene.tokens(&service).await);
        let requests = scene.requests(&service, &answer, &tokens);
        for (_, request) in &requests {
            for (name, value) in &request.fields {
                for again in [value.as_str(), "another"] {
                    let twice = request.clone().again(name, again);
                    world.refused_by(&twice, "invalid_request", "parameter-repeated").await;
                    let mut first = request.clone();
                    first.fields.insert(0, (name.clone(), again.to_owned()));
                    world.refused_by(&first, "invalid_request", "parameter-repeated").await;
                }
            }
            for name in ["unheard", "token_type_hint", "scope", "refresh_token", "token", "client_assertion"]
            {
                let twice = request.clone().without(name).again(name, "x").again(name, "x");
                world.refused_by(&twice, "invalid_request", "parameter-repeated").await;
            }
        }
        let before = world.rows();
        let (access, userinfo) = (&tokens.access_token, service.url("userinfo_endpoint"));
        let mut replies = vec![Call::post(userinfo, &[("access_token", access), ("access_token", access)])];
        if at == At::Pilot {
            let url = service.tokeninfo_endpoint();
            replies.push(Call::post(&url, &[("token", access), ("token", access)]));
            replies.push(Call::post(&url, &[("token", access.as_str()), ("token", "x")]));
            replies.push(Call::post(&url, &[("token", access.as_str()), ("x", "x"), ("x", "y")]));
        }
        for call in replies {
            let reply = world.call(call).await;
            assert_eq!((reply.status.as_u16(), reply.error().as_str()), (400, "invalid_request"));
            assert_eq!(logged_rule(&reply), "parameter-repeated");
        }
        world.assert_untouched(&before);
        scene.assert_accepted(&requests).await;
    }
}

#[tokio::test]
async fn the_pilot_s_tokeninfo_takes_posted_forms_alone() {
    let scene = Scene::at(At::Pilot).await;
    let service = scene.register(refreshing("service")).await;
    let token = scene.tokens(&service).await.access_token;
    let url = service.tokeninfo_endpoint();
    let right = Call::post(&url, &[("token", &token)]);
    let none: [(&str, &str); 0] = [];
    for (call, rule) in [
        (Call::post(&format!("{url}?token={token}"), &none), "parameters-in-query"),
        (Call::post(&url, &[("x", "y")]), "token-missing"),
        (Call::post(&url, &[("token", "")]), "token-missing"),
        (Call::new(Method::POST, &url).body("application/json", "{}"), "content-type"),
    ] {
        let reply = scene.world.call(call).await;
        assert_eq!((reply.status.as_u16(), logged_rule(&reply).as_str()), (400, rule));
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
    assert_eq!(scene.world.call(Call { method: Method::GET, ..right.clone() }).await.status, 405);
    assert_eq!(scene.world.call(right).await.json()["active"], true);
}

// Tokens.

#[tokio::test]
async fn t2_each_class_of_token_is_nothing_in_every_other_s_slot() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, scene.register(refreshing("service")).await);
        let opaque = portvakt_testkit::opaque_scope("x:opaque");
        world.scope(at, opaque).await;
        let other = ClientRegistration { scopes: scopes("openid profile x:opaque"), ..post("post") };
        let other = world.register(at, other).await;
        let (unspent, tokens) = (scene.answer(&service).await, scene.tokens(&service).await);
        let opaque = world.tokens_for(&other, PERSON, "openid profile x:opaque").await;
        let artefacts = [
            ("code", unspent.code().to_owned()),
            ("access", tokens.access_token.clone()),
            ("opaque", opaque.access_token.clone()),
            ("refresh", tokens.refresh_token().to_owned()),
            ("id token", tokens.id_token.clone().unwrap()),
            ("jti", tokens.claim("jti").as_str().unwrap().to_owned()),
            ("sub", tokens.claim("sub").as_str().unwrap().to_owned()),
            ("secret", service.service().secret.clone().unwrap()),
            ("verifier", unspent.verifier.clone().unwrap()),
        ];
        for (what, artefact) in &artefacts {
            if *what != "code" {
                let wrong = service.redemption(&unspent).with("code", artefact);
                world.refused_by(&wrong, "invalid_grant", "code-unknown").await;
            }
            if *what != "refresh" {
                let wrong = service.refreshing(artefact);
                world.refused_by(&wrong, "invalid_grant", "refresh-token-unknown").await;
            }
            if !matches!(*what, "access" | "opaque") {
                world.refused_at_userinfo_by(&service, artefact, "token-unknown").await;
                if at == At::Current {
                    assert_inactive(&service.introspecting(artefact).send().await);
                } else {
                    assert_inactive(&service.tokeninfo(artefact).await);
                }
            }
            if !matches!(*what, "access" | "opaque" | "refresh") {
                let before = world.rows();
                service.revoke(artefact).await;
                world.assert_untouched(&before);
            }
            let mut wrong = other.refreshing(opaque.refresh_token());
            wrong = wrong.with("client_secret", artefact);
            world.refused_by(&wrong, "invalid_client", "client-secret-wrong").await;
        }
        // And none of it spent or ended anything.
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
        assert_eq!(other.userinfo(&opaque.access_token).await.status, 200);
        service.refresh(tokens.refresh_token()).await;
        service.tokens(&unspent).await;
    }
}

/// Endings of `text`, it with more before and after, and with one character changed: all of them, or fifty of a long one.
fn neighbours(text: &str) -> Vec<String> {
    let step = (text.len() / 50).max(1);
    let mut all: Vec<String> = Vec::new();
    all.extend((1..text.len()).step_by(step).map(|from| text[from..].to_owned()));
    for more in ["A", "=", ".", "AA", text] {
        all.extend([format!("{text}{more}"), format!("{more}{text}")]);
    }
    // The last character too, some bits of which say nothing (RFC 4648 §3.5).
    for at in (0..text.len()).step_by(step).chain([text.len() - 1]) {
        let other = if text[at..].starts_with('A') { 'B' } else { 'A' };
        if !text[at..].starts_with('.') {
            all.push(format!("{}{other}{}", &text[..at], &text[at + 1..]));
        }
    }
    all
}

#[tokio::test]
async fn b44_no_endpoint_takes_a_token_that_was_shortened_lengthened_or_changed() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, scene.register(refreshing("service")).await);
        let tokens = scene.tokens(&service).await;
        let before = world.rows();
        for length in 1..tokens.refresh_token().len() {
            let cut = &tokens.refresh_token()[..length];
            assert_rule(&service.refreshing(cut).send().await, "invalid_grant", "refresh-token-unknown");
            service.revoke(cut).await;
        }
        for length in 1..tokens.access_token.len() {
            let cut = &tokens.access_token[..length];
            assert_eq!(service.userinfo(cut).await.status, 401, "{length}");
            if at == At::Current {
                assert_inactive(&service.introspecting(cut).send().await);
            } else {
                assert_inactive(&service.tokeninfo(cut).await);
            }
            service.revoke(cut).await;
        }
        for wrong in neighbours(tokens.refresh_token()) {
            assert_rule(&service.refreshing(&wrong).send().await, "invalid_grant", "refresh-token-unknown");
            service.revoke(&wrong).await;
        }
        for wrong in neighbours(&tokens.access_token) {
            let refused = service.userinfo(&wrong).await;
            assert_eq!((refused.status.as_u16(), logged_rule(&refused).as_str()), (401, "token-unknown"));
            if at == At::Current {
                assert_inactive(&service.introspecting(&wrong).send().await);
            } else {
                assert_inactive(&service.tokeninfo(&wrong).await);
            }
            service.revoke(&wrong).await;
        }
        world.assert_untouched(&before);
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
        service.refresh(tokens.refresh_token()).await;
    }
}

#[tokio::test]
async fn t2_a_jwt_that_no_key_of_the_issuer_signed_is_nothing_to_introspection_and_revocation() {
    let scene = Scene::at(At::Current).await;
    let (world, service) = (&scene.world, scene.register(refreshing("service")).await);
    let tokens = scene.tokens(&service).await;
    let parts: Vec<&str> = tokens.access_token.split('.').collect();
    let none = portvakt_crypto::encoding::base64url_encode(br#"{"alg":"none"}"#);
    let foreign = world.register(At::Split, registration("foreign")).await;
    let foreign = world.tokens(&foreign, PERSON).await.access_token;
    let foreign_parts: Vec<&str> = foreign.split('.').collect();
    let before = world.rows();
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", foreign_parts[0], parts[1], foreign_parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.x", tokens.access_token),
        foreign.clone(),
    ] {
        assert_inactive(&service.introspecting(&forged).send().await);
        service.revoke(&forged).await;
    }
    world.assert_untouched(&before);
    assert_eq!(service.introspect(&tokens.access_token).await["active"], true);
}

// What browsers may read.

#[tokio::test]
async fn s21_error_answers_of_every_endpoint_can_be_read_by_the_page_that_asked() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, scene.register(spa("spa")).await);
        let (answer, tokens) = (scene.answer(&service).await, scene.tokens(&service).await);
        let stranger = service.pretending(|of| of.client_id = "nobody".to_owned());
        for (what, request) in scene.requests(&service, &answer, &tokens) {
            for (origin, reads) in [("https://rp.example.no", true), ("https://evil.example", false)] {
                let preflight = Call::new(Method::OPTIONS, &request.call().url)
                    .header("origin", origin)
                    .header("access-control-request-method", "POST");
                let preflight = world.call(preflight).await;
                assert_eq!(
                    (preflight.status.as_u16(), preflight.header("access-control-allow-origin")),
                    (204, origin)
                );
                assert_eq!(preflight.header("access-control-allow-credentials"), "");
                let wrong = request.clone().again("unheard", "1").again("unheard", "2");
                let refused = world.call(wrong.call().header("origin", origin)).await;
                assert_rule(&refused, "invalid_request", "parameter-repeated");
                assert_eq!(refused.header("access-control-allow-origin"), origin, "{what}");
                assert!(refused.headers("vary").contains(&"Origin"), "{what}");
                if reads {
                    continue;
                }
                let unspoken = scene.requests(&stranger, &answer, &tokens);
                for (_, request) in unspoken {
                    let refused = world.call(request.call().header("origin", origin)).await;
                    assert_rule(&refused, "invalid_client", "client-authentication-unknown");
                    assert_eq!(refused.header("access-control-allow-origin"), origin);
                }
            }
            if what != "revocation" {
                let given = world.call(request.call().header("origin", "https://rp.example.no")).await;
                assert_eq!(given.header("access-control-allow-origin"), "https://rp.example.no", "{what}");
                assert_eq!(given.status, 200);
            }
        }
    }
}

// Limits.

#[tokio::test]
async fn a_token_or_form_beyond_every_size_is_refused_and_leaves_nothing_behind() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, scene.register(refreshing("service")).await);
        let before = world.rows();
        let huge = "x".repeat(70_000);
        for request in [service.refreshing(&huge), service.revoking(&huge)] {
            let reply = request.send().await;
            assert_eq!((reply.status.as_u16(), reply.error().as_str()), (413, "invalid_request"));
            assert_eq!(logged_rule(&reply), "body-too-large");
        }
        world.assert_untouched(&before);
        let tokens = scene.tokens(&service).await;
        let many = scopes_text(65);
        let wide = service.refreshing(tokens.refresh_token()).with("scope", &many);
        world.refused_by(&wide, "invalid_scope", "scope-syntax").await;
        service.refresh(tokens.refresh_token()).await;
    }
}

fn scopes_text(count: usize) -> String {
    (0..count).map(|number| format!("x:{number}")).collect::<Vec<_>>().join(" ")
}
