//! What is registered, read from its rows.

use portvakt_protocol::client::{ClientId, StoredSecret};
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation};
use portvakt_protocol::registration::{ClientRecord, ClientRegistration};
use portvakt_protocol::scope::{Scope, ScopeAccess, ScopeRecord};
use portvakt_protocol::secret::ClientSecretDigest;
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::Broken;
use crate::row;
use crate::verbs::Generation;

pub(super) fn generation(db: &Connection) -> Result<Generation, Broken> {
    let count: i64 = db.prepare_cached("SELECT generation FROM state")?.query_row([], |row| row.get(0))?;
    Ok(Generation(count.unsigned_abs()))
}

/// The next generation: what changed is seen by whoever compares.
pub(super) fn move_on(db: &Connection) -> Result<Generation, Broken> {
    db.prepare_cached("UPDATE state SET generation = generation + 1")?.execute([])?;
    generation(db)
}

pub(super) fn organisations(db: &Connection, issuer: i64) -> Result<Vec<Organisation>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT orgno, name, terms_version, terms_accepted_at, terms_accepted_by, standing
         FROM organisation WHERE issuer = ?1 ORDER BY orgno",
    )?;
    let mut rows = select.query([issuer])?;
    let mut organisations = Vec::new();
    while let Some(row) = rows.next()? {
        organisations.push(organisation(row)?);
    }
    Ok(organisations)
}

/// One organisation, if it is registered.
pub(super) fn organisation_of(
    db: &Connection,
    issuer: i64,
    orgno: &OrgNumber,
) -> Result<Option<Organisation>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT orgno, name, terms_version, terms_accepted_at, terms_accepted_by, standing
         FROM organisation WHERE issuer = ?1 AND orgno = ?2",
    )?;
    let mut rows = select.query(params![issuer, orgno.as_str()])?;
    rows.next()?.map(organisation).transpose()
}

/// Reads the first six columns of an organisation's row.
pub(super) fn organisation(row: &Row<'_>) -> Result<Organisation, Broken> {
    let orgno: String = row.get(0)?;
    let terms = match (row.get(2)?, row.get(3)?, row.get(4)?) {
        (Some(version), Some(accepted_at), Some(accepted_by)) => {
            Some(Acceptance { version, accepted_at: Timestamp::from_unix(accepted_at), accepted_by })
        }
        _ => None,
    };
    Ok(Organisation {
        orgno: OrgNumber::parse(&orgno).map_err(|_| row::unreadable("organisation", "orgno"))?,
        name: row.get(1)?,
        terms,
        standing: row::standing(&row.get::<_, String>(5)?)?,
    })
}

pub(super) fn scopes(db: &Connection, issuer: i64) -> Result<Vec<ScopeRecord>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT scope, description, token_type, at_max_age, active, record FROM scope WHERE issuer = ?1 ORDER BY scope",
    )?;
    let mut rows = select.query([issuer])?;
    let mut scopes = Vec::new();
    while let Some(row) = rows.next()? {
        scopes.push(scope(row)?);
    }
    Ok(scopes)
}

/// One scope, if it is registered.
pub(super) fn scope_of(db: &Connection, issuer: i64, name: &Scope) -> Result<Option<ScopeRecord>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT scope, description, token_type, at_max_age, active, record FROM scope WHERE issuer = ?1 AND scope = ?2",
    )?;
    let mut rows = select.query(params![issuer, name.as_str()])?;
    rows.next()?.map(scope).transpose()
}

fn scope(row: &Row<'_>) -> Result<ScopeRecord, Broken> {
    let (scope, description): (String, String) = (row.get(0)?, row.get(1)?);
    let (token_type, record): (Option<String>, Option<String>) = (row.get(2)?, row.get(5)?);
    let columns = row::ScopeRow {
        scope: &scope,
        description: &description,
        token_type: token_type.as_deref(),
        at_max_age: row.get(3)?,
        active: row.get(4)?,
        record: record.as_deref(),
    };
    columns.read()
}

/// Every organisation's access to every scope of an issuer.
pub(super) fn access(db: &Connection, issuer: i64) -> Result<Vec<ScopeAccess>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT scope, consumer_orgno, state FROM scope_access WHERE issuer = ?1 ORDER BY scope, consumer_orgno",
    )?;
    let mut rows = select.query([issuer])?;
    let mut access = Vec::new();
    while let Some(row) = rows.next()? {
        access.push(access_row(row)?);
    }
    Ok(access)
}

/// One organisation's.
pub(super) fn access_of(
    db: &Connection,
    issuer: i64,
    consumer: &OrgNumber,
) -> Result<Vec<ScopeAccess>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT scope, consumer_orgno, state FROM scope_access WHERE issuer = ?1 AND consumer_orgno = ?2",
    )?;
    let mut rows = select.query(params![issuer, consumer.as_str()])?;
    let mut access = Vec::new();
    while let Some(row) = rows.next()? {
        access.push(access_row(row)?);
    }
    Ok(access)
}

fn access_row(row: &Row<'_>) -> Result<ScopeAccess, Broken> {
    let [scope, consumer, state]: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
    row::scope_access(&scope, &consumer, &state)
}

/// The latest of what was taken back of an issuer, a client, its organisation and the one that runs it.
pub(super) fn not_before(
    db: &Connection,
    issuer: i64,
    registration: &ClientRegistration,
) -> Result<Timestamp, Broken> {
    let mut select = db.prepare_cached(
        "SELECT max(at) FROM (
            SELECT at FROM not_before WHERE issuer = ?1 AND kind = 'issuer' AND subject = x''
            UNION ALL SELECT at FROM not_before WHERE issuer = ?1 AND kind = 'client' AND subject = ?2
            UNION ALL SELECT at FROM not_before WHERE issuer = ?1 AND kind = 'organisation' AND subject = ?3
            UNION ALL SELECT at FROM not_before WHERE issuer = ?1 AND kind = 'organisation' AND subject = ?4)",
    )?;
    let client_id = registration.client_id.as_str().as_bytes();
    let organisation = registration.client_orgno.as_str().as_bytes();
    let supplier = registration.supplier_orgno.as_ref().map(|orgno| orgno.as_str().as_bytes());
    let latest: Option<i64> =
        select.query_row(params![issuer, client_id, organisation, supplier], |row| row.get(0))?;
    Ok(Timestamp::from_unix(latest.unwrap_or_default()))
}

pub(super) fn clients(db: &Connection, issuer: i64) -> Result<Vec<ClientRecord>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT registration, active, created, last_updated FROM client WHERE issuer = ?1 ORDER BY client_id",
    )?;
    let mut rows = select.query([issuer])?;
    let mut clients = Vec::new();
    while let Some(row) = rows.next()? {
        let registration = row::registration(&row.get::<_, String>(0)?)?;
        let secrets = secrets(db, issuer, &registration.client_id)?;
        clients.push(ClientRecord {
            active: row.get(1)?,
            created: Timestamp::from_unix(row.get(2)?),
            last_updated: Timestamp::from_unix(row.get(3)?),
            secrets,
            registration,
        });
    }
    Ok(clients)
}

/// A client's secrets, newest first.
pub(super) fn secrets(
    db: &Connection,
    issuer: i64,
    client_id: &ClientId,
) -> Result<Vec<StoredSecret>, Broken> {
    let mut select = db.prepare_cached(
        "SELECT digest, expires FROM client_secret WHERE issuer = ?1 AND client_id = ?2 ORDER BY id DESC",
    )?;
    let mut rows = select.query(params![issuer, client_id.as_str()])?;
    let mut secrets = Vec::new();
    while let Some(row) = rows.next()? {
        let digest: Vec<u8> = row.get(0)?;
        secrets.push(StoredSecret {
            digest: ClientSecretDigest::from_slice(&digest)
                .ok_or_else(|| row::unreadable("client_secret", "digest"))?,
            expires: Timestamp::from_unix(row.get(1)?),
        });
    }
    Ok(secrets)
}
