//! Registrations. A register is one commit: the changes, the record of each, and the generation they make.

use std::sync::Arc;

use portvakt_protocol::client::{Client, ClientId};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::Organisation;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{Change, ClientRegistration, Registry, taken_back_at};
use portvakt_protocol::scope::{ScopeAccess, ScopeRecord};
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::{Value, json};

use super::Embedded;
use super::persons::Assigned;
use super::registered::{
    access, access_of, clients, generation, move_on, not_before, organisation, organisation_of,
    organisations, scope_of, scopes, secrets,
};
use crate::Broken;
use crate::audit::{Event, Record};
use crate::client_rows::ClientRows;
use crate::prepared::{NewSecret, Prepared, TakenBack};
use crate::row;
use crate::sealed::Assignment;
use crate::verbs::{Actor, Generation, Registered};

/// Who and when, for the records.
#[derive(Debug)]
struct Occasion {
    actor: Actor,
    now: Timestamp,
}

impl Embedded {
    /// See [`crate::Store::register`].
    pub(crate) async fn register(
        &self,
        changes: Vec<Change>,
        expected: Option<Generation>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Registered, Broken> {
        let mut prepared = Vec::with_capacity(changes.len());
        for change in changes {
            let number = |issuer: Issuer| async move { self.number(&issuer).await };
            prepared.push(Prepared::of(change, self.vault(), number).await?);
        }
        let occasion = Occasion { actor, now };
        self.change(move |db| register(db, &prepared, expected, &occasion)).await
    }

    /// See [`crate::Store::registry`].
    pub(crate) async fn registry(&self, issuer: &Issuer) -> Result<(Generation, Registry), Broken> {
        let known = self.known(issuer);
        self.read_long(move |db| {
            let moment = db.unchecked_transaction()?;
            let generation = generation(&moment)?;
            let Some(known) = known else { return Ok((generation, Registry::default())) };
            let registry = Registry {
                organisations: organisations(&moment, known.number)?,
                scopes: scopes(&moment, known.number)?,
                access: access(&moment, known.number)?,
                clients: clients(&moment, known.number)?,
            };
            Ok((generation, registry))
        })
        .await
    }

    /// See [`crate::Store::client`].
    pub(crate) async fn client(
        &self,
        provider: &Provider,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Client>>, Broken> {
        let Some(known) = self.known(provider.issuer()) else { return Ok(None) };
        // Before the rows are read: what is read may be newer than its mark, never older.
        let of = self.current();
        if let Some(client) = known.clients.get(client_id, of) {
            return Ok(client);
        }
        // What nobody registered is not remembered, or strangers could fill the cache.
        let Some(rows) = self.read(|db| ClientRows::read(db, known.number, client_id))? else {
            return Ok(None);
        };
        let client = rows.parse(provider).map(Arc::new);
        known.clients.put(client_id.clone(), of, client.clone());
        Ok(client)
    }
}

impl ClientRows {
    fn read(db: &Connection, issuer: i64, client_id: &ClientId) -> Result<Option<Self>, Broken> {
        let moment = db.unchecked_transaction()?;
        let mut select = moment.prepare_cached(
            "SELECT o.orgno, o.name, o.terms_version, o.terms_accepted_at, o.terms_accepted_by, o.standing, c.registration, c.active
             FROM client c JOIN organisation o ON o.issuer = c.issuer AND o.orgno = c.orgno
             WHERE c.issuer = ?1 AND c.client_id = ?2",
        )?;
        let mut rows = select.query(params![issuer, client_id.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let organisation = organisation(row)?;
        let registration = row::registration(&row.get::<_, String>(6)?)?;
        Ok(Some(Self {
            active: row.get(7)?,
            scopes: scopes(&moment, issuer)?,
            access: access_of(&moment, issuer, &organisation.orgno)?,
            secrets: secrets(&moment, issuer, client_id)?,
            not_before: not_before(&moment, issuer, &registration)?,
            supplier: match &registration.supplier_orgno {
                Some(orgno) => organisation_of(&moment, issuer, orgno)?,
                None => None,
            },
            organisation,
            registration,
        }))
    }
}

fn register(
    db: &Connection,
    changes: &[Prepared],
    expected: Option<Generation>,
    occasion: &Occasion,
) -> Result<(Registered, Generation), Broken> {
    let before = generation(db)?;
    if expected.is_some_and(|expected| expected != before) {
        return Ok((Registered::Conflict, before));
    }
    let mut changed = false;
    for change in changes {
        changed |= match change {
            Prepared::Organisation { issuer, organisation } => {
                register_organisation(db, *issuer, organisation, occasion)?
            }
            Prepared::Scope { issuer, record, text } => {
                register_scope(db, *issuer, (record, text), occasion)?
            }
            Prepared::ScopeAccess { issuer, access } => set_access(db, *issuer, access, occasion)?,
            Prepared::NotBefore { issuer, taken, at } => take_back(db, *issuer, taken, *at, occasion)?,
            Prepared::Client { issuer, registration, text, active } => {
                register_client(db, *issuer, (registration, text), *active, occasion)?
            }
            Prepared::Secret { issuer, secret } => register_secret(db, *issuer, secret, occasion)?,
            Prepared::EndSecrets { issuer, client_id, at } => {
                end_secrets(db, *issuer, client_id, *at, occasion)?
            }
            Prepared::Person(assignment) => assign(db, assignment, occasion)?,
        };
    }
    if !changed {
        return Ok((Registered::Done, before));
    }
    Ok((Registered::Done, move_on(db)?))
}

fn register_organisation(
    db: &Connection,
    issuer: i64,
    organisation: &Organisation,
    occasion: &Occasion,
) -> Result<bool, Broken> {
    let before = organisation_of(db, issuer, &organisation.orgno)?;
    if before.as_ref() == Some(organisation) {
        return Ok(false);
    }
    let terms = organisation.terms.as_ref();
    db.prepare_cached(
        "INSERT INTO organisation (issuer, orgno, name, terms_version, terms_accepted_at, terms_accepted_by, standing)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (issuer, orgno) DO UPDATE SET name = excluded.name, terms_version = excluded.terms_version,
            terms_accepted_at = excluded.terms_accepted_at, terms_accepted_by = excluded.terms_accepted_by,
            standing = excluded.standing",
    )?
    .execute(params![
        issuer,
        organisation.orgno.as_str(),
        organisation.name,
        terms.map(|accepted| accepted.version.as_str()),
        terms.map(|accepted| accepted.accepted_at.unix()),
        terms.map(|accepted| accepted.accepted_by.as_str()),
        row::standing_word(organisation.standing),
    ])?;
    let event = if before.is_none() { Event::OrganisationRegistered } else { Event::OrganisationChanged };
    occasion.record(event).issuer(issuer).detail(occasion.detail("organisation", organisation)?).write(db)?;
    Ok(true)
}

fn register_scope(
    db: &Connection,
    issuer: i64,
    (record, text): (&ScopeRecord, &str),
    occasion: &Occasion,
) -> Result<bool, Broken> {
    let before = scope_of(db, issuer, &record.scope)?;
    if before.as_ref() == Some(record) {
        return Ok(false);
    }
    db.prepare_cached(
        "INSERT INTO scope (issuer, scope, description, token_type, at_max_age, active, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (issuer, scope) DO UPDATE SET description = excluded.description, token_type = excluded.token_type,
            at_max_age = excluded.at_max_age, active = excluded.active, record = excluded.record",
    )?
    .execute(params![
        issuer,
        record.scope.as_str(),
        record.description,
        record.token_type.map(row::token_type_word),
        record.at_max_age.get(),
        record.active,
        text,
    ])?;
    let event = if before.is_none() { Event::ScopeRegistered } else { Event::ScopeChanged };
    occasion.record(event).issuer(issuer).detail(occasion.detail("scope", record)?).write(db)?;
    Ok(true)
}

fn set_access(
    db: &Connection,
    issuer: i64,
    access: &ScopeAccess,
    occasion: &Occasion,
) -> Result<bool, Broken> {
    let set = db
        .prepare_cached(
            "INSERT INTO scope_access (issuer, scope, consumer_orgno, state, created, last_updated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)
             ON CONFLICT (issuer, scope, consumer_orgno) DO UPDATE SET state = excluded.state,
                last_updated = excluded.last_updated
             WHERE state <> excluded.state",
        )?
        .execute(params![
            issuer,
            access.scope.as_str(),
            access.consumer_orgno.as_str(),
            access.state.as_str(),
            occasion.now.unix(),
        ])?;
    if set > 0 {
        let detail = occasion.detail("access", access)?;
        occasion.record(Event::ScopeAccessChanged).issuer(issuer).detail(detail).write(db)?;
    }
    Ok(set > 0)
}

fn take_back(
    db: &Connection,
    issuer: i64,
    taken: &TakenBack,
    at: Timestamp,
    occasion: &Occasion,
) -> Result<bool, Broken> {
    let (kind, subject) = taken.key();
    let taken_back = db
        .prepare_cached(
            "INSERT INTO not_before (issuer, kind, subject, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (issuer, kind, subject) DO UPDATE SET at = excluded.at WHERE at < excluded.at",
        )?
        .execute(params![issuer, kind, subject, at.unix()])?;
    if taken_back > 0 {
        let (client_id, person) = taken.columns();
        let detail = Some(taken.detail(&occasion.actor, at));
        let record = occasion.record(Event::TakenBack).issuer(issuer);
        Record { client_id, person, detail, ..record }.write(db)?;
    }
    Ok(taken_back > 0)
}

fn register_client(
    db: &Connection,
    issuer: i64,
    (registered, text): (&ClientRegistration, &str),
    active: bool,
    occasion: &Occasion,
) -> Result<bool, Broken> {
    let client_id = registered.client_id.as_str();
    let before: Option<(String, bool)> = db
        .prepare_cached("SELECT registration, active FROM client WHERE issuer = ?1 AND client_id = ?2")?
        .query_row(params![issuer, client_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // One that cannot be read any more is one to be replaced.
    let before = before.map(|(known, active)| (row::registration(&known).ok(), active));
    if before
        .as_ref()
        .is_some_and(|(known, was_active)| known.as_ref() == Some(registered) && *was_active == active)
    {
        return Ok(false);
    }
    db.prepare_cached(
        "INSERT INTO client (issuer, client_id, orgno, registration, active, created, last_updated)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (issuer, client_id) DO UPDATE SET orgno = excluded.orgno, registration = excluded.registration,
            active = excluded.active, last_updated = excluded.last_updated",
    )?
    .execute(params![issuer, client_id, registered.client_orgno.as_str(), text, active, occasion.now.unix()])?;
    let event = if before.is_none() { Event::ClientRegistered } else { Event::ClientChanged };
    let mut detail = occasion.detail("registration", registered)?;
    if let Some(members) = detail.as_object_mut() {
        members.insert("active".to_owned(), Value::Bool(active));
    }
    occasion.record(event).issuer(issuer).client(client_id).detail(detail).write(db)?;
    // One that cannot be read may have been anybody's.
    if before.is_some_and(|(known, _)| known.is_none_or(|known| registered.has_moved(&known))) {
        let taken = TakenBack::Client(registered.client_id.clone());
        take_back(db, issuer, &taken, taken_back_at(occasion.now), occasion)?;
    }
    Ok(true)
}

fn register_secret(
    db: &Connection,
    issuer: i64,
    secret: &NewSecret,
    occasion: &Occasion,
) -> Result<bool, Broken> {
    let (client_id, digest) = (secret.client_id.as_str(), secret.digest.as_bytes());
    let shortened = db
        .prepare_cached(
            "UPDATE client_secret SET expires = ?4
             WHERE issuer = ?1 AND client_id = ?2 AND digest <> ?3 AND expires > ?4",
        )?
        .execute(params![issuer, client_id, digest, secret.others_expire.unix()])?;
    let stored = db
        .prepare_cached(
            "INSERT INTO client_secret (issuer, client_id, digest, expires) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (issuer, client_id, digest) DO UPDATE SET expires = excluded.expires WHERE expires <> excluded.expires",
        )?
        .execute(params![issuer, client_id, digest, secret.expires.unix()])?;
    if shortened + stored == 0 {
        return Ok(false);
    }
    let detail = json!({
        "actor": occasion.actor.0,
        "expires": secret.expires.unix(),
        "others_expire": secret.others_expire.unix(),
    });
    occasion.record(Event::ClientSecretAdded).issuer(issuer).client(client_id).detail(detail).write(db)?;
    Ok(true)
}

fn end_secrets(
    db: &Connection,
    issuer: i64,
    client_id: &ClientId,
    at: Timestamp,
    occasion: &Occasion,
) -> Result<bool, Broken> {
    let ended = db
        .prepare_cached(
            "UPDATE client_secret SET expires = ?3 WHERE issuer = ?1 AND client_id = ?2 AND expires > ?3",
        )?
        .execute(params![issuer, client_id.as_str(), at.unix()])?;
    if ended > 0 {
        let detail = json!({ "actor": occasion.actor.0, "at": at.unix(), "secrets": ended });
        occasion
            .record(Event::ClientSecretsEnded)
            .issuer(issuer)
            .client(client_id.as_str())
            .detail(detail)
            .write(db)?;
    }
    Ok(ended > 0)
}

fn assign(db: &Connection, assignment: &Assignment, occasion: &Occasion) -> Result<bool, Broken> {
    let event = match assignment.write(db)? {
        Assigned::AsBefore => return Ok(false),
        Assigned::New => Event::PersonAssigned,
        Assigned::Changed => Event::PersonChanged,
    };
    let detail = json!({ "actor": occasion.actor.0, "pool": assignment.pool, "active": assignment.active });
    occasion.record(event).person(assignment.person).detail(detail).write(db)?;
    Ok(true)
}

impl Occasion {
    fn record(&self, event: Event) -> Record<'_> {
        Record::at(self.now, event)
    }

    fn detail<T: Serialize>(&self, name: &str, what: &T) -> Result<Value, Broken> {
        let what = serde_json::to_value(what).map_err(|_| row::unreadable("audit", "detail"))?;
        Ok(json!({ "actor": self.actor.0, name: what }))
    }
}
