//! Real clients: the libraries that services use, each in its own language, through whole logins at the release binary.
//!
//! Each script gets the line that `portvakt dev --json` prints on its standard input and knows nothing else of the server.
//! (`openidconnect`, the library for Rust, is a test of the crate `portvakt`.)

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use crate::assets;
use crate::house::{House, Outcome, run as run_command};
use crate::stage::{Stage, run_all};
use crate::test::{release_binary, release_binary_path};
use crate::tools;

/// `openid-client` (npm) at both issuers, by every client of the catalogue; and an API that verifies access tokens by `jose` (npm).
pub(crate) const OPENID_CLIENT: Stage = Stage { name: "openid-client", run: openid_client };

/// Authlib (PyPI) at both issuers.
pub(crate) const AUTHLIB: Stage = Stage { name: "Authlib", run: authlib };

/// Spring Security (Maven) at the profile `idporten`, as a service and as an API that verifies its access tokens.
pub(crate) const SPRING_SECURITY: Stage = Stage { name: "Spring Security", run: spring_security };

/// What the libraries call.
const PROGRAMS: &[&str] = &["python3", "node", "npm", "javac", "mvn"];

/// Builds the server if need be, and runs every library against it.
///
/// # Errors
/// When a program is missing and cannot be installed, or the server cannot be built; then no library has run.
pub(crate) fn alone(house: &House) -> Result<ExitCode, String> {
    tools::make_ready_for(house, PROGRAMS)?;
    assets::make_ready(house)?;
    release_binary(house)?;
    Ok(run_all(house, &[OPENID_CLIENT, AUTHLIB, SPRING_SECURITY]))
}

/// `portvakt dev` on a free port, with a temporary folder. It is ended when this is dropped.
struct Server {
    child: Child,
    /// What it said when it was ready.
    line: String,
    /// Where its log goes.
    log: PathBuf,
}

impl Server {
    fn start(house: &House) -> Result<Self, String> {
        let binary = release_binary_path(house);
        let log = house.target.join("clients.log");
        let file = File::create(&log).map_err(|e| format!("{} cannot be written: {e}", log.display()))?;
        let mut child = house
            .command(&binary)
            .args(["dev", "--json", "--listen", "127.0.0.1:0", "--catalogue", "tests/clients/catalogue.toml"])
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|e| format!("{} cannot be started: {e}", binary.display()))?;
        let stdout = child.stdout.take();
        let mut server = Self { child, line: String::new(), log };
        let read = stdout.map(|stdout| BufReader::new(stdout).read_line(&mut server.line));
        match read {
            Some(Ok(length)) if length > 0 => Ok(server),
            Some(_) | None => Err(format!("`portvakt dev` did not get ready; see {}", server.log.display())),
        }
    }

    /// Runs a script that reads the server's line.
    fn try_out(&self, script: &mut Command) -> Outcome {
        let name = script.get_program().to_string_lossy().into_owned();
        // The servers are on this machine: whatever proxy the environment names is not for them.
        script.env("NO_PROXY", "localhost,127.0.0.1").env("no_proxy", "localhost,127.0.0.1");
        let mut running =
            script.stdin(Stdio::piped()).spawn().map_err(|e| format!("{name} cannot be started: {e}"))?;
        let written = running.stdin.take().map(|mut stdin| stdin.write_all(self.line.as_bytes()));
        let status = running.wait().map_err(|e| format!("{name} cannot be waited for: {e}"))?;
        match written {
            Some(Ok(())) if status.success() => Ok(()),
            Some(Ok(())) => Err(format!("{name}: {status}; the server's log is {}", self.log.display())),
            Some(Err(_)) | None => Err(format!("{name} did not read which server to try ({status})")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, for then it removes its temporary folder. It may have ended by itself; then there is nothing to end,
        // and still something to wait for.
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openid_client(house: &House) -> Outcome {
    let folder = house.root.join("tests").join("clients").join("node");
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    run_command(house.command("npm").args(install).current_dir(&folder))?;
    let server = Server::start(house)?;
    for script in ["whole_login.mjs", "token_life.mjs", "resource_server.mjs"] {
        let mut node = house.command("node");
        server.try_out(node.args(["--test-reporter=spec", script]).current_dir(&folder))?;
    }
    Ok(())
}

/// In a virtual environment of its own under the target folder.
fn authlib(house: &House) -> Outcome {
    let folder = house.root.join("tests").join("clients").join("python");
    let environment = house.target.join("clients-venv");
    run_command(house.command("python3").args(["-m", "venv"]).arg(&environment))?;
    let python = environment.join("bin").join("python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
    run_command(
        house.command(&python).args(install).args(["--requirement", "requirements.txt"]).current_dir(&folder),
    )?;
    let server = Server::start(house)?;
    for script in ["whole_login.py", "token_life.py"] {
        // -B: no compiled files beside the sources.
        server.try_out(house.command(&python).args(["-B", script]).current_dir(&folder))?;
    }
    Ok(())
}

fn spring_security(house: &House) -> Outcome {
    let folder = house.root.join("tests").join("clients").join("spring");
    // The libraries of an earlier version would stand on the class path beside today's.
    let _none_yet = std::fs::remove_dir_all(folder.join("target"));
    run_command(house.command("mvn").args(["-q", "-B", "compile"]).current_dir(&folder))?;
    let server = Server::start(house)?;
    // It runs for seconds, in which the best of the compilers has not paid off.
    let quick = ["-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", "target/classes:target/libraries/*"];
    server.try_out(house.command("java").args(quick).arg("com.example.WholeLogin").current_dir(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeping() -> Server {
        let child = Command::new("sleep").arg("60").spawn().expect("sleep");
        Server { child, line: "{\"issuers\":[]}\n".to_owned(), log: "the.log".into() }
    }

    #[test]
    fn a_failing_script_is_an_error_that_names_the_servers_log() {
        let why = sleeping().try_out(Command::new("sh").args(["-c", "cat; exit 3"])).unwrap_err();
        assert!(why.contains("the.log"), "{why}");
        sleeping()
            .try_out(Command::new("sh").args(["-c", "grep --quiet issuers"]))
            .expect("it reads the line");
    }

    #[test]
    fn a_server_that_is_dropped_is_gone() {
        let server = sleeping();
        let process = PathBuf::from(format!("/proc/{}", server.child.id()));
        assert!(process.exists());
        drop(server);
        assert!(!process.exists());
    }
}
