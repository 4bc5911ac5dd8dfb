//! `docs/spec-coverage.md` and `docs/threats.md` name tests, and the tests exist.
//!
//! A test is named in backticks as `crate::test_name`, with modules between if one likes; the crate is the folder's
//! name under `crates/`. A path to a test file is a path from the root, such as `tests/clients/authlib.py`.

use std::collections::BTreeSet;

use super::Breach;
use super::tree::Tree;

const PAGES: [&str; 2] = ["docs/spec-coverage.md", "docs/threats.md"];
const FILE_ENDINGS: [&str; 5] = [".rs", ".mjs", ".js", ".py", ".md"];

/// Names on those pages that stand for nothing. A page that is not written yet has none.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let functions = functions(tree);
    let mut breaches = Vec::new();
    for page in PAGES.iter().filter_map(|path| tree.get(path)) {
        for (number, line) in page.lines() {
            for name in line.split('`').skip(1).step_by(2) {
                if let Some(fix) = wrong(tree, &functions, name) {
                    breaches.push(Breach::new(&page.path, number, "coverage", fix));
                }
            }
        }
    }
    breaches
}

/// Why a name stands for nothing. Types, endpoints and parameters are not judged.
fn wrong(tree: &Tree, functions: &BTreeSet<(String, String)>, name: &str) -> Option<String> {
    if is_path(name) {
        let found = tree.exists(name);
        return (!found).then(|| format!("`{name}` is no file: write its path from the repository's root"));
    }
    let parts: Vec<&str> = name.split("::").collect();
    let (first, rest) = parts.split_first()?;
    let last = rest.last()?;
    if !parts.iter().all(|part| is_snake(part)) {
        return None;
    }
    let house = first.strip_prefix("portvakt_").unwrap_or(first);
    let found = functions.contains(&(house.to_owned(), (*last).to_owned()));
    (!found).then(|| {
        format!("`{name}`: there is no `fn {last}` in the crate {house}: correct the name or write the test")
    })
}

fn is_path(name: &str) -> bool {
    name.contains('/')
        && !name.contains(['*', ' ', '{'])
        && FILE_ENDINGS.iter().any(|end| name.ends_with(end))
}

fn is_snake(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_lowercase())
        && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Every function of the house, with the folder of the crate it is in.
fn functions(tree: &Tree) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for file in tree.rust() {
        let inside = file.path.strip_prefix("crates/").unwrap_or(&file.path);
        let Some((house, _)) = inside.split_once('/') else {
            continue;
        };
        for (_, line) in file.lines() {
            for (_, after) in super::tree::word_starts(line, "fn ").filter_map(|at| line.split_at_checked(at))
            {
                let name = after.trim_start_matches("fn ").split(['(', '<']).next().unwrap_or_default();
                found.insert((house.to_owned(), name.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<Breach> {
        check(&Tree::of(&[
            ("docs/spec-coverage.md", page),
            ("crates/protocol/tests/rfc7636.rs", "#[test]\nfn s4_6_wrong_verifier_is_refused() {}\n"),
            ("tests/clients/authlib.py", ""),
        ]))
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        assert_eq!(found("x\n| row | `protocol::s4_6_gone` |\n")[0].line, 2);
        assert_eq!(found("`web::s4_6_wrong_verifier_is_refused`").len(), 1);
        assert_eq!(found("`crypt::s4_6_wrong_verifier_is_refused`").len(), 1);
        assert_eq!(found("`tests/clients/gone.py`").len(), 1);
    }

    #[test]
    fn tests_that_exist_and_other_words_are_accepted() {
        let page = "`protocol::s4_6_wrong_verifier_is_refused`, `protocol::rfc7636::s4_6_wrong_verifier_is_refused`, \
                    `portvakt_protocol::s4_6_wrong_verifier_is_refused`, `tests/clients/authlib.py`, `/token`, `acr`, \
                    `protocol::Granted`";
        assert_eq!(found(page), []);
    }

    #[test]
    fn a_page_that_is_not_written_yet_is_accepted() {
        assert_eq!(check(&Tree::of(&[])), []);
    }
}
