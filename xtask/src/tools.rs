//! What the tests need beside a Rust toolchain: Debian packages, and cargo-deny in a folder of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::house::{House, Outcome, run as run_command};

/// A program the tests call, how to see that it works, and the Debian packages that bring it. The program is the first word of the
/// probe, or the last where a shell looks for it.
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
        why: "Spring Security is one of the real clients, and the JUnit example is Java",
    },
    Need { probe: &["mvn", "--version"], packages: &["maven"], why: "it builds both of them" },
    Need {
        probe: &["chromium", "--version"],
        // Without a font nothing has a size.
        packages: &["chromium", "fonts-liberation"],
        why: "a real browser sees the pages",
    },
    // Of these the programs are called, in folders of the tests' own; their services stay off.
    Need {
        // Debian keeps each major version's programs in a folder of its own, off the PATH.
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/postgres", "postgres"],
        packages: &["postgresql"],
        why: "it is the second store",
    },
    Need {
        probe: &["sh", "-c", r#"PATH="$PATH:/usr/sbin"; pgbouncer --version"#, "pgbouncer"],
        packages: &["pgbouncer"],
        why: "the worked example's pooler",
    },
    Need {
        probe: &["sh", "-c", r#"PATH="$PATH:/usr/sbin"; haproxy -v"#, "haproxy"],
        packages: &["haproxy"],
        why: "the worked example's load balancer",
    },
    Need { probe: &["etcd", "--version"], packages: &["etcd-server"], why: "Patroni agrees by it who leads" },
    Need {
        // Debian's own Python, whichever is first on the PATH. Patroni comes with the client of another store than etcd just as well.
        probe: &[
            "sh",
            "-c",
            "/usr/bin/python3 -c 'import patroni, etcd, psycopg2' && patroni --version",
            "patroni",
        ],
        packages: &["patroni", "python3-etcd", "python3-psycopg2"],
        why: "the worked example's failover",
    },
];

/// What the packages start when the machine does, though nobody here asked for it.
const SERVICES: &[(&str, &str)] = &[
    ("postgresql", "postgresql.service"),
    ("pgbouncer", "pgbouncer.service"),
    ("haproxy", "haproxy.service"),
    ("etcd-server", "etcd.service"),
    ("patroni", "patroni.service"),
];

/// Installs packages and starts nothing: `install.sh ROOT APT-GET PACKAGE...`.
const INSTALL: &str = include_str!("tools/install.sh");

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

/// Installs those of `programs` (as [`Need`] names them) that are missing.
///
/// # Errors
/// As [`make_ready`].
pub(crate) fn make_ready_for(house: &House, programs: &[&str]) -> Outcome {
    provide(house, needs_of(programs).filter(|need| !works(need.probe)).collect())
}

fn needs_of(programs: &[&str]) -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().filter(|need| need.program().is_some_and(|program| programs.contains(&program)))
}

impl Need {
    fn program(&self) -> Option<&'static str> {
        match self.probe {
            ["sh", .., program] | [program, ..] => Some(program),
            [] => None,
        }
    }
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
            .command("sh")
            .args(["-c", INSTALL, "install.sh", "", "apt-get"])
            .args(&packages)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr()),
    )?;
    for (_, service) in SERVICES.iter().filter(|(package, _)| packages.contains(package)) {
        // Just installed, by us: nobody relies on it yet. A container has no systemctl, and nothing that would start it.
        let _off = works(&["systemctl", "disable", "--quiet", service]);
    }
    Ok(())
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
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

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

    #[test]
    fn a_program_that_a_shell_looks_for_is_known_by_its_own_name() {
        assert_eq!(needs_of(&["sh"]).count(), 0);
        let packages: Vec<&str> = needs_of(&["postgres", "patroni", "etcd", "haproxy", "pgbouncer"])
            .flat_map(|need| need.packages)
            .copied()
            .collect();
        assert!(SERVICES.iter().all(|(package, _)| packages.contains(package)), "{packages:?}");
    }

    /// Runs [`INSTALL`] below `root` with a stand-in for apt-get that tells what was in force when it was called.
    fn install(root: &Path, stand_in: &str) -> (bool, String) {
        let apt_get = root.join("apt-get");
        std::fs::write(&apt_get, format!("#!/bin/sh\ncd \"${{0%/*}}\"\n{stand_in}\n")).unwrap();
        std::fs::set_permissions(&apt_get, std::fs::Permissions::from_mode(0o755)).unwrap();
        let done = Command::new("sh")
            .args(["-c", INSTALL, "install.sh"])
            .args([root, &apt_get])
            .arg("postgresql")
            .output()
            .unwrap();
        (done.status.success(), String::from_utf8(done.stdout).unwrap())
    }

    /// An empty folder below the system's for temporary files, removed by the caller.
    fn empty_folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("portvakt-tools-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn while_packages_are_installed_nothing_starts_and_then_nothing_is_left() {
        let root = empty_folder("quiet");
        let stand_in = "usr/sbin/policy-rc.d; echo $?; cat etc/postgresql-common/createcluster.d/*; echo $*";
        for (stand_in, succeeds) in [
            (stand_in.to_owned(), true),
            (format!("{stand_in}; exit 3"), false),
            ("kill $PPID".to_owned(), false),
        ] {
            let (succeeded, told) = install(&root, &stand_in);
            assert_eq!(succeeded, succeeds, "{told}");
            if stand_in.contains("cat") {
                assert!(told.starts_with("101\n"), "{told}");
                assert!(told.contains("create_main_cluster = false"), "{told}");
                assert!(told.ends_with("--no-install-recommends postgresql\n"), "{told}");
            }
            assert!(!root.join("usr/sbin/policy-rc.d").exists());
            assert!(!root.join("etc/postgresql-common/createcluster.d").exists());
        }
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_machine_that_has_a_policy_keeps_it() {
        let root = empty_folder("policy");
        let policy = root.join("usr/sbin/policy-rc.d");
        std::fs::create_dir_all(policy.parent().unwrap()).unwrap();
        std::fs::write(&policy, "#!/bin/sh\nexit 104\n").unwrap();
        assert!(install(&root, "true").0);
        assert_eq!(std::fs::read_to_string(&policy).unwrap(), "#!/bin/sh\nexit 104\n");
        std::fs::remove_dir_all(root).unwrap();
    }
}
