//! What can go wrong with the store itself. None of it says anything about a request: a refusal is a verb's answer.

use std::path::PathBuf;

use portvakt_protocol::time::Timestamp;

/// The store could not do its work. It is our own failure, and never a protocol refusal.
///
/// After a `Broken` write nobody knows more than that no success was promised: what the write would have spent may be
/// spent or not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The queue of writes stayed full for as long as a request can wait.
    #[error("the store is busy: its queue of writes stayed full")]
    Busy,
    /// The store was closed, or its writer has ended.
    #[error("the store is closed")]
    Closed,
    /// The database cannot be reached, or has no room for another connection. Nothing was written.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// A write was sent, its answer did not come, and nothing shows that it was done. It may be done yet.
    #[error("nobody knows whether the database did it: {0}")]
    Unknown(String),
    /// The engine failed: a full disk, a read error, or a row that breaks a constraint.
    #[error("the store failed: {0}")]
    Engine(String),
    /// This machine's clock is before the first instant of the issuer's signing keys: there are keys, and none may be shown yet.
    #[error(
        "this machine's clock is behind: a signing key is stored that is to be published at {}; set the clock",
        .published.to_rfc3339()
    )]
    ClockBehind {
        /// When the earliest of them is published.
        published: Timestamp,
    },
    /// A row holds what no version of this program writes.
    #[error("the store holds a row in `{table}` that cannot be read: {what}")]
    Row {
        /// The table.
        table: &'static str,
        /// What is wrong. Never a value out of the row.
        what: &'static str,
    },
}

/// Why a store does not open. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// Another process has the folder.
    #[error(
        "the data folder is in use by {}: stop that process, or name another folder",
        .pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// Which, if it told.
        pid: Option<u32>,
    },
    /// A later version of this program has written here.
    #[error(
        "the store has schema {found}, and this version knows schemas up to {known}: run the version that wrote it, or a \
         later one"
    )]
    NewerSchema {
        /// The schema that was found.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// A database whose schema is older than this version's: nobody but `db migrate` changes it.
    #[error(
        "the database has schema {found}, and this version needs {known}: run `portvakt db migrate --config FILE` first"
    )]
    Unmigrated {
        /// The schema that was found; 0: none.
        found: u32,
        /// The one that is needed.
        known: u32,
    },
    /// A migration stopped half-way.
    #[error("migration {number} was begun and not finished: run `portvakt db migrate --config FILE` again")]
    HalfMigrated {
        /// Which one.
        number: u32,
    },
    /// A copy into the database was begun and not finished.
    #[error(
        "a copy into this database was begun and not finished: run `portvakt db copy` again, with the same folder"
    )]
    CopyUnfinished,
    /// A backup was being put in the folder's place.
    #[error(
        "restoring this folder was begun and not finished: run `portvakt db restore` again, with --replace"
    )]
    RestoreUnfinished,
    /// The database cannot be reached.
    #[error(
        "the database cannot be reached ({0}): check that it runs and takes writes, the URL, and the role's password"
    )]
    Unreachable(String),
    /// The database refused, or was given what it cannot use.
    #[error("the database cannot be used: {0}")]
    Database(String),
    /// The store was written by a build whose migrations differ from this one's.
    #[error(
        "migration {number} was applied here with another text than this version has: run a released version, or restore a \
         backup"
    )]
    ForeignMigration {
        /// Which one.
        number: u32,
    },
    /// The keys inside are sealed under another master key.
    #[error(
        "the store's keys are sealed under another master key: configure the key it was made with, or, if the key is \
         being changed, name the old one as the previous master key"
    )]
    WrongMasterKey,
    /// The data is damaged, or is not ours.
    #[error("the data folder cannot be used ({0}): restore a backup, or name another folder")]
    Corrupt(String),
    /// The operating system refused.
    #[error("{}: {source}: check that the folder exists, has room, and belongs to this user", .path.display())]
    Io {
        /// On what.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
