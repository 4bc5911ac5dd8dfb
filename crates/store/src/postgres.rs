//! The PostgreSQL store: rows on servers that several processes share. Each verb is one statement in one round trip, or one transaction
//! whose statements are sent together; what the statement decides, the server decides, so processes need not know of one another.
//!
//! Nothing that is used once, nothing granted and nothing revoked is kept here: the copies that are, of clients, of where persons stand and
//! of issuers' numbers, are dated (see `freshness`). What became of a write whose answer did not come is found out by its own key (see
//! `outcome`).

mod alone;
mod audit;
mod families;
mod freshness;
mod grants;
mod issuers;
mod leases;
mod logins;
mod outcome;
mod persons;
mod pool;
mod registered;
mod registry;
mod schema;
mod signing_keys;
mod statement;
mod taken_back;
mod upkeep;
mod url;
mod warnings;

use std::sync::Arc;

use portvakt_crypto::digest::HmacKey;
use portvakt_crypto::random::Random;
use portvakt_protocol::time::Timestamp;
use tokio::time::Instant;

pub(crate) use self::alone::{Alone, database};
pub use self::schema::SchemaStatus;
pub(crate) use self::schema::expected_indexes;
pub use self::url::{Pooler, PostgresUrl, PostgresUrlFault};

use self::freshness::Freshness;
use self::pool::Connections;
use crate::issuers::Issuers;
use crate::standing_cache::StandingCache;
use crate::vault::Vault;
use crate::verbs::Generation;
use crate::{Broken, OpenFault, Opening};

/// An open database. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    inner: Arc<Inner>,
    /// What no verb waits beyond, where it is for one request.
    until: Option<Instant>,
}

#[derive(Debug)]
struct Inner {
    connections: Connections,
    vault: Vault,
    issuers: Issuers,
    standings: StandingCache,
    freshness: Freshness,
    random: Random,
    /// What this process is called where it takes a duty.
    holder: [u8; 16],
}

impl Postgres {
    /// See [`crate::Store::open`].
    pub(crate) async fn open(url: &PostgresUrl, opening: Opening) -> Result<Self, OpenFault> {
        let connections = Connections::new(url)?;
        let random = opening.random.clone();
        let vault = schema::bring_up(
            &connections,
            &opening.master,
            opening.previous_master.as_ref(),
            opening.random,
            opening.now,
        )
        .await?;
        let holder = random.bytes();
        let inner = Arc::new(Inner {
            connections,
            vault,
            issuers: Issuers::default(),
            standings: StandingCache::default(),
            freshness: Freshness::new(),
            random,
            holder,
        });
        let store = Self::of(inner);
        store.generation().await.map_err(|broken| OpenFault::Unreachable(broken.to_string()))?;
        tokio::spawn(freshness::follow(Arc::downgrade(&store.inner)));
        Ok(store)
    }

    /// See [`crate::Store::close`].
    pub(crate) async fn close(&self) -> Result<(), Broken> {
        self.connections().close();
        Ok(())
    }

    /// See [`crate::Store::pairwise_key`].
    pub(crate) fn pairwise_key(&self) -> &HmacKey {
        self.inner.vault.pairwise()
    }

    /// See [`crate::Store::current`].
    pub(crate) fn current(&self) -> Option<Generation> {
        self.freshness().current()
    }

    fn standings(&self) -> &StandingCache {
        &self.inner.standings
    }

    /// See [`crate::Store::until`].
    pub(crate) fn until(&self, deadline: Instant) -> Self {
        Self { inner: Arc::clone(&self.inner), until: Some(deadline) }
    }

    fn of(inner: Arc<Inner>) -> Self {
        Self { inner, until: None }
    }

    fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    fn issuers(&self) -> &Issuers {
        &self.inner.issuers
    }

    fn freshness(&self) -> &Freshness {
        &self.inner.freshness
    }

    fn holder(&self) -> &[u8] {
        &self.inner.holder
    }

    /// A mark that no other write has.
    fn new_mark(&self) -> [u8; 16] {
        self.inner.random.bytes()
    }
}

/// How far a database's schema is: `db status`.
///
/// # Errors
/// [`OpenFault`].
pub async fn schema_status(url: &PostgresUrl) -> Result<SchemaStatus, OpenFault> {
    schema::status(url).await
}

/// Brings a database's schema up to date as the role of `url`, and lets `run_role` read and write its rows: `db migrate`. Answers what
/// was applied now, by name.
///
/// # Errors
/// [`OpenFault`].
pub async fn migrate(
    url: &PostgresUrl,
    run_role: Option<&str>,
    now: Timestamp,
) -> Result<Vec<&'static str>, OpenFault> {
    schema::migrate(url, run_role, now).await
}

/// Every statement that a verb sends, by name: for a test that has each of them planned.
#[doc(hidden)]
pub fn statements() -> Vec<(&'static str, &'static str)> {
    statement::every().map(|statement| (statement.name, statement.sql)).collect()
}
