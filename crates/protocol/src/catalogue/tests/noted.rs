//! What a plan tells beside the fields that change: what follows from them.

use super::*;

const OTHER: &str = r#"
[[organisations]]
orgno = "889640782"
name = "Etaten"
terms = { version = "2016-12", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Ola Nordmann" }
"#;

const LOST: &str = "gets no refresh tokens any more";
const WON: &str = "gets refresh tokens from now on";
const ANEW: &str = "takes back what it was given; its users log in anew";

/// The ten fields, and these beside them.
fn ten_and(fields: &str) -> String {
    [ORGANISATION, OTHER, &TEN_FIELDS.replace("scopes =", &format!("{fields}\nscopes ="))].concat()
}

/// The line of a plan about this thing.
fn line_of(plan: &Plan, what: &str) -> String {
    let line = plan.lines.iter().find(|line| line.what == what);
    line.unwrap_or_else(|| panic!("{what} in {plan:?}")).detail.clone()
}

#[test]
fn a_client_that_comes_to_refresh_or_no_longer_does_is_told_of_with_why() {
    let mut world = World::of(&[PILOT_TEST]);
    let ten = "client ten";
    assert_eq!(line_of(&world.apply(&ten_and(""), false), ten), "", "a new one has lost nothing");
    let granted = r#"grant_types = ["authorization_code", "refresh_token"]"#;
    let not_granted = r#"grant_types = ["authorization_code"]"#;
    let described = r#"description = "En tjeneste""#;
    for (fields, told) in [
        (
            described,
            format!("{LOST}: more than the ten fields are registered, and no grant_types; say --grant-type"),
        ),
        ("client_uri = \"https://ten.example/\"", String::new()),
        ("", format!("{WON}: only the ten fields are registered")),
        (not_granted, format!("{LOST}: grant_types does not name refresh_token")),
        (described, String::new()),
        (granted, format!("{WON}: grant_types names refresh_token")),
        (&format!("{granted}\n{described}"), String::new()),
        ("", String::new()),
    ] {
        let detail = line_of(&world.apply(&ten_and(fields), false), ten);
        assert!(detail.contains(&told), "{fields}: {told} in {detail}");
        assert_eq!(detail.contains("refresh tokens "), !told.is_empty(), "{fields}: {detail}");
    }
    let zero = ten_and("").replace("refresh_token_lifetime = 600", "refresh_token_lifetime = 0");
    let detail = line_of(&world.apply(&zero, false), ten);
    assert!(detail.ends_with(&format!("; {LOST}: refresh_token_lifetime is 0")), "{detail}");
}

#[test]
fn a_client_that_goes_to_another_organisation_is_told_of_as_taking_back_what_it_was_given() {
    let mut world = World::of(&[PILOT_TEST]);
    let ten = "client ten";
    let granted = r#"grant_types = ["authorization_code", "refresh_token"]"#;
    let supplied = format!("{granted}\nsupplier_orgno = \"889640782\"");
    world.apply(&ten_and(granted), false);
    let renamed = ten_and(granted).replace("Ti felt", "Felt");
    assert!(!line_of(&world.apply(&renamed, false), ten).contains("takes back"), "a name is none");
    for text in [
        ten_and(&supplied),
        ten_and(granted),
        ten_and(granted).replace("client_orgno = \"991825827\"", "client_orgno = \"889640782\""),
    ] {
        let detail = line_of(&world.apply(&text, false), ten);
        assert!(detail.ends_with(&format!("; {ANEW}")), "{detail}");
        assert_eq!(line_of(&world.apply(&text, false), ten), "", "once");
    }
}

#[test]
fn a_reader_that_goes_to_another_organisation_is_told_of_with_each_scope_that_still_names_it() {
    let mut world = World::of(&[CURRENT_TEST]);
    let scope = |name: &str, fields: &str| format!("[[scopes]]\nscope = \"{name}\"\n{fields}");
    let names_it = "enforced_aud_for_introspection = [\"ten\"]\n";
    let owned = ["owner_orgno = \"889640782\"\n", names_it].concat();
    let with = |scopes: &[&str]| [&[&*ten_and("")], scopes].concat().concat();
    let all = with(&[&scope("a:b", &owned), &scope("c:d", names_it), &scope("e:f", "")]);
    let all = all.replace("as-chosen-by-the-operator", "as-chosen-by-the-operator-of-it");
    world.apply(&all, false);
    let moved = all.replace("client_orgno = \"991825827\"", "client_orgno = \"889640782\"");
    let detail = line_of(&world.apply(&moved, false), "client ten");
    let told = format!("; {ANEW}; still named as a reader by a:b of 889640782, c:d of the operator");
    assert!(detail.ends_with(&told), "{detail}");
    // A file that names it no longer leaves nothing to tell; nor does a change that is no move.
    let unnamed = all.replace(names_it, "");
    assert!(line_of(&world.apply(&unnamed, false), "client ten").ends_with(ANEW));
    world.apply(&all, false);
    let renamed = all.replace("Ti felt", "Felt");
    assert!(!line_of(&world.apply(&renamed, false), "client ten").contains("reader"));
}

#[test]
fn a_scope_that_gets_an_owner_and_stays_for_all_is_told_of() {
    const FOR_ALL: &str = "still for all organisations: say --accessible-for-all false";
    let mut world = World::of(&[CURRENT_TEST]);
    let scope = |fields: &str| [ORGANISATION, OTHER, "[[scopes]]\nscope = \"a:b\"\n", fields].concat();
    let owned = "owner_orgno = \"889640782\"\n";
    assert_eq!(line_of(&world.apply(&scope(""), false), "scope a:b"), "");
    let closed = line_of(&world.apply(&scope(owned), false), "scope a:b");
    assert!(closed.contains("accessible_for_all true → false") && !closed.contains(FOR_ALL), "{closed}");
    world.apply(&scope("accessible_for_all = true\n"), false);
    let open =
        line_of(&world.apply(&scope(&format!("{owned}accessible_for_all = true\n")), false), "scope a:b");
    assert!(open.ends_with(&format!("; {FOR_ALL}")), "{open}");
    let again = world.apply(&scope(&format!("{owned}accessible_for_all = true\n")), false);
    assert_eq!(line_of(&again, "scope a:b"), "", "once");
}

#[test]
fn a_pseudonymous_scope_is_told_of_where_nobody_can_read_its_pid() {
    let text = [ORGANISATION, "[[scopes]]\nscope = \"a:b\"\nrequires_pseudonymous_tokens = true\n"].concat();
    let unread = "nobody reads its pid at this issuer, which has no introspection by clients";
    for (issuer, told) in [(PILOT_TEST, unread), (CURRENT_TEST, "")] {
        assert_eq!(line_of(&World::of(&[issuer]).apply(&text, false), "scope a:b"), told, "{issuer}");
    }
    let plain = text.replace("= true", "= false");
    assert_eq!(line_of(&World::of(&[PILOT_TEST]).apply(&plain, false), "scope a:b"), "");
}
