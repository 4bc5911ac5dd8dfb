//! Changes on their way to their rows: with their issuer's number, and nothing left to seal or to write as text.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{OrgNumber, Organisation};
use portvakt_protocol::person::{PersonHandle, Pid};
use portvakt_protocol::registration::{Change, ClientRegistration, Subject};
use portvakt_protocol::scope::{ScopeAccess, ScopeRecord};
use portvakt_protocol::secret::ClientSecretDigest;
use portvakt_protocol::time::Timestamp;
use serde_json::{Value, json};

use crate::sealed::Assignment;
use crate::vault::Vault;
use crate::verbs::Actor;
use crate::{Broken, row};

/// A change that a backend can write.
#[derive(Debug)]
pub(crate) enum Prepared {
    Organisation { issuer: i64, organisation: Organisation },
    Scope { issuer: i64, record: Box<ScopeRecord>, text: String },
    ScopeAccess { issuer: i64, access: ScopeAccess },
    NotBefore { issuer: i64, taken: TakenBack, at: Timestamp },
    Client { issuer: i64, registration: Box<ClientRegistration>, text: String, active: bool },
    Secret { issuer: i64, secret: NewSecret },
    EndSecrets { issuer: i64, client_id: ClientId, at: Timestamp },
    Person(Assignment),
}

/// A client secret, and what becomes of the others.
#[derive(Debug)]
pub(crate) struct NewSecret {
    pub(crate) client_id: ClientId,
    pub(crate) digest: ClientSecretDigest,
    pub(crate) expires: Timestamp,
    pub(crate) others_expire: Timestamp,
}

/// Whose grants are taken back, as a row knows them.
#[derive(Debug)]
pub(crate) enum TakenBack {
    Issuer,
    Client(ClientId),
    Organisation(OrgNumber),
    Person(PersonHandle),
}

impl TakenBack {
    fn of(subject: Subject, vault: &Vault) -> Self {
        match subject {
            Subject::Issuer => Self::Issuer,
            Subject::Client(client_id) => Self::Client(client_id),
            Subject::Organisation(orgno) => Self::Organisation(orgno),
            Subject::Person(pid) => Self::Person(vault.handle(&pid)),
        }
    }

    /// The columns `kind` and `subject`.
    pub(crate) fn key(&self) -> (&'static str, &[u8]) {
        match self {
            Self::Issuer => ("issuer", b""),
            Self::Client(client_id) => ("client", client_id.as_str().as_bytes()),
            Self::Organisation(orgno) => ("organisation", orgno.as_str().as_bytes()),
            Self::Person(person) => ("person", person.as_bytes()),
        }
    }

    /// The subject of these columns. A person is known from them only as the one that was asked for.
    pub(crate) fn subject(kind: &str, subject: &[u8], asked: Option<&Pid>) -> Result<Subject, Broken> {
        let text = str::from_utf8(subject).ok();
        let subject = match kind {
            "issuer" => Some(Subject::Issuer),
            "client" => text.and_then(ClientId::parse).map(Subject::Client),
            "organisation" => text.and_then(|text| OrgNumber::parse(text).ok()).map(Subject::Organisation),
            "person" => asked.cloned().map(Subject::Person),
            _ => None,
        };
        subject.ok_or_else(|| row::unreadable("not_before", "subject"))
    }

    /// What its record has a column for: the client, and the person.
    pub(crate) fn columns(&self) -> (Option<&str>, Option<PersonHandle>) {
        match self {
            Self::Issuer | Self::Organisation(_) => (None, None),
            Self::Client(client_id) => (Some(client_id.as_str()), None),
            Self::Person(person) => (None, Some(*person)),
        }
    }

    /// The particulars of its record.
    pub(crate) fn detail(&self, actor: &Actor, at: Timestamp) -> Value {
        let mut detail = json!({ "actor": actor.0, "kind": self.key().0, "not_before": at.unix() });
        if let (Self::Organisation(orgno), Some(members)) = (self, detail.as_object_mut()) {
            members.insert("orgno".to_owned(), Value::String(orgno.as_str().to_owned()));
        }
        detail
    }
}

impl Prepared {
    /// Prepares a change; `number` says or gives an issuer's number.
    ///
    /// # Errors
    /// `number`'s own, or [`Broken::Row`] if a registration cannot be written as text.
    pub(crate) async fn of<N>(
        change: Change,
        vault: &Vault,
        number: impl Fn(Issuer) -> N,
    ) -> Result<Self, Broken>
    where
        N: Future<Output = Result<i64, Broken>>,
    {
        Ok(match change {
            Change::Organisation { issuer, organisation } => {
                Self::Organisation { issuer: number(issuer).await?, organisation }
            }
            Change::Scope { issuer, record } => {
                let text = serde_json::to_string(&record).map_err(|_| row::unreadable("scope", "record"))?;
                Self::Scope { issuer: number(issuer).await?, record: Box::new(record), text }
            }
            Change::ScopeAccess { issuer, access } => {
                Self::ScopeAccess { issuer: number(issuer).await?, access }
            }
            Change::NotBefore { issuer, subject, at } => {
                let taken = TakenBack::of(subject, vault);
                Self::NotBefore { issuer: number(issuer).await?, taken, at }
            }
            Change::Client { issuer, registration, active } => {
                let text = serde_json::to_string(&registration);
                let text = text.map_err(|_| row::unreadable("client", "registration"))?;
                Self::Client { issuer: number(issuer).await?, registration, text, active }
            }
            Change::Secret { issuer, client_id, digest, expires, others_expire } => Self::Secret {
                issuer: number(issuer).await?,
                secret: NewSecret { client_id, digest, expires, others_expire },
            },
            Change::EndSecrets { issuer, client_id, at } => {
                Self::EndSecrets { issuer: number(issuer).await?, client_id, at }
            }
            Change::Person { pool, person } => Self::Person(vault.assignment(pool, &person)),
        })
    }
}
