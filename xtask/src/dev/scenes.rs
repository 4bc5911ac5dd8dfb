//! `cargo xtask dev` as a developer has it: both programs come, and both go; where one cannot come, none stays.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use crate::client::{Connection, Request};
use crate::house::{House, Outcome};

/// It may have to build first.
const PATIENCE: Duration = Duration::from_secs(300);

/// What has been asked to end has ended by then.
const END: Duration = Duration::from_secs(30);

/// Starts it, uses it and ends it; then starts it where a port is taken.
///
/// # Errors
/// What did not come, did not go, or was not told.
pub(crate) fn with_its_demo(house: &House) -> Outcome {
    both_come_and_both_go(house)?;
    the_demo_goes_when_portvakt_is_killed(house)?;
    a_taken_port_is_named(house, Taken::Demo)?;
    a_taken_port_is_named(house, Taken::Portvakt)
}

/// Ctrl-C, as a terminal sends it: SIGINT to the whole group.
fn both_come_and_both_go(house: &House) -> Outcome {
    let (mut dev, told) = Dev::ready(house)?;
    if is_empty(&dev.room)? {
        return Err("the data lies elsewhere than in the folder for temporary files".to_owned());
    }
    let demo = told.get("demo").and_then(Value::as_str).unwrap_or_default();
    let issuers = told.get("issuers").and_then(Value::as_array).cloned().unwrap_or_default();
    let page = page(demo)?;
    for issuer in issuers.iter().filter_map(|one| one.get("issuer")?.as_str()) {
        if !page.contains(issuer) {
            return Err(format!("the demo's page has no door to {issuer}"));
        }
    }
    if issuers.is_empty() || !page.contains(r#"data-page="demo/home""#) || !page.contains("/login") {
        return Err(format!("the demo's page is another one:\n{page}"));
    }
    kill_process_group(dev.id()?, Signal::INT).map_err(|why| why.to_string())?;
    let (status, said) = dev.ended()?;
    if status.code() != Some(0) {
        return Err(format!("it ended with {status}:\n{said}"));
    }
    dev.left_nothing()
}

/// Nobody tells the demo then, and nobody removes the data: the system's temporary folder is for that.
fn the_demo_goes_when_portvakt_is_killed(house: &House) -> Outcome {
    let (mut dev, _) = Dev::ready(house)?;
    kill_process(dev.id()?, Signal::KILL).map_err(|why| why.to_string())?;
    // What it wrote to standard error ends with the last program that may write there.
    dev.ended()?;
    let secrets = entries(&dev.room)?.into_iter().find(|path| path.is_file());
    secrets.map_or(Ok(()), |path| Err(format!("{} stays, with secrets in it", path.display())))
}

/// Whose port somebody else has.
#[derive(Clone, Copy)]
enum Taken {
    Demo,
    Portvakt,
}

fn a_taken_port_is_named(house: &House, whose: Taken) -> Outcome {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|why| why.to_string())?;
    let port = taken.local_addr().map_err(|why| why.to_string())?.port().to_string();
    let (option, mut dev) = match whose {
        Taken::Demo => ("--demo-listen localhost:PORT", Dev::start(house, "0", &port)?),
        Taken::Portvakt => ("with --listen localhost:PORT", Dev::start(house, &port, "0")?),
    };
    let (status, said) = dev.ended()?;
    if status.code() != Some(1) || !said.contains(&format!("localhost:{port}")) || !said.contains(option) {
        return Err(format!(
            "port {port} is taken; it ended with {status} and did not name `{option}`:\n{said}"
        ));
    }
    dev.left_nothing()
}

/// A running `cargo xtask dev`. Whatever happens to its owner, it is killed, with all that it started.
struct Dev {
    child: Child,
    /// The folder for temporary files that it has to itself.
    room: PathBuf,
    /// What was written to standard error, when nobody can write there any more.
    said: Receiver<String>,
    /// Whether all of it is gone, and its number may be another's.
    has_ended: bool,
}

impl Dev {
    fn start(house: &House, listen: &str, demo_listen: &str) -> Result<Self, String> {
        let room = fresh(&house.target.join("dev-scenes"))?;
        let mut command = house.cargo(&["xtask", "dev", "--json"]);
        command.args(["--listen", listen, "--demo-listen", demo_listen]).env("TMPDIR", &room);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child =
            command.spawn().map_err(|why| format!("`cargo xtask dev` cannot be started: {why}"))?;
        let mut stderr = child.stderr.take().ok_or("it has no standard error")?;
        let (tell, said) = channel();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            // What was read before an error is what there is.
            let _ = stderr.read_to_end(&mut text);
            let _ = tell.send(String::from_utf8_lossy(&text).into_owned());
        });
        Ok(Self { child, room, said, has_ended: false })
    }

    /// On free ports, and what it tells when it is ready.
    fn ready(house: &House) -> Result<(Self, Value), String> {
        let mut dev = Self::start(house, "0", "0")?;
        let stdout = dev.child.stdout.take().ok_or("it has no standard output")?;
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = tell.send(line);
        });
        let line = told.recv_timeout(PATIENCE).unwrap_or_default();
        match serde_json::from_str(&line) {
            Ok(told) => Ok((dev, told)),
            Err(_) => {
                let said = dev.said.recv_timeout(END).unwrap_or_default();
                Err(format!("it is not ready, but says {line:?}:\n{said}"))
            }
        }
    }

    /// Cargo and this program have become `portvakt` one after the other: it has been one process all along.
    fn id(&self) -> Result<Pid, String> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        id.ok_or_else(|| "it has no process id".to_owned())
    }

    /// Waits for the end of all that it started, and answers how it ended and what was said.
    fn ended(&mut self) -> Result<(ExitStatus, String), String> {
        // Both programs hold standard error open as long as they live.
        let said = self.said.recv_timeout(END).map_err(|_| "one of both programs does not end")?;
        self.has_ended = true;
        Ok((self.child.wait().map_err(|why| why.to_string())?, said))
    }

    fn left_nothing(&self) -> Outcome {
        match entries(&self.room)?.as_slice() {
            [] => Ok(()),
            left => Err(format!("it left {left:?}")),
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if let (false, Ok(id)) = (self.has_ended, self.id()) {
            let _ = kill_process_group(id, Signal::KILL);
            let _ = self.child.wait();
        }
        let _ = fs::remove_dir_all(&self.room);
    }
}

/// The page of a service at `base`, such as `http://localhost:3000`.
fn page(base: &str) -> Result<String, String> {
    let authority = base.strip_prefix("http://").ok_or_else(|| format!("{base:?} is no address"))?;
    let answer =
        Connection::to(authority).send(&Request::get("/")).map_err(|why| format!("{base}: {why}"))?;
    match answer.status {
        200 => Ok(answer.text().into_owned()),
        status => Err(format!("{base} answers {status}")),
    }
}

fn is_empty(folder: &Path) -> Result<bool, String> {
    Ok(entries(folder)?.is_empty())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let why = |why: std::io::Error| format!("{}: {why}", folder.display());
    fs::read_dir(folder).map_err(why)?.map(|entry| entry.map(|entry| entry.path()).map_err(why)).collect()
}

fn fresh(folder: &Path) -> Result<PathBuf, String> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(folder.to_owned())
}
