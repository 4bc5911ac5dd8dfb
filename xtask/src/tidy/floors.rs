//! The floors: which crate of the house may import which, and which may name a crypto, SQL or HTTP library.

use super::Breach;
use super::tree::Tree;
use crate::house::{House, Kind};

const RULE: &str = "floors";

/// A crate of the house and the crates below it that it may import.
struct Floor {
    name: &'static str,
    below: &'static [&'static str],
}

const CRYPTO: &str = "portvakt-crypto";
const PROTOCOL: &str = "portvakt-protocol";
const STORE: &str = "portvakt-store";
const EID: &str = "portvakt-eid";
const WEB: &str = "portvakt-web";
const TESTKIT: &str = "portvakt-testkit";
const BINARY: &str = "portvakt";
const DEMO: &str = "portvakt-demo";
const CLUSTER: &str = "portvakt-cluster";
const TORTURE: &str = "portvakt-torture";
const VERIFIER: &str = "portvakt-verifier";

/// From the ground up. Imports point downwards only.
const FLOORS: &[Floor] = &[
    Floor { name: CRYPTO, below: &[] },
    Floor { name: PROTOCOL, below: &[CRYPTO] },
    Floor { name: STORE, below: &[CRYPTO, PROTOCOL] },
    Floor { name: EID, below: &[CRYPTO, PROTOCOL] },
    Floor { name: WEB, below: &[CRYPTO, PROTOCOL, STORE, EID, VERIFIER] },
    Floor { name: BINARY, below: &[CRYPTO, PROTOCOL, STORE, EID, WEB] },
    Floor { name: TESTKIT, below: &[CRYPTO, PROTOCOL, STORE, EID, WEB, CLUSTER, VERIFIER] },
    // It judges what the others make, so it has nothing of theirs that could be wrong in the same way.
    Floor { name: VERIFIER, below: &[] },
    // A relying party like any other: it knows the standards and its own registration, and nothing of how the house is built.
    Floor { name: DEMO, below: &[] },
    // Servers of other makers, as an operator would set them up: it knows nothing of the house either.
    Floor { name: CLUSTER, below: &[] },
    Floor { name: TORTURE, below: &[CRYPTO, PROTOCOL, STORE, CLUSTER] },
    Floor { name: "xtask", below: &[CLUSTER, TORTURE] },
];

/// Libraries of one kind and the crates that may import them. Tests may import any.
struct Trade {
    what: &'static str,
    libraries: &'static [&'static str],
    owners: &'static [&'static str],
}

const TRADES: &[Trade] = &[
    Trade {
        what: "a crypto library",
        libraries: &[
            "aws-lc-rs",
            "aws-lc-sys",
            "ring",
            "rcgen",
            "x509-parser",
            "p256",
            "sha2",
            "hmac",
            "jsonwebtoken",
        ],
        owners: &[CRYPTO],
    },
    Trade { what: "the verifier's own crypto", libraries: &["rsa", "base64ct"], owners: &[VERIFIER] },
    Trade { what: "a relying party's library", libraries: &["openidconnect", "oauth2"], owners: &[DEMO] },
    Trade {
        what: "a TLS library",
        libraries: &["rustls", "tokio-rustls", "tokio-postgres-rustls"],
        owners: &[STORE, WEB],
    },
    Trade {
        what: "TLS and certificate types",
        libraries: &["rustls-pki-types"],
        owners: &[CRYPTO, STORE, WEB],
    },
    Trade {
        what: "an SQL library",
        libraries: &["rusqlite", "libsqlite3-sys", "tokio-postgres", "deadpool-postgres", "sqlx"],
        // The test kit reads the rows behind the store's back, to show that a refusal changed none; the month weighs them.
        owners: &[STORE, TESTKIT, TORTURE],
    },
    Trade {
        what: "an HTTP server library",
        libraries: &["axum", "tower", "tower-http"],
        owners: &[WEB, TESTKIT],
    },
    Trade {
        what: "an HTTP library",
        libraries: &["hyper", "hyper-util", "http", "http-body-util", "reqwest"],
        owners: &[WEB, TESTKIT, DEMO],
    },
    Trade {
        what: "an async runtime, which rules do without,",
        libraries: &["tokio", "futures", "futures-util"],
        owners: &[STORE, WEB, BINARY, TESTKIT, DEMO, TORTURE],
    },
];

/// Every dependency declared in the workspace against the two tables.
pub(super) fn check(house: &House, tree: &Tree) -> Vec<Breach> {
    let members: Vec<&str> = house.crates.iter().map(|one| one.name.as_str()).collect();
    let mut breaches = Vec::new();
    for package in &house.crates {
        let path = house.relative(&package.manifest_path);
        let manifest = tree.get(&path);
        if !FLOORS.iter().any(|floor| floor.name == package.name) {
            let fix = format!("`{}` has no floor: add a row to FLOORS in {}", package.name, file!());
            breaches.push(Breach::new(&path, 1, RULE, fix));
            continue;
        }
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let found = if members.contains(&name) {
                upward(&package.name, name, dependency.kind)
            } else {
                foreign(&package.name, name, dependency.kind)
            };
            if let Some(fix) = found {
                let line = manifest.map_or(1, |file| file.line_of_key(name));
                breaches.push(Breach::new(&path, line, RULE, fix));
            }
        }
    }
    breaches
}

/// Why `from` may not import `to`, a crate of the house, if it may not.
fn upward(from: &str, to: &str, kind: Option<Kind>) -> Option<String> {
    let below = FLOORS.iter().find(|floor| floor.name == from).map_or(&[][..], |floor| floor.below);
    let side = [TESTKIT, CLUSTER, TORTURE].contains(&to);
    if below.contains(&to) || (side && kind == Some(Kind::Dev)) {
        return None;
    }
    if side {
        return Some(format!("`{to}` is never part of the binary: move it to [dev-dependencies]"));
    }
    let allowed = if below.is_empty() { "nothing of the house".to_owned() } else { below.join(", ") };
    Some(format!(
        "`{from}` may import {allowed}, not `{to}`: pass what it needs as an argument, or move the code"
    ))
}

/// Why `from` may not name `library`, which is not the house's, if it may not.
fn foreign(from: &str, library: &str, kind: Option<Kind>) -> Option<String> {
    if kind == Some(Kind::Dev) {
        return None;
    }
    let trade = TRADES.iter().find(|trade| trade.libraries.contains(&library))?;
    if trade.owners.contains(&from) {
        return None;
    }
    Some(format!(
        "`{library}` is {} only {} may name: ask that crate for the verb you need",
        trade.what,
        trade.owners.join(", ")
    ))
}

/// Every crate takes the workspace's lints; without the line it silently has none.
pub(super) fn lints(tree: &Tree) -> Vec<Breach> {
    tree.files()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
        .filter(|file| !inherits_lints(&file.text))
        .map(|file| Breach::new(&file.path, 1, "lints", "add `[lints]` with `workspace = true`"))
        .collect()
}

fn inherits_lints(manifest: &str) -> bool {
    let parsed = manifest.parse::<toml::Table>().ok();
    let inherited = parsed.as_ref().and_then(|table| table.get("lints")?.get("workspace")?.as_bool());
    inherited == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::{Dependency, Package};

    /// A crate and what its manifest declares.
    type Declared<'a> = (&'a str, &'a [(&'a str, Option<Kind>)]);

    fn house(crates: &[Declared]) -> House {
        let package = |(name, dependencies): &Declared| Package {
            name: (*name).to_owned(),
            manifest_path: format!("/r/crates/{name}/Cargo.toml").into(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: *kind })
                .collect(),
            targets: Vec::new(),
        };
        House {
            root: "/r".into(),
            target: "/r/target".into(),
            crates: crates.iter().map(package).collect(),
            ci: false,
        }
    }

    fn fixes(crates: &[Declared]) -> Vec<String> {
        check(&house(crates), &Tree::of(&[])).into_iter().map(|breach| breach.fix).collect()
    }

    #[test]
    fn an_import_that_points_upwards_is_found() {
        let found = fixes(&[(PROTOCOL, &[(STORE, None)]), (STORE, &[])]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("`portvakt-protocol` may import portvakt-crypto, not `portvakt-store`"),
            "{found:?}"
        );
    }

    #[test]
    fn an_upward_import_for_tests_or_build_scripts_is_found_too() {
        assert_eq!(fixes(&[(CRYPTO, &[(WEB, Some(Kind::Dev))]), (WEB, &[])]).len(), 1);
        assert_eq!(fixes(&[(CRYPTO, &[(WEB, Some(Kind::Build))]), (WEB, &[])]).len(), 1);
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        assert_eq!(fixes(&[(WEB, &[(TESTKIT, None)]), (TESTKIT, &[])]).len(), 1);
        assert_eq!(fixes(&[(WEB, &[(TESTKIT, Some(Kind::Dev))]), (TESTKIT, &[])]), Vec::<String>::new());
    }

    #[test]
    fn a_crate_without_a_floor_is_found() {
        assert!(fixes(&[("portvakt-attic", &[])])[0].contains("has no floor"));
    }

    #[test]
    fn the_verifier_shares_nothing_with_what_it_verifies() {
        for other in [CRYPTO, PROTOCOL] {
            assert_eq!(fixes(&[(VERIFIER, &[(other, None)]), (other, &[])]).len(), 1, "{other}");
        }
        assert_eq!(fixes(&[(WEB, &[(VERIFIER, None)]), (VERIFIER, &[])]), Vec::<String>::new());
    }

    #[test]
    fn the_demo_service_knows_nothing_of_the_house() {
        assert_eq!(fixes(&[(DEMO, &[(PROTOCOL, None)]), (PROTOCOL, &[])]).len(), 1);
        assert_eq!(fixes(&[(BINARY, &[(DEMO, None)]), (DEMO, &[])]).len(), 1);
    }

    #[test]
    fn a_library_named_by_the_wrong_crate_is_found() {
        for (from, library) in [
            (WEB, "aws-lc-rs"),
            (WEB, "rcgen"),
            (CRYPTO, "rustls"),
            (CRYPTO, "rsa"),
            (VERIFIER, "aws-lc-rs"),
            (EID, "rustls-pki-types"),
            (BINARY, "tokio-postgres"),
            (WEB, "rusqlite"),
            (BINARY, "axum"),
            (TESTKIT, "aws-lc-rs"),
            (BINARY, "hyper"),
            (PROTOCOL, "tokio"),
            (BINARY, "openidconnect"),
            (DEMO, "aws-lc-rs"),
        ] {
            assert_eq!(fixes(&[(from, &[(library, None)])]).len(), 1, "{from} names {library}");
        }
    }

    #[test]
    fn a_library_named_by_its_owner_or_a_test_is_accepted() {
        for (from, library, kind) in [
            (CRYPTO, "aws-lc-rs", None),
            (CRYPTO, "rustls-pki-types", None),
            (WEB, "rustls", None),
            (VERIFIER, "rsa", None),
            (STORE, "rusqlite", None),
            (TESTKIT, "hyper", None),
            (TESTKIT, "axum", None),
            (TESTKIT, "rusqlite", None),
            (WEB, "rcgen", Some(Kind::Dev)),
            (BINARY, "openidconnect", Some(Kind::Dev)),
            (DEMO, "openidconnect", None),
            (PROTOCOL, "serde", None),
        ] {
            assert_eq!(fixes(&[(from, &[(library, kind)])]), Vec::<String>::new(), "{from} names {library}");
        }
    }

    #[test]
    fn the_breach_points_at_the_line_of_the_manifest() {
        let tree = Tree::of(&[(
            "crates/portvakt-web/Cargo.toml",
            "[dependencies]\nserde.workspace = true\nring = \"1\"\n",
        )]);
        let found = check(&house(&[(WEB, &[("ring", None)])]), &tree);
        assert_eq!((found[0].path.as_str(), found[0].line), ("crates/portvakt-web/Cargo.toml", 3));
    }

    #[test]
    fn a_crate_without_the_workspace_lints_is_found() {
        let tree = Tree::of(&[
            ("Cargo.toml", "[workspace]\n"),
            ("crates/a/Cargo.toml", "[package]\nname = \"a\"\n"),
            ("crates/b/Cargo.toml", "[lints]\nworkspace = false\n"),
            ("crates/c/Cargo.toml", "[lints]\nworkspace = true\n"),
        ]);
        let found: Vec<_> = lints(&tree).into_iter().map(|breach| breach.path).collect();
        assert_eq!(found, ["crates/a/Cargo.toml", "crates/b/Cargo.toml"]);
    }
}
