//! The schema and how it comes to be: numbered migrations, forward only, each recorded with the digest of its text. A store
//! that a later version wrote, or another text of a migration made, is refused before anything is written.

use std::collections::BTreeSet;

use portvakt_crypto::digest::Sha256;
use portvakt_crypto::random::Random;
use portvakt_protocol::time::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::audit::{Event, Record};
use crate::vault::{Purpose, SealedKey, Vault, VaultFault, VaultKeys};
use crate::{MasterKey, OpenFault, SchemaStatus};

/// Page cache of a reader. Small: the process has a memory bar, and the operating system caches the file anyway.
pub(super) const READER_CACHE_KIB: i64 = 512;
/// Page cache of the writer.
pub(super) const WRITER_CACHE_KIB: i64 = 2048;
/// Statements kept prepared by each connection: more than there are.
const STATEMENTS: usize = 96;
/// Databases up to this size are checked from end to end at each start; larger ones would take longer than a start may.
const CHECKED_BYTES: i64 = 32 * 1024 * 1024;

/// Durability: every commit waits for its fsync. The feature takes that away, so that a test can show that it would notice.
#[cfg(not(feature = "danger-no-fsync"))]
const SYNCHRONOUS: &str = "FULL";
#[cfg(feature = "danger-no-fsync")]
const SYNCHRONOUS: &str = "OFF";

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first", sql: include_str!("../../migrations/0001_first.sqlite.sql") },
    Migration { number: 2, name: "audit_at", sql: include_str!("../../migrations/0002_audit_at.sqlite.sql") },
    Migration { number: 3, name: "tokens", sql: include_str!("../../migrations/0003_tokens.sqlite.sql") },
    Migration { number: 4, name: "kept", sql: include_str!("../../migrations/0004_kept.sqlite.sql") },
];

/// Settings of a connection, reader or writer.
pub(super) fn settle(db: &Connection, cache_kib: i64) -> Result<(), rusqlite::Error> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan that stays: otherwise SQLite prepares a statement anew whenever a bound value might call for another one, which
    // costs several times what the statement does.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update(None, "synchronous", SYNCHRONOUS)?;
    db.pragma_update(None, "foreign_keys", true)?;
    // Savepoints keep what they would undo in memory, not in a file.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "mmap_size", 0)?;
    // 8 MiB of log. A page that many commits write is copied back once to a checkpoint, so half as many cost half as much.
    db.pragma_update(None, "wal_autocheckpoint", 2000)?;
    db.pragma_update(None, "cache_size", -cache_kib)
}

/// Brings the database up to date and opens its keys: everything that is written here is one commit.
///
/// # Errors
/// [`OpenFault`]; nothing was written then.
pub(super) fn bring_up(
    db: &mut Connection,
    master: &MasterKey,
    previous: Option<&MasterKey>,
    random: Random,
    now: Timestamp,
) -> Result<Vault, OpenFault> {
    check(db)?;
    let applied = applied(db)?;
    let opened = if applied == 0 { None } else { Some(open_vault(db, master, previous)?) };
    // Only now, when nothing can be refused any more: the journal's mode is a mark in the file.
    db.pragma_update(None, "journal_mode", "WAL").map_err(fault)?;
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    migrate(&transaction, applied, now).map_err(fault)?;
    let keys = match opened {
        Some((keys, Sealed::UnderMaster)) => keys,
        Some((keys, Sealed::UnderPrevious)) => {
            store_vault(&transaction, &keys.seal(master, &random)).map_err(fault)?;
            Record::at(now, Event::MasterKeyChanged)
                .write(&transaction)
                .map_err(|broken| OpenFault::Corrupt(broken.to_string()))?;
            keys
        }
        None => {
            let keys = VaultKeys::draw(&random);
            store_vault(&transaction, &keys.seal(master, &random)).map_err(fault)?;
            keys
        }
    };
    transaction.commit().map_err(fault)?;
    Ok(keys.into_vault(random))
}

/// What is in the file is a whole database, if it is small enough to look.
fn check(db: &Connection) -> Result<(), OpenFault> {
    let pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(fault)?;
    let page_size: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(fault)?;
    if pages.saturating_mul(page_size) > CHECKED_BYTES {
        return Ok(());
    }
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fault)?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(OpenFault::Corrupt("the database fails SQLite's own check".to_owned()))
    }
}

/// The number of the last migration applied; 0 for a database without any table.
fn applied(db: &Connection) -> Result<u32, OpenFault> {
    let exists = |name: &str| {
        db.query_row("SELECT 1 FROM sqlite_schema WHERE name = ?1", [name], |_| Ok(()))
            .optional()
            .map_err(fault)
    };
    if exists("migration")?.is_none() {
        let tables: i64 =
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fault)?;
        return if tables == 0 {
            Ok(0)
        } else {
            Err(OpenFault::Corrupt("the database is not Portvakt's".to_owned()))
        };
    }
    let mut statement = db.prepare("SELECT number, sha256 FROM migration ORDER BY number").map_err(fault)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .map_err(fault)?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>().map_err(fault)?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    let found = rows.last().map_or(0, |(number, _)| *number);
    if found > known {
        return Err(OpenFault::NewerSchema { found, known });
    }
    for ((number, sha256), migration) in rows.iter().zip(MIGRATIONS) {
        if *number != migration.number || sha256.as_slice() != Sha256::of(migration.sql.as_bytes()).as_bytes()
        {
            return Err(OpenFault::ForeignMigration { number: *number });
        }
    }
    Ok(found)
}

/// How far the schema is. Nothing is written.
///
/// # Errors
/// [`OpenFault`].
pub(super) fn status(db: &Connection) -> Result<SchemaStatus, OpenFault> {
    let found = applied(db)?;
    let pending = MIGRATIONS.iter().filter(|migration| migration.number > found);
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    // Each is one commit here: none is ever half-way.
    Ok(SchemaStatus { found, known, half: None, pending: pending.map(|migration| migration.name).collect() })
}

/// The names of tables and indexes that are not as the migrations make them.
///
/// # Errors
/// SQLite's own.
pub(super) fn differences(db: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let made = |db: &Connection| {
        let mut select = db.prepare(
            "SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'",
        )?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<BTreeSet<(String, String)>, _>>()
    };
    let model = Connection::open_in_memory()?;
    migrate(&model, 0, Timestamp::from_unix(0))?;
    let differing = made(&model)?.symmetric_difference(&made(db)?).map(|(name, _)| name.clone()).collect();
    let differing: BTreeSet<String> = differing;
    Ok(differing.into_iter().collect())
}

fn migrate(db: &Connection, applied: u32, now: Timestamp) -> Result<(), rusqlite::Error> {
    migrate_by(db, MIGRATIONS, applied, now)
}

/// As far as these migrations go.
fn migrate_by(
    db: &Connection,
    migrations: &[Migration],
    applied: u32,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    if applied == 0 {
        db.execute_batch(
            "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at INTEGER NOT \
             NULL) STRICT",
        )?;
    }
    for migration in migrations.iter().filter(|migration| migration.number > applied) {
        db.execute_batch(migration.sql)?;
        db.execute(
            "INSERT INTO migration (number, name, sha256, applied_at) VALUES (?1, ?2, ?3, ?4)",
            params![
                migration.number,
                migration.name,
                Sha256::of(migration.sql.as_bytes()).as_bytes(),
                now.unix()
            ],
        )?;
    }
    Ok(())
}

enum Sealed {
    UnderMaster,
    UnderPrevious,
}

fn open_vault(
    db: &Connection,
    master: &MasterKey,
    previous: Option<&MasterKey>,
) -> Result<(VaultKeys, Sealed), OpenFault> {
    let mut statement = db.prepare("SELECT purpose, key_id, sealed FROM vault").map_err(fault)?;
    let rows = statement.query_map([], |row| {
        let purpose: String = row.get(0)?;
        let known = Purpose::ALL.into_iter().map(Purpose::as_str).find(|known| *known == purpose);
        Ok(SealedKey { purpose: known.unwrap_or_default(), key_id: row.get(1)?, sealed: row.get(2)? })
    });
    let rows: Vec<SealedKey> = rows.and_then(Iterator::collect).map_err(fault)?;
    let damaged = || OpenFault::Corrupt("a key of the vault's is missing or was changed".to_owned());
    match VaultKeys::open(master, &rows) {
        Ok(keys) => Ok((keys, Sealed::UnderMaster)),
        Err(VaultFault::Damaged) => Err(damaged()),
        Err(VaultFault::WrongMasterKey) => match previous.map(|previous| VaultKeys::open(previous, &rows)) {
            Some(Ok(keys)) => Ok((keys, Sealed::UnderPrevious)),
            Some(Err(VaultFault::Damaged)) => Err(damaged()),
            Some(Err(VaultFault::WrongMasterKey)) | None => Err(OpenFault::WrongMasterKey),
        },
    }
}

fn store_vault(db: &Connection, keys: &[SealedKey]) -> Result<(), rusqlite::Error> {
    for key in keys {
        db.execute(
            "INSERT INTO vault (purpose, key_id, sealed) VALUES (?1, ?2, ?3)
             ON CONFLICT (purpose) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed",
            params![key.purpose, key.key_id, key.sealed],
        )?;
    }
    Ok(())
}

/// SQLite's own failures while opening. A message of SQLite's names tables and files, never values.
pub(super) fn fault(error: rusqlite::Error) -> OpenFault {
    OpenFault::Corrupt(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(db: &mut Connection) -> Result<Vault, OpenFault> {
        let random = Random::danger_seeded(1);
        let master = MasterKey::draw(&Random::danger_seeded(2));
        bring_up(db, &master, None, random, Timestamp::from_unix(0))
    }

    #[test]
    fn a_later_schema_another_text_and_a_foreign_database_are_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE somebody_elses (x)").unwrap();
        assert!(matches!(opened(&mut db), Err(OpenFault::Corrupt(_))));

        let mut db = Connection::open_in_memory().unwrap();
        opened(&mut db).unwrap();
        db.execute_batch("INSERT INTO migration VALUES (9999, 'later', x'00', 0)").unwrap();
        assert!(matches!(opened(&mut db), Err(OpenFault::NewerSchema { found: 9999, known: 4 })));

        let mut db = Connection::open_in_memory().unwrap();
        opened(&mut db).unwrap();
        db.execute_batch("UPDATE migration SET sha256 = x'00' WHERE number = 1").unwrap();
        assert!(matches!(opened(&mut db), Err(OpenFault::ForeignMigration { number: 1 })));
    }

    /// A store as a version left it that knew the first `count` migrations: with keys, a grant and a token.
    fn of_migrations(count: usize) -> Connection {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_by(&db, &MIGRATIONS[..count], 0, Timestamp::from_unix(0)).unwrap();
        let transaction = db.transaction().unwrap();
        let keys = VaultKeys::draw(&Random::danger_seeded(1));
        let master = MasterKey::draw(&Random::danger_seeded(2));
        store_vault(&transaction, &keys.seal(&master, &Random::danger_seeded(3))).unwrap();
        transaction.commit().unwrap();
        db.execute_batch(
            "INSERT INTO issuer VALUES (1, 'https://eid.example/');
             INSERT INTO organisation (issuer, orgno, name, standing) VALUES (1, '991825827', 'Direktoratet', 'active');
             INSERT INTO scope (issuer, scope, description, at_max_age, active) VALUES (1, 'skatt:inntekt', '', 0, 1);
             INSERT INTO client VALUES (1, 'demo', '991825827', '{}', 1, 5, 5);
             INSERT INTO login_grant
                (name, issuer, client_id, person, pid_sealed, scopes, method, assurance, auth_time, expires)
             VALUES (zeroblob(16), 1, 'demo', zeroblob(32), x'00', 'openid', 'TestID', 'high', 77, 9000);
             INSERT INTO access_token (issuer, digest, grant_id, expires) VALUES (1, zeroblob(32), 1, 200);",
        )
        .unwrap();
        db
    }

    #[test]
    fn a_store_of_an_earlier_schema_is_brought_up_to_date() {
        let keys = |db: &Connection| {
            let mut select = db.prepare("SELECT sealed FROM vault ORDER BY purpose").unwrap();
            select.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<Vec<u8>>, _>>().unwrap()
        };
        for count in 1..MIGRATIONS.len() {
            let mut db = of_migrations(count);
            let before = keys(&db);
            for _ in 0..2 {
                opened(&mut db).unwrap();
                assert_eq!(applied(&db).unwrap() as usize, MIGRATIONS.len(), "from {count}");
                assert_eq!(differences(&db).unwrap(), [""; 0], "from {count}");
            }
            assert_eq!(keys(&db), before);
            let told = |sql: &str| db.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).unwrap();
            let issued = told("SELECT issued FROM login_grant");
            assert!(count > 2 || issued == Some(77), "a grant of before is as old as its login: {issued:?}");
            assert_eq!(told("SELECT count(*) FROM login_grant WHERE pseudonymous = 0"), Some(1));
            assert_eq!(told("SELECT count(*) FROM access_token WHERE narrowed IS NULL"), Some(1));
            assert_eq!(told("SELECT count(*) FROM scope WHERE record IS NULL"), Some(1));
        }
    }

    #[test]
    fn a_store_that_lost_its_keys_does_not_get_new_ones() {
        let mut db = Connection::open_in_memory().unwrap();
        opened(&mut db).unwrap();
        db.execute_batch("DELETE FROM vault WHERE purpose = 'pairwise'").unwrap();
        assert!(matches!(opened(&mut db), Err(OpenFault::Corrupt(_))));
    }

    #[test]
    fn migrations_are_numbered_without_gaps() {
        assert!(MIGRATIONS.iter().zip(1..).all(|(migration, number)| migration.number == number));
    }
}
