//! Issuers by number: rows carry a small integer in place of the URL, and each issuer has its cache of clients.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use portvakt_protocol::issuer::Issuer;

use crate::client_cache::ClientCache;

/// An issuer that the store has rows of.
#[derive(Debug)]
pub(crate) struct KnownIssuer {
    pub(crate) number: i64,
    pub(crate) clients: ClientCache,
}

/// All of them. There are as many as are configured: a handful.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issuers {
    known: Arc<RwLock<HashMap<Issuer, Arc<KnownIssuer>>>>,
}

impl Issuers {
    /// The issuer, if its number was added.
    pub(crate) fn get(&self, issuer: &Issuer) -> Option<Arc<KnownIssuer>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    /// Remembers an issuer's number. Numbers are given once, so whoever adds first is right.
    pub(crate) fn add(&self, issuer: Issuer, number: i64) -> Arc<KnownIssuer> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(KnownIssuer { number, clients: ClientCache::new() });
        Arc::clone(known.entry(issuer).or_insert_with(new))
    }
}
