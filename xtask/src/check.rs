//! `cargo xtask check`: what to run before a commit. Minutes, not a quarter of an hour.

use std::process::ExitCode;

use crate::assets;
use crate::house::{House, Outcome, run as run_command};
use crate::stage::{Stage, run_all};
use crate::tidy;

/// Formatting, as `cargo fmt --all` would leave it.
pub(crate) const FORMAT: Stage = Stage { name: "format", run: format };
/// Clippy on every target; a warning is an error on the build machine and is shown elsewhere.
pub(crate) const LINTS: Stage = Stage { name: "lints", run: lints };
/// The house rules.
pub(crate) const TIDY: Stage = Stage { name: "tidy", run: tidy::run };

const STAGES: &[Stage] = &[FORMAT, LINTS, TIDY, Stage { name: "quick tests", run: quick_tests }];

/// The crates whose integration tests are pure rules and so are quick as well.
const PURE: [&str; 2] = ["portvakt-crypto", "portvakt-protocol"];

/// Runs the quick stages.
///
/// # Errors
/// When what the server is built with is missing and cannot be fetched; then no stage has run.
pub(crate) fn run(house: &House) -> Result<ExitCode, String> {
    assets::make_ready(house)?;
    Ok(run_all(house, STAGES))
}

fn format(house: &House) -> Outcome {
    run_command(&mut house.cargo(&["fmt", "--all", "--check"]))
}

fn lints(house: &House) -> Outcome {
    let mut clippy = house.cargo(&["clippy", "--workspace", "--all-targets", "--locked"]);
    if house.ci {
        clippy.args(["--", "-D", "warnings"]);
    }
    run_command(&mut clippy)
}

/// The unit tests of every crate and the integration tests of the pure ones, in one build.
fn quick_tests(house: &House) -> Outcome {
    let mut tests = house.cargo(&["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins"]);
    for target in
        house.crates.iter().filter(|one| PURE.contains(&one.name.as_str())).flat_map(|one| &one.targets)
    {
        if target.kind.iter().any(|kind| kind == "test") {
            tests.args(["--test", &target.name]);
        }
    }
    run_command(&mut tests)
}
