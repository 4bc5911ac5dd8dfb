//! The data folder: whose it is, and who may read it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::OpenFault;

/// The folder is ours for as long as this lives: the operating system lets go of the lock when the process ends, however it
/// ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

/// A data folder that this process owns.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) database: PathBuf,
    pub(super) lock: FolderLock,
}

impl Folder {
    /// Makes the folder if it is not there (mode 0700), takes its lock, and sees to it that the database file exists with mode
    /// 0600, which SQLite's own files beside it take over.
    ///
    /// # Errors
    /// [`OpenFault::Locked`], [`OpenFault::Io`], or [`OpenFault::Corrupt`] if the database was removed from beside its log.
    pub(super) fn take(folder: &Path) -> Result<Self, OpenFault> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenFault::Io { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io(folder))?;
        let lock = take_lock(&folder.join("lock"))?;
        let database = folder.join("portvakt.db");
        if !database.try_exists().map_err(io(&database))? {
            if folder.join("portvakt.db-wal").try_exists().map_err(io(folder))? {
                return Err(OpenFault::Corrupt("portvakt.db is missing, but its log is there".to_owned()));
            }
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&database);
            file.map_err(io(&database))?;
            // A file is found after a power cut only if its folder's entry was written too.
            let entry = File::open(folder).and_then(|opened| opened.sync_all());
            entry.map_err(io(folder))?;
        }
        Ok(Self { database, lock })
    }
}

fn take_lock(path: &Path) -> Result<FolderLock, OpenFault> {
    let io = |source| OpenFault::Io { path: path.to_owned(), source };
    // Not truncated before the lock is ours: what it says is the holder's.
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let told = file.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
            return Err(OpenFault::Locked { pid: told });
        }
        Err(std::fs::TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    writeln!(file, "{}", std::process::id()).map_err(io)?;
    Ok(FolderLock { _file: file })
}
