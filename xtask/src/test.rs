//! `cargo xtask test`: everything, on a fresh Debian machine that has a Rust toolchain and a C compiler.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::assets;
use crate::bench;
use crate::browser;
use crate::check;
use crate::clients;
use crate::dev;
use crate::house::{House, Outcome, run as run_command};
use crate::stage::{Stage, run_all};
use crate::suites;
use crate::tools;
use crate::torture;

/// Every stage, in order. A new one is a row here and a function that answers an [`Outcome`].
///
/// Stages behind `release binary` find it at [`release_binary_path`]; none builds a second one.
pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "locked dependencies", run: locked },
    check::FORMAT,
    check::TIDY,
    check::LINTS,
    Stage { name: "documentation", run: documentation },
    Stage { name: "supply chain", run: supply_chain },
    Stage { name: "tests", run: tests },
    Stage { name: "scenes on PostgreSQL", run: scenes_on_postgres },
    Stage { name: "dev, with its demo", run: dev::scenes::with_its_demo },
    Stage { name: "release binary", run: release_binary },
    Stage { name: "bench, short", run: bench::short },
    clients::OPENID_CLIENT,
    clients::AUTHLIB,
    clients::SPRING_SECURITY,
    Stage { name: "test-suite examples", run: suites::examples },
    Stage { name: "browser", run: browser::pages },
    Stage { name: "kill loop, short", run: torture::few_kills },
    Stage { name: "three nodes and two databases killed, short", run: torture::few_storms },
    Stage { name: "64 connections for each single use", run: torture::contests_on_one },
    Stage { name: "64 connections over three nodes for each single use", run: torture::contests_on_nodes },
    Stage { name: "contests by verbs, short", run: torture::few_contests },
    Stage { name: "database gone, short", run: torture::shortly_gone },
    Stage { name: "answers after their sync", run: torture::order },
    Stage { name: "a month, short", run: torture::few_days },
    Stage { name: "a store that moves, short", run: torture::few_rows },
    Stage { name: "power cuts, short", run: torture::few_cuts },
    Stage { name: "bad disks, pauses and clocks, short", run: torture::few_faults },
];

/// Makes the machine ready, then runs every stage.
///
/// # Errors
/// When a program is missing and cannot be installed; then no stage has run.
pub(crate) fn run(house: &House) -> Result<ExitCode, String> {
    tools::make_ready(house)?;
    assets::make_ready(house)?;
    Ok(run_all(house, STAGES))
}

/// Where [`release_binary`] leaves the server.
pub(crate) fn release_binary_path(house: &House) -> PathBuf {
    house.target.join("release").join("portvakt")
}

/// Downloads what `Cargo.lock` names; fails when the manifests have moved on without it.
fn locked(house: &House) -> Outcome {
    run_command(&mut house.cargo(&["fetch", "--locked"]))
}

fn documentation(house: &House) -> Outcome {
    run_command(
        house.cargo(&["doc", "--no-deps", "--workspace", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Bans, licences and sources of every dependency. Advisories are left out: they need a database from the network
/// and change without a commit, so they would fail a commit that broke nothing (see `deny.toml`).
fn supply_chain(house: &House) -> Outcome {
    let mut deny = house.command(tools::cargo_deny(house)?);
    run_command(deny.args([
        "--workspace",
        "--locked",
        "check",
        "-D",
        "warnings",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// Units, properties, suites, scenes and documentation examples of every crate.
fn tests(house: &House) -> Outcome {
    run_command(&mut house.cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]))
}

/// The scenes of a whole provider, which the stage before ran on the embedded store.
const SCENES: [&str; 21] = [
    "broken_relying_parties",
    "canaries",
    "catalogue_a",
    "catalogue_a_openid",
    "catalogue_b",
    "codes",
    "contract",
    "customers",
    "endpoints",
    "failing_store",
    "families",
    "introspection",
    "isolation",
    "limits",
    "login",
    "login_hint",
    "openidconnect",
    "pages",
    "revocation",
    "scopes",
    "web_safety",
];

/// The same scenes with every world in a database of its own.
fn scenes_on_postgres(house: &House) -> Outcome {
    // The whole workspace, so that nothing is built a second time for want of a feature.
    let mut scenes = house.cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    for scene in SCENES {
        scenes.args(["--test", scene]);
    }
    run_command(scenes.env("PORTVAKT_SCENES_ON", "postgres"))
}

/// Builds the server as it is released, for the stages behind it.
///
/// # Errors
/// When it does not build.
pub(crate) fn release_binary(house: &House) -> Outcome {
    run_command(&mut house.cargo(&["build", "--release", "--locked", "-p", "portvakt"]))?;
    let path = release_binary_path(house);
    if path.is_file() { Ok(()) } else { Err(format!("no binary at {}", path.display())) }
}
