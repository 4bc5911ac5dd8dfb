//! Changes on their way to their rows: with their issuer's number, and nothing left to seal or to write as text.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::Organisation;
use portvakt_protocol::registration::{Change, ClientRegistration};
use portvakt_protocol::scope::ScopeRecord;
use portvakt_protocol::secret::ClientSecretDigest;
use portvakt_protocol::time::Timestamp;

use crate::sealed::Assignment;
use crate::vault::Vault;
use crate::{Broken, row};

/// A change that a backend can write.
#[derive(Debug)]
pub(crate) enum Prepared {
    Organisation { issuer: i64, organisation: Organisation },
    Scope { issuer: i64, record: ScopeRecord },
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
            Change::Scope { issuer, record } => Self::Scope { issuer: number(issuer).await?, record },
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
