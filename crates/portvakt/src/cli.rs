//! The command line: data to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 misused.

mod applied;
mod apply;
mod client;
mod db;
mod dev;
mod explain;
mod keys;
mod organisation;
mod person;
mod revoke;
mod scope;
mod settings;
mod table;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Settings;
use crate::desk::reach::Target;
use crate::failure::Failure;
use crate::serve;

/// An OpenID Provider that does the job of ID-porten.
#[derive(Debug, Parser)]
#[command(name = "portvakt", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Run the server.
    Serve {
        /// The configuration: a TOML file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Answer questions about signatures on standard input, for `cargo xtask bench`.
        #[arg(long, hide = true)]
        measure: bool,
    },
    /// Try things out: both profiles on this machine, with demo clients and test persons.
    Dev(dev::Dev),
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Look at signing keys, and rotate them.
    Key {
        #[command(subcommand)]
        command: keys::KeyCommand,
    },
    /// Register what a catalogue names: organisations, scopes, clients and test persons.
    Apply(apply::Apply),
    /// Register clients, change, stop and show them, and rotate their secrets.
    Client {
        #[command(subcommand)]
        command: client::ClientCommand,
    },
    /// Register organisations, stop and show them, and record the terms of use that they accept.
    Organisation {
        #[command(subcommand)]
        command: organisation::OrganisationCommand,
    },
    /// Take back everything that was given before now: by an issuer, or there to one client, organisation or person.
    ///
    /// Without --client, --organisation and --person it is all that the issuer gave, and --issuer names it, however many there are.
    /// When the command returns, codes, access tokens and refresh tokens from before are nothing; who logs in anew gets new ones.
    Revoke(revoke::Revoke),
    /// Register scopes, change, stop and show them, and say which organisations may use them.
    Scope {
        #[command(subcommand)]
        command: scope::ScopeCommand,
    },
    /// Look after the data as a whole: bring its schema up to date, look at it, check it, copy it, back it up.
    Db {
        #[command(subcommand)]
        command: Box<db::DbCommand>,
    },
    /// Tell why a request was refused, by its trace id.
    Explain(explain::Explain),
    /// Put test persons into a pool, stop and show them.
    Person {
        #[command(subcommand)]
        command: person::PersonCommand,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check a configuration without starting, and tell what it says.
    Check {
        /// The configuration: a TOML file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Tell it as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Which server, or data folder, a command is for.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Where {
    /// The server's configuration: if it does not run, the command opens its data folder itself; a database it opens always.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder of a server that runs, such as `dev --data DIR`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Where {
    fn target(self) -> Result<Target, Failure> {
        match (self.config, self.data) {
            (Some(file), _) => Ok(Target::Configured(Box::new(Settings::read(&file).map_err(Failure::new)?))),
            (None, Some(data)) => Ok(Target::Running(data)),
            (None, None) => Err(Failure::new("neither --config nor --data was given")),
        }
    }
}

/// Where a command on the registry is to be carried out.
#[derive(Debug, Args)]
struct At {
    #[command(flatten)]
    whose: Where,
    /// At this issuer; needed where there are several.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// A server of another version answers what was not asked.
fn other_answer() -> Failure {
    Failure::new("the server answered something else").hint("run the portvakt that the server runs")
}

/// Runs the command and answers the process's exit code.
pub(crate) fn run(cli: Cli) -> ExitCode {
    // Whatever this process writes is for its own user.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(perform(cli.command)),
        Err(why) => Err(Failure::new(format!("the runtime cannot start: {why}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may be there to read it.
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(command: Subcommands) -> Result<(), Failure> {
    match command {
        Subcommands::Serve { config, measure } => serve::serve(&config, measure).await,
        Subcommands::Dev(asked) => dev::perform(asked).await,
        Subcommands::Config { command: ConfigCommand::Check { config, json } } => {
            settings::check(&config, json).await
        }
        Subcommands::Key { command } => keys::perform(command).await,
        Subcommands::Apply(asked) => apply::perform(asked).await,
        Subcommands::Client { command } => client::perform(command).await,
        Subcommands::Organisation { command } => organisation::perform(command).await,
        Subcommands::Revoke(asked) => revoke::perform(asked).await,
        Subcommands::Scope { command } => scope::perform(command).await,
        Subcommands::Db { command } => db::perform(*command).await,
        Subcommands::Explain(asked) => explain::perform(asked),
        Subcommands::Person { command } => person::perform(command).await,
    }
}

/// Writes data to standard output: `json` on one line, or `text`.
fn tell(
    json: Option<serde_json::Value>,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = match json {
        Some(value) => writeln!(out, "{value}"),
        None => text(&mut out),
    };
    written.and_then(|()| out.flush()).map_err(|why| Failure::new(format!("standard output: {why}")))
}
