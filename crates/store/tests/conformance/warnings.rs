//! Warnings to the owners of clients: each at most once a day, however many nodes there are.

use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{OwnerWarning, SweepPolicy, WarningKind};

use crate::world::{START, World, after, client_id};

const DAY: u32 = 86_400;

fn warning(client: &str, kind: WarningKind, reason: &str, at: Timestamp) -> OwnerWarning {
    OwnerWarning { client_id: client_id(client), kind, reason: reason.to_owned(), at }
}

pub(crate) async fn nobody_is_warned_twice_of_one_thing_on_one_day(world: World) {
    let warn = async |warning: &OwnerWarning| world.store.warn_owner(world.issuer(), warning).await.unwrap();
    let nowhere =
        crate::world::provider("https://nowhere.example/", portvakt_protocol::provider::Environment::Test);
    let first = warning("demo", WarningKind::SecretEnds, "2017-02-01", START);
    assert_eq!(world.store.warn_owner(nowhere.issuer(), &first).await, Ok(false), "an issuer without rows");
    assert!(warn(&first).await);
    // The day, not 24 hours: the scenes begin at noon.
    for at in [START, after(1), after(DAY / 2 - 1)] {
        assert!(!warn(&OwnerWarning { at, ..first.clone() }).await);
    }
    let others = [
        warning("demo", WarningKind::SecretEnds, "2017-02-01", after(DAY / 2)),
        warning("demo", WarningKind::SecretEnds, "2017-02-02", START),
        warning("demo", WarningKind::RefusedOften, "2017-02-01", START),
        warning("other", WarningKind::SecretEnds, "2017-02-01", START),
    ];
    for other in &others {
        assert!(warn(other).await, "{other:?}");
    }
    let there = world.store.warn_owner(world.there.issuer(), &first).await;
    assert_eq!(there, Ok(true), "each issuer warns for itself");
}

pub(crate) async fn warnings_are_told_newest_first(mut world: World) {
    let told = async |world: &World, since| world.store.owner_warnings(world.issuer(), since).await.unwrap();
    assert_eq!(told(&world, START).await, []);
    let one = warning("demo", WarningKind::SecretEnds, "2017-02-01", START);
    let two = warning("other", WarningKind::RefusedOften, "redirect_uri_unregistered", after(DAY));
    for warning in [&one, &two] {
        assert!(world.store.warn_owner(world.issuer(), warning).await.unwrap());
    }
    world.reopen().await;
    assert_eq!(told(&world, START).await, [two.clone(), one]);
    assert_eq!(told(&world, after(1)).await, std::slice::from_ref(&two));
    assert_eq!(told(&world, after(DAY + 1)).await, []);
    assert_eq!(world.store.owner_warnings(world.there.issuer(), START).await, Ok(vec![]));
}

pub(crate) async fn of_fifty_that_warn_one_does(world: World) {
    let warning = warning("demo", WarningKind::RefusedOften, "redirect_uri_unregistered", START);
    let mut contenders = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (store, issuer, warning) = (world.store.clone(), world.issuer().clone(), warning.clone());
        contenders.spawn(async move { store.warn_owner(&issuer, &warning).await.unwrap() });
    }
    let mut first = 0;
    while let Some(one) = contenders.join_next().await {
        first += u32::from(one.unwrap());
    }
    assert_eq!(first, 1);
}

pub(crate) async fn a_warning_is_kept_for_ninety_days(world: World) {
    let first = warning("demo", WarningKind::SecretEnds, "2017-02-01", START);
    assert!(world.store.warn_owner(world.issuer(), &first).await.unwrap());
    let policy = SweepPolicy { audit_retention: None, batch: 10 };
    let sweep = async |now| world.store.sweep(now, policy).await.unwrap().owner_warnings;
    assert_eq!(sweep(START + Seconds::days(90) - Seconds::new(1)).await, 0);
    assert_eq!(world.store.owner_warnings(world.issuer(), START).await.unwrap().len(), 1);
    assert_eq!(sweep(START + Seconds::days(90)).await, 1);
    assert_eq!(world.store.owner_warnings(world.issuer(), START).await, Ok(vec![]));
}
