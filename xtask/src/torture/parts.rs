//! Each part of the torture, on a site of its own below the target folder, which stays for a look when a promise was broken.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::checker::Checker;
use super::doors::Entrance;
use super::faults::Goal;
use super::kills::Until;
use super::nodes::PairSite;
use super::server::{CLIENT, Site};
use super::{
    How, On, Rounds, clock, contest, disk, example, families, faults, gone, kills, power, trace, verbs,
};
use crate::client::RelyingParty;
use crate::house::{House, Outcome, run as run_command};
use crate::test::release_binary_path;

/// Nodes of a site of several.
const NODES: usize = 3;

pub(super) fn kill_loop(house: &House, how: &How, until: Until) -> Outcome {
    let checker = Checker::of(house, how.checker.as_deref())?;
    on_a_site(house, how, "kills", |site, chance| kills::run(site, &checker, until, chance))
}

pub(super) fn storm(house: &House, how: &How, goal: Goal) -> Outcome {
    let (binary, mut chance) = prepared(house, how, "nodes")?;
    let checker = Checker::of(house, how.checker.as_deref())?;
    let mut site = PairSite::start(&binary, &house.target.join("torture").join("nodes"), NODES)?;
    faults::run(&mut site, &checker, goal, &mut chance)?;
    site.remove()?;
    println!("seed {}", chance.seed());
    Ok(())
}

/// Failovers by Patroni on the worked example.
pub(super) fn on_the_example(house: &House, how: &How, failovers: u32) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "cluster")?;
    let checker = Checker::of(house, how.checker.as_deref())?;
    example::run(&binary, &house.target.join("torture").join("cluster"), &checker, failovers, &mut chance)?;
    told(&chance, began);
    Ok(())
}

/// The database is gone for that long, in each of the ways.
pub(super) fn database_gone(house: &House, how: &How, time: Duration) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "gone")?;
    let checker = Checker::of(house, how.checker.as_deref())?;
    let mut site = PairSite::start(&binary, &house.target.join("torture").join("gone"), NODES)?;
    gone::run(&mut site, &checker, time, &mut chance)?;
    site.remove()?;
    told(&chance, began);
    Ok(())
}

/// Contests over HTTP: so many rounds on each store.
pub(super) fn contests(house: &House, how: &How, rounds: Rounds, on: On) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "contest")?;
    let folder = house.target.join("torture").join("contest");
    if on != On::Nodes {
        let site = Site::new(binary.clone(), folder.clone(), &mut chance)?;
        let (server, ready) = site.start()?;
        let parties = [ready.relying_party("pilot", &CLIENT)?, ready.relying_party("idporten", &CLIENT)?];
        let entrance = Entrance::alone(&parties[0].at.authority);
        contest_all("the embedded store", &entrance, &parties, rounds, &mut chance)?;
        server.end()?;
        site.checked()?;
        site.remove()?;
    }
    if on != On::Embedded {
        let site = PairSite::start(&binary, &folder, NODES)?;
        let (entrance, parties) = (site.site.entrance.clone(), site.site.parties()?);
        contest_all("PostgreSQL", &entrance, &parties, rounds, &mut chance)?;
        site.site.checked()?;
        site.remove()?;
    }
    told(&chance, began);
    Ok(())
}

fn contest_all(
    place: &str,
    entrance: &Entrance,
    parties: &[RelyingParty; 2],
    rounds: Rounds,
    chance: &mut Chance,
) -> Outcome {
    contest::run(place, entrance, parties, rounds.each, chance)?;
    families::contend(place, entrance, parties, rounds.refreshes, chance)?;
    families::race(place, entrance, parties, rounds.revocations, chance)
}

/// Contests on the store's verbs: so many attempts on each store.
pub(super) fn by_verbs(house: &House, how: &How, count: u64) -> Outcome {
    let began = Instant::now();
    let seed = how.seed.unwrap_or_else(Chance::any_seed);
    let checker = Checker::of(house, how.checker.as_deref())?;
    verbs::run(&checker, &house.target.join("torture").join("verbs"), count, seed)?;
    println!("seed {seed}; {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

pub(super) fn power_cuts(house: &House, how: &How, cuts: u32) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "power")?;
    let checker = Checker::of(house, how.checker.as_deref())?;
    power::run(house, binary, &checker, cuts, &mut chance)?;
    told(&chance, began);
    Ok(())
}

pub(super) fn bad_disk(house: &House, how: &How, faults: u32, outage: Duration) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "disk")?;
    let checker = Checker::of(house, how.checker.as_deref())?;
    disk::run(house, binary.clone(), &checker, faults, outage, &mut chance)?;
    clock::run(house, binary, &mut chance)?;
    told(&chance, began);
    Ok(())
}

/// The last line of a run: what it takes to have it again.
pub(super) fn told(chance: &Chance, began: Instant) {
    println!("seed {}; {:.1} s", chance.seed(), began.elapsed().as_secs_f64());
}

pub(super) fn in_order(house: &House, how: &How) -> Outcome {
    let began = Instant::now();
    let (binary, mut chance) = prepared(house, how, "trace")?;
    trace::run(house, binary, &mut chance)?;
    println!(
        "the order holds, and a server without syncs is found out; {:.1} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Runs one part on a folder of its own, which stays for a look when a promise was broken.
pub(super) fn on_a_site(
    house: &House,
    how: &How,
    name: &str,
    part: impl FnOnce(&Site, &mut Chance) -> Outcome,
) -> Outcome {
    let (binary, mut chance) = prepared(house, how, name)?;
    let site = Site::new(binary, house.target.join("torture").join(name), &mut chance)?;
    part(&site, &mut chance)?;
    site.remove()
}

pub(super) fn prepared(house: &House, how: &How, name: &str) -> Result<(PathBuf, Chance), String> {
    let seed = how.seed.unwrap_or_else(Chance::any_seed);
    println!("{name}: seed {seed}");
    let binary = match &how.binary {
        Some(binary) => binary.clone(),
        None => {
            run_command(&mut house.cargo(&["build", "--quiet", "--release", "--locked", "-p", "portvakt"]))?;
            release_binary_path(house)
        }
    };
    let binary = std::path::absolute(&binary).map_err(|fault| format!("{}: {fault}", binary.display()))?;
    Ok((binary, Chance::seeded(seed)))
}
