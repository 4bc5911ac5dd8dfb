//! What a configuration may say, and what is told of one that says something else.

use serde_json::json;

use crate::server::{Desk, TWO_ISSUERS, complaint, portvakt, told};

const KEY: &str = "8f3c1d5e7a9b0246813579bdf02468ace13579bdf02468ace0f1e2d3c4b5a697";

const PRODUCTION: &str = r#"
data = "data"
master_key = { file = "master.key" }

[[listeners]]
address = "127.0.0.1:0"
trusted_proxies = ["127.0.0.1"]

[[issuers]]
issuer = "https://idporten.example"
profile = "idporten"
environment = "production"
terms = "1"
"#;

/// Starting with this configuration is refused, with these words, and leaves no data folder behind.
fn refused(config: &str, words: &[&str]) {
    let desk = Desk::with(config);
    let output = desk.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    for word in words {
        assert!(complaint(&output).contains(word), "`{word}` in:\n{}", complaint(&output));
    }
    assert!(output.stdout.is_empty(), "standard output is for data");
    assert!(!desk.path("data").exists(), "nothing was started");
    let checked = desk.run(&["config", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(complaint(&checked), complaint(&output), "checking tells what starting tells");
}

#[test]
fn an_unknown_key_is_refused_with_its_path() {
    refused(
        &TWO_ISSUERS.replace("key_lead", "key_led"),
        &["portvakt.toml:14: issuers[0].key_led = ", "is not a key of the configuration"],
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let config = TWO_ISSUERS.replace("\"pilot\"", "\"pilto\"").replace("\"1s\"", "\"soon\"");
    refused(&config, &["issuers[0].profile = \"pilto\"", "issuers[0].key_lead = \"soon\""]);
}

#[test]
fn production_refuses_http() {
    refused(
        &PRODUCTION.replace("https://", "http://"),
        &["issuers[0].issuer = \"http://idporten.example\": must be https in production"],
    );
}

#[test]
fn production_refuses_testid() {
    refused(
        &format!("{PRODUCTION}testid = {{ pools = [] }}\n"),
        &["issuers[0].testid: must not be given in production", "remove testid"],
    );
}

#[test]
fn production_demands_a_master_key_from_outside() {
    refused(
        &PRODUCTION.replace("master_key", "# master_key"),
        &["master_key: must be given: https://idporten.example is production"],
    );
}

#[test]
fn production_refuses_a_master_key_that_lies_with_what_it_seals() {
    let inside = Desk::with(&PRODUCTION.replace("\"master.key\"", "\"data/master.key\""));
    std::fs::create_dir(inside.path("data")).unwrap();
    inside.write("data/master.key", KEY);
    let output = inside.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("must lie outside the data folder"), "{}", complaint(&output));
    let beside = Desk::with(PRODUCTION);
    std::fs::create_dir(beside.path("data")).unwrap();
    beside.write("master.key", KEY);
    assert_eq!(beside.run(&["config", "check"]).status.code(), Some(0));
}

#[test]
fn a_master_key_that_cannot_be_had_is_told_without_its_text() {
    refused(PRODUCTION, &["master_key: cannot be had from the file", "No such file"]);
    let desk = Desk::with(PRODUCTION);
    desk.write("master.key", "correct horse battery staple");
    let output = desk.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("is no master key"), "{}", complaint(&output));
    assert!(!complaint(&output).contains("horse"));
}

#[test]
fn production_refuses_a_key_file_that_others_may_use() {
    let tls = "tls = { certificate = \"chain.pem\", key = \"tls.pem\" }\n[[issuers]]";
    let desk = Desk::with(&PRODUCTION.replace("[[issuers]]", tls));
    desk.write("master.key", KEY);
    desk.write("tls.pem", "");
    for mode in [0o604, 0o620, 0o644] {
        desk.chmod("master.key", mode);
        desk.chmod("tls.pem", mode);
        let output = desk.run(&["serve"]);
        assert_eq!(output.status.code(), Some(1));
        for name in ["master_key: ", "listeners[0].tls: "] {
            assert!(complaint(&output).contains(name), "{}", complaint(&output));
        }
        assert!(complaint(&output).contains(&format!("(mode {mode:03o})")), "{}", complaint(&output));
        assert!(complaint(&output).contains("chmod 600"), "{}", complaint(&output));
        assert!(!desk.path("data").exists(), "nothing was started");
    }
}

#[test]
fn a_key_file_that_a_group_reads_is_warned_of_and_elsewhere_one_that_everybody_does() {
    let desk = Desk::with(PRODUCTION);
    desk.write("master.key", KEY);
    let warned = |config: &str, mode: u32| {
        desk.configure(config);
        desk.chmod("master.key", mode);
        let warnings = told(&desk.run(&["config", "check", "--json"]))["warnings"].to_string();
        warnings.contains("holds a key and is open to")
    };
    assert!(!warned(PRODUCTION, 0o400));
    assert!(warned(PRODUCTION, 0o440));
    let elsewhere = format!("master_key = {{ file = \"master.key\" }}\n{TWO_ISSUERS}");
    assert!(!warned(&elsewhere, 0o600));
    assert!(warned(&elsewhere, 0o644));
}

#[test]
fn two_issuers_at_one_url_are_refused() {
    let config =
        TWO_ISSUERS.replace("https://current.example", "https://pilot.example/idporten-oidc-provider/");
    refused(&config, &["issuers[1].issuer", "is already issuers[0]'s"]);
}

#[test]
fn a_misused_command_line_ends_with_2() {
    for arguments in [&["serve"][..], &["frobnicate"], &["key", "list"], &["dev", "--listen", "0.0.0.0:80"]] {
        assert_eq!(portvakt(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_checked_configuration_is_told_and_nothing_is_started() {
    let desk = Desk::with(PRODUCTION);
    desk.write("master.key", KEY);
    let output = desk.run(&["config", "check", "--json"]);
    let summary = told(&output);
    assert_eq!(summary["issuers"][0]["environment"], "production");
    assert_eq!(summary["issuers"][0]["key_lead"], "1d");
    assert_eq!(summary["issuers"][0]["testid_pools"], json!(null));
    assert_eq!(summary["listeners"][0]["tls"], false);
    assert!(complaint(&output).contains("temporarily_unavailable"), "{}", complaint(&output));
    assert!(!complaint(&output).contains(KEY) && !summary.to_string().contains(KEY));
    assert!(!desk.path("data").exists());
}

#[test]
fn the_example_of_every_key_is_in_order() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/config.toml");
    let output = portvakt(&["config", "check", "--config", example]);
    assert!(output.status.success(), "{}", complaint(&output));
    // With what is commented out put in, it is still read: no key of the example is an invention. Of what excludes one another, one.
    let text = std::fs::read_to_string(example).unwrap();
    for left_out in ["# signing = ", "# key_rotation = "] {
        let everything: String = text
            .lines()
            .filter(|line| !line.starts_with("# master_key = { env") && !line.starts_with(left_out))
            .filter(|line| !line.starts_with("data = "))
            .map(|line| match line.strip_prefix("# ") {
                Some(key) if key.contains(" = ") || key.starts_with('[') => format!("{key}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        assert!(everything.contains("\ndata = \"postgres://"), "{everything}");
        let output = Desk::with(&everything).run(&["config", "check"]);
        let complaint = complaint(&output);
        for missing in ["previous-master.key", "database-password", "database-ca.pem"] {
            assert!(complaint.contains(missing) && !complaint.contains("is not a key"), "{complaint}");
        }
    }
}
