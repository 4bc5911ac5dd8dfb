//! Stages run one after another, each under a heading and with its duration.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::house::{House, Outcome};

/// One part of a run: a row of a table such as [`crate::test::STAGES`].
pub(crate) struct Stage {
    /// Shown in the heading and in the closing table.
    pub(crate) name: &'static str,
    /// Does the work and shows its own output.
    pub(crate) run: fn(&House) -> Outcome,
}

/// How one stage ended.
struct Ended {
    name: &'static str,
    took: Duration,
    outcome: Outcome,
}

/// Runs every stage, also after one failed, so that one run shows all that is wrong.
///
/// Ends with a table of the stages and, last and alone on its line, `N passed, N failed`. The answer is a failure when
/// at least one stage failed.
pub(crate) fn run_all(house: &House, stages: &[Stage]) -> ExitCode {
    let ended: Vec<Ended> = stages.iter().map(|stage| run_one(house, stage)).collect();
    println!("\n== summary");
    for one in &ended {
        let word = if one.outcome.is_ok() { "passed" } else { "FAILED" };
        println!("{word}  {:>7.1} s  {}", one.took.as_secs_f64(), one.name);
    }
    let failed = ended.iter().filter(|one| one.outcome.is_err()).count();
    println!("{}", closing_line(ended.len() - failed, failed));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_one(house: &House, stage: &Stage) -> Ended {
    println!("\n== {}", stage.name);
    let start = Instant::now();
    let outcome = (stage.run)(house);
    let took = start.elapsed();
    match &outcome {
        Ok(()) => println!("-- {}: passed in {:.1} s", stage.name, took.as_secs_f64()),
        Err(why) => println!("-- {}: FAILED after {:.1} s: {why}", stage.name, took.as_secs_f64()),
    }
    Ended { name: stage.name, took, outcome }
}

fn closing_line(passed: usize, failed: usize) -> String {
    format!("{passed} passed, {failed} failed")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn house() -> House {
        House { root: ".".into(), target: "target".into(), crates: Vec::new(), ci: false }
    }

    #[test]
    fn a_failing_stage_fails_the_run_and_does_not_stop_it() {
        static LATER: AtomicBool = AtomicBool::new(false);
        let stages = [
            Stage { name: "first", run: |_| Err("planted".to_owned()) },
            Stage {
                name: "second",
                run: |_| {
                    LATER.store(true, Ordering::Relaxed);
                    Ok(())
                },
            },
        ];
        assert_eq!(run_all(&house(), &stages), ExitCode::FAILURE);
        assert!(LATER.load(Ordering::Relaxed));
    }

    #[test]
    fn a_run_without_failures_succeeds() {
        assert_eq!(run_all(&house(), &[Stage { name: "only", run: |_| Ok(()) }]), ExitCode::SUCCESS);
    }

    #[test]
    fn the_closing_line_counts_stages() {
        assert_eq!(closing_line(7, 2), "7 passed, 2 failed");
    }
}
