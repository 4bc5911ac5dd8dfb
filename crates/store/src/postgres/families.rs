//! Refresh tokens. A grant is a family of them, numbered from 1: each use spends one and stores the next, so that one at most can be used.
//! Whoever loses a race finds nothing to change in its statement, and looks again at what the other has left; `refresh_token_leaf` would
//! refuse a second token that can be used.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::grant::{LoadedRefreshToken, NewRefreshToken};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::secret::RefreshTokenDigest;
use portvakt_protocol::time::Timestamp;
use tokio::time::Instant;

use super::Postgres;
use super::grants::KEPT;
use super::outcome::{Probe, Written};
use super::pool::Param;
use super::statement::{Statement, statements};
use crate::Broken;
use crate::audit::Event;
use crate::contract::Redemption;
use crate::grant_columns::{AFTER_GRANT, grant_columns, taken_back};
use crate::row;
use crate::verbs::{Refresh, Revocation, TokenDigests, Usage};

statements! {
    REFRESH_TOKEN(INT8, BYTEA) = concat!(
        "SELECT ", grant_columns!("f"), ", r.expires, r.spent_at,
            EXISTS (SELECT 1 FROM refresh_token s WHERE s.issuer = r.issuer AND s.digest = r.successor AND s.spent_at IS NULL)
         FROM refresh_token r JOIN login_grant f ON f.name = r.login_grant WHERE r.issuer = $1 AND r.digest = $2"
    );
    /// Spends a token that can be used on its successor.
    ROTATE(INT8, BYTEA, TEXT, INT8, BYTEA, INT8, INT8, BYTEA, INT8, INT8, TEXT, TEXT) = concat!(
        "WITH spent AS (
            UPDATE refresh_token AS r SET spent_at = $4, successor = $5, access_token = NULL FROM login_grant f
            WHERE r.issuer = $1 AND r.digest = $2 AND r.client_id = $3 AND r.spent_at IS NULL AND r.expires > $4
              AND f.name = r.login_grant AND f.expires > $4 AND NOT ", taken_back!("f"), "
            RETURNING f.name, f.client_id, f.person, f.expires AS ends, r.generation
         ), followed AS (
            INSERT INTO refresh_token (issuer, digest, login_grant, client_id, generation, access_token, issued, expires)
            SELECT $1, $5, name, client_id, generation + 1, $8, $6, $7 FROM spent
         ), token AS (
            INSERT INTO access_token (issuer, digest, login_grant, issued, expires, narrowed, kept_until)
            SELECT $1, $8, name, $9, $10, $11, ends FROM spent
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $4, $1, $12, client_id, person, name FROM spent
         )
         SELECT 1 FROM spent"
    );
    /// Puts the successor in the place of the one that nobody has used. Two that do it at once meet at that one's row: the second finds it
    /// spent. When the token presented was spent stays as it is, so the grace does not begin anew. The replaced one's access token has ended by every
    /// clock, also one that is behind the one that it was issued by, and is kept: whoever revokes it revokes the grant.
    RETRY(INT8, BYTEA, TEXT, INT8, BYTEA, INT8, INT8, BYTEA, INT8, INT8, TEXT, TEXT, INT8) = concat!(
        "WITH presented AS (
            SELECT p.login_grant, p.successor, f.client_id, f.person, f.expires AS ends
            FROM refresh_token p JOIN login_grant f ON f.name = p.login_grant
            WHERE p.issuer = $1 AND p.digest = $2 AND p.client_id = $3 AND p.spent_at >= $13
              AND f.expires > $4 AND NOT ", taken_back!("f"), "
         ), replaced AS (
            UPDATE refresh_token AS s SET spent_at = $4 FROM presented p
            WHERE s.login_grant = p.login_grant AND s.issuer = $1 AND s.digest = p.successor AND s.spent_at IS NULL AND s.expires > $4
            RETURNING s.login_grant, s.generation, s.access_token, p.client_id, p.person, p.ends
         ), moved AS (
            UPDATE refresh_token SET successor = $5 WHERE issuer = $1 AND digest = $2 AND EXISTS (SELECT 1 FROM replaced)
         ), ended AS (
            UPDATE access_token SET expires = 0 WHERE issuer = $1 AND digest = (SELECT access_token FROM replaced)
         ), followed AS (
            INSERT INTO refresh_token (issuer, digest, login_grant, client_id, generation, access_token, issued, expires)
            SELECT $1, $5, login_grant, client_id, generation + 1, $8, $6, $7 FROM replaced
         ), token AS (
            INSERT INTO access_token (issuer, digest, login_grant, issued, expires, narrowed, kept_until)
            SELECT $1, $8, login_grant, $9, $10, $11, ends FROM replaced
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $4, $1, $12, client_id, person, login_grant FROM replaced
         )
         SELECT 1 FROM replaced"
    );
    /// Moves the end of a token that can be used: never past its grant's, and back too, if a shorter lifetime is registered now. What was
    /// spent on it is no retry any more.
    REUSE(INT8, BYTEA, TEXT, INT8, INT8, BYTEA, INT8, INT8, TEXT, TEXT) = concat!(
        "WITH used AS (
            UPDATE refresh_token AS r SET expires = least($5, f.expires) FROM login_grant f
            WHERE r.issuer = $1 AND r.digest = $2 AND r.client_id = $3 AND r.spent_at IS NULL AND r.expires > $4
              AND f.name = r.login_grant AND f.expires > $4 AND NOT ", taken_back!("f"), "
            RETURNING f.name, f.client_id, f.person, f.expires AS ends, r.generation
         ), settled AS (
            UPDATE refresh_token AS q SET successor = NULL FROM used
            WHERE used.generation > 1 AND q.login_grant = used.name AND q.successor = $2
         ), token AS (
            INSERT INTO access_token (issuer, digest, login_grant, issued, expires, narrowed, kept_until)
            SELECT $1, $6, name, $7, $8, $9, ends FROM used
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $4, $1, $10, client_id, person, name FROM used
         )
         SELECT 1 FROM used"
    );
    /// A token that its own client had spent, or that was replaced, takes its grant with it (RFC 9700 §4.14.2): unless it may be retried
    /// again, which says that another retry came first.
    REPLAYED(INT8, BYTEA, TEXT, INT8, TEXT, INT8) = concat!(
        "WITH presented AS (
            SELECT p.login_grant,
                   coalesce(p.spent_at >= $6 AND s.spent_at IS NULL AND s.expires > $4
                            AND f.expires > $4 AND NOT ", taken_back!("f"), ", FALSE) AS again
            FROM refresh_token p JOIN login_grant f ON f.name = p.login_grant
            LEFT JOIN refresh_token s ON s.digest = p.successor AND s.issuer = p.issuer
            WHERE p.issuer = $1 AND p.digest = $2 AND p.client_id = $3 AND p.spent_at IS NOT NULL
         ), revoked AS (
            UPDATE login_grant AS family SET revoked_at = $4
            WHERE family.name = (SELECT login_grant FROM presented WHERE NOT again) AND family.revoked_at IS NULL
            RETURNING name, client_id, person
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $4, $1, $5, client_id, person, name FROM revoked
         )
         SELECT again FROM presented"
    );
    KEPT_REFRESH(INT8, BYTEA) = "SELECT 1 FROM refresh_token WHERE issuer = $1 AND digest = $2";
    REVOKE(INT8, BYTEA, BYTEA, TEXT, INT8, TEXT) =
        "WITH found AS (
            SELECT g.name, g.client_id = $4 AS own FROM login_grant g WHERE g.name = coalesce(
                (SELECT login_grant FROM access_token WHERE issuer = $1 AND digest = $2),
                (SELECT login_grant FROM refresh_token WHERE issuer = $1 AND digest = $3))
         ), revoked AS (
            UPDATE login_grant AS given SET revoked_at = $5
            WHERE given.name = (SELECT name FROM found WHERE own) AND given.revoked_at IS NULL
            RETURNING name, client_id, person
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $5, $1, $6, client_id, person, name FROM revoked
         )
         SELECT own FROM found";
}

/// What of a refresh is in each of its statements.
struct Using<'a> {
    issuer: i64,
    refresh: &'a Refresh,
    now: i64,
    narrowed: Option<String>,
}

impl Postgres {
    /// See [`crate::Store::refresh_token`].
    pub(crate) async fn refresh_token(
        &self,
        issuer: &Issuer,
        token: &RefreshTokenDigest,
    ) -> Result<Option<LoadedRefreshToken>, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(None) };
        let found = self.read_one(&REFRESH_TOKEN, &[&known.number, &token.as_bytes().as_slice()]).await?;
        let Some(row) = found else { return Ok(None) };
        let (grant, revoked) = self.grant(known.number, &row)?;
        Ok(Some(LoadedRefreshToken {
            grant,
            expires: Timestamp::from_unix(row.try_get(AFTER_GRANT)?),
            spent: row::spent(row.try_get(AFTER_GRANT + 1)?, row.try_get(AFTER_GRANT + 2)?),
            revoked,
        }))
    }

    /// See [`crate::Store::refresh`].
    pub(crate) async fn refresh(
        &self,
        issuer: &Issuer,
        refresh: Refresh,
        now: Timestamp,
    ) -> Result<Redemption, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(Redemption::Unknown) };
        let narrowed = refresh.access_token.narrowed.as_ref().map(ToString::to_string);
        let using = Using { issuer: known.number, refresh: &refresh, now: now.unix(), narrowed };
        let (successor, retry_since) = match &refresh.usage {
            Usage::Reuse { expires } => {
                return if self.reuse(&using, expires.unix()).await? {
                    Ok(Redemption::Spent)
                } else {
                    // No token that stays is ever retried.
                    Ok(self.replayed(&using, i64::MAX).await?.unwrap_or(Redemption::Unknown))
                };
            }
            Usage::Rotate { successor, retry_since } => (successor, retry_since.unix()),
        };
        if self.succeed(&ROTATE, &using, successor, None).await? {
            return Ok(Redemption::Spent);
        }
        let deadline = self.patient_until();
        loop {
            if self.succeed(&RETRY, &using, successor, Some(retry_since)).await? {
                return Ok(Redemption::Spent);
            }
            if let Some(redemption) = self.replayed(&using, retry_since).await? {
                return Ok(redemption);
            }
            // Each round that is lost was somebody else's: it ends. Until then nothing was written here.
            if Instant::now() >= deadline {
                return Err(Broken::Busy);
            }
        }
    }

    /// Rotates or retries, and says whether it did.
    async fn succeed(
        &self,
        statement: &Statement,
        using: &Using<'_>,
        successor: &NewRefreshToken,
        retry_since: Option<i64>,
    ) -> Result<bool, Broken> {
        let Refresh { client_id, presented, access_token, .. } = using.refresh;
        let event = if retry_since.is_some() { Event::RefreshRetried } else { Event::Refreshed };
        let (presented, next) = (presented.as_bytes().as_slice(), successor.digest.as_bytes().as_slice());
        let (client, access) = (client_id.as_str(), access_token.digest.as_bytes().as_slice());
        let (issued, expires) = (successor.issued.unix(), successor.expires.unix());
        let (from, until, event) = (access_token.issued.unix(), access_token.expires.unix(), event.as_str());
        let mut params: Vec<Param<'_>> = vec![
            &using.issuer,
            &presented,
            &client,
            &using.now,
            &next,
            &issued,
            &expires,
            &access,
            &from,
            &until,
            &using.narrowed,
            &event,
        ];
        if let Some(retry_since) = &retry_since {
            params.push(retry_since);
        }
        let probe: [Param<'_>; 2] = [&using.issuer, &next];
        let written = self.write(statement, &params, Probe::Key(&KEPT_REFRESH, &probe)).await?;
        Ok(!matches!(written, Written::Rows(rows) if rows.is_empty()))
    }

    async fn reuse(&self, using: &Using<'_>, expires: i64) -> Result<bool, Broken> {
        let Refresh { client_id, presented, access_token, .. } = using.refresh;
        let access = access_token.digest.as_bytes().as_slice();
        let params: [Param<'_>; 10] = [
            &using.issuer,
            &presented.as_bytes().as_slice(),
            &client_id.as_str(),
            &using.now,
            &expires,
            &access,
            &access_token.issued.unix(),
            &access_token.expires.unix(),
            &using.narrowed,
            &Event::Refreshed.as_str(),
        ];
        let probe: [Param<'_>; 2] = [&using.issuer, &access];
        let written = self.write(&REUSE, &params, Probe::Key(KEPT, &probe)).await?;
        Ok(!matches!(written, Written::Rows(rows) if rows.is_empty()))
    }

    /// What becomes of a token that could not be used; `None` if it can be retried again.
    async fn replayed(&self, using: &Using<'_>, retry_since: i64) -> Result<Option<Redemption>, Broken> {
        let Refresh { client_id, presented, .. } = using.refresh;
        let params: [Param<'_>; 6] = [
            &using.issuer,
            &presented.as_bytes().as_slice(),
            &client_id.as_str(),
            &using.now,
            &Event::RefreshReplayed.as_str(),
            &retry_since,
        ];
        // Revoking what is revoked already changes nothing, so a replay without an answer is told again.
        let Written::Rows(rows) = self.write(&REPLAYED, &params, Probe::Repeat).await? else {
            return Ok(Some(Redemption::Replayed));
        };
        let Some(row) = rows.first() else { return Ok(Some(Redemption::Unknown)) };
        Ok(if row.try_get(0)? { None } else { Some(Redemption::Replayed) })
    }

    /// See [`crate::Store::revoke`].
    pub(crate) async fn revoke(
        &self,
        issuer: &Issuer,
        client_id: &ClientId,
        token: TokenDigests,
        now: Timestamp,
    ) -> Result<Revocation, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(Revocation::Unknown) };
        let params: [Param<'_>; 6] = [
            &known.number,
            &token.access.as_bytes().as_slice(),
            &token.refresh.as_bytes().as_slice(),
            &client_id.as_str(),
            &now.unix(),
            &Event::GrantRevoked.as_str(),
        ];
        // As with a replay: twice is once.
        let Written::Rows(rows) = self.write(&REVOKE, &params, Probe::Repeat).await? else {
            return Ok(Revocation::Done);
        };
        let Some(row) = rows.first() else { return Ok(Revocation::Unknown) };
        Ok(if row.try_get(0)? { Revocation::Done } else { Revocation::NotYours })
    }
}
