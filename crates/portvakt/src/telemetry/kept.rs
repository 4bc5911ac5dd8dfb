//! A log that is kept in a folder, beside the one on standard error: JSON, one event a line, two files of a bounded size. `portvakt
//! explain` reads it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    most: u64,
}

impl KeptLog {
    /// Keeps every event from here on in this folder, which is this process's alone. Goes on where an earlier process ended.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn keep_in(&self, folder: &Path) -> io::Result<()> {
        self.keep(folder, MOST)
    }

    fn keep(&self, folder: &Path, most: u64) -> io::Result<()> {
        let (file, length) = open(folder)?;
        *self.kept() = Some(Kept { folder: folder.to_owned(), file, length, most });
        Ok(())
    }

    /// A log is whole after every event, so one that another thread left in a panic is still good.
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Writes a whole event.
    fn write(&mut self, event: &[u8]) -> io::Result<()> {
        let length = u64::try_from(event.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(length) > self.most {
            let [current, before] = FILES.map(|name| self.folder.join(name));
            std::fs::rename(current, before)?;
            (self.file, self.length) = open(&self.folder)?;
        }
        self.length = self.length.saturating_add(length);
        self.file.write_all(event)
    }
}

/// The file that is written, and its length. It is its owner's alone.
fn open(folder: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(FILES[0]))?;
    let length = file.metadata()?.len();
    Ok((file, length))
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
        assert!(kept.keep_in(&inside).is_err());
        std::fs::create_dir(&inside).unwrap();
        kept.keep(&inside, 4).unwrap();
        std::fs::remove_dir_all(&inside).unwrap();
        for _ in 0..3 {
            log(&kept, "{}\n");
        }
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
