//! PgBouncer in transaction mode, between the nodes and HAProxy's way to the primary.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::account::Account;
use crate::debian::program;
use crate::password::{Password, write_secret};
use crate::process::{Launch, Process, Signal};
use crate::template::fitted;

const FILE: &str = include_str!("../../../examples/cluster/pgbouncer.ini");

/// A running PgBouncer.
#[derive(Debug)]
pub(crate) struct PgBouncer {
    process: Process,
}

impl PgBouncer {
    /// Starts it in `folder/pgbouncer` on `port`, for the role `portvakt` with `run`. `primary` is the port that leads to the primary.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub(crate) fn start(
        folder: &Path,
        port: u16,
        primary: u16,
        run: &Password,
        account: Account,
    ) -> Result<Self, String> {
        let own = folder.join("pgbouncer");
        let users = own.join("userlist.txt");
        let file = configuration(port, primary, &users)?;
        fs::create_dir_all(&own)
            .and_then(|()| fs::write(own.join("pgbouncer.ini"), file))
            .map_err(|error| format!("{}: {error}", own.display()))?;
        write_secret(&users, &format!("\"portvakt\" \"{}\"\n", run.expose()), account)?;
        let launch = Launch::new("pgbouncer", program("pgbouncer", "pgbouncer")?, &own);
        let mut process = launch.args(["pgbouncer.ini"]).account(account).ends_by(Signal::TERM).start()?;
        process.wait_ready(Duration::from_secs(30), || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })?;
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
fn configuration(port: u16, primary: u16, users: &Path) -> Result<String, String> {
    let changes = [
        ("port=5000", format!("port={primary}")),
        ("listen_addr = 10.0.0.10", "listen_addr = 127.0.0.1".to_owned()),
        ("listen_port = 6432", format!("listen_port = {port}")),
        ("/etc/pgbouncer/userlist.txt", users.display().to_string()),
    ];
    fitted(FILE, &changes.each_ref().map(|(from, to)| (*from, to.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::settings_of;

    #[test]
    fn nothing_of_the_example_is_left() {
        let file = configuration(2001, 2002, Path::new("/x/userlist.txt")).unwrap();
        let set: Vec<&str> = settings_of(&file, ";").collect();
        assert!(set.iter().all(|line| !line.contains("10.0.0.") && !line.contains("/etc/")), "{file}");
        for line in [
            "portvakt = host=127.0.0.1 port=2002 dbname=portvakt",
            "listen_port = 2001",
            "auth_file = /x/userlist.txt",
            "pool_mode = transaction",
        ] {
            assert!(set.contains(&line), "{line} is missing in\n{file}");
        }
    }
}
