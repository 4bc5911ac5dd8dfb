//! `portvakt apply`: a file says what shall be registered, and all of it is, or nothing.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::registered::{
    CATALOGUE, ISSUER, ONE_ISSUER, ORGNO, OTHER_ORGNO, assert_refused, in_production, kinds, secret,
};
use crate::server::{Desk, TWO_ISSUERS, complaint, portvakt, told};

/// Another organisation, a scope, a public client and a test person.
const MORE: &str = r#"
[[organisations]]
orgno = "889640782"
name = "Etaten"
terms = { version = "1", accepted_at = 2016-12-01T12:00:00Z, accepted_by = "Ola Nordmann" }

[[scopes]]
scope = "skatt:inntekt"

[[clients]]
client_id = "app"
client_orgno = "889640782"
display_name = "App"
application_type = "native"
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid", "skatt:inntekt"]

[[test_persons]]
pool = "a"
pid = "21879498012"
"#;

#[test]
fn wrong_fields_are_told_with_path_value_and_rule_and_nothing_of_the_file_is_applied() {
    let wrong = MORE
        .replace("http://127.0.0.1/callback", "ftp://app.example/callback")
        .replace("display_name", "displayname")
        .replace("\"skatt:inntekt\"]", "\"skatt:formue\"]")
        .replace("21879498012", "21879498013");
    let file = format!("{wrong}{}", CATALOGUE.replace("7200", "-1"));
    let told = [
        "catalogue.toml:\n",
        "clients[0].displayname = (text of 3 characters): must be a known field (line 13)",
        "clients[0].display_name: must be given",
        "clients[0].redirect_uris[0] = \"ftp://app.example/callback\": must",
        "clients[0].scopes[1] = \"skatt:formue\": must be openid, profile, or a scope registered",
        "clients[1].authorization_lifetime = -1: must be a whole number of seconds from 1 to",
        "test_persons[0].pid = (text of 11 characters): must have correct control digits",
    ];
    let desk = Desk::with(ONE_ISSUER);
    let refused = || {
        assert_refused(&desk.apply(&file, &[]), &told);
        assert!(!complaint(&desk.apply(&file, &[])).contains("21879498013"));
        assert!(desk.registry().iter().all(|kind| kind.as_array().unwrap().is_empty()));
    };
    refused();
    let server = desk.serve();
    refused();
    server.stop();
}

#[test]
fn what_is_no_toml_is_refused_by_its_line_and_without_its_words() {
    let desk = Desk::with(ONE_ISSUER);
    let output = desk.apply("[[clients]]\nclient_id = \"a\"\nclient_secret = swordfish and chips\n", &[]);
    assert_refused(&output, &["line 3", "must be TOML"]);
    assert!(!complaint(&output).contains("swordfish"));
    assert!(!desk.path("data").exists(), "nothing was opened");
}

#[test]
fn a_file_that_cannot_be_read_is_refused_and_one_that_is_not_named_is_a_misuse() {
    let desk = Desk::with(ONE_ISSUER);
    assert_refused(
        &desk.run(&["apply", "/nowhere/catalogue.toml"]),
        &["/nowhere/catalogue.toml", "No such file"],
    );
    assert_eq!(desk.run(&["apply"]).status.code(), Some(2));
    assert_eq!(portvakt(&["apply", "catalogue.toml"]).status.code(), Some(2), "where is not said");
}

#[test]
fn an_issuer_that_is_not_configured_is_refused_and_one_of_several_must_be_named() {
    let desk = Desk::with(TWO_ISSUERS);
    assert_refused(&desk.apply(CATALOGUE, &[]), &["organisations[0].issuer: must be given", ISSUER]);
    let elsewhere = format!("issuer = \"https://pilot.example\"\n{CATALOGUE}");
    assert_refused(
        &desk.apply(&elsewhere, &[]),
        &["issuer = \"https://pilot.example\": must be a configured issuer"],
    );
    let both = format!("issuer = [\"{ISSUER}\", \"https://current.example\"]\n{CATALOGUE}");
    told(&desk.apply(&both, &["--json"]));
    assert_eq!(desk.told(&["client", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_secret_that_cannot_be_had_is_told_by_its_place_and_nothing_is_applied() {
    let desk = Desk::with(ONE_ISSUER);
    for (place, words) in [
        ("{ env = \"PORTVAKT_NOT_SET\" }", "the environment variable PORTVAKT_NOT_SET: it is not set"),
        ("{ file = \"nowhere.secret\" }", "the file nowhere.secret: No such file"),
    ] {
        let output = desk.apply(&CATALOGUE.replace("\"the-secret-of-skjema\"", place), &[]);
        assert_refused(&output, &["clients[0].client_secret: could not be had from", words]);
    }
    assert!(desk.registry().iter().all(|kind| kind.as_array().unwrap().is_empty()));
}

#[tokio::test]
async fn secrets_come_from_the_callers_environment_and_from_files_beside_the_catalogue() {
    let desk = Desk::with(ONE_ISSUER);
    let server = desk.serve();
    let by = |place: &str| CATALOGUE.replace("\"the-secret-of-skjema\"", place);

    desk.write("catalogue.toml", &by("{ env = \"SKJEMA_SECRET\" }"));
    let file = desk.path("catalogue.toml").display().to_string();
    let output = desk.run_with(("SKJEMA_SECRET", "from the environment"), &["apply", &file]);
    assert!(output.status.success(), "{}", complaint(&output));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("from the environment"));
    assert_eq!(server.judges("skjema", "another one").await, "invalid_client");
    assert_eq!(server.judges("skjema", "from the environment").await, "invalid_grant");

    desk.write("skjema.secret", "from a file\n");
    told(&desk.apply(&by("{ file = \"skjema.secret\" }"), &["--json"]));
    assert_eq!(server.judges("skjema", "from the environment").await, "invalid_client", "it ended");
    assert_eq!(
        server.judges("skjema", "from a file").await,
        "invalid_grant",
        "its line end is no part of it"
    );
    server.terminate();
    let (_, log) = server.ended();
    for secret in ["from the environment", "from a file"] {
        assert!(!desk.keeps(secret) && !log.concat().contains(secret));
    }
}

#[test]
fn production_refuses_a_given_secret_that_can_be_guessed() {
    let desk = Desk::with(ONE_ISSUER);
    in_production(&desk);
    let with = |secret: &str| CATALOGUE.replace("the-secret-of-skjema", secret);
    for guessed in ["abcdefghijklmnopqrstu", "abcdefghiabcdefghiabcdefghi"] {
        let output = desk.apply(&with(guessed), &[]);
        assert_refused(
            &output,
            &[
                "clients[0].client_secret = (text of ",
                "at least 22 characters in production, at least 10 of them different",
            ],
        );
        assert!(!complaint(&output).contains(guessed));
    }
    assert!(desk.told(&["client", "list"]).as_array().unwrap().is_empty());
    told(&desk.apply(&with("abcdefghijabcdefghijab"), &["--json"]));
    assert_eq!(desk.told(&["client", "list"])[0]["client_id"], "skjema");
}

#[test]
fn a_dry_run_tells_what_would_change_and_writes_nothing() {
    let desk = Desk::with(ONE_ISSUER);
    let generated = CATALOGUE.replace("client_secret = \"the-secret-of-skjema\"\n", "");
    let dry = told(&desk.apply(&generated, &["--dry-run", "--json"]));
    assert_eq!((kinds(&dry), dry["dry_run"].as_bool()), (vec!["create"], Some(true)));
    assert!(dry["secrets"].as_array().unwrap().is_empty(), "a secret that is nobody's is not told");
    assert!(!desk.path("data").exists(), "not even a folder");

    let run = |server: &str| {
        let before = desk.registry();
        let dry = told(&desk.apply(&format!("{generated}{MORE}"), &["--dry-run", "--json"]));
        assert!(kinds(&dry).contains(&"create"), "{server}: {dry}");
        assert_eq!(desk.registry(), before, "{server}");
    };
    told(&desk.apply(&generated, &["--json"]));
    run("without a server");
    let server = desk.serve();
    run("with one");
    server.stop();
    assert_refused(
        &desk.apply(&generated.replace("openid", "open id"), &["--dry-run"]),
        &["clients[0].scopes[0]"],
    );
}

#[test]
fn applying_a_file_again_changes_nothing() {
    let desk = Desk::with(ONE_ISSUER);
    let file = format!("{}{MORE}", CATALOGUE.replace("client_secret = \"the-secret-of-skjema\"\n", ""));
    let first = told(&desk.apply(&file, &["--json"]));
    let generated = secret(&first);
    let registry = desk.registry();
    for arguments in [&["--json"][..], &["--json", "--prune"]] {
        let again = told(&desk.apply(&file, arguments));
        assert_eq!(kinds(&again), ["unchanged"]);
        assert!(again["secrets"].as_array().unwrap().is_empty(), "a secret is told once");
        assert_eq!(desk.registry(), registry, "down to the instant of the last change");
    }
    assert!(!desk.keeps(&generated), "kept as a digest only");
}

#[test]
fn what_is_no_longer_named_stays_and_is_deactivated_with_prune() {
    let desk = Desk::with(ONE_ISSUER);
    told(&desk.apply(&format!("{CATALOGUE}{MORE}"), &["--json"]));
    let registry = desk.registry();
    let less = format!(
        "{CATALOGUE}{}",
        &MORE[MORE.find("[[test_persons]]").unwrap()..].replace("21879498012", "20914695016")
    );
    told(&desk.apply(&less, &["--json"]));
    assert_eq!(desk.registry()[..3], registry[..3], "without prune all of it stays");

    let pruned = told(&desk.apply(&less, &["--json", "--prune"]));
    assert_eq!(kinds(&pruned), ["deactivate", "unchanged"]);
    let stopped = |kind: &str, field: &str, name: &str, state: &str| {
        let listed = desk.told(&[kind, "list"]);
        let found = listed.as_array().unwrap().iter().find(|one| one[field] == name).expect("kept");
        found[state].clone()
    };
    assert_eq!(stopped("client", "client_id", "app", "active"), false);
    assert_eq!(stopped("client", "client_id", "skjema", "active"), true);
    assert_eq!(stopped("organisation", "orgno", OTHER_ORGNO, "standing"), "deactivated");
    assert_eq!(stopped("scope", "scope", "skatt:inntekt", "active"), false);
    assert_eq!(stopped("person", "pid", "21879498012", "active"), false);
    assert_eq!(stopped("person", "pid", "20914695016", "active"), true);

    told(&desk.apply(&format!("{CATALOGUE}{MORE}"), &["--json"]));
    assert_eq!(stopped("client", "client_id", "app", "active"), false, "named again, it stays");
    let back = ["[[scopes]]", "[[clients]]"]
        .iter()
        .fold(MORE.to_owned(), |text, heading| text.replace(heading, &format!("{heading}\nactive = true")));
    told(&desk.apply(&format!("{CATALOGUE}{back}"), &["--json"]));
    assert_eq!(stopped("client", "client_id", "app", "active"), true, "it says that it is back");
}

#[test]
fn a_file_applied_again_does_not_revive_what_a_command_stopped() {
    let desk = Desk::with(ONE_ISSUER);
    let file = format!("{CATALOGUE}{MORE}");
    told(&desk.apply(&file, &["--json"]));
    desk.told(&["client", "deactivate", "skjema"]);
    desk.told(&["scope", "deactivate", "skatt:inntekt"]);
    desk.told(&["person", "deactivate", "21879498012"]);
    desk.told(&["organisation", "withdraw", ORGNO]);
    desk.told(&["organisation", "deactivate", OTHER_ORGNO]);
    desk.told(&["client", "deactivate", "app"]);
    let registry = desk.registry();
    assert_eq!(kinds(&told(&desk.apply(&file, &["--json"]))), ["unchanged"]);
    let page = String::from_utf8(desk.apply(&file, &["--prune"]).stdout).unwrap();
    for line in [
        &format!("= client skjema at {ISSUER}: stays deactivated: say active = true"),
        &format!(
            "= organisation {ORGNO} at {ISSUER}: stays withdrawn: say standing = \"active\" beside terms"
        ),
        &format!("= organisation {OTHER_ORGNO} at {ISSUER}: stays deactivated: say standing = \"active\""),
        "in the pool a: stays deactivated",
        "Nothing changes: 6 as registered.",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    assert_eq!(desk.registry(), registry);

    let back = file.replacen("[[organisations]]", "[[organisations]]\nstanding = \"active\"", 1);
    assert_refused(
        &desk.apply(&back, &[]),
        &[
            "organisations[0].standing = \"active\": must be withdrawn, or come with terms with an accepted_at later",
        ],
    );
    assert_eq!(desk.registry(), registry);
    told(&desk.apply(&back.replacen("2016-12-01T12", "2017-12-01T12", 1), &["--json"]));
    assert_eq!(desk.told(&["organisation", "show", ORGNO])["standing"], "active");
}

#[test]
fn files_that_are_applied_at_the_same_time_are_all_brought_about() {
    let desk = Desk::with(ONE_ISSUER);
    let server = desk.serve();
    told(&desk.apply(CATALOGUE, &["--json"]));
    let applied = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (desk, applied) = (&desk, &applied);
            scope.spawn(move || {
                let name = format!("{number}.toml");
                let client = CATALOGUE[CATALOGUE.find("[[clients]]").unwrap()..]
                    .replace("\"skjema\"", &format!("\"skjema-{number}\""));
                desk.write(&name, &client);
                told(&desk.run(&["apply", &desk.path(&name).display().to_string(), "--json"]));
                applied.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(applied.into_inner(), 6);
    assert_eq!(desk.told(&["client", "list"]).as_array().unwrap().len(), 7);
    server.stop();
}

#[test]
fn the_example_is_applied_with_the_example_configuration_and_each_field_in_it_is_one() {
    let example = |name: &str| {
        std::fs::read_to_string(format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let (config, catalogue) = (example("config.toml"), example("catalogue.toml"));
    let desk = Desk::with(&config);
    let first = told(&desk.apply(&catalogue, &["--json"]));
    assert_eq!(kinds(&first), ["create"]);
    secret(&first);
    assert_eq!(kinds(&told(&desk.apply(&catalogue, &["--json"]))), ["unchanged"]);

    // What is commented out, put in: no field of the example is an invention.
    let everything: String = catalogue
        .lines()
        .filter(|line| !line.starts_with("# client_secret = { env"))
        .map(|line| match line.strip_prefix("# ") {
            Some(field) if field.contains(" = ") => format!("{field}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    for field in ["amr_claim", "standing", "grant_types", "enforced_aud_for_introspection"] {
        assert!(everything.contains(&format!("\n{field} = ")), "{field}: {everything}");
    }
    desk.write("skjema.secret", "a secret of its own\n");
    told(&desk.apply(&everything, &["--json"]));
    let skjema = desk.told(&["client", "show", "skjema"]);
    assert_eq!((&skjema["amr_claim"], &skjema["active"]), (&"array".into(), &false.into()));
}
