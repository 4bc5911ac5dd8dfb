//! HAProxy: leads PgBouncer to whoever is primary, and HTTP to any node that is ready.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::account::Account;
use crate::asked::status_of;
use crate::debian::program;
use crate::patroni::{MemberName, Ports};
use crate::process::{Launch, Process, Signal};
use crate::programs::run;
use crate::template::fitted;

const FILE: &str = include_str!("../../../examples/cluster/haproxy.cfg");

/// What it listens on, on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doors {
    /// Leads to the primary.
    pub(crate) primary: u16,
    /// Leads to a node.
    pub(crate) http: u16,
    /// Its status page.
    pub(crate) status: u16,
}

/// A running HAProxy.
#[derive(Debug)]
pub(crate) struct HaProxy {
    process: Process,
}

impl HaProxy {
    /// Starts it in `folder/haproxy`. It looks for nodes on the ports `nodes`, from now on; they need not be there yet.
    ///
    /// # Errors
    /// When it is not installed, refuses its file (its words) or does not start.
    pub(crate) fn start(
        folder: &Path,
        doors: Doors,
        members: impl Fn(MemberName) -> Ports,
        nodes: [u16; 3],
        account: Account,
    ) -> Result<Self, String> {
        let own = folder.join("haproxy");
        let binary = program("haproxy", "haproxy")?;
        let file = own.join("haproxy.cfg");
        let text = configuration(doors, MemberName::ALL.map(members), nodes)?;
        fs::create_dir_all(&own)
            .and_then(|()| fs::write(&file, text))
            .map_err(|error| format!("{}: {error}", own.display()))?;
        let mut check = Command::new(&binary);
        check.arg("-c").arg("-q").arg("-f").arg(&file);
        run(check, "")?;
        // In the foreground.
        let launch = Launch::new("haproxy", &binary, &own).args(["-db", "-f", "haproxy.cfg"]);
        let mut process = launch.account(account).ends_by(Signal::TERM).start()?;
        process.wait_ready(Duration::from_secs(30), || status_of(doors.status, "/") == Some(200))?;
        Ok(Self { process })
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When it has ended: the end of its log.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.process.ended().map_or(Ok(()), |status| Err(self.process.with_log(&format!("ended ({status})"))))
    }

    /// Ends it; whoever is connected loses the connection.
    ///
    /// # Errors
    /// When it had to be killed.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        self.process.end(Signal::TERM, Duration::from_secs(10))
    }
}

/// The file, fitted.
fn configuration(doors: Doors, members: [Ports; 3], nodes: [u16; 3]) -> Result<String, String> {
    let [pg1, pg2, pg3] =
        members.map(|ports| format!("127.0.0.1:{} check port {}", ports.postgres, ports.patroni));
    let [node1, node2, node3] = nodes.map(|port| format!("127.0.0.1:{port}"));
    let changes = [
        ("127.0.0.1:5000", format!("127.0.0.1:{}", doors.primary)),
        ("10.0.0.11:5432 check port 8008", pg1),
        ("10.0.0.12:5432 check port 8008", pg2),
        ("10.0.0.13:5432 check port 8008", pg3),
        ("10.0.0.10:443", format!("127.0.0.1:{}", doors.http)),
        // A browser may try ::1 first for localhost; nothing listens there, and it goes on.
        ("X-Forwarded-Proto https", "X-Forwarded-Proto http".to_owned()),
        ("10.0.0.21:8080", node1),
        ("10.0.0.22:8080", node2),
        ("10.0.0.23:8080", node3),
        ("127.0.0.1:8404", format!("127.0.0.1:{}", doors.status)),
    ];
    fitted(FILE, &changes.each_ref().map(|(from, to)| (*from, to.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::settings_of;

    #[test]
    fn nothing_of_the_example_is_left() {
        let doors = Doors { primary: 2001, http: 2002, status: 2003 };
        let members = [1, 2, 3].map(|which| Ports { postgres: 3000 + which, patroni: 4000 + which });
        let file = configuration(doors, members, [5001, 5002, 5003]).unwrap();
        let set: Vec<&str> = settings_of(&file, "#").map(str::trim).collect();
        assert!(set.iter().all(|line| !line.contains("10.0.0.") && !line.contains("https")), "{file}");
        for line in [
            "bind 127.0.0.1:2001",
            "bind 127.0.0.1:2002",
            "bind 127.0.0.1:2003",
            "server pg2 127.0.0.1:3002 check port 4002",
            "http-request set-header X-Forwarded-Proto http",
        ] {
            assert!(set.contains(&line), "{line} is missing in\n{file}");
        }
        let node3 = set.iter().filter(|line| **line == "server node3 127.0.0.1:5003 check").count();
        assert_eq!(node3, 2, "once among the ready, once among the living");
    }

    #[test]
    fn what_a_client_says_of_itself_is_overwritten() {
        for field in ["Proto", "Host", "For"] {
            assert!(FILE.contains(&format!("http-request set-header X-Forwarded-{field} ")), "{field}");
        }
    }
}
