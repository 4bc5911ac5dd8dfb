//! The independent verifier at work, before tokens leave and when they come: what is wrong on purpose must be seen, and what is right must
//! pass.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a scene that cannot be set up fails its test"
)]

use portvakt_crypto::certificate::self_signed;
use portvakt_crypto::encoding::{base64url_decode, base64url_encode};
use portvakt_crypto::jws::{self, Header};
use portvakt_crypto::signing::RsaKey;
use portvakt_testkit::verifier::{Fault, Part, Wrong};
use portvakt_testkit::{
    Answer, At, Call, PERSONS, RelyingParty, Reply, World, log, opaque_scope, organisation, registration,
};

use portvakt_protocol::client::OnBehalfOf;
use portvakt_protocol::organisation::{OrgNumber, Organisation};
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::registration::{Change, ClientRegistration, GrantType};
use portvakt_protocol::scope::{Scope, ScopeRecord, Scopes};
use portvakt_protocol::time::Seconds;
use serde_json::Value;

const PERSON: &str = PERSONS[0];

/// A token response that is in order.
async fn in_order(service: &RelyingParty, world: &World) -> (Reply, Answer) {
    let answer = service.login(&mut world.browser(), PERSON).await;
    let reply = service.redeem(&answer).await;
    assert_eq!(service.judge(&reply, &answer).await, Ok(()));
    (reply, answer)
}

/// The reply with one token changed.
fn planted(reply: &Reply, member: &str, change: impl FnOnce(&str) -> String) -> Reply {
    let mut body = reply.json();
    let token = change(body[member].as_str().unwrap());
    body[member] = Value::from(token);
    Reply { body: body.to_string().into_bytes(), ..reply.clone() }
}

/// The token with these claims instead, under its old signature.
fn with_claims(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let segments: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&base64url_decode(segments[1]).unwrap()).unwrap();
    change(&mut claims);
    format!("{}.{}.{}", segments[0], base64url_encode(claims.to_string().as_bytes()), segments[2])
}

#[tokio::test]
async fn the_relying_party_of_these_tests_catches_what_is_planted() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let (reply, answer) = in_order(&service, &world).await;
    for (member, part) in [("id_token", Part::IdToken), ("access_token", Part::AccessToken)] {
        let other_person =
            planted(&reply, member, |token| with_claims(token, |it| it["pid"] = PERSONS[1].into()));
        assert_eq!(service.judge(&other_person, &answer).await, Err(Fault::Signature(part)), "{member}");

        let stray = RsaKey::generate().unwrap();
        let chain = [self_signed(&stray, "Stray", 1_800_000_000, 1).unwrap()];
        let signed_by_a_stray = planted(&reply, member, |token| {
            let claims = base64url_decode(token.split('.').nth(1).unwrap()).unwrap();
            jws::sign(&stray, &Header { typ: None, x5c: &chain }, &claims).unwrap()
        });
        let judged = service.judge(&signed_by_a_stray, &answer).await;
        assert!(matches!(judged, Err(Fault::UnknownKey(_))), "{member}: {judged:?}");
    }

    let (other, _) = in_order(&service, &world).await;
    let of_another_login =
        planted(&reply, "id_token", |_| other.json()["id_token"].as_str().unwrap().to_owned());
    let judged = service.judge(&of_another_login, &answer).await;
    assert_eq!(judged, Err(Fault::Member { part: Part::IdToken, member: "nonce", wrong: Wrong::Value }));
}

/// Its published certificate is another key's: whoever believes the one or the other is misled.
#[tokio::test]
async fn what_the_verifier_refuses_does_not_leave() {
    for at in At::PROFILES {
        let world = World::new().await;
        let service = world.service(at).await;
        world.rotate_to_misfit(at).await;
        let answer = service.login(&mut world.browser(), PERSON).await;
        let reply = service.redeem(&answer).await;
        assert_eq!((reply.status.as_u16(), reply.error().as_str()), (500, "server_error"));
        assert!(reply.json().get("access_token").is_none() && reply.json().get("id_token").is_none());
        let (_, trace_id) =
            reply.description().split_once("(trace_id: ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let told: Vec<String> =
            log().lines().filter(|line| line.contains(&trace_id[..32])).map(str::to_owned).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("broken") && told[0].contains("JWK Set: `x5c`"), "{told:?}");
        assert!(!told[0].contains(PERSON));
    }
}

#[tokio::test]
#[should_panic(expected = "the JWK Set: `x5c`")]
async fn what_leaves_unverified_is_caught_by_these_tests() {
    let world = World::unverified().await;
    let service = world.service(At::Current).await;
    world.rotate_to_misfit(At::Current).await;
    let answer = service.login(&mut world.browser(), PERSON).await;
    service.redeem(&answer).await;
}

/// What refreshing gives, judged at both ends as everything else is.
async fn refreshed(world: &World, service: &RelyingParty, refresh_token: &str, scope: Option<&str>) -> Reply {
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    fields.extend(scope.map(|scope| ("scope", scope)));
    let known = service.service();
    let secret = known.secret.as_deref().unwrap();
    world.call(Call::post(service.url("token_endpoint"), &fields).basic(&known.client_id, secret)).await
}

/// Everything that a token can say or withhold, at each profile: nothing of it is refused, neither before it leaves nor when it comes.
#[tokio::test]
async fn whatever_is_in_order_passes() {
    let world = World::new().await;
    for at in At::PROFILES {
        let supplier = Organisation { orgno: OrgNumber::parse("889640782").unwrap(), ..organisation() };
        world
            .change(vec![Change::Organisation { issuer: world.issuer(at), organisation: supplier.clone() }])
            .await;
        world
            .scope(
                at,
                ScopeRecord {
                    requires_pseudonymous_tokens: true,
                    token_type: Some(TokenType::SelfContained),
                    ..ScopeRecord::open(Scope::parse("example:hidden").unwrap())
                },
            )
            .await;
        world.scope(at, opaque_scope("example:opaque")).await;
        let customer = OnBehalfOf {
            onbehalfof: "kommune".to_owned(),
            display_name: "Eksempelkommunen".to_owned(),
            orgno: OrgNumber::parse("910753614").unwrap(),
            url: None,
        };
        let service = world
            .register(
                at,
                ClientRegistration {
                    supplier_orgno: Some(supplier.orgno.clone()),
                    onbehalfof: vec![customer],
                    grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
                    scopes: Scopes::parse("openid profile example:hidden example:opaque").unwrap(),
                    refresh_token_lifetime: Seconds::new(300),
                    ..registration("full")
                },
            )
            .await;
        for (scope, shows_pid) in [
            ("openid", true),
            ("openid profile", true),
            ("openid example:opaque", true),
            ("example:hidden", false),
            ("openid profile example:hidden", false),
        ] {
            for onbehalfof in [None, Some("kommune")] {
                let mut asking = service.request().with("scope", scope);
                if let Some(customer) = onbehalfof {
                    asking = asking.with("onbehalfof", customer);
                }
                let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
                let tokens = service.tokens(&answer).await;
                if tokens.id_claims.is_some() {
                    assert_eq!(tokens.claim("pid").as_str(), shows_pid.then_some(PERSON), "{scope}");
                    assert_eq!(tokens.claim("client_onbehalfof").as_str(), onbehalfof, "{scope}");
                }
                let refresh_token = tokens.response["refresh_token"].as_str().unwrap().to_owned();
                world.wait(30);
                let all = refreshed(&world, &service, &refresh_token, None).await;
                assert_eq!(all.status, 200, "{scope}: {}", all.description());
                let successor = all.json()["refresh_token"].as_str().unwrap().to_owned();
                let narrowed = refreshed(&world, &service, &successor, scope.split(' ').next()).await;
                assert_eq!(narrowed.status, 200, "{scope}: {}", narrowed.description());
            }
        }
    }
}

/// A client that gives up the scope which withholds the `pid`, and then asks for the rest of its grant, learns no more than before.
#[tokio::test]
async fn a_pid_that_was_withheld_stays_withheld() {
    let world = World::new().await;
    let at = At::Current;
    let hidden = ScopeRecord {
        requires_pseudonymous_tokens: true,
        ..ScopeRecord::open(Scope::parse("example:hidden").unwrap())
    };
    world.scope(at, hidden).await;
    let registered = |scopes: &str| ClientRegistration {
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        scopes: Scopes::parse(scopes).unwrap(),
        refresh_token_lifetime: Seconds::new(300),
        ..registration("full")
    };
    let service = world.register(at, registered("openid profile example:hidden")).await;
    let asking = service.request().with("scope", "openid example:hidden");
    let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
    let tokens = service.tokens(&answer).await;
    assert!(tokens.claim("pid").is_null());
    let refresh_token = tokens.response["refresh_token"].as_str().unwrap();

    let service = world.register(at, registered("openid profile")).await;
    let reply = refreshed(&world, &service, refresh_token, Some("openid")).await;
    assert_eq!(reply.status, 200, "{}", reply.description());
    let narrowed = service.read(&reply).await;
    assert!(narrowed.id_claims.is_some() && narrowed.claim("pid").is_null(), "{:?}", narrowed.id_claims);
    let access_token = service.verify(&narrowed.access_token).await.unwrap();
    assert!(access_token.get("pid").is_none(), "{access_token}");
    let userinfo = service.userinfo(&narrowed.access_token).await;
    assert!(!userinfo.text().contains(PERSON), "{}", userinfo.text());
}
