//! Issuers by number: rows carry a small integer in place of the URL, and each issuer has its cache of clients.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use portvakt_protocol::issuer::Issuer;
use rusqlite::Connection;

use super::client_cache::ClientCache;
use super::{Embedded, schema};
use crate::{Broken, OpenFault};

/// An issuer that the store has rows of.
#[derive(Debug)]
pub(super) struct KnownIssuer {
    pub(super) number: i64,
    pub(super) clients: ClientCache,
}

/// All of them. There are as many as are configured: a handful.
#[derive(Clone, Debug)]
pub(super) struct Issuers {
    known: Arc<RwLock<HashMap<Issuer, Arc<KnownIssuer>>>>,
}

impl Issuers {
    pub(super) fn load(db: &Connection) -> Result<Self, OpenFault> {
        let mut select = db.prepare("SELECT id, url FROM issuer").map_err(schema::fault)?;
        let rows =
            select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).map_err(schema::fault)?;
        let mut known = HashMap::new();
        for row in rows {
            let (number, url) = row.map_err(schema::fault)?;
            let issuer =
                Issuer::parse(&url).map_err(|_| OpenFault::Corrupt("an issuer is no URL".to_owned()))?;
            known.insert(issuer, Arc::new(KnownIssuer { number, clients: ClientCache::new() }));
        }
        Ok(Self { known: Arc::new(RwLock::new(known)) })
    }

    fn get(&self, issuer: &Issuer) -> Option<Arc<KnownIssuer>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    fn add(&self, issuer: Issuer, number: i64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(issuer).or_insert_with(|| Arc::new(KnownIssuer { number, clients: ClientCache::new() }));
    }
}

impl Embedded {
    /// The issuer, if anything was ever stored for it. If not, there is nothing of it to find.
    pub(super) fn known(&self, issuer: &Issuer) -> Option<Arc<KnownIssuer>> {
        self.inner.issuers.get(issuer)
    }

    /// The issuer's number, given now if it has none.
    pub(super) async fn number(&self, issuer: &Issuer) -> Result<i64, Broken> {
        if let Some(known) = self.known(issuer) {
            return Ok(known.number);
        }
        let url = issuer.to_string();
        let (issuers, issuer) = (self.inner.issuers.clone(), issuer.clone());
        let give = move |db: &Connection| {
            db.execute("INSERT INTO issuer (url) VALUES (?1) ON CONFLICT DO NOTHING", [&url])?;
            Ok(db.query_row("SELECT id FROM issuer WHERE url = ?1", [&url], |row| row.get(0))?)
        };
        self.inner.writer.write_then(give, move |number| issuers.add(issuer, *number)).await
    }
}
