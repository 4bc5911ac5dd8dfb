//! Opening: with the right key, by one process, and everything is there again.

use portvakt_protocol::person::PersonHandle;
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::registration::{Change, PersonRecord};
use portvakt_store::{FoundLogin, OpenFault};

use crate::world::{KARI, OLA, START, World, evidence_of, pid, pool};

pub(crate) async fn another_master_key_is_refused(world: World) {
    let issue = world.issued().await;
    world.store.close().await.unwrap();
    assert!(matches!(world.open(2, None).await, Err(OpenFault::WrongMasterKey)));
    assert!(matches!(world.open(2, Some(3)).await, Err(OpenFault::WrongMasterKey)));
    let again = world.open(1, None).await.unwrap();
    assert!(again.code(world.issuer(), &issue.code.digest).await.unwrap().is_some());
    let recorded = again.audit(0, u32::MAX).await.unwrap();
    assert!(recorded.iter().all(|record| record.event != "master_key_changed"));
}

pub(crate) async fn everything_is_there_again(mut world: World) {
    let begun = world.begin().await;
    let evidence = evidence_of(OLA, START);
    let issuer = world.issuer().clone();
    world.store.record_evidence(&issuer, begun.login, begun.browser, evidence.clone(), START).await.unwrap();
    let issue = world.issued().await;
    let spending = world.spending("demo", issue.code.digest);
    let token = spending.access_token.digest;
    world.store.spend_code(&issuer, spending, START).await.unwrap();
    world.store.add_signing_key(&issuer, world.key("one", START, START), START).await.unwrap();
    let (registry, audit) = (world.store.registry(&issuer).await.unwrap(), world.audit().await);
    world.reopen().await;
    assert_eq!(world.store.registry(&issuer).await.unwrap(), registry);
    assert_eq!(world.store.generation().await.unwrap(), registry.0);
    assert_eq!(world.audit().await, audit);
    let found = world.store.login(&issuer, begun.login, begun.browser, START).await.unwrap();
    let FoundLogin::Open(open) = found else { panic!("{found:?}") };
    assert_eq!(open.evidence, Some(evidence));
    assert!(world.is_spent(&issue.code.digest).await);
    let token = world.store.access_token(&issuer, &token).await.unwrap().unwrap();
    assert_eq!(token.grant, issue.grant);
    assert_eq!(world.store.signing_keys(&issuer, START).await.unwrap().len(), 1);
}

pub(crate) async fn a_new_master_key_changes_no_sub_and_no_handle(mut world: World) {
    let person = Change::Person { pool: pool("ours"), person: PersonRecord { pid: pid(KARI), active: true } };
    world.registered(vec![person]).await;
    let issue = world.issued().await;
    world.store.add_signing_key(world.issuer(), world.key("one", START, START), START).await.unwrap();
    let sub = world.store.pairwise_key().mac(b"a person at a client");
    let handle = PersonHandle::of(&pid(KARI), world.store.pairwise_key());
    let seen = world.audit().await.len();
    world.store.close().await.unwrap();

    world.store = world.open(2, Some(1)).await.unwrap();
    assert_eq!(world.events_after(seen).await, ["master_key_changed"]);
    // Asked for again, the change is none: the old key may stay configured until the operator removes it.
    world.store.close().await.unwrap();
    world.store = world.open(2, Some(1)).await.unwrap();
    assert_eq!(world.events_after(seen).await, ["master_key_changed"]);
    world.store.close().await.unwrap();
    assert!(
        matches!(world.open(1, None).await, Err(OpenFault::WrongMasterKey)),
        "the old key opens nothing now"
    );
    world.store = world.open(2, None).await.unwrap();

    assert_eq!(world.store.pairwise_key().mac(b"a person at a client"), sub);
    assert_eq!(PersonHandle::of(&pid(KARI), world.store.pairwise_key()), handle);
    let standing = world.store.person_standing(&[pool("ours")], &pid(KARI)).await;
    assert_eq!(standing, Ok(PersonStanding::Active));
    let code = world.store.code(world.issuer(), &issue.code.digest).await.unwrap().unwrap();
    assert_eq!(code.grant.pid, pid(KARI));
    assert_eq!(world.store.signing_keys(world.issuer(), START).await.unwrap().len(), 1);
    let another = world.issued().await;
    assert!(world.store.code(world.issuer(), &another.code.digest).await.unwrap().is_some());
}
