//! Signing keys: published before they sign, shown until the last thing they signed has ended.

use portvakt_store::{Actor, Broken, Registered, SweepPolicy};

use crate::world::{START, World, after};

pub(crate) async fn of_fifty_first_keys_one_comes(world: World) {
    let contenders: Vec<_> = (0..50)
        .map(|number| {
            let (store, issuer) = (world.store.clone(), world.issuer().clone());
            let key = world.key(&format!("key-{number}"), START, START);
            tokio::spawn(async move { store.add_signing_key(&issuer, key, START).await.unwrap() })
        })
        .collect();
    let mut came = 0;
    for contender in contenders {
        came += usize::from(contender.await.unwrap());
    }
    assert_eq!(came, 1);
    assert_eq!(world.store.signing_keys(world.issuer(), START).await.unwrap().len(), 1);
    assert_eq!(world.audit().await.iter().filter(|record| record.event == "key_published").count(), 1);
}

pub(crate) async fn a_key_is_shown_from_publication_to_removal(mut world: World) {
    let kids = async |world: &World, now| {
        let keys = world.store.signing_keys(world.issuer(), now).await.unwrap();
        keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
    };
    world.store.add_signing_key(world.issuer(), world.key("one", after(10), after(20)), START).await.unwrap();
    assert!(kids(&world, after(9)).await.is_empty());
    assert_eq!(kids(&world, after(10)).await, ["one"]);
    let issuer = world.issuer().clone();
    world
        .store
        .rotate_signing_key(&issuer, world.key("two", after(30), after(40)), after(100), &kari(), after(30))
        .await
        .unwrap();
    assert_eq!(kids(&world, after(99)).await, ["one", "two"]);
    assert_eq!(kids(&world, after(100)).await, ["two"]);
    world.reopen().await;
    let keys = world.store.signing_keys(&issuer, after(30)).await.unwrap();
    let one = &keys[0];
    assert_eq!(one.pkcs8.as_slice(), b"a private key, which no database shows");
    assert_eq!(one.chain, [b"certificate".to_vec(), b"issuing certificate".to_vec()]);
    assert_eq!((one.published, one.signs_from), (after(10), after(20)));
    assert_eq!((one.signs_until, one.removed), (Some(after(40)), Some(after(100))));
    assert!(!format!("{one:?}").contains("private"));
}

pub(crate) async fn a_rotation_decided_on_what_has_changed_since_makes_no_key(world: World) {
    let issuer = world.issuer();
    world.store.add_signing_key(issuer, world.key("one", START, START), START).await.unwrap();
    let decided = world.store.generation().await.unwrap();
    let rotate = async |kid: &str| {
        let key = world.key(kid, after(10), after(20));
        world.store.rotate_signing_key_at(issuer, key, after(200), decided, &kari(), after(10)).await.unwrap()
    };
    assert_eq!(rotate("two").await, Registered::Done);
    let before = world.audit().await.len();
    assert_eq!(rotate("three").await, Registered::Conflict, "the other process has rotated already");
    let keys = world.store.signing_keys(issuer, after(10)).await.unwrap();
    let kids: Vec<_> = keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, ["one", "two"]);
    assert_eq!(world.audit().await.len(), before);
}

pub(crate) async fn a_rotation_ends_the_older_keys(world: World) {
    let issuer = world.issuer();
    world.store.add_signing_key(issuer, world.key("one", START, START), START).await.unwrap();
    world
        .store
        .rotate_signing_key(issuer, world.key("two", after(10), after(20)), after(200), &kari(), after(10))
        .await
        .unwrap();
    world
        .store
        .rotate_signing_key(issuer, world.key("three", after(30), after(40)), after(400), &kari(), after(30))
        .await
        .unwrap();
    let keys = world.store.signing_keys(issuer, after(30)).await.unwrap();
    let ends: Vec<_> = keys.iter().map(|key| (key.kid.as_str(), key.signs_until, key.removed)).collect();
    let expected = [
        ("one", Some(after(20)), Some(after(200))),
        ("two", Some(after(40)), Some(after(400))),
        ("three", None, None),
    ];
    assert_eq!(ends, expected, "a later rotation does not prolong what an earlier one ended");
    let rotations: Vec<_> =
        world.audit().await.into_iter().filter(|record| record.event == "key_rotated").collect();
    let by: Vec<_> = rotations.iter().map(|record| &record.detail["actor"]).collect();
    assert_eq!(by, ["kari", "kari"], "the record says who rotated");
}

fn kari() -> Actor {
    Actor("kari".to_owned())
}

pub(crate) async fn an_emergency_stops_a_key_that_had_not_begun(world: World) {
    let issuer = world.issuer();
    world.store.add_signing_key(issuer, world.key("one", START, START), START).await.unwrap();
    world
        .store
        .rotate_signing_key(issuer, world.key("two", after(10), after(1000)), after(2000), &kari(), after(10))
        .await
        .unwrap();
    let seen = world.audit().await.len();
    world
        .store
        .rotate_signing_key(issuer, world.key("three", after(20), after(20)), after(300), &kari(), after(20))
        .await
        .unwrap();
    let keys = world.store.signing_keys(issuer, after(20)).await.unwrap();
    let signing: Vec<_> = keys
        .iter()
        .filter(|key| key.signs_from <= after(2000) && key.signs_until.is_none_or(|until| until > after(20)))
        .map(|key| key.kid.as_str())
        .collect();
    assert_eq!(signing, ["three"]);
    assert!(keys.iter().filter(|key| key.kid != "three").all(|key| key.removed == Some(after(300))));
    assert_eq!(world.events_after(seen).await, ["key_rotated"]);
}

pub(crate) async fn one_kid_comes_once_to_an_issuer(world: World) {
    let (here, there) = (world.issuer(), world.there.issuer());
    world.store.add_signing_key(here, world.key("one", START, START), START).await.unwrap();
    let seen = world.audit().await;
    assert!(!world.store.add_signing_key(here, world.key("two", START, START), START).await.unwrap());
    let again = world.key("one", after(10), after(10));
    assert!(world.store.rotate_signing_key(here, again, after(20), &kari(), after(10)).await.is_err());
    assert_eq!(world.store.signing_keys(here, after(9999)).await.unwrap()[0].signs_until, None);
    assert_eq!(world.audit().await, seen);
    assert!(world.store.add_signing_key(there, world.key("one", START, START), START).await.unwrap());
}

pub(crate) async fn a_clock_behind_every_key_gets_no_new_one(world: World) {
    let issuer = world.issuer();
    assert!(
        world.store.add_signing_key(issuer, world.key("one", after(10), after(10)), after(10)).await.unwrap()
    );
    let seen = world.audit().await;
    assert!(world.store.signing_keys(issuer, after(9)).await.unwrap().is_empty());
    let second = world.key("two", after(9), after(9));
    let refused = world.store.add_signing_key(issuer, second.clone(), after(9)).await;
    assert_eq!(refused, Err(Broken::ClockBehind { published: after(10) }));
    assert_eq!(world.audit().await, seen);
    assert_eq!(
        world.store.add_signing_key(issuer, second, after(10)).await,
        Ok(false),
        "once the clock is right"
    );
}

pub(crate) async fn a_key_is_swept_when_it_has_left_the_jwk_set(world: World) {
    let issuer = world.issuer();
    world.store.add_signing_key(issuer, world.key("one", START, START), START).await.unwrap();
    world
        .store
        .rotate_signing_key(issuer, world.key("two", after(10), after(20)), after(200), &kari(), after(10))
        .await
        .unwrap();
    let seen = world.audit().await;
    let policy = SweepPolicy { audit_retention: None, batch: 1 };
    let swept = async |now| world.store.sweep(now, policy).await.unwrap().signing_keys;
    // Read with the clock of before: what is not shown any more may still be stored.
    let stored = async || {
        let keys = world.store.signing_keys(issuer, after(100)).await.unwrap();
        keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
    };
    assert_eq!((swept(after(199)).await, stored().await), (0, vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!((swept(after(200)).await, stored().await), (1, vec!["two".to_owned()]));
    assert_eq!(swept(after(u32::MAX)).await, 0, "the last key stays");
    assert_eq!(world.audit().await, seen, "what happened to it is still told");
}
