//! What a catalogue is refused for: each fault with its path, value, rule and line, all at once, and never with a secret.

use super::*;

#[test]
fn every_fault_of_a_file_is_told_at_once_and_nothing_is_planned() {
    let world = World::of(&[PILOT_TEST]);
    let text = r##"
[[organisations]]
orgno = "991825828"
name = "Direktoratet"
legal_form = "ORGL"

[[clients]]
client_id = "has space"
client_orgno = "991825827"
display_name = "Demo"
redirect_uris = ["http://localhost:3000/#x", 7]
scopes = "openid"
access_token_lifetime = "120"
authorization_lifetime = 0

[[clients]]
client_id = "b"
client_orgno = "889640782"
redirect_uris = ["https://b.example/", "https://b.example/#"]
scopes = ["openid", "unknown:scope"]
application_type = "desktop"
"##;
    assert_eq!(
        world.refused(text),
        [
            "organisations[0].orgno = \"991825828\": must have a correct control digit (line 3)",
            "organisations[0].legal_form = (text of 4 characters): must be a known field (line 5)",
            "clients[0].client_id = \"has space\": must have 1 to 255 characters of a-z, A-Z, 0-9, `-`, `.`, `_`, `~` and `:` (line 8)",
            &format!(
                "clients[0].client_orgno = \"991825827\": must be an organisation registered at {PILOT_TEST}, or named in the same file (line 9)"
            ),
            "clients[0].redirect_uris[1] = 7: must be a text in quotes (line 11)",
            "clients[0].scopes = \"openid\": must be an array of texts (line 12)",
            "clients[0].access_token_lifetime = \"120\": must be a whole number (line 13)",
            "clients[0].authorization_lifetime = 0: must be a whole number of seconds from 1 to 31536000 (line 14)",
            "clients[1].display_name: must be given (line 16)",
            &format!(
                "clients[1].client_orgno = \"889640782\": must be an organisation registered at {PILOT_TEST}, or named in the same file (line 18)"
            ),
            "clients[1].redirect_uris[1] = \"https://b.example/#\": must have no fragment (line 19)",
            "clients[1].scopes[1] = \"unknown:scope\": must be openid, profile, or a scope registered at the issuer (line 20)",
            "clients[1].application_type = \"desktop\": must be web, browser or native (line 21)",
        ]
    );
}

#[test]
fn what_is_no_toml_is_refused_by_line_without_quoting_it() {
    for text in [
        "[[clients]]\nclient_secret = \"hemmelig",
        "[[test_persons]]\npid = 21879498012x",
        "a = 1\na = hemmelig",
    ] {
        let faults = Catalogue::parse(text).unwrap_err();
        let told = faults.iter().map(ToString::to_string).collect::<String>();
        assert!(told.starts_with("line 2: must be TOML: "), "{told}");
        assert!(!told.contains("hemmelig") && !told.contains("2187"), "{told}");
    }
}

#[test]
fn a_secret_or_identity_number_is_never_shown_wherever_it_stands() {
    let world = World::of(&[PILOT_TEST]);
    for field in [
        "client_secret = 8675309",
        "client_secret = [\"hemmelig\"]",
        "client_secret = { value = \"hemmelig\" }",
        "client_secret = { env = \"A\", file = \"hemmelig\" }",
        "client_secrets = \"hemmelig\"",
        "client_secret = \"hemmelig\\n\"",
        "display_name = \"21879498012\"",
        "display_name = 21879498012",
        "description = \"født 21879498012\"",
        "21879498012 = true",
    ] {
        let told = world.refused(&format!("[[clients]]\n{field}\n")).concat();
        for part in ["hemmelig", "8675309", "21879498012"] {
            assert!(!told.contains(part), "{field}: {told}");
        }
    }
    for pid in ["\"21879498013\"", "21879498012", "\"2187949801\""] {
        let told = world.refused(&format!("[[test_persons]]\npool = \"synthetic\"\npid = {pid}\n"));
        assert!(told[0].starts_with("test_persons[0].pid = (") && !told[0].contains("2187"), "{told:?}");
        assert_eq!(told.len(), 1);
    }
}

#[test]
fn a_number_of_the_kind_that_real_people_have_is_refused() {
    // Found here, so that no such number stands in the project.
    let real = (0..100_000u32)
        .map(|ending| format!("010190{ending:05}"))
        .find(|text| crate::person::Pid::parse(text).is_ok())
        .expect("one exists");
    let told = World::of(&[PILOT_TEST])
        .refused(&format!("[[test_persons]]\npool = \"synthetic\"\npid = \"{real}\"\n"));
    assert!(
        told[0].starts_with("test_persons[0].pid = (text of 11 characters): must be a synthetic number"),
        "{told:?}"
    );
    assert!(!told[0].contains(&real));
}

#[test]
fn test_persons_are_for_pools_that_exist_and_never_for_production() {
    let text = |pool: &str| format!("[[test_persons]]\npool = \"{pool}\"\npid = \"21879498012\"\n");
    let told = World::of(&[PRODUCTION]).refused(&text("synthetic"));
    assert!(told[0].contains("none has any, and production never does"), "{told:?}");
    let mut world = World::of(&[PILOT_TEST, PRODUCTION]);
    let told = world.refused(&text("other"));
    assert_eq!(
        told,
        [
            "test_persons[0].pool = \"other\": must be a pool of a configured issuer's TestID: synthetic (line 2)"
        ]
    );
    let twice = world.refused(&text("synthetic").repeat(2));
    assert_eq!(
        twice,
        ["test_persons[1].pid = (text of 11 characters): must be named once in its pool (line 6)"]
    );
    let plan = world.apply(&text("synthetic"), false);
    assert_eq!(lines(&plan), ["+ test_persons[0] in the pool synthetic"]);
    assert!(world.apply(&text("synthetic"), true).is_empty());
    let stopped = world.apply(&format!("{}active = false\n", text("synthetic")), false);
    assert_eq!(lines(&stopped), ["- test_persons[0] in the pool synthetic"]);
    assert!(!format!("{stopped:?}").contains("2187"));
}

#[test]
fn an_entry_needs_an_issuer_that_is_configured_exactly_so() {
    let world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let told = world.refused(ORGANISATION);
    let both = format!("{PILOT_TEST} or {CURRENT_TEST}");
    assert_eq!(
        told,
        [format!(
            "organisations[0].issuer: must be given, here or for the whole file, as one of {both} (line 2)"
        )]
    );
    let slashed = format!("issuer = \"{CURRENT_TEST}/\"\n{ORGANISATION}");
    assert_eq!(
        world.refused(&slashed),
        [format!("issuer = \"{CURRENT_TEST}/\": must be a configured issuer, exactly: {both} (line 1)")]
    );
    let unknown = format!("{ORGANISATION}issuer = [\"{CURRENT_TEST}\", \"https://evil.example\"]\n");
    assert!(world.refused(&unknown)[0].starts_with("organisations[0].issuer = \"https://evil.example\""));
    assert!(
        world.refused(&format!("{ORGANISATION}issuer = []\n"))[0].contains("must name at least one issuer")
    );
    let mut world = world;
    world.apply(&format!("{ORGANISATION}issuer = \"{CURRENT_TEST}\"\n"), false);
}

#[test]
fn a_client_needs_an_organisation_that_has_accepted_the_terms_at_that_issuer() {
    let mut world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let at = |issuer: &str, text: &str| format!("issuer = \"{issuer}\"\n{text}");
    world.apply(&at(PILOT_TEST, ORGANISATION), false);
    let told = world.refused(&at(CURRENT_TEST, TEN_FIELDS));
    assert!(told[0].contains("must be an organisation registered at https://test.idporten.no"), "{told:?}");
    let without = "[[organisations]]\norgno = \"991825827\"\nname = \"Direktoratet\"\n";
    let told = world.refused(&at(CURRENT_TEST, &[without, TEN_FIELDS].concat()));
    assert!(told[0].contains("has accepted the terms of use of https://test.idporten.no"), "{told:?}");
    world.apply(&at(PILOT_TEST, TEN_FIELDS), false);
    let nobody = TEN_FIELDS.replace("991825827", "000000000");
    assert!(world.refused(&at(PILOT_TEST, &nobody))[0].contains("must be the number of an organisation"));
}

#[test]
fn what_follows_from_a_fault_of_the_organisation_is_not_told_of_its_clients() {
    let mut world = World::of(&[PILOT_TEST]);
    let terms = &ORGANISATION[ORGANISATION.find("terms").unwrap()..];
    for wrong in
        ["terms = 7\n", "terms = { version = \"1\", accepted_by = \"Kari\" }\n", "standing = \"gone\"\n"]
    {
        let told = world.refused(&[&ORGANISATION.replace(terms, wrong), TEN_FIELDS].concat());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("organisations[0]."), "{told:?}");
    }
    world.apply(&[ORGANISATION, TEN_FIELDS].concat(), false);
}

#[test]
fn an_acceptance_is_dated_with_an_offset_and_not_in_the_future() {
    let mut world = World::of(&[PILOT_TEST]);
    let dated = |at: &str| ORGANISATION.replace("\"2016-12-01T12:00:00Z\"", at);
    for (at, rule) in [
        ("\"2016-12-01\"", "must be an instant with its offset"),
        ("2016-12-01T12:00:00", "must be an instant with its offset"),
        ("\"2016-12-01T12:00:01Z\"", "must not lie in the future"),
        ("7", "must be an instant such as"),
    ] {
        let told = world.refused(&dated(at));
        assert!(
            told[0].starts_with("organisations[0].terms.accepted_at = ") && told[0].contains(rule),
            "{told:?}"
        );
    }
    let signed = |by: &str| ORGANISATION.replace("Kari Nordmann", by);
    assert!(
        world.refused(&signed("21879498012"))[0]
            .starts_with("organisations[0].terms.accepted_by = (text of 11")
    );
    world.apply(&dated("2016-12-01T13:00:00+01:00"), false);
    assert_eq!(world.organisation(PILOT_TEST, "991825827").terms.as_ref().unwrap().accepted_at, NOW);
}

#[test]
fn the_same_thing_is_named_once_at_an_issuer_and_may_be_at_another() {
    let mut world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let twice = [ORGANISATION, TEN_FIELDS, ORGANISATION, TEN_FIELDS].concat();
    let told = world.refused(&format!("issuer = \"{PILOT_TEST}\"\n{twice}"));
    assert_eq!(told.len(), 2);
    assert!(told[0].contains(
        "organisations[1].orgno = \"991825827\": must be named once at an issuer; organisations[0]"
    ));
    assert!(told[1].contains(
        "clients[1].client_id = \"ten\": must be named once at an issuer; clients[0] names it too"
    ));
    let elsewhere = |text: &str| format!("{text}issuer = \"{CURRENT_TEST}\"\n");
    let apart = [ORGANISATION, TEN_FIELDS, &elsewhere(ORGANISATION), &elsewhere(TEN_FIELDS)].concat();
    world.apply(&format!("issuer = \"{PILOT_TEST}\"\n{apart}"), false);
}

#[test]
fn a_name_may_be_called_client_name_but_not_both() {
    let world = World::of(&[PILOT_TEST]);
    let both = TEN_FIELDS.replace("display_name", "client_name = \"To\"\ndisplay_name");
    let told = world.refused(&[ORGANISATION, &both].concat());
    assert_eq!(
        told,
        [
            "clients[0].client_name = \"To\": must not stand beside display_name, of which it is another name (line 11)"
        ]
    );
}

#[test]
fn a_fault_at_one_of_several_issuers_refuses_the_whole_file() {
    let world = World::of(&[PILOT_TEST, PRODUCTION]);
    let text =
        format!("issuer = [\"{PILOT_TEST}\", \"{PRODUCTION}\"]\n{}", [ORGANISATION, TEN_FIELDS].concat());
    let paths: Vec<_> =
        world.refused(&text).iter().map(|told| told.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(paths, ["clients[0].redirect_uris[0]", "clients[0].post_logout_redirect_uris[0]"]);
}

#[test]
fn g3_67_a_grant_is_one_of_those_that_there_are_named_once_and_kept() {
    let mut world = World::of(&[PILOT_TEST]);
    let with = |grants: &str| {
        let fields = format!("grant_types = {grants}\nscopes");
        [ORGANISATION, &TEN_FIELDS.replace("scopes", &fields)].concat()
    };
    let one = "must be authorization_code or refresh_token";
    for (grants, told) in [
        (r#"["implicit"]"#, format!("[0] = \"implicit\": {one}")),
        (r#"["authorization_code", "client_credentials"]"#, format!("[1] = \"client_credentials\": {one}")),
        (
            r#"["authorization_code", "authorization_code"]"#,
            "[1] = \"authorization_code\": must be named once".to_owned(),
        ),
        ("[]", ": must name authorization_code: people log in by it".to_owned()),
        (r#"["refresh_token"]"#, ": must name authorization_code: people log in by it".to_owned()),
        (r#""authorization_code""#, " = \"authorization_code\": must be an array of texts".to_owned()),
    ] {
        assert_eq!(world.refused(&with(grants)), [format!("clients[0].grant_types{told} (line 14)")]);
    }
    world.apply(&[ORGANISATION, TEN_FIELDS].concat(), false);
    assert!(world.client(PILOT_TEST, "ten").registration.may_refresh(), "the ten fields alone");
    let plan = world.apply(&with(r#"["authorization_code"]"#), false);
    assert_eq!(
        lines(&plan)[1],
        format!(
            "~ client ten at {PILOT_TEST}: grant_types absent → [\"authorization_code\"]; \
             gets no refresh tokens any more: grant_types does not name refresh_token"
        )
    );
    assert!(!world.client(PILOT_TEST, "ten").registration.may_refresh(), "it was said which");
    world.apply(&with(r#"["authorization_code", "refresh_token"]"#), false);
    assert!(world.client(PILOT_TEST, "ten").registration.may_refresh());
    let zero = with(r#"["authorization_code", "refresh_token"]"#)
        .replace("refresh_token_lifetime = 600", "refresh_token_lifetime = 0");
    let rule = "must be at least 1 for a client with the grant refresh_token";
    assert_eq!(world.refused(&zero), [format!("clients[0].refresh_token_lifetime = 0: {rule} (line 18)")]);
}

#[test]
fn what_a_client_is_ordered_for_bounds_its_scopes_and_stays() {
    let mut world = World::of(&[PILOT_TEST]);
    let file = |kind: &str, scopes: &str| {
        let client = TEN_FIELDS.replace("\"openid\", \"profile\"", scopes);
        [ORGANISATION, "[[scopes]]\nscope = \"skatt:inntekt\"\n", &client, kind].concat()
    };
    let (login, more) = ("\"openid\", \"profile\"", "\"openid\", \"skatt:inntekt\"");
    let told = |text: &str| world.refused(text).concat();
    for other in ["maskinporten", "krr", "ansattporten", "IDPORTEN"] {
        assert_eq!(
            told(&file(&format!("integration_type = \"{other}\"\n"), login)),
            format!("clients[0].integration_type = \"{other}\": must be idporten or api_klient (line 20)")
        );
    }
    assert_eq!(
        told(&file("integration_type = \"idporten\"\n", more)),
        "clients[0].scopes[1] = \"skatt:inntekt\": must be openid or profile for the integration_type idporten; \
         api_klient may have others (line 16)"
    );
    world.apply(&file("integration_type = \"idporten\"\n", login), false);
    assert!(world.apply(&file("", login), false).is_empty(), "left out, it stays");
    let told = world.refused(&file("", more)).concat();
    assert!(told.contains("for the integration_type idporten"), "{told}");
    let told = world.refused(&file("integration_type = \"api_klient\"\n", more)).concat();
    assert!(told.contains("integration_type = \"api_klient\": must stay as it was registered"), "{told}");
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&file("", more), false);
    world.apply(&file("integration_type = \"api_klient\"\n", more), false);
}
