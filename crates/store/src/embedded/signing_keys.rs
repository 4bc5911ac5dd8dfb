//! Signing keys: the private part sealed and bound to issuer and `kid`, the rest in plain.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, params};
use serde_json::json;

use super::Embedded;
use super::registered::{generation, move_on};
use crate::Broken;
use crate::audit::{Event, Record};
use crate::row;
use crate::sealed::SealedSigningKey;
use crate::verbs::{Actor, Generation, Registered, StoredKey};

impl Embedded {
    /// See [`crate::Store::signing_keys`].
    pub(crate) async fn signing_keys(
        &self,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Vec<StoredKey>, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(Vec::new()) };
        self.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT kid, private_sealed, chain, published, signs_from, signs_until, removed FROM signing_key
                 WHERE issuer = ?1 AND published <= ?2 AND (removed IS NULL OR removed > ?2) ORDER BY signs_from, published, kid",
            )?;
            let mut rows = select.query(params![known.number, now.unix()])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                let sealed = SealedSigningKey {
                    issuer: known.number,
                    kid: row.get(0)?,
                    private_sealed: row.get(1)?,
                    chain: row.get(2)?,
                    published: Timestamp::from_unix(row.get(3)?),
                    signs_from: Timestamp::from_unix(row.get(4)?),
                    signs_until: row::instant(row.get(5)?),
                    removed: row::instant(row.get(6)?),
                };
                keys.push(self.vault().open_signing_key(issuer, sealed)?);
            }
            Ok(keys)
        })
    }

    /// See [`crate::Store::add_signing_key`].
    pub(crate) async fn add_signing_key(
        &self,
        issuer: &Issuer,
        key: StoredKey,
        now: Timestamp,
    ) -> Result<bool, Broken> {
        let key = self.seal_key(issuer, key).await?;
        self.change(move |db| {
            let first: Option<i64> = db
                .prepare_cached(
                    "SELECT min(published) FROM signing_key WHERE issuer = ?1 AND (removed IS NULL OR removed > ?2)",
                )?
                .query_row(params![key.issuer, now.unix()], |row| row.get(0))?;
            match row::instant(first) {
                None => {}
                Some(published) if published > now => return Err(Broken::ClockBehind { published }),
                Some(_) => return Ok((false, generation(db)?)),
            }
            key.insert(db)?;
            key.record(
                Event::KeyPublished,
                now,
                json!({ "kid": key.kid, "signs_from": key.signs_from.unix() }),
                db,
            )?;
            Ok((true, move_on(db)?))
        })
        .await
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
        let key = self.seal_key(issuer, new).await?;
        let actor = actor.0.clone();
        self.change(move |db| {
            let current = generation(db)?;
            if expected.is_some_and(|expected| expected != current) {
                return Ok((Registered::Conflict, current));
            }
            // min() of two arguments is NULL if one is, so what has no end yet is given the new one first.
            db.prepare_cached(
                "UPDATE signing_key
                 SET signs_until = min(coalesce(signs_until, ?2), ?2), removed = min(coalesce(removed, ?3), ?3)
                 WHERE issuer = ?1",
            )?
            .execute(params![key.issuer, key.signs_from.unix(), previous_removed.unix()])?;
            key.insert(db)?;
            let detail = json!({
                "actor": actor,
                "kid": key.kid,
                "signs_from": key.signs_from.unix(),
                "previous_removed": previous_removed.unix(),
            });
            key.record(Event::KeyRotated, now, detail, db)?;
            Ok((Registered::Done, move_on(db)?))
        })
        .await
    }

    async fn seal_key(&self, issuer: &Issuer, key: StoredKey) -> Result<SealedSigningKey, Broken> {
        let number = self.number(issuer).await?;
        Ok(self.vault().seal_signing_key(number, issuer, key))
    }
}

impl SealedSigningKey {
    fn insert(&self, db: &Connection) -> Result<(), Broken> {
        db.prepare_cached(
            "INSERT INTO signing_key (issuer, kid, private_sealed, chain, published, signs_from, signs_until, removed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            self.issuer,
            self.kid,
            self.private_sealed,
            self.chain,
            self.published.unix(),
            self.signs_from.unix(),
            self.signs_until.map(Timestamp::unix),
            self.removed.map(Timestamp::unix),
        ])?;
        Ok(())
    }

    fn record(
        &self,
        event: Event,
        now: Timestamp,
        detail: serde_json::Value,
        db: &Connection,
    ) -> Result<(), Broken> {
        Record::at(now, event).issuer(self.issuer).detail(detail).write(db)
    }
}
