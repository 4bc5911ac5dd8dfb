//! A primary is killed and its standby takes over.
#![expect(clippy::unwrap_used, reason = "a scene that cannot go on fails where it stands")]

use std::collections::HashSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portvakt_cluster::{Durability, Pair, Postgres, Programs, Settings};

#[test]
fn a_commit_is_not_confirmed_while_the_standby_sleeps() {
    let mut pair = Pair::temporary(&Settings::new(Durability::Quick)).unwrap();
    let primary = pair.primary().address().clone();
    primary.sql("postgres", "CREATE TABLE kept (id int)").unwrap();
    pair.standby_mut().unwrap().pause();
    let writer = std::thread::spawn(move || primary.sql("postgres", "INSERT INTO kept VALUES (1)"));
    std::thread::sleep(Duration::from_millis(400));
    assert!(!writer.is_finished(), "confirmed by the primary alone");
    pair.standby_mut().unwrap().resume();
    writer.join().unwrap().unwrap();
    let told = pair.standby_mut().unwrap().sql("postgres", "INSERT INTO kept VALUES (2)").unwrap_err();
    assert!(told.contains("read-only"), "{told}");
}

/// Writes one number after the other through whichever server takes writes, each in a connection of its own, and answers those that
/// were acknowledged.
fn write_until(over: &AtomicBool, url: &str, first: u32) -> Vec<u32> {
    let psql = Programs::newest().unwrap().path("psql");
    let mut acknowledged = Vec::new();
    for id in first.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let insert = format!("INSERT INTO kept VALUES ({id})");
        let done = Command::new(&psql).args(["-X", "-q", "-d", url, "-c", &insert]).output().unwrap();
        if done.status.success() {
            acknowledged.push(id);
        }
    }
    acknowledged
}

#[test]
fn each_acknowledged_row_outlives_its_primary() {
    let mut pair = Pair::temporary(&Settings::new(Durability::Quick)).unwrap();
    pair.primary().sql("postgres", "CREATE TABLE kept (id int PRIMARY KEY)").unwrap();
    let first = pair.primary().port();
    let (url, over) = (pair.url("postgres"), AtomicBool::new(false));
    let acknowledged: Vec<u32> = std::thread::scope(|scope| {
        let writers = [1_000_000, 2_000_000].map(|first| {
            let (url, over) = (&url, &over);
            scope.spawn(move || write_until(over, url, first))
        });
        for round in 1..=3 {
            std::thread::sleep(Duration::from_millis(200));
            let took = pair.fail_over().unwrap();
            println!("failover {round}: {took:?}");
            assert!(took < Duration::from_secs(20), "{took:?}");
            // While it has no standby.
            pair.primary().sql("postgres", "CREATE TABLE alone (); DROP TABLE alone").unwrap();
        }
        over.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    println!("{} rows acknowledged", acknowledged.len());
    assert!(acknowledged.len() > 3);
    let kept = pair.primary().sql("postgres", "SELECT id FROM kept").unwrap();
    let kept: HashSet<u32> = kept.lines().map(|id| id.parse().unwrap()).collect();
    let lost: Vec<&u32> = acknowledged.iter().filter(|id| !kept.contains(id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_ne!(pair.primary().port(), first);
    assert!(pair.ports().contains(&pair.primary().port()));
    assert!(pair.standby_mut().unwrap().address().is_ready());
}

#[test]
fn a_server_that_is_no_standby_is_not_promoted() {
    let server = Postgres::temporary(&Settings::new(Durability::Quick)).unwrap();
    let told = server.promote().unwrap_err();
    assert!(told.contains("recovery"), "{told}");
}
