//! Access tokens that userinfo does not take.

use portvakt_protocol::refusal::rules;
use portvakt_testkit::{At, Call, Reply, World, log, registration};

use crate::{PERSON, Provoked};

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    for at in At::PROFILES {
        let service = world.service(at).await;
        let url = service.url("userinfo_endpoint").to_owned();
        let token = world.tokens(&service, PERSON).await.access_token;
        bare(&world.call(Call::get(&url)).await, at, provoked);
        let twice = Call::post(&url, &[("access_token", &token)]).bearer(&token);
        provoked.by(&rules::BEARER_TWICE, &world.call(twice).await);
        let basic = Call::get(&url).header("authorization", "Basic d2ViOng=");
        provoked.by(&rules::BEARER_SCHEME, &world.call(basic).await);
        provoked.by(&rules::TOKEN_UNKNOWN, &service.userinfo("unknown").await);

        let only = service.request().with("scope", "openid");
        let answer = service.login_with(&mut world.browser(), PERSON, only).await;
        let narrow = service.tokens(&answer).await.access_token;
        provoked.by(&rules::SCOPE_PROFILE_MISSING, &service.userinfo(&narrow).await);

        let answer = world.answer(&service, PERSON).await;
        let revoked = service.tokens(&answer).await.access_token;
        service.redeem(&answer).await;
        provoked.by(&rules::TOKEN_REVOKED, &service.userinfo(&revoked).await);

        let other = world.register(at, registration("ending")).await;
        let stopped = world.tokens(&other, PERSON).await.access_token;
        world.set_client(at, "ending", false).await;
        provoked.by(&rules::TOKEN_STOPPED, &other.userinfo(&stopped).await);

        assert_eq!(service.userinfo(&token).await.status, 200);
        world.wait(7200);
        provoked.by(&rules::TOKEN_EXPIRED, &service.userinfo(&token).await);
    }
}

/// RFC 6750 §3.1: who sent no token reads nothing, and the log alone says why.
fn bare(reply: &Reply, at: At, provoked: &mut Provoked) {
    assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, "Bearer"));
    assert!(reply.body.is_empty(), "{}", reply.text());
    let rule = &rules::BEARER_MISSING;
    let named = format!("rule=\"{}\"", rule.name);
    let issuer = format!("issuer={} ", at.issuer());
    assert!(log().lines().any(|line| line.contains(&named) && line.contains(&issuer)), "{at:?}");
    provoked.0.insert(rule.name);
}
