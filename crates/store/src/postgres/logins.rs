//! Logins under way. Every write is one statement: a conditional update on issuer, login and browser, and with it what follows from it;
//! what did not change is asked why.

use portvakt_protocol::evidence::Evidence;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::secret::{BrowserDigest, LoginDigest};
use portvakt_protocol::time::Timestamp;
use serde_json::json;
use tokio_postgres::Row;

use super::Postgres;
use super::outcome::{Probe, Written};
use super::pool::Param;
use super::statement::statements;
use crate::Broken;
use crate::audit::Event;
use crate::row;
use crate::verbs::{FoundLogin, Issue, LoginWrite, NewLogin, OpenLogin};

const TABLE: &str = "login";

statements! {
    /// For a client that the issuer has, and no other.
    BEGIN(INT8, BYTEA, BYTEA, TEXT, BYTEA, INT8, INT8) =
        "INSERT INTO login (issuer, digest, browser, client_id, request_sealed, started, expires)
         SELECT $1, $2, $3, client_id, $5, $6, $7 FROM client WHERE issuer = $1 AND client_id = $4
         RETURNING 1";
    BEGUN(INT8, BYTEA, BYTEA) =
        "SELECT 1 FROM login WHERE issuer = $1 AND digest = $2 AND request_sealed = $3";
    FIND(INT8, BYTEA, BYTEA) =
        "SELECT client_id, request_sealed, started, expires, evidence_sealed, finished_at
         FROM login WHERE issuer = $1 AND digest = $2 AND browser = $3";
    IDENTIFY(INT8, BYTEA, BYTEA, BYTEA, BYTEA, INT8, TEXT, BYTEA, TEXT) =
        "WITH identified AS (
            UPDATE login SET evidence_sealed = $4, evidence_tag = $5
            WHERE issuer = $1 AND digest = $2 AND browser = $3 AND finished_at IS NULL AND expires > $6
            RETURNING client_id
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, detail)
            SELECT $6, $1, $7, client_id, $8, $9 FROM identified
         )
         SELECT client_id FROM identified";
    IDENTIFIED(INT8, BYTEA, BYTEA) =
        "SELECT 1 FROM login WHERE issuer = $1 AND digest = $2 AND evidence_sealed = $3";
    FINISH(INT8, BYTEA, BYTEA, INT8, BYTEA, TEXT,
           BYTEA, BYTEA, BYTEA, TEXT, TEXT, TEXT, INT8, INT8, TEXT, TEXT,
           BYTEA, TEXT, TEXT, INT8, TEXT, INT8, TEXT, BOOL) =
        "WITH finished AS (
            UPDATE login SET finished_at = $4
            WHERE issuer = $1 AND digest = $2 AND browser = $3 AND client_id = $6
              AND finished_at IS NULL AND expires > $4 AND evidence_tag = $5
            RETURNING client_id
         ), given AS (
            INSERT INTO login_grant
                (name, issuer, client_id, person, pid_sealed, scopes, method, assurance, auth_time, expires, nonce, locale,
                 issued, onbehalfof, pseudonymous)
            SELECT $7, $1, client_id, $8, $9, $10, $11, $12, $13, $14, $15, $16, $22, $23, $24 FROM finished
         ), issued AS (
            INSERT INTO code (issuer, digest, login_grant, client_id, redirect_uri, challenge, expires)
            SELECT $1, $17, $7, client_id, $18, $19, $20 FROM finished
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
            SELECT $4, $1, $21, client_id, $8, $7 FROM finished
         )
         SELECT client_id FROM finished";
    FINISHED(BYTEA) = "SELECT 1 FROM login_grant WHERE name = $1";
    REFUSE(INT8, BYTEA, BYTEA, INT8, TEXT, TEXT, BYTEA) =
        "WITH refused AS (
            UPDATE login SET finished_at = $4
            WHERE issuer = $1 AND digest = $2 AND browser = $3 AND finished_at IS NULL AND expires > $4
            RETURNING client_id
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, detail) SELECT $4, $1, $5, client_id, $6 FROM refused
         ), marked AS (
            INSERT INTO written (mark, at) SELECT $7, $4 FROM refused
         )
         SELECT client_id FROM refused";
    END(INT8, BYTEA_ARRAY, INT8, TEXT, BYTEA) =
        "WITH ended AS (
            UPDATE login SET finished_at = $3
            WHERE issuer = $1 AND browser = ANY($2) AND finished_at IS NULL AND expires > $3
            RETURNING client_id
         ), counted AS (
            SELECT count(*) AS logins FROM ended
         ), record AS (
            INSERT INTO audit (at, issuer, event, detail)
            SELECT $3, $1, $4, '{\"logins\":' || CAST(logins AS TEXT) || '}' FROM counted WHERE logins > 0
         ), marked AS (
            INSERT INTO written (mark, at) SELECT $5, $3 FROM counted WHERE logins > 0
         )
         SELECT logins FROM counted";
    /// How many a write of `END` has ended whose answer did not come: its record says so.
    ENDED(INT8, BYTEA_ARRAY, INT8) =
        "SELECT count(*) FROM login WHERE issuer = $1 AND browser = ANY($2) AND finished_at = $3";
    WHY_NOT(INT8, BYTEA, BYTEA, BYTEA) =
        "SELECT finished_at IS NOT NULL, evidence_tag IS NOT NULL AND evidence_tag <> $4
         FROM login WHERE issuer = $1 AND digest = $2 AND browser = $3";
}

/// Which login, for a write: nothing is found unless all three are right.
#[derive(Clone, Copy)]
struct Key {
    issuer: i64,
    login: LoginDigest,
    browser: BrowserDigest,
}

impl Postgres {
    /// See [`crate::Store::begin_login`].
    pub(crate) async fn begin_login(&self, issuer: &Issuer, login: NewLogin) -> Result<(), Broken> {
        let number = self.number(issuer).await?;
        let sealed = self.vault().seal_request(number, login.login, &login.request);
        let digest = login.login.as_bytes().as_slice();
        let (browser, client) = (login.browser.as_bytes().as_slice(), login.client_id.as_str());
        let (started, expires) = (login.started.unix(), login.expires.unix());
        let params: [Param<'_>; 7] = [&number, &digest, &browser, &client, &sealed, &started, &expires];
        let probe: [Param<'_>; 3] = [&number, &digest, &sealed];
        match self.write(&BEGIN, &params, Probe::Key(&BEGUN, &probe)).await? {
            Written::Rows(rows) if rows.is_empty() => {
                Err(Broken::Engine("a login of a client that the issuer does not have".to_owned()))
            }
            Written::Rows(_) | Written::Probed => Ok(()),
        }
    }

    /// See [`crate::Store::login`].
    pub(crate) async fn login(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        now: Timestamp,
    ) -> Result<FoundLogin, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(FoundLogin::Unknown) };
        let digests = (login.as_bytes().as_slice(), browser.as_bytes().as_slice());
        let found = self.read_one(&FIND, &[&known.number, &digests.0, &digests.1]).await?;
        let Some(row) = found else { return Ok(FoundLogin::Unknown) };
        let client_id = row::client_id(TABLE, row.try_get(0)?)?;
        if row.try_get::<_, Option<i64>>(5)?.is_some() {
            return Ok(FoundLogin::Finished(client_id));
        }
        if Timestamp::from_unix(row.try_get(3)?) <= now {
            return Ok(FoundLogin::Expired(client_id));
        }
        let evidence: Option<&[u8]> = row.try_get(4)?;
        Ok(FoundLogin::Open(Box::new(OpenLogin {
            client_id,
            request: self.vault().open_request(known.number, login, row.try_get(1)?)?,
            started: Timestamp::from_unix(row.try_get(2)?),
            evidence: evidence
                .map(|sealed| self.vault().open_evidence(known.number, login, sealed))
                .transpose()?,
        })))
    }

    /// See [`crate::Store::record_evidence`].
    pub(crate) async fn record_evidence(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        evidence: Evidence,
        now: Timestamp,
    ) -> Result<LoginWrite, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(LoginWrite::Unknown) };
        let key = Key { issuer: known.number, login, browser };
        let sealed = self.vault().seal_evidence(key.issuer, login, &evidence)?;
        let tag = self.vault().evidence_tag(&evidence);
        let person = self.vault().handle(&evidence.pid);
        let detail = json!({ "method": evidence.method.as_str(), "assurance": row::assurance_word(evidence.assurance) });
        let (digest, browser) = (login.as_bytes().as_slice(), browser.as_bytes().as_slice());
        let params: [Param<'_>; 9] = [
            &key.issuer,
            &digest,
            &browser,
            &sealed,
            &tag.as_slice(),
            &now.unix(),
            &Event::Login.as_str(),
            &person.as_bytes().as_slice(),
            &detail.to_string(),
        ];
        let probe: [Param<'_>; 3] = [&key.issuer, &digest, &sealed];
        let written = self.write(&IDENTIFY, &params, Probe::Key(&IDENTIFIED, &probe)).await?;
        self.done_or_why_not(written, key, None).await
    }

    /// See [`crate::Store::finish_login`].
    pub(crate) async fn finish_login(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        issue: Issue,
        now: Timestamp,
    ) -> Result<LoginWrite, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(LoginWrite::Unknown) };
        let key = Key { issuer: known.number, login, browser };
        let Issue { code, grant } = issue;
        let tag = self.vault().grant_tag(&grant);
        let pid_sealed = self.vault().seal_grant_pid(key.issuer, grant.id, &grant.pid);
        let person = self.vault().handle(&grant.pid);
        let name = grant.id.0.as_slice();
        let params: [Param<'_>; 24] = [
            &key.issuer,
            &login.as_bytes().as_slice(),
            &browser.as_bytes().as_slice(),
            &now.unix(),
            &tag.as_slice(),
            &grant.client_id.as_str(),
            &name,
            &person.as_bytes().as_slice(),
            &pid_sealed,
            &grant.scopes.to_string(),
            &grant.method.as_str(),
            &row::assurance_word(grant.assurance),
            &grant.auth_time.unix(),
            &grant.expires.unix(),
            &grant.echo.nonce,
            &grant.echo.locale,
            &code.digest.as_bytes().as_slice(),
            &code.redirect_uri,
            &code.challenge.as_ref().map(|challenge| challenge.as_str()),
            &code.expires.unix(),
            &Event::CodeIssued.as_str(),
            &grant.issued.unix(),
            &grant.echo.onbehalfof,
            &grant.pseudonymous,
        ];
        let written = self.write(&FINISH, &params, Probe::Key(&FINISHED, &[&name])).await?;
        self.done_or_why_not(written, key, Some(&tag)).await
    }

    /// See [`crate::Store::refuse_login`].
    pub(crate) async fn refuse_login(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        reason: &'static str,
        now: Timestamp,
    ) -> Result<LoginWrite, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(LoginWrite::Unknown) };
        let key = Key { issuer: known.number, login, browser };
        let mark = self.new_mark();
        let params: [Param<'_>; 7] = [
            &key.issuer,
            &login.as_bytes().as_slice(),
            &browser.as_bytes().as_slice(),
            &now.unix(),
            &Event::LoginRefused.as_str(),
            &json!({ "reason": reason }).to_string(),
            &mark.as_slice(),
        ];
        let written = self.write(&REFUSE, &params, Probe::Mark(&mark)).await?;
        self.done_or_why_not(written, key, None).await
    }

    /// See [`crate::Store::end_logins`].
    pub(crate) async fn end_logins(
        &self,
        issuer: &Issuer,
        browsers: &[BrowserDigest],
        now: Timestamp,
    ) -> Result<u64, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(0) };
        let browsers: Vec<&[u8]> = browsers.iter().map(|browser| browser.as_bytes().as_slice()).collect();
        let mark = self.new_mark();
        let event = Event::LoginsEnded.as_str();
        let params: [Param<'_>; 5] = [&known.number, &browsers, &now.unix(), &event, &mark.as_slice()];
        let counted = match self.write(&END, &params, Probe::Mark(&mark)).await? {
            Written::Rows(rows) => rows.into_iter().next(),
            Written::Probed => self.read_one(&ENDED, &[&known.number, &browsers, &now.unix()]).await?,
        };
        let logins: i64 = counted.map_or(Ok(0), |row: Row| row.try_get(0))?;
        Ok(logins.unsigned_abs())
    }

    /// What a write to a login answers: done, or why it found nothing to change. `tag` is of the evidence that the row had to hold.
    async fn done_or_why_not(
        &self,
        written: Written,
        key: Key,
        tag: Option<&[u8; 32]>,
    ) -> Result<LoginWrite, Broken> {
        match written {
            Written::Probed => return Ok(LoginWrite::Done),
            Written::Rows(rows) if !rows.is_empty() => return Ok(LoginWrite::Done),
            Written::Rows(_) => {}
        }
        let params: [Param<'_>; 4] = [
            &key.issuer,
            &key.login.as_bytes().as_slice(),
            &key.browser.as_bytes().as_slice(),
            &tag.map(<[u8; 32]>::as_slice),
        ];
        let Some(row) = self.read_one(&WHY_NOT, &params).await? else { return Ok(LoginWrite::Unknown) };
        Ok(match (row.try_get(0)?, row.try_get::<_, Option<bool>>(1)?) {
            (true, _) => LoginWrite::Finished,
            (false, Some(true)) => LoginWrite::Superseded,
            (false, Some(false) | None) => LoginWrite::Unknown,
        })
    }
}
