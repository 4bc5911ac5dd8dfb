//! The repository's own commands: `cargo xtask check`, `tidy`, `test` and `dev`.
//!
//! Everything a contributor or the build machine runs is here, in Rust, so that one toolchain is enough to read
//! it and to run it. Nothing of the house is a dependency: this crate must build when the house does not.

#![expect(clippy::print_stdout, reason = "a command line's answer goes to standard output")]

mod assets;
mod bench;
mod browser;
mod check;
mod client;
mod clients;
mod cluster;
mod dev;
mod house;
mod stage;
mod suites;
mod test;
mod tidy;
mod tools;
mod torture;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use house::House;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The repository's own commands", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Before a commit: formatting, lints, house rules and quick tests.
    Check,
    /// The house rules alone: floors, chapters, names, links.
    Tidy,
    /// Fetch the pages' stylesheet, which the server is built with.
    Assets,
    /// Everything, from a fresh machine with a Rust toolchain and a C compiler.
    Test,
    /// What each operation costs in CPU, how fast a start is and how much memory is held, each beside its bar.
    Bench(bench::Asked),
    /// Three nodes behind HAProxy, PgBouncer and three PostgreSQL under Patroni, on this machine, until Ctrl-C.
    Cluster(cluster::Asked),
    /// What must hold when nodes, databases, wires, disks and the power fail, and when many want the same single use.
    Torture(torture::Asked),
    /// The worked examples for the test suites of services: shell, Node and Java.
    Suites,
    /// The libraries that services use: openid-client, Authlib and Spring Security.
    Clients,
    /// A real Chromium on every page: logins, accessibility, weight, screenshots.
    Browser,
    /// Build Portvakt and run `portvakt dev` with the given arguments.
    #[command(disable_help_flag = true)]
    Dev {
        /// Handed to `portvakt dev` as they are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let task = Cli::parse().task;
    let done = House::read().and_then(|house| match task {
        Task::Check => check::run(&house),
        Task::Assets => assets::fetch(&house).map(|()| ExitCode::SUCCESS),
        Task::Tidy => tidy::run(&house).map(|()| ExitCode::SUCCESS),
        Task::Test => test::run(&house),
        Task::Bench(asked) => bench::run(&house, &asked),
        Task::Cluster(asked) => cluster::run(&house, &asked),
        Task::Torture(asked) => torture::run(&house, asked),
        Task::Browser => browser::alone(&house).map(|()| ExitCode::SUCCESS),
        Task::Clients => clients::alone(&house),
        Task::Suites => suites::alone(&house).map(|()| ExitCode::SUCCESS),
        Task::Dev { args } => dev::run(&house, &args).map(|()| ExitCode::SUCCESS),
    });
    done.unwrap_or_else(|why| {
        eprintln!("xtask: {why}");
        ExitCode::FAILURE
    })
}
