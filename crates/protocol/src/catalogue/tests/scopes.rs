//! Scopes with an owner, and who may use them; and clients that act for others.

use super::*;
use crate::registration::ClientRegistration;
use crate::scope::AccessState;

const OWNER: &str = r#"
[[organisations]]
orgno = "889640782"
name = "Etaten"
terms = { version = "2016-12", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Ola Nordmann" }
"#;

const SCOPE: &str = r#"
[[scopes]]
scope = "skatt:inntekt"
owner_orgno = "889640782"
description = "Lese inntekten din"
description_nn = "Lese inntekta di"
description_en = "Read your income"
description_se = "Lohkat dietnasat"
token_type = "SELF_CONTAINED"
at_max_age = 60
authorization_max_lifetime = 3600
requires_pseudonymous_tokens = true
allowed_integration_types = ["api_klient"]
enforced_aud_for_introspection = ["api"]
"#;

const APPROVED: &str = r#"
[[scopes.access]]
consumer_orgno = "991825827"
state = "APPROVED"
"#;

const API: &str = r#"
[[clients]]
client_id = "api"
client_orgno = "889640782"
display_name = "Programmeringsgrensesnittet"
integration_type = "api_klient"
redirect_uris = ["https://api.example/"]
scopes = ["openid", "idporten:token.introspection"]
"#;

const USER: &str = r#"
[[clients]]
client_id = "user"
client_orgno = "991825827"
display_name = "Brukeren"
redirect_uris = ["https://user.example/"]
scopes = ["openid", "skatt:inntekt"]
"#;

/// Both organisations and clients, and what is said of the scope.
fn file(scope: &str) -> String {
    [ORGANISATION, OWNER, scope, API, USER].concat()
}

fn access(world: &World) -> Vec<(&str, &str)> {
    let said = &world.registry(PILOT_TEST).access;
    said.iter().map(|said| (said.consumer_orgno.as_str(), said.state.as_str())).collect()
}

/// Whether the client that uses the scope may ask for it now.
fn may_ask(world: &World) -> bool {
    let registry = world.registry(PILOT_TEST);
    let registration: &ClientRegistration = &world.client(PILOT_TEST, "user").registration;
    let beside = Beside {
        organisation: world.organisation(PILOT_TEST, "991825827"),
        supplier: None,
        scopes: &registry.scopes,
        access: &registry.access,
        secrets: vec![],
        active: true,
        not_before: Timestamp::from_unix(0),
    };
    registration.client(&world.providers[0], beside).unwrap().may_use("skatt:inntekt")
}

#[test]
fn whom_a_scope_names_must_be_there_and_what_it_says_must_hold() {
    let world = World::of(&[PILOT_TEST]);
    let registered = format!("registered at {PILOT_TEST}, or named in the same file");
    for (was, becomes, told) in [
        ("889640782\"\ndesc", "910753614\"\ndesc", format!("owner_orgno = \"910753614\": must be an organisation {registered} (line 14)")),
        ("[\"api\"]", "[\"user\", \"api2\"]", format!("enforced_aud_for_introspection[1] = \"api2\": must be a client {registered} (line 24)")),
        ("[\"api\"]", "[\"api\", \"api\"]", "enforced_aud_for_introspection[1] = \"api\": must be named once (line 24)".to_owned()),
        ("[\"api_klient\"]", "[\"maskinporten\"]", "allowed_integration_types[0] = \"maskinporten\": must be idporten or api_klient (line 23)".to_owned()),
        ("= 3600", "= -1", "authorization_max_lifetime = -1: must be a whole number of seconds from 0 to 31536000 (line 21)".to_owned()),
        ("skatt:inntekt", "idporten:token.introspection", "scope = \"idporten:token.introspection\": must not be openid, profile or idporten:token.introspection, which are always there (line 13)".to_owned()),
        ("Read your", "21879498012", "description_en = (text of 18 characters): must hold no identity number, nor anything like one (line 17)".to_owned()),
        ("\"Lohkat dietnasat\"", "4", "description_se = 4: must be a text in quotes (line 18)".to_owned()),
    ] {
        let text = [ORGANISATION, OWNER, &SCOPE.replace(was, becomes), API].concat()
            + &USER.replace(", \"skatt:inntekt\"", "");
        assert_eq!(world.refused(&text), [format!("scopes[0].{told}")], "{becomes}");
    }
    let stranger = APPROVED.replace("991825827", "910753614");
    let owner = APPROVED.replace("991825827", "889640782");
    for (said, told) in [
        (stranger, format!("[0].consumer_orgno = \"910753614\": must be an organisation {registered} (line 27)")),
        (owner, "[0].consumer_orgno = \"889640782\": must be another organisation than the owner, which always has access (line 27)".to_owned()),
        ([APPROVED, APPROVED].concat(), "[1].consumer_orgno = \"991825827\": must be named once (line 31)".to_owned()),
        (APPROVED.replace("APPROVED", "approved"), "[0].state = \"approved\": must be REQUESTED, APPROVED, DENIED or WITHDRAWN (line 28)".to_owned()),
        (APPROVED.replace("state = \"APPROVED\"\n", ""), "[0].state: must be given (line 26)".to_owned()),
        (APPROVED.replace("state", "status"), "[0].status = (text of 8 characters): must be a known field (line 28)".to_owned()),
        ("access = \"all\"\n".to_owned(), " = \"all\": must be tables, each under a heading in double brackets (line 25)".to_owned()),
    ] {
        let told_all = world.refused(&file(&[SCOPE, &said].concat()));
        let told = format!("scopes[0].access{told}");
        assert!(told_all.contains(&told), "{told}: {told_all:?}");
    }
}

#[test]
fn a_scope_that_its_owner_keeps_is_registered_on_a_client_and_refused_until_access_is_given() {
    let mut world = World::of(&[PILOT_TEST]);
    let plan = world.apply(&file(SCOPE), false);
    let line = lines(&plan).into_iter().find(|line| line.contains("client user")).unwrap();
    let note = "may not ask for skatt:inntekt until access is given to 991825827 (nothing was said of it)";
    assert_eq!(line, format!("+ client user at {PILOT_TEST}: {note}"));
    assert!(!may_ask(&world));
    let record = &world.registry(PILOT_TEST).scopes[0];
    assert!(!record.accessible_for_all && record.requires_pseudonymous_tokens);
    assert_eq!(record.authorization_max_lifetime.get(), 3600);
    assert_eq!(record.description_en.as_deref(), Some("Read your income"));

    for (state, line, may) in [
        (
            "REQUESTED",
            format!("+ access of 991825827 to skatt:inntekt at {PILOT_TEST}: state REQUESTED"),
            false,
        ),
        (
            "APPROVED",
            format!("~ access of 991825827 to skatt:inntekt at {PILOT_TEST}: state REQUESTED → APPROVED"),
            true,
        ),
        (
            "WITHDRAWN",
            format!("- access of 991825827 to skatt:inntekt at {PILOT_TEST}: state APPROVED → WITHDRAWN"),
            false,
        ),
    ] {
        let text = file(&[SCOPE, &APPROVED.replace("APPROVED", state)].concat());
        let plan = world.apply(&text, false);
        assert!(lines(&plan).contains(&line), "{:?}", lines(&plan));
        assert_eq!(may_ask(&world), may, "{state}");
        assert!(world.apply(&text, true).is_empty(), "{state}");
    }
}

#[test]
fn access_that_the_file_does_not_name_stays_and_with_prune_is_withdrawn() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&file(&[SCOPE, APPROVED].concat()), false);
    assert!(world.apply(&file(SCOPE), false).is_empty());
    assert_eq!(access(&world), [("991825827", "APPROVED")]);
    let plan = world.apply(&file(SCOPE), true);
    let line = format!(
        "- access of 991825827 to skatt:inntekt at {PILOT_TEST}: state APPROVED → WITHDRAWN; no longer named"
    );
    assert!(lines(&plan).contains(&line), "{:?}", lines(&plan));
    assert_eq!(access(&world), [("991825827", "WITHDRAWN")]);
    assert!(world.apply(&file(SCOPE), true).is_empty(), "what was refused or withdrawn stays so");
    world.apply(&file(&[SCOPE, APPROVED].concat()), true);
    assert_eq!(access(&world), [("991825827", "APPROVED")]);
}

#[test]
fn a_scope_that_is_opened_to_all_shuts_nobody_out_who_had_access() {
    let mut world = World::of(&[PILOT_TEST]);
    let for_all = [SCOPE, "accessible_for_all = true\n"].concat();
    world.apply(&file(&[SCOPE, APPROVED].concat()), true);
    let plan = world.apply(&file(&for_all), true);
    assert!(!lines(&plan).iter().any(|line| line.contains("access of")), "{:?}", lines(&plan));
    assert!(!lines(&plan).iter().any(|line| line.contains("for all but")), "{:?}", lines(&plan));
    assert_eq!((access(&world), may_ask(&world)), (vec![("991825827", "APPROVED")], true));
    assert!(world.apply(&file(&for_all), true).is_empty());
    world.apply(&file(SCOPE), true);
    assert_eq!((access(&world), may_ask(&world)), (vec![("991825827", "WITHDRAWN")], false));
    // Who was left out stays so, and whoever opens the scope is told.
    let opened = format!(
        "~ scope skatt:inntekt at {PILOT_TEST}: accessible_for_all false → true; nobody reads its pid at this \
         issuer, which has no introspection by clients; for all but 991825827 (WITHDRAWN): APPROVED lets it in"
    );
    let plan = world.apply(&file(&for_all), true);
    assert!(lines(&plan).contains(&opened), "{:?}", lines(&plan));
    assert_eq!((access(&world), may_ask(&world)), (vec![("991825827", "WITHDRAWN")], false));
    assert!(world.apply(&file(&for_all), true).is_empty());
}

#[test]
fn g3_a_request_lets_nobody_in_and_undoes_no_exclusion_also_of_a_scope_that_is_opened_later() {
    let for_all = [SCOPE, "accessible_for_all = true\n"].concat();
    let state = |scope: &str, state: &str| file(&[scope, &APPROVED.replace("APPROVED", state)].concat());
    for out in ["DENIED", "WITHDRAWN"] {
        for prune in [false, true] {
            // Asked again while the scope was not for all, and opened then.
            let mut world = World::of(&[PILOT_TEST]);
            world.apply(&state(SCOPE, out), prune);
            world.apply(&state(SCOPE, "REQUESTED"), prune);
            assert_eq!(access(&world), [("991825827", "REQUESTED")], "who was left out may ask again");
            let plan = world.apply(&file(&for_all), prune);
            let told = "; for all but 991825827 (REQUESTED): APPROVED lets it in";
            assert!(lines(&plan).iter().any(|line| line.ends_with(told)), "{:?}", lines(&plan));
            assert_eq!((access(&world), may_ask(&world)), (vec![("991825827", "REQUESTED")], false));
            assert!(world.apply(&state(&for_all, "REQUESTED"), prune).is_empty(), "it is how access stands");
            world.apply(&state(&for_all, "APPROVED"), prune);
            assert!(may_ask(&world));
            // Asked again of a scope that is for all.
            world.apply(&state(&for_all, out), prune);
            world.apply(&state(&for_all, "REQUESTED"), prune);
            assert!(!may_ask(&world), "{out}");
        }
    }
}

#[test]
fn a_file_cannot_record_as_asking_who_may_use_a_scope_for_all() {
    let mut world = World::of(&[PILOT_TEST]);
    let for_all = [SCOPE, "accessible_for_all = true\n"].concat();
    let asking = file(&[&*for_all, &APPROVED.replace("APPROVED", "REQUESTED")].concat());
    let told = "scopes[0].access[0].state = \"REQUESTED\": must be APPROVED, DENIED or WITHDRAWN, for the scope is for all and \
                the organisation has access: to record that it asks would shut it out (line 29)";
    assert_eq!(world.refused(&asking), [told], "nothing was said");
    world.apply(&file(&[SCOPE, APPROVED].concat()), false);
    assert_eq!(world.refused(&asking), [told], "it was given");
}

#[test]
fn a_scope_without_an_owner_is_for_all_and_one_with_an_owner_for_whom_it_is_given() {
    let mut world = World::of(&[PILOT_TEST]);
    let bare = "[[scopes]]\nscope = \"skatt:inntekt\"\n";
    for (said, for_all) in [
        ("", true),
        ("accessible_for_all = false\n", false),
        ("owner_orgno = \"889640782\"\n", false),
        ("owner_orgno = \"889640782\"\naccessible_for_all = true\n", true),
        ("owner_orgno = \"991825827\"\n", false),
    ] {
        world.apply(&file(&[bare, said].concat()), false);
        assert_eq!(world.registry(PILOT_TEST).scopes[0].accessible_for_all, for_all, "{said}");
        assert_eq!(may_ask(&world), for_all || said.contains("991825827"), "{said}");
    }
}

#[test]
fn a_file_that_is_all_there_is_takes_back_the_access_that_it_names_no_longer() {
    let mut world = World::of(&[PILOT_TEST]);
    let with = Catalogue::parse(&file(&[SCOPE, APPROVED].concat())).unwrap();
    let without = Catalogue::parse(&file(SCOPE)).unwrap();
    let gone = ["access of 991825827 to skatt:inntekt"];
    assert_eq!(without.no_longer_names(&with), gone);
    for catalogue in [with, without] {
        let whole = catalogue.as_all_there_is(&world.providers);
        let changes = world.plan(&whole, true).unwrap().changes;
        world.bring_about(&changes);
    }
    assert_eq!(world.registry(PILOT_TEST).access[0].state, AccessState::Withdrawn);
}

#[test]
fn a_client_acts_for_customers_and_is_run_by_an_organisation_that_is_registered() {
    let mut world = World::of(&[PILOT_TEST]);
    let customers = r#"
        [[clients.onbehalfof]]
        onbehalfof = "oslo"
        display_name = "Oslo kommune"
        orgno = "910753614"
        url = "https://oslo.example/"

        [[clients.onbehalfof]]
        onbehalfof = "bergen"
        display_name = "Bergen kommune"
        orgno = "889640782"
    "#;
    let more = "supplier_orgno = \"889640782\"\nrefresh_token_usage = \"REUSE\"\n";
    let text = [ORGANISATION, OWNER, TEN_FIELDS, more, customers].concat();
    for (was, becomes, told) in [
        (
            "supplier_orgno = \"889640782",
            "supplier_orgno = \"910753614",
            format!(
                "supplier_orgno = \"910753614\": must be an organisation registered at {PILOT_TEST}, or named in the same file (line 23)"
            ),
        ),
        (
            "supplier_orgno = \"889640782",
            "supplier_orgno = \"889640783",
            "supplier_orgno = \"889640783\": ".to_owned(),
        ),
        (
            "\"REUSE\"",
            "\"reuse\"",
            "refresh_token_usage = \"reuse\": must be ONETIME or REUSE (line 24)".to_owned(),
        ),
        ("\"910753614\"\n        url", "\"1\"\n        url", "onbehalfof[0].orgno = \"1\": ".to_owned()),
        (
            "        display_name = \"Bergen kommune\"\n",
            "",
            "onbehalfof[1].display_name: must be given (line 32)".to_owned(),
        ),
        (
            "\"bergen\"",
            "\"oslo\"",
            "onbehalfof[1].onbehalfof = \"oslo\": must be named once (line 33)".to_owned(),
        ),
        (
            "url = ",
            "client_uri = ",
            "onbehalfof[0].client_uri = (text of 21 characters): must be a known field (line 30)".to_owned(),
        ),
    ] {
        let told_all = world.refused(&text.replace(was, becomes));
        let told = format!("clients[0].{told}");
        assert!(told_all.len() == 1 && told_all[0].starts_with(&told), "{told}: {told_all:?}");
    }
    world.apply(&text, false);
    let registration = &world.client(PILOT_TEST, "ten").registration;
    let named: Vec<_> = registration.onbehalfof.iter().map(|known| known.onbehalfof.as_str()).collect();
    assert_eq!(named, ["oslo", "bergen"]);
    assert_eq!(registration.supplier_orgno.as_ref().map(|orgno| orgno.as_str()), Some("889640782"));
    assert!(!registration.may_refresh(), "more than the ten fields, and no grant_types");
    assert!(world.apply(&text, true).is_empty());
}
