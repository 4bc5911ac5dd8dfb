//! One file: what of it is durable, what is not, and what a disk may hold of that.

use std::collections::BTreeMap;

use super::mood::Mood;
use super::{Cut, Draw};

/// A file, whatever its names.
#[derive(Debug, Default)]
pub(super) struct Inode {
    durable: Vec<u8>,
    pending: Vec<(u64, Change)>,
    /// What a failed sync would have covered, cut at the pages' borders.
    failed: Vec<(u64, Change)>,
}

#[derive(Debug)]
pub(super) enum Change {
    /// These bytes, from there on.
    Write { at: usize, bytes: Vec<u8> },
    /// The file is that long now.
    Resize(usize),
}

/// What the kernel writes at once.
pub(super) const PAGE: usize = 4096;

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => put(file, *at, bytes),
            Self::Resize(length) => file.resize(*length, 0),
        }
    }

    /// Whether writing this writes the other, which lies in one page, too. What is cut off is nobody's any more.
    fn shares_a_page_with(&self, other: &Self) -> bool {
        let Self::Write { at: other, .. } = other else { return false };
        match self {
            Self::Write { at, bytes } => {
                (at / PAGE..(at + bytes.len()).div_ceil(PAGE)).contains(&(other / PAGE))
            }
            Self::Resize(length) => other >= length,
        }
    }
}

impl Inode {
    /// A file with these bytes, all of them durable.
    pub(super) fn holding(bytes: &[u8]) -> Self {
        Self { durable: bytes.to_vec(), ..Self::default() }
    }

    /// The file was changed, by that record.
    pub(super) fn change(&mut self, number: u64, change: Change) {
        self.pending.push((number, change));
    }

    /// Everything older than that record is durable, but for what a sync failed for before.
    pub(super) fn sync(&mut self, covered: u64) {
        let (durable, failed) = (&mut self.durable, &mut self.failed);
        self.pending.retain(|(number, change)| {
            let young = *number >= covered;
            if !young {
                failed.retain(|(_, earlier)| {
                    let aside = !change.shares_a_page_with(earlier);
                    if !aside {
                        earlier.apply(durable);
                    }
                    aside
                });
                change.apply(durable);
            }
            young
        });
    }

    /// A sync failed that would have covered what is older than that record. Lengths are kept elsewhere, and tried again.
    pub(super) fn fail(&mut self, covered: u64) {
        let failed = &mut self.failed;
        self.pending.retain(|(number, change)| match change {
            Change::Write { at, bytes } if *number < covered => {
                failed.extend(
                    split(*at, bytes, PAGE)
                        .map(|(at, bytes)| (*number, Change::Write { at, bytes: bytes.to_vec() })),
                );
                false
            }
            Change::Write { .. } | Change::Resize(_) => true,
        });
    }

    /// What the disk has of it.
    pub(super) fn image(mut self, draw: Draw<'_>, cut: &mut Cut) -> Vec<u8> {
        self.pending.append(&mut self.failed);
        self.pending.sort_by_key(|(number, _)| *number);
        if self.pending.is_empty() {
            return self.durable;
        }
        cut.pending += self.pending.len() as u64;
        let mood = Mood::drawn(draw, self.pending.iter().map(|(number, _)| *number));
        let sector = if draw(2) == 0 { 512 } else { 4096 };
        let lengths = lengths(self.durable.len(), &self.pending);
        let longest = lengths.iter().map(|(_, length)| *length).max().unwrap_or(0).max(self.durable.len());
        let mut image = self.durable;
        let first = image.len();
        image.resize(longest, 0);
        for (at, pieces) in pieces(&self.pending, sector, longest) {
            let numbers: Vec<u64> = pieces.iter().map(|piece| piece.number).collect();
            let reached = mood.reached(&mut *draw, &numbers);
            cut.sectors += 1;
            cut.stale += u64::from(reached < pieces.len());
            for piece in pieces.into_iter().take(reached) {
                piece.put(&mut image, at * sector, sector);
            }
        }
        let numbers: Vec<u64> = lengths.iter().map(|(number, _)| *number).collect();
        let reached = mood.reached(draw, &numbers);
        let length =
            reached.checked_sub(1).and_then(|last| lengths.get(last)).map_or(first, |(_, length)| *length);
        image.truncate(length);
        image
    }
}

/// The lengths that a file went through, with the record that made each.
fn lengths(first: usize, changes: &[(u64, Change)]) -> Vec<(u64, usize)> {
    let mut length = first;
    let mut all = Vec::new();
    for (number, change) in changes {
        let next = match change {
            Change::Write { at, bytes } => length.max(at + bytes.len()),
            Change::Resize(to) => *to,
        };
        if next != length {
            all.push((*number, next));
        }
        length = next;
    }
    all
}

/// One change's part in one sector.
#[derive(Debug)]
struct Piece<'a> {
    number: u64,
    what: Part<'a>,
}

#[derive(Debug)]
enum Part<'a> {
    /// These bytes, from there on.
    Bytes(usize, &'a [u8]),
    /// Zeros from there on: the file was cut off before it.
    ZerosFrom(usize),
}

impl Piece<'_> {
    fn put(&self, image: &mut Vec<u8>, start: usize, sector: usize) {
        let end = (start + sector).min(image.len());
        match self.what {
            Part::Bytes(at, bytes) => put(image, at, bytes),
            Part::ZerosFrom(from) => {
                if let Some(cleared) = image.get_mut(from.max(start)..end) {
                    cleared.fill(0);
                }
            }
        }
    }
}

/// Every sector that was written to, by its number, with what was written there, oldest first.
fn pieces(changes: &[(u64, Change)], sector: usize, longest: usize) -> BTreeMap<usize, Vec<Piece<'_>>> {
    let mut sectors: BTreeMap<usize, Vec<Piece<'_>>> = BTreeMap::new();
    for (number, change) in changes {
        match change {
            Change::Write { at, bytes } => {
                for (at, bytes) in split(*at, bytes, sector) {
                    let what = Part::Bytes(at, bytes);
                    sectors.entry(at / sector).or_default().push(Piece { number: *number, what });
                }
            }
            Change::Resize(length) => {
                for at in length / sector..longest.div_ceil(sector) {
                    let what = Part::ZerosFrom(*length);
                    sectors.entry(at).or_default().push(Piece { number: *number, what });
                }
            }
        }
    }
    sectors
}

/// Those bytes, cut where a sector of that size ends.
fn split(mut at: usize, mut bytes: &[u8], sector: usize) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        let (piece, rest) = bytes.split_at((sector - at % sector).min(bytes.len()));
        let from = at;
        at += piece.len();
        bytes = rest;
        (!piece.is_empty()).then_some((from, piece))
    })
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
}
