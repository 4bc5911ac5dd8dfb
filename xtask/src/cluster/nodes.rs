//! Three nodes before the worked example's database, and the demo service before them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portvakt_cluster::{Launch, Password, Process, Signal, WorkedExample, fitted, free_port};

use super::page;
use crate::client::{Connection, Request};
use crate::house::{House, Outcome, run as run_command};

/// The configuration of a node.
const FILE: &str = include_str!("../../../examples/cluster/portvakt.toml");

/// What is registered: as at `cargo xtask dev`.
const CATALOGUE: &str = include_str!("../../../crates/portvakt/src/dev/demo.toml");

/// How long a node may take to become ready.
const START: Duration = Duration::from_secs(60);

/// How long a node that ended stays down, as under a service manager.
const PAUSE: Duration = Duration::from_secs(1);

/// The programs of this repository.
pub(super) struct Binaries {
    portvakt: PathBuf,
    demo: PathBuf,
}

impl Binaries {
    /// As cargo has just built them.
    pub(super) fn of(house: &House, release: bool) -> Self {
        let folder = house.target.join(if release { "release" } else { "debug" });
        Self { portvakt: folder.join("portvakt"), demo: folder.join("portvakt-demo") }
    }
}

/// One node.
pub(super) struct Node {
    /// `node1` and so on, as HAProxy names it.
    pub(super) name: &'static str,
    /// Where it answers on 127.0.0.1.
    pub(super) port: u16,
    launch: Launch,
    /// Nothing while it is down.
    process: Option<Process>,
    /// Since when it is down.
    down: Option<Instant>,
}

/// All of them, and the demo service. Dropping it ends them.
pub(super) struct Nodes {
    /// The three.
    pub(super) nodes: Vec<Node>,
    /// Where people and services come in: HAProxy.
    pub(super) base: String,
    /// Where the demo service is.
    pub(super) demo_url: String,
    /// Ends when its standard input does.
    demo: Child,
    /// Holds each node's folder.
    folder: PathBuf,
}

impl Nodes {
    /// Makes the tables, starts the nodes, registers the demo's clients and persons, and starts the demo service.
    ///
    /// # Errors
    /// When a step fails: what it said.
    pub(super) fn start(house: &House, binaries: &Binaries, example: &WorkedExample) -> Result<Self, String> {
        let folder = example.folder().to_owned();
        let base = format!("http://localhost:{}", example.http_port());
        secret(&folder.join("database.password"), example.node_password().expose())?;
        // 32 bytes.
        let (one, other) = (Password::draw()?, Password::draw()?);
        secret(&folder.join("master.key"), &format!("{}{}", one.expose(), other.expose()))?;
        for (name, port) in names().zip(example.node_ports()) {
            let text = configuration(&folder, &base, &example.node_url(), port)?;
            write(&folder.join(name).join("portvakt.toml"), &text)?;
        }
        let first = folder.join("node1").join("portvakt.toml");

        eprintln!("Making the tables …");
        let portvakt = |args: &[&str]| {
            let mut command = house.command(&binaries.portvakt);
            command.args(args).stdout(std::io::stderr());
            command
        };
        let owner = folder.join("owner.password");
        secret(&owner, example.owner_password().expose())?;
        let mut migrate =
            portvakt(&["db", "migrate", "--grant-to", "portvakt", "--as", &example.owner_url()]);
        run_command(migrate.arg("--password-file").arg(&owner).arg("--config").arg(&first))?;

        eprintln!("Starting three nodes …");
        let nodes: Result<Vec<Node>, String> = names()
            .zip(example.node_ports())
            .map(|(name, port)| Node::start(name, port, &folder, &binaries.portvakt))
            .collect();
        let mut nodes = nodes?;
        nodes.iter_mut().try_for_each(Node::await_ready)?;

        let demo_port = free_port()?;
        let catalogue = folder.join("catalogue.toml");
        write(&catalogue, &registrations(&base, demo_port)?)?;
        run_command(portvakt(&["apply"]).arg(&catalogue).arg("--config").arg(&first))?;
        let summary = folder.join("stands.json");
        let (demo, demo_url) = start_demo(&binaries.demo, demo_port, &summary)?;
        let nodes = Self { nodes, base, demo_url, demo, folder };
        page::write(&summary, &page::json(example, Some(&nodes)))?;
        Ok(nodes)
    }

    /// What is registered, as the catalogue has it.
    pub(super) fn catalogue(&self) -> String {
        fs::read_to_string(self.folder.join("catalogue.toml")).unwrap_or_default()
    }

    /// The log of a node.
    pub(super) fn log(&self, node: &Node) -> PathBuf {
        self.folder.join(node.name).join(format!("{}.log", node.name))
    }

    /// Starts again what has ended, a second later.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start_again(&mut self) -> Outcome {
        self.nodes.iter_mut().try_for_each(Node::start_again)
    }

    /// Ends them in order: requests in flight are answered.
    ///
    /// # Errors
    /// When one had to be killed.
    pub(super) fn stop(mut self) -> Outcome {
        drop(self.demo.stdin.take());
        let _ended = self.demo.wait();
        let mut ended = Ok(());
        for process in self.nodes.iter_mut().filter_map(|node| node.process.as_mut()) {
            ended = ended.and(process.end(Signal::TERM, Duration::from_secs(40)));
        }
        ended
    }
}

impl Node {
    fn start(name: &'static str, port: u16, folder: &Path, binary: &Path) -> Result<Self, String> {
        let launch = Launch::new(name, binary, &folder.join(name))
            .args(["serve", "--config", "portvakt.toml"])
            .ends_by(Signal::TERM);
        let process = Some(launch.start()?);
        Ok(Self { name, port, launch, process, down: None })
    }

    fn await_ready(&mut self) -> Outcome {
        let port = self.port;
        let process = self.process.as_mut().ok_or_else(|| format!("{} is down", self.name))?;
        process.wait_ready(START, || {
            let mut connection = Connection::to(&format!("localhost:{port}"));
            connection.send(&Request::get("/health/ready")).is_ok_and(|answer| answer.status == 200)
        })
    }

    /// The number of its process; nothing while it is down.
    pub(super) fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    fn start_again(&mut self) -> Outcome {
        if self.process.as_mut().is_some_and(|process| process.ended().is_some()) {
            eprintln!("{} has ended.", self.name);
            // Before another one starts: it takes with it whatever works in the node's folder.
            self.process = None;
            self.down = Some(Instant::now());
        }
        if self.down.is_some_and(|since| since.elapsed() >= PAUSE) {
            let process = self.launch.start()?;
            eprintln!("{} is started again, as process {}.", self.name, process.id());
            self.process = Some(process);
            self.down = None;
        }
        Ok(())
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    ["node1", "node2", "node3"].into_iter()
}

/// The demo service on that port. It reads `summary` at each request.
fn start_demo(binary: &Path, port: u16, summary: &Path) -> Result<(Child, String), String> {
    let mut command = Command::new(binary);
    command.arg("--listen").arg(format!("localhost:{port}")).arg("--summary").arg(summary);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| format!("{} cannot be started: {why}", binary.display()))?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        // A line that cannot be read is as good as none.
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    match line.trim() {
        "" => {
            let _ended = child.wait();
            Err("the demo service did not start".to_owned())
        }
        url => Ok((child, url.to_owned())),
    }
}

/// `portvakt.toml` of the node on that port.
fn configuration(folder: &Path, base: &str, database: &str, port: u16) -> Result<String, String> {
    let changes = [
        ("postgres://portvakt@10.0.0.10:6432/portvakt", database.to_owned()),
        ("/etc/portvakt/master.key", folder.join("master.key").display().to_string()),
        ("/etc/portvakt/database.password", folder.join("database.password").display().to_string()),
        ("10.0.0.21:8080", format!("127.0.0.1:{port}")),
        ("trusted_proxies = [\"10.0.0.10\"]", "trusted_proxies = [\"127.0.0.1\"]".to_owned()),
        ("https://id.example.no", base.to_owned()),
        ("environment = \"test\"", "environment = \"development\"".to_owned()),
        ("terms = \"2016-12\"", "terms = \"demo\"".to_owned()),
        ("pools = [\"local\"]", "pools = [\"demo\"]".to_owned()),
    ];
    fitted(FILE, &changes.each_ref().map(|(from, to)| (*from, to.as_str())))
}

/// The demo's registrations, for issuers behind HAProxy and a demo service on that port.
fn registrations(base: &str, demo: u16) -> Result<String, String> {
    let demo = demo.to_string();
    fitted(CATALOGUE, &[("http://localhost:8080", base), (":3000/", &format!(":{demo}/"))])
}

fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|why| format!("{}: {why}", path.display()))
}

/// A file that nobody else reads.
fn secret(path: &Path, text: &str) -> Outcome {
    let mut open = File::options();
    open.write(true).create_new(true).mode(0o600);
    open.open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_example_is_left_in_a_nodes_file() {
        let database = "postgres://portvakt@127.0.0.1:2001/portvakt";
        let file = configuration(Path::new("/x"), "http://localhost:2002", database, 2003).unwrap();
        let set: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
        for left in ["10.0.0.", "/etc/", "example.no", "https", "\"test\"", "\"local\""] {
            assert!(set.iter().all(|line| !line.contains(left)), "{left} in\n{file}");
        }
        let read: toml::Table = file.parse().unwrap();
        assert_eq!(read.get("data").and_then(toml::Value::as_str), Some(database));
        assert_eq!(read.get("issuers").and_then(toml::Value::as_array).map(Vec::len), Some(2));
    }

    #[test]
    fn the_demos_clients_come_back_to_where_the_demo_is() {
        let file = registrations("http://localhost:2002", 2004).unwrap();
        assert!(!file.contains("localhost:8080/") && !file.contains(":3000"), "{file}");
        assert!(file.contains("http://localhost:2004/callback"));
    }
}
