//! PostgreSQL under Patroni: three members, of which one is primary and one its synchronous standby.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::asked::status_of;
use crate::debian::program;
use crate::password::{Password, write_secret};
use crate::ports::free_port;
use crate::process::{Launch, Process, Signal};
use crate::programs::{Programs, run};
use crate::template::fitted;

const FILE: &str = include_str!("../../../examples/cluster/patroni.yml");

/// How often what is awaited is looked at. Each look starts a program or two.
const LOOK: Duration = Duration::from_millis(200);

/// How long a member may take to end in order: a primary hands over what its standbys lack first.
const END: Duration = Duration::from_secs(30);

/// A member of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberName {
    /// The first.
    Pg1,
    /// The second.
    Pg2,
    /// The third.
    Pg3,
}

impl MemberName {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Pg1, Self::Pg2, Self::Pg3];

    /// As Patroni and HAProxy name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pg1 => "pg1",
            Self::Pg2 => "pg2",
            Self::Pg3 => "pg3",
        }
    }
}

/// Passwords of the roles that members need among themselves.
#[derive(Clone, Debug)]
struct Passwords {
    superuser: Password,
    replication: Password,
    rewind: Password,
}

/// Where a member is reached, on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// PostgreSQL.
    pub(crate) postgres: u16,
    /// Patroni's REST interface.
    pub(crate) patroni: u16,
}

#[derive(Debug)]
struct Member {
    name: MemberName,
    ports: Ports,
    launch: Launch,
    /// Patroni and the PostgreSQL it started, which works in the same folder; nothing while it is killed.
    process: Option<Process>,
}

impl Member {
    /// The status of its answer. `/primary`, `/replica` and `/sync` are 200 where it is that and runs.
    fn is(&self, role: &str) -> bool {
        self.process.is_some() && status_of(self.ports.patroni, role) == Some(200)
    }
}

/// The three members.
#[derive(Debug)]
pub(crate) struct Patroni {
    members: [Member; 3],
    programs: Programs,
    superuser: Password,
}

impl Patroni {
    /// Starts them in `folder/pg1` to `pg3`; [`Patroni::await_healthy`] says when they have found each other.
    ///
    /// # Errors
    /// When something is not installed or cannot be started.
    pub(crate) fn start(folder: &Path, etcd: u16, account: Account) -> Result<Self, String> {
        let programs = Programs::newest()?;
        let binary = program("patroni", "patroni")?;
        let passwords = Passwords {
            superuser: Password::draw()?,
            replication: Password::draw()?,
            rewind: Password::draw()?,
        };
        let member = |name: MemberName| -> Result<Member, String> {
            let own = folder.join(name.as_str());
            fs::create_dir_all(&own).map_err(|error| format!("{}: {error}", own.display()))?;
            let ports = Ports { postgres: free_port()?, patroni: free_port()? };
            let file = own.join("patroni.yml");
            write_secret(&file, &configuration(name, ports, etcd, &own, &programs, &passwords)?, account)?;
            let launch =
                Launch::new("patroni", &binary, &own).args([&file]).account(account).ends_by(Signal::TERM);
            let process = Some(launch.start()?);
            Ok(Member { name, ports, launch, process })
        };
        let members = [member(MemberName::Pg1)?, member(MemberName::Pg2)?, member(MemberName::Pg3)?];
        Ok(Self { members, programs, superuser: passwords.superuser })
    }

    /// Where a member is reached.
    pub(crate) fn ports(&self, name: MemberName) -> Ports {
        self.member(name).ports
    }

    /// Where its log is; PostgreSQL's is in it.
    pub(crate) fn log(folder: &Path, name: MemberName) -> PathBuf {
        folder.join(name.as_str()).join("patroni.log")
    }

    /// The member that holds the leader's lock and runs as primary.
    pub(crate) fn primary(&self) -> Option<MemberName> {
        self.members.iter().find(|member| member.is("/primary")).map(|member| member.name)
    }

    /// `kill -9` of a member: PostgreSQL with all its backends and its Patroni together, as when the machine goes.
    pub(crate) fn kill(&mut self, name: MemberName) {
        if let Some(mut process) = self.member_mut(name).process.take() {
            process.kill();
        }
    }

    /// The members that somebody else has killed since this was last asked. What was left of them is killed too: see [`Patroni::kill`].
    pub(crate) fn fallen(&mut self) -> Vec<MemberName> {
        let ended = |member: &mut Member| {
            let ended = member.process.as_mut().is_some_and(|process| process.ended().is_some());
            ended.then_some(member.name)
        };
        let fallen: Vec<MemberName> = self.members.iter_mut().filter_map(ended).collect();
        for name in &fallen {
            self.kill(*name);
        }
        fallen
    }

    /// Starts a member that was killed. It comes back as a standby of whoever is primary.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn restart(&mut self, name: MemberName) -> Result<(), String> {
        let member = self.member_mut(name);
        if member.process.is_none() {
            member.process = Some(member.launch.start()?);
        }
        Ok(())
    }

    /// Whether there is a primary with two standbys that follow it, one of them synchronous.
    fn is_healthy(&self) -> bool {
        let Some(primary) = self.primary() else {
            return false;
        };
        let replicas = self.members.iter().filter(|member| member.is("/replica")).count();
        let sync = self.members.iter().any(|member| member.is("/sync"));
        let following = "SELECT count(*), bool_or(sync_state = 'sync') FROM pg_stat_replication WHERE state = 'streaming'";
        replicas == 2
            && sync
            && self
                .sql(self.ports(primary).postgres, "postgres", following)
                .is_ok_and(|answer| answer == "2|t")
    }

    /// Waits until there is a primary with two standbys that follow it, one of them synchronous.
    ///
    /// # Errors
    /// When that is not so `within` that time, or a member has ended: the end of its log.
    pub(crate) fn await_healthy(&mut self, within: Duration) -> Result<Duration, String> {
        let begun = Instant::now();
        while !self.is_healthy() {
            for member in &mut self.members {
                if let Some(process) = &mut member.process
                    && let Some(status) = process.ended()
                {
                    return Err(process.with_log(&format!("({}) ended ({status})", member.name.as_str())));
                }
            }
            if begun.elapsed() >= within {
                let logs: Vec<String> = self
                    .members
                    .iter()
                    .filter_map(|member| member.process.as_ref())
                    .map(|process| process.with_log("waits for the others"))
                    .collect();
                return Err(format!("the members are not all there after {within:.0?}\n{}", logs.join("\n")));
            }
            sleep(LOOK);
        }
        Ok(begun.elapsed())
    }

    /// Runs statements as the superuser, through a port that leads to PostgreSQL, and answers their rows: fields parted by `|`. It takes
    /// 10 s at most.
    ///
    /// # Errors
    /// When the server is not reached or refuses a statement: its words.
    pub(crate) fn sql(&self, port: u16, database: &str, text: &str) -> Result<String, String> {
        // A commit waits for the synchronous standby, however long that is gone.
        let mut psql = Command::new("timeout");
        psql.args(["-s", "KILL", "10"]).arg(self.programs.path("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql.args(["-d", &format!("postgres://postgres@127.0.0.1:{port}/{database}")]);
        psql.env("PGPASSWORD", self.superuser.expose()).env("PGCONNECT_TIMEOUT", "2");
        psql.env_remove("PGOPTIONS").env_remove("PGSERVICE");
        Ok(run(psql, text)?.trim_end_matches('\n').to_owned())
    }

    /// Ends all three in order, at once: a primary that ends alone would be replaced.
    ///
    /// # Errors
    /// When one had to be killed.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        let running: Vec<Process> =
            self.members.iter_mut().filter_map(|member| member.process.take()).collect();
        let ended: Vec<_> = std::thread::scope(|scope| {
            let ending: Vec<_> = running
                .into_iter()
                .map(|mut process| scope.spawn(move || process.end(Signal::TERM, END)))
                .collect();
            ending
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|_| Err("a member was not ended".into())))
                .collect()
        });
        ended.into_iter().collect()
    }

    fn member(&self, name: MemberName) -> &Member {
        let [pg1, pg2, pg3] = &self.members;
        match name {
            MemberName::Pg1 => pg1,
            MemberName::Pg2 => pg2,
            MemberName::Pg3 => pg3,
        }
    }

    fn member_mut(&mut self, name: MemberName) -> &mut Member {
        let [pg1, pg2, pg3] = &mut self.members;
        match name {
            MemberName::Pg1 => pg1,
            MemberName::Pg2 => pg2,
            MemberName::Pg3 => pg3,
        }
    }
}

/// The file, fitted for one member.
fn configuration(
    name: MemberName,
    ports: Ports,
    etcd: u16,
    own: &Path,
    programs: &Programs,
    passwords: &Passwords,
) -> Result<String, String> {
    let changes = [
        ("name: pg1", format!("name: {}", name.as_str())),
        ("10.0.0.11:8008", format!("127.0.0.1:{}", ports.patroni)),
        ("10.0.0.11:2379", format!("127.0.0.1:{etcd}")),
        ("10.0.0.11:5432", format!("127.0.0.1:{}", ports.postgres)),
        ("10.0.0.0/24", "127.0.0.1/32".to_owned()),
        ("/var/lib/postgresql/portvakt", own.join("data").display().to_string()),
        ("/var/lib/postgresql/portvakt.pgpass", own.join("pgpass").display().to_string()),
        ("/usr/lib/postgresql/15/bin", programs.folder().display().to_string()),
        ("superuser-password", passwords.superuser.expose().to_owned()),
        ("replicator-password", passwords.replication.expose().to_owned()),
        ("rewinder-password", passwords.rewind.expose().to_owned()),
        // Everything in one folder, so that it goes with it; on a machine of its own PostgreSQL's shared memory is the better place.
        (
            "unix_socket_directories: ''",
            "unix_socket_directories: ''\n    dynamic_shared_memory_type: mmap".to_owned(),
        ),
    ];
    fitted(FILE, &changes.each_ref().map(|(from, to)| (*from, to.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::settings_of;

    #[test]
    fn nothing_of_the_example_is_left_in_a_members_file() {
        let passwords = Passwords {
            superuser: Password::draw().unwrap(),
            replication: Password::draw().unwrap(),
            rewind: Password::draw().unwrap(),
        };
        let ports = Ports { postgres: 2001, patroni: 2002 };
        let programs = Programs::newest().unwrap();
        let file =
            configuration(MemberName::Pg2, ports, 2003, Path::new("/x/pg2"), &programs, &passwords).unwrap();
        let set: Vec<&str> = settings_of(&file, "#").collect();
        for left in ["10.0.0.", "-password", "/var/lib"] {
            assert!(set.iter().all(|line| !line.contains(left)), "{left} in\n{file}");
        }
        for line in
            ["name: pg2", "  hosts: 127.0.0.1:2003", "  listen: 127.0.0.1:2001", "  pgpass: /x/pg2/pgpass"]
        {
            assert!(set.contains(&line), "{line} is missing in\n{file}");
        }
        for password in [&passwords.superuser, &passwords.replication, &passwords.rewind] {
            assert!(file.contains(password.expose()));
        }
    }

    #[test]
    fn the_example_keeps_what_the_guarantee_rests_on() {
        let set: Vec<&str> = settings_of(FILE, "#").map(str::trim).collect();
        assert!(set.contains(&"synchronous_mode: true") && set.contains(&"synchronous_mode_strict: true"));
        for risk in ["fsync", "full_page_writes", "synchronous_commit"] {
            assert!(set.iter().all(|line| !line.contains(risk)), "{risk} is not left alone");
        }
        // A primary must be able to try twice before it loses its lock.
        let seconds = |name: &str| -> u32 {
            let value = set.iter().find_map(|line| line.strip_prefix(name)).unwrap();
            value.trim().parse().unwrap()
        };
        assert!(seconds("loop_wait:") + 2 * seconds("retry_timeout:") <= seconds("ttl:"));
        assert!(seconds("ttl:") >= 20, "newer versions refuse less");
    }
}
