//! Moving an embedded store into a database: every row as it is, for what is sealed is bound to its issuer's number and its row's key, and
//! those stay. It can be cut off at any point and goes on from there when it is begun again; no server starts on a database in between. It
//! is done when both stores were read once more, each from end to end, and come to the same.

pub(crate) mod rows;
pub(crate) mod source;
pub(crate) mod tables;
pub(crate) mod target;

use std::path::Path;

use self::source::Source;
use self::tables::TABLES;
use self::target::Target;
use crate::embedded::Held;
use crate::postgres::Alone;
use crate::{Broken, OpenFault, Opening, PostgresUrl, SchemaStatus, schema_status};

/// How many rows travel together.
const BATCH: u32 = 5000;

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copying {
    /// Rows arrived.
    Arrived {
        /// Of this table.
        table: &'static str,
        /// How many are there now.
        rows: u64,
        /// How many there will be.
        of: u64,
    },
    /// Every row is there, and both stores are read once more.
    Verifying,
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Each table and its rows, the same in both stores.
    pub tables: Vec<(&'static str, u64)>,
    /// How many rows had arrived before, in a copy that was cut off.
    pub resumed: u64,
}

/// Why a store was not copied. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CopyFault {
    /// One of the two cannot be used.
    #[error(transparent)]
    Open(#[from] OpenFault),
    /// A row of the source cannot be read.
    #[error("{0}: nothing of it can be copied: look at it with `portvakt db check`")]
    Source(Broken),
    /// The database holds something already.
    #[error("the database is not empty: `{table}` has rows: name an empty one, with nothing but its schema")]
    NotEmpty {
        /// Where a row was found.
        table: &'static str,
    },
    /// The database holds a half copy of another store.
    #[error(
        "the database holds an unfinished copy of another store: finish that one, or begin anew with --again, which removes it"
    )]
    OfAnother,
    /// Somebody else copies into the same database.
    #[error("another copy into this database goes on at the same time: let one of them end")]
    Cut,
    /// What arrived is not what was sent.
    #[error(
        "the copy differs from its source in {}: was the source served meanwhile? Begin anew with --again, which removes what was copied",
        .tables.join(", ")
    )]
    Differs {
        /// In these tables.
        tables: Vec<&'static str>,
    },
}

/// Copies the embedded store in `folder`, which no server may have, into a database with this version's schema. The keys of both are
/// `opening`'s; its place is not looked at. `again` removes what an unfinished copy has left there, and begins anew.
///
/// # Errors
/// [`CopyFault`]. What arrived until then stays, and the next call goes on from there.
pub async fn copy(
    folder: &Path,
    target: &PostgresUrl,
    opening: Opening,
    again: bool,
    mut tell: impl FnMut(Copying),
) -> Result<Copied, CopyFault> {
    let SchemaStatus { found, known, half, .. } = schema_status(target).await?;
    if let Some(number) = half {
        return Err(OpenFault::HalfMigrated { number }.into());
    }
    if found < known {
        return Err(OpenFault::Unmigrated { found, known }.into());
    }
    let source = Source::new(Held::take(folder, opening)?);
    let target = Target::new(Alone::connect(target).await?);
    target.begin(&source.identity()?, again).await?;
    let mut resumed = 0;
    for table in TABLES {
        let mut note = target.note(table).await?;
        resumed += note.copied;
        let of = source.count(table)?;
        while let Some(batch) = source.after(table, note.last_row)? {
            note = target.put(table, note, batch).await?;
            tell(Copying::Arrived { table: table.name, rows: note.copied, of });
        }
    }
    tell(Copying::Verifying);
    let tables = verified(&source, &target).await?;
    target.end(source.generation()?).await?;
    Ok(Copied { tables, resumed })
}

/// Reads both stores from end to end, and says how many rows each table has in both.
async fn verified(source: &Source, target: &Target) -> Result<Vec<(&'static str, u64)>, CopyFault> {
    let arrived = target.tallies().await?;
    let mut tables = Vec::with_capacity(TABLES.len());
    let mut differ = Vec::new();
    for (table, arrived) in TABLES.iter().zip(arrived) {
        if source.tally(table)? != arrived {
            differ.push(table.name);
        }
        tables.push((table.name, arrived.rows));
    }
    if differ.is_empty() { Ok(tables) } else { Err(CopyFault::Differs { tables: differ }) }
}
