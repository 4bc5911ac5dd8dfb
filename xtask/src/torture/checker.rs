//! `portvakt-torture` as a program: the judge of histories, and contests on the store's own verbs. It is a program apart, so that
//! this one builds when the house does not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::history::Journal;
use crate::house::{House, Outcome, run as run_command};

/// By how many seconds the instants that a client writes down may differ from the server's: no request takes longer.
const SKEW: u32 = 12;

/// The program.
#[derive(Clone, Debug)]
pub(super) struct Checker {
    program: PathBuf,
}

impl Checker {
    /// The one that is there, or a new build.
    ///
    /// # Errors
    /// It does not build.
    pub(super) fn of(house: &House, program: Option<&Path>) -> Result<Self, String> {
        match program.map(std::path::absolute) {
            Some(program) => program.map(|program| Self { program }).map_err(|fault| fault.to_string()),
            None => Self::build(house),
        }
    }

    /// Builds it, as it is released: what it contests, it contests at full speed.
    ///
    /// # Errors
    /// It does not build.
    pub(super) fn build(house: &House) -> Result<Self, String> {
        run_command(&mut house.cargo(&[
            "build",
            "--quiet",
            "--release",
            "--locked",
            "-p",
            "portvakt-torture",
            "--no-default-features",
        ]))?;
        Ok(Self { program: house.target.join("release").join("portvakt-torture") })
    }

    /// The program with these arguments, its errors shown.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
        command
    }

    /// Has a history judged over I1 to I8, and tells what was judged.
    ///
    /// # Errors
    /// Every breach, with the events that show it.
    pub(super) fn judge(&self, journal: &Journal) -> Outcome {
        self.judge_with(journal, None)
    }

    /// As [`Checker::judge`], with the audit of the same run: one record a line, by the names that the history uses.
    ///
    /// # Errors
    /// As there.
    pub(super) fn judge_with(&self, journal: &Journal, audit: Option<&str>) -> Outcome {
        let path = journal.closed()?;
        let skew = SKEW.to_string();
        let mut command = self.command(&["judge", "--skew", &skew]);
        if let Some(records) = audit {
            let file = path.with_extension("audit.jsonl");
            std::fs::write(&file, records).map_err(|fault| format!("{}: {fault}", file.display()))?;
            command.arg("--audit").arg(file);
        }
        let done = command.arg(path).output().map_err(|fault| self.not_run(&fault))?;
        let said = String::from_utf8_lossy(&done.stdout);
        if !done.status.success() {
            return Err(format!("an invariant broke; the history is {}\n{said}", path.display()));
        }
        let counts: Value =
            said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let count = |name: &str| counts.get(name).and_then(Value::as_u64).unwrap_or(0);
        println!(
            "judged over I1 to I8: {} events, {} logins, {} acknowledged writes, {} single uses contested, {} recoveries, \
             {} audit records: acknowledged writes lost 0, single uses revived 0",
            count("events"),
            count("logins"),
            count("acknowledged"),
            count("contested"),
            count("recovered"),
            count("audit"),
        );
        if count("events") == 0 { Err("nothing was judged".to_owned()) } else { Ok(()) }
    }

    /// The program's name, for messages.
    pub(super) fn not_run(&self, fault: &std::io::Error) -> String {
        format!("{}: {fault}", self.program.display())
    }
}
