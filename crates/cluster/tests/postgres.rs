//! A real PostgreSQL, started, killed and ended.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portvakt_cluster::{Durability, Folder, Postgres, Programs, Settings, shared};

#[test]
fn without_postgresql_the_message_is_the_command_that_brings_it() {
    let empty = Folder::temporary("no-programs").unwrap();
    let told = Programs::newest_in(empty.path()).unwrap_err();
    assert!(told.contains("sudo apt-get install --no-install-recommends postgresql"), "{told}");
    assert!(told.contains("service is not needed"), "{told}");
    assert!(Programs::newest_in(Path::new("/no/such/folder")).is_err());
}

#[test]
fn the_newest_version_is_the_greatest_number_that_has_a_server() {
    let versions = Folder::temporary("versions").unwrap();
    for version in ["9", "15", "16", "common"] {
        std::fs::create_dir_all(versions.path().join(version).join("bin")).unwrap();
    }
    for version in ["9", "15", "common"] {
        std::fs::write(versions.path().join(version).join("bin/postgres"), "").unwrap();
    }
    let programs = Programs::newest_in(versions.path()).unwrap();
    assert_eq!(programs.path("psql"), versions.path().join("15/bin/psql"));
}

#[test]
fn a_server_that_cannot_start_says_why_in_its_own_words() {
    let settings = Settings::new(Durability::Quick).set("no_such_setting", "1");
    let told = Postgres::temporary(&settings).unwrap_err();
    assert!(told.contains("no_such_setting"), "{told}");
}

#[test]
fn a_refused_statement_is_told_and_ends_the_text() {
    let server = shared().unwrap();
    server.create_database("refused").unwrap();
    let told = server.sql("refused", "CREATE TABLE a (); SELECT 1/0; CREATE TABLE b ()").unwrap_err();
    assert!(told.contains("division by zero"), "{told}");
    let tables = server.sql("refused", "SELECT relname FROM pg_class WHERE relname IN ('a', 'b')").unwrap();
    assert_eq!(tables, "a");
    assert!(server.create_database("refused").is_err());
}

#[test]
fn a_database_is_a_copy_of_its_template() {
    let server = shared().unwrap();
    server.create_database("pattern").unwrap();
    server.sql("pattern", "CREATE TABLE word (text text); INSERT INTO word VALUES ('ja'), ('nei')").unwrap();
    assert!(server.create_database_from("scene", "no_such_template").is_err());
    let started = Instant::now();
    server.create_database_from("a \"scene\"", "pattern").unwrap();
    server.create_database_from("scene", "pattern").unwrap();
    println!("two copies: {:?}", started.elapsed());
    assert_eq!(server.sql("scene", "SELECT count(*), min(text) FROM word").unwrap(), "2|ja");
    server.drop_database("scene").unwrap();
    assert!(server.sql("scene", "SELECT 1").is_err());
}

#[test]
fn a_confirmed_row_survives_a_kill_and_a_restart_on_the_same_port() {
    let mut server = Postgres::temporary(&Settings::new(Durability::Fsync)).unwrap();
    server.sql("postgres", "CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)").unwrap();
    let url = server.url("postgres");
    server.kill();
    assert!(server.sql("postgres", "SELECT 1").is_err());
    assert_eq!(working_in(server.folder()), 0, "a backend outlived the kill");
    server.restart().unwrap();
    assert_eq!(server.url("postgres"), url);
    assert_eq!(server.sql("postgres", "SELECT id FROM kept").unwrap(), "7");
    server.restart().unwrap();
    assert_eq!(server.sql("postgres", "SELECT id FROM kept").unwrap(), "7");
    server.stop().unwrap();
    assert_eq!(working_in(server.folder()), 0);
}

#[test]
fn a_paused_server_does_not_answer_until_it_goes_on() {
    let mut server = Postgres::temporary(&Settings::new(Durability::Quick)).unwrap();
    server.pause();
    assert!(!server.address().is_ready());
    server.resume();
    assert!(server.address().is_ready());
    server.pause();
    let folder = server.folder().to_owned();
    drop(server);
    assert_eq!(working_in(&folder), 0, "a paused server outlived its owner");
}

#[test]
fn work_is_counted_though_the_backend_that_did_it_has_ended() {
    let server = Postgres::temporary(&Settings::new(Durability::Quick)).unwrap();
    let before = server.cpu_seconds();
    server.sql("postgres", "SELECT sum(sqrt(n)) FROM generate_series(1, 3000000) AS n").unwrap();
    let spent = server.cpu_seconds() - before;
    assert!((0.1..20.0).contains(&spent), "{spent} s");
}

#[test]
fn a_role_that_must_show_a_password_does() {
    let admit = "host all guarded 127.0.0.1/32 scram-sha-256";
    let server = Postgres::temporary(&Settings::new(Durability::Quick).admit(admit)).unwrap();
    server.sql("postgres", "CREATE ROLE guarded LOGIN PASSWORD 'right'").unwrap();
    let ask = |password: &str| {
        Command::new(Programs::newest().unwrap().path("psql"))
            .args(["-X", "-w", "-c", "SELECT 1", "-h", "127.0.0.1", "-U", "guarded", "-d", "postgres"])
            .args(["-p", &server.port().to_string()])
            .env("PGPASSWORD", password)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    };
    assert!(!ask("wrong"));
    assert!(ask("right"));
}

#[test]
fn a_killed_owner_leaves_neither_server_nor_folder() {
    // The same test runs as the process that is killed: there its working directory holds this file.
    let here = std::env::current_dir().unwrap();
    if here.join("be-the-owner").exists() {
        let server = Postgres::temporary(&Settings::new(Durability::Quick)).unwrap();
        std::fs::write(here.join("new"), server.folder().to_str().unwrap()).unwrap();
        std::fs::rename(here.join("new"), here.join("folder")).unwrap();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let notes = Folder::temporary("killed-owner").unwrap();
    std::fs::write(notes.path().join("be-the-owner"), "").unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_owner_leaves_neither_server_nor_folder"])
        .current_dir(notes.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let note = notes.path().join("folder");
    assert!(soon(|| note.exists()), "no server came up");
    let folder = std::fs::read_to_string(&note).unwrap();
    let folder = Path::new(&folder);
    assert!(working_in(folder) > 3, "the server with its processes");
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(soon(|| working_in(folder) == 0), "{} still works", folder.display());
    assert!(soon(|| !folder.exists()), "{} is still there", folder.display());
}

/// How many processes have their working directory in `folder`.
fn working_in(folder: &Path) -> usize {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
        .count()
}

/// Whether something holds within 15 s.
fn soon(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    true
}
