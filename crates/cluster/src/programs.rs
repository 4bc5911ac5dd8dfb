//! PostgreSQL's programs, where Debian puts them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What somebody is told who has no PostgreSQL.
pub(crate) const HOW_TO_INSTALL: &str = "Run this, then try again:\n  \
     sudo apt-get install --no-install-recommends postgresql\n\
     Only its programs are used: its own service is not needed and may stay off.";

/// Where Debian keeps the servers' programs, one folder for each major version, none of them on the `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// PostgreSQL's programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those of the newest version on this machine.
    ///
    /// # Errors
    /// When there are none: the message holds the command that brings them.
    pub fn newest() -> Result<Self, String> {
        Self::newest_in(Path::new(VERSIONS))
    }

    /// Those of the newest version below `versions`, where each lies in `VERSION/bin`.
    ///
    /// # Errors
    /// As [`Programs::newest`].
    pub fn newest_in(versions: &Path) -> Result<Self, String> {
        let found = fs::read_dir(versions).into_iter().flatten().flatten().filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path().join("bin");
            folder.join("postgres").is_file().then_some((version, folder))
        });
        found.max().map(|(_, folder)| Self { folder }).ok_or_else(|| {
            format!("there is no PostgreSQL server in {}. {HOW_TO_INSTALL}", versions.display())
        })
    }

    /// The path of one program, say `pg_basebackup`.
    #[must_use]
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// The folder they lie in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Runs a program that ends by itself and answers what it prints.
///
/// # Errors
/// When it does not start or fails: its words.
pub(crate) fn run(mut command: Command, input: &str) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("{name}: {error}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let pipe = child.stdin.take();
    let done = std::thread::scope(|scope| {
        // Beside the reading: both pipes may fill up.
        scope.spawn(move || {
            if let Some(mut pipe) = pipe {
                // One that does not read its input closes it; what it says is the better message.
                let _closed = pipe.write_all(input.as_bytes());
            }
        });
        child.wait_with_output().map_err(failed)
    })?;
    if done.status.success() {
        return String::from_utf8(done.stdout).map_err(|_| format!("{name}: its answer is not UTF-8"));
    }
    Err(String::from_utf8_lossy(&done.stderr).trim_end().to_owned())
}
