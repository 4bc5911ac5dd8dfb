//! Warnings to the owners of clients.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use rusqlite::params;

use super::Embedded;
use crate::Broken;
use crate::row;
use crate::verbs::{OwnerWarning, WarningKind};

impl Embedded {
    /// See [`crate::Store::warn_owner`].
    pub(crate) async fn warn_owner(&self, issuer: &Issuer, warning: &OwnerWarning) -> Result<bool, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(false) };
        let warning = warning.clone();
        self.write(move |db| {
            let mut insert = db.prepare_cached(
                "INSERT INTO owner_warning (issuer, client_id, kind, reason, day, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?;
            let inserted = insert.execute(params![
                known.number,
                warning.client_id.as_str(),
                warning.kind.as_str(),
                warning.reason,
                row::day(warning.at),
                warning.at.unix(),
            ])?;
            Ok(inserted > 0)
        })
        .await
    }

    /// See [`crate::Store::owner_warnings`].
    pub(crate) async fn owner_warnings(
        &self,
        issuer: &Issuer,
        since: Timestamp,
    ) -> Result<Vec<OwnerWarning>, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(Vec::new()) };
        self.read_long(move |db| {
            let mut select = db.prepare_cached(
                "SELECT client_id, kind, reason, at FROM owner_warning WHERE issuer = ?1 AND at >= ?2
                 ORDER BY at DESC, client_id, kind, reason",
            )?;
            let mut rows = select.query(params![known.number, since.unix()])?;
            let mut warnings = Vec::new();
            while let Some(row) = rows.next()? {
                let kind = WarningKind::named(&row.get::<_, String>(1)?);
                warnings.push(OwnerWarning {
                    client_id: row::client_id("owner_warning", &row.get::<_, String>(0)?)?,
                    kind: kind.ok_or_else(|| row::unreadable("owner_warning", "kind"))?,
                    reason: row.get(2)?,
                    at: Timestamp::from_unix(row.get(3)?),
                });
            }
            Ok(warnings)
        })
        .await
    }
}
