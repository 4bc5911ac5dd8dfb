//! Giving back and taking back: revocation by a client (RFC 7009, contract §11), and by the operator, who says before which instant
//! nothing that was granted holds.

use std::sync::Arc;

use portvakt_protocol::client::{AuthMethod, RefreshUse};
use portvakt_protocol::person::Pid;
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::registration::{Change, ClientRegistration, Subject};
use portvakt_protocol::scope::ScopeRecord;
use portvakt_protocol::time::Seconds;
use portvakt_store::{Fault, SweepPolicy};
use portvakt_testkit::{
    At, Damage, PERSONS, RelyingParty, Tokens, World, assert_rule, client_id, logged_rule, open_scope, orgno,
    public, read_by, reader, refreshing, scopes,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const PERSON: &str = PERSONS[0];
const SCOPE: &str = "api:read";

/// A client whose tokens are asked about wherever that can be done.
struct Scene {
    world: World,
    at: At,
    service: RelyingParty,
    reader: RelyingParty,
}

impl Scene {
    async fn at(at: At) -> Self {
        Self::of(at, refreshing("service")).await
    }

    async fn of(at: At, registration: ClientRegistration) -> Self {
        let world = World::new().await;
        let scope = read_by(SCOPE, &["reader"]);
        world.scope(at, scope).await;
        let registration = ClientRegistration { scopes: all_scopes(), ..registration };
        let service = world.register(at, registration).await;
        let reader = world.register(at, reader("reader")).await;
        Self { world, at, service, reader }
    }

    async fn tokens(&self) -> Tokens {
        self.tokens_of(&self.service, PERSON).await
    }

    /// The same, once the scope is registered so.
    async fn tokens_as(&self, scope: &ScopeRecord) -> Tokens {
        self.world.scope(self.at, scope.clone()).await;
        self.tokens().await
    }

    async fn tokens_of(&self, service: &RelyingParty, pid: &str) -> Tokens {
        self.world.tokens_for(service, pid, &format!("openid profile {SCOPE}")).await
    }

    /// Whether an access token lives, at every endpoint that says so.
    async fn lives(&self, access_token: &str) -> bool {
        let userinfo = self.service.userinfo(access_token).await.status == 200;
        let told = if self.at == At::Current {
            self.reader.introspect(access_token).await
        } else {
            self.service.tokeninfo(access_token).await.json()
        };
        assert_eq!(told.get("active"), Some(&userinfo.into()), "userinfo and introspection agree");
        userinfo
    }

    /// That nothing of a grant lives.
    async fn assert_dead(&self, service: &RelyingParty, tokens: &Tokens) {
        self.world.refused_at_userinfo_by(service, &tokens.access_token, "token-revoked").await;
        assert!(!self.lives(&tokens.access_token).await);
        if let Some(token) = &tokens.refresh_token {
            let refresh = service.refreshing(token);
            self.world.refused_by(&refresh, "invalid_grant", "refresh-token-unknown").await;
        }
    }

    /// That all of a grant lives: what the next use gives.
    async fn assert_alive(&self, service: &RelyingParty, tokens: &Tokens) -> Tokens {
        assert!(self.lives(&tokens.access_token).await);
        service.refresh(tokens.refresh_token()).await
    }
}

fn all_scopes() -> portvakt_protocol::scope::Scopes {
    scopes(&format!("openid profile {SCOPE}"))
}

/// A client of another kind with the same scopes.
fn other(registration: ClientRegistration) -> ClientRegistration {
    let ClientRegistration { grant_types, refresh_token_lifetime, .. } = refreshing("x");
    ClientRegistration { scopes: all_scopes(), grant_types, refresh_token_lifetime, ..registration }
}

// RFC 7009.

#[tokio::test]
async fn row_37_revocation_kills_the_grant_s_tokens_for_that_client_only() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        let neighbour = world.register(at, other(refreshing("neighbour"))).await;
        let mut browser = world.browser();
        let asked =
            |service: &RelyingParty| service.request().with("scope", &format!("openid profile {SCOPE}"));
        let first = service.login_with(&mut browser, PERSON, asked(service)).await;
        let first = service.tokens(&first).await;
        let neighbours = neighbour.login_with(&mut browser, PERSON, asked(&neighbour)).await;
        let neighbours = neighbour.tokens(&neighbours).await;
        let page = world.page(&mut browser, &service.request()).await;
        let second = scene.tokens().await;
        let refreshed = service.refresh(first.refresh_token()).await;

        service.revoke(&first.access_token).await;
        for dead in [&first, &refreshed] {
            world.refused_at_userinfo_by(service, &dead.access_token, "token-revoked").await;
            assert!(!scene.lives(&dead.access_token).await);
        }
        let refresh = service.refreshing(refreshed.refresh_token());
        world.refused_by(&refresh, "invalid_grant", "refresh-token-unknown").await;

        scene.assert_alive(service, &second).await;
        scene.assert_alive(&neighbour, &neighbours).await;
        // The browser's own logins are unaffected: the one under way, and the next.
        let left = browser.log_in_as(&page, PERSON).await;
        assert!(left.location().is_some_and(|to| to.contains("code=")), "{}", left.status);
        world.page(&mut browser, &service.request()).await;
    }
}

#[tokio::test]
async fn t3_any_token_of_a_grant_revokes_all_of_it() {
    for at in At::PROFILES {
        for usage in [RefreshUse::OneTime, RefreshUse::Reuse] {
            let kind = ClientRegistration { refresh_token_usage: Some(usage), ..refreshing("service") };
            let scene = Scene::of(at, kind).await;
            let (world, service) = (&scene.world, &scene.service);
            for which in
                ["refresh", "spent refresh", "access", "older access", "narrowed access", "expired access"]
            {
                let first = scene.tokens().await;
                let narrow = service.refreshing(first.refresh_token()).with("scope", "openid").send().await;
                let narrow = service.read(&narrow).await;
                let last = service.refresh(narrow.refresh_token()).await;
                if which == "expired access" {
                    world.wait(120);
                }
                let token = match which {
                    "refresh" => last.refresh_token(),
                    "spent refresh" => first.refresh_token(),
                    "narrowed access" => &narrow.access_token,
                    "older access" | "expired access" => &first.access_token,
                    _ => &last.access_token,
                };
                service.revoke(token).await;
                scene.assert_dead(service, &last).await;
                let before = world.rows();
                service.revoke(token).await;
                world.assert_untouched(&before);
                let events = world.events().await;
                let newest = events.iter().rev().take_while(|event| *event != "code_redeemed");
                assert_eq!(newest.filter(|event| *event == "grant_revoked").count(), 1, "{which}: once");
            }
        }
    }
}

#[tokio::test]
async fn t3_an_access_token_that_is_over_still_revokes_what_lives() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        // One that a retry replaced.
        let first = scene.tokens().await;
        let lost = service.refresh(first.refresh_token()).await;
        let second = service.refresh(first.refresh_token()).await;
        service.revoke(&lost.access_token).await;
        scene.assert_dead(service, &second).await;
        // One that ended long ago.
        let first = scene.tokens().await;
        world.wait(300);
        let second = service.refresh(first.refresh_token()).await;
        let policy = SweepPolicy { audit_retention: None, batch: 100 };
        world.store().sweep(world.now(), policy).await.unwrap();
        service.revoke(&first.access_token).await;
        scene.assert_dead(service, &second).await;
    }
}

#[tokio::test]
async fn t3_another_client_s_token_is_refused_and_lives_on() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        let spa = world.register(at, other(public("spa"))).await;
        let thief = world.register(at, other(refreshing("thief"))).await;
        let mut tokens = scene.tokens().await;
        for token in [tokens.refresh_token(), &tokens.access_token] {
            world.refused_by(&thief.revoking(token), "invalid_grant", "token-not-yours").await;
            // Anybody may come in this one's name, and does not learn that there is such a token.
            let before = world.rows();
            spa.revoke(token).await;
            world.assert_untouched(&before);
        }
        // Nor in that client's name, without its secret.
        for (unproven, rule) in [
            (spa.pretending(|of| of.client_id = "service".to_owned()), "client-method-differs"),
            (service.pretending(|of| of.secret = Some("guessed".to_owned())), "client-secret-wrong"),
            (service.pretending(|of| of.client_id = "nobody".to_owned()), "client-authentication-unknown"),
        ] {
            let stolen = unproven.revoking(tokens.refresh_token());
            world.refused_by(&stolen, "invalid_client", rule).await;
        }
        tokens = scene.assert_alive(service, &tokens).await;
        service.revoke(tokens.refresh_token()).await;
        scene.assert_dead(service, &tokens).await;
        // A public client gives back its own by its name alone (contract §11).
        let own = scene.tokens_of(&spa, PERSON).await;
        spa.revoke(own.refresh_token()).await;
        scene.assert_dead(&spa, &own).await;
    }
}

#[tokio::test]
async fn t3_an_unknown_token_is_200_and_changes_nothing() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        let tokens = scene.tokens().await;
        let elsewhere = world.register(At::Split, refreshing("elsewhere")).await;
        let elsewhere = world.tokens(&elsewhere, PERSON).await;
        let unspent = world.answer(service, PERSON).await;
        let secret = service.service().secret.clone().unwrap();
        let before = world.rows();
        let long = "x".repeat(4000);
        for token in [
            "unheard",
            &long,
            "a.b.c",
            tokens.id_token.as_deref().unwrap(),
            elsewhere.refresh_token(),
            &elsewhere.access_token,
            unspent.code(),
            &secret,
        ] {
            for hint in ["", "access_token", "refresh_token", "unheard"] {
                let reply = service.revoking(token).with("token_type_hint", hint).send().await;
                assert_eq!(reply.status, 200, "{}", reply.description());
            }
        }
        world.assert_untouched(&before);
        let none = service.revoking("x").without("token");
        world.refused_by(&none, "invalid_request", "token-missing").await;
        service.tokens(&unspent).await;
        let tokens = scene.assert_alive(service, &tokens).await;
        let hinted =
            service.revoking(tokens.refresh_token()).with("token_type_hint", "access_token").send().await;
        assert_eq!(hinted.status, 200);
        scene.assert_dead(service, &tokens).await;
    }
}

#[tokio::test]
async fn s21_a_revocation_is_answered_without_a_body_and_readable_by_the_client_s_own_origin() {
    for at in At::PROFILES {
        let scene = Scene::of(at, other(public("service"))).await;
        let tokens = scene.tokens().await;
        for (token, origin, read) in [
            ("unheard", "https://rp.example.no", "https://rp.example.no"),
            ("unheard", "https://evil.example", ""),
            (tokens.refresh_token(), "https://rp.example.no", "https://rp.example.no"),
        ] {
            let call = scene.service.revoking(token).call().header("origin", origin);
            let reply = scene.world.call(call).await;
            assert_eq!((reply.status.as_u16(), reply.body.as_slice()), (200, [].as_slice()));
            assert_eq!(reply.header("content-type"), "", "no text/plain");
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.header("access-control-allow-origin"), read);
        }
        // A refusal is readable by whoever asks: it tells of the request alone.
        let none = scene.service.revoking("x").without("token").call();
        let reply = scene.world.call(none.header("origin", "https://evil.example")).await;
        assert_rule(&reply, "invalid_request", "token-missing");
        assert_eq!(reply.header("access-control-allow-origin"), "https://evil.example");
    }
}

#[tokio::test]
async fn a_token_signed_by_a_key_that_was_replaced_can_still_be_given_back() {
    let scene = Scene::at(At::Current).await;
    let tokens = scene.tokens().await;
    scene.world.rotate_key(At::Current).await;
    scene.service.revoke(&tokens.access_token).await;
    scene.assert_dead(&scene.service, &tokens).await;
}

// When the store fails (B36).

#[tokio::test]
async fn b36_t3_a_revocation_that_is_not_stored_is_503_and_never_200() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        for (verb, fault) in [("client", Fault::Before), ("revoke", Fault::Before), ("revoke", Fault::After)]
        {
            for which in ["refresh", "access", "unheard"] {
                let tokens = scene.tokens().await;
                let token = match which {
                    "refresh" => tokens.refresh_token(),
                    "access" => &tokens.access_token,
                    _ => "unheard",
                };
                let mut struck = false;
                world.store().danger_plan_faults(move |called| {
                    let strikes = called == verb && !struck;
                    struck |= strikes;
                    strikes.then_some(fault)
                });
                let reply = service.revoking(token).send().await;
                assert_eq!(reply.status, 503, "{verb} {fault:?}: {}", reply.text());
                assert!(!reply.header("retry-after").is_empty() && !reply.text().contains("planted"));
                world.store().danger_plan_faults(|_| None);
                let done = which != "unheard" && (verb, fault) == ("revoke", Fault::After);
                assert_eq!(scene.lives(&tokens.access_token).await, !done, "{verb} {fault:?} {which}");
                // Whoever was told to come back does.
                service.revoke(token).await;
                if which == "unheard" {
                    scene.assert_alive(service, &tokens).await;
                } else {
                    scene.assert_dead(service, &tokens).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn b36_t3_a_jwt_whose_keys_cannot_be_read_anew_is_503_on_its_way_to_revocation_and_never_200() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        let signed =
            ScopeRecord { token_type: Some(TokenType::SelfContained), ..read_by(SCOPE, &["reader"]) };
        for fault in [Fault::Before, Fault::After] {
            for which in ["access", "forged", "refresh"] {
                let (tokens, forged) = (scene.tokens_as(&signed).await, "a.b.c");
                assert!(tokens.access_token.contains('.'), "a JWT");
                // Somebody changed what is registered, maybe a key: those read before are too old to judge by.
                let other = format!("x:{which}-{}", u8::from(fault == Fault::After));
                world.scope(at, open_scope(&other)).await;
                let (token, needs_keys) = match which {
                    "access" => (tokens.access_token.as_str(), true),
                    "forged" => (forged, true),
                    _ => (tokens.refresh_token(), false),
                };
                let before = world.rows();
                world.store().danger_plan_faults(move |called| (called == "signing_keys").then_some(fault));
                let reply = service.revoking(token).send().await;
                world.store().danger_plan_faults(|_| None);
                if !needs_keys {
                    assert_eq!(reply.status, 200, "{fault:?}: a refresh token is signed by no key");
                    scene.assert_dead(service, &tokens).await;
                    continue;
                }
                assert_eq!(reply.status, 503, "{fault:?} {which}: {}", reply.text());
                assert!(!reply.header("retry-after").is_empty() && !reply.text().contains("planted"));
                world.assert_untouched(&before);
                assert!(scene.lives(&tokens.access_token).await);
                // Whoever was told to come back does.
                service.revoke(token).await;
                if which == "access" {
                    scene.assert_dead(service, &tokens).await;
                } else {
                    scene.assert_alive(service, &tokens).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn b36_a_database_that_takes_no_write_answers_no_revocation_with_200() {
    let scene = Scene::at(At::Current).await;
    let tokens = scene.tokens().await;
    scene.world.data().damage(Damage::NoUpdate("login_grant"));
    for token in [tokens.refresh_token(), &tokens.access_token] {
        let reply = scene.service.revoking(token).send().await;
        assert_eq!(reply.status, 503, "{}", reply.text());
    }
    assert!(scene.lives(&tokens.access_token).await);
}

// Races (B5).

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn b05_nothing_lives_after_a_revocation_that_raced_refreshes() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let service = &scene.service;
        for round in 0..25 {
            let first = scene.tokens().await;
            let (start, mut rivals) = (Arc::new(Barrier::new(5)), JoinSet::new());
            let revoked = if round % 2 == 0 { first.refresh_token() } else { &first.access_token };
            let requests = std::iter::once(service.revoking(revoked))
                .chain(std::iter::repeat_n(service.refreshing(first.refresh_token()), 4));
            for request in requests {
                let start = Arc::clone(&start);
                rivals.spawn(async move {
                    start.wait().await;
                    request.send().await
                });
            }
            let mut given = vec![first];
            for reply in rivals.join_all().await {
                if reply.text().contains("access_token") {
                    given.push(service.read(&reply).await);
                } else if reply.status != 200 {
                    // Spent by a rival, or never: its grant is gone.
                    let rule = logged_rule(&reply);
                    assert!(
                        matches!(rule.as_str(), "refresh-token-unknown" | "refresh-token-replayed"),
                        "{rule}"
                    );
                }
            }
            for tokens in &given {
                assert!(!scene.lives(&tokens.access_token).await, "{at:?}, round {round}");
                let again = service.refreshing(tokens.refresh_token()).send().await;
                assert_eq!((again.status.as_u16(), again.error().as_str()), (400, "invalid_grant"));
            }
        }
    }
}

// Taking everything back (T5).

#[tokio::test]
async fn t5_b15_what_was_granted_before_the_latest_of_four_times_is_nothing() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        let subjects = [
            Subject::Issuer,
            Subject::Organisation(orgno("991825827")),
            Subject::Client(client_id("service")),
            Subject::Person(Pid::parse_synthetic(PERSON).unwrap()),
        ];
        // Of each subject: said of the grant's own second, or of the next. Either way, the latest counts and not the last.
        for combination in 0..16_usize {
            world.wait(10);
            let (granted, tokens) = (world.now(), scene.tokens().await);
            let is_later = |number: usize| combination >> number & 1 == 1;
            let mut changes = Vec::new();
            for (number, subject) in subjects.iter().cloned().enumerate() {
                let before = granted + Seconds::new(u32::from(is_later(number)));
                changes.push(Change::NotBefore { issuer: world.issuer(at), subject, at: before });
            }
            if combination % 3 == 0 {
                changes.reverse();
            }
            world.change(changes).await;
            if combination > 0 {
                scene.assert_dead(service, &tokens).await;
            } else {
                scene.assert_alive(service, &tokens).await;
            }
        }
    }
}

#[tokio::test]
async fn t5_no_time_is_ever_made_earlier_and_nothing_comes_back() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, tokens) = (&scene.world, scene.tokens().await);
        let granted = world.now();
        let client = Subject::Client(client_id("service"));
        world.take_back(at, client.clone(), granted + Seconds::new(1)).await;
        scene.assert_dead(&scene.service, &tokens).await;
        for earlier in [granted, granted - Seconds::days(1)] {
            world.take_back(at, client.clone(), earlier).await;
            world.take_back(at, Subject::Issuer, earlier).await;
        }
        // Nor when the registration is written anew.
        world.set_client(at, "service", false).await;
        world.set_client(at, "service", true).await;
        scene.assert_dead(&scene.service, &tokens).await;
        world.wait(1);
        scene.assert_alive(&scene.service, &scene.tokens().await).await;
    }
}

#[tokio::test]
async fn t5_whom_it_does_not_concern_is_left_alone() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let world = &scene.world;
        world.organisation(at, "910753614").await;
        let elsewhere =
            ClientRegistration { client_orgno: orgno("910753614"), ..other(refreshing("elsewhere")) };
        let elsewhere = world.register(at, elsewhere).await;
        let mut kept = scene.tokens_of(&elsewhere, PERSONS[1]).await;
        let later = world.now() + Seconds::new(1);
        for subject in [
            Subject::Organisation(orgno("991825827")),
            Subject::Client(client_id("service")),
            Subject::Person(Pid::parse_synthetic(PERSON).unwrap()),
        ] {
            world.take_back(at, subject, later).await;
            kept = scene.assert_alive(&elsewhere, &kept).await;
        }
        let there = if at == At::Pilot { At::Current } else { At::Pilot };
        world.take_back(there, Subject::Issuer, later).await;
        kept = scene.assert_alive(&elsewhere, &kept).await;
        world.take_back(at, Subject::Issuer, later).await;
        scene.assert_dead(&elsewhere, &kept).await;
    }
}

#[tokio::test]
async fn t5_a_code_and_a_login_from_before_give_nothing_either() {
    for at in At::PROFILES {
        let scene = Scene::at(at).await;
        let (world, service) = (&scene.world, &scene.service);
        for subject in [
            Subject::Issuer,
            Subject::Client(client_id("service")),
            Subject::Person(Pid::parse_synthetic(PERSON).unwrap()),
        ] {
            let answer = world.answer(service, PERSON).await;
            world.take_back(at, subject, world.now() + Seconds::new(1)).await;
            let redemption = service.redemption(&answer);
            world.refused_by(&redemption, "invalid_grant", "code-unknown").await;
            world.wait(1);
            scene.assert_alive(service, &scene.tokens().await).await;
        }
        // A person who logged in before, and whose login is answered after: by the login, it is before.
        let (asking, mut browser) = (service.request(), world.browser());
        let form = world.page(&mut browser, &asking).await.form().with("pid", PERSON).with("action", "login");
        let logged_in = browser.post_from("http://localhost:8080", &form.action, &form.fields).await;
        world.wait(1);
        let person = Subject::Person(Pid::parse_synthetic(PERSON).unwrap());
        world.take_back(at, person, world.now()).await;
        let left = browser.follow(logged_in).await;
        let answer = asking.answer(&left);
        assert!(answer.get("code").is_some(), "a code came: {:?}", left.location());
        world.refused_by(&service.redemption(&answer), "invalid_grant", "code-unknown").await;
        // And one who logs in after it is before nothing.
        scene.assert_alive(service, &scene.tokens().await).await;
    }
}

#[tokio::test]
async fn every_registered_method_revokes() {
    for at in At::PROFILES {
        let world = World::new().await;
        for registration in [
            refreshing("basic"),
            ClientRegistration {
                token_endpoint_auth_method: AuthMethod::ClientSecretPost,
                ..refreshing("post")
            },
            other(public("none")),
        ] {
            let registration = ClientRegistration { scopes: scopes("openid profile"), ..registration };
            let service = world.register(at, registration).await;
            let tokens = world.tokens(&service, PERSON).await;
            service.revoke(tokens.refresh_token()).await;
            world.refused_at_userinfo_by(&service, &tokens.access_token, "token-revoked").await;
        }
    }
}
