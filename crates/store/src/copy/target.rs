//! The database that is copied into: each batch arrives with the note of how far the copy has come, in one commit.

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use super::rows::{Tally, Value};
use super::source::Batch;
use super::tables::{Kind, TABLES, Table};
use super::{BATCH, CopyFault};
use crate::OpenFault;
use crate::postgres::{Alone, database};

/// The database.
#[derive(Debug)]
pub(super) struct Target {
    alone: Alone,
}

/// How far a table has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    /// The last row that arrived.
    pub(super) last_row: i64,
    /// How many arrived.
    pub(super) copied: u64,
}

impl Target {
    pub(super) fn new(alone: Alone) -> Self {
        Self { alone }
    }

    /// Begins a copy of `source`, or finds the one that was cut off. Whoever opens the database meanwhile waits.
    ///
    /// # Errors
    /// [`CopyFault::NotEmpty`], [`CopyFault::OfAnother`].
    pub(super) async fn begin(&self, source: &[u8], again: bool) -> Result<(), CopyFault> {
        // Cut off anywhere in here, nothing of it is done.
        self.alone.frame("BEGIN; SELECT 1 FROM state WHERE sole = 1 FOR UPDATE").await?;
        let noted = self.alone.ask("SELECT source FROM copying", &[]).await?;
        let noted: Vec<Vec<u8>> = noted.iter().map(|row| field(row, 0)).collect::<Result<_, _>>()?;
        if again && !noted.is_empty() {
            for table in TABLES.iter().rev() {
                self.alone.frame(&format!("DELETE FROM {}", table.name)).await?;
            }
            self.alone.frame("DELETE FROM copying").await?;
        } else if noted.iter().any(|noted| noted != source) {
            return Err(CopyFault::OfAnother);
        } else if !noted.is_empty() {
            return Ok(self.alone.frame("COMMIT").await?);
        }
        for table in TABLES {
            let any = self.alone.ask(&format!("SELECT 1 FROM {} LIMIT 1", table.name), &[]).await?;
            if !any.is_empty() {
                return Err(CopyFault::NotEmpty { table: table.name });
            }
        }
        let note = "INSERT INTO copying (of_table, source, last_row, copied) VALUES ($1, $2, $3, 0)";
        for table in TABLES {
            let params =
                [(&table.name as _, Type::TEXT), (&source as _, Type::BYTEA), (&i64::MIN as _, Type::INT8)];
            self.alone.ask(note, &params).await?;
        }
        Ok(self.alone.frame("COMMIT").await?)
    }

    /// How far a table has come.
    pub(super) async fn note(&self, table: &Table) -> Result<Note, CopyFault> {
        let asked = "SELECT last_row, copied FROM copying WHERE of_table = $1";
        let rows = self.alone.ask(asked, &[(&table.name, Type::TEXT)]).await?;
        let row = rows.first().ok_or(CopyFault::Cut)?;
        Ok(Note { last_row: field(row, 0)?, copied: field::<i64>(row, 1)?.unsigned_abs() })
    }

    /// Writes a batch that comes after `note`, and notes it.
    ///
    /// # Errors
    /// [`CopyFault::Cut`]: another copy into this database has gone on meanwhile.
    pub(super) async fn put(&self, table: &Table, note: Note, batch: Batch) -> Result<Note, CopyFault> {
        let arrived = batch.rows.len() as u64;
        let last_row = batch.last_row;
        let columns = columns(table, batch.rows);
        let params: Vec<_> = columns.iter().map(Held::param).collect();
        self.alone.frame("BEGIN").await?;
        self.alone.ask(&insert(table), &params).await?;
        let count = i64::try_from(arrived).unwrap_or(i64::MAX);
        let noted = self
            .alone
            .ask(
                "UPDATE copying SET last_row = $3, copied = copied + $4 WHERE of_table = $1 AND last_row = $2 RETURNING 1",
                &[
                    (&table.name, Type::TEXT),
                    (&note.last_row, Type::INT8),
                    (&last_row, Type::INT8),
                    (&count, Type::INT8),
                ],
            )
            .await?;
        if noted.is_empty() {
            return Err(CopyFault::Cut);
        }
        self.alone.frame("COMMIT").await?;
        Ok(Note { last_row, copied: note.copied + arrived })
    }

    /// What each table's rows come to, all of one moment.
    pub(super) async fn tallies(&self) -> Result<Vec<Tally>, CopyFault> {
        self.alone.frame("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let mut tallies = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            self.alone
                .frame(&format!("DECLARE copied CURSOR FOR SELECT {} FROM {}", table.names(), table.name))
                .await?;
            let mut tally = Tally::default();
            loop {
                let rows = self.alone.ask(&format!("FETCH {BATCH} FROM copied"), &[]).await?;
                for row in &rows {
                    tally.add(&read(table, row)?);
                }
                if rows.is_empty() {
                    break;
                }
            }
            self.alone.frame("CLOSE copied").await?;
            tallies.push(tally);
        }
        self.alone.frame("COMMIT").await?;
        Ok(tallies)
    }

    /// Ends the copy: from here on servers may start. Numbers go on from where the source's are.
    pub(super) async fn end(&self, generation: i64) -> Result<(), CopyFault> {
        for (table, column) in TABLES.iter().filter_map(|table| Some((table.name, table.numbered?))) {
            let set = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), (SELECT max({column}) FROM {table}))
                 WHERE EXISTS (SELECT 1 FROM {table})"
            );
            self.alone.ask(&set, &[]).await?;
        }
        self.alone.frame("BEGIN").await?;
        let set = "UPDATE state SET generation = $1 WHERE sole = 1 AND generation <= $1";
        self.alone.ask(set, &[(&generation, Type::INT8)]).await?;
        self.alone.frame("DELETE FROM copying; COMMIT").await?;
        Ok(())
    }
}

/// A column of a batch.
enum Held {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Bools(Vec<Option<bool>>),
}

impl Held {
    fn of(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Int => Self::Ints(Vec::with_capacity(rows)),
            Kind::Text => Self::Texts(Vec::with_capacity(rows)),
            Kind::Bytes => Self::Bytes(Vec::with_capacity(rows)),
            Kind::Bool => Self::Bools(Vec::with_capacity(rows)),
        }
    }

    /// The source gives each column what its kind says, or nothing.
    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Ints(held), Value::Int(number)) => held.push(Some(number)),
            (Self::Texts(held), Value::Text(text)) => held.push(Some(text)),
            (Self::Bytes(held), Value::Bytes(bytes)) => held.push(Some(bytes)),
            (Self::Bools(held), Value::Bool(yes)) => held.push(Some(yes)),
            (Self::Ints(held), _) => held.push(None),
            (Self::Texts(held), _) => held.push(None),
            (Self::Bytes(held), _) => held.push(None),
            (Self::Bools(held), _) => held.push(None),
        }
    }

    fn param(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Ints(held) => (held, Type::INT8_ARRAY),
            Self::Texts(held) => (held, Type::TEXT_ARRAY),
            Self::Bytes(held) => (held, Type::BYTEA_ARRAY),
            Self::Bools(held) => (held, Type::BOOL_ARRAY),
        }
    }
}

fn columns(table: &Table, rows: Vec<Vec<Value>>) -> Vec<Held> {
    let mut columns: Vec<_> = table.columns.iter().map(|column| Held::of(column.kind, rows.len())).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

/// One statement for a batch of any size: each parameter is a column.
fn insert(table: &Table) -> String {
    let arrays: Vec<_> = (1..)
        .zip(table.columns)
        .map(|(at, column)| format!("CAST(${at} AS {}[])", column.kind.sql()))
        .collect();
    format!("INSERT INTO {} ({}) SELECT * FROM unnest({})", table.name, table.names(), arrays.join(", "))
}

/// How many rows are read at a time.
pub(crate) const BATCH_OF_ROWS: u32 = BATCH;

/// Reads a row of [`Table::names`].
///
/// # Errors
/// [`OpenFault::Database`]: a column does not hold what it should.
pub(crate) fn read(table: &Table, row: &Row) -> Result<Vec<Value>, OpenFault> {
    let value = |(at, kind)| {
        let value = match kind {
            Kind::Int => field::<Option<i64>>(row, at)?.map(Value::Int),
            Kind::Text => field::<Option<String>>(row, at)?.map(Value::Text),
            Kind::Bytes => field::<Option<Vec<u8>>>(row, at)?.map(Value::Bytes),
            Kind::Bool => field::<Option<bool>>(row, at)?.map(Value::Bool),
        };
        Ok(value.unwrap_or(Value::Null))
    };
    table.columns.iter().enumerate().map(|(at, column)| value((at, column.kind))).collect()
}

fn field<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, OpenFault> {
    row.try_get(at).map_err(database)
}
