//! One whole login through every floor, at both profiles: the scene that all others vary.

use portvakt_testkit::{At, PERSONS, World};

#[tokio::test]
async fn a_service_gets_a_verified_identity_at_every_issuer_that_has_an_eid() {
    let world = World::new().await;
    for at in At::OPEN {
        let (service, mut browser) = (world.service(at).await, world.browser());
        let answer = service.login(&mut browser, PERSONS[0]).await;
        let tokens = service.tokens(&answer).await;
        let userinfo = service.userinfo(&tokens.access_token).await;
        assert_eq!(userinfo.status, 200, "{at:?}: {}", userinfo.text());
        assert_eq!(userinfo.json()["pid"], PERSONS[0]);
        assert_eq!(userinfo.json()["sub"], tokens.claim("sub"));
    }
}
