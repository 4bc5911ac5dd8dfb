//! Sweeping, and health.

use portvakt_protocol::time::{Seconds, Timestamp};

use super::Postgres;
use super::outcome::{Probe, Written};
use super::statement::{Statement, statements};
use crate::Broken;
use crate::retention::{LOGIN_LINGERS, SECRET_LINGERS, WARNING_LINGERS};
use crate::verbs::{SweepPolicy, Swept};

/// For this long the mark of a write is kept. It is asked for within a second.
const MARK_LINGERS: Seconds = Seconds::days(1);

statements! {
    LOGINS(INT8, INT8) =
        "WITH swept AS (
            DELETE FROM login WHERE (issuer, digest) IN
                (SELECT issuer, digest FROM login WHERE expires <= $1 ORDER BY expires LIMIT $2)
            RETURNING 1
         ) SELECT count(*) FROM swept";
    ACCESS_TOKENS(INT8, INT8) =
        "WITH swept AS (
            DELETE FROM access_token WHERE (issuer, digest) IN
                (SELECT issuer, digest FROM access_token WHERE coalesce(kept_until, expires) <= $1
                 ORDER BY coalesce(kept_until, expires) LIMIT $2)
            RETURNING 1
         ) SELECT count(*) FROM swept";
    /// With its codes and refresh tokens, and so only when each of them has ended too; an access token goes by its own instant. No more
    /// refresh tokens to a batch than of anything else, but for those of its last family, as in the embedded store.
    GRANTS(INT8, INT8) =
        "WITH past AS (
            SELECT g.name, g.expires FROM login_grant g
            WHERE g.expires <= $1
              AND NOT EXISTS (SELECT 1 FROM code c WHERE c.login_grant = g.name AND c.expires > $1)
              AND NOT EXISTS (SELECT 1 FROM refresh_token r
                              WHERE r.login_grant = g.name AND r.spent_at IS NULL AND r.expires > $1)
            ORDER BY g.expires LIMIT $2
         ), counted AS (
            SELECT p.name, sum(coalesce((SELECT r.generation FROM refresh_token r
                                         WHERE r.login_grant = p.name AND r.spent_at IS NULL), 0))
                           OVER (ORDER BY p.expires, p.name ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS sooner
            FROM past p
         ), ended AS (
            SELECT name FROM counted WHERE coalesce(sooner, 0) < $2
         ), codes AS (
            DELETE FROM code WHERE login_grant IN (SELECT name FROM ended)
         ), families AS (
            DELETE FROM refresh_token WHERE login_grant IN (SELECT name FROM ended)
         ), swept AS (
            DELETE FROM login_grant WHERE name IN (SELECT name FROM ended) RETURNING 1
         ) SELECT count(*) FROM swept";
    SECRETS(INT8, INT8) =
        "WITH swept AS (
            DELETE FROM client_secret WHERE (issuer, client_id, digest) IN
                (SELECT issuer, client_id, digest FROM client_secret WHERE expires <= $1 ORDER BY expires LIMIT $2)
            RETURNING 1
         ) SELECT count(*) FROM swept";
    /// An issuer's last key is never given an instant at which it leaves.
    SIGNING_KEYS(INT8, INT8) =
        "WITH swept AS (
            DELETE FROM signing_key WHERE (issuer, kid) IN
                (SELECT issuer, kid FROM signing_key WHERE removed <= $1 ORDER BY removed LIMIT $2)
            RETURNING 1
         ) SELECT count(*) FROM swept";
    OWNER_WARNINGS(INT8, INT8) =
        "WITH swept AS (
            DELETE FROM owner_warning WHERE (issuer, client_id, kind, reason, day) IN
                (SELECT issuer, client_id, kind, reason, day FROM owner_warning WHERE at <= $1 ORDER BY at LIMIT $2)
            RETURNING 1
         ) SELECT count(*) FROM swept";
    /// By the records' own instants, and never the newest, as the embedded store does.
    AUDIT(INT8, INT8) =
        "WITH swept AS (
            DELETE FROM audit WHERE number IN (
                SELECT number FROM audit WHERE at <= $1 AND number < (SELECT max(number) FROM audit) ORDER BY at LIMIT $2)
            RETURNING 1
         ) SELECT count(*) FROM swept";
    MARKS(INT8, INT8) =
        "WITH swept AS (
            DELETE FROM written WHERE mark IN (SELECT mark FROM written WHERE at <= $1 ORDER BY at LIMIT $2) RETURNING 1
         ) SELECT count(*) FROM swept";
}

impl Postgres {
    /// See [`crate::Store::sweep`].
    pub(crate) async fn sweep(&self, now: Timestamp, policy: SweepPolicy) -> Result<Swept, Broken> {
        let batch = i64::from(policy.batch.max(1));
        let audit = match policy.audit_retention {
            Some(retention) => self.delete(&AUDIT, now - retention, batch).await?,
            None => 0,
        };
        self.delete(&MARKS, now - MARK_LINGERS, batch).await?;
        Ok(Swept {
            logins: self.delete(&LOGINS, now - LOGIN_LINGERS, batch).await?,
            access_tokens: self.delete(&ACCESS_TOKENS, now, batch).await?,
            grants: self.delete(&GRANTS, now, batch).await?,
            secrets: self.delete(&SECRETS, now - SECRET_LINGERS, batch).await?,
            signing_keys: self.delete(&SIGNING_KEYS, now, batch).await?,
            owner_warnings: self.delete(&OWNER_WARNINGS, now - WARNING_LINGERS, batch).await?,
            audit,
        })
    }

    /// Deletes what ended at `ended` or before, a batch to a transaction.
    async fn delete(&self, statement: &Statement, ended: Timestamp, batch: i64) -> Result<u64, Broken> {
        let mut deleted = 0;
        loop {
            let rows = match self.write(statement, &[&ended.unix(), &batch], Probe::Repeat).await? {
                Written::Rows(rows) => rows,
                Written::Probed => Vec::new(),
            };
            let found: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
            deleted += found.unsigned_abs();
            if found == 0 {
                return Ok(deleted);
            }
        }
    }

    /// See [`crate::Store::health`]. Every connection leads to a server that takes writes, or is refused.
    pub(crate) async fn health(&self, _: Timestamp) -> Result<(), Broken> {
        self.generation().await.map(|_| ())
    }
}
