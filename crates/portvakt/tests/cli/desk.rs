//! The desk's socket, spoken to by hand: whatever comes over it, the server answers in a line and goes on.

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::server::{Desk, TWO_ISSUERS, told};

/// Says `line` and reads what is answered.
fn say(desk: &Desk, line: &[u8]) -> Value {
    let mut socket = UnixStream::connect(desk.path("data/portvakt.sock")).unwrap();
    // A refused line may be answered before all of it is read.
    let _ = socket.write_all(line);
    let _ = socket.shutdown(Shutdown::Write);
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer).unwrap();
    assert!(answer.ends_with('\n'), "one line: {answer:?}");
    serde_json::from_str(&answer).unwrap()
}

#[tokio::test]
async fn what_is_no_command_is_refused_and_changes_nothing() {
    let desk = Desk::with(TWO_ISSUERS);
    let _server = desk.serve();
    let before = told(&desk.run(&["key", "list", "--json"]));
    for line in [
        &b""[..],
        b"\n",
        b"rotate\n",
        b"{\"command\":\"drop_everything\"}\n",
        b"{\"command\":\"key_rotate\",\"takeover\":\"at_once\",\"secret\":\"swordfish\"}\n",
        b"{\"command\":\"key_rotate\",\"issuer\":null,\"takeover\":\"at_once\"}",
        b"{\"command\":\"key_rotate\",\"issuer\":null,\"takeover\":\"someday\"}\n",
        b"\xff\xfe\n",
    ] {
        let answer = say(&desk, line);
        let refused = answer["refused"]["what"].as_str();
        assert!(refused.is_some(), "{answer}");
        assert!(!answer.to_string().contains("swordfish"), "what was said is not repeated: {answer}");
    }
    assert_eq!(told(&desk.run(&["key", "list", "--json"])), before);
}

#[tokio::test]
async fn a_line_beyond_the_limit_is_refused_without_being_kept() {
    let desk = Desk::with(TWO_ISSUERS);
    let server = desk.serve();
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().to_owned();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = resident();
    let long = vec![b'x'; 40 * 1024 * 1024];
    assert!(say(&desk, &long)["refused"]["what"].as_str().unwrap().contains("16 MiB"));
    assert!(resident() < before + 40 * 1024, "{before} kB before, {} kB after", resident());
    assert!(!told(&desk.run(&["key", "list", "--json"])).as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_command_says_in_the_log_who_gave_it() {
    let desk = Desk::with(TWO_ISSUERS);
    let server = desk.serve();
    told(&desk.run(&["key", "rotate", "--json"]));
    server.terminate();
    let (code, log) = server.ended();
    assert_eq!(code, Some(0));
    let uid = rustix::process::getuid().as_raw();
    let given = log.iter().find(|line| line.contains("key rotate")).expect("a line");
    assert!(given.contains(&format!("uid {uid}")), "{given}");
}
