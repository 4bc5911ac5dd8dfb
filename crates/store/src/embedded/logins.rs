//! Logins under way. Every write is one conditional update on issuer, login and browser; what did not change is asked why.

use portvakt_protocol::evidence::Evidence;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::secret::{BrowserDigest, LoginDigest};
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::Embedded;
use crate::Broken;
use crate::audit::{Event, Record};
use crate::row;
use crate::sealed::tells_of;
use crate::verbs::{FoundLogin, Issue, LoginWrite, NewLogin, OpenLogin};

const TABLE: &str = "login";

/// Which login, for a write: nothing is found unless all three are right.
#[derive(Clone, Copy)]
struct Key {
    issuer: i64,
    login: LoginDigest,
    browser: BrowserDigest,
}

impl Embedded {
    /// See [`crate::Store::begin_login`].
    pub(crate) async fn begin_login(&self, issuer: &Issuer, login: NewLogin) -> Result<(), Broken> {
        let number = self.number(issuer).await?;
        let sealed = self.vault().seal_request(number, login.login, &login.request);
        self.write(move |db| {
            let mut insert = db.prepare_cached(
                "INSERT INTO login (issuer, digest, browser, client_id, request_sealed, started, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            insert.execute(params![
                number,
                login.login.as_bytes(),
                login.browser.as_bytes(),
                login.client_id.as_str(),
                sealed,
                login.started.unix(),
                login.expires.unix(),
            ])?;
            Ok(())
        })
        .await
    }

    /// See [`crate::Store::login`].
    pub(crate) async fn login(
        &self,
        issuer: &Issuer,
        login: LoginDigest,
        browser: BrowserDigest,
        now: Timestamp,
    ) -> Result<FoundLogin, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(FoundLogin::Unknown) };
        let key = Key { issuer: known.number, login, browser };
        self.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT client_id, request_sealed, started, expires, evidence_sealed, finished_at
                 FROM login WHERE issuer = ?1 AND digest = ?2 AND browser = ?3",
            )?;
            let mut rows = select.query(params![key.issuer, login.as_bytes(), browser.as_bytes()])?;
            let Some(row) = rows.next()? else { return Ok(FoundLogin::Unknown) };
            let client_id = row::client_id(TABLE, &row.get::<_, String>(0)?)?;
            if row.get::<_, Option<i64>>(5)?.is_some() {
                return Ok(FoundLogin::Finished(client_id));
            }
            if Timestamp::from_unix(row.get(3)?) <= now {
                return Ok(FoundLogin::Expired(client_id));
            }
            let request = self.vault().open_request(key.issuer, login, &row.get::<_, Vec<u8>>(1)?)?;
            let evidence: Option<Vec<u8>> = row.get(4)?;
            Ok(FoundLogin::Open(Box::new(OpenLogin {
                client_id,
                request,
                started: Timestamp::from_unix(row.get(2)?),
                evidence: evidence
                    .map(|sealed| self.vault().open_evidence(key.issuer, login, &sealed))
                    .transpose()?,
            })))
        })
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
        let Some(known) = self.known(issuer) else { return Ok(LoginWrite::Unknown) };
        let key = Key { issuer: known.number, login, browser };
        let sealed = self.vault().seal_evidence(key.issuer, login, &evidence)?;
        let person = self.vault().handle(&evidence.pid);
        self.write(move |db| {
            let mut update = db.prepare_cached(
                "UPDATE login SET evidence_sealed = ?4
                 WHERE issuer = ?1 AND digest = ?2 AND browser = ?3 AND finished_at IS NULL AND expires > ?5
                 RETURNING client_id",
            )?;
            let client = update.query_row(
                params![key.issuer, login.as_bytes(), browser.as_bytes(), sealed, now.unix()],
                |row| row.get::<_, String>(0),
            );
            let Some(client) = client.optional()? else { return why_not(db, key, None) };
            let detail =
                json!({ "method": evidence.method.as_str(), "assurance": row::assurance_word(evidence.assurance) });
            let record = Record::at(now, Event::Login).issuer(key.issuer).client(&client).person(person);
            record.detail(detail).write(db)?;
            Ok(LoginWrite::Done)
        })
        .await
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
        let Some(known) = self.known(issuer) else { return Ok(LoginWrite::Unknown) };
        let key = Key { issuer: known.number, login, browser };
        // The grant must tell of the evidence that the row holds when it is finished, to the letter of its sealing.
        let Some(sealed) = self.evidence_of(key)? else { return self.read(|db| why_not(db, key, None)) };
        if !tells_of(&issue.grant, &self.vault().open_evidence(key.issuer, login, &sealed)?) {
            return self.read(|db| why_not(db, key, Some(&[])));
        }
        let issuance = self.issuance(key.issuer, issue);
        self.write(move |db| {
            let mut update = db.prepare_cached(
                "UPDATE login SET finished_at = ?5
                 WHERE issuer = ?1 AND digest = ?2 AND browser = ?3 AND client_id = ?4
                   AND finished_at IS NULL AND expires > ?5 AND evidence_sealed = ?6",
            )?;
            let client = issuance.client_id();
            let found = update.execute(params![
                key.issuer,
                login.as_bytes(),
                browser.as_bytes(),
                client,
                now.unix(),
                sealed
            ])?;
            if found == 0 {
                return why_not(db, key, Some(&sealed));
            }
            issuance.write(db, now)?;
            Ok(LoginWrite::Done)
        })
        .await
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
        let Some(known) = self.known(issuer) else { return Ok(LoginWrite::Unknown) };
        let key = Key { issuer: known.number, login, browser };
        self.write(move |db| {
            let mut update = db.prepare_cached(
                "UPDATE login SET finished_at = ?4
                 WHERE issuer = ?1 AND digest = ?2 AND browser = ?3 AND finished_at IS NULL AND expires > ?4
                 RETURNING client_id",
            )?;
            let client = update
                .query_row(params![key.issuer, login.as_bytes(), browser.as_bytes(), now.unix()], |row| {
                    row.get::<_, String>(0)
                })
                .optional()?;
            let Some(client) = client else { return why_not(db, key, None) };
            let record = Record::at(now, Event::LoginRefused).issuer(key.issuer).client(&client);
            record.detail(json!({ "reason": reason })).write(db)?;
            Ok(LoginWrite::Done)
        })
        .await
    }

    /// See [`crate::Store::end_logins`].
    pub(crate) async fn end_logins(
        &self,
        issuer: &Issuer,
        browsers: &[BrowserDigest],
        now: Timestamp,
    ) -> Result<u64, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(0) };
        // Anybody may ask, as often as they like: whoever has nothing to end takes no turn of the writer's.
        let open = self.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM login
                 WHERE issuer = ?1 AND browser = ?2 AND finished_at IS NULL AND expires > ?3)",
            )?;
            let mut open = Vec::new();
            for browser in browsers {
                let key = params![known.number, browser.as_bytes(), now.unix()];
                if select.query_row(key, |row| row.get::<_, bool>(0))? {
                    open.push(*browser);
                }
            }
            Ok(open)
        })?;
        if open.is_empty() {
            return Ok(0);
        }
        self.write(move |db| {
            let mut update = db.prepare_cached(
                "UPDATE login SET finished_at = ?3
                 WHERE issuer = ?1 AND browser = ?2 AND finished_at IS NULL AND expires > ?3",
            )?;
            let mut ended = 0;
            for browser in &open {
                ended += update.execute(params![known.number, browser.as_bytes(), now.unix()])?;
            }
            if ended > 0 {
                let record = Record::at(now, Event::LoginsEnded).issuer(known.number);
                record.detail(json!({ "logins": ended })).write(db)?;
            }
            Ok(ended as u64)
        })
        .await
    }

    /// The sealed evidence of a login, if any was recorded.
    fn evidence_of(&self, key: Key) -> Result<Option<Vec<u8>>, Broken> {
        self.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT evidence_sealed FROM login WHERE issuer = ?1 AND digest = ?2 AND browser = ?3",
            )?;
            let found = select
                .query_row(params![key.issuer, key.login.as_bytes(), key.browser.as_bytes()], |row| {
                    row.get::<_, Option<Vec<u8>>>(0)
                });
            Ok(found.optional()?.flatten())
        })
    }
}

/// Why an update found nothing to change. `evidence` is what the row had to hold.
fn why_not(db: &Connection, key: Key, evidence: Option<&[u8]>) -> Result<LoginWrite, Broken> {
    let mut select = db.prepare_cached(
        "SELECT finished_at, evidence_sealed IS NOT ?4 FROM login WHERE issuer = ?1 AND digest = ?2 AND browser = ?3",
    )?;
    let found = select
        .query_row(params![key.issuer, key.login.as_bytes(), key.browser.as_bytes(), evidence], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, bool>(1)?))
        });
    Ok(match found.optional()? {
        Some((Some(_), _)) => LoginWrite::Finished,
        Some((None, true)) if evidence.is_some() => LoginWrite::Superseded,
        Some((None, _)) | None => LoginWrite::Unknown,
    })
}
