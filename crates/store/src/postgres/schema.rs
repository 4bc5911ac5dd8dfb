//! The schema and how it comes to be: numbered migrations, forward only, each recorded with the digest of its text. Nobody but `db migrate`
//! changes it, as a role of its own. A server starts on exactly the schema that it knows.
//!
//! A migration is marked as begun before its first statement and as finished in its last transaction, for not every engine of this
//! protocol undoes what a transaction did to the schema: what stopped half-way is found, and not served.

use portvakt_crypto::digest::Sha256;
use portvakt_crypto::random::Random;
use portvakt_protocol::time::Timestamp;
use tokio::time::{Duration, Instant};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::outcome::{Cut, told};
use super::pool::{Connections, Lease, Param};
use super::url::PostgresUrl;
use crate::audit::Event;
use crate::vault::{Purpose, SealedKey, Vault, VaultFault, VaultKeys};
use crate::{MasterKey, OpenFault};

/// How long opening waits for a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// What one of two is told that create a table at once, depending on how far the other was: it is there.
const CREATED_MEANWHILE: [SqlState; 3] =
    [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT];

/// The beginning of a migration: it waits for whoever else migrates, and takes the time that a large table needs.
const BEGIN_MIGRATION: &str = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";

/// For the schema itself: who waits for a table makes everybody else wait behind.
const LOCK_BRIEFLY: &str = "SET LOCAL lock_timeout = '3s'";

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first", sql: include_str!("../../migrations/0001_first.pg.sql") },
    Migration { number: 2, name: "copying", sql: include_str!("../../migrations/0002_copying.pg.sql") },
    Migration { number: 3, name: "tokens", sql: include_str!("../../migrations/0003_tokens.pg.sql") },
    Migration { number: 4, name: "kept", sql: include_str!("../../migrations/0004_kept.pg.sql") },
];

/// A row of `migration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) number: u32,
    pub(crate) sha256: Vec<u8>,
    pub(crate) finished: bool,
}

/// How far the schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStatus {
    /// The last migration that is finished; 0: none is.
    pub found: u32,
    /// The newest that this version knows.
    pub known: u32,
    /// One that was begun and is not finished.
    pub half: Option<u32>,
    /// The names of those that are to come.
    pub pending: Vec<&'static str>,
}

/// The newest migration that this version knows.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// The indexes that the migrations make and leave, by name.
pub(crate) fn expected_indexes() -> impl Iterator<Item = &'static str> {
    let mut left = Vec::new();
    for line in MIGRATIONS.iter().flat_map(|migration| migration.sql.lines()) {
        let made = line.strip_prefix("CREATE INDEX ").or_else(|| line.strip_prefix("CREATE UNIQUE INDEX "));
        left.extend(made.and_then(|made| made.split(' ').next()));
        if let Some(dropped) = line.strip_prefix("DROP INDEX ") {
            left.retain(|index| *index != dropped.trim_end_matches(';'));
        }
    }
    left.into_iter()
}

/// What recorded migrations say, against those that this version knows.
///
/// # Errors
/// [`OpenFault::NewerSchema`] or [`OpenFault::ForeignMigration`].
fn status_of(applied: &[Applied]) -> Result<SchemaStatus, OpenFault> {
    let known = known();
    let last = applied.last().map_or(0, |applied| applied.number);
    if last > known {
        return Err(OpenFault::NewerSchema { found: last, known });
    }
    for (at, recorded) in applied.iter().enumerate() {
        let matches = MIGRATIONS.get(at).is_some_and(|migration| {
            migration.number == recorded.number
                && Sha256::of(migration.sql.as_bytes()).as_bytes() == recorded.sha256.as_slice()
        });
        if !matches {
            return Err(OpenFault::ForeignMigration { number: recorded.number });
        }
    }
    let half = applied.iter().find(|applied| !applied.finished).map(|applied| applied.number);
    let found =
        applied.iter().take_while(|applied| applied.finished).last().map_or(0, |applied| applied.number);
    let pending = MIGRATIONS.iter().filter(|migration| migration.number > found);
    Ok(SchemaStatus { found, known, half, pending: pending.map(|migration| migration.name).collect() })
}

/// How far a database's schema is.
///
/// # Errors
/// [`OpenFault`].
pub(crate) async fn status(url: &PostgresUrl) -> Result<SchemaStatus, OpenFault> {
    let lease = connect(url).await?;
    status_of(&applied(&lease).await?)
}

/// Brings a database's schema up to date, and lets `run_role` use it. Answers what was applied now.
///
/// # Errors
/// [`OpenFault`].
pub(crate) async fn migrate(
    url: &PostgresUrl,
    run_role: Option<&str>,
    now: Timestamp,
) -> Result<Vec<&'static str>, OpenFault> {
    let lease = connect(url).await?;
    let create = "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 BYTEA NOT NULL, \
                  begun_at BIGINT NOT NULL, finished_at BIGINT)";
    if let Err(fault) = lease.frame(create).await
        && !fault.code().is_some_and(|code| CREATED_MEANWHILE.contains(code))
    {
        return Err(database(fault));
    }
    let before = status_of(&applied(&lease).await?)?;
    let mut done = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > before.found) {
        if apply(&lease, migration, now).await? {
            done.push(migration.name);
        }
    }
    if let Some(role) = run_role {
        grant(&lease, role).await?;
    }
    Ok(done)
}

/// Applies a migration; `false` if another has meanwhile.
async fn apply(lease: &Lease, migration: &Migration, now: Timestamp) -> Result<bool, OpenFault> {
    let number = i64::from(migration.number);
    let digest = Sha256::of(migration.sql.as_bytes());
    let begin = "INSERT INTO migration (number, name, sha256, begun_at) VALUES ($1, $2, $3, $4) ON CONFLICT (number) DO NOTHING";
    let digest = digest.as_bytes().as_slice();
    lease
        .ask(
            begin,
            &[
                (&number, Type::INT8),
                (&migration.name, Type::TEXT),
                (&digest, Type::BYTEA),
                (&now.unix(), Type::INT8),
            ],
        )
        .await
        .map_err(database)?;
    lease.frame(BEGIN_MIGRATION).await.map_err(database)?;
    let held = lease
        .ask("SELECT finished_at FROM migration WHERE number = $1 FOR UPDATE", &[(&number, Type::INT8)])
        .await;
    let finished: Option<i64> = match held.map_err(database)?.first() {
        Some(row) => row.try_get(0).map_err(database)?,
        None => None,
    };
    if finished.is_some() {
        lease.frame("ROLLBACK").await.map_err(database)?;
        return Ok(false);
    }
    lease.frame(LOCK_BRIEFLY).await.map_err(database)?;
    lease.frame(migration.sql).await.map_err(database)?;
    let finish = "UPDATE migration SET finished_at = $2 WHERE number = $1";
    lease.ask(finish, &[(&number, Type::INT8), (&now.unix(), Type::INT8)]).await.map_err(database)?;
    lease.frame("COMMIT").await.map_err(database)?;
    Ok(true)
}

/// Lets a role read and write rows, and nothing else. One at a time: two that grant at once are told that a row of the server's own was
/// changed.
async fn grant(lease: &Lease, role: &str) -> Result<(), OpenFault> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let grants = format!(
        "{BEGIN_MIGRATION};
         SELECT 1 FROM migration WHERE number = 1 FOR UPDATE;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {role};
         REVOKE INSERT, UPDATE, DELETE ON migration FROM {role};
         COMMIT"
    );
    lease.frame(&grants).await.map_err(database)
}

async fn connect(url: &PostgresUrl) -> Result<Lease, OpenFault> {
    let connections = Connections::new(url)?;
    get(&connections).await
}

async fn get(connections: &Connections) -> Result<Lease, OpenFault> {
    connections.get(Instant::now() + CONNECTING).await.map_err(|cut| match cut {
        Cut::NotSent(cause) | Cut::Again(cause) | Cut::Unanswered(cause) => OpenFault::Unreachable(cause),
        Cut::Refused(broken) => OpenFault::Database(broken.to_string()),
        Cut::Closed => OpenFault::Unreachable("closed".to_owned()),
    })
}

/// The migrations that are recorded, in order; none where there is no table of them.
async fn applied(lease: &Lease) -> Result<Vec<Applied>, OpenFault> {
    let rows = lease.ask("SELECT number, sha256, finished_at FROM migration ORDER BY number", &[]).await;
    let rows = match rows {
        Err(fault) if fault.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(Vec::new()),
        rows => rows.map_err(database)?,
    };
    let applied = |row: &Row| {
        let number: i64 = row.try_get(0)?;
        Ok(Applied {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            sha256: row.try_get(1)?,
            finished: row.try_get::<_, Option<i64>>(2)?.is_some(),
        })
    };
    rows.iter().map(applied).collect::<Result<_, tokio_postgres::Error>>().map_err(database)
}

/// Opens a database's keys, or makes them where there are none yet, and seals them anew if the master key is being changed. A refused
/// opening writes nothing.
///
/// # Errors
/// [`OpenFault`].
pub(super) async fn bring_up(
    connections: &Connections,
    master: &MasterKey,
    previous: Option<&MasterKey>,
    random: Random,
    now: Timestamp,
) -> Result<Vault, OpenFault> {
    let lease = get(connections).await?;
    let SchemaStatus { found, known, half, .. } = status_of(&applied(&lease).await?)?;
    if let Some(number) = half {
        return Err(OpenFault::HalfMigrated { number });
    }
    if found < known {
        return Err(OpenFault::Unmigrated { found, known });
    }
    lease.frame("BEGIN").await.map_err(database)?;
    // Whoever else opens it for the first time, or changes the master key, waits here.
    lease.frame("SELECT 1 FROM state WHERE sole = 1 FOR UPDATE").await.map_err(database)?;
    // A copy begins under that same lock.
    let copying = lease.ask("SELECT 1 FROM copying LIMIT 1", &[]).await.map_err(database)?;
    if !copying.is_empty() {
        lease.discard();
        return Err(OpenFault::CopyUnfinished);
    }
    let keys = match open_vault(&lease, master, previous, &random, now).await {
        Ok(keys) => keys,
        Err(fault) => {
            lease.discard();
            return Err(fault);
        }
    };
    lease.frame("COMMIT").await.map_err(database)?;
    Ok(keys.into_vault(random))
}

async fn open_vault(
    lease: &Lease,
    master: &MasterKey,
    previous: Option<&MasterKey>,
    random: &Random,
    now: Timestamp,
) -> Result<VaultKeys, OpenFault> {
    let rows = lease.ask("SELECT purpose, key_id, sealed FROM vault", &[]).await.map_err(database)?;
    let sealed = |row: &Row| {
        let (purpose, key_id): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
        let known = Purpose::ALL.into_iter().map(Purpose::as_str).find(|known| *known == purpose);
        let key_id = u32::try_from(key_id).unwrap_or(0);
        Ok(SealedKey { purpose: known.unwrap_or_default(), key_id, sealed: row.try_get(2)? })
    };
    let rows: Vec<SealedKey> =
        rows.iter().map(sealed).collect::<Result<_, tokio_postgres::Error>>().map_err(database)?;
    if rows.is_empty() {
        let keys = VaultKeys::draw(random);
        store_vault(lease, &keys.seal(master, random)).await?;
        return Ok(keys);
    }
    let damaged = || OpenFault::Corrupt("a key of the vault's is missing or was changed".to_owned());
    match VaultKeys::open(master, &rows) {
        Ok(keys) => Ok(keys),
        Err(VaultFault::Damaged) => Err(damaged()),
        Err(VaultFault::WrongMasterKey) => match previous.map(|previous| VaultKeys::open(previous, &rows)) {
            Some(Ok(keys)) => {
                store_vault(lease, &keys.seal(master, random)).await?;
                let event = Event::MasterKeyChanged.as_str();
                let record = "INSERT INTO audit (at, event) VALUES ($1, $2)";
                lease
                    .ask(record, &[(&now.unix(), Type::INT8), (&event, Type::TEXT)])
                    .await
                    .map_err(database)?;
                Ok(keys)
            }
            Some(Err(VaultFault::Damaged)) => Err(damaged()),
            Some(Err(VaultFault::WrongMasterKey)) | None => Err(OpenFault::WrongMasterKey),
        },
    }
}

async fn store_vault(lease: &Lease, keys: &[SealedKey]) -> Result<(), OpenFault> {
    let put = "INSERT INTO vault (purpose, key_id, sealed) VALUES ($1, $2, $3)
               ON CONFLICT (purpose) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed";
    for key in keys {
        let key_id = i64::from(key.key_id);
        let params =
            [(&key.purpose as Param<'_>, Type::TEXT), (&key_id, Type::INT8), (&key.sealed, Type::BYTEA)];
        lease.ask(put, &params).await.map_err(database)?;
    }
    Ok(())
}

fn database(fault: tokio_postgres::Error) -> OpenFault {
    OpenFault::Database(told(&fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(number: u32, sql: &str, finished: bool) -> Applied {
        Applied { number, sha256: Sha256::of(sql.as_bytes()).as_bytes().to_vec(), finished }
    }

    #[test]
    fn a_later_schema_and_another_text_are_refused() {
        let first = recorded(1, MIGRATIONS[0].sql, true);
        let later = recorded(known() + 1, "", true);
        let refused = status_of(&[first, later]);
        assert!(matches!(refused, Err(OpenFault::NewerSchema { .. })));
        let other = status_of(&[recorded(1, "CREATE TABLE other (id BIGINT)", true)]);
        assert!(matches!(other, Err(OpenFault::ForeignMigration { number: 1 })));
    }

    #[test]
    fn a_half_migration_is_told_as_such() {
        let half = status_of(&[recorded(1, MIGRATIONS[0].sql, false)]).unwrap();
        assert_eq!((half.found, half.half, half.pending.len()), (0, Some(1), MIGRATIONS.len()));
        let whole = status_of(&[recorded(1, MIGRATIONS[0].sql, true)]).unwrap();
        assert_eq!((whole.found, whole.half), (1, None));
        assert_eq!(status_of(&[]).unwrap().found, 0);
    }
}
