//! The audit: one record to each effect, written in its commit. What most records have is a column, so that the records on
//! the hot path are made without any text.

use portvakt_crypto::encoding::hex_encode;
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::person::PersonHandle;
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, params};
use serde_json::{Map, Value};

use crate::Broken;
use crate::verbs::AuditRecord;

/// What is recorded. A closed set: its names are an interface to those who read the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Login,
    LoginRefused,
    LoginsEnded,
    CodeIssued,
    CodeRedeemed,
    CodeReplayed,
    KeyPublished,
    KeyRotated,
    MasterKeyChanged,
    OrganisationRegistered,
    OrganisationChanged,
    ScopeRegistered,
    ScopeChanged,
    ClientRegistered,
    ClientChanged,
    ClientSecretAdded,
    ClientSecretsEnded,
    PersonAssigned,
    PersonChanged,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginRefused => "login_refused",
            Self::LoginsEnded => "logins_ended",
            Self::CodeIssued => "code_issued",
            Self::CodeRedeemed => "code_redeemed",
            Self::CodeReplayed => "code_replayed",
            Self::KeyPublished => "key_published",
            Self::KeyRotated => "key_rotated",
            Self::MasterKeyChanged => "master_key_changed",
            Self::OrganisationRegistered => "organisation_registered",
            Self::OrganisationChanged => "organisation_changed",
            Self::ScopeRegistered => "scope_registered",
            Self::ScopeChanged => "scope_changed",
            Self::ClientRegistered => "client_registered",
            Self::ClientChanged => "client_changed",
            Self::ClientSecretAdded => "client_secret_added",
            Self::ClientSecretsEnded => "client_secrets_ended",
            Self::PersonAssigned => "person_assigned",
            Self::PersonChanged => "person_changed",
        }
    }
}

/// A record being made.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) at: Timestamp,
    pub(super) event: Event,
    /// The issuer's number.
    pub(super) issuer: Option<i64>,
    pub(super) client_id: Option<&'a str>,
    pub(super) person: Option<PersonHandle>,
    pub(super) grant: Option<GrantId>,
    /// Particulars that have no column: a JSON object.
    pub(super) detail: Option<Value>,
}

impl<'a> Record<'a> {
    pub(super) fn at(at: Timestamp, event: Event) -> Self {
        Self { at, event, issuer: None, client_id: None, person: None, grant: None, detail: None }
    }

    pub(super) fn issuer(self, issuer: i64) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    pub(super) fn client(self, client_id: &'a str) -> Self {
        Self { client_id: Some(client_id), ..self }
    }

    pub(super) fn person(self, person: PersonHandle) -> Self {
        Self { person: Some(person), ..self }
    }

    pub(super) fn grant(self, grant: GrantId) -> Self {
        Self { grant: Some(grant), ..self }
    }

    pub(super) fn detail(self, detail: Value) -> Self {
        Self { detail: Some(detail), ..self }
    }

    pub(super) fn write(&self, db: &Connection) -> Result<(), Broken> {
        let mut insert = db.prepare_cached(
            "INSERT INTO audit (at, issuer, event, client_id, person, login_grant, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        insert.execute(params![
            self.at.unix(),
            self.issuer,
            self.event.as_str(),
            self.client_id,
            self.person.as_ref().map(|person| person.as_bytes().as_slice()),
            self.grant.as_ref().map(|grant| grant.0.as_slice()),
            self.detail.as_ref().map(Value::to_string),
        ])?;
        Ok(())
    }
}

/// Records what became of the grant in the row `grant_id`: everything else is copied from it.
pub(super) fn write_of_grant(
    db: &Connection,
    at: Timestamp,
    event: Event,
    grant_id: i64,
) -> Result<(), Broken> {
    let mut insert = db.prepare_cached(
        "INSERT INTO audit (at, issuer, event, client_id, person, login_grant)
         SELECT ?1, issuer, ?2, client_id, person, name FROM login_grant WHERE id = ?3",
    )?;
    insert.execute(params![at.unix(), event.as_str(), grant_id])?;
    Ok(())
}

/// At most `limit` records numbered above `after`.
pub(super) fn read(db: &Connection, after: i64, limit: u32) -> Result<Vec<AuditRecord>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT a.number, a.at, i.url, a.event, a.client_id, a.person, a.login_grant, a.detail
         FROM audit a LEFT JOIN issuer i ON i.id = a.issuer
         WHERE a.number > ?1 ORDER BY a.number LIMIT ?2",
    )?;
    let mut rows = select.query(params![after, limit])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let mut detail = match row.get::<_, Option<String>>(7)? {
            None => Map::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| Broken::Row { table: "audit", what: "a detail is no JSON object" })?,
        };
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                detail.insert(name.to_owned(), Value::String(value));
            }
        };
        add("client_id", row.get(4)?);
        add("person", row.get::<_, Option<Vec<u8>>>(5)?.map(|person| hex_encode(&person)));
        add("grant", row.get::<_, Option<Vec<u8>>>(6)?.map(|grant| hex_encode(&grant)));
        records.push(AuditRecord {
            number: row.get(0)?,
            at: Timestamp::from_unix(row.get(1)?),
            issuer: row.get(2)?,
            event: row.get(3)?,
            detail: Value::Object(detail),
        });
    }
    Ok(records)
}
