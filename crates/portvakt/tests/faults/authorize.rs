//! Faults in what an authorization request asks for.

use portvakt_protocol::client::OnBehalfOf;
use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::refusal::rules;
use portvakt_protocol::registration::{Change, ClientRegistration, IntegrationType};
use portvakt_protocol::scope::{AccessState, Scope, ScopeAccess, ScopeRecord, Scopes};
use portvakt_testkit::{At, World, organisation, public, registration};

use crate::{Provoked, event, trace_id};

/// Another organisation than the clients'.
const OWNER: &str = "910753614";

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    let at = At::Current;
    let asking = world.service(at).await.request();
    for (name, value, rule) in [
        ("state", "a\u{7f}b", &rules::STATE_CHARACTERS),
        ("response_type", "token", &rules::RESPONSE_TYPE_UNSUPPORTED),
        ("response_mode", "fragment", &rules::RESPONSE_MODE_UNSUPPORTED),
        ("scope", "openid  profile", &rules::SCOPE_SYNTAX),
        ("scope", "openid email", &rules::SCOPE_NOT_REGISTERED),
        ("code_challenge_method", "plain", &rules::CODE_CHALLENGE_METHOD),
        ("code_challenge", "short", &rules::CODE_CHALLENGE_FORMAT),
        ("acr_values", "Level9", &rules::ACR_VALUES_UNKNOWN),
        ("acr_values", "eidas-loa-high", &rules::ACR_VALUES_UNMET),
        ("prompt", "create", &rules::PROMPT_UNKNOWN),
        ("prompt", "none login", &rules::PROMPT_NONE_COMBINED),
        ("max_age", "-1", &rules::MAX_AGE),
        ("onbehalfof", "oslo", &rules::ONBEHALFOF_UNKNOWN),
    ] {
        provoked.by(rule, &asking.clone().with(name, value).send().await);
    }
    for (name, rule) in [
        ("response_type", &rules::RESPONSE_TYPE_MISSING),
        ("scope", &rules::SCOPE_MISSING),
        ("code_challenge", &rules::CODE_CHALLENGE_METHOD_ALONE),
    ] {
        provoked.by(rule, &asking.clone().without(name).send().await);
    }
    let without = asking.without("code_challenge").without("code_challenge_method");
    provoked.by(&rules::CODE_CHALLENGE_MISSING, &without.send().await);
    let spa = world.register(at, public("spa")).await;
    provoked.by(&rules::STATE_MISSING, &spa.request().without("state").send().await);
    scopes(world, at, provoked).await;
}

/// A scope of another organisation's, on a client that has it registered.
async fn scopes(world: &World, at: At, provoked: &mut Provoked) {
    let scope = Scope::parse("skatt:inntekt").unwrap();
    let owned = ScopeRecord {
        owner_orgno: Some(OrgNumber::parse(OWNER).unwrap()),
        accessible_for_all: false,
        ..ScopeRecord::open(scope.clone())
    };
    let registration = ClientRegistration {
        scopes: Scopes::parse("openid profile skatt:inntekt").unwrap(),
        integration_type: Some(IntegrationType::ApiKlient),
        onbehalfof: vec![OnBehalfOf {
            onbehalfof: "oslo".to_owned(),
            display_name: "Oslo kommune".to_owned(),
            orgno: OrgNumber::parse(OWNER).unwrap(),
            url: None,
        }],
        ..registration("reader")
    };
    world.scope(at, owned.clone()).await;
    let reader = world.register(at, registration).await;
    let asking = reader.request().with("scope", "openid skatt:inntekt");
    let said = async |state| {
        let access = ScopeAccess { scope: scope.clone(), consumer_orgno: organisation().orgno, state };
        world.change(vec![Change::ScopeAccess { issuer: world.issuer(at), access }]).await;
    };
    provoked.by(&rules::SCOPE_NOT_GRANTED, &asking.send().await);
    for state in [AccessState::Requested, AccessState::Denied, AccessState::Withdrawn] {
        said(state).await;
        let reply = asking.send().await;
        provoked.by(&rules::SCOPE_NOT_GRANTED, &reply);
        // What an owner answered is no stranger's to know, and anyone may send this request.
        let told = "scope: expected only scopes that the client may use now, received 'skatt:inntekt'; rule scope-refused, environment ";
        assert!(reply.description().starts_with(told), "{}", reply.description());
    }
    said(AccessState::Approved).await;
    world.accepted(&asking).await;
    world.accepted(&asking.clone().with("onbehalfof", "oslo")).await;
    let bounded = ScopeRecord { allowed_integration_types: vec![IntegrationType::Idporten], ..owned.clone() };
    world.scope(at, bounded).await;
    provoked.by(&rules::SCOPE_INTEGRATION_TYPE, &asking.send().await);
    world.scope(at, ScopeRecord { active: false, ..owned }).await;
    provoked.by(&rules::SCOPE_DEACTIVATED, &asking.send().await);
}

/// RFC 6749 §4.1.2.1: the service may show the description to a person, and anybody may have written the link that led to it.
#[tokio::test]
async fn what_a_link_says_is_put_before_nobody_and_half_a_number_is_not_told() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for (name, sent, told) in [
            ("response_type", "code id_token", "response_type: expected code, received code id_token;"),
            ("response_type", "konto sperret", "response_type: expected code, received 13 characters;"),
            ("prompt", "https://evil.example/login", " received 26 characters;"),
            ("response_mode", "218794_98012", " received an identity number of 12 characters (not shown);"),
            ("scope", "openid 218794 98012", " received a number of 6 characters (not shown);"),
            ("acr_values", "218794 98012", " received a number of 6 characters (not shown);"),
        ] {
            let reply = service.request().with(name, sent).send().await;
            assert!(reply.description().contains(told), "{name}: {}", reply.description());
        }
        let unknown = service.request().with("client_id", "a-misspelt-client-name").send().await;
        let logged = event(&trace_id(&unknown));
        assert!(logged.contains("client=\"a-misspe... (22 characters)\""), "{logged}");
    }
}
