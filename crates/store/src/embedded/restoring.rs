//! A folder whose database is replaced by another, so that a cut at any point leaves the one, or the other, or a folder that no server
//! starts on.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::folder::{self, FolderLock};
use super::{aside, schema};
use crate::{OpenFault, Opening};

/// A folder that is being restored. It is this process's, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Restoring {
    folder: PathBuf,
    _lock: FolderLock,
}

impl Restoring {
    /// Takes the folder, made where it is not there. Nothing in it changes yet.
    ///
    /// # Errors
    /// [`OpenFault::Locked`], [`OpenFault::Io`].
    pub(crate) fn begin(folder: &Path) -> Result<Self, OpenFault> {
        let lock = folder::hold(folder)?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Whether there is a store in it, or was before a restore that was cut off.
    ///
    /// # Errors
    /// [`OpenFault::Io`].
    pub(crate) fn replaces_something(&self) -> Result<bool, OpenFault> {
        for path in [aside::database(&self.folder), self.ready(), self.beside("-wal")] {
            if path.try_exists().map_err(io(&path))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An empty file in the folder, for the new database. No server looks at it.
    ///
    /// # Errors
    /// [`OpenFault::Io`].
    pub(crate) fn draft(&self) -> Result<PathBuf, OpenFault> {
        let draft = self.beside(".new");
        for tail in ["", "-wal", "-shm", "-journal"] {
            remove(&self.beside(&format!(".new{tail}")))?;
        }
        folder::make_file(&draft).map_err(io(&draft))?;
        Ok(draft)
    }

    /// Brings the draft up to date, opens its keys, has `work` done on it, and makes it durable.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub(crate) fn settle<T>(
        &self,
        draft: &Path,
        opening: Opening,
        work: impl FnOnce(&Connection) -> Result<T, OpenFault>,
    ) -> Result<T, OpenFault> {
        let mut db = Connection::open(draft).map_err(schema::fault)?;
        schema::settle(&db, schema::WRITER_CACHE_KIB).map_err(schema::fault)?;
        let Opening { master, previous_master, random, now, .. } = opening;
        schema::bring_up(&mut db, &master, previous_master.as_ref(), random, now)?;
        let done = work(&db)?;
        // One file again, with nothing beside it.
        db.pragma_update(None, "journal_mode", "DELETE").map_err(schema::fault)?;
        db.close().map_err(|(_, fault)| schema::fault(fault))?;
        File::open(draft).and_then(|file| file.sync_all()).map_err(io(draft))?;
        Ok(done)
    }

    /// Puts the draft in the database's place.
    ///
    /// # Errors
    /// [`OpenFault::Io`].
    pub(crate) fn finish(self, draft: &Path) -> Result<(), OpenFault> {
        let (database, ready) = (aside::database(&self.folder), self.ready());
        // From here on no server starts, until the draft is the database.
        rename(draft, &ready)?;
        self.sync()?;
        let (replaced, log) = (self.beside(".replaced"), self.beside("-wal"));
        let replaced_log = self.beside(".replaced-wal");
        if database.try_exists().map_err(io(&database))? {
            remove(&replaced_log)?;
            rename(&database, &replaced)?;
        }
        // Also that of a database that was moved before a restore that was cut off: a log belongs to its database, and to no other.
        if log.try_exists().map_err(io(&log))? {
            rename(&log, &replaced_log)?;
        }
        remove(&self.beside("-shm"))?;
        self.sync()?;
        rename(&ready, &database)?;
        self.sync()
    }

    fn ready(&self) -> PathBuf {
        self.folder.join(folder::RESTORING)
    }

    fn beside(&self, tail: &str) -> PathBuf {
        self.folder.join(format!("portvakt.db{tail}"))
    }

    /// Makes what files are called durable.
    fn sync(&self) -> Result<(), OpenFault> {
        File::open(&self.folder).and_then(|entry| entry.sync_all()).map_err(io(&self.folder))
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), OpenFault> {
    fs::rename(from, to).map_err(io(to))
}

fn remove(path: &Path) -> Result<(), OpenFault> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != ErrorKind::NotFound => Err(io(path)(fault)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OpenFault {
    let path = path.to_owned();
    move |source| OpenFault::Io { path, source }
}
