//! Grants, and the codes and access tokens under them; refresh tokens are in `families`. Spending a code is the hot write, an access token the hot read.

use portvakt_protocol::evidence::Method;
use portvakt_protocol::grant::{Echo, Grant, GrantId, LoadedAccessToken, LoadedCode, NewCode};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::pkce::CodeChallenge;
use portvakt_protocol::secret::{AccessTokenDigest, CodeDigest};
use portvakt_protocol::time::Timestamp;
use tokio_postgres::Row;

use super::Postgres;
use super::outcome::{Probe, Written};
use super::pool::Param;
use super::statement::{Statement, statements};
use crate::Broken;
use crate::audit::Event;
use crate::contract::Redemption;
use crate::grant_columns::{AFTER_GRANT, TAKEN_BACK, grant_columns, taken_back};
use crate::row;
use crate::verbs::CodeSpending;

const TABLE: &str = "login_grant";

statements! {
    CODE(INT8, BYTEA) = concat!(
        "SELECT ", grant_columns!("g"), ", c.redirect_uri, c.challenge, c.expires, c.spent_at
         FROM code c JOIN login_grant g ON g.name = c.login_grant WHERE c.issuer = $1 AND c.digest = $2"
    );
    TOKEN(INT8, BYTEA) = concat!(
        "SELECT ", grant_columns!("g"), ", t.issued, t.expires, t.narrowed
         FROM access_token t JOIN login_grant g ON g.name = t.login_grant WHERE t.issuer = $1 AND t.digest = $2"
    );
    /// One conditional update decides; the tokens and the record follow from what it found.
    SPEND(INT8, BYTEA, TEXT, INT8, BYTEA, INT8, TEXT, INT8, TEXT, BYTEA, INT8, INT8) = concat!(
        "WITH spent AS (
            UPDATE code SET spent_at = $4 FROM login_grant g
            WHERE code.issuer = $1 AND code.digest = $2 AND code.client_id = $3 AND code.spent_at IS NULL AND code.expires > $4
              AND g.name = code.login_grant AND g.expires > $4 AND NOT ", taken_back!("g"), "
            RETURNING g.name, g.client_id, g.person, g.expires AS ends
         ), token AS (
            INSERT INTO access_token (issuer, digest, login_grant, issued, expires, narrowed, kept_until)
            SELECT $1, $5, name, $8, $6, $9, CASE WHEN CAST($10 AS BYTEA) IS NOT NULL THEN ends END FROM spent
         ), first AS (
            INSERT INTO refresh_token (issuer, digest, login_grant, client_id, generation, access_token, issued, expires)
            SELECT $1, $10, name, client_id, 1, $5, $11, $12 FROM spent WHERE CAST($10 AS BYTEA) IS NOT NULL
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $4, $1, $7, client_id, person, name FROM spent
         )
         SELECT 1 FROM spent"
    );
    /// Whether an access token is there: a verb that stores one was done.
    SPENT(INT8, BYTEA) = "SELECT 1 FROM access_token WHERE issuer = $1 AND digest = $2";
    /// A code that its own client had spent before takes its grant with it (RFC 6749 §4.1.2).
    REPLAY(INT8, BYTEA, TEXT, INT8, TEXT) =
        "WITH replayed AS (
            SELECT login_grant FROM code WHERE issuer = $1 AND digest = $2 AND client_id = $3 AND spent_at IS NOT NULL
         ), revoked AS (
            UPDATE login_grant SET revoked_at = $4
            WHERE name = (SELECT login_grant FROM replayed) AND revoked_at IS NULL
            RETURNING name, client_id, person
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $4, $1, $5, client_id, person, name FROM revoked
         )
         SELECT 1 FROM replayed";
}

/// Finds an access token that only one write can have stored.
pub(super) const KEPT: &Statement = &SPENT;

impl Postgres {
    /// See [`crate::Store::code`].
    pub(crate) async fn code(
        &self,
        issuer: &Issuer,
        code: &CodeDigest,
    ) -> Result<Option<LoadedCode>, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(None) };
        let found = self.read_one(&CODE, &[&known.number, &code.as_bytes().as_slice()]).await?;
        let Some(row) = found else { return Ok(None) };
        let (grant, revoked) = self.grant(known.number, &row)?;
        let challenge: Option<&str> = row.try_get(AFTER_GRANT + 1)?;
        let challenge = challenge
            .map(|text| CodeChallenge::parse(text).ok_or_else(|| row::unreadable("code", "challenge")))
            .transpose()?;
        let stored = NewCode {
            digest: *code,
            redirect_uri: row.try_get(AFTER_GRANT)?,
            challenge,
            expires: Timestamp::from_unix(row.try_get(AFTER_GRANT + 2)?),
        };
        let spent = row.try_get::<_, Option<i64>>(AFTER_GRANT + 3)?.is_some();
        Ok(Some(LoadedCode { code: stored, grant, spent, revoked }))
    }

    /// See [`crate::Store::spend_code`].
    pub(crate) async fn spend_code(
        &self,
        issuer: &Issuer,
        spending: CodeSpending,
        now: Timestamp,
    ) -> Result<Redemption, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(Redemption::Unknown) };
        let (number, now) = (known.number, now.unix());
        let (code, client) = (spending.code.as_bytes().as_slice(), spending.client_id.as_str());
        let token = spending.access_token.digest.as_bytes().as_slice();
        let narrowed = spending.access_token.narrowed.as_ref().map(ToString::to_string);
        let first = spending.refresh_token.as_ref();
        let params: [Param<'_>; 12] = [
            &number,
            &code,
            &client,
            &now,
            &token,
            &spending.access_token.expires.unix(),
            &Event::CodeRedeemed.as_str(),
            &spending.access_token.issued.unix(),
            &narrowed,
            &first.map(|first| first.digest.as_bytes().as_slice()),
            &first.map(|first| first.issued.unix()),
            &first.map(|first| first.expires.unix()),
        ];
        let probe: [Param<'_>; 2] = [&number, &token];
        match self.write(&SPEND, &params, Probe::Key(&SPENT, &probe)).await? {
            Written::Probed => return Ok(Redemption::Spent),
            Written::Rows(rows) if !rows.is_empty() => return Ok(Redemption::Spent),
            Written::Rows(_) => {}
        }
        let event = Event::CodeReplayed.as_str();
        // Revoking what is revoked already changes nothing, so a replay without an answer is told again.
        let replay: [Param<'_>; 5] = [&number, &code, &client, &now, &event];
        match self.write(&REPLAY, &replay, Probe::Repeat).await? {
            Written::Rows(rows) if rows.is_empty() => Ok(Redemption::Unknown),
            Written::Rows(_) | Written::Probed => Ok(Redemption::Replayed),
        }
    }

    /// See [`crate::Store::access_token`].
    pub(crate) async fn access_token(
        &self,
        issuer: &Issuer,
        token: &AccessTokenDigest,
    ) -> Result<Option<LoadedAccessToken>, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(None) };
        let found = self.read_one(&TOKEN, &[&known.number, &token.as_bytes().as_slice()]).await?;
        let Some(row) = found else { return Ok(None) };
        let (grant, revoked) = self.grant(known.number, &row)?;
        Ok(Some(LoadedAccessToken {
            issued: Timestamp::from_unix(row.try_get(AFTER_GRANT)?),
            expires: Timestamp::from_unix(row.try_get(AFTER_GRANT + 1)?),
            scopes: row::token_scopes(row.try_get(AFTER_GRANT + 2)?, &grant)?,
            grant,
            revoked,
        }))
    }

    /// Reads [`grant_columns`]: the grant, and whether it was taken back.
    pub(super) fn grant(&self, issuer: i64, row: &Row) -> Result<(Grant, bool), Broken> {
        let unreadable = |what| row::unreadable(TABLE, what);
        let name: &[u8] = row.try_get(0)?;
        let id = GrantId(name.try_into().map_err(|_| unreadable("name"))?);
        let grant = Grant {
            id,
            client_id: row::client_id(TABLE, row.try_get(1)?)?,
            pid: self.vault().open_grant_pid(issuer, id, row.try_get(2)?)?,
            scopes: row::scopes(TABLE, row.try_get(3)?)?,
            method: Method::named(row.try_get(4)?).ok_or_else(|| unreadable("method"))?,
            assurance: row::assurance(TABLE, row.try_get(5)?)?,
            auth_time: Timestamp::from_unix(row.try_get(6)?),
            issued: Timestamp::from_unix(row.try_get(7)?),
            expires: Timestamp::from_unix(row.try_get(8)?),
            echo: Echo { nonce: row.try_get(9)?, locale: row.try_get(10)?, onbehalfof: row.try_get(11)? },
            pseudonymous: row.try_get(12)?,
        };
        Ok((grant, row.try_get(TAKEN_BACK)?))
    }
}
