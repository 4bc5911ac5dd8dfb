//! Words that do not belong in the repository: unfinished code, switched-off tests, one machine's paths and hosts.

use super::Breach;
use super::tree::{Tree, word_starts};

/// A word and what to do instead. Written in two parts, so that this file does not hold the word itself.
struct Word {
    text: &'static str,
    fix: &'static str,
}

const UNFINISHED: &[Word] = &[
    Word { text: concat!("to", "do!"), fix: "write the code or leave the function out" },
    Word { text: concat!("un", "implemented!"), fix: "write the code or leave the function out" },
    Word { text: concat!("db", "g!"), fix: "remove it; what operators need is a tracing event" },
    Word {
        text: concat!("#[ig", "nore"),
        fix: "a test runs or is removed; a slow one is a stage of `cargo xtask test`",
    },
];

const THIS_MACHINE: &[Word] = &[
    Word { text: concat!("/wo", "rk/"), fix: "a path of one machine: use a relative one" },
    Word { text: concat!("/ro", "ot/"), fix: "a path of one machine: use a relative one" },
    Word { text: concat!("/ho", "me/"), fix: "a path of one machine: use a relative one" },
    Word { text: concat!("../sha", "red"), fix: "the repository stands alone: write the fact down here" },
    Word { text: concat!("registry.np", "mjs"), fix: "a registry's host: clients know it" },
    Word { text: concat!("pythonho", "sted"), fix: "a registry's host: clients know it" },
    Word { text: concat!("static.cra", "tes.io"), fix: "a registry's host: clients know it" },
    Word { text: concat!("index.cra", "tes.io"), fix: "a registry's host: clients know it" },
    Word { text: concat!("deb.deb", "ian.org"), fix: "a registry's host: clients know it" },
    Word { text: concat!("--index-", "url"), fix: "the machine's own settings say where packages come from" },
    Word {
        text: concat!("--extra-index-", "url"),
        fix: "the machine's own settings say where packages come from",
    },
    Word {
        text: concat!("\"resolved\": \"ht", "tp"),
        fix: "a registry's host: lock with `npm install --package-lock-only --omit-lockfile-registry-resolved`",
    },
];

/// Every forbidden word, with the file and line it stands in.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files() {
        let unfinished: &[Word] = if file.path.ends_with(".rs") { UNFINISHED } else { &[] };
        for (number, line) in file.lines() {
            for word in unfinished.iter().chain(THIS_MACHINE) {
                if word_starts(line, word.text).next().is_some() {
                    let fix = format!("`{}`: {}", word.text, word.fix);
                    breaches.push(Breach::new(&file.path, number, "words", fix));
                }
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unfinished_word_is_found_in_rust_and_left_alone_in_prose() {
        for word in UNFINISHED {
            let line = format!("fn f() {{}}\n    {}(\"later\")", word.text);
            let found = check(&Tree::of(&[("a.rs", &line), ("a.md", &line)]));
            assert_eq!(found.len(), 1, "{}", word.text);
            assert_eq!((found[0].path.as_str(), found[0].line), ("a.rs", 2));
        }
    }

    #[test]
    fn every_word_of_one_machine_is_found_anywhere() {
        for word in THIS_MACHINE {
            let line = format!("see {}x", word.text);
            assert_eq!(check(&Tree::of(&[("docs/a.md", &line)])).len(), 1, "{}", word.text);
        }
    }

    #[test]
    fn a_longer_name_that_ends_alike_is_accepted() {
        let text = concat!(
            "my_to",
            "do!(); https://example.no/frame",
            "wo",
            "rk/ https://example.no/net",
            "/wo",
            "rk/"
        );
        assert_eq!(check(&Tree::of(&[("a.rs", text)])), []);
    }
}
