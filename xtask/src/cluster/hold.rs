//! Ctrl-C, heard without a signal handler of our own: a shell holds the terminal, and what is held looks whether a file is still there.
//!
//! The shell is what `cargo xtask cluster` becomes. It hears Ctrl-C, SIGTERM and a closing terminal, removes the file, and waits. If it is
//! killed, the one that is held has another parent, and ends as well; and if that one is killed, its servers end by their guards.

use std::fs::{self, File, TryLockError};
use std::os::unix::process::{CommandExt as _, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// `$1` the control file, then the program. In a session of its own it hears neither Ctrl-C nor what
/// is sent to all of us; signals that it was told to ignore, HAProxy would ignore too.
const HOLDER: &str = r#"
control=$1
shift
setsid "$@" --control "$control" &
held=$!
ask() {
    # A second time: at once. The guards see to the rest.
    rm "$control" 2>/dev/null || kill -9 "$held"
}
trap ask HUP INT TERM
wait "$held"
ended=$?
while kill -0 "$held" 2>/dev/null; do
    wait "$held"
    ended=$?
done
rm -f "$control"
exit "$ended"
"#;

/// Becomes the shell that holds another one of us, with the same arguments.
///
/// # Errors
/// When another one runs in that folder, or the shell cannot be started; otherwise it does not return.
pub(super) fn become_holder(folder: &Path) -> Result<ExitCode, String> {
    let control = control_of(folder)?;
    // Held by one that runs; let go when this process becomes the shell.
    let _lock = locked(&control)?;
    let ourselves = std::env::current_exe().map_err(|why| format!("where this program is: {why}"))?;
    let mut shell = Command::new("sh");
    shell.args(["-c", HOLDER, "cluster"]).arg(&control).arg(ourselves).args(std::env::args_os().skip(1));
    Err(format!("sh cannot be started: {}", shell.exec()))
}

/// Beside the folder, which comes and goes.
fn control_of(folder: &Path) -> Result<PathBuf, String> {
    let name = folder.file_name().ok_or_else(|| format!("{} is no name for a folder", folder.display()))?;
    let mut name = name.to_owned();
    name.push(".running");
    let folder = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let why = |fault: std::io::Error| format!("{}: {fault}", folder.display());
    fs::create_dir_all(folder).map_err(why)?;
    Ok(fs::canonicalize(folder).map_err(why)?.join(name))
}

fn locked(control: &Path) -> Result<File, String> {
    let why = |fault: std::io::Error| format!("{}: {fault}", control.display());
    let file = File::options().create(true).append(true).open(control).map_err(why)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(format!("one runs already: end it with Ctrl-C, or by removing {}", control.display()))
        }
        Err(TryLockError::Error(fault)) => Err(why(fault)),
    }
}

/// Says when it is time to end.
pub(super) struct Control {
    file: PathBuf,
    holder: u32,
    /// Nobody else runs in this folder as long as we do.
    _lock: File,
}

impl Control {
    /// Takes the file that the holder named.
    ///
    /// # Errors
    /// When another one has it.
    pub(super) fn take(file: &Path) -> Result<Self, String> {
        let lock = locked(file)?;
        Ok(Self { file: file.to_owned(), holder: parent_id(), _lock: lock })
    }

    /// Whether it is time to end: the file is gone, or the holder is.
    pub(super) fn ends(&self) -> bool {
        parent_id() != self.holder || !self.file.exists()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Gone already, unless we end by ourselves or the holder was killed.
        let _gone = fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_refused_and_the_end_comes_with_the_files() {
        let folder = std::env::temp_dir().join(format!("xtask-hold-{}", std::process::id()));
        let file = control_of(&folder).unwrap();
        let control = Control::take(&file).unwrap();
        assert!(Control::take(&file).err().unwrap().contains("one runs already"));
        assert!(!control.ends());
        fs::remove_file(&file).unwrap();
        assert!(control.ends());
        drop(control);
        assert!(!file.exists());
    }
}
