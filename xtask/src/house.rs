//! Where the repository is, what crates live in it, and how a command is run there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

/// What a task answers: nothing, or one sentence saying what went wrong.
pub(crate) type Outcome = Result<(), String>;

/// The repository as cargo describes it.
pub(crate) struct House {
    /// The folder that holds the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// The one folder all builds share.
    pub(crate) target: PathBuf,
    /// The workspace's own crates.
    pub(crate) crates: Vec<Package>,
    /// Whether this is the build machine, where warnings are errors.
    pub(crate) ci: bool,
}

/// One crate of the workspace, as its manifest declares it.
#[derive(Deserialize)]
pub(crate) struct Package {
    /// The crate's name, such as `portvakt-store`.
    pub(crate) name: String,
    /// Its `Cargo.toml`, absolute.
    pub(crate) manifest_path: PathBuf,
    /// What it declares, whether or not the declaration is for this machine.
    pub(crate) dependencies: Vec<Dependency>,
    /// What cargo builds from it.
    pub(crate) targets: Vec<Target>,
}

/// One line of a manifest's dependency tables.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    /// The crate's real name, whatever it was renamed to.
    pub(crate) name: String,
    /// The table it stands in; absent for `[dependencies]`.
    pub(crate) kind: Option<Kind>,
}

/// The dependency tables that are not `[dependencies]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// `[dev-dependencies]`: tests only.
    Dev,
    /// `[build-dependencies]`: counts as a normal one, since it decides what is built.
    Build,
}

/// A library, binary or test that cargo can build.
#[derive(Deserialize)]
pub(crate) struct Target {
    /// Its name, as `cargo test --test NAME` takes it.
    pub(crate) name: String,
    /// `lib`, `bin`, `test` and the like.
    pub(crate) kind: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl House {
    /// Asks cargo what stands in the current workspace; resolves nothing and so needs no network.
    ///
    /// # Errors
    /// When cargo cannot be run or the manifests do not parse.
    pub(crate) fn read() -> Result<Self, String> {
        let json = output(Command::new("cargo").args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let found: Metadata = serde_json::from_str(&json)
            .map_err(|e| format!("cargo metadata answered something else: {e}"))?;
        Ok(Self {
            root: found.workspace_root,
            target: found.target_directory,
            crates: found.packages,
            ci: is_ci(),
        })
    }

    /// A command that starts in the repository's root and inherits no standard input.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// `cargo` with these arguments, in the repository's root.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.command("cargo");
        command.args(args);
        command
    }

    /// The path as the repository names it: relative to the root, or unchanged when it is elsewhere.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// Runs to the end, showing its output.
///
/// # Errors
/// When it cannot be started or does not succeed; the message holds the command line.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = shown(command);
    let status = command.status().map_err(|e| format!("`{shown}` cannot be started: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})")) }
}

/// Runs to the end and answers what it wrote to standard output.
///
/// # Errors
/// When it cannot be started, does not succeed, or does not write UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = shown(command);
    let done =
        command.stderr(Stdio::inherit()).output().map_err(|e| format!("`{shown}` cannot be started: {e}"))?;
    if !done.status.success() {
        return Err(format!("`{shown}` failed ({})", done.status));
    }
    String::from_utf8(done.stdout).map_err(|_| format!("`{shown}` wrote something that is not UTF-8"))
}

/// The command line as one would type it, for messages.
fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[expect(clippy::disallowed_methods, reason = "the one place where xtask reads the environment")]
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let why = run(Command::new("false").arg("--planted")).unwrap_err();
        assert!(why.contains("false --planted"), "{why}");
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let why = output(&mut Command::new("portvakt-no-such-program")).unwrap_err();
        assert!(why.contains("portvakt-no-such-program"), "{why}");
    }
}
