//! How large a store is, table by table, each with its indexes: read behind the store's back, when nothing is under way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use portvakt_cluster::Programs;
use rusqlite::{Connection, OpenFlags};

/// The table that has a retention of its own.
const AUDIT: &str = "audit";

/// What a store weighs, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Every table with its indexes.
    pub tables: BTreeMap<String, u64>,
    /// What no table uses, and the next that grows takes: the embedded store gives nothing back to the disk. A database's tables each
    /// keep their own.
    pub free: u64,
    /// The embedded store's write-ahead log. A database has one for all that is in it.
    pub log: u64,
}

impl Weight {
    /// One table's.
    pub fn table(&self, name: &str) -> u64 {
        self.tables.get(name).copied().unwrap_or(0)
    }

    /// The audit's.
    pub fn audit(&self) -> u64 {
        self.table(AUDIT)
    }

    /// All tables but the audit.
    pub fn without_audit(&self) -> u64 {
        self.tables.values().sum::<u64>() - self.audit()
    }

    /// All of it but the log, which has a bound of its own.
    pub fn whole(&self) -> u64 {
        self.without_audit() + self.audit() + self.free
    }
}

/// What a store is weighed on.
#[derive(Clone, Debug)]
pub enum Scales {
    /// The embedded store's folder.
    Folder(PathBuf),
    /// A database: the program that asks it, and its address, as an owner of its tables.
    Database {
        /// `psql`.
        psql: PathBuf,
        /// `postgres://…`
        url: String,
    },
}

impl Scales {
    /// Those for a store there.
    ///
    /// # Errors
    /// There is no `psql` to ask a database.
    pub fn of(place: &str) -> Result<Self, String> {
        if place.starts_with("postgres") {
            return Ok(Self::Database { psql: Programs::newest()?.path("psql"), url: place.to_owned() });
        }
        Ok(Self::Folder(place.into()))
    }

    /// Vacuums what has to be vacuumed, as PostgreSQL does by itself, and weighs. With `analyse`, statistics are taken too.
    ///
    /// # Errors
    /// What the database says.
    pub fn tend_and_weigh(&self, analyse: bool) -> Result<Weight, String> {
        match self {
            Self::Folder(folder) => weigh_folder(folder),
            Self::Database { psql, url } => weigh_database(psql, url, analyse),
        }
    }
}

/// Counts pages. Those of the audit are what is left when all others are counted, for it is large and they are not.
fn weigh_folder(folder: &Path) -> Result<Weight, String> {
    let log = std::fs::metadata(folder.join("portvakt.db-wal")).map_or(0, |file| file.len());
    let asked = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(folder.join("portvakt.db"), flags)?;
        // One moment's picture.
        db.execute_batch("BEGIN")?;
        let one = |pragma: &str| db.pragma_query_value(None, pragma, count);
        let (page, pages, free) = (one("page_size")?, one("page_count")?, one("freelist_count")?);
        let mut trees = db.prepare("SELECT name, tbl_name FROM sqlite_schema WHERE rootpage > 0")?;
        let trees = trees.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut pages_of = db.prepare("SELECT count(*) FROM dbstat WHERE name = ?1")?;
        let mut tables: BTreeMap<String, u64> = BTreeMap::new();
        let schema = ("sqlite_schema".to_owned(), "schema".to_owned());
        for tree in trees.chain([Ok(schema)]) {
            let (tree, table) = tree?;
            if table != AUDIT {
                *tables.entry(table).or_default() += pages_of.query_row([tree], count)?;
            }
        }
        let others: u64 = tables.values().sum();
        tables.insert(AUDIT.to_owned(), pages.saturating_sub(free + others));
        tables.values_mut().for_each(|pages| *pages *= page);
        Ok::<_, rusqlite::Error>(Weight { tables, free: free * page, log })
    };
    asked().map_err(|fault| format!("weighing {}: {fault}", folder.display()))
}

fn count(row: &rusqlite::Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(0).map(i64::unsigned_abs)
}

fn weigh_database(psql: &Path, url: &str, analyse: bool) -> Result<Weight, String> {
    const SIZES: &str = "SELECT relname, pg_total_relation_size(oid) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let mut ask = Command::new(psql);
    ask.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
    // Each of them on its own: a vacuum is no part of a transaction.
    ask.args(["-c", if analyse { "VACUUM (ANALYZE)" } else { "VACUUM" }, "-c", SIZES]);
    let answer = ask.output().map_err(|fault| format!("{}: {fault}", psql.display()))?;
    if !answer.status.success() {
        return Err(String::from_utf8_lossy(&answer.stderr).trim_end().to_owned());
    }
    let rows = String::from_utf8_lossy(&answer.stdout).into_owned();
    let row = |row: &str| {
        let (table, bytes) = row.split_once('|')?;
        Some((table.to_owned(), bytes.parse().ok()?))
    };
    let tables: Option<BTreeMap<_, _>> = rows.lines().map(row).collect();
    let tables = tables.filter(|tables| tables.contains_key(AUDIT)).ok_or("the database tells no sizes")?;
    Ok(Weight { tables, free: 0, log: 0 })
}
