//! A client beside the file's, and a file that is all there is.

use super::*;

const BOTH: &str =
    "issuer = [\"https://eid-exttest.difi.no/idporten-oidc-provider/\", \"https://test.idporten.no\"]\n";

fn own(redirect_uri: &str) -> (RawClient, RawOrganisation) {
    let client = RawClient {
        client_id: Some("own".into()),
        client_orgno: Some("991825827".into()),
        display_name: Some("own".into()),
        redirect_uris: Some(vec![redirect_uri.into()]),
        scopes: Some(vec!["openid".into()]),
        ..RawClient::default()
    };
    let terms = RawTerms {
        version: Some("2016-12".into()),
        accepted_at: Some("2016-12-01T12:00:00Z".into()),
        accepted_by: Some("Ola Nordmann".into()),
    };
    let organisation = RawOrganisation {
        orgno: Some("991825827".into()),
        name: Some("Own".into()),
        standing: None,
        terms: Some(terms),
    };
    (client, organisation)
}

fn beside(text: &str, issuers: &[&str], redirect_uri: &str) -> Catalogue {
    let (client, organisation) = own(redirect_uri);
    let issuers: Vec<String> = issuers.iter().map(|one| (*one).to_owned()).collect();
    Catalogue::parse(text).unwrap().with_client("here", &issuers, client, organisation)
}

#[test]
fn a_client_beside_the_files_is_judged_by_the_same_rules_under_its_own_path() {
    let world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let faults = world.plan(&beside(BOTH, &[PILOT_TEST], "javascript:alert(1)"), false).unwrap_err();
    assert!(faults[0].starts_with("here.redirect_uris[0] = \"javascript:alert(1)\": must "), "{faults:?}");
    let unknown = "https://unknown.example";
    let faults = world.plan(&beside(BOTH, &[unknown], "http://localhost/"), false).unwrap_err();
    let rule = format!(
        "here.issuer = \"{unknown}\": must be a configured issuer, exactly: {PILOT_TEST} or {CURRENT_TEST}"
    );
    assert_eq!(faults, [rule]);
    let twice = [BOTH, ORGANISATION, &TEN_FIELDS.replace("ten", "own")].concat();
    let faults = world.plan(&beside(&twice, &[PILOT_TEST], "http://localhost/"), false).unwrap_err();
    assert_eq!(
        faults,
        ["here.client_id = \"own\": must be named once at an issuer; clients[0] names it too"]
    );
}

#[test]
fn its_organisation_comes_along_wherever_the_file_does_not_name_it() {
    let mut world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let at_one = BOTH.replace(&format!("\"{PILOT_TEST}\", "), "");
    let catalogue =
        beside(&[&at_one, ORGANISATION].concat(), &[PILOT_TEST, CURRENT_TEST], "http://localhost/");
    let plan = world.plan(&catalogue, true).unwrap();
    world.bring_about(&plan.changes);
    assert_eq!(world.organisation(PILOT_TEST, "991825827").name, "Own");
    assert_eq!(world.organisation(CURRENT_TEST, "991825827").name, "Direktoratet");
    assert!(world.client(PILOT_TEST, "own").active && world.client(CURRENT_TEST, "own").active);
    assert_eq!(plan.generated.len(), 2, "a web client without a secret gets one");
}

#[test]
fn what_went_from_a_file_that_is_all_there_is_comes_back_with_it() {
    let mut world = World::of(&[PILOT_TEST, CURRENT_TEST]);
    let full = [BOTH, ORGANISATION, TEN_FIELDS, PERSON].concat();
    let mut take = |text: &str| {
        let catalogue = beside(text, &[PILOT_TEST], "http://localhost/").as_all_there_is(&world.providers);
        let plan = world.plan(&catalogue, true).unwrap();
        world.bring_about(&plan.changes);
        let registry = world.registry(CURRENT_TEST);
        let person = world.persons.values().flatten().any(|person| person.active);
        (registry.clients[0].active, world.client(PILOT_TEST, "own").active, person)
    };
    assert_eq!(take(&full), (true, true, true));
    // Neither the issuer nor the pool is named any longer, and pruning reaches both.
    assert_eq!(take(""), (false, true, false));
    assert_eq!(take(&full), (true, true, true));
    assert_eq!(
        take(&format!("{full}active = false\n")),
        (true, true, false),
        "a file that says it is stopped has its way"
    );
}

const PERSON: &str = "[[test_persons]]\npool = \"synthetic\"\npid = \"21879498012\"\n";

#[test]
fn what_is_no_longer_named_is_told_without_a_number() {
    let read = |text: &str| Catalogue::parse(text).unwrap();
    let before = read(&[ORGANISATION, TEN_FIELDS, PERSON].concat());
    assert_eq!(read(ORGANISATION).no_longer_names(&before), ["client ten", "1 test person"]);
    assert!(before.no_longer_names(&read(ORGANISATION)).is_empty());
}
