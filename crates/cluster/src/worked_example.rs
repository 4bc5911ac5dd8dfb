//! The worked example of `docs/operations.md`, run: three PostgreSQL servers under Patroni and etcd, HAProxy and PgBouncer before
//! them, and HAProxy's doors for three nodes, which whoever starts this brings.
//!
//! ```text
//!   HTTP ──> HAProxy ──> node1, node2, node3 ──> PgBouncer ──> HAProxy ──> the primary of pg1, pg2, pg3 ──> its synchronous standby
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::etcd::Etcd;
use crate::haproxy::{Doors, HaProxy};
use crate::password::Password;
use crate::patroni::{MemberName, Patroni};
use crate::pgbouncer::PgBouncer;
use crate::ports::free_port;
use crate::programs::run;
use crate::template::fitted;

const ROLES: &str = include_str!("../../../examples/cluster/roles.sql");

/// What [`WorkedExample::await_new_primary`] writes to: a row of our own, in a database that nothing else uses.
const PROBE: &str = "CREATE TABLE IF NOT EXISTS written (at timestamptz NOT NULL)";

/// How long three members may take to find each other at the start.
const START: Duration = Duration::from_secs(120);

/// How often a new primary is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// All of it but the nodes. Dropping it ends it; [`WorkedExample::stop`] does so in order.
#[derive(Debug)]
pub struct WorkedExample {
    // In the order in which they are dropped.
    pgbouncer: PgBouncer,
    haproxy: HaProxy,
    patroni: Patroni,
    etcd: Etcd,
    folder: PathBuf,
    doors: Doors,
    pooled: u16,
    nodes: [u16; 3],
    owner: Password,
    node: Password,
}

/// A primary that was killed.
#[derive(Clone, Copy, Debug)]
pub struct Killed {
    /// Which it was.
    pub member: MemberName,
    /// When.
    pub at: Instant,
}

/// How a new primary came.
#[derive(Clone, Copy, Debug)]
pub struct Failover {
    /// Which it is.
    pub primary: MemberName,
    /// From the kill until Patroni called it primary.
    pub promoted: Duration,
    /// From the kill until a commit was answered through HAProxy, on two disks.
    pub writes: Duration,
}

impl WorkedExample {
    /// Starts it in `folder`, one folder below it for each server, and waits until there is a primary with two standbys, one of them
    /// synchronous. There is an empty database `portvakt` then, owned by the role `portvakt_owner`; the nodes' role is `portvakt`.
    ///
    /// # Errors
    /// When something is not installed (the message holds the command) or does not start (the end of its log), or when the account
    /// that servers run under cannot reach the folder.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let account = Account::of_servers()?;
        let made = |error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(made)?;
        let folder = fs::canonicalize(folder).map_err(made)?;
        account.give(&folder)?;
        let mut reach = account.command("test");
        reach.arg("-x").arg(&folder);
        run(reach, "").map_err(|_| {
            format!("servers do not run as root, and the account that they run under cannot reach {}: choose another folder", folder.display())
        })?;
        let doors = Doors { primary: free_port()?, http: free_port()?, status: free_port()? };
        let (pooled, nodes) = (free_port()?, [free_port()?, free_port()?, free_port()?]);
        let (owner, node) = (Password::draw()?, Password::draw()?);

        let etcd = Etcd::start(&folder, account)?;
        let mut patroni = Patroni::start(&folder, etcd.port(), account)?;
        let haproxy = HaProxy::start(&folder, doors, |name| patroni.ports(name), nodes, account)?;
        let pgbouncer = PgBouncer::start(&folder, pooled, doors.primary, &node, account)?;
        patroni.await_healthy(START)?;
        let mut example =
            Self { pgbouncer, haproxy, patroni, etcd, folder, doors, pooled, nodes, owner, node };
        example.await_door()?;
        example.sql("postgres", &roles(&example.owner, &example.node)?)?;
        example.sql("postgres", PROBE)?;
        Ok(example)
    }

    /// Its folder, canonical.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The three ports of 127.0.0.1 on which HAProxy looks for nodes: `GET /health/ready` says whether one gets requests.
    #[must_use]
    pub fn node_ports(&self) -> [u16; 3] {
        self.nodes
    }

    /// HAProxy's port for HTTP, which leads to a node that is ready.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.doors.http
    }

    /// HAProxy's status page.
    #[must_use]
    pub fn status_page(&self) -> String {
        format!("http://127.0.0.1:{}/", self.doors.status)
    }

    /// The database as nodes reach it, through PgBouncer in transaction mode, without the password.
    #[must_use]
    pub fn node_url(&self) -> String {
        format!("postgres://portvakt@127.0.0.1:{}/portvakt", self.pooled)
    }

    /// The password of the nodes' role.
    #[must_use]
    pub fn node_password(&self) -> &Password {
        &self.node
    }

    /// The database as its owner reaches it, on the primary, through HAProxy alone, without the password.
    #[must_use]
    pub fn owner_url(&self) -> String {
        format!("postgres://portvakt_owner@127.0.0.1:{}/portvakt", self.doors.primary)
    }

    /// The password of the owner.
    #[must_use]
    pub fn owner_password(&self) -> &Password {
        &self.owner
    }

    /// The port of Patroni's REST interface on a member: `/primary`, `/replica` and `/sync` answer 200 where it is that, and `/cluster`
    /// shows all three.
    #[must_use]
    pub fn patroni_port(&self, name: MemberName) -> u16 {
        self.patroni.ports(name).patroni
    }

    /// The port of a member's PostgreSQL.
    #[must_use]
    pub fn postgres_port(&self, name: MemberName) -> u16 {
        self.patroni.ports(name).postgres
    }

    /// The log of a member: Patroni's and PostgreSQL's.
    #[must_use]
    pub fn member_log(&self, name: MemberName) -> PathBuf {
        Patroni::log(&self.folder, name)
    }

    /// Runs statements on the primary as the superuser and answers their rows: fields parted by `|`, one row a line. It takes 10 s at
    /// most.
    ///
    /// # Errors
    /// When there is no primary, or it refuses a statement: its words.
    pub fn sql(&self, database: &str, text: &str) -> Result<String, String> {
        self.patroni.sql(self.doors.primary, database, text)
    }

    /// Who is primary; nobody during a failover.
    #[must_use]
    pub fn primary(&self) -> Option<MemberName> {
        self.patroni.primary()
    }

    /// `kill -9` of the primary's PostgreSQL and its Patroni together, as when the machine goes. It stays down until
    /// [`WorkedExample::restart`]. Wait for [`WorkedExample::await_healthy`] first: without a synchronous standby nobody may take over.
    ///
    /// # Errors
    /// When there is no primary.
    pub fn kill_primary(&mut self) -> Result<Killed, String> {
        let member = self.primary().ok_or("there is no primary to kill")?;
        let at = Instant::now();
        self.patroni.kill(member);
        Ok(Killed { member, at })
    }

    /// Waits until another member is primary and has answered a commit.
    ///
    /// # Errors
    /// When `within` has passed since the kill.
    pub fn await_new_primary(&self, killed: Killed, within: Duration) -> Result<Failover, String> {
        let mut promoted = None;
        loop {
            promoted = promoted.or_else(|| self.primary().map(|primary| (primary, killed.at.elapsed())));
            if let Some((primary, promoted)) = promoted
                && self.write().is_ok()
            {
                return Ok(Failover { primary, promoted, writes: killed.at.elapsed() });
            }
            if killed.at.elapsed() >= within {
                let told = self.write().err().unwrap_or_default();
                return Err(format!(
                    "{within:.0?} after {} was killed: primary since {promoted:?}, and no write: {told}",
                    killed.member.as_str()
                ));
            }
            sleep(LOOK);
        }
    }

    /// The members that somebody else has killed since this was last asked (Patroni, at least; what was left of them is killed too). They
    /// stay down until [`WorkedExample::restart`].
    ///
    /// # Errors
    /// When etcd, PgBouncer or HAProxy has ended: the end of its log.
    pub fn fallen(&mut self) -> Result<Vec<MemberName>, String> {
        self.etcd.check()?;
        self.pgbouncer.check()?;
        self.haproxy.check()?;
        Ok(self.patroni.fallen())
    }

    /// Starts a member that was killed. It comes back as a standby; wait for it with [`WorkedExample::await_healthy`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart(&mut self, member: MemberName) -> Result<(), String> {
        self.patroni.restart(member)
    }

    /// Waits until there is a primary with two standbys that follow it, one of them synchronous, and says how long that took.
    ///
    /// # Errors
    /// When that is not so `within` that time, or a member has ended: the end of its log.
    pub fn await_healthy(&mut self, within: Duration) -> Result<Duration, String> {
        self.patroni.await_healthy(within)
    }

    /// Ends it in order: first whoever asks the database, then its members together, then etcd.
    ///
    /// # Errors
    /// When something had to be killed.
    pub fn stop(mut self) -> Result<(), String> {
        let ended = [self.pgbouncer.stop(), self.haproxy.stop(), self.patroni.stop(), self.etcd.stop()];
        ended.into_iter().collect()
    }

    /// One commit through HAProxy; it is answered when it is on two disks.
    fn write(&self) -> Result<(), String> {
        self.sql("postgres", "INSERT INTO written VALUES (now())").map(drop)
    }

    /// Waits until HAProxy has seen who is primary.
    fn await_door(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.sql("postgres", "SELECT NOT pg_is_in_recovery()") {
                Ok(answer) if answer == "t" => return Ok(()),
                told if begun.elapsed() >= START => {
                    return Err(format!("HAProxy leads to no primary: {told:?}"));
                }
                _ => sleep(LOOK),
            }
        }
    }
}

/// `roles.sql`, fitted.
fn roles(owner: &Password, node: &Password) -> Result<String, String> {
    fitted(ROLES, &[("owner-password", owner.expose()), ("run-password", node.expose())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::settings_of;

    #[test]
    fn no_password_of_the_example_is_left() {
        let (owner, node) = (Password::draw().unwrap(), Password::draw().unwrap());
        let roles = roles(&owner, &node).unwrap();
        assert!(
            settings_of(&roles, "--").all(|line| !line.contains("-password")),
            "the example's own password"
        );
        assert!(roles.contains(owner.expose()) && roles.contains(node.expose()));
    }
}
