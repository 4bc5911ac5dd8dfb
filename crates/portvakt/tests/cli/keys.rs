//! Rotating signing keys: the next is published at once and signs later, the one before stays as long as its tokens.

use std::path::Path;
use std::time::{Duration, Instant};

use portvakt_crypto::random::Random;
use portvakt_protocol::time::Timestamp;
use portvakt_store::{MasterKey, Opening, Store, StoreUrl};
use portvakt_testkit::{Browser, PERSONS, Process, RelyingParty};
use serde_json::Value;

use crate::server::{Desk, TWO_ISSUERS, complaint, portvakt, told};

const PILOT: &str = "https://pilot.example/idporten-oidc-provider/";
const PILOT_JWKS: &str = "https://pilot.example/idporten-oidc-provider/jwk";

/// The `kid` under which a service's next ID token is signed.
async fn signing_kid(service: &RelyingParty, process: &Process) -> Value {
    let answer = service.login(&mut Browser::new(process.wire()), PERSONS[0]).await;
    service.tokens(&answer).await.header()["kid"].clone()
}

async fn published(service: &RelyingParty) -> Vec<Value> {
    service.jwks().await.into_iter().map(|key| key["kid"].clone()).collect()
}

#[tokio::test]
async fn a_rotated_key_is_published_at_once_and_the_old_one_signs_until_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let process = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &["--data", &data]);
    for issuer in process.issuers() {
        let service = process.service(&issuer).await;
        let old = signing_kid(&service, &process).await;
        assert_eq!(published(&service).await, std::slice::from_ref(&old));

        let rotated = told(&portvakt(&["key", "rotate", "--data", &data, "--issuer", &issuer, "--json"]));
        let next = rotated[0]["kid"].clone();
        let mut both = vec![old.clone(), next.clone()];
        assert_eq!(published(&service).await, both, "published before the command has ended");
        assert_eq!(signing_kid(&service, &process).await, old, "clients have a day to fetch the next");

        let rotated =
            told(&portvakt(&["key", "rotate", "--now", "--data", &data, "--issuer", &issuer, "--json"]));
        let emergency = rotated[0]["kid"].clone();
        both.push(emergency.clone());
        let shown = published(&service).await;
        assert!(both.iter().all(|kid| shown.contains(kid)), "what the others signed can still be verified");
        assert_eq!(signing_kid(&service, &process).await, emergency);

        let listed = told(&portvakt(&["key", "list", "--data", &data, "--issuer", &issuer, "--json"]));
        let state = |kid: &Value| {
            let keys = listed[0]["keys"].as_array().unwrap();
            keys.iter().find(|key| key["kid"] == *kid).unwrap()["state"].clone()
        };
        assert_eq!(
            (state(&old), state(&next), state(&emergency)),
            ("previous".into(), "previous".into(), "signing".into())
        );
    }
}

#[tokio::test]
async fn a_withdrawn_key_leaves_the_jwk_set_at_once_and_what_it_signed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let process = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &["--data", &data]);
    let issuers = process.issuers();
    let issuer = issuers.last().unwrap();
    let service = process.service(issuer).await;
    let answer = service.login(&mut Browser::new(process.wire()), PERSONS[0]).await;
    let tokens = service.tokens(&answer).await;

    let alone = portvakt(&["key", "rotate", "--withdraw", "--data", &data]);
    assert_eq!(alone.status.code(), Some(2), "an emergency is said in full");

    let rotated = told(&portvakt(&[
        "key",
        "rotate",
        "--now",
        "--withdraw",
        "--data",
        &data,
        "--issuer",
        issuer,
        "--json",
    ]));
    assert_eq!(published(&service).await, [rotated[0]["kid"].clone()]);
    assert_ne!(tokens.header()["kid"], rotated[0]["kid"]);
    assert!(tokens.access_token.contains('.'), "a JWT");
    assert_eq!(
        service.userinfo(&tokens.access_token).await.status,
        401,
        "whoever has the key could have signed it"
    );
    assert_eq!(signing_kid(&service, &process).await, rotated[0]["kid"]);
}

#[tokio::test]
async fn the_next_key_signs_after_the_configured_lead() {
    let desk = Desk::with(TWO_ISSUERS);
    let _server = desk.serve();
    told(&desk.run(&["key", "rotate", "--issuer", PILOT, "--json"]));
    let states = || {
        let listed = told(&desk.run(&["key", "list", "--issuer", PILOT, "--json"]));
        let keys = listed[0]["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let begun = Instant::now();
    while states() != ["previous", "signing"] {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", states());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test]
async fn without_a_server_the_command_opens_the_folder_itself() {
    let desk = Desk::with(TWO_ISSUERS);
    let server = desk.serve();
    let first = server.kids(PILOT_JWKS).await;
    server.stop();
    let rotated = told(&desk.run(&["key", "rotate", "--json"]));
    assert_eq!(rotated.as_array().unwrap().len(), 2, "at every issuer");
    let server = desk.serve();
    assert_eq!(
        server.kids(PILOT_JWKS).await,
        [first[0].clone(), rotated[0]["kid"].as_str().unwrap().to_owned()]
    );
}

#[tokio::test]
async fn a_command_waits_for_a_server_that_is_about_to_leave_the_folder() {
    let desk = Desk::with(&format!("master_key = {{ file = \"master.key\" }}\n{TWO_ISSUERS}"));
    desk.write("master.key", "8f3c1d5e7a9b0246813579bdf02468ace13579bdf02468ace0f1e2d3c4b5a697");
    let holding = Store::open(Opening {
        url: StoreUrl::Folder(desk.path("data")),
        master: MasterKey::parse(&std::fs::read_to_string(desk.path("master.key")).unwrap()).unwrap(),
        previous_master: None,
        random: Random::system(),
        now: Timestamp::from_unix(1_790_000_000),
    })
    .await
    .unwrap();
    let (listed, closed) =
        tokio::join!(tokio::task::spawn_blocking(move || desk.run(&["key", "list", "--json"])), async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let closed = holding.close().await;
            drop(holding);
            closed
        });
    closed.unwrap();
    assert_eq!(told(&listed.unwrap()).as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_hint() {
    let desk = Desk::with(TWO_ISSUERS);
    let unknown = desk.run(&["key", "rotate", "--issuer", "https://pilot.example/"]);
    assert_eq!(unknown.status.code(), Some(1));
    let words = complaint(&unknown);
    assert!(words.contains("no issuer is configured as https://pilot.example/"), "{words}");
    assert!(words.contains("hint: name one of them exactly"), "{words}");

    let nobody = portvakt(&["key", "list", "--data", &desk.path("elsewhere").display().to_string()]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(complaint(&nobody).contains("no server runs on"), "{}", complaint(&nobody));
}
