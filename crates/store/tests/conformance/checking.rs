//! A check finds what a store must not hold, and nothing in a store that was only ever used by its verbs.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use portvakt_cluster::shared;
use portvakt_crypto::random::Random;
use portvakt_protocol::registration::{Change, PersonRecord};
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::time::Timestamp;
use portvakt_store::{
    Checked, LoginWrite, OpenFault, Opening, OwnerWarning, Pooler, PostgresUrl, StoreUrl, TokenDigests,
    WarningKind, check, check_statements,
};

use crate::world::{KARI, OLA, START, World, after, client_id, evidence_of, master, pid, pool};

/// The present of these checks: shortly after the last that happened.
const THEN: u32 = 90;

pub(crate) async fn checked(url: StoreUrl, key: u64) -> Result<Checked, OpenFault> {
    let random = Random::danger_seeded(98);
    Box::pin(check(Opening { url, master: master(key), previous_master: None, random, now: after(THEN) }))
        .await
}

/// A login that is finished at `at`, and its code.
async fn issued(world: &World, person: &str, at: Timestamp) -> portvakt_store::Issue {
    let (begun, evidence) = (world.begin().await, evidence_of(person, at));
    let mut issue = world.issue();
    issue.grant.pid = pid(person);
    issue.grant.auth_time = at;
    issue.grant.issued = at;
    issue.code.expires = after(300);
    let (login, browser) = (begun.login, begun.browser);
    let recorded = world.store.record_evidence(world.issuer(), login, browser, evidence, at).await;
    assert_eq!(recorded, Ok(LoginWrite::Done));
    let finished = world.store.finish_login(world.issuer(), login, browser, issue.clone(), at).await;
    assert_eq!(finished, Ok(LoginWrite::Done));
    issue
}

/// A round of everything that happens to refresh tokens: used, retried, narrowed, replayed, and taken back.
async fn families(world: &World, at: Timestamp) {
    let (store, issuer) = (&world.store, world.issuer());
    let family = async || {
        let issue = issued(world, KARI, at).await;
        let mut spending = world.spending("demo", issue.code.digest);
        let first = world.new_refresh_token(at);
        let token = first.digest;
        spending.refresh_token = Some(first);
        store.spend_code(issuer, spending, at).await.unwrap();
        token
    };
    let (kept, replayed, revoked) = (family().await, family().await, family().await);
    let second = world.rotated(kept, at).await;
    let mut narrowed = world.rotation(second.refresh, at);
    narrowed.access_token.narrowed = Some(Scopes::parse("openid").unwrap());
    store.refresh(issuer, narrowed, at).await.unwrap();
    let third = world.rotated(second.refresh, at).await;
    store.refresh(issuer, world.reuse(third.refresh, after(900), at), at).await.unwrap();
    let next = world.rotated(replayed, at).await;
    world.rotated(next.refresh, at).await;
    world.rotate(replayed, at).await;
    let token = TokenDigests { access: next.access, refresh: revoked };
    store
        .revoke(issuer, &client_id("demo"), TokenDigests { access: second.access, ..token }, at)
        .await
        .unwrap();
    let (kind, reason) = (WarningKind::SecretEnds, "2017-02-01".to_owned());
    store.warn_owner(issuer, &OwnerWarning { client_id: client_id("demo"), kind, reason, at }).await.unwrap();
}

/// A round of everything that happens to logins.
async fn round(world: &World, at: Timestamp) {
    let (store, issuer) = (&world.store, world.issuer());
    let [refused, ended, with_evidence] = [world.begin().await, world.begin().await, world.begin().await];
    store.refuse_login(issuer, refused.login, refused.browser, "access_denied", at).await.unwrap();
    store.end_logins(issuer, &[ended.browser], at).await.unwrap();
    let evidence = evidence_of(KARI, at);
    store.record_evidence(issuer, with_evidence.login, with_evidence.browser, evidence, at).await.unwrap();
    issued(world, KARI, at).await;
    families(world, at).await;
    let (spent, replayed) = (issued(world, OLA, at).await, issued(world, KARI, at).await);
    for issue in [&spent, &replayed, &replayed] {
        let spending = world.spending("demo", issue.code.digest);
        store.spend_code(issuer, spending, at).await.unwrap();
    }
}

/// A store in which everything has happened twice.
async fn lived_in(world: &World) {
    let person = Change::Person { pool: pool("ours"), person: PersonRecord { pid: pid(KARI), active: true } };
    world.registered(vec![person]).await;
    world.store.add_signing_key(world.issuer(), world.key("one", START, START), START).await.unwrap();
    round(world, after(10)).await;
    round(world, after(70)).await;
}

/// What somebody did behind the store's back, and what is said of it.
struct Breach {
    rule: &'static str,
    in_folder: &'static str,
    in_database: &'static str,
}

/// Done alike in both.
const fn alike(rule: &'static str, sql: &'static str) -> Breach {
    Breach { rule, in_folder: sql, in_database: sql }
}

const SEALED: &str = "a row can be read, and what is sealed in it opens and is its own";

const BREACHES: &[Breach] = &[
    Breach {
        rule: "a spent code gave one access token, and an unspent one none",
        in_folder: "INSERT INTO access_token (issuer, digest, grant_id, expires)
                    SELECT issuer, randomblob(32), grant_id, expires FROM access_token
                    WHERE grant_id NOT IN (SELECT grant_id FROM refresh_token) LIMIT 1",
        in_database: "INSERT INTO access_token (issuer, digest, login_grant, expires)
                      SELECT issuer, sha256(digest), login_grant, expires FROM access_token
                      WHERE login_grant NOT IN (SELECT login_grant FROM refresh_token) LIMIT 1",
    },
    Breach {
        rule: "a refresh gave one access token",
        in_folder: "INSERT INTO access_token (issuer, digest, grant_id, expires)
                    SELECT t.issuer, randomblob(32), t.grant_id, t.expires FROM access_token t
                    JOIN refresh_token r ON r.access_token = t.digest, (SELECT 1 UNION ALL SELECT 2) WHERE r.generation = 4",
        in_database: "INSERT INTO access_token (issuer, digest, login_grant, expires)
                      SELECT t.issuer, sha256(t.digest || CAST(n AS BYTEA)), t.login_grant, t.expires FROM access_token t
                      JOIN refresh_token r ON r.access_token = t.digest, (VALUES ('1'), ('2')) AS two (n) WHERE r.generation = 4",
    },
    alike(
        "a spent code gave one access token, and an unspent one none",
        "UPDATE code SET spent_at = NULL WHERE spent_at IS NOT NULL",
    ),
    alike("what was recorded as redeemed is spent", "UPDATE code SET spent_at = NULL WHERE spent_at IS NOT NULL"),
    Breach {
        rule: "a grant has one code",
        in_folder: "INSERT INTO code (issuer, digest, grant_id, client_id, redirect_uri, expires)
                    SELECT issuer, randomblob(32), grant_id, client_id, redirect_uri, expires FROM code LIMIT 1",
        in_database: "INSERT INTO code (issuer, digest, login_grant, client_id, redirect_uri, expires)
                      SELECT issuer, sha256(digest), login_grant, client_id, redirect_uri, expires FROM code LIMIT 1",
    },
    alike(
        "a code is redeemed once",
        "INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
         SELECT at, issuer, event, client_id, person, login_grant FROM audit WHERE event = 'code_redeemed'",
    ),
    alike(
        "a grant is issued once",
        "INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
         SELECT at, issuer, event, client_id, person, login_grant FROM audit WHERE event = 'code_issued'",
    ),
    alike("a login is finished once", "UPDATE login SET finished_at = NULL WHERE finished_at IS NOT NULL"),
    alike("a code has its grant", "DELETE FROM login_grant"),
    alike("an access token has its grant", "DELETE FROM login_grant"),
    alike("what was recorded as issued in the last half minute is there", "DELETE FROM login_grant"),
    alike("a grant has its code", "DELETE FROM code"),
    alike("a code is its grant's client's, at its issuer", "UPDATE code SET client_id = 'other'"),
    alike("an access token is of its grant's issuer", "UPDATE access_token SET issuer = 2"),
    alike("a login is of a client that the issuer has", "UPDATE login SET client_id = 'nobody'"),
    alike("a grant is of a client that the issuer has", "UPDATE login_grant SET client_id = 'nobody'"),
    alike("a refresh token has its grant", "DELETE FROM login_grant"),
    alike("a refresh token is its grant's client's, at its issuer", "UPDATE refresh_token SET client_id = 'other'"),
    alike("a refresh token's successor is a later one of its family", "DELETE FROM refresh_token WHERE spent_at IS NULL"),
    alike(
        "a refresh token's successor is a later one of its family",
        "UPDATE refresh_token SET successor = digest WHERE successor IS NOT NULL",
    ),
    alike(
        "a family has one refresh token that can be used",
        "DROP INDEX IF EXISTS refresh_token_leaf; UPDATE refresh_token SET spent_at = NULL, successor = NULL",
    ),
    alike("a family's refresh tokens are numbered from 1 without gaps", "DELETE FROM refresh_token WHERE generation = 1"),
    alike(
        "a family's refresh tokens are numbered from 1 without gaps",
        "UPDATE refresh_token SET generation = 7 WHERE generation = 3",
    ),
    alike("an access token has no scope that was not granted", "UPDATE access_token SET narrowed = 'openid skatt:inntekt'"),
    alike(
        "no refresh token is spent once its grant is revoked",
        "UPDATE refresh_token SET spent_at = spent_at + 100 WHERE spent_at IS NOT NULL",
    ),
    alike("a refresh token that was given for another has its record", "DELETE FROM audit WHERE event = 'refreshed'"),
    alike("a revoked grant has its record", "DELETE FROM audit WHERE event = 'refresh_replayed'"),
    alike("a revoked grant has its record", "DELETE FROM audit WHERE event = 'grant_revoked'"),
    alike("every row is of an issuer that is known", "UPDATE login SET issuer = 99"),
    alike("every row is of an issuer that is known", "UPDATE owner_warning SET issuer = 99"),
    alike("the registry's generation is one row", "DELETE FROM state"),
    alike(
        "no code is spent once its grant is revoked",
        "UPDATE code SET spent_at = spent_at + 100 WHERE spent_at IS NOT NULL",
    ),
    alike("an issuer with signing keys has one that has no successor", "UPDATE signing_key SET signs_until = 5"),
    alike("a spent code has its record", "DELETE FROM audit WHERE event = 'code_redeemed'"),
    alike("a revoked grant has its record", "DELETE FROM audit WHERE event = 'code_replayed'"),
    alike("a grant has its record", "DELETE FROM audit WHERE event = 'code_issued'"),
    alike("a finished login has its record", "DELETE FROM audit WHERE event = 'login_refused'"),
    alike("a finished login has its record", "DELETE FROM audit WHERE event = 'logins_ended'"),
    alike("a client has its record", "UPDATE client SET created = created + 1; DELETE FROM audit WHERE event = 'client_registered'"),
    alike(
        "what was recorded as replayed or taken back is revoked",
        "UPDATE login_grant SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
    ),
    alike(
        "a client that was recorded is there",
        "UPDATE audit SET client_id = 'gone' WHERE event = 'client_registered'",
    ),
    alike(SEALED, "UPDATE login_grant SET pid_sealed = (SELECT pid_sealed FROM login_grant LIMIT 1)"),
    alike(SEALED, "UPDATE login SET request_sealed = (SELECT request_sealed FROM login LIMIT 1)"),
    alike(SEALED, "UPDATE login SET evidence_sealed = request_sealed WHERE evidence_sealed IS NOT NULL"),
    alike(SEALED, "UPDATE client SET registration = '{}'"),
    alike(SEALED, "UPDATE signing_key SET private_sealed = chain"),
    alike(SEALED, "UPDATE person SET pid_sealed = person"),
];

/// What only a folder can have.
const IN_FOLDER: &[(&str, &str)] = &[
    ("every table and index is as the migrations make it", "DROP INDEX audit_at"),
    ("what a row refers to is there", "DELETE FROM client"),
];

/// What only a database can have.
const IN_DATABASE: &[(&str, &str)] = &[
    ("every column and index is as the migrations make it", "DROP INDEX audit_at"),
    ("every column and index is as the migrations make it", "DROP INDEX refresh_token_leaf"),
    (
        "every column and index is as the migrations make it",
        "ALTER TABLE code ALTER COLUMN redirect_uri TYPE VARCHAR",
    ),
    ("no number is given twice", "SELECT setval('audit_number_seq', 1)"),
    (SEALED, "UPDATE login SET evidence_tag = browser WHERE evidence_tag IS NOT NULL"),
];

/// Nothing told names a person.
fn names_nobody(checked: &Checked) {
    let told = format!("{:?}", checked.findings);
    assert!(!told.contains(KARI) && !told.contains(OLA), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_to_a_folder_behind_its_back_is_found() {
    let world = World::embedded().await;
    lived_in(&world).await;
    world.store.close().await.unwrap();
    let StoreUrl::Folder(folder) = world.url() else { panic!("a folder") };
    assert!(matches!(checked(world.url(), 2).await, Err(OpenFault::WrongMasterKey)));
    let sound = checked(world.url(), 1).await.unwrap();
    assert_eq!(sound.findings, [], "before");
    assert!(sound.rows > 20 && sound.statements > 20, "{sound:?}");
    let alike = BREACHES.iter().map(|breach| (breach.rule, breach.in_folder));
    for (rule, sql) in alike.chain(IN_FOLDER.iter().copied()) {
        let spoilt = tempfile::tempdir().unwrap();
        std::fs::copy(folder.join("portvakt.db"), spoilt.path().join("portvakt.db")).unwrap();
        let db = rusqlite::Connection::open(spoilt.path().join("portvakt.db")).unwrap();
        db.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        db.close().unwrap();
        let found = checked(StoreUrl::Folder(spoilt.path().to_owned()), 1).await.unwrap();
        assert!(found.findings.iter().any(|found| found.rule == rule), "{rule}: {sql}: {:?}", found.findings);
        names_nobody(&found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_to_a_database_behind_its_back_is_found() {
    let world = World::on_postgres(Pooler::None).await;
    lived_in(&world).await;
    world.store.close().await.unwrap();
    let (server, name) = (shared().unwrap(), world.database().unwrap());
    assert!(matches!(checked(world.url(), 2).await, Err(OpenFault::WrongMasterKey)));
    let sound = checked(world.url(), 1).await.unwrap();
    assert_eq!(sound.findings, [], "before");
    assert!(sound.rows > 20 && sound.statements > 20, "{sound:?}");
    let alike = BREACHES.iter().map(|breach| (breach.rule, breach.in_database));
    for (rule, sql) in alike.chain(IN_DATABASE.iter().copied()) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let spoilt = format!("scene_spoilt_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.create_database_from(&spoilt, &name).unwrap();
        server.sql(&spoilt, sql).unwrap();
        let url = PostgresUrl::parse(&server.url(&spoilt)).unwrap();
        let found = checked(StoreUrl::Postgres(Box::new(url)), 1).await.unwrap();
        assert!(found.findings.iter().any(|found| found.rule == rule), "{rule}: {sql}: {:?}", found.findings);
        names_nobody(&found);
        server.drop_database(&spoilt).unwrap();
    }
}

async fn nothing_is_found_beside_a_load(world: World) {
    world.store.add_signing_key(world.issuer(), world.key("one", START, START), START).await.unwrap();
    let (world, done) = (std::sync::Arc::new(world), std::sync::Arc::new(AtomicBool::new(false)));
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (world, done) = (world.clone(), done.clone());
        load.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                round(&world, after(80)).await;
            }
        });
    }
    for _ in 0..5 {
        let checked = checked(world.url(), 1).await.unwrap();
        assert_eq!(checked.findings, []);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    done.store(true, Ordering::Relaxed);
    while let Some(one) = load.join_next().await {
        one.unwrap();
    }
    let checked = checked(world.url(), 1).await.unwrap();
    assert_eq!(checked.findings, [], "afterwards");
    assert!(checked.rows > 100, "{checked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_found_in_a_folder_beside_a_load() {
    nothing_is_found_beside_a_load(World::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_found_in_a_database_beside_a_load() {
    nothing_is_found_beside_a_load(World::on_postgres(Pooler::None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_can_be_run_by_hand_and_the_manual_names_each() {
    let world = World::on_postgres(Pooler::None).await;
    let manual =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md"))
            .unwrap();
    for (rule, statement) in check_statements(&world.url(), START) {
        assert_eq!(shared().unwrap().sql(&world.database().unwrap(), &statement).unwrap(), "", "{rule}");
        assert!(manual.contains(rule), "docs/operations.md does not tell that {rule}");
    }
}

/// PostgreSQL's own program, run to its end.
pub(crate) fn postgres_program(name: &str, arguments: &[&str]) {
    let path = portvakt_cluster::Programs::newest().unwrap().path(name);
    let output = Command::new(path).args(arguments).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}
