//! One fault is one rule: each variant of each enum of faults is constructed in one place, and each rule of the table is named by the
//! row of one fault.
//!
//! The compiler sees to it that every fault has a row. It does not see that two checks answer with one fault, nor that a fault or a rule
//! is left over: whoever reads such a refusal is told of another mistake than their own, or nobody ever reads it.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};

use super::Breach;
use super::tree::{File, Tree};

const RULE: &str = "faults";

/// Where the table of rules is written.
const TABLE: &str = "crates/protocol/src/refusal/rules/";

/// A name and its place in a type, or in the table: `Fault`, `Variant`.
type Named = (String, String);

/// What the sources say, test code left out.
#[derive(Default)]
struct Read {
    /// Enums that implement `Fault`.
    faults: Vec<String>,
    /// Every enum: its name, its file and its variants.
    enums: Vec<(String, String, Vec<String>)>,
    /// How often each variant of whatever enum is constructed.
    made: BTreeMap<Named, usize>,
    /// The rules of the table, with their file.
    rules: Vec<(String, String)>,
    /// How often the row of a fault names each rule.
    named: BTreeMap<String, usize>,
}

/// Faults made in another number of places than one, and rules named by another number of rows.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut read = Read::default();
    let mut breaches = Vec::new();
    let sources = tree.rust().filter(|file| file.path.starts_with("crates/") && !file.is_test());
    for file in sources {
        match syn::parse_file(&file.text) {
            Ok(parsed) => Reader { read: &mut read, file, of: None, in_row: false }.visit_file(&parsed),
            Err(fault) => breaches.push(Breach::new(&file.path, 1, RULE, format!("cannot be read: {fault}"))),
        }
    }
    let line = |path: &str, word: &str| tree.get(path).map_or(1, |file| line_of(file, word));
    for (name, path, variants) in read.enums.iter().filter(|(name, ..)| read.faults.contains(name)) {
        for variant in variants {
            let made = read.made.get(&(name.clone(), variant.clone())).copied().unwrap_or(0);
            if made != 1 {
                let fix = format!(
                    "`{name}::{variant}` is constructed in {made} places: let one function decide it, or give each its own fault"
                );
                breaches.push(Breach::new(path, line(path, variant), RULE, fix));
            }
        }
    }
    for (rule, path) in &read.rules {
        let named = read.named.get(rule).copied().unwrap_or(0);
        if named != 1 {
            let fix =
                format!("`rules::{rule}` is named by the rows of {named} faults: one fault is one rule");
            breaches.push(Breach::new(path, line(path, rule), RULE, fix));
        }
    }
    breaches
}

/// The first line that has this word at its beginning, after spaces and a keyword.
fn line_of(file: &File, word: &str) -> usize {
    let begins = |line: &str| {
        let text = line.trim_start().trim_start_matches("static ");
        text.strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    file.lines().find(|(_, line)| begins(line)).map_or(1, |(number, _)| number)
}

/// Reads one file.
struct Reader<'a> {
    read: &'a mut Read,
    file: &'a File,
    /// The type whose `impl` this is.
    of: Option<String>,
    /// Whether this is an `impl Fault`.
    in_row: bool,
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let variants = item.variants.iter().map(|variant| variant.ident.to_string()).collect();
        self.read.enums.push((item.ident.to_string(), self.file.path.clone(), variants));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if is_test(&item.attrs) {
            return;
        }
        let syn::Type::Path(path) = &*item.self_ty else { return visit::visit_item_impl(self, item) };
        let of = path.path.segments.last().map(|segment| segment.ident.to_string());
        let is_fault =
            |path: &syn::Path| path.segments.last().is_some_and(|segment| segment.ident == "Fault");
        let in_row = item.trait_.as_ref().is_some_and(|(_, path, _)| is_fault(path));
        if let (true, Some(of)) = (in_row, &of) {
            self.read.faults.push(of.clone());
        }
        let outer = (self.of.take(), self.in_row);
        (self.of, self.in_row) = (of, in_row);
        visit::visit_item_impl(self, item);
        (self.of, self.in_row) = outer;
    }

    // Patterns have paths too, but they are no expressions: only those are counted.
    fn visit_expr(&mut self, expression: &'ast syn::Expr) {
        if let syn::Expr::Path(path) = expression {
            self.names(&path.path);
        } else if let syn::Expr::Struct(made) = expression {
            self.names(&made.path);
        }
        visit::visit_expr(self, expression);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.is_ident("rules") && self.file.path.starts_with(TABLE) {
            let words: Vec<String> =
                item.mac.tokens.clone().into_iter().map(|token| token.to_string()).collect();
            let rules = words.windows(2).filter_map(|pair| match pair {
                [word, name] if word == "static" => Some((name.clone(), self.file.path.clone())),
                _ => None,
            });
            self.read.rules.extend(rules);
        }
    }
}

impl Reader<'_> {
    /// An expression names `Type::Variant`, or `rules::RULE`.
    fn names(&mut self, path: &syn::Path) {
        let mut words = path.segments.iter().rev().map(|segment| segment.ident.to_string());
        let (Some(last), Some(before)) = (words.next(), words.next()) else { return };
        if before == "rules" && self.in_row {
            *self.read.named.entry(last).or_default() += 1;
            return;
        }
        let of = if before == "Self" { self.of.clone() } else { Some(before) };
        if let Some(of) = of {
            *self.read.made.entry((of, last)).or_default() += 1;
        }
    }
}

/// `#[cfg(test)]` or `#[test]`.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let listed = |list: &syn::MetaList| list.tokens.to_string() == "test";
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(listed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: &str = "pub enum CodeFault { Unknown(usize), Expired }
        impl Fault for CodeFault {
            fn refusal(&self) -> Refusal {
                match self {
                    Self::Unknown(_) => Refusal::of(&rules::CODE_UNKNOWN),
                    Self::Expired => Refusal::of(&rules::CODE_EXPIRED),
                }
            }
        }\n";
    const MADE: &str = "fn f(n: usize) -> Result<(), CodeFault> {
            let Err(CodeFault::Unknown(_)) = g() else { return Err(CodeFault::Expired) };
            h().map_err(CodeFault::Unknown)
        }\n";
    const TABLE: &str = "rules! { chapter X; static CODE_UNKNOWN = \"a\"; static CODE_EXPIRED = \"b\"; }";

    fn fixes(fault: &str, made: &str, table: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/protocol/src/fault.rs", fault),
            ("crates/web/src/token.rs", made),
            ("crates/protocol/src/refusal/rules/grant.rs", table),
        ]);
        check(&tree).into_iter().map(|breach| breach.fix).collect()
    }

    #[test]
    fn a_fault_that_is_made_in_two_places_is_found() {
        let found = fixes(FAULT, &format!("{MADE}fn k() -> CodeFault {{ CodeFault::Expired }}"), TABLE);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("`CodeFault::Expired` is constructed in 2 places"), "{found:?}");
    }

    #[test]
    fn a_fault_that_nobody_makes_is_found() {
        let found = fixes(FAULT, "fn f() { h().map_err(CodeFault::Unknown) }", TABLE);
        assert!(
            found.len() == 1 && found[0].contains("`CodeFault::Expired` is constructed in 0"),
            "{found:?}"
        );
    }

    #[test]
    fn a_fault_that_its_own_type_makes_counts_as_made() {
        let own = "impl CodeFault { fn k() -> Self { Self::Expired } }";
        assert_eq!(fixes(&format!("{FAULT}{own}"), MADE, TABLE).len(), 1);
    }

    #[test]
    fn a_rule_of_no_fault_and_a_rule_of_two_are_found() {
        let more = TABLE.replace("; }", "; static CODE_LEFT_OVER = \"c\"; }");
        let found = fixes(FAULT, MADE, &more);
        assert!(
            found.len() == 1 && found[0].contains("CODE_LEFT_OVER` is named by the rows of 0"),
            "{found:?}"
        );
        let found = fixes(&FAULT.replace("CODE_EXPIRED", "CODE_UNKNOWN"), MADE, TABLE);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn one_place_to_a_fault_and_one_fault_to_a_rule_is_accepted_whatever_tests_make() {
        let tests = "#[cfg(test)] mod tests { fn k() -> CodeFault { CodeFault::Expired } }
            #[test] fn t() { CodeFault::Expired; }";
        assert_eq!(fixes(FAULT, &format!("{MADE}{tests}"), TABLE), Vec::<String>::new());
    }

    #[test]
    fn the_breach_points_at_the_variant() {
        let fault = FAULT.replace("Unknown(usize), Expired", "\n    Unknown(usize),\n    Expired,\n");
        let tree = Tree::of(&[("crates/protocol/src/fault.rs", &fault)]);
        let lines: Vec<_> = check(&tree).iter().map(|breach| breach.line).collect();
        assert_eq!(lines, [2, 3]);
    }
}
