//! Writes whose answers do not come: what was done is told as done, what was not is not, and nothing is done twice. The proxy stands
//! between this process and the server and loses exactly the answer to a write, or the write itself.

use std::time::{Duration, Instant};

use portvakt_cluster::{Ambush, Fate, Proxy, Target, shared};
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{
    Actor, Broken, Duty, LoginWrite, OwnerWarning, Pooler, PostgresUrl, Revocation, Store, StoreUrl,
    TokenDigests, WarningKind,
};

use crate::world::family::given;
use crate::world::{KARI, START, World, after, client_id, evidence_of, open, register_client};

/// A world whose store is reached through a proxy.
struct Behind {
    proxy: Proxy,
    world: World,
}

impl Behind {
    async fn a_proxy(pooler: Pooler) -> Self {
        let server = shared().unwrap();
        let proxy = Proxy::start(server.port()).unwrap();
        let mut world = World::on_postgres(pooler).await;
        let database = world.database().unwrap();
        world.store.close().await.unwrap();
        let url = PostgresUrl::parse(&proxy.url(&database)).unwrap().with_connections(3);
        let url = StoreUrl::Postgres(Box::new(url.with_pooler(pooler)));
        world.store = open(url, crate::world::master(1), None).await.unwrap();
        Self { proxy, world }
    }

    /// Carries out `work` while the next write that has `words` in it loses what `fate` says.
    async fn losing<T>(&self, fate: Fate, words: &str, work: impl Future<Output = T>) -> T {
        let before = self.proxy.struck();
        self.proxy.ambush(Ambush::once(fate, Target::Containing(words.to_owned())));
        let answer = work.await;
        assert_eq!(self.proxy.struck(), before + 1, "{words}: nothing was lost");
        answer
    }
}

/// The verbs that write, each with words of its statement, in the order of a login.
async fn a_login_that_loses(fate: Fate, pooler: Pooler, sound: bool) {
    let behind = Behind::a_proxy(pooler).await;
    let (world, issuer) = (&behind.world, behind.world.issuer().clone());
    let told = |done: bool, what: &str| assert_eq!(done, sound, "{what}");

    let (login, browser) = (world.login_handle(), world.browser_secret());
    let begun = behind
        .losing(fate, "INSERT INTO login ", world.store.begin_login(&issuer, world.new_login(login, browser)))
        .await;
    told(begun.is_ok(), "begin_login");
    if !sound {
        assert!(matches!(begun, Err(Broken::Unknown(_))), "{begun:?}");
        world.store.begin_login(&issuer, world.new_login(login, browser)).await.unwrap();
    }

    let evidence = evidence_of(KARI, START);
    let recording = world.store.record_evidence(&issuer, login, browser, evidence.clone(), START);
    let recorded = behind.losing(fate, "SET evidence_sealed", recording).await;
    told(recorded == Ok(LoginWrite::Done), "record_evidence");
    world.store.record_evidence(&issuer, login, browser, evidence, START).await.unwrap();

    let issue = world.issue();
    let finishing = world.store.finish_login(&issuer, login, browser, issue.clone(), START);
    let finished = behind.losing(fate, "INSERT INTO login_grant", finishing).await;
    told(finished == Ok(LoginWrite::Done), "finish_login");
    let again = world.store.finish_login(&issuer, login, browser, issue.clone(), START).await;
    assert_eq!(again, Ok(if sound { LoginWrite::Finished } else { LoginWrite::Done }));

    let spending = world.spending("demo", issue.code.digest);
    let token = spending.access_token.digest;
    let redeeming = world.store.spend_code(&issuer, spending.clone(), START);
    let spent = behind.losing(fate, "SET spent_at", redeeming).await;
    told(matches!(spent, Ok(Spending::Spent(_))), "spend_code");
    assert_eq!(world.store.access_token(&issuer, &token).await.unwrap().is_some(), sound);
    if !sound {
        assert!(matches!(world.store.spend_code(&issuer, spending, START).await, Ok(Spending::Spent(_))));
    }

    // A replay revokes, whether or not the first answer about it came.
    let replay = behind
        .losing(
            fate,
            "SET revoked_at",
            world.store.spend_code(&issuer, world.spending("demo", issue.code.digest), START),
        )
        .await;
    assert!(matches!(replay, Ok(Spending::Replayed)), "{replay:?}");
    assert!(world.is_revoked(&token).await);
    let records = world.audit().await;
    let count = |event: &str| records.iter().filter(|record| record.event == event).count();
    for event in ["code_issued", "code_redeemed", "code_replayed"] {
        assert_eq!(count(event), 1, "{event}: one effect, one record");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_answers_are_lost_succeeds_and_nothing_is_done_twice() {
    a_login_that_loses(Fate::AnswerLost, Pooler::None, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_answers_are_lost_behind_a_pooler_succeeds_and_nothing_is_done_twice() {
    a_login_that_loses(Fate::AnswerLost, Pooler::Transaction, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_writes_never_arrive_is_told_that_nobody_knows_and_can_be_tried_again() {
    a_login_that_loses(Fate::NeverSent, Pooler::None, false).await;
}

/// What a login gave, used and taken back.
async fn a_family_that_loses(fate: Fate, pooler: Pooler, sound: bool) {
    let behind = Behind::a_proxy(pooler).await;
    let (world, issuer) = (&behind.world, behind.world.issuer().clone());
    let used = |answer: &Result<Refreshing, Broken>, what: &str| {
        assert_eq!(matches!(answer, Ok(Refreshing::Refreshed(_))), sound, "{what}: {answer:?}");
        assert_eq!(matches!(answer, Err(Broken::Unknown(_))), !sound, "{what}: {answer:?}");
    };
    let family = world.family().await;

    let rotation = world.rotation(family.refresh, START);
    let first = given(&rotation);
    let answer = world.store.refresh(&issuer, rotation.clone(), START);
    let answer = behind.losing(fate, "UPDATE refresh_token AS r SET spent_at", answer).await;
    used(&answer, "a rotation");
    assert_eq!(world.is_usable(&first.refresh).await, sound);
    if !sound {
        assert!(world.is_usable(&family.refresh).await);
        let again = world.store.refresh(&issuer, rotation, START).await;
        assert!(matches!(again, Ok(Refreshing::Refreshed(_))));
    }

    let rotation = world.rotation(family.refresh, START);
    let retried = given(&rotation);
    let answer = world.store.refresh(&issuer, rotation.clone(), START);
    let answer = behind.losing(fate, "UPDATE refresh_token AS s SET spent_at", answer).await;
    used(&answer, "a retry");
    assert_eq!((world.is_usable(&first.refresh).await, world.lives(&first.access).await), (!sound, !sound));
    if !sound {
        let again = world.store.refresh(&issuer, rotation, START).await;
        assert!(matches!(again, Ok(Refreshing::Refreshed(_))));
    }

    let reuse = world.reuse(retried.refresh, after(700), START);
    let access = reuse.access_token.digest;
    let answer =
        behind.losing(fate, "SET expires = least($5", world.store.refresh(&issuer, reuse, START)).await;
    used(&answer, "a use after which it stays");
    assert_eq!(world.lives(&access).await, sound);

    // What takes back does so, whether or not the first answer about it came.
    let replay = world.store.refresh(&issuer, world.rotation(first.refresh, START), START);
    let replay = behind.losing(fate, "UPDATE login_grant AS family", replay).await;
    assert!(matches!(replay, Ok(Refreshing::Replayed)), "{replay:?}");
    assert!(!world.is_usable(&retried.refresh).await);
    let other = world.family().await;
    let token = TokenDigests { access: other.access, refresh: family.refresh };
    let (demo, warned) = (client_id("demo"), "INSERT INTO owner_warning");
    let revoked = world.store.revoke(&issuer, &demo, token, START);
    let revoked = behind.losing(fate, "UPDATE login_grant AS given", revoked).await;
    assert_eq!(revoked, Ok(Revocation::Done));
    assert!(!world.is_usable(&other.refresh).await);
    let records = world.audit().await;
    let count = |event: &str| records.iter().filter(|record| record.event == event).count();
    let uses = [("refreshed", 1 + usize::from(sound)), ("refresh_retried", 1)];
    for (event, times) in uses.into_iter().chain([("refresh_replayed", 1), ("grant_revoked", 1)]) {
        assert_eq!(count(event), times, "{event}: one effect, one record");
    }

    let reason = "2017-02-01".to_owned();
    let warning = OwnerWarning { client_id: demo, kind: WarningKind::SecretEnds, reason, at: START };
    let answer = behind.losing(fate, warned, world.store.warn_owner(&issuer, &warning)).await;
    if sound {
        assert_eq!(answer, Ok(true));
    } else {
        assert!(matches!(answer, Err(Broken::Unknown(_))), "{answer:?}");
        assert_eq!(world.store.warn_owner(&issuer, &warning).await, Ok(true));
    }
    assert_eq!(world.store.warn_owner(&issuer, &warning).await, Ok(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_whose_answers_are_lost_goes_on_and_nothing_is_done_twice() {
    a_family_that_loses(Fate::AnswerLost, Pooler::None, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_whose_answers_are_lost_behind_a_pooler_goes_on_and_nothing_is_done_twice() {
    a_family_that_loses(Fate::AnswerLost, Pooler::Transaction, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_whose_writes_never_arrive_is_told_that_nobody_knows_and_can_be_used_again() {
    a_family_that_loses(Fate::NeverSent, Pooler::None, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_logout_whose_answers_are_lost_are_done_once() {
    let behind = Behind::a_proxy(Pooler::None).await;
    let (world, issuer) = (&behind.world, behind.world.issuer().clone());
    let cancelled = world.begin().await;
    let done = behind
        .losing(
            Fate::AnswerLost,
            "WITH refused AS",
            world.store.refuse_login(&issuer, cancelled.login, cancelled.browser, "cancelled", START),
        )
        .await;
    assert_eq!(done, Ok(LoginWrite::Done));
    let left = world.begin().await;
    let browsers = [left.browser];
    let ending = world.store.end_logins(&issuer, &browsers, after(1));
    assert_eq!(behind.losing(Fate::AnswerLost, "WITH ended AS", ending).await, Ok(1));
    assert_eq!(world.store.end_logins(&issuer, &[left.browser], after(2)).await, Ok(0));
    let events = world.events_after(6).await;
    assert_eq!(events, ["login_refused", "logins_ended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_and_a_rotation_whose_commit_is_not_answered_are_done_once() {
    let behind = Behind::a_proxy(Pooler::None).await;
    let (world, issuer) = (&behind.world, behind.world.issuer().clone());
    let before = world.store.generation().await.unwrap();
    behind.proxy.ambush(Ambush::once(Fate::AnswerLost, Target::Commit));
    let struck = behind.proxy.struck();
    world.registered(vec![register_client(&issuer, "third", true)]).await;
    assert_eq!(behind.proxy.struck(), struck + 1, "its answer was lost");
    assert_eq!(world.store.generation().await.unwrap().0, before.0 + 1);
    let key = |kid| world.key(kid, START, START);
    behind.proxy.ambush(Ambush::once(Fate::AnswerLost, Target::Commit));
    assert_eq!(world.store.add_signing_key(&issuer, key("one"), START).await, Ok(true));
    behind.proxy.ambush(Ambush::once(Fate::AnswerLost, Target::Commit));
    let actor = Actor("test".to_owned());
    assert_eq!(world.store.rotate_signing_key(&issuer, key("two"), after(9), &actor, START).await, Ok(()));
    assert_eq!(world.events_after(6).await, ["client_registered", "key_published", "key_rotated"]);

    behind.proxy.ambush(Ambush::once(Fate::NeverSent, Target::Commit));
    let (generation, seen) = (world.store.generation().await.unwrap(), world.audit().await);
    let lost = vec![register_client(&issuer, "fourth", true)];
    let lost = world.store.register(lost, None, crate::world::actor(), START).await;
    assert!(matches!(lost, Err(Broken::Unknown(_))), "{lost:?}");
    assert_eq!((world.store.generation().await.unwrap(), world.audit().await), (generation, seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_not_waited_for_long_and_copies_of_it_are_not_used() {
    let behind = Behind::a_proxy(Pooler::None).await;
    let (world, issuer) = (&behind.world, behind.world.issuer().clone());
    let demo = client_id("demo");
    assert!(world.store.client(&world.here, &demo).await.unwrap().is_some());
    assert!(world.store.current().is_some());
    behind.proxy.swallow();
    let begun = Instant::now();
    let mut waits = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (store, issuer, login) = (
            world.store.clone(),
            issuer.clone(),
            world.new_login(world.login_handle(), world.browser_secret()),
        );
        waits.spawn(async move {
            let begun = Instant::now();
            (store.begin_login(&issuer, login).await, begun.elapsed())
        });
    }
    while let Some(waited) = waits.join_next().await {
        let (begun, waited) = waited.unwrap();
        assert!(matches!(begun, Err(Broken::Unknown(_) | Broken::Unreachable(_))), "{begun:?}");
        assert!(waited < Duration::from_secs(2), "{waited:?}");
    }
    while begun.elapsed() < Duration::from_millis(1300) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.store.current(), None, "a second without an answer");
    assert!(world.store.client(&world.here, &demo).await.is_err(), "the copy is too old to use");
    assert!(world.store.health(START).await.is_err());

    behind.proxy.cut();
    behind.proxy.forward();
    let back = Instant::now();
    while world.store.health(START).await.is_err() || world.store.current().is_none() {
        assert!(back.elapsed() < Duration::from_secs(20), "it does not come back by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.begin().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_another_process_is_seen_here_when_it_was_acknowledged_there() {
    let world = World::on_postgres(Pooler::None).await;
    let other = world.open(1, None).await.unwrap();
    let demo = client_id("demo");
    for round in 0..3 {
        let active = round % 2 == 1;
        let here = other.client(&world.here, &demo).await.unwrap().unwrap();
        assert_eq!(here.stopped().is_none(), !active);
        world.registered(vec![register_client(world.issuer(), "demo", active)]).await;
        let here = other.client(&world.here, &demo).await.unwrap().unwrap();
        assert_eq!(here.stopped().is_none(), active, "round {round}");
        assert!(other.current().is_some(), "it is a copy that was asked for");
    }
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_is_one_processs_until_it_lets_it_lapse() {
    let world = World::on_postgres(Pooler::None).await;
    let other = world.open(1, None).await.unwrap();
    let take = async |store: &Store, now, until| store.take_duty(Duty::Sweep, now, until).await.unwrap();
    assert!(take(&world.store, START, after(60)).await);
    assert!(!take(&other, after(59), after(120)).await, "another process has it");
    assert!(other.take_duty(Duty::Rotate, START, after(60)).await.unwrap(), "another duty");
    assert!(take(&world.store, after(50), after(110)).await, "and may keep it");
    assert!(!take(&other, after(109), after(200)).await);
    assert!(take(&other, after(110), after(200)).await, "it has lapsed");
    assert!(!take(&world.store, after(111), after(200)).await);
}
