//! Registrations. A register is one transaction: the changes, the record of each, and the generation they make. It holds the one row that
//! says the generation from its beginning, so registers come one after the other, and logins pass by them.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::registration::{Change, taken_back_at};
use portvakt_protocol::time::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::Row;

use super::Postgres;
use super::freshness::BOUND;
use super::outcome::{ATTEMPTS, Cut, Probe, Transaction};
use super::pool::{Param, pipelined};
use super::statement::{Statement, statements};
use crate::Broken;
use crate::audit::Event;
use crate::prepared::{Prepared, TakenBack};
use crate::row;
use crate::verbs::{Actor, Generation, Registered};

statements! {
    HOLD() = "SELECT generation FROM state WHERE sole = 1 FOR UPDATE";
    MOVE_ON(BYTEA, INT8) =
        "WITH marked AS (INSERT INTO written (mark, at) VALUES ($1, $2))
         UPDATE state SET generation = generation + 1 WHERE sole = 1";
    ORGANISATION(INT8, TEXT, TEXT, TEXT, INT8, TEXT, TEXT, INT8, TEXT, TEXT, TEXT) =
        "WITH before AS (
            SELECT 1 FROM organisation WHERE issuer = $1 AND orgno = $2
         ), put AS (
            INSERT INTO organisation (issuer, orgno, name, terms_version, terms_accepted_at, terms_accepted_by, standing)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (issuer, orgno) DO UPDATE SET name = excluded.name, terms_version = excluded.terms_version,
                terms_accepted_at = excluded.terms_accepted_at, terms_accepted_by = excluded.terms_accepted_by,
                standing = excluded.standing
            WHERE organisation.name IS DISTINCT FROM excluded.name
               OR organisation.terms_version IS DISTINCT FROM excluded.terms_version
               OR organisation.terms_accepted_at IS DISTINCT FROM excluded.terms_accepted_at
               OR organisation.terms_accepted_by IS DISTINCT FROM excluded.terms_accepted_by
               OR organisation.standing IS DISTINCT FROM excluded.standing
            RETURNING 1
         ), record AS (
            INSERT INTO audit (at, issuer, event, detail)
            SELECT $8, $1, CASE WHEN EXISTS (SELECT 1 FROM before) THEN $10 ELSE $9 END, $11 FROM put
         )
         SELECT EXISTS (SELECT 1 FROM before) FROM put";
    SCOPE(INT8, TEXT, TEXT, TEXT, INT8, BOOL, INT8, TEXT, TEXT, TEXT, TEXT) =
        "WITH before AS (
            SELECT 1 FROM scope WHERE issuer = $1 AND scope = $2
         ), put AS (
            INSERT INTO scope (issuer, scope, description, token_type, at_max_age, active, record)
            VALUES ($1, $2, $3, $4, $5, $6, $11)
            ON CONFLICT (issuer, scope) DO UPDATE SET description = excluded.description, token_type = excluded.token_type,
                at_max_age = excluded.at_max_age, active = excluded.active, record = excluded.record
            WHERE scope.record IS DISTINCT FROM excluded.record
            RETURNING 1
         ), record AS (
            INSERT INTO audit (at, issuer, event, detail)
            SELECT $7, $1, CASE WHEN EXISTS (SELECT 1 FROM before) THEN $9 ELSE $8 END, $10 FROM put
         )
         SELECT EXISTS (SELECT 1 FROM before) FROM put";
    /// Clients were judged by what was said before, or by its absence: whatever this changes, others may have copies.
    SCOPE_ACCESS(INT8, TEXT, TEXT, TEXT, INT8, TEXT, TEXT) =
        "WITH put AS (
            INSERT INTO scope_access (issuer, scope, consumer_orgno, state, created, last_updated)
            VALUES ($1, $2, $3, $4, $5, $5)
            ON CONFLICT (issuer, scope, consumer_orgno) DO UPDATE SET state = excluded.state,
                last_updated = excluded.last_updated
            WHERE scope_access.state <> excluded.state
            RETURNING 1
         ), record AS (
            INSERT INTO audit (at, issuer, event, detail) SELECT $5, $1, $6, $7 FROM put
         )
         SELECT TRUE FROM put";
    /// As for access: every client is a copy of what was taken back of it.
    NOT_BEFORE(INT8, TEXT, BYTEA, INT8, INT8, TEXT, TEXT, BYTEA, TEXT) =
        "WITH put AS (
            INSERT INTO not_before (issuer, kind, subject, at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (issuer, kind, subject) DO UPDATE SET at = excluded.at WHERE not_before.at < excluded.at
            RETURNING 1
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, person, detail) SELECT $5, $1, $6, $7, $8, $9 FROM put
         )
         SELECT TRUE FROM put";
    CLIENT(INT8, TEXT, TEXT, TEXT, BOOL, INT8, TEXT, TEXT, TEXT) =
        "WITH before AS (
            SELECT registration FROM client WHERE issuer = $1 AND client_id = $2
         ), put AS (
            INSERT INTO client (issuer, client_id, orgno, registration, active, created, last_updated)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            ON CONFLICT (issuer, client_id) DO UPDATE SET orgno = excluded.orgno, registration = excluded.registration,
                active = excluded.active, last_updated = excluded.last_updated
            WHERE client.registration IS DISTINCT FROM excluded.registration OR client.active IS DISTINCT FROM excluded.active
            RETURNING 1
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, detail)
            SELECT $6, $1, CASE WHEN EXISTS (SELECT 1 FROM before) THEN $8 ELSE $7 END, $2, $9 FROM put
         )
         SELECT EXISTS (SELECT 1 FROM before), (SELECT registration FROM before) FROM put";
    SECRET(INT8, TEXT, BYTEA, INT8, INT8, INT8, TEXT, TEXT) =
        "WITH shortened AS (
            UPDATE client_secret SET expires = $5
            WHERE issuer = $1 AND client_id = $2 AND digest <> $3 AND expires > $5
            RETURNING 1
         ), stored AS (
            INSERT INTO client_secret (issuer, client_id, digest, expires) VALUES ($1, $2, $3, $4)
            ON CONFLICT (issuer, client_id, digest) DO UPDATE SET expires = excluded.expires
            WHERE client_secret.expires <> excluded.expires
            RETURNING 1
         ), done AS (
            SELECT (SELECT count(*) FROM shortened) AS shortened, (SELECT count(*) FROM stored) AS stored
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, detail)
            SELECT $6, $1, $7, $2, $8 FROM done WHERE shortened + stored > 0
         )
         SELECT shortened > 0 FROM done WHERE shortened + stored > 0";
    END_SECRETS(INT8, TEXT, INT8, INT8, TEXT, TEXT) =
        "WITH ended AS (
            UPDATE client_secret SET expires = $3 WHERE issuer = $1 AND client_id = $2 AND expires > $3 RETURNING 1
         ), counted AS (
            SELECT count(*) AS secrets FROM ended
         ), record AS (
            INSERT INTO audit (at, issuer, event, client_id, detail)
            SELECT $4, $1, $5, $2, $6 || CAST(secrets AS TEXT) || '}' FROM counted WHERE secrets > 0
         )
         SELECT TRUE FROM counted WHERE secrets > 0";
    PERSON(TEXT, BYTEA, BYTEA, BOOL, INT8, TEXT, TEXT, TEXT) =
        "WITH before AS (
            SELECT 1 FROM person WHERE pool = $1 AND person = $2
         ), put AS (
            INSERT INTO person (pool, person, pid_sealed, active) VALUES ($1, $2, $3, $4)
            ON CONFLICT (pool, person) DO UPDATE SET active = excluded.active WHERE person.active <> excluded.active
            RETURNING 1
         ), record AS (
            INSERT INTO audit (at, event, person, detail)
            SELECT $5, CASE WHEN EXISTS (SELECT 1 FROM before) THEN $7 ELSE $6 END, $2, $8 FROM put
         )
         SELECT EXISTS (SELECT 1 FROM before) FROM put";
}

/// What changes did.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// Something is not as it was.
    changed: bool,
    /// Something that was there already: others may have copies.
    altered: bool,
}

/// How many changes are under way on the connection at once.
const PIPELINED: usize = 64;

impl Postgres {
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
        // What was begun is finished, whether or not its caller still waits: a connection is never left in the middle.
        let store = self.clone();
        let registering = tokio::spawn(async move { store.transact(&prepared, expected, &actor, now).await });
        let ended =
            registering.await.map_err(|_| Broken::Unknown("a registration ended early".to_owned()))?;
        let (registered, done) = ended?;
        if done.altered {
            // Until now another process may use its copy of what was.
            tokio::time::sleep(BOUND).await;
        }
        Ok(registered)
    }

    async fn transact(
        &self,
        changes: &[Prepared],
        expected: Option<Generation>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(Registered, Done), Broken> {
        let mark = self.new_mark();
        let mut left = ATTEMPTS;
        let ended = loop {
            match self.attempt(changes, expected, (actor, now), &mark).await {
                Ok(ended) => break ended,
                // Nobody was told what it changed, so others may have copies of that.
                Err(cut) if self.after(&cut, &mut left, Probe::Mark(&mark)).await? => {
                    break (Registered::Done, Done { changed: true, altered: true });
                }
                Err(_) => {}
            }
        };
        // This process need not wait to be told of its own change. That it cannot ask now changes nothing: its copies grow old.
        let _ = self.generation().await;
        Ok(ended)
    }

    async fn attempt(
        &self,
        changes: &[Prepared],
        expected: Option<Generation>,
        (actor, now): (&Actor, Timestamp),
        mark: &[u8; 16],
    ) -> Result<(Registered, Done), Cut> {
        let mut done = Done::default();
        let transaction = self.begin(STATEMENTS).await?;
        let held = transaction.query(&HOLD, &[]).await?;
        let before: i64 = held.first().map_or(Ok(0), |row| row.try_get(0))?;
        if expected.is_some_and(|expected| expected.0 != before.unsigned_abs()) {
            transaction.commit().await?;
            return Ok((Registered::Conflict, done));
        }
        for bunch in changes.chunks(PIPELINED) {
            let sent = bunch.iter().map(|change| change.write(&transaction, actor, now)).collect();
            for one in pipelined(sent).await {
                let one = one?;
                done.changed |= one.changed;
                done.altered |= one.altered;
            }
        }
        if done.changed {
            transaction.query(&MOVE_ON, &[&mark.as_slice(), &now.unix()]).await?;
        }
        transaction.commit().await?;
        Ok((Registered::Done, done))
    }
}

impl Prepared {
    /// Sends the change's statement.
    async fn write(&self, to: &Transaction, actor: &Actor, now: Timestamp) -> Result<Done, Cut> {
        let at = now.unix();
        match self {
            Self::Organisation { issuer, organisation } => {
                let terms = organisation.terms.as_ref();
                let params: [Param<'_>; 11] = [
                    issuer,
                    &organisation.orgno.as_str(),
                    &organisation.name,
                    &terms.map(|accepted| accepted.version.as_str()),
                    &terms.map(|accepted| accepted.accepted_at.unix()),
                    &terms.map(|accepted| accepted.accepted_by.as_str()),
                    &row::standing_word(organisation.standing),
                    &at,
                    &Event::OrganisationRegistered.as_str(),
                    &Event::OrganisationChanged.as_str(),
                    &detail(actor, "organisation", organisation),
                ];
                send(to, &ORGANISATION, &params).await
            }
            Self::Scope { issuer, record, text } => {
                let params: [Param<'_>; 11] = [
                    issuer,
                    &record.scope.as_str(),
                    &record.description,
                    &record.token_type.map(row::token_type_word),
                    &i64::from(record.at_max_age.get()),
                    &record.active,
                    &at,
                    &Event::ScopeRegistered.as_str(),
                    &Event::ScopeChanged.as_str(),
                    &detail(actor, "scope", record),
                    text,
                ];
                send(to, &SCOPE, &params).await
            }
            Self::ScopeAccess { issuer, access } => {
                let params: [Param<'_>; 7] = [
                    issuer,
                    &access.scope.as_str(),
                    &access.consumer_orgno.as_str(),
                    &access.state.as_str(),
                    &at,
                    &Event::ScopeAccessChanged.as_str(),
                    &detail(actor, "access", access),
                ];
                send(to, &SCOPE_ACCESS, &params).await
            }
            Self::NotBefore { issuer, taken, at: not_before } => {
                take_back(to, *issuer, taken, *not_before, (actor, now)).await
            }
            Self::Client { issuer, registration, text, active } => {
                let mut told = detail_of(actor, "registration", registration);
                if let Some(members) = told.as_object_mut() {
                    members.insert("active".to_owned(), Value::Bool(*active));
                }
                let params: [Param<'_>; 9] = [
                    issuer,
                    &registration.client_id.as_str(),
                    &registration.client_orgno.as_str(),
                    text,
                    active,
                    &at,
                    &Event::ClientRegistered.as_str(),
                    &Event::ClientChanged.as_str(),
                    &told.to_string(),
                ];
                let rows = to.query(&CLIENT, &params).await?;
                let before = rows.first().map(|row| row.try_get::<_, Option<&str>>(1)).transpose()?.flatten();
                // One that cannot be read may have been anybody's.
                let moved =
                    |before| row::registration(before).map_or(true, |before| registration.has_moved(&before));
                if before.is_some_and(moved) {
                    let taken = TakenBack::Client(registration.client_id.clone());
                    take_back(to, *issuer, &taken, taken_back_at(now), (actor, now)).await?;
                }
                done(&rows)
            }
            Self::Secret { issuer, secret } => {
                let told = json!({
                    "actor": actor.0,
                    "expires": secret.expires.unix(),
                    "others_expire": secret.others_expire.unix(),
                });
                let params: [Param<'_>; 8] = [
                    issuer,
                    &secret.client_id.as_str(),
                    &secret.digest.as_bytes().as_slice(),
                    &secret.expires.unix(),
                    &secret.others_expire.unix(),
                    &at,
                    &Event::ClientSecretAdded.as_str(),
                    &told.to_string(),
                ];
                send(to, &SECRET, &params).await
            }
            Self::EndSecrets { issuer, client_id, at: end } => {
                let mut told = json!({ "actor": actor.0, "at": end.unix() }).to_string();
                // The statement counts, and closes the object.
                told.pop();
                told.push_str(",\"secrets\":");
                let params: [Param<'_>; 6] = [
                    issuer,
                    &client_id.as_str(),
                    &end.unix(),
                    &at,
                    &Event::ClientSecretsEnded.as_str(),
                    &told,
                ];
                send(to, &END_SECRETS, &params).await
            }
            Self::Person(assignment) => {
                let told = json!({ "actor": actor.0, "pool": assignment.pool, "active": assignment.active });
                let params: [Param<'_>; 8] = [
                    &assignment.pool,
                    &assignment.person.as_bytes().as_slice(),
                    &assignment.pid_sealed,
                    &assignment.active,
                    &at,
                    &Event::PersonAssigned.as_str(),
                    &Event::PersonChanged.as_str(),
                    &told.to_string(),
                ];
                send(to, &PERSON, &params).await
            }
        }
    }
}

async fn take_back(
    to: &Transaction,
    issuer: i64,
    taken: &TakenBack,
    not_before: Timestamp,
    (actor, now): (&Actor, Timestamp),
) -> Result<Done, Cut> {
    let ((kind, subject), (client_id, person)) = (taken.key(), taken.columns());
    let person = person.as_ref().map(|person| person.as_bytes().as_slice());
    let told = taken.detail(actor, not_before).to_string();
    let (not_before, at, event) = (not_before.unix(), now.unix(), Event::TakenBack.as_str());
    let params: [Param<'_>; 9] =
        [&issuer, &kind, &subject, &not_before, &at, &event, &client_id, &person, &told];
    send(to, &NOT_BEFORE, &params).await
}

/// Sends a change.
async fn send(to: &Transaction, statement: &Statement, params: &[Param<'_>]) -> Result<Done, Cut> {
    done(&to.query(statement, params).await?)
}

/// What a change did. Its statement returns a row if it changed anything, which says whether something was there before.
fn done(rows: &[Row]) -> Result<Done, Cut> {
    let altered = rows.first().map(|row| row.try_get::<_, bool>(0)).transpose()?;
    Ok(Done { changed: altered.is_some(), altered: altered == Some(true) })
}

fn detail(actor: &Actor, name: &'static str, value: &impl serde::Serialize) -> String {
    detail_of(actor, name, value).to_string()
}

fn detail_of(actor: &Actor, name: &'static str, value: &impl serde::Serialize) -> Value {
    json!({ "actor": actor.0, name: value })
}
