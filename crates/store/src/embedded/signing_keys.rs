//! Signing keys: the private part sealed and bound to issuer and `kid`, the rest in plain.

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, params};
use serde_json::json;

use super::audit::{Event, Record};
use super::{Embedded, row};
use crate::Broken;
use crate::vault::Column;
use crate::verbs::{Actor, StoredKey};

const TABLE: &str = "signing_key";
const PRIVATE: Column = Column { table: TABLE, column: "private_sealed" };

/// A key on the way to its row: sealed already, and without its private part in the open.
#[derive(Debug)]
struct SealedKey {
    issuer: i64,
    kid: String,
    private_sealed: Vec<u8>,
    chain: Vec<u8>,
    published: Timestamp,
    signs_from: Timestamp,
    signs_until: Option<Timestamp>,
    removed: Option<Timestamp>,
}

impl Embedded {
    /// See [`crate::Store::signing_keys`].
    pub(crate) fn signing_keys(&self, issuer: &Issuer, now: Timestamp) -> Result<Vec<StoredKey>, Broken> {
        let Some(known) = self.known(issuer) else { return Ok(Vec::new()) };
        self.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT kid, private_sealed, chain, published, signs_from, signs_until, removed FROM signing_key
                 WHERE issuer = ?1 AND published <= ?2 AND (removed IS NULL OR removed > ?2) ORDER BY signs_from, published, kid",
            )?;
            let mut rows = select.query(params![known.number, now.unix()])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                let (kid, sealed, chain): (String, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                keys.push(StoredKey {
                    pkcs8: self.vault().open(PRIVATE, &[issuer.as_str().as_bytes(), kid.as_bytes()], &sealed)?,
                    kid,
                    chain: split(&chain).ok_or_else(|| row::unreadable(TABLE, "chain"))?,
                    published: Timestamp::from_unix(row.get(3)?),
                    signs_from: Timestamp::from_unix(row.get(4)?),
                    signs_until: row::instant(row.get(5)?),
                    removed: row::instant(row.get(6)?),
                });
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
        self.write(move |db| {
            let first: Option<i64> = db
                .prepare_cached(
                    "SELECT min(published) FROM signing_key WHERE issuer = ?1 AND (removed IS NULL OR removed > ?2)",
                )?
                .query_row(params![key.issuer, now.unix()], |row| row.get(0))?;
            match row::instant(first) {
                None => {}
                Some(published) if published > now => return Err(Broken::ClockBehind { published }),
                Some(_) => return Ok(false),
            }
            key.insert(db)?;
            key.record(
                Event::KeyPublished,
                now,
                json!({ "kid": key.kid, "signs_from": key.signs_from.unix() }),
                db,
            )?;
            Ok(true)
        })
        .await
    }

    /// See [`crate::Store::rotate_signing_key`].
    pub(crate) async fn rotate_signing_key(
        &self,
        issuer: &Issuer,
        new: StoredKey,
        previous_removed: Timestamp,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let key = self.seal_key(issuer, new).await?;
        let actor = actor.0.clone();
        self.write(move |db| {
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
            key.record(Event::KeyRotated, now, detail, db)
        })
        .await
    }

    async fn seal_key(&self, issuer: &Issuer, key: StoredKey) -> Result<SealedKey, Broken> {
        let number = self.number(issuer).await?;
        let bound: [&[u8]; 2] = [issuer.as_str().as_bytes(), key.kid.as_bytes()];
        Ok(SealedKey {
            issuer: number,
            private_sealed: self.vault().seal(PRIVATE, &bound, &key.pkcs8),
            chain: join(&key.chain),
            kid: key.kid,
            published: key.published,
            signs_from: key.signs_from,
            signs_until: key.signs_until,
            removed: key.removed,
        })
    }
}

impl SealedKey {
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

/// A chain as one value: each certificate preceded by its length, 32 bits.
fn join(chain: &[Vec<u8>]) -> Vec<u8> {
    let mut joined = Vec::new();
    for der in chain {
        joined.extend_from_slice(&u32::try_from(der.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(der);
    }
    joined
}

/// The chain that [`join`] joined; `None` if it is cut short.
fn split(mut joined: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut chain = Vec::new();
    while !joined.is_empty() {
        let (length, rest) = joined.split_first_chunk::<4>()?;
        let (der, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        chain.push(der.to_vec());
        joined = rest;
    }
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_cut_short_is_none() {
        let chain = vec![b"own".to_vec(), b"issuing".to_vec()];
        let joined = join(&chain);
        for length in (1..joined.len()).filter(|length| *length != 7) {
            assert_eq!(split(&joined[..length]), None, "{length} bytes");
        }
        assert_eq!(split(&joined), Some(chain));
        assert_eq!(split(&[]), Some(vec![]));
    }
}
