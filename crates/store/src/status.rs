//! What a store is like, seen from outside and without its keys: how far its schema is, and how much is in it.

use std::path::Path;

use tokio_postgres::types::Type;

use crate::embedded::Aside;
use crate::postgres::{Alone, database};
use crate::{OpenFault, PostgresUrl, SchemaStatus, StoreUrl, schema_status};

/// A store from outside.
#[derive(Debug)]
pub struct StoreStatus {
    /// How far its schema is, or why nobody can tell.
    pub schema: Result<SchemaStatus, OpenFault>,
    /// Its main tables; none where the schema is not whole.
    pub tables: Vec<TableStatus>,
    /// How much room it takes in all, in bytes; `None` where the engine does not say.
    pub bytes: Option<u64>,
    /// Whether a copy into it was begun and not finished.
    pub copying: bool,
    /// Whether opening it brings its schema up to date.
    migrates_itself: bool,
}

/// A table from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableStatus {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// How much room it takes with its indexes, in bytes; `None` where the engine does not say.
    pub bytes: Option<u64>,
}

/// The tables whose rows are counted, each with the migration that makes it.
const TABLES: [(&str, u32); 16] = [
    ("issuer", 1),
    ("organisation", 1),
    ("scope", 1),
    ("scope_access", 3),
    ("client", 1),
    ("client_secret", 1),
    ("person", 1),
    ("login", 1),
    ("login_grant", 1),
    ("code", 1),
    ("access_token", 1),
    ("refresh_token", 3),
    ("not_before", 3),
    ("owner_warning", 3),
    ("signing_key", 1),
    ("audit", 1),
];

/// Those that a store of this schema has.
fn counted(found: u32) -> impl Iterator<Item = &'static str> {
    TABLES.into_iter().filter(move |(_, since)| *since <= found).map(|(name, _)| name)
}

impl StoreStatus {
    /// Whether a server of this version starts on it, as far as can be told without its keys.
    ///
    /// # Errors
    /// The reason why not, which says what to do next.
    pub fn would_start(&self) -> Result<(), String> {
        let schema = self.schema.as_ref().map_err(ToString::to_string)?;
        if let Some(number) = schema.half {
            return Err(OpenFault::HalfMigrated { number }.to_string());
        }
        if schema.found < schema.known && !self.migrates_itself {
            return Err(OpenFault::Unmigrated { found: schema.found, known: schema.known }.to_string());
        }
        if self.copying { Err(OpenFault::CopyUnfinished.to_string()) } else { Ok(()) }
    }
}

/// Looks at a store from outside, beside any server that has it. Nothing is written, and nothing is made where there is none.
///
/// # Errors
/// [`OpenFault`]: it cannot be reached or read at all.
pub async fn store_status(url: &StoreUrl) -> Result<StoreStatus, OpenFault> {
    match url {
        StoreUrl::Folder(folder) => of_folder(folder),
        StoreUrl::Postgres(url) => of_database(url).await,
    }
}

fn of_folder(folder: &Path) -> Result<StoreStatus, OpenFault> {
    let aside = Aside::of_folder(folder)?;
    let schema = aside.schema();
    let mut tables = Vec::new();
    for name in counted(schema.as_ref().map_or(0, |schema| schema.found)) {
        let rows = aside.number(&format!("SELECT count(*) FROM {name}"))?;
        tables.push(TableStatus { name, rows, bytes: None });
    }
    let bytes = ["portvakt.db", "portvakt.db-wal"].iter().filter_map(|file| {
        let entry = std::fs::metadata(folder.join(file)).ok()?;
        Some(entry.len())
    });
    Ok(StoreStatus { schema, tables, bytes: Some(bytes.sum()), copying: false, migrates_itself: true })
}

async fn of_database(url: &PostgresUrl) -> Result<StoreStatus, OpenFault> {
    let schema = match schema_status(url).await {
        Err(fault @ OpenFault::Unreachable(_)) => return Err(fault),
        told => told,
    };
    let mut status =
        StoreStatus { schema, tables: Vec::new(), bytes: None, copying: false, migrates_itself: false };
    let whole = status.schema.as_ref().ok().filter(|schema| schema.half.is_none());
    let found = whole.map_or(0, |schema| schema.found);
    if found == 0 {
        return Ok(status);
    }
    let alone = Alone::connect(url).await?;
    for name in counted(found) {
        let counted = alone.ask(&format!("SELECT count(*) FROM {name}"), &[]).await?;
        let rows: i64 = counted.first().map_or(Ok(0), |row| row.try_get(0)).map_err(database)?;
        let bytes = size(&alone, name).await;
        status.tables.push(TableStatus { name, rows: rows.unsigned_abs(), bytes });
    }
    if status.schema.as_ref().is_ok_and(|schema| schema.found == schema.known) {
        status.copying = !alone.ask("SELECT 1 FROM copying LIMIT 1", &[]).await?.is_empty();
    }
    let sizes: Option<Vec<u64>> = status.tables.iter().map(|table| table.bytes).collect();
    status.bytes = sizes.map(|sizes| sizes.iter().sum());
    Ok(status)
}

/// How much room a table takes. Not every engine of this protocol can say.
async fn size(alone: &Alone, table: &str) -> Option<u64> {
    let asked =
        alone.ask("SELECT pg_total_relation_size(CAST($1 AS regclass))", &[(&table, Type::TEXT)]).await;
    let bytes: i64 = asked.ok()?.first()?.try_get(0).ok()?;
    Some(bytes.unsigned_abs())
}
