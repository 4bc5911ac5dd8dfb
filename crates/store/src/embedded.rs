//! The embedded store: SQLite in one folder, owned by one process. One writer commits many requests with one fsync; readers
//! work beside it. What is sealed is sealed on the caller's thread, so that the writer only writes.

mod audit;
mod client_cache;
mod folder;
mod grants;
mod issuers;
mod logins;
mod persons;
mod readers;
mod registered;
mod registry;
mod row;
mod schema;
mod signing_keys;
mod upkeep;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portvakt_crypto::digest::HmacKey;
use rusqlite::{Connection, OpenFlags};

use self::folder::Folder;
use self::issuers::Issuers;
use self::readers::Readers;
use self::writer::Writer;
use crate::vault::Vault;
use crate::verbs::Generation;
use crate::{Broken, OpenFault, Opening};

/// An open folder. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Embedded {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: Readers,
    writer: Writer,
    vault: Vault,
    issuers: Issuers,
    /// The registry's generation, kept in step by the writer: set between a commit and its answer.
    generation: Arc<AtomicU64>,
}

impl Embedded {
    /// See [`crate::Store::open`].
    pub(crate) fn open(folder: &Path, opening: Opening) -> Result<Self, OpenFault> {
        let Folder { database, lock } = Folder::take(folder)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(&database, flags).map_err(schema::fault)?;
        schema::settle(&db, schema::WRITER_CACHE_KIB).map_err(schema::fault)?;
        let vault = schema::bring_up(
            &mut db,
            &opening.master,
            opening.previous_master.as_ref(),
            opening.random,
            opening.now,
        )?;
        let issuers = Issuers::load(&db)?;
        let generation: i64 =
            db.query_row("SELECT generation FROM state", [], |row| row.get(0)).map_err(schema::fault)?;
        let readers = Readers::open(&database).map_err(schema::fault)?;
        let writer = Writer::start(db, lock).map_err(|source| OpenFault::Io { path: database, source })?;
        let generation = Arc::new(AtomicU64::new(generation.unsigned_abs()));
        Ok(Self { inner: Arc::new(Inner { readers, writer, vault, issuers, generation }) })
    }

    /// See [`crate::Store::close`].
    pub(crate) async fn close(&self) -> Result<(), Broken> {
        self.inner.readers.close();
        self.inner.writer.close().await
    }

    /// See [`crate::Store::pairwise_key`].
    pub(crate) fn pairwise_key(&self) -> &HmacKey {
        self.inner.vault.pairwise()
    }

    /// See [`crate::Store::generation`].
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.inner.generation.load(Ordering::Acquire))
    }

    fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Broken>) -> Result<T, Broken> {
        self.inner.readers.read(query)
    }

    async fn write<T, F>(&self, work: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    {
        self.inner.writer.write(work).await
    }
}

#[cfg(test)]
mod tests {
    use portvakt_crypto::random::Random;
    use portvakt_protocol::time::Timestamp;

    use super::*;
    use crate::{MasterKey, StoreUrl};

    #[tokio::test]
    async fn health_shows_a_failed_commit_until_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_unix(1);
        let opening = Opening {
            url: StoreUrl::Folder(folder.path().to_owned()),
            master: MasterKey::draw(&Random::danger_seeded(1)),
            previous_master: None,
            random: Random::danger_seeded(2),
            now,
        };
        let store = Embedded::open(folder.path(), opening).unwrap();
        let probed = || {
            store.read(|db| Ok(db.query_row("SELECT probed_at FROM state", [], |row| row.get::<_, i64>(0))?))
        };
        store.health(now).await.unwrap();
        assert_eq!(probed(), Ok(0), "a healthy store is not written to");
        // A breach that shows only at the commit stands for a disk that refuses it.
        let failing = store.write(|db| {
            db.execute_batch(
                "PRAGMA defer_foreign_keys = ON; INSERT INTO scope VALUES (99, 's', '', NULL, 0, 1)",
            )?;
            Ok(())
        });
        assert!(matches!(failing.await, Err(Broken::Engine(_))));
        assert!(store.inner.writer.last_commit_failed());
        store.health(now).await.unwrap();
        assert_eq!(probed(), Ok(1), "it was tried out");
        assert!(!store.inner.writer.last_commit_failed());
    }
}
