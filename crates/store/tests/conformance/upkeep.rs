//! Sweeping, the audit, and the end.

use portvakt_protocol::registration::{Change, PersonRecord};
use portvakt_protocol::secret::ClientSecret;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::Spending;
use portvakt_store::{Broken, FoundLogin, SweepPolicy, Swept};

use crate::world::{
    KARI, OLA, START, World, actor, after, client_id, evidence_of, pid, pool, register_client,
};

const POLICY: SweepPolicy = SweepPolicy { audit_retention: None, batch: 100 };

async fn sweep(world: &World, now: Timestamp) -> Swept {
    world.store.sweep(now, POLICY).await.unwrap()
}

pub(crate) async fn nothing_is_swept_before_its_end(world: World) {
    let begun = world.begin().await;
    let issue = world.issued().await;
    let spending = world.spending("demo", issue.code.digest);
    let token = spending.access_token.digest;
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    let secret = Change::Secret {
        issuer: world.issuer().clone(),
        client_id: client_id("demo"),
        digest: ClientSecret::draw(&world.random).digest(),
        expires: after(10),
        others_expire: after(10),
    };
    world.registered(vec![secret]).await;
    let seen = world.audit().await;
    let year = 365 * 86_400;
    let nothing = Swept::default();
    for (before, at, removed) in [
        (119, 120, Swept { access_tokens: 1, ..nothing }),
        (1800 + 3599, 1800 + 3600, Swept { logins: 2, ..nothing }),
        (7199, 7200, Swept { grants: 1, ..nothing }),
        (10 + year - 1, 10 + year, Swept { secrets: 1, ..nothing }),
    ] {
        assert_eq!(sweep(&world, after(before)).await, nothing, "{before}");
        assert_eq!(sweep(&world, after(at)).await, removed, "{at}");
    }
    assert_eq!(world.audit().await, seen);
    assert!(world.store.access_token(world.issuer(), &token).await.unwrap().is_none());
    assert!(world.store.code(world.issuer(), &issue.code.digest).await.unwrap().is_none());
    let login = world.store.login(world.issuer(), begun.login, begun.browser, START).await.unwrap();
    assert!(matches!(login, FoundLogin::Unknown));
}

pub(crate) async fn a_spent_code_stays_recognisable_until_its_grant_has_ended(world: World) {
    let issue = world.issued().await;
    let mut spending = world.spending("demo", issue.code.digest);
    spending.access_token.expires = after(7200);
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    for now in [after(100), after(7199)] {
        sweep(&world, now).await;
        let again = world.spending("demo", issue.code.digest);
        let answer = world.store.spend_code(world.issuer(), again, now).await.unwrap();
        assert!(matches!(answer, Spending::Replayed));
    }
    let swept = sweep(&world, after(7200)).await;
    assert_eq!((swept.access_tokens, swept.grants), (1, 1));
    let again = world.spending("demo", issue.code.digest);
    let answer = world.store.spend_code(world.issuer(), again, after(7200)).await.unwrap();
    assert!(matches!(answer, Spending::Unknown));
}

pub(crate) async fn a_family_stays_while_it_can_be_used(world: World) {
    // No rule gives out a token that outlives its grant; a store that held one would keep its family.
    let issue = world.issued().await;
    let mut spending = world.spending("demo", issue.code.digest);
    let mut first = world.new_refresh_token(START);
    first.expires = after(9000);
    let token = first.digest;
    spending.refresh_token = Some(first);
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    for now in [after(7200), after(8999)] {
        assert_eq!(sweep(&world, now).await.grants, 0, "{now:?}");
        assert!(world.store.refresh_token(world.issuer(), &token).await.unwrap().is_some());
    }
    assert_eq!(sweep(&world, after(9000)).await.grants, 1);
    assert!(world.store.refresh_token(world.issuer(), &token).await.unwrap().is_none());
}

pub(crate) async fn families_larger_than_a_batch_go_with_their_grants(world: World) {
    let (mut first, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let family = world.family().await;
        let mut token = family.refresh;
        for _ in 0..4 {
            token = world.rotated(token, START).await.refresh;
        }
        first.push(family.refresh);
        bare.push(world.issued().await.code.digest);
    }
    let policy = SweepPolicy { audit_retention: None, batch: 3 };
    assert_eq!(world.store.sweep(after(7199), policy).await.unwrap().grants, 0);
    let swept = world.store.sweep(after(7200), policy).await.unwrap();
    assert_eq!((swept.grants, swept.access_tokens), (8, 20), "and their access tokens");
    for (refresh, code) in first.iter().zip(&bare) {
        assert!(world.store.refresh_token(world.issuer(), refresh).await.unwrap().is_none());
        assert!(world.store.code(world.issuer(), code).await.unwrap().is_none());
    }
}

pub(crate) async fn audit_goes_by_its_own_retention_alone(world: World) {
    for _ in 0..3 {
        world.issued().await;
    }
    let all = world.audit().await;
    let numbers: Vec<_> = all.iter().map(|record| record.number).collect();
    assert!(numbers.iter().zip(&numbers[1..]).all(|(one, next)| one + 1 == *next), "without gaps");
    let retention = |seconds| SweepPolicy { audit_retention: Some(Seconds::new(seconds)), batch: 2 };
    let swept = world.store.sweep(after(100), retention(101)).await.unwrap();
    assert_eq!(swept.audit, 0);
    assert_eq!(
        world.store.sweep(after(10_000_000), POLICY).await.unwrap().audit,
        0,
        "without a retention, never"
    );
    let swept = world.store.sweep(after(100), retention(100)).await.unwrap();
    assert_eq!(swept.audit, numbers.len() as u64 - 1);
    assert_eq!(
        world.audit().await,
        all[all.len() - 1..],
        "the newest keeps its number from being given again"
    );
    world.registered(vec![register_client(world.issuer(), "third", true)]).await;
    let newest = world.audit().await.pop().unwrap();
    assert_eq!(newest.number, numbers[numbers.len() - 1] + 1);
    assert!(world.store.audit(newest.number, 10).await.unwrap().is_empty());
    assert_eq!(world.store.audit(newest.number - 1, 10).await.unwrap(), [newest]);
    assert_eq!(world.store.audit(0, 1).await.unwrap().len(), 1);
}

pub(crate) async fn audit_of_a_clock_ahead_holds_no_other_back(world: World) {
    let at_first = world.audit().await.len();
    let change = |active| vec![register_client(world.issuer(), "demo", active)];
    let ahead = after(10_000_000);
    for active in [false, true, false] {
        world.store.register(change(active), None, actor(), ahead).await.unwrap();
    }
    for active in [true, false, true, false] {
        world.store.register(change(active), None, actor(), after(1)).await.unwrap();
    }
    let policy = SweepPolicy { audit_retention: Some(Seconds::new(100)), batch: 2 };
    let swept = world.store.sweep(after(101), policy).await.unwrap();
    assert_eq!(swept.audit, at_first as u64 + 3, "all but the newest, and those whose time has not come");
    let kept: Vec<_> = world.audit().await.into_iter().map(|record| record.at).collect();
    assert_eq!(kept, [ahead, ahead, ahead, after(1)]);
    assert_eq!(world.store.sweep(ahead + Seconds::new(100), policy).await.unwrap().audit, 3);
}

/// I7 of the invariants: every acknowledged effect has its record, every record its effect. Refusals beside each effect are in
/// the chapters of their verbs, which count records too.
pub(crate) async fn every_effect_has_its_record_and_no_refusal_has_one(world: World) {
    let at_first: Vec<_> = world.audit().await.into_iter().map(|record| record.event).collect();
    let of_one_issuer = ["organisation_registered", "client_registered", "client_registered"];
    assert_eq!(at_first, [of_one_issuer, of_one_issuer].concat());
    let seen = at_first.len();
    let issuer = world.issuer().clone();
    let person =
        |active| Change::Person { pool: pool("ours"), person: PersonRecord { pid: pid(KARI), active } };
    world.registered(vec![register_client(&issuer, "demo", false), person(true)]).await;
    world.registered(vec![register_client(&issuer, "demo", true), person(false)]).await;
    let issue = world.issued().await;
    let (cancelled, left) = (world.begin().await, world.begin().await);
    world
        .store
        .refuse_login(&issuer, cancelled.login, cancelled.browser, "cancelled", after(1))
        .await
        .unwrap();
    world.store.end_logins(&issuer, &[left.browser], after(2)).await.unwrap();
    for _ in 0..3 {
        world.store.spend_code(&issuer, world.spending("demo", issue.code.digest), after(3)).await.unwrap();
    }
    world.store.add_signing_key(&issuer, world.key("one", START, START), after(4)).await.unwrap();
    world
        .store
        .rotate_signing_key(
            &issuer,
            world.key("two", START, START),
            after(9),
            &portvakt_store::Actor("kari".to_owned()),
            after(5),
        )
        .await
        .unwrap();
    sweep(&world, after(6)).await;
    let events = [
        "client_changed",
        "person_assigned",
        "client_changed",
        "person_changed",
        "login",
        "code_issued",
        "login_refused",
        "logins_ended",
        "code_redeemed",
        "code_replayed",
        "key_published",
        "key_rotated",
    ];
    assert_eq!(world.events_after(seen).await, events);
    let records = world.audit().await;
    let of = |event: &str| records.iter().skip(seen).find(|record| record.event == event).unwrap();
    assert_eq!(of("client_changed").detail["actor"], actor().0);
    assert_eq!(of("client_changed").detail["registration"]["client_orgno"], "991825827");
    assert_eq!(
        (of("client_changed").detail["active"] == false, of("person_assigned").issuer.is_none()),
        (true, true)
    );
    let redeemed = of("code_redeemed");
    assert_eq!((redeemed.at, redeemed.issuer.as_deref()), (after(3), Some(issuer.as_str())));
    assert_eq!(redeemed.detail["client_id"], "demo");
    for member in ["person", "grant"] {
        assert!(redeemed.detail[member].is_string());
        assert_eq!(redeemed.detail[member], of("code_issued").detail[member], "{member}");
    }
    assert_eq!(of("login").detail["person"], redeemed.detail["person"]);
    assert_eq!(of("login").detail["method"], "TestID");
    assert_eq!(of("login").detail["assurance"], "high");
    assert_eq!(of("login_refused").detail["reason"], "cancelled");
}

pub(crate) async fn a_record_names_nobody(world: World) {
    let issue = world.issued().await;
    let begun = world.begin().await;
    let evidence = evidence_of(OLA, START);
    world.store.record_evidence(world.issuer(), begun.login, begun.browser, evidence, START).await.unwrap();
    let person = Change::Person { pool: pool("ours"), person: PersonRecord { pid: pid(OLA), active: true } };
    world.registered(vec![person]).await;
    world.store.spend_code(world.issuer(), world.spending("demo", issue.code.digest), START).await.unwrap();
    let told = format!("{:?}", world.audit().await);
    for number in [KARI, OLA] {
        assert!(!told.contains(number));
    }
}

pub(crate) async fn a_closed_store_says_so(world: World) {
    assert_eq!(world.store.health(START).await, Ok(()));
    let issue = world.issued().await;
    world.store.close().await.unwrap();
    assert_eq!(world.store.health(START).await, Err(Broken::Closed));
    let code = world.store.code(world.issuer(), &issue.code.digest).await;
    assert_eq!(code.err(), Some(Broken::Closed));
    let write =
        world.store.spend_code(world.issuer(), world.spending("demo", issue.code.digest), START).await;
    assert_eq!(write.err(), Some(Broken::Closed));
    assert_eq!(world.store.close().await, Ok(()));
    let again = world.open(1, None).await.unwrap();
    assert!(!again.code(world.issuer(), &issue.code.digest).await.unwrap().unwrap().spent);
}
