//! The kill loop over the embedded store: load, `kill -9` at a random moment, restart on the same folder, and every promise called
//! in. The history of it all is judged at the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::checker::Checker;
use super::doors::Entrance;
use super::history::Journal;
use super::load::{Client, clients, each};
use super::registrar::Registrar;
use super::server::{Server, Site};
use crate::house::Outcome;

/// Clients at a time, of every kind.
const CLIENTS: usize = 8;

/// The longest life under load; the shortest is nothing.
const LONGEST_LIFE: Duration = Duration::from_millis(900);

/// When the loop ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// After so many kills.
    Kills(u32),
    /// After so long.
    Time(Duration),
}

/// What is told at the end.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    in_the_start: u32,
    slowest_start: Duration,
}

/// Runs the loop.
///
/// # Errors
/// A broken promise, with its history; or a server that does not come up again.
pub(super) fn run(site: &Site, checker: &Checker, until: Until, chance: &mut Chance) -> Outcome {
    let began = Instant::now();
    let journal = Journal::create(&site.file("history.jsonl"))?;
    let (mut server, ready) = site.start()?;
    let parties = ready.parties()?;
    let [pilot, ..] = parties.clients.clone();
    let entrance = Entrance::alone(&pilot.at.authority);
    let mut clients = clients(&parties, CLIENTS, &entrance, &journal, chance);
    let mut registrar = Registrar::new(site.desk(), pilot, &entrance, &journal);
    let mut tally = Tally::default();
    let mut life = 0;
    while match until {
        Until::Kills(kills) => tally.kills < kills,
        Until::Time(time) => began.elapsed() < time,
    } {
        let broken = journal.micros();
        under_load(server, &mut clients, &mut registrar, life, chance.time(LONGEST_LIFE));
        tally.kills += 1;
        if chance.once_in(8) {
            let starting = site.launch(site.command())?;
            thread::sleep(chance.time(Duration::from_millis(80)));
            starting.kill();
            tally.kills += 1;
            tally.in_the_start += 1;
        }
        journal.fault("kill", broken, life);
        life += 1;
        let start = Instant::now();
        (server, _) = site.start()?;
        tally.slowest_start = tally.slowest_start.max(start.elapsed());
        registrar.settle(life)?;
        each(&mut clients, |client| client.settle(life))?;
        if tally.kills % 20 == 0 {
            println!("{:>4} kills, {:.0} s", tally.kills, began.elapsed().as_secs_f64());
        }
    }
    each(&mut clients, |client| client.settle_all(life, 7))?;
    registrar.settle_all(life)?;
    server.end()?;
    journal.tell()?;
    journal.without_failures()?;
    checker.judge(&journal)?;
    site.checked()?;
    println!(
        "{} kills, {} of them in the start; slowest start after one {:.0} ms; nothing lost, nothing used twice; {:.1} s",
        tally.kills,
        tally.in_the_start,
        tally.slowest_start.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One life: load until `moment`, then the kill. Returns when every client has seen it.
fn under_load(
    server: Server,
    clients: &mut [Client],
    registrar: &mut Registrar,
    life: u32,
    moment: Duration,
) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = &stop;
        for client in clients {
            scope.spawn(move || client.live(life, stop));
        }
        scope.spawn(move || registrar.live(life, stop));
        thread::sleep(moment);
        server.kill();
        stop.store(true, Ordering::Relaxed);
    });
}
