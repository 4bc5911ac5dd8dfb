//! A server's process: it ends when we do, however we end.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use rustix::process::Signal;

use rustix::process::{Pid, kill_process};

use crate::account::Account;
use crate::guard::{Guard, Then, end_all_in, processes_in};

/// How often something that is awaited is looked at.
const LOOK: Duration = Duration::from_millis(15);

/// How long a server that is dropped may take to end before it is killed.
const FAREWELL: Duration = Duration::from_secs(3);

/// The kernel counts processor time in hundredths of a second (`USER_HZ`) on every machine we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    name: String,
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: PathBuf,
    account: Account,
    ends_by: Signal,
}

impl Launch {
    /// `program`, to be started as ourselves with `folder` as its working directory. The folder is the server's own: whatever works
    /// in it or below is taken as part of this server. It is made if it is missing. `name` stands in messages and names the log,
    /// `folder/name.log`.
    #[must_use]
    pub fn new(name: &str, program: impl AsRef<OsStr>, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            folder: folder.to_owned(),
            account: Account::Ourselves,
            ends_by: Signal::KILL,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets one variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Under whom it runs. The folder is given to that account.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.account = account;
        self
    }

    /// The signal that it gets when it is dropped or when this process dies, three seconds before it is killed. By default it is
    /// killed at once.
    #[must_use]
    pub fn ends_by(mut self, signal: Signal) -> Self {
        self.ends_by = signal;
        self
    }

    /// Starts it, in a process group of its own. Its output is appended to its log.
    ///
    /// # Errors
    /// When the folder, the log or the process cannot be made. That the program itself is missing shows in the log and in
    /// [`Process::wait_ready`].
    pub fn start(&self) -> Result<Process, String> {
        let failed = |what: &str, error: &std::io::Error| format!("{}: {what}: {error}", self.name);
        fs::create_dir_all(&self.folder).map_err(|error| failed("its folder", &error))?;
        let folder = fs::canonicalize(&self.folder).map_err(|error| failed("its folder", &error))?;
        self.account.give(&folder)?;
        let log = folder.join(format!("{}.log", self.name));
        let output = File::options().create(true).append(true).open(&log);
        let output = output.map_err(|error| failed("its log", &error))?;
        let errors = output.try_clone().map_err(|error| failed("its log", &error))?;

        let mut guard = Guard::over(&folder, self.ends_by, Then::Keep)?;
        // It waits for one line before it becomes the server: by then the guard knows it, and if we die first the line never comes.
        let mut waiting = Command::new("sh");
        waiting.args(["-c", r#"read -r go && exec "$@" </dev/null"#, "sh"]);
        let real = self.account.command(&self.program);
        waiting.arg(real.get_program()).args(real.get_args()).args(&self.args);
        if self.account != Account::Ourselves {
            waiting.env("HOME", &folder);
        }
        let mut child = waiting
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| failed("it does not start", &error))?;
        let gate = child.stdin.take();
        let name = self.name.clone();
        let mut process = Process { name, child, guard: None, log, folder, ends_by: self.ends_by };
        guard.watch(process.id())?;
        process.guard = Some(guard);
        let opened = gate
            .ok_or_else(|| "no pipe".to_owned())
            .and_then(|mut gate| gate.write_all(b"go\n").map_err(|error| error.to_string()));
        opened.map_err(|error| format!("{}: it does not start: {error}", self.name))?;
        Ok(process)
    }
}

/// A server that was started, with whatever it has started itself. Dropping it ends all of that.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// Until it has been ended.
    guard: Option<Guard>,
    log: PathBuf,
    folder: PathBuf,
    ends_by: Signal,
}

impl Process {
    /// The number of the main process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its folder, canonical.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How the main process ended; nothing while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        // An error says that there is no such child any more.
        self.child.try_wait().unwrap_or(Some(ExitStatus::from_raw(0)))
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// When the main process has ended, or when `within` has passed: with the end of the log.
    pub fn wait_ready(&mut self, within: Duration, mut ready: impl FnMut() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended() {
                return Err(self.with_log(&format!("ended at once ({status})")));
            }
            if ready() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.with_log(&format!("is not ready after {within:.1?}")));
            }
            sleep(LOOK);
        }
    }

    /// Sends a signal to the main process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<(), String> {
        let ended = self.ended().is_some();
        let pid = self.main().filter(|_| !ended).ok_or_else(|| format!("{} has ended", self.name))?;
        kill_process(pid, signal).map_err(|error| format!("{}: {error}", self.name))
    }

    /// `kill -9`: the main process first, then whatever else works in the folder. Nothing of it is left on return.
    pub fn kill(&mut self) {
        // Not by number once it has been waited for: the number may be another's by now.
        let _ended = self.child.kill();
        end_all_in(&self.folder);
        let _ended = self.child.wait();
        self.guard = None;
    }

    /// Sends `signal` and waits until everything of it has ended by itself.
    ///
    /// # Errors
    /// When something of it still runs after `within`: it has been killed then.
    pub fn end(&mut self, signal: Signal, within: Duration) -> Result<(), String> {
        let deadline = Instant::now() + within;
        // An error says that it has ended already.
        let _ended = self.signal(signal);
        while self.ended().is_none() || !processes_in(&self.folder).is_empty() {
            if Instant::now() >= deadline {
                let told = self.with_log(&format!("did not end within {within:.1?} of being asked to"));
                self.kill();
                return Err(told);
            }
            sleep(LOOK);
        }
        self.guard = None;
        Ok(())
    }

    /// `kill -STOP` for all of it: it keeps its memory, its connections and its locks, and does nothing.
    pub fn pause(&mut self) {
        if self.ended().is_none()
            && let Some(main) = self.main()
        {
            let _ended = kill_process(main, Signal::STOP);
        }
        // A second time for what was born during the first.
        for pid in [processes_in(&self.folder), processes_in(&self.folder)].concat() {
            let _ended = kill_process(pid, Signal::STOP);
        }
    }

    /// Lets all of it go on after [`Process::pause`].
    pub fn resume(&self) {
        for pid in processes_in(&self.folder) {
            let _ended = kill_process(pid, Signal::CONT);
        }
    }

    /// Processor time of all of it since its start, in seconds, with those of its processes that have ended and been waited for.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        let ticks = processes_in(&self.folder)
            .into_iter()
            .filter_map(|pid| fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok())
            .filter_map(|stat| ticks_of(&stat))
            .sum::<u32>();
        f64::from(ticks) / TICKS_PER_SECOND
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_end(&self) -> String {
        end_of(&self.log)
    }

    /// `what` happened to it, and how its log ends.
    #[must_use]
    pub fn with_log(&self, what: &str) -> String {
        format!("{} {what}. Its log ends:\n{}", self.name, self.log_end())
    }

    fn main(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.id()).ok()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ends_by != Signal::KILL && self.ended().is_none() {
            let asked = self.signal(self.ends_by);
            // One that is paused would not hear it.
            self.resume();
            if asked.is_ok() {
                // When it did not end it has been killed.
                let _killed = self.end(self.ends_by, FAREWELL);
            }
        }
        self.kill();
    }
}

/// User and system time of a process and of its children that it has waited for (fields 14 to 17 of `proc(5)`'s `stat`).
fn ticks_of(stat: &str) -> Option<u32> {
    // The second field is the program's name in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let times: Vec<u32> = fields.split_whitespace().skip(11).take(4).flat_map(str::parse).collect();
    (times.len() == 4).then(|| times.iter().sum())
}

/// The last lines of a log, without the beginning of a line that is cut.
fn end_of(log: &Path) -> String {
    const BYTES: u64 = 4096;
    let mut end = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        file.read_to_end(&mut end)
    });
    match read {
        Ok(_) => {
            let text = String::from_utf8_lossy(&end);
            let lines: Vec<&str> = text.lines().collect();
            lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
        }
        Err(error) => format!("({}: {error})", log.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_named_like_a_field_does_not_shift_the_fields() {
        assert_eq!(ticks_of("12 (cut) short"), None);
        let stat = "7 (post) gres) S 1 7 7 0 -1 4194560 1 2 3 4 10 20 300 4000 20 0 1 0 99";
        assert_eq!(ticks_of(stat), Some(4330));
    }
}
