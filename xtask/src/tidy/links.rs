//! Documents lead somewhere: links resolve, and each decision record is in the index.

use super::Breach;
use super::tree::{File, Tree};

/// Links in Markdown pages to files that are not there.
pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for page in tree.pages() {
        for (number, line) in prose(page) {
            for target in targets(line) {
                let resolved = resolve(&page.path, target);
                if resolved.as_deref().is_none_or(|path| !tree.exists(path)) {
                    let fix = format!("`{target}` leads nowhere: correct the link or write the file");
                    breaches.push(Breach::new(&page.path, number, "links", fix));
                }
            }
        }
    }
    breaches
}

/// Decision records `docs/adr/NNNN-….md` that no index names, and numbers cited without a record.
pub(super) fn decisions(tree: &Tree) -> Vec<Breach> {
    let indexes: Vec<&File> =
        ["docs/adr/README.md", "docs/ARCHITECTURE.md"].iter().filter_map(|path| tree.get(path)).collect();
    let records: Vec<&str> = tree
        .files()
        .filter_map(|file| file.path.strip_prefix("docs/adr/"))
        .filter(|name| name.ends_with(".md") && name.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let mut breaches: Vec<Breach> = records
        .iter()
        .filter(|name| !indexes.iter().any(|index| index.text.contains(**name)))
        .map(|name| {
            let fix = "in no index: link it from docs/adr/README.md";
            Breach::new(&format!("docs/adr/{name}"), 1, "decisions", fix)
        })
        .collect();
    for page in tree.pages() {
        for (number, line) in prose(page) {
            for cited in cited_records(line) {
                if !records.iter().any(|name| name.starts_with(cited)) {
                    let fix = format!(
                        "ADR {cited} does not exist: correct the number or write docs/adr/{cited}-….md"
                    );
                    breaches.push(Breach::new(&page.path, number, "decisions", fix));
                }
            }
        }
    }
    breaches
}

/// The lines outside fenced code.
fn prose(page: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.lines().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The paths a line links to: `[text](target)` and `[name]: target`. Addresses and anchors in the page are left out.
fn targets(line: &str) -> Vec<&str> {
    let line_has_no_code = !line.contains('`');
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let named = line
        .strip_prefix('[')
        .filter(|_| line_has_no_code)
        .and_then(|rest| rest.split_once("]: "))
        .and_then(|(_, target)| target.split_whitespace().next());
    inline
        .chain(named)
        .filter(|target| {
            !target.contains("://") && !target.starts_with("mailto:") && !target.starts_with('#')
        })
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
        .collect()
}

/// The numbers of lines such as `see ADR 0003`.
fn cited_records(line: &str) -> impl Iterator<Item = &str> {
    line.split("ADR ")
        .skip(1)
        .filter_map(|rest| rest.get(..4))
        .filter(|n| n.bytes().all(|b| b.is_ascii_digit()))
}

/// The path in the repository that `target` means on the page `from`; none when it leads out of the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let (folder, target) = match target.strip_prefix('/') {
        Some(from_root) => ("", from_root),
        None => (from.rsplit_once('/').map_or("", |(folder, _)| folder), target),
    };
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_lines(text: &str) -> Vec<usize> {
        let tree = Tree::of(&[
            ("docs/a.md", text),
            ("docs/b.md", ""),
            ("docs/adr/0001-x.md", ""),
            ("README.md", ""),
        ]);
        check(&tree).into_iter().map(|breach| breach.line).collect()
    }

    #[test]
    fn links_to_nothing_are_found() {
        assert_eq!(
            link_lines("ok\n[x](c.md)\n[x](b.md) and [y](adr/0002-y.md)\n[z]: ../c.md\n[o](../../out.md)\n"),
            [2, 3, 4, 5]
        );
    }

    #[test]
    fn links_to_files_folders_anchors_and_addresses_are_accepted() {
        let text = "[b](b.md#part) [r](../README.md) [d](adr/) [d](adr) [h](#here) [w](https://example.no/x.md)\n\
                    [root](/docs/b.md)\n```\n[in code](nothing.md)\n```\n[n]: b.md\n";
        assert_eq!(link_lines(text), [0_usize; 0]);
    }

    #[test]
    fn a_decision_outside_the_index_is_found_and_so_is_an_index_entry_without_a_decision() {
        let tree = Tree::of(&[
            ("docs/adr/README.md", "[one](0001-one.md), ADR 0001 and ADR 0003"),
            ("docs/adr/0001-one.md", ""),
            ("docs/adr/0002-two.md", ""),
        ]);
        let found: Vec<_> = decisions(&tree).into_iter().map(|breach| (breach.path, breach.line)).collect();
        assert_eq!(found, [("docs/adr/0002-two.md".to_owned(), 1), ("docs/adr/README.md".to_owned(), 1)]);
    }
}
