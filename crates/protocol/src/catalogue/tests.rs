//! Scenes of a catalogue: read, planned, brought about, and applied again.

mod faults;
mod joined;
mod noted;
mod prune;
mod round_trip;
mod scopes;
mod secrets;
mod stopped;

use std::collections::BTreeMap;

use portvakt_crypto::random::Random;

use super::*;
use crate::client::{ClientId, StoredSecret};
use crate::organisation::Organisation;
use crate::profile::{IDPORTEN, PILOT};
use crate::provider::{Environment, TestIdSettings};
use crate::registration::{Beside, Change, ClientRecord, PersonRecord, Registry};
use crate::scope::ScopeAccess;
use crate::time::Timestamp;

const PILOT_TEST: &str = "https://eid-exttest.difi.no/idporten-oidc-provider/";
const CURRENT_TEST: &str = "https://test.idporten.no";
const PRODUCTION: &str = "https://idporten.difi.no/idporten-oidc-provider/";
/// 2016-12-01T12:00:00Z.
const NOW: Timestamp = Timestamp::from_unix(1_480_593_600);

/// An organisation with terms, for catalogues that need one.
const ORGANISATION: &str = r#"
[[organisations]]
orgno = "991825827"
name = "Direktoratet"
terms = { version = "2016-12", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Kari Nordmann" }
"#;

/// The ten fields of the pilot's table, and no other.
const TEN_FIELDS: &str = r#"
[[clients]]
client_id = "ten"
client_secret = "as-chosen-by-the-operator"
client_orgno = "991825827"
display_name = "Ti felt"
redirect_uris = ["http://localhost:3000/callback"]
post_logout_redirect_uris = ["http://localhost:3000/"]
scopes = ["openid", "profile"]
authorization_lifetime = 7200
access_token_lifetime = 120
refresh_token_lifetime = 600
"#;

/// What is configured and what is registered, brought forward by plans.
struct World {
    providers: Vec<Provider>,
    registries: BTreeMap<Issuer, Registry>,
    persons: BTreeMap<Pool, Vec<PersonRecord>>,
    random: Random,
    now: Timestamp,
}

impl World {
    fn of(issuers: &[&str]) -> Self {
        let provider = |issuer: &&str| {
            let pools = TestIdSettings { pools: vec![Pool("synthetic".into())], assigned_only: false };
            let (profile, environment, door) = match *issuer {
                CURRENT_TEST => (&IDPORTEN, Environment::Test, Some(pools)),
                PRODUCTION => (&PILOT, Environment::Production, None),
                _ => (&PILOT, Environment::Test, Some(pools)),
            };
            Provider::new(issuer, None, profile, environment, door, "2016-12").unwrap()
        };
        Self {
            providers: issuers.iter().map(provider).collect(),
            registries: BTreeMap::new(),
            persons: BTreeMap::new(),
            random: Random::danger_seeded(3),
            now: NOW,
        }
    }

    fn plan(&self, catalogue: &Catalogue, prune: bool) -> Result<Plan, Vec<String>> {
        let registered =
            AsRegistered { providers: &self.providers, registries: &self.registries, persons: &self.persons };
        plan(catalogue, registered, prune, self.now, &self.random)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    /// The faults of a text, as they are told.
    fn refused(&self, text: &str) -> Vec<String> {
        let catalogue = Catalogue::parse(text).expect("TOML");
        self.plan(&catalogue, false).expect_err("a fault")
    }

    /// The plan of a text, brought about.
    fn apply(&mut self, text: &str, prune: bool) -> Plan {
        let catalogue = Catalogue::parse(text).expect("TOML");
        let plan = self.plan(&catalogue, prune).expect("no fault");
        self.bring_about(&plan.changes);
        plan
    }

    /// What a store does with changes: each replaces what has the same name.
    fn bring_about(&mut self, changes: &[Change]) {
        for change in changes.iter().cloned() {
            match change {
                Change::Organisation { issuer, organisation } => {
                    let known = &mut self.registries.entry(issuer).or_default().organisations;
                    known.retain(|old| old.orgno != organisation.orgno);
                    known.push(organisation);
                }
                Change::Scope { issuer, record } => {
                    let known = &mut self.registries.entry(issuer).or_default().scopes;
                    known.retain(|old| old.scope != record.scope);
                    known.push(record);
                }
                Change::ScopeAccess { issuer, access } => {
                    let known = &mut self.registries.entry(issuer).or_default().access;
                    let same = |old: &ScopeAccess| {
                        (&old.scope, &old.consumer_orgno) == (&access.scope, &access.consumer_orgno)
                    };
                    known.retain(|old| !same(old));
                    known.push(access);
                }
                Change::NotBefore { .. } => panic!("no catalogue takes anything back"),
                Change::Client { issuer, registration, active } => {
                    let now = self.now;
                    let known = &mut self.registries.entry(issuer).or_default().clients;
                    let place =
                        known.iter().position(|old| old.registration.client_id == registration.client_id);
                    let old = place.map(|at| known.remove(at));
                    let created = old.as_ref().map_or(now, |old| old.created);
                    let secrets = old.map(|old| old.secrets).unwrap_or_default();
                    known.push(ClientRecord {
                        registration: *registration,
                        active,
                        created,
                        last_updated: now,
                        secrets,
                    });
                }
                Change::Secret { issuer, client_id, digest, expires, others_expire } => {
                    let secrets = self.secrets(&issuer, &client_id);
                    secrets.iter_mut().for_each(|old| old.expires = old.expires.min(others_expire));
                    secrets.insert(0, StoredSecret { digest, expires });
                }
                Change::EndSecrets { issuer, client_id, at } => {
                    self.secrets(&issuer, &client_id)
                        .iter_mut()
                        .for_each(|old| old.expires = old.expires.min(at));
                }
                Change::Person { pool, person } => {
                    let known = self.persons.entry(pool).or_default();
                    known.retain(|old| old.pid != person.pid);
                    known.push(person);
                }
            }
        }
    }

    fn secrets(&mut self, issuer: &Issuer, id: &ClientId) -> &mut Vec<StoredSecret> {
        let clients = &mut self.registries.get_mut(issuer).expect("registered").clients;
        &mut clients.iter_mut().find(|known| known.registration.client_id == *id).expect("registered").secrets
    }

    fn registry(&self, issuer: &str) -> &Registry {
        &self.registries[&Issuer::parse(issuer).unwrap()]
    }

    fn client(&self, issuer: &str, id: &str) -> &ClientRecord {
        let clients = &self.registry(issuer).clients;
        clients.iter().find(|known| known.registration.client_id.as_str() == id).expect("registered")
    }

    fn organisation(&self, issuer: &str, orgno: &str) -> &Organisation {
        let known = &self.registry(issuer).organisations;
        known.iter().find(|known| known.orgno.as_str() == orgno).expect("registered")
    }
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.lines.iter().map(ToString::to_string).collect()
}

#[test]
fn the_ten_fields_suffice_and_a_second_apply_changes_nothing() {
    let mut world = World::of(&[PILOT_TEST]);
    let text = [ORGANISATION, TEN_FIELDS].concat();
    let first = world.apply(&text, false);
    assert_eq!(
        lines(&first),
        [
            format!("+ organisation 991825827 at {PILOT_TEST}"),
            format!("+ client ten at {PILOT_TEST}"),
            format!("+ secret of client ten at {PILOT_TEST}: the given one; it ends 2017-11-26T12:00:00Z"),
        ]
    );
    assert!(first.generated.is_empty());

    world.now = NOW + crate::time::Seconds::days(30);
    let second = world.apply(&text, true);
    assert_eq!(
        lines(&second),
        [format!("= organisation 991825827 at {PILOT_TEST}"), format!("= client ten at {PILOT_TEST}")]
    );
    assert!(second.is_empty());

    let registration = &world.client(PILOT_TEST, "ten").registration;
    assert_eq!(registration.token_endpoint_auth_method.as_str(), "client_secret_basic");
    let provider = &world.providers[0];
    let organisation = world.organisation(PILOT_TEST, "991825827");
    let client = registration
        .client(
            provider,
            Beside {
                organisation,
                supplier: None,
                scopes: &[],
                access: &[],
                secrets: vec![],
                active: true,
                not_before: Timestamp::from_unix(0),
            },
        )
        .unwrap();
    assert_eq!(client.stopped(), None);
    assert_eq!(client.pkce(), crate::client::PkcePolicy::WhenSent);
}

#[test]
fn what_is_left_out_takes_the_profiles_defaults() {
    let mut world = World::of(&[CURRENT_TEST]);
    let client = r#"
        [[clients]]
        client_id = "spa"
        client_orgno = "991825827"
        client_name = "Nettleser"
        application_type = "browser"
        redirect_uris = ["https://spa.example/"]
        scopes = ["openid"]
    "#;
    let plan = world.apply(&[ORGANISATION, client].concat(), false);
    assert!(plan.generated.is_empty(), "a public client has no secret");
    let registration = &world.client(CURRENT_TEST, "spa").registration;
    assert_eq!(registration.display_name, "Nettleser");
    assert_eq!(registration.token_endpoint_auth_method.as_str(), "none");
    let lifetimes = [
        registration.access_token_lifetime,
        registration.refresh_token_lifetime,
        registration.authorization_lifetime,
    ];
    assert_eq!(lifetimes.map(crate::time::Seconds::get), [120, 600, 7200]);
    assert!(registration.post_logout_redirect_uris.is_empty());
}

#[test]
fn a_change_tells_each_field_with_what_it_was_and_becomes() {
    let mut world = World::of(&[PILOT_TEST]);
    let text = [ORGANISATION, TEN_FIELDS].concat();
    world.apply(&text, false);
    let changed = text.replace("Ti felt", "Elleve felt").replace("= 120", "= 240");
    let plan = world.apply(&changed, false);
    assert_eq!(
        lines(&plan)[1],
        format!(
            "~ client ten at {PILOT_TEST}: access_token_lifetime 120 → 240, display_name \"Ti felt\" → \"Elleve felt\""
        )
    );
    assert_eq!(plan.changes.len(), 1);
    let stopped = world.apply(&changed.replace("[[clients]]", "[[clients]]\nactive = false"), false);
    assert_eq!(lines(&stopped)[1], format!("- client ten at {PILOT_TEST}: active true → false"));
    assert!(!world.client(PILOT_TEST, "ten").active);
}

#[test]
fn an_entry_stands_at_each_issuer_that_it_names() {
    let mut world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let scope = format!(
        "[[scopes]]\nscope = \"skatt:inntekt\"\ntoken_type = \"OPAQUE\"\nissuer = \"{CURRENT_TEST}\"\n"
    );
    let both = format!("issuer = [\"{PILOT_TEST}\", \"{CURRENT_TEST}\"]\n");
    let plan = world.apply(&[&both, ORGANISATION, &scope, TEN_FIELDS].concat(), false);
    assert_eq!(plan.changes.len(), 7, "{:?}", lines(&plan));
    assert!(world.registry(PILOT_TEST).scopes.is_empty());
    assert_eq!(world.registry(CURRENT_TEST).scopes.len(), 1);
    assert_eq!(world.client(PILOT_TEST, "ten").registration, world.client(CURRENT_TEST, "ten").registration);
}

#[test]
fn a_scope_of_the_same_file_can_be_named_by_its_clients() {
    let mut world = World::of(&[PILOT_TEST]);
    let scope = "[[scopes]]\nscope = \"skatt:inntekt\"\n";
    let client = TEN_FIELDS.replace("\"profile\"", "\"skatt:inntekt\"");
    world.apply(&[ORGANISATION, scope, &client].concat(), false);
    let withdrawn = format!("{scope}active = false\n");
    let faults = world.refused(&[ORGANISATION, &withdrawn, &client].concat());
    let rule = format!("must be a scope that is active at {PILOT_TEST}");
    assert_eq!(faults, [format!("clients[0].scopes[1] = \"skatt:inntekt\": {rule} (line 17)")]);
    assert!(world.registry(PILOT_TEST).scopes[0].active, "nothing of the file was applied");
}

#[test]
fn a_later_acceptance_of_the_terms_is_not_undone_by_an_older_file() {
    let mut world = World::of(&[PILOT_TEST]);
    let newer = ORGANISATION.replace("2016-12\"", "2016-13\"").replace("2016-12-01T12", "2016-12-01T13");
    world.now = NOW + crate::time::Seconds::days(1);
    world.apply(&newer, false);
    let without = "[[organisations]]\norgno = \"991825827\"\nname = \"Direktoratet\"\n";
    for text in [ORGANISATION, without] {
        assert!(world.apply(text, false).is_empty(), "{text}");
    }
    assert_eq!(world.organisation(PILOT_TEST, "991825827").terms.as_ref().unwrap().version, "2016-13");
}

#[test]
fn an_instant_is_told_as_people_write_it() {
    let mut world = World::of(&[PILOT_TEST]);
    world.now = NOW + crate::time::Seconds::days(1);
    world.apply(ORGANISATION, false);
    let plan = world.apply(&ORGANISATION.replace("2016-12-01T12:00:00Z", "2016-12-01T12:00:01Z"), false);
    let line = &lines(&plan)[0];
    let [was, becomes] = ["00", "01"].map(|second| format!("\"accepted_at\":\"2016-12-01T12:00:{second}Z\""));
    assert!(line.contains(&was) && line.contains(&becomes), "{line}");
}

#[test]
fn a_withdrawn_organisation_keeps_its_clients_registered_and_stopped() {
    let mut world = World::of(&[PILOT_TEST]);
    let text = [ORGANISATION, TEN_FIELDS].concat();
    world.apply(&text, false);
    let plan =
        world.apply(&text.replace("[[organisations]]", "[[organisations]]\nstanding = \"withdrawn\""), false);
    let line = format!("- organisation 991825827 at {PILOT_TEST}: standing \"active\" → \"withdrawn\"");
    assert_eq!(lines(&plan)[0], line);
    assert_eq!(plan.changes.len(), 1);
    assert!(!world.organisation(PILOT_TEST, "991825827").may_have_clients());
}

#[test]
fn one_entry_of_a_command_is_planned_like_a_file() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&[ORGANISATION, TEN_FIELDS].concat(), false);
    let raw = RawClient::from(world.client(PILOT_TEST, "ten"));
    let same = Catalogue::of_client(&[], raw.clone());
    assert!(world.plan(&same, false).unwrap().is_empty());
    let raw = RawClient { redirect_uris: Some(vec!["/".into()]), access_token_lifetime: Some(-1), ..raw };
    assert_eq!(
        world.plan(&Catalogue::of_client(&[], raw), false).unwrap_err(),
        [
            "access_token_lifetime = -1: must be a whole number of seconds from 1 to 86400",
            "redirect_uris[0] = \"/\": must be an absolute URI of printable ASCII characters",
        ]
    );
    let organisation = RawOrganisation::from(world.organisation(PILOT_TEST, "991825827"));
    assert!(
        world
            .plan(&Catalogue::of_organisation(&[PILOT_TEST.into()], organisation), false)
            .unwrap()
            .is_empty()
    );
}
