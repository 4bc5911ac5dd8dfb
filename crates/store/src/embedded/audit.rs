//! The audit's rows.

use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::Broken;
use crate::audit::{Event, Record, RecordRow};
use crate::verbs::AuditRecord;

impl Record<'_> {
    /// Writes the record's row, in the transaction of what it records.
    pub(super) fn write(&self, db: &Connection) -> Result<(), Broken> {
        let mut insert = db.prepare_cached(
            "INSERT INTO audit (at, issuer, event, client_id, person, login_grant, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        insert.execute(params![
            self.at.unix(),
            self.issuer,
            self.event.as_str(),
            self.client_id,
            self.person.as_ref().map(|person| person.as_bytes().as_slice()),
            self.grant.as_ref().map(|grant| grant.0.as_slice()),
            self.detail.as_ref().map(Value::to_string),
        ])?;
        Ok(())
    }
}

/// Records what became of the grant in the row `grant_id`: everything else is copied from it.
pub(super) fn write_of_grant(
    db: &Connection,
    at: Timestamp,
    event: Event,
    grant_id: i64,
) -> Result<(), Broken> {
    let sql = "INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
         SELECT ?1, issuer, ?2, client_id, person, name FROM login_grant WHERE id = ?3";
    #[cfg(feature = "danger-faults")]
    let sql = crate::planted::bent(sql);
    let mut insert = db.prepare_cached(sql)?;
    insert.execute(params![at.unix(), event.as_str(), grant_id])?;
    Ok(())
}

/// At most `limit` records numbered above `after`.
pub(super) fn read(db: &Connection, after: i64, limit: u32) -> Result<Vec<AuditRecord>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT a.number, a.at, i.url, a.event, a.client_id, a.person, a.login_grant, a.detail
         FROM audit a LEFT JOIN issuer i ON i.id = a.issuer
         WHERE a.number > ?1 ORDER BY a.number LIMIT ?2",
    )?;
    let mut rows = select.query(params![after, limit])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let record = RecordRow {
            number: row.get(0)?,
            at: row.get(1)?,
            issuer: row.get(2)?,
            event: row.get(3)?,
            client_id: row.get(4)?,
            person: row.get(5)?,
            grant: row.get(6)?,
            detail: row.get(7)?,
        };
        records.push(record.record()?);
    }
    Ok(records)
}
