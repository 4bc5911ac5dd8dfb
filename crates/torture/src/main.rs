//! The long proofs on the store's own verbs, as processes that a torture run starts and may kill.

#![expect(clippy::print_stdout, reason = "what a proof found goes to standard output")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use portvakt_torture::contest::{self, Plan};
use portvakt_torture::history::{Bounds, Event, History, Recorded, parse};
use portvakt_torture::journal::{Clock, Journal};
use portvakt_torture::load::{Load, Node, Until};
use portvakt_torture::month;
use portvakt_torture::world::{make_ready, open};

#[derive(Parser)]
#[command(about = "The long proofs on the store's own verbs", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Many want the same thing that can be used once.
    Contest(Contest),
    /// Clients on the verbs, who leave a history.
    Load(LoadAsked),
    /// Days of logins by the clock that the verbs are told, swept and weighed by the hour.
    Month(MonthAsked),
    /// Judges the histories in these files as one.
    Judge {
        /// Logs of one run.
        #[arg(required = true)]
        logs: Vec<PathBuf>,
        /// The audit of that run: one JSON record a line, by the names that the histories use.
        #[arg(long)]
        audit: Option<PathBuf>,
        #[command(flatten)]
        bounds: BoundsAsked,
    },
}

#[derive(Args)]
struct Contest {
    /// A folder, or the address of a database.
    #[arg(long)]
    store: String,
    /// Contests: attempts of all processes taken together.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Tasks of this process.
    #[arg(long, default_value_t = 64)]
    tasks: u32,
    /// How many of them want the same thing; all of them unless given.
    #[arg(long)]
    contenders: Option<u32>,
    /// The things are the same in every process with the same seed.
    #[arg(long)]
    seed: u64,
    /// Which process this is and of how many, counted from 0: `0/3`.
    #[arg(long, default_value = "0/1", value_parser = process)]
    process: (u32, u32),
    /// Make the things, contend for them, or both.
    #[arg(long, default_value = "both")]
    phase: Phase,
    /// Before each round, write `ready` and wait for a line.
    #[arg(long)]
    paced: bool,
    /// Where the numbers of the things that this process won are written.
    #[arg(long)]
    wins: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Phase {
    Prepare,
    Run,
    Both,
}

#[derive(Args)]
struct LoadAsked {
    /// A folder, or the address of a database.
    #[arg(long)]
    store: String,
    /// Names this load's issuer and clients.
    #[arg(long, default_value = "load")]
    name: String,
    /// How many play at once.
    #[arg(long, default_value_t = 16)]
    players: usize,
    /// How many logins each of them has.
    #[arg(long, default_value_t = 100)]
    logins: u64,
    /// So many seconds instead.
    #[arg(long)]
    seconds: Option<u64>,
    /// Makes the same choices again.
    #[arg(long)]
    seed: u64,
    /// The log, which grows by what this process asks and is told.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Goes on where the log ends: asks after everything that it tells of, and has what it tells judged too.
    #[arg(long, requires = "log")]
    recall: bool,
    /// The name of the node.
    #[arg(long, default_value = "a")]
    node: String,
    /// A bug in the store: it answers before it commits.
    #[cfg(feature = "danger-faults")]
    #[arg(long)]
    answers_first: bool,
    #[command(flatten)]
    bounds: BoundsAsked,
}

#[derive(Args)]
struct MonthAsked {
    /// An empty folder, or the address of an empty database as its owner.
    #[arg(long)]
    store: String,
    /// How many days.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// How many logins of each lead to a token.
    #[arg(long, default_value_t = 50_000)]
    logins_per_day: u64,
    /// For how many days audit records are kept, or `none`: for ever.
    #[arg(long, default_value = "180", value_parser = retention)]
    audit_retention_days: Retention,
    /// How many logins are under way at once.
    #[arg(long, default_value_t = 256)]
    tasks: u32,
    /// Makes the same choices again.
    #[arg(long)]
    seed: u64,
    /// So many KiB more a store may grow by: for so few logins that some pages are a tenth of it.
    #[arg(long, default_value_t = 0)]
    slack_kib: u64,
    /// Sweep nothing, to see that it is found.
    #[arg(long)]
    unswept: bool,
}

/// For how many days audit records are kept.
#[derive(Clone, Copy)]
struct Retention(Option<u32>);

fn retention(text: &str) -> Result<Retention, String> {
    match text {
        "none" => Ok(Retention(None)),
        days => days
            .parse()
            .map(|days| Retention(Some(days)))
            .map_err(|_| format!("`{text}` is no number of days")),
    }
}

#[derive(Args)]
struct BoundsAsked {
    /// By how many seconds clocks may differ.
    #[arg(long, default_value_t = 0)]
    skew: i64,
    /// For how many milliseconds what was asked without an answer may still take effect; for ever unless given.
    #[arg(long)]
    unknown_millis: Option<u64>,
}

impl BoundsAsked {
    fn bounds(&self) -> Bounds {
        let unknown = self.unknown_millis.map(|millis| millis.saturating_mul(1000));
        Bounds { skew: self.skew, unknown, ..Bounds::default() }
    }
}

fn process(text: &str) -> Result<(u32, u32), String> {
    let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    parsed.filter(|(i, n)| i < n).ok_or_else(|| format!("`{text}` is no `0/3`"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Contest(asked) => contend(&asked).await,
        Task::Load(asked) => load(&asked).await,
        Task::Month(asked) => live_a_month(&asked).await,
        Task::Judge { logs, audit, bounds } => judge(&logs, audit.as_deref(), &bounds.bounds()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("portvakt-torture: {why}");
            ExitCode::FAILURE
        }
    }
}

fn say(value: &impl serde::Serialize) -> Result<(), String> {
    println!("{}", serde_json::to_string(value).map_err(|fault| fault.to_string())?);
    Ok(())
}

/// One line out, one line in.
fn wait_for_the_others() -> Result<(), String> {
    let told = |fault: std::io::Error| fault.to_string();
    println!("ready");
    std::io::stdout().flush().map_err(told)?;
    match std::io::stdin().read_line(&mut String::new()).map_err(told)? {
        0 => Err("whoever opens the gate has gone".to_owned()),
        _ => Ok(()),
    }
}

async fn contend(asked: &Contest) -> Result<bool, String> {
    let (process, processes) = asked.process;
    let contenders = asked.contenders.unwrap_or(asked.tasks);
    let (seed, attempts, tasks) = (asked.seed, asked.count, asked.tasks);
    let plan = Plan { seed, attempts, tasks, contenders, processes, process };
    if asked.phase != Phase::Run {
        make_ready(&asked.store, Clock::start().now()).await?;
    }
    let store = open(&asked.store, Clock::start().now()).await?;
    let mut sound = true;
    if asked.phase == Phase::Prepare {
        let began = Instant::now();
        contest::prepare(&store, &plan, 0, plan.things()).await?;
        say(&serde_json::json!({ "things": plan.things(), "millis": began.elapsed().as_millis() }))?;
    } else {
        let mut gate = || if asked.paced { wait_for_the_others() } else { Ok(()) };
        let (counts, wins) = contest::run(&store, &plan, asked.phase == Phase::Both, &mut gate).await?;
        if let Some(path) = &asked.wins {
            contest::write_wins(path, &wins).map_err(|fault| format!("{}: {fault}", path.display()))?;
        }
        let nobody = contest::add_up(&plan, [wins.as_slice()]).nobody.len() as u64;
        sound = counts.doubles == 0
            && counts.wrong == 0
            && counts.outlived == 0
            && (processes > 1 || nobody <= counts.unknown);
        say(&counts)?;
    }
    store.close().await.map_err(|broken| broken.to_string())?;
    Ok(sound)
}

async fn load(asked: &LoadAsked) -> Result<bool, String> {
    #[cfg(feature = "danger-faults")]
    if asked.answers_first {
        portvakt_store::danger_plant(Some(portvakt_store::Bug::AnswersFirst));
    }
    let clock = Clock::start();
    let earlier = match &asked.log {
        Some(path) if asked.recall => read_log(path)?,
        Some(_) | None => Vec::new(),
    };
    let journal = match &asked.log {
        Some(path) => Journal::at(clock, path, u64::from(std::process::id()))
            .map_err(|fault| format!("{}: {fault}", path.display()))?,
        None => Journal::in_memory(clock),
    };
    make_ready(&asked.store, clock.now()).await?;
    let store = open(&asked.store, clock.now()).await?;
    let nodes = [Node { name: asked.node.clone(), store }];
    let [node] = &nodes;
    let mut load = Load::new(&asked.name, asked.players, asked.seed, journal.clone())?;
    let life = earlier.iter().map(|event| event.life + 1).max().unwrap_or(0);
    if asked.recall {
        load.recall(&earlier);
        load.settle(&nodes, life).await?;
    } else {
        load.prepare(node).await?;
    }
    let until = match asked.seconds {
        None => Until::Logins(asked.logins),
        Some(seconds) => {
            let stop = load.stop();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                stop.stop();
            });
            Until::Stopped
        }
    };
    load.live(&nodes, life, until).await?;
    load.settle(&nodes, life).await?;
    let audit = Some(load.audit(node).await?);
    node.store.close().await.map_err(|broken| broken.to_string())?;
    let mut history = journal.history().map_err(|fault| format!("the log: {fault}"))?;
    history.events.extend(earlier);
    rule(&History { audit, ..history }, &asked.bounds.bounds())
}

fn read_log(path: &Path) -> Result<Vec<Event>, String> {
    let text = std::fs::read_to_string(path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    parse(&text).map_err(|fault| format!("{}: {fault}", path.display()))
}

fn read_audit(path: &Path) -> Result<Vec<Recorded>, String> {
    let told = |fault: &dyn std::fmt::Display| format!("{}: {fault}", path.display());
    let text = std::fs::read_to_string(path).map_err(|fault| told(&fault))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|fault| told(&fault))).collect()
}

async fn live_a_month(asked: &MonthAsked) -> Result<bool, String> {
    let plan = month::Plan {
        days: asked.days,
        logins_per_day: asked.logins_per_day,
        audit_retention_days: asked.audit_retention_days.0,
        tasks: asked.tasks,
        seed: asked.seed,
        slack: asked.slack_kib.saturating_mul(1024),
        swept: !asked.unswept,
    };
    let began = Instant::now();
    println!("the heaviest hour of each day, in MiB\n{}", month::heading());
    let verdict = month::run(&asked.store, plan, &mut |day| println!("{day}")).await?;
    println!("{verdict}, seed {}, {:.1} s", asked.seed, began.elapsed().as_secs_f64());
    Ok(verdict.holds())
}

fn judge(logs: &[PathBuf], audit: Option<&Path>, bounds: &Bounds) -> Result<bool, String> {
    let mut history = History { audit: audit.map(read_audit).transpose()?, ..History::default() };
    for path in logs {
        history.events.extend(read_log(path)?);
    }
    rule(&history, bounds)
}

/// Says what was judged, and every breach.
fn rule(history: &History, bounds: &Bounds) -> Result<bool, String> {
    let verdict = history.judge(bounds);
    for breach in &verdict.breaches {
        println!("{breach}");
    }
    say(&verdict.counts)?;
    Ok(verdict.breaches.is_empty())
}
