//! The journal that the shim writes, read back. Records have a magic number, kind, file, length and place, their payload, and
//! a checksum of all that; a record that the end of the journal tears is one that was being written when the program died.

use std::fmt;

/// Why a journal cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub(super) String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the shim's journal cannot be read: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// One change or sync. Files are numbered by the shim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The file of that name was there before the program started.
    Opened { file: u32, name: String },
    /// A new, empty file.
    Created { file: u32, name: String },
    /// Those bytes were written from that place on.
    Written { file: u32, at: usize, bytes: Vec<u8> },
    /// The file was given that length.
    Resized { file: u32, length: usize },
    /// A sync ended that covers the records below that number.
    Synced { file: u32, covered: u64 },
    /// Another name for a file.
    Linked { from: String, to: String },
    /// Another name instead.
    Renamed { from: String, to: String },
    /// A name was removed.
    Unlinked { name: String },
    /// A sync of the folder ended that covers the records below that number.
    FolderSynced { covered: u64 },
    /// A sync failed that would have covered the records below that number.
    SyncFailed { file: u32, covered: u64 },
}

const MAGIC: u32 = 0x314A_5650;
const HEAD: usize = 24;
const SUM: usize = 8;

/// Every whole record.
///
/// # Errors
/// A record that is whole and not as it was written, or of a kind that is not known here.
pub(super) fn records(mut journal: &[u8]) -> Result<Vec<Record>, Unreadable> {
    let mut all = Vec::new();
    while let Some(head) = journal.get(..HEAD) {
        let number = all.len();
        let wrong = |what: &str| Unreadable(format!("record {number}: {what}"));
        if u32_at(head, 0) != MAGIC {
            return Err(wrong("it does not begin like one"));
        }
        let (kind, file, place) = (u32_at(head, 4), u32_at(head, 8), u64_at(head, 16));
        let end = HEAD + u32_at(head, 12) as usize;
        let (Some(covered), Some(sum)) = (journal.get(..end), journal.get(end..end + SUM)) else { break };
        if digest(covered) != u64_at(sum, 0) {
            return Err(wrong("its checksum differs"));
        }
        let payload = covered.get(HEAD..).unwrap_or_default();
        all.push(record(kind, file, place, payload).ok_or_else(|| wrong("it makes no sense"))?);
        journal = journal.get(end + SUM..).unwrap_or_default();
    }
    Ok(all)
}

fn record(kind: u32, file: u32, place: u64, payload: &[u8]) -> Option<Record> {
    let name = || String::from_utf8(payload.to_vec()).ok();
    let names = || {
        let text = std::str::from_utf8(payload).ok()?;
        let (from, to) = text.split_once('\0')?;
        Some((from.to_owned(), to.to_owned()))
    };
    let at = usize::try_from(place).ok()?;
    Some(match kind {
        1 => Record::Opened { file, name: name()? },
        2 => Record::Created { file, name: name()? },
        3 => Record::Written { file, at, bytes: payload.to_vec() },
        4 => Record::Resized { file, length: at },
        5 => Record::Synced { file, covered: place },
        6 => names().map(|(from, to)| Record::Linked { from, to })?,
        7 => names().map(|(from, to)| Record::Renamed { from, to })?,
        8 => Record::Unlinked { name: name()? },
        9 => Record::FolderSynced { covered: place },
        10 => Record::SyncFailed { file, covered: place },
        _ => return None,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_ne_bytes(four.unwrap_or_default())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
    u64::from_ne_bytes(eight.unwrap_or_default())
}

/// FNV-1a.
fn digest(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, step)
}

/// Journals as the shim writes them, for tests.
#[cfg(test)]
pub(super) mod written {
    use super::{MAGIC, digest};

    pub(in super::super) mod kind {
        pub(in super::super::super) const OPENED: u32 = 1;
        pub(in super::super::super) const CREATED: u32 = 2;
        pub(in super::super::super) const WRITTEN: u32 = 3;
        pub(in super::super::super) const RESIZED: u32 = 4;
        pub(in super::super::super) const SYNCED: u32 = 5;
        pub(in super::super::super) const LINKED: u32 = 6;
        pub(in super::super::super) const RENAMED: u32 = 7;
        pub(in super::super::super) const UNLINKED: u32 = 8;
        pub(in super::super::super) const FOLDER_SYNCED: u32 = 9;
        pub(in super::super::super) const SYNC_FAILED: u32 = 10;
    }

    #[derive(Default)]
    pub(in super::super) struct Writer {
        pub(in super::super) bytes: Vec<u8>,
    }

    impl Writer {
        pub(in super::super) fn note(&mut self, kind: u32, file: u32, place: u64, payload: &[u8]) {
            let start = self.bytes.len();
            for word in [MAGIC, kind, file, u32::try_from(payload.len()).unwrap()] {
                self.bytes.extend(word.to_ne_bytes());
            }
            self.bytes.extend(place.to_ne_bytes());
            self.bytes.extend(payload);
            let sum = digest(&self.bytes[start..]);
            self.bytes.extend(sum.to_ne_bytes());
        }

        pub(in super::super) fn names(&mut self, kind: u32, file: u32, first: &str, second: Option<&str>) {
            let payload = second.map_or(first.to_owned(), |second| format!("{first}\0{second}"));
            self.note(kind, file, 0, payload.as_bytes());
        }
    }
}
