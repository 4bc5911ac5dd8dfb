//! A witness that only storage can vouch for is made only by the store.
//!
//! `protocol::witness` must give its constructors to another crate, so the compiler cannot keep everyone else out.
//! This rule can: `vouched` may be named, called or not, only in `crates/store` and where it is defined.

use super::Breach;
use super::tree::{File, Tree, word_starts};

const HOME: [&str; 2] = ["crates/store/", "crates/protocol/src/witness.rs"];

/// Names of witness constructors outside the store. Tests may make any witness; xtask imports none.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust()
        .filter(|file| !file.is_test() && !file.path.starts_with("xtask/"))
        .filter(|file| !HOME.iter().any(|home| file.path.starts_with(home)))
        .flat_map(in_file)
        .collect()
}

fn in_file(file: &File) -> Vec<Breach> {
    file.lines_without_tests()
        .into_iter()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(|(_, line)| names_vouched(line) || line.contains("witness::from_store"))
        .map(|(number, _)| {
            let fix = "only the store may vouch that a row was spent: take the witness its verb returned";
            Breach::new(&file.path, number, "witness", fix)
        })
        .collect()
}

/// `Spent::vouched`, `.vouched(`: called, or handed on as a function.
fn names_vouched(line: &str) -> bool {
    word_starts(line, "vouched").any(|at| {
        let (before, after) = line.split_at_checked(at).unwrap_or(("", ""));
        let ends = after.strip_prefix("vouched").and_then(|rest| rest.chars().next());
        before.ends_with(['.', ':']) && !ends.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|breach| breach.line).collect()
    }

    #[test]
    fn a_constructor_named_outside_the_store_is_found() {
        let text = "x\nlet s = Spent::vouched(row);\nlet f = witness::Spent::vouched;\nwitness::from_store(row)\ns.vouched()\n";
        assert_eq!(lines("crates/web/src/token.rs", text), [2, 3, 4, 5]);
        assert_eq!(lines("crates/protocol/src/token.rs", text), [2, 3, 4, 5]);
    }

    #[test]
    fn the_store_the_definition_and_tests_are_accepted() {
        let text = "let s = Spent::vouched(row);\n";
        assert_eq!(lines("crates/store/src/grants.rs", text), NONE);
        assert_eq!(lines("crates/protocol/src/witness.rs", text), NONE);
        assert_eq!(lines("crates/protocol/tests/rfc6749.rs", text), NONE);
        assert_eq!(
            lines("crates/web/src/token.rs", &format!("#[cfg(test)]\nmod tests {{\n    {text}}}\n")),
            NONE
        );
        assert_eq!(
            lines("crates/web/src/token.rs", "// Spent::vouched( is the store's\nself.vouched_for()\n"),
            NONE
        );
    }
}
