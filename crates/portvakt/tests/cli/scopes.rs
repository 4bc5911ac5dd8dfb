//! `portvakt scope …` and the fields of clients that go with it: attributes, owners, who may use what, grants and customers.

use portvakt_testkit::{Browser, PERSONS, Process};
use serde_json::{Value, json};

use crate::registered::{CATALOGUE, ONE_ISSUER, ORGNO, OTHER_ORGNO, kinds};
use crate::server::{Desk, complaint, portvakt, told};

const SCOPE: &str = "skatt:inntekt";

/// A desk with two organisations, of which the other owns the scope.
fn desk() -> Desk {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.told(&["organisation", "add", OTHER_ORGNO, "--name", "Etaten"]);
    desk
}

/// The JSON members of the scope.
fn shown(desk: &Desk) -> Value {
    desk.told(&["scope", "show", SCOPE])
}

#[test]
fn scopes_are_registered_once_and_stopped() {
    let desk = Desk::with(ONE_ISSUER);
    for name in ["openid", "profile", "idporten:token.introspection"] {
        let words = format!("scope = {name:?}: must not be openid, profile or idporten:token.introspection");
        desk.refuses(&["scope", "add", name], &[&words]);
    }
    desk.refuses(
        &["scope", "add", "inntekt"],
        &["scope = \"inntekt\": must be a prefix, a colon and a name"],
    );
    desk.refuses(&["scope", "deactivate", SCOPE], &["no scope \"skatt:inntekt\" is registered"]);
    desk.told(&["scope", "add", SCOPE, "--token-type", "OPAQUE", "--at-max-age", "60"]);
    desk.refuses(&["scope", "add", SCOPE], &["the scope \"skatt:inntekt\" is registered at", "already"]);
    desk.told(&["scope", "deactivate", SCOPE]);
    let listed = desk.told(&["scope", "list"]);
    assert_eq!((&listed[0]["active"], &listed[0]["token_type"]), (&false.into(), &"OPAQUE".into()));
    desk.told(&["scope", "activate", SCOPE]);
    let active = desk.told(&["scope", "list"]);
    assert_eq!((&active[0]["active"], &active[0]["at_max_age"]), (&true.into(), &60.into()));
    assert_eq!(active[0]["accessible_for_all"], true, "it has no owner");
}

#[test]
fn every_attribute_is_said_changed_and_unsaid() {
    let desk = desk();
    desk.add_client("api", &["--integration-type", "api_klient"]);
    for (field, value, words) in [
        ("--owner-orgno", "910753614", "owner_orgno = \"910753614\": must be an organisation registered at"),
        ("--owner-orgno", "1", "owner_orgno = \"1\": "),
        ("--description-nn", "21879498012", "description_nn = (text of 11 characters): must hold no"),
        ("--at-max-age", "-1", "at_max_age = -1: must be"),
        ("--authorization-max-lifetime", "31536001", "authorization_max_lifetime = 31536001: must be"),
        ("--allowed-integration-type", "krr", "allowed_integration_types[0] = \"krr\": must be"),
        ("--enforced-aud-for-introspection", "nobody", "[0] = \"nobody\": must be a client registered at"),
        ("--token-type", "JWT", "token_type = \"JWT\": must be OPAQUE or SELF_CONTAINED"),
    ] {
        desk.refuses(&["scope", "add", SCOPE, field, value], &[words]);
    }
    let added = [
        ("--owner-orgno", OTHER_ORGNO),
        ("--description", "Lese inntekten din"),
        ("--description-nn", "Lese inntekta di"),
        ("--description-en", "Read your income"),
        ("--description-se", "Lohkat dietnasat"),
        ("--token-type", "SELF_CONTAINED"),
        ("--at-max-age", "60"),
        ("--authorization-max-lifetime", "3600"),
        ("--requires-pseudonymous-tokens", "true"),
        ("--allowed-integration-type", "api_klient"),
        ("--enforced-aud-for-introspection", "api"),
    ];
    let arguments: Vec<_> = added.iter().flat_map(|(name, value)| [*name, *value]).collect();
    desk.told(&[&["scope", "add", SCOPE], &arguments[..]].concat());
    assert_eq!(
        shown(&desk),
        json!({
            "issuer": crate::registered::ISSUER,
            "scope": SCOPE,
            "owner_orgno": OTHER_ORGNO,
            "description": "Lese inntekten din",
            "description_nn": "Lese inntekta di",
            "description_en": "Read your income",
            "description_se": "Lohkat dietnasat",
            "token_type": "SELF_CONTAINED",
            "at_max_age": 60,
            "authorization_max_lifetime": 3600,
            "requires_pseudonymous_tokens": true,
            "accessible_for_all": false,
            "allowed_integration_types": ["api_klient"],
            "enforced_aud_for_introspection": ["api"],
            "active": true,
            "access": [],
        })
    );
    let page = String::from_utf8(desk.run(&["scope", "show", SCOPE]).stdout).unwrap();
    for word in ["owner_orgno", "889640782", "Read your income", "3600 s", "api_klient", "SELF_CONTAINED"] {
        assert!(page.contains(word), "{word} in {page}");
    }
    desk.refuses(&["scope", "update", "a:b", "--at-max-age", "1"], &["no scope \"a:b\" is registered"]);
    let unset = ["--unset", "description_en", "--unset", "enforced_aud_for_introspection"];
    desk.told(&[&["scope", "change", SCOPE, "--at-max-age", "30"], &unset[..]].concat());
    let changed = shown(&desk);
    assert_eq!((&changed["at_max_age"], &changed["description_en"]), (&30.into(), &Value::Null));
    assert_eq!(changed["enforced_aud_for_introspection"], json!([]));
    assert_eq!(changed["authorization_max_lifetime"], 3600, "what is not named stays");
    desk.told(&["scope", "update", SCOPE, "--unset", "owner_orgno"]);
    assert_eq!(shown(&desk)["accessible_for_all"], false, "nobody is let in by that");
    desk.told(&["scope", "add", "drift:egen"]);
    let told = desk.told(&["scope", "update", "drift:egen", "--owner-orgno", OTHER_ORGNO]);
    assert!(told["changes"][0]["detail"].as_str().unwrap().contains("still for all organisations"), "{told}");
    let help = String::from_utf8(desk.run(&["scope", "update", "--help"]).stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "An update without it leaves it as it was, also where the scope gets an owner or loses it";
    assert!(help.contains(words), "{help}");
}

#[test]
fn access_is_asked_for_given_denied_and_taken_back_and_a_client_is_told_what_it_may_not_ask_for() {
    let desk = desk();
    desk.told(&["scope", "add", SCOPE, "--owner-orgno", OTHER_ORGNO]);
    let told = desk.add_client("skjema", &["--scope", SCOPE]);
    assert_eq!(
        told["changes"][0]["detail"],
        "may not ask for skatt:inntekt until access is given to 991825827 (nothing was said of it)"
    );
    let refused = || desk.told(&["client", "show", "skjema"])["scopes_refused"].clone();
    assert_eq!(refused(), json!(["skatt:inntekt (no access)"]));

    let access = |deed| ["scope", "access", deed, SCOPE, ORGNO];
    for (arguments, words) in [
        (["scope", "access", "approve", "a:b", ORGNO], "no scope \"a:b\" is registered"),
        (["scope", "access", "approve", SCOPE, "910753614"], "no organisation \"910753614\" is registered"),
        (["scope", "access", "withdraw", SCOPE, OTHER_ORGNO], "owns the scope, and always has access"),
        (access("withdraw"), "has no access to take back: `deny` refuses what it asked for"),
    ] {
        desk.refuses(&arguments, &[words]);
    }
    let said = |deed| desk.told(&access(deed))["changes"][0].clone();
    assert_eq!(
        (&said("request")["change"], refused()),
        (&"create".into(), json!(["skatt:inntekt (REQUESTED)"]))
    );
    assert_eq!(said("request")["change"], "unchanged");
    assert_eq!((&said("approve")["detail"], refused()), (&"state REQUESTED → APPROVED".into(), json!([])));
    desk.refuses(&access("request"), &["has access already"]);
    desk.refuses(&access("deny"), &["has access: `withdraw` takes it back"]);
    assert_eq!(
        (&said("withdraw")["change"], refused()),
        (&"deactivate".into(), json!(["skatt:inntekt (WITHDRAWN)"]))
    );
    assert_eq!(
        (&said("deny")["change"], refused()),
        (&"deactivate".into(), json!(["skatt:inntekt (DENIED)"]))
    );

    let listed = desk.told(&["scope", "access", "list", SCOPE]);
    assert_eq!(listed, json!([{ "consumer_orgno": ORGNO, "state": "DENIED" }]));
    desk.told(&access("approve"));
    let page = String::from_utf8(desk.run(&["scope", "list"]).stdout).unwrap();
    assert!(page.contains("OWNER") && page.contains("1 approved"), "{page}");

    desk.told(&["scope", "update", SCOPE, "--accessible-for-all", "true"]);
    desk.told(&access("withdraw"));
    assert_eq!(refused(), json!(["skatt:inntekt (WITHDRAWN)"]), "excluded from a scope for all");
    // To ask undoes nothing: neither of a scope that is for all, nor of one that is opened to all meanwhile.
    assert_eq!(said("request")["detail"], "state WITHDRAWN → REQUESTED");
    assert_eq!(refused(), json!(["skatt:inntekt (REQUESTED)"]));
    let page = String::from_utf8(desk.run(&["scope", "list"]).stdout).unwrap();
    assert!(page.contains("all but 1, 1 asked"), "{page}");
    for last in ["withdraw", "deny"] {
        desk.told(&["scope", "update", SCOPE, "--accessible-for-all", "false"]);
        for deed in ["approve", "withdraw", last, "request"] {
            desk.told(&access(deed));
        }
        let told = desk.told(&["scope", "update", SCOPE, "--accessible-for-all", "true"]);
        let note = "for all but 991825827 (REQUESTED): APPROVED lets it in";
        assert!(told["changes"][0]["detail"].as_str().unwrap().ends_with(note), "{told}");
        assert_eq!(refused(), json!(["skatt:inntekt (REQUESTED)"]), "after {last}");
    }
    desk.told(&access("approve"));
    assert_eq!(refused(), json!([]));
}

#[test]
fn who_moves_a_reader_to_another_organisation_is_told_whose_tokens_it_still_reads() {
    let desk = desk();
    desk.told(&["organisation", "accept-terms", OTHER_ORGNO, "--accepted-by", "Ola"]);
    desk.add_client("api", &[]);
    desk.told(&["scope", "add", SCOPE, "--owner-orgno", ORGNO, "--enforced-aud-for-introspection", "api"]);
    let told = desk.told(&["client", "update", "api", "--client-orgno", OTHER_ORGNO]);
    let detail = told["changes"][0]["detail"].as_str().unwrap();
    assert!(detail.ends_with("; still named as a reader by skatt:inntekt of 991825827"), "{detail}");
}

#[test]
fn access_of_a_catalogue_goes_with_its_file() {
    let desk = Desk::with(ONE_ISSUER);
    let scope = r#"
        [[organisations]]
        orgno = "889640782"
        name = "Etaten"
        [[scopes]]
        scope = "skatt:inntekt"
        owner_orgno = "889640782"
    "#;
    let access = "[[scopes.access]]\nconsumer_orgno = \"991825827\"\nstate = \"APPROVED\"\n";
    let file = [CATALOGUE, scope, access].concat();
    let wrong = desk.apply(&file.replace("APPROVED", "GIVEN"), &[]);
    assert!(
        complaint(&wrong).contains("scopes[0].access[0].state = \"GIVEN\": must be REQUESTED"),
        "{}",
        complaint(&wrong)
    );
    told(&desk.apply(&file, &["--json"]));
    assert_eq!(shown(&desk)["access"][0]["state"], "APPROVED");
    assert_eq!(kinds(&told(&desk.apply(&file, &["--json", "--prune"]))), ["unchanged"]);
    told(&desk.apply(&[CATALOGUE, scope].concat(), &["--json"]));
    assert_eq!(shown(&desk)["access"][0]["state"], "APPROVED", "what a file does not mention stays");
    let open = [CATALOGUE, scope, "accessible_for_all = true\n"].concat();
    told(&desk.apply(&open, &["--json", "--prune"]));
    assert_eq!(shown(&desk)["access"][0]["state"], "APPROVED", "opened to all, it shuts nobody out");
    told(&desk.apply(&[CATALOGUE, scope].concat(), &["--json", "--prune"]));
    assert_eq!(shown(&desk)["access"][0]["state"], "WITHDRAWN");
}

#[test]
fn g3_67_grants_customers_and_suppliers_of_a_client_are_kept_and_shown() {
    let desk = desk();
    let add = |arguments: &[&str]| {
        let needed = ["client", "add", "skjema", "--client-orgno", ORGNO, "--display-name", "Skjema"];
        let more = ["--redirect-uri", "https://skjema.example/cb", "--scope", "openid"];
        desk.run(&[&needed[..], &more, arguments].concat())
    };
    for (arguments, words) in [
        (&["--grant-type", "implicit"][..], "grant_types[0] = \"implicit\": must be"),
        (&["--grant-type", "refresh_token"], "grant_types: must name authorization_code"),
        (&["--refresh-token-usage", "TWICE"], "refresh_token_usage = \"TWICE\": must be ONETIME or REUSE"),
        (
            &["--supplier-orgno", "910753614"],
            "supplier_orgno = \"910753614\": must be an organisation registered",
        ),
        (&["--onbehalfof", "oslo=1,Oslo"], "onbehalfof[0].orgno = \"1\": "),
        (&["--onbehalfof", "oslo=889640782,Oslo,http://oslo.example/#x"], "onbehalfof[0].url = "),
        (&["--onbehalfof", "a b=889640782,Oslo"], "onbehalfof[0].onbehalfof = \"a b\": "),
    ] {
        let refused = add(arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(complaint(&refused).contains(words), "{words}: {}", complaint(&refused));
    }
    assert_eq!(add(&["--onbehalfof", "oslo"]).status.code(), Some(2), "misused");
    let given = [
        "--grant-type",
        "authorization_code",
        "--grant-type",
        "refresh_token",
        "--refresh-token-usage",
        "REUSE",
        "--supplier-orgno",
        OTHER_ORGNO,
        "--onbehalfof",
        "oslo=889640782,Oslo kommune, avdeling øst,https://oslo.example/",
        "--onbehalfof",
        "bergen=910753614,Bergen, by mellom fjell",
    ];
    assert!(add(&given).status.success());
    let shown = || desk.told(&["client", "show", "skjema"]);
    assert_eq!(shown()["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(
        (&shown()["refresh_token_usage"], &shown()["supplier_orgno"]),
        (&"REUSE".into(), &OTHER_ORGNO.into())
    );
    assert_eq!(
        shown()["onbehalfof"],
        json!([
            { "onbehalfof": "oslo", "display_name": "Oslo kommune, avdeling øst", "orgno": "889640782",
              "url": "https://oslo.example/" },
            { "onbehalfof": "bergen", "display_name": "Bergen, by mellom fjell", "orgno": "910753614" },
        ])
    );
    let page = String::from_utf8(desk.run(&["client", "show", "skjema"]).stdout).unwrap();
    for word in
        ["authorization_code refresh_token", "REUSE", "oslo=889640782,Oslo kommune, avdeling øst,https"]
    {
        assert!(page.contains(word), "{word} in {page}");
    }
    desk.told(&["client", "update", "skjema", "--description", "Skjema for alle"]);
    assert_eq!(shown()["onbehalfof"].as_array().map(Vec::len), Some(2), "what is not named stays");
    let unset = ["grant_types", "refresh_token_usage", "supplier_orgno", "onbehalfof"];
    let unset: Vec<_> = unset.iter().flat_map(|name| ["--unset", *name]).collect();
    desk.told(&[&["client", "change", "skjema"], &unset[..]].concat());
    for name in ["grant_types", "refresh_token_usage", "supplier_orgno", "onbehalfof"] {
        assert_eq!(shown().get(name), None, "{name}");
    }
}

#[tokio::test]
async fn g3_a_client_may_ask_only_for_what_its_organisation_may_use_now() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let dev = Process::dev(std::path::Path::new(env!("CARGO_BIN_EXE_portvakt")), &["--data", &data]);
    for issuer in dev.issuers() {
        let service = dev.service(&issuer).await;
        let run = |arguments: &[&str]| {
            told(&portvakt(&[arguments, &["--data", &data, "--issuer", &issuer, "--json"]].concat()))
        };
        run(&["organisation", "add", OTHER_ORGNO, "--name", "Etaten"]);
        run(&["scope", "add", SCOPE, "--owner-orgno", OTHER_ORGNO]);
        let client = service.service().client_id.clone();
        let scopes = ["openid", "profile", SCOPE];
        let scopes: Vec<_> = scopes.iter().flat_map(|scope| ["--scope", *scope]).collect();
        run(&[&["client", "update", &client], &scopes[..]].concat());
        let asking = || service.request().with("scope", "openid skatt:inntekt");
        let refused = async || {
            let reply = asking().send().await;
            let answer = asking().answer(&reply);
            answer.get("error").map(str::to_owned)
        };
        assert_eq!(refused().await.as_deref(), Some("invalid_scope"), "nothing was said: {issuer}");
        for (deed, given) in [("request", false), ("deny", false), ("approve", true), ("withdraw", false)] {
            run(&["scope", "access", deed, SCOPE, ORGNO]);
            if given {
                let mut browser = Browser::new(dev.wire());
                let answer = service.login_with(&mut browser, PERSONS[0], asking()).await;
                service.tokens(&answer).await;
            } else {
                assert_eq!(refused().await.as_deref(), Some("invalid_scope"), "{deed} at {issuer}");
            }
        }
        run(&["scope", "update", SCOPE, "--owner-orgno", ORGNO]);
        assert_eq!(asking().send().await.status, 303, "its owner");
        run(&["scope", "deactivate", SCOPE]);
        assert_eq!(refused().await.as_deref(), Some("invalid_scope"), "deactivated at {issuer}");
    }
}
