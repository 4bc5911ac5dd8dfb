//! Portvakt: an OpenID Provider that does the job of ID-porten. This crate is the binary: command line, configuration, wiring,
//! telemetry and background work. What the protocol is lives below, in the crates it opens.

mod catalogue;
mod cli;
mod config;
mod crew;
mod desk;
mod dev;
mod explain;
mod failure;
mod house;
mod keys;
mod master_key;
mod measure;
mod owners;
mod registry;
mod serve;
mod served;
mod shutdown;
mod telemetry;
mod upkeep;

use std::process::ExitCode;

use clap::Parser;

/// A tenth less CPU for an operation than with the C library's (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
