//! Registrations: one commit or none, and what is read is what was registered last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portvakt_protocol::client::{ScopeRefused, SecretCheck, Stopped};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{OrgNumber, Standing};
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::provider::{Environment, PersonStanding, Provider};
use portvakt_protocol::registration::{Change, ClientRegistration, IntegrationType, PersonRecord, Subject};
use portvakt_protocol::scope::{AccessState, Scope, ScopeAccess, ScopeRecord, Scopes};
use portvakt_protocol::secret::ClientSecret;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::Registered;

use crate::world::{
    KARI, OLA, START, World, actor, after, client_id, organisation, pid, pool, provider, register_client,
    registration,
};

fn secret(world: &World, secret: &ClientSecret, expires: Timestamp, others_expire: Timestamp) -> Change {
    let issuer = world.issuer().clone();
    Change::Secret { issuer, client_id: client_id("demo"), digest: secret.digest(), expires, others_expire }
}

fn assign(person: &str, name: &str, active: bool) -> Change {
    Change::Person { pool: pool(name), person: PersonRecord { pid: pid(person), active } }
}

/// A scope of 889640782's, of which every attribute is said.
fn owned() -> ScopeRecord {
    ScopeRecord {
        scope: Scope::parse("skatt:inntekt").unwrap(),
        owner_orgno: Some(OrgNumber::parse("889640782").unwrap()),
        description: "Inntekt".to_owned(),
        description_nn: Some("Inntekta".to_owned()),
        description_en: Some("Income".to_owned()),
        description_se: Some("Dietnasat".to_owned()),
        token_type: Some(TokenType::SelfContained),
        at_max_age: Seconds::new(30),
        authorization_max_lifetime: Seconds::new(600),
        requires_pseudonymous_tokens: true,
        accessible_for_all: false,
        allowed_integration_types: vec![IntegrationType::ApiKlient],
        enforced_aud_for_introspection: vec![client_id("other")],
        active: true,
    }
}

fn scope(world: &World, record: ScopeRecord) -> Change {
    Change::Scope { issuer: world.issuer().clone(), record }
}

fn access(world: &World, consumer: &str, state: AccessState) -> Change {
    let access =
        ScopeAccess { scope: owned().scope, consumer_orgno: OrgNumber::parse(consumer).unwrap(), state };
    Change::ScopeAccess { issuer: world.issuer().clone(), access }
}

fn taken_back(world: &World, subject: Subject, at: Timestamp) -> Change {
    Change::NotBefore { issuer: world.issuer().clone(), subject, at }
}

pub(crate) async fn a_client_of_no_organisation_is_broken_and_takes_its_whole_register_along(world: World) {
    let (before, seen) = (world.store.registry(world.issuer()).await.unwrap(), world.audit().await);
    let mut orphan = registration("orphan");
    orphan.client_orgno = organisation("910753614").orgno;
    let orphan =
        Change::Client { issuer: world.issuer().clone(), registration: Box::new(orphan), active: true };
    let stranger = Change::Secret {
        issuer: world.issuer().clone(),
        client_id: client_id("nobody"),
        digest: ClientSecret::presented("x").digest(),
        expires: after(1),
        others_expire: after(1),
    };
    for breach in [orphan, stranger] {
        let changes = vec![register_client(world.issuer(), "demo", false), breach];
        assert!(world.store.register(changes, None, actor(), START).await.is_err());
    }
    assert_eq!(world.store.registry(world.issuer()).await.unwrap(), before);
    assert_eq!(world.audit().await, seen);
}

pub(crate) async fn a_register_decided_on_an_older_generation_is_a_conflict(world: World) {
    let decided_on = world.store.generation().await.unwrap();
    world.registered(vec![register_client(world.issuer(), "third", true)]).await;
    let (before, seen) = (world.store.registry(world.issuer()).await.unwrap(), world.audit().await);
    let changes = vec![register_client(world.issuer(), "demo", false)];
    let late = world.store.register(changes.clone(), Some(decided_on), actor(), START).await;
    assert_eq!(late, Ok(Registered::Conflict));
    assert_eq!(world.store.registry(world.issuer()).await.unwrap(), before);
    assert_eq!(world.audit().await, seen);
    let current = world.store.generation().await.unwrap();
    assert_eq!(world.store.register(changes, Some(current), actor(), START).await, Ok(Registered::Done));
    assert!(world.store.generation().await.unwrap() > current);
}

pub(crate) async fn a_change_to_what_stands_already_is_none(world: World) {
    let given = ClientSecret::draw(&world.random);
    let changes = vec![
        Change::Organisation { issuer: world.issuer().clone(), organisation: organisation("991825827") },
        register_client(world.issuer(), "demo", true),
        secret(&world, &given, after(100), after(50)),
        assign(KARI, "ours", true),
        scope(&world, owned()),
        access(&world, "991825827", AccessState::Requested),
        taken_back(&world, Subject::Issuer, START),
        taken_back(&world, Subject::Person(pid(KARI)), START),
    ];
    world.registered(changes.clone()).await;
    let (before, seen) = (world.store.registry(world.issuer()).await.unwrap(), world.audit().await);
    assert_eq!(world.store.register(changes, None, actor(), after(9)).await, Ok(Registered::Done));
    assert_eq!(world.store.registry(world.issuer()).await.unwrap(), before, "the generation included");
    assert_eq!(world.audit().await, seen);
}

pub(crate) async fn a_client_that_nobody_registered_is_none(world: World) {
    assert!(world.store.client(&world.here, &client_id("nobody")).await.unwrap().is_none());
    let nowhere = provider("https://nowhere.example", Environment::Test);
    assert!(world.store.client(&nowhere, &client_id("demo")).await.unwrap().is_none());
    let found = world.store.client(&world.here, &client_id("demo")).await.unwrap().unwrap();
    assert_eq!((found.id().as_str(), found.stopped()), ("demo", None));
}

pub(crate) async fn a_registration_that_no_longer_holds_is_none(world: World) {
    let mut plain = registration("plain");
    plain.redirect_uris = vec!["http://demo.example/callback".to_owned()];
    let plain =
        Change::Client { issuer: world.issuer().clone(), registration: Box::new(plain), active: true };
    world.registered(vec![plain]).await;
    let production = provider(world.issuer().as_str(), Environment::Production);
    for _ in 0..2 {
        assert!(world.store.client(&production, &client_id("plain")).await.unwrap().is_none());
    }
    assert!(world.store.client(&production, &client_id("demo")).await.unwrap().is_some());
}

pub(crate) async fn a_client_stops_with_itself_and_with_its_organisation(world: World) {
    let stopped = async || {
        let client = world.store.client(&world.here, &client_id("demo")).await.unwrap();
        client.unwrap().stopped()
    };
    assert_eq!(stopped().await, None);
    world.registered(vec![register_client(world.issuer(), "demo", false)]).await;
    assert_eq!(stopped().await, Some(Stopped::ClientDeactivated));
    world.registered(vec![register_client(world.issuer(), "demo", true)]).await;
    for standing in [Standing::Withdrawn, Standing::Deactivated, Standing::Active] {
        let mut changed = organisation("991825827");
        changed.standing = standing;
        let change = Change::Organisation { issuer: world.issuer().clone(), organisation: changed };
        world.registered(vec![change]).await;
        let expected = (standing != Standing::Active).then_some(Stopped::OrganisationStopped);
        assert_eq!(stopped().await, expected, "{standing:?}");
    }
    let other_issuers = world.store.client(&world.there, &client_id("demo")).await.unwrap().unwrap();
    assert_eq!(other_issuers.stopped(), None);
}

pub(crate) async fn a_secret_ends_no_later_than_it_would_have(world: World) {
    let [first, second, third] = [(); 3].map(|()| ClientSecret::draw(&world.random));
    let check = async |presented: &ClientSecret| {
        let client = world.store.client(&world.here, &client_id("demo")).await.unwrap().unwrap();
        client.has_secret(presented, START)
    };
    assert_eq!(check(&first).await, SecretCheck::Wrong);
    world.registered(vec![secret(&world, &first, after(100), START)]).await;
    assert_eq!(check(&first).await, SecretCheck::Right);
    world.registered(vec![secret(&world, &second, after(200), after(500))]).await;
    assert_eq!((check(&first).await, check(&second).await), (SecretCheck::Right, SecretCheck::Right));
    world.registered(vec![secret(&world, &third, after(300), START)]).await;
    assert_eq!(check(&first).await, SecretCheck::Expired(START));
    assert_eq!(check(&third).await, SecretCheck::Right);
    let (_, registry) = world.store.registry(world.issuer()).await.unwrap();
    let demo =
        registry.clients.iter().find(|client| client.registration.client_id.as_str() == "demo").unwrap();
    let kept: Vec<_> = demo.secrets.iter().map(|kept| (kept.digest, kept.expires)).collect();
    assert_eq!(kept, [(third.digest(), after(300)), (second.digest(), START), (first.digest(), START)]);

    let end = Change::EndSecrets { issuer: world.issuer().clone(), client_id: client_id("demo"), at: START };
    world.registered(vec![end]).await;
    assert_eq!(check(&third).await, SecretCheck::Expired(START));
}

pub(crate) async fn every_read_after_a_register_sees_it(world: World) {
    let going = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, here, going) = (world.store.clone(), world.here.clone(), Arc::clone(&going));
            tokio::spawn(async move {
                while going.load(Ordering::Relaxed) {
                    let _ = store.client(&here, &client_id("demo")).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // Where others may have copies, each change waits for them.
    let rounds = if world.is_shared() { 4 } else { 100 };
    for round in 0..rounds {
        let active = round % 2 == 1;
        world.registered(vec![register_client(world.issuer(), "demo", active)]).await;
        let client = world.store.client(&world.here, &client_id("demo")).await.unwrap().unwrap();
        assert_eq!(client.stopped().is_none(), active, "round {round}");
    }
    going.store(false, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
}

pub(crate) async fn a_register_whose_caller_went_away_is_seen_all_the_same(world: World) {
    let client = async || world.store.client(&world.here, &client_id("demo")).await.unwrap().unwrap();
    assert_eq!(client().await.stopped(), None);
    let changes = vec![register_client(world.issuer(), "demo", false)];
    let before = world.store.generation().await.unwrap();
    let register = world.store.register(changes, None, actor(), START);
    // Polled once, and let go of: the request is under way and nobody waits for its answer.
    tokio::select! {
        biased;
        _ = register => {}
        () = std::future::ready(()) => {}
    }
    world.begin().await;
    while world.store.generation().await.unwrap() == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(client().await.stopped(), Some(Stopped::ClientDeactivated));
    assert_eq!(
        world.store.registry(world.issuer()).await.unwrap().0,
        world.store.generation().await.unwrap()
    );
}

pub(crate) async fn a_registry_is_read_as_it_was_registered(mut world: World) {
    let record = ScopeRecord { active: false, ..owned() };
    let scope = Change::Scope { issuer: world.issuer().clone(), record: record.clone() };
    let mut bare = organisation("910753614");
    bare.terms = None;
    let bare = Change::Organisation { issuer: world.issuer().clone(), organisation: bare };
    world.registered(vec![scope, bare]).await;
    let mut renamed = registration("demo");
    renamed.display_name = "Demo, renamed".to_owned();
    renamed.description = Some("for those who administer it".to_owned());
    let renamed =
        Change::Client { issuer: world.issuer().clone(), registration: Box::new(renamed), active: false };
    world.store.register(vec![renamed], None, actor(), after(5)).await.unwrap();
    for _ in 0..2 {
        let (generation, registry) = world.store.registry(world.issuer()).await.unwrap();
        assert_eq!(generation, world.store.generation().await.unwrap());
        assert_eq!(registry.scopes, std::slice::from_ref(&record));
        let numbers: Vec<_> = registry.organisations.iter().map(|known| known.orgno.as_str()).collect();
        assert_eq!(numbers, ["910753614", "991825827"]);
        assert!(registry.organisations[0].terms.is_none());
        assert_eq!(registry.organisations[1], organisation("991825827"));
        let demo = &registry.clients[0];
        assert_eq!((demo.registration.display_name.as_str(), demo.active), ("Demo, renamed", false));
        assert_eq!((demo.created, demo.last_updated), (START, after(5)));
        assert_eq!(registry.clients[1].registration, registration("other"));
        world.reopen().await;
    }
}

pub(crate) async fn access_is_of_one_organisation_and_what_was_last_said_counts(world: World) {
    let mut user = registration("demo");
    user.scopes = Scopes::parse("openid skatt:inntekt").unwrap();
    let user = Change::Client { issuer: world.issuer().clone(), registration: Box::new(user), active: true };
    world.registered(vec![scope(&world, owned()), user]).await;
    let refused = async || {
        let client = world.store.client(&world.here, &client_id("demo")).await.unwrap().unwrap();
        client.scope_refused(&Scopes::parse("skatt:inntekt").unwrap()).map(|(_, why)| why)
    };
    assert_eq!(refused().await, Some(ScopeRefused::NotGranted(None)));
    world.registered(vec![access(&world, "910753614", AccessState::Approved)]).await;
    assert_eq!(refused().await, Some(ScopeRefused::NotGranted(None)), "another's");
    for state in [AccessState::Requested, AccessState::Approved, AccessState::Denied, AccessState::Withdrawn]
    {
        let before = world.store.generation().await.unwrap();
        world.registered(vec![access(&world, "991825827", state)]).await;
        assert!(world.store.generation().await.unwrap() > before, "{state:?}");
        let expected = (state != AccessState::Approved).then_some(ScopeRefused::NotGranted(Some(state)));
        assert_eq!(refused().await, expected, "{state:?}");
    }
    let (_, registry) = world.store.registry(world.issuer()).await.unwrap();
    let said: Vec<_> =
        registry.access.iter().map(|said| (said.consumer_orgno.as_str(), said.state.as_str())).collect();
    assert_eq!(said, [("910753614", "APPROVED"), ("991825827", "WITHDRAWN")]);
    let (_, there) = world.store.registry(world.there.issuer()).await.unwrap();
    assert!(there.access.is_empty());
    let records = world.audit().await;
    let changes: Vec<_> = records.iter().filter(|record| record.event == "scope_access_changed").collect();
    assert_eq!(changes.len(), 5);
    assert_eq!(changes[4].detail["access"]["state"], "WITHDRAWN");
}

pub(crate) async fn the_latest_of_what_was_taken_back_of_a_client_counts(world: World) {
    let mut run = registration("run");
    run.supplier_orgno = Some(OrgNumber::parse("889640782").unwrap());
    let run = Change::Client { issuer: world.issuer().clone(), registration: Box::new(run), active: true };
    world.registered(vec![run]).await;
    let not_before = async |provider: &Provider, id: &str| {
        world.store.client(provider, &client_id(id)).await.unwrap().unwrap().not_before()
    };
    let orgno = |number: &str| Subject::Organisation(OrgNumber::parse(number).unwrap());
    assert_eq!(not_before(&world.here, "run").await, Timestamp::from_unix(0));
    for (subject, at, of_run, of_other) in [
        (orgno("910753614"), 90, Timestamp::from_unix(0), Timestamp::from_unix(0)),
        (Subject::Person(pid(KARI)), 90, Timestamp::from_unix(0), Timestamp::from_unix(0)),
        (orgno("889640782"), 10, after(10), Timestamp::from_unix(0)),
        (Subject::Client(client_id("run")), 5, after(10), Timestamp::from_unix(0)),
        (Subject::Client(client_id("run")), 20, after(20), Timestamp::from_unix(0)),
        (orgno("991825827"), 30, after(30), after(30)),
        (orgno("991825827"), 15, after(30), after(30)),
        (Subject::Issuer, 40, after(40), after(40)),
        (Subject::Client(client_id("other")), 50, after(40), after(50)),
    ] {
        let told = format!("{subject:?} {at}");
        world.registered(vec![taken_back(&world, subject, after(at))]).await;
        assert_eq!(not_before(&world.here, "run").await, of_run, "{told}");
        assert_eq!(not_before(&world.here, "other").await, of_other, "{told}");
    }
    assert_eq!(not_before(&world.there, "demo").await, Timestamp::from_unix(0), "another issuer's");
    let records = world.audit().await;
    let taken: Vec<_> = records.iter().filter(|record| record.event == "taken_back").collect();
    assert_eq!(taken.len(), 8, "an earlier instant changes nothing");
    let of = |at: usize, name: &str| taken[at].detail[name].clone();
    assert_eq!((of(0, "kind"), of(0, "orgno")), ("organisation".into(), "910753614".into()));
    assert_eq!((of(3, "kind"), of(3, "client_id")), ("client".into(), "run".into()));
    assert_eq!((of(1, "kind"), of(1, "not_before")), ("person".into(), after(90).unix().into()));
    assert!(of(1, "person").is_string() && !taken[1].detail.to_string().contains(KARI));
}

pub(crate) async fn what_a_client_was_given_ends_when_it_becomes_anothers(world: World) {
    let not_before = async || {
        let known = world.store.client(&world.here, &client_id("demo")).await.unwrap().unwrap();
        known.not_before()
    };
    let registered = async |registration, at| {
        let registration = Box::new(registration);
        let change = Change::Client { issuer: world.issuer().clone(), registration, active: true };
        let done = world.store.register(vec![change], None, actor(), after(at)).await;
        assert_eq!(done, Ok(Registered::Done));
    };
    let of = |orgno, supplier: Option<&str>| ClientRegistration {
        client_orgno: OrgNumber::parse(orgno).unwrap(),
        supplier_orgno: supplier.map(|orgno| OrgNumber::parse(orgno).unwrap()),
        ..registration("demo")
    };
    let [own, other] = ["991825827", "910753614"];
    let change = Change::Organisation { issuer: world.issuer().clone(), organisation: organisation(other) };
    world.registered(vec![change]).await;
    let before = not_before().await;
    registered(ClientRegistration { access_token_lifetime: Seconds::new(60), ..of(own, None) }, 10).await;
    assert_eq!(not_before().await, before, "a change of anything else");
    for (orgno, supplier, at) in [(own, Some(other), 20), (own, None, 30), (other, None, 40)] {
        // What was taken back of the one that it leaves is not to come alive with the one that it comes to.
        registered(of(orgno, supplier), at).await;
        assert_eq!(not_before().await, after(at + 1), "{orgno} {supplier:?}");
    }
}

pub(crate) async fn what_was_taken_back_is_told_of_all_but_of_persons_only_of_the_one_asked_for(
    world: World,
) {
    let told = async |issuer: &Issuer, person: Option<&str>| {
        let person = person.map(pid);
        world.store.taken_back(issuer, person.as_ref()).await.unwrap()
    };
    let nowhere = provider("https://nowhere.example", Environment::Test);
    assert_eq!(told(nowhere.issuer(), Some(KARI)).await, [], "an issuer without rows");
    assert_eq!(told(world.issuer(), Some(KARI)).await, []);
    let client = Subject::Client(client_id("demo"));
    let organisation = Subject::Organisation(OrgNumber::parse("991825827").unwrap());
    for (subject, at) in [
        (client.clone(), 20),
        (client.clone(), 10),
        (organisation.clone(), 30),
        (Subject::Issuer, 40),
        (Subject::Person(pid(KARI)), 50),
    ] {
        world.registered(vec![taken_back(&world, subject, after(at))]).await;
    }
    let of_all = vec![(client, after(20)), (Subject::Issuer, after(40)), (organisation, after(30))];
    assert_eq!(told(world.issuer(), None).await, of_all, "the latest of each");
    assert_eq!(told(world.issuer(), Some(OLA)).await, of_all);
    let with_person = [of_all, vec![(Subject::Person(pid(KARI)), after(50))]].concat();
    assert_eq!(told(world.issuer(), Some(KARI)).await, with_person);
    assert_eq!(told(world.there.issuer(), Some(KARI)).await, [], "another issuer's");
}

pub(crate) async fn a_store_that_several_share_has_a_clock_and_a_folder_has_its_process_s(world: World) {
    let clock = world.store.clock().await.unwrap();
    assert_eq!(clock.is_some(), world.is_shared());
    let Some(clock) = clock else { return };
    #[expect(
        clippy::disallowed_methods,
        reason = "the machine's own clock is what the database's is held against"
    )]
    let own = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let apart = clock.unix().abs_diff(i64::try_from(own).unwrap());
    assert!(apart <= 2, "{apart} s from this machine's, on which it runs");
}

pub(crate) async fn a_person_stands_where_the_pools_together_say(world: World) {
    let standing = async |person: &str, pools: &[&str]| {
        let pools: Vec<_> = pools.iter().map(|name| pool(name)).collect();
        world.store.person_standing(&pools, &pid(person)).await.unwrap()
    };
    assert_eq!(standing(KARI, &["ours", "theirs"]).await, PersonStanding::Unassigned);
    world.registered(vec![assign(KARI, "ours", true), assign(OLA, "theirs", true)]).await;
    assert_eq!(standing(KARI, &[]).await, PersonStanding::Unassigned);
    assert_eq!(standing(KARI, &["theirs"]).await, PersonStanding::Unassigned);
    assert_eq!(standing(KARI, &["theirs", "ours"]).await, PersonStanding::Active);
    world.registered(vec![assign(KARI, "theirs", false)]).await;
    assert_eq!(standing(KARI, &["ours", "theirs"]).await, PersonStanding::Deactivated);
    assert_eq!(standing(KARI, &["ours"]).await, PersonStanding::Active);
    let theirs = world.store.persons(&pool("theirs")).await.unwrap();
    let expected =
        [PersonRecord { pid: pid(OLA), active: true }, PersonRecord { pid: pid(KARI), active: false }];
    assert_eq!(theirs, expected, "by number");
    assert!(world.store.persons(&pool("nobody's")).await.unwrap().is_empty());
}
