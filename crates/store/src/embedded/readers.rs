//! The readers: a few read-only connections. What a request reads is a lookup by a unique index that takes microseconds, less
//! than handing it to another thread and back would, so it runs on the caller's own thread, async task or not. What grows with
//! the registry, a pool or the audit is read by those who administer, on a connection of its own: no request waits for it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::Broken;

/// Enough that two worker threads hardly ever meet; each costs its page cache.
const READERS: usize = 4;

/// The pool. A connection is gone once the store was closed.
#[derive(Debug)]
pub(super) struct Readers {
    connections: Vec<Mutex<Option<Connection>>>,
    next: AtomicUsize,
    /// For long reads, one at a time.
    long: Mutex<Option<Connection>>,
}

impl Readers {
    pub(super) fn open(database: &Path) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let db = Connection::open_with_flags(database, flags)?;
            schema::settle(&db, schema::READER_CACHE_KIB)?;
            Ok::<_, rusqlite::Error>(Mutex::new(Some(db)))
        };
        Ok(Self {
            connections: (0..READERS).map(|_| open()).collect::<Result<_, _>>()?,
            next: AtomicUsize::new(0),
            long: open()?,
        })
    }

    /// Reads what one lookup finds. `query` must not wait for anything.
    ///
    /// # Errors
    /// `query`'s own, or [`Broken::Closed`].
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Broken>) -> Result<T, Broken> {
        let connection = self.free_one().ok_or(Broken::Closed)?;
        query(connection.as_ref().ok_or(Broken::Closed)?)
    }

    /// Reads what takes as long as there are rows. Waits for other such reads: not for an async worker.
    ///
    /// # Errors
    /// `query`'s own, or [`Broken::Closed`].
    pub(super) fn read_long<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Broken>,
    ) -> Result<T, Broken> {
        let connection = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        query(connection.as_ref().ok_or(Broken::Closed)?)
    }

    /// The next connection that nobody uses; if all are in use, whichever is let go.
    fn free_one(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
        let mut in_turn = self.connections.iter().cycle().skip(turn).take(READERS);
        let free = in_turn.find_map(|connection| match connection.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.or_else(|| {
            let connection = self.connections.get(turn)?;
            Some(connection.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Lets go of every connection, each when its reader is done.
    pub(super) fn close(&self) {
        for connection in self.connections.iter().chain([&self.long]) {
            drop(connection.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}
