//! Backups of the embedded store, and what every restored store needs, whichever it is: a restored state is from the past. What was spent,
//! finished or revoked since the backup was made would be alive again, so everything that could be used once more is ended.

mod past;

use std::fs::{File, OpenOptions, remove_file};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

pub use self::past::{Ended, end_past};

use crate::embedded::{Aside, Restoring};
use crate::{OpenFault, Opening};

/// Why there is no backup, or nothing was restored. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum BackupFault {
    /// The store, or the backup, cannot be used.
    #[error(transparent)]
    Open(#[from] OpenFault),
    /// Something is where the backup was to be.
    #[error("{} is there already: name another file, or remove it first", .0.display())]
    Exists(PathBuf),
    /// The folder has a store.
    #[error("{} holds a store already: name another folder, or put the backup in its place with --replace", .0.display())]
    NotEmpty(PathBuf),
    /// What was written is not what was read.
    #[error(
        "the backup fails SQLite's own check, and was not kept: check the disk, and the store with `portvakt db check`"
    )]
    Unsound,
}

/// Writes a folder's database to one file, beside the server that has it: everything that was acknowledged when it began. The file is its
/// owner's alone, and is there whole or not at all. Answers its size in bytes.
///
/// # Errors
/// [`BackupFault`].
pub fn backup(folder: &Path, to: &Path) -> Result<u64, BackupFault> {
    let aside = Aside::of_folder(folder)?;
    if to.try_exists().map_err(io(to))? {
        return Err(BackupFault::Exists(to.to_owned()));
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let draft = to.with_file_name(name);
    let written = write(&aside, &draft).and_then(|bytes| {
        // Linked, not renamed: what has come there meanwhile stays.
        match std::fs::hard_link(&draft, to) {
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => Err(BackupFault::Exists(to.to_owned())),
            linked => linked.map(|()| bytes).map_err(|fault| io(to)(fault).into()),
        }
    });
    remove_file(&draft).or_else(only_if(ErrorKind::NotFound)).map_err(io(&draft))?;
    let bytes = written?;
    let beside = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(beside).and_then(|entry| entry.sync_all()).map_err(io(beside))?;
    Ok(bytes)
}

fn write(aside: &Aside, draft: &Path) -> Result<u64, BackupFault> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft).map_err(io(draft))?;
    copied(aside, draft)?;
    file.sync_all().map_err(io(draft))?;
    Ok(file.metadata().map_err(io(draft))?.len())
}

/// Copies a database, page by page, into the empty file `to`, as one file that needs no other beside it.
///
/// # Errors
/// [`BackupFault`].
pub(crate) fn copied(from: &Aside, to: &Path) -> Result<(), BackupFault> {
    let mut copy = Connection::open(to).map_err(engine)?;
    // All in one step: what changes meanwhile is not of the moment that `from` shows.
    let done = Backup::new(from.db(), &mut copy).and_then(|backup| backup.step(-1)).map_err(engine)?;
    if done != StepResult::Done {
        return Err(OpenFault::Corrupt("the database is busy".to_owned()).into());
    }
    copy.pragma_update(None, "journal_mode", "DELETE").map_err(engine)?;
    let verdict: String =
        copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(engine)?;
    if verdict != "ok" {
        return Err(BackupFault::Unsound);
    }
    copy.close().map_err(|(_, fault)| engine(fault))
}

/// Puts a backup in a folder's place and ends what it would revive, before any server can have it. What was in the folder, with `replace`,
/// stays beside it as `portvakt.db.replaced`. Cut off, it is done again: no server starts on the folder in between.
///
/// # Errors
/// [`BackupFault`].
pub fn restore(from: &Path, folder: &Path, opening: Opening, replace: bool) -> Result<Ended, BackupFault> {
    let backup = Aside::of_file(from)?;
    if backup.schema()?.found == 0 {
        return Err(OpenFault::Corrupt(format!("{} holds no store", from.display())).into());
    }
    let restoring = Restoring::begin(folder)?;
    if !replace && restoring.replaces_something()? {
        return Err(BackupFault::NotEmpty(folder.to_owned()));
    }
    let draft = restoring.draft()?;
    copied(&backup, &draft)?;
    let now = opening.now;
    let ended = restoring.settle(&draft, opening, |db| past::end_in_folder(db, now))?;
    restoring.finish(&draft)?;
    Ok(ended)
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OpenFault {
    let path = path.to_owned();
    move |source| OpenFault::Io { path, source }
}

fn only_if(kind: ErrorKind) -> impl FnOnce(std::io::Error) -> std::io::Result<()> {
    move |fault| if fault.kind() == kind { Ok(()) } else { Err(fault) }
}

fn engine(fault: rusqlite::Error) -> BackupFault {
    OpenFault::Corrupt(fault.to_string()).into()
}
