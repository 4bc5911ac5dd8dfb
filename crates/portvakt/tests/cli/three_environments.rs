//! The example with the pilot's three environments, in one process behind a proxy.

use std::collections::BTreeMap;

use portvakt_crypto::random::Random;
use portvakt_protocol::catalogue::{AsRegistered, Catalogue, plan};
use portvakt_protocol::profile::PILOT;
use portvakt_protocol::provider::{Environment, Provider};
use portvakt_protocol::time::Timestamp;
use portvakt_store::{Actor, MasterKey, Opening, Registered, Store, StoreUrl};
use portvakt_testkit::Call;
use serde_json::{Value, json};

use crate::server::{Desk, complaint, forwarded, told};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/three-environments.toml");
const KEY: &str = "8f3c1d5e7a9b0246813579bdf02468ace13579bdf02468ace0f1e2d3c4b5a697";
const PRODUCTION: &str = "https://idporten.difi.no/idporten-oidc-provider/";
const ISSUERS: [&str; 3] = [
    "https://eid-exttest.difi.no/idporten-oidc-provider/",
    "https://idporten-ver2.difi.no/idporten-oidc-provider/",
    PRODUCTION,
];

/// The example as it stands, but for the paths and the port, which are this test's own.
fn example() -> Desk {
    let mut text = std::fs::read_to_string(EXAMPLE).unwrap();
    for (own, here) in [
        ("/var/lib/portvakt", "data"),
        ("/etc/portvakt/master.key", "master.key"),
        ("127.0.0.1:8080", "127.0.0.1:0"),
    ] {
        assert_eq!(text.matches(own).count(), 1, "{own}");
        text = text.replace(own, here);
    }
    let desk = Desk::with(&text);
    desk.write("master.key", KEY);
    desk
}

/// Registers a service at production, in the folder that the server then opens.
async fn register(desk: &Desk) {
    let provider = Provider::new(PRODUCTION, None, &PILOT, Environment::Production, None, "2016-12").unwrap();
    let (now, random) = (Timestamp::from_unix(1_790_000_000), Random::system());
    let opening = Opening {
        url: StoreUrl::Folder(desk.path("data")),
        master: MasterKey::parse(KEY).unwrap(),
        previous_master: None,
        random: random.clone(),
        now,
    };
    let store = Store::open(opening).await.unwrap();
    let catalogue = Catalogue::parse(
        r#"
        [[organisations]]
        orgno = "991825827"
        name = "A service provider"
        terms = { version = "2016-12", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Kari Nordmann" }
        [[clients]]
        client_id = "a-service"
        client_orgno = "991825827"
        display_name = "A service"
        redirect_uris = ["https://a.example/callback"]
        scopes = ["openid", "profile"]
        "#,
    );
    let none =
        AsRegistered { providers: &[provider], registries: &BTreeMap::new(), persons: &BTreeMap::new() };
    let plan = plan(&catalogue.unwrap(), none, false, now, &random).unwrap();
    let done = store.register(plan.changes, None, Actor("test".to_owned()), now).await.unwrap();
    assert_eq!(done, Registered::Done);
    store.close().await.unwrap();
}

#[tokio::test]
async fn exttest_publishes_the_pilots_block_member_by_member_and_what_discovery_requires() {
    let desk = example();
    let server = desk.serve();
    let mut discovery: Value =
        server.get(&format!("{}.well-known/openid-configuration", ISSUERS[0])).await.json();
    // OpenID Connect Discovery 1.0 §3: required.
    let members = discovery.as_object_mut().unwrap();
    assert_eq!(members.remove("id_token_signing_alg_values_supported"), Some(json!(["RS256"])));
    assert_eq!(
        discovery,
        json!({
            "issuer": "https://eid-exttest.difi.no/idporten-oidc-provider/",
            "authorization_endpoint": "https://eid-exttest.difi.no/idporten-oidc-provider/authorize",
            "token_endpoint": "https://eid-exttest.difi.no/idporten-oidc-provider/token",
            "end_session_endpoint": "https://eid-exttest.difi.no/idporten-oidc-provider/endsession",
            "jwks_uri": "https://eid-exttest.difi.no/idporten-oidc-provider/jwk",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "userinfo_endpoint": "https://eid-exttest.difi.no/idporten-oidc-provider/userinfo",
            "scopes_supported": ["openid", "profile"],
            "ui_locales_supported": ["nb", "nn", "en", "se"]
        })
    );
}

#[tokio::test]
async fn each_environment_is_an_issuer_of_its_own() {
    let desk = example();
    let server = desk.serve();
    let mut kids = Vec::new();
    for issuer in ISSUERS {
        let discovery = server.get(&format!("{issuer}.well-known/openid-configuration")).await.json();
        assert_eq!(discovery["issuer"], issuer);
        kids.extend(server.kids(discovery["jwks_uri"].as_str().unwrap()).await);
    }
    kids.sort();
    kids.dedup();
    assert_eq!(kids.len(), 3, "three keys");
    // Without the proxy's word the request was http, and none of the issuers is.
    let plain = server.wire(&["idporten.difi.no"]);
    let reply = plain.call(Call::get(&format!("{PRODUCTION}.well-known/openid-configuration"))).await;
    assert_eq!(reply.status, 421);
}

#[tokio::test]
async fn production_without_an_eid_warns_at_start_and_answers_temporarily_unavailable() {
    let desk = example();
    register(&desk).await;
    let (server, log) = desk.try_serve();
    let server = server.unwrap_or_else(|code| panic!("{code:?}: {log:?}"));
    let warned = log.iter().any(|line| line.contains("WARN") && line.contains("temporarily_unavailable"));
    assert!(warned, "{log:?}");
    let request = format!(
        "{PRODUCTION}authorize?response_type=code&client_id=a-service&scope=openid&state=s&nonce=n\
         &redirect_uri=https%3A%2F%2Fa.example%2Fcallback"
    );
    let wire = server.wire(&["idporten.difi.no"]);
    let reply = wire.call(forwarded(Call::get(&request))).await;
    let location = reply.location().expect("a redirect to the service");
    assert!(location.starts_with("https://a.example/callback?"), "{location}");
    assert!(location.contains("error=temporarily_unavailable") && location.contains("state=s"), "{location}");
}

#[test]
fn the_example_tells_what_it_is() {
    let output = example().run(&["config", "check", "--json"]);
    let summary = told(&output);
    let environments: Vec<_> =
        summary["issuers"].as_array().unwrap().iter().map(|one| one["environment"].clone()).collect();
    assert_eq!(environments, ["test", "test", "production"]);
    assert!(complaint(&output).contains("temporarily_unavailable"));
}
