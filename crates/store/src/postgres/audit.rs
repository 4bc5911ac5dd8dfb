//! The audit's rows. Most are written by the statement of what they record; this reads them, and writes the rest.

use super::Postgres;
use super::statement::{Statement, statements};
use crate::Broken;
use crate::audit::RecordRow;
use crate::verbs::AuditRecord;

statements! {
    READ(INT8, INT8) =
        "SELECT a.number, a.at, i.url, a.event, a.client_id, a.person, a.login_grant, a.detail
         FROM audit a LEFT JOIN issuer i ON i.id = a.issuer
         WHERE a.number > $1 ORDER BY a.number LIMIT $2";
    OF_ISSUER(INT8, INT8, TEXT, TEXT) = "INSERT INTO audit (at, issuer, event, detail) VALUES ($1, $2, $3, $4)";
}

/// A record about an issuer: instant, issuer's number, event, particulars.
pub(super) const RECORD: &Statement = &OF_ISSUER;

impl Postgres {
    /// See [`crate::Store::audit`].
    pub(crate) async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditRecord>, Broken> {
        let rows = self.read(&READ, &[&after, &i64::from(limit)]).await?;
        let record = |row: &tokio_postgres::Row| {
            let columns = RecordRow {
                number: row.try_get(0)?,
                at: row.try_get(1)?,
                issuer: row.try_get(2)?,
                event: row.try_get(3)?,
                client_id: row.try_get(4)?,
                person: row.try_get(5)?,
                grant: row.try_get(6)?,
                detail: row.try_get(7)?,
            };
            columns.record()
        };
        rows.iter().map(record).collect()
    }
}
