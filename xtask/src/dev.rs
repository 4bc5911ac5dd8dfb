//! `cargo xtask dev`: build the server and become `portvakt dev`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use crate::house::{House, Outcome, run as run_command};

/// Builds, then replaces this process, so that arguments, signals, standard streams and the exit code are
/// `portvakt`'s own: a script may read `--json` from standard output, since cargo writes to standard error.
///
/// # Errors
/// When the build fails or the binary cannot be started; otherwise it does not return.
pub(crate) fn run(house: &House, args: &[OsString]) -> Outcome {
    run_command(&mut house.cargo(&["build", "--package", "portvakt"]))?;
    let binary = house.target.join("debug").join("portvakt");
    let why = std::process::Command::new(&binary).arg("dev").args(args).stdin(Stdio::inherit()).exec();
    Err(format!("{} cannot be started: {why}", binary.display()))
}
