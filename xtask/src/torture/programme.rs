//! The whole programme: every part in order, then a table of what came of each.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::faults::Goal;
use super::kills::Until;
use super::{
    ALL_ROUNDS, BY_PATRONI, CONTESTS, CUTS, FAILOVERS, FAULTS, FEW_CUTS, FEW_FAULTS, GONE, How, KILLS,
    OUTAGE, On, Rounds, copy, month, parts,
};
use crate::house::{House, Outcome};

/// One part: its name and what it does.
type Part<'a> = (String, Box<dyn FnOnce() -> Outcome + 'a>);

/// Runs every part, also after one failed. With `minutes`, each has its share of them.
pub(super) fn run(house: &House, how: &How, minutes: Option<u64>) -> ExitCode {
    let began = Instant::now();
    let seed = how.seed.unwrap_or_else(Chance::any_seed);
    let how = How { seed: Some(seed), ..how.clone() };
    let all = parts_of(house, &how, minutes);
    let mut table = Vec::with_capacity(all.len());
    for (name, part) in all {
        println!("\n== {name}");
        let began = Instant::now();
        let done = part();
        if let Err(why) = &done {
            println!("-- FAILED: {why}");
        }
        table.push((name, began.elapsed(), done));
    }
    println!("\n== summary");
    for (name, took, done) in &table {
        let word = if done.is_ok() { "held  " } else { "BROKEN" };
        println!("{word}  {:>7.1} s  {name}", took.as_secs_f64());
    }
    let broken = table.iter().filter(|(_, _, done)| done.is_err()).count();
    println!(
        "seed {seed}; {} held, {broken} broken; {:.1} s",
        table.len() - broken,
        began.elapsed().as_secs_f64()
    );
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parts_of<'a>(house: &'a House, how: &'a How, minutes: Option<u64>) -> Vec<Part<'a>> {
    let scale = Scale(minutes);
    // Fewer say nothing.
    let (cuts, faults) = (scale.of(CUTS).max(FEW_CUTS), scale.of(FAULTS).max(FEW_FAULTS));
    let (count, by_patroni) = (scale.count(), scale.of(BY_PATRONI));
    let rounds = scale.rounds();
    let gone = scale.gone();
    let until = minutes.map_or(Until::Kills(KILLS), |_| Until::Time(scale.share(15)));
    let goal =
        minutes.map_or(Goal::Faults { kills: KILLS, failovers: FAILOVERS }, |_| Goal::Time(scale.share(30)));
    vec![
        ("answers after their sync".to_owned(), Box::new(move || parts::in_order(house, how))),
        (
            format!(
                "contests over HTTP on each store: {} rounds of each single use, {} of a refresh token, {} revocations",
                rounds.each, rounds.refreshes, rounds.revocations
            ),
            Box::new(move || parts::contests(house, how, rounds, On::Both)),
        ),
        (
            format!("contests by verbs, {count} attempts on each store"),
            Box::new(move || parts::by_verbs(house, how, count)),
        ),
        (
            format!("the embedded store's server killed: {until:?}"),
            Box::new(move || parts::kill_loop(house, how, until)),
        ),
        (format!("{cuts} power cuts"), Box::new(move || parts::power_cuts(house, how, cuts))),
        (
            format!("bad disks, pauses and clocks, {faults} faults"),
            Box::new(move || parts::bad_disk(house, how, faults, OUTAGE)),
        ),
        (format!("three nodes on PostgreSQL: {goal:?}"), Box::new(move || parts::storm(house, how, goal))),
        (
            format!("the database gone for {:.0} s, in three ways", gone.as_secs_f64()),
            Box::new(move || parts::database_gone(house, how, gone)),
        ),
        (
            format!("{by_patroni} failovers by Patroni"),
            Box::new(move || parts::on_the_example(house, how, by_patroni)),
        ),
        ("a short month (`torture month` is the whole)".to_owned(), Box::new(move || month::few_days(house))),
        ("a short copy (`torture copy` is the whole)".to_owned(), Box::new(move || copy::few_rows(house))),
    ]
}

/// How much of the full programme there is time for. It takes about an hour on two cores.
#[derive(Clone, Copy)]
struct Scale(Option<u64>);

/// The minutes of the full programme.
const FULL: u64 = 60;

impl Scale {
    /// So much of a full count, once at least.
    fn of(self, full: u32) -> u32 {
        let part = |minutes: u64| u64::from(full) * minutes.min(FULL) / FULL;
        self.0.map_or(full, |minutes| u32::try_from(part(minutes)).unwrap_or(full).max(1))
    }

    fn count(self) -> u64 {
        self.0.map_or(CONTESTS, |minutes| (CONTESTS * minutes.min(FULL) / FULL).max(10_000))
    }

    fn rounds(self) -> Rounds {
        let [refreshes, revocations] =
            [ALL_ROUNDS.refreshes, ALL_ROUNDS.revocations].map(|full| self.of(full));
        Rounds { refreshes, revocations, ..ALL_ROUNDS }
    }

    fn gone(self) -> Duration {
        self.0.map_or(GONE, |minutes| Duration::from_secs(minutes.clamp(3, GONE.as_secs())))
    }

    /// So many hundredths of the time.
    fn share(self, hundredths: u64) -> Duration {
        Duration::from_secs(self.0.unwrap_or(FULL) * 60 * hundredths / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_no_minutes_to_give_gets_what_is_promised() {
        assert_eq!((Scale(None).of(CUTS), Scale(None).count(), Scale(None).gone()), (CUTS, CONTESTS, GONE));
        assert_eq!((Scale(Some(FULL)).of(CUTS), Scale(Some(FULL)).count()), (CUTS, CONTESTS));
    }

    #[test]
    fn a_short_run_does_everything_at_least_once() {
        assert_eq!(Scale(Some(1)).of(BY_PATRONI), 1);
        assert!(Scale(Some(1)).gone() >= Duration::from_secs(3));
    }
}
