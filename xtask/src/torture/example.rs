//! `cargo xtask torture --cluster`: the same load and the same judge on the worked example of `docs/operations.md`: three nodes behind
//! HAProxy, PgBouncer, three PostgreSQL servers under Patroni and etcd. The primary is killed with its Patroni, as when its
//! machine goes; another one takes over by itself.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use portvakt_cluster::WorkedExample;

use super::chance::Chance;
use super::checker::Checker;
use super::faults::{Crowd, PROMOTION, recovered};
use super::history::Journal;
use super::load::RECOVERY;
use super::nodes::{DATABASE, Nodes, Reach};
use super::tally::Tally;
use crate::house::Outcome;

/// The three members must have found each other again by then.
const WHOLE: Duration = Duration::from_secs(180);

/// Kills the primary so often.
///
/// # Errors
/// A broken promise, or a database or a node that does not come back in time.
pub(super) fn run(
    binary: &Path,
    folder: &Path,
    checker: &Checker,
    failovers: u32,
    chance: &mut Chance,
) -> Outcome {
    let began = Instant::now();
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))?;
    let mut example = WorkedExample::start(&folder.join("example"))?;
    let node_url = example.node_url();
    let reach = Reach {
        nodes: vec![node_url.clone(); example.node_ports().len()],
        operator: node_url,
        owner: example.owner_url().replacen('@', &format!(":{}@", example.owner_password().expose()), 1),
        password: Some(example.node_password().expose().to_owned()),
        is_pooled: true,
    };
    let ports = example.node_ports();
    let mut site = Nodes::start(binary, &folder.join("nodes"), example.http_port(), &ports, &reach)
        .map_err(|why| why.replace(example.owner_password().expose(), "…"))?;
    println!("the worked example with {} nodes, up in {:.1?}", ports.len(), began.elapsed());
    let journal = Journal::create(&folder.join("history.jsonl"))?;
    let mut load = Crowd::new(&site, journal, chance)?;
    let mut tally = Tally::default();
    for life in 0..failovers {
        load.under_load(life, |prober, journal| {
            std::thread::sleep(chance.time(Duration::from_secs(2)));
            let from = journal.micros();
            let killed = example.kill_primary()?;
            let failover = example.await_new_primary(killed, PROMOTION)?;
            let since = Instant::now();
            journal.fault("Patroni and its primary killed", from, life);
            let all = 0..ports.len();
            let back = recovered(&mut site, prober, all, (since, "a new primary's first commit"), life)?;
            tally.failed_over(failover.writes, back);
            println!(
                "{} killed with its Patroni; {} promoted after {:.1?}, writes after {:.1?}; logins at every node {back:.1?} later",
                killed.member.as_str(),
                failover.primary.as_str(),
                failover.promoted,
                failover.writes,
            );
            example.restart(killed.member)?;
            example.await_healthy(WHOLE).map(drop)
        })?;
        load.settle(life + 1)?;
    }
    load.close(checker, failovers, |ask| example.sql(DATABASE, ask))?;
    site.checked()?;
    site.end()?;
    drop(site);
    println!(
        "{failovers} failovers by Patroni: new primary at most {:.1} s after the kill (bar: {} s), logins again at most {:.1} s \
         after that (bar: {} s); nothing lost, nothing used twice; {:.1} s",
        tally.promotion.as_secs_f64(),
        PROMOTION.as_secs(),
        tally.back_after_failover.as_secs_f64(),
        RECOVERY.as_secs(),
        began.elapsed().as_secs_f64()
    );
    example.stop()?;
    fs::remove_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))
}
