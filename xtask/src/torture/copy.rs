//! `cargo xtask torture copy`: an embedded store of a million rows moves into a database, once in one go, and once cut off half-way with
//! `kill -9` and gone on with. Nothing differs, neither from the source nor between the two.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use portvakt_cluster::{Durability, Postgres, Settings};
use serde_json::Value;

use super::chance::Chance;
use crate::house::{House, Outcome, output, run as run_command};
use crate::test::release_binary_path;

/// Rows of the whole proof.
const ROWS: u64 = 1_000_000;
/// And of the short one.
const FEW_ROWS: u64 = 20_000;

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// How many rows the store has.
    #[arg(long, value_name = "N", default_value_t = ROWS)]
    rows: u64,
    /// Makes the same rows again.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The server's program, if not a release build of this repository.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The program that fills the store, if not a release build of this repository.
    #[arg(long, value_name = "FILE")]
    filler: Option<PathBuf>,
}

/// The whole proof.
///
/// # Errors
/// A difference, or a copy that does not go on.
pub(super) fn run(house: &House, asked: &Asked) -> Outcome {
    let binary = match &asked.binary {
        Some(binary) => binary.clone(),
        None => {
            run_command(&mut house.cargo(&["build", "--quiet", "--release", "--locked", "-p", "portvakt"]))?;
            release_binary_path(house)
        }
    };
    prove(house, &binary, asked.filler.as_deref(), asked.rows, asked.seed)
}

/// The short one, with the release binary that a stage before has built.
///
/// # Errors
/// As [`run`].
pub(super) fn few_rows(house: &House) -> Outcome {
    prove(house, &release_binary_path(house), None, FEW_ROWS, None)
}

/// The folder, the database server and the program.
struct Site {
    portvakt: PathBuf,
    folder: PathBuf,
    server: Postgres,
    tables: String,
}

fn prove(house: &House, binary: &Path, filler: Option<&Path>, rows: u64, seed: Option<u64>) -> Outcome {
    let seed = seed.unwrap_or_else(Chance::any_seed);
    println!("copy: seed {seed}");
    let folder = house.target.join("torture").join("copy");
    match fs::remove_dir_all(&folder) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(fault.to_string()),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(&folder).map_err(|fault| fault.to_string())?;
    fill(house, filler, &folder, rows, seed)?;
    let server = Postgres::temporary(&Settings::new(Durability::Fsync))?;
    let absolute = |path: &Path| std::path::absolute(path).map_err(|fault| fault.to_string());
    let mut site =
        Site { portvakt: absolute(binary)?, folder: absolute(&folder)?, server, tables: String::new() };

    let whole = site.target("whole")?;
    let in_one_go = site.copied(&whole)?;
    site.tables = in_one_go.tables.clone();
    println!("in one go: {} rows in {:.1} s", in_one_go.rows, in_one_go.seconds);

    let halved = site.target("halved")?;
    let cut = site.cut_off(&halved, in_one_go.rows / 2)?;
    let status = site.json(&["db", "status", "--json"], &halved)?;
    if status.get("starts").and_then(Value::as_bool) != Some(false) {
        return Err("a server would start on half a copy".to_owned());
    }
    let resumed = site.copied(&halved)?;
    println!("killed at {cut} rows, gone on from {}: {:.1} s", resumed.resumed, resumed.seconds);
    if resumed.resumed == 0 || resumed.resumed >= resumed.rows || resumed.rows != in_one_go.rows {
        return Err(format!("{} of {} rows were there before", resumed.resumed, resumed.rows));
    }

    let differing = site.differing()?;
    for config in [&whole, &halved] {
        let checked = site.json(&["db", "check", "--json"], config)?;
        println!(
            "checked: {} statements, {} rows read, nothing found",
            checked.get("statements").unwrap_or(&Value::Null),
            checked.get("rows").unwrap_or(&Value::Null)
        );
    }
    println!(
        "{} rows, {:.1} s in one go, {} tables differ; seed {seed}",
        in_one_go.rows, in_one_go.seconds, differing
    );
    if differing > 0 {
        return Err("the two copies differ".to_owned());
    }
    drop(site);
    fs::remove_dir_all(&folder).map_err(|fault| fault.to_string())
}

/// Makes the store that is copied.
fn fill(house: &House, filler: Option<&Path>, folder: &Path, rows: u64, seed: u64) -> Outcome {
    let program = match filler {
        Some(program) => program.to_owned(),
        None => {
            let mut build =
                house.cargo(&["build", "--quiet", "--release", "--locked", "-p", "portvakt-torture"]);
            run_command(build.args(["--no-default-features", "--bin", "portvakt-fill"]))?;
            house.target.join("release").join("portvakt-fill")
        }
    };
    let mut fill = Command::new(program);
    fill.arg("--store").arg(folder.join("data")).arg("--key").arg(folder.join("master.key"));
    fill.args(["--rows", &rows.to_string(), "--seed", &seed.to_string()]);
    println!("filled: {}", output(&mut fill)?.trim());
    Ok(())
}

/// What a copy told.
struct Told {
    rows: u64,
    resumed: u64,
    seconds: f64,
    /// The names of its tables.
    tables: String,
}

impl Site {
    /// A new database with the schema, and the configuration that names it.
    fn target(&self, name: &str) -> Result<PathBuf, String> {
        self.server.create_database(name)?;
        let config = self.folder.join(format!("{name}.toml"));
        let text = format!(
            "data = \"{}\"\nmaster_key = {{ file = \"master.key\" }}\n\n[[listeners]]\naddress = \"127.0.0.1:0\"\n\n\
             [[issuers]]\nissuer = \"http://127.0.0.1:1\"\nprofile = \"pilot\"\nenvironment = \"development\"\nterms = \"1\"\n",
            self.server.url(name)
        );
        fs::write(&config, text).map_err(|fault| fault.to_string())?;
        self.json(&["db", "migrate", "--json"], &config)?;
        Ok(config)
    }

    fn command(&self, arguments: &[&str], config: &Path) -> Command {
        let mut command = Command::new(&self.portvakt);
        command.args(arguments).arg("--config").arg(config).stdin(Stdio::null());
        command
    }

    fn json(&self, arguments: &[&str], config: &Path) -> Result<Value, String> {
        let told = output(&mut self.command(arguments, config))?;
        serde_json::from_str(&told).map_err(|fault| format!("{}: {fault}: {told}", arguments.join(" ")))
    }

    fn copy(&self, config: &Path) -> Command {
        let mut copy = self.command(&["db", "copy", "--json"], config);
        copy.arg("--from").arg(self.folder.join("data"));
        copy
    }

    /// A copy to its end.
    fn copied(&self, config: &Path) -> Result<Told, String> {
        let told = output(&mut self.copy(config))?;
        let told: Value = serde_json::from_str(&told).map_err(|fault| format!("{fault}: {told}"))?;
        let number = |name: &str| told.get(name).and_then(Value::as_u64).ok_or("copy told no number");
        let tables = told.get("tables").and_then(Value::as_object).ok_or("copy told no tables")?;
        Ok(Told {
            rows: number("rows")?,
            resumed: number("resumed")?,
            seconds: told.get("seconds").and_then(Value::as_f64).unwrap_or_default(),
            tables: tables.keys().cloned().collect::<Vec<_>>().join(" "),
        })
    }

    /// A copy that is killed when it has told of `rows` rows; how many that were.
    fn cut_off(&self, config: &Path, rows: u64) -> Result<u64, String> {
        let began = Instant::now();
        let mut copy = self.copy(config);
        let mut child =
            copy.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(|fault| fault.to_string())?;
        let lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
        let (mut whole, mut told) = (0, 0);
        for line in lines.map_while(Result::ok) {
            let words: Vec<_> = line.split_whitespace().collect();
            let &[_, here, "of", of] = words.as_slice() else { continue };
            let (here, of): (u64, u64) = (here.parse().unwrap_or(0), of.parse().unwrap_or(0));
            told = whole + here;
            if here == of {
                whole += of;
            }
            if told >= rows {
                break;
            }
        }
        child.kill().map_err(|fault| fault.to_string())?;
        let ended = child.wait().map_err(|fault| fault.to_string())?;
        if ended.success() || told < rows {
            return Err(format!("the copy ended by itself after {:.1} s", began.elapsed().as_secs_f64()));
        }
        Ok(told)
    }

    /// How many tables of the two databases differ, by what the server itself makes of their rows.
    fn differing(&self) -> Result<usize, String> {
        let mut differing = 0;
        for table in self.tables.split(' ') {
            let sum = format!(
                "SELECT count(*), sum(CAST(hashtextextended(CAST(t AS TEXT), 0) AS NUMERIC)) FROM {table} t"
            );
            if self.server.sql("whole", &sum)? != self.server.sql("halved", &sum)? {
                println!("{table} differs");
                differing += 1;
            }
        }
        Ok(differing)
    }
}
