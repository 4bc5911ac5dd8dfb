//! `portvakt organisation …`: who may have clients, and which terms of use they accepted. Test persons beside it.

use std::path::Path;

use portvakt_testkit::{Browser, PERSONS, Process};
use serde_json::Value;

use crate::registered::{ONE_ISSUER, ORGNO, kinds};
use crate::server::{Desk, complaint, portvakt, told};

#[test]
fn what_is_no_organisation_or_no_acceptance_is_refused() {
    let desk = Desk::with(ONE_ISSUER);
    desk.refuses(
        &["organisation", "add", "991825828", "--name", "Difi"],
        &["orgno = \"991825828\": must have a correct control digit"],
    );
    desk.refuses(
        &["organisation", "add", ORGNO, "--name", " "],
        &["name = \" \": must have 1 to 100 characters"],
    );
    desk.refuses(
        &["organisation", "add", ORGNO, "--name", "Difi", "--terms-version", "1"],
        &["an acceptance without --accepted-by"],
    );
    let accept = |at: &'static str| {
        ["organisation", "accept-terms", ORGNO, "--accepted-by", "Kari", "--accepted-at", at]
    };
    desk.refuses(&accept("2016-12-01T12:00:00Z"), &["no organisation \"991825827\" is registered at"]);
    desk.told(&["organisation", "add", ORGNO, "--name", "Difi"]);
    desk.refuses(&["organisation", "add", ORGNO, "--name", "Difi"], &["is registered at", "already"]);
    desk.refuses(&accept("2999-01-01T00:00:00Z"), &["terms.accepted_at = ", "must not lie in the future"]);
    desk.refuses(&accept("yesterday"), &["terms.accepted_at = \"yesterday\": must be an instant"]);
    desk.refuses(
        &["organisation", "accept-terms", ORGNO, "--accepted-by", "21879498012"],
        &["terms.accepted_by = (text of 11 characters): must hold no identity number"],
    );
}

#[test]
fn a_new_version_of_the_terms_is_outstanding_until_it_is_accepted() {
    let desk = Desk::with(ONE_ISSUER);
    desk.told(&["organisation", "add", ORGNO, "--name", "Difi"]);
    let shown = || desk.told(&["organisation", "show", ORGNO]);
    assert_eq!((&shown()["terms"], &shown()["outstanding"]), (&Value::Null, &"1".into()));
    let at = "2016-12-01T12:00:00Z";
    desk.told(&["organisation", "accept-terms", ORGNO, "--accepted-by", "Kari", "--accepted-at", at]);
    let accepted = serde_json::json!({ "version": "1", "accepted_at": at, "accepted_by": "Kari" });
    assert_eq!((&shown()["terms"], &shown()["outstanding"]), (&accepted, &Value::Null));

    desk.configure(&ONE_ISSUER.replace("terms = \"1\"", "terms = \"2\""));
    assert_eq!((&shown()["terms"], &shown()["outstanding"]), (&accepted, &"2".into()));
    desk.add_client("skjema", &[]);
    let listed = String::from_utf8(desk.run(&["organisation", "list"]).stdout).unwrap();
    for word in ["1, 2016-12-01T12:00:00Z, by Kari", "OUTSTANDING", " 2 ", "Difi"] {
        assert!(listed.contains(word), "{word} in {listed}");
    }
    desk.told(&["organisation", "accept-terms", ORGNO, "--accepted-by", "Ola"]);
    assert_eq!((&shown()["terms"]["version"], &shown()["outstanding"]), (&"2".into(), &Value::Null));
    assert_eq!(shown()["clients"], serde_json::json!(["skjema"]));
}

#[test]
fn accepting_anew_takes_a_withdrawal_back_but_not_what_the_operator_turned_off() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    let standing = || desk.told(&["organisation", "show", ORGNO])["standing"].clone();
    let accept = || desk.told(&["organisation", "accept-terms", ORGNO, "--accepted-by", "Ola"]);
    desk.told(&["organisation", "deactivate", ORGNO]);
    let second = ["--accepted-by", "Ola", "--accepted-at", "2016-12-01T13:00:00Z"];
    desk.told(&[&["organisation", "accept-terms", ORGNO], &second[..]].concat());
    assert_eq!(standing(), "deactivated");
    desk.told(&["organisation", "update", ORGNO, "--name", "Digdir"]);
    assert_eq!(standing(), "deactivated", "a new name lets nobody in");
    desk.told(&["organisation", "activate", ORGNO]);
    assert_eq!(standing(), "active");
    desk.told(&["organisation", "withdraw", ORGNO]);
    assert_eq!(standing(), "withdrawn");
    desk.refuses(
        &["organisation", "activate", ORGNO],
        &[
            "the organisation 991825827 withdrew from the terms of use at",
            "organisation accept-terms 991825827",
        ],
    );
    for stop in ["withdraw", "deactivate"] {
        assert_eq!(kinds(&desk.told(&["organisation", stop, ORGNO])), ["unchanged"], "{stop}");
    }
    assert_eq!(standing(), "withdrawn", "or `activate` would bring it back without an acceptance");
    let old = ["--accepted-by", "Ola", "--accepted-at", "2016-12-01T13:00:00Z"];
    desk.told(&[&["organisation", "accept-terms", ORGNO], &old[..]].concat());
    assert_eq!(standing(), "withdrawn", "an older acceptance takes nothing back");
    accept();
    assert_eq!(standing(), "active");
}

#[tokio::test]
async fn an_organisation_that_withdraws_stops_its_clients_at_authorize_and_token_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let dev = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &["--data", &data]);
    for issuer in dev.issuers() {
        let service = dev.service(&issuer).await;
        let organisation = |deed: &[&str]| {
            let at = ["--data", &data, "--issuer", &issuer, "--json"];
            told(&portvakt(&[&["organisation"], deed, &[ORGNO], &at[..]].concat()))
        };
        let asking = service.request();
        let accept = &["accept-terms", "--accepted-by", "Ola"][..];
        for (stop, back) in [("withdraw", accept), ("deactivate", &["activate"])] {
            let code = service.login(&mut Browser::new(dev.wire()), PERSONS[0]).await;
            let given = service.tokens(&service.login(&mut Browser::new(dev.wire()), PERSONS[1]).await).await;
            organisation(&[stop]);
            let page = asking.send().await;
            assert!(page.is_page() && page.status == 400, "{stop} at {issuer}: {}", page.status);
            let refused = service.redeem(&code).await;
            assert_eq!((refused.status.as_u16(), refused.error().as_str()), (401, "invalid_client"));
            assert_eq!(service.userinfo(&given.access_token).await.status, 401);
            organisation(back);
            assert_eq!(asking.send().await.status, 303);
            let answer = service.login(&mut Browser::new(dev.wire()), PERSONS[0]).await;
            service.tokens(&answer).await;
        }
    }
}

#[test]
fn test_persons_are_of_a_pool_and_no_error_shows_a_number() {
    let desk = Desk::with(ONE_ISSUER);
    let own = "21879498012";
    desk.refuses(
        &["person", "add", "21879498013"],
        &["pid = (text of 11 characters): must have correct control"],
    );
    assert!(!complaint(&desk.run(&["person", "add", "21879498013"])).contains("21879498013"));
    desk.refuses(&["person", "add", own, "--pool", "b"], &["no issuer's TestID has the pool b"]);
    desk.refuses(&["person", "deactivate", own], &["the test person is not in the pool a"]);
    desk.told(&["person", "add", own]);
    desk.refuses(&["person", "add", own], &["the test person is in the pool a already"]);
    desk.told(&["person", "deactivate", own]);
    let listed = desk.told(&["person", "list"]);
    assert_eq!(listed, serde_json::json!([{ "pool": "a", "pid": own, "active": false }]));
    assert!(!desk.keeps(own), "kept sealed");
    desk.told(&["person", "activate", own]);
    assert_eq!(desk.told(&["person", "list"])[0]["active"], true);
    desk.configure(&ONE_ISSUER.replace("[\"a\"]", "[\"a\", \"b\"]"));
    desk.refuses(
        &["person", "activate", own],
        &["there are 2 pools of test persons, and none was named", "a, b"],
    );
}
