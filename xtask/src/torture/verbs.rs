//! `cargo xtask torture verbs`: contests on the store's own verbs, without HTTP before them: by 64 tasks of one process on the
//! embedded store, and by three processes on PostgreSQL. The processes agree on the things by a seed; who won what is added up here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use portvakt_cluster::{Durability, Postgres, Settings};
use serde_json::Value;

use super::checker::Checker;
use crate::house::Outcome;

/// Processes on PostgreSQL.
const PROCESSES: usize = 3;

/// Tasks of each process.
const TASKS: u32 = 64;

/// Contests so often on each store.
///
/// # Errors
/// A thing that was had twice, or by nobody though all were answered.
pub(super) fn run(checker: &Checker, folder: &Path, count: u64, seed: u64) -> Outcome {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))?;
    let plan = Plan { checker, folder, count, seed };
    plan.embedded()?;
    plan.postgres()?;
    fs::remove_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))
}

struct Plan<'a> {
    checker: &'a Checker,
    folder: &'a Path,
    count: u64,
    seed: u64,
}

impl Plan<'_> {
    fn embedded(&self) -> Outcome {
        let began = Instant::now();
        let place = self.folder.join("data");
        let wins = self.wins(0);
        let process = self.start(&place.display().to_string(), 0, 1, "both", &wins)?;
        let counts = process.counts()?;
        self.add_up(
            &format!("{TASKS} tasks of one process on the embedded store"),
            &[counts],
            began.elapsed(),
        )
    }

    fn postgres(&self) -> Outcome {
        let server = Postgres::start(&self.folder.join("database"), &Settings::new(Durability::Fsync))?;
        server.create_database("contest")?;
        let place = server.url("contest");
        let prepared = self.start(&place, 0, PROCESSES, "prepare", &self.wins(PROCESSES))?;
        prepared.counts()?;
        let began = Instant::now();
        let mut processes: Vec<Contender> = (0..PROCESSES)
            .map(|number| self.start(&place, number, PROCESSES, "run", &self.wins(number)))
            .collect::<Result<_, _>>()?;
        // Round by round, so that all of them are always at the same things.
        while processes
            .iter_mut()
            .map(Contender::is_at_the_gate)
            .collect::<Result<Vec<_>, _>>()?
            .contains(&true)
        {
            processes.iter_mut().try_for_each(Contender::go)?;
        }
        let counts: Vec<Value> = processes.into_iter().map(Contender::counts).collect::<Result<_, _>>()?;
        self.add_up(
            &format!("{PROCESSES} processes on PostgreSQL, {TASKS} tasks each"),
            &counts,
            began.elapsed(),
        )
    }

    fn wins(&self, number: usize) -> PathBuf {
        self.folder.join(format!("wins-{number}"))
    }

    fn start(
        &self,
        place: &str,
        number: usize,
        of: usize,
        phase: &str,
        wins: &Path,
    ) -> Result<Contender, String> {
        let (count, seed) = (self.count.to_string(), self.seed.to_string());
        let (tasks, process) = (TASKS.to_string(), format!("{number}/{of}"));
        let mut command = self.checker.command(&[
            "contest",
            "--store",
            place,
            "--count",
            &count,
            "--seed",
            &seed,
            "--tasks",
            &tasks,
            "--process",
            &process,
            "--phase",
            phase,
        ]);
        if phase == "run" {
            command.arg("--paced");
        }
        command.arg("--wins").arg(wins).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|fault| self.checker.not_run(&fault))?;
        let said = child.stdout.take().ok_or("a process without an output")?;
        Ok(Contender { child, said: BufReader::new(said), last: String::new() })
    }

    /// Adds up who won what.
    fn add_up(&self, who: &str, counts: &[Value], took: Duration) -> Outcome {
        let of = |name: &str| -> u64 { counts.iter().filter_map(|one| one.get(name)?.as_u64()).sum() };
        let things = counts.first().and_then(|one| one.get("things")?.as_u64()).unwrap_or(0);
        let mut wins: BTreeMap<u32, u32> = BTreeMap::new();
        for number in 0..counts.len() {
            let path = self.wins(number);
            let bytes = fs::read(&path).map_err(|fault| format!("{}: {fault}", path.display()))?;
            let (numbers, _) = bytes.as_chunks::<4>();
            for number in numbers {
                *wins.entry(u32::from_le_bytes(*number)).or_default() += 1;
            }
        }
        let doubles = wins.values().filter(|count| **count > 1).count();
        let nobody = things.saturating_sub(wins.len() as u64);
        let kinds: BTreeMap<String, u64> = counts
            .iter()
            .filter_map(|one| one.get("kinds")?.as_object())
            .flatten()
            .filter_map(|(kind, attempts)| Some((kind.clone(), attempts.as_u64()?)))
            .fold(BTreeMap::new(), |mut all, (kind, attempts)| {
                *all.entry(kind).or_default() += attempts;
                all
            });
        let kinds: Vec<String> = kinds.iter().map(|(kind, attempts)| format!("{kind} {attempts}")).collect();
        println!(
            "{who}: {doubles} double successes or pairs of living branches in {} attempts at {things} things ({}); {} had by one, {nobody} by nobody, {} \
             attempts without an answer, {} told wrongly, {} tokens that outlive a replay or a revocation; seed {}; {:.1} s",
            of("attempts"),
            kinds.join(", "),
            wins.values().filter(|count| **count == 1).count(),
            of("unknown"),
            of("wrong"),
            of("outlived"),
            self.seed,
            took.as_secs_f64(),
        );
        if of("attempts") < self.count {
            return Err(format!("only {} attempts", of("attempts")));
        }
        if doubles > 0 || of("wrong") > 0 || of("outlived") > 0 || nobody > of("unknown") {
            return Err(format!("a single use did not hold: {doubles} doubles, {nobody} had by nobody"));
        }
        Ok(())
    }
}

/// One process.
struct Contender {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
    last: String,
}

impl Contender {
    /// Waits until it is ready for the next round; no when it has ended.
    fn is_at_the_gate(&mut self) -> Result<bool, String> {
        let mut line = String::new();
        let read = self.said.read_line(&mut line).map_err(|fault| fault.to_string())?;
        if line.trim() == "ready" {
            return Ok(true);
        }
        if read > 0 {
            self.last = line;
        }
        Ok(false)
    }

    fn go(&mut self) -> Outcome {
        let gate = self.child.stdin.as_mut().ok_or("a process without an input")?;
        gate.write_all(b"\n")
            .and_then(|()| gate.flush())
            .map_err(|fault| format!("a contender has gone: {fault}"))
    }

    /// What it counted, when it has ended.
    fn counts(mut self) -> Result<Value, String> {
        while self.last.is_empty() {
            let mut line = String::new();
            if self.said.read_line(&mut line).map_err(|fault| fault.to_string())? == 0 {
                break;
            }
            if line.starts_with('{') {
                self.last = line;
            }
        }
        let status = self.child.wait().map_err(|fault| fault.to_string())?;
        if !status.success() {
            return Err(format!("a contender ended with {status}: {}", self.last.trim()));
        }
        serde_json::from_str(&self.last).map_err(|fault| format!("{}: {fault}", self.last.trim()))
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // Ended already, mostly.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
