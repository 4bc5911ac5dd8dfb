//! What came of a contest: counts, and who won what, added up over the processes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Plan, Thing};

/// What one process saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Things that were contested.
    pub things: u64,
    /// Attempts: the contests.
    pub attempts: u64,
    /// Attempts by what they were at.
    pub kinds: BTreeMap<Thing, u64>,
    /// Things that this process got, or found to be as they must when all was over.
    pub wins: u64,
    /// Attempts that were given what several may be given.
    pub given: u64,
    /// Attempts that were told that somebody else was first.
    pub losses: u64,
    /// Attempts without an answer.
    pub unknown: u64,
    /// Attempts that were told what no loser is told.
    pub wrong: u64,
    /// Tokens that live on after a replay of their code, and grants of which something lives on after their revocation.
    pub outlived: u64,
    /// Things that succeeded more than once in this process alone, or of which two branches live.
    pub doubles: u64,
    /// How long the attempts took, in milliseconds.
    pub millis: u64,
}

/// What all processes together have to answer for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Things that were contested.
    pub things: u64,
    /// Those that succeeded once.
    pub once: u64,
    /// Those that succeeded more than once: none, or the store is broken.
    pub doubles: Vec<u32>,
    /// Those that nobody got. Each needs an attempt without an answer.
    pub nobody: Vec<u32>,
}

/// Adds up the wins of every process.
pub fn add_up<'a>(plan: &Plan, wins: impl IntoIterator<Item = &'a [u32]>) -> Ruling {
    let things = plan.things();
    let mut counted: BTreeMap<u32, u64> = BTreeMap::new();
    for number in wins.into_iter().flatten() {
        *counted.entry(*number).or_default() += 1;
    }
    Ruling {
        things: u64::from(things),
        once: counted.values().filter(|count| **count == 1).count() as u64,
        doubles: counted.iter().filter(|(_, count)| **count > 1).map(|(number, _)| *number).collect(),
        nobody: (0..things).filter(|number| !counted.contains_key(number)).collect(),
    }
}

/// Writes the numbers of the things that a process won: 32 bits each, little-endian.
///
/// # Errors
/// The file cannot be written.
pub fn write_wins(path: &Path, wins: &[u32]) -> io::Result<()> {
    fs::write(path, wins.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

/// Reads what [`write_wins`] wrote.
///
/// # Errors
/// The file cannot be read, or is none of these.
pub fn read_wins(path: &Path) -> io::Result<Vec<u32>> {
    let bytes = fs::read(path)?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(numbers.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
}
