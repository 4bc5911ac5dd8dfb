//! Where a family is stored: what can be lost on the way there, and how a node dies without closing its store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portvakt_cluster::power::Files;
use portvakt_cluster::{Ambush, Fate, Proxy, Target, shared};
use portvakt_store::{PostgresUrl, StoreUrl};

use crate::world::{DataFolder, Database, Place, World};

/// A world, and its one node.
pub(crate) struct Node {
    pub(crate) world: World,
    /// The way to the database; none to a folder.
    proxy: Option<Arc<Proxy>>,
    /// What has come about, and how often.
    pub(crate) seen: BTreeMap<Seen, u32>,
}

/// What must come about, or nothing was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    Retry,
    Replay,
    /// Something was done when the grant had ended.
    AfterTheEnd,
    /// An access token that had ended itself took its grant along.
    RevokedByEnded,
    /// The database's answer was lost, and what it had done was told.
    AnswerLost,
    /// A request was lost, and nobody could tell.
    RequestLost,
    /// A node died before it answered, and what it was asked had been done.
    DiedDone,
    /// A node died before it answered, and what it was asked had not been done.
    DiedUndone,
}

/// What a node leaves behind that dies at this instant.
pub(crate) enum Remains {
    /// The files of its folder, as a process leaves them that is killed: what it wrote is there, synced or not.
    Folder(Files),
    /// Whatever the server makes of what it was sent.
    Database,
}

struct BehindProxy {
    proxy: Arc<Proxy>,
    database: Database,
}

impl Place for BehindProxy {
    fn url(&self) -> StoreUrl {
        let url = PostgresUrl::parse(&self.proxy.url(self.database.name())).unwrap();
        StoreUrl::Postgres(Box::new(url.with_connections(3)))
    }
}

impl Node {
    pub(crate) async fn with_folder() -> Self {
        Self { world: World::new(DataFolder::new()).await, proxy: None, seen: BTreeMap::new() }
    }

    pub(crate) async fn with_database() -> Self {
        let proxy = Arc::new(Proxy::start(shared().unwrap().port()).unwrap());
        let place = BehindProxy { proxy: Arc::clone(&proxy), database: Database::made().await };
        Self { world: World::new(place).await, proxy: Some(proxy), seen: BTreeMap::new() }
    }

    pub(crate) fn saw(&mut self, seen: Seen) {
        *self.seen.entry(seen).or_default() += 1;
    }

    /// Has the next write with these words lose its request or its answer; `false` if there is no way on which it could.
    pub(crate) fn loses(&self, fate: Fate, words: &str) -> bool {
        let ambush = Ambush::once(fate, Target::Containing(words.to_owned()));
        self.proxy.as_ref().map(|proxy| proxy.ambush(ambush)).is_some()
    }

    /// How many were lost until now.
    pub(crate) fn lost(&self) -> u64 {
        self.proxy.as_ref().map_or(0, |proxy| proxy.struck())
    }

    /// Nothing more is lost.
    pub(crate) fn loses_nothing(&self) {
        self.proxy.iter().for_each(|proxy| proxy.stand_down());
    }

    /// The node dies: from now on nothing that it does counts.
    pub(crate) fn dies(&self) -> Remains {
        match (self.world.url(), &self.proxy) {
            (StoreUrl::Folder(folder), _) => Remains::Folder(at_one_instant(&folder)),
            (StoreUrl::Postgres(_), proxy) => {
                proxy.iter().for_each(|proxy| proxy.cut());
                Remains::Database
            }
        }
    }

    /// Another node takes over.
    pub(crate) async fn rises(&mut self, remains: Remains) {
        // Of the dead one's memory, which is still in this process. What this does to the folder is undone.
        let _ = self.world.store.close().await;
        match (remains, self.world.url()) {
            (Remains::Folder(files), StoreUrl::Folder(folder)) => files.replace(&folder).unwrap(),
            (Remains::Folder(_), StoreUrl::Postgres(_)) => panic!("a database has no folder"),
            (Remains::Database, _) => self.until_nobody_is_connected().await,
        }
        self.world.store = self.world.open(1, None).await.unwrap();
    }

    /// A server does to its end what it was sent, though nobody waits for it.
    async fn until_nobody_is_connected(&self) {
        let database = self.world.database().unwrap();
        let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'");
        while shared().unwrap().sql("postgres", &sessions).unwrap().trim() != "0" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// What is in a folder whose process is alive: its database and its log, read while no checkpoint took from one to the other.
fn at_one_instant(folder: &Path) -> Files {
    let read = || Files::read(folder).unwrap();
    let is_log = |name: &str| name.ends_with("-wal");
    loop {
        let (before, mut between, after) = (read(), read(), read());
        between.0.retain(|name, _| is_log(name));
        let others =
            |files: Files| -> Vec<_> { files.0.into_iter().filter(|(name, _)| !is_log(name)).collect() };
        let (before, after) = (others(before), others(after));
        if before == after {
            between.0.extend(before);
            return between;
        }
    }
}
