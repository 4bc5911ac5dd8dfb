//! A server as its operator has it: a folder with a configuration, the process, and what it logs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use portvakt_testkit::{Call, Wire};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a scene waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two issuers behind a proxy on this machine, so that neither depends on the port.
pub(crate) const TWO_ISSUERS: &str = r#"
data = "data"

[[listeners]]
address = "127.0.0.1:0"
trusted_proxies = ["127.0.0.1"]

[[issuers]]
issuer = "https://pilot.example/idporten-oidc-provider/"
profile = "pilot"
environment = "development"
terms = "1"
testid = { pools = ["a"] }
key_lead = "1s"

[[issuers]]
issuer = "https://current.example"
profile = "idporten"
environment = "test"
terms = "1"
"#;

/// The binary with these arguments, run to its end.
pub(crate) fn portvakt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portvakt"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

/// What a command wrote to standard error.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command wrote to standard output, as JSON.
pub(crate) fn told(output: &Output) -> Value {
    assert!(output.status.success(), "{}", complaint(output));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// A folder that holds a configuration.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A folder with this configuration.
    pub(crate) fn with(config: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        desk.configure(config);
        desk
    }

    /// Replaces the configuration.
    pub(crate) fn configure(&self, config: &str) {
        self.write("portvakt.toml", config);
    }

    /// Writes a file beside it, its owner's alone.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
        self.chmod(name, 0o600);
    }

    /// Changes a file's mode.
    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(name), mode).expect("its mode changed");
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration's path, as an argument.
    pub(crate) fn config(&self) -> String {
        self.path("portvakt.toml").display().to_string()
    }

    /// A command on this configuration, run to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let config = self.config();
        portvakt(&[arguments, &["--config", &config]].concat())
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn serve(&self) -> Server {
        let (server, log) = self.try_serve();
        server.unwrap_or_else(|code| panic!("the server ended with {code:?}:\n{}", log.join("\n")))
    }

    /// Starts the server, and waits until it listens or has ended.
    pub(crate) fn try_serve(&self) -> (Result<Server, Option<i32>>, Vec<String>) {
        let child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
            .args(["serve", "--config", &self.config()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("it starts");
        let lines = lines(BufReader::new(child.stderr.take().expect("its stderr")));
        let mut log = Vec::new();
        let mut server = Server { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), lines };
        while let Ok(line) = server.lines.recv_timeout(PATIENCE) {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            log.push(line);
            if event["message"] == "listening" {
                server.address = event["address"].as_str().expect("an address").parse().expect("an address");
                return (Ok(server), log);
            }
        }
        let code = server.child.wait().expect("its end").code();
        (Err(code), log)
    }
}

/// The lines of a stream, as they come.
pub(crate) fn lines(stream: impl BufRead + Send + 'static) -> Receiver<String> {
    let (line, lines) = channel();
    std::thread::spawn(move || {
        for read in stream.lines().map_while(Result::ok) {
            if line.send(read).is_err() {
                return;
            }
        }
    });
    lines
}

/// A running server. It is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    lines: Receiver<String>,
}

impl Server {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A wire to it, as its proxy has one: whatever host is asked for.
    pub(crate) fn wire(&self, hosts: &[&str]) -> Wire {
        Wire::sockets(hosts.iter().map(|host| ((*host).to_owned(), self.address)))
    }

    /// What it answers at a URL, asked through its proxy.
    pub(crate) async fn get(&self, url: &str) -> portvakt_testkit::Reply {
        let host = url.split('/').nth(2).expect("a host");
        self.wire(&[host]).call(forwarded(Call::get(url))).await
    }

    /// The `kid`s in an issuer's JWK Set.
    pub(crate) async fn kids(&self, jwks_uri: &str) -> Vec<String> {
        kids(&self.get(jwks_uri).await.json())
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, which: Signal) {
        signal(self.child.id(), which);
    }

    /// Waits for its end: its exit code, and what it logged since it listened.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().expect("its end").code();
        (code, self.lines.iter().collect())
    }

    /// Asks it to end, and expects that it does so in good order.
    pub(crate) fn stop(self) {
        self.terminate();
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends SIGTERM.
pub(crate) fn terminate(id: u32) {
    signal(id, Signal::TERM);
}

fn signal(id: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(id).expect("a process id")).expect("a process id");
    kill_process(pid, signal).expect("signalled");
}

/// A call as a proxy that terminates TLS passes it on.
pub(crate) fn forwarded(call: Call) -> Call {
    let host = call.url.split('/').nth(2).expect("a host").to_owned();
    call.header("x-forwarded-proto", "https")
        .header("x-forwarded-host", &host)
        .header("x-forwarded-for", "192.0.2.7")
}

/// The `kid`s of a JWK Set.
pub(crate) fn kids(jwks: &Value) -> Vec<String> {
    let keys = jwks["keys"].as_array().expect("keys");
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}
