//! What a disk holds after the power was cut: the folder is made anew from what it was before, the journal that the shim kept
//! (`shim/disk.c`) and a seed.
//!
//! What a sync covered is there. Of everything younger the disk may have any part, and the seed says which:
//! - each sector (of 512 or 4096 bytes) that was written to since holds any one of the versions it had, the old one included,
//!   independently of its neighbours: writes are torn, and arrive in any order;
//! - a file has any one of the lengths it had; what it has grown by and nobody wrote reads as zeros;
//! - a name that was made, removed or moved since the folder was synced is there or not, each by itself, and a rename moves
//!   its name at once or not at all (POSIX promises no more, file systems do).
//!
//! A sync that failed covers nothing, and no later one covers for it: the kernel takes what it could not write for written, and
//! only a page that is written to anew goes to the disk, whole. What was in the others is on the disk or not.
//!
//! To lose everything or nothing, or what is younger than one moment, is what disks mostly do; so that is drawn as well.

mod file;
mod journal;
mod mood;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use self::file::{Change, Inode};
use self::journal::Record;
pub use self::journal::Unreadable;
use self::mood::Mood;

/// A number below the one it is given, by chance.
pub type Draw<'a> = &'a mut dyn FnMut(u64) -> u64;

/// The files of a folder: what a disk holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    /// Reads a folder. Sockets are left out, and so are the indexes of SQLite's logs (`-shm`), which no power cut leaves as
    /// they were. A folder that is not there has no files.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let entries = match std::fs::read_dir(folder) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file() && !name.ends_with("-shm") {
                files.insert(name, std::fs::read(entry.path())?);
            }
        }
        Ok(Self(files))
    }

    /// Puts these files, and no others, into the folder. Only their owner may read them.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn replace(&self, folder: &Path) -> io::Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        for (name, bytes) in &self.0 {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o600).open(folder.join(name))?.write_all(bytes)?;
        }
        Ok(())
    }
}

/// What a cut took and left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Syncs that had ended.
    pub syncs: u64,
    /// Changes that no sync covered.
    pub pending: u64,
    /// Sectors that those touched.
    pub sectors: u64,
    /// Those of them that are not as the program last saw them.
    pub stale: u64,
    /// Names that are not as the program last saw them.
    pub names: u64,
}

impl std::ops::AddAssign for Cut {
    fn add_assign(&mut self, other: Self) {
        self.syncs += other.syncs;
        self.pending += other.pending;
        self.sectors += other.sectors;
        self.stale += other.stale;
        self.names += other.names;
    }
}

/// What is left of a folder that held `before` when the program started, after what it did by its journal.
///
/// # Errors
/// The journal is not one: a program that ran without the shim's whole knowledge proves nothing.
pub fn survivors(before: &Files, journal: &[u8], draw: Draw<'_>) -> Result<(Files, Cut), Unreadable> {
    let mut disk = Disk::holding(before);
    for (number, record) in journal::records(journal)?.into_iter().enumerate() {
        disk.take(number as u64, record)?;
    }
    Ok(disk.cut(draw))
}

/// A change of the folder's names.
#[derive(Debug)]
enum Entry {
    Set { name: String, inode: usize },
    Move { from: String, to: String, inode: usize },
    Remove { name: String },
}

impl Entry {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set { name, inode } => {
                names.insert(name.clone(), *inode);
            }
            Self::Move { from, to, inode } => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
            Self::Remove { name } => {
                names.remove(name);
            }
        }
    }
}

#[derive(Debug)]
struct Disk {
    inodes: Vec<Inode>,
    /// The journal's numbers of files.
    known: BTreeMap<u32, usize>,
    /// The names as the program sees them.
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<(u64, Entry)>,
    syncs: u64,
}

impl Disk {
    fn holding(files: &Files) -> Self {
        let names: BTreeMap<String, usize> = files.0.keys().cloned().zip(0..).collect();
        Self {
            inodes: files.0.values().map(|bytes| Inode::holding(bytes)).collect(),
            known: BTreeMap::new(),
            seen: names.clone(),
            durable: names,
            pending: Vec::new(),
            syncs: 0,
        }
    }

    fn take(&mut self, number: u64, record: Record) -> Result<(), Unreadable> {
        match record {
            Record::Opened { file, name } => {
                let inode = self.called(&name)?;
                self.known.insert(file, inode);
            }
            Record::Created { file, name } => {
                let inode = self.inodes.len();
                self.inodes.push(Inode::default());
                self.known.insert(file, inode);
                self.enter(number, Entry::Set { name, inode });
            }
            Record::Written { file, at, bytes } => {
                self.inode(file)?.change(number, Change::Write { at, bytes });
            }
            Record::Resized { file, length } => {
                self.inode(file)?.change(number, Change::Resize(length));
            }
            Record::Synced { file, covered } => {
                self.syncs += 1;
                self.inode(file)?.sync(covered);
            }
            Record::SyncFailed { file, covered } => self.inode(file)?.fail(covered),
            Record::Linked { from, to } => {
                let inode = self.called(&from)?;
                self.enter(number, Entry::Set { name: to, inode });
            }
            Record::Renamed { from, to } => {
                let inode = self.called(&from)?;
                self.enter(number, Entry::Move { from, to, inode });
            }
            Record::Unlinked { name } => self.enter(number, Entry::Remove { name }),
            Record::FolderSynced { covered } => {
                self.syncs += 1;
                let durable = &mut self.durable;
                self.pending.retain(|(number, entry)| {
                    let young = *number >= covered;
                    if !young {
                        entry.apply(durable);
                    }
                    young
                });
            }
        }
        Ok(())
    }

    fn called(&self, name: &str) -> Result<usize, Unreadable> {
        self.seen.get(name).copied().ok_or_else(|| Unreadable(format!("a file {name} that was not there")))
    }

    fn inode(&mut self, file: u32) -> Result<&mut Inode, Unreadable> {
        let at = self.known.get(&file).copied();
        at.and_then(|at| self.inodes.get_mut(at)).ok_or_else(|| Unreadable(format!("an unknown file {file}")))
    }

    fn enter(&mut self, number: u64, entry: Entry) {
        entry.apply(&mut self.seen);
        self.pending.push((number, entry));
    }

    fn cut(self, draw: Draw<'_>) -> (Files, Cut) {
        let mut cut = Cut { syncs: self.syncs, ..Cut::default() };
        let mut names = self.durable;
        cut.pending += self.pending.len() as u64;
        let mood = Mood::drawn(draw, self.pending.iter().map(|(number, _)| *number));
        for (number, entry) in &self.pending {
            let kept = match mood {
                Mood::Nothing => false,
                Mood::Everything => true,
                Mood::Until(end) => *number < end,
                Mood::Anything => draw(2) == 0,
            };
            if kept {
                entry.apply(&mut names);
            }
        }
        cut.names += differing(&names, &self.seen) + differing(&self.seen, &names);
        let images: Vec<Vec<u8>> =
            self.inodes.into_iter().map(|inode| inode.image(&mut *draw, &mut cut)).collect();
        let found = |inode: usize| images.get(inode).cloned().unwrap_or_default();
        (Files(names.into_iter().map(|(name, inode)| (name, found(inode))).collect()), cut)
    }
}

fn differing(one: &BTreeMap<String, usize>, other: &BTreeMap<String, usize>) -> u64 {
    one.iter().filter(|(name, inode)| other.get(*name) != Some(inode)).count() as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::file::PAGE;
    use super::journal::written::{Writer, kind};
    use super::*;

    /// What is left, for many seeds.
    fn all(before: &Files, journal: &[u8]) -> Vec<Files> {
        (1..400_u64)
            .map(|seed| {
                let mut state = seed;
                let mut draw = |end: u64| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33) % end.max(1)
                };
                survivors(before, journal, &mut draw).unwrap().0
            })
            .collect()
    }

    fn holding(files: &[(&str, &[u8])]) -> Files {
        Files(files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect())
    }

    fn contents(all: &[Files], name: &str) -> BTreeSet<Option<Vec<u8>>> {
        all.iter().map(|files| files.0.get(name).cloned()).collect()
    }

    #[test]
    fn what_a_sync_covered_is_in_every_outcome_and_what_it_did_not_cover_is_lost_in_some() {
        let mut journal = Writer::default();
        journal.names(kind::OPENED, 0, "db", None);
        journal.note(kind::WRITTEN, 0, 0, b"one");
        journal.note(kind::SYNCED, 0, 2, b"");
        journal.note(kind::WRITTEN, 0, 0, b"two");
        let found = contents(&all(&holding(&[("db", b"old")]), &journal.bytes), "db");
        assert_eq!(found, [Some(b"one".to_vec()), Some(b"two".to_vec())].into());
    }

    #[test]
    fn a_sync_that_began_before_a_write_does_not_cover_it() {
        let mut journal = Writer::default();
        journal.names(kind::OPENED, 0, "db", None);
        journal.note(kind::WRITTEN, 0, 0, b"new");
        journal.note(kind::SYNCED, 0, 1, b"");
        let found = contents(&all(&holding(&[("db", b"old")]), &journal.bytes), "db");
        assert_eq!(found, [Some(b"old".to_vec()), Some(b"new".to_vec())].into());
    }

    #[test]
    fn what_a_sync_failed_for_is_not_covered_by_the_next_one_unless_its_page_is_written_anew() {
        let before = holding(&[("db", &[b'o'; 2 * PAGE])]);
        let mut journal = Writer::default();
        journal.names(kind::OPENED, 0, "db", None);
        journal.note(kind::WRITTEN, 0, 0, &[b'f'; 2 * PAGE]);
        journal.note(kind::SYNC_FAILED, 0, 2, b"");
        journal.note(kind::SYNCED, 0, 3, b"");
        let at = |file: &Option<Vec<u8>>, at: usize| file.as_ref().map(|file| file[at]);
        let found = contents(&all(&before, &journal.bytes), "db");
        assert!(found.iter().any(|file| at(file, 0) == Some(b'o')), "taken for written");
        journal.note(kind::WRITTEN, 0, 8, b"n");
        journal.note(kind::SYNCED, 0, 5, b"");
        let found = contents(&all(&before, &journal.bytes), "db");
        assert!(
            found.iter().all(|file| at(file, 0) == Some(b'f') && at(file, 8) == Some(b'n')),
            "the page went whole"
        );
        assert!(found.iter().any(|file| at(file, PAGE) == Some(b'o')), "the other did not");
    }

    #[test]
    fn one_write_is_torn_at_its_sectors_and_later_ones_may_arrive_first() {
        let (old, new) = (vec![b'o'; 2048], vec![b'n'; 1024]);
        let mut journal = Writer::default();
        journal.names(kind::OPENED, 0, "db", None);
        journal.note(kind::WRITTEN, 0, 0, &new);
        journal.note(kind::WRITTEN, 0, 1024, &new);
        let found = contents(&all(&holding(&[("db", &old)]), &journal.bytes), "db");
        let shape = |text: &str| Some(text.bytes().flat_map(|letter| [letter; 512]).collect::<Vec<u8>>());
        for text in ["oooo", "nnnn", "nooo", "onoo", "oonn", "nnoo", "ooon"] {
            assert!(found.contains(&shape(text)), "{text}");
        }
        assert_eq!(found.len(), 16, "and every other, but nothing else");
    }

    #[test]
    fn a_file_has_a_length_it_once_had_and_zeros_where_nothing_arrived() {
        let mut journal = Writer::default();
        journal.names(kind::OPENED, 0, "log", None);
        journal.note(kind::RESIZED, 0, 0, b"");
        journal.note(kind::WRITTEN, 0, 0, b"ab");
        let found = contents(&all(&holding(&[("log", b"xyz")]), &journal.bytes), "log");
        let text = |text: &str| Some(text.as_bytes().to_vec());
        for whole in ["xyz", "", "ab", "\0\0"] {
            assert!(found.contains(&text(whole)), "{whole:?}: {found:?}");
        }
        assert!(found.iter().all(|file| matches!(file.as_ref().map(Vec::len), Some(0 | 2 | 3))));
    }

    #[test]
    fn a_new_file_is_found_for_certain_only_after_its_folder_was_synced() {
        let mut journal = Writer::default();
        journal.names(kind::CREATED, 0, "new", None);
        journal.note(kind::WRITTEN, 0, 0, b"x");
        journal.note(kind::SYNCED, 0, 2, b"");
        let found = contents(&all(&Files::default(), &journal.bytes), "new");
        assert_eq!(found, [None, Some(b"x".to_vec())].into());
        journal.note(kind::FOLDER_SYNCED, 0, 3, b"");
        let found = contents(&all(&Files::default(), &journal.bytes), "new");
        assert_eq!(found, [Some(b"x".to_vec())].into());
    }

    #[test]
    fn a_rename_moves_its_name_at_once_or_not_at_all() {
        let mut journal = Writer::default();
        journal.names(kind::RENAMED, 0, "draft", Some("kept"));
        let before = holding(&[("draft", b"new"), ("kept", b"old")]);
        let found: BTreeSet<usize> = all(&before, &journal.bytes).iter().map(|files| files.0.len()).collect();
        assert_eq!(found, [1, 2].into());
        let kept = contents(&all(&before, &journal.bytes), "kept");
        assert_eq!(kept, [Some(b"old".to_vec()), Some(b"new".to_vec())].into());
    }

    #[test]
    fn an_unlinked_file_comes_back_until_the_folder_is_synced_and_a_linked_one_has_two_names() {
        let mut journal = Writer::default();
        journal.names(kind::LINKED, 0, "draft", Some("key"));
        journal.names(kind::UNLINKED, 0, "draft", None);
        let before = holding(&[("draft", b"k")]);
        assert_eq!(contents(&all(&before, &journal.bytes), "draft").len(), 2);
        journal.note(kind::FOLDER_SYNCED, 0, 2, b"");
        for files in all(&before, &journal.bytes) {
            assert_eq!(files, holding(&[("key", b"k")]));
        }
    }

    #[test]
    fn a_kill_in_the_middle_of_a_record_leaves_everything_before_it() {
        let mut journal = Writer::default();
        journal.names(kind::OPENED, 0, "db", None);
        journal.note(kind::WRITTEN, 0, 0, b"one");
        journal.note(kind::SYNCED, 0, 2, b"");
        let whole = journal.bytes.len();
        journal.note(kind::WRITTEN, 0, 0, b"two");
        for end in whole..journal.bytes.len() {
            let found = contents(&all(&holding(&[("db", b"old")]), &journal.bytes[..end]), "db");
            assert_eq!(found, [Some(b"one".to_vec())].into(), "{end}");
        }
    }

    #[test]
    fn a_journal_that_contradicts_itself_is_refused() {
        let mut draw = |_| 0;
        let mut journal = Writer::default();
        journal.note(kind::WRITTEN, 7, 0, b"whose");
        assert!(survivors(&Files::default(), &journal.bytes, &mut draw).is_err());
        let mut journal = Writer::default();
        journal.names(kind::OPENED, 0, "never seen", None);
        assert!(survivors(&Files::default(), &journal.bytes, &mut draw).is_err());
        let mut journal = Writer::default();
        journal.names(kind::CREATED, 0, "a", None);
        journal.names(kind::CREATED, 1, "b", None);
        for at in 0..journal.bytes.len() / 2 {
            let mut damaged = journal.bytes.clone();
            damaged[at] ^= 0x40;
            let read = survivors(&Files::default(), &damaged, &mut draw);
            // A length that grew beyond the end looks like a torn record, and is one.
            assert!(read.is_err() || (12..16).contains(&at), "{at}");
        }
    }
}
