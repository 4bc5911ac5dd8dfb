//! Signing keys: the private part sealed and bound to issuer and `kid`, the rest in plain. Whoever changes keys
//! holds the row that says the generation, as a registration does, so of two at once one sees what the other did.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use serde_json::json;

use super::Postgres;
use super::audit::RECORD;
use super::freshness::BOUND;
use super::outcome::{ATTEMPTS, Cut, Probe, Transaction};
use super::pool::Param;
use super::statement::{Statement, statements};
use crate::Broken;
use crate::audit::Event;
use crate::row;
use crate::sealed::SealedSigningKey;
use crate::verbs::{Actor, Generation, Registered, StoredKey};

statements! {
    SHOWN(INT8, INT8) =
        "SELECT kid, private_sealed, chain, published, signs_from, signs_until, removed FROM signing_key
         WHERE issuer = $1 AND published <= $2 AND (removed IS NULL OR removed > $2) ORDER BY signs_from, published, kid";
    HOLD() = "SELECT generation FROM state WHERE sole = 1 FOR UPDATE";
    FIRST(INT8, INT8) =
        "SELECT min(published) FROM signing_key WHERE issuer = $1 AND (removed IS NULL OR removed > $2)";
    INSERT(INT8, TEXT, BYTEA, BYTEA, INT8, INT8, INT8, INT8) =
        "INSERT INTO signing_key (issuer, kid, private_sealed, chain, published, signs_from, signs_until, removed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    END_OLDER(INT8, INT8, INT8) =
        "UPDATE signing_key
         SET signs_until = least(coalesce(signs_until, $2), $2), removed = least(coalesce(removed, $3), $3)
         WHERE issuer = $1";
    MOVE_ON() = "UPDATE state SET generation = generation + 1 WHERE sole = 1";
    STORED(INT8, TEXT, BYTEA) =
        "SELECT 1 FROM signing_key WHERE issuer = $1 AND kid = $2 AND private_sealed = $3";
}

/// What a change of keys sends: its own statements and the audit's.
const SENT: &[&Statement] = &[&HOLD, &FIRST, &INSERT, &END_OLDER, &MOVE_ON, RECORD];

/// What came of storing a first key.
enum First {
    Stored,
    NotNeeded,
    Early(Timestamp),
}

impl Postgres {
    /// See [`crate::Store::signing_keys`].
    pub(crate) async fn signing_keys(
        &self,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Vec<StoredKey>, Broken> {
        let Some(known) = self.known(issuer).await? else { return Ok(Vec::new()) };
        let mut keys = Vec::new();
        for row in self.read(&SHOWN, &[&known.number, &now.unix()]).await? {
            let sealed = SealedSigningKey {
                issuer: known.number,
                kid: row.try_get(0)?,
                private_sealed: row.try_get(1)?,
                chain: row.try_get(2)?,
                published: Timestamp::from_unix(row.try_get(3)?),
                signs_from: Timestamp::from_unix(row.try_get(4)?),
                signs_until: row::instant(row.try_get(5)?),
                removed: row::instant(row.try_get(6)?),
            };
            keys.push(self.vault().open_signing_key(issuer, sealed)?);
        }
        Ok(keys)
    }

    /// See [`crate::Store::add_signing_key`].
    pub(crate) async fn add_signing_key(
        &self,
        issuer: &Issuer,
        key: StoredKey,
        now: Timestamp,
    ) -> Result<bool, Broken> {
        let number = self.number(issuer).await?;
        let key = self.vault().seal_signing_key(number, issuer, key);
        let params: [Param<'_>; 3] = [&number, &key.kid, &key.private_sealed];
        let mut left = ATTEMPTS;
        let first = loop {
            match self.attempt_first(&key, now).await {
                Ok(first) => break first,
                Err(cut) if self.after(&cut, &mut left, Probe::Key(&STORED, &params)).await? => {
                    break First::Stored;
                }
                Err(_) => {}
            }
        };
        match first {
            First::Stored => Ok(true),
            First::NotNeeded => Ok(false),
            First::Early(published) => Err(Broken::ClockBehind { published }),
        }
    }

    async fn attempt_first(&self, key: &SealedSigningKey, now: Timestamp) -> Result<First, Cut> {
        let transaction = self.begin(SENT).await?;
        transaction.query(&HOLD, &[]).await?;
        let first = transaction.query(&FIRST, &[&key.issuer, &now.unix()]).await?;
        let first: Option<i64> = first.first().map_or(Ok(None), |row| row.try_get(0))?;
        let answer = match row::instant(first) {
            None => {
                let detail = json!({ "kid": key.kid, "signs_from": key.signs_from.unix() });
                key.store(&transaction, Event::KeyPublished, &detail.to_string(), now).await?;
                First::Stored
            }
            Some(published) if published > now => First::Early(published),
            Some(_) => First::NotNeeded,
        };
        transaction.commit().await?;
        Ok(answer)
    }

    /// See [`crate::Store::rotate_signing_key`].
    pub(crate) async fn rotate_signing_key(
        &self,
        issuer: &Issuer,
        new: StoredKey,
        previous_removed: Timestamp,
        expected: Option<Generation>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Registered, Broken> {
        let number = self.number(issuer).await?;
        let key = self.vault().seal_signing_key(number, issuer, new);
        let params: [Param<'_>; 3] = [&number, &key.kid, &key.private_sealed];
        let mut left = ATTEMPTS;
        loop {
            match self.attempt_next(&key, previous_removed, expected, actor, now).await {
                Ok(Registered::Done) => break,
                Ok(Registered::Conflict) => return Ok(Registered::Conflict),
                Err(cut) if self.after(&cut, &mut left, Probe::Key(&STORED, &params)).await? => break,
                Err(_) => {}
            }
        }
        // That this process cannot ask now changes nothing: its copies grow old.
        let _ = self.generation().await;
        // Until now another process may sign with a key that this has stopped.
        tokio::time::sleep(BOUND).await;
        Ok(Registered::Done)
    }

    async fn attempt_next(
        &self,
        key: &SealedSigningKey,
        previous_removed: Timestamp,
        expected: Option<Generation>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Registered, Cut> {
        let detail = json!({
            "actor": actor.0,
            "kid": key.kid,
            "signs_from": key.signs_from.unix(),
            "previous_removed": previous_removed.unix(),
        });
        let transaction = self.begin(SENT).await?;
        let held = transaction.query(&HOLD, &[]).await?;
        let held = held.first().map_or(Ok(None), |row| row.try_get::<_, i64>(0).map(Some))?;
        if expected.is_some_and(|expected| held.map(i64::unsigned_abs) != Some(expected.0)) {
            transaction.commit().await?;
            return Ok(Registered::Conflict);
        }
        let (until, removed) = (key.signs_from.unix(), previous_removed.unix());
        transaction.query(&END_OLDER, &[&key.issuer, &until, &removed]).await?;
        key.store(&transaction, Event::KeyRotated, &detail.to_string(), now).await?;
        transaction.commit().await?;
        Ok(Registered::Done)
    }
}

impl SealedSigningKey {
    /// Sends the key's row, the record of it, and the generation that it makes.
    async fn store(&self, to: &Transaction, event: Event, detail: &str, now: Timestamp) -> Result<(), Cut> {
        let params: [Param<'_>; 8] = [
            &self.issuer,
            &self.kid,
            &self.private_sealed,
            &self.chain,
            &self.published.unix(),
            &self.signs_from.unix(),
            &self.signs_until.map(Timestamp::unix),
            &self.removed.map(Timestamp::unix),
        ];
        to.query(&INSERT, &params).await?;
        to.query(RECORD, &[&now.unix(), &self.issuer, &event.as_str(), &detail]).await?;
        to.query(&MOVE_ON, &[]).await?;
        Ok(())
    }
}
