//! A catalogue file that is read again: what a developer sees while editing it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Double;
use crate::server::terminate;

const HEAD: &str = r#"
issuer = ["http://localhost:8080/idporten-oidc-provider/", "http://localhost:8080"]
[[organisations]]
orgno = "991825827"
name = "A"
terms = { version = "demo", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Kari" }
"#;

fn client(id: &str, redirect_uri: &str) -> String {
    format!(
        "[[clients]]\nclient_id = \"{id}\"\nclient_secret = \"{id}-secret\"\nclient_orgno = \"991825827\"\n\
         display_name = \"{id}\"\nredirect_uris = [\"{redirect_uri}\"]\nscopes = [\"openid\"]\n"
    )
}

/// A folder with a catalogue in it.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn catalogue(&self) -> PathBuf {
        self.folder.path().join("catalogue.toml")
    }

    fn write(&self, clients: &[String]) {
        std::fs::write(self.catalogue(), [HEAD, &clients.concat()].concat()).unwrap();
    }

    /// As editors save: a new file takes the old one's place.
    fn replace(&self, clients: &[String]) {
        let new = self.folder.path().join("catalogue.toml~");
        std::fs::write(&new, [HEAD, &clients.concat()].concat()).unwrap();
        std::fs::rename(new, self.catalogue()).unwrap();
    }

    fn double(&self, more: &[&str]) -> Double {
        let file = self.catalogue().display().to_string();
        Double::with(&[&["--catalogue", file.as_str()], more].concat())
    }
}

fn read(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_file_with_a_fault_changes_nothing_until_it_is_corrected() {
    let files = Files::new();
    files.write(&[client("one", "http://localhost:4000/cb")]);
    let double = files.double(&[]);
    assert_eq!(double.recognises(1, "one", "one-secret").await, "invalid_grant");

    files.write(&[client("two", "javascript:alert(1)")]);
    double.says("nothing was changed, for it must be corrected");
    double.says("clients[0].redirect_uris[0] = \"javascript:alert(1)\": must ");
    assert_eq!(double.recognises(1, "one", "one-secret").await, "invalid_grant");
    assert_eq!(double.recognises(1, "two", "two-secret").await, "invalid_client");

    std::fs::write(files.catalogue(), "issuer = [").unwrap();
    double.says("line 1: must be TOML");
    std::fs::write(files.catalogue(), "").unwrap();
    double.says("is empty now: nothing was changed");
    std::fs::remove_file(files.catalogue()).unwrap();
    double.says("cannot be read");
    assert_eq!(double.recognises(1, "one", "one-secret").await, "invalid_grant");

    files.write(&[client("one", "http://localhost:4000/cb"), client("two", "http://localhost:4000/cb")]);
    let said = double.says("+ client two at http");
    assert!(said.contains("catalogue.toml read again: 4 added"), "two clients and two secrets: {said}");
    assert_eq!(double.recognises(0, "two", "two-secret").await, "invalid_grant");
    double.stop();
}

#[tokio::test]
async fn what_is_no_longer_named_goes_and_comes_back_and_the_own_client_stays() {
    let files = Files::new();
    files.write(&[client("one", "http://localhost:4000/cb")]);
    let ready = files.folder.path().join("ready.json");
    let own = ["--client", "own", "--redirect-uri", "http://localhost:5000/", "--secret", "own-secret"];
    let double = files.double(&[&own[..], &["--ready-file", ready.to_str().unwrap()]].concat());
    let names = || {
        let told = read(&ready);
        let clients = told["clients"].as_array().unwrap().clone();
        let names: Vec<_> = clients.iter().map(|one| one["client_id"].as_str().unwrap().to_owned()).collect();
        names.join(" ")
    };
    assert_eq!(names(), "own one own one");

    files.replace(&[client("two", "http://localhost:4000/cb")]);
    let said = double.says("secret of client two at http://localhost:");
    assert!(said.contains("2 stopped"), "{said}");
    assert_eq!(double.recognises(1, "one", "one-secret").await, "invalid_client");
    assert_eq!(double.recognises(1, "own", "own-secret").await, "invalid_grant");

    files.replace(&[client("one", "http://localhost:6000/cb")]);
    let said = double.says("- client two at http");
    assert!(
        said.contains("redirect_uris [\"http://localhost:4000/cb\"] → [\"http://localhost:6000/cb\"]"),
        "{said}"
    );
    assert_eq!(double.recognises(1, "one", "one-secret").await, "invalid_grant");
    assert_eq!(double.recognises(1, "two", "two-secret").await, "invalid_client");

    files.replace(&[client("one", "http://localhost:6000/cb"), "# a comment\n".into()]);
    double.says("read again: nothing changed");
    assert_eq!(names(), "own one own one", "the ready file follows");
    double.stop();
}

#[tokio::test]
async fn with_a_kept_folder_what_is_no_longer_named_stays_and_is_told() {
    let files = Files::new();
    files.write(&[client("one", "http://localhost:4000/cb"), client("two", "http://localhost:4000/cb")]);
    let data = files.folder.path().join("data").display().to_string();
    let double = files.double(&["--data", &data]);
    files.write(&[client("two", "http://localhost:4000/cb")]);
    double.says("client one: no longer named, and kept");
    assert_eq!(double.recognises(1, "one", "one-secret").await, "invalid_grant");
    double.stop();
}

#[tokio::test]
async fn a_secret_file_that_changes_is_read_again_too() {
    let files = Files::new();
    let secret = files.folder.path().join("secret");
    std::fs::write(&secret, "before\n").unwrap();
    let named = client("one", "http://localhost:4000/cb").replace("\"one-secret\"", "{ file = \"secret\" }");
    files.write(&[named]);
    let double = files.double(&[]);
    assert_eq!(double.recognises(1, "one", "before").await, "invalid_grant");
    std::fs::write(&secret, "after\n").unwrap();
    let said = double.says("secret of client one at http");
    assert!(!said.contains("before") && !said.contains("after"), "{said}");
    assert_eq!(double.recognises(1, "one", "after").await, "invalid_grant");
    assert_eq!(double.recognises(1, "one", "before").await, "invalid_client");
    double.stop();
}

#[test]
fn a_pipe_is_read_once_and_not_said_to_be_followed() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(["dev", "--listen", "0", "--catalogue", "/dev/stdin"])
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let text = [HEAD, &client("one", "http://localhost:4000/cb")].concat();
    // Closed at once, as a shell's pipe is.
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let page: Vec<_> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.contains("Ctrl-C"))
        .collect();
    terminate(child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let page = page.join("\n");
    assert!(page.contains("/dev/stdin is no regular file: it was read once."), "{page}");
    assert!(page.contains("one-secret") && !page.contains("read again"), "{page}");
}
