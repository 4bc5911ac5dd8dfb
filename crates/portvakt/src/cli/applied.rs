//! Telling what a command did to the registry.

use std::io::{self, Write};

use serde::Serialize;

use super::{Where, other_answer, tell};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::applied::{Applied, Line, Mark};

/// Has a command carried out that changes the registry, and tells what it did.
///
/// # Errors
/// Why it was not.
pub(super) async fn change(whose: Where, command: Command, json: bool) -> Result<(), Failure> {
    let Answer::Applied(applied) = have(whose.target()?, command).await? else { return Err(other_answer()) };
    show(&applied, json)
}

/// Tells what was done. This is the only time that generated secrets are told.
///
/// # Errors
/// Standard output.
pub(super) fn show(applied: &Applied, json: bool) -> Result<(), Failure> {
    told(applied, json, |applied, out| write(applied, out)).map_err(|failure| {
        if applied.secrets.is_empty() {
            return failure;
        }
        failure.hint(
            "it was registered, but its secret was not told: `portvakt client secret rotate` makes another",
        )
    })
}

/// Tells an answer, as JSON or by `page`.
///
/// # Errors
/// Standard output.
pub(super) fn told<T: Serialize + ?Sized>(
    answer: &T,
    json: bool,
    page: impl FnOnce(&T, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let value = if json { Some(serde_json::to_value(answer).map_err(Failure::new)?) } else { None };
    tell(value, |out| page(answer, out))
}

fn write(applied: &Applied, out: &mut dyn Write) -> io::Result<()> {
    let (unchanged, changed): (Vec<&Line>, Vec<&Line>) =
        applied.changes.iter().partition(|line| line.change == Mark::Unchanged);
    // What stays as it is needs no line, unless there is something to know of it.
    let silent = |line: &&Line| line.change == Mark::Unchanged && line.detail.is_empty();
    for line in applied.changes.iter().filter(|line| !silent(line)) {
        let sign = match line.change {
            Mark::Create => '+',
            Mark::Update => '~',
            Mark::Deactivate => '-',
            Mark::Unchanged => '=',
        };
        write!(out, "{sign} {}", line.what)?;
        if let Some(issuer) = &line.issuer {
            write!(out, " at {issuer}")?;
        }
        if !line.detail.is_empty() {
            write!(out, ": {}", line.detail)?;
        }
        writeln!(out)?;
    }
    match (changed.len(), applied.dry_run) {
        (0, _) => writeln!(out, "Nothing changes: {} as registered.", unchanged.len())?,
        (_, true) => writeln!(out, "Nothing was changed: this was a dry run.")?,
        (_, false) => {}
    }
    if !applied.secrets.is_empty() {
        writeln!(out, "\nSecrets, told this once:")?;
    }
    for secret in &applied.secrets {
        writeln!(
            out,
            "  {} at {} until {}\n    {}",
            secret.client_id,
            secret.issuer,
            secret.expires,
            secret.client_secret.reveal()
        )?;
    }
    Ok(())
}
