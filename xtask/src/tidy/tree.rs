//! The repository's files, read once, and the view of a Rust file without its tests.

use std::collections::BTreeSet;

use crate::house::{House, output};

/// Every file of the project: committed, or new and not ignored. A rule sees a file before it is committed.
pub(super) struct Tree {
    files: Vec<File>,
    committed: BTreeSet<String>,
}

/// One file. What is not UTF-8 (an image) has no text, but it exists for links.
pub(super) struct File {
    /// Relative to the root, with `/` between the parts.
    pub(super) path: String,
    /// The whole text.
    pub(super) text: String,
}

impl Tree {
    /// # Errors
    /// When git cannot list the files, as outside a clone.
    pub(super) fn read(house: &House) -> Result<Self, String> {
        let list = |args: &[&str]| -> Result<BTreeSet<String>, String> {
            let listed = output(house.command("git").args(["ls-files", "-z"]).args(args))?;
            Ok(listed.split_terminator('\0').map(str::to_owned).collect())
        };
        let committed = list(&["--cached"])?;
        let mut paths = list(&["--others", "--exclude-standard"])?;
        paths.extend(committed.iter().cloned());
        let files = paths
            .into_iter()
            // A file deleted but not yet committed as such is no longer part of the project.
            .filter(|path| house.root.join(path).is_file())
            .map(|path| {
                let text = std::fs::read_to_string(house.root.join(&path)).unwrap_or_default();
                File { path, text }
            })
            .collect();
        Ok(Self { files, committed })
    }

    /// All files, ordered by path.
    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust sources.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files().filter(|file| file.path.ends_with(".rs"))
    }

    /// The Markdown pages.
    pub(super) fn pages(&self) -> impl Iterator<Item = &File> {
        self.files().filter(|file| file.path.ends_with(".md"))
    }

    /// The file at exactly this path.
    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files().find(|file| file.path == path)
    }

    /// Whether a file or a folder stands at this path; the root is the empty path.
    pub(super) fn exists(&self, path: &str) -> bool {
        path.is_empty()
            || self.files().any(|file| {
                file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    /// Whether git has this path in its index.
    pub(super) fn is_committed(&self, path: &str) -> bool {
        self.committed.contains(path)
    }

    /// A repository written down in a test: all of it committed.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self {
            committed: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
            files: files
                .iter()
                .map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() })
                .collect(),
        }
    }
}

impl File {
    /// The lines, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Whether the whole file is test code: an integration test, a module of unit tests, or the testkit.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("crates/testkit/")
            || self
                .path
                .split('/')
                .any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    }

    /// The line of a manifest that declares this key, or the first line.
    pub(super) fn line_of_key(&self, key: &str) -> usize {
        self.lines()
            .find(|(_, line)| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '='])))
            .map_or(1, |(number, _)| number)
    }

    /// The lines outside `#[cfg(test)] mod … { … }`, with their numbers.
    ///
    /// Relies on rustfmt: such a module starts and ends in the first column.
    pub(super) fn lines_without_tests(&self) -> Vec<(usize, &str)> {
        let mut kept = Vec::new();
        let mut lines = self.lines().peekable();
        while let Some((number, line)) = lines.next() {
            let opens_module = |next: &&(usize, &str)| {
                next.1.ends_with('{') && next.1.split_whitespace().any(|word| word == "mod")
            };
            if line == "#[cfg(test)]" && lines.peek().as_ref().is_some_and(opens_module) {
                for (_, inner) in lines.by_ref() {
                    if inner == "}" {
                        break;
                    }
                }
            } else {
                kept.push((number, line));
            }
        }
        kept
    }
}

/// The places where `word` stands in `line` and is not the tail of a longer name.
pub(super) fn word_starts<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = line.get(..*at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn only_the_test_module_is_left_out_not_what_follows_it() {
        let text = "a\n#[cfg(test)]\nmod tests {\n    b\n}\nc\n#[cfg(test)]\nfn d() {}\n";
        let kept: Vec<_> =
            file("x.rs", text).lines_without_tests().into_iter().map(|(n, l)| format!("{n}{l}")).collect();
        assert_eq!(kept, ["1a", "6c", "7#[cfg(test)]", "8fn d() {}"]);
    }

    #[test]
    fn a_folder_exists_when_a_file_is_in_it_and_not_when_a_name_only_begins_alike() {
        let tree = Tree::of(&[("docs/adr/0001-x.md", "")]);
        assert!(!tree.exists("docs/ad"));
        assert!(!tree.exists("docs/adr/0001"));
        assert!(tree.exists("docs/adr"));
        assert!(tree.exists("docs/adr/0001-x.md"));
    }

    #[test]
    fn test_code_is_known_by_its_place() {
        assert!(!file("crates/web/src/token.rs", "").is_test());
        assert!(file("crates/web/tests/token.rs", "").is_test());
        assert!(file("crates/web/src/token/tests.rs", "").is_test());
        assert!(file("crates/web/src/token_tests.rs", "").is_test());
        assert!(file("crates/testkit/src/browser.rs", "").is_test());
    }
}
