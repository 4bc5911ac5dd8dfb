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
    assert!(event["fix"].as_str().is_some_and(|fix| fix.contains("`portvakt explain ")), "{event}");
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

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_warned_of_a_secret_that_ends_and_not_again_after_a_restart() {
    let desk = Desk::with(ONE_ISSUER);
    assert!(desk.apply(CATALOGUE, &[]).status.success());
    let expires = leave_days(&desk, 30).await.to_rfc3339();
    let mut told = Vec::new();
    for _ in 0..2 {
        let server = desk.serve();
        let begun = Instant::now();
        let given = loop {
            let report = desk.told(&["organisation", "report", ORGNO]);
            if report["warnings"] != json!([]) || begun.elapsed() > Duration::from_secs(20) {
                break report["warnings"].clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(
            (&given[0]["kind"], &given[0]["reason"]),
            (&"secret_ends".into(), &expires.as_str().into())
        );
        tokio::time::sleep(Duration::from_secs(3)).await;
        server.terminate();
        told.extend(told_owners(&server.ended().1));
    }
    let [event] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&event["level"], &event["organisation"]), (&"WARN".into(), &ORGNO.into()));
    assert_eq!(
        (&event["what"], &event["when"]),
        (&"its secret ends within 30 days".into(), &expires.as_str().into())
    );
    assert!(
        event["fix"].as_str().is_some_and(|fix| fix.contains("portvakt client secret rotate skjema")),
        "{event}"
    );
    let listed = String::from_utf8(desk.run(&["client", "list"]).stdout).unwrap();
    assert!(listed.contains("secret ends in 29 days"), "{listed}");
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
            "clients": [], "warnings": [],
        })
    );
    let text = String::from_utf8(desk.run(&["organisation", "report", ORGNO]).stdout).unwrap();
    assert!(text.contains("none accepted") && text.contains("It has no clients"), "{text}");
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
            "warnings": [],
        })
    );
    let text = String::from_utf8(desk.run(&["organisation", "report", ORGNO]).stdout).unwrap();
    let words = [
        "1, 2016-12-01T12:00:00Z, by Kari Nordmann",
        " days left)",
        "grant 7200 s, access 120 s, refresh 600 s",
    ];
    for word in words.iter().chain(&["Scopes (", "No warnings in the last 30 days."]) {
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
terms = {{ version = "1", accepted_at = 2016-12-01T12:00:00Z, accepted_by = "Ola Nordmann" }}

[[scopes]]
scope = "brreg:roller"
owner_orgno = "{OTHER_ORGNO}"
access = [{{ consumer_orgno = "{ORGNO}", state = "{state}" }}]

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
    let text = String::from_utf8(desk.run(&["organisation", "report", OTHER_ORGNO]).stdout).unwrap();
    for word in ["supplier", ORGNO, "brreg:roller", "WITHDRAWN", "no: no access"] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
}
