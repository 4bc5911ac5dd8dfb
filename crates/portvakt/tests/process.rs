//! The real binary, spoken to over its socket by the kit's browser and relying party.

use std::path::Path;

use portvakt_testkit::{Browser, PERSONS, Process};

#[tokio::test]
async fn dev_serves_both_profiles_and_a_whole_login_goes_through() {
    let process = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &[]);
    let issuers = process.issuers();
    assert_eq!(issuers.len(), 2, "{issuers:?}");
    for issuer in issuers {
        let service = process.service(&issuer).await;
        let mut browser = Browser::new(process.wire());
        let refused = service.request().with("scope", "unregistered");
        let refused = refused.answer(&refused.send().await);
        assert_eq!(refused.get("error"), Some("invalid_scope"));
        let answer = service.login(&mut browser, PERSONS[0]).await;
        let tokens = service.tokens(&answer).await;
        let userinfo = service.userinfo(&tokens.access_token).await;
        assert_eq!(userinfo.json()["sub"], tokens.claim("sub"));
        assert_eq!(service.redeem(&answer).await.error(), "invalid_grant");
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 401);
    }
}
