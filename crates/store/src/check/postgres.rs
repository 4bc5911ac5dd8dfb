//! Checking a database, in one transaction that sees one moment and writes nothing.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::invariants::{IN_DATABASE, INVARIANTS};
use super::narrowed::{self, Narrowed};
use super::sealed::{Reading, shown};
use super::{Checked, Finding, TOLD, vault};
use crate::copy::rows::Value;
use crate::copy::tables::{Kind, TABLES};
use crate::copy::target::{BATCH_OF_ROWS, read};
use crate::postgres::{Alone, database, expected_indexes};
use crate::{OpenFault, Opening, PostgresUrl, schema_status};

pub(super) async fn check(url: &PostgresUrl, opening: &Opening) -> Result<Checked, OpenFault> {
    let schema = schema_status(url).await?;
    if let Some(number) = schema.half {
        return Err(OpenFault::HalfMigrated { number });
    }
    if schema.found < schema.known {
        return Err(OpenFault::Unmigrated { found: schema.found, known: schema.known });
    }
    let alone = Alone::connect(url).await?;
    alone.frame("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    if !alone.ask("SELECT 1 FROM copying LIMIT 1", &[]).await?.is_empty() {
        return Err(OpenFault::CopyUnfinished);
    }
    let mut checked = Checked::default();
    schema_holds(&alone, &mut checked).await?;
    numbers_hold(&alone, &mut checked).await?;
    for held in INVARIANTS {
        checked.statements += 1;
        let found = alone.ask(&held.statement(IN_DATABASE, opening.now), &[]).await?;
        for row in found.iter().take(TOLD) {
            let (invariant, rule, table, remedy) = (held.invariant, held.rule, held.table, held.remedy);
            checked.findings.push(Finding { invariant, rule, table, key: key(row)?, remedy });
        }
    }
    let narrowed = alone.ask(narrowed::IN_DATABASE, &[]).await?;
    let token = |row: &Row| {
        let (issuer, digest) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Narrowed { issuer, digest, narrowed: row.try_get(2)?, granted: row.try_get(3)? })
    };
    let narrowed: Result<Vec<_>, _> = narrowed.iter().map(token).collect();
    narrowed::judge(narrowed.map_err(database)?, &mut checked);
    let rows = alone.ask("SELECT purpose, key_id, sealed FROM vault", &[]).await?;
    let key = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    let rows: Result<Vec<_>, _> = rows.iter().map(key).collect();
    let rows = rows.map_err(database)?;
    let vault = vault(rows, &opening.master, opening.previous_master.as_ref(), &opening.random)?;
    if let Some(vault) = vault {
        read_all(&alone, Reading::new(&vault, &mut checked)).await?;
    }
    alone.frame("COMMIT").await?;
    Ok(checked)
}

/// Every column is there with its type, and every index.
async fn schema_holds(alone: &Alone, checked: &mut Checked) -> Result<(), OpenFault> {
    checked.statements += 2;
    let columns = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT)
                   FROM information_schema.columns WHERE table_schema = current_schema()";
    let columns = texts(&alone.ask(columns, &[]).await?)?;
    let indexes = "SELECT CAST(indexname AS TEXT) FROM pg_indexes WHERE schemaname = current_schema()";
    let indexes = texts(&alone.ask(indexes, &[]).await?)?;
    let mut missing = Vec::new();
    for table in TABLES {
        for column in table.columns {
            let kind = match column.kind {
                Kind::Int => "bigint",
                Kind::Text => "text",
                Kind::Bytes => "bytea",
                Kind::Bool => "boolean",
            };
            if !columns.iter().any(|found| *found == [table.name, column.name, kind]) {
                missing.push((table.name, format!("column={}", column.name)));
            }
        }
    }
    for index in expected_indexes() {
        if !indexes.iter().any(|found| *found == [index]) {
            missing.push(("pg_indexes", format!("index={index}")));
        }
    }
    checked.findings.extend(missing.into_iter().map(|(table, key)| Finding {
        invariant: "schema",
        rule: "every column and index is as the migrations make it",
        table,
        key,
        remedy: "somebody changed the schema by hand: undo it as the owner, or restore a backup",
    }));
    Ok(())
}

/// No number is given a second time.
async fn numbers_hold(alone: &Alone, checked: &mut Checked) -> Result<(), OpenFault> {
    for (table, column) in TABLES.iter().filter_map(|table| Some((table.name, table.numbered?))) {
        checked.statements += 1;
        let named = alone
            .ask("SELECT pg_get_serial_sequence($1, $2)", &[(&table, Type::TEXT), (&column, Type::TEXT)])
            .await?;
        let sequence: Option<String> =
            named.first().map_or(Ok(None), |row| row.try_get(0)).map_err(database)?;
        let Some(sequence) = sequence else { continue };
        let behind = format!(
            "SELECT s.last_value, m.most FROM {sequence} s, (SELECT max({column}) AS most FROM {table}) m
             WHERE s.last_value < m.most"
        );
        for row in alone.ask(&behind, &[]).await? {
            checked.findings.push(Finding {
                invariant: "I7",
                rule: "no number is given twice",
                table,
                key: key(&row)?,
                remedy: "the sequence is behind its table, so writes will fail: set it to the highest number, as the owner",
            });
        }
    }
    Ok(())
}

/// Reads every row that holds something sealed.
async fn read_all(alone: &Alone, mut reading: Reading<'_>) -> Result<(), OpenFault> {
    for table in reading.tables() {
        let declare = format!("DECLARE checked CURSOR FOR SELECT {} FROM {}", table.names(), table.name);
        alone.frame(&declare).await?;
        loop {
            let rows = alone.ask(&format!("FETCH {BATCH_OF_ROWS} FROM checked"), &[]).await?;
            for row in &rows {
                reading.row(table, &read(table, row)?);
            }
            if rows.is_empty() {
                break;
            }
        }
        alone.frame("CLOSE checked").await?;
    }
    Ok(())
}

fn texts(rows: &[Row]) -> Result<Vec<Vec<String>>, OpenFault> {
    let row = |row: &Row| (0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>();
    rows.iter().map(row).collect::<Result<_, _>>().map_err(database)
}

/// What a found row's columns say.
fn key(row: &Row) -> Result<String, OpenFault> {
    let mut key = Vec::with_capacity(row.len());
    for (at, column) in row.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(at).map(|value| value.map(Value::Int)),
            Type::TEXT => row.try_get::<_, Option<String>>(at).map(|value| value.map(Value::Text)),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at).map(|value| value.map(Value::Bytes)),
            _ => continue,
        };
        key.push(shown(column.name(), &value.map_err(database)?.unwrap_or(Value::Null)));
    }
    Ok(key.join(" "))
}
