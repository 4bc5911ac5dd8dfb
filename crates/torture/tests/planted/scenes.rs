//! Each bug with the run that finds it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portvakt_cluster::{Durability, Postgres, Settings, shared};
use portvakt_store::{Bug, danger_plant};
use portvakt_torture::contest::{self, Plan};
use portvakt_torture::history::{
    Bounds, Breach, Counts, Event, History, Invariant, Operation, Outcome, Place, Verdict, parse,
};
use portvakt_torture::journal::{Clock, Journal};
use portvakt_torture::load::{Load, Node, Until};
use portvakt_torture::world::{make_ready, open};
use tokio::sync::Mutex;

/// A bug is planted in every store of this process: one test at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Takes the bug out again, also when a test fails.
struct Planted;

impl Planted {
    fn bug(bug: Option<Bug>) -> Self {
        danger_plant(bug);
        Self
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        danger_plant(None);
    }
}

/// A load at so many nodes of one store, judged.
async fn judged(place: &str, nodes: usize, bug: Option<Bug>) -> Result<Counts, Breach> {
    let clock = Clock::start();
    make_ready(place, clock.now()).await.unwrap();
    let mut open_nodes = Vec::new();
    let first = open(place, clock.now()).await.unwrap();
    for number in 1..nodes {
        let store = open(place, clock.now()).await.unwrap();
        open_nodes.push(Node { name: format!("node {number}"), store });
    }
    open_nodes.push(Node { name: "node 0".to_owned(), store: first });
    let journal = Journal::in_memory(clock);
    let mut load = Load::new("load", 12, 7, journal.clone()).unwrap();
    let planted = Planted::bug(bug);
    load.prepare(&open_nodes[0]).await.unwrap();
    load.live(&open_nodes, 0, Until::Logins(30)).await.unwrap();
    load.settle(&open_nodes, 0).await.unwrap();
    drop(planted);
    let audit = Some(load.audit(&open_nodes[0]).await.unwrap());
    for node in open_nodes {
        node.store.close().await.unwrap();
    }
    History { audit, ..journal.history().unwrap() }.judge(&Bounds::default()).held()
}

/// What finds a bug that shows in the answers themselves.
const FOUND_BY: [(Bug, Invariant); 7] = [
    (Bug::SpendsAgain, Invariant::I1),
    (Bug::RevokesNothing, Invariant::I4),
    (Bug::KeepsCopies, Invariant::I4),
    (Bug::LeavesNoRecord, Invariant::I7),
    (Bug::RotatesTwice, Invariant::I3),
    (Bug::KeepsFamily, Invariant::I4),
    (Bug::RevokesNotRefresh, Invariant::I4),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_embedded_store_each_bug_is_found_and_without_it_nothing_is() {
    let _alone = ALONE.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    judged(&place("sound"), 1, None).await.unwrap_or_else(|breach| panic!("{breach}"));
    for (bug, invariant) in FOUND_BY {
        let breach = judged(&place(&format!("{bug:?}")), 1, Some(bug)).await.unwrap_err();
        println!("{bug:?}: {breach}");
        assert_eq!(breach.invariant, invariant, "{bug:?}: {breach}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_with_two_nodes_each_bug_is_found_and_without_it_nothing_is() {
    let _alone = ALONE.lock().await;
    let server = shared().unwrap();
    let place = |name: &str| {
        server.create_database(name).unwrap();
        server.url(name)
    };
    judged(&place("sound"), 2, None).await.unwrap_or_else(|breach| panic!("{breach}"));
    for (bug, invariant) in FOUND_BY {
        let breach = judged(&place(&format!("{bug:?}").to_lowercase()), 2, Some(bug)).await.unwrap_err();
        println!("{bug:?}: {breach}");
        assert_eq!(breach.invariant, invariant, "{bug:?}: {breach}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contest_finds_a_code_that_is_spent_again() {
    let _alone = ALONE.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { seed: 7, attempts: 4_000, tasks: 16, contenders: 8, processes: 1, process: 0 };
    for (bug, found) in [(None, false), (Some(Bug::SpendsAgain), true)] {
        let place = folder.path().join(format!("{bug:?}"));
        let store = open(place.to_str().unwrap(), Clock::start().now()).await.unwrap();
        let planted = Planted::bug(bug);
        let (counts, _) = contest::run(&store, &plan, true, &mut || Ok(())).await.unwrap();
        drop(planted);
        assert_eq!(counts.doubles > 0, found, "{counts:?}");
        store.close().await.unwrap();
    }
}

/// How much a load has logged when it is killed: some thousand questions.
const ENOUGH: u64 = 1 << 20;

/// A load in a process of its own, which is killed, and a second process that asks after everything it had logged.
fn killed(folder: &Path, flags: &[&str]) -> Vec<Event> {
    let log = folder.join("log");
    let load = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portvakt-torture"));
        command.arg("load").arg("--store").arg(folder.join("data")).arg("--log").arg(&log);
        command.args(["--players", "8", "--seed", "7"]).args(more).stdout(Stdio::null());
        command
    };
    let mut victim = load(&[&["--logins", "1000000"], flags].concat()).spawn().unwrap();
    let began = Instant::now();
    while std::fs::metadata(&log).map_or(0, |log| log.len()) < ENOUGH {
        assert!(began.elapsed() < Duration::from_secs(30), "it is no load");
        std::thread::sleep(Duration::from_millis(20));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    // Whether it finds a breach is judged here.
    load(&["--logins", "2", "--recall"]).status().unwrap();
    let events = parse(&std::fs::read_to_string(&log).unwrap()).unwrap();
    let written =
        events.iter().filter(|event| event.life == 0 && event.operation.writes() && event.is_done());
    assert!(written.count() > 100, "it was a load");
    assert!(events.iter().any(|event| event.life == 1), "it was asked after");
    events
}

#[test]
fn an_answer_before_its_commit_is_found_by_a_kill_and_without_it_nothing_is() {
    let _alone = ALONE.blocking_lock();
    let breaches = |events| History { events, audit: None }.judge(&Bounds::default()).breaches;
    // Found out after the kill: reads before it may have come too early too.
    let by_the_kill = |breach: &Breach| {
        breach.shown.lines().any(|line| line.contains(" life 1 ") && line.ends_with("<-- here"))
    };
    // A kill at a bad moment is a matter of luck, though not of much.
    let mut attempts = (0..4).map(|_| killed(tempfile::tempdir().unwrap().path(), &["--answers-first"]));
    let found = attempts.find_map(|events| breaches(events).into_iter().find(by_the_kill)).unwrap();
    println!("{found}");
    assert_eq!(found.invariant, Invariant::I2);
    for _ in 0..2 {
        let found = breaches(killed(tempfile::tempdir().unwrap().path(), &[]));
        assert!(found.is_empty(), "{}", found[0]);
    }
}

/// PostgreSQL dies in the middle of a load and comes back; everything is asked after.
async fn server_killed(answers_first: bool) -> Verdict {
    let mut server = Postgres::temporary(&Settings::new(Durability::Quick)).unwrap();
    server.create_database("load").unwrap();
    if answers_first {
        server.sql("load", "ALTER DATABASE load SET synchronous_commit = off").unwrap();
    }
    let clock = Clock::start();
    let place = server.url("load");
    make_ready(&place, clock.now()).await.unwrap();
    let nodes = [Node { name: "a".to_owned(), store: open(&place, clock.now()).await.unwrap() }];
    let journal = Journal::in_memory(clock);
    let mut load = Load::new("load", 12, 7, journal.clone()).unwrap();
    load.prepare(&nodes[0]).await.unwrap();
    let stop = load.stop();
    let victim = std::thread::spawn({
        let journal = journal.clone();
        move || {
            std::thread::sleep(Duration::from_secs(2));
            let place = Place { node: "server".to_owned(), life: 0 };
            let fault = journal.ask(Event::asked("the server", Operation::Fault, place, 0));
            server.kill();
            std::thread::sleep(Duration::from_millis(300));
            server.restart().unwrap();
            journal.tell(fault, Outcome::Done);
            std::thread::sleep(Duration::from_secs(1));
            stop.stop();
            server
        }
    });
    load.live(&nodes, 0, Until::Stopped).await.unwrap();
    let _server = victim.join().unwrap();
    load.settle(&nodes, 1).await.unwrap();
    let audit = Some(load.audit(&nodes[0]).await.unwrap());
    nodes[0].store.close().await.unwrap();
    History { audit, ..journal.history().unwrap() }.judge(&Bounds::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_an_answer_before_its_commit_is_found_by_a_kill_and_without_it_nothing_is() {
    let _alone = ALONE.lock().await;
    let counts = server_killed(false).await.held().unwrap_or_else(|breach| panic!("{breach}"));
    println!("{counts:?}");
    assert!(counts.recovered == 1 && counts.unknown > 0, "{counts:?}");
    let breaches = server_killed(true).await.breaches;
    let lost = breaches.iter().find(|breach| breach.invariant == Invariant::I2).unwrap();
    println!("{} breaches, such as {lost}", breaches.len());
}
