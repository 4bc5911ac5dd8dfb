//! `cargo xtask bench`: what each operation costs the server process in CPU, how fast it starts and how much memory it
//! holds, each beside its bar.
//!
//! CPU time is measured, not requests a second: it says what a core can carry and does not depend on who else waits for the
//! disk. An RSA signature weighs more than everything around it and differs threefold between machines, so what is left
//! without signatures, the *rest*, is the house's own work, and is counted in ES256 signatures of the same machine.

mod bars;
mod ground;
mod load;
mod node;
mod pages;
mod parties;
mod rows;
mod sample;
mod server;
mod start;
mod trips;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::house::{House, Outcome};
use bars::Bar;
use ground::Ground;
use node::Place;
use pages::Weight;
use parties::Parties;
use rows::{Row, Sample, Yardstick};
use sample::{Bench, Samples};
use trips::{Counted, Trips};

/// What is asked of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Asked {
    /// Measure this part only.
    #[arg(value_enum)]
    part: Option<Part>,
    /// Measure it on this store only.
    #[arg(long, value_enum)]
    store: Option<StoreKind>,
    /// Also write the rows to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure this binary instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// So many samples of each row.
    #[arg(long, value_name = "N", conflicts_with = "short")]
    samples: Option<usize>,
    /// One sample of few operations: shows that the command works, and measures nothing to rely on.
    #[arg(long)]
    short: bool,
}

/// The parts.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// CPU time of each operation.
    Rows,
    /// Duration of a start, and memory.
    Start,
}

/// The stores.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoreKind {
    /// A folder, with the database inside the server process.
    Embedded,
    /// A node, and a PostgreSQL server beside it.
    Postgres,
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    samples: usize,
    logins: usize,
    userinfos: usize,
    refreshes: usize,
    introspections: usize,
    discoveries: usize,
    pages: usize,
    start: start::Extent,
    /// How far a bar may be missed.
    slack: f64,
}

const CONNECTIONS: usize = 32;

/// Each sample takes about a second of CPU.
const FULL: Extent = Extent {
    samples: 5,
    logins: 3_000,
    userinfos: 50_000,
    refreshes: 2_000,
    introspections: 20_000,
    discoveries: 100_000,
    pages: 20_000,
    start: start::Extent { starts: 20, logins: 1_000, connections: CONNECTIONS },
    slack: 1.0,
};

/// On a machine that does other things meanwhile, a bar is only missed when it is missed by far.
const SHORT: Extent = Extent {
    samples: 1,
    logins: 300,
    userinfos: 2_000,
    refreshes: 300,
    introspections: 2_000,
    discoveries: 4_000,
    pages: 1_000,
    start: start::Extent { starts: 3, logins: 100, connections: CONNECTIONS },
    slack: 4.0,
};

/// What `--json` writes. What was not measured is empty.
#[derive(Default, Serialize)]
struct Table {
    rows: Vec<Row>,
    pages: Vec<Weight>,
    postgres_rows: Vec<Row>,
    postgres_login: Option<Counted>,
}

/// For scale, of the same machine: measured once, by hand.
const SCALE: &str = "For scale, in ES256 signatures on one machine: a bare prototype (axum, rusqlite with group commit, one \
                     row read and four written, JSON)\nspends 4.8 on an exchange, 0.9 on userinfo and 0.6 on discovery; \
                     the leanest peer, with everything in memory, about 60 and 15.";

/// Measures, prints, and fails when a row is void or a bar does not hold.
///
/// # Errors
/// Something could not be measured.
pub(crate) fn run(house: &House, asked: &Asked) -> Result<ExitCode, String> {
    let binary = match &asked.binary {
        Some(binary) => binary.clone(),
        None => server::binary(house)?,
    };
    let folder = server::run_folder(house)?;
    let extent = if asked.short { SHORT } else { FULL };
    let extent = Extent { samples: asked.samples.unwrap_or(extent.samples).max(1), ..extent };
    let (rows, starts) = (asked.part != Some(Part::Start), asked.part != Some(Part::Rows));
    let mut table = Table::default();
    let mut bars = Vec::new();
    if asked.store != Some(StoreKind::Postgres) {
        if rows {
            let ground = Ground::Folder { binary: &binary, data: &folder.join("rows") };
            (table.rows, table.pages) = measure_rows(ground, extent)?;
            bars.extend(bars_of(&table.rows, &BARS, ""));
            bars.extend(table.pages.iter().flat_map(Weight::bars));
            print_rows(&table.rows);
            println!("{SCALE}");
        }
        if starts {
            let ground = Ground::Folder { binary: &binary, data: &folder.join("start") };
            bars.extend(start::measure(&ground, extent.start)?.bars());
        }
    }
    if asked.store != Some(StoreKind::Embedded) {
        if rows {
            let place = Place::new(&binary, &folder.join("node"), !asked.short)?;
            // The bytes of a page are the same on every store.
            (table.postgres_rows, _) = measure_rows(Ground::Database(&place), extent)?;
            bars.extend(bars_of(&table.postgres_rows, &NODE_BARS, ", on a node"));
            print_rows(&table.postgres_rows);
            let counted = trips::count(&place)?;
            print_trips(&counted);
            table.postgres_login = Some(counted);
        }
        if starts {
            let place = Place::new(&binary, &folder.join("node-start"), !asked.short)?;
            start::measure(&Ground::Database(&place), extent.start)?.print("PostgreSQL");
        }
    }
    if let Some(file) = &asked.json {
        let text = serde_json::to_string(&table).map_err(|why| why.to_string())?;
        fs::write(file, text + "\n").map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let missed = bars::print(&bars, extent.slack);
    let measured = || table.rows.iter().chain(&table.postgres_rows);
    let void = measured().filter(|row| row.void.is_some()).count();
    println!("{} rows, {void} void; {} bars, {missed} missed", measured().count(), bars.len());
    Ok(if void + missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The stage of `cargo xtask test`: the command works, no row is void, and no bar is missed by far.
pub(crate) fn short(house: &House) -> Outcome {
    let done =
        run(house, &Asked { part: None, store: None, json: None, binary: None, samples: None, short: true })?;
    if done == ExitCode::SUCCESS {
        Ok(())
    } else {
        Err("a row is void, or a bar is missed by far".to_owned())
    }
}

/// What was promised of rows, in ES256 signatures, with the store in the server process.
const BARS: [(&str, f64); 8] = [
    ("code_exchange_opaque", 8.0),
    ("refresh_opaque", 8.0),
    ("introspect", 2.5),
    ("userinfo", 2.5),
    ("discovery", 1.5),
    ("login_page", 5.0),
    ("refused_page", 5.0),
    ("issuer_page", 5.0),
];

/// The same of a node: its database's time is not its own.
const NODE_BARS: [(&str, f64); 1] = [("code_exchange_opaque", 14.0)];

fn bars_of(rows: &[Row], promised: &[(&str, f64)], ground: &str) -> Vec<Bar> {
    let bar = |(name, most): &(&str, f64)| {
        let found = rows.iter().find(|row| row.name == *name).map_or(f64::NAN, |row| row.rest_es256);
        Bar::new(format!("rest of {name}{ground}"), found, *most, "ES256")
    };
    promised.iter().map(bar).collect()
}

fn print_rows(rows: &[Row]) {
    let shared = rows.iter().any(|row| row.database_us.is_some());
    print!("\n{:<24} {:>10} {:>12} {:>10} {:>10}", "row", "cpu µs", "in RSA-2048", "rest µs", "in ES256");
    println!("{}", if shared { "  database µs   in ES256" } else { "" });
    for row in rows {
        let Row { name, cpu_us, rsa2048_signatures, rest_us, rest_es256, void, .. } = row;
        print!("{name:<24} {cpu_us:>10.1} {rsa2048_signatures:>12.3} {rest_us:>10.1} {rest_es256:>10.2}");
        if let (Some(us), Some(es256)) = (row.database_us, row.database_es256) {
            print!(" {us:>12.1} {es256:>10.2}");
        }
        println!("{}", void.as_ref().map(|why| format!("  VOID: {why}")).unwrap_or_default());
    }
}

fn print_trips(counted: &Counted) {
    println!("\n{:<40} {:>12} {:>12} {:>8}", "asked of PostgreSQL", "round trips", "statements", "writes");
    for Trips { step, round_trips, statements, writes } in &counted.steps {
        println!("{step:<40} {round_trips:>12.1} {statements:>12.1} {writes:>8.1}");
    }
    println!("{:<40} {:>12.1}", "a node that nobody uses, a second", counted.idle_a_second);
}

fn measure_rows(ground: Ground<'_>, extent: Extent) -> Result<(Vec<Row>, Vec<Weight>), String> {
    let server = ground.start(0, true)?;
    ground.furnish()?;
    ground.furnish_for_rows(&server)?;
    let parties = Parties::at(&server)?;
    let pids = server.pids();
    let mut bench = Bench::new(server, ground, pids);
    let store = match ground {
        Ground::Folder { .. } => "store",
        Ground::Database(_) => "PostgreSQL, alone and with fsync,",
    };
    println!(
        "\n{CONNECTIONS} connections, median of {} samples, {store} on {}, log to a file",
        extent.samples,
        ground.data().display()
    );
    // Unmeasured: caches fill, pages of the binary come in, the store's file gets its first pages.
    let Extent { logins, userinfos, refreshes, introspections, discoveries, pages, .. } = extent;
    let warm_up = Extent {
        logins: logins / 4,
        userinfos: userinfos / 4,
        refreshes: refreshes / 4,
        introspections: introspections / 4,
        discoveries: discoveries / 4,
        pages: pages / 4,
        ..extent
    };
    bench.sample(&parties, warm_up)?;
    bench.yardsticks.clear();
    let samples =
        (0..extent.samples).map(|_| bench.sample(&parties, extent)).collect::<Result<Vec<_>, _>>()?;
    let rows = rows_of(&bench.yardsticks, &samples);
    let weights = pages::weigh(&parties.demo, &bench.pids)?;
    bench.server.stop()?;
    Ok((rows, weights))
}

fn rows_of(yardsticks: &[Yardstick], samples: &[Samples]) -> Vec<Row> {
    let row = |name, signatures, of: fn(&Samples) -> Sample| {
        Row::of(name, signatures, &samples.iter().map(of).collect::<Vec<_>>())
    };
    let rows = Row::of_signatures(yardsticks).into_iter().chain([
        row("code_exchange_opaque", 1, |of| of.exchange_opaque),
        row("code_exchange_jwt", 2, |of| of.exchange_jwt),
        row("refresh_opaque", 1, |of| of.refresh.opaque),
        row("refresh_jwt", 2, |of| of.refresh.jwt),
        row("login", 0, |of| of.login),
        row("userinfo", 0, |of| of.userinfo),
        row("introspect", 0, |of| of.refresh.introspect),
        row("introspect_jwt", 0, |of| of.refresh.introspect_jwt),
        row("revoke", 0, |of| of.refresh.revoke),
        row("discovery", 0, |of| of.discovery),
        row("login_page", 0, |of| of.pages.login),
        row("refused_page", 0, |of| of.pages.refused),
        row("issuer_page", 0, |of| of.pages.issuer),
    ]);
    rows.collect()
}
