//! A database's schema: brought up to date by one role, used by another, and served only when it is whole.

use portvakt_cluster::shared;
use portvakt_crypto::digest::Sha256;
use portvakt_crypto::encoding::hex_encode;
use portvakt_store::{OpenFault, Pooler, PostgresUrl, SchemaStatus, StoreUrl, migrate, schema_status};

use crate::world::{Database, START, World, master, open};

fn url(database: &str) -> PostgresUrl {
    PostgresUrl::parse(&shared().unwrap().url(database)).unwrap().with_connections(2)
}

async fn opened(url: PostgresUrl) -> Result<(), OpenFault> {
    let store = open(StoreUrl::Postgres(Box::new(url)), master(1), None).await?;
    store.close().await.unwrap();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_a_half_migrated_and_a_newer_database_are_not_served() {
    let (server, name) = (shared().unwrap(), "scene_migrating");
    server.create_database(name).unwrap();
    assert!(matches!(opened(url(name)).await, Err(OpenFault::Unmigrated { found: 0, .. })));
    assert_eq!(migrate(&url(name), None, START).await.unwrap().first(), Some(&"first"));
    assert_eq!(migrate(&url(name), None, START).await.unwrap(), Vec::<&str>::new(), "once");
    opened(url(name)).await.unwrap();

    server.sql(name, "UPDATE migration SET finished_at = NULL WHERE number = 1").unwrap();
    assert!(matches!(opened(url(name)).await, Err(OpenFault::HalfMigrated { number: 1 })));
    assert_eq!(schema_status(&url(name)).await.unwrap().half, Some(1));
    server.sql(name, "UPDATE migration SET finished_at = 1 WHERE number = 1").unwrap();

    server.sql(name, "INSERT INTO migration VALUES (99, 'later', '', 1, 1)").unwrap();
    assert!(matches!(opened(url(name)).await, Err(OpenFault::NewerSchema { found: 99, .. })));
    assert!(migrate(&url(name), None, START).await.is_err(), "forward only");
    server.sql(name, "DELETE FROM migration WHERE number = 99").unwrap();

    server.sql(name, "UPDATE migration SET sha256 = '' WHERE number = 1").unwrap();
    assert!(matches!(opened(url(name)).await, Err(OpenFault::ForeignMigration { number: 1 })));
}

/// The migrations that earlier versions knew, as they stand in the repository.
const EARLIER: &[(&str, &str)] = &[
    ("first", include_str!("../../migrations/0001_first.pg.sql")),
    ("copying", include_str!("../../migrations/0002_copying.pg.sql")),
    ("tokens", include_str!("../../migrations/0003_tokens.pg.sql")),
];

/// The record of migrations, as each version makes it.
const TABLE: &str = "CREATE TABLE migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 BYTEA NOT NULL, \
                     begun_at BIGINT NOT NULL, finished_at BIGINT)";

/// Records a migration that was finished at `finished`.
fn recorded(number: u32, what: &str, sql: &str, finished: &str) -> String {
    let digest = hex_encode(Sha256::of(sql.as_bytes()).as_bytes());
    format!("INSERT INTO migration VALUES ({number}, '{what}', '\\x{digest}', 1, {finished})")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_earlier_version_keeps_its_rows() {
    let server = shared().unwrap();
    for known in 1..=EARLIER.len() {
        let name = format!("scene_of_version_{known}");
        server.create_database(&name).unwrap();
        server.sql(&name, TABLE).unwrap();
        for (number, (what, sql)) in (1..).zip(&EARLIER[..known]) {
            server.sql(&name, sql).unwrap();
            server.sql(&name, &recorded(number, what, sql, "1")).unwrap();
        }
        let rows = "INSERT INTO issuer (url) VALUES ('https://eid.example/');
            INSERT INTO login_grant
                (name, issuer, client_id, person, pid_sealed, scopes, method, assurance, auth_time, expires)
            VALUES (decode(repeat('00', 16), 'hex'), 1, 'demo', decode(repeat('00', 32), 'hex'), '', 'openid', 'TestID', 'high', 77, 9000);
            INSERT INTO access_token (issuer, digest, login_grant, expires) VALUES (1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 16), 'hex'), 200);
            INSERT INTO scope (issuer, scope, description, token_type, at_max_age, active) VALUES (1, 'skatt:inntekt', '', NULL, 0, TRUE)";
        server.sql(&name, rows).unwrap();
        assert!(matches!(opened(url(&name)).await, Err(OpenFault::Unmigrated { .. })));
        assert_eq!(migrate(&url(&name), None, START).await.unwrap().last(), Some(&"kept"));
        opened(url(&name)).await.unwrap();
        let told = |sql: &str| server.sql(&name, sql).unwrap();
        let issued = told("SELECT issued FROM login_grant");
        assert!(known > 2 || issued == "77", "a grant of before is as old as its login: {issued}");
        assert_eq!(told("SELECT count(*) FROM login_grant WHERE NOT pseudonymous"), "1");
        assert_eq!(told("SELECT count(*) FROM access_token WHERE narrowed IS NULL"), "1");
        assert_eq!(told("SELECT count(*) FROM scope WHERE record IS NULL"), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_that_migrate_at_once_each_migration_is_applied_by_one() {
    let (server, name) = (shared().unwrap(), "scene_migrating_together");
    server.create_database(name).unwrap();
    server.sql(name, "CREATE ROLE scene_together LOGIN").unwrap();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..8 {
        all.spawn(async move { migrate(&url(name), Some("scene_together"), START).await.unwrap() });
    }
    let mut applied = Vec::new();
    while let Some(one) = all.join_next().await {
        applied.extend(one.unwrap());
    }
    let SchemaStatus { found, known, half, pending } = schema_status(&url(name)).await.unwrap();
    assert_eq!((found, half, pending.len()), (known, None, 0));
    assert_eq!(applied.len(), known as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_migrates_waits_for_another_longer_than_any_request_may_take() {
    let (server, name) = (shared().unwrap(), "scene_migrating_slowly");
    server.create_database(name).unwrap();
    let (first, sql) = EARLIER[0];
    server.sql(name, TABLE).unwrap();
    server.sql(name, &recorded(1, first, sql, "NULL")).unwrap();
    // Another is at it, for longer than a statement of a server's may last.
    let another = std::thread::spawn(move || {
        server.sql(name, "BEGIN; SELECT 1 FROM migration FOR UPDATE; SELECT pg_sleep(6); ROLLBACK")
    });
    let begun = std::time::Instant::now();
    let held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(6)%' \
                AND wait_event = 'PgSleep'";
    while server.sql(name, held).unwrap() == "0" {
        assert!(begun.elapsed().as_secs() < 5, "the other holds its row");
    }
    assert_eq!(migrate(&url(name), None, START).await.unwrap().first(), Some(&"first"));
    another.join().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_runs_changes_rows_and_no_schema() {
    let (server, name) = (shared().unwrap(), "scene_roles");
    server.create_database(name).unwrap();
    server.sql(name, "CREATE ROLE scene_runner LOGIN").unwrap();
    migrate(&url(name), Some("scene_runner"), START).await.unwrap();
    let runner = server.url(name).replace(portvakt_cluster::OWNER, "scene_runner");
    let runner = PostgresUrl::parse(&runner).unwrap().with_connections(2);
    opened(runner.clone()).await.unwrap();
    assert!(migrate(&runner, None, START).await.is_err(), "another role's work");
    for forbidden in [
        "DROP TABLE audit",
        "ALTER TABLE code ADD COLUMN x BIGINT",
        "CREATE TABLE x (id BIGINT)",
        "UPDATE migration SET finished_at = NULL",
    ] {
        let refused = server.sql(name, &format!("SET ROLE scene_runner; {forbidden};"));
        assert!(refused.is_err(), "{forbidden}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_that_open_a_new_database_all_have_the_same_keys() {
    let database = Database::made().await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = url(database.name());
        all.spawn(async move {
            let store = open(StoreUrl::Postgres(Box::new(url)), master(1), None).await.unwrap();
            store.pairwise_key().mac(b"a person at a client")
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    while let Some(one) = all.join_next().await {
        seen.insert(one.unwrap());
    }
    assert_eq!(seen.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_as_such() {
    let nowhere = format!("postgres://nobody@127.0.0.1:{}/nothing", portvakt_cluster::free_port().unwrap());
    let refused = opened(PostgresUrl::parse(&nowhere).unwrap()).await.unwrap_err();
    assert!(matches!(refused, OpenFault::Unreachable(_)), "{refused}");
    let world = World::on_postgres(Pooler::None).await;
    world.store.close().await.unwrap();
}
