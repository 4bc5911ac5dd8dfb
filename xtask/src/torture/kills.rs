//! The kill loop: load, `kill -9` at a random moment, restart on the same folder, and every promise called in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::load::Client;
use super::log::{Event, History, Outcome as Told, Step};
use super::registrar::Registrar;
use super::server::{CLIENT, Server, Site};
use crate::house::Outcome;

/// Clients at a time, half of them at each issuer.
const CLIENTS: usize = 6;

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
pub(super) fn run(site: &Site, until: Until, chance: &mut Chance) -> Outcome {
    let began = Instant::now();
    let (mut server, ready) = site.start()?;
    let parties = [ready.relying_party("pilot", &CLIENT)?, ready.relying_party("idporten", &CLIENT)?];
    let mut clients: Vec<Client> = parties
        .iter()
        .cycle()
        .take(CLIENTS)
        .enumerate()
        .map(|(number, party)| Client::new(number, chance.next(), party.clone(), began))
        .collect();
    let [pilot, _] = parties;
    let mut registrar = Registrar::new(site.clone(), pilot, began);
    let mut tally = Tally::default();
    let mut life = 0;
    while match until {
        Until::Kills(kills) => tally.kills < kills,
        Until::Time(time) => began.elapsed() < time,
    } {
        under_load(server, &mut clients, &mut registrar, life, chance.time(LONGEST_LIFE));
        tally.kills += 1;
        if chance.once_in(8) {
            let starting = site.launch(site.command())?;
            thread::sleep(chance.time(Duration::from_millis(80)));
            starting.kill();
            tally.kills += 1;
            tally.in_the_start += 1;
        }
        life += 1;
        let start = Instant::now();
        (server, _) = site.start()?;
        tally.slowest_start = tally.slowest_start.max(start.elapsed());
        each(&mut clients, |client| client.settle(life))?;
        registrar.settle(life)?;
        if tally.kills % 20 == 0 {
            println!("{:>4} kills, {:.0} s", tally.kills, began.elapsed().as_secs_f64());
        }
    }
    each(&mut clients, |client| client.settle_all(life, 7))?;
    registrar.settle_all(life)?;
    registrar.has_registered()?;
    server.end()?;
    tell(&tally, &clients, &registrar, began.elapsed());
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

/// Has every client do something, all at once.
fn each(clients: &mut [Client], work: impl Fn(&mut Client) -> Outcome + Sync) -> Outcome {
    thread::scope(|scope| {
        let work = &work;
        let all: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || work(client))).collect();
        all.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err("a client panicked".to_owned())))
    })
}

fn tell(tally: &Tally, clients: &[Client], registrar: &Registrar, took: Duration) {
    let histories = || {
        let logins = clients.iter().flat_map(|client| &client.stories).map(|story| &story.history);
        logins.chain(registrar.histories())
    };
    let count = |step: Step, of: fn(&Told) -> bool| {
        let events = histories().flat_map(History::events);
        events.filter(|event| event.step == step && of(&event.outcome)).count()
    };
    let done = |step| count(step, |told| *told == Told::Done);
    let unknown = |step| count(step, |told| *told == Told::Unknown);
    // Acknowledged in one life, and asked after in a later one.
    let across = |promise: Step, proof: Step| {
        let kept = |history: &&History| {
            let last = |wanted: Step| {
                let found = |event: &&Event| event.step == wanted && event.outcome == Told::Done;
                history.events().iter().rev().find(found).map(|event| event.life)
            };
            let first = history.events().iter().find(|e| e.step == promise && e.outcome == Told::Done);
            first.is_some_and(|first| last(proof).is_some_and(|life| life > first.life))
        };
        histories().filter(kept).count()
    };
    println!(
        "acknowledged: {} logins, {} redemptions, {} registrations; replays refused: {}",
        done(Step::Collect),
        done(Step::Redeem),
        done(Step::Register),
        count(Step::Redeem, |told| matches!(told, Told::Refused(_))),
    );
    println!(
        "outcome unknown: {} logins, {} redemptions, {} registrations",
        unknown(Step::Begin) + unknown(Step::Identify) + unknown(Step::Collect),
        unknown(Step::Redeem),
        unknown(Step::Register),
    );
    println!(
        "held across a kill: {} logins under way, {} codes, {} tokens, {} registrations",
        across(Step::Begin, Step::Collect),
        across(Step::Collect, Step::Redeem),
        across(Step::Redeem, Step::Userinfo),
        across(Step::Register, Step::Authenticate),
    );
    println!(
        "{} kills, {} of them in the start; slowest start after one {:.0} ms; nothing lost, nothing used twice; {:.1} s",
        tally.kills,
        tally.in_the_start,
        tally.slowest_start.as_secs_f64() * 1e3,
        took.as_secs_f64()
    );
}
