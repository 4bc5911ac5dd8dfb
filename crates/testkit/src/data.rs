//! Where a world keeps its data: a folder, or a database of the one PostgreSQL server of this process. The same scenes run on both.

use std::sync::atomic::{AtomicU64, Ordering};

use portvakt_cluster::{Postgres, shared};
use portvakt_protocol::time::Timestamp;
use portvakt_store::{PostgresUrl, StoreUrl, migrate};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::rows::Rows;

/// Chooses where worlds are: `postgres`, or else a folder.
const STORE: &str = "PORTVAKT_SCENES_ON";

/// A world's data, and how to get at it behind the store's back. It goes when this does.
#[derive(Debug)]
pub enum Data {
    /// A folder of the embedded store's.
    Folder(TempDir),
    /// The name of a database on the shared server.
    Database(String),
}

/// What is done to a table so that a verb fails.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    /// The table has another name.
    Gone(&'static str),
    /// No row of it can be changed.
    NoUpdate(&'static str),
    /// No row can be added to it.
    NoInsert(&'static str),
}

impl Data {
    /// A place for one world.
    pub(crate) async fn made() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test command chooses for every scene of a process at once"
        )]
        let chosen = std::env::var(STORE);
        match chosen.as_deref() {
            Ok("postgres") => Self::database().await,
            Ok(_) | Err(_) => Self::Folder(tempfile::tempdir().expect("a folder")),
        }
    }

    async fn database() -> Self {
        static TEMPLATE: OnceCell<&'static str> = OnceCell::const_new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let server = server();
        let make = async || {
            server.create_database("template_world").expect("a template");
            let url = PostgresUrl::parse(&server.url("template_world")).expect("a database");
            migrate(&url, None, Timestamp::from_unix(0)).await.expect("a schema");
            "template_world"
        };
        let template = TEMPLATE.get_or_init(make).await;
        let name = format!("world_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = name.clone();
        // Beside this thread, which may be the one that has still to close a connection to the template.
        let copied = tokio::task::spawn_blocking(move || server.create_database_from(&made, template)).await;
        copied.expect("a thread").expect("a database");
        Self::Database(name)
    }

    pub(crate) fn url(&self) -> StoreUrl {
        match self {
            Self::Folder(folder) => StoreUrl::Folder(folder.path().to_owned()),
            Self::Database(name) => {
                let url = PostgresUrl::parse(&server().url(name)).expect("a database");
                StoreUrl::Postgres(Box::new(url.with_connections(6)))
            }
        }
    }

    /// Every row but the audit and the counters.
    pub(crate) fn rows(&self) -> Rows {
        match self {
            Self::Folder(folder) => Rows::of_folder(folder.path()),
            Self::Database(name) => Rows::of_database(server(), name),
        }
    }

    /// Changes the data behind the store's back, so that verbs fail from here on.
    ///
    /// # Panics
    /// If it does not come about.
    pub fn damage(&self, damage: Damage) {
        match self {
            Self::Folder(folder) => {
                let failing = |what: &str, table: &str| {
                    format!(
                        "CREATE TRIGGER planted BEFORE {what} ON {table} BEGIN SELECT RAISE(FAIL, 'planted'); END"
                    )
                };
                let db = Connection::open(folder.path().join("portvakt.db")).expect("the database opens");
                db.execute_batch(&damage.sql(failing)).expect("the damage");
            }
            Self::Database(name) => {
                let failing = |what: &str, table: &str| {
                    format!(
                        "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
                         CREATE TRIGGER planted BEFORE {what} ON {table} FOR EACH ROW EXECUTE FUNCTION planted()"
                    )
                };
                server().sql(name, &damage.sql(failing)).expect("the damage");
            }
        }
    }

    /// Everything that is stored, a file or a table at a time with its name: for a search after what must not be there.
    pub fn stored(&self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Folder(folder) => std::fs::read_dir(folder.path())
                .into_iter()
                .flatten()
                .flatten()
                .map(|file| {
                    let name = file.file_name().to_string_lossy().into_owned();
                    (name, std::fs::read(file.path()).unwrap_or_default())
                })
                .collect(),
            // Bytes that are letters are shown as letters.
            Self::Database(name) => Rows::texts_of(server(), name, "SET bytea_output = 'escape';", &[])
                .into_iter()
                .map(|(table, rows)| (table, rows.join("\n").into_bytes()))
                .collect(),
        }
    }
}

impl Damage {
    fn sql(self, failing: impl Fn(&str, &str) -> String) -> String {
        match self {
            Self::Gone(table) => format!("ALTER TABLE {table} RENAME TO gone"),
            Self::NoUpdate(table) => failing("UPDATE", table),
            Self::NoInsert(table) => failing("INSERT", table),
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Self::Database(name) = self {
            // The server ends with the process, and every database with it.
            let _ = server().drop_database(name);
        }
    }
}

fn server() -> &'static Postgres {
    shared().expect("PostgreSQL")
}
