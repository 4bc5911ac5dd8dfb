//! Says which command fetches the stylesheet where it is missing: `include_bytes!` would only name a file.

use std::path::Path;
use std::process::ExitCode;

/// What `src/pages.rs` includes.
const STYLESHEETS: [&str; 2] = [
    "../assets/node_modules/@digdir/designsystemet-css/dist/src/index.css",
    "../assets/node_modules/@digdir/designsystemet-css/dist/theme/designsystemet.css",
];

fn main() -> ExitCode {
    for file in STYLESHEETS {
        println!("cargo::rerun-if-changed={file}");
        if !Path::new(file).exists() {
            println!(
                "cargo::error=the pages' stylesheet has not been fetched yet: run `cargo xtask assets`, then build again"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
