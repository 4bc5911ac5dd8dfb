//! What a double tells: the ready file, the page, and refusals in the terminal.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use portvakt_testkit::Call;

use super::process::{Double, is_empty};
use crate::server::{complaint, portvakt, terminate};

#[tokio::test]
async fn a_refusal_is_a_block_in_the_terminal_and_nothing_in_it_steers_it() {
    let double = Double::with(&[]);
    let authorize =
        format!("{}/authorize?response_type=code&client_id=demo-web&scope=openid", double.issuer(1));
    let page = double
        .call(Call::get(&format!("{authorize}&redirect_uri=http%3A%2F%2Fa%0A%20%20%20%20fix%1B%5B2J")))
        .await;
    assert_eq!(page.status, 400);
    let said = double.says("    fix        ");
    let labels: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("    ")?.split("  ").next()).collect();
    let expected =
        ["client", "orgno", "trace id", "rule", "clause", "parameter", "expected", "received", "fix"];
    assert_eq!(labels, expected, "{said}");
    assert!(said.contains("Z refused at authoriz"), "{said}");
    assert!(!said.replace('\n', "").chars().any(char::is_control), "{said:?}");
    let form = [("grant_type", "authorization_code"), ("code", "swordfish-code")];
    double
        .call(Call::post(&format!("{}/token", double.issuer(1)), &form).basic("demo-web", "swordfish"))
        .await;
    let said = double.says("    fix        ");
    assert!(said.contains("invalid_client") && !said.contains("swordfish"), "{said}");
    double.stop();
}

#[test]
fn a_ready_file_that_cannot_be_is_refused_with_its_option() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("no/such/folder")] {
        let output = portvakt(&["dev", "--listen", "0", "--ready-file", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        let words = complaint(&output);
        assert!(words.contains("--ready-file FILE"), "{words}");
    }
}

#[test]
fn the_ready_file_is_there_while_it_serves_and_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    std::fs::write(&path, "left behind").unwrap();
    let double = Double::with(&["--ready-file", path.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(told, double.ready);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    double.stop();
    assert!(is_empty(folder.path()), "it is gone");
}

#[test]
fn the_demo_catalogue_is_written_for_where_the_demo_runs() {
    let double = Double::with(&["--demo", "http://localhost:3141"]);
    assert_eq!(double.ready["demo"], "http://localhost:3141");
    let uris = &double.client(1, "demo-web")["redirect_uris"];
    assert_eq!(
        *uris,
        serde_json::json!(["http://localhost:3141/callback", "http://127.0.0.1:3141/callback"])
    );
    let issuer = &double.ready["issuers"][0];
    assert_eq!(issuer["issuer_page"], issuer["issuer"]);
    double.stop();
    assert!(Double::with(&[]).ready["demo"].is_null());
}

#[tokio::test]
async fn the_example_of_a_login_without_a_page_works_as_it_is_told() {
    let double = Double::with(&[]);
    let example = double.ready["issuers"][0]["login_hint_example"].as_str().unwrap();
    let reply = double.call(Call::get(example)).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let location = reply.header("location");
    assert!(location.starts_with("http://localhost:3000/callback?code="), "{location}");
    // What demands PKCE cannot be tried from one line.
    assert!(double.ready["issuers"][1]["login_hint_example"].is_null());
    double.stop();
}

#[test]
fn the_names_of_all_pages_are_told_and_nothing_is_started() {
    let output = portvakt(&["dev", "--pages"]);
    let pages: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(pages.contains(&"login".to_owned()) && pages.len() > 5, "{pages:?}");
}

#[test]
fn the_page_ends_with_where_to_click_and_before_it_what_to_try_next() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(["dev", "--listen", "0", "--demo", "http://localhost:3141"])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut page = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let last = line.contains("Ctrl-C");
        page.push(line);
        if last {
            break;
        }
    }
    terminate(child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let last = page.last().map(String::as_str).unwrap_or_default();
    assert!(last.starts_with("Open http://localhost:3141 and click"), "what scrolls off last: {page:#?}");
    let place = |words: &str| {
        page.iter().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {page:#?}"))
    };
    let order = [
        "ready at",
        "Issuers",
        "Clients at",
        "demo-pilot-secret",
        "Test persons",
        "login_hint=testid:",
        "--client",
        "What is refused",
    ];
    let places: Vec<_> = order.iter().map(|words| place(words)).collect();
    assert!(places.is_sorted(), "{places:?}: {page:#?}");
}
