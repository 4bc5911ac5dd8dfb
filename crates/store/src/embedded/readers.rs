//! The readers: a few read-only connections. A read runs on the caller's own thread, async task or not: it is a lookup by a
//! unique index that takes microseconds, less than handing it to another thread and back would. No read here scans what
//! requests make grow.

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
}

impl Readers {
    pub(super) fn open(database: &Path) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = |_| {
            let db = Connection::open_with_flags(database, flags)?;
            schema::settle(&db, schema::READER_CACHE_KIB)?;
            Ok::<_, rusqlite::Error>(Mutex::new(Some(db)))
        };
        Ok(Self { connections: (0..READERS).map(open).collect::<Result<_, _>>()?, next: AtomicUsize::new(0) })
    }

    /// Reads. `query` must not wait for anything.
    ///
    /// # Errors
    /// `query`'s own, or [`Broken::Closed`].
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Broken>) -> Result<T, Broken> {
        let connection = self.free_one().ok_or(Broken::Closed)?;
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
        for connection in &self.connections {
            drop(connection.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}
