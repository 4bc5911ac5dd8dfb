//! `cargo xtask tidy`: the house rules that neither the compiler nor clippy knows.
//!
//! Each rule is a pure function over the repository's files or manifests, with a test that plants a breach and sees
//! it found. A breach is one line: where, which rule, and what to do about it.

mod chapters;
mod coverage;
mod faults;
mod floors;
mod links;
mod lock;
mod names;
mod tree;
mod witness;
mod words;

use std::fmt;

use crate::house::{House, Outcome};
use tree::Tree;

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Breach {
    /// Relative to the repository's root.
    path: String,
    /// Counted from 1.
    line: usize,
    /// The rule's name.
    rule: &'static str,
    /// What is wrong, and how it is mended.
    fix: String,
}

impl Breach {
    fn new(path: &str, line: usize, rule: &'static str, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, fix: fix.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path, self.line, self.rule, self.fix)
    }
}

/// Holds the repository against every rule and shows the breaches.
///
/// # Errors
/// When there is a breach, or git cannot say which files are the project's.
pub(crate) fn run(house: &House) -> Outcome {
    let tree = Tree::read(house)?;
    let mut breaches = floors::check(house, &tree);
    for rule in [
        floors::lints,
        chapters::check,
        names::check,
        words::check,
        witness::check,
        faults::check,
        links::check,
        links::decisions,
        coverage::check,
        lock::check,
    ] {
        breaches.extend(rule(&tree));
    }
    for breach in &breaches {
        println!("{breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        n => Err(format!("{n} {} of the house rules", if n == 1 { "breach" } else { "breaches" })),
    }
}
