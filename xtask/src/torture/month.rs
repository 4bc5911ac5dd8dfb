//! `cargo xtask torture month`: thirty days of logins on each store, by the clock that its verbs are told. Swept and vacuumed once per
//! simulated hour, a store without its audit stays as large as it was after two days; and with a short retention, so does the audit.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use portvakt_cluster::{Durability, Postgres, Settings};

use super::chance::Chance;
use super::checker::Checker;
use crate::house::{House, Outcome, run as run_command};

/// The database that it happens in.
const DATABASE: &str = "month";

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// How many days.
    #[arg(long, value_name = "N", default_value_t = MONTH.days)]
    days: u32,
    /// How many logins of each lead to a token.
    #[arg(long, value_name = "N", default_value_t = MONTH.logins_per_day)]
    logins_per_day: u32,
    /// On which store.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    store: Which,
    /// Makes the same choices again.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The program that lives the days, if not a release build of this repository.
    #[arg(long, value_name = "FILE")]
    checker: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Embedded,
    Postgres,
    Both,
}

/// So many days, and for how many of them audit records are kept.
#[derive(Clone, Copy)]
struct Span {
    days: u32,
    logins_per_day: u32,
    audit_retention_days: u32,
    /// KiB beside the bar.
    slack_kib: u32,
}

/// The bar: the audit's retention as it is unless somebody sets it.
const MONTH: Span = Span { days: 30, logins_per_day: 50_000, audit_retention_days: 180, slack_kib: 0 };
/// Long enough to see that an audit stops growing that is kept for five days.
const AUDIT: Span = Span { days: 12, logins_per_day: 50_000, audit_retention_days: 5, slack_kib: 0 };
/// Both at once, in seconds. A store that is not swept grows by more than the slack each day.
const SHORT: Span = Span { days: 4, logins_per_day: 800, audit_retention_days: 1, slack_kib: 1024 };

/// The whole bar, on the stores that were asked for.
///
/// # Errors
/// A store that grows, or that answers what it must not.
pub(super) fn run(house: &House, asked: &Asked) -> Outcome {
    let month = Span { days: asked.days, logins_per_day: asked.logins_per_day, ..MONTH };
    let audit = Span { logins_per_day: asked.logins_per_day, ..AUDIT };
    let checker = Checker::of(house, asked.checker.as_deref())?;
    live(house, &checker, asked.store, &[month, audit], asked.seed)
}

/// A few short days on both.
///
/// # Errors
/// As [`run`].
pub(super) fn few_days(house: &House) -> Outcome {
    live(house, &Checker::of(house, None)?, Which::Both, &[SHORT], None)
}

fn live(house: &House, checker: &Checker, which: Which, spans: &[Span], seed: Option<u64>) -> Outcome {
    let began = Instant::now();
    let seed = seed.unwrap_or_else(Chance::any_seed);
    let mut missed = Vec::new();
    for span in spans {
        if which != Which::Postgres {
            missed.extend(on_embedded(house, checker, *span, seed)?);
        }
        if which != Which::Embedded {
            missed.extend(on_postgres(checker, *span, seed)?);
        }
    }
    println!("seed {seed}, {:.1} s", began.elapsed().as_secs_f64());
    if missed.is_empty() { Ok(()) } else { Err(missed.join("; ")) }
}

fn on_embedded(house: &House, checker: &Checker, span: Span, seed: u64) -> Result<Option<String>, String> {
    let folder = house.target.join("torture").join("month");
    let why = |fault: std::io::Error| format!("{}: {fault}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(why)?;
    }
    std::fs::create_dir_all(&folder).map_err(why)?;
    let place = folder.join("data");
    let place = place.to_str().ok_or("the target folder's path is no text")?;
    // It takes no page before it needs it.
    let span = Span { slack_kib: 0, ..span };
    let missed = one(checker, "the embedded store", place, 256, span, seed);
    std::fs::remove_dir_all(&folder).map_err(why)?;
    Ok(missed)
}

fn on_postgres(checker: &Checker, span: Span, seed: u64) -> Result<Option<String>, String> {
    // Vacuumed when the simulated clock says so, and not by the machine's. Sizes are measured here, and no durability.
    let settings = Settings::new(Durability::Quick).set("autovacuum", "off").set("shared_buffers", "256MB");
    let server = Postgres::temporary(&settings)?;
    server.create_database(DATABASE)?;
    // Of few logins, few at once: pages are taken ahead for those who wait.
    let tasks = (span.logins_per_day / 100).clamp(1, 64);
    Ok(one(checker, "PostgreSQL", &server.url(DATABASE), tasks, span, seed))
}

/// One span on one store: why it was not borne, if it was not.
fn one(checker: &Checker, store: &str, place: &str, tasks: u32, span: Span, seed: u64) -> Option<String> {
    let Span { days, logins_per_day, audit_retention_days, slack_kib } = span;
    println!(
        "\n{store}, {days} days of {logins_per_day} logins, audit kept for {audit_retention_days} days:"
    );
    let mut command = checker.command(&["month", "--store", place]);
    for (name, value) in [
        ("--days", u64::from(days)),
        ("--logins-per-day", u64::from(logins_per_day)),
        ("--audit-retention-days", u64::from(audit_retention_days)),
        ("--slack-kib", u64::from(slack_kib)),
        ("--tasks", u64::from(tasks)),
        ("--seed", seed),
    ] {
        command.args([name, &value.to_string()]);
    }
    run_command(&mut command).err().map(|_| format!("{store} missed {days} days of {logins_per_day} logins"))
}
