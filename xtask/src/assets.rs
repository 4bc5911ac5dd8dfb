//! `cargo xtask assets`: the pages' stylesheet, from npm, at the version and with the digests that `assets/` names.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::house::{House, Outcome, run as run_command};
use crate::tools;

const PACKAGE: &str = "@digdir/designsystemet-css";

/// Sees to it that the server can be built: a C compiler, and the stylesheet, with npm to fetch it if it is not there.
///
/// # Errors
/// When something is missing and cannot be installed; the message holds the command to run.
pub(crate) fn make_ready(house: &House) -> Outcome {
    let assets = house.root.join("assets");
    if is_fetched(&assets) {
        return tools::make_ready_for(house, &["cc"]);
    }
    tools::make_ready_for(house, &["cc", "node", "npm"])?;
    eprintln!("fetching the pages' stylesheet ({PACKAGE})");
    let mut npm = house.command("npm");
    // Nothing of a package runs here, and nothing else than the package is asked for. What npm has to say is no answer of ours.
    npm.current_dir(&assets).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    run_command(npm.stdout(std::io::stderr()))
}

/// Whether the pinned version is there.
fn is_fetched(assets: &Path) -> bool {
    let wanted = json(&assets.join("package.json")).and_then(|it| text(&it["dependencies"][PACKAGE]));
    let there = assets.join("node_modules").join(PACKAGE).join("package.json");
    let found = json(&there).and_then(|it| text(&it["version"]));
    wanted.is_some() && wanted == found
}

fn json(path: &PathBuf) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_or_of_another_version_is_fetched() {
        let folder = std::env::temp_dir().join(format!("portvakt-assets-{}", std::process::id()));
        let package = folder.join("node_modules").join(PACKAGE);
        fs::create_dir_all(&package).unwrap();
        fs::write(folder.join("package.json"), format!(r#"{{"dependencies":{{"{PACKAGE}":"1.2.3"}}}}"#))
            .unwrap();
        assert!(!is_fetched(&folder), "nothing is there");
        fs::write(package.join("package.json"), r#"{"version":"1.2.2"}"#).unwrap();
        assert!(!is_fetched(&folder), "another version is there");
        fs::write(package.join("package.json"), r#"{"version":"1.2.3"}"#).unwrap();
        assert!(is_fetched(&folder));
        fs::remove_dir_all(folder).unwrap();
    }
}
