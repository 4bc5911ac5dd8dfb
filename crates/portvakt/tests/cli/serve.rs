//! A server's life: it starts, owns its folder, is asked, and ends.

use std::io::{Read, Write};
use std::net::TcpStream;

use portvakt_crypto::certificate::self_signed;
use portvakt_crypto::encoding::base64_encode;
use portvakt_crypto::signing::{RsaKey, Signer};
use rustix::process::Signal;

use crate::server::{Desk, TWO_ISSUERS, complaint, kids, told};

const PILOT_JWKS: &str = "https://pilot.example/idporten-oidc-provider/jwk";
const CURRENT_JWKS: &str = "https://current.example/jwks.json";

const OLD_KEY: &str = "8f3c1d5e7a9b0246813579bdf02468ace13579bdf02468ace0f1e2d3c4b5a697";
const NEW_KEY: &str = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0";

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused_and_told_which_process_holds_it() {
    let desk = Desk::with(TWO_ISSUERS);
    let first = desk.serve();
    let (second, log) = desk.try_serve();
    assert_eq!(second.err(), Some(Some(1)));
    let told = log.last().expect("a line");
    assert!(told.contains(&format!("in use by process {}", first.id())), "{told}");
    assert_eq!(first.get(PILOT_JWKS).await.status, 200, "the first goes on");
    first.stop();
    desk.serve().stop();
}

#[tokio::test]
async fn every_issuer_answers_and_no_other_host_does() {
    let server = Desk::with(TWO_ISSUERS).serve_kept();
    for (url, status) in [
        ("https://pilot.example/idporten-oidc-provider/.well-known/openid-configuration", 200),
        ("https://current.example/.well-known/openid-configuration", 200),
        ("https://pilot.example/.well-known/openid-configuration", 404),
        ("https://other.example/.well-known/openid-configuration", 421),
        ("https://other.example/health/live", 200),
        ("https://other.example/health/ready", 200),
    ] {
        assert_eq!(server.1.get(url).await.status, status, "{url}");
    }
}

#[tokio::test]
async fn a_first_start_makes_keys_that_later_starts_keep() {
    let desk = Desk::with(TWO_ISSUERS);
    let server = desk.serve();
    let (pilot, current) = (server.kids(PILOT_JWKS).await, server.kids(CURRENT_JWKS).await);
    assert_eq!((pilot.len(), current.len()), (1, 1));
    assert_ne!(pilot, current, "each issuer has a key of its own");
    server.stop();
    let server = desk.serve();
    assert_eq!((server.kids(PILOT_JWKS).await, server.kids(CURRENT_JWKS).await), (pilot, current));
}

#[tokio::test]
async fn changing_the_master_key_keeps_what_it_sealed_and_ends_the_old_one() {
    let config = |keys: &str| format!("{keys}\n{TWO_ISSUERS}");
    let only = |file: &str| config(&format!("master_key = {{ file = \"{file}\" }}"));
    let desk = Desk::with(&only("old.key"));
    desk.write("old.key", &format!("{OLD_KEY}\n"));
    desk.write("new.key", NEW_KEY);
    let server = desk.serve();
    let kids = server.kids(PILOT_JWKS).await;
    server.stop();

    let refused = |why: &str| {
        let (server, log) = desk.try_serve();
        assert_eq!(server.err(), Some(Some(1)), "{why}");
        assert!(log.concat().contains("sealed under another master key"), "{why}: {log:?}");
        assert!(!log.concat().contains(&OLD_KEY[..16]) && !log.concat().contains(&NEW_KEY[..16]));
    };
    desk.configure(&only("new.key"));
    refused("the new key alone, while the old one still seals");

    desk.configure(&config(
        "master_key = { file = \"new.key\" }\nprevious_master_key = { file = \"old.key\" }",
    ));
    desk.serve().stop();

    desk.configure(&only("old.key"));
    refused("the old key, once it was changed");

    desk.configure(&only("new.key"));
    assert_eq!(desk.serve().kids(PILOT_JWKS).await, kids);
}

#[tokio::test]
async fn sigterm_finishes_the_request_under_way_and_ends_with_0() {
    let desk = Desk::with(TWO_ISSUERS);
    let server = desk.serve();
    let address = server.address;
    let mut caller = TcpStream::connect(address).unwrap();
    caller
        .write_all(
            b"POST /idporten-oidc-provider/token HTTP/1.1\r\nhost: pilot.example\r\nx-forwarded-proto: https\r\n\
              content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\ngrant_type=",
        )
        .unwrap();
    // Asked over another connection, so that the first one's head has been read.
    assert_eq!(server.get(PILOT_JWKS).await.status, 200);
    server.terminate();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(TcpStream::connect(address).is_err(), "no new connection is taken");
    caller.write_all(b"authorization_code").unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "answered, though refused: {answer}");
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log:?}");
    assert!(!desk.path("data/portvakt.sock").exists(), "the socket goes with the server");
}

#[tokio::test]
async fn what_a_kill_left_behind_does_not_keep_the_next_server_from_starting() {
    let desk = Desk::with(TWO_ISSUERS);
    drop(desk.serve());
    assert!(desk.path("data/portvakt.sock").exists(), "killed, so it could not be removed");
    let server = desk.serve();
    let listed = desk.run(&["key", "list", "--json"]);
    assert_eq!(told(&listed)[0]["keys"][0]["kid"], server.kids(PILOT_JWKS).await[0]);
}

#[tokio::test]
async fn the_folder_and_its_door_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(TWO_ISSUERS);
    let _server = desk.serve();
    let mode = |name: &str| std::fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    for file in std::fs::read_dir(desk.path("data")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert_eq!(mode(&format!("data/{name}")), 0o600, "{name}");
    }
}

/// A text as PEM has it (RFC 7468 §2).
fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = base64_encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[tokio::test]
async fn the_operators_own_key_and_certificate_sign_from_the_first_start() {
    let signing = "signing = { certificate = \"chain.pem\", key = \"key.pem\" }";
    let desk = Desk::with(&TWO_ISSUERS.replace("key_lead = \"1s\"", signing));
    let (key, other) = (RsaKey::generate().unwrap(), RsaKey::generate().unwrap());
    let certificate = self_signed(&key, "Own", 1_700_000_000, 3650).unwrap();
    desk.write("chain.pem", &pem("CERTIFICATE", &certificate));
    for (text, told) in [
        ("no key".to_owned(), "must hold an RSA private key"),
        (pem("PRIVATE KEY", &other.to_pkcs8().unwrap()), "must be the one of the key in"),
    ] {
        desk.write("key.pem", &text);
        let output = desk.run(&["serve"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(complaint(&output).contains("issuers[0].signing: "), "{}", complaint(&output));
        assert!(complaint(&output).contains(told), "{}", complaint(&output));
    }
    desk.write("key.pem", &pem("PRIVATE KEY", &key.to_pkcs8().unwrap()));
    let server = desk.serve();
    let jwks = server.get(PILOT_JWKS).await.json();
    assert_eq!(kids(&jwks), [key.kid()]);
    assert_eq!(jwks["keys"][0]["x5c"], serde_json::json!([base64_encode(&certificate)]));
    server.stop();

    // From then on they are in the store: an operator who has put them away can start again.
    std::fs::remove_file(desk.path("key.pem")).unwrap();
    let checked = desk.run(&["config", "check"]);
    assert!(checked.status.success(), "{}", complaint(&checked));
    assert!(complaint(&checked).contains("an issuer that has no signing key yet"), "{}", complaint(&checked));
    assert_eq!(desk.serve().kids(PILOT_JWKS).await, [key.kid()]);
}

#[tokio::test]
async fn sighup_ends_nothing() {
    let desk = Desk::with(TWO_ISSUERS);
    let server = desk.serve();
    server.signal(Signal::HUP);
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(server.get(PILOT_JWKS).await.status, 200);
    server.stop();
}

impl Desk {
    /// Starts the server, and keeps the folder beside it.
    fn serve_kept(self) -> (Self, crate::server::Server) {
        let server = self.serve();
        (self, server)
    }
}
