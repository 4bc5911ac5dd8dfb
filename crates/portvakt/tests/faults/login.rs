//! Logins that end without an answer, and logins that a request asks for by `login_hint`.

use portvakt_protocol::refusal::rules;
use portvakt_testkit::{At, Damage, PERSONS, World};

use crate::{PERSON, Provoked};

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    let at = At::Current;
    let service = world.service(at).await;
    let asking = service.request();
    provoked.by(&rules::LOGIN_REQUIRED, &asking.clone().with("prompt", "none").send().await);
    let mut browser = world.browser();
    let page = world.page(&mut browser, &asking).await;
    provoked.by(&rules::CANCELLED, &browser.cancel(&page).await);

    let (substantial, high) = (at.substantial(), at.high());
    for (hint, rule) in [
        (format!("testid:{PERSON}"), &rules::LOGIN_HINT_SYNTAX),
        (format!("testid:21879498013_{high}"), &rules::LOGIN_HINT_NUMBER),
        (format!("testid:{PERSON}_Level9"), &rules::LOGIN_HINT_LEVEL_UNKNOWN),
    ] {
        provoked.by(rule, &asking.clone().with("login_hint", &hint).send().await);
    }
    let low =
        asking.clone().with("acr_values", high).with("login_hint", &format!("testid:{PERSON}_{substantial}"));
    provoked.by(&rules::LOGIN_HINT_LEVEL_LOW, &low.send().await);

    let production = world.service(At::Production).await.request();
    provoked.by(&rules::NO_EID, &production.send().await);
    let hinted = production.with("login_hint", &format!("testid:{PERSON}_{high}"));
    provoked.by(&rules::LOGIN_HINT_NOT_OFFERED, &hinted.send().await);

    stopped(provoked).await;
    unavailable(provoked).await;
}

/// Where only assigned persons may log in, another is stopped.
async fn stopped(provoked: &mut Provoked) {
    let world = World::assigned().await;
    let at = At::Pilot;
    let stranger = format!("testid:{}_{}", PERSONS[7], at.high());
    let asking = world.service(at).await.request().with("login_hint", &stranger);
    provoked.by(&rules::PERSON_STOPPED, &asking.send().await);
}

/// The store fails where there is an address to answer to.
async fn unavailable(provoked: &mut Provoked) {
    let world = World::new().await;
    let asking = world.service(At::Current).await.request();
    world.data().damage(Damage::NoInsert("login"));
    let reply = asking.send().await;
    assert_eq!(reply.error(), "temporarily_unavailable");
    assert!(reply.error_uri().ends_with("/errors/unavailable"), "{}", reply.error_uri());
    let rule = &rules::UNAVAILABLE;
    assert!(reply.description().contains(&format!("; rule {}, environment ", rule.name)));
    provoked.0.insert(rule.name);
}
