//! The table of faults: `docs/faults.md` is written from it, and the catalogues on its pages can be brought about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portvakt_crypto::random::Random;
use portvakt_protocol::catalogue::{AsRegistered, Catalogue, Plan, plan};
use portvakt_protocol::profile::Profile;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::refusal::{ExampleKind, Rule, Shared};
use portvakt_protocol::registration::RegistrationFault;

use crate::scene::{NOW, provider};

/// The page, as the table has it now.
fn written() -> String {
    let mut page = String::from(
        "# Every fault, and what it is called\n\n\
         Written from the table in [rules.rs](../crates/protocol/src/refusal/rules.rs); a test holds the two equal and says where the\n\
         right text lies when they differ. A refusal names its rule at the end of `error_description`, in the log (`rule`) and in\n\
         `error_uri`, which leads to `{issuer}/errors/{rule}`: what the rule is, why it exists, how to mend it, and an example that works at that\n\
         issuer, in English and Norwegian. `portvakt explain TRACE_ID` tells of one refusal what was expected and what came.\n\n\
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

/// The plan of a catalogue where nothing is registered yet.
fn planned(provider: Provider, text: &str) -> Result<Plan, Vec<RegistrationFault>> {
    let (providers, registries, persons) = ([provider], BTreeMap::new(), BTreeMap::new());
    let registered = AsRegistered { providers: &providers, registries: &registries, persons: &persons };
    plan(&Catalogue::parse(text)?, registered, false, NOW, &Random::danger_seeded(1))
}

#[test]
fn every_catalogue_that_is_given_as_an_example_is_brought_about_where_nothing_is_registered() {
    let mut tried = 0;
    for profile in Profile::ALL {
        for rule in Rule::all() {
            let shown = rule.example.at(&provider(profile));
            if shown.kind != ExampleKind::Catalogue {
                continue;
            }
            let plan = planned(provider(profile), &shown.text);
            let registered =
                plan.unwrap_or_else(|faults| panic!("{}: {faults:?}\n{}", rule.name, shown.text));
            assert!(!registered.is_empty(), "{}", rule.name);
            tried += 1;
        }
    }
    assert!(tried >= 6, "{tried}");
}
