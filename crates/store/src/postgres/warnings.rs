//! Warnings to the owners of clients.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use tokio_postgres::Row;

use super::Postgres;
use super::outcome::{Probe, Written};
use super::pool::Param;
use super::statement::statements;
use crate::Broken;
use crate::row;
use crate::verbs::{OwnerWarning, WarningKind};

statements! {
    /// Of several that warn of the same on one day, one is the first.
    WARN(INT8, TEXT, TEXT, TEXT, INT8, INT8, BYTEA) =
        "WITH warned AS (
            INSERT INTO owner_warning (issuer, client_id, kind, reason, day, at) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT DO NOTHING RETURNING 1
         ), marked AS (
            INSERT INTO written (mark, at) SELECT $7, $6 FROM warned
         )
         SELECT 1 FROM warned";
    WARNINGS(INT8, INT8) =
        "SELECT client_id, kind, reason, at FROM owner_warning WHERE issuer = $1 AND at >= $2
         ORDER BY at DESC, client_id, kind, reason";
}

impl Postgres {
    /// See [`crate::Store::warn_owner`].
    pub(crate) async fn warn_owner(&self, issuer: &Issuer, warning: &OwnerWarning) -> Result<bool, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(false) };
        let mark = self.new_mark();
        let params: [Param<'_>; 7] = [
            &known.number,
            &warning.client_id.as_str(),
            &warning.kind.as_str(),
            &warning.reason,
            &row::day(warning.at),
            &warning.at.unix(),
            &mark.as_slice(),
        ];
        let written = self.write(&WARN, &params, Probe::Mark(&mark)).await?;
        Ok(!matches!(written, Written::Rows(rows) if rows.is_empty()))
    }

    /// See [`crate::Store::owner_warnings`].
    pub(crate) async fn owner_warnings(
        &self,
        issuer: &Issuer,
        since: Timestamp,
    ) -> Result<Vec<OwnerWarning>, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(Vec::new()) };
        let rows = self.read(&WARNINGS, &[&known.number, &since.unix()]).await?;
        let warning = |row: &Row| {
            let kind = WarningKind::named(row.try_get(1)?);
            Ok(OwnerWarning {
                client_id: row::client_id("owner_warning", row.try_get(0)?)?,
                kind: kind.ok_or_else(|| row::unreadable("owner_warning", "kind"))?,
                reason: row.try_get(2)?,
                at: Timestamp::from_unix(row.try_get(3)?),
            })
        };
        rows.iter().map(warning).collect()
    }
}
