//! A real Chromium walks every page of the release binary and of the demo service: logins, accessibility, screenshots.

use std::path::PathBuf;

use crate::assets;
use crate::house::{House, Outcome, run as run_command};
use crate::test::{release_binary, release_binary_path};
use crate::tools;

/// What the stage calls beside the binaries: the certificate of the production issuers is made by openssl, and a store that
/// fails by Python.
const PROGRAMS: &[&str] = &["chromium", "node", "npm", "openssl", "python3"];

/// Where every page is shown as people see it. `sheet-*.png` shows them side by side.
const SCREENSHOTS: &str = "screenshots";

/// Builds the server if need be, and walks.
///
/// # Errors
/// When a program is missing and cannot be installed, a build fails, or a page does not keep a bar.
pub(crate) fn alone(house: &House) -> Outcome {
    tools::make_ready_for(house, PROGRAMS)?;
    assets::make_ready(house)?;
    release_binary(house)?;
    pages(house)
}

/// Every page against its bars; ends what it starts.
///
/// # Errors
/// When the demo does not build, Chromium is not there, or a page does not keep a bar.
pub(crate) fn pages(house: &House) -> Outcome {
    let folder = house.root.join("tests").join("browser");
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    run_command(house.command("npm").args(install).current_dir(&folder))?;
    // What a developer starts is built without optimisation, and here it is walked as it is started.
    run_command(&mut house.cargo(&["build", "--locked", "-p", "portvakt-demo"]))?;
    let demo = house.target.join("debug").join("portvakt-demo");
    let screenshots = house.target.join(SCREENSHOTS);
    let mut walk = house.command("node");
    walk.args(["--test-reporter=spec", "run.mjs"])
        .arg("--portvakt")
        .arg(release_binary_path(house))
        .arg("--demo")
        .arg(demo)
        .arg("--chromium")
        .arg(chromium()?)
        .arg("--screenshots")
        .arg(screenshots)
        .current_dir(&folder);
    run_command(&mut walk)
}

/// Debian's Chromium, or the first on the path.
#[expect(clippy::disallowed_methods, reason = "the path is where a program is looked for")]
fn chromium() -> Result<PathBuf, String> {
    let debian = PathBuf::from("/usr/bin/chromium");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    std::iter::once(debian)
        .chain(on_path)
        .find(|file| file.is_file())
        .ok_or_else(|| "there is no chromium: install Debian's package of that name".to_owned())
}
