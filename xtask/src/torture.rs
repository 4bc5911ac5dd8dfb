//! `cargo xtask torture`: what must hold when nodes and databases die, when many want the same thing, when wires, disks and clocks go
//! wrong, and when the power goes. Alone it is the whole programme, in order; each part is a command of its own.
//!
//! Each runs the release binary in folders under the target folder, on the loopback, and ends what it started. The seed of its
//! choices is printed and can be given again; the threads' interleaving is the machine's own.

mod chance;
mod checker;
mod clock;
mod contest;
mod copy;
mod crew;
mod disk;
mod doors;
mod example;
mod families;
mod faults;
mod gone;
mod history;
mod kills;
mod load;
mod month;
mod nodes;
mod parts;
mod power;
mod programme;
mod registrar;
mod server;
mod tally;
mod trace;
mod verbs;
mod wires;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use self::faults::Goal;
use self::kills::Until;
use crate::house::{House, Outcome};
use crate::test::release_binary_path;

/// Kills in a full run.
const KILLS: u32 = 200;
/// Failovers of the primary in a full run.
const FAILOVERS: u32 = 20;
/// Kills in the short run of `cargo xtask test`.
const FEW_KILLS: u32 = 12;
/// Failovers by Patroni in a full run.
const BY_PATRONI: u32 = 5;
/// Rounds of each contest over HTTP: 64 connections each, so 10,048 attempts of each kind on each store.
const ROUNDS: u32 = 157;
/// Rounds of 64 connections at one refresh token in a full run, on each store.
const REFRESHES: u32 = 1_000;
/// And in the short run.
const FEW_REFRESHES: u32 = 32;
/// Revocations that race rotations in a full run, on each store.
const REVOCATIONS: u32 = 10_000;
/// And in the short run.
const FEW_REVOCATIONS: u32 = 400;
/// Contests on the store's verbs in a full run, on each store.
const CONTESTS: u64 = 1_000_000;
/// And in the short run.
const FEW_CONTESTS: u64 = 20_000;
/// For how long the database is gone in a full run, in each of three ways.
const GONE: Duration = Duration::from_secs(60);
/// And in the short run.
const SHORTLY_GONE: Duration = Duration::from_secs(3);

/// Power cuts in a full run.
const CUTS: u32 = 100;
/// Power cuts in the short run.
const FEW_CUTS: u32 = 6;
/// Calls of the disk's that fail one by one in a full run.
const FAULTS: u32 = 240;
/// And in the short run.
const FEW_FAULTS: u32 = 24;
/// How long an outage lasts in a full run.
const OUTAGE: Duration = Duration::from_secs(10);
/// And in the short run.
const SHORT_OUTAGE: Duration = Duration::from_millis(1500);

/// What was asked for.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Asked {
    #[command(subcommand)]
    part: Option<Part>,
    /// On the worked example of several nodes alone: PostgreSQL and its Patroni are killed together.
    #[arg(long)]
    cluster: bool,
    /// How often.
    #[arg(long, value_name = "N", default_value_t = BY_PATRONI, requires = "cluster")]
    failovers: u32,
    /// How long the whole programme is to take; without it, it does what the project promises, however long that takes.
    #[arg(long, value_name = "N", conflicts_with = "cluster")]
    minutes: Option<u64>,
    #[command(flatten)]
    how: How,
}

/// On which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum On {
    Embedded,
    Nodes,
    Both,
}

/// How often things are contested over HTTP.
#[derive(Clone, Copy, Debug)]
struct Rounds {
    /// Of each kind that is used once.
    each: u32,
    /// Of contenders at one refresh token.
    refreshes: u32,
    /// Of revocations beside rotations.
    revocations: u32,
}

/// What is promised.
const ALL_ROUNDS: Rounds = Rounds { each: ROUNDS, refreshes: REFRESHES, revocations: REVOCATIONS };
/// In the short run.
const FEW_ROUNDS: Rounds = Rounds { each: ROUNDS, refreshes: FEW_REFRESHES, revocations: FEW_REVOCATIONS };

#[derive(Clone, Debug, Args)]
struct How {
    /// Makes the same choices again.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The server's program, if not a release build of this repository.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The checker's program, if not a release build of this repository.
    #[arg(long, value_name = "FILE")]
    checker: Option<PathBuf>,
}

impl How {
    /// With the release binary that a stage before has built.
    fn released(house: &House) -> Self {
        Self { seed: None, binary: Some(release_binary_path(house)), checker: None }
    }
}

#[derive(Debug, Subcommand)]
enum Part {
    /// The embedded store's server is killed under load, again and again.
    Kills {
        /// How often.
        #[arg(long, value_name = "N", default_value_t = KILLS, conflicts_with = "minutes")]
        kills: u32,
        /// How long it goes on, however often that is.
        #[arg(long, value_name = "N")]
        minutes: Option<u64>,
        #[command(flatten)]
        how: How,
    },
    /// 64 connections want the same single use at the same time, again and again, for each kind of it.
    Contest {
        /// How often, for each kind.
        #[arg(long, value_name = "N", default_value_t = ROUNDS)]
        rounds: u32,
        /// How often 64 connections use one refresh token.
        #[arg(long, value_name = "N", default_value_t = REFRESHES)]
        refreshes: u32,
        /// How often a revocation races two uses of a refresh token.
        #[arg(long, value_name = "N", default_value_t = REVOCATIONS)]
        revocations: u32,
        /// On which store.
        #[arg(long, value_enum, default_value_t = On::Both)]
        on: On,
        #[command(flatten)]
        how: How,
    },
    /// Contests on the store's own verbs: 64 tasks of one process on the embedded store, three processes on PostgreSQL.
    Verbs {
        /// How many attempts on each store.
        #[arg(long, value_name = "N", default_value_t = CONTESTS)]
        count: u64,
        #[command(flatten)]
        how: How,
    },
    /// The database of three nodes is gone for a while: stopped, silent, cut off.
    Gone {
        /// For how long, each time.
        #[arg(long, value_name = "S", default_value_t = GONE.as_secs())]
        seconds: u64,
        #[command(flatten)]
        how: How,
    },
    /// The power is cut at random moments; what was synced is there afterwards, and any part of the rest.
    Power {
        /// How often.
        #[arg(long, value_name = "N", default_value_t = CUTS)]
        cuts: u32,
        #[command(flatten)]
        how: How,
    },
    /// The disk is slow, fails and is full; the process is paused; the clock is stepped.
    Disk {
        /// How many calls fail one by one.
        #[arg(long, value_name = "N", default_value_t = FAULTS)]
        faults: u32,
        #[command(flatten)]
        how: How,
    },
    /// Thirty days of logins on each store, swept and vacuumed once per simulated hour: what is not kept does not grow.
    Month(month::Asked),
    /// An embedded store of a million rows moves into a database, also killed half-way and gone on with: nothing differs.
    Copy(copy::Asked),
    /// Three nodes on PostgreSQL with a synchronous standby: nodes and primaries are killed and paused, wires break.
    Nodes {
        /// How often a node is killed.
        #[arg(long, value_name = "N", default_value_t = KILLS, conflicts_with = "minutes")]
        kills: u32,
        /// How often the primary is killed.
        #[arg(long, value_name = "N", default_value_t = FAILOVERS, conflicts_with = "minutes")]
        failovers: u32,
        /// How long it goes on, however often that is.
        #[arg(long, value_name = "N")]
        minutes: Option<u64>,
        #[command(flatten)]
        how: How,
    },
    /// No acknowledgement leaves before the sync of the log that covers it.
    Trace {
        #[command(flatten)]
        how: How,
    },
}

/// Runs what was asked for.
///
/// # Errors
/// A promise that the server did not keep, or no server.
pub(crate) fn run(house: &House, asked: Asked) -> Result<ExitCode, String> {
    let time = |minutes| Duration::from_secs(60 * minutes);
    match asked.part {
        None if asked.cluster => parts::on_the_example(house, &asked.how, asked.failovers),
        None => return Ok(programme::run(house, &asked.how, asked.minutes)),
        Some(Part::Kills { kills, minutes, how }) => {
            let until = minutes.map_or(Until::Kills(kills), |minutes| Until::Time(time(minutes)));
            parts::kill_loop(house, &how, until)
        }
        Some(Part::Contest { rounds, refreshes, revocations, on, how }) => {
            parts::contests(house, &how, Rounds { each: rounds, refreshes, revocations }, on)
        }
        Some(Part::Verbs { count, how }) => parts::by_verbs(house, &how, count),
        Some(Part::Gone { seconds, how }) => parts::database_gone(house, &how, Duration::from_secs(seconds)),
        Some(Part::Power { cuts, how }) => parts::power_cuts(house, &how, cuts),
        Some(Part::Disk { faults, how }) => parts::bad_disk(house, &how, faults, OUTAGE),
        Some(Part::Month(asked)) => month::run(house, &asked),
        Some(Part::Copy(asked)) => copy::run(house, &asked),
        Some(Part::Nodes { kills, failovers, minutes, how }) => {
            let goal = minutes.map_or(Goal::Faults { kills, failovers }, |minutes| Goal::Time(time(minutes)));
            parts::storm(house, &how, goal)
        }
        Some(Part::Trace { how }) => parts::in_order(house, &how),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// A stage of `cargo xtask test`: a short kill loop.
pub(crate) fn few_kills(house: &House) -> Outcome {
    parts::kill_loop(house, &How::released(house), Until::Kills(FEW_KILLS))
}

/// A stage of `cargo xtask test`: a short kill loop over nodes and databases.
pub(crate) fn few_storms(house: &House) -> Outcome {
    parts::storm(house, &How::released(house), Goal::Faults { kills: FEW_KILLS, failovers: 2 })
}

/// A stage of `cargo xtask test`: contests over HTTP on the embedded store.
pub(crate) fn contests_on_one(house: &House) -> Outcome {
    parts::contests(house, &How::released(house), FEW_ROUNDS, On::Embedded)
}

/// A stage of `cargo xtask test`: contests over HTTP on three nodes.
pub(crate) fn contests_on_nodes(house: &House) -> Outcome {
    parts::contests(house, &How::released(house), FEW_ROUNDS, On::Nodes)
}

/// A stage of `cargo xtask test`: short contests on the store's verbs.
pub(crate) fn few_contests(house: &House) -> Outcome {
    parts::by_verbs(house, &How::released(house), FEW_CONTESTS)
}

/// A stage of `cargo xtask test`: the database is gone for a moment.
pub(crate) fn shortly_gone(house: &House) -> Outcome {
    parts::database_gone(house, &How::released(house), SHORTLY_GONE)
}

/// A stage of `cargo xtask test`: a few power cuts.
pub(crate) fn few_cuts(house: &House) -> Outcome {
    parts::power_cuts(house, &How::released(house), FEW_CUTS)
}

/// A stage of `cargo xtask test`: short faults of the disk, the process and the clock.
pub(crate) fn few_faults(house: &House) -> Outcome {
    parts::bad_disk(house, &How::released(house), FEW_FAULTS, SHORT_OUTAGE)
}

/// A stage of `cargo xtask test`: a few short days of a month.
pub(crate) fn few_days(house: &House) -> Outcome {
    month::few_days(house)
}

/// A stage of `cargo xtask test`: a small store moves.
pub(crate) fn few_rows(house: &House) -> Outcome {
    copy::few_rows(house)
}

/// A stage of `cargo xtask test`: the whole trace.
pub(crate) fn order(house: &House) -> Outcome {
    parts::in_order(house, &How::released(house))
}
