//! Checking a folder's database, without its lock.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::invariants::{IN_FOLDER, INVARIANTS};
use super::narrowed::{self, Narrowed};
use super::sealed::{Reading, shown};
use super::{Checked, Finding, TOLD, vault};
use crate::copy::rows::Value;
use crate::copy::source::{select, value};
use crate::embedded::Aside;
use crate::{OpenFault, Opening};

/// What is done about a file that SQLite itself finds at fault.
const DAMAGED: &str =
    "the disk or what writes to the file is at fault: stop the server, restore a backup, look at the disk";

pub(super) fn check(folder: &Path, opening: &Opening) -> Result<Checked, OpenFault> {
    let aside = Aside::of_folder(folder)?;
    let schema = aside.schema()?;
    let mut checked = Checked::default();
    let db = aside.db();
    pragma(db, "PRAGMA integrity_check(20)", "SQLite's own check finds nothing", &mut checked)?;
    if schema.found < schema.known {
        // It is brought up to date when it is opened next.
        return Ok(checked);
    }
    pragma(db, "PRAGMA foreign_key_check", "what a row refers to is there", &mut checked)?;
    schema_holds(&aside, &mut checked)?;
    for held in INVARIANTS {
        let statement = held.statement(IN_FOLDER, opening.now);
        checked.statements += 1;
        for key in keys(db, &statement)? {
            let (invariant, rule, table, remedy) = (held.invariant, held.rule, held.table, held.remedy);
            checked.findings.push(Finding { invariant, rule, table, key, remedy });
        }
    }
    narrowed::judge(narrowed_tokens(db).map_err(fault)?, &mut checked);
    let mut select = db.prepare("SELECT purpose, key_id, sealed FROM vault").map_err(fault)?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let rows: Result<Vec<_>, _> = rows.map_err(fault)?.collect();
    let vault =
        vault(rows.map_err(fault)?, &opening.master, opening.previous_master.as_ref(), &opening.random)?;
    if let Some(vault) = vault {
        read(db, Reading::new(&vault, &mut checked))?;
    }
    Ok(checked)
}

/// What a check of SQLite's own finds.
fn pragma(db: &Connection, sql: &str, rule: &'static str, checked: &mut Checked) -> Result<(), OpenFault> {
    checked.statements += 1;
    for key in keys(db, sql)?.into_iter().filter(|key| key != "integrity_check=ok") {
        let (invariant, table) = ("file", "portvakt.db");
        checked.findings.push(Finding { invariant, rule, table, key, remedy: DAMAGED });
    }
    Ok(())
}

/// The schema is the one that the migrations make.
fn schema_holds(aside: &Aside, checked: &mut Checked) -> Result<(), OpenFault> {
    checked.statements += 1;
    for name in aside.differences()? {
        checked.findings.push(Finding {
            invariant: "schema",
            rule: "every table and index is as the migrations make it",
            table: "sqlite_schema",
            key: format!("name={name}"),
            remedy: "somebody changed the schema by hand: undo it, or restore a backup",
        });
    }
    Ok(())
}

/// The keys that a statement finds.
fn keys(db: &Connection, sql: &str) -> Result<Vec<String>, OpenFault> {
    let mut statement = db.prepare(sql).map_err(fault)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(fault)?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let mut key = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let value = match row.get_ref(at).map_err(fault)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Real(_) => continue,
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
            };
            key.push(shown(name, &value));
        }
        keys.push(key.join(" "));
        if keys.len() >= TOLD {
            break;
        }
    }
    Ok(keys)
}

fn narrowed_tokens(db: &Connection) -> Result<Vec<Narrowed>, rusqlite::Error> {
    let mut select = db.prepare(narrowed::IN_FOLDER)?;
    let rows = select.query_map([], |row| {
        let (issuer, digest) = (row.get(0)?, row.get(1)?);
        Ok(Narrowed { issuer, digest, narrowed: row.get(2)?, granted: row.get(3)? })
    })?;
    rows.collect()
}

/// Reads every row that holds something sealed.
fn read(db: &Connection, mut reading: Reading<'_>) -> Result<(), OpenFault> {
    for table in reading.tables() {
        let mut statement = db.prepare(&select(table)).map_err(fault)?;
        let mut rows = statement.query((i64::MIN, i64::MAX)).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            let mut values = Vec::with_capacity(table.columns.len());
            for (at, column) in (1..).zip(table.columns) {
                values.push(value(row.get_ref(at).map_err(fault)?, column.kind).unwrap_or(Value::Null));
            }
            reading.row(table, &values);
        }
    }
    Ok(())
}

fn fault(error: rusqlite::Error) -> OpenFault {
    OpenFault::Corrupt(error.to_string())
}
