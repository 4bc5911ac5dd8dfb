//! What the scenes of the registry have in common: one issuer, what is registered there, and who is let in.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use portvakt_testkit::Call;
use serde_json::Value;

use crate::server::{Desk, Server, complaint, forwarded, told};

pub(crate) const ISSUER: &str = "https://pilot.example/idporten-oidc-provider/";
pub(crate) const ORGNO: &str = "991825827";
pub(crate) const OTHER_ORGNO: &str = "889640782";

/// One issuer behind a proxy on this machine.
pub(crate) const ONE_ISSUER: &str = r#"
data = "data"

[[listeners]]
address = "127.0.0.1:0"
trusted_proxies = ["127.0.0.1"]

[[issuers]]
issuer = "https://pilot.example/idporten-oidc-provider/"
profile = "pilot"
environment = "test"
terms = "1"
testid = { pools = ["a"] }
"#;

/// Puts the issuer into production, with a master key beside the configuration.
pub(crate) fn in_production(desk: &Desk) {
    desk.write("master.key", "8f3c1d5e7a9b0246813579bdf02468ace13579bdf02468ace0f1e2d3c4b5a697");
    let config = ONE_ISSUER.replace("\"test\"", "\"production\"").replace("testid = { pools = [\"a\"] }", "");
    desk.configure(&format!("master_key = {{ file = \"master.key\" }}\n{config}"));
}

/// A catalogue of one organisation and a client of the pilot's ten fields.
pub(crate) const CATALOGUE: &str = r#"
[[organisations]]
orgno = "991825827"
name = "Difi"
terms = { version = "1", accepted_at = 2016-12-01T12:00:00Z, accepted_by = "Kari Nordmann" }

[[clients]]
client_id = "skjema"
client_secret = "the-secret-of-skjema"
client_orgno = "991825827"
display_name = "Skjema"
redirect_uris = ["https://skjema.example/callback"]
post_logout_redirect_uris = ["https://skjema.example/"]
scopes = ["openid", "profile"]
authorization_lifetime = 7200
access_token_lifetime = 120
refresh_token_lifetime = 600
"#;

impl Desk {
    /// Applies this text as a catalogue, with more arguments.
    pub(crate) fn apply(&self, catalogue: &str, arguments: &[&str]) -> Output {
        self.write("catalogue.toml", catalogue);
        let file = self.path("catalogue.toml").display().to_string();
        self.run(&[&["apply", &file], arguments].concat())
    }

    /// A command on this configuration with a variable in its environment.
    pub(crate) fn run_with(&self, (name, value): (&str, &str), arguments: &[&str]) -> Output {
        let config = self.config();
        Command::new(env!("CARGO_BIN_EXE_portvakt"))
            .args(arguments)
            .args(["--config", &config])
            .env(name, value)
            .stdin(Stdio::null())
            .output()
            .expect("it runs")
    }

    /// What a command tells as JSON.
    #[track_caller]
    pub(crate) fn told(&self, arguments: &[&str]) -> Value {
        told(&self.run(&[arguments, &["--json"]].concat()))
    }

    /// A command that is refused, with these words and no data; what is registered stays as it was.
    #[track_caller]
    pub(crate) fn refuses(&self, arguments: &[&str], words: &[&str]) {
        let before = self.registry();
        let output = self.run(arguments);
        assert_refused(&output, words);
        assert_eq!(self.registry(), before, "{arguments:?} changed something");
    }

    /// Everything that is registered. What depends on the present is left out.
    pub(crate) fn registry(&self) -> Vec<Value> {
        let mut registry =
            ["client", "organisation", "scope", "person"].map(|kind| self.told(&[kind, "list"]));
        for client in registry[0].as_array_mut().expect("clients") {
            for secret in client["secrets"].as_array_mut().expect("secrets") {
                secret.as_object_mut().expect("a secret").remove("days_left");
            }
        }
        registry.to_vec()
    }

    /// A client with these arguments beside those that every client needs; what the command tells.
    #[track_caller]
    pub(crate) fn add_client(&self, id: &str, arguments: &[&str]) -> Value {
        let needed = [
            "--client-orgno",
            ORGNO,
            "--display-name",
            "Skjema",
            "--redirect-uri",
            "https://skjema.example/callback",
            "--scope",
            "openid",
            "--scope",
            "profile",
        ];
        self.told(&[&["client", "add", id], &needed[..], arguments].concat())
    }

    /// An organisation that accepted the terms in force, long ago.
    #[track_caller]
    pub(crate) fn add_organisation(&self) {
        let accepted = ["--accepted-by", "Kari Nordmann", "--accepted-at", "2016-12-01T12:00:00Z"];
        self.told(&[&["organisation", "add", ORGNO, "--name", "Difi"], &accepted[..]].concat());
    }

    /// Whether these words stand in a file of the data folder.
    pub(crate) fn keeps(&self, words: &str) -> bool {
        let stands = |file: &Path| {
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(words.len()).any(|window| window == words.as_bytes())
        };
        let files = std::fs::read_dir(self.path("data")).expect("a data folder");
        files.map_while(Result::ok).any(|file| stands(&file.path()))
    }
}

/// A command that ends with 1, these words, and no data.
#[track_caller]
pub(crate) fn assert_refused(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(1), "{}", complaint(output));
    for word in words {
        assert!(complaint(output).contains(word), "`{word}` in:\n{}", complaint(output));
    }
    assert!(output.stdout.is_empty(), "standard output is for data");
}

/// The secret that a command told.
#[track_caller]
pub(crate) fn secret(told: &Value) -> String {
    assert_eq!(told["secrets"].as_array().map(Vec::len), Some(1), "{told}");
    told["secrets"][0]["client_secret"].as_str().expect("a secret").to_owned()
}

/// The kinds of change that a command told, each once.
pub(crate) fn kinds(told: &Value) -> Vec<&str> {
    let mut kinds: Vec<_> = told["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter_map(|line| line["change"].as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

impl Server {
    /// What the token endpoint says of this client and secret, asked with a code that is none: `invalid_grant` if they are
    /// right, and otherwise `invalid_client`.
    pub(crate) async fn judges(&self, client_id: &str, secret: &str) -> String {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", "none"),
            ("redirect_uri", "https://skjema.example/callback"),
        ];
        let call = Call::post(&format!("{ISSUER}token"), &fields).basic(client_id, secret);
        let reply = self.wire(&["pilot.example"]).call(forwarded(call)).await;
        reply.json()["error"].as_str().expect("an error").to_owned()
    }
}
