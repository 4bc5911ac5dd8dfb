//! What the store holds, row by row: so that a scene can show that a refusal changed nothing.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, types::ValueRef};

/// The rows of every table but the audit and the counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows(BTreeMap<String, Vec<String>>);

/// Tables that grow with every refusal, or count.
const APART: [&str; 2] = ["audit", "state"];

impl Rows {
    pub(crate) fn of(folder: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(folder.join("portvakt.db"), flags).expect("the database opens");
        let tables = texts(&db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
        let mut rows = BTreeMap::new();
        for table in tables.iter().filter(|table| !APART.contains(&table.as_str())) {
            rows.insert(table.clone(), texts(&db, &format!("SELECT * FROM \"{table}\"")));
        }
        Self(rows)
    }

    /// Changes the database behind the store's back, so that a verb fails from here on.
    ///
    /// # Panics
    /// If it does not come about.
    pub fn damage(folder: &Path, sql: &str) {
        let db = Connection::open(folder.join("portvakt.db")).expect("the database opens");
        db.execute_batch(sql).expect("the damage");
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
