//! What is registered, read from its rows.

use std::sync::Arc;

use portvakt_protocol::client::{Client, ClientId, StoredSecret};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{ClientRecord, ClientRegistration, Registry};
use portvakt_protocol::scope::{ScopeAccess, ScopeRecord};
use portvakt_protocol::secret::ClientSecretDigest;
use portvakt_protocol::time::Timestamp;
use tokio_postgres::Row;

use super::Postgres;
use super::statement::statements;
use crate::Broken;
use crate::client_rows::ClientRows;
use crate::row;
use crate::verbs::Generation;

statements! {
    ORGANISATIONS(INT8) =
        "SELECT orgno, name, terms_version, terms_accepted_at, terms_accepted_by, standing
         FROM organisation WHERE issuer = $1 ORDER BY orgno COLLATE \"C\"";
    ORGANISATION(INT8, TEXT) =
        "SELECT orgno, name, terms_version, terms_accepted_at, terms_accepted_by, standing
         FROM organisation WHERE issuer = $1 AND orgno = $2";
    SCOPES(INT8) =
        "SELECT scope, description, token_type, at_max_age, active, record FROM scope WHERE issuer = $1
         ORDER BY scope COLLATE \"C\"";
    ACCESS(INT8) =
        "SELECT scope, consumer_orgno, state FROM scope_access WHERE issuer = $1
         ORDER BY scope COLLATE \"C\", consumer_orgno COLLATE \"C\"";
    ACCESS_OF(INT8, TEXT) =
        "SELECT scope, consumer_orgno, state FROM scope_access WHERE issuer = $1 AND consumer_orgno = $2";
    /// The latest of what was taken back of an issuer, a client, its organisation and the one that runs it.
    NOT_BEFORE(INT8, BYTEA, BYTEA, BYTEA) =
        "SELECT max(at) FROM (
            SELECT at FROM not_before WHERE issuer = $1 AND kind = 'issuer' AND subject = ''
            UNION ALL SELECT at FROM not_before WHERE issuer = $1 AND kind = 'client' AND subject = $2
            UNION ALL SELECT at FROM not_before WHERE issuer = $1 AND kind = 'organisation' AND subject = $3
            UNION ALL SELECT at FROM not_before WHERE issuer = $1 AND kind = 'organisation' AND subject = $4) said";
    CLIENTS(INT8) =
        "SELECT registration, active, created, last_updated FROM client WHERE issuer = $1
         ORDER BY client_id COLLATE \"C\"";
    /// Every secret of an issuer's clients, newest first.
    SECRETS(INT8) =
        "SELECT client_id, digest, expires FROM client_secret WHERE issuer = $1 ORDER BY number DESC";
    CLIENT(INT8, TEXT) =
        "SELECT o.orgno, o.name, o.terms_version, o.terms_accepted_at, o.terms_accepted_by, o.standing, c.registration, c.active
         FROM client c JOIN organisation o ON o.issuer = c.issuer AND o.orgno = c.orgno
         WHERE c.issuer = $1 AND c.client_id = $2";
    SECRETS_OF(INT8, TEXT) =
        "SELECT digest, expires FROM client_secret WHERE issuer = $1 AND client_id = $2 ORDER BY number DESC";
}

impl Postgres {
    /// See [`crate::Store::registry`].
    pub(crate) async fn registry(&self, issuer: &Issuer) -> Result<(Generation, Registry), Broken> {
        loop {
            // One moment's picture: of one generation before and after. Anything else is read again.
            let before = self.generation().await?;
            let registry = match self.known(issuer).await? {
                None => Registry::default(),
                Some(known) => self.registry_of(known.number).await?,
            };
            if self.generation().await? == before {
                return Ok((before, registry));
            }
        }
    }

    async fn registry_of(&self, number: i64) -> Result<Registry, Broken> {
        let organisations = self.read(&ORGANISATIONS, &[&number]).await?;
        let clients = self.read(&CLIENTS, &[&number]).await?;
        let mut registry = Registry {
            organisations: organisations.iter().map(organisation).collect::<Result<_, _>>()?,
            scopes: self.scopes(number).await?,
            access: self.read(&ACCESS, &[&number]).await?.iter().map(access).collect::<Result<_, _>>()?,
            clients: clients.iter().map(client_record).collect::<Result<_, _>>()?,
        };
        for row in self.read(&SECRETS, &[&number]).await? {
            let client_id: &str = row.try_get(0)?;
            // Ordered by the statement, as the rows are.
            let found = registry
                .clients
                .binary_search_by(|known| known.registration.client_id.as_str().cmp(client_id));
            let client = found.ok().and_then(|at| registry.clients.get_mut(at));
            if let Some(client) = client {
                client.secrets.push(secret(row.try_get(1)?, row.try_get(2)?)?);
            }
        }
        Ok(registry)
    }

    async fn scopes(&self, number: i64) -> Result<Vec<ScopeRecord>, Broken> {
        self.read(&SCOPES, &[&number]).await?.iter().map(scope).collect()
    }

    /// See [`crate::Store::client`].
    pub(crate) async fn client(
        &self,
        provider: &Provider,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Client>>, Broken> {
        let Some(known) = self.known(provider.issuer()).await? else { return Ok(None) };
        // Before the rows are read: what is read may be newer than its mark, never older.
        let of = self.freshness().current();
        if let Some(client) = of.and_then(|of| known.clients.get(client_id, of)) {
            return Ok(client);
        }
        // What nobody registered is not remembered, or strangers could fill the cache.
        let Some(rows) = self.client_rows(known.number, client_id).await? else { return Ok(None) };
        let client = rows.parse(provider).map(Arc::new);
        if let Some(of) = of {
            known.clients.put(client_id.clone(), of, client.clone());
        }
        Ok(client)
    }

    /// Everything that makes up one client. Its rows are read one after the other: a change in between has moved the generation on,
    /// and what is put together of both is used once at most.
    async fn client_rows(&self, number: i64, client_id: &ClientId) -> Result<Option<ClientRows>, Broken> {
        let Some(row) = self.read_one(&CLIENT, &[&number, &client_id.as_str()]).await? else {
            return Ok(None);
        };
        let secrets = self.read(&SECRETS_OF, &[&number, &client_id.as_str()]).await?;
        let secrets = secrets.iter().map(|row| secret(row.try_get(0)?, row.try_get(1)?));
        let own = organisation(&row)?;
        let registration = row::registration(row.try_get(6)?)?;
        let access_of = self.read(&ACCESS_OF, &[&number, &own.orgno.as_str()]).await?;
        Ok(Some(ClientRows {
            active: row.try_get(7)?,
            scopes: self.scopes(number).await?,
            access: access_of.iter().map(access).collect::<Result<_, _>>()?,
            secrets: secrets.collect::<Result<_, _>>()?,
            not_before: self.not_before(number, &registration).await?,
            supplier: match &registration.supplier_orgno {
                Some(orgno) => {
                    let found = self.read_one(&ORGANISATION, &[&number, &orgno.as_str()]).await?;
                    found.as_ref().map(organisation).transpose()?
                }
                None => None,
            },
            organisation: own,
            registration,
        }))
    }

    async fn not_before(&self, number: i64, registration: &ClientRegistration) -> Result<Timestamp, Broken> {
        let client_id = registration.client_id.as_str().as_bytes();
        let organisation = registration.client_orgno.as_str().as_bytes();
        let supplier = registration.supplier_orgno.as_ref().map(|orgno| orgno.as_str().as_bytes());
        let latest = self.read_one(&NOT_BEFORE, &[&number, &client_id, &organisation, &supplier]).await?;
        let latest: Option<i64> = latest.map(|row| row.try_get(0)).transpose()?.flatten();
        Ok(Timestamp::from_unix(latest.unwrap_or_default()))
    }
}

/// Reads the first six columns of an organisation's row.
fn organisation(row: &Row) -> Result<Organisation, Broken> {
    let terms = match (row.try_get(2)?, row.try_get::<_, Option<i64>>(3)?, row.try_get(4)?) {
        (Some(version), Some(accepted_at), Some(accepted_by)) => {
            Some(Acceptance { version, accepted_at: Timestamp::from_unix(accepted_at), accepted_by })
        }
        _ => None,
    };
    Ok(Organisation {
        orgno: OrgNumber::parse(row.try_get(0)?).map_err(|_| row::unreadable("organisation", "orgno"))?,
        name: row.try_get(1)?,
        terms,
        standing: row::standing(row.try_get(5)?)?,
    })
}

fn scope(row: &Row) -> Result<ScopeRecord, Broken> {
    let columns = row::ScopeRow {
        scope: row.try_get(0)?,
        description: row.try_get(1)?,
        token_type: row.try_get(2)?,
        at_max_age: row.try_get(3)?,
        active: row.try_get(4)?,
        record: row.try_get(5)?,
    };
    columns.read()
}

fn access(row: &Row) -> Result<ScopeAccess, Broken> {
    row::scope_access(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)
}

fn client_record(row: &Row) -> Result<ClientRecord, Broken> {
    Ok(ClientRecord {
        registration: row::registration(row.try_get(0)?)?,
        active: row.try_get(1)?,
        created: Timestamp::from_unix(row.try_get(2)?),
        last_updated: Timestamp::from_unix(row.try_get(3)?),
        secrets: Vec::new(),
    })
}

fn secret(digest: &[u8], expires: i64) -> Result<StoredSecret, Broken> {
    Ok(StoredSecret {
        digest: ClientSecretDigest::from_slice(digest)
            .ok_or_else(|| row::unreadable("client_secret", "digest"))?,
        expires: Timestamp::from_unix(expires),
    })
}
