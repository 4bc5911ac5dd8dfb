//! `portvakt db status`.

use std::io::{self, Write};

use portvakt_store::{StoreStatus, store_status};
use serde_json::{Value, json};

use crate::cli::{table, tell};
use crate::config::{Settings, Storage};
use crate::failure::Failure;
use crate::house::{is_used, not_opened};
use crate::serve::store_url;

/// Tells what the configured store is like.
///
/// # Errors
/// It cannot be reached or read.
pub(super) async fn perform(settings: &Settings, json: bool) -> Result<(), Failure> {
    if let Storage::Folder(folder) = &settings.data
        && !is_used(folder)
    {
        return Err(Failure::new(format!("{}: there is no store yet", folder.display()))
            .hint("`portvakt serve` makes one"));
    }
    let url = store_url(settings)?;
    let status = store_status(&url).await.map_err(|fault| not_opened(&url, &fault))?;
    tell(json.then(|| summary(settings, &status)), |out| page(settings, &status, out))
}

fn summary(settings: &Settings, status: &StoreStatus) -> Value {
    let schema = status.schema.as_ref().ok().map(|schema| {
        json!({ "found": schema.found, "known": schema.known, "half": schema.half, "pending": schema.pending })
    });
    let tables: Vec<_> = status
        .tables
        .iter()
        .map(|table| json!({ "table": table.name, "rows": table.rows, "bytes": table.bytes }))
        .collect();
    json!({
        "data": settings.data.to_string(),
        "schema": schema,
        "starts": status.would_start().is_ok(),
        "why_not": status.would_start().err(),
        "tables": tables,
        "bytes": status.bytes,
    })
}

fn page(settings: &Settings, status: &StoreStatus, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "data    {}", settings.data)?;
    if let Ok(schema) = &status.schema {
        write!(out, "schema  {} of {}", schema.found, schema.known)?;
        match schema.pending.as_slice() {
            [] => writeln!(out)?,
            pending => writeln!(out, "; to come: {}", pending.join(", "))?,
        }
    }
    match status.would_start() {
        Ok(()) => writeln!(out, "serve   starts, with the right master key")?,
        Err(why) => writeln!(out, "serve   does not start: {why}")?,
    }
    if let Some(bytes) = status.bytes {
        writeln!(out, "size    {}", size(bytes))?;
    }
    let rows = status.tables.iter().map(|table| {
        [table.name.to_owned(), table.rows.to_string(), table.bytes.map(size).unwrap_or_default()]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() { Ok(()) } else { table::write(out, ["TABLE", "ROWS", "SIZE"], rows) }
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}
