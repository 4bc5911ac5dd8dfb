//! A real server behind the proxy that breaks connections.
#![expect(clippy::unwrap_used, reason = "a scene that cannot go on fails where it stands")]

use std::process::Command;
use std::time::{Duration, Instant};

use portvakt_cluster::{
    Address, Ambush, Durability, Fate, Postgres, Programs, Proxy, Settings, Target, shared,
};

/// A database of its own with the table `kept`, and a proxy before the server.
struct Scene {
    name: &'static str,
    direct: &'static Postgres,
    proxy: Proxy,
}

impl Scene {
    fn new(name: &'static str) -> Self {
        let direct = shared().unwrap();
        direct.create_database(name).unwrap();
        direct.sql(name, "CREATE TABLE kept (id int PRIMARY KEY)").unwrap();
        Self { name, direct, proxy: Proxy::start(direct.port()).unwrap() }
    }

    fn through(&self) -> Address {
        self.direct.address().through(self.proxy.port())
    }

    fn sql(&self, text: &str) -> Result<String, String> {
        self.through().sql(self.name, text)
    }

    /// The rows of `kept`, asked of the server itself.
    fn kept(&self) -> String {
        self.direct
            .sql(self.name, "SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM kept")
            .unwrap()
    }
}

#[test]
fn the_row_is_there_though_the_client_saw_an_error() {
    let scene = Scene::new("answer_lost");
    scene.proxy.ambush(Ambush::once(Fate::AnswerLost, Target::Write));
    assert_eq!(scene.sql("SELECT count(*) FROM kept").unwrap(), "0", "a read is no write");
    let told = scene.sql("INSERT INTO kept VALUES (1)").unwrap_err();
    assert!(told.contains("closed the connection unexpectedly"), "{told}");
    assert_eq!(scene.kept(), "1");
    assert_eq!(scene.proxy.struck(), 1);
    scene.sql("INSERT INTO kept VALUES (2)").unwrap();
    assert_eq!(scene.kept(), "1,2");
}

#[test]
fn who_listens_in_hears_each_request_once() {
    let scene = Scene::new("heard");
    scene.sql("SELECT 1").unwrap();
    assert_eq!(scene.proxy.heard(), Vec::<String>::new(), "nobody listened");
    scene.proxy.listen_in();
    scene.sql("SELECT 2;\nINSERT INTO kept VALUES (3);").unwrap();
    let heard = scene.proxy.heard();
    let at = |part: &str| heard.iter().position(|text| text.contains(part));
    assert!(at("SELECT 2") < at("INTO kept") && at("SELECT 2").is_some(), "{heard:?}");
    assert_eq!(scene.proxy.heard(), Vec::<String>::new(), "told once");
}

#[test]
fn the_row_is_not_there_when_the_request_never_arrived() {
    let scene = Scene::new("never_sent");
    scene.proxy.ambush(Ambush::once(Fate::NeverSent, Target::Containing("INTO kept".to_owned())));
    assert!(scene.sql("INSERT INTO kept VALUES (1)").is_err());
    assert_eq!(scene.kept(), "");
    scene.sql("INSERT INTO kept VALUES (1)").unwrap();
    assert_eq!(scene.kept(), "1");
}

#[test]
fn within_a_transaction_it_is_the_answer_to_commit_that_is_lost() {
    let scene = Scene::new("commit");
    let text = "BEGIN; INSERT INTO kept VALUES (1); INSERT INTO kept VALUES (2); COMMIT; INSERT INTO kept VALUES (3);";
    for (target, kept) in [(Target::Write, "1,2"), (Target::Commit, "1,2"), (Target::Any, "1,2")] {
        scene.proxy.ambush(Ambush::once(Fate::AnswerLost, target));
        assert!(scene.sql(text).is_err());
        assert_eq!(scene.kept(), kept);
        scene.direct.sql(scene.name, "DELETE FROM kept").unwrap();
    }
    scene.proxy.ambush(Ambush::once(Fate::NeverSent, Target::Commit));
    assert!(scene.sql(text).is_err());
    assert_eq!(scene.kept(), "");
}

#[test]
fn a_prepared_statement_is_struck_when_it_is_executed() {
    let scene = Scene::new("prepared");
    let folder = portvakt_cluster::Folder::temporary("script").unwrap();
    let script = folder.path().join("insert.sql");
    std::fs::write(&script, "\\set id random(1, 2000000000)\nINSERT INTO kept VALUES (:id);\n").unwrap();
    let ambush = Ambush { fate: Fate::AnswerLost, target: Target::Write, every: 5, times: 1 };
    scene.proxy.ambush(ambush);
    for (protocol, kept) in [("prepared", "5"), ("extended", "25")] {
        let done = Command::new(Programs::newest().unwrap().path("pgbench"))
            .args(["-n", "-t", "20", "-M", protocol, "-f"])
            .arg(&script)
            .arg(scene.proxy.url(scene.name))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.success(), protocol == "extended", "{told}");
        let rows = scene.direct.sql(scene.name, "SELECT count(*) FROM kept").unwrap();
        assert_eq!(rows, kept, "{protocol}: {told}");
    }
    assert_eq!(scene.proxy.struck(), 1);
}

#[test]
fn nothing_comes_out_of_a_black_hole_until_it_is_gone() {
    let scene = Scene::new("black_hole");
    scene.proxy.swallow();
    let address = scene.through();
    let waiting = std::thread::spawn(move || address.sql("black_hole", "INSERT INTO kept VALUES (1)"));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished());
    scene.proxy.forward();
    assert!(waiting.join().unwrap().is_err(), "what was swallowed does not come back");
    assert_eq!(scene.kept(), "");
    scene.sql("INSERT INTO kept VALUES (2)").unwrap();
}

#[test]
fn a_connection_that_stands_can_be_cut_swallowed_or_left_while_new_ones_are_refused() {
    let scene = Scene::new("standing");
    let sleeper = |seconds: &'static str| {
        let address = scene.through();
        let before = scene.proxy.accepted();
        let thread =
            std::thread::spawn(move || address.sql("standing", &format!("SELECT pg_sleep({seconds})")));
        while scene.proxy.accepted() == before {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(150));
        thread
    };
    let cut = sleeper("30");
    scene.proxy.cut();
    assert!(cut.join().unwrap().is_err());

    let stands = sleeper("0.4");
    scene.proxy.refuse();
    assert!(scene.sql("SELECT 1").is_err());
    assert!(stands.join().unwrap().is_ok());
    scene.proxy.forward();

    let swallowed = sleeper("0.3");
    scene.proxy.swallow();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!swallowed.is_finished(), "the answer came through");
    scene.proxy.forward();
    assert!(swallowed.join().unwrap().is_err());
    assert_eq!(scene.sql("SELECT 1").unwrap(), "1");
}

#[test]
fn a_delay_holds_each_direction_back() {
    let scene = Scene::new("delay");
    let took = || {
        let started = Instant::now();
        scene.sql("SELECT 1").unwrap();
        started.elapsed()
    };
    scene.proxy.delay(Duration::from_millis(100), Duration::from_millis(150));
    // The start-up and the statement, there and back.
    assert!(took() >= Duration::from_millis(500));
    scene.proxy.forward();
    assert!((0..20).any(|_| took() < Duration::from_millis(500)));
}

#[test]
fn it_can_be_pointed_to_another_server() {
    let scene = Scene::new("pointed");
    let other = Postgres::temporary(&Settings::new(Durability::Quick)).unwrap();
    scene.proxy.point_to(other.port());
    assert!(scene.sql("SELECT 1").unwrap_err().contains("does not exist"), "no such database there");
    drop(other);
    assert!(scene.sql("SELECT 1").is_err());
    scene.proxy.point_to(scene.direct.port());
    assert_eq!(scene.sql("SELECT 1").unwrap(), "1");
}

#[test]
fn what_is_not_postgresql_is_cut() {
    use std::io::{Read as _, Write as _};
    let scene = Scene::new("stranger");
    let mut stranger = std::net::TcpStream::connect(("127.0.0.1", scene.proxy.port())).unwrap();
    stranger.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(matches!(stranger.read(&mut [0; 16]), Ok(0) | Err(_)));
    assert_eq!(scene.sql("SELECT 1").unwrap(), "1");
}
