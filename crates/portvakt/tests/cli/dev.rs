//! `portvakt dev`: what a developer starts first.

mod explain;
mod follow;
mod own;
mod process;
mod told;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portvakt_testkit::{Call, Wire};
use serde_json::Value;

use crate::server::{Desk, complaint, kids, portvakt, terminate};

/// Starts `dev` with a temporary folder of its own for temporary folders.
fn dev(temporary: &std::path::Path, arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(["dev", "--listen", "localhost:0", "--json"])
        .args(arguments)
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    child.stdout = Some(stdout.into_inner());
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn one_line_tells_a_script_all_it_needs_and_the_end_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut child, ready) = dev(temporary.path(), &[]);
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1);

    let profiles: Vec<_> =
        ready["issuers"].as_array().unwrap().iter().map(|one| one["profile"].clone()).collect();
    assert_eq!(profiles, ["pilot", "idporten"]);
    for issuer in ready["issuers"].as_array().unwrap() {
        assert_eq!(issuer["environment"], "development");
        let url = issuer["issuer"].as_str().unwrap();
        let authority = url.split('/').nth(2).unwrap();
        let port = authority.split(':').nth(1).unwrap();
        let wire = Wire::sockets([(authority.to_owned(), format!("127.0.0.1:{port}").parse().unwrap())]);
        let base = url.trim_end_matches('/');
        let discovery =
            wire.call(Call::get(&format!("{base}/.well-known/openid-configuration"))).await.json();
        assert_eq!(discovery["issuer"], url);
        let jwks = wire.call(Call::get(discovery["jwks_uri"].as_str().unwrap())).await.json();
        assert_eq!(kids(&jwks).len(), 1);
        for health in ["live", "ready"] {
            let reply = wire.call(Call::get(&format!("http://{authority}/health/{health}"))).await;
            assert_eq!(reply.status, 200, "{health}");
        }

        let here = |client: &&Value| client["issuer"] == url;
        let clients: Vec<_> = ready["clients"].as_array().unwrap().iter().filter(here).collect();
        let confidential: Vec<_> =
            clients.iter().filter(|client| client["client_secret"].is_string()).collect();
        assert_eq!(confidential.len(), 1, "{clients:?}");
        assert_eq!(confidential[0]["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(confidential[0]["redirect_uris"][0], "http://localhost:3000/callback");
        let kinds: Vec<_> =
            clients.iter().map(|client| client["application_type"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"browser") && kinds.contains(&"native"), "{kinds:?}");
    }
    assert_eq!(ready["persons"].as_array().unwrap().len(), 8);
    assert!(ready["persons"].as_array().unwrap().iter().all(|one| one["pid"].as_str().unwrap().len() == 11));

    terminate(child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line and no more");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "the temporary folder is gone");
}

#[test]
fn the_second_signal_ends_it_at_once_and_leaves_nothing_either() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut child, ready) = dev(temporary.path(), &[]);
    let port = ready["issuers"][0]["issuer"].as_str().unwrap().split([':', '/']).nth(4).unwrap().to_owned();
    let connect = || TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    // A body that does not come holds the drain up.
    let mut caller = connect();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-length: 29\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\ngrant_type="
    );
    caller.write_all(head.as_bytes()).unwrap();
    // Asked over another connection, so that the first one's head has been read.
    let mut other = connect();
    other.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    other.read_exact(&mut [0; 12]).unwrap();
    // Another worker may have had the first one.
    std::thread::sleep(Duration::from_millis(500));
    terminate(child.id());
    std::thread::sleep(Duration::from_millis(1200));
    assert!(child.try_wait().unwrap().is_none(), "it drains");
    terminate(child.id());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "the temporary folder is gone");
}

#[test]
fn a_given_folder_is_kept_and_started_from_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    for _ in 0..2 {
        let (mut child, ready) = dev(folder.path(), &["--data", &data]);
        let secret =
            ready["clients"].as_array().unwrap().iter().find_map(|client| client["client_secret"].as_str());
        assert!(secret.is_some(), "told at every start, for it is in the catalogue");
        terminate(child.id());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert!(folder.path().join("data/portvakt.db").exists());
}

#[test]
fn a_port_in_use_is_named_with_the_option_that_changes_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = portvakt(&["dev", "--listen", &port.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let words = complaint(&output);
    assert!(words.contains(&format!("localhost:{port}")) && words.contains("--listen"), "{words}");
}

#[test]
fn a_wrong_catalogue_is_refused_with_path_value_and_rule() {
    let desk = Desk::with("");
    desk.write(
        "catalogue.toml",
        r#"
        issuer = "http://localhost:8080"
        [[organisations]]
        orgno = "991825827"
        name = "A"
        terms = { version = "demo", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Kari" }
        [[clients]]
        client_id = "a"
        client_orgno = "991825827"
        display_name = "A"
        redirect_uris = ["javascript:alert(1)"]
        scopes = ["openid"]
        "#,
    );
    let catalogue = desk.path("catalogue.toml").display().to_string();
    let data = desk.path("data").display().to_string();
    let output = portvakt(&["dev", "--listen", "0", "--catalogue", &catalogue, "--data", &data]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!desk.path("data/portvakt.db-wal").exists(), "the store was closed");
    let words = complaint(&output);
    assert!(words.contains("clients[0].redirect_uris[0] = \"javascript:alert(1)\""), "{words}");
    assert!(words.contains("nothing of it was registered"), "{words}");
}
