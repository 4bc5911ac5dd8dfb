//! Ending what a restored state would revive: every login under way, every code and everything granted, in one commit with its record.

use rusqlite::{Connection, params};
use serde_json::json;
use tokio_postgres::types::Type;

use crate::audit::Event;
use crate::embedded::Held;
use crate::postgres::{Alone, database};
use crate::{OpenFault, Opening, PostgresUrl, SchemaStatus, StoreUrl, schema_status};
use portvakt_protocol::time::Timestamp;

/// By how much the audit's numbers and the generation go ahead: further than anything that was lost with the past can have brought them.
/// Whoever follows the audit by number misses nothing, and no node takes its copies for as new as the store.
const AHEAD: i64 = 1_000_000;

/// What was ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Logins under way.
    pub logins: u64,
    /// Codes that nobody had spent.
    pub codes: u64,
    /// Grants that nobody had revoked, with their tokens: people log in again.
    pub grants: u64,
}

impl Ended {
    fn detail(self) -> String {
        json!({ "logins": self.logins, "codes": self.codes, "grants": self.grants }).to_string()
    }
}

/// Ends everything in a store that was restored by other means, such as PostgreSQL's own, before a server has it. Audit: `restored`.
///
/// # Errors
/// [`OpenFault`]: nothing was ended.
pub async fn end_past(opening: Opening) -> Result<Ended, OpenFault> {
    let now = opening.now;
    match opening.url.clone() {
        StoreUrl::Folder(folder) => end_in_folder(Held::take(&folder, opening)?.db(), now),
        StoreUrl::Postgres(url) => end_in_database(&url, now).await,
    }
}

/// As [`end_past`], on the one connection that there is.
pub(super) fn end_in_folder(db: &Connection, now: Timestamp) -> Result<Ended, OpenFault> {
    let end = || {
        let transaction = db.unchecked_transaction()?;
        let count = |sql| transaction.execute(sql, [now.unix()]).map(|rows| rows as u64);
        let ended = Ended {
            logins: count("UPDATE login SET finished_at = ?1 WHERE finished_at IS NULL")?,
            codes: count("UPDATE code SET spent_at = ?1 WHERE spent_at IS NULL")?,
            grants: count("UPDATE login_grant SET revoked_at = ?1 WHERE revoked_at IS NULL")?,
        };
        transaction.execute("UPDATE state SET generation = generation + ?1", [AHEAD])?;
        transaction.execute(
            "INSERT INTO audit (number, at, event, detail)
             SELECT coalesce(max(number), 0) + ?1, ?2, ?3, ?4 FROM audit",
            params![AHEAD, now.unix(), Event::Restored.as_str(), ended.detail()],
        )?;
        transaction.commit()?;
        Ok(ended)
    };
    end().map_err(|fault: rusqlite::Error| OpenFault::Corrupt(fault.to_string()))
}

async fn end_in_database(url: &PostgresUrl, now: Timestamp) -> Result<Ended, OpenFault> {
    let SchemaStatus { found, known, half, .. } = schema_status(url).await?;
    if let Some(number) = half {
        return Err(OpenFault::HalfMigrated { number });
    }
    if found < known {
        return Err(OpenFault::Unmigrated { found, known });
    }
    let alone = Alone::connect(url).await?;
    // Cut off anywhere in here, nothing of it is done.
    alone.frame("BEGIN; SELECT 1 FROM state WHERE sole = 1 FOR UPDATE").await?;
    let count = async |update: &str| {
        let sql = format!("WITH ended AS ({update} RETURNING 1) SELECT count(*) FROM ended");
        let rows = alone.ask(&sql, &[(&now.unix(), Type::INT8)]).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(database)?;
        Ok::<_, OpenFault>(count.unsigned_abs())
    };
    let ended = Ended {
        logins: count("UPDATE login SET finished_at = $1 WHERE finished_at IS NULL").await?,
        codes: count("UPDATE code SET spent_at = $1 WHERE spent_at IS NULL").await?,
        grants: count("UPDATE login_grant SET revoked_at = $1 WHERE revoked_at IS NULL").await?,
    };
    let ahead = [(&AHEAD as _, Type::INT8)];
    alone.ask("UPDATE state SET generation = generation + $1 WHERE sole = 1", &ahead).await?;
    let numbers = "SELECT setval(pg_get_serial_sequence('audit', 'number'), (SELECT coalesce(max(number), 0) + $1 FROM audit))";
    alone.ask(numbers, &ahead).await?;
    let record = "INSERT INTO audit (at, event, detail) VALUES ($1, $2, $3)";
    let (event, detail) = (Event::Restored.as_str(), ended.detail());
    alone.ask(record, &[(&now.unix(), Type::INT8), (&event, Type::TEXT), (&detail, Type::TEXT)]).await?;
    alone.frame("COMMIT").await?;
    Ok(ended)
}
