//! Scopes as objects (contract §13.2): who may ask for one now, what tokens that carry it are like, and what becomes of what was granted
//! when it is withdrawn.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::refusal::Rule;
use portvakt_protocol::registration::{ClientRegistration, IntegrationType};
use portvakt_protocol::scope::{AccessState, ScopeRecord};
use portvakt_protocol::time::Seconds;
use portvakt_testkit::{
    At, PERSONS, RelyingParty, World, logged_rule, open_scope, orgno, owned_scope, reader, refreshing,
    registration, scopes,
};

const PERSON: &str = PERSONS[0];
const SCOPE: &str = "skatt:inntekt";

/// Who owns [`SCOPE`], and who is to use it.
const OWNER: &str = "889640782";
const CONSUMER: &str = "991825827";

fn with_scope(client_id: &str) -> ClientRegistration {
    ClientRegistration { scopes: scopes(&format!("openid profile {SCOPE}")), ..refreshing(client_id) }
}

fn open(scope: &str) -> ScopeRecord {
    open_scope(scope)
}

/// An authorization request for `scope` that must be refused by this rule.
async fn refused_by(world: &World, service: &RelyingParty, scope: &str, rule: &str) {
    let asking = service.request().with("scope", scope);
    assert_eq!(world.refused(&asking).await, "invalid_scope", "{scope}");
    let reply = asking.send().await;
    assert_eq!(logged_rule(&reply), rule, "{scope}");
    // Anyone may ask so: which rule it was is for the log.
    let told = Rule::named(rule).map(Rule::told_name);
    assert_eq!(reply.error_uri().rsplit('/').next(), told, "{rule}");
}

// Who may ask (G3).

#[tokio::test]
async fn g3_a_client_asks_only_for_what_its_organisation_may_use_now() {
    let world = World::new().await;
    for at in At::PROFILES {
        world.organisation(at, OWNER).await;
        world.scope(at, owned_scope(SCOPE, OWNER)).await;
        let service = world.register(at, with_scope("consumer")).await;
        let asked = format!("openid {SCOPE}");
        let (refused, accepted) = ("scope-not-granted", async || {
            world.accepted(&service.request().with("scope", &asked)).await;
        });
        refused_by(&world, &service, &asked, refused).await;
        for state in [AccessState::Requested, AccessState::Denied, AccessState::Withdrawn] {
            world.access(at, SCOPE, CONSUMER, state).await;
            refused_by(&world, &service, &asked, refused).await;
        }
        world.access(at, SCOPE, CONSUMER, AccessState::Approved).await;
        accepted().await;
        // Its owner needs no leave, and another organisation's is nobody else's.
        let own = ClientRegistration { client_orgno: orgno(OWNER), ..with_scope("own") };
        let own = world.register(at, own).await;
        world.accepted(&own.request().with("scope", &asked)).await;
        world.access(at, SCOPE, CONSUMER, AccessState::Withdrawn).await;
        world.access(at, SCOPE, "910753614", AccessState::Approved).await;
        refused_by(&world, &service, &asked, refused).await;
        // A scope for all is for all but whom its owner left out.
        world.scope(at, ScopeRecord { accessible_for_all: true, ..owned_scope(SCOPE, OWNER) }).await;
        refused_by(&world, &service, &asked, refused).await;
        // To ask does not undo that; only its owner does.
        for state in [AccessState::Requested, AccessState::Denied, AccessState::Requested] {
            world.access(at, SCOPE, CONSUMER, state).await;
            refused_by(&world, &service, &asked, refused).await;
        }
        world.access(at, SCOPE, CONSUMER, AccessState::Approved).await;
        accepted().await;
    }
}

#[tokio::test]
async fn g3_b67_no_grant_gives_a_scope_that_is_not_registered_or_may_not_be_used() {
    let world = World::new().await;
    for at in At::PROFILES {
        for name in ["x:granted", "x:asked-not", "x:foreign"] {
            world.scope(at, open(name)).await;
        }
        let own = ClientRegistration {
            scopes: scopes("openid profile x:granted x:asked-not"),
            ..refreshing("own")
        };
        let service = world.register(at, own).await;
        for (asked, rule) in [
            ("openid x:foreign", "scope-not-registered"),
            ("openid x:unheard", "scope-not-registered"),
            ("openid idporten:token.introspection", "scope-not-registered"),
            ("openid offline_access", "scope-not-registered"),
            ("openid X:GRANTED", "scope-not-registered"),
            ("", "scope-missing"),
        ] {
            refused_by(&world, &service, asked, rule).await;
        }
        // authorization_code: what the redemption says of scopes is not read.
        let asking = service.request().with("scope", "openid x:granted");
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        let redemption = service.redemption(&answer).with("scope", "openid x:granted x:asked-not x:foreign");
        let tokens = service.read(&redemption.send().await).await;
        assert_eq!(tokens.scope(), "openid x:granted");
        // refresh_token.
        for wider in ["openid x:asked-not", "x:foreign", "openid x:granted idporten:token.introspection"] {
            let refresh = service.refreshing(tokens.refresh_token()).with("scope", wider);
            world.refused_by(&refresh, "invalid_scope", "refresh-scope-wider").await;
        }
        // Every other grant type.
        for grant_type in
            ["password", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer", "implicit"]
        {
            let other = service
                .refreshing(tokens.refresh_token())
                .with("grant_type", grant_type)
                .with("scope", "x:granted");
            world.refused_by(&other, "unsupported_grant_type", "grant-type-unsupported").await;
        }
        assert_eq!(service.refresh(tokens.refresh_token()).await.scope(), "openid x:granted");
    }
}

#[tokio::test]
async fn g3_integration_types_bound_scopes_both_ways() {
    let world = World::new().await;
    let at = At::Current;
    let for_apis = ScopeRecord { allowed_integration_types: vec![IntegrationType::ApiKlient], ..open(SCOPE) };
    world.scope(at, for_apis.clone()).await;
    let of = |name: &str, kind| ClientRegistration { integration_type: kind, ..with_scope(name) };
    // A login client may not even have it registered.
    let login = world.register(at, of("login", Some(IntegrationType::Idporten))).await;
    world.refused_on_page_by(&login.request(), "client-unknown").await;
    let asked = format!("openid {SCOPE}");
    for (number, kind) in [Some(IntegrationType::ApiKlient), None].into_iter().enumerate() {
        let service = world.register(at, of(&format!("api-{number}"), kind)).await;
        world.scope(at, for_apis.clone()).await;
        world.accepted(&service.request().with("scope", &asked)).await;
        let other = ScopeRecord { allowed_integration_types: vec![IntegrationType::Idporten], ..open(SCOPE) };
        world.scope(at, other).await;
        refused_by(&world, &service, &asked, "scope-integration-type").await;
    }
    let introspecting =
        ClientRegistration { integration_type: Some(IntegrationType::Idporten), ..reader("login-reader") };
    world.refused_on_page_by(&world.register(at, introspecting).await.request(), "client-unknown").await;
}

// What becomes of what was granted (B67, "a withdrawn scope ends it").

#[tokio::test]
async fn a_withdrawn_scope_ends_refreshing_at_the_next_use_and_comes_back_with_it() {
    let world = World::new().await;
    for at in At::PROFILES {
        world.organisation(at, OWNER).await;
        let record = owned_scope(SCOPE, OWNER);
        world.scope(at, record.clone()).await;
        world.access(at, SCOPE, CONSUMER, AccessState::Approved).await;
        let service = world.register(at, with_scope("withdrawn")).await;
        let asking = || service.request().with("scope", &format!("openid profile {SCOPE}"));
        let unspent = service.login_with(&mut world.browser(), PERSON, asking()).await;
        let mut tokens = world.tokens_for(&service, PERSON, &format!("openid profile {SCOPE}")).await;
        let lesser = world.tokens(&service, PERSON).await;
        for way in ["withdrawn", "denied", "deactivated", "taken off", "for others"] {
            match way {
                "withdrawn" => world.access(at, SCOPE, CONSUMER, AccessState::Withdrawn).await,
                "denied" => world.access(at, SCOPE, CONSUMER, AccessState::Denied).await,
                "deactivated" => world.scope(at, ScopeRecord { active: false, ..record.clone() }).await,
                "taken off" => drop(world.register(at, refreshing("withdrawn")).await),
                _ => {
                    let others = vec![IntegrationType::Idporten];
                    world
                        .scope(at, ScopeRecord { allowed_integration_types: others, ..record.clone() })
                        .await;
                }
            }
            let refresh = service.refreshing(tokens.refresh_token());
            world.refused_by(&refresh, "invalid_scope", "scope-withdrawn").await;
            let named = refresh.clone().with("scope", &format!("openid {SCOPE}"));
            world.refused_by(&named, "invalid_scope", "scope-withdrawn").await;
            world.refused_by(&service.redemption(&unspent), "invalid_scope", "scope-withdrawn").await;
            world.refused_at_userinfo_by(&service, &tokens.access_token, "token-stopped").await;
            if at == At::Pilot {
                assert_eq!(service.tokeninfo(&tokens.access_token).await.json()["active"], false);
            }
            assert_eq!(
                service.userinfo(&lesser.access_token).await.status,
                200,
                "{way}: without it, all is well"
            );
            // What remains may be refreshed, and the rest comes back when the access does.
            let narrowed = refresh.clone().with("scope", "openid profile").send().await;
            tokens = service.read(&narrowed).await;
            assert_eq!(service.userinfo(&tokens.access_token).await.status, 200, "{way}");
            world.access(at, SCOPE, CONSUMER, AccessState::Approved).await;
            world.scope(at, record.clone()).await;
            world.register(at, with_scope("withdrawn")).await;
            tokens = service.refresh(tokens.refresh_token()).await;
            assert_eq!(tokens.scope(), format!("openid profile {SCOPE}"), "{way}");
        }
        service.tokens(&unspent).await;
    }
}

#[tokio::test]
async fn a_login_under_way_is_judged_by_what_may_be_used_when_it_is_answered() {
    let world = World::new().await;
    for at in At::PROFILES {
        world.organisation(at, OWNER).await;
        world.scope(at, owned_scope(SCOPE, OWNER)).await;
        world.access(at, SCOPE, CONSUMER, AccessState::Approved).await;
        let service = world.register(at, with_scope("under-way")).await;
        let (asking, mut browser) =
            (service.request().with("scope", &format!("openid {SCOPE}")), world.browser());
        let page = world.page(&mut browser, &asking).await;
        world.access(at, SCOPE, CONSUMER, AccessState::Withdrawn).await;
        let left = browser.log_in_as(&page, PERSON).await;
        let answer = asking.answer(&left);
        assert_eq!((answer.get("error"), answer.get("code")), (Some("invalid_scope"), None));
        assert_eq!(logged_rule(&left), "scope-not-granted");
    }
}

// What tokens that carry it are like.

#[tokio::test]
async fn row_32_an_access_token_lives_as_long_as_client_and_lowest_at_max_age_allow() {
    let world = World::new().await;
    for at in At::PROFILES {
        for (name, age) in [("x:zero", 0), ("x:long", 3600), ("x:300", 300), ("x:60", 60)] {
            world.scope(at, ScopeRecord { at_max_age: Seconds::new(age), ..open(name) }).await;
        }
        let aged = ClientRegistration {
            scopes: scopes("openid profile x:zero x:long x:300 x:60"),
            access_token_lifetime: Seconds::new(600),
            ..refreshing("aged")
        };
        let service = world.register(at, aged).await;
        for (asked, narrowed, lives) in [
            ("openid profile x:zero", "openid profile", [600, 600]),
            ("openid profile x:long", "openid profile", [600, 600]),
            ("openid profile x:300", "openid profile", [300, 600]),
            ("openid profile x:300 x:60 x:zero", "openid profile x:300", [60, 300]),
        ] {
            let first = world.tokens_for(&service, PERSON, asked).await;
            let second = service.refreshing(first.refresh_token()).with("scope", narrowed).send().await;
            let second = service.read(&second).await;
            for (tokens, lifetime) in [(&first, lives[0]), (&second, lives[1])] {
                assert_eq!(tokens.response["expires_in"], lifetime, "{asked}, {narrowed}");
                if at == At::Current {
                    let claims = service.verify(&tokens.access_token).await.unwrap();
                    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), lifetime);
                }
            }
        }
        let short = world.tokens_for(&service, PERSON, "openid profile x:60").await;
        world.wait(59);
        assert_eq!(service.userinfo(&short.access_token).await.status, 200);
        world.wait(1);
        world.refused_at_userinfo_by(&service, &short.access_token, "token-expired").await;
        service.refresh(short.refresh_token()).await;
    }
}

#[tokio::test]
async fn row_33_an_opaque_scope_makes_opaque_tokens_also_when_they_are_refreshed() {
    let world = World::new().await;
    for at in At::PROFILES {
        let of = |name, token_type| ScopeRecord { token_type: Some(token_type), ..open(name) };
        world.scope(at, of("x:opaque", TokenType::Opaque)).await;
        world.scope(at, of("x:jwt", TokenType::SelfContained)).await;
        let service =
            ClientRegistration { scopes: scopes("openid profile x:opaque x:jwt"), ..refreshing("formats") };
        let service = world.register(at, service).await;
        let by_default = at == At::Current;
        let full = world.tokens_for(&service, PERSON, "openid profile x:opaque x:jwt").await;
        let mut token = full.refresh_token().to_owned();
        for (asked, is_jwt) in [
            ("openid profile x:opaque x:jwt", false),
            ("openid profile x:opaque", false),
            ("openid profile x:jwt", true),
            ("openid profile", by_default),
        ] {
            let tokens = service.refreshing(&token).with("scope", asked).send().await;
            let tokens = service.read(&tokens).await;
            assert_eq!(tokens.access_token.contains('.'), is_jwt, "{at:?}: {asked}");
            assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
            if is_jwt {
                let claims = service.verify(&tokens.access_token).await.unwrap();
                assert_eq!(claims["consumer"]["ID"], "0192:991825827");
            }
            token = tokens.refresh_token().to_owned();
        }
    }
}

#[tokio::test]
async fn who_may_introspect_is_the_scope_s_to_say_and_holds_at_once() {
    let world = World::new().await;
    let at = At::Current;
    let naming = |readers: &[&str]| ScopeRecord {
        enforced_aud_for_introspection: readers.iter().map(|id| ClientId::parse(id).unwrap()).collect(),
        ..open(SCOPE)
    };
    world.scope(at, naming(&["scope-api"])).await;
    let (api, other) =
        (world.register(at, reader("scope-api")).await, world.register(at, reader("scope-other")).await);
    let service = world.register(at, with_scope("asked")).await;
    let token = world.tokens_for(&service, PERSON, &format!("openid {SCOPE}")).await.access_token;
    assert_eq!(api.introspect(&token).await["active"], true);
    world.inactive(&other, &token, "caller-not-named").await;
    world.scope(at, naming(&["scope-other"])).await;
    world.inactive(&api, &token, "caller-not-named").await;
    assert_eq!(other.introspect(&token).await["active"], true);
}

// The rest of a client's record (G1).

#[tokio::test]
async fn g1_a_client_uri_that_is_no_web_address_is_not_registered() {
    let world = World::new().await;
    for at in At::PROFILES {
        for uri in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "no.example.app:/back",
            "https://user@rp.example.no/",
            "https://rp.example.no/#f",
            "https://*.example.no/",
            "https://rp.example.no/\u{7f}",
            "//rp.example.no/",
            "",
        ] {
            let bad = ClientRegistration { client_uri: Some(uri.to_owned()), ..registration("bad") };
            world.refused_on_page_by(&world.register(at, bad).await.request(), "client-unknown").await;
        }
        let good = ClientRegistration {
            client_uri: Some("https://rp.example.no/hjem".to_owned()),
            ..registration("good")
        };
        world.accepted(&world.register(at, good).await.request()).await;
    }
}
