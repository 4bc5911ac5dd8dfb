//! A log that is kept in a folder, beside the one on standard error: JSON, one event a line, two files of a bounded size. `portvakt
//! explain` reads it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::explaining::{self, Explaining};

/// The file that is written, and the one before it.
pub(crate) const FILES: [&str; 2] = ["log.jsonl", "log.1.jsonl"];

/// A file takes this many bytes; the next event begins another.
const MOST: u64 = 8 * 1024 * 1024;

/// A kept log. Until it has a folder it keeps nothing. What cannot be written is lost: no request fails for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptLog(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    file: File,
    length: u64,
    /// Whether the last event is whole, with its line feed. After one that broke off the next would be a part of its line.
    is_whole: bool,
    most: u64,
}

impl KeptLog {
    /// Keeps every event from here on in this folder, which is this process's alone, and has refusals `explained` from there. Goes on
    /// where an earlier process ended.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn keep_in(&self, folder: &Path, explained: Explaining) -> io::Result<()> {
        self.keep(folder, MOST)?;
        explaining::settle(explained);
        Ok(())
    }

    fn keep(&self, folder: &Path, most: u64) -> io::Result<()> {
        *self.kept() = Some(Kept::open(folder, most)?);
        Ok(())
    }

    /// A log is whole after every event, so one that another thread left in a panic is still good.
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The file that is written. It is its owner's alone.
    fn open(folder: &Path, most: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(folder.join(FILES[0]))?;
        let (length, mut last) = (file.metadata()?.len(), *b"\n");
        if length > 0 {
            file.read_exact_at(&mut last, length.saturating_sub(1))?;
        }
        Ok(Self { folder: folder.to_owned(), file, length, is_whole: last == *b"\n", most })
    }

    /// Writes a whole event.
    fn write(&mut self, event: &[u8]) -> io::Result<()> {
        let length = u64::try_from(event.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(length) > self.most {
            let [current, before] = FILES.map(|name| self.folder.join(name));
            std::fs::rename(current, before)?;
            *self = Self::open(&self.folder, self.most)?;
        }
        if !self.is_whole {
            self.file.write_all(b"\n")?;
        }
        // Until all of it is there: a disk may be full half-way.
        self.is_whole = false;
        self.length = self.length.saturating_add(length);
        self.file.write_all(event)?;
        self.is_whole = event.ends_with(b"\n");
        Ok(())
    }
}

impl Write for KeptLog {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if let Some(kept) = self.kept().as_mut() {
            kept.write(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::Line;
    use super::*;

    /// An event, as the log's formatter hands it over.
    fn log(to: &KeptLog, event: &str) {
        Line(to.clone()).write_all(event.as_bytes()).unwrap();
    }

    #[test]
    fn without_a_folder_it_keeps_nothing_and_one_that_is_gone_fails_nobody() {
        let kept = KeptLog::default();
        log(&kept, "{}\n");
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("data");
        assert!(kept.keep_in(&inside, Explaining::In(inside.clone())).is_err());
        std::fs::create_dir(&inside).unwrap();
        kept.keep(&inside, 4).unwrap();
        std::fs::remove_dir_all(&inside).unwrap();
        for _ in 0..3 {
            log(&kept, "{}\n");
        }
    }

    #[test]
    fn an_event_after_one_that_broke_off_has_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILES[0]);
        std::fs::write(&file, "event 0\n{\"timesta").unwrap();
        let kept = KeptLog::default();
        kept.keep(folder.path(), MOST).unwrap();
        log(&kept, "event 1\n");
        log(&kept, "event 2\n");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "event 0\n{\"timesta\nevent 1\nevent 2\n");
    }

    #[test]
    fn it_is_its_owners_alone_goes_on_at_the_next_start_and_keeps_two_files_of_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        for start in 0..2 {
            let kept = KeptLog::default();
            kept.keep(folder.path(), 20).unwrap();
            log(&kept, &format!("event {start}\n"));
        }
        assert_eq!([read(FILES[0]), read(FILES[1])], ["event 0\nevent 1\n".to_owned(), String::new()]);
        let kept = KeptLog::default();
        kept.keep(folder.path(), 20).unwrap();
        for event in 2..7 {
            log(&kept, &format!("event {event}\n"));
        }
        assert_eq!([read(FILES[0]), read(FILES[1])], ["event 6\n", "event 4\nevent 5\n"]);
        log(&kept, &"x".repeat(30));
        log(&kept, "event 7\n");
        assert_eq!(read(FILES[0]), "event 7\n", "one that is larger than a file has one to itself");
        for name in FILES {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}
