//! What the tests need beside a Rust toolchain: Debian packages, and cargo-deny in a folder of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::house::{House, Outcome, run as run_command};

/// A program the tests call, how to see that it works, and the Debian packages that bring it.
struct Need {
    probe: &'static [&'static str],
    packages: &'static [&'static str],
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need { probe: &["cc", "--version"], packages: &["gcc", "libc6-dev"], why: "aws-lc and SQLite are C" },
    Need {
        probe: &["git", "--version"],
        packages: &["git"],
        why: "tidy asks it which files are the project's",
    },
    Need { probe: &["strace", "--version"], packages: &["strace"], why: "a test sees each fsync" },
    Need {
        // Debian splits ensurepip from python3, and `venv` alone imports without it.
        probe: &["python3", "-c", "import venv, ensurepip"],
        packages: &["python3", "python3-venv"],
        why: "Authlib is one of the real clients",
    },
    Need {
        probe: &["node", "--version"],
        packages: &["nodejs"],
        why: "openid-client is one of the real clients",
    },
    Need {
        probe: &["npm", "--version"],
        packages: &["npm"],
        why: "it fetches the pages' stylesheet and the real clients",
    },
    Need { probe: &["curl", "--version"], packages: &["curl"], why: "the shell example logs in with it" },
    Need {
        probe: &["openssl", "version"],
        packages: &["openssl"],
        why: "the shell example makes PKCE with it",
    },
    Need {
        probe: &["javac", "-version"],
        packages: &["default-jdk-headless"],
        why: "the JUnit example is Java",
    },
    Need { probe: &["mvn", "--version"], packages: &["maven"], why: "it builds the JUnit example" },
    Need {
        probe: &["chromium", "--version"],
        // Without a font nothing has a size.
        packages: &["chromium", "fonts-liberation"],
        why: "a real browser sees the pages",
    },
];

/// The cargo-deny that reads `deny.toml`. Pinned, since a new one may know new rules.
const CARGO_DENY: &str = "0.20.2";

/// It runs for seconds and is built once on each machine: what matters is that the build is short.
const QUICK_BUILD: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "false"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_PANIC", "unwind"),
];

/// Installs the Debian packages that are missing.
///
/// # Errors
/// When something is missing and this is not root, or a part of the Rust toolchain is missing: the message holds the
/// command to run. When apt-get fails.
pub(crate) fn make_ready(house: &House) -> Outcome {
    if ![["cargo", "fmt", "--version"], ["cargo", "clippy", "--version"]].iter().all(|probe| works(probe)) {
        return Err("the Rust toolchain has no rustfmt or clippy. Run this, then try again:\n  \
                    rustup component add rustfmt clippy"
            .to_owned());
    }
    provide(house, NEEDS.iter().filter(|need| !works(need.probe)).collect())
}

/// Installs those of `programs` (the first word of a probe) that are missing.
///
/// # Errors
/// As [`make_ready`].
pub(crate) fn make_ready_for(house: &House, programs: &[&str]) -> Outcome {
    provide(house, needs_of(programs).filter(|need| !works(need.probe)).collect())
}

fn needs_of(programs: &[&str]) -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().filter(|need| need.probe.first().is_some_and(|program| programs.contains(program)))
}

fn provide(house: &House, missing: Vec<&Need>) -> Outcome {
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        eprintln!("missing: {} ({})", need.packages.join(", "), need.why);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    if !rustix::process::geteuid().is_root() {
        return Err(told_without_root(&packages));
    }
    // Its talk goes to standard error: standard output may be a script's.
    run_command(house.command("apt-get").args(["update", "--quiet"]).stdout(std::io::stderr()))?;
    run_command(
        house
            .command("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(&packages)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr()),
    )
}

/// The pinned cargo-deny, built into the git-ignored `tools/` when it is not there yet.
///
/// # Errors
/// When it cannot be built.
pub(crate) fn cargo_deny(house: &House) -> Result<PathBuf, String> {
    let binary = house.root.join("tools").join("bin").join("cargo-deny");
    if version(&binary).is_some_and(|found| is_pinned(&found)) {
        return Ok(binary);
    }
    println!("building cargo-deny {CARGO_DENY} into tools/ (once)");
    let wanted = format!("cargo-deny@{CARGO_DENY}");
    let mut install = house.cargo(&["install", "--quiet", "--locked", "--force", &wanted, "--root", "tools"]);
    // The shared target folder, so that an interrupted build is taken up where it stopped.
    install.arg("--target-dir").arg(house.target.join("tools")).envs(QUICK_BUILD);
    run_command(&mut install)?;
    Ok(binary)
}

/// What somebody is told who may not install packages: the command, whole.
fn told_without_root(packages: &[&str]) -> String {
    format!(
        "programs are missing. Run this, then try again:\n  \
         sudo apt-get update && sudo apt-get install --no-install-recommends {}",
        packages.join(" ")
    )
}

fn version(binary: &std::path::Path) -> Option<String> {
    let done = Command::new(binary).arg("--version").stderr(Stdio::null()).output().ok()?;
    String::from_utf8(done.stdout).ok()
}

fn is_pinned(answer: &str) -> bool {
    answer.split_whitespace().nth(1) == Some(CARGO_DENY)
}

fn works(probe: &[&str]) -> bool {
    let Some((program, args)) = probe.split_first() else {
        return false;
    };
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_or_fails_does_not_work() {
        assert!(!works(&["portvakt-no-such-program"]));
        assert!(!works(&["false"]));
        assert!(!works(&[]));
        assert!(works(&["true"]));
    }

    #[test]
    fn another_version_of_cargo_deny_is_not_the_pinned_one() {
        assert!(!is_pinned("cargo-deny 0.20.20"));
        assert!(!is_pinned(""));
        assert!(is_pinned(&format!("cargo-deny {CARGO_DENY}\n")));
    }

    #[test]
    fn without_root_whoever_lacks_npm_gets_the_whole_command() {
        let packages: Vec<&str> =
            needs_of(&["node", "npm"]).flat_map(|need| need.packages).copied().collect();
        assert_eq!(
            told_without_root(&packages),
            "programs are missing. Run this, then try again:\n  \
             sudo apt-get update && sudo apt-get install --no-install-recommends nodejs npm"
        );
    }
}
