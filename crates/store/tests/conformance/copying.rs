//! A store that moves from its folder to a database: everything is found again there, whatever cut the move off.

use std::path::{Path, PathBuf};

use portvakt_cluster::shared;
use portvakt_crypto::random::Random;
use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::provider::Environment;
use portvakt_protocol::registration::{Change, PersonRecord, Subject};
use portvakt_protocol::scope::{AccessState, Scope, ScopeAccess, ScopeRecord};
use portvakt_protocol::secret::ClientSecretDigest;
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{
    Copied, CopyFault, Copying, FoundLogin, LoginWrite, OpenFault, Opening, OwnerWarning, PostgresUrl,
    Registered, Revocation, Store, StoreUrl, TokenDigests, WarningKind, copy,
};

use crate::world::family::{Family, Given};
use crate::world::{
    Begun, DataFolder, Database, KARI, OLA, Place, START, World, actor, after, client_id, evidence_of,
    master, open, organisation, pid, pool, provider, register_client, register_organisation,
};

fn folder(world: &World) -> PathBuf {
    match world.url() {
        StoreUrl::Folder(folder) => folder,
        StoreUrl::Postgres(_) => panic!("a folder"),
    }
}

fn database(url: &StoreUrl) -> PostgresUrl {
    match url {
        StoreUrl::Folder(_) => panic!("a database"),
        StoreUrl::Postgres(url) => PostgresUrl::clone(url),
    }
}

/// Copies with the key of seed `key`, and is cut off after `steps` of what is told on the way.
async fn copied(
    from: &Path,
    to: &Database,
    key: u64,
    again: bool,
    steps: usize,
) -> Result<Copied, CopyFault> {
    let opening = Opening {
        url: to.url(),
        master: master(key),
        previous_master: None,
        random: Random::danger_seeded(99),
        now: START,
    };
    let target = database(&to.url());
    let mut told = 0;
    let tell = |_: Copying| {
        told += 1;
        assert!(told <= steps, "cut off");
    };
    Box::pin(copy(from, &target, opening, again, tell)).await
}

/// A copy that ends after `steps` as if its process had been killed; `None` if it was.
fn cut_off(from: &Path, to: &Database, steps: usize) -> Option<Copied> {
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(copied(from, to, 1, false, steps)).unwrap()
        });
        copying.join().ok()
    })
}

/// What a store holds that a copy must hold too.
struct Left {
    /// A login without evidence, and one with it.
    begun: [Begun; 2],
    unspent: portvakt_store::Issue,
    spent: portvakt_store::Issue,
    replayed: portvakt_store::Issue,
    /// One whose first token was rotated, and the token that it has now; and one that was revoked.
    families: [Family; 2],
    rotated: Given,
}

async fn live(world: &World) -> Left {
    let person = Change::Person { pool: pool("ours"), person: PersonRecord { pid: pid(KARI), active: true } };
    let secret = Change::Secret {
        issuer: world.issuer().clone(),
        client_id: client_id("demo"),
        digest: ClientSecretDigest::from_slice(&[7; 32]).unwrap(),
        expires: after(9000),
        others_expire: START,
    };
    let (issuer, scope) = (world.issuer().clone(), Scope::parse("skatt:inntekt").unwrap());
    let record = ScopeRecord::open(scope.clone());
    let consumer_orgno = OrgNumber::parse("910753614").unwrap();
    let access = ScopeAccess { scope, consumer_orgno, state: AccessState::Denied };
    let taken = Change::NotBefore { issuer: issuer.clone(), subject: Subject::Person(pid(OLA)), at: START };
    let scope = Change::Scope { issuer: issuer.clone(), record };
    let mut consumer = organisation("910753614");
    consumer.terms = None;
    let consumer = Change::Organisation { issuer: issuer.clone(), organisation: consumer };
    let access = Change::ScopeAccess { issuer, access };
    world.registered(vec![person, secret, consumer, scope, access, taken]).await;
    assert_eq!(world.store.warn_owner(world.issuer(), &warning()).await, Ok(true));
    world.store.add_signing_key(world.issuer(), world.key("one", START, START), START).await.unwrap();
    let begun = [world.begin().await, world.begin().await];
    let [_, Begun { login, browser }] = begun;
    let evidence = evidence_of(KARI, START);
    let recorded = world.store.record_evidence(world.issuer(), login, browser, evidence, START).await;
    assert_eq!(recorded, Ok(LoginWrite::Done));
    let (unspent, spent, replayed) = (world.issued().await, world.issued().await, world.issued().await);
    for issue in [&spent, &replayed, &replayed] {
        let spending = world.spending("demo", issue.code.digest);
        world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    }
    let families = [world.family().await, world.family().await];
    let rotated = world.rotated(families[0].refresh, START).await;
    let token = TokenDigests { access: families[1].access, refresh: families[1].refresh };
    let revoked = world.store.revoke(world.issuer(), &client_id("demo"), token, START).await;
    assert_eq!(revoked, Ok(Revocation::Done));
    Left { begun, unspent, spent, replayed, families, rotated }
}

fn warning() -> OwnerWarning {
    let (client_id, reason) = (client_id("demo"), "2017-02-01".to_owned());
    OwnerWarning { client_id, kind: WarningKind::SecretEnds, reason, at: START }
}

/// How many tables there are: `live` leaves a row in each.
const TABLES: usize = 17;

async fn spend(world: &World, store: &Store, issue: &portvakt_store::Issue) -> Spending {
    let spending = world.spending("demo", issue.code.digest);
    store.spend_code(world.issuer(), spending, START).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_another_key_and_a_database_with_rows_are_refused() {
    let world = World::embedded().await;
    let (from, to) = (folder(&world), Database::made().await);
    let refused = copied(&from, &to, 1, false, 0).await;
    assert!(matches!(refused, Err(CopyFault::Open(OpenFault::Locked { .. }))), "{refused:?}");
    world.store.close().await.unwrap();
    let refused = copied(&from, &to, 2, false, 0).await;
    assert!(matches!(refused, Err(CopyFault::Open(OpenFault::WrongMasterKey))), "{refused:?}");
    let nowhere = tempfile::tempdir().unwrap();
    let refused = copied(nowhere.path(), &to, 1, false, 0).await;
    assert!(matches!(refused, Err(CopyFault::Open(OpenFault::Io { .. }))), "{refused:?}");
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "nothing was made there");

    // One that has been served has keys of its own.
    open(to.url(), master(1), None).await.unwrap().close().await.unwrap();
    for again in [false, true] {
        let refused = copied(&from, &to, 1, again, 0).await;
        assert!(matches!(refused, Err(CopyFault::NotEmpty { table: "vault" })), "{refused:?}");
    }
    let unmigrated = "scene_copy_unmigrated";
    shared().unwrap().create_database(unmigrated).unwrap();
    let unmigrated = PostgresUrl::parse(&shared().unwrap().url(unmigrated)).unwrap();
    let opening = Opening {
        url: to.url(),
        master: master(1),
        previous_master: None,
        random: Random::danger_seeded(99),
        now: START,
    };
    let refused = Box::pin(copy(&from, &unmigrated, opening, false, |_| ())).await;
    assert!(matches!(refused, Err(CopyFault::Open(OpenFault::Unmigrated { .. }))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_on_in_the_copy() {
    let world = World::embedded().await;
    let left = live(&world).await;
    let issuer = world.issuer();
    let (registry, audit) = (world.store.registry(issuer).await.unwrap(), world.audit().await);
    let sub = world.store.pairwise_key().mac(b"a person at a client");
    world.store.close().await.unwrap();
    let to = Database::made().await;
    let copied = copied(&folder(&world), &to, 1, false, 99).await.unwrap();
    assert!(copied.tables.contains(&("login", 7)) && copied.resumed == 0, "{copied:?}");

    let store = open(to.url(), master(1), None).await.unwrap();
    assert_eq!(store.registry(issuer).await.unwrap(), registry, "of the same generation");
    assert_eq!(store.audit(0, u32::MAX).await.unwrap(), audit);
    assert_eq!(store.pairwise_key().mac(b"a person at a client"), sub);
    assert_eq!(store.signing_keys(issuer, START).await.unwrap().len(), 1);
    assert_eq!(store.persons(&pool("ours")).await.unwrap().len(), 1);

    let [without, Begun { login, browser }] = left.begun;
    let found = store.login(issuer, without.login, without.browser, START).await.unwrap();
    assert!(matches!(found, FoundLogin::Open(open) if open.evidence.is_none()));
    let mut others = world.issue();
    others.grant.pid = pid(OLA);
    let finished = store.finish_login(issuer, login, browser, others, START).await;
    assert_eq!(finished, Ok(LoginWrite::Superseded), "the tag tells evidence apart");
    let finished = store.finish_login(issuer, login, browser, world.issue(), START).await;
    assert_eq!(finished, Ok(LoginWrite::Done), "begun there, finished here");

    assert!(matches!(spend(&world, &store, &left.unspent).await, Spending::Spent(_)));
    assert!(matches!(spend(&world, &store, &left.spent).await, Spending::Replayed));
    assert!(matches!(spend(&world, &store, &left.replayed).await, Spending::Replayed));
    let refresh =
        async |presented, now| store.refresh(issuer, world.rotation(presented, now), now).await.unwrap();
    let [family, revoked] = &left.families;
    assert!(matches!(refresh(revoked.refresh, START).await, Refreshing::Unknown), "taken back");
    assert!(matches!(refresh(left.rotated.refresh, START).await, Refreshing::Refreshed(_)));
    assert!(matches!(refresh(family.refresh, START).await, Refreshing::Replayed), "spent there");
    assert_eq!(store.warn_owner(issuer, &warning()).await, Ok(false), "warned there");
    let last = store.audit(0, u32::MAX).await.unwrap();
    let numbers: Vec<_> = last.iter().map(|record| record.number).collect();
    assert!(numbers.is_sorted() && last.len() > audit.len(), "numbers go on: {numbers:?}");
    let third = provider("https://third.example/", Environment::Test);
    let changes = vec![register_organisation(third.issuer()), register_client(third.issuer(), "demo", true)];
    assert_eq!(store.register(changes, None, actor(), START).await, Ok(Registered::Done), "so do issuers'");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_cut_off_anywhere_is_not_served_and_goes_on() {
    let world = World::embedded().await;
    live(&world).await;
    world.store.close().await.unwrap();
    let (from, to) = (folder(&world), Database::made().await);
    // Each gets one table further than the one before it, and the last as far as the comparison.
    for _ in 0..=TABLES {
        assert!(cut_off(&from, &to, 0).is_none());
        let refused = open(to.url(), master(1), None).await;
        assert!(matches!(refused, Err(OpenFault::CopyUnfinished)), "{refused:?}");
    }
    let copied = cut_off(&from, &to, 99).unwrap();
    assert_eq!(copied.resumed, copied.tables.iter().map(|(_, rows)| rows).sum::<u64>(), "none came twice");
    open(to.url(), master(1), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_copy_of_another_store_is_refused_and_can_be_removed() {
    let (one, other) = (World::embedded().await, World::new(DataFolder::new()).await);
    live(&one).await;
    one.store.close().await.unwrap();
    other.store.close().await.unwrap();
    let to = Database::made().await;
    assert!(cut_off(&folder(&one), &to, 5).is_none());
    let refused = copied(&folder(&other), &to, 1, false, 99).await;
    assert!(matches!(refused, Err(CopyFault::OfAnother)), "{refused:?}");
    let done = copied(&folder(&other), &to, 1, true, 99).await.unwrap();
    assert!(done.tables.contains(&("login", 0)) && done.resumed == 0, "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_differs_is_found_and_the_copy_not_served() {
    let world = World::embedded().await;
    live(&world).await;
    world.store.close().await.unwrap();
    let (from, to) = (folder(&world), Database::made().await);
    assert!(cut_off(&from, &to, TABLES).is_none(), "each table has arrived, and nothing was compared");
    shared().unwrap().sql(to.name(), "UPDATE code SET spent_at = NULL WHERE spent_at IS NOT NULL").unwrap();
    let refused = copied(&from, &to, 1, false, 99).await;
    let Err(CopyFault::Differs { tables }) = refused else { panic!("{refused:?}") };
    assert_eq!(tables, ["code"]);
    let refused = open(to.url(), master(1), None).await;
    assert!(matches!(refused, Err(OpenFault::CopyUnfinished)), "{refused:?}");
    copied(&from, &to, 1, true, 99).await.unwrap();
}
