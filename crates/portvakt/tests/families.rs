//! Refresh tokens (RFC 6749 §6, RFC 9700 §4.14): who gets one, what becomes of it when it is used, and when it is over. What a login
//! gave is one family; whatever happens, one token of it at a time can be used.

use std::sync::Arc;

use portvakt_protocol::client::{AuthMethod, RefreshUse};
use portvakt_protocol::organisation::Standing;
use portvakt_protocol::registration::{ClientRegistration, GrantType};
use portvakt_protocol::scope::ScopeRecord;
use portvakt_protocol::time::Seconds;
use portvakt_testkit::{
    At, PERSONS, RelyingParty, Tokens, World, assert_rule, logged_rule, native, open_scope, public,
    refreshing, registration, scopes,
};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const PERSON: &str = PERSONS[0];

fn reused(client_id: &str) -> ClientRegistration {
    ClientRegistration { refresh_token_usage: Some(RefreshUse::Reuse), ..refreshing(client_id) }
}

fn spa(client_id: &str) -> ClientRegistration {
    let ClientRegistration { grant_types, refresh_token_lifetime, access_token_lifetime, .. } =
        refreshing(client_id);
    ClientRegistration { grant_types, refresh_token_lifetime, access_token_lifetime, ..public(client_id) }
}

/// That a family is over: its refresh token is nothing, and its access token too.
async fn assert_over(world: &World, service: &RelyingParty, tokens: &Tokens) {
    let refresh = service.refreshing(tokens.refresh_token());
    world.refused_by(&refresh, "invalid_grant", "refresh-token-unknown").await;
    world.refused_at_userinfo_by(service, &tokens.access_token, "token-revoked").await;
}

// Who gets one.

#[tokio::test]
async fn row_30_no_refresh_token_unless_the_grant_is_registered() {
    let world = World::new().await;
    for at in At::PROFILES {
        let with = |name: &str, grants: Option<Vec<GrantType>>| ClientRegistration {
            grant_types: grants,
            refresh_token_lifetime: Seconds::new(600),
            description: Some("more than the ten fields".to_owned()),
            ..registration(name)
        };
        let code_alone = with("code-alone", Some(vec![GrantType::AuthorizationCode]));
        let other = world.register(at, refreshing("other")).await;
        let foreign = world.tokens(&other, PERSON).await;
        for bare in [code_alone, with("unsaid", None), registration("zero")] {
            let service = world.register(at, bare).await;
            let tokens = world.tokens(&service, PERSON).await;
            assert_eq!((tokens.refresh_token, tokens.response.get("refresh_token_expires_in")), (None, None));
            for token in ["x", foreign.refresh_token()] {
                let refused = service.refreshing(token);
                world.refused_by(&refused, "unauthorized_client", "grant-not-registered").await;
            }
        }
        let service = world.register(at, refreshing("registered")).await;
        let tokens = world.tokens(&service, PERSON).await;
        assert_eq!(tokens.refresh_token().len(), 43, "256 bits");
        let told = tokens.response.get("refresh_token_expires_in");
        assert_eq!(told, (at == At::Current).then(|| json!(600)).as_ref(), "contract §4: of today's profile");
        service.refresh(tokens.refresh_token()).await;
    }
}

#[tokio::test]
async fn row_30_a_client_of_the_ten_fields_has_the_grant_by_its_lifetime() {
    let world = World::new().await;
    for at in At::PROFILES {
        let ten = |name, lifetime| ClientRegistration {
            refresh_token_lifetime: Seconds::new(lifetime),
            ..registration(name)
        };
        let none = world.register(at, ten("ten-none", 0)).await;
        assert_eq!(world.tokens(&none, PERSON).await.refresh_token, None);
        let service = world.register(at, ten("ten", 300)).await;
        let first = world.tokens(&service, PERSON).await;
        let second = service.refresh(first.refresh_token()).await;
        assert_ne!(first.refresh_token, second.refresh_token, "and rotates: nothing else was registered");
    }
}

#[tokio::test]
async fn s21_a_client_with_the_grant_gets_a_refresh_token_for_openid_alone() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("sample")).await;
        let tokens = world.tokens_for(&service, PERSON, "openid").await;
        let refreshed = service.refresh(tokens.refresh_token()).await;
        assert_eq!((refreshed.scope(), refreshed.id_token.is_some()), ("openid", true));
    }
}

#[tokio::test]
async fn s21_a_refreshed_id_token_is_newer_and_otherwise_the_same() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("same")).await;
        let first = world.tokens(&service, PERSON).await;
        let logged_in = world.now().unix();
        world.wait(50);
        let second = service.refresh(first.refresh_token()).await;
        for claim in ["iss", "sub", "aud", "pid", "acr", "amr", "auth_time", "nonce", "locale"] {
            assert_eq!(second.claim(claim), first.claim(claim), "{claim}");
        }
        assert_eq!(second.claim("auth_time"), logged_in);
        assert_eq!(
            (second.claim("iat"), second.claim("exp")),
            (json!(logged_in + 50), json!(logged_in + 170))
        );
        assert_ne!(second.claim("jti"), first.claim("jti"));
        assert_eq!(second.response["token_type"], "Bearer");
        assert_eq!(second.scope(), first.scope());
        assert_eq!(service.userinfo(&second.access_token).await.json()["sub"], first.claim("sub"));
    }
}

// Rotation.

#[tokio::test]
async fn row_30_onetime_rotates_and_reuse_does_not() {
    let world = World::new().await;
    for at in At::PROFILES {
        let onetime = world.register(at, refreshing("onetime")).await;
        let first = world.tokens(&onetime, PERSON).await;
        let second = onetime.refresh(first.refresh_token()).await;
        assert_ne!(first.refresh_token, second.refresh_token);
        world.wait(31);
        let again = onetime.refreshing(first.refresh_token()).send().await;
        assert_rule(&again, "invalid_grant", "refresh-token-replayed");

        let reuse = world.register(at, reused("reuse")).await;
        let first = world.tokens(&reuse, PERSON).await;
        for _ in 0..3 {
            world.wait(31);
            let next = reuse.refresh(first.refresh_token()).await;
            assert_eq!(next.refresh_token, first.refresh_token);
            assert_ne!(next.access_token, first.access_token);
            assert_eq!(reuse.userinfo(&next.access_token).await.status, 200);
        }
    }
}

#[tokio::test]
async fn b3_a_public_client_s_refresh_tokens_are_always_rotated() {
    let world = World::new().await;
    for at in At::PROFILES {
        let reuse = ClientRegistration { refresh_token_usage: Some(RefreshUse::Reuse), ..spa("reuse") };
        let reuse = world.register(at, reuse).await;
        world.refused_on_page_by(&reuse.request(), "client-unknown").await;
        for usage in [None, Some(RefreshUse::OneTime)] {
            let service =
                world.register(at, ClientRegistration { refresh_token_usage: usage, ..spa("spa") }).await;
            let first = world.tokens(&service, PERSON).await;
            let second = service.refresh(first.refresh_token()).await;
            assert_ne!(first.refresh_token, second.refresh_token);
            let third = service.refresh(second.refresh_token()).await;
            let stolen = service.refreshing(first.refresh_token()).send().await;
            assert_rule(&stolen, "invalid_grant", "refresh-token-replayed");
            assert_over(&world, &service, &third).await;
        }
    }
}

#[tokio::test]
async fn s4_14_2_a_replay_after_the_grace_revokes_the_family_and_its_access_tokens() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("replayed")).await;
        let (first, bystander) = (world.tokens(&service, PERSON).await, world.tokens(&service, PERSON).await);
        let second = service.refresh(first.refresh_token()).await;
        world.wait(30);
        assert_eq!(
            service.userinfo(&first.access_token).await.status,
            200,
            "a rotation ends no access token"
        );
        let replay = service.refreshing(first.refresh_token());
        assert_rule(&replay.send().await, "invalid_grant", "refresh-token-replayed");
        for access_token in [&first.access_token, &second.access_token] {
            world.refused_at_userinfo_by(&service, access_token, "token-revoked").await;
        }
        assert_over(&world, &service, &second).await;
        world.refused_by(&replay, "invalid_grant", "refresh-token-replayed").await;
        let replays = world.events().await.into_iter().filter(|event| event == "refresh_replayed").count();
        assert_eq!(replays, 1 + usize::from(at == At::Current), "one to a family");
        service.refresh(bystander.refresh_token()).await;
    }
}

#[tokio::test]
async fn s4_14_2_a_lost_answer_may_be_asked_for_again_for_30_seconds_from_the_first_use() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("lost")).await;
        let first = world.tokens(&service, PERSON).await;
        let mut given = vec![service.refresh(first.refresh_token()).await];
        for waited in [0, 20, 9] {
            world.wait(waited);
            given.push(service.refresh(first.refresh_token()).await);
        }
        let last = given.pop().unwrap();
        for replaced in &given {
            // Nobody has it: what was lost is over.
            world.refused_at_userinfo_by(&service, &replaced.access_token, "token-expired").await;
        }
        assert_eq!(service.userinfo(&last.access_token).await.status, 200);
        world.wait(1);
        let late = service.refreshing(first.refresh_token()).send().await;
        assert_rule(&late, "invalid_grant", "refresh-token-replayed");
        assert_over(&world, &service, &last).await;
    }
}

#[tokio::test]
async fn s4_14_2_a_replay_revokes_the_family_whatever_else_is_wrong_with_it() {
    let world = World::new().await;
    for at in At::PROFILES {
        let short = ClientRegistration { refresh_token_lifetime: Seconds::new(6), ..refreshing("short") };
        let service = world.register(at, short).await;
        let first = world.tokens(&service, PERSON).await;
        world.wait(3);
        let second = service.refresh(first.refresh_token()).await;
        let third = service.refresh(second.refresh_token()).await;
        world.wait(4);
        let ended = service.refreshing(first.refresh_token()).send().await;
        assert_rule(&ended, "invalid_grant", "refresh-token-replayed");
        assert_over(&world, &service, &third).await;

        let first = world.tokens_for(&service, PERSON, "openid").await;
        let second = service.refresh(first.refresh_token()).await;
        let third = service.refresh(second.refresh_token()).await;
        let wider = service.refreshing(first.refresh_token()).with("scope", "openid profile").send().await;
        assert_rule(&wider, "invalid_grant", "refresh-token-replayed");
        assert_over(&world, &service, &third).await;
    }
}

#[tokio::test]
async fn row_31_what_is_registered_now_bounds_what_was_given_before() {
    let world = World::new().await;
    for at in At::PROFILES {
        let shorter = |lifetime| ClientRegistration {
            authorization_lifetime: Seconds::new(lifetime),
            ..refreshing("bounded")
        };
        let service = world.register(at, refreshing("bounded")).await;
        let tokens = world.tokens(&service, PERSON).await;
        world.wait(60);
        let service = world.register(at, shorter(60)).await;
        world.refused_at_userinfo_by(&service, &tokens.access_token, "token-expired").await;
        let late = service.refreshing(tokens.refresh_token()).send().await;
        assert_rule(&late, "invalid_grant", "refresh-token-expired");
        let service = world.register(at, shorter(90)).await;
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
        assert_eq!(service.refresh(tokens.refresh_token()).await.response["expires_in"], 30);
    }
}

#[tokio::test]
async fn s4_14_2_the_grace_is_over_when_the_successor_is_used() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("used")).await;
        let first = world.tokens(&service, PERSON).await;
        let second = service.refresh(first.refresh_token()).await;
        let third = service.refresh(second.refresh_token()).await;
        let replay = service.refreshing(first.refresh_token()).send().await;
        assert_rule(&replay, "invalid_grant", "refresh-token-replayed");
        assert_over(&world, &service, &third).await;

        // And a successor that a retry replaced is a replay when it turns up.
        let first = world.tokens(&service, PERSON).await;
        let lost = service.refresh(first.refresh_token()).await;
        let second = service.refresh(first.refresh_token()).await;
        let found = service.refreshing(lost.refresh_token()).send().await;
        assert_rule(&found, "invalid_grant", "refresh-token-replayed");
        assert_over(&world, &service, &second).await;
    }
}

#[tokio::test]
async fn b04_of_two_rotations_in_one_second_the_older_is_dead() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("quick")).await;
        for older in 0..3 {
            let mut generations = vec![world.tokens(&service, PERSON).await];
            for _ in 0..3 {
                let next = service.refresh(generations.last().unwrap().refresh_token()).await;
                generations.push(next);
            }
            // Its successor is the newest, and unused: that is a retry. Any older one is a replay.
            let reply = service.refreshing(generations[older].refresh_token()).send().await;
            if older == 2 {
                let retried = service.read(&reply).await;
                let newest = service.refreshing(generations[3].refresh_token()).send().await;
                assert_rule(&newest, "invalid_grant", "refresh-token-replayed");
                assert_over(&world, &service, &retried).await;
            } else {
                assert_rule(&reply, "invalid_grant", "refresh-token-replayed");
                assert_over(&world, &service, &generations[3]).await;
            }
        }
    }
}

#[tokio::test]
async fn a_clock_set_back_does_not_revive_a_used_refresh_token() {
    let world = World::new().await;
    let service = world.register(At::Current, refreshing("clock")).await;
    world.wait(7200);
    let first = world.tokens(&service, PERSON).await;
    let second = service.refresh(first.refresh_token()).await;
    let third = service.refresh(second.refresh_token()).await;
    world.wait(-3600);
    let replay = service.refreshing(first.refresh_token()).send().await;
    assert_rule(&replay, "invalid_grant", "refresh-token-replayed");
    assert_over(&world, &service, &third).await;
}

const CALLERS: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn b03_sixty_four_uses_of_one_token_leave_one_living_branch() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("crowd")).await;
        for round in 0..5 {
            let first = world.tokens(&service, PERSON).await;
            let (request, start) =
                (service.refreshing(first.refresh_token()), Arc::new(Barrier::new(CALLERS)));
            let mut callers = JoinSet::new();
            for _ in 0..CALLERS {
                let (request, start) = (request.clone(), Arc::clone(&start));
                callers.spawn(async move {
                    start.wait().await;
                    request.send().await
                });
            }
            let mut living = Vec::new();
            for reply in callers.join_all().await {
                assert_eq!(reply.status, 200, "{}: all of them come within the grace", reply.text());
                let tokens = service.read(&reply).await;
                if service.userinfo(&tokens.access_token).await.status == 200 {
                    living.push(tokens);
                }
            }
            assert_eq!(living.len(), 1, "{at:?}, round {round}");
            let next = service.refresh(living[0].refresh_token()).await;
            let replay = request.send().await;
            assert_rule(&replay, "invalid_grant", "refresh-token-replayed");
            assert_over(&world, &service, &next).await;
        }
    }
}

// Whose it is.

#[tokio::test]
async fn a_refresh_token_is_its_client_s_alone_and_a_thief_ends_nothing() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("mine")).await;
        let (thief, public) =
            (world.register(at, refreshing("thief")).await, world.register(at, spa("spa")).await);
        let first = world.tokens(&service, PERSON).await;
        let second = service.refresh(first.refresh_token()).await;
        world.wait(31);
        for other in [&thief, &public] {
            for token in [first.refresh_token(), second.refresh_token()] {
                let stolen = other.refreshing(token);
                world.refused_by(&stolen, "invalid_grant", "refresh-token-unknown").await;
            }
        }
        let unauthenticated = public.pretending(|of| of.client_id = "mine".to_owned());
        let stolen = unauthenticated.refreshing(second.refresh_token());
        world.refused_by(&stolen, "invalid_client", "client-method-differs").await;
        service.refresh(second.refresh_token()).await;
    }
}

#[tokio::test]
async fn a_refresh_token_of_one_issuer_is_nothing_at_another() {
    let world = World::new().await;
    let (here, there) = (
        world.register(At::Pilot, refreshing("both")).await,
        world.register(At::Current, refreshing("both")).await,
    );
    let tokens = world.tokens(&here, PERSON).await;
    let elsewhere = there.refreshing(tokens.refresh_token());
    world.refused_by(&elsewhere, "invalid_grant", "refresh-token-unknown").await;
    here.refresh(tokens.refresh_token()).await;
}

#[tokio::test]
async fn c3_a_code_used_twice_ends_the_refresh_token_too() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("twice")).await;
        let answer = world.answer(&service, PERSON).await;
        let tokens = service.refresh(service.tokens(&answer).await.refresh_token()).await;
        assert_rule(&service.redeem(&answer).await, "invalid_grant", "code-replayed");
        assert_over(&world, &service, &tokens).await;
    }
}

// How long.

#[tokio::test]
async fn row_31_no_refresh_outlives_authorization_lifetime() {
    let world = World::new().await;
    for at in At::PROFILES {
        for (name, usage) in [("short-onetime", RefreshUse::OneTime), ("short-reuse", RefreshUse::Reuse)] {
            let short = ClientRegistration {
                refresh_token_usage: Some(usage),
                access_token_lifetime: Seconds::new(50),
                refresh_token_lifetime: Seconds::new(60),
                authorization_lifetime: Seconds::new(100),
                ..refreshing(name)
            };
            let service = world.register(at, short).await;
            let mut tokens = world.tokens(&service, PERSON).await;
            for (waited, access, refresh) in [(40, 50, 60), (40, 20, 20), (19, 1, 1)] {
                world.wait(waited);
                tokens = service.refresh(tokens.refresh_token()).await;
                assert_eq!(tokens.response["expires_in"], access);
                if at == At::Current {
                    assert_eq!(tokens.response["refresh_token_expires_in"], refresh);
                }
            }
            assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
            world.wait(1);
            let late = service.refreshing(tokens.refresh_token());
            world.refused_by(&late, "invalid_grant", "refresh-token-expired").await;
            world.refused_at_userinfo_by(&service, &tokens.access_token, "token-expired").await;
        }
    }
}

#[tokio::test]
async fn row_31_a_scope_s_own_end_of_the_grant_holds_for_refreshes() {
    let world = World::new().await;
    let at = At::Current;
    let brief = ScopeRecord { authorization_max_lifetime: Seconds::new(100), ..open_scope("x:brief") };
    world.scope(at, brief).await;
    let service = ClientRegistration { scopes: scopes("openid profile x:brief"), ..refreshing("brief") };
    let service = world.register(at, service).await;
    let (long, brief) =
        (world.tokens(&service, PERSON).await, world.tokens_for(&service, PERSON, "openid x:brief").await);
    assert_eq!(brief.response["refresh_token_expires_in"], 100);
    world.wait(99);
    // Not even a refresh without that scope moves the end of what was granted with it.
    let narrowed = service.refreshing(brief.refresh_token()).with("scope", "openid").send().await;
    let narrowed = service.read(&narrowed).await;
    assert_eq!(narrowed.response["refresh_token_expires_in"], 1);
    world.wait(1);
    let late = service.refreshing(narrowed.refresh_token());
    world.refused_by(&late, "invalid_grant", "refresh-token-expired").await;
    service.refresh(long.refresh_token()).await;
}

#[tokio::test]
async fn a_refresh_token_ends_when_it_is_unused_for_its_lifetime() {
    let world = World::new().await;
    for at in At::PROFILES {
        for (name, usage) in [("idle-onetime", RefreshUse::OneTime), ("idle-reuse", RefreshUse::Reuse)] {
            let idle = ClientRegistration { refresh_token_usage: Some(usage), ..refreshing(name) };
            let service = world.register(at, idle).await;
            let mut tokens = world.tokens(&service, PERSON).await;
            for _ in 0..3 {
                world.wait(599);
                tokens = service.refresh(tokens.refresh_token()).await;
            }
            world.wait(600);
            let late = service.refreshing(tokens.refresh_token());
            world.refused_by(&late, "invalid_grant", "refresh-token-expired").await;
        }
    }
}

// Scopes (C6).

#[tokio::test]
async fn c6_scopes_may_narrow_and_never_widen() {
    let world = World::new().await;
    for at in At::PROFILES {
        for name in ["x:a", "x:b"] {
            world.scope(at, open_scope(name)).await;
        }
        let wide = ClientRegistration { scopes: scopes("openid profile x:a x:b"), ..refreshing("narrowing") };
        let service = world.register(at, wide).await;
        let mut tokens = world.tokens_for(&service, PERSON, "openid profile x:a").await;
        for (scope, rule) in [
            ("openid x:b", "refresh-scope-wider"),
            ("openid profile x:a x:b", "refresh-scope-wider"),
            ("openid unheard", "refresh-scope-wider"),
            ("openid  profile", "scope-syntax"),
            ("\"", "scope-syntax"),
        ] {
            let wider = service.refreshing(tokens.refresh_token()).with("scope", scope);
            world.refused_by(&wider, "invalid_scope", rule).await;
        }
        for (scope, given) in [
            ("openid x:a", "openid x:a"),
            ("x:a", "x:a"),
            // Each refresh may ask for all that the login was granted.
            ("", "openid profile x:a"),
            ("profile", "profile"),
            ("x:a openid", "x:a openid"),
            ("openid openid", "openid"),
        ] {
            let reply = service.refreshing(tokens.refresh_token()).with("scope", scope).send().await;
            tokens = service.read(&reply).await;
            assert_eq!(tokens.scope(), given, "RFC 6749 §5.1: told whenever it is not what was asked for");
            assert_eq!(tokens.id_token.is_some(), given.contains("openid"));
            let read = service.userinfo(&tokens.access_token).await;
            assert_eq!(read.status.as_u16(), if given.contains("profile") { 200 } else { 403 });
            if at == At::Current {
                let claims = service.verify(&tokens.access_token).await.unwrap();
                assert_eq!(claims["scope"], given);
            } else {
                let told = service.tokeninfo(&tokens.access_token).await;
                assert_eq!(told.json()["scope"], given);
            }
        }
    }
}

#[tokio::test]
async fn c6_no_client_of_any_kind_gets_anything_by_another_grant() {
    let world = World::new().await;
    for at in At::PROFILES {
        let ClientRegistration { grant_types, refresh_token_lifetime, .. } = refreshing("x");
        let post = |client_id: &str, usage| ClientRegistration {
            token_endpoint_auth_method: AuthMethod::ClientSecretPost,
            refresh_token_usage: Some(usage),
            ..refreshing(client_id)
        };
        let app = ClientRegistration {
            grant_types,
            refresh_token_lifetime,
            ..native("other-native", &["no.example.app:/cb"])
        };
        for registration in [
            refreshing("other-basic"),
            reused("other-basic-reuse"),
            post("other-post", RefreshUse::OneTime),
            post("other-post-reuse", RefreshUse::Reuse),
            spa("other-public"),
            app,
        ] {
            let service = world.register(at, registration).await;
            let id = &service.service().client_id;
            let (unspent, tokens) =
                (world.answer(&service, PERSON).await, world.tokens(&service, PERSON).await);
            let refresh = service.refreshing(tokens.refresh_token());
            for grant in OTHER_GRANTS {
                // With all that any grant could be given by, and with what this client may use of it.
                let mut bare = refresh.clone().without("refresh_token").with("grant_type", grant);
                let with_all = service
                    .redemption(&unspent)
                    .with("grant_type", grant)
                    .with("refresh_token", tokens.refresh_token())
                    .with("scope", "openid profile")
                    .with("username", PERSON)
                    .with("password", "y")
                    .with("subject_token", &tokens.access_token)
                    .with("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");
                for asked in [&bare, &with_all] {
                    world.refused_by(asked, "unsupported_grant_type", "grant-type-unsupported").await;
                }
                bare.fields.retain(|(name, _)| name != "grant_type");
                world.refused_by(&bare, "invalid_request", "grant-type-missing").await;
            }
            assert_eq!(service.userinfo(&tokens.access_token).await.status, 200, "{id}");
            service.read(&refresh.send().await).await;
            service.tokens(&unspent).await;
        }
    }
}

/// Grants of other standards, and of the two that there are what somebody may take for them.
const OTHER_GRANTS: [&str; 11] = [
    "password",
    "client_credentials",
    "implicit",
    "AUTHORIZATION_CODE",
    "Refresh_Token",
    "refresh_token authorization_code",
    "refresh-token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:device_code",
];

// What ends it from outside.

#[tokio::test]
async fn b16_b46_o6_a_person_who_was_stopped_cannot_be_refreshed() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.register(at, refreshing("person")).await;
        let tokens = world.tokens(&service, PERSON).await;
        let other = world.tokens(&service, PERSONS[1]).await;
        world.person(at.pool().unwrap(), PERSON, false).await;
        let refresh = service.refreshing(tokens.refresh_token());
        world.refused_by(&refresh, "invalid_grant", "refresh-token-stopped").await;
        world.refused_at_userinfo_by(&service, &tokens.access_token, "token-stopped").await;
        service.refresh(other.refresh_token()).await;
        world.person(at.pool().unwrap(), PERSON, true).await;
        service.refresh(tokens.refresh_token()).await;
    }
}

#[tokio::test]
async fn b41_g4_a_client_or_organisation_that_was_stopped_cannot_refresh() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("stopping")).await;
        let public = world.register(at, spa("stopping-spa")).await;
        for service in [&service, &public] {
            let id = &service.service().client_id;
            let tokens = world.tokens(service, PERSON).await;
            let refresh = service.refreshing(tokens.refresh_token());
            world.set_client(at, id, false).await;
            world.refused_by(&refresh, "invalid_client", "client-authentication-stopped").await;
            world.refused_at_userinfo_by(service, &tokens.access_token, "token-stopped").await;
            world.set_client(at, id, true).await;
            for standing in [Standing::Withdrawn, Standing::Deactivated] {
                world.set_organisation(at, standing).await;
                world.refused_by(&refresh, "invalid_client", "client-authentication-stopped").await;
                world.refused_at_userinfo_by(service, &tokens.access_token, "token-stopped").await;
            }
            world.set_organisation(at, Standing::Active).await;
            service.refresh(tokens.refresh_token()).await;
        }
    }
}

#[tokio::test]
async fn g4_a_grant_type_taken_off_a_registration_ends_refreshing_at_once() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, refreshing("moving")).await;
        let tokens = world.tokens(&service, PERSON).await;
        let alone = ClientRegistration {
            grant_types: Some(vec![GrantType::AuthorizationCode]),
            ..refreshing("moving")
        };
        let service = world.register(at, alone).await;
        let refresh = service.refreshing(tokens.refresh_token());
        world.refused_by(&refresh, "unauthorized_client", "grant-not-registered").await;
        world.register(at, refreshing("moving")).await;
        service.refresh(tokens.refresh_token()).await;
    }
}

#[tokio::test]
async fn today_s_registration_says_whether_a_token_is_rotated() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, reused("turning")).await;
        let first = world.tokens(&service, PERSON).await;
        service.refresh(first.refresh_token()).await;
        let service = world.register(at, refreshing("turning")).await;
        let second = service.refresh(first.refresh_token()).await;
        assert_ne!(first.refresh_token, second.refresh_token, "reused until today, rotated from now on");
        let service = world.register(at, reused("turning")).await;
        for _ in 0..2 {
            let same = service.refresh(second.refresh_token()).await;
            assert_eq!(same.refresh_token, second.refresh_token);
        }
        let replay = service.refreshing(first.refresh_token()).send().await;
        assert_eq!(logged_rule(&replay), "refresh-token-replayed", "its successor has been used");
        assert_over(&world, &service, &second).await;
    }
}

#[tokio::test]
async fn t1_a_refreshed_access_token_has_the_login_s_claims_and_a_name_of_its_own() {
    let world = World::new().await;
    let service = world.register(At::Current, refreshing("levels")).await;
    let asking = service.request().with("acr_values", At::Current.high());
    let first = service.tokens(&service.login_with(&mut world.browser(), PERSON, asking).await).await;
    let second = service.refresh(first.refresh_token()).await;
    let (before, after) = (
        service.verify(&first.access_token).await.unwrap(),
        service.verify(&second.access_token).await.unwrap(),
    );
    for claim in ["iss", "sub", "acr", "client_id", "client_amr", "consumer", "pid", "scope"] {
        assert_eq!(before[claim], after[claim], "{claim}");
    }
    assert_eq!((after["acr"].as_str(), after.get("aud")), (Some(At::Current.high()), None::<&Value>));
    assert_ne!(before["jti"], after["jti"]);
    // `typ` and `aud` are the profile's to say (contract §7); what else RFC 9068 §2.2 demands is there.
    for claim in ["iss", "exp", "iat", "sub", "client_id", "jti"] {
        assert!(!after[claim].is_null(), "{claim}");
    }
    assert_eq!(second.access_token_header().get("typ"), None);
    assert!(second.access_token_header()["kid"].is_string());
}
