//! A folder that a command has for itself: with its lock, its keys and the one connection to its database, and without a writer.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::folder::{Folder, FolderLock};
use super::{aside, schema};
use crate::vault::Vault;
use crate::{OpenFault, Opening};

/// Page cache of whoever reads everything.
const CACHE_KIB: i64 = 16 * 1024;

/// The folder, for as long as this lives. No server starts on it meanwhile.
#[derive(Debug)]
pub(crate) struct Held {
    // Before the lock: whoever has the lock next finds the database closed.
    db: Connection,
    vault: Vault,
    _lock: FolderLock,
}

impl Held {
    /// Takes a folder that has a database, brings that up to date and opens its keys, as a server would.
    ///
    /// # Errors
    /// [`OpenFault`], [`OpenFault::Io`] where there is no database: none is made.
    pub(crate) fn take(folder: &Path, opening: Opening) -> Result<Self, OpenFault> {
        let database = aside::database(folder);
        if let Err(source) = std::fs::metadata(&database) {
            return Err(OpenFault::Io { path: database, source });
        }
        let Folder { database, lock } = Folder::take(folder)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(database, flags).map_err(schema::fault)?;
        schema::settle(&db, CACHE_KIB).map_err(schema::fault)?;
        let Opening { master, previous_master, random, now, .. } = opening;
        let vault = schema::bring_up(&mut db, &master, previous_master.as_ref(), random, now)?;
        Ok(Self { db, vault, _lock: lock })
    }

    /// The connection.
    pub(crate) fn db(&self) -> &Connection {
        &self.db
    }

    /// The keys.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }
}
