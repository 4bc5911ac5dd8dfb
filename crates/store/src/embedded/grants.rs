//! Grants, and the codes and access tokens under them; refresh tokens are in `families`. Spending a code is the hot write, an access
//! token the hot read: both are a few prepared statements and no text is made.

use portvakt_protocol::evidence::Method;
use portvakt_protocol::grant::{
    Echo, Grant, GrantId, LoadedAccessToken, LoadedCode, NewAccessToken, NewCode,
};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::person::PersonHandle;
use portvakt_protocol::pkce::CodeChallenge;
use portvakt_protocol::secret::{AccessTokenDigest, CodeDigest};
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Embedded, audit, families};
use crate::Broken;
use crate::audit::{Event, Record};
use crate::contract::Redemption;
use crate::grant_columns::{AFTER_GRANT, TAKEN_BACK, grant_columns, taken_back};
use crate::row;
use crate::verbs::{CodeSpending, Issue};

const TABLE: &str = "login_grant";

/// A grant and its code on the way to their rows: sealed already.
#[derive(Debug)]
pub(super) struct Issuance {
    issuer: i64,
    issue: Issue,
    person: PersonHandle,
    pid_sealed: Vec<u8>,
}

impl Embedded {
    /// See [`crate::Store::code`].
    pub(crate) async fn code(
        &self,
        issuer: &Issuer,
        code: &CodeDigest,
    ) -> Result<Option<LoadedCode>, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(None) };
        self.read(|db| {
            let mut select = db.prepare_cached(concat!(
                "SELECT ",
                grant_columns!("g"),
                ", c.redirect_uri, c.challenge, c.expires, c.spent_at
                 FROM code c JOIN login_grant g ON g.id = c.grant_id WHERE c.issuer = ?1 AND c.digest = ?2"
            ))?;
            let mut rows = select.query(params![known.number, code.as_bytes()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (grant, revoked) = self.grant(known.number, row)?;
            let challenge: Option<String> = row.get(AFTER_GRANT + 1)?;
            let challenge = challenge
                .map(|text| CodeChallenge::parse(&text).ok_or_else(|| row::unreadable("code", "challenge")))
                .transpose()?;
            let stored = NewCode {
                digest: *code,
                redirect_uri: row.get(AFTER_GRANT)?,
                challenge,
                expires: Timestamp::from_unix(row.get(AFTER_GRANT + 2)?),
            };
            let spent = row.get::<_, Option<i64>>(AFTER_GRANT + 3)?.is_some();
            Ok(Some(LoadedCode { code: stored, grant, spent, revoked }))
        })
    }

    /// See [`crate::Store::spend_code`].
    pub(crate) async fn spend_code(
        &self,
        issuer: &Issuer,
        spending: CodeSpending,
        now: Timestamp,
    ) -> Result<Redemption, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(Redemption::Unknown) };
        self.write(move |db| spend(db, known.number, &spending, now)).await
    }

    /// See [`crate::Store::access_token`].
    pub(crate) async fn access_token(
        &self,
        issuer: &Issuer,
        token: &AccessTokenDigest,
    ) -> Result<Option<LoadedAccessToken>, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(None) };
        self.read(|db| {
            let mut select = db.prepare_cached(concat!(
                "SELECT ",
                grant_columns!("g"),
                ", t.issued, t.expires, t.narrowed
                 FROM access_token t JOIN login_grant g ON g.id = t.grant_id WHERE t.issuer = ?1 AND t.digest = ?2"
            ))?;
            let mut rows = select.query(params![known.number, token.as_bytes()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (grant, revoked) = self.grant(known.number, row)?;
            let narrowed = row.get_ref(AFTER_GRANT + 2)?.as_str_or_null();
            let narrowed = narrowed.map_err(|_| row::unreadable("access_token", "narrowed"))?;
            Ok(Some(LoadedAccessToken {
                issued: Timestamp::from_unix(row.get(AFTER_GRANT)?),
                expires: Timestamp::from_unix(row.get(AFTER_GRANT + 1)?),
                scopes: row::token_scopes(narrowed, &grant)?,
                grant,
                revoked,
            }))
        })
    }

    /// Reads [`grant_columns`]: the grant, and whether it was taken back.
    pub(super) fn grant(&self, issuer: i64, row: &Row<'_>) -> Result<(Grant, bool), Broken> {
        let unreadable = |what| row::unreadable(TABLE, what);
        let id = GrantId(row.get(0)?);
        let sealed = row.get_ref(2)?.as_blob().map_err(|_| unreadable("pid_sealed"))?;
        let text = |at: usize, what| row.get_ref(at)?.as_str().map_err(|_| unreadable(what));
        let grant = Grant {
            id,
            client_id: row::client_id(TABLE, text(1, "client_id")?)?,
            pid: self.vault().open_grant_pid(issuer, id, sealed)?,
            scopes: row::scopes(TABLE, text(3, "scopes")?)?,
            method: Method::named(text(4, "method")?).ok_or_else(|| unreadable("method"))?,
            assurance: row::assurance(TABLE, text(5, "assurance")?)?,
            auth_time: Timestamp::from_unix(row.get(6)?),
            issued: Timestamp::from_unix(row.get(7)?),
            expires: Timestamp::from_unix(row.get(8)?),
            echo: Echo { nonce: row.get(9)?, locale: row.get(10)?, onbehalfof: row.get(11)? },
            pseudonymous: row.get(12)?,
        };
        Ok((grant, row.get(TAKEN_BACK)?))
    }

    /// Seals what a finished login gives.
    pub(super) fn issuance(&self, issuer: i64, issue: Issue) -> Issuance {
        let pid = &issue.grant.pid;
        let pid_sealed = self.vault().seal_grant_pid(issuer, issue.grant.id, pid);
        Issuance { issuer, person: self.vault().handle(pid), pid_sealed, issue }
    }
}

impl Issuance {
    pub(super) fn client_id(&self) -> &str {
        self.issue.grant.client_id.as_str()
    }

    /// Stores the grant and its code, and records it.
    pub(super) fn write(&self, db: &Connection, now: Timestamp) -> Result<(), Broken> {
        let Issue { code, grant } = &self.issue;
        let mut insert = db.prepare_cached(
            "INSERT INTO login_grant
                (name, issuer, client_id, person, pid_sealed, scopes, method, assurance, auth_time, issued, expires, nonce, locale,
                 onbehalfof, pseudonymous)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        let grant_id = insert.insert(params![
            grant.id.0,
            self.issuer,
            grant.client_id.as_str(),
            self.person.as_bytes(),
            self.pid_sealed,
            grant.scopes.to_string(),
            grant.method.as_str(),
            row::assurance_word(grant.assurance),
            grant.auth_time.unix(),
            grant.issued.unix(),
            grant.expires.unix(),
            grant.echo.nonce,
            grant.echo.locale,
            grant.echo.onbehalfof,
            grant.pseudonymous,
        ])?;
        let mut insert = db.prepare_cached(
            "INSERT INTO code (issuer, digest, grant_id, client_id, redirect_uri, challenge, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        insert.execute(params![
            self.issuer,
            code.digest.as_bytes(),
            grant_id,
            grant.client_id.as_str(),
            code.redirect_uri,
            code.challenge.as_ref().map(CodeChallenge::as_str),
            code.expires.unix(),
        ])?;
        let record = Record::at(now, Event::CodeIssued).issuer(self.issuer).client(grant.client_id.as_str());
        record.person(self.person).grant(grant.id).write(db)
    }
}

/// The one conditional write decides; the rest follows from what it found.
fn spend(
    db: &Connection,
    issuer: i64,
    spending: &CodeSpending,
    now: Timestamp,
) -> Result<Redemption, Broken> {
    let sql = concat!(
        "UPDATE code SET spent_at = ?4
         WHERE issuer = ?1 AND digest = ?2 AND client_id = ?3 AND spent_at IS NULL AND expires > ?4
           AND EXISTS (SELECT 1 FROM login_grant g WHERE g.id = code.grant_id AND g.expires > ?4 AND NOT ",
        taken_back!("g"),
        ")
         RETURNING grant_id"
    );
    #[cfg(feature = "danger-faults")]
    let sql = crate::planted::bent(sql);
    let mut update = db.prepare_cached(sql)?;
    let found = update.query_row(
        params![issuer, spending.code.as_bytes(), spending.client_id.as_str(), now.unix()],
        |row| row.get::<_, i64>(0),
    );
    let Some(grant_id) = found.optional()? else { return replayed(db, issuer, spending, now) };
    keep(db, (issuer, grant_id), &spending.access_token, spending.refresh_token.is_some())?;
    if let Some(first) = &spending.refresh_token {
        let family = families::Family { issuer, grant_id, client_id: &spending.client_id };
        family.keep(db, 1, first, &spending.access_token)?;
    }
    audit::write_of_grant(db, now, Event::CodeRedeemed, grant_id)?;
    Ok(Redemption::Spent)
}

/// Stores an access token. One that came with a refresh token is kept as long as its grant, so that whoever revokes it finds that.
pub(super) fn keep(
    db: &Connection,
    (issuer, grant_id): (i64, i64),
    token: &NewAccessToken,
    with_refresh_token: bool,
) -> Result<(), Broken> {
    let mut insert = db.prepare_cached(
        "INSERT INTO access_token (issuer, digest, grant_id, issued, expires, narrowed, kept_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?7 THEN (SELECT expires FROM login_grant WHERE id = ?3) END)",
    )?;
    insert.execute(params![
        issuer,
        token.digest.as_bytes(),
        grant_id,
        token.issued.unix(),
        token.expires.unix(),
        token.narrowed.as_ref().map(ToString::to_string),
        with_refresh_token,
    ])?;
    Ok(())
}

/// A code that its own client had spent before takes its grant with it (RFC 6749 §4.1.2). A code that was never spent, or is
/// another client's, changes nothing.
fn replayed(
    db: &Connection,
    issuer: i64,
    spending: &CodeSpending,
    now: Timestamp,
) -> Result<Redemption, Broken> {
    let mut select = db.prepare_cached(
        "SELECT grant_id FROM code WHERE issuer = ?1 AND digest = ?2 AND client_id = ?3 AND spent_at IS NOT NULL",
    )?;
    let found = select
        .query_row(params![issuer, spending.code.as_bytes(), spending.client_id.as_str()], |row| {
            row.get::<_, i64>(0)
        });
    let Some(grant_id) = found.optional()? else { return Ok(Redemption::Unknown) };
    let sql = "UPDATE login_grant SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    #[cfg(feature = "danger-faults")]
    let sql = crate::planted::bent(sql);
    let mut revoke = db.prepare_cached(sql)?;
    if revoke.execute(params![grant_id, now.unix()])? > 0 {
        audit::write_of_grant(db, now, Event::CodeReplayed, grant_id)?;
    }
    Ok(Redemption::Replayed)
}
