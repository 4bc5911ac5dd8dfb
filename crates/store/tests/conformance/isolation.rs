//! Every verb, at an issuer other than the one its subject belongs to. Both issuers have an organisation, a client and a
//! registry of the same names.

use portvakt_protocol::client::SecretCheck;
use portvakt_protocol::registration::Change;
use portvakt_protocol::secret::ClientSecret;
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{FoundLogin, LoginWrite, Revocation, TokenDigests};

use crate::world::{KARI, START, World, after, client_id, evidence_of, provider, register_client};

pub(crate) async fn nothing_of_one_issuer_is_anything_at_another(world: World) {
    let there = world.there.issuer();
    let given = ClientSecret::draw(&world.random);
    let secret = Change::Secret {
        issuer: world.issuer().clone(),
        client_id: client_id("demo"),
        digest: given.digest(),
        expires: after(100),
        others_expire: after(100),
    };
    world.registered(vec![secret, register_client(world.issuer(), "only-here", true)]).await;
    let key = world.key("here", START, START);
    assert_eq!(world.store.add_signing_key(world.issuer(), key, START).await, Ok(true));
    let begun = world.begin().await;
    let (login, browser) = (begun.login, begun.browser);
    world
        .store
        .record_evidence(world.issuer(), login, browser, evidence_of(KARI, START), START)
        .await
        .unwrap();
    let (unspent, spent) = (world.issued().await, world.issued().await);
    let spending = world.spending("demo", spent.code.digest);
    let token = spending.access_token.digest;
    world.store.spend_code(world.issuer(), spending, START).await.unwrap();
    let family = world.family().await;
    let seen = world.audit().await;

    let client = world.store.client(&world.there, &client_id("demo")).await.unwrap().unwrap();
    assert_eq!(client.has_secret(&given, START), SecretCheck::Wrong);
    assert!(world.store.client(&world.there, &client_id("only-here")).await.unwrap().is_none());
    let (_, registry) = world.store.registry(there).await.unwrap();
    assert!(registry.clients.iter().all(|known| known.registration.client_id != client_id("only-here")));
    assert!(registry.clients.iter().all(|known| known.secrets.is_empty()));

    assert!(matches!(world.store.login(there, login, browser, START).await.unwrap(), FoundLogin::Unknown));
    let recorded = world.store.record_evidence(there, login, browser, evidence_of(KARI, START), START).await;
    assert_eq!(recorded, Ok(LoginWrite::Unknown));
    let finished = world.store.finish_login(there, login, browser, world.issue(), START).await;
    assert_eq!(finished, Ok(LoginWrite::Unknown));
    let refused = world.store.refuse_login(there, login, browser, "cancelled", START).await;
    assert_eq!(refused, Ok(LoginWrite::Unknown));
    assert_eq!(world.store.end_logins(there, &[browser], START).await, Ok(0));

    for code in [unspent.code.digest, spent.code.digest] {
        assert!(world.store.code(there, &code).await.unwrap().is_none());
        let answer = world.store.spend_code(there, world.spending("demo", code), START).await.unwrap();
        assert!(matches!(answer, Spending::Unknown));
    }
    assert!(world.store.access_token(there, &token).await.unwrap().is_none());
    assert!(world.store.refresh_token(there, &family.refresh).await.unwrap().is_none());
    let rotation = world.rotation(family.refresh, START);
    assert!(matches!(world.store.refresh(there, rotation, START).await.unwrap(), Refreshing::Unknown));
    let presented = TokenDigests { access: family.access, refresh: family.refresh };
    let revoked = world.store.revoke(there, &client_id("demo"), presented, START).await;
    assert_eq!(revoked, Ok(Revocation::Unknown));
    assert!(world.store.signing_keys(there, START).await.unwrap().is_empty());

    assert_eq!(world.audit().await, seen);
    assert!(!world.is_spent(&unspent.code.digest).await);
    assert!(!world.is_revoked(&token).await);
    assert!(world.is_usable(&family.refresh).await);
    let found = world.store.login(world.issuer(), login, browser, START).await.unwrap();
    assert!(matches!(found, FoundLogin::Open(_)));

    // A rotation there ends nothing here.
    world
        .store
        .rotate_signing_key(
            there,
            world.key("there", START, START),
            START,
            &portvakt_store::Actor("kari".to_owned()),
            START,
        )
        .await
        .unwrap();
    let keys = world.store.signing_keys(world.issuer(), after(9999)).await.unwrap();
    assert_eq!((keys.len(), keys[0].kid.as_str(), keys[0].signs_until), (1, "here", None));
}

pub(crate) async fn nothing_is_found_at_an_issuer_without_rows(world: World) {
    let nowhere = provider("https://nowhere.example", portvakt_protocol::provider::Environment::Test);
    let issuer = nowhere.issuer();
    let begun = world.begin().await;
    let (login, browser) = (begun.login, begun.browser);
    let issue = world.issued().await;
    let code = issue.code.digest;
    let family = world.family().await;
    let seen = world.audit().await;
    assert!(world.store.registry(issuer).await.unwrap().1.clients.is_empty());
    assert!(matches!(world.store.login(issuer, login, browser, START).await.unwrap(), FoundLogin::Unknown));
    let finished = world.store.finish_login(issuer, login, browser, issue, START).await;
    assert_eq!(finished, Ok(LoginWrite::Unknown));
    assert_eq!(world.store.end_logins(issuer, &[browser], START).await, Ok(0));
    assert!(world.store.code(issuer, &code).await.unwrap().is_none());
    let answer = world.store.spend_code(issuer, world.spending("demo", code), START).await.unwrap();
    assert!(matches!(answer, Spending::Unknown));
    assert!(world.store.refresh_token(issuer, &family.refresh).await.unwrap().is_none());
    let rotation = world.rotation(family.refresh, START);
    assert!(matches!(world.store.refresh(issuer, rotation, START).await.unwrap(), Refreshing::Unknown));
    let presented = TokenDigests { access: family.access, refresh: family.refresh };
    let revoked = world.store.revoke(issuer, &client_id("demo"), presented, START).await;
    assert_eq!(revoked, Ok(Revocation::Unknown));
    assert_eq!(world.store.owner_warnings(issuer, START).await, Ok(vec![]));
    assert!(world.store.signing_keys(issuer, START).await.unwrap().is_empty());
    let of_a_client_elsewhere = world.store.begin_login(issuer, world.new_login(login, browser)).await;
    assert!(of_a_client_elsewhere.is_err());
    assert_eq!(world.audit().await, seen);
}
