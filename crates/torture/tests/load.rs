//! A load on a sound store breaks nothing, and is a load.

use portvakt_torture::history::{Bounds, History};
use portvakt_torture::journal::{Clock, Journal};
use portvakt_torture::load::{Load, Node, Until};
use portvakt_torture::world::open;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_on_the_embedded_store_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("data");
    let clock = Clock::start();
    let journal = Journal::at(clock, &folder.path().join("log"), 1).unwrap();
    let mut load = Load::new("load", 16, 7, journal.clone()).unwrap();
    let mut nodes = Vec::new();
    for life in 0..2 {
        let store = open(place.to_str().unwrap(), clock.now()).await.unwrap();
        nodes = vec![Node { name: "a".to_owned(), store }];
        if life == 0 {
            load.prepare(&nodes[0]).await.unwrap();
        }
        load.live(&nodes, life, Until::Logins(40)).await.unwrap();
        if life == 0 {
            nodes[0].store.close().await.unwrap();
        }
    }
    load.settle(&nodes, 1).await.unwrap();
    let audit = Some(load.audit(&nodes[0]).await.unwrap());
    let history = History { audit, ..journal.history().unwrap() };
    let counts = history.judge(&Bounds::default()).held().unwrap_or_else(|breach| panic!("{breach}"));
    println!("{counts:?}");
    assert!(counts.logins == 1280 && counts.contested > 200 && counts.revoked > 100, "{counts:?}");
    assert!(counts.refreshed > 1000 && counts.retried > 100, "{counts:?}");
    assert!(counts.refused > 500 && counts.unknown == 0 && counts.audit > 3000, "{counts:?}");
    let written = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(portvakt_torture::history::parse(&written).unwrap(), history.events);
}
