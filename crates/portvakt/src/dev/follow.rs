//! Follows a catalogue file: it is read again when it changes, and what changed is told in a few words. A file with a fault
//! changes nothing; one that is gone, blank or half written is waited for.

use std::sync::Arc;
use std::time::Duration;

use portvakt_protocol::catalogue::{Plan, Sign};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::ready::ReadyFile;
use super::summary::Summary;
use super::wanted::{Reading, Wanted};
use crate::catalogue::NotApplied;
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
    /// What was read last and is settled: registered or refused.
    seen: Reading,
    /// What is registered.
    registered: Reading,
    /// How often in a row it could not be read.
    missed: u32,
    /// Whether what is there now is good, and could not be registered; it is tried at every look, and told once.
    is_held_up: bool,
}

impl Follower {
    /// Follows on from `registered`, if the catalogue is one that can be followed ([`Wanted::is_followed`]).
    pub(super) fn new(
        desk: Arc<Desk>,
        wanted: Wanted,
        registered: Reading,
        ready: Option<ReadyFile>,
    ) -> Self {
        Self { desk, wanted, ready, seen: registered.clone(), registered, missed: 0, is_held_up: false }
    }

    /// Follows until the end. The ready file goes then.
    pub(super) async fn follow(mut self, shutdown: Shutdown) {
        let mut end = std::pin::pin!(shutdown.begun());
        if !self.wanted.is_followed {
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
                told = self.look() => {
                    if let Some(told) = told {
                        say(&told);
                    }
                }
            }
        }
    }

    /// Looks once, takes what has changed, and answers what is to be said of it.
    async fn look(&mut self) -> Option<String> {
        let reading = match self.wanted.read() {
            Ok(reading) => reading,
            Err(why) => {
                self.missed = self.missed.saturating_add(1);
                let told = || format!("{} cannot be read: {why}. What it named stays.", self.wanted.name());
                return (self.missed == MISSES).then(told);
            }
        };
        let was_gone = std::mem::take(&mut self.missed) >= MISSES;
        if reading == self.seen {
            self.is_held_up = false;
            return was_gone.then(|| format!("{} is there again, as it was.", self.wanted.name()));
        }
        sleep(SETTLED).await;
        if self.wanted.read().is_ok_and(|again| again == reading) { self.take(reading).await } else { None }
    }

    /// Registers what was read, unless there is nothing in it.
    async fn take(&mut self, reading: Reading) -> Option<String> {
        let name = self.wanted.name();
        let outcome = match reading.is_blank() {
            true => None,
            false => Some(self.wanted.register(&self.desk, &reading).await),
        };
        if let Some(Err(why @ (NotApplied::Store(_) | NotApplied::Contended))) = outcome {
            let told = || {
                format!(
                    "{name} read again, and not registered yet, through no fault of its own: {why}. Tried until it is."
                )
            };
            return (!std::mem::replace(&mut self.is_held_up, true)).then(told);
        }
        self.is_held_up = false;
        self.seen = reading.clone();
        match outcome {
            None => Some(format!("{name} is empty now: nothing was changed.")),
            Some(Err(why)) => {
                let why = self.wanted.why_not(why);
                let why = why.strip_prefix(&format!("{name}:\n")).unwrap_or(&why);
                Some(format!(
                    "{name} read again; nothing was changed, for it must be corrected:\n{}",
                    indented(why)
                ))
            }
            Some(Ok(plan)) => Some(self.taken(reading, &plan).await),
        }
    }

    /// What follows from a registration: the next one starts from it, and the ready file tells it.
    async fn taken(&mut self, reading: Reading, plan: &Plan) -> String {
        let gone = if self.wanted.is_all { Vec::new() } else { reading.no_longer_names(&self.registered) };
        let mut text = told(&self.wanted.name(), plan, &gone);
        self.registered = reading;
        if let Some(ready) = &mut self.ready {
            let summary = Summary::of(&self.desk, &self.wanted).await.map_err(crate::failure::Failure::new);
            if let Err(failure) = summary.and_then(|summary| ready.write(&summary.json())) {
                text.push_str(&failure.to_string());
            }
        }
        text
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
    use portvakt_protocol::time::Seconds;

    use super::*;
    use crate::config::{FaceSettings, IssuerSettings};
    use crate::dev::wanted::Secrets;
    use crate::served::{Served, tests::world};

    const CATALOGUE: &str = r#"
        issuer = "https://a.example"
        [[organisations]]
        orgno = "991825827"
        name = "A"
        terms = { version = "1", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Kari" }
        [[clients]]
        client_id = "one"
        client_secret = "a-secret-of-at-least-32-characters-for-tests"
        client_orgno = "991825827"
        display_name = "One"
        redirect_uris = ["https://one.example/cb"]
        scopes = ["openid"]
    "#;

    /// A desk with a store of its own.
    async fn desk() -> (Arc<Desk>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let (store, site) = world(&folder).await;
        let settings = IssuerSettings {
            provider: site.provider.clone(),
            signing: None,
            key_lead: Seconds::days(1),
            key_rotation: None,
            verify_tokens: false,
            face: FaceSettings::default(),
        };
        let (clock, random) = (site.clock.clone(), site.random.clone());
        let served = Served::new(vec![site]);
        (Arc::new(Desk { store, clock, random, issuers: vec![settings], served }), folder)
    }

    #[tokio::test]
    async fn what_the_store_could_not_take_is_told_once_and_tried_until_it_can() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let wanted = Wanted {
            file: Some(file.path().to_owned()),
            is_followed: true,
            own: None,
            demo: None,
            base: "https://a.example".to_owned(),
            is_all: false,
            secrets: Secrets::default(),
        };
        let before = wanted.read().unwrap();
        let (broken, _folder) = desk().await;
        broken.store.close().await.unwrap();
        let mut follower = Follower::new(broken, wanted, before, None);
        assert_eq!(follower.look().await, None, "nothing has changed");

        std::fs::write(file.path(), CATALOGUE).unwrap();
        let said = follower.look().await.unwrap();
        assert!(said.contains("not registered yet") && !said.contains("corrected"), "{said}");
        assert_eq!(follower.look().await, None, "told once");

        let (whole, _folder) = desk().await;
        follower.desk = whole;
        let said = follower.look().await.unwrap();
        assert!(said.contains("+ client one at https://a.example"), "{said}");
        assert_eq!(follower.look().await, None, "done once");
    }

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
