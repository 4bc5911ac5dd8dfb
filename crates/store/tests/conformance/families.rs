//! Refresh tokens (RFC 6749 §6): each use spends one and gives the next; whoever lost an answer may ask again for half a minute; anything
//! else that was spent takes its family with it (RFC 9700 §4.14.2).

use portvakt_protocol::grant::SpentOn;
use portvakt_protocol::registration::{Change, Subject};
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::secret::{RefreshToken, RefreshTokenDigest};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{Refresh, Usage};

use crate::world::family::{Family, Given, given};
use crate::world::{START, World, after, client_id, pid};

/// When the grace of what is spent at the start is over.
const GRACE: u32 = 30;

async fn refresh(world: &World, refresh: Refresh, now: Timestamp) -> Refreshing {
    world.store.refresh(world.issuer(), refresh, now).await.unwrap()
}

async fn is_replayed(world: &World, presented: RefreshTokenDigest, now: Timestamp) -> bool {
    let (answer, given) = world.rotate(presented, now).await;
    assert!(!world.lives(&given.access).await && !world.is_usable(&given.refresh).await);
    match answer {
        Refreshing::Replayed => true,
        Refreshing::Unknown => false,
        Refreshing::Refreshed(_) => panic!("it gave something"),
    }
}

/// Nothing came of it, and nothing was written.
async fn is_unknown(world: &World, presented: RefreshTokenDigest, now: Timestamp) {
    let (seen, before) = (world.audit().await, world.store.refresh_token(world.issuer(), &presented).await);
    assert!(!is_replayed(world, presented, now).await);
    assert_eq!(world.audit().await, seen);
    let after = world.store.refresh_token(world.issuer(), &presented).await;
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
}

pub(crate) async fn a_refresh_token_that_is_not_there_is_unknown(world: World) {
    let family = world.family().await;
    let nothing = RefreshToken::draw(&world.random).digest();
    assert!(world.store.refresh_token(world.issuer(), &nothing).await.unwrap().is_none());
    is_unknown(&world, nothing, START).await;
    assert!(world.is_usable(&family.refresh).await);
}

pub(crate) async fn another_client_changes_nothing_of_a_family(world: World) {
    let family = world.family().await;
    let foreign = async |presented, now| {
        let seen = world.audit().await;
        for usage in [world.rotation(presented, now), world.reuse(presented, after(9000), now)] {
            let answer = refresh(&world, Refresh { client_id: client_id("other"), ..usage }, now).await;
            assert!(matches!(answer, Refreshing::Unknown), "neither used nor replayed");
        }
        assert_eq!(world.audit().await, seen);
    };
    foreign(family.refresh, START).await;
    let next = world.rotated(family.refresh, START).await;
    foreign(family.refresh, after(GRACE)).await;
    assert!(world.is_usable(&next.refresh).await && world.lives(&family.access).await);
}

pub(crate) async fn a_refresh_token_ends_at_its_instant(world: World) {
    let (late, early) = (world.family().await, world.family().await);
    is_unknown(&world, late.refresh, after(600)).await;
    let used = world.reuse(late.refresh, after(9000), after(600));
    assert!(matches!(refresh(&world, used, after(600)).await, Refreshing::Unknown));
    world.rotated(early.refresh, after(599)).await;
}

pub(crate) async fn a_refresh_token_ends_with_its_grant(world: World) {
    let mut issue = world.issue();
    issue.grant.expires = after(50);
    world.finish(&issue).await;
    let family = world.family_of(issue).await;
    is_unknown(&world, family.refresh, after(50)).await;
    world.rotated(family.refresh, after(49)).await;
}

pub(crate) async fn a_family_that_was_taken_back_gives_nothing(world: World) {
    let family = world.family().await;
    let second = world.rotated(family.refresh, START).await;
    let third = world.rotated(second.refresh, START).await;
    assert!(is_replayed(&world, family.refresh, after(1)).await);
    let seen = world.audit().await;
    is_unknown(&world, third.refresh, after(1)).await;
    let used = world.reuse(third.refresh, after(9000), after(1));
    assert!(matches!(refresh(&world, used, after(1)).await, Refreshing::Unknown));
    for spent in [family.refresh, second.refresh] {
        assert!(is_replayed(&world, spent, after(2)).await, "not even a retry is one any more");
    }
    assert_eq!(world.audit().await, seen, "recorded once");
    let found = world.store.refresh_token(world.issuer(), &third.refresh).await.unwrap().unwrap();
    assert!(found.revoked && found.spent.is_none());
}

pub(crate) async fn what_a_person_was_given_before_is_nothing(world: World) {
    let (family, unspent) = (world.family().await, world.issued().await);
    let mut later = world.issue();
    later.grant.auth_time = after(20);
    world.finish(&later).await;
    let taken = |subject, at| {
        vec![Change::NotBefore { issuer: world.issuer().clone(), subject: Subject::Person(subject), at }]
    };
    world.registered(taken(pid(crate::world::OLA), after(20))).await;
    world.registered(taken(family.issue.grant.pid.clone(), START)).await;
    assert!(world.lives(&family.access).await, "somebody else, and what began at that very instant");
    world.registered(taken(family.issue.grant.pid.clone(), after(20))).await;

    assert!(!world.lives(&family.access).await);
    let found = world.store.refresh_token(world.issuer(), &family.refresh).await.unwrap().unwrap();
    assert!(found.revoked);
    is_unknown(&world, family.refresh, after(1)).await;
    assert!(world.store.code(world.issuer(), &unspent.code.digest).await.unwrap().unwrap().revoked);
    let spend = async |issue: &portvakt_store::Issue| {
        world.store.spend_code(world.issuer(), world.spending("demo", issue.code.digest), after(21)).await
    };
    assert!(matches!(spend(&unspent).await, Ok(Spending::Unknown)));
    assert!(matches!(spend(&later).await, Ok(Spending::Spent(_))), "whoever logs in again is served");
}

pub(crate) async fn a_refresh_that_fails_changes_nothing(world: World) {
    let (family, other) = (world.family().await, world.family().await);
    let second = world.rotated(other.refresh, START).await;
    let seen = world.audit().await;
    for presented in [family.refresh, other.refresh] {
        let mut clashing = world.rotation(presented, after(1));
        clashing.access_token.digest = family.access;
        assert!(world.store.refresh(world.issuer(), clashing, after(1)).await.is_err());
        let mut clashing = world.reuse(presented, after(9000), after(1));
        clashing.access_token.digest = second.access;
        let reused = world.store.refresh(world.issuer(), clashing, after(1)).await;
        assert_eq!(reused.is_err(), presented == family.refresh);
        if presented == family.refresh {
            assert_eq!(world.audit().await, seen);
            assert!(world.is_usable(&family.refresh).await && world.is_usable(&second.refresh).await);
        }
    }
}

pub(crate) async fn a_replay_takes_the_whole_family_back(mut world: World) {
    let (family, bystander) = (world.family().await, world.family().await);
    let seen = world.audit().await.len();
    let second = world.rotated(family.refresh, after(1)).await;
    let third = world.rotated(second.refresh, after(2)).await;
    for access in [family.access, second.access, third.access] {
        assert!(world.lives(&access).await, "what was given before a refresh lives on");
    }
    for _ in 0..2 {
        assert!(is_replayed(&world, second.refresh, after(2 + GRACE)).await);
        for access in [family.access, second.access, third.access] {
            assert!(!world.lives(&access).await);
        }
        assert!(!world.is_usable(&third.refresh).await);
        world.reopen().await;
    }
    assert!(world.lives(&bystander.access).await && world.is_usable(&bystander.refresh).await);
    assert_eq!(world.events_after(seen).await, ["refreshed", "refreshed", "refresh_replayed"]);
}

pub(crate) async fn a_retry_replaces_the_successor_that_nobody_used(world: World) {
    let family = world.family().await;
    let seen = world.audit().await.len();
    let lost = world.rotated(family.refresh, after(1)).await;
    let again = world.rotated(family.refresh, after(GRACE)).await;
    assert!(!world.lives(&lost.access).await && !world.is_usable(&lost.refresh).await, "it is nothing");
    let ended = world.store.access_token(world.issuer(), &lost.access).await.unwrap().unwrap().expires;
    assert_eq!(
        ended.unix(),
        0,
        "by every clock: the node that asked again may be behind the one that answered"
    );
    assert!(world.lives(&again.access).await && world.is_usable(&again.refresh).await);
    assert!(world.lives(&family.access).await);
    assert_eq!(world.events_after(seen).await, ["refreshed", "refresh_retried"]);
    let spent = world.store.refresh_token(world.issuer(), &family.refresh).await.unwrap().unwrap();
    let on = SpentOn { at: after(1), successor_unused: true };
    assert_eq!(spent.spent, Some(on), "when it was first");
    // Somebody had the answer that was lost after all.
    assert!(is_replayed(&world, lost.refresh, after(GRACE)).await);
    assert!(!world.is_usable(&again.refresh).await);
}

pub(crate) async fn the_grace_ends_to_the_second_and_a_retry_does_not_begin_it_anew(world: World) {
    for retries in [&[][..], &[GRACE - 1], &[1, 2, GRACE - 1]] {
        let family = world.family().await;
        world.rotated(family.refresh, START).await;
        for at in retries {
            world.rotated(family.refresh, after(*at)).await;
        }
        assert!(is_replayed(&world, family.refresh, after(GRACE)).await, "after retries at {retries:?}");
    }
}

pub(crate) async fn a_retry_after_the_successor_was_used_is_a_replay(world: World) {
    let family = world.family().await;
    let second = world.rotated(family.refresh, START).await;
    let third = world.rotated(second.refresh, START).await;
    assert!(is_replayed(&world, family.refresh, START).await, "in the same second");
    assert!(!world.lives(&third.access).await);
}

pub(crate) async fn a_token_that_was_spent_in_time_is_retried_after_its_own_end(world: World) {
    let family = world.family().await;
    world.rotated(family.refresh, after(590)).await;
    let again = world.rotated(family.refresh, after(619)).await;
    assert!(world.is_usable(&again.refresh).await, "whoever lost the answer of the last minute goes on");
    assert!(is_replayed(&world, family.refresh, after(620)).await, "it ended at 600, and the grace does now");
}

pub(crate) async fn a_replay_is_recognised_for_as_long_as_the_grant_is_there(world: World) {
    let family = world.family().await;
    let mut token = world.rotated(family.refresh, START).await;
    for at in [500, 1000, 1500, 2000] {
        token = world.rotated(token.refresh, after(at)).await;
    }
    let policy = portvakt_store::SweepPolicy { audit_retention: None, batch: 10 };
    world.store.sweep(after(7199), policy).await.unwrap();
    assert!(is_replayed(&world, family.refresh, after(7199)).await);
    let swept = world.store.sweep(after(7200), policy).await.unwrap();
    assert_eq!(swept.grants, 1);
    is_unknown(&world, family.refresh, after(7200)).await;
}

pub(crate) async fn tokens_are_rotated_several_times_in_one_second(world: World) {
    let family = world.family().await;
    let mut chain = vec![Given { access: family.access, refresh: family.refresh }];
    for _ in 0..4 {
        let next = world.rotated(chain[chain.len() - 1].refresh, START).await;
        chain.push(next);
    }
    for (at, given) in chain.iter().enumerate() {
        assert_eq!(world.is_usable(&given.refresh).await, at == 4);
        assert!(world.lives(&given.access).await);
    }
}

pub(crate) async fn a_token_that_stays_has_its_end_moved(world: World) {
    let family = world.family().await;
    let seen = world.audit().await.len();
    let end = async |world: &World| {
        world.store.refresh_token(world.issuer(), &family.refresh).await.unwrap().unwrap().expires
    };
    for (moved_to, at, ends) in [(1000, 400, 1000), (900, 401, 900), (9000, 899, 7200)] {
        let used = world.reuse(family.refresh, after(moved_to), after(at));
        let access = used.access_token.digest;
        let answer = refresh(&world, used, after(at)).await;
        assert!(
            matches!(answer, Refreshing::Refreshed(used) if used.is_about(family.refresh, (access, None)))
        );
        assert_eq!(end(&world).await, after(ends), "as is said now, and never past its grant's");
        assert!(world.lives(&access).await);
    }
    assert!(world.is_usable(&family.refresh).await);
    assert_eq!(world.events_after(seen).await, ["refreshed"; 3]);
    world.rotated(family.refresh, after(7199)).await;
}

pub(crate) async fn what_was_spent_on_a_token_that_has_been_used_is_a_replay(world: World) {
    let family = world.family().await;
    let second = world.rotated(family.refresh, START).await;
    let used = world.reuse(second.refresh, after(900), after(1));
    assert!(matches!(refresh(&world, used, after(1)).await, Refreshing::Refreshed(_)));
    assert!(is_replayed(&world, family.refresh, after(1)).await);
    // And what is registered to stay is not retried.
    let other = world.family().await;
    world.rotated(other.refresh, START).await;
    let used = world.reuse(other.refresh, after(900), START);
    assert!(matches!(refresh(&world, used, START).await, Refreshing::Replayed));
}

pub(crate) async fn a_narrowed_token_has_its_scopes_and_the_next_has_all(world: World) {
    let family = world.family().await;
    let narrowed = Scopes::parse("openid").unwrap();
    let scopes = async |rotation: Refresh| {
        let given = given(&rotation);
        assert!(matches!(refresh(&world, rotation, START).await, Refreshing::Refreshed(_)));
        let token = world.store.access_token(world.issuer(), &given.access).await.unwrap().unwrap();
        assert_eq!(token.grant.scopes.to_string(), "openid profile", "what was granted stays");
        (token.scopes.to_string(), given.refresh)
    };
    let mut rotation = world.rotation(family.refresh, START);
    rotation.access_token.narrowed = Some(narrowed.clone());
    let (had, next) = scopes(rotation).await;
    assert_eq!(had, "openid");
    let (had, _) = scopes(world.rotation(next, START)).await;
    assert_eq!(had, "openid profile");
    let mut retry = world.rotation(next, START);
    retry.access_token.narrowed = Some(narrowed.clone());
    let (had, last) = scopes(retry).await;
    assert_eq!(had, "openid");
    let mut used = world.reuse(last, after(900), START);
    used.access_token.narrowed = Some(narrowed);
    let access = used.access_token.digest;
    refresh(&world, used, START).await;
    let token = world.store.access_token(world.issuer(), &access).await.unwrap().unwrap();
    assert_eq!(token.scopes.to_string(), "openid");
}

pub(crate) async fn of_fifty_rotations_without_a_grace_one_succeeds(world: World) {
    let family = world.family().await;
    let (answers, given) = fifty(&world, &family, START + Seconds::new(1)).await;
    let refreshed = answers.iter().filter(|answer| matches!(answer, Refreshing::Refreshed(_))).count();
    let replayed = answers.iter().filter(|answer| matches!(answer, Refreshing::Replayed)).count();
    assert_eq!((refreshed, replayed), (1, 49));
    for given in given {
        assert!(!world.lives(&given.access).await && !world.is_usable(&given.refresh).await);
    }
}

pub(crate) async fn of_fifty_retries_one_branch_lives(world: World) {
    for _ in 0..3 {
        let family = world.family().await;
        let (answers, all) = fifty(&world, &family, START).await;
        assert!(answers.iter().all(|answer| matches!(answer, Refreshing::Refreshed(_))), "{answers:?}");
        let (mut usable, mut living) = (Vec::new(), 0);
        for given in &all {
            living += u32::from(world.lives(&given.access).await);
            if world.is_usable(&given.refresh).await {
                usable.push(given.refresh);
            }
        }
        assert_eq!((usable.len(), living), (1, 1), "what was replaced is nothing");
        world.rotated(usable[0], START).await;
    }
}

/// Fifty rotate one token at once.
async fn fifty(world: &World, family: &Family, since: Timestamp) -> (Vec<Refreshing>, Vec<Given>) {
    let mut contenders = Vec::new();
    for _ in 0..50 {
        let (store, issuer) = (world.store.clone(), world.issuer().clone());
        let mut rotation = world.rotation(family.refresh, START);
        let given = given(&rotation);
        if let Usage::Rotate { retry_since, .. } = &mut rotation.usage {
            *retry_since = since;
        }
        let contender = tokio::spawn(async move { store.refresh(&issuer, rotation, START).await.unwrap() });
        contenders.push((contender, given));
    }
    let (mut answers, mut all) = (Vec::new(), Vec::new());
    for (contender, given) in contenders {
        answers.push(contender.await.unwrap());
        all.push(given);
    }
    (answers, all)
}

pub(crate) async fn a_family_is_read_as_it_was_given(mut world: World) {
    let family = world.family().await;
    let second = world.rotated(family.refresh, after(7)).await;
    world.reopen().await;
    let read = async |token| world.store.refresh_token(world.issuer(), token).await.unwrap().unwrap();
    let first = read(&family.refresh).await;
    assert_eq!((first.grant, first.expires), (family.issue.grant.clone(), after(600)));
    let on = |successor_unused| Some(SpentOn { at: after(7), successor_unused });
    assert_eq!((first.spent, first.revoked), (on(true), false));
    let next = read(&second.refresh).await;
    assert_eq!((next.grant, next.expires), (family.issue.grant, after(607)));
    assert_eq!((next.spent, next.revoked), (None, false));
    world.rotated(second.refresh, after(8)).await;
    assert_eq!(read(&family.refresh).await.spent, on(false), "its successor was used");
    let token = world.store.access_token(world.issuer(), &second.access).await.unwrap().unwrap();
    assert_eq!((token.issued, token.expires), (after(7), after(127)));
}
