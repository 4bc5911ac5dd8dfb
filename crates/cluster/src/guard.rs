//! What is left when we are killed: nothing. A tiny shell holds the other end of a pipe of ours; when the pipe closes, and a `kill -9`
//! closes it too, the shell ends whatever still works in a folder.
//!
//! "Works in" means: has its working directory there. A process group would miss PostgreSQL's backends (each opens a session of its
//! own), a walk from parent to child would miss a server that its starter has left to init; all of them stay in their folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};
use tempfile::TempDir;

use crate::account::Account;

/// `$1` the folder, `$2` the number of the signal that asks the server to end, `$3` whether the folder goes too.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM PIPE
main=
while read -r word; do
    case $word in
        leave) exit 0 ;;
        *) main=$word ;;
    esac
done
here() {
    find /proc/[0-9]*/cwd -maxdepth 0 \( -lname "$1" -o -lname "$1/*" -o -lname "$1 (deleted)" \) 2>/dev/null | cut -d/ -f3
}
if [ -n "$main" ] && [ "$2" != 9 ] && here "$1" | grep -qx "$main"; then
    kill -"$2" "$main" 2>/dev/null
    kill -CONT $(here "$1") 2>/dev/null
    turn=0
    while [ $turn -lt 30 ] && [ -n "$(here "$1")" ]; do sleep 0.1; turn=$((turn + 1)); done
fi
# Servers whose own guards ask them first get the time for it.
turn=0
while [ "$3" = remove ] && [ $turn -lt 40 ] && [ -n "$(here "$1")" ]; do sleep 0.1; turn=$((turn + 1)); done
turn=0
while [ $turn -lt 200 ] && still=$(here "$1") && [ -n "$still" ]; do
    kill -9 $still 2>/dev/null
    sleep 0.02
    turn=$((turn + 1))
done
[ "$3" != remove ] || rm -rf -- "$1"
"#;

/// Whether the folder outlives the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Only the processes end.
    Keep,
    /// The folder is removed after them.
    Remove,
}

/// The shell that ends what works in a folder as soon as this process is gone.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Guards `folder`, a canonical path. `asks` is the signal that the main process gets first (told by [`Guard::watch`]); with
    /// `Signal::KILL` nobody is asked.
    pub(crate) fn over(folder: &Path, asks: Signal, then: Then) -> Result<Self, String> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(folder)
            .arg(asks.as_raw().to_string())
            .arg(match then {
                Then::Keep => "keep",
                Then::Remove => "remove",
            })
            // Away from the folder, since it would end itself, and from the terminal, whose Ctrl-C is not for it.
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the guard over {} does not start: {error}", folder.display()))?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Names the process that is asked first.
    pub(crate) fn watch(&mut self, main: u32) -> Result<(), String> {
        let told = self.pipe.as_mut().map(|pipe| pipe.write_all(format!("{main}\n").as_bytes()));
        told.transpose().map(drop).map_err(|error| format!("the guard does not listen: {error}"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            // A guard that is gone already needs no word.
            let _gone = pipe.write_all(b"leave\n");
        }
        let _gone = self.shell.wait();
    }
}

/// A new folder below the system's for temporary files, belonging to the account that servers run under. It is removed when this
/// value is dropped and, with whatever works in it, when this process dies in any way.
#[derive(Debug)]
pub struct Folder {
    // Before the folder: a guard that is told to leave removes nothing.
    _guard: Guard,
    folder: TempDir,
    path: PathBuf,
}

impl Folder {
    /// Makes it. `name` becomes part of the folder's name.
    ///
    /// # Errors
    /// When it cannot be made or given to the account.
    pub fn temporary(name: &str) -> Result<Self, String> {
        let made = |error| format!("no temporary folder: {error}");
        let folder = tempfile::Builder::new().prefix(&format!("portvakt-{name}-")).tempdir().map_err(made)?;
        let path = fs::canonicalize(folder.path()).map_err(made)?;
        Account::of_servers()?.give(&path)?;
        let guard = Guard::over(&path, Signal::KILL, Then::Remove)?;
        Ok(Self { _guard: guard, folder, path })
    }

    /// Its canonical path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        end_all_in(&self.path);
        // `TempDir` gives up at the first file that vanishes under it; the second round finds less.
        for _round in 0..3 {
            if fs::remove_dir_all(self.folder.path()).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The processes that work in `folder` (a canonical path), not counting ours: by number, ascending.
pub(crate) fn processes_in(folder: &Path) -> Vec<Pid> {
    let deleted = [folder.as_os_str().as_bytes(), b" (deleted)"].concat();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut found: Vec<Pid> = entries
        .flatten()
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter(|pid| *pid != getpid())
        .filter(|pid| {
            fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()))
                .is_ok_and(|cwd| cwd.starts_with(folder) || cwd.as_os_str().as_bytes() == deleted)
        })
        .collect();
    found.sort_by_key(|pid| pid.as_raw_nonzero());
    found
}

/// `kill -9` for everything that works in `folder`, until nothing does.
pub(crate) fn end_all_in(folder: &Path) {
    // What is in the kernel's hands (a disk that does not answer) cannot be ended: four seconds, no more.
    for _turn in 0..200 {
        let still = processes_in(folder);
        if still.is_empty() {
            return;
        }
        for pid in still {
            let _gone = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
