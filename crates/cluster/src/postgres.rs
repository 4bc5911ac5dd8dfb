//! One PostgreSQL server in a folder of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::account::Account;
use crate::guard::Folder;
use crate::ports::free_port;
use crate::process::{Launch, Process, Signal};
use crate::programs::{Programs, run};
use crate::settings::{Durability, Settings};

/// The superuser of every server that is started here.
pub const OWNER: &str = "portvakt_owner";

/// How long a server may take to start. After a `kill -9` under load it replays its journal first.
const START: Duration = Duration::from_secs(60);

/// Where a server is reached, by those who have not started it too.
#[derive(Clone, Debug)]
pub struct Address {
    programs: Programs,
    port: u16,
}

impl Address {
    /// The same server by another way: what listens on `port` of 127.0.0.1 (a proxy, a pooler) leads there.
    #[must_use]
    pub fn through(&self, port: u16) -> Self {
        Self { programs: self.programs.clone(), port }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of `database`, as the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements and answers their rows: fields parted by `|`, one row a line, no line feed at the end. Each statement commits
    /// by itself; the first that fails is the last that runs.
    ///
    /// # Errors
    /// When the server is not reached or refuses a statement: its words.
    pub fn sql(&self, database: &str, text: &str) -> Result<String, String> {
        let mut psql = Command::new(self.programs.path("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database)]);
        psql.env("PGCONNECT_TIMEOUT", "5").env_remove("PGOPTIONS").env_remove("PGSERVICE");
        let answer = run(psql, text)?;
        Ok(answer.trim_end_matches('\n').to_owned())
    }

    /// Whether it answers and takes connections, as a primary or as a standby.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let mut ask = Command::new(self.programs.path("pg_isready"));
        ask.args(["-q", "-t", "2", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        run(ask, "").is_ok()
    }

    /// Whether it takes writes: it answers and is no standby.
    #[must_use]
    pub fn takes_writes(&self) -> bool {
        self.sql("postgres", "SELECT pg_current_xact_id() IS NOT NULL").is_ok_and(|answer| answer == "t")
    }
}

/// A server that was started. Dropping it ends it; its folder stays unless it was [`Postgres::temporary`].
#[derive(Debug)]
pub struct Postgres {
    // Before the folder that may go with it.
    process: Option<Process>,
    address: Address,
    account: Account,
    folder: PathBuf,
    _temporary: Option<Folder>,
}

impl Postgres {
    /// Makes a new, empty server in `folder` (data in `folder/data`, log in `folder/postgres.log`) and starts it. The account that
    /// servers run under must be able to reach the folder; it gets the folder itself.
    ///
    /// # Errors
    /// When PostgreSQL is not installed (the message holds the command), or it does not start (the end of its log).
    pub fn start(folder: &Path, settings: &Settings) -> Result<Self, String> {
        let mut server = Self::prepared(folder, settings)?;
        let data = server.data();
        let mut initdb = server.command("initdb");
        initdb.args([
            "--no-sync",
            "--no-instructions",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]);
        initdb.arg(format!("--username={OWNER}")).arg("-D").arg(&data);
        run(initdb, "")?;
        let failed = |error| format!("settings: {error}");
        fs::write(data.join("postgresql.conf"), settings.text()).map_err(failed)?;
        let admissions = data.join("pg_hba.conf");
        let written = fs::read_to_string(&admissions).map_err(failed)?;
        fs::write(&admissions, settings.admissions(&written)).map_err(failed)?;
        server.run_it()?;
        Ok(server)
    }

    /// As [`Postgres::start`], in a temporary folder that goes with it.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn temporary(settings: &Settings) -> Result<Self, String> {
        let folder = Folder::temporary("postgres")?;
        let mut server = Self::start(&folder.path().join("server"), settings)?;
        server._temporary = Some(folder);
        Ok(server)
    }

    /// The port on 127.0.0.1; it stays the same over a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port
    }

    /// The address of `database`, as the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.address.url(database)
    }

    /// Where it is reached, to be handed to others.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// As [`Address::sql`].
    ///
    /// # Errors
    /// As [`Address::sql`].
    pub fn sql(&self, database: &str, text: &str) -> Result<String, String> {
        self.address.sql(database, text)
    }

    /// Makes an empty database.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn create_database(&self, name: &str) -> Result<(), String> {
        self.sql("postgres", &format!("CREATE DATABASE {}", quoted(name))).map(drop)
    }

    /// Makes a database as a copy of `template`, in about 0.1 s for a small one. While somebody is connected to the template this
    /// waits for them, 10 s at most.
    ///
    /// # Errors
    /// When there is one of that name, no such template, or somebody stays connected to it.
    pub fn create_database_from(&self, name: &str, template: &str) -> Result<(), String> {
        let statement = format!("CREATE DATABASE {} TEMPLATE {}", quoted(name), quoted(template));
        // The server itself waits 5 s.
        let made = self.sql("postgres", &statement);
        match made {
            Err(told) if told.contains("is being accessed by other users") => {
                self.sql("postgres", &statement).map(drop)
            }
            made => made.map(drop),
        }
    }

    /// Removes a database, and whoever is connected to it.
    ///
    /// # Errors
    /// When there is none.
    pub fn drop_database(&self, name: &str) -> Result<(), String> {
        self.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", quoted(name))).map(drop)
    }

    /// `kill -9` for the server and all its backends.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends it as an operator would (a "fast" shutdown): open transactions are rolled back.
    ///
    /// # Errors
    /// When it did not end within 30 s; it has been killed then.
    pub fn stop(&mut self) -> Result<(), String> {
        self.process.take().map_or(Ok(()), |mut process| process.end(Signal::INT, Duration::from_secs(30)))
    }

    /// Starts it again on its port, with the data it has; one that runs is stopped first.
    ///
    /// # Errors
    /// When it does not start: the end of its log.
    pub fn restart(&mut self) -> Result<(), String> {
        self.stop()?;
        self.run_it()
    }

    /// `kill -STOP`: its connections stay open and nobody answers on them.
    pub fn pause(&mut self) {
        if let Some(process) = &mut self.process {
            process.pause();
        }
    }

    /// Lets it go on after [`Postgres::pause`].
    pub fn resume(&self) {
        if let Some(process) = &self.process {
            process.resume();
        }
    }

    /// Processor time since it was last started, in seconds, over all its processes, the ended ones too.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        self.process.as_ref().map_or(0.0, Process::cpu_seconds)
    }

    /// A server that does not run yet, in a folder that is there and belongs to its account.
    pub(crate) fn prepared(folder: &Path, settings: &Settings) -> Result<Self, String> {
        let programs = Programs::newest()?;
        let account = Account::of_servers()?;
        let port = settings.port.map_or_else(free_port, Ok)?;
        let made = |error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(made)?;
        let folder = fs::canonicalize(folder).map_err(made)?;
        account.give(&folder)?;
        let address = Address { programs, port };
        Ok(Self { process: None, address, account, folder, _temporary: None })
    }

    /// Its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// One of PostgreSQL's programs, under the server's account and in its folder.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.account.command(self.address.programs.path(program));
        command.current_dir(&self.folder);
        command
    }

    /// Starts it on the data it has and waits until it takes connections.
    pub(crate) fn run_it(&mut self) -> Result<(), String> {
        let data = self.data();
        let port = self.port().to_string();
        let launch = Launch::new("postgres", self.address.programs.path("postgres"), &self.folder)
            .args([OsStr::new("-p"), OsStr::new(&port), OsStr::new("-D"), data.as_os_str()])
            .account(self.account)
            // An immediate shutdown: quick, and unlike a kill it gives shared memory back.
            .ends_by(Signal::QUIT);
        let mut process = launch.start()?;
        let address = self.address.clone();
        process.wait_ready(START, || address.is_ready())?;
        self.process = Some(process);
        Ok(())
    }

    /// Gives back the few bytes of shared memory that a server leaves when it was killed and is not started again on its data.
    pub(crate) fn forget_memory(&self) {
        let Ok(note) = fs::read_to_string(self.data().join("postmaster.pid")) else {
            return;
        };
        if let Some(id) = note.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) {
            let mut remove = Command::new("ipcrm");
            remove.args(["-m", id]);
            // Gone already, most likely.
            let _gone = run(remove, "");
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let ran = self.process.take().is_some();
        if !ran {
            self.forget_memory();
        }
    }
}

/// One server for this whole process, without fsync, made by the first who asks: scenes take a database each. It ends with the process.
///
/// # Errors
/// As [`Postgres::start`].
pub fn shared() -> Result<&'static Postgres, String> {
    static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
    SHARED
        .get_or_init(|| Postgres::temporary(&Settings::new(Durability::Quick)))
        .as_ref()
        .map_err(String::clone)
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
