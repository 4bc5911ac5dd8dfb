//! `cargo xtask torture`: what must hold when the server dies, when many want the same thing, and when the power goes.
//!
//! - alone: a loop of `kill -9` under load, after which nothing acknowledged is lost and nothing works twice;
//! - `contest`: many connections redeem one code at the same moment;
//! - `trace`: the order of system calls, which a kill does not show;
//! - `power`: power cuts under load, after which the disk has what was synced and any part of what was not;
//! - `month`: thirty days of logins on each store, which must not grow;
//! - `disk`: a slow, failing and full disk, a paused process and a stepped clock.
//!
//! Each runs the release binary on a data folder under the target folder, on the loopback, and ends what it started. The
//! seed of its choices is printed first and can be given again; the threads' interleaving is the machine's own.

mod chance;
mod checker;
mod clock;
mod contest;
mod crew;
mod disk;
mod doors;
mod faults;
mod history;
mod kills;
mod load;
mod month;
mod nodes;
mod power;
mod registrar;
mod server;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use self::chance::Chance;
use self::checker::Checker;
use self::faults::Goal;
use self::kills::Until;
use self::nodes::PairSite;
use self::server::Site;
use crate::house::{House, Outcome, run as run_command};
use crate::test::release_binary_path;

/// Kills in a full run.
const KILLS: u32 = 200;
/// Failovers of the primary in a full run.
const FAILOVERS: u32 = 20;
/// Kills in the short run of `cargo xtask test`.
const FEW_KILLS: u32 = 12;
/// Nodes of a site of several.
const NODES: usize = 3;
/// Rounds of the contest in the short run.
const FEW_ROUNDS: u32 = 50;

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
    /// How often the server is killed.
    #[arg(long, value_name = "N", default_value_t = KILLS, conflicts_with = "minutes")]
    kills: u32,
    /// How long it goes on, however often that is.
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
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
    /// 64 connections redeem one code at the same time, again and again.
    Contest {
        /// How often.
        #[arg(long, value_name = "N", default_value_t = 1000)]
        rounds: u32,
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
    let until = match asked.minutes {
        Some(minutes) => Until::Time(Duration::from_secs(60 * minutes)),
        None => Until::Kills(asked.kills),
    };
    match asked.part {
        None => kill_loop(house, &asked.how, until),
        Some(Part::Contest { rounds, how }) => one_code(house, &how, rounds),
        Some(Part::Power { cuts, how }) => power_cuts(house, &how, cuts),
        Some(Part::Disk { faults, how }) => bad_disk(house, &how, faults, OUTAGE),
        Some(Part::Month(asked)) => month::run(house, &asked),
        Some(Part::Nodes { kills, failovers, minutes, how }) => {
            let goal = match minutes {
                Some(minutes) => Goal::Time(Duration::from_secs(60 * minutes)),
                None => Goal::Faults { kills, failovers },
            };
            storm(house, &how, goal)
        }
        Some(Part::Trace { how }) => in_order(house, &how),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// A stage of `cargo xtask test`: a short kill loop.
pub(crate) fn few_kills(house: &House) -> Outcome {
    kill_loop(house, &How::released(house), Until::Kills(FEW_KILLS))
}

/// A stage of `cargo xtask test`: a short contest.
pub(crate) fn few_rounds(house: &House) -> Outcome {
    one_code(house, &How::released(house), FEW_ROUNDS)
}

/// A stage of `cargo xtask test`: a few power cuts.
pub(crate) fn few_cuts(house: &House) -> Outcome {
    power_cuts(house, &How::released(house), FEW_CUTS)
}

/// A stage of `cargo xtask test`: short faults of the disk, the process and the clock.
pub(crate) fn few_faults(house: &House) -> Outcome {
    bad_disk(house, &How::released(house), FEW_FAULTS, SHORT_OUTAGE)
}

/// A stage of `cargo xtask test`: a few short days of a month.
pub(crate) fn few_days(house: &House) -> Outcome {
    month::few_days(house)
}

/// A stage of `cargo xtask test`: the whole trace.
pub(crate) fn order(house: &House) -> Outcome {
    in_order(house, &How::released(house))
}

fn kill_loop(house: &House, how: &How, until: Until) -> Outcome {
    let checker = Checker::of(house, how.checker.as_deref())?;
    on_a_site(house, how, "kills", |site, chance| kills::run(site, &checker, until, chance))
}

fn storm(house: &House, how: &How, goal: Goal) -> Outcome {
    let checker = Checker::of(house, how.checker.as_deref())?;
    let (binary, mut chance) = prepared(house, how, "nodes")?;
    let mut site = PairSite::start(&binary, &house.target.join("torture").join("nodes"), NODES)?;
    faults::run(&mut site, &checker, goal, &mut chance)?;
    site.remove()
}

fn one_code(house: &House, how: &How, rounds: u32) -> Outcome {
    on_a_site(house, how, "contest", |site, chance| contest::run(site, rounds, chance))
}

fn power_cuts(house: &House, how: &How, cuts: u32) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "power")?;
    let checker = Checker::of(house, how.checker.as_deref())?;
    power::run(house, binary, &checker, cuts, &mut chance)?;
    told(&chance, began);
    Ok(())
}

fn bad_disk(house: &House, how: &How, faults: u32, outage: Duration) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "disk")?;
    let checker = Checker::of(house, how.checker.as_deref())?;
    disk::run(house, binary.clone(), &checker, faults, outage, &mut chance)?;
    clock::run(house, binary, &mut chance)?;
    told(&chance, began);
    Ok(())
}

/// The last line of a run: what it takes to have it again.
fn told(chance: &Chance, began: Instant) {
    println!("seed {}; {:.1} s", chance.seed(), began.elapsed().as_secs_f64());
}

fn in_order(house: &House, how: &How) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "trace")?;
    trace::run(house, binary, &mut chance)?;
    println!(
        "the order holds, and a server without syncs is found out; {:.1} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Runs one part on a folder of its own, which stays for a look when a promise was broken.
fn on_a_site(
    house: &House,
    how: &How,
    name: &str,
    part: impl FnOnce(&Site, &mut Chance) -> Outcome,
) -> Outcome {
    let (binary, mut chance) = prepared(house, how, name)?;
    let site = Site::new(binary, house.target.join("torture").join(name), &mut chance)?;
    part(&site, &mut chance)?;
    site.remove()
}

fn prepared(house: &House, how: &How, name: &str) -> Result<(PathBuf, Chance), String> {
    let seed = how.seed.unwrap_or_else(Chance::any_seed);
    println!("{name}: seed {seed}");
    let binary = match &how.binary {
        Some(binary) => binary.clone(),
        None => {
            run_command(&mut house.cargo(&["build", "--quiet", "--release", "--locked", "-p", "portvakt"]))?;
            release_binary_path(house)
        }
    };
    let binary = std::path::absolute(&binary).map_err(|fault| format!("{}: {fault}", binary.display()))?;
    Ok((binary, Chance::seeded(seed)))
}
