//! `Cargo.lock` is committed: a build next year takes the dependencies that were tested.

use super::Breach;
use super::tree::Tree;

/// A lock file that is missing from git.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    if tree.is_committed("Cargo.lock") {
        return Vec::new();
    }
    vec![Breach::new("Cargo.lock", 1, "lock", "not committed: `git add Cargo.lock`")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_without_its_lock_file_is_found() {
        assert_eq!(check(&Tree::of(&[("Cargo.toml", "")])).len(), 1);
        assert_eq!(check(&Tree::of(&[("Cargo.lock", "")])), []);
    }
}
