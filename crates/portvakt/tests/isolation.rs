//! Nothing of one issuer works at another: client, code, token, cookie, login under way, signing key and test person, for every
//! ordered pair. Host, path, scheme and environment differ in every way that two issuers of one process can.

use portvakt_testkit::{
    At, Call, PERSONS, RelyingParty, World, assert_inactive, read_by, reader, refreshing, registration,
};
use serde_json::Value;

const PERSON: &str = PERSONS[0];

/// Every two different issuers where somebody can log in.
fn pairs() -> impl Iterator<Item = (At, At)> {
    At::OPEN
        .into_iter()
        .flat_map(|here| At::OPEN.into_iter().map(move |there| (here, there)))
        .filter(|(here, there)| here != there)
}

/// What `service` would send, sent to the endpoints of `there`.
async fn moved(world: &World, service: &RelyingParty, there: At) -> RelyingParty {
    let local = world.service(there).await;
    let known = service.service().clone();
    local.pretending(|service| *service = known)
}

#[tokio::test]
async fn a_client_of_one_issuer_is_unknown_at_another() {
    let world = World::new().await;
    for (number, here) in At::OPEN.into_iter().enumerate() {
        let service = world.register(here, registration(&format!("only-{number}"))).await;
        world.accepted(&service.request()).await;
        for there in At::ALL.into_iter().filter(|there| *there != here) {
            let there = moved(&world, &service, there).await;
            world.refused_on_page(&there.request()).await;
        }
    }
}

#[tokio::test]
async fn a_secret_of_one_issuer_authenticates_at_no_other() {
    let world = World::new().await;
    for (here, there) in pairs() {
        let (service, local) = (world.service(here).await, world.service(there).await);
        let answer = world.answer(&local, PERSON).await;
        let foreign = moved(&world, &service, there).await;
        let refused = world.refused_at_token(&foreign.redemption(&answer)).await;
        assert_eq!(refused, "invalid_client", "the same client_id, the secret of {here:?} at {there:?}");
        local.tokens(&answer).await;
    }
}

#[tokio::test]
async fn a_code_of_one_issuer_is_unknown_at_another() {
    let world = World::new().await;
    for (here, there) in pairs() {
        let (service, local) = (world.service(here).await, world.service(there).await);
        let answer = world.answer(&service, PERSON).await;
        // The client there has the same name and the same redirect URI.
        let refused = world.refused_at_token(&local.redemption(&answer)).await;
        assert_eq!(refused, "invalid_grant", "a code of {here:?} at {there:?}");
        service.tokens(&answer).await;
    }
}

#[tokio::test]
async fn an_access_token_of_one_issuer_reads_nothing_at_another() {
    let world = World::new().await;
    for (here, there) in pairs() {
        let (service, local) = (world.service(here).await, world.service(there).await);
        let token = world.tokens(&service, PERSON).await.access_token;
        world.refused_at_userinfo(&local, &token).await;
        assert_eq!(service.userinfo(&token).await.status, 200);
    }
}

#[tokio::test]
async fn a_refresh_token_of_one_issuer_gives_nothing_and_ends_nothing_at_another() {
    let world = World::new().await;
    for (here, there) in pairs() {
        let (service, local) =
            (world.register(here, refreshing("both")).await, world.register(there, refreshing("both")).await);
        let tokens = world.tokens(&service, PERSON).await;
        let foreign = local.refreshing(tokens.refresh_token());
        world.refused_by(&foreign, "invalid_grant", "refresh-token-unknown").await;
        let before = world.rows();
        for token in [tokens.refresh_token(), &tokens.access_token] {
            local.revoke(token).await;
        }
        world.assert_untouched(&before);
        service.refresh(tokens.refresh_token()).await;
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200, "{here:?} at {there:?}");
    }
}

#[tokio::test]
async fn an_access_token_of_one_issuer_is_not_active_at_another() {
    let world = World::new().await;
    for (here, there) in pairs() {
        let service = world.register(here, refreshing("both")).await;
        let token = world.tokens(&service, PERSON).await.access_token;
        match there {
            At::Pilot | At::Exttest => {
                assert_inactive(&world.service(there).await.tokeninfo(&token).await);
            }
            At::Current | At::Split | At::Production => {
                world.scope(there, read_by("api:read", &["api"])).await;
                let api = world.register(there, reader("api")).await;
                assert_inactive(&api.introspecting(&token).send().await);
            }
        }
    }
}

#[tokio::test]
async fn a_login_under_way_at_one_issuer_is_none_at_another() {
    let world = World::new().await;
    for (here, there) in pairs() {
        let (service, local) = (world.service(here).await, world.service(there).await);
        let (mut browser, asking) = (world.browser(), service.request());
        let page = world.page(&mut browser, &asking).await;
        let form = page.form().with("pid", PERSON).with("action", "login");
        let handle = form.action.rsplit('/').next().unwrap().to_owned();
        let pages = local.url("authorization_endpoint").trim_end_matches("/authorize");
        let cookie = browser.cookies(here.page_host()).first().unwrap().clone();
        let (name, value) = cookie.split_once('=').unwrap();
        let mut thief = browser.clone();
        thief.plant(there.page_host(), name, value);
        // Even under the name that the other issuer would look for.
        let mut other = world.browser();
        world.page(&mut other, &local.request()).await;
        let local_name =
            other.cookies(there.page_host()).first().unwrap().split_once('=').unwrap().0.to_owned();
        let local_name = format!("{}{}", &local_name[..local_name.len() - 8], &handle[..8]);
        thief.plant(there.page_host(), &local_name, value);
        let before = world.rows();
        for path in ["login", "resume"] {
            let shown = thief.visit(&format!("{pages}/{path}/{handle}")).await;
            assert!(shown.is_page_with(400), "{here:?} at {there:?}/{path}: {}", shown.status);
        }
        let mut elsewhere = form.clone();
        elsewhere.action = format!("{pages}/login/{handle}");
        assert!(thief.submit(&elsewhere).await.is_page_with(400));
        world.assert_untouched(&before);
        assert!(asking.answer(&browser.submit(&form).await).get("code").is_some());
    }
}

#[tokio::test]
async fn a_cookie_s_name_says_whose_it_is() {
    let world = World::new().await;
    let mut prefixes = Vec::new();
    for at in At::OPEN {
        let mut browser = world.browser();
        world.page(&mut browser, &world.service(at).await.request()).await;
        let cookie = browser.cookies(at.page_host()).first().unwrap().clone();
        let (name, _) = cookie.split_once('=').unwrap();
        prefixes.push(name[..name.len() - 8].to_owned());
    }
    for (at, prefix) in prefixes.iter().enumerate() {
        for (other, name) in prefixes.iter().enumerate() {
            assert_eq!(name.starts_with(prefix.as_str()), at == other, "{name} and {prefix}");
        }
    }
}

#[tokio::test]
async fn a_signing_key_of_one_issuer_is_published_and_believed_by_no_other() {
    let world = World::new().await;
    for (here, there) in pairs() {
        let (service, local) = (world.service(here).await, world.service(there).await);
        let kids = |keys: Vec<serde_json::Map<String, Value>>| {
            keys.into_iter().map(|key| key["kid"].to_string()).collect::<Vec<_>>()
        };
        let (mine, theirs) = (kids(service.jwks().await), kids(local.jwks().await));
        assert!(mine.iter().all(|kid| !theirs.contains(kid)));
        let id_token = world.tokens(&service, PERSON).await.id_token.unwrap();
        assert!(service.verify(&id_token).await.is_some());
        assert!(local.verify(&id_token).await.is_none());
    }
}

#[tokio::test]
async fn a_test_person_of_one_issuer_s_pool_cannot_log_in_at_another() {
    let world = World::assigned().await;
    for (own, here) in PERSONS.into_iter().zip(At::OPEN) {
        let service = world.service(here).await;
        for pid in PERSONS.into_iter().filter(|pid| *pid != own) {
            let (asking, mut browser) = (service.request(), world.browser());
            let page = world.page(&mut browser, &asking).await;
            let before = world.rows();
            let refused = browser.log_in_as(&page, pid).await;
            assert!(refused.is_page_with(422), "{here:?}: {}", refused.status);
            assert!(!refused.text().contains(pid), "the number is not shown again");
            world.assert_untouched(&before);
        }
        world.tokens(&service, own).await;
    }
}

#[tokio::test]
async fn a_pool_that_two_issuers_share_stops_its_person_at_both_and_at_no_other() {
    let world = World::new().await;
    world.person(At::Pilot.pool().unwrap(), PERSON, false).await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let (asking, mut browser) = (service.request(), world.browser());
        let page = world.page(&mut browser, &asking).await;
        let left = browser.log_in_as(&page, PERSON).await;
        assert_eq!(
            left.location().is_none(),
            matches!(at, At::Pilot | At::Current),
            "{at:?}: {}",
            left.status
        );
    }
}

#[tokio::test]
async fn the_same_person_has_another_sub_at_every_issuer() {
    let world = World::new().await;
    let mut subs = std::collections::HashSet::new();
    for at in At::OPEN {
        let sub = world.tokens(&world.service(at).await, PERSON).await.claim("sub").to_string();
        assert!(subs.insert(sub.replace(['=', '+', '/', '-', '_'], "")), "{at:?}");
    }
}

#[tokio::test]
async fn a_change_at_one_issuer_changes_nothing_at_another() {
    let world = World::new().await;
    world.set_client(At::Pilot, "web", false).await;
    world.set_organisation(At::Exttest, portvakt_protocol::organisation::Standing::Withdrawn).await;
    for at in [At::Pilot, At::Exttest] {
        world.refused_on_page(&world.service(at).await.request()).await;
    }
    for at in [At::Current, At::Split] {
        world.tokens(&world.service(at).await, PERSON).await;
    }
}

#[tokio::test]
async fn production_has_no_test_door_and_answers_that_it_cannot_serve_yet() {
    let world = World::new().await;
    let service = world.service(At::Production).await;
    for acr in ["idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high"] {
        let refused = world.refused(&service.request().with("acr_values", acr)).await;
        assert_eq!(refused, "temporarily_unavailable");
    }
    for path in ["login", "resume"] {
        let reply = world.call(Call::get(&format!("https://idporten.no/{path}/{}", "A".repeat(43)))).await;
        assert!(matches!(reply.status.as_u16(), 400 | 404), "{}", reply.status);
        assert!(!reply.text().contains("name=\"pid\""));
    }
}
