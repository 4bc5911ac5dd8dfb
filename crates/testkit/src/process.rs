//! The real binary as a child process, spoken to over its socket.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portvakt_crypto::random::Random;
use serde_json::Value;

use crate::call::split;
use crate::relying_party::{RelyingParty, Service};
use crate::wire::Wire;

/// A running server. It is killed when this is dropped.
pub struct Process {
    child: Child,
    ready: Value,
    wire: Wire,
    terminal: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `portvakt dev --json` on a free port, with more arguments, and waits until it says that it is ready.
    ///
    /// # Panics
    /// If it does not.
    pub fn dev(binary: &Path, arguments: &[&str]) -> Self {
        Self::started(binary, arguments, Stdio::null())
    }

    /// The same, with what it writes to its terminal kept for [`Process::terminal`].
    ///
    /// # Panics
    /// If it does not start.
    pub fn dev_watched(binary: &Path, arguments: &[&str]) -> Self {
        let mut process = Self::started(binary, arguments, Stdio::piped());
        let lines = BufReader::new(process.child.stderr.take().expect("its stderr")).lines();
        let terminal = Arc::clone(&process.terminal);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                terminal.lock().expect("the terminal").push(line);
            }
        });
        process
    }

    fn started(binary: &Path, arguments: &[&str], stderr: Stdio) -> Self {
        let mut child = Command::new(binary)
            .args(["dev", "--json", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its stdout");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("one line of JSON when ready");
        let authorities = list(&ready, "issuers").into_iter().filter_map(|issuer| {
            let (_, authority, _) = split(issuer.get("issuer")?.as_str()?);
            let (_, port) = authority.rsplit_once(':')?;
            Some((authority.to_owned(), SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?))))
        });
        let wire = Wire::sockets(authorities.collect::<Vec<_>>());
        Self { child, ready, wire, terminal: Arc::default() }
    }

    /// What it said when it was ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// The wire to it.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The lines that it wrote to its terminal, once one of them holds `awaited`. Only of one that is watched.
    ///
    /// # Panics
    /// If none does within ten seconds.
    pub async fn terminal(&self, awaited: &str) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let lines = self.terminal.lock().expect("the terminal").clone();
            if lines.iter().any(|line| line.contains(awaited)) {
                return lines;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "no {awaited} among {lines:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its process id, for signals and measurements.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The issuers it serves.
    pub fn issuers(&self) -> Vec<String> {
        let issuers = list(&self.ready, "issuers");
        issuers.iter().filter_map(|issuer| issuer.get("issuer")?.as_str().map(str::to_owned)).collect()
    }

    /// The first confidential client that it names for an issuer.
    ///
    /// # Panics
    /// If there is none.
    pub async fn service(&self, issuer: &str) -> RelyingParty {
        let clients = list(&self.ready, "clients");
        let found = clients.iter().find_map(|client| {
            let text = |name| client.get(name).and_then(Value::as_str).map(str::to_owned);
            let redirect_uri = client.get("redirect_uris")?.as_array()?.first()?.as_str()?.to_owned();
            let here = text("issuer").is_none_or(|named| named == issuer);
            here.then_some(Service {
                client_id: text("client_id")?,
                secret: Some(text("client_secret")?),
                method: text("token_endpoint_auth_method")
                    .unwrap_or_else(|| "client_secret_basic".to_owned()),
                redirect_uri,
            })
        });
        let service = found.unwrap_or_else(|| panic!("no confidential client at {issuer}"));
        RelyingParty::discover(&self.wire, issuer, service, Random::system()).await
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn list(ready: &Value, name: &str) -> Vec<Value> {
    ready.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}
