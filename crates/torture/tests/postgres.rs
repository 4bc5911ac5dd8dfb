//! The same on PostgreSQL: several nodes on one database, and processes that contend with each other.

use std::process::Command;

use portvakt_cluster::shared;
use portvakt_torture::contest::{Counts, Plan, add_up, lockstep, read_wins};
use portvakt_torture::history::{Bounds, History};
use portvakt_torture::journal::{Clock, Journal};
use portvakt_torture::load::{Load, Node, Until};
use portvakt_torture::world::{make_ready, open};

/// A database of the test's own, on the one server of this process.
fn database(name: &str) -> Result<String, String> {
    let server = shared()?;
    server.create_database(name)?;
    Ok(server.url(name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_at_three_nodes_breaks_nothing() {
    let url = database("load").unwrap();
    let clock = Clock::start();
    make_ready(&url, clock.now()).await.unwrap();
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        nodes.push(Node { name: name.to_owned(), store: open(&url, clock.now()).await.unwrap() });
    }
    let journal = Journal::in_memory(clock);
    let mut load = Load::new("load", 16, 7, journal.clone()).unwrap();
    load.prepare(&nodes[0]).await.unwrap();
    load.live(&nodes, 0, Until::Logins(40)).await.unwrap();
    load.settle(&nodes, 0).await.unwrap();
    let audit = Some(load.audit(&nodes[1]).await.unwrap());
    let history = History { audit, ..journal.history().unwrap() };
    let counts = history.judge(&Bounds::default()).held().unwrap_or_else(|breach| panic!("{breach}"));
    println!("{counts:?}");
    // It was a load of everything. How many refreshes come of it is the threads' own: of 480 logins 299 to 398 were seen.
    assert!(counts.logins == 640 && counts.contested > 100 && counts.revoked > 50, "{counts:?}");
    assert!(counts.refreshed > 300 && counts.retried > 30, "{counts:?}");
    assert!(counts.refused > 200 && counts.audit > 1000, "{counts:?}");
    for node in nodes {
        node.store.close().await.unwrap();
    }
}

#[test]
fn three_processes_contend_and_each_thing_is_won_once() {
    let url = database("contest").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { seed: 7, attempts: 7_200, tasks: 16, contenders: 4, processes: 3, process: 0 };
    let contend = |phase: &str, process: u32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portvakt-torture"));
        command.args(["contest", "--store", &url, "--phase", phase, "--count", &plan.attempts.to_string()]);
        command.args(["--tasks", &plan.tasks.to_string(), "--contenders", &plan.contenders.to_string()]);
        command.args(["--seed", &plan.seed.to_string(), "--process", &format!("{process}/3")]);
        command
    };
    assert!(contend("prepare", 0).status().unwrap().success());
    let wins = |process: u32| folder.path().join(format!("wins-{process}"));
    let commands = (0..3).map(|process| {
        let mut command = contend("run", process);
        command.arg("--paced").arg("--wins").arg(wins(process));
        command
    });
    let told = lockstep(commands.collect()).unwrap();
    let counts: Vec<Counts> = told.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    println!("{counts:#?}");
    let wins: Vec<_> = (0..3).map(|process| read_wins(&wins(process)).unwrap()).collect();
    let ruling = add_up(&plan, wins.iter().map(Vec::as_slice));
    assert_eq!((ruling.doubles.len(), ruling.nobody.len(), ruling.once), (0, 0, 600));
    assert_eq!(counts.iter().map(|one| one.attempts).sum::<u64>(), 7_200);
    assert_eq!(counts.iter().map(|one| one.wrong + one.outlived + one.unknown).sum::<u64>(), 0);
    assert!(wins.iter().all(|won| won.len() > 20), "each process won some");
}
