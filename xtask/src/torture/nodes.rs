//! A site of several nodes on one database: each `portvakt serve` on a port of its own, all answering for the same issuers, each
//! with its own way to the database, which can be broken.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use portvakt_cluster::{Durability, Launch, Pair, Password, Process, Proxy, Settings, Signal, free_port};

use super::doors::Entrance;
use super::registrar::Desk;
use super::server::{CLIENT, Parties, catalogue, catalogue_of_all, catalogue_of_scope};
use crate::client::{Connection, Endpoints, RelyingParty, Request};
use crate::house::Outcome;

/// How long a node may take to become ready.
const START: Duration = Duration::from_secs(60);

/// How long a node may take to end in order.
const END: Duration = Duration::from_secs(40);

/// How long a node that ended by itself stays down, as under a service manager.
const PAUSE: Duration = Duration::from_secs(1);

/// The database's name, and the role that nodes take.
pub(super) const DATABASE: &str = "portvakt";
const ROLE: &str = "portvakt";

/// How nodes reach their database.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    /// `data` of each node.
    pub(super) nodes: Vec<String>,
    /// `data` of the command line beside them.
    pub(super) operator: String,
    /// The owner of the tables.
    pub(super) owner: String,
    /// The nodes' password, if they need one.
    pub(super) password: Option<String>,
    /// Whether a pooler stands between, which gives each transaction another connection.
    pub(super) is_pooled: bool,
}

/// One node.
pub(super) struct Node {
    /// `node1` and so on.
    pub(super) name: String,
    port: u16,
    launch: Launch,
    /// None while it is being started again.
    process: Option<Process>,
    log: PathBuf,
    /// Since when it is down, though nobody killed it.
    down: Option<Instant>,
}

/// All of them. Dropping it ends them.
pub(super) struct Nodes {
    folder: PathBuf,
    binary: PathBuf,
    /// How a load reaches them.
    pub(super) entrance: Entrance,
    /// Each of them.
    pub(super) nodes: Vec<Node>,
    /// Port in the issuers' URLs.
    base: u16,
}

impl Nodes {
    /// Makes the tables, starts one node on each port and registers the load's client. The issuers' URLs have the port `base`.
    ///
    /// # Errors
    /// When a step fails: what it said.
    pub(super) fn start(
        binary: &Path,
        folder: &Path,
        base: u16,
        ports: &[u16],
        reach: &Reach,
    ) -> Result<Self, String> {
        let operator = folder.join("operator").join("portvakt.toml");
        let mut key = String::new();
        for _ in 0..2 {
            // 16 bytes each.
            key.push_str(Password::draw()?.expose());
        }
        let key_file = folder.join("master.key");
        secret(&key_file, &key)?;
        let password_file = folder.join("database.password");
        if let Some(password) = &reach.password {
            secret(&password_file, password)?;
        }
        let text = |data: &str, port| configuration(data, &key_file, reach, &password_file, base, port);
        write(&operator, &text(&reach.operator, free_port()?))?;
        let mut migrate = Command::new(binary);
        migrate.args(["db", "migrate", "--as", &reach.owner, "--grant-to", ROLE, "--config"]).arg(&operator);
        done(&mut migrate, "portvakt db migrate")?;

        let mut nodes = Vec::with_capacity(ports.len());
        for (number, (port, data)) in ports.iter().zip(&reach.nodes).enumerate() {
            let name = format!("node{}", number + 1);
            let home = folder.join(&name);
            write(&home.join("portvakt.toml"), &text(data, *port))?;
            let launch = Launch::new(&name, binary, &home)
                .args(["serve", "--config", "portvakt.toml"])
                .ends_by(Signal::KILL);
            // All at once: only one of them makes each issuer's first key.
            let process = Some(launch.start()?);
            let log = home.join(format!("{name}.log"));
            nodes.push(Node { name, port: *port, launch, process, log, down: None });
        }
        nodes.iter_mut().try_for_each(Node::await_ready)?;
        let entrance = Entrance {
            authority: format!("localhost:{base}"),
            nodes: nodes.iter().map(|node| (node.name.clone(), node.port)).collect(),
        };
        let site = Self { folder: folder.to_owned(), binary: binary.to_owned(), entrance, nodes, base };
        if !site.apply()(&catalogue_of_all(base)) {
            return Err("`portvakt apply` does not work here".to_owned());
        }
        Ok(site)
    }

    /// The operator's command line.
    pub(super) fn desk(&self) -> Desk {
        let (registering, giving, base) = (self.apply(), self.apply(), self.base);
        Desk {
            register: Arc::new(move |client_id| registering(&catalogue(base, client_id))),
            give_scope: Arc::new(move |given| giving(&catalogue_of_scope(base, given))),
        }
    }

    /// `portvakt apply` with a catalogue; whether it said that it was done.
    fn apply(&self) -> impl Fn(&str) -> bool + Send + Sync + use<> {
        let (binary, folder) = (self.binary.clone(), self.folder.join("operator"));
        move |catalogue| {
            let file = folder.join("registration.toml");
            let mut apply = Command::new(&binary);
            apply.arg("apply").arg(&file).arg("--config").arg(folder.join("portvakt.toml"));
            apply.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            write(&file, catalogue).is_ok() && apply.status().is_ok_and(|status| status.success())
        }
    }

    /// What an operator would find: `portvakt db check`.
    ///
    /// # Errors
    /// It finds something that should not be there.
    pub(super) fn checked(&self) -> Outcome {
        let mut check = Command::new(&self.binary);
        check.args(["db", "check", "--config"]).arg(self.folder.join("operator").join("portvakt.toml"));
        done(&mut check, "portvakt db check")?;
        println!("portvakt db check finds nothing");
        Ok(())
    }

    /// The relying party at both issuers: the pilot's and the current one's.
    ///
    /// # Errors
    /// An issuer has no discovery document.
    pub(super) fn parties(&self) -> Result<[RelyingParty; 2], String> {
        let party = |path: &str| {
            let issuer = format!("http://{}{path}", self.entrance.authority);
            let at = Endpoints::discover_by(&issuer, &mut self.entrance.door(0))?;
            Ok::<_, String>(CLIENT.at(at))
        };
        Ok([party("/idporten-oidc-provider/")?, party("")?])
    }

    /// Those who load it, and who introspects.
    ///
    /// # Errors
    /// An issuer has no discovery document.
    pub(super) fn loading(&self) -> Result<Parties, String> {
        let [pilot, current] = self.parties()?;
        Ok(Parties::at(pilot.at, current.at))
    }

    /// Starts again what has ended by itself.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start_again(&mut self) -> Outcome {
        self.nodes.iter_mut().try_for_each(Node::start_again)
    }

    /// Nobody has panicked.
    ///
    /// # Errors
    /// A node has: the line of its log.
    pub(super) fn without_panics(&self) -> Outcome {
        self.nodes.iter().try_for_each(|node| {
            let log = fs::read_to_string(&node.log).unwrap_or_default();
            let panic = log.lines().find(|line| line.contains("panicked at"));
            panic.map_or(Ok(()), |line| Err(format!("{} panicked: {line}", node.name)))
        })
    }

    /// Ends every node in order.
    ///
    /// # Errors
    /// One does not end in order, or has panicked.
    pub(super) fn end(&mut self) -> Outcome {
        self.nodes
            .iter_mut()
            .filter_map(|node| node.process.as_mut())
            .try_for_each(|it| it.end(Signal::TERM, END))?;
        self.without_panics()
    }
}

impl Node {
    fn await_ready(&mut self) -> Outcome {
        let port = self.port;
        let Some(process) = &mut self.process else { return Err(format!("{} does not run", self.name)) };
        process.wait_ready(START, || {
            let mut connection =
                Connection::to(&format!("localhost:{port}")).patient_for(Duration::from_secs(2));
            connection.send(&Request::get("/health/ready")).is_ok_and(|answer| answer.status == 200)
        })
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again, as a service manager would, without waiting for it.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn restart(&mut self) -> Outcome {
        // What is left of the old one ends first: its folder is the new one's too.
        self.process = None;
        self.process = Some(self.launch.start()?);
        self.down = None;
        Ok(())
    }

    /// Starts it again if it has ended by itself, as a service manager would: a node that finds no database at its start ends.
    fn start_again(&mut self) -> Outcome {
        if self.process.as_mut().is_some_and(|process| process.ended().is_none()) {
            return Ok(());
        }
        match self.down {
            None => {
                self.down = Some(Instant::now());
                Ok(())
            }
            Some(since) if since.elapsed() < PAUSE => Ok(()),
            Some(_) => self.restart(),
        }
    }

    /// Whether it runs, and how its log ends.
    pub(super) fn state(&mut self) -> String {
        let Some(process) = &mut self.process else { return format!("{} does not run", self.name) };
        let ended = process.ended();
        process.with_log(&ended.map_or("runs".to_owned(), |status| format!("has ended ({status})")))
    }

    /// `kill -STOP`.
    pub(super) fn pause(&mut self) {
        if let Some(process) = &mut self.process {
            process.pause();
        }
    }

    /// `kill -CONT`.
    pub(super) fn resume(&self) {
        if let Some(process) = &self.process {
            process.resume();
        }
    }

    /// Its resident memory in bytes; 0 when it does not run.
    pub(super) fn resident(&self) -> u64 {
        let id = self.process.as_ref().map_or(0, Process::id);
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
    }
}

/// Nodes on a primary and its synchronous standby, each by proxies of its own.
pub(super) struct PairSite {
    /// The nodes.
    pub(super) site: Nodes,
    /// By node: the proxies before both servers.
    pub(super) ways: Vec<[Proxy; 2]>,
    /// The database.
    pub(super) pair: Pair,
    folder: PathBuf,
    /// How long it took to stand.
    pub(super) took: Duration,
}

impl PairSite {
    /// Starts it all in an empty folder.
    ///
    /// # Errors
    /// When something does not start.
    pub(super) fn start(binary: &Path, folder: &Path, nodes: usize) -> Result<Self, String> {
        let began = Instant::now();
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))?;
        }
        fs::create_dir_all(folder).map_err(|fault| format!("{}: {fault}", folder.display()))?;
        let pair = Pair::start(&folder.join("database"), &Settings::new(Durability::Fsync))?;
        pair.primary().sql("postgres", &format!("CREATE ROLE {ROLE} LOGIN"))?;
        pair.primary().create_database(DATABASE)?;
        let ways: Vec<[Proxy; 2]> = (0..nodes)
            .map(|_| Ok([Proxy::start(pair.ports()[0])?, Proxy::start(pair.ports()[1])?]))
            .collect::<Result<_, String>>()?;
        let data = |[first, second]: [u16; 2]| {
            format!(
                "postgres://{ROLE}@127.0.0.1:{first},127.0.0.1:{second}/{DATABASE}?target_session_attrs=read-write"
            )
        };
        let reach = Reach {
            nodes: ways.iter().map(|[first, second]| data([first.port(), second.port()])).collect(),
            operator: data(pair.ports()),
            owner: pair.primary().url(DATABASE),
            password: None,
            is_pooled: false,
        };
        let ports: Vec<u16> = (0..nodes).map(|_| free_port()).collect::<Result<_, String>>()?;
        let site = Nodes::start(binary, folder, free_port()?, &ports, &reach)?;
        Ok(Self { site, ways, pair, folder: folder.to_owned(), took: began.elapsed() })
    }

    /// A file beside the nodes.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Ends it all and removes it.
    ///
    /// # Errors
    /// A node does not end in order, or has panicked.
    pub(super) fn remove(self) -> Outcome {
        let Self { mut site, ways, pair, folder, .. } = self;
        site.end()?;
        drop((site, ways, pair));
        fs::remove_dir_all(&folder).map_err(|fault| format!("{}: {fault}", folder.display()))
    }
}

/// Runs a command; its words are told only when it fails.
fn done(command: &mut Command, name: &str) -> Outcome {
    let ended = command.stdin(Stdio::null()).output().map_err(|fault| format!("{name}: {fault}"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("{name} failed ({}):\n{}", ended.status, String::from_utf8_lossy(&ended.stderr)))
}

/// `portvakt.toml` of a node.
fn configuration(
    data: &str,
    key_file: &Path,
    reach: &Reach,
    password_file: &Path,
    base: u16,
    port: u16,
) -> String {
    let key_file = key_file.display();
    let password = match reach.password {
        Some(_) => format!("password = {{ file = \"{}\" }}\n", password_file.display()),
        None => String::new(),
    };
    let pooler = if reach.is_pooled { "transaction" } else { "none" };
    format!(
        r#"data = "{data}"
master_key = {{ file = "{key_file}" }}

[database]
{password}pooler = "{pooler}"

[[listeners]]
address = "127.0.0.1:{port}"

[[issuers]]
issuer = "http://localhost:{base}/idporten-oidc-provider/"
profile = "pilot"
environment = "development"
terms = "demo"
testid = {{ pools = ["demo"] }}

[[issuers]]
issuer = "http://localhost:{base}"
profile = "idporten"
environment = "development"
terms = "demo"
testid = {{ pools = ["demo"] }}
"#
    )
}

fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|why| format!("{}: {why}", path.display()))
}

/// A file that nobody else reads.
fn secret(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let mut open = File::options();
    open.write(true).create(true).truncate(true).mode(0o600);
    open.open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .map_err(|why| format!("{}: {why}", path.display()))
}
