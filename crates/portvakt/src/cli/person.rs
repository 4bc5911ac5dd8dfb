//! `portvakt person …`.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::applied::{change, told};
use super::{Where, other_answer, table};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::carried::Carried;
use crate::registry::person::{PersonDeed, ShownPerson};

#[derive(Debug, Subcommand)]
pub(super) enum PersonCommand {
    /// Put a test person into a pool.
    Add {
        /// A synthetic number: eleven digits, the month plus 80.
        #[arg(value_parser = carried)]
        pid: Carried,
        #[command(flatten)]
        of: Of,
    },
    /// List test persons.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Stop a test person from logging in; what was given in their name ends. Nothing is deleted.
    Deactivate {
        /// Who.
        #[arg(value_parser = carried)]
        pid: Carried,
        #[command(flatten)]
        of: Of,
    },
    /// Let a test person log in again.
    Activate {
        /// Who.
        #[arg(value_parser = carried)]
        pid: Carried,
        #[command(flatten)]
        of: Of,
    },
}

/// Which pool.
#[derive(Debug, Args)]
pub(super) struct Of {
    #[command(flatten)]
    whose: Where,
    /// In this pool; needed where there are several.
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// Nothing is judged here: a refusal by the command line would show what was typed.
#[expect(clippy::unnecessary_wraps, reason = "what the command line expects of a parser")]
fn carried(text: &str) -> Result<Carried, String> {
    Ok(Carried::new(text))
}

/// Carries one out.
///
/// # Errors
/// Why it was not.
pub(super) async fn perform(command: PersonCommand) -> Result<(), Failure> {
    let (of, deed) = match command {
        PersonCommand::List { of } => return list(of).await,
        PersonCommand::Add { pid, of } => (of, PersonDeed::Add(pid)),
        PersonCommand::Deactivate { pid, of } => (of, PersonDeed::Deactivate(pid)),
        PersonCommand::Activate { pid, of } => (of, PersonDeed::Activate(pid)),
    };
    change(of.whose, Command::Person { pool: of.pool, deed }, of.json).await
}

async fn list(of: Of) -> Result<(), Failure> {
    let command = Command::Person { pool: of.pool, deed: PersonDeed::List };
    let Answer::Persons(listed) = have(of.whose.target()?, command).await? else {
        return Err(other_answer());
    };
    told(listed.as_slice(), of.json, write_list)
}

fn write_list(listed: &[ShownPerson], out: &mut dyn Write) -> io::Result<()> {
    let row = |shown: &ShownPerson| {
        let state = if shown.active { "active" } else { "deactivated" };
        [shown.pool.clone(), shown.pid.reveal().to_owned(), state.to_owned()]
    };
    if listed.is_empty() {
        return writeln!(out, "No test person is registered.");
    }
    table::write(out, ["POOL", "PID", "STATE"], listed.iter().map(row).collect())
}
