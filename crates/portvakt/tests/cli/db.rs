//! `portvakt db`: what is done to a store as a whole.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use portvakt_cluster::{OWNER, shared};

use crate::server::{Desk, TWO_ISSUERS, complaint, told};

/// A master key that is nobody's.
const MASTER_KEY: &str = "3f9a1c77e05b42d8a6c1f2039be4d75a8c60e1b7f4925d3380ac6e19d2b75f04";

/// An empty database of its own on the one server of these scenes, and a role that may use rows in it once it is told so.
struct Database {
    name: String,
    runner: String,
}

impl Database {
    fn made() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (name, runner) = (format!("cli_{number}"), format!("cli_runner_{number}"));
        let server = shared().unwrap();
        server.create_database(&name).unwrap();
        server.sql("postgres", &format!("CREATE ROLE {runner} LOGIN")).unwrap();
        Self { name, runner }
    }

    fn as_owner(&self) -> String {
        shared().unwrap().url(&self.name)
    }

    fn as_runner(&self) -> String {
        self.as_owner().replace(OWNER, &self.runner)
    }

    fn sql(&self, text: &str) -> String {
        shared().unwrap().sql(&self.name, text).unwrap()
    }

    /// A desk whose configuration serves from here.
    fn desk(&self) -> Desk {
        let data = format!("data = \"{}\"\nmaster_key = {{ file = \"master.key\" }}", self.as_runner());
        let desk = Desk::with(&TWO_ISSUERS.replace("data = \"data\"", &data));
        desk.write("master.key", MASTER_KEY);
        desk
    }

    /// `db migrate` as the owner.
    fn migrate(&self, desk: &Desk) -> Output {
        desk.run(&["db", "migrate", "--as", &self.as_owner(), "--json"])
    }
}

#[tokio::test]
async fn a_database_is_migrated_by_its_owner_and_served_by_another_role() {
    let database = Database::made();
    let desk = database.desk();
    let (server, log) = desk.try_serve();
    assert_eq!(server.err(), Some(Some(1)));
    assert!(log.concat().contains("portvakt db migrate --config FILE"), "{log:?}");
    let status = told(&desk.run(&["db", "status", "--json"]));
    assert_eq!((&status["starts"], &status["schema"]["found"]), (&false.into(), &0.into()));

    let refused = desk.run(&["db", "migrate"]);
    assert_eq!(refused.status.code(), Some(1), "the role that runs makes no tables");
    let done = told(&database.migrate(&desk));
    assert_eq!(done["applied"][0], "first");
    assert_eq!(done["granted_to"], database.runner.as_str());
    assert_eq!(told(&database.migrate(&desk))["applied"].as_array().unwrap().len(), 0, "once");

    let status = told(&desk.run(&["db", "status", "--json"]));
    assert_eq!(status["starts"], true, "{status}");
    desk.serve().stop();
    let keys = told(&desk.run(&["key", "list", "--json"]));
    assert_eq!(keys.as_array().unwrap().len(), 2, "its issuers have their keys");
    let status = told(&desk.run(&["db", "status", "--json"]));
    let rows = |name: &str| {
        let tables = status["tables"].as_array().unwrap();
        tables.iter().find(|table| table["table"] == name).unwrap()["rows"].clone()
    };
    assert_eq!((rows("signing_key"), rows("login")), (2.into(), 0.into()));
}

#[tokio::test]
async fn a_password_is_taken_from_a_file_or_the_environment_and_never_told() {
    let database = Database::made();
    let desk = database.desk();
    desk.write("owner.password", "swordfish-in-a-file\n");
    let url = database.as_owner().replace(OWNER, &format!("{OWNER}:swordfish-in-a-url"));
    for extra in
        [vec![], vec!["--password-file".to_owned(), desk.path("owner.password").display().to_string()]]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_portvakt"))
            .args(["db", "migrate", "--config", &desk.config(), "--as", &url])
            .args(&extra)
            .env("PORTVAKT_MIGRATE_PASSWORD", "swordfish-in-a-variable")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = format!("{}{}", complaint(&output), String::from_utf8_lossy(&output.stdout));
        assert!(!said.contains("swordfish"), "{said}");
    }
    let missing = desk.run(&["db", "migrate", "--as", &url, "--password-file", "/nowhere"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(complaint(&missing).contains("/nowhere"), "{}", complaint(&missing));
    let nonsense = desk.run(&["db", "migrate", "--as", "postgres://owner:swordfish@"]);
    assert!(!complaint(&nonsense).contains("swordfish"), "{}", complaint(&nonsense));
}

#[tokio::test]
async fn a_folder_has_no_roles_and_brings_itself_up_to_date() {
    let desk = Desk::with(TWO_ISSUERS);
    let nothing = desk.run(&["db", "status"]);
    assert!(complaint(&nothing).contains("no store yet"), "{}", complaint(&nothing));
    assert!(!desk.path("data").exists(), "looking makes nothing");
    let roles = desk.run(&["db", "migrate", "--grant-to", "somebody"]);
    assert!(complaint(&roles).contains("no roles"), "{}", complaint(&roles));
    let _server = desk.serve();
    let status = told(&desk.run(&["db", "status", "--json"]));
    assert_eq!(status["starts"], true, "{status}");
    assert!(status["bytes"].as_u64().unwrap() > 0);
    let page = desk.run(&["db", "status"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains("signing_key"), "{}", complaint(&page));
}

#[tokio::test]
async fn a_folder_is_backed_up_checked_and_restored_and_moves_to_a_database() {
    let desk = Desk::with(
        &TWO_ISSUERS.replace("data = \"data\"", "data = \"data\"\nmaster_key = { file = \"master.key\" }"),
    );
    desk.write("master.key", MASTER_KEY);
    let server = desk.serve();
    let backup = desk.path("backup.db").display().to_string();
    let from = ["db", "restore", "--from", &backup, "--json"];
    let beside = desk.run(&["db", "backup", "--to", &backup]);
    assert!(beside.status.success(), "{}", complaint(&beside));
    assert_eq!(desk.run(&["db", "backup", "--to", &backup]).status.code(), Some(1), "it is there already");
    assert_eq!(told(&desk.run(&["db", "check", "--json"]))["findings"], serde_json::json!([]));
    let used = complaint(&desk.run(&from));
    assert!(used.contains("in use"), "{used}");
    server.stop();

    let full = complaint(&desk.run(&from));
    assert!(full.contains("--replace"), "{full}");
    let restored = told(&desk.run(&[&from[..], &["--replace"]].concat()));
    assert_eq!(restored["ended"]["logins"], 0, "{restored}");
    let keys = told(&desk.run(&["key", "list", "--json"]));

    let database = Database::made();
    let moved = database.desk();
    told(&database.migrate(&moved));
    let data = desk.path("data").display().to_string();
    let copy = ["db", "copy", "--from", &data, "--json"];
    let folder = complaint(&desk.run(&copy));
    assert!(folder.contains("into a database"), "{folder}");
    let copied = told(&moved.run(&copy));
    assert_eq!((&copied["tables"]["signing_key"], &copied["resumed"]), (&2.into(), &0.into()));
    assert_eq!(told(&moved.run(&["key", "list", "--json"])), keys);
    moved.serve().stop();
    let again = complaint(&moved.run(&copy));
    assert!(again.contains("not empty"), "{again}");
}

#[tokio::test]
async fn what_is_wrong_with_the_data_is_told_with_what_to_do() {
    let database = Database::made();
    let desk = database.desk();
    told(&database.migrate(&desk));
    desk.serve().stop();
    assert_eq!(told(&desk.run(&["db", "check", "--json"]))["findings"], serde_json::json!([]));
    database.sql("UPDATE signing_key SET private_sealed = chain WHERE issuer = 1");
    let found = desk.run(&["db", "check", "--json"]);
    assert_eq!(found.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["findings"][0]["table"], "signing_key", "{found}");
    assert!(found["findings"][0]["remedy"].as_str().unwrap().contains("backup"), "{found}");
    let statements = desk.run(&["db", "check", "--sql"]);
    assert!(String::from_utf8_lossy(&statements.stdout).contains("-- a code is redeemed once"));

    database.sql("INSERT INTO copying VALUES ('code', '', 0, 0)");
    let status = told(&desk.run(&["db", "status", "--json"]));
    assert!(status["why_not"].as_str().unwrap().contains("db copy"), "{status}");
    let (server, log) = desk.try_serve();
    assert!(server.is_err() && log.concat().contains("db copy"), "{log:?}");
    database.sql("DELETE FROM copying");

    let backup = complaint(&desk.run(&["db", "backup", "--to", "/nowhere"]));
    assert!(backup.contains("pg_dump"), "{backup}");
    let restore = complaint(&desk.run(&["db", "restore", "--from", "/nowhere"]));
    assert!(restore.contains("pg_restore"), "{restore}");
    let ended = told(&desk.run(&["db", "restore", "--already-restored", "--json"]));
    assert_eq!(ended["ended"]["grants"], 0);
}
