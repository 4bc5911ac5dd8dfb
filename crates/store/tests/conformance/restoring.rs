//! Backups: a store that was restored gives nothing out that was given out since.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use portvakt_cluster::shared;
use portvakt_crypto::random::Random;
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{
    BackupFault, Ended, FoundLogin, Issue, OpenFault, Opening, Pooler, PostgresUrl, Store, StoreUrl, backup,
    end_past, restore,
};

use crate::checking::{checked, postgres_program};
use crate::world::family::Family;
use crate::world::{Begun, START, World, after, master, open};

fn opening(url: StoreUrl, key: u64) -> Opening {
    let random = Random::danger_seeded(97);
    Opening { url, master: master(key), previous_master: None, random, now: after(50) }
}

fn folder(url: &StoreUrl) -> PathBuf {
    match url {
        StoreUrl::Folder(folder) => folder.clone(),
        StoreUrl::Postgres(_) => panic!("a folder"),
    }
}

/// What stood when the backup was made, and was used since.
struct Past {
    open: Begun,
    unspent: Issue,
    spent: Issue,
    token: portvakt_protocol::grant::NewAccessToken,
    family: Family,
}

async fn before(world: &World) -> Past {
    let (open, unspent, spent) = (world.begin().await, world.issued().await, world.issued().await);
    let spending = world.spending("demo", spent.code.digest);
    let token = spending.access_token.clone();
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    Past { open, unspent, spent, token, family: world.family().await }
}

/// What happens after the backup, and is lost.
async fn since(world: &World, past: &Past) {
    let spending = world.spending("demo", past.unspent.code.digest);
    assert!(matches!(world.store.spend_code(world.issuer(), spending, START).await, Ok(Spending::Spent(_))));
    world.rotated(past.family.refresh, START).await;
    let (login, browser) = (past.open.login, past.open.browser);
    world.store.refuse_login(world.issuer(), login, browser, "access_denied", START).await.unwrap();
}

/// Nothing of the past can be used, and the store is as sound as any.
async fn is_over(world: &World, restored: &Store, past: &Past, url: StoreUrl, audit: usize) {
    let issuer = world.issuer();
    for issue in [&past.unspent, &past.spent] {
        let spending = world.spending("demo", issue.code.digest);
        let spent = restored.spend_code(issuer, spending, START).await;
        assert!(matches!(spent, Ok(Spending::Replayed)), "{spent:?}");
    }
    let login = restored.login(issuer, past.open.login, past.open.browser, START).await.unwrap();
    assert!(matches!(login, FoundLogin::Finished(_)), "{login:?}");
    let token = restored.access_token(issuer, &past.token.digest).await.unwrap().unwrap();
    assert!(token.revoked);
    // It was spent since, and here it never was.
    let refreshed = restored.refresh(issuer, world.rotation(past.family.refresh, START), START).await;
    assert!(matches!(refreshed, Ok(Refreshing::Unknown)), "{refreshed:?}");
    let records = restored.audit(0, u32::MAX).await.unwrap();
    let last = records.last().unwrap();
    assert_eq!((last.event.as_str(), records.len()), ("restored", audit + 1));
    assert!(last.number > 1_000_000, "no number of the lost past comes again: {}", last.number);
    assert!(restored.generation().await.unwrap().0 > 1_000_000, "nor a generation");
    restored.close().await.unwrap();
    assert_eq!(checked(url, 1).await.unwrap().findings, []);
}

const ENDED: Ended = Ended { logins: 1, codes: 1, grants: 3 };

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_and_its_owners_alone_or_not_there() {
    let world = World::embedded().await;
    before(&world).await;
    let beside = tempfile::tempdir().unwrap();
    let file = beside.path().join("backup");
    let bytes = backup(&folder(&world.url()), &file).unwrap();
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (bytes, 0o600));
    assert!(
        matches!(backup(&folder(&world.url()), &file), Err(BackupFault::Exists(_))),
        "nothing is written over"
    );
    let nowhere = tempfile::tempdir().unwrap();
    let refused = backup(nowhere.path(), &beside.path().join("another"));
    assert!(matches!(refused, Err(BackupFault::Open(OpenFault::Io { .. }))), "{refused:?}");
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "looking makes nothing");
    assert_eq!(std::fs::read_dir(beside.path()).unwrap().count(), 1, "no draft is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_comes_back_with_nothing_alive_that_was_used_since() {
    let world = World::embedded().await;
    let past = before(&world).await;
    let audit = world.audit().await.len();
    let beside = tempfile::tempdir().unwrap();
    let file = beside.path().join("backup");
    let here = folder(&world.url());
    backup(&here, &file).unwrap();
    since(&world, &past).await;

    let restored =
        |to: &Path, key, replace| restore(&file, to, opening(StoreUrl::Folder(to.to_owned()), key), replace);
    assert!(matches!(restored(&here, 1, true), Err(BackupFault::Open(OpenFault::Locked { .. }))), "in use");
    world.store.close().await.unwrap();
    assert!(matches!(restored(&here, 1, false), Err(BackupFault::NotEmpty(_))));
    assert!(matches!(restored(&here, 2, true), Err(BackupFault::Open(OpenFault::WrongMasterKey))));
    let mut other = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut other, b"no database").unwrap();
    assert!(restore(other.path(), &here, opening(world.url(), 1), true).is_err());
    world.open(1, None).await.unwrap().close().await.unwrap();

    // Into another folder, and in the old one's place.
    let fresh = beside.path().join("fresh");
    for (to, replace) in [(fresh, false), (here.clone(), true)] {
        assert_eq!(restored(&to, 1, replace).unwrap(), ENDED);
        let url = StoreUrl::Folder(to);
        let store = open(url.clone(), master(1), None).await.unwrap();
        is_over(&world, &store, &past, url, audit).await;
    }
    assert!(here.join("portvakt.db.replaced").exists(), "what was there stays beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_cut_off_is_not_served_and_is_done_again() {
    let world = World::embedded().await;
    let past = before(&world).await;
    let audit = world.audit().await.len();
    let here = folder(&world.url());
    let beside = tempfile::tempdir().unwrap();
    let file = beside.path().join("backup");
    backup(&here, &file).unwrap();
    since(&world, &past).await;
    world.store.close().await.unwrap();
    let at = |name: &str| here.join(name);
    // Each state that a cut can leave, in order: what is to come is ready, the old database is away, its log is away too.
    std::fs::copy(&file, at("portvakt.db.restoring")).unwrap();
    std::fs::write(at("portvakt.db-wal"), b"what the old database had not folded in").unwrap();
    for step in 0..3 {
        let refused = world.open(1, None).await;
        assert!(matches!(refused, Err(OpenFault::RestoreUnfinished)), "{refused:?}");
        let refused = restore(&file, &here, opening(world.url(), 1), false);
        assert!(matches!(refused, Err(BackupFault::NotEmpty(_))), "{refused:?}");
        match step {
            0 => std::fs::rename(at("portvakt.db"), at("portvakt.db.replaced")).unwrap(),
            1 => std::fs::rename(at("portvakt.db-wal"), at("portvakt.db.replaced-wal")).unwrap(),
            _ => {}
        }
    }
    assert_eq!(restore(&file, &here, opening(world.url(), 1), true).unwrap(), ENDED);
    let store = world.open(1, None).await.unwrap();
    is_over(&world, &store, &past, world.url(), audit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_copied_back_is_ended_too() {
    let world = World::embedded().await;
    let past = before(&world).await;
    let audit = world.audit().await.len();
    let refused = Box::pin(end_past(opening(world.url(), 1))).await;
    assert!(matches!(refused, Err(OpenFault::Locked { .. })), "{refused:?}");
    world.store.close().await.unwrap();
    assert_eq!(Box::pin(end_past(opening(world.url(), 1))).await.unwrap(), ENDED);
    let store = world.open(1, None).await.unwrap();
    is_over(&world, &store, &past, world.url(), audit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_comes_back_by_its_own_tools_with_nothing_alive_that_was_used_since() {
    let world = World::on_postgres(Pooler::None).await;
    let past = before(&world).await;
    let audit = world.audit().await.len();
    let (server, beside) = (shared().unwrap(), tempfile::tempdir().unwrap());
    let file = beside.path().join("backup").display().to_string();
    let from = server.url(&world.database().unwrap());
    postgres_program("pg_dump", &["--format=custom", "--file", &file, "--dbname", &from]);
    since(&world, &past).await;
    world.store.close().await.unwrap();

    let name = "scene_restored";
    server.create_database(name).unwrap();
    let to = server.url(name);
    postgres_program("pg_restore", &["--exit-on-error", "--single-transaction", "--dbname", &to, &file]);
    let url = StoreUrl::Postgres(Box::new(PostgresUrl::parse(&to).unwrap().with_connections(4)));
    assert_eq!(Box::pin(end_past(opening(url.clone(), 1))).await.unwrap(), ENDED);
    let store = open(url.clone(), master(1), None).await.unwrap();
    is_over(&world, &store, &past, url, audit).await;
}
