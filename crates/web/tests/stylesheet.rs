//! What a build says that has no stylesheet to build with: the command that fetches it.
#![expect(clippy::unwrap_used, reason = "a scene that cannot go on fails where it stands")]

use std::fs;
use std::path::Path;

#[path = "../build.rs"]
#[expect(
    dead_code,
    clippy::print_stdout,
    reason = "what writes the sheets is for cargo: it says where, and listens"
)]
mod build;

const PACKAGE: &str = "node_modules/@digdir/designsystemet-css";

/// The version that `assets` shall have, and one that it has.
fn pin(assets: &Path, wanted: &str, there: &str) {
    let named =
        format!("{{\n  \"dependencies\": {{\n    \"@digdir/designsystemet-css\": \"{wanted}\"\n  }}\n}}\n");
    fs::write(assets.join("package.json"), named).unwrap();
    fs::create_dir_all(assets.join(PACKAGE)).unwrap();
    fs::write(assets.join(PACKAGE).join("package.json"), format!("{{\n  \"version\": \"{there}\"\n}}\n"))
        .unwrap();
}

#[test]
fn a_build_without_the_stylesheet_names_the_command_that_fetches_it() {
    let folder = tempfile::tempdir().unwrap();
    let assets = folder.path();
    let refused = |what: &str| {
        let why = build::sheets(assets).unwrap_err();
        assert!(why.contains(what) && why.contains("`cargo xtask assets`"), "{why}");
        assert_eq!(why.lines().count(), 1, "cargo shows the first line only: {why}");
    };
    fs::write(assets.join("package.json"), "{\n    \"@digdir/designsystemet-css\": \"1.2.3\"\n}\n").unwrap();
    refused("has not been fetched yet");
    pin(assets, "1.2.3", "1.2.2");
    refused("not of the pinned version");
    // An npm that was interrupted: the version is right, and not all is there.
    pin(assets, "1.2.3", "1.2.3");
    refused("base.css");
}

#[test]
fn what_this_repository_pins_is_a_stylesheet() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let [pages, theme] = build::sheets(&assets).unwrap();
    assert!(pages.contains("ds-button") && theme.contains("--ds-"));
}
