//! The worked examples for the test suites of services, run as whoever copies them would: each in its own folder, with
//! nothing but the program's name in the environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::assets;
use crate::house::{House, Outcome, run as run_command};
use crate::test::{release_binary, release_binary_path};
use crate::tools;

/// What the examples call.
const PROGRAMS: &[&str] = &["curl", "openssl", "javac", "mvn", "node", "npm"];

/// What every example says of a server that ends before it is ready.
const NOT_READY: &str = "did not get ready";

/// One example: its folder, and the command that runs it there.
struct Suite {
    folder: &'static str,
    install: &'static [&'static str],
    run: &'static [&'static str],
}

const SUITES: &[Suite] = &[
    Suite { folder: "shell", install: &[], run: &["sh", "login.sh"] },
    Suite {
        folder: "node",
        install: &["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
        run: &["node", "--test", "--test-reporter=spec", "login.test.mjs"],
    },
    Suite {
        folder: "java",
        install: &["mvn", "-q", "-B", "test-compile"],
        // Quietly, a run that found no test would look like one that passed.
        run: &["mvn", "-q", "-B", "-DfailIfNoTests=true", "test"],
    },
];

/// Builds the server if need be, and runs every example.
///
/// # Errors
/// When a program is missing and cannot be installed, the server cannot be built, or an example fails.
pub(crate) fn alone(house: &House) -> Outcome {
    tools::make_ready_for(house, PROGRAMS)?;
    assets::make_ready(house)?;
    release_binary(house)?;
    examples(house)
}

/// Every example against the release binary, and once against a server that does not start.
///
/// # Errors
/// Which ones failed, and how; the others have run nevertheless.
pub(crate) fn examples(house: &House) -> Outcome {
    let failed: Vec<String> = SUITES
        .iter()
        .filter_map(|suite| suite.check(house).err().map(|why| format!("{}: {why}", suite.folder)))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

impl Suite {
    fn check(&self, house: &House) -> Outcome {
        let folder = house.root.join("examples").join("test-suites").join(self.folder);
        if let Some(mut install) = command(house, self.install, &folder) {
            run_command(&mut install)?;
        }
        let Some(mut suite) = command(house, self.run, &folder) else {
            return Err("it has no command".to_owned());
        };
        let room = fresh_folder(&house.target.join("test-suites").join(self.folder))?;
        suite.env("TMPDIR", &room).env("PORTVAKT", release_binary_path(house));
        run_command(&mut suite)?;
        is_empty(&room)?;
        suite.env("PORTVAKT", "false");
        fails_for_want_of_a_server(&mut suite)?;
        is_empty(&room)
    }
}

/// The command line in its folder. None: there is nothing to run.
fn command(house: &House, line: &[&str], folder: &Path) -> Option<Command> {
    let (program, args) = line.split_first()?;
    let mut command = house.command(program);
    // The server is on this machine: whatever proxy the environment names is not for it.
    command.args(args).current_dir(folder).env("NO_PROXY", "localhost").env("no_proxy", "localhost");
    Some(command)
}

fn fresh_folder(path: &Path) -> Result<PathBuf, String> {
    let _ = fs::remove_dir_all(path);
    fs::create_dir_all(path).map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(path.to_owned())
}

/// A server that was stopped has removed its data, and an example what it made itself.
fn is_empty(room: &Path) -> Outcome {
    let mut left = fs::read_dir(room).map_err(|why| format!("{}: {why}", room.display()))?;
    match left.next() {
        None => Ok(()),
        Some(_) => Err(format!("it left something in {}: was its server stopped?", room.display())),
    }
}

/// An example that passes without a server tests nothing, and one that does not say why helps nobody.
fn fails_for_want_of_a_server(suite: &mut Command) -> Outcome {
    let done = suite.stdout(Stdio::piped()).stderr(Stdio::piped()).output().map_err(|why| why.to_string())?;
    let told = [done.stdout, done.stderr].concat();
    match (done.status.success(), String::from_utf8_lossy(&told).contains(NOT_READY)) {
        (true, _) => Err("it passes without a server".to_owned()),
        (false, false) => Err(format!("without a server it fails and does not say `{NOT_READY}`")),
        (false, true) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_that_passes_without_a_server_is_found() {
        let why = fails_for_want_of_a_server(&mut Command::new("true")).unwrap_err();
        assert!(why.contains("passes"), "{why}");
        let why = fails_for_want_of_a_server(&mut Command::new("false")).unwrap_err();
        assert!(why.contains(NOT_READY), "{why}");
        let told = format!("echo it {NOT_READY} >&2; exit 1");
        fails_for_want_of_a_server(Command::new("sh").args(["-c", &told])).expect("it says so");
    }

    #[test]
    fn what_an_example_leaves_behind_is_found() {
        let room = std::env::temp_dir().join(format!("portvakt-suites-{}", std::process::id()));
        let room = fresh_folder(&room).expect("a folder");
        is_empty(&room).expect("nothing is in it");
        fs::write(room.join("left"), "").expect("a file");
        assert!(is_empty(&room).is_err());
        let room = fresh_folder(&room).expect("emptied");
        is_empty(&room).expect("nothing is in it");
        fs::remove_dir(room).expect("removed");
    }
}
