//! The table of faults: `docs/faults.md` is written from it, and the examples on its pages pass the rules that they are about.

use std::fmt::Write as _;

use portvakt_crypto::encoding::base64_encode;
use portvakt_protocol::authorize::validate;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::profile::IDPORTEN;
use portvakt_protocol::refusal::{Rule, Shared};
use portvakt_protocol::token::credentials;

use crate::scene::{addressed, provider};

/// The page, as the table has it now.
fn written() -> String {
    let mut page = String::from(
        "# Every fault, and what it is called\n\n\
         Written from the table in [rules.rs](../crates/protocol/src/refusal/rules.rs); a test holds the two equal and says where the\n\
         right text lies when they differ. A refusal names its rule at the end of `error_description`, in the log (`rule`) and in\n\
         `error_uri`, which leads to `{issuer}/errors/{rule}`: what the rule is, why it exists, how to mend it, and an example that works, in\n\
         English and Norwegian. `portvakt explain TRACE_ID` tells of one refusal what was expected and what came.\n\n\
         The status is that of a direct answer. At the authorization endpoint a fault with an address is a redirect, one without a page.\n\n\
         | Rule | `error` | Status | Clause | Meaning |\n|---|---|---|---|---|\n",
    );
    for rule in Rule::all() {
        let told =
            rule.told_as.map_or_else(String::new, |shared| format!(" Told as `{}`.", shared.page.name));
        let Rule { name, code, clause, en, .. } = rule;
        let (code, status) = (code.as_str(), rule.status());
        writeln!(page, "| `{name}` | `{code}` | {status} | {clause} | {}{told} |", en.what).unwrap();
    }
    page.push_str(
        "\nCallers who have not shown who they are may not learn which of several rules it was. They read the same of each; the log has the\n\
         rule itself.\n\n| Told as | `error` | Status | Stands for |\n|---|---|---|---|\n",
    );
    for shared in Shared::ALL {
        let rules: Vec<_> = shared.rules().map(|rule| format!("`{}`", rule.name)).collect();
        let (name, code) = (shared.page.name, shared.page.code.as_str());
        writeln!(page, "| `{name}` | `{code}` | {} | {} |", shared.page.status(), rules.join(", ")).unwrap();
    }
    page
}

#[test]
fn the_page_in_the_docs_is_the_table() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md");
    let right = concat!(env!("CARGO_TARGET_TMPDIR"), "/faults.md");
    let written = written();
    if std::fs::read_to_string(docs).unwrap_or_default() != written {
        std::fs::write(right, written).unwrap();
        panic!("docs/faults.md is not what the table says: replace it by {right}");
    }
}

/// An example without its line breaks: what a client would send.
fn joined(example: &str) -> String {
    example.replace("\n  ", "")
}

#[test]
fn every_authorization_request_that_is_given_as_an_example_is_accepted() {
    let provider = provider(&IDPORTEN);
    let mut tried = 0;
    for rule in Rule::all() {
        let request = joined(rule.example);
        let Some(query) = request.strip_prefix("GET /authorize?") else { continue };
        let params = RawParams::parse(query.as_bytes()).unwrap();
        let refused = validate(addressed(&provider, params).unwrap(), &provider).map(|_| ());
        assert!(refused.is_ok(), "{}: {refused:?}", rule.name);
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn every_form_that_is_given_as_an_example_is_read_and_shows_its_client() {
    let basic = format!("Basic {}", base64_encode(b"web:secret"));
    let mut tried = 0;
    for rule in Rule::all().chain(Shared::ALL.iter().map(|shared| &shared.page)) {
        let request = joined(rule.example);
        let Some((head, form)) = request.split_once("\n\n").filter(|_| request.starts_with("POST ")) else {
            continue;
        };
        assert!(head.contains(&format!("\nAuthorization: {basic}\n")), "{}: {head}", rule.name);
        assert!(head.ends_with("\nContent-Type: application/x-www-form-urlencoded"), "{}: {head}", rule.name);
        let params = RawParams::parse(form.as_bytes()).unwrap();
        let credentials = credentials(&[basic.as_bytes()], &params).unwrap();
        assert_eq!(credentials.client_id().as_str(), "web", "{}", rule.name);
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn every_catalogue_that_is_given_as_an_example_is_toml() {
    for rule in Rule::all().filter(|rule| rule.example.starts_with("[[")) {
        let parsed = rule.example.parse::<toml::Table>();
        assert!(parsed.is_ok(), "{}: {parsed:?}", rule.name);
    }
}
