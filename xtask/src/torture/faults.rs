//! The kill loop over several nodes: load that never pauses, while nodes are killed and stopped, the primary is killed and its
//! standby promoted, and the wires between them break in every way that the proxies know. After each fault logins must succeed by
//! themselves; in the end every promise is called in at every node, and the history of it all is judged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::checker::Checker;
use super::history::Journal;
use super::load::{Client, RECOVERY, clients, each};
use super::nodes::{DATABASE, Node, Nodes, PairSite};
use super::registrar::Registrar;
use super::tally::Tally;
use super::wires::{WIRES, Wire};
use crate::house::Outcome;

/// Clients at a time, of every kind.
const CLIENTS: usize = 8;

/// The longest time from the kill of a primary until the new one takes a write.
pub(super) const PROMOTION: Duration = Duration::from_secs(60);

/// A machine that is this late is not asked any longer: the bar was missed long before.
const HOPELESS: Duration = Duration::from_secs(90);

/// The audit, by the names that a history of clients knows. A client is registered at two issuers at once, which is one event there.
const AUDIT: &str = "SELECT json_build_object('event', event, 'client', client_id) FROM audit WHERE event <> 'client_registered' \
    OR issuer = (SELECT min(issuer) FROM audit WHERE event = 'client_registered') ORDER BY number";

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    /// So many of both.
    Faults {
        /// Kills of a node.
        kills: u32,
        /// Kills of the primary.
        failovers: u32,
    },
    /// As long as this.
    Time(Duration),
}

/// The load on a site: clients, an operator, and one who looks whether logins succeed.
pub(super) struct Crowd {
    clients: Vec<Client>,
    registrar: Registrar,
    prober: Client,
    /// What it all leaves.
    pub(super) journal: Journal,
}

impl Crowd {
    /// The load on these nodes.
    ///
    /// # Errors
    /// They do not answer, or the journal cannot be made.
    pub(super) fn new(site: &Nodes, journal: Journal, chance: &mut Chance) -> Result<Self, String> {
        let parties = site.loading()?;
        let [pilot, .., last] = parties.clients.clone();
        let entrance = &site.entrance;
        let clients = clients(&parties, CLIENTS, entrance, &journal, chance);
        let prober = Client::new("prober".to_owned(), chance.next(), last, None, entrance, &journal);
        let registrar = Registrar::new(site.desk(), pilot, entrance, &journal);
        Ok(Self { clients, registrar, prober, journal })
    }

    /// Load while `trouble` lasts. The one who looks whether logins succeed is its to use.
    ///
    /// # Errors
    /// The trouble's.
    pub(super) fn under_load<T>(
        &mut self,
        life: u32,
        trouble: impl FnOnce(&mut Client, &Journal) -> Result<T, String>,
    ) -> Result<T, String> {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let stop = &stop;
            for client in &mut self.clients {
                scope.spawn(move || client.live(life, stop));
            }
            let registrar = &mut self.registrar;
            scope.spawn(move || registrar.live(life, stop));
            let done = trouble(&mut self.prober, &self.journal);
            stop.store(true, Ordering::Relaxed);
            done
        })
    }

    /// Asks after everything that was promised since the last time. Nothing may be broken.
    ///
    /// # Errors
    /// No answer.
    pub(super) fn settle(&mut self, life: u32) -> Outcome {
        self.registrar.settle(life)?;
        each(&mut self.clients, |client| client.settle(life))?;
        self.prober.settle(life)
    }

    /// Every promise at every node, and the judge. `audit` reads the audit, when nothing is asked any more.
    ///
    /// # Errors
    /// No answer, or a breach.
    pub(super) fn close(
        &mut self,
        checker: &Checker,
        life: u32,
        audit: impl FnOnce(&str) -> Result<String, String>,
    ) -> Outcome {
        each(&mut self.clients, |client| client.settle_all(life, 7))?;
        self.prober.settle_all(life, 7)?;
        self.registrar.settle_all(life)?;
        self.journal.tell()?;
        checker.judge_with(&self.journal, Some(&audit(AUDIT)?))
    }
}

/// Waits until a whole login succeeds at each of these nodes, by itself; answers how long that took since `since`.
///
/// # Errors
/// It took too long: the bar.
pub(super) fn recovered(
    site: &mut Nodes,
    prober: &mut Client,
    nodes: impl IntoIterator<Item = usize>,
    (since, after): (Instant, &str),
    life: u32,
) -> Result<Duration, String> {
    for at in nodes {
        while !prober.probe(at, life) {
            site.start_again()?;
            if since.elapsed() > HOPELESS {
                let state = site.nodes.get_mut(at).map(Node::state).unwrap_or_default();
                return Err(format!("no login within {HOPELESS:.0?} of {after}: {state}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
    let took = since.elapsed();
    if took > RECOVERY {
        return Err(format!(
            "logins succeeded again {took:.1?} after {after}, which is more than {RECOVERY:.0?}"
        ));
    }
    Ok(took)
}

/// Runs the loop.
///
/// # Errors
/// A broken promise, with its history; or a site that does not come back by itself, in time.
pub(super) fn run(site: &mut PairSite, checker: &Checker, goal: Goal, chance: &mut Chance) -> Outcome {
    let began = Instant::now();
    println!(
        "{} nodes on a primary and its synchronous standby, up in {:.1?}",
        site.site.nodes.len(),
        site.took
    );
    let journal = Journal::create(&site.file("history.jsonl"))?;
    let mut crowd = Crowd::new(&site.site, journal, chance)?;
    let mut tally = Tally::default();
    let mut life = 0;
    let mut told = 0;
    while !goal.is_reached(&tally, began) {
        crowd.under_load(life, |prober, journal| {
            let mut storm = Storm { site, chance, tally: &mut tally, prober, journal, life };
            storm.round(goal)
        })?;
        life += 1;
        crowd.settle(life)?;
        if tally.kills / 20 > told {
            told = tally.kills / 20;
            println!(
                "{:>4} kills, {:>2} failovers, {:.0} s",
                tally.kills,
                tally.failovers,
                began.elapsed().as_secs_f64()
            );
        }
    }
    crowd.close(checker, life, |ask| site.pair.primary().sql(DATABASE, ask))?;
    site.site.checked()?;
    site.site.without_panics()?;
    tally.tell(began.elapsed());
    Ok(())
}

impl Goal {
    fn is_reached(self, tally: &Tally, began: Instant) -> bool {
        match self {
            Self::Faults { kills, failovers } => tally.kills >= kills && tally.failovers >= failovers,
            Self::Time(time) => began.elapsed() >= time,
        }
    }

    /// Whether the primary's turn has come.
    fn wants_failover(self, tally: &Tally, chance: &mut Chance) -> bool {
        match self {
            Self::Faults { kills, failovers } => {
                tally.failovers < failovers && tally.failovers * kills <= tally.kills * failovers
            }
            Self::Time(_) => chance.once_in(5),
        }
    }
}

/// One round of faults, under load.
struct Storm<'a> {
    site: &'a mut PairSite,
    chance: &'a mut Chance,
    tally: &'a mut Tally,
    prober: &'a mut Client,
    journal: &'a Journal,
    life: u32,
}

impl Storm<'_> {
    fn round(&mut self, goal: Goal) -> Outcome {
        thread::sleep(self.chance.time(Duration::from_millis(300)));
        if goal.wants_failover(self.tally, self.chance) {
            self.fail_over()?;
        }
        for _ in 0..3 {
            self.kill()?;
        }
        match self.chance.below(6) {
            0 => self.pause_node(),
            1 => self.pause_database(),
            2 | 3 => self.wire(),
            _ => Ok(()),
        }
    }

    fn node(&mut self) -> usize {
        usize::try_from(self.chance.below(self.site.site.nodes.len() as u64)).unwrap_or(0)
    }

    /// `kill -9` of a node, often while another one's wires are broken, now and then again in its start.
    fn kill(&mut self) -> Outcome {
        let at = self.node();
        let other = Some(self.node()).filter(|other| *other != at);
        let broken = other.map(|other| (other, self.journal.micros(), self.break_wires(other)));
        let from = self.journal.micros();
        let mut since = self.kill_and_restart(at)?;
        if self.chance.once_in(8) {
            thread::sleep(self.chance.time(Duration::from_millis(150)));
            since = self.kill_and_restart(at)?;
            self.tally.in_the_start += 1;
        }
        self.journal.fault("kill", from, self.life);
        if let Some((other, from, wire)) = broken {
            thread::sleep(self.chance.time(Duration::from_millis(400)));
            self.mend_wires(other, from, wire);
        }
        let after = recovered(
            &mut self.site.site,
            self.prober,
            [at].into_iter().chain(other),
            (since, "a node's kill"),
            self.life,
        )?;
        self.tally.back_after_kill = self.tally.back_after_kill.max(after);
        Ok(())
    }

    fn kill_and_restart(&mut self, at: usize) -> Result<Instant, String> {
        let down = if self.chance.once_in(3) {
            self.chance.time(Duration::from_millis(500))
        } else {
            Duration::ZERO
        };
        let since = Instant::now();
        if let Some(node) = self.site.site.nodes.get_mut(at) {
            node.kill();
            thread::sleep(down);
            node.restart()?;
            self.tally.kills += 1;
        }
        Ok(since)
    }

    /// `kill -9` of the primary, and the standby's promotion; now and then a node goes with it.
    fn fail_over(&mut self) -> Outcome {
        let from = self.journal.micros();
        let with =
            self.chance.once_in(3).then(|| (self.node(), self.chance.time(Duration::from_millis(800))));
        let PairSite { site, pair, .. } = &mut *self.site;
        let took = thread::scope(|scope| {
            let failing = scope.spawn(|| pair.fail_over());
            if let Some((at, moment)) = with
                && let Some(node) = site.nodes.get_mut(at)
            {
                thread::sleep(moment);
                node.kill();
                node.restart()?;
            }
            failing.join().unwrap_or_else(|_| Err("the failover panicked".to_owned()))
        })?;
        let since = Instant::now();
        self.journal.fault("failover", from, self.life);
        self.tally.kills += u32::from(with.is_some());
        if took > PROMOTION {
            return Err(format!("the new primary took its first write {took:.1?} after the kill"));
        }
        let all = 0..self.site.site.nodes.len();
        let after = recovered(
            &mut self.site.site,
            self.prober,
            all,
            (since, "a new primary's first write"),
            self.life,
        )?;
        self.tally.failed_over(took, after);
        Ok(())
    }

    fn pause_node(&mut self) -> Outcome {
        let at = self.node();
        let from = self.journal.micros();
        let time = self.chance.time(Duration::from_secs(3));
        if let Some(node) = self.site.site.nodes.get_mut(at) {
            node.pause();
            thread::sleep(time);
            node.resume();
        }
        self.back_from("a paused node", from, [at])
    }

    fn pause_database(&mut self) -> Outcome {
        let from = self.journal.micros();
        let time = self.chance.time(Duration::from_secs(3));
        let server = match self.chance.once_in(2) {
            true => self.site.pair.primary_mut(),
            false => self.site.pair.standby_mut()?,
        };
        server.pause();
        thread::sleep(time);
        server.resume();
        self.back_from("a paused database", from, 0..self.site.site.nodes.len())
    }

    fn back_from(&mut self, what: &str, from: u64, nodes: impl IntoIterator<Item = usize>) -> Outcome {
        let since = Instant::now();
        self.journal.fault(what, from, self.life);
        self.tally.pauses += 1;
        let after = recovered(&mut self.site.site, self.prober, nodes, (since, what), self.life)?;
        self.tally.back_after_other = self.tally.back_after_other.max(after);
        Ok(())
    }

    /// One node's wires break for a while.
    fn wire(&mut self) -> Outcome {
        let at = self.node();
        let from = self.journal.micros();
        let wire = self.break_wires(at);
        thread::sleep(self.chance.time(Duration::from_secs(3)));
        let since = Instant::now();
        self.mend_wires(at, from, wire);
        let after = recovered(&mut self.site.site, self.prober, [at], (since, "a broken wire"), self.life)?;
        self.tally.back_after_other = self.tally.back_after_other.max(after);
        Ok(())
    }

    fn break_wires(&mut self, at: usize) -> Wire {
        let wire = self.chance.pick(&WIRES).copied().unwrap_or(Wire::Cut);
        for way in self.site.ways.get(at).into_iter().flatten() {
            wire.breaks(way, self.chance);
        }
        self.tally.wires += 1;
        wire
    }

    fn mend_wires(&self, at: usize, from: u64, wire: Wire) {
        for way in self.site.ways.get(at).into_iter().flatten() {
            way.stand_down();
            way.forward();
        }
        self.journal.fault(&format!("{wire:?}"), from, self.life);
    }
}
