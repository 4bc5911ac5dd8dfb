//! etcd: who is primary stands there. One server; an operator has three.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::account::Account;
use crate::asked::status_of;
use crate::debian::program;
use crate::ports::free_port;
use crate::process::{Launch, Process, Signal};
use crate::template::fitted;

const FILE: &str = include_str!("../../../examples/cluster/etcd.env");

/// It starts in a second; a busy disk may take its time.
const START: Duration = Duration::from_secs(60);

/// A running etcd.
#[derive(Debug)]
pub(crate) struct Etcd {
    process: Process,
    port: u16,
}

impl Etcd {
    /// Starts it in `folder/etcd`.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub(crate) fn start(folder: &Path, account: Account) -> Result<Self, String> {
        let own = folder.join("etcd");
        let (port, peers) = (free_port()?, free_port()?);
        let file = configuration(port, peers, &own.join("data"))?;
        fs::create_dir_all(&own)
            .and_then(|()| fs::write(own.join("etcd.env"), &file))
            .map_err(|error| format!("{}: {error}", own.display()))?;
        let mut launch = Launch::new("etcd", program("etcd", "etcd-server")?, &own);
        for (name, value) in variables(&file) {
            launch = launch.env(name, value);
        }
        let mut process = launch.account(account).ends_by(Signal::TERM).start()?;
        process.wait_ready(START, || status_of(port, "/health") == Some(200))?;
        Ok(Self { process, port })
    }

    /// Where it is asked.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When it has ended: the end of its log.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.process.ended().map_or(Ok(()), |status| Err(self.process.with_log(&format!("ended ({status})"))))
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// When it had to be killed.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        self.process.end(Signal::TERM, Duration::from_secs(10))
    }
}

/// The file, fitted.
fn configuration(port: u16, peers: u16, data: &Path) -> Result<String, String> {
    let changes = [
        ("/var/lib/etcd/portvakt", data.display().to_string()),
        ("10.0.0.11:2379", format!("127.0.0.1:{port}")),
        ("10.0.0.11:2380", format!("127.0.0.1:{peers}")),
    ];
    fitted(FILE, &changes.each_ref().map(|(from, to)| (*from, to.as_str())))
}

/// The variables that the file sets, as the shell and systemd read them.
fn variables(file: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name, value.trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_example_is_left_and_a_value_may_hold_an_equals_sign() {
        let file = configuration(2001, 2002, Path::new("/x/data")).unwrap();
        let set: Vec<_> = variables(&file).collect();
        assert!(set.iter().all(|(_, value)| !value.contains("10.0.0.")), "{set:?}");
        assert!(set.contains(&("ETCD_DATA_DIR", "/x/data")));
        assert!(set.contains(&("ETCD_INITIAL_CLUSTER", "etcd1=http://127.0.0.1:2002")));
        assert!(set.contains(&("ETCD_LISTEN_CLIENT_URLS", "http://127.0.0.1:2001")));
    }
}
