//! `cargo xtask assets`: the pages' stylesheet, from npm, at the version and with the digests that `assets/` names.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::house::{House, Outcome, run as run_command};
use crate::tools;

const PACKAGE: &str = "@digdir/designsystemet-css";

/// The parts that the server's pages use, from the repository's root. Its build reads the list as well.
const PARTS: &str = "crates/web/styles/parts.txt";

/// What the builds read beside those parts, from the package: the server's pages, then the demo's.
const BESIDE: [&str; 3] = ["dist/src/base.css", "dist/theme/designsystemet.css", "dist/src/index.css"];

/// Sees to it that the server can be built: a C compiler, and the stylesheet, with npm to fetch it if it is not there.
///
/// # Errors
/// When something is missing and cannot be installed; the message holds the command to run.
pub(crate) fn make_ready(house: &House) -> Outcome {
    if is_fetched(&house.root) { tools::make_ready_for(house, &["cc"]) } else { fetch(house) }
}

/// Fetches the stylesheet, whatever is there: an earlier time may have been interrupted.
///
/// # Errors
/// As [`make_ready`].
pub(crate) fn fetch(house: &House) -> Outcome {
    tools::make_ready_for(house, &["cc", "node", "npm"])?;
    eprintln!("fetching the pages' stylesheet ({PACKAGE})");
    let mut npm = house.command("npm");
    // Nothing of a package runs here, and nothing else than the package is asked for. What npm has to say is no answer of ours.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    run_command(npm.current_dir(house.root.join("assets")).stdout(std::io::stderr()))
}

/// Whether the pinned version is there, with every file that the builds read.
fn is_fetched(root: &Path) -> bool {
    let assets = root.join("assets");
    let package = assets.join("node_modules").join(PACKAGE);
    let wanted =
        json(&assets.join("package.json")).and_then(|it| text(it.get("dependencies")?.get(PACKAGE)?));
    let found = json(&package.join("package.json")).and_then(|it| text(it.get("version")?));
    let parts = fs::read_to_string(root.join(PARTS)).unwrap_or_default();
    let mut files = parts.lines().map(|part| format!("dist/src/{part}.css")).chain(BESIDE.map(str::to_owned));
    wanted.is_some() && wanted == found && files.all(|file| package.join(file).is_file())
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
    fn what_is_not_there_or_of_another_version_or_in_part_is_fetched() {
        let root = std::env::temp_dir().join(format!("portvakt-assets-{}", std::process::id()));
        let put = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let package = format!("assets/node_modules/{PACKAGE}");
        put("assets/package.json", &format!(r#"{{"dependencies":{{"{PACKAGE}":"1.2.3"}}}}"#));
        put(PARTS, "link\nbutton\n");
        assert!(!is_fetched(&root), "nothing is there");
        for part in ["link", "button"]
            .map(|part| format!("dist/src/{part}.css"))
            .iter()
            .map(String::as_str)
            .chain(BESIDE)
        {
            put(&format!("{package}/package.json"), r#"{"version":"1.2.3"}"#);
            assert!(!is_fetched(&root), "{part} is not there");
            put(&format!("{package}/{part}"), "");
        }
        assert!(is_fetched(&root));
        put(&format!("{package}/package.json"), r#"{"version":"1.2.2"}"#);
        assert!(!is_fetched(&root), "another version is there");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_list_of_parts_is_where_it_is_looked_for() {
        let parts = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PARTS)).unwrap();
        assert!(parts.lines().any(|part| part == "button"), "{parts}");
    }
}
