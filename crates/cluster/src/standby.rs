//! A second server that holds every confirmed commit of the first.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::postgres::{Address, OWNER, Postgres};
use crate::programs::run;
use crate::settings::Settings;

/// How long a standby may take from streaming to holding all that is confirmed.
const CATCH_UP: Duration = Duration::from_secs(60);

/// How long a standby may take to replay what it has and take writes.
const PROMOTION: Duration = Duration::from_secs(60);

impl Postgres {
    /// Makes a standby of `primary` in `folder` and starts it. On return it streams, and the primary confirms no commit that the
    /// standby has not flushed (`synchronous_standby_names`).
    ///
    /// # Errors
    /// When the primary does not answer, or the standby does not start or catch up.
    pub fn standby_of(primary: &Address, folder: &Path, settings: &Settings) -> Result<Self, String> {
        let mut standby = Self::prepared(folder, settings)?;
        standby.follow(primary, settings)?;
        Ok(standby)
    }

    /// Makes this server, running or dead, a synchronous standby of `primary`, by a new copy of the primary's data: what it held is
    /// forgotten. A copy is simpler than `pg_rewind` and, at the sizes of a test, as quick.
    ///
    /// # Errors
    /// As [`Postgres::standby_of`].
    pub fn become_standby_of(&mut self, primary: &Address, settings: &Settings) -> Result<(), String> {
        self.kill();
        self.forget_memory();
        match fs::remove_dir_all(self.data()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("the old data: {error}"))
            }
            Ok(()) | Err(_) => self.follow(primary, settings),
        }
    }

    /// Makes a standby a primary of its own, and returns when it takes writes. They are confirmed without a standby until one
    /// follows it.
    ///
    /// # Errors
    /// When it is no standby, or not within a minute.
    pub fn promote(&self) -> Result<(), String> {
        let seconds = PROMOTION.as_secs();
        let answer = self.sql("postgres", &format!("SELECT pg_promote(true, {seconds})"))?;
        wait_until("the promoted server takes writes", PROMOTION, || self.address().takes_writes())?;
        if answer == "t" { Ok(()) } else { Err(format!("promoted, but the server answered {answer}")) }
    }

    /// Copies the primary's data, starts on it as a standby, and has the primary wait for it.
    fn follow(&mut self, primary: &Address, settings: &Settings) -> Result<(), String> {
        let name = format!("standby_{}", self.port());
        let data = self.data();
        let mut copy = self.command("pg_basebackup");
        copy.args(["--checkpoint=fast", "--wal-method=stream", "--no-sync", "--no-password"]);
        copy.args(["-h", "127.0.0.1", "-U", OWNER, "-p", &primary.port().to_string(), "-D"]).arg(&data);
        run(copy, "")?;

        let told = format!("host=127.0.0.1 port={} user={OWNER} application_name={name}", primary.port());
        let text = settings.clone().set("primary_conninfo", &told).text();
        // The primary's `ALTER SYSTEM` came with the copy. A promoted server that waits for a standby of its predecessor's would
        // confirm nothing for ever.
        for (file, text) in
            [("postgresql.conf", text.as_str()), ("postgresql.auto.conf", ""), ("standby.signal", "")]
        {
            fs::write(data.join(file), text).map_err(|error| format!("{file}: {error}"))?;
        }
        self.run_it()?;
        wait_for(primary, &name)
    }
}

/// Has `primary` confirm commits only when the standby of that name has flushed them, and returns when that is so for each commit
/// that was ever confirmed.
fn wait_for(primary: &Address, name: &str) -> Result<(), String> {
    let of = format!("FROM pg_stat_replication WHERE application_name = '{name}'");
    let answers =
        |query: &str, wanted: &str| primary.sql("postgres", query).is_ok_and(|answer| answer == wanted);

    let streams = format!("SELECT state {of}");
    wait_until("the standby streams", CATCH_UP, || answers(&streams, "streaming"))?;
    primary.sql(
        "postgres",
        &format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'; SELECT pg_reload_conf()"),
    )?;
    let synchronous = format!("SELECT sync_state {of}");
    wait_until("the standby is synchronous", CATCH_UP, || answers(&synchronous, "sync"))?;
    // It is the checkpointer that tells everybody to wait for a standby. It does so before it begins a checkpoint that is asked for
    // from now on.
    sleep(Duration::from_millis(20));
    primary.sql("postgres", "CHECKPOINT")?;
    // Commits up to here may have been confirmed without the standby.
    let here = primary.sql("postgres", "SELECT pg_current_wal_insert_lsn()")?;
    let caught_up = format!("SELECT flush_lsn >= '{here}' {of}");
    wait_until("the standby has all that is confirmed", CATCH_UP, || answers(&caught_up, "t"))
}

/// Waits until `holds` does.
///
/// # Errors
/// When `within` has passed: `what` was awaited.
pub(crate) fn wait_until(
    what: &str,
    within: Duration,
    mut holds: impl FnMut() -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + within;
    while !holds() {
        if Instant::now() >= deadline {
            return Err(format!("{what}: not within {within:.1?}"));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}
