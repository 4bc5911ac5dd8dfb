//! The audit: one record to each effect, written in its commit. What most records have is a column, so that the records on
//! the hot path are made without any text. Each backend writes and reads them in its own SQL.

use portvakt_crypto::encoding::hex_encode;
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::person::PersonHandle;
use portvakt_protocol::time::Timestamp;
use serde_json::{Map, Value};

use crate::Broken;
use crate::verbs::AuditRecord;

/// What is recorded. A closed set: its names are an interface to those who read the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Login,
    LoginRefused,
    LoginsEnded,
    CodeIssued,
    CodeRedeemed,
    CodeReplayed,
    Refreshed,
    RefreshRetried,
    RefreshReplayed,
    GrantRevoked,
    KeyPublished,
    KeyRotated,
    MasterKeyChanged,
    OrganisationRegistered,
    OrganisationChanged,
    ScopeRegistered,
    ScopeChanged,
    ScopeAccessChanged,
    TakenBack,
    ClientRegistered,
    ClientChanged,
    ClientSecretAdded,
    ClientSecretsEnded,
    PersonAssigned,
    PersonChanged,
    Restored,
}

impl Event {
    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginRefused => "login_refused",
            Self::LoginsEnded => "logins_ended",
            Self::CodeIssued => "code_issued",
            Self::CodeRedeemed => "code_redeemed",
            Self::CodeReplayed => "code_replayed",
            Self::Refreshed => "refreshed",
            Self::RefreshRetried => "refresh_retried",
            Self::RefreshReplayed => "refresh_replayed",
            Self::GrantRevoked => "grant_revoked",
            Self::KeyPublished => "key_published",
            Self::KeyRotated => "key_rotated",
            Self::MasterKeyChanged => "master_key_changed",
            Self::OrganisationRegistered => "organisation_registered",
            Self::OrganisationChanged => "organisation_changed",
            Self::ScopeRegistered => "scope_registered",
            Self::ScopeChanged => "scope_changed",
            Self::ScopeAccessChanged => "scope_access_changed",
            Self::TakenBack => "taken_back",
            Self::ClientRegistered => "client_registered",
            Self::ClientChanged => "client_changed",
            Self::ClientSecretAdded => "client_secret_added",
            Self::ClientSecretsEnded => "client_secrets_ended",
            Self::PersonAssigned => "person_assigned",
            Self::PersonChanged => "person_changed",
            Self::Restored => "restored",
        }
    }
}

/// A record being made.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    /// The issuer's number.
    pub(crate) issuer: Option<i64>,
    pub(crate) client_id: Option<&'a str>,
    pub(crate) person: Option<PersonHandle>,
    pub(crate) grant: Option<GrantId>,
    /// Particulars that have no column: a JSON object.
    pub(crate) detail: Option<Value>,
}

impl<'a> Record<'a> {
    pub(crate) fn at(at: Timestamp, event: Event) -> Self {
        Self { at, event, issuer: None, client_id: None, person: None, grant: None, detail: None }
    }

    pub(crate) fn issuer(self, issuer: i64) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    pub(crate) fn client(self, client_id: &'a str) -> Self {
        Self { client_id: Some(client_id), ..self }
    }

    pub(crate) fn person(self, person: PersonHandle) -> Self {
        Self { person: Some(person), ..self }
    }

    pub(crate) fn grant(self, grant: GrantId) -> Self {
        Self { grant: Some(grant), ..self }
    }

    pub(crate) fn detail(self, detail: Value) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

/// A record's columns, as they are read.
#[derive(Debug)]
pub(crate) struct RecordRow {
    pub(crate) number: i64,
    pub(crate) at: i64,
    pub(crate) issuer: Option<String>,
    pub(crate) event: String,
    pub(crate) client_id: Option<String>,
    pub(crate) person: Option<Vec<u8>>,
    pub(crate) grant: Option<Vec<u8>>,
    pub(crate) detail: Option<String>,
}

impl RecordRow {
    /// The record: its particulars are those with a column and those in the detail.
    ///
    /// # Errors
    /// [`Broken::Row`] if the detail is no JSON object.
    pub(crate) fn record(self) -> Result<AuditRecord, Broken> {
        let mut detail = match self.detail {
            None => Map::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| Broken::Row { table: "audit", what: "a detail is no JSON object" })?,
        };
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                detail.insert(name.to_owned(), Value::String(value));
            }
        };
        add("client_id", self.client_id);
        add("person", self.person.map(|person| hex_encode(&person)));
        add("grant", self.grant.map(|grant| hex_encode(&grant)));
        Ok(AuditRecord {
            number: self.number,
            at: Timestamp::from_unix(self.at),
            issuer: self.issuer,
            event: self.event,
            detail: Value::Object(detail),
        })
    }
}
