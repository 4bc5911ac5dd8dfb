//! `verify_tokens`: a server as configured sends no token that the independent verifier refuses.

use portvakt_crypto::certificate::self_signed;
use portvakt_crypto::random::Random;
use portvakt_crypto::signing::{RsaKey, Signer};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use portvakt_store::{MasterKey, Opening, Store, StoreUrl, StoredKey};
use portvakt_testkit::{Browser, Call, PERSONS, RelyingParty, Reply, Service, Wire};

use crate::registered::CATALOGUE;
use crate::server::Desk;

const ISSUER: &str = "http://localhost:8080/idporten-oidc-provider/";
const HOST: &str = "localhost:8080";
const MASTER_KEY: &str = "8f3c1d5e7a9b0246813579bdf02468ace13579bdf02468ace0f1e2d3c4b5a697";

fn configuration(verify_tokens: bool) -> String {
    format!(
        r#"
data = "data"
master_key = {{ file = "master.key" }}

[[listeners]]
address = "127.0.0.1:0"

[[issuers]]
issuer = "{ISSUER}"
profile = "pilot"
environment = "development"
terms = "1"
testid = {{ pools = ["a"] }}
verify_tokens = {verify_tokens}
"#
    )
}

/// Puts a key into use whose published certificate is another key's.
async fn plant_a_misfit(desk: &Desk) {
    let began = Timestamp::from_unix(1_700_000_000);
    let store = Store::open(Opening {
        url: StoreUrl::Folder(desk.path("data")),
        master: MasterKey::parse(MASTER_KEY).unwrap(),
        previous_master: None,
        random: Random::system(),
        now: began,
    });
    let store = store.await.unwrap();
    let [key, other] = [RsaKey::generate().unwrap(), RsaKey::generate().unwrap()];
    let misfit = StoredKey {
        kid: key.kid().to_owned(),
        pkcs8: key.to_pkcs8().unwrap(),
        chain: vec![self_signed(&other, "Another key", began.unix(), 3650).unwrap()],
        published: began,
        signs_from: began,
        signs_until: None,
        removed: None,
    };
    let issuer = Issuer::parse(ISSUER).unwrap();
    store.add_signing_key(&issuer, misfit, began).await.unwrap();
    store.close().await.unwrap();
}

/// What the token endpoint answers, unjudged by the test kit: this relying party looks at what came, whatever it is.
async fn answered(wire: &Wire) -> Reply {
    let service = Service {
        client_id: "skjema".to_owned(),
        secret: Some("the-secret-of-skjema".to_owned()),
        method: "client_secret_basic".to_owned(),
        redirect_uri: "https://skjema.example/callback".to_owned(),
    };
    let service = RelyingParty::discover(wire, ISSUER, service, Random::system()).await;
    let answer = service.login(&mut Browser::new(wire), PERSONS[0]).await;
    let call: Call = service.redemption(&answer).call();
    wire.call_unjudged(call).await
}

#[tokio::test]
async fn what_the_verifier_refuses_leaves_only_a_server_that_does_not_ask_it() {
    let desk = Desk::with(&configuration(true));
    desk.write("master.key", MASTER_KEY);
    plant_a_misfit(&desk).await;
    assert!(desk.apply(CATALOGUE, &[]).status.success());

    let server = desk.serve();
    let reply = answered(&server.wire(&[HOST])).await;
    assert_eq!((reply.status.as_u16(), reply.error().as_str()), (500, "server_error"));
    assert!(reply.json().get("id_token").is_none() && reply.json().get("access_token").is_none());
    server.terminate();
    let (_, log) = server.ended();
    let broken = log.iter().find(|line| line.contains("\"broken\"")).unwrap();
    assert!(broken.contains("the JWK Set: `x5c`"), "{broken}");

    desk.configure(&configuration(false));
    let server = desk.serve();
    let reply = answered(&server.wire(&[HOST])).await;
    assert_eq!(reply.status, 200, "{}", reply.description());
    assert!(reply.json().get("id_token").is_some());
    server.stop();
}
