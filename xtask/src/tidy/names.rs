//! File names are nouns from the standards. The names forbidden here say only "code".

use std::collections::BTreeSet;

use super::Breach;
use super::tree::Tree;

const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "helper", "helpers", "common", "type", "types", "manager", "service", "misc"];

const SOURCES: [&str; 6] = [".rs", ".py", ".js", ".mjs", ".ts", ".sql"];

/// Source files, and folders of any, that are named after nothing.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut seen = BTreeSet::new();
    let mut breaches = Vec::new();
    for file in tree.files() {
        let mut so_far = String::new();
        for part in file.path.split('/') {
            if !so_far.is_empty() {
                so_far.push('/');
            }
            so_far.push_str(part);
            let is_folder = so_far.len() < file.path.len();
            let stem = SOURCES.iter().find_map(|end| part.strip_suffix(end));
            let name = if is_folder { Some(part) } else { stem };
            if name.is_some_and(|name| EMPTY_NAMES.contains(&name)) && seen.insert(so_far.clone()) {
                let fix = format!("`{part}` names nothing: use the standard's noun for what it owns");
                breaches.push(Breach::new(&so_far, 1, "names", fix));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_found_in_files_and_folders_once() {
        let tree = Tree::of(&[
            ("crates/web/src/utils.rs", ""),
            ("crates/web/tests/common/a.rs", ""),
            ("crates/web/tests/common/b.rs", ""),
            ("tests/clients/helpers.mjs", ""),
            ("crates/web/src/token_type.rs", ""),
            ("docs/service.md", ""),
        ]);
        let found: Vec<_> = check(&tree).into_iter().map(|breach| breach.path).collect();
        assert_eq!(
            found,
            ["crates/web/src/utils.rs", "crates/web/tests/common", "tests/clients/helpers.mjs"]
        );
    }
}
