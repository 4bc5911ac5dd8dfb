//! Secrets of a catalogue: given, fetched, generated, rotated and ended.

use super::*;
use crate::profile::SECRET_LIFETIME;
use crate::registration::rotate_secret;
use crate::time::Seconds;

/// 22 characters, ten of them different.
const ENOUGH: &str = "0123456789012345678901";

fn production(secret: &str) -> String {
    let client = TEN_FIELDS.replace("http://localhost:3000", "https://ten.example");
    [ORGANISATION, &client.replace("\"as-chosen-by-the-operator\"", secret)].concat()
}

#[test]
fn production_refuses_a_secret_that_can_be_guessed() {
    let world = World::of(&[PRODUCTION]);
    for weak in [&ENOUGH[1..], "0123456780012345678001", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let faults = world.refused(&production(&format!("{weak:?}")));
        let shown =
            format!("clients[0].client_secret = (text of {} characters): must have at least 22", weak.len());
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with(&shown), "{faults:?}");
    }
    let mut world = world;
    world.apply(&production(&format!("{ENOUGH:?}")), false);
    let mut test = World::of(&[PILOT_TEST]);
    test.apply(&production("\"x\""), false);
}

#[test]
fn a_secret_is_printable_ascii_anywhere() {
    let world = World::of(&[PILOT_TEST]);
    for bad in ["", "\\n", "pass\\u00f8rd", &"x".repeat(256)] {
        let faults = world.refused(&production(&format!("\"{bad}\"")));
        assert!(faults[0].contains("must have 1 to 255 characters, all of printable ASCII"), "{faults:?}");
    }
    let mut world = world;
    world.apply(&production(&format!("\"{}\"", "x".repeat(255))), false);
}

#[test]
fn a_named_secret_is_fetched_by_the_caller() {
    let mut world = World::of(&[PILOT_TEST]);
    let by_env = Catalogue::parse(&production("{ env = \"TEN_SECRET\" }")).unwrap();
    let env = SecretReference::Environment("TEN_SECRET".into());
    assert_eq!(by_env.secret_references(), BTreeSet::from([env.clone()]));
    assert_eq!(
        world.plan(&by_env, false).unwrap_err(),
        [
            "clients[0].client_secret: must be fetched from the environment variable TEN_SECRET, which was not done (line 9)"
        ]
    );
    let failed = BTreeMap::from([(env.clone(), Err("it is not set".to_owned()))]);
    assert_eq!(
        world.plan(&by_env.clone().resolve(&failed), false).unwrap_err(),
        [
            "clients[0].client_secret: could not be had from the environment variable TEN_SECRET: it is not set (line 9)"
        ]
    );
    let fetched = BTreeMap::from([(env, Ok(Zeroizing::new("chosen".to_owned())))]);
    let plan = world.plan(&by_env.resolve(&fetched), false).unwrap();
    world.bring_about(&plan.changes);

    let by_file = Catalogue::parse(&production("{ file = \"secrets/ten\" }")).unwrap();
    let file = SecretReference::File("secrets/ten".into());
    let fetched = BTreeMap::from([(file, Ok(Zeroizing::new("chosen\r\n".to_owned())))]);
    assert!(
        world.plan(&by_file.resolve(&fetched), false).unwrap().is_empty(),
        "the same secret by another way"
    );
}

#[test]
fn without_a_given_secret_one_is_generated_once() {
    let mut world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let text = format!("issuer = [\"{PILOT_TEST}\", \"{CURRENT_TEST}\"]\n{}", production("\"x\""));
    let text = text.replace("client_secret = \"x\"\n", "");
    let first = world.apply(&text, false);
    assert_eq!(first.generated.len(), 2, "one at each issuer");
    assert_ne!(first.generated[0].2.reveal(), first.generated[1].2.reveal());
    assert_eq!(first.generated[0].2.reveal().len(), 43);
    let stored = &world.client(PILOT_TEST, "ten").secrets;
    assert!(stored[0].digest.matches(&first.generated[0].2.digest()));
    assert_eq!(stored[0].expires, NOW + SECRET_LIFETIME);
    let second = world.apply(&text, false);
    assert!(second.generated.is_empty() && second.is_empty());
    assert!(!format!("{first:?}").contains(first.generated[0].2.reveal()));
}

#[test]
fn a_new_given_secret_ends_the_others_and_an_ended_one_does_not_come_back() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&production("\"one\""), false);
    world.now = NOW + Seconds::new(10);
    let plan = world.apply(&production("\"two\""), false);
    assert_eq!(
        lines(&plan)[2],
        format!(
            "~ secret of client ten at {PILOT_TEST}: the given one; its others end now; it ends 2017-11-26T12:00:10Z"
        )
    );
    let ends: Vec<_> = world.client(PILOT_TEST, "ten").secrets.iter().map(|secret| secret.expires).collect();
    assert_eq!(ends, [world.now + SECRET_LIFETIME, world.now]);
    let faults = world.refused(&production("\"one\""));
    assert!(
        faults[0].contains("must be a new one: this secret of the client's ended 2016-12-01T12:00:10Z"),
        "{faults:?}"
    );
}

#[test]
fn a_secret_rotated_by_command_is_left_alone_by_the_file_while_the_files_own_lives() {
    let mut world = World::of(&[PILOT_TEST]);
    let text = production("\"one\"");
    world.apply(&text, false);
    let issuer = world.providers[0].issuer().clone();
    let keep = Some(Seconds::days(1));
    let (change, secret) =
        rotate_secret(&issuer, world.client(PILOT_TEST, "ten"), keep, NOW, &world.random).unwrap();
    world.bring_about(&[change]);
    assert!(world.apply(&text, false).is_empty());
    let record = world.client(PILOT_TEST, "ten");
    assert!(record.secrets[0].digest.matches(&secret.digest()));
    assert_eq!(record.living_secrets(NOW).count(), 2);
    world.now = NOW + Seconds::days(1);
    assert_eq!(world.client(PILOT_TEST, "ten").living_secrets(world.now).count(), 1);
    assert!(world.refused(&text)[0].contains("does not come back"));
}

#[test]
fn rotation_keeps_nothing_unless_told_and_needs_a_client_with_a_secret() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&production("\"one\""), false);
    let issuer = world.providers[0].issuer().clone();
    let mut record = world.client(PILOT_TEST, "ten").clone();
    let (change, secret) = rotate_secret(&issuer, &record, None, NOW, &world.random).unwrap();
    let expected = Change::Secret {
        issuer: issuer.clone(),
        client_id: record.registration.client_id.clone(),
        digest: secret.digest(),
        expires: NOW + SECRET_LIFETIME,
        others_expire: NOW,
    };
    assert_eq!(change, expected);
    record.registration.token_endpoint_auth_method = crate::client::AuthMethod::None;
    let fault = rotate_secret(&issuer, &record, None, NOW, &world.random).unwrap_err();
    assert!(fault.to_string().starts_with("token_endpoint_auth_method = \"none\": must be"));
}

#[test]
fn a_client_that_becomes_public_loses_its_secrets() {
    let mut world = World::of(&[PILOT_TEST]);
    let text = production("\"one\"");
    world.apply(&text, false);
    let public = text.replace("[[clients]]", "[[clients]]\napplication_type = \"browser\"");
    let faults = world.refused(&public);
    assert!(faults[0].contains("must be left out where token_endpoint_auth_method is none"), "{faults:?}");
    let public = public.replace("client_secret = \"one\"\n", "");
    let plan = world.apply(&public, false);
    assert!(matches!(plan.changes.as_slice(), [Change::Client { .. }, Change::EndSecrets { at: NOW, .. }]));
    assert!(world.apply(&public, false).is_empty());
}
