//! `portvakt client …`: one client at a time, through the rules that a catalogue passes.

use std::path::Path;
use std::process::{Command, Stdio};

use portvakt_crypto::random::Random;
use portvakt_protocol::time::Timestamp;
use portvakt_testkit::{Browser, PERSONS, Process, RelyingParty, Service};
use portvakt_web::clock::Clock;
use rustix::process::getuid;
use serde_json::Value;

use crate::registered::{
    CATALOGUE, ISSUER, ONE_ISSUER, ORGNO, OTHER_ORGNO, assert_refused, in_production, kinds, secret,
};
use crate::server::{Desk, TWO_ISSUERS, complaint, portvakt, told};

#[test]
fn a_client_of_an_organisation_without_terms_is_refused() {
    let desk = Desk::with(ONE_ISSUER);
    desk.told(&["organisation", "add", ORGNO, "--name", "Difi"]);
    let add = |orgno: &'static str| {
        [
            "client",
            "add",
            "skjema",
            "--client-orgno",
            orgno,
            "--display-name",
            "Skjema",
            "--redirect-uri",
            "https://skjema.example/",
            "--scope",
            "openid",
        ]
    };
    desk.refuses(
        &add(ORGNO),
        &["client_orgno = \"991825827\": must be an organisation that has accepted the terms"],
    );
    desk.refuses(&add("889640782"), &["client_orgno = \"889640782\": must be an organisation registered at"]);
    desk.refuses(&add("991825828"), &["client_orgno = \"991825828\": must have a correct control digit"]);
    desk.told(&["organisation", "accept-terms", ORGNO, "--accepted-by", "Kari Nordmann"]);
    desk.told(&add(ORGNO));
}

#[test]
fn every_wrong_field_is_told_and_nothing_is_registered() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.refuses(
        &[
            "client",
            "add",
            "skje ma",
            "--client-orgno",
            ORGNO,
            "--display-name",
            "Kari 21879498012",
            "--redirect-uri",
            "https://skjema.example/",
            "--redirect-uri",
            "https://skjema.example/#top",
            "--scope",
            "openid",
            "--access-token-lifetime",
            "-1",
            "--amr-claim",
            "text",
        ],
        &[
            "client_id = \"skje ma\": must",
            "display_name = (text of 16 characters): must hold no identity number",
            "redirect_uris[1] = \"https://skjema.example/#top\": must",
            "access_token_lifetime = -1: must be a whole number",
            "amr_claim = \"text\": must be string or array",
            "hint: nothing was registered",
        ],
    );
}

#[test]
fn a_client_that_is_there_is_not_added_and_one_that_is_not_cannot_be_changed() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.add_client("skjema", &[]);
    desk.refuses(
        &["client", "add", "skjema", "--client-orgno", ORGNO, "--display-name", "Other"],
        &["the client \"skjema\" is registered at", "hint: change it with `portvakt client update`"],
    );
    for command in [
        &["client", "show"][..],
        &["client", "update", "--display-name", "Other"],
        &["client", "deactivate"],
        &["client", "activate"],
        &["client", "secret", "rotate"],
    ] {
        desk.refuses(&[command, &["nobody"]].concat(), &["no client \"nobody\" is registered at", ISSUER]);
        let typed = desk.run(&[command, &["21879498012"]].concat());
        assert_refused(&typed, &["no client (text of 11 characters) is registered"]);
        assert!(!complaint(&typed).contains("21879498012"));
    }
}

#[test]
fn with_several_issuers_one_must_be_named_exactly() {
    let desk = Desk::with(TWO_ISSUERS);
    desk.refuses(
        &["organisation", "add", ORGNO, "--name", "Difi"],
        &[
            "there are 2 issuers, and none was named",
            "hint: name one of them with --issuer URL: https://pilot.example",
        ],
    );
    desk.refuses(
        &["organisation", "add", ORGNO, "--name", "Difi", "--issuer", "https://pilot.example"],
        &["no issuer is configured as https://pilot.example", ISSUER],
    );
    let at = ["--issuer", ISSUER];
    desk.told(
        &[&["organisation", "add", ORGNO, "--name", "Difi", "--accepted-by", "Kari"], &at[..]].concat(),
    );
    desk.add_client("skjema", &at);
    let listed = desk.told(&["client", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "at the one issuer only: {listed}");
    assert_eq!(listed[0]["issuer"], ISSUER);
    assert!(
        desk.told(&["client", "list", "--issuer", "https://current.example"]).as_array().unwrap().is_empty()
    );
}

#[test]
fn a_given_secret_is_never_an_argument() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    let add = ["client", "add", "skjema", "--client-orgno", ORGNO, "--display-name", "Skjema"];
    let add = [&add[..], &["--redirect-uri", "https://skjema.example/", "--scope", "openid"]].concat();
    assert_eq!(desk.run(&[&add[..], &["--client-secret", "x"]].concat()).status.code(), Some(2));
    desk.refuses(
        &[&add[..], &["--client-secret-env", "PORTVAKT_NOT_SET"]].concat(),
        &["client_secret: could not be had from the environment variable PORTVAKT_NOT_SET: it is not set"],
    );
    desk.refuses(
        &[&add[..], &["--client-secret-file", "/nowhere/secret"]].concat(),
        &["client_secret: could not be had from the file /nowhere/secret: No such file"],
    );
    let given = desk.run_with(("S", "chosen"), &[&add[..], &["--client-secret-env", "S", "--json"]].concat());
    assert!(told(&given)["secrets"].as_array().unwrap().is_empty(), "it is known already");
}

#[test]
fn a_client_without_a_secret_has_none_to_rotate_and_a_span_is_a_number_and_a_unit() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    let app = desk.add_client("app", &["--application-type", "browser"]);
    assert!(app["secrets"].as_array().unwrap().is_empty());
    desk.refuses(
        &["client", "secret", "rotate", "app"],
        &["token_endpoint_auth_method = \"none\": must be client_secret_basic or client_secret_post"],
    );
    for span in ["soon", "361d", "-1s"] {
        let output = desk.run(&["client", "secret", "rotate", "app", &format!("--keep-old={span}")]);
        assert_eq!(output.status.code(), Some(2), "{span}");
    }
}

#[tokio::test]
async fn a_rotated_secret_ends_at_once_or_after_its_time_and_the_new_one_is_told_once() {
    let desk = Desk::with(ONE_ISSUER);
    let server = desk.serve();
    desk.add_organisation();
    let first = secret(&desk.add_client("skjema", &[]));
    assert_eq!(server.judges("skjema", &first).await, "invalid_grant");

    let second = secret(&desk.told(&["client", "secret", "rotate", "skjema"]));
    assert_ne!(first, second);
    assert_eq!(server.judges("skjema", &first).await, "invalid_client", "it ended at once");
    assert_eq!(server.judges("skjema", &second).await, "invalid_grant");

    let third = secret(&desk.told(&["client", "secret", "rotate", "skjema", "--keep-old", "2s"]));
    assert_eq!(server.judges("skjema", &second).await, "invalid_grant", "it has its time");
    assert_eq!(server.judges("skjema", &third).await, "invalid_grant");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(server.judges("skjema", &second).await, "invalid_client");
    assert_eq!(server.judges("skjema", &third).await, "invalid_grant");

    let shown = desk.told(&["client", "show", "skjema"]);
    assert_eq!(shown["secrets"][0]["days_left"], 359, "360 days less what has passed: {shown}");
    let later =
        [["client", "list", "--json"], ["client", "show", "skjema"], ["client", "activate", "skjema"]];
    for command in later {
        let output = desk.run(&command);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &complaint(&output);
        assert!(
            ![&first, &second, &third].iter().any(|secret| text.contains(secret.as_str())),
            "{command:?}"
        );
    }
    server.terminate();
    let (_, log) = server.ended();
    for secret in [&first, &second, &third] {
        assert!(!log.concat().contains(secret.as_str()) && !desk.keeps(secret));
    }
}

#[test]
fn an_update_changes_the_named_fields_and_no_other() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.add_client("skjema", &["--description", "Forms", "--amr-claim", "array"]);
    let before = desk.registry()[0][0].clone();
    desk.refuses(
        &["client", "update", "skjema", "--application-type", "browser"],
        &["token_endpoint_auth_method = \"client_secret_basic\": must be none for"],
    );
    let changed =
        desk.told(&["client", "update", "skjema", "--display-name", "Nytt", "--unset", "amr_claim"]);
    assert_eq!(
        changed["changes"][0]["detail"],
        "amr_claim \"array\" → absent, display_name \"Skjema\" → \"Nytt\""
    );
    let after = desk.registry()[0][0].clone();
    for (field, value) in before.as_object().unwrap() {
        match field.as_str() {
            "display_name" => assert_eq!(after[field], "Nytt"),
            "amr_claim" => assert!(after[field].is_null()),
            "last_updated" => {}
            _ => assert_eq!(&after[field], value, "{field}"),
        }
    }
    assert_eq!(kinds(&desk.told(&["client", "update", "skjema", "--display-name", "Nytt"])), ["unchanged"]);
}

#[tokio::test]
async fn a_deactivated_client_is_let_in_nowhere_until_it_is_activated() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    let own = secret(&desk.add_client("skjema", &[]));
    let server = desk.serve();
    desk.told(&["client", "deactivate", "skjema"]);
    assert_eq!(server.judges("skjema", &own).await, "invalid_client");
    assert_eq!(desk.told(&["client", "show", "skjema"])["stopped"], "client_deactivated");
    assert_eq!(kinds(&desk.told(&["client", "deactivate", "skjema"])), ["unchanged"]);
    desk.told(&["client", "activate", "skjema"]);
    assert_eq!(server.judges("skjema", &own).await, "invalid_grant", "with the secret it had");
    server.stop();
}

#[test]
fn a_registration_that_no_longer_holds_is_told_of_and_can_be_stopped() {
    let desk = Desk::with(ONE_ISSUER);
    let key = "master_key = { file = \"master.key\" }\n";
    in_production(&desk);
    desk.configure(&format!("{key}{ONE_ISSUER}"));
    desk.add_organisation();
    desk.add_client("skjema", &["--redirect-uri", "http://skjema.example/callback"]);
    assert!(desk.told(&["client", "show", "skjema"])["stopped"].is_null());

    in_production(&desk);
    let shown = desk.told(&["client", "show", "skjema"]);
    assert_eq!(shown["stopped"], "registration_faulty");
    assert!(shown["faults"][0].as_str().unwrap().contains("redirect_uris[1]"), "{shown}");
    desk.refuses(&["client", "update", "skjema", "--display-name", "Nytt"], &["redirect_uris[1]"]);
    assert_eq!(kinds(&desk.told(&["client", "deactivate", "skjema"])), ["deactivate"]);
    desk.refuses(&["client", "activate", "skjema"], &["redirect_uris[1]"]);
    assert_eq!(desk.told(&["client", "show", "skjema"])["stopped"], "client_deactivated");
}

#[test]
fn the_audit_says_who_gave_the_command() {
    let desk = Desk::with(ONE_ISSUER);
    let own = format!("uid {}", getuid().as_raw());
    desk.add_organisation();
    assert!(desk.keeps(&own), "without a server");
    let desk = Desk::with(ONE_ISSUER);
    let server = desk.serve();
    assert!(!desk.keeps(&own));
    desk.add_organisation();
    assert!(desk.keeps(&own), "with one");
    server.stop();
}

#[test]
fn people_read_tables() {
    let desk = Desk::with(ONE_ISSUER);
    let page = |arguments: &[&str]| String::from_utf8(desk.run(arguments).stdout).unwrap();
    assert_eq!(page(&["client", "list"]), "No client is registered.\n");
    desk.add_organisation();
    desk.add_client("skjema", &[]);
    let listed = page(&["client", "list"]);
    assert!(listed.starts_with(ISSUER), "{listed}");
    for word in ["CLIENT_ID", "skjema", "991825827", "web", "active", "days left", "Skjema"] {
        assert!(listed.contains(word), "{word} in {listed}");
    }
    let shown = page(&["client", "show", "skjema"]);
    assert!(shown.contains("redirect_uris") && shown.contains("https://skjema.example/callback"), "{shown}");
    let rotated = page(&["client", "secret", "rotate", "skjema"]);
    assert!(rotated.contains("Secrets, told this once:\n  skjema at https://pilot.example"), "{rotated}");
}

#[tokio::test]
async fn a_client_of_exactly_the_ten_fields_gets_a_verified_identity_at_the_pilot() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let dev = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &["--data", &data]);
    let issuer = dev.issuers().into_iter().find(|issuer| issuer.contains("idporten-oidc-provider")).unwrap();
    let added = portvakt(&[
        "client",
        "add",
        "ten-fields",
        "--client-orgno",
        ORGNO,
        "--display-name",
        "Ten fields",
        "--redirect-uri",
        "http://localhost:4000/callback",
        "--post-logout-redirect-uri",
        "http://localhost:4000/",
        "--scope",
        "openid",
        "--scope",
        "profile",
        "--authorization-lifetime",
        "7200",
        "--access-token-lifetime",
        "120",
        "--refresh-token-lifetime",
        "600",
        "--data",
        &data,
        "--issuer",
        &issuer,
        "--json",
    ]);
    let service = Service {
        client_id: "ten-fields".to_owned(),
        secret: Some(secret(&told(&added))),
        method: "client_secret_basic".to_owned(),
        redirect_uri: "http://localhost:4000/callback".to_owned(),
    };
    let party = RelyingParty::discover(dev.wire(), &issuer, service, Random::system()).await.without_pkce();
    let answer = party.login(&mut Browser::new(dev.wire()), PERSONS[0]).await;
    let tokens = party.tokens(&answer).await;
    assert_eq!(party.userinfo(&tokens.access_token).await.json()["pid"], PERSONS[0]);
}

#[test]
fn a_secret_that_could_not_be_told_is_told_of() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.add_client("skjema", &[]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(["client", "secret", "rotate", "skjema", "--config", &desk.config()])
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    for words in ["standard output: ", "its secret was not told: `portvakt client secret rotate`"] {
        assert!(complaint(&output).contains(words), "{}", complaint(&output));
    }
}

#[test]
fn what_a_client_is_ordered_for_and_its_grant_are_judged() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.told(&["scope", "add", "skatt:inntekt"]);
    desk.add_client("skjema", &["--integration-type", "idporten", "--grant-type", "authorization_code"]);
    let update = ["client", "update", "skjema"];
    for (arguments, words) in [
        (
            &["--grant-type", "implicit"][..],
            "grant_types[0] = \"implicit\": must be authorization_code or refresh_token",
        ),
        (&["--integration-type", "krr"], "integration_type = \"krr\": must be idporten or api_klient"),
        (
            &["--integration-type", "api_klient"],
            "integration_type = \"api_klient\": must stay as it was registered",
        ),
        (
            &["--scope", "openid", "--scope", "skatt:inntekt"],
            "must be openid or profile for the integration_type",
        ),
    ] {
        desk.refuses(&[&update[..], arguments].concat(), &[words]);
    }
    assert_eq!(desk.told(&["client", "show", "skjema"])["integration_type"], "idporten");
}

#[test]
fn g4_a_client_whose_supplier_is_stopped_is_shown_as_such() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.told(&["organisation", "add", OTHER_ORGNO, "--name", "Another"]);
    let accept = || desk.told(&["organisation", "accept-terms", OTHER_ORGNO, "--accepted-by", "Ola"]);
    desk.add_client("skjema", &["--supplier-orgno", OTHER_ORGNO]);
    let stopped = || desk.told(&["client", "show", "skjema"])["stopped"].clone();
    assert_eq!(stopped(), "supplier_stopped", "it has accepted no terms");
    accept();
    assert_eq!(stopped(), Value::Null);
    desk.told(&["organisation", "deactivate", OTHER_ORGNO]);
    assert_eq!(stopped(), "supplier_stopped");
    let listed = String::from_utf8(desk.run(&["client", "list"]).stdout).unwrap();
    assert!(listed.contains("supplier stopped"), "{listed}");
}

#[test]
fn a_client_has_moved_when_the_command_returns_and_whoever_logs_in_then_stays_logged_in() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.told(&["organisation", "add", OTHER_ORGNO, "--name", "Another"]);
    desk.told(&["organisation", "accept-terms", OTHER_ORGNO, "--accepted-by", "Ola"]);
    desk.add_client("skjema", &[]);
    desk.told(&["client", "update", "skjema", "--client-orgno", OTHER_ORGNO]);
    let now = Clock::system().now();
    let not_before = desk.told(&["client", "show", "skjema"])["not_before"].clone();
    let at = Timestamp::from_rfc3339(not_before.as_str().unwrap()).unwrap();
    assert!(at <= now, "{not_before} has come");
}

#[test]
fn what_was_taken_back_of_a_client_is_shown_the_latest_of_all_that_it_was_said_of() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    let add = |orgno: &str| desk.told(&["organisation", "add", orgno, "--name", "Another"]);
    add(OTHER_ORGNO);
    add("910753614");
    desk.add_client("other", &[]);
    desk.add_client("skjema", &["--supplier-orgno", OTHER_ORGNO]);
    let not_before = || desk.told(&["client", "show", "skjema"])["not_before"].clone();
    desk.told(&["revoke", "--client", "other"]);
    desk.told(&["revoke", "--organisation", "910753614"]);
    desk.told(&["revoke", "--person", "21879498012"]);
    assert_eq!(not_before(), Value::Null, "nothing was said of it");
    assert!(
        !String::from_utf8(desk.run(&["client", "show", "skjema"]).stdout).unwrap().contains("not_before")
    );
    let mut last = Value::Null;
    for whose in [
        &["--client", "skjema"][..],
        &["--organisation", ORGNO],
        &["--organisation", OTHER_ORGNO],
        &["--issuer", ISSUER],
        &["--client", "skjema"],
    ] {
        let told = desk.told(&[&["revoke"], whose].concat())["not_before"].clone();
        assert_ne!(told, last, "each is later than the one before");
        assert_eq!(not_before(), told, "{whose:?}");
        last = told;
    }
    let page = String::from_utf8(desk.run(&["client", "show", "skjema"]).stdout).unwrap();
    assert!(
        page.lines().any(|line| line.starts_with("not_before ") && line.ends_with(last.as_str().unwrap()))
    );
}

#[test]
fn whether_a_client_gets_refresh_tokens_is_shown_with_the_reason_that_its_change_was_told_with() {
    let desk = Desk::with(ONE_ISSUER);
    assert!(desk.apply(CATALOGUE, &[]).status.success());
    let shown = || {
        let shown = desk.told(&["client", "show", "skjema"]);
        (shown["may_refresh"].clone(), shown["may_refresh_why"].as_str().unwrap().to_owned())
    };
    let page = || String::from_utf8(desk.run(&["client", "show", "skjema"]).stdout).unwrap();
    let why = "only the ten fields are registered, and refresh_token_lifetime is not 0";
    assert_eq!(shown(), (true.into(), why.to_owned()));
    assert!(page().contains(&format!("gets refresh tokens: {why}")), "{}", page());
    for (arguments, may) in [
        (&["--description", "Forms"][..], false),
        (&["--grant-type", "authorization_code", "--grant-type", "refresh_token"], true),
        (&["--grant-type", "authorization_code"], false),
        (&["--unset", "grant_types", "--unset", "description"], true),
        (&["--refresh-token-lifetime", "0"], false),
    ] {
        let told = desk.told(&[&["client", "update", "skjema"], arguments].concat());
        let (shown, why) = shown();
        assert_eq!(shown, may, "{arguments:?}");
        assert!(
            told["changes"][0]["detail"].as_str().unwrap().ends_with(&format!(": {why}")),
            "{why} in {told}"
        );
        let words = if may { "gets refresh tokens: " } else { "gets no refresh tokens: " };
        assert!(page().contains(&format!("{words}{why}")), "{}", page());
    }
}

#[test]
fn help_says_what_gives_refresh_tokens_at_each_way_of_registering() {
    let desk = Desk::with(ONE_ISSUER);
    for deed in ["add", "update"] {
        let help = String::from_utf8(desk.run(&["client", deed, "--help"]).stdout).unwrap();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "authorization_code or refresh_token; once for each",
            "with refresh_token it gets refresh tokens, without it none",
            "exactly the pilot's ten fields",
        ] {
            assert!(help.contains(words), "{words} in {help}");
        }
    }
}
