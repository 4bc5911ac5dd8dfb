//! Puts the pages' stylesheet together: those parts of Designsystemet that the pages use, then our own; and its theme apart, since
//! an operator may replace that. Both compressed, once.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// The components that the templates use, one a line. A class whose part is not here has no look. `cargo xtask` reads the list too.
const PARTS: &str = include_str!("styles/parts.txt");

/// Where npm puts the package, from `assets`.
const PACKAGE: &str = "node_modules/@digdir/designsystemet-css";

const FETCH: &str = "run `cargo xtask assets` (npm fetches the pages' stylesheet), then build again; `cargo xtask dev` does both";

fn main() {
    if let Err(why) = build() {
        // Cargo shows this line as the error, and nothing else of ours.
        println!("cargo::error={why}");
    }
}

fn build() -> Result<(), String> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    println!("cargo::rerun-if-changed={}", assets.join("package.json").display());
    println!("cargo::rerun-if-changed={}", assets.join(PACKAGE).join("package.json").display());
    println!("cargo::rerun-if-changed=styles");
    println!("cargo::rerun-if-changed=build.rs");
    let [pages, theme] = sheets(&assets)?;
    write("pages.css", pages.as_bytes())?;
    write("theme.css", theme.as_bytes())
}

/// The pages' stylesheet and the theme, of what npm put into `assets`.
///
/// # Errors
/// A part is not there, or not of the pinned version: the sentence names the command that fetches it.
pub(crate) fn sheets(assets: &Path) -> Result<[String; 2], String> {
    let package = assets.join(PACKAGE);
    is_pinned(assets, &package)?;
    let mut sheet = String::from("@layer ds.theme,ds.base,ds.components;\n");
    sheet.push_str(&format!("@layer ds.base{{{}}}\n@layer ds.components{{", part(&package, "base")?));
    for name in PARTS.lines() {
        sheet.push_str(&part(&package, name)?);
    }
    sheet.push_str("}\n");
    sheet.push_str(&read(Path::new(env!("CARGO_MANIFEST_DIR")).join("styles/pages.css"))?);
    Ok([sheet, read(package.join("dist/theme/designsystemet.css"))?])
}

/// The version that npm put there must be the one that `assets/package.json` names.
fn is_pinned(assets: &Path, package: &Path) -> Result<(), String> {
    let wanted = field(&read(assets.join("package.json"))?, "@digdir/designsystemet-css");
    let found = fs::read_to_string(package.join("package.json")).ok();
    match found.map(|text| field(&text, "version")) {
        None => Err(format!("the pages' stylesheet has not been fetched yet: {FETCH}")),
        Some(found) if found != wanted => {
            Err(format!("the pages' stylesheet is not of the pinned version: {FETCH}"))
        }
        Some(_) => Ok(()),
    }
}

/// The text of a member of a JSON document that npm wrote, one member a line.
fn field(json: &str, name: &str) -> Option<String> {
    let line = json.lines().find(|line| line.trim_start().starts_with(&format!("\"{name}\":")))?;
    Some(line.split_once(':')?.1.trim().trim_matches([',', '"']).to_owned())
}

fn part(package: &Path, name: &str) -> Result<String, String> {
    read(package.join(format!("dist/src/{name}.css")))
}

fn read(path: PathBuf) -> Result<String, String> {
    fs::read_to_string(&path).map_err(|why| format!("{}: {why}: {FETCH}", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where to write by its environment")]
fn write(name: &str, content: &[u8]) -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    let told = |why: std::io::Error| format!("{name}: {why}");
    fs::write(out.join(name), content).map_err(told)?;
    let file = fs::File::create(out.join(format!("{name}.gz"))).map_err(told)?;
    let mut gzip = GzEncoder::new(file, Compression::best());
    gzip.write_all(content).map_err(told)?;
    gzip.finish().map(drop).map_err(told)
}
