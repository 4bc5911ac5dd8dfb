//! The embedded store that is copied, read table by table in the order of its rows.

use portvakt_crypto::digest::Sha256;
use portvakt_protocol::secret::LoginDigest;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::rows::{Tally, Value};
use super::tables::{EVIDENCE_TAG, Kind, Table};
use super::{BATCH, CopyFault};
use crate::embedded::Held;
use crate::{Broken, OpenFault};

/// The store, held for as long as it is copied.
#[derive(Debug)]
pub(super) struct Source {
    held: Held,
}

/// Rows that come after one another.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) rows: Vec<Vec<Value>>,
    /// The number of the last of them.
    pub(super) last_row: i64,
}

impl Source {
    pub(super) fn new(held: Held) -> Self {
        Self { held }
    }

    /// What tells this store from every other: its keys, as they are sealed.
    pub(super) fn identity(&self) -> Result<Vec<u8>, CopyFault> {
        let mut select =
            self.held.db().prepare("SELECT sealed FROM vault ORDER BY purpose").map_err(fault)?;
        let keys: Result<Vec<Vec<u8>>, _> =
            select.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        Ok(Sha256::of(&keys.map_err(fault)?.concat()).as_bytes().to_vec())
    }

    /// How often its registry has changed.
    pub(super) fn generation(&self) -> Result<i64, CopyFault> {
        self.held.db().query_row("SELECT generation FROM state", [], |row| row.get(0)).map_err(fault)
    }

    /// How many rows a table has.
    pub(super) fn count(&self, table: &Table) -> Result<u64, CopyFault> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let rows: i64 = self.held.db().query_row(&sql, [], |row| row.get(0)).map_err(fault)?;
        Ok(rows.unsigned_abs())
    }

    /// The rows that come after row number `after`; `None` if there are no more.
    pub(super) fn after(&self, table: &Table, after: i64) -> Result<Option<Batch>, CopyFault> {
        let mut select = self.held.db().prepare_cached(&select(table)).map_err(fault)?;
        let mut found = select.query((after, BATCH)).map_err(fault)?;
        let mut batch = Batch { rows: Vec::new(), last_row: after };
        while let Some(row) = found.next().map_err(fault)? {
            batch.last_row = row.get(0).map_err(fault)?;
            batch.rows.push(self.row(table, row)?);
        }
        Ok(if batch.rows.is_empty() { None } else { Some(batch) })
    }

    /// What a table's rows come to.
    pub(super) fn tally(&self, table: &Table) -> Result<Tally, CopyFault> {
        let mut tally = Tally::default();
        let mut last_row = i64::MIN;
        while let Some(batch) = self.after(table, last_row)? {
            batch.rows.iter().for_each(|row| tally.add(row));
            last_row = batch.last_row;
        }
        Ok(tally)
    }

    fn row(&self, table: &Table, row: &Row<'_>) -> Result<Vec<Value>, CopyFault> {
        let mut values = Vec::with_capacity(table.columns.len());
        for (at, column) in (1..).zip(table.columns) {
            let read = row.get_ref(at).map_err(fault)?;
            let value = value(read, column.kind);
            values.push(value.ok_or_else(|| CopyFault::Source(unreadable(table.name, column.name)))?);
        }
        if table.name == "login" {
            self.tag(row, &mut values)?;
        }
        Ok(values)
    }

    /// Makes the tag of a login's evidence, which a database compares in the evidence's place.
    fn tag(&self, row: &Row<'_>, values: &mut [Value]) -> Result<(), CopyFault> {
        let Some(sealed): Option<Vec<u8>> = row.get("evidence_sealed").map_err(fault)? else { return Ok(()) };
        let digest: Vec<u8> = row.get("digest").map_err(fault)?;
        let login =
            LoginDigest::from_slice(&digest).ok_or(CopyFault::Source(unreadable("login", "digest")))?;
        let issuer: i64 = row.get("issuer").map_err(fault)?;
        let vault = self.held.vault();
        let evidence = vault.open_evidence(issuer, login, &sealed).map_err(CopyFault::Source)?;
        let at = super::tables::TABLES.iter().find(|table| table.name == "login");
        let at = at.and_then(|table| table.columns.iter().position(|column| column.name == EVIDENCE_TAG));
        if let Some(tag) = at.and_then(|at| values.get_mut(at)) {
            *tag = Value::Bytes(vault.evidence_tag(&evidence).to_vec());
        }
        Ok(())
    }
}

/// Reads a table's rows in their order: those after the number `?1`, at most `?2`. The number comes first, then the columns.
pub(crate) fn select(table: &Table) -> String {
    let columns: Vec<_> =
        table.columns.iter().map(|column| format!("{} AS {}", column.embedded, column.name)).collect();
    // What names no grant is not left out, but found to be unreadable.
    let grant = if table.names_grant { " LEFT JOIN login_grant g ON g.id = t.grant_id" } else { "" };
    format!(
        "SELECT t.rowid, {} FROM {} t{grant} WHERE t.rowid > ?1 ORDER BY t.rowid LIMIT ?2",
        columns.join(", "),
        table.name
    )
}

/// A value as its column should hold it; `None` if it holds something else.
pub(crate) fn value(read: ValueRef<'_>, kind: Kind) -> Option<Value> {
    Some(match (read, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Kind::Int) => Value::Int(number),
        (ValueRef::Integer(number @ (0 | 1)), Kind::Bool) => Value::Bool(number == 1),
        (ValueRef::Text(text), Kind::Text) => Value::Text(std::str::from_utf8(text).ok()?.to_owned()),
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_owned()),
        (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_), _) => return None,
    })
}

fn unreadable(table: &'static str, what: &'static str) -> Broken {
    Broken::Row { table, what }
}

fn fault(error: rusqlite::Error) -> CopyFault {
    CopyFault::Open(OpenFault::Corrupt(error.to_string()))
}
