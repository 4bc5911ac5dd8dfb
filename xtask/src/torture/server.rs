//! A server of ours as a child process on a data folder, and what its one line says when it is ready.

mod catalogue;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

pub(super) use self::catalogue::{catalogue, catalogue_of_all, catalogue_of_scope};
use super::chance::Chance;
use super::registrar::Desk;
use crate::client::{Endpoints, LOGIN_SCOPES, RelyingParty};
use crate::house::{Outcome, output};

/// A start takes far less, also on a folder that a killed server left.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a server runs: its program, its data, its port.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The server's program.
    pub(super) binary: PathBuf,
    /// Holds the data folder, the catalogue and the server's log.
    folder: PathBuf,
    /// The port it is given, in every life.
    pub(super) port: u16,
}

impl Site {
    /// An empty folder, and a port that nobody has.
    ///
    /// The port lies below those that the system gives to outgoing connections (32768 and up): while the server is down,
    /// a client cannot be given the port that it connects to, and so reach itself.
    ///
    /// # Errors
    /// The folder cannot be made, or every port tried is taken.
    pub(super) fn new(binary: PathBuf, folder: PathBuf, chance: &mut Chance) -> Result<Self, String> {
        let why = |fault: std::io::Error| format!("{}: {fault}", folder.display());
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(why)?;
        }
        std::fs::create_dir_all(&folder).map_err(why)?;
        let port = (0..64)
            .map(|_| 20_000 + u16::try_from(chance.below(12_000)).unwrap_or(0))
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
            .ok_or("no free port between 20000 and 32000")?;
        std::fs::write(folder.join("catalogue.toml"), catalogue_of_all(port)).map_err(why)?;
        Ok(Self { binary, folder, port })
    }

    /// The data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Another file of this site.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Removes it all.
    ///
    /// # Errors
    /// The folder cannot be removed.
    pub(super) fn remove(self) -> Result<(), String> {
        std::fs::remove_dir_all(&self.folder).map_err(|fault| format!("{}: {fault}", self.folder.display()))
    }

    /// The arguments that start the server here.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        vec![
            "dev".into(),
            "--json".into(),
            "--listen".into(),
            format!("127.0.0.1:{}", self.port).into(),
            "--data".into(),
            self.data().into(),
            "--catalogue".into(),
            self.file("catalogue.toml").into(),
        ]
    }

    /// The server, started by itself.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(self.arguments());
        command
    }

    /// The command line, as an operator beside the server uses it; whether it said that it was done.
    pub(super) fn operate(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--data").arg(self.data());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// `portvakt apply` with a catalogue of one client; whether it said that it was done.
    pub(super) fn register(&self, client_id: &str) -> bool {
        self.apply(&catalogue(self.port, client_id))
    }

    /// `portvakt apply` with a catalogue that gives the scope, or withdraws it; whether it said that it was done.
    pub(super) fn give_scope(&self, given: bool) -> bool {
        self.apply(&catalogue_of_scope(self.port, given))
    }

    fn apply(&self, catalogue: &str) -> bool {
        let file = self.file("registration.toml");
        let written = std::fs::write(&file, catalogue);
        written.is_ok() && file.to_str().is_some_and(|file| self.operate(&["apply", file]))
    }

    /// What an operator does here.
    pub(super) fn desk(&self) -> Desk {
        let (registering, giving) = (self.clone(), self.clone());
        Desk {
            register: Arc::new(move |client_id| registering.register(client_id)),
            give_scope: Arc::new(move |given| giving.give_scope(given)),
        }
    }

    /// What an operator would find, when no server runs: `portvakt db check`.
    ///
    /// # Errors
    /// It finds something that should not be there.
    pub(super) fn checked(&self) -> Outcome {
        let file = self.file("portvakt.toml");
        let (data, port) = (self.data(), self.port);
        let text = format!(
            r#"data = "{}"
[[listeners]]
address = "127.0.0.1:{port}"
[[issuers]]
issuer = "http://localhost:{port}/idporten-oidc-provider/"
profile = "pilot"
environment = "development"
terms = "demo"
[[issuers]]
issuer = "http://localhost:{port}"
profile = "idporten"
environment = "development"
terms = "demo"
"#,
            data.display()
        );
        std::fs::write(&file, text).map_err(|fault| format!("{}: {fault}", file.display()))?;
        output(Command::new(&self.binary).args(["db", "check", "--config"]).arg(&file))?;
        println!("portvakt db check finds nothing");
        Ok(())
    }

    /// Starts a server that may be killed before it is ready.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(super) fn launch(&self, mut command: Command) -> Result<Server, String> {
        let log = self.file("server.log");
        let errors = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|fault| format!("{}: {fault}", log.display()))?;
        // A group of its own, so that a tracer and what it traces end together.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).process_group(0);
        let child = command
            .spawn()
            .map_err(|fault| format!("{} cannot be started: {fault}", self.binary.display()))?;
        Ok(Server { child, log })
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// It does not become ready.
    pub(super) fn start(&self) -> Result<(Server, Ready), String> {
        let mut server = self.launch(self.command())?;
        let ready = server.ready()?;
        Ok((server, ready))
    }
}

/// A running server. Whatever happens to its owner, it is killed.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Waits for the line that says it is ready.
    ///
    /// # Errors
    /// It ended, or is not ready in 30 s; the message has the end of its log.
    pub(super) fn ready(&mut self) -> Result<Ready, String> {
        let output = self.child.stdout.take().ok_or("the server was already asked")?;
        let (told, tells) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(output).read_line(&mut line);
            let _ = told.send(read.map(|_| line));
        });
        let line = match tells.recv_timeout(PATIENCE) {
            Ok(Ok(line)) => line,
            Ok(Err(fault)) => return Err(self.complaint(&fault.to_string())),
            Err(_) => return Err(self.complaint("not ready in 30 s")),
        };
        let told =
            serde_json::from_str(&line).map_err(|fault| self.complaint(&format!("{fault}: {line:?}")))?;
        Ok(Ready(told))
    }

    fn complaint(&self, why: &str) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n");
        format!("the server did not start: {why}\n{end}")
    }

    /// `kill -9`, and waits until it is gone.
    pub(super) fn kill(self) {
        drop(self);
    }

    /// SIGTERM, and waits until it has ended in order.
    ///
    /// # Errors
    /// It does not end in 30 s; then it is killed.
    pub(super) fn end(mut self) -> Result<(), String> {
        let _ = self.signal(Signal::TERM);
        for _ in 0..300 {
            if self.child.try_wait().map_err(|fault| fault.to_string())?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(self.complaint("SIGTERM did not end it"))
    }

    /// SIGSTOP: it stands still, until [`Server::go_on`].
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn pause(&self) -> Result<(), String> {
        self.signal(Signal::STOP).map_err(|fault| format!("the server cannot be paused: {fault}"))
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn go_on(&self) -> Result<(), String> {
        self.signal(Signal::CONT).map_err(|fault| format!("the server cannot go on: {fault}"))
    }

    fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        id.map_or(Ok(()), |id| kill_process_group(id, signal))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Once it has been waited for, its number may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// The line a server of `portvakt dev --json` prints when it is ready.
#[derive(Clone, Debug)]
pub(super) struct Ready(Value);

impl Ready {
    /// Those who load the server: at both issuers, with refresh tokens that rotate and such as stay, with the scope and without.
    ///
    /// # Errors
    /// As [`Ready::relying_party`].
    pub(super) fn parties(&self) -> Result<Parties, String> {
        let [pilot, current] =
            [self.relying_party("pilot", &CLIENT)?.at, self.relying_party("idporten", &CLIENT)?.at];
        Ok(Parties::at(pilot, current))
    }

    /// The relying party registered as `client_id`, at the issuer of that profile.
    ///
    /// # Errors
    /// There is no such issuer, or it has no discovery document.
    pub(super) fn relying_party(&self, profile: &str, client: &Registered) -> Result<RelyingParty, String> {
        let issuer = self
            .0
            .get("issuers")
            .and_then(Value::as_array)
            .and_then(|all| {
                all.iter().find(|one| one.get("profile").and_then(Value::as_str) == Some(profile))
            })
            .and_then(|one| one.get("issuer").and_then(Value::as_str))
            .ok_or_else(|| format!("no issuer of profile {profile} in {}", self.0))?;
        Ok(client.at(Endpoints::discover(issuer)?))
    }
}

/// A client as [`catalogue()`] registers it, at both issuers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registered {
    /// Its `client_id`.
    pub(super) client_id: &'static str,
    secret: &'static str,
    redirect_uri: &'static str,
}

impl Registered {
    /// The relying party at that issuer.
    pub(super) fn at(&self, at: Endpoints) -> RelyingParty {
        RelyingParty {
            at,
            client_id: self.client_id.to_owned(),
            secret: self.secret.to_owned(),
            redirect_uri: self.redirect_uri.to_owned(),
            pkce: true,
            scope: LOGIN_SCOPES.to_owned(),
        }
    }
}

/// Those who load a site, and who introspects.
#[derive(Clone, Debug)]
pub(super) struct Parties {
    /// At both issuers, with refresh tokens that rotate and such as stay, with the scope and without.
    pub(super) clients: [RelyingParty; 4],
    /// Who may introspect tokens with the scope.
    pub(super) reader: RelyingParty,
}

impl Parties {
    /// At these issuers: the pilot's and the current edition's.
    pub(super) fn at(pilot: Endpoints, current: Endpoints) -> Self {
        let with_scope =
            RelyingParty { scope: format!("{LOGIN_SCOPES} {SCOPE}"), ..WITH_SCOPE.at(current.clone()) };
        let clients = [CLIENT.at(pilot.clone()), with_scope, REUSING.at(pilot), REUSING.at(current.clone())];
        Self { clients, reader: READER.at(current) }
    }
}

/// The client that loads the server.
pub(super) const CLIENT: Registered = Registered {
    client_id: "torture",
    secret: "a-secret-of-the-torture-client",
    redirect_uri: "http://localhost:3000/callback",
};

/// Its like with refresh tokens that stay when they are used.
pub(super) const REUSING: Registered = Registered { client_id: "torture-reuse", ..CLIENT };

/// Its like at the current edition's issuer alone, with the scope [`SCOPE`].
pub(super) const WITH_SCOPE: Registered = Registered { client_id: "torture-api", ..CLIENT };

/// An API, which may introspect tokens with that scope.
pub(super) const READER: Registered = Registered { client_id: "torture-reader", ..CLIENT };

/// The scope that the clients' organisation is given and loses.
pub(super) const SCOPE: &str = "torture:api";

/// Synthetic persons.
pub(super) const PERSONS: [&str; 4] = ["21879498012", "20914695016", "28816196088", "05895894984"];
