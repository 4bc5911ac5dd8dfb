//! Where the stores of scenes are.

use std::sync::atomic::{AtomicU64, Ordering};

use portvakt_cluster::{Postgres, shared};
use portvakt_store::{Pooler, PostgresUrl, StoreUrl, migrate};

use super::START;

/// Where a backend keeps its data: it can be opened again.
pub(crate) trait Place: Send + Sync {
    /// Where it is.
    fn url(&self) -> StoreUrl;
}

/// A database of its own, on the one server of this process.
pub(crate) struct Database {
    name: String,
    pooler: Pooler,
}

impl Database {
    fn new(pooler: Pooler) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("scene_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { name, pooler }
    }

    /// The database with the schema and nothing else, which each scene gets a copy of.
    async fn template(server: &'static Postgres) -> &'static str {
        static TEMPLATE: tokio::sync::OnceCell<&'static str> = tokio::sync::OnceCell::const_new();
        let make = async || {
            server.create_database("template_scene").unwrap();
            let url = PostgresUrl::parse(&server.url("template_scene")).unwrap();
            migrate(&url, None, START).await.unwrap();
            // A database that somebody is connected to is no template.
            let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'template_scene'";
            while server.sql("postgres", sessions).unwrap().trim() != "0" {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            "template_scene"
        };
        TEMPLATE.get_or_init(make).await
    }
}

impl Database {
    /// One with the schema and nothing else.
    pub(crate) async fn made() -> Self {
        let (database, server) = (Self::new(Pooler::None), shared().unwrap());
        let template = Self::template(server).await;
        server.create_database_from(&database.name, template).unwrap();
        database
    }

    /// Reached in this way.
    pub(crate) fn behind(mut self, pooler: Pooler) -> Self {
        self.pooler = pooler;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Place for Database {
    fn url(&self) -> StoreUrl {
        let server = shared().unwrap();
        let url = PostgresUrl::parse(&server.url(&self.name)).unwrap().with_connections(6);
        StoreUrl::Postgres(Box::new(url.with_pooler(self.pooler)))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The server goes with the process, and every database with it.
        let _ = shared().unwrap().drop_database(&self.name);
    }
}

/// The embedded backend's place.
pub(crate) struct DataFolder(tempfile::TempDir);

impl DataFolder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Place for DataFolder {
    fn url(&self) -> StoreUrl {
        StoreUrl::Folder(self.0.path().join("data"))
    }
}
