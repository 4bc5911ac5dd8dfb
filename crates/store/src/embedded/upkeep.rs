//! Sweeping, the audit's reading, and health.

use std::time::Duration;

use portvakt_protocol::time::Timestamp;
use rusqlite::params;

use super::{Embedded, audit};
use crate::Broken;
use crate::retention::{LOGIN_LINGERS, SECRET_LINGERS, WARNING_LINGERS};
use crate::verbs::{AuditRecord, SweepPolicy, Swept};

/// How long a question after health waits for a write.
const HEALTH_WAITS: Duration = Duration::from_secs(2);

const LOGINS: &str = "DELETE FROM login WHERE id IN (SELECT id FROM login WHERE expires <= ?1 LIMIT ?2)";

const ACCESS_TOKENS: &str = "DELETE FROM access_token WHERE id IN (SELECT id FROM access_token WHERE coalesce(kept_until, expires) <= ?1 LIMIT ?2)";

/// With its codes and refresh tokens, and so only when each of them has ended too; an access token is kept as long as it at the latest, and goes by
/// its own instant. A family has as many refresh tokens as the one that can be used
/// has for its number, and a batch takes no more of them than it takes of anything else, but for those of its last family.
const GRANTS: &str = "DELETE FROM login_grant WHERE id IN (
    SELECT id FROM (
        SELECT e.id, sum(coalesce((SELECT r.generation FROM refresh_token r WHERE r.grant_id = e.id AND r.spent_at IS NULL), 0))
                     OVER (ORDER BY e.expires, e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS sooner
        FROM (
            SELECT g.id, g.expires FROM login_grant g
            WHERE g.expires <= ?1
              AND NOT EXISTS (SELECT 1 FROM code c WHERE c.grant_id = g.id AND c.expires > ?1)
              AND NOT EXISTS (SELECT 1 FROM refresh_token r WHERE r.grant_id = g.id AND r.spent_at IS NULL AND r.expires > ?1)
            LIMIT ?2
        ) e
    ) WHERE coalesce(sooner, 0) < ?2)";

const SECRETS: &str =
    "DELETE FROM client_secret WHERE id IN (SELECT id FROM client_secret WHERE expires <= ?1 LIMIT ?2)";

/// An issuer's last key is never given an instant at which it leaves.
const SIGNING_KEYS: &str =
    "DELETE FROM signing_key WHERE rowid IN (SELECT rowid FROM signing_key WHERE removed <= ?1 LIMIT ?2)";

const OWNER_WARNINGS: &str =
    "DELETE FROM owner_warning WHERE rowid IN (SELECT rowid FROM owner_warning WHERE at <= ?1 LIMIT ?2)";

/// By the records' own instants, for numbers grow with time only as long as no clock was ever ahead. The newest stays, for its
/// number must not be given again.
const AUDIT: &str = "DELETE FROM audit WHERE number IN (
    SELECT number FROM audit INDEXED BY audit_at
    WHERE at <= ?1 AND number < (SELECT max(number) FROM audit) LIMIT ?2)";

impl Embedded {
    /// See [`crate::Store::sweep`].
    pub(crate) async fn sweep(&self, now: Timestamp, policy: SweepPolicy) -> Result<Swept, Broken> {
        let batch = policy.batch.max(1);
        let audit = match policy.audit_retention {
            Some(retention) => self.delete(AUDIT, now - retention, batch).await?,
            None => 0,
        };
        Ok(Swept {
            logins: self.delete(LOGINS, now - LOGIN_LINGERS, batch).await?,
            access_tokens: self.delete(ACCESS_TOKENS, now, batch).await?,
            grants: self.delete(GRANTS, now, batch).await?,
            secrets: self.delete(SECRETS, now - SECRET_LINGERS, batch).await?,
            signing_keys: self.delete(SIGNING_KEYS, now, batch).await?,
            owner_warnings: self.delete(OWNER_WARNINGS, now - WARNING_LINGERS, batch).await?,
            audit,
        })
    }

    /// Deletes what ended at `ended` or before, a batch to a write, so that other writes come in between.
    async fn delete(&self, sql: &'static str, ended: Timestamp, batch: u32) -> Result<u64, Broken> {
        let mut deleted = 0;
        loop {
            let found = self
                .write(move |db| Ok(db.prepare_cached(sql)?.execute(params![ended.unix(), batch])?))
                .await?;
            deleted += found as u64;
            if found == 0 {
                return Ok(deleted);
            }
        }
    }

    /// See [`crate::Store::audit`].
    pub(crate) async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditRecord>, Broken> {
        self.read_long(move |db| audit::read(db, after, limit)).await
    }

    /// See [`crate::Store::health`].
    pub(crate) async fn health(&self, now: Timestamp) -> Result<(), Broken> {
        self.read(|db| {
            db.prepare_cached("SELECT generation FROM state")?.query_row([], |_| Ok(()))?;
            Ok(())
        })?;
        if !self.inner.writer.is_alive() {
            return Err(Broken::Closed);
        }
        if !self.inner.writer.last_commit_failed() {
            return Ok(());
        }
        let probe = self.write(move |db| {
            // Never the value that is there: SQLite writes no page whose bytes stay the same, and the disk would not be tried.
            db.prepare_cached("UPDATE state SET probed_at = max(?1, probed_at + 1)")?
                .execute([now.unix()])?;
            Ok(())
        });
        tokio::time::timeout(HEALTH_WAITS, probe).await.unwrap_or(Err(Broken::Busy))
    }
}
