//! Follows a catalogue file: it is read again when it changes, and what changed is told in a few words. A file with a fault
//! changes nothing; one that is gone, blank or half written is waited for.

use std::sync::Arc;
use std::time::Duration;

use portvakt_protocol::catalogue::{Plan, Sign};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::ready::ReadyFile;
use super::summary::Summary;
use super::wanted::{Reading, Wanted};
use crate::desk::Desk;
use crate::shutdown::Shutdown;
use crate::telemetry::say;

/// How often the file is read.
const LOOK: Duration = Duration::from_secs(1);

/// A changed file must read the same after so long: an editor may still be writing.
const SETTLED: Duration = Duration::from_millis(150);

/// A file is looked for this often before it is said to be gone: an editor that replaces it may be between two steps.
const MISSES: u32 = 2;

/// A catalogue file that is followed.
pub(super) struct Follower {
    desk: Arc<Desk>,
    wanted: Wanted,
    ready: Option<ReadyFile>,
    /// What was read last, registered or refused.
    seen: Reading,
    /// What is registered.
    registered: Reading,
    /// How often in a row it could not be read.
    missed: u32,
}

impl Follower {
    /// Follows on from `registered`. A catalogue that is no plain file, such as a pipe, is read once and not followed.
    pub(super) fn new(
        desk: Arc<Desk>,
        wanted: Wanted,
        registered: Reading,
        ready: Option<ReadyFile>,
    ) -> Self {
        Self { desk, wanted, ready, seen: registered.clone(), registered, missed: 0 }
    }

    /// Follows until the end. The ready file goes then.
    pub(super) async fn follow(mut self, shutdown: Shutdown) {
        let mut end = std::pin::pin!(shutdown.begun());
        let is_file = self.wanted.file.as_ref().is_some_and(|file| file.is_file());
        if !is_file {
            return end.await;
        }
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut end => return,
                _ = ticks.tick() => {}
            }
            // To register is one commit or none, so the end may come anywhere in it.
            tokio::select! {
                () = &mut end => return,
                () = self.look() => {}
            }
        }
    }

    async fn look(&mut self) {
        let reading = match self.wanted.read() {
            Ok(reading) => reading,
            Err(why) => {
                self.missed = self.missed.saturating_add(1);
                if self.missed == MISSES {
                    say(&format!("{} cannot be read: {why}. What it named stays.", self.wanted.name()));
                }
                return;
            }
        };
        let was_gone = std::mem::take(&mut self.missed) >= MISSES;
        if reading == self.seen {
            if was_gone {
                say(&format!("{} is there again, as it was.", self.wanted.name()));
            }
            return;
        }
        sleep(SETTLED).await;
        if self.wanted.read().is_ok_and(|again| again == reading) {
            self.take(reading).await;
        }
    }

    async fn take(&mut self, reading: Reading) {
        let name = self.wanted.name();
        self.seen = reading.clone();
        if reading.is_blank() {
            return say(&format!("{name} is empty now: nothing was changed."));
        }
        let plan = match self.wanted.register(&self.desk, &reading).await {
            Ok(plan) => plan,
            Err(why) => {
                let why = self.wanted.why_not(why);
                let why = why.strip_prefix(&format!("{name}:\n")).unwrap_or(&why);
                return say(&format!(
                    "{name} read again; nothing was changed, for it must be corrected:\n{}",
                    indented(why)
                ));
            }
        };
        let gone = if self.wanted.is_all { Vec::new() } else { reading.no_longer_names(&self.registered) };
        say(&told(&name, &plan, &gone));
        self.registered = reading;
        if let Some(ready) = &mut self.ready {
            let summary = Summary::of(&self.desk, &self.wanted).await.map_err(crate::failure::Failure::new);
            if let Err(failure) = summary.and_then(|summary| ready.write(&summary.json())) {
                say(&failure.to_string());
            }
        }
    }
}

/// What changed, in a few words and then line by line, with the secrets that were generated.
fn told(name: &str, plan: &Plan, gone: &[String]) -> String {
    let count = |sign| plan.lines.iter().filter(|line| line.sign == sign).count();
    let counts = [(Sign::Create, "added"), (Sign::Update, "changed"), (Sign::Deactivate, "stopped")]
        .map(|(sign, word)| (count(sign), word));
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let counts = if counts.is_empty() { "nothing changed".to_owned() } else { counts.join(", ") };
    let mut text = format!("{name} read again: {counts}\n");
    for line in plan.lines.iter().filter(|line| line.sign != Sign::Unchanged) {
        text.push_str(&format!("  {line}\n"));
    }
    for (issuer, client_id, secret) in &plan.generated {
        text.push_str(&format!("  the secret of client {client_id} at {issuer} is {}\n", secret.reveal()));
    }
    for what in gone {
        text.push_str(&format!("  {what}: no longer named, and kept with the data that --data keeps\n"));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::catalogue::PlanLine;

    use super::*;

    #[test]
    fn what_changed_is_told_in_a_few_words_and_then_line_by_line() {
        let line =
            |sign, what: &str| PlanLine { sign, what: what.into(), issuer: None, detail: String::new() };
        let lines = vec![
            line(Sign::Unchanged, "client a"),
            line(Sign::Update, "client b"),
            line(Sign::Create, "client c"),
            line(Sign::Create, "client d"),
        ];
        let plan = Plan { lines, ..Plan::default() };
        assert_eq!(
            told("x.toml", &plan, &["client e".to_owned()]),
            "x.toml read again: 2 added, 1 changed\n  ~ client b\n  + client c\n  + client d\n  \
             client e: no longer named, and kept with the data that --data keeps\n"
        );
        assert_eq!(told("x.toml", &Plan::default(), &[]), "x.toml read again: nothing changed\n");
    }
}
