//! `portvakt db …`: what is done to a store as a whole, beside the server or while it does not run.

mod backup;
mod check;
mod copy;
mod migrate;
mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::Settings;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Bring a database's schema up to date: `serve` never does. Needs a role that may create tables.
    Migrate(migrate::Migrate),
    /// Check that the data is what it should be, beside a running server: what is used once, what is recorded, what is sealed.
    Check(check::Check),
    /// Back a data folder up to one file, beside a running server.
    Backup(backup::Backup),
    /// Restore a data folder from a backup, or a database that was restored with its own tools: both end what would be alive again.
    Restore(backup::Restore),
    /// Copy an embedded store into an empty database. Cut off, it goes on when it is run again; no server starts in between.
    Copy(copy::Copy),
    /// Tell where the data is, how far its schema is, and how much there is of it.
    Status {
        #[command(flatten)]
        configured: Configured,
        /// Tell it as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Which store: the one that a configuration names.
#[derive(Debug, Args)]
pub(super) struct Configured {
    /// The configuration: a TOML file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Configured {
    fn settings(&self) -> Result<Settings, Failure> {
        Settings::read(&self.config).map_err(Failure::new)
    }
}

/// Carries one out.
///
/// # Errors
/// Why it was not.
pub(super) async fn perform(command: DbCommand) -> Result<(), Failure> {
    match command {
        DbCommand::Migrate(asked) => migrate::perform(asked).await,
        DbCommand::Check(asked) => check::perform(asked).await,
        DbCommand::Backup(asked) => backup::perform_backup(&asked),
        DbCommand::Restore(asked) => backup::perform_restore(asked).await,
        DbCommand::Copy(asked) => copy::perform(asked).await,
        DbCommand::Status { configured, json } => status::perform(&configured.settings()?, json).await,
    }
}
