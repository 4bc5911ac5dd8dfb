//! The server that is measured: the release binary as a child of ours, and what the kernel and it say of its costs.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::rows::Yardstick;
use crate::client::{Endpoints, LOGIN_SCOPES, RelyingParty};
use crate::house::House;

/// A running server. It is killed when this is dropped.
pub(super) struct Server {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    stands: Stands,
}

/// What stands at a server: the one line of `portvakt dev --json`, or what was registered at a node.
#[derive(Default, Deserialize)]
pub(super) struct Stands {
    /// The issuers.
    pub(super) issuers: Vec<Issuer>,
    /// Their clients, each once for every issuer that it is registered at.
    pub(super) clients: Vec<Client>,
    /// Test persons.
    pub(super) persons: Vec<Person>,
}

/// An issuer.
#[derive(Deserialize)]
pub(super) struct Issuer {
    /// Its identifier.
    pub(super) issuer: String,
    /// `pilot` or `idporten`.
    pub(super) profile: String,
}

/// A client at one issuer.
#[derive(Deserialize)]
pub(super) struct Client {
    /// The issuer's identifier.
    pub(super) issuer: String,
    /// `client_id`.
    pub(super) client_id: String,
    /// `client_secret`; none of a public client.
    pub(super) client_secret: Option<String>,
    /// `redirect_uris`.
    pub(super) redirect_uris: Vec<String>,
}

/// A test person.
#[derive(Deserialize)]
pub(super) struct Person {
    /// The synthetic national number.
    pub(super) pid: String,
}

/// How a server is started.
pub(super) struct Start<'a> {
    /// The binary.
    pub(super) binary: &'a Path,
    /// The data folder.
    pub(super) data: &'a Path,
    /// The port; 0 for a free one.
    pub(super) port: u16,
    /// Whether the server sums the CPU time inside signatures. It costs two readings of a clock for each.
    pub(super) measured: bool,
}

/// What the server spent so far.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Totals {
    cpu_nanos: u64,
    /// How many signatures it made.
    pub(super) signatures: u64,
    signature_cpu_nanos: u64,
}

impl Totals {
    /// CPU time of the process, of all its threads that are or were, user and system.
    pub(super) fn cpu(self) -> Duration {
        Duration::from_nanos(self.cpu_nanos)
    }

    /// What of it was spent inside signatures.
    pub(super) fn signature_cpu(self) -> Duration {
        Duration::from_nanos(self.signature_cpu_nanos)
    }
}

#[derive(Deserialize)]
struct YardstickLine {
    rsa2048_us: f64,
    es256_us: f64,
}

/// Resident memory, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    /// Now (`VmRSS`).
    pub(super) resident: u64,
    /// The most so far (`VmHWM`).
    pub(super) peak: u64,
}

impl Server {
    /// Starts the server and waits until it says that it is ready. Its log goes to `log` beside the data folder, as an
    /// operator's would go to a file, at the level it has by itself.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(start: &Start<'_>) -> Result<Self, String> {
        let mut command = Command::new(start.binary);
        command.arg("dev").arg("--json");
        command.arg("--listen").arg(format!("127.0.0.1:{}", start.port));
        command.arg("--data").arg(start.data);
        if start.measured {
            command.arg("--measure");
        }
        let log = start.data.with_extension("log");
        // Dropped, and so killed, if it does not get ready.
        let mut server = Self::spawn(command, &log, Stands::default())?;
        let mut line = String::new();
        let read = server.answers.read_line(&mut line);
        server.stands = read.map_err(|why| why.to_string()).and_then(|_| {
            serde_json::from_str(&line)
                .map_err(|why| format!("the server did not get ready ({why}); its log is {}", log.display()))
        })?;
        Ok(server)
    }

    /// Starts a server and does not wait. Its log goes to that file, and what its catalogue registers is `stands`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(super) fn spawn(mut command: Command, log: &Path, stands: Stands) -> Result<Self, String> {
        let log = fs::File::create(log).map_err(|why| format!("{}: {why}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child =
            command.spawn().map_err(|why| format!("{}: {why}", command.get_program().display()))?;
        match child.stdin.take().zip(child.stdout.take()) {
            Some((questions, answers)) => {
                Ok(Self { child, questions, answers: BufReader::new(answers), stands })
            }
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err("the child has no standard streams".to_owned())
            }
        }
    }

    /// Whether the process has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The confidential client of the issuer with that profile.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn relying_party(&self, profile: &str) -> Result<RelyingParty, String> {
        let none = || format!("the server has no confidential client at {profile}");
        let issuer = self.issuer_of(profile)?;
        let client = self
            .stands
            .clients
            .iter()
            .find(|client| client.issuer == issuer && client.client_secret.is_some())
            .ok_or_else(none)?;
        Ok(RelyingParty {
            at: Endpoints::discover(issuer)?,
            client_id: client.client_id.clone(),
            secret: client.client_secret.clone().unwrap_or_default(),
            redirect_uri: client.redirect_uris.first().cloned().ok_or_else(none)?,
            pkce: true,
            scope: LOGIN_SCOPES.to_owned(),
        })
    }

    /// The identifier of the issuer with that profile.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn issuer_of(&self, profile: &str) -> Result<&str, String> {
        let issuer = self.stands.issuers.iter().find(|one| one.profile == profile);
        issuer.map(|one| one.issuer.as_str()).ok_or_else(|| format!("the server has no issuer of {profile}"))
    }

    /// The first issuer's identifier.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn issuer(&self) -> Result<&str, String> {
        let first = self.stands.issuers.first().ok_or("the server has no issuer")?;
        Ok(&first.issuer)
    }

    /// Numbers of the test persons.
    pub(super) fn pids(&self) -> Vec<String> {
        self.stands.persons.iter().map(|person| person.pid.clone()).collect()
    }

    /// Its memory.
    ///
    /// # Errors
    /// The process is gone.
    pub(super) fn memory(&self) -> Result<Memory, String> {
        let status = self.proc("status")?;
        let bytes = |name| kibibytes(&status, name).map(|kib| kib * 1024).ok_or("/proc has no such memory");
        Ok(Memory { resident: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }

    /// What it spent since the start, of a measured server.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn totals(&mut self) -> Result<Totals, String> {
        self.ask("totals")
    }

    /// What a signature costs now, of a measured server.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn yardstick(&mut self) -> Result<Yardstick, String> {
        let YardstickLine { rsa2048_us, es256_us } = self.ask("yardstick")?;
        Ok(Yardstick { rsa2048_us, es256_us })
    }

    /// Ends it as an operator would.
    ///
    /// # Errors
    /// It does not end well.
    pub(super) fn stop(mut self) -> Result<(), String> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no such process")?;
        kill_process(pid, Signal::TERM).map_err(|why| why.to_string())?;
        let status = self.child.wait().map_err(|why| why.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }

    fn ask<T: for<'a> Deserialize<'a>>(&mut self, question: &str) -> Result<T, String> {
        let mut line = String::new();
        writeln!(self.questions, "{question}")
            .and_then(|()| self.questions.flush())
            .and_then(|()| self.answers.read_line(&mut line))
            .map_err(|why| format!("the server does not answer: {why}"))?;
        serde_json::from_str(&line).map_err(|why| format!("the server answered {line:?}: {why}"))
    }

    fn proc(&self, file: &str) -> Result<String, String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))
            .map_err(|why| format!("the server is gone: {why}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// A new folder for one run, on the disk that the builds are on. What an earlier run left there is removed.
///
/// # Errors
/// It cannot be made, or lies in memory, where an fsync costs nothing and is worth nothing.
pub(super) fn run_folder(house: &House) -> Result<PathBuf, String> {
    let folder = house.target.join("bench");
    let failed = |why: std::io::Error| format!("{}: {why}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    if is_in_memory(&folder)? {
        return Err(format!("{} is in memory; the store is measured on a disk", folder.display()));
    }
    Ok(folder)
}

/// Whether a folder lies in memory, where a sync costs nothing.
///
/// # Errors
/// It is not there.
pub(super) fn is_in_memory(folder: &Path) -> Result<bool, String> {
    let kind = rustix::fs::statfs(folder).map_err(|why| format!("{}: {why}", folder.display()))?.f_type;
    Ok(MEMORY.iter().any(|memory| i128::from(*memory) == i128::from(kind)))
}

/// `f_type` of tmpfs and ramfs (statfs(2)).
const MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

/// The release binary, built if it is not up to date.
///
/// # Errors
/// It cannot be built.
pub(super) fn binary(house: &House) -> Result<PathBuf, String> {
    crate::house::run(&mut house.cargo(&["build", "--release", "--locked", "-p", "portvakt"]))?;
    let binary = crate::test::release_binary_path(house);
    if binary.is_file() { Ok(binary) } else { Err(format!("no binary at {}", binary.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_by_its_name() {
        let status = "VmPeak:\t 9 kB\nVmHWM:\t   20 kB\nVmRSS:\t   10 kB\n";
        assert_eq!((kibibytes(status, "VmHWM:"), kibibytes(status, "VmRSS:")), (Some(20), Some(10)));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }
}
