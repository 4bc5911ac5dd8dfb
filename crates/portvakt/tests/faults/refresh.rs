//! Faults in refreshing, and at introspection and revocation.

use portvakt_protocol::client::OnBehalfOf;
use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::refusal::rules;
use portvakt_protocol::registration::{ClientRegistration, GrantType};
use portvakt_protocol::scope::{Scope, ScopeRecord, Scopes};
use portvakt_protocol::time::Seconds;
use portvakt_testkit::{At, Call, PERSONS, Redemption, RelyingParty, Tokens, World, registration};

use crate::{PERSON, Provoked};

/// A client that may refresh, for ten minutes after each use.
fn refreshing(client_id: &str) -> ClientRegistration {
    ClientRegistration {
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        refresh_token_lifetime: Seconds::new(600),
        scopes: Scopes::parse("openid profile skatt:skjema").unwrap(),
        onbehalfof: vec![OnBehalfOf {
            onbehalfof: "oslo".to_owned(),
            display_name: "Oslo kommune".to_owned(),
            orgno: OrgNumber::parse("910753614").unwrap(),
            url: None,
        }],
        ..registration(client_id)
    }
}

/// The refresh token of a token response.
fn refresh_token(tokens: &Tokens) -> String {
    let token = tokens.response.get("refresh_token").and_then(serde_json::Value::as_str);
    token.unwrap_or_else(|| panic!("none in {}", tokens.response)).to_owned()
}

/// A refresh with this token, correct in everything.
async fn refresh(world: &World, service: &RelyingParty, token: &str) -> Redemption {
    let mut request = service.redemption(&world.answer(service, PERSON).await);
    request.fields.retain(|(name, _)| matches!(name.as_str(), "client_id" | "client_secret"));
    request.with("grant_type", "refresh_token").with("refresh_token", token)
}

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    let at = At::Current;
    let scope = ScopeRecord::open(Scope::parse("skatt:skjema").unwrap());
    world.scope(at, scope.clone()).await;
    let service = world.register(at, refreshing("refresher")).await;
    let asked = async || {
        let asking =
            service.request().with("scope", "openid profile skatt:skjema").with("onbehalfof", "oslo");
        let answer = service.login_with(&mut world.browser(), PERSONS[6], asking).await;
        refresh_token(&service.tokens(&answer).await)
    };

    let web = world.service(at).await;
    provoked.by(&rules::GRANT_NOT_REGISTERED, &refresh(world, &web, "x").await.send().await);
    provoked.by(&rules::REFRESH_TOKEN_UNKNOWN, &refresh(world, &service, "x").await.send().await);
    let first = asked().await;
    let right = refresh(world, &service, &first).await;
    provoked.by(&rules::REFRESH_SCOPE_WIDER, &right.clone().with("scope", "openid email").send().await);
    world.scope(at, ScopeRecord { active: false, ..scope.clone() }).await;
    provoked.by(&rules::SCOPE_WITHDRAWN, &right.send().await);
    world.scope(at, scope).await;
    let alone = ClientRegistration { onbehalfof: Vec::new(), ..refreshing("refresher") };
    let again = world.register(at, alone).await;
    provoked.by(&rules::ONBEHALFOF_WITHDRAWN, &refresh(world, &again, &first).await.send().await);
    let service = world.register(at, refreshing("refresher")).await;
    let right = refresh(world, &service, &first).await;
    world.person(at.pool().unwrap(), PERSONS[6], false).await;
    provoked.by(&rules::REFRESH_TOKEN_STOPPED, &right.send().await);
    world.person(at.pool().unwrap(), PERSONS[6], true).await;

    let reply = right.send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    world.wait(31);
    provoked.by(&rules::REFRESH_TOKEN_REPLAYED, &right.send().await);
    let second = refresh(world, &service, &asked_again(world, &service).await).await;
    world.wait(600);
    provoked.by(&rules::REFRESH_TOKEN_EXPIRED, &second.send().await);

    let tokens = world.tokens(&service, PERSON).await;
    let post = |url: String, service: &RelyingParty, fields: &[(&str, &str)]| {
        let secret = service.service().secret.clone().unwrap();
        Call::post(&url, fields).basic(&service.service().client_id, &secret)
    };
    let issuer = at.issuer();
    let nothing = post(format!("{issuer}/token/introspect"), &service, &[("x", "y")]);
    provoked.by(&rules::TOKEN_MISSING, &world.call(nothing).await);
    let nothing = post(format!("{issuer}/token/revoke"), &service, &[("x", "y")]);
    provoked.by(&rules::TOKEN_MISSING, &world.call(nothing).await);
    let foreign = post(format!("{issuer}/token/revoke"), &web, &[("token", &tokens.access_token)]);
    provoked.by(&rules::TOKEN_NOT_YOURS, &world.call(foreign).await);
}

/// The refresh token of one more login.
async fn asked_again(world: &World, service: &RelyingParty) -> String {
    let answer = world.answer(service, PERSON).await;
    refresh_token(&service.tokens(&answer).await)
}
