//! The data folder: whose it is, and who may read it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Makes the folder if it is not there, takes its lock, and sees to it that the database file exists, with which SQLite's
    /// own files beside it share their mode. Folder (0700) and files (0600) are their owner's alone afterwards, whatever a
    /// restored backup or a generous umask made of them; a folder that holds somebody else's files too keeps its mode.
    ///
    /// # Errors
    /// [`OpenFault::Locked`], [`OpenFault::Io`], or [`OpenFault::Corrupt`] if the database was removed from beside its log.
    pub(super) fn take(folder: &Path) -> Result<Self, OpenFault> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenFault::Io { path, source }
        };
        let lock = hold(folder)?;
        if folder.join(RESTORING).try_exists().map_err(io(folder))? {
            return Err(OpenFault::RestoreUnfinished);
        }
        let database = folder.join("portvakt.db");
        if !database.try_exists().map_err(io(&database))? {
            if folder.join("portvakt.db-wal").try_exists().map_err(io(folder))? {
                return Err(OpenFault::Corrupt("portvakt.db is missing, but its log is there".to_owned()));
            }
            make_file(&database).map_err(io(&database))?;
            // A file is found after a power cut only if its folder's entry was written too.
            let entry = File::open(folder).and_then(|opened| opened.sync_all());
            entry.map_err(io(folder))?;
        }
        close_to_others(folder)?;
        Ok(Self { database, lock })
    }
}

/// A restored database, while it takes the place of the one before it: without it, or with what is left of the other's log, no server may
/// start.
pub(super) const RESTORING: &str = "portvakt.db.restoring";

/// Makes the folder if it is not there, and takes its lock.
///
/// # Errors
/// [`OpenFault::Locked`], [`OpenFault::Io`].
pub(super) fn hold(folder: &Path) -> Result<FolderLock, OpenFault> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| OpenFault::Io { path: folder.to_owned(), source })?;
    take_lock(&folder.join("lock"))
}

/// Makes an empty file that its owner alone may read.
pub(super) fn make_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// The files of a data folder, by the beginnings of their names: the lock, the database with its log and index, the socket for
/// commands, and the key of a development server.
const OURS: [&str; 3] = ["lock", "portvakt.", "master.key"];

/// Takes the group's and everybody's rights to the database's files away, and to the folder if nothing but ours is in it.
fn close_to_others(folder: &Path) -> Result<(), OpenFault> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenFault::Io { path, source }
    };
    let mut shared = false;
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let name = entry.map_err(io(folder))?.file_name();
        shared |= !OURS.iter().any(|ours| name.as_encoded_bytes().starts_with(ours.as_bytes()));
    }
    for name in ["lock", "portvakt.db", "portvakt.db-wal", "portvakt.db-shm"] {
        let path = folder.join(name);
        if path.try_exists().map_err(io(&path))? {
            tighten(&path).map_err(io(&path))?;
        }
    }
    if !shared {
        match tighten(folder) {
            // It is mounted, say, and belongs to whoever mounted it.
            Err(fault) if fault.kind() == ErrorKind::PermissionDenied => shared = true,
            tightened => tightened.map_err(io(folder))?,
        }
    }
    let mode = std::fs::metadata(folder).map_err(io(folder))?.permissions().mode();
    if shared && mode & WRITABLE_BY_OTHERS != 0 {
        tracing::warn!(
            folder = %folder.display(),
            "others may write in the data folder, and so replace the database: give Portvakt a folder of its own, with mode 0700"
        );
    }
    Ok(())
}

/// The group's and everybody's rights.
const OTHERS: u32 = 0o077;
/// Those of them that let files be replaced.
const WRITABLE_BY_OTHERS: u32 = 0o022;

fn tighten(path: &Path) -> std::io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))
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
    match lock_soon(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let told = file.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
            return Err(OpenFault::Locked { pid: told });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    writeln!(file, "{}", std::process::id()).map_err(io)?;
    Ok(FolderLock { _file: file })
}

/// How often a lock is tried, and how long is waited in between. A process that let it go may have been starting another at that
/// moment, which shares it until it runs its own program.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

fn lock_soon(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            tried => return tried,
        }
    }
    file.try_lock()
}
