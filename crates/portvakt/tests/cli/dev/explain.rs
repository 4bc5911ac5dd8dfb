//! `portvakt explain`: a trace id from a real answer leads to everything that the log has about the refusal, and to nothing secret.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use portvakt_testkit::{Call, Reply, Wire};
use serde_json::Value;

use super::process::Double;
use crate::registered::{CATALOGUE, ISSUER, ONE_ISSUER, assert_refused};
use crate::server::{Desk, forwarded, lines, portvakt, told};

const NOBODYS: &str = "0123456789abcdef0123456789abcdef";

/// A code and a secret that may stand in no log, nor in what is told of one.
const SECRETS: [&str; 3] = ["swordfish-code", "demo-web-secret", "swordfish"];

/// The id at the end of an `error_description`.
fn trace_id(reply: &Reply) -> String {
    let description = reply.json()["error_description"].as_str().unwrap().to_owned();
    let (_, id) = description.rsplit_once("(trace_id: ").unwrap_or_else(|| panic!("{description}"));
    id.trim_end_matches(')').to_owned()
}

/// A code that nobody has, asked for with a client's right secret.
async fn refused(double: &Double, at: usize, client_id: &str) -> String {
    let url = format!("{}/token", double.issuer(at).trim_end_matches('/'));
    let secret = double.client(at, client_id)["client_secret"].as_str().unwrap().to_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", SECRETS[0]),
        ("redirect_uri", "http://localhost:3000/callback"),
    ];
    let reply = double.call(Call::post(&url, &form).basic(client_id, &secret)).await;
    assert_eq!(reply.json()["error"], "invalid_grant", "{}", reply.text());
    trace_id(&reply)
}

/// The command, with this folder for temporary folders, tried until the log has the event: it is written beside the answer.
fn explained(temporary: &Path, arguments: &[&str]) -> Output {
    let begun = Instant::now();
    loop {
        let output = Command::new(env!("CARGO_BIN_EXE_portvakt"))
            .arg("explain")
            .args(arguments)
            .env("TMPDIR", temporary)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if output.status.success() || begun.elapsed() > Duration::from_secs(5) {
            return output;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The command on this text as standard input.
fn piped(log: &[u8], arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(["explain", "--log", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that is refused before it reads has closed its end.
    let _ = child.stdin.take().unwrap().write_all(log);
    child.wait_with_output().unwrap()
}

#[test]
fn what_is_no_trace_id_no_log_or_not_in_it_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let misused = portvakt(&["explain", "nonsense"]);
    assert_eq!(misused.status.code(), Some(2));
    let words = String::from_utf8_lossy(&misused.stderr).into_owned();
    assert!(words.contains("must be 32 hexadecimal digits") && words.contains("(trace_id: ...)"), "{words}");

    let none = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(["explain", NOBODYS])
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert_refused(&none, &["no log of `portvakt dev` is there", "--log FILE"]);
    let data = folder.path().display().to_string();
    assert_refused(&portvakt(&["explain", NOBODYS, "--data", &data]), &["has no log of `portvakt dev`"]);
    let missing = folder.path().join("missing").display().to_string();
    assert_refused(&portvakt(&["explain", NOBODYS, "--log", &missing]), &["missing: ", "--log FILE"]);
    assert_refused(&piped(b"", &[NOBODYS]), &["is among 0 events of standard input", "hint: "]);
    assert_refused(&piped(b"INFO refused\n", &[NOBODYS]), &["no line of standard input is an event as JSON"]);
    let other = format!("{{\"trace_id\":\"{}\"}}\n", NOBODYS.replace('0', "f"));
    assert_refused(
        &piped(other.as_bytes(), &[NOBODYS, "--json"]),
        &[NOBODYS, "is among 1 event of standard input", "the node that answered"],
    );
}

#[tokio::test]
async fn a_refusal_of_dev_is_explained_by_the_trace_id_that_its_service_got() {
    let double = Double::with(&[]);
    let id = refused(&double, 1, "demo-web").await;
    let output = explained(double.temporary.path(), &[&id, "--json"]);
    let answer = told(&output);
    assert_eq!(answer["trace_id"], id.as_str());
    let [event] = answer["events"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    assert_eq!((&event["kind"], &event["issuer"]), (&"refusal".into(), &double.issuer(1).into()));
    assert_eq!((&event["endpoint"], &event["code"]), (&"token".into(), &"invalid_grant".into()));
    assert_eq!((&event["client"], &event["environment"]), (&"demo-web".into(), &"development".into()));
    assert!(event["organisation"].as_str().is_some_and(|orgno| orgno.len() == 9), "{event}");
    for field in ["time", "rule", "clause", "parameter", "expected", "received", "fix", "page"] {
        assert!(event[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {event}");
    }
    let page = double.call(Call::get(event["page"].as_str().unwrap())).await;
    assert_eq!(page.status, 200, "the page about the rule is there: {}", page.text());
    let text = String::from_utf8(explained(double.temporary.path(), &[&id]).stdout).unwrap();
    assert!(
        text.starts_with(&format!("refused at token of {}: invalid_grant\n", double.issuer(1))),
        "{text}"
    );
    for label in [
        "time",
        "trace_id",
        "environment",
        "client",
        "organisation",
        "rule",
        "clause",
        "expected",
        "received",
        "fix",
    ] {
        assert!(text.lines().any(|line| line.split_whitespace().next() == Some(label)), "{label} of\n{text}");
    }
    let whole = [output.stdout, text.clone().into_bytes()].concat();
    let whole = String::from_utf8(whole).unwrap();
    assert!(SECRETS.iter().all(|secret| !whole.contains(secret)), "{whole}");
    assert_refused(&explained(double.temporary.path(), &[NOBODYS]), &["no event of trace id", "log.jsonl"]);
    double.stop();
}

#[tokio::test]
async fn t4_why_a_token_is_told_to_be_not_active_is_explained_and_what_to_do_about_it() {
    let double = Double::with(&[]);
    let url = format!("{}/token/introspect", double.issuer(1));
    let secret = double.client(1, "demo-web")["client_secret"].as_str().unwrap().to_owned();
    let call = Call::post(&url, &[("token", SECRETS[0])]).basic("demo-web", &secret);
    let reply = double.call(call).await;
    assert_eq!(reply.text(), r#"{"active":false}"#, "whoever asks reads no reason");
    let said = double.says("trace id");
    assert!(
        said.contains(&format!("told that a token is not active at introspect of {}", double.issuer(1))),
        "{said}"
    );
    let id = said.split_whitespace().next_back().unwrap().to_owned();
    let output = explained(double.temporary.path(), &[&id, "--json"]);
    let answer = told(&output);
    let event = &answer["events"][0];
    assert_eq!((&event["kind"], &event["reason"]), (&"inactive".into(), &"caller-scope-missing".into()));
    assert_eq!((&event["client"], &event["environment"]), (&"demo-web".into(), &"development".into()));
    assert_eq!(event["organisation"], "991825827");
    assert!(event["meaning"].as_str().unwrap().contains("idporten:token.introspection"), "{event}");
    assert!(event["fix"].as_str().unwrap().contains("portvakt client update"), "{event}");
    let text = String::from_utf8(explained(double.temporary.path(), &[&id]).stdout).unwrap();
    let (heading, facts) = text.split_once('\n').unwrap();
    assert!(
        heading.ends_with(&format!(" introspect of {}: caller-scope-missing", double.issuer(1))),
        "{text}"
    );
    for label in ["reason", "meaning", "fix", "client", "organisation", "environment"] {
        assert!(
            facts.lines().any(|line| line.split_whitespace().next() == Some(label)),
            "{label} of\n{text}"
        );
    }
    assert!(!text.contains(SECRETS[0]) && !answer.to_string().contains(SECRETS[0]), "{text}");
    double.stop();
}

#[tokio::test]
async fn a_redirects_url_is_explained_as_it_stands_in_the_browser() {
    let double = Double::with(&[]);
    let asked = format!(
        "{}/authorize?client_id=demo-web&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback&scope=openid\
         &response_type=token&state={NOBODYS}",
        double.issuer(1)
    );
    let reply = double.call(Call::get(&asked)).await;
    let location = reply.location().unwrap_or_else(|| panic!("{}", reply.text())).to_owned();
    assert!(location.contains("trace_id%3A%20") && location.contains(NOBODYS), "{location}");
    for pasted in [location.clone(), format!("< location: {location}\r"), reply.description()] {
        let answer = told(&explained(double.temporary.path(), &[&pasted, "--json"]));
        assert_ne!(answer["trace_id"], NOBODYS, "a state is no trace id");
        assert_eq!(answer["events"][0]["rule"], "response-type-unsupported", "{pasted}");
    }
    double.stop();
}

#[test]
fn of_several_logs_without_the_request_it_is_told_how_many_and_which() {
    let temporary = tempfile::tempdir().unwrap();
    let event = format!("{{\"timestamp\":\"t\",\"trace_id\":\"{}\"}}\n", NOBODYS.replace('0', "f"));
    for (folder, files) in [("portvakt-dev-a", 1), ("portvakt-dev-b", 2)] {
        std::fs::create_dir(temporary.path().join(folder)).unwrap();
        for file in ["log.jsonl", "log.1.jsonl"].into_iter().take(files) {
            std::fs::write(temporary.path().join(folder).join(file), event.repeat(5)).unwrap();
        }
    }
    let output = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(["explain", NOBODYS])
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    assert_refused(
        &output,
        &["is among 15 events of 3 logs: ", "portvakt-dev-a/log.jsonl", "portvakt-dev-b/log.1.jsonl"],
    );
}

/// A running `dev` that prints its page, started in this folder; it is killed when this is dropped.
struct Printing {
    child: Child,
    page: String,
    errors: Receiver<String>,
}

impl Printing {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
            .args(["dev", "--listen", "0"])
            .args(arguments)
            .current_dir(folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = lines(BufReader::new(child.stderr.take().unwrap()));
        let mut page = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            page.push_str(&line);
            page.push('\n');
            if line.contains("Ctrl-C") {
                break;
            }
        }
        Self { child, page, errors }
    }

    /// What it answers to the code flow's secret that is wrong.
    async fn refuses(&self) -> Reply {
        let (_, rest) = self.page.split_once("http://localhost:").unwrap();
        let port: u16 = rest.split(|one: char| !one.is_ascii_digit()).next().unwrap().parse().unwrap();
        let wire = Wire::sockets([(format!("localhost:{port}"), ([127, 0, 0, 1], port).into())]);
        let form = [("grant_type", "authorization_code"), ("code", SECRETS[0])];
        let url = format!("http://localhost:{port}/token");
        wire.call(Call::post(&url, &form).basic("demo-web", SECRETS[2])).await
    }
}

impl Drop for Printing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands between the backticks around a command that explains something.
fn command(text: &str) -> &str {
    let line = text.lines().find(|line| line.contains(" explain ")).unwrap_or_else(|| panic!("{text}"));
    let (_, rest) = line.split_once('`').unwrap_or_else(|| panic!("{line}"));
    rest.rsplit_once('`').unwrap().0
}

/// A command as it is pasted into a shell elsewhere on the machine.
fn pasted(command: &str, temporary: &Path) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir("/").env("TMPDIR", temporary).stdin(Stdio::null());
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_command_that_dev_prints_works_as_it_is_pasted_wherever_its_log_is() {
    for arguments in [&[][..], &["--data", "it's a folder"]] {
        let folder = tempfile::tempdir().unwrap();
        let dev = Printing::start(folder.path(), arguments);
        let mut last = dev.refuses().await;
        let id = trace_id(&last);
        let said = pasted(&command(&dev.page).replace("TRACE_ID", &id), folder.path());
        assert!(said.contains(&id) && said.contains("client-secret-wrong"), "{said}");
        for _ in 1..10 {
            last = dev.refuses().await;
        }
        let warned = loop {
            let line = dev.errors.recv_timeout(Duration::from_secs(20)).expect("the owner is warned of");
            if line.contains("an owner is to be told") {
                break line;
            }
        };
        let said = pasted(command(&warned), folder.path());
        assert!(said.contains(&trace_id(&last)), "{warned}\n{said}");
    }
}

#[tokio::test]
async fn a_kept_folder_has_its_log_its_owners_alone_and_it_outlives_dev() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let double = Double::with(&["--data", data.to_str().unwrap()]);
    let authorize =
        format!("{}/authorize?client_id=nobody&scope=openid&response_type=code", double.issuer(1));
    let page = double.call(Call::get(&authorize)).await;
    assert_eq!(page.status, 400);
    double.stop();
    let log = data.join("log.jsonl");
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    let lines = std::fs::read_to_string(&log).unwrap();
    let refusal = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|event| event["target"] == "refusal")
        .unwrap();
    let id = refusal["trace_id"].as_str().unwrap();
    assert!(page.text().contains(id), "the page names it");
    let answer = told(&portvakt(&["explain", id, "--json", "--data", data.to_str().unwrap()]));
    assert_eq!(answer["events"][0]["received"], "\"nobody\"");
    assert_eq!(answer["events"][0]["organisation"], Value::Null, "a stranger has none");
    let by_file = told(&portvakt(&["explain", id, "--json", "--log", log.to_str().unwrap()]));
    assert_eq!(by_file, answer);
}

#[tokio::test]
async fn the_journal_of_serve_is_explained_from_standard_input() {
    let desk = Desk::with(ONE_ISSUER);
    assert!(desk.apply(CATALOGUE, &[]).status.success());
    let server = desk.serve();
    let form = [("grant_type", "authorization_code"), ("code", SECRETS[0])];
    let call = Call::post(&format!("{ISSUER}token"), &form).basic("skjema", SECRETS[2]);
    let reply = server.wire(&["pilot.example"]).call(forwarded(call)).await;
    let description = reply.json()["error_description"].as_str().unwrap().to_owned();
    server.terminate();
    let (_, log) = server.ended();
    let journal = format!("-- Boot --\n{}\n", log.join("\n"));
    let answer = told(&piped(journal.as_bytes(), &["--json", &description]));
    let prefixed: String =
        log.iter().map(|line| format!("Nov 23 05:00:00 host portvakt[7]: {line}\n")).collect();
    assert_eq!(told(&piped(prefixed.as_bytes(), &["--json", &description])), answer);
    let event = &answer["events"][0];
    assert_eq!((&event["client"], &event["organisation"]), (&"skjema".into(), &"991825827".into()));
    assert_eq!((&event["kind"], &event["code"]), (&"refusal".into(), &"invalid_client".into()));
    assert!(SECRETS.iter().all(|secret| !answer.to_string().contains(secret)), "{answer}");
}

#[test]
fn a_failure_of_the_servers_is_told_as_such_and_nothing_in_a_log_steers_the_terminal() {
    let event = serde_json::json!({
        "timestamp": "2026-11-23T05:00:00Z", "target": "broken", "trace_id": NOBODYS, "endpoint": "token",
        "issuer": "https://a.example", "cause": "the disk\n  fix  forged\u{1b}[2J\u{202e}", "message": "failed",
    });
    let log = format!("{event}\n");
    let output = piped(log.as_bytes(), &[NOBODYS]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("failed at token of https://a.example: the server's fault"), "{text}");
    assert!(
        text.contains("cause") && text.contains("the disk\\u000a  fix  forged\\u001b[2J\\u202e"),
        "{text}"
    );
    assert!(!text.replace('\n', "").chars().any(char::is_control), "{text:?}");
    let answer = told(&piped(log.as_bytes(), &[NOBODYS, "--json"]));
    assert_eq!(answer["events"][0]["kind"], "broken");
}
