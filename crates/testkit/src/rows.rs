//! What the store holds, row by row: so that a scene can show that a refusal changed nothing.

use std::collections::BTreeMap;
use std::path::Path;

use portvakt_cluster::Postgres;
use rusqlite::{Connection, OpenFlags, types::ValueRef};

/// The rows of every table but the audit and the counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows(BTreeMap<String, Vec<String>>);

/// Tables that grow with every refusal, or count, or say who does what.
const APART: [&str; 3] = ["audit", "state", "lease"];

/// Before the name of a table, where its rows begin.
const MARK: &str = "---- ";

impl Rows {
    pub(crate) fn of_folder(folder: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(folder.join("portvakt.db"), flags).expect("the database opens");
        let tables = texts(&db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
        let mut rows = BTreeMap::new();
        for table in tables.iter().filter(|table| !APART.contains(&table.as_str())) {
            rows.insert(table.clone(), texts(&db, &format!("SELECT * FROM \"{table}\"")));
        }
        Self(rows)
    }

    pub(crate) fn of_database(server: &Postgres, name: &str) -> Self {
        Self(Self::texts_of(server, name, "", &APART))
    }

    /// Every row of every table but those `apart`, as texts, by table; `settings` come first.
    pub(crate) fn texts_of(
        server: &Postgres,
        name: &str,
        settings: &str,
        apart: &[&str],
    ) -> BTreeMap<String, Vec<String>> {
        let apart: Vec<_> = apart.iter().map(|table| format!("'{table}'")).collect();
        // psql carries out what this selects, a table at a time: one start of psql, not two.
        let script = format!(
            "{settings}
             SELECT format('SELECT %L', '{MARK}' || tablename), format('SELECT CAST(t AS TEXT) FROM %I t', tablename)
             FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (ARRAY[{}]::text[]) \\gexec",
            apart.join(", ")
        );
        let mut rows = BTreeMap::new();
        let mut current: Option<&mut Vec<String>> = None;
        for line in server.sql(name, &script).expect("the rows").lines() {
            match (line.strip_prefix(MARK), &mut current) {
                (Some(table), _) => current = Some(rows.entry(table.to_owned()).or_default()),
                (None, Some(rows)) => rows.push(line.to_owned()),
                (None, None) => {}
            }
        }
        // Where a row lies is the server's affair.
        rows.values_mut().for_each(|rows: &mut Vec<String>| rows.sort());
        rows
    }

    /// How many rows a table has.
    pub fn count(&self, table: &str) -> usize {
        self.0.get(table).map_or(0, Vec::len)
    }

    /// The tables in which `self` and `other` differ.
    pub fn changed(&self, other: &Self) -> Vec<&str> {
        let differs = |(table, rows): &(&String, &Vec<String>)| other.0.get(*table) != Some(*rows);
        self.0.iter().filter(differs).map(|(table, _)| table.as_str()).collect()
    }
}

/// Each row as one text: its columns in order, blobs in hexadecimal.
fn texts(db: &Connection, query: &str) -> Vec<String> {
    let mut statement = db.prepare(query).expect("a query");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let mut text = String::new();
        for column in 0..columns {
            if column > 0 {
                text.push('|');
            }
            match row.get_ref(column)? {
                ValueRef::Null => text.push_str("NULL"),
                ValueRef::Integer(number) => text.push_str(&number.to_string()),
                ValueRef::Real(number) => text.push_str(&number.to_string()),
                ValueRef::Text(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                ValueRef::Blob(bytes) => text.push_str(&portvakt_crypto::encoding::hex_encode(bytes)),
            }
        }
        Ok(text)
    });
    rows.and_then(Iterator::collect).expect("rows")
}
