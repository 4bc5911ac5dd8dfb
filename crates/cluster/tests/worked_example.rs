//! The worked example of `docs/operations.md` as an operator meets it: it comes up, and loses its primary.

use std::process::Command;
use std::time::Duration;

use portvakt_cluster::{Folder, MemberName, Password, Programs, WorkedExample};

/// What one statement of a role answers, or its refusal: a session of its own each.
fn asked(url: &str, password: &Password, statement: &str) -> Result<String, String> {
    let mut ask = Command::new(Programs::newest()?.path("psql"));
    ask.args(["-X", "-q", "-A", "-t", "-d", url, "-c", statement]);
    ask.env("PGPASSWORD", password.expose()).env("PGCONNECT_TIMEOUT", "5");
    let done = ask.output().map_err(|error| error.to_string())?;
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if done.status.success() { Ok(words(&done.stdout)) } else { Err(words(&done.stderr)) }
}

#[test]
fn a_killed_primary_is_replaced_and_what_was_committed_is_there() {
    let folder = Folder::temporary("example").unwrap();
    let mut example = WorkedExample::start(&folder.path().join("cluster")).unwrap();
    let (owner, node) = (example.owner_url(), example.node_url());

    // Nobody comes in without a password, and the nodes' role cannot change a table.
    let wrong = Password::draw().unwrap();
    assert!(asked(&node, &wrong, "SELECT 1").unwrap_err().contains("authentication failed"));
    asked(&owner, example.owner_password(), "CREATE TABLE kept (what text)").unwrap();
    asked(&owner, example.owner_password(), "GRANT SELECT, INSERT ON kept TO portvakt").unwrap();
    assert!(asked(&node, example.node_password(), "DROP TABLE kept").unwrap_err().contains("must be owner"));
    asked(&node, example.node_password(), "INSERT INTO kept VALUES ('before')").unwrap();

    let killed = example.kill_primary().unwrap();
    assert_eq!(example.primary(), None);
    let failover = example.await_new_primary(killed, Duration::from_secs(90)).unwrap();
    assert_ne!(failover.primary, killed.member);
    eprintln!("{} after {}: {failover:?}", failover.primary.as_str(), killed.member.as_str());

    // The way of the nodes, through the pooler, heals by itself.
    let begun = std::time::Instant::now();
    let kept = loop {
        match asked(&node, example.node_password(), "SELECT what FROM kept") {
            Ok(kept) => break kept,
            Err(told) => assert!(begun.elapsed() < Duration::from_secs(30), "{told}"),
        }
    };
    assert_eq!(kept, "before");

    // And the one that was killed comes back as a standby.
    example.restart(killed.member).unwrap();
    example.await_healthy(Duration::from_secs(90)).unwrap();
    assert_eq!(example.primary(), Some(failover.primary));
    let folders = MemberName::ALL.map(|member| example.member_log(member));
    assert!(folders.iter().all(|log| log.is_file()), "{folders:?}");
    example.stop().unwrap();
}
