//! The ready file: what a script waits for. It is there as long as the server serves, and never half written.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::failure::Failure;

/// A file that is to be there while the server serves. It is removed when this is dropped.
pub(super) struct ReadyFile {
    path: PathBuf,
    /// What was written last: another's file under the same name stays.
    written: Option<Zeroizing<String>>,
}

impl ReadyFile {
    /// Makes sure that nothing lies there which would be taken for readiness, such as what a killed process left, and nothing in the
    /// way of writing: process ids come again, in a container at every start.
    ///
    /// # Errors
    /// Something that is no file lies there, or it cannot be removed.
    pub(super) fn claim(path: PathBuf) -> Result<Self, Failure> {
        let ready = Self { path, written: None };
        for place in [&ready.path, &ready.beside()] {
            clear(place).map_err(|why| refused(place, &why))?;
        }
        Ok(ready)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts `line` there, whole: it is written beside and then moved.
    ///
    /// # Errors
    /// It cannot be written; the hint names the option.
    pub(super) fn write(&mut self, line: &str) -> Result<(), Failure> {
        let beside = self.beside();
        let line = Zeroizing::new(format!("{line}\n"));
        match write_new(&beside, &line).and_then(|()| std::fs::rename(&beside, &self.path)) {
            Ok(()) => {
                self.written = Some(line);
                Ok(())
            }
            Err(why) => {
                let _ = std::fs::remove_file(&beside);
                Err(refused(&self.path, &why))
            }
        }
    }

    fn beside(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        self.path.with_file_name(name)
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let Some(written) = &self.written else { return };
        if std::fs::read_to_string(&self.path).is_ok_and(|there| there == **written) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes a file, if one is there.
fn clear(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.is_file() => std::fs::remove_file(path),
        Ok(_) => Err(io::Error::other("something that is no file lies there")),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(why),
    }
}

/// It holds client secrets: its owner's alone.
fn write_new(path: &Path, line: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(line.as_bytes())
}

fn refused(path: &Path, why: &io::Error) -> Failure {
    Failure::new(format!("{}: {why}", path.display())).hint("name another file with --ready-file FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_of_the_same_id_left_half_written_is_not_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready");
        std::fs::write(folder.path().join(format!("ready.{}", std::process::id())), "{\"half").unwrap();
        ReadyFile::claim(path.clone()).unwrap().write("{}").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_file_and_what_another_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ReadyFile::claim(folder.path().to_owned()).is_err());
        assert!(ReadyFile::claim(folder.path().join("no/folder")).unwrap().write("{}").is_err());
        let path = folder.path().join("ready");
        let mut mine = ReadyFile::claim(path.clone()).unwrap();
        mine.write("{}").unwrap();
        let mut others = ReadyFile::claim(path.clone()).unwrap();
        others.write("{\"a\":1}").unwrap();
        drop(mine);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n");
        drop(others);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
