//! A double as its developer has it: the process, what it says when it is ready, and what it says after that.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use portvakt_testkit::{Call, Wire};
use serde_json::Value;

use crate::server::{lines, terminate};

/// How long a scene waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `portvakt dev --json` on a free port. It is killed when this is dropped.
pub(super) struct Double {
    child: Child,
    /// The line that it printed.
    pub(super) ready: Value,
    errors: Receiver<String>,
    /// Its folder for temporary folders.
    pub(super) temporary: tempfile::TempDir,
}

impl Double {
    /// Starts it, and waits until it is ready.
    pub(super) fn with(arguments: &[&str]) -> Self {
        Self::on("0", arguments)
    }

    /// Starts it on this port.
    pub(super) fn on(port: &str, arguments: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_portvakt"))
            .args(["dev", "--listen", port, "--json"])
            .args(arguments)
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = lines(BufReader::new(child.stderr.take().unwrap()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("not ready: {:?}", errors.iter().collect::<Vec<_>>()));
        Self { child, ready, errors, temporary }
    }

    /// The pilot's issuer, and the current edition's.
    pub(super) fn issuer(&self, at: usize) -> &str {
        self.ready["issuers"][at]["issuer"].as_str().unwrap()
    }

    /// A client as it was told, at the issuer of that number.
    pub(super) fn client(&self, at: usize, client_id: &str) -> &Value {
        let issuer = self.issuer(at);
        let clients = self.ready["clients"].as_array().unwrap();
        let found = clients.iter().find(|one| one["issuer"] == issuer && one["client_id"] == client_id);
        found.unwrap_or_else(|| panic!("no client {client_id} at {issuer}: {clients:?}"))
    }

    /// Its port.
    pub(super) fn port(&self) -> &str {
        self.issuer(1).rsplit_once(':').unwrap().1
    }

    /// What it answers.
    pub(super) async fn call(&self, call: Call) -> portvakt_testkit::Reply {
        let authority = self.issuer(1).strip_prefix("http://").unwrap();
        let port: u16 = self.port().parse().unwrap();
        Wire::sockets([(authority.to_owned(), ([127, 0, 0, 1], port).into())]).call(call).await
    }

    /// The error that a code nobody has is answered with: `invalid_grant` if the client is who it says it is, else
    /// `invalid_client`.
    pub(super) async fn recognises(&self, at: usize, client_id: &str, secret: &str) -> String {
        let url = format!("{}/token", self.issuer(at).trim_end_matches('/'));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", "nobodys"),
            ("redirect_uri", "http://localhost:4000/cb"),
        ];
        let reply = self.call(Call::post(&url, &form).basic(client_id, secret)).await;
        reply.json()["error"].as_str().unwrap().to_owned()
    }

    /// Waits for a line with these words on standard error; answers what was said until then, with it.
    pub(super) fn says(&self, words: &str) -> String {
        let (mut said, begun) = (String::new(), Instant::now());
        while let Ok(line) = self.errors.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
            said.push_str(&line);
            said.push('\n');
            if line.contains(words) {
                return said;
            }
        }
        panic!("it did not say {words:?}, but:\n{said}");
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub(super) fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Asks it to end, and expects that it does so in good order and leaves nothing.
    pub(super) fn stop(mut self) {
        terminate(self.id());
        assert_eq!(self.ended(), Some(0));
        assert!(is_empty(self.temporary.path()), "the temporary folder is gone");
    }
}

/// Whether a folder holds nothing.
pub(super) fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().count() == 0
}

impl Drop for Double {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
