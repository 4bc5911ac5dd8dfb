//! `portvakt revoke`: everything that was given before now is taken back, and what is given after it lives.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use portvakt_testkit::{Browser, PERSONS, Process};

use crate::registered::{ISSUER, ONE_ISSUER, ORGNO, OTHER_ORGNO, assert_refused};
use crate::server::{Desk, complaint, portvakt, told};

/// A command with something on its standard input.
fn typed(arguments: &[&str], input: &str) -> Output {
    let child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    // One that refuses before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn what_is_not_said_or_not_known_takes_nothing_back() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    for (arguments, words) in [
        (&["revoke"][..], "it was not said whose everything is to be taken back"),
        (&["revoke", "--client", "nobody"], "no client \"nobody\" is registered at"),
        (&["revoke", "--organisation", OTHER_ORGNO], "no organisation \"889640782\" is registered at"),
        (
            &["revoke", "--issuer", "https://nobody.example"],
            "no issuer is configured as https://nobody.example",
        ),
        // A month from 1 to 12, as real persons have; its control digits are wrong.
        (&["revoke", "--person", "01019012345"], "a person's number is no argument, unless it is synthetic"),
        (&["revoke", "--person", "21879498013"], "a person's number is no argument, unless it is synthetic"),
    ] {
        let refused = desk.run(arguments);
        assert_refused(&refused, &[words]);
        assert!(!complaint(&refused).contains("01019012345") && !complaint(&refused).contains("21879498013"));
    }
    let config = desk.config();
    let refused = typed(&["revoke", "--person", "-", "--config", &config], "21879498013\n");
    assert_refused(&refused, &["the person's number must have correct control digits"]);
    assert!(!complaint(&refused).contains("21879498013"));
    assert_refused(
        &typed(&["revoke", "--person", "-", "--config", &config], ""),
        &["the person's number must"],
    );
    let both = desk.run(&["revoke", "--client", "a", "--organisation", ORGNO]);
    assert_eq!(both.status.code(), Some(2), "misused: {}", complaint(&both));
}

#[test]
fn what_was_taken_back_is_told_without_a_persons_number() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.add_client("skjema", &[]);
    let config = desk.config();
    let members = |told: &serde_json::Value| {
        let mut members: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
        members.sort();
        members
    };
    let client = desk.told(&["revoke", "--client", "skjema"]);
    assert_eq!((&client["kind"], &client["client_id"]), (&"client".into(), &"skjema".into()));
    assert_eq!(members(&client), ["client_id", "issuer", "kind", "not_before"]);
    let organisation = desk.told(&["revoke", "--organisation", ORGNO]);
    assert_eq!((&organisation["kind"], &organisation["orgno"]), (&"organisation".into(), &ORGNO.into()));
    let issuer = desk.told(&["revoke", "--issuer", ISSUER]);
    assert_eq!((&issuer["kind"], &issuer["issuer"]), (&"issuer".into(), &ISSUER.into()));
    for person in [
        typed(&["revoke", "--person", "-", "--config", &config, "--json"], "21879498012\n"),
        desk.run(&["revoke", "--person", "21879498012", "--json"]),
    ] {
        assert!(!String::from_utf8_lossy(&person.stdout).contains("21879498012"));
        assert_eq!(members(&told(&person)), ["issuer", "kind", "not_before"]);
    }
    assert!(!desk.keeps("21879498012"));
    let page = String::from_utf8(desk.run(&["revoke", "--client", "skjema"]).stdout).unwrap();
    let words = format!("Everything that {ISSUER} gave to the client skjema before ");
    assert!(page.starts_with(&words) && page.ends_with("Z is taken back.\n"), "{page}");
}

#[tokio::test]
async fn everything_given_before_is_nothing_when_the_command_has_ended_and_what_is_given_after_lives() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let dev = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &["--data", &data]);
    for issuer in dev.issuers() {
        let service = dev.service(&issuer).await;
        let client = service.service().client_id.clone();
        let (someone, other) = (PERSONS[0], PERSONS[1]);
        for (subject, others_too) in [
            (&["--client", &client][..], true),
            (&["--organisation", ORGNO], true),
            (&["--person", someone], false),
            (&[], true),
        ] {
            let code = service.login(&mut Browser::new(dev.wire()), someone).await;
            let given = service.tokens(&service.login(&mut Browser::new(dev.wire()), someone).await).await;
            let others = service.tokens(&service.login(&mut Browser::new(dev.wire()), other).await).await;
            assert_eq!(service.userinfo(&given.access_token).await.status, 200);
            let at = ["--data", &data, "--issuer", &issuer, "--json"];
            told(&portvakt(&[&["revoke"], subject, &at[..]].concat()));
            assert_eq!(service.userinfo(&given.access_token).await.status, 401, "{subject:?} at {issuer}");
            let refused = service.redeem(&code).await;
            assert_eq!((refused.status.as_u16(), refused.error().as_str()), (400, "invalid_grant"));
            let expected = if others_too { 401 } else { 200 };
            assert_eq!(service.userinfo(&others.access_token).await.status, expected, "{subject:?}");

            let again = service.tokens(&service.login(&mut Browser::new(dev.wire()), someone).await).await;
            assert_eq!(service.userinfo(&again.access_token).await.status, 200, "{subject:?} at {issuer}");
        }
    }
}
