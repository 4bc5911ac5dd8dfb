//! Faults in the exchange of a code.

use portvakt_protocol::refusal::rules;
use portvakt_testkit::{At, PERSONS, World, registration};

use crate::{PERSON, Provoked};

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    for at in At::PROFILES {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        let right = service.redemption(&answer);
        for (wrong, rule) in [
            (right.clone().without("grant_type"), &rules::GRANT_TYPE_MISSING),
            (right.clone().with("grant_type", "password"), &rules::GRANT_TYPE_UNSUPPORTED),
            (right.clone().with("code", "x"), &rules::CODE_UNKNOWN),
            (right.clone().with("redirect_uri", "https://rp.example.no/"), &rules::REDIRECT_URI_DIFFERS),
            (right.clone().without("code_verifier"), &rules::CODE_VERIFIER_MISSING),
            (right.clone().with("code_verifier", "short"), &rules::CODE_VERIFIER_FORMAT),
            (right.clone().with("code_verifier", &"x".repeat(43)), &rules::CODE_VERIFIER_DIFFERS),
        ] {
            provoked.by(rule, &wrong.send().await);
        }
        // Another client's code is as unknown as none at all.
        let other = world.register(at, registration("other")).await;
        let foreign = other.redemption(&answer);
        provoked.by(&rules::CODE_UNKNOWN, &foreign.send().await);

        service.tokens(&answer).await;
        provoked.by(&rules::CODE_REPLAYED, &right.send().await);

        let answer = world.answer(&service, PERSON).await;
        world.wait(60);
        provoked.by(&rules::CODE_EXPIRED, &service.redeem(&answer).await);
    }
    // Without PKCE in the request, at the profile that does not demand it.
    let service = world.service(At::Pilot).await.without_pkce();
    let answer = world.answer(&service, PERSON).await;
    let unexpected = service.redemption(&answer).with("code_verifier", &"x".repeat(43));
    provoked.by(&rules::CODE_VERIFIER_UNEXPECTED, &unexpected.send().await);

    let at = At::Current;
    let service = world.service(at).await;
    let answer = world.answer(&service, PERSONS[5]).await;
    world.person(at.pool().unwrap(), PERSONS[5], false).await;
    provoked.by(&rules::CODE_PERSON_STOPPED, &service.redeem(&answer).await);
    world.person(at.pool().unwrap(), PERSONS[5], true).await;
}
