//! A primary is killed and its standby takes over.

use std::time::Duration;

use portvakt_cluster::{Durability, Pair, Postgres, Settings};

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

#[test]
fn each_acknowledged_row_outlives_its_primary() {
    let mut pair = Pair::temporary(&Settings::new(Durability::Quick)).unwrap();
    pair.primary().sql("postgres", "CREATE TABLE kept (id int)").unwrap();
    let first = pair.primary().port();
    for round in 1..=3 {
        pair.primary().sql("postgres", &format!("INSERT INTO kept VALUES ({round})")).unwrap();
        let took = pair.fail_over().unwrap();
        println!("failover {round}: {took:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
        let rows = pair.primary().sql("postgres", "SELECT count(*), max(id) FROM kept").unwrap();
        assert_eq!(rows, format!("{round}|{round}"));
        // While it has no standby.
        pair.primary().sql("postgres", "CREATE TABLE alone (); DROP TABLE alone").unwrap();
    }
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
