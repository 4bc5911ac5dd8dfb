//! A file is a chapter: short enough to read in one sitting.

use super::Breach;
use super::tree::{File, Tree};

/// The aim is 400 lines; a fifth of a screen more is not worth a bad cut.
const PROSE: usize = 420;
/// Tests are lists of scenes, read one at a time.
const TESTS: usize = 800;

/// Rust files that are too long, unit tests at their end not counted.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust().filter_map(too_long).collect()
}

fn too_long(file: &File) -> Option<Breach> {
    let most = if file.is_test() { TESTS } else { PROSE };
    let lines = if file.is_test() { file.lines().collect() } else { file.lines_without_tests() };
    let (first_too_many, _) = lines.get(most)?;
    let fix = format!("{} lines, at most {most}: split it by what it owns", lines.len());
    Some(Breach::new(&file.path, *first_too_many, "chapters", fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<Breach> {
        check(&Tree::of(&[(path, text)]))
    }

    #[test]
    fn a_file_that_is_too_long_is_found_where_it_becomes_so() {
        let long = "x\n".repeat(PROSE + 1);
        assert_eq!(found("crates/web/src/token.rs", &long)[0].line, PROSE + 1);
        assert_eq!(found("crates/web/tests/token.rs", &long), []);
        assert_eq!(found("crates/web/tests/token.rs", &"x\n".repeat(TESTS + 1)).len(), 1);
        assert_eq!(found("docs/long.md", &long), []);
    }

    #[test]
    fn unit_tests_do_not_count_but_code_behind_them_does() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    x\n".repeat(500));
        let most = "x\n".repeat(PROSE);
        assert_eq!(found("crates/web/src/token.rs", &format!("{most}{tests}")), []);
        assert_eq!(found("crates/web/src/token.rs", &format!("{most}{tests}x\n")).len(), 1);
    }
}
