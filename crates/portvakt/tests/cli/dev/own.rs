//! `--client`: a developer's own service, registered without a file.

use super::process::Double;
use crate::server::{Desk, complaint, portvakt};

const REDIRECT: [&str; 2] = ["--redirect-uri", "http://localhost:4000/cb"];

#[test]
fn options_that_belong_together_are_refused_alone() {
    for (arguments, missing) in [
        (&["--client", "a"][..], "--redirect-uri"),
        (&REDIRECT, "--client"),
        (&["--secret", "s"], "--client"),
        (&["--issuer", "http://localhost:8080"], "--client"),
        (
            &["--client", "a", "--redirect-uri", "http://localhost/", "--application-type", "cli"],
            "web, browser, native",
        ),
        (&["--demo", "http://example.com:3000"], "--demo"),
    ] {
        let output = portvakt(&[&["dev", "--listen", "0"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let words = complaint(&output);
        assert!(words.contains(missing), "{arguments:?}: {words}");
    }
}

#[test]
fn a_wrong_option_is_told_by_its_name_with_what_came_and_the_rule() {
    let web = |id| ["--client", id, "--redirect-uri", "http://localhost:4000/cb"];
    let scenes: [(&[&str], &[&str]); 6] = [
        (
            &[
                "--client",
                "a",
                "--redirect-uri",
                "http://localhost/a",
                "--redirect-uri",
                "javascript:alert(1)",
            ],
            &["the command line:", "--redirect-uri = \"javascript:alert(1)\": must "],
        ),
        (
            &[&web("a")[..], &["--issuer", "http://localhost:1"]].concat(),
            &[
                "--issuer = \"http://localhost:1\": must be a configured issuer, exactly: http://localhost:",
                "/idporten-oidc-provider/",
            ],
        ),
        (&web("a b"), &["--client = \"a b\": must have 1 to 255 characters"]),
        (
            &web("demo-web"),
            &["--client = \"demo-web\": must be named once at an issuer; clients[1] names it too"],
        ),
        (
            &[&web("a")[..], &["--application-type", "browser", "--secret", "swordfish"]].concat(),
            &["--secret = (text of 9 characters): must be left out"],
        ),
        (
            &[&web("a")[..], &["--secret", ""]].concat(),
            &["--secret = (text of 0 characters): must have 1 to 255"],
        ),
    ];
    for (arguments, expected) in scenes {
        let desk = Desk::with("");
        let data = desk.path("data").display().to_string();
        let output = portvakt(&[&["dev", "--listen", "0", "--data", &data], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let words = complaint(&output);
        assert!(expected.iter().all(|part| words.contains(part)), "{arguments:?}: {words}");
        assert!(!words.contains("swordfish") && !words.contains("clients[0]"), "{words}");
        assert!(words.contains("hint: nothing of it was registered: correct it"), "{words}");
    }
}

#[tokio::test]
async fn it_is_registered_at_every_issuer_and_its_secret_is_shown() {
    let double = Double::with(&[&["--client", "my-service"][..], &REDIRECT].concat());
    for at in [0, 1] {
        let client = double.client(at, "my-service");
        assert_eq!(client["redirect_uris"], serde_json::json!(["http://localhost:4000/cb"]));
        assert_eq!(client["scopes"], serde_json::json!(["openid", "profile"]));
        let secret = client["client_secret"].as_str().unwrap();
        assert!(secret.len() > 20, "generated");
        assert_eq!(double.recognises(at, "my-service", secret).await, "invalid_grant");
        assert_eq!(double.recognises(at, "my-service", "wrong").await, "invalid_client");
        let first =
            double.ready["clients"].as_array().unwrap().iter().find(|one| one["issuer"] == double.issuer(at));
        assert_eq!(first.unwrap()["client_id"], "my-service", "the developer's own comes first");
    }
    // The demo is there still.
    double.client(1, "demo-web");
    let example = double.ready["issuers"][0]["login_hint_example"].as_str().unwrap();
    assert!(example.contains("client_id=my-service&") && example.contains("login_hint=testid:"), "{example}");
    double.stop();
}

#[tokio::test]
async fn its_issuer_and_its_kind_are_as_asked_for() {
    let browser = ["--client", "spa", "--application-type", "browser", "--issuer", "http://localhost:8080"];
    let double = Double::with(&[&browser[..], &REDIRECT].concat());
    let client = double.client(1, "spa");
    assert!(client["client_secret"].is_null() && client["token_endpoint_auth_method"] == "none", "{client}");
    let pilot = double.issuer(0);
    let clients = double.ready["clients"].as_array().unwrap();
    assert!(!clients.iter().any(|one| one["issuer"] == pilot && one["client_id"] == "spa"), "{clients:?}");
    double.stop();
}

#[tokio::test]
async fn a_kept_folder_keeps_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    // The issuers carry the port: on another one it would be another registration.
    let start = |port: &str, more: &[&str]| Double::on(port, &[&["--data", data.as_str()], more].concat());
    let asked = [&["--client", "mine"][..], &REDIRECT].concat();

    let first = start("0", &asked);
    let port = first.port().to_owned();
    let secret = first.client(0, "mine")["client_secret"].as_str().unwrap().to_owned();
    first.stop();
    let second = start(&port, &asked);
    assert!(second.client(0, "mine")["client_secret"].is_null(), "nobody knows it any longer");
    assert_eq!(second.recognises(0, "mine", &secret).await, "invalid_grant", "it is valid still");
    second.stop();
    let third = start(&port, &[&asked[..], &["--secret", "as-chosen"]].concat());
    assert_eq!(third.client(0, "mine")["client_secret"], "as-chosen");
    assert_eq!(third.recognises(0, "mine", &secret).await, "invalid_client");
    third.stop();
    let fourth = start(&port, &[]);
    assert_eq!(
        fourth.recognises(0, "mine", "as-chosen").await,
        "invalid_grant",
        "it stays without the option"
    );
    fourth.stop();
}
