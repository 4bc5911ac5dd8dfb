//! The embedded store: SQLite in one folder, owned by one process. One writer commits many requests with one fsync; readers
//! work beside it. What is sealed is sealed on the caller's thread, so that the writer only writes.

mod aside;
mod audit;
mod families;
mod folder;
mod grants;
mod held;
mod issuers;
mod logins;
mod persons;
mod readers;
mod registered;
mod registry;
mod restoring;
mod schema;
mod signing_keys;
mod taken_back;
mod upkeep;
mod warnings;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portvakt_crypto::digest::HmacKey;
use portvakt_protocol::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

pub(crate) use self::aside::Aside;
pub(crate) use self::held::Held;
pub(crate) use self::restoring::Restoring;

use self::folder::Folder;
use self::readers::Readers;
use self::writer::Writer;
use crate::issuers::Issuers;
use crate::standing_cache::StandingCache;
use crate::vault::Vault;
use crate::verbs::{Duty, Generation};
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
    standings: StandingCache,
    /// The registry's generation, kept in step by the writer: set between a commit and its answer.
    generation: Arc<AtomicU64>,
}

impl From<rusqlite::Error> for Broken {
    /// SQLite's messages name tables and constraints, never values.
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error.to_string())
    }
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
        let issuers = issuers::load(&db)?;
        let generation: i64 =
            db.query_row("SELECT generation FROM state", [], |row| row.get(0)).map_err(schema::fault)?;
        let readers = Readers::open(&database).map_err(schema::fault)?;
        let writer = Writer::start(db, lock).map_err(|source| OpenFault::Io { path: database, source })?;
        let generation = Arc::new(AtomicU64::new(generation.unsigned_abs()));
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                writer,
                vault,
                issuers,
                generation,
                standings: StandingCache::default(),
            }),
        })
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
    pub(crate) async fn generation(&self) -> Result<Generation, Broken> {
        Ok(self.current())
    }

    /// See [`crate::Store::take_duty`]. The folder is this process's, and so is every duty.
    pub(crate) async fn take_duty(&self, _: Duty, _: Timestamp, _: Timestamp) -> Result<bool, Broken> {
        Ok(true)
    }

    /// See [`crate::Store::current`].
    pub(crate) fn current(&self) -> Generation {
        Generation(self.inner.generation.load(Ordering::Acquire))
    }

    fn standings(&self) -> &StandingCache {
        &self.inner.standings
    }

    fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Broken>) -> Result<T, Broken> {
        self.inner.readers.read(query)
    }

    /// Reads what takes as long as there are rows, on a thread where that may take its time.
    async fn read_long<T, F>(&self, query: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    {
        let store = self.clone();
        let read = tokio::task::spawn_blocking(move || store.inner.readers.read_long(query));
        read.await.unwrap_or_else(|_| Err(Broken::Engine("a read ended without an answer".to_owned())))
    }

    async fn write<T, F>(&self, work: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Broken> + Send + 'static,
    {
        self.inner.writer.write(work).await
    }
}

impl Embedded {
    /// Writes what changes the generation, and answers when this process knows the new one.
    async fn change<T, F>(&self, work: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<(T, Generation), Broken> + Send + 'static,
    {
        let current = Arc::clone(&self.inner.generation);
        let seen = move |(_, generation): &(T, Generation)| current.store(generation.0, Ordering::Release);
        let (done, _) = self.inner.writer.write_then(work, seen).await?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use portvakt_crypto::random::Random;
    use portvakt_protocol::issuer::Issuer;
    use portvakt_protocol::organisation::{OrgNumber, Organisation, Standing};
    use portvakt_protocol::registration::Change;
    use portvakt_protocol::scope::{Scope, ScopeRecord};
    use portvakt_protocol::secret::BrowserSecret;
    use portvakt_protocol::time::Timestamp;

    use super::*;
    use crate::verbs::{Actor, Registered, SweepPolicy};
    use crate::{MasterKey, StoreUrl};

    const NOW: Timestamp = Timestamp::from_unix(1);

    fn open(folder: &Path) -> Embedded {
        let opening = Opening {
            url: StoreUrl::Folder(folder.to_owned()),
            master: MasterKey::draw(&Random::danger_seeded(1)),
            previous_master: None,
            random: Random::danger_seeded(2),
            now: NOW,
        };
        Embedded::open(folder, opening).unwrap()
    }

    #[tokio::test]
    async fn health_shows_a_failed_commit_until_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let now = NOW;
        let store = open(folder.path());
        let probed = || {
            store.read(|db| Ok(db.query_row("SELECT probed_at FROM state", [], |row| row.get::<_, i64>(0))?))
        };
        store.health(now).await.unwrap();
        assert_eq!(probed(), Ok(0), "a healthy store is not written to");
        // A breach that shows only at the commit stands for a disk that refuses it.
        let failing = store.write(|db| {
            db.execute_batch(
                "PRAGMA defer_foreign_keys = ON; INSERT INTO scope VALUES (99, 's', '', NULL, 0, 1, NULL)",
            )?;
            Ok(())
        });
        assert!(matches!(failing.await, Err(Broken::Engine(_))));
        assert!(store.inner.writer.last_commit_failed());
        store.sweep(now, SweepPolicy { audit_retention: None, batch: 10 }).await.unwrap();
        assert!(store.inner.writer.last_commit_failed(), "what finds nothing to sweep shows nothing");
        store.health(now).await.unwrap();
        assert_eq!(probed(), Ok(1), "it was tried out");
        assert!(!store.inner.writer.last_commit_failed());
        // SQLite writes no page whose bytes stay the same, so each probe has a value of its own.
        store.inner.writer.doubt();
        store.health(now).await.unwrap();
        assert_eq!(probed(), Ok(2), "twice in one second");
    }

    #[tokio::test]
    async fn a_long_read_keeps_no_request_and_no_worker_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let issuer = Issuer::parse("https://eid-exttest.difi.no/idporten-oidc-provider/").unwrap();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let long = store.clone();
        let long = std::thread::spawn(move || {
            long.inner.readers.read_long(|_| {
                begun.send(()).unwrap();
                Ok(wait.recv_timeout(std::time::Duration::from_secs(5)).is_ok())
            })
        });
        has_begun.recv().unwrap();
        for _ in 0..10 {
            store.read(|db| Ok(db.query_row("SELECT 1 FROM state", [], |_| Ok(()))?)).unwrap();
        }
        // There is one worker: what waits on it, everything waits for.
        let another = store.clone();
        let another = tokio::spawn(async move { another.registry(&issuer).await });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(!another.is_finished());
        go_on.send(()).unwrap();
        assert!(another.await.unwrap().is_ok());
        assert_eq!(long.join().unwrap(), Ok(true), "it was told to go on before it was tired of waiting");
    }

    #[tokio::test]
    async fn a_logout_with_nothing_to_end_waits_for_no_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let issuer = Issuer::parse("https://eid-exttest.difi.no/idporten-oidc-provider/").unwrap();
        store.number(&issuer).await.unwrap();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let busy = store.clone();
        let busy = tokio::spawn(async move {
            let work = move |_: &Connection| {
                begun.send(()).unwrap();
                Ok(wait.recv_timeout(std::time::Duration::from_secs(5)).is_ok())
            };
            busy.write(work).await
        });
        while has_begun.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        let browsers = [BrowserSecret::draw(&Random::danger_seeded(3)).digest(); 16];
        assert_eq!(store.end_logins(&issuer, &browsers, NOW).await, Ok(0));
        go_on.send(()).unwrap();
        assert_eq!(busy.await.unwrap(), Ok(true), "it was told to go on before it was tired of waiting");
    }

    #[tokio::test]
    async fn what_cannot_be_read_hinders_no_change_to_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let issuer = Issuer::parse("https://eid-exttest.difi.no/idporten-oidc-provider/").unwrap();
        let organisation = Organisation {
            orgno: OrgNumber::parse("991825827").unwrap(),
            name: "Direktoratet".to_owned(),
            terms: None,
            standing: Standing::Active,
        };
        let record = ScopeRecord::open(Scope::parse("skatt:inntekt").unwrap());
        let changes = || {
            vec![
                Change::Organisation { issuer: issuer.clone(), organisation: organisation.clone() },
                Change::Scope { issuer: issuer.clone(), record: record.clone() },
            ]
        };
        let register = async || store.register(changes(), None, Actor("test".to_owned()), NOW).await;
        assert_eq!(register().await, Ok(Registered::Done));
        let breach = |db: &Connection| {
            db.execute_batch(
                "INSERT INTO organisation (issuer, orgno, name, standing) VALUES (1, 'no number', '', 'active');
                 INSERT INTO scope VALUES (1, 'two words', '', NULL, 0, 1, NULL)",
            )?;
            Ok(())
        };
        store.write(breach).await.unwrap();
        assert_eq!(register().await, Ok(Registered::Done), "each change reads its own row alone");
    }
}
