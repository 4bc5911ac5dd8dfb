//! `cargo xtask cluster`: what `docs/operations.md` describes as several nodes, on this machine: three nodes behind HAProxy, PgBouncer,
//! three PostgreSQL servers under Patroni and etcd. One folder, the loopback, until Ctrl-C; then nothing is left.
//!
//! It also does what an operator's service manager does: what was killed is started again.

mod failovers;
mod hold;
mod nodes;
mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use portvakt_cluster::{MemberName, WorkedExample};

use self::hold::Control;
use self::nodes::{Binaries, Nodes};
use crate::house::{House, Outcome, run as run_command};
use crate::{assets, tools};

/// The programs that it takes beside ours, as `tools` knows them.
const PROGRAMS: [&str; 5] = ["postgres", "patroni", "etcd", "pgbouncer", "haproxy"];

/// Stands in a folder that is ours to remove.
const MARK: &str = "made-by-cargo-xtask-cluster";

/// How long a killed member stays down after another has become primary: long enough to look around.
const REST: Duration = Duration::from_secs(5);

/// What was asked for.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Without nodes: PostgreSQL, Patroni, etcd, PgBouncer and HAProxy alone.
    #[arg(long)]
    database_only: bool,
    /// With the nodes as they are released, not as they are debugged.
    #[arg(long, conflicts_with = "database_only")]
    release: bool,
    /// Where everything lies, in place of target/cluster. It must not exist, and is removed at the end.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Write what stands, and where, as JSON to this file when ready, and remove it at the end.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Kill the primary so many times, tell how long each failover took, and end.
    #[arg(long, value_name = "N")]
    failovers: Option<u32>,
    /// Where the process that holds the terminal says that this one shall end.
    #[arg(long, hide = true, value_name = "FILE")]
    control: Option<PathBuf>,
}

/// Brings it up and holds it until it is asked to end.
///
/// # Errors
/// When something is missing, does not start, or ends by itself.
pub(crate) fn run(house: &House, asked: &Asked) -> Result<ExitCode, String> {
    let folder = asked.folder.clone().unwrap_or_else(|| house.target.join("cluster"));
    match &asked.control {
        None => {
            make_ready(house, asked)?;
            hold::become_holder(&folder)
        }
        Some(file) => {
            let control = Control::take(file)?;
            held(house, asked, &folder, &control)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn make_ready(house: &House, asked: &Asked) -> Outcome {
    tools::make_ready_for(house, &PROGRAMS)?;
    if asked.database_only {
        return Ok(());
    }
    assets::make_ready(house)?;
    let mut build = house.cargo(&["build", "--package", "portvakt", "--package", "portvakt-demo"]);
    if asked.release {
        build.arg("--release");
    }
    run_command(&mut build)
}

fn held(house: &House, asked: &Asked, folder: &Path, control: &Control) -> Outcome {
    let begun = Instant::now();
    prepare(folder)?;
    let ready_file = asked.ready_file.as_deref();
    let stands = up_and_held(house, asked, folder, control, begun);
    if let Some(file) = ready_file {
        // Never written, perhaps.
        let _gone = fs::remove_file(file);
    }
    stands.map_err(|why| format!("{why}\nThe logs are still in {}", folder.display()))?;
    fs::remove_dir_all(folder).map_err(|why| format!("{} cannot be removed: {why}", folder.display()))?;
    eprintln!("Everything has ended, and {} is gone.", folder.display());
    Ok(())
}

fn up_and_held(house: &House, asked: &Asked, folder: &Path, control: &Control, begun: Instant) -> Outcome {
    eprintln!(
        "Starting etcd, three PostgreSQL under Patroni, PgBouncer and HAProxy in {} …",
        folder.display()
    );
    let mut example = WorkedExample::start(folder)?;
    let database = begun.elapsed();
    let mut nodes = match (asked.database_only, control.ends()) {
        (false, false) => Some(Nodes::start(house, &Binaries::of(house, asked.release), &example)?),
        (true, _) | (_, true) => None,
    };
    if !control.ends() {
        let text = page::text(&example, nodes.as_ref());
        println!(
            "{text}\nUp in {:.0?}, the database in {database:.0?}. Ctrl-C ends it all.",
            begun.elapsed()
        );
        if let Some(file) = &asked.ready_file {
            page::write(file, &page::json(&example, nodes.as_ref()))?;
        }
    }
    let done = match asked.failovers {
        Some(times) => failovers::measure(&mut example, times, control),
        None => supervise(&mut example, nodes.as_mut(), control),
    };
    eprintln!("Ending …");
    let nodes_ended = nodes.map_or(Ok(()), Nodes::stop);
    let ended = example.stop();
    done.and(nodes_ended).and(ended)
}

/// Starts again what was killed, until the end is asked for.
fn supervise(example: &mut WorkedExample, mut nodes: Option<&mut Nodes>, control: &Control) -> Outcome {
    let mut down: Vec<Fallen> = Vec::new();
    while !control.ends() {
        for member in example.fallen()? {
            let primary = example.primary();
            let was = if primary.is_some() { "a standby" } else { "the primary" };
            eprintln!("{}, {was}, was killed.", member.as_str());
            let at = Instant::now();
            down.push(Fallen { member, at, replaced: primary.map(|_| at) });
        }
        if let Some(nodes) = &mut nodes {
            nodes.start_again()?;
        }
        for fallen in &mut down {
            fallen.look(example);
        }
        for rested in
            down.extract_if(.., |fallen| fallen.replaced.is_some_and(|since| since.elapsed() >= REST))
        {
            eprintln!("{} is started again, and will be a standby.", rested.member.as_str());
            example.restart(rested.member)?;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// A member that was killed and not started again.
struct Fallen {
    member: MemberName,
    at: Instant,
    /// Since when there is a primary.
    replaced: Option<Instant>,
}

impl Fallen {
    fn look(&mut self, example: &WorkedExample) {
        if self.replaced.is_none()
            && let Some(primary) = example.primary()
        {
            self.replaced = Some(Instant::now());
            eprintln!("{} is primary, {:.1?} after that.", primary.as_str(), self.at.elapsed());
        }
    }
}

/// Makes the folder, or empties it if it was ours: a run that was killed leaves its files.
fn prepare(folder: &Path) -> Outcome {
    let why = |fault: std::io::Error| format!("{}: {fault}", folder.display());
    if folder.join(MARK).exists() {
        fs::remove_dir_all(folder).map_err(why)?;
    }
    if folder.exists() {
        return Err(format!(
            "{} is there already: name a folder that is not, with --folder",
            folder.display()
        ));
    }
    fs::create_dir_all(folder).map_err(why)?;
    fs::write(folder.join(MARK), "").map_err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_we_did_not_make_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("xtask-cluster-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("theirs"), "kept").unwrap();
        assert!(prepare(&folder).unwrap_err().contains("--folder"));
        assert!(folder.join("theirs").exists());

        fs::write(folder.join(MARK), "").unwrap();
        prepare(&folder).unwrap();
        assert!(!folder.join("theirs").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
