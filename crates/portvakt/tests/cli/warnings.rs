//! What owners of clients are told: refusals that keep coming, and, in a report, everything that concerns an organisation.

use std::time::{Duration, Instant};

use portvakt_crypto::random::Random;
use portvakt_protocol::client::ClientId;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::registration::Change;
use portvakt_protocol::secret::ClientSecret;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Actor, MasterKey, Opening, Store, StoreUrl};
use portvakt_web::clock::Clock;
use serde_json::{Value, json};

use crate::registered::{CATALOGUE, ISSUER, ONE_ISSUER, ORGNO, OTHER_ORGNO};
use crate::server::{Desk, Server, complaint};

/// What a wrong secret is refused by.
const RULE: &str = "client-secret-wrong";

/// An acceptance of the terms.
const TERMS: &str =
    r#"terms = { version = "1", accepted_at = 2016-12-01T12:00:00Z, accepted_by = "Ola Nordmann" }"#;

/// The client with a wrong secret, so many times.
async fn refused(server: &Server, client_id: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(server.judges(client_id, "swordfish").await, "invalid_client");
    }
}

/// The events by which this server told of owners to be warned.
pub(crate) fn told_owners(log: &[String]) -> Vec<Value> {
    let events = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["target"] == "owner").collect()
}

/// What the list says of the first client, once it says something.
pub(crate) fn warnings(desk: &Desk) -> Value {
    let begun = Instant::now();
    loop {
        let warnings = desk.told(&["client", "list"])[0]["warnings"].clone();
        if warnings != json!([]) || begun.elapsed() > Duration::from_secs(20) {
            return warnings;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nine_refusals_strangers_and_other_rules_warn_nobody() {
    let desk = Desk::with(ONE_ISSUER);
    assert!(desk.apply(CATALOGUE, &[]).status.success());
    let server = desk.serve();
    refused(&server, "skjema", 9).await;
    refused(&server, "stranger", 20).await;
    assert_eq!(server.judges("skjema", "the-secret-of-skjema").await, "invalid_grant", "another rule");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(desk.told(&["client", "list"])[0]["warnings"], json!([]));
    server.terminate();
    assert_eq!(told_owners(&server.ended().1), [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenth_refusal_for_one_reason_warns_the_owner_once_a_day() {
    let desk = Desk::with(ONE_ISSUER);
    assert!(desk.apply(CATALOGUE, &[]).status.success());
    let server = desk.serve();
    refused(&server, "skjema", 10).await;
    let warned = warnings(&desk);
    assert_eq!((&warned[0]["kind"], &warned[0]["rule"]), (&"refused_often".into(), &RULE.into()), "{warned}");
    assert_eq!(warned.as_array().map(Vec::len), Some(1));
    let listed = String::from_utf8(desk.run(&["client", "list"]).stdout).unwrap();
    assert!(listed.contains("WARNINGS") && listed.contains(&format!("refused often: {RULE}")), "{listed}");
    refused(&server, "skjema", 25).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.terminate();
    let (_, log) = server.ended();
    let told = told_owners(&log);
    let [event] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(event["level"], "WARN");
    assert_eq!(
        (&event["issuer"], &event["client"], &event["organisation"]),
        (&ISSUER.into(), &"skjema".into(), &ORGNO.into())
    );
    assert_eq!(event["what"], format!("refused 10 times within an hour: {RULE}"));
    assert!(event["when"].as_str().is_some_and(|when| when.ends_with('Z')), "{event}");
    let fix = event["fix"].as_str().unwrap();
    assert!(
        fix.contains("`portvakt explain ") && fix.ends_with(" --log FILE`, FILE being this server's log"),
        "{fix}"
    );
    assert_eq!(event["page"], format!("{ISSUER}errors/{RULE}"));
    assert!(!log.iter().any(|line| line.contains("swordfish")), "{log:?}");

    // The row outlives the server; what was counted does not.
    let server = desk.serve();
    refused(&server, "skjema", 10).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let report = desk.told(&["organisation", "report", ORGNO]);
    let [given] = report["warnings"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(
        *given,
        json!({ "at": given["at"], "client_id": "skjema", "kind": "refused_often", "reason": RULE })
    );
    assert_eq!(report["clients"][0]["warnings"], warned);
    server.terminate();
    assert_eq!(told_owners(&server.ended().1), [Value::Null; 0], "once a day");
}

/// Gives the client one secret in place of its others, as time would leave it: with so many days to its end.
async fn leave_days(desk: &Desk, days: u32) -> Timestamp {
    let key = std::fs::read_to_string(desk.path("data/master.key")).unwrap();
    let (random, now) = (Random::system(), Clock::system().now());
    let opening = Opening {
        url: StoreUrl::Folder(desk.path("data")),
        master: MasterKey::parse(&key).unwrap(),
        previous_master: None,
        random,
        now,
    };
    let store = Store::open(opening).await.unwrap();
    let expires = now + Seconds::days(days);
    let secret = Change::Secret {
        issuer: Issuer::parse(ISSUER).unwrap(),
        client_id: ClientId::parse("skjema").unwrap(),
        digest: ClientSecret::presented("another-secret-of-skjema").digest(),
        expires,
        others_expire: now,
    };
    store.register(vec![secret], None, Actor("test".to_owned()), now).await.unwrap();
    store.close().await.unwrap();
    expires
}

/// What a report of the organisation says that its owners were warned of, once it says something.
async fn given(desk: &Desk) -> Value {
    let begun = Instant::now();
    loop {
        let warnings = desk.told(&["organisation", "report", ORGNO])["warnings"].clone();
        if warnings != json!([]) || begun.elapsed() > Duration::from_secs(20) {
            return warnings;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_warned_of_a_secret_that_ends_and_when_it_has_and_not_again_after_a_restart() {
    for (days, kind, what, listed) in [
        (30, "secret_ends", "its secret ends within 30 days", "secret ends in 29 days"),
        (0, "secret_ended", "its last secret has ended", "secret has ended"),
    ] {
        let desk = Desk::with(ONE_ISSUER);
        assert!(desk.apply(CATALOGUE, &[]).status.success());
        let expires = leave_days(&desk, days).await.to_rfc3339();
        let mut told = Vec::new();
        for _ in 0..2 {
            let server = desk.serve();
            let given = given(&desk).await;
            assert_eq!((&given[0]["kind"], &given[0]["reason"]), (&kind.into(), &expires.as_str().into()));
            tokio::time::sleep(Duration::from_secs(3)).await;
            server.terminate();
            told.extend(told_owners(&server.ended().1));
        }
        let [event] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((&event["level"], &event["organisation"]), (&"WARN".into(), &ORGNO.into()));
        assert_eq!((&event["what"], &event["when"]), (&what.into(), &expires.as_str().into()));
        assert_eq!(event.get("supplier"), None, "nobody runs it for its owner");
        let fix = event["fix"].as_str().unwrap();
        assert!(fix.contains("portvakt client secret rotate skjema"), "{event}");
        let page = String::from_utf8(desk.run(&["client", "list"]).stdout).unwrap();
        assert!(page.contains(listed), "{page}");
    }
}

/// The catalogue, with its client run by another organisation.
fn run_by_another() -> String {
    let supplier = format!("client_id = \"skjema\"\nsupplier_orgno = \"{OTHER_ORGNO}\"");
    let others = format!("\n[[organisations]]\norgno = \"{OTHER_ORGNO}\"\nname = \"Brreg\"\n{TERMS}\n");
    [&CATALOGUE.replace("client_id = \"skjema\"", &supplier), others.as_str()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_secret_that_ends_is_told_of_mildly_and_whoever_runs_the_client_is_named_too() {
    let desk = Desk::with(ONE_ISSUER);
    let applied = desk.apply(&run_by_another(), &[]);
    assert!(applied.status.success(), "{}", complaint(&applied));
    desk.told(&["client", "secret", "rotate", "skjema", "--keep-old", "7d"]);
    let secrets = desk.told(&["client", "show", "skjema"])["secrets"].clone();
    let (newer, older) = (&secrets[0]["expires"], &secrets[1]["expires"]);
    let server = desk.serve();
    refused(&server, "skjema", 10).await;
    let begun = Instant::now();
    while given(&desk).await.as_array().map(Vec::len) != Some(2) && begun.elapsed() < Duration::from_secs(20)
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.terminate();
    let told = told_owners(&server.ended().1);
    assert_eq!(told.len(), 2, "{told:?}");
    for event in &told {
        assert_eq!(
            (&event["organisation"], &event["supplier"]),
            (&ORGNO.into(), &OTHER_ORGNO.into()),
            "{event}"
        );
    }
    let event = told.iter().find(|event| event["rule"].is_null()).unwrap();
    let goes_on = newer.as_str().unwrap();
    assert_eq!(
        (&event["what"], &event["when"]),
        (&format!("an older secret ends within 7 days; another goes on until {goes_on}").into(), older)
    );
    assert!(event["fix"].as_str().is_some_and(|fix| !fix.contains("rotate")), "{event}");

    let warned =
        json!({ "kind": "older_secret_ends", "expires": older, "days_left": 6, "goes_on_until": newer });
    assert_eq!(desk.told(&["client", "list"])[0]["warnings"][0], warned);
    for orgno in [ORGNO, OTHER_ORGNO] {
        let report = desk.told(&["organisation", "report", orgno]);
        assert_eq!(report["clients"][0]["warnings"][0], warned, "{orgno}");
    }
    let page = String::from_utf8(desk.run(&["client", "list"]).stdout).unwrap();
    assert!(page.contains("older secret ends in 6 days, another goes on"), "{page}");
}

#[test]
fn a_report_is_of_a_registered_organisation_alone() {
    let desk = Desk::with(ONE_ISSUER);
    desk.refuses(&["organisation", "report", ORGNO], &["no organisation \"991825827\" is registered at"]);
    desk.refuses(&["organisation", "report", "21879498012"], &["no organisation (text of 11 characters)"]);
    desk.told(&["organisation", "add", ORGNO, "--name", "Difi"]);
    let report = desk.told(&["organisation", "report", ORGNO]);
    assert_eq!(
        report,
        json!({
            "issuer": ISSUER, "orgno": ORGNO, "name": "Difi", "standing": "active", "terms": null, "outstanding": "1",
            "clients": [], "owned_scopes": [], "warnings": [],
        })
    );
    let text = String::from_utf8(desk.run(&["organisation", "report", ORGNO]).stdout).unwrap();
    assert!(text.contains("none accepted") && text.contains("It has no clients"), "{text}");
    assert!(text.contains("It owns no scopes.") && text.contains("No warnings in the last"), "{text}");
}

#[test]
fn a_report_has_terms_clients_secrets_lifetimes_and_scopes_and_nothing_of_others() {
    let desk = Desk::with(ONE_ISSUER);
    let applied = desk.apply(CATALOGUE, &[]);
    assert!(applied.status.success(), "{}", complaint(&applied));
    desk.told(&["organisation", "add", OTHER_ORGNO, "--name", "Brreg"]);
    let report = desk.told(&["organisation", "report", ORGNO]);
    let client = &report["clients"][0];
    let (expires, days) = (&client["secrets"][0]["expires"], &client["secrets"][0]["days_left"]);
    assert!(*days == 360 || *days == 359, "{client}");
    assert_eq!(
        report,
        json!({
            "issuer": ISSUER, "orgno": ORGNO, "name": "Difi", "standing": "active",
            "terms": { "version": "1", "accepted_at": "2016-12-01T12:00:00Z", "accepted_by": "Kari Nordmann" },
            "outstanding": null,
            "clients": [{
                "client_id": "skjema", "display_name": "Skjema", "role": "owner", "client_orgno": ORGNO,
                "supplier_orgno": null, "stopped": null, "token_endpoint_auth_method": "client_secret_basic",
                "secrets": [{ "expires": expires, "days_left": days }],
                "authorization_lifetime": 7200, "access_token_lifetime": 120, "refresh_token_lifetime": 600,
                "may_refresh": true,
                "scopes": [
                    { "scope": "openid", "owner_orgno": null, "access": null, "usable": true, "why_not": null },
                    { "scope": "profile", "owner_orgno": null, "access": null, "usable": true, "why_not": null },
                ],
                "warnings": [],
            }],
            "owned_scopes": [],
            "warnings": [],
        })
    );
    let text = String::from_utf8(desk.run(&["organisation", "report", ORGNO]).stdout).unwrap();
    let words = [
        "1, 2016-12-01T12:00:00Z, by Kari Nordmann",
        " days left)",
        "grant 7200 s, access 120 s, refresh 600 s",
    ];
    for word in words.iter().chain(&["Scopes of clients (", "No warnings in the last 30 days."]) {
        assert!(text.contains(word), "{word} in\n{text}");
    }
    assert!(!text.contains("the-secret-of-skjema"));
    desk.told(&["client", "deactivate", "skjema"]);
    let report = desk.told(&["organisation", "report", ORGNO]);
    assert_eq!(report["clients"][0]["stopped"], "client_deactivated");
    assert_eq!(desk.told(&["organisation", "report", OTHER_ORGNO])["clients"], json!([]));
}

#[test]
fn a_report_tells_what_a_client_may_not_use_and_whose_clients_an_organisation_runs() {
    let desk = Desk::with(ONE_ISSUER);
    let catalogue = |state: &str| {
        format!(
            r#"{CATALOGUE}
[[organisations]]
orgno = "{OTHER_ORGNO}"
name = "Brreg"
{TERMS}

[[scopes]]
scope = "brreg:roller"
owner_orgno = "{OTHER_ORGNO}"
access = [{{ consumer_orgno = "{ORGNO}", state = "{state}" }}]
enforced_aud_for_introspection = ["levert"]

[[clients]]
client_id = "levert"
client_secret = "the-secret-of-levert"
client_orgno = "{ORGNO}"
supplier_orgno = "{OTHER_ORGNO}"
display_name = "Levert"
redirect_uris = ["https://levert.example/callback"]
scopes = ["openid", "brreg:roller"]
"#
        )
    };
    let reported = |orgno: &str, state: &str| {
        let applied = desk.apply(&catalogue(state), &[]);
        assert!(applied.status.success(), "{}", complaint(&applied));
        desk.told(&["organisation", "report", orgno])["clients"].clone()
    };
    let own = reported(ORGNO, "REQUESTED");
    let roles = |clients: &Value| {
        let clients = clients.as_array().unwrap().iter();
        clients
            .map(|client| format!("{} {}", client["client_id"], client["role"]))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(roles(&own), r#""levert" "owner", "skjema" "owner""#);
    for (state, usable) in [("REQUESTED", false), ("DENIED", false), ("WITHDRAWN", false), ("APPROVED", true)]
    {
        let run = reported(OTHER_ORGNO, state);
        assert_eq!(roles(&run), r#""levert" "supplier""#);
        assert_eq!(
            (&run[0]["client_orgno"], &run[0]["supplier_orgno"]),
            (&ORGNO.into(), &OTHER_ORGNO.into())
        );
        let why_not = if usable { Value::Null } else { "no_access".into() };
        assert_eq!(
            run[0]["scopes"][1],
            json!({
                "scope": "brreg:roller", "owner_orgno": OTHER_ORGNO, "access": state, "usable": usable, "why_not": why_not,
            })
        );
    }
    reported(ORGNO, "WITHDRAWN");
    let owned = |orgno: &str| desk.told(&["organisation", "report", orgno])["owned_scopes"].clone();
    assert_eq!(owned(ORGNO), json!([]), "it may use what it does not own");
    assert_eq!(owned(OTHER_ORGNO), json!([desk.told(&["scope", "show", "brreg:roller"])]));
    assert_eq!(owned(OTHER_ORGNO)[0]["access"], json!([{ "consumer_orgno": ORGNO, "state": "WITHDRAWN" }]));
    let text = String::from_utf8(desk.run(&["organisation", "report", OTHER_ORGNO]).stdout).unwrap();
    for word in ["supplier", ORGNO, "brreg:roller", "WITHDRAWN", "no: no access"] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
}

#[test]
fn a_report_tells_the_owner_of_a_scope_who_may_use_it_who_asks_and_who_may_introspect() {
    let desk = Desk::with(ONE_ISSUER);
    desk.add_organisation();
    desk.told(&["organisation", "add", OTHER_ORGNO, "--name", "Brreg"]);
    desk.add_client("api", &[]);
    let reader = ["--enforced-aud-for-introspection", "api"];
    desk.told(&[&["scope", "add", "brreg:roller", "--owner-orgno", OTHER_ORGNO], &reader[..]].concat());
    desk.told(&["scope", "add", "drift:egen", "--description", "the operator's own"]);
    desk.told(&["scope", "access", "request", "brreg:roller", ORGNO]);
    let page = || String::from_utf8(desk.run(&["organisation", "report", OTHER_ORGNO]).stdout).unwrap();
    let row = |page: &str, words: &[&str]| {
        page.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") == words.join(" "))
    };
    assert!(row(&page(), &["brreg:roller active 0 approved, 1 asked api"]), "{}", page());
    assert!(row(&page(), &["brreg:roller", ORGNO, "REQUESTED (awaits a decision)"]), "{}", page());
    assert!(!page().contains("drift:egen"));
    desk.told(&["scope", "access", "approve", "brreg:roller", ORGNO]);
    desk.told(&["scope", "deactivate", "brreg:roller"]);
    assert!(row(&page(), &["brreg:roller deactivated 1 approved api"]), "{}", page());
    assert!(row(&page(), &["brreg:roller", ORGNO, "APPROVED"]), "{}", page());
}
