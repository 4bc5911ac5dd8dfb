//! `cargo xtask dev`: build the server and the demo service, start the demo, and become `portvakt dev`.

pub(crate) mod scenes;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};

use crate::assets;
use crate::house::{House, Outcome, run as run_command};

/// What `--help` says.
const HELP: &str = "\
Builds Portvakt and its demo service, and runs both until Ctrl-C.

Usage: cargo xtask dev [OPTIONS] [OPTIONS OF portvakt dev]

Options:
      --demo-listen <localhost:PORT>  Where the demo service listens; 0 picks a free port [default: localhost:3000]
      --no-demo                       Without the demo service
  -h, --help                          Print this

Everything else is handed to `portvakt dev`. The most asked for:
      --listen <localhost:PORT>       Where Portvakt listens; 0 picks a free port [default: localhost:8080]
      --client <ID> --redirect-uri <URL>
                                      Register a client of your own as well
      --catalogue <FILE>              Register what this file says instead of the demo catalogue
      --data <DIR>                    Keep the data
      --json                          Print what stands as one line of JSON, for scripts
All of them: cargo run -- dev --help
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// Whether only the help is wanted.
    help: bool,
    /// Where the demo service listens; none: it is not wanted.
    demo: Option<OsString>,
    /// Where Portvakt tells what stands, if the caller wants to know as well.
    ready_file: Option<PathBuf>,
    /// What `portvakt dev` gets beside it.
    rest: Vec<OsString>,
}

/// The demo service, running. It ends when its standard input does.
struct Demo {
    /// Held until this process has become `portvakt`, which inherits the end of the pipe that keeps the demo alive.
    child: Child,
    /// Where it is.
    url: String,
    /// The file in which Portvakt tells it what stands.
    ready_file: PathBuf,
}

/// The value of an option in the next argument.
fn value<'a>(option: &str, args: &mut impl Iterator<Item = &'a OsString>) -> Result<OsString, String> {
    args.next().cloned().ok_or_else(|| format!("{option} needs a value"))
}

/// Builds, then replaces this process, so that arguments, signals, standard streams and the exit code are `portvakt`'s own: a
/// script may read `--json` from standard output, since all else writes to standard error.
///
/// The demo's standard input is a pipe whose other end `portvakt` inherits and never uses: however `portvakt` ends, the pipe closes, and
/// the demo with it.
///
/// # Errors
/// When the build fails or a binary cannot be started; otherwise it does not return.
pub(crate) fn run(house: &House, args: &[OsString]) -> Outcome {
    let asked = Asked::read(args)?;
    if asked.help {
        print!("{HELP}");
        return Ok(());
    }
    assets::make_ready(house)?;
    let mut build = house.cargo(&["build", "--package", "portvakt"]);
    if asked.demo.is_some() {
        build.args(["--package", "portvakt-demo"]);
    }
    run_command(&mut build)?;
    let binaries = house.target.join("debug");
    let demo = asked.demo.as_deref();
    let demo = demo.map(|listen| Demo::start(&binaries, listen, asked.ready_file.as_deref())).transpose()?;
    let binary = binaries.join("portvakt");
    let mut portvakt = Command::new(&binary);
    portvakt.arg("dev").args(&asked.rest).stdin(Stdio::inherit());
    if let Some(demo) = &demo {
        portvakt.arg("--demo").arg(&demo.url);
        demo.outlast_this_program()?;
    }
    if let Some(file) = demo.as_ref().map(|demo| &demo.ready_file).or(asked.ready_file.as_ref()) {
        portvakt.arg("--ready-file").arg(file);
    }
    let why = portvakt.exec();
    Err(format!("{} cannot be started: {why}", binary.display()))
}

impl Asked {
    fn read(args: &[OsString]) -> Result<Self, String> {
        let demo = Some("localhost:3000".into());
        let mut asked = Self { help: false, demo, ready_file: None, rest: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let text = arg.to_str().unwrap_or_default();
            match text.split_once('=').unwrap_or((text, "")) {
                ("-h" | "--help", _) => asked.help = true,
                ("--no-demo", _) => asked.demo = None,
                ("--demo-listen", "") => asked.demo = Some(value("--demo-listen", &mut args)?),
                ("--demo-listen", listen) => asked.demo = Some(listen.into()),
                ("--ready-file", "") => asked.ready_file = Some(value("--ready-file", &mut args)?.into()),
                ("--ready-file", file) => asked.ready_file = Some(file.into()),
                (_, _) => asked.rest.push(arg.clone()),
            }
        }
        Ok(asked)
    }
}

impl Demo {
    /// Starts it, and waits until it has its port. It reads `ready_file`, or a temporary one.
    fn start(binaries: &Path, listen: &OsStr, ready_file: Option<&Path>) -> Result<Self, String> {
        let binary = binaries.join("portvakt-demo");
        let temporary = || std::env::temp_dir().join(format!("portvakt-dev-{}.json", std::process::id()));
        let mut command = Command::new(&binary);
        if ready_file.is_none() {
            // Portvakt removes it as well, but not when it is killed.
            command.arg("--remove-summary");
        }
        let ready_file = ready_file.map_or_else(temporary, Path::to_owned);
        let mut child = command
            .arg("--listen")
            .arg(listen)
            .arg("--summary")
            .arg(&ready_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| format!("{} cannot be started: {why}", binary.display()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // A line that cannot be read is as good as none.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let url = line.trim().to_owned();
        if url.is_empty() {
            let _ = child.wait();
            return Err("the demo service did not start: name another port with --demo-listen localhost:PORT (0 picks a free one), \
                        or leave it out with --no-demo"
                .to_owned());
        }
        Ok(Self { child, url, ready_file })
    }

    /// Lets the pipe to the demo stay open in the program that this process becomes.
    fn outlast_this_program(&self) -> Outcome {
        let Some(stdin) = &self.child.stdin else { return Ok(()) };
        fcntl_setfd(stdin, FdFlags::empty()).map_err(|why| format!("the demo service cannot be kept: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Asked, String> {
        Asked::read(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn an_option_without_its_value_is_refused() {
        assert!(read(&["--demo-listen"]).unwrap_err().contains("--demo-listen"));
    }

    #[test]
    fn what_is_not_of_the_demo_goes_to_portvakt_in_its_order() {
        let asked = read(&["--listen", "0", "--demo-listen", "localhost:0", "--json"]).unwrap();
        assert_eq!(asked.rest, ["--listen", "0", "--json"]);
        assert_eq!(asked.demo, Some("localhost:0".into()));
        assert_eq!(read(&["--demo-listen=3001"]).unwrap().demo, Some("3001".into()));
        assert_eq!(read(&["--ready-file", "x"]).unwrap().ready_file, Some("x".into()));
        assert_eq!(read(&["--no-demo"]).unwrap().demo, None);
        assert!(read(&["--json", "-h"]).unwrap().help);
    }
}
