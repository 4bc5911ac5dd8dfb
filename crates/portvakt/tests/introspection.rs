//! Introspection (RFC 7662, contract §10): whoever is entitled reads what a token says, whoever is not reads that it is not active, and
//! whatever is wrong reads the same. And the pilot's `/tokeninfo`, which anyone may ask.

use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::organisation::Standing;
use portvakt_protocol::profile::{PILOT, TokenType};
use portvakt_protocol::provider::{Environment, Provider};
use portvakt_protocol::registration::{ClientRegistration, Subject};
use portvakt_protocol::scope::{AccessState, ScopeRecord};
use portvakt_protocol::time::Seconds;
use portvakt_testkit::{
    At, Call, PERSONS, RelyingParty, World, assert_inactive, client_id, orgno, owned_scope, public, reader,
    refreshing, registration, scopes,
};
use serde_json::{Value, json};

const PERSON: &str = PERSONS[0];
const AT: At = At::Current;
const SCOPE: &str = "skatt:inntekt";

/// The organisation that owns [`SCOPE`], and its API.
const OWNER: &str = "889640782";

/// An API's scope that names its reader, and a client of another organisation's that has it.
struct Api {
    world: World,
    reader: RelyingParty,
    record: ScopeRecord,
    service: RelyingParty,
}

impl Api {
    /// `name` is the reader's: the log of a whole file is one, and tells scenes apart by it.
    async fn with(name: &str, change: impl FnOnce(&mut ScopeRecord)) -> Self {
        let world = World::new().await;
        let mut record = owned_scope(SCOPE, OWNER);
        record.enforced_aud_for_introspection = vec![client_id(name)];
        change(&mut record);
        world.organisation(AT, OWNER).await;
        world.scope(AT, record.clone()).await;
        world.access(AT, SCOPE, "991825827", AccessState::Approved).await;
        let api = ClientRegistration { client_orgno: orgno(OWNER), ..reader(name) };
        let reader = world.register(AT, api).await;
        let service = world.register(AT, caller("caller")).await;
        Self { world, reader, record, service }
    }

    async fn token(&self) -> String {
        let scope = format!("openid profile {SCOPE}");
        self.world.tokens_for(&self.service, PERSON, &scope).await.access_token
    }
}

/// A client with [`SCOPE`].
fn caller(client_id: &str) -> ClientRegistration {
    ClientRegistration { scopes: scopes(&format!("openid profile {SCOPE}")), ..refreshing(client_id) }
}

// Who may read what.

#[tokio::test]
async fn row_36_without_entitlement_introspection_gives_no_data() {
    let api = Api::with("row-36", |_| ()).await;
    let world = &api.world;
    let token = api.token().await;
    // The scope that opens the endpoint, but no scope of the token names it.
    let unnamed = world.register(AT, reader("row-36-unnamed")).await;
    world.inactive(&unnamed, &token, "caller-not-named").await;
    // Named, without the scope that opens the endpoint.
    let named = ClientRegistration { scopes: scopes("openid"), ..reader("row-36-bare") };
    let bare = world.register(AT, named).await;
    let mut record = api.record.clone();
    record.enforced_aud_for_introspection.push(client_id("row-36-bare"));
    world.scope(AT, record).await;
    world.inactive(&bare, &token, "caller-scope-missing").await;
    // The token's own client, and a token that has not the scope that names the reader.
    world.inactive(&api.service, &token, "caller-scope-missing").await;
    let login = world.tokens_for(&api.service, PERSON, "openid profile").await.access_token;
    world.inactive(&api.reader, &login, "caller-not-named").await;

    let told = api.reader.introspect(&token).await;
    assert_eq!((&told["active"], &told["scope"]), (&json!(true), &json!(SCOPE)));
}

#[tokio::test]
async fn t4_an_entitled_reader_reads_the_claims_of_a_self_contained_token_of_its_own_scopes() {
    let api = Api::with("t4-claims", |_| ()).await;
    let token = api.token().await;
    let claims = api.service.verify(&token).await.unwrap();
    api.world.wait(10);
    let mut told = api.reader.introspect(&token).await;
    let members = told.as_object_mut().unwrap();
    assert_eq!(members.remove("active"), Some(json!(true)));
    assert_eq!(members.remove("token_type"), Some(json!("Bearer")));
    // Other APIs' scopes of the same token are none of its business.
    assert_eq!(members.remove("scope"), Some(json!(SCOPE)));
    let mut signed = claims.as_object().unwrap().clone();
    assert_eq!(signed.remove("scope"), Some(json!(format!("openid profile {SCOPE}"))));
    assert_eq!(*members, signed);
    assert_eq!(told["consumer"]["ID"], "0192:991825827");
}

#[tokio::test]
async fn row_33_an_opaque_token_says_by_introspection_what_a_jwt_would() {
    let api = Api::with("row-33", |scope| scope.token_type = Some(TokenType::Opaque)).await;
    let token = api.token().await;
    assert!(!token.contains('.'));
    let told = api.reader.introspect(&token).await;
    let supplied = [
        ("iss", json!(AT.issuer())),
        ("client_id", json!("caller")),
        ("client_amr", json!("client_secret_basic")),
        ("consumer", json!({ "authority": "iso6523-actorid-upis", "ID": "0192:991825827" })),
        ("acr", json!(AT.substantial())),
        ("pid", json!(PERSON)),
    ];
    for (claim, value) in supplied {
        assert_eq!(told[claim], value, "{claim}");
    }
    let now = api.world.now().unix();
    assert_eq!((&told["iat"], &told["exp"]), (&json!(now), &json!(now + 120)));
    assert_eq!((told.get("aud"), told.get("jti")), (None, None), "row 34; and only a JWT has a name");
}

#[tokio::test]
async fn every_method_of_client_authentication_and_both_paths_introspect() {
    let api = Api::with("post-reader", |_| ()).await;
    let world = &api.world;
    let post = ClientRegistration {
        token_endpoint_auth_method: AuthMethod::ClientSecretPost,
        client_orgno: orgno(OWNER),
        ..reader("post-reader")
    };
    let token = api.token().await;
    assert_eq!(api.reader.introspect(&token).await["active"], true);
    let post = world.register(AT, post).await;
    let documented = post.tokeninfo_endpoint().replace("/tokeninfo", "/tokenintrospect");
    for endpoint in [post.url("introspection_endpoint").to_owned(), post.tokeninfo_endpoint(), documented] {
        let reply = post.introspecting(&token).to(&endpoint).send().await;
        assert_eq!((reply.status.as_u16(), &reply.json()["active"]), (200, &json!(true)), "{endpoint}");
        assert_eq!(
            (reply.header("content-type"), reply.header("cache-control")),
            ("application/json", "no-store")
        );
        for hint in ["access_token", "refresh_token", "unheard"] {
            let hinted = post.introspecting(&token).to(&endpoint).with("token_type_hint", hint).send().await;
            assert_eq!(hinted.json()["active"], true, "RFC 7662 §2.1: a hint is no more than that");
        }
        let mut alone = post.introspecting(&token).to(&endpoint);
        alone.fields.retain(|(name, _)| name == "token");
        world.refused_by(&alone, "invalid_client", "client-authentication-missing").await;
        let none = post.introspecting(&token).to(&endpoint).without("token");
        world.refused_by(&none, "invalid_request", "token-missing").await;
    }
}

#[tokio::test]
async fn t4_a_client_that_cannot_authenticate_reads_nothing_whoever_names_it() {
    let api = Api::with("named-public", |_| ()).await;
    let token = api.token().await;
    assert_eq!(api.reader.introspect(&token).await["active"], true);
    let open = ClientRegistration {
        client_orgno: orgno(OWNER),
        scopes: scopes("openid idporten:token.introspection"),
        ..public("named-public")
    };
    let open = api.world.register(AT, open).await;
    api.world.inactive(&open, &token, "caller-public").await;
}

// What is not good.

#[tokio::test]
async fn t4_b14_whatever_is_not_good_is_told_as_not_active_and_nothing_more() {
    let api = Api::with("t4-bad", |_| ()).await;
    let (world, reader) = (&api.world, &api.reader);
    let scope = format!("openid profile {SCOPE}");
    let good = world.tokens_for(&api.service, PERSON, &scope).await;
    for (what, token) in [
        ("nothing of ours", "unheard"),
        ("an ID token", good.id_token.as_deref().unwrap()),
        ("a refresh token", good.refresh_token()),
        ("a JWT cut short", &good.access_token[..good.access_token.len() - 1]),
        ("a forged header", &good.access_token.replacen('.', "A.", 1)),
    ] {
        assert_inactive(&reader.introspecting(token).send().await);
        world.inactive(reader, token, "token-unknown").await;
        assert_eq!(reader.introspect(&good.access_token).await["active"], true, "{what}");
    }
    let foreign = world.register(At::Split, registration("elsewhere")).await;
    let foreign = world.tokens(&foreign, PERSON).await.access_token;
    world.inactive(reader, &foreign, "token-unknown").await;

    let revoked = api.token().await;
    api.service.revoke(&revoked).await;
    world.inactive(reader, &revoked, "token-revoked").await;

    world.wait(119);
    assert_eq!(reader.introspect(&good.access_token).await["active"], true);
    world.wait(1);
    world.inactive(reader, &good.access_token, "token-expired").await;
}

#[tokio::test]
async fn t4_o6_a_token_of_a_stopped_person_client_or_organisation_is_not_active() {
    let api = Api::with("t4-o6", |_| ()).await;
    let (world, reader) = (&api.world, &api.reader);
    let token = api.token().await;
    let active = async || assert_eq!(reader.introspect(&token).await["active"], true);
    active().await;
    world.person(AT.pool().unwrap(), PERSON, false).await;
    world.inactive(reader, &token, "token-person-stopped").await;
    world.person(AT.pool().unwrap(), PERSON, true).await;
    active().await;
    world.set_client(AT, "caller", false).await;
    world.inactive(reader, &token, "token-client-stopped").await;
    world.set_client(AT, "caller", true).await;
    active().await;
    for standing in [Standing::Withdrawn, Standing::Deactivated] {
        world.set_organisation(AT, standing).await;
        world.inactive(reader, &token, "token-organisation-stopped").await;
        world.set_organisation(AT, Standing::Active).await;
        active().await;
    }
    let bad = ClientRegistration { redirect_uris: vec!["no uri".to_owned()], ..caller("caller") };
    world.register(AT, bad).await;
    world.inactive(reader, &token, "token-client-gone").await;
    world.register(AT, caller("caller")).await;
    active().await;
}

#[tokio::test]
async fn t4_a_token_whose_scope_was_withdrawn_deactivated_or_taken_off_is_not_active() {
    let api = Api::with("t4-scope", |_| ()).await;
    let (world, reader) = (&api.world, &api.reader);
    let token = api.token().await;
    for state in [AccessState::Withdrawn, AccessState::Denied] {
        world.access(AT, SCOPE, "991825827", state).await;
        world.inactive(reader, &token, "token-scope-withdrawn").await;
        world.access(AT, SCOPE, "991825827", AccessState::Approved).await;
    }
    world.scope(AT, ScopeRecord { active: false, ..api.record.clone() }).await;
    world.inactive(reader, &token, "token-scope-withdrawn").await;
    world.scope(AT, api.record.clone()).await;
    world.register(AT, refreshing("caller")).await;
    world.inactive(reader, &token, "token-scope-withdrawn").await;
    world.register(AT, caller("caller")).await;
    assert_eq!(reader.introspect(&token).await["active"], true);
    // And a reader whom the scope no longer names.
    let unnamed = ScopeRecord { enforced_aud_for_introspection: Vec::new(), ..api.record.clone() };
    world.scope(AT, unnamed).await;
    world.inactive(reader, &token, "caller-not-named").await;
}

#[tokio::test]
async fn b41_a_reader_that_was_stopped_reads_nothing() {
    let api = Api::with("b41", |_| ()).await;
    let token = api.token().await;
    let asking = api.reader.introspecting(&token);
    api.world.set_client(AT, "b41", false).await;
    api.world.refused_by(&asking, "invalid_client", "client-authentication-stopped").await;
    api.world.set_client(AT, "b41", true).await;
    assert_eq!(asking.send().await.json()["active"], true);
}

#[tokio::test]
async fn t4_a_refresh_with_fewer_scopes_hides_the_token_from_whom_the_others_name() {
    let api = Api::with("t4-narrow", |_| ()).await;
    let first = api.world.tokens_for(&api.service, PERSON, &format!("openid {SCOPE}")).await;
    let narrow = api.service.refreshing(first.refresh_token()).with("scope", "openid").send().await;
    let narrow = api.service.read(&narrow).await;
    api.world.inactive(&api.reader, &narrow.access_token, "caller-not-named").await;
    assert_eq!(api.reader.introspect(&first.access_token).await["active"], true);
}

#[tokio::test]
async fn t4_what_was_taken_back_is_not_active() {
    let api = Api::with("t4-back", |_| ()).await;
    let token = api.token().await;
    let client = Subject::Client(client_id("caller"));
    api.world.take_back(AT, client.clone(), api.world.now()).await;
    assert_eq!(api.reader.introspect(&token).await["active"], true, "given at that instant, not before");
    api.world.take_back(AT, client, api.world.now() + Seconds::new(1)).await;
    api.world.inactive(&api.reader, &token, "token-revoked").await;
}

// Pseudonymous logins (contract §14).

#[tokio::test]
async fn row_35_a_pseudonymous_scope_withholds_the_pid_but_from_whom_it_names() {
    for (name, format) in [("row-35-jwt", TokenType::SelfContained), ("row-35-opaque", TokenType::Opaque)] {
        let api = Api::with(name, |scope| {
            scope.requires_pseudonymous_tokens = true;
            scope.token_type = Some(format);
        })
        .await;
        let (world, service) = (&api.world, &api.service);
        let scope = format!("openid profile {SCOPE}");
        let first = world.tokens_for(service, PERSON, &scope).await;
        let second = service.refresh(first.refresh_token()).await;
        // A refresh without that scope does not bring it out either.
        let narrowed =
            service.refreshing(second.refresh_token()).with("scope", "openid profile").send().await;
        let narrowed = service.read(&narrowed).await;
        for tokens in [&first, &second, &narrowed] {
            assert_eq!(tokens.claim("pid"), Value::Null);
            assert!(tokens.claim("sub").is_string());
            let userinfo = service.userinfo(&tokens.access_token).await.json();
            assert_eq!((userinfo.get("pid"), &userinfo["sub"]), (None, &tokens.claim("sub")));
            if tokens.access_token.contains('.') {
                assert_eq!(service.verify(&tokens.access_token).await.unwrap().get("pid"), None);
            }
        }
        for tokens in [&first, &second] {
            let told = api.reader.introspect(&tokens.access_token).await;
            assert_eq!((&told["pid"], &told["sub"]), (&json!(PERSON), &first.claim("sub")));
        }
        // Nor does the scope itself, when it withholds nothing any more.
        let open = ScopeRecord { requires_pseudonymous_tokens: false, ..api.record.clone() };
        world.scope(AT, open).await;
        assert_eq!(service.userinfo(&second.access_token).await.json().get("pid"), None);
        let again = service.refresh(narrowed.refresh_token()).await;
        assert_eq!(again.claim("pid"), Value::Null);
        // A login without that scope is one with a pid.
        assert_eq!(world.tokens(service, PERSON).await.claim("pid"), PERSON);
    }
}

#[tokio::test]
async fn row_35_a_reader_of_another_scope_of_the_same_token_does_not_read_the_pid() {
    let api = Api::with("row-35-owner", |scope| scope.requires_pseudonymous_tokens = true).await;
    let world = &api.world;
    let other_scope = ScopeRecord {
        enforced_aud_for_introspection: vec![client_id("row-35-other")],
        accessible_for_all: true,
        ..owned_scope("kart:lese", OWNER)
    };
    world.scope(AT, other_scope).await;
    let other = world.register(AT, reader("row-35-other")).await;
    let both = ClientRegistration {
        scopes: scopes(&format!("openid profile {SCOPE} kart:lese")),
        ..refreshing("both")
    };
    let both = world.register(AT, both).await;
    let token = world.tokens_for(&both, PERSON, &format!("openid {SCOPE} kart:lese")).await.access_token;
    let told = other.introspect(&token).await;
    assert_eq!((&told["active"], &told["scope"], told.get("pid")), (&json!(true), &json!("kart:lese"), None));
    assert_eq!(api.reader.introspect(&token).await["pid"], PERSON);
    let plain = world.tokens_for(&both, PERSON, "openid kart:lese").await.access_token;
    assert_eq!(other.introspect(&plain).await["pid"], PERSON, "nothing is withheld of a login that is not");
}

#[tokio::test]
async fn an_opaque_token_without_openid_is_pseudonymous_to_its_client() {
    let api = Api::with("no-openid", |scope| scope.token_type = Some(TokenType::Opaque)).await;
    let tokens = api.world.tokens_for(&api.service, PERSON, SCOPE).await;
    assert_eq!((tokens.id_token.as_ref(), tokens.access_token.contains('.')), (None, false));
    assert_eq!(api.service.userinfo(&tokens.access_token).await.status, 403);
    assert_eq!(api.reader.introspect(&tokens.access_token).await["pid"], PERSON);
}

// The pilot's.

#[tokio::test]
async fn row_36_the_pilot_s_tokeninfo_works_unauthenticated_and_tells_nothing_of_a_person() {
    let world = World::new().await;
    for at in [At::Pilot, At::Exttest] {
        let service = world.register(at, refreshing("told")).await;
        let tokens = world.tokens(&service, PERSON).await;
        let issued = world.now().unix();
        world.wait(20);
        let reply = service.tokeninfo(&tokens.access_token).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"));
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        let expected = json!({
            "active": true, "token_type": "Bearer", "expires_in": 100, "exp": issued + 120, "iat": issued,
            "scope": "openid profile", "client_id": "told", "client_orgno": "991825827",
        });
        assert_eq!(reply.json(), expected);
        for nothing in ["unheard", tokens.refresh_token(), tokens.id_token.as_deref().unwrap()] {
            assert_inactive(&service.tokeninfo(nothing).await);
        }
        world.person(at.pool().unwrap(), PERSON, false).await;
        assert_inactive(&service.tokeninfo(&tokens.access_token).await);
        world.person(at.pool().unwrap(), PERSON, true).await;
        world.wait(100);
        assert_inactive(&service.tokeninfo(&tokens.access_token).await);
        let revoked = world.tokens(&service, PERSON).await;
        service.revoke(revoked.refresh_token()).await;
        assert_inactive(&service.tokeninfo(&revoked.access_token).await);
    }
}

#[tokio::test]
async fn row_36_tokeninfo_without_authentication_is_the_pilot_s_alone() {
    let api = Api::with("row-36-current", |_| ()).await;
    let token = api.token().await;
    for at in [At::Current, At::Split, At::Production] {
        let endpoint = format!("{}/tokeninfo", at.issuer().trim_end_matches('/'));
        let reply = api.world.call(Call::post(&endpoint, &[("token", &token)])).await;
        assert_eq!((reply.status.as_u16(), reply.error().as_str()), (401, "invalid_client"));
    }
    let service = api.world.register(At::Pilot, refreshing("pilot")).await;
    let token = api.world.tokens(&service, PERSON).await.access_token;
    assert_eq!(service.tokeninfo(&token).await.json()["active"], true);
}

#[tokio::test]
async fn row_36_the_pilot_s_tokeninfo_is_not_there_in_production_unless_it_is_switched_on() {
    let world = World::new().await;
    let provider = |issuer, environment| Provider::new(issuer, None, &PILOT, environment, None, "1").unwrap();
    let production = provider("https://pilot.example.no", Environment::Production);
    let switched_on = provider("https://open.example.no", Environment::Production).with_tokeninfo(true);
    let test = provider("https://test.example.no", Environment::Test);
    let switched_off = provider("https://shut.example.no", Environment::Test).with_tokeninfo(false);
    for (provider, there) in [(production, false), (switched_on, true), (test, true), (switched_off, false)] {
        let url = provider.issuer().url("/tokeninfo");
        let reply = world.beside(provider).await.call(Call::post(&url, &[("token", "x")])).await;
        assert_eq!(reply.status.as_u16(), if there { 200 } else { 404 }, "{url}");
        if there {
            assert_inactive(&reply);
        }
    }
}

#[tokio::test]
async fn a_pseudonymous_scope_at_the_pilot_withholds_the_pid_and_nobody_reads_it() {
    let world = World::new().await;
    world.organisation(At::Pilot, OWNER).await;
    let withholds = |token_type| ScopeRecord {
        token_type: Some(token_type),
        requires_pseudonymous_tokens: true,
        accessible_for_all: true,
        ..owned_scope(SCOPE, OWNER)
    };
    world.scope(At::Pilot, withholds(TokenType::Opaque)).await;
    let service = world.register(At::Pilot, caller("pseudonymous")).await;
    assert_eq!(world.tokens(&service, PERSON).await.claim("pid"), PERSON, "a login without that scope");
    for (token_type, is_jwt) in [(TokenType::Opaque, false), (TokenType::SelfContained, true)] {
        world.scope(At::Pilot, withholds(token_type)).await;
        let tokens = world.tokens_for(&service, PERSON, &format!("openid profile {SCOPE}")).await;
        let token = &tokens.access_token;
        assert_eq!((tokens.claim("pid"), tokens.claim("sub").is_string()), (Value::Null, true));
        assert_eq!(service.userinfo(token).await.json().get("pid"), None);
        assert_eq!(token.contains('.'), is_jwt);
        if is_jwt {
            assert_eq!(service.verify(token).await.unwrap().get("pid"), None);
        }
        let told = service.tokeninfo(token).await.json();
        assert_eq!((&told["active"], told.get("pid"), told.get("sub")), (&json!(true), None, None));
    }
}
