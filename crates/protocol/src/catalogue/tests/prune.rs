//! Pruning: what a catalogue no longer names is deactivated, and nothing else is.

use super::*;
use crate::organisation::Standing;

const MORE: &str = r#"
[[organisations]]
orgno = "889640782"
name = "Etaten"
standing = "active"
terms = { version = "2016-12", accepted_at = 2016-12-01T12:00:00Z, accepted_by = "Ola Nordmann" }

[[scopes]]
scope = "skatt:inntekt"

[[clients]]
client_id = "other"
client_orgno = "889640782"
display_name = "Annen"
redirect_uris = ["https://other.example/"]
scopes = ["openid", "skatt:inntekt"]
"#;

const PERSONS: &str = r#"
[[test_persons]]
pool = "synthetic"
pid = "21879498012"

[[test_persons]]
pool = "synthetic"
pid = "20914695016"
"#;

fn all() -> String {
    [ORGANISATION, TEN_FIELDS, MORE, PERSONS].concat()
}

fn less() -> String {
    let one = PERSONS.replace("[[test_persons]]\npool = \"synthetic\"\npid = \"20914695016\"\n", "");
    [ORGANISATION, TEN_FIELDS, &one].concat()
}

#[test]
fn without_prune_what_is_no_longer_named_stays() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&all(), false);
    assert!(world.apply(&less(), false).is_empty());
}

#[test]
fn with_prune_it_is_deactivated_and_comes_back_when_the_file_says_so() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&all(), false);
    let plan = world.apply(&less(), true);
    let stopped: Vec<_> = lines(&plan).into_iter().filter(|line| line.starts_with('-')).collect();
    assert_eq!(
        stopped,
        [
            format!("- organisation 889640782 at {PILOT_TEST}: no longer named"),
            format!("- scope skatt:inntekt at {PILOT_TEST}: no longer named"),
            format!("- client other at {PILOT_TEST}: no longer named"),
            "- 1 test persons in the pool synthetic: no longer named".to_owned(),
        ]
    );
    assert_eq!(plan.changes.len(), 4);
    assert_eq!(world.organisation(PILOT_TEST, "889640782").standing, Standing::Deactivated);
    assert!(!world.client(PILOT_TEST, "other").active);
    assert!(world.apply(&less(), true).is_empty(), "pruning again changes nothing");

    let organisation = world.apply(&all(), true);
    assert_eq!(organisation.changes.len(), 1, "its entry alone says so: {:?}", lines(&organisation));
    assert!(!world.client(PILOT_TEST, "other").active);
    let back = |text: String, heading: &str| text.replace(heading, &format!("{heading}\nactive = true"));
    let said = back(back(back(all(), "[[scopes]]"), "[[clients]]"), "[[test_persons]]");
    let again = world.apply(&said, true);
    assert_eq!(again.changes.len(), 3, "{:?}", lines(&again));
    assert!(again.generated.is_empty(), "its secret had not ended");
    assert!(world.client(PILOT_TEST, "other").active);
    assert!(world.apply(&all(), true).is_empty());
}

#[test]
fn an_issuer_that_the_file_does_not_name_is_not_pruned() {
    let mut world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    for issuer in [PILOT_TEST, CURRENT_TEST] {
        world.apply(&format!("issuer = \"{issuer}\"\n{}", [ORGANISATION, TEN_FIELDS].concat()), false);
    }
    let plan = world.apply(&format!("issuer = \"{CURRENT_TEST}\"\n"), true);
    assert_eq!(plan.changes.len(), 2, "{:?}", lines(&plan));
    assert!(world.client(PILOT_TEST, "ten").active);
    assert!(!world.client(CURRENT_TEST, "ten").active);
    assert!(world.apply("", true).is_empty(), "an empty file names no issuer");
}

#[test]
fn a_client_cannot_be_kept_while_its_organisation_or_scope_is_pruned() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&all(), false);
    let clients = &MORE[MORE.find("[[clients]]").unwrap()..];
    let catalogue = Catalogue::parse(clients).unwrap();
    assert!(world.plan(&catalogue, false).unwrap().is_empty());
    let faults = world.plan(&catalogue, true).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].starts_with(
            "clients[0].client_orgno = \"889640782\": must be an organisation that the file names"
        )
    );
    assert!(
        faults[1].starts_with("clients[0].scopes[1] = \"skatt:inntekt\": must be a scope that is active")
    );
}
