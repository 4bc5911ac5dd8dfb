//! A database read from aside, without its folder's lock: beside the server that has it, or while nobody does.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::{OpenFault, SchemaStatus};

/// Page cache of whoever reads everything.
const CACHE_KIB: i64 = 16 * 1024;

/// One moment's picture of a database, for as long as this lives. It never writes.
#[derive(Debug)]
pub(crate) struct Aside {
    db: Connection,
}

impl Aside {
    /// Opens a folder's database. Nothing is made where there is none.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub(crate) fn of_folder(folder: &Path) -> Result<Self, OpenFault> {
        Self::of_file(&database(folder))
    }

    /// Opens a database file.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub(crate) fn of_file(file: &Path) -> Result<Self, OpenFault> {
        if let Err(source) = std::fs::metadata(file) {
            return Err(OpenFault::Io { path: file.to_owned(), source });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(file, flags).map_err(schema::fault)?;
        schema::settle(&db, CACHE_KIB).map_err(schema::fault)?;
        // From the first read on everything is read as it was then.
        db.execute_batch("BEGIN").map_err(schema::fault)?;
        Ok(Self { db })
    }

    /// The connection.
    pub(crate) fn db(&self) -> &Connection {
        &self.db
    }

    /// The one number that a statement answers.
    ///
    /// # Errors
    /// [`OpenFault::Corrupt`].
    pub(crate) fn number(&self, sql: &str) -> Result<u64, OpenFault> {
        let number: i64 = self.db.query_row(sql, [], |row| row.get(0)).map_err(schema::fault)?;
        Ok(number.unsigned_abs())
    }

    /// The names of tables and indexes that are not as the migrations make them.
    ///
    /// # Errors
    /// [`OpenFault::Corrupt`].
    pub(crate) fn differences(&self) -> Result<Vec<String>, OpenFault> {
        schema::differences(&self.db).map_err(schema::fault)
    }

    /// How far the schema is.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub(crate) fn schema(&self) -> Result<SchemaStatus, OpenFault> {
        schema::status(&self.db)
    }
}

/// A folder's database file.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("portvakt.db")
}
