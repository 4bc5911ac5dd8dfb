//! Logins: a browser's own, finished once.

use portvakt_protocol::secret::{BrowserSecret, LoginHandle};
use portvakt_store::{FoundLogin, LoginWrite};

use crate::world::{KARI, OLA, START, World, after, client_id, evidence_of};

pub(crate) async fn a_login_is_unknown_to_any_other_browser(world: World) {
    let begun = world.begin().await;
    let (stranger, nothing) =
        (BrowserSecret::draw(&world.random).digest(), LoginHandle::draw(&world.random).digest());
    let seen = world.audit().await;
    for (login, browser) in [(begun.login, stranger), (nothing, begun.browser)] {
        let issuer = world.issuer();
        let found = world.store.login(issuer, login, browser, START).await.unwrap();
        assert!(matches!(found, FoundLogin::Unknown));
        let recorded =
            world.store.record_evidence(issuer, login, browser, evidence_of(KARI, START), START).await;
        assert_eq!(recorded, Ok(LoginWrite::Unknown));
        let finished = world.store.finish_login(issuer, login, browser, world.issue(), START).await;
        assert_eq!(finished, Ok(LoginWrite::Unknown));
        let refused = world.store.refuse_login(issuer, login, browser, "cancelled", START).await;
        assert_eq!(refused, Ok(LoginWrite::Unknown));
    }
    assert_eq!(world.store.end_logins(world.issuer(), &[stranger], START).await, Ok(0));
    assert_eq!(world.audit().await, seen);
    let found = world.store.login(world.issuer(), begun.login, begun.browser, START).await.unwrap();
    let FoundLogin::Open(open) = found else { panic!("{found:?}") };
    assert_eq!((open.client_id, open.started), (client_id("demo"), START));
    assert_eq!(open.request, "scope=openid&login_hint=28816196088");
    assert!(open.evidence.is_none());
}

pub(crate) async fn a_login_ends_at_its_instant(world: World) {
    let begun = world.begin().await;
    let (issuer, login, browser, end) = (world.issuer(), begun.login, begun.browser, after(1800));
    let evidence = || evidence_of(KARI, START);
    assert_eq!(
        world.store.record_evidence(issuer, login, browser, evidence(), after(1799)).await,
        Ok(LoginWrite::Done)
    );
    assert!(matches!(world.store.login(issuer, login, browser, end).await.unwrap(), FoundLogin::Expired(_)));
    assert_eq!(
        world.store.record_evidence(issuer, login, browser, evidence(), end).await,
        Ok(LoginWrite::Unknown)
    );
    let issue = world.issue();
    assert_eq!(
        world.store.finish_login(issuer, login, browser, issue.clone(), end).await,
        Ok(LoginWrite::Unknown)
    );
    assert_eq!(
        world.store.refuse_login(issuer, login, browser, "cancelled", end).await,
        Ok(LoginWrite::Unknown)
    );
    assert_eq!(world.store.end_logins(issuer, &[browser], end).await, Ok(0));
    assert!(world.store.code(issuer, &issue.code.digest).await.unwrap().is_none());
    assert!(matches!(
        world.store.login(issuer, login, browser, after(1799)).await.unwrap(),
        FoundLogin::Open(_)
    ));
}

pub(crate) async fn a_login_without_evidence_or_for_another_client_is_not_finished(world: World) {
    let begun = world.begin().await;
    let (issuer, login, browser) = (world.issuer(), begun.login, begun.browser);
    let issue = world.issue();
    let finish = async |issue| world.store.finish_login(issuer, login, browser, issue, START).await;
    assert_eq!(finish(issue.clone()).await, Ok(LoginWrite::Unknown), "nobody has logged in");
    world.store.record_evidence(issuer, login, browser, evidence_of(KARI, START), START).await.unwrap();
    let mut foreign = issue.clone();
    foreign.grant.client_id = client_id("other");
    assert_eq!(finish(foreign).await, Ok(LoginWrite::Unknown));
    assert!(world.store.code(issuer, &issue.code.digest).await.unwrap().is_none());
    assert_eq!(finish(issue.clone()).await, Ok(LoginWrite::Done));
    assert!(world.store.code(issuer, &issue.code.digest).await.unwrap().is_some());
}

pub(crate) async fn a_finish_that_fails_leaves_the_login_as_it_was(world: World) {
    let earlier = world.issued().await;
    let begun = world.begin().await;
    let (issuer, login, browser) = (world.issuer(), begun.login, begun.browser);
    world.store.record_evidence(issuer, login, browser, evidence_of(KARI, START), START).await.unwrap();
    let seen = world.audit().await;
    let mut same_code = world.issue();
    same_code.code.digest = earlier.code.digest;
    assert!(world.store.finish_login(issuer, login, browser, same_code, START).await.is_err());
    assert_eq!(world.audit().await, seen);
    assert!(matches!(world.store.login(issuer, login, browser, START).await.unwrap(), FoundLogin::Open(_)));
    assert!(world.store.begin_login(issuer, world.new_login(login, browser)).await.is_err(), "it has begun");
    let mut stranger = world.new_login(LoginHandle::draw(&world.random).digest(), browser);
    stranger.client_id = client_id("nobody");
    assert!(world.store.begin_login(issuer, stranger).await.is_err());
    assert_eq!(
        world.store.finish_login(issuer, login, browser, world.issue(), START).await,
        Ok(LoginWrite::Done)
    );
}

pub(crate) async fn a_finished_login_stays_finished(mut world: World) {
    let (led_to_a_code, refused) = (world.begin().await, world.begin().await);
    let evidence = evidence_of(KARI, START);
    let issuer = world.issuer().clone();
    let (login, browser) = (led_to_a_code.login, led_to_a_code.browser);
    world.store.record_evidence(&issuer, login, browser, evidence, START).await.unwrap();
    let finished = world.store.finish_login(&issuer, login, browser, world.issue(), START).await;
    assert_eq!(finished, Ok(LoginWrite::Done));
    let done = world.store.refuse_login(&issuer, refused.login, refused.browser, "cancelled", START).await;
    assert_eq!(done, Ok(LoginWrite::Done));
    world.reopen().await;
    let seen = world.audit().await;
    // A login that finished says so even when its time is over.
    for (begun, now) in [(led_to_a_code, START), (refused, START), (refused, after(1800))] {
        let (login, browser) = (begun.login, begun.browser);
        let evidence = evidence_of(OLA, START);
        let recorded = world.store.record_evidence(&issuer, login, browser, evidence, now).await;
        assert_eq!(recorded, Ok(LoginWrite::Finished));
        let again = world.store.finish_login(&issuer, login, browser, world.issue(), now).await;
        assert_eq!(again, Ok(LoginWrite::Finished));
        let refused = world.store.refuse_login(&issuer, login, browser, "cancelled", now).await;
        assert_eq!(refused, Ok(LoginWrite::Finished));
        assert!(matches!(
            world.store.login(&issuer, login, browser, now).await.unwrap(),
            FoundLogin::Finished(_)
        ));
    }
    assert_eq!(world.audit().await, seen);
}

pub(crate) async fn of_fifty_finishes_one_is_done(world: World) {
    let begun = world.begin().await;
    let evidence = evidence_of(KARI, START);
    world.store.record_evidence(world.issuer(), begun.login, begun.browser, evidence, START).await.unwrap();
    let seen = world.audit().await.len();
    let contenders: Vec<_> = (0..50)
        .map(|_| {
            let (store, issuer, issue) = (world.store.clone(), world.issuer().clone(), world.issue());
            tokio::spawn(async move {
                let code = issue.code.digest;
                (code, store.finish_login(&issuer, begun.login, begun.browser, issue, START).await.unwrap())
            })
        })
        .collect();
    let mut done = 0;
    for contender in contenders {
        let (code, write) = contender.await.unwrap();
        let stored = world.store.code(world.issuer(), &code).await.unwrap().is_some();
        assert_eq!(stored, write == LoginWrite::Done);
        match write {
            LoginWrite::Done => done += 1,
            LoginWrite::Finished => {}
            LoginWrite::Unknown | LoginWrite::Superseded => panic!("a login of this browser's"),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(world.events_after(seen).await, ["code_issued"]);
}

pub(crate) async fn a_grant_of_evidence_that_was_replaced_is_not_stored(world: World) {
    let begun = world.begin().await;
    let issuer = world.issuer();
    let (login, browser) = (begun.login, begun.browser);
    world.store.record_evidence(issuer, login, browser, evidence_of(KARI, START), START).await.unwrap();
    let of_kari = world.issue();
    world.store.record_evidence(issuer, login, browser, evidence_of(OLA, START), START).await.unwrap();
    let code = of_kari.code.digest;
    let write = world.store.finish_login(issuer, login, browser, of_kari, START).await;
    assert_eq!(write, Ok(LoginWrite::Superseded));
    assert!(world.store.code(issuer, &code).await.unwrap().is_none());
    // Kari logs in once more: now the grant tells of what the login holds.
    world.store.record_evidence(issuer, login, browser, evidence_of(KARI, START), START).await.unwrap();
    let write = world.store.finish_login(issuer, login, browser, world.issue(), START).await;
    assert_eq!(write, Ok(LoginWrite::Done));
}

pub(crate) async fn logout_finishes_what_is_unfinished_in_that_browser(world: World) {
    let browser = BrowserSecret::draw(&world.random).digest();
    let (first, second) = (world.begin_in(browser).await, world.begin_in(browser).await);
    let (finished, elsewhere) = (world.begin_in(browser).await, world.begin().await);
    let issuer = world.issuer();
    world.store.refuse_login(issuer, finished.login, browser, "cancelled", START).await.unwrap();
    assert_eq!(world.store.end_logins(issuer, &[browser], START).await, Ok(2));
    for ended in [first, second] {
        let evidence = evidence_of(KARI, START);
        let late = world.store.record_evidence(issuer, ended.login, browser, evidence, START).await;
        assert_eq!(late, Ok(LoginWrite::Finished));
    }
    assert_eq!(world.store.end_logins(issuer, &[browser], START).await, Ok(0));
    let other = world.store.login(issuer, elsewhere.login, elsewhere.browser, START).await.unwrap();
    assert!(matches!(other, FoundLogin::Open(_)));
}

pub(crate) async fn logout_finishes_the_logins_of_several_secrets_at_once(world: World) {
    let (first, second, elsewhere) = (world.begin().await, world.begin().await, world.begin().await);
    let issuer = world.issuer();
    let stranger = BrowserSecret::draw(&world.random).digest();
    let seen = world.audit().await.len();
    assert_eq!(world.store.end_logins(issuer, &[], START).await, Ok(0));
    assert_eq!(world.store.end_logins(issuer, &[stranger], START).await, Ok(0));
    assert_eq!(world.audit().await.len(), seen, "nothing ended leaves no record");
    let all = [first.browser, stranger, second.browser, first.browser];
    assert_eq!(world.store.end_logins(issuer, &all, START).await, Ok(2));
    assert_eq!(world.events_after(seen).await, ["logins_ended"], "one record of both");
    assert_eq!(world.store.end_logins(issuer, &all, START).await, Ok(0));
    for ended in [first, second] {
        let found = world.store.login(issuer, ended.login, ended.browser, START).await.unwrap();
        assert!(matches!(found, FoundLogin::Finished(_)));
    }
    let other = world.store.login(issuer, elsewhere.login, elsewhere.browser, START).await.unwrap();
    assert!(matches!(other, FoundLogin::Open(_)));
}

pub(crate) async fn later_evidence_takes_the_place_of_earlier(world: World) {
    let begun = world.begin().await;
    let (issuer, login, browser) = (world.issuer(), begun.login, begun.browser);
    for person in [OLA, KARI] {
        let evidence = evidence_of(person, after(3));
        let recorded = world.store.record_evidence(issuer, login, browser, evidence.clone(), after(3)).await;
        assert_eq!(recorded, Ok(LoginWrite::Done));
        let found = world.store.login(issuer, login, browser, after(4)).await.unwrap();
        let FoundLogin::Open(open) = found else { panic!("{found:?}") };
        assert_eq!(open.evidence, Some(evidence));
    }
}
