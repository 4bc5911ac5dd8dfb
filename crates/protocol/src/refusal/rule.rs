//! One row of the table of rules: what the wire, the log and a page of the product say of one fault.

use std::fmt;

use super::example::{Example, Only};
use super::{ErrorCode, rules};
use crate::language::Language;
use crate::provider::Provider;

/// One rule that a request can break. Each is named by the row of exactly one fault; `cargo xtask tidy` counts.
#[derive(PartialEq, Eq)]
pub struct Rule {
    /// Its name in kebab case: stable, for logs, searches and the address of its page.
    pub name: &'static str,
    /// The code on the wire.
    pub code: ErrorCode,
    /// Where it is written.
    pub clause: &'static str,
    /// The HTTP status of a direct answer, where it is another than the code's own.
    pub(super) status: Option<u16>,
    /// What callers read in its place, if they may not learn which rule it was.
    pub told_as: Option<&'static Shared>,
    /// Its page in English.
    pub en: Text,
    /// Its page in Norwegian (bokmål).
    pub nb: Text,
    /// Where alone it can be broken; none: at every issuer.
    pub(super) only: Option<Only>,
    /// What works.
    pub example: Example,
}

/// What several rules are told as: their callers may not learn which of them it was, so they read the same of each.
#[derive(Debug, PartialEq, Eq)]
pub struct Shared {
    /// The page that explains them all. It is no rule itself: no fault has it.
    pub page: Rule,
    /// What callers read instead of parameter and expectation.
    pub sentence: &'static str,
    /// Whether they read what came too, as far as it may be shown: it is their own.
    pub quotes: bool,
}

/// A page about a rule in one language: one to three short sentences each.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// The heading.
    pub title: &'static str,
    /// What the rule is.
    pub what: &'static str,
    /// Why it exists.
    pub why: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

impl Rule {
    /// Every rule, each once, chapter by chapter.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        rules::CHAPTERS.iter().copied().flatten().copied()
    }

    /// The rule of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|rule| rule.name == name)
    }

    /// What the page of this name is about: a rule, or what several are told as.
    pub fn page(name: &str) -> Option<&'static Self> {
        let shared = Shared::ALL.iter().map(|shared| &shared.page).find(|page| page.name == name);
        shared.or_else(|| Self::named(name))
    }

    /// The HTTP status of a direct answer.
    pub fn status(&self) -> u16 {
        self.status.unwrap_or_else(|| self.code.status())
    }

    /// The name of the page that a caller is led to.
    pub fn told_name(&self) -> &'static str {
        self.told_as.map_or(self.name, |shared| shared.page.name)
    }

    /// Whether a request to this issuer can break it.
    pub fn can_be_broken_at(&self, provider: &Provider) -> bool {
        self.only.is_none_or(|only| only.at(provider))
    }

    /// The page's text for whoever reads this language, and the language that it is in: Norwegian for bokmål and nynorsk, English
    /// for the others.
    pub fn text(&self, reader: Language) -> (&Text, Language) {
        match reader {
            Language::Nb | Language::Nn => (&self.nb, Language::Nb),
            Language::En | Language::Se => (&self.en, Language::En),
        }
    }
}

impl fmt::Debug for Rule {
    /// Its name: whatever has a rule would otherwise show its pages too.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Rule({})", self.name)
    }
}

impl Shared {
    /// Every one of them.
    pub const ALL: &'static [&'static Self] =
        &[&rules::CLIENT_AUTHENTICATION, &rules::SCOPE_REFUSED, &rules::TOKEN_NOT_GOOD];

    /// The rules that are told as this.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> + '_ {
        Rule::all().filter(move |rule| rule.told_name() == self.page.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every page there is.
    fn pages() -> impl Iterator<Item = &'static Rule> {
        Rule::all().chain(Shared::ALL.iter().map(|shared| &shared.page))
    }

    #[test]
    fn every_name_is_kebab_case_and_stands_once() {
        let mut seen = BTreeSet::new();
        for page in pages() {
            let is_kebab = page.name.split('-').all(|word| {
                !word.is_empty()
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
            assert!(is_kebab, "{}", page.name);
            assert!(seen.insert(page.name), "{} stands twice", page.name);
            assert_eq!(Rule::page(page.name), Some(page));
        }
    }

    #[test]
    fn every_page_says_what_why_and_how_to_mend_it_in_both_languages() {
        for page in pages() {
            assert!(!page.clause.is_empty(), "{}", page.name);
            for text in [&page.en, &page.nb] {
                assert!(
                    !text.title.is_empty() && !text.title.ends_with('.'),
                    "{}: {}",
                    page.name,
                    text.title
                );
                for part in [text.what, text.why, text.mend] {
                    assert!(part.ends_with('.') && part.len() > 20, "{}: {part}", page.name);
                    let sentences = part.matches(". ").count() + 1;
                    assert!(sentences <= 3, "{}: {sentences} sentences: {part}", page.name);
                    assert!(!part.contains("  ") && !part.contains('\n'), "{}: {part}", page.name);
                }
            }
            assert_ne!((page.en.title, page.en.what), (page.nb.title, page.nb.what), "{}", page.name);
        }
    }

    #[test]
    fn rfc6749_s5_2_and_rfc6750_s3_an_error_uri_has_their_characters() {
        for page in pages() {
            assert!(page.name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)));
        }
    }

    #[test]
    fn what_is_told_as_one_has_one_code_and_one_status() {
        for shared in Shared::ALL {
            assert!(shared.rules().count() > 1, "{}", shared.page.name);
            for rule in shared.rules() {
                let page = &shared.page;
                assert_eq!((rule.code, rule.status()), (page.code, page.status()), "{}", rule.name);
            }
        }
    }
}
