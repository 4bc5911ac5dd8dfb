//! Faults about who asks and where the answer goes, and failed authentications.

use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::refusal::rules;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_testkit::{At, World, registration};

use crate::{PERSON, Provoked};

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    for at in At::PROFILES {
        addressing(world, at, provoked).await;
        authenticating(world, at, provoked).await;
    }
}

async fn addressing(world: &World, at: At, provoked: &mut Provoked) {
    let asking = world.service(at).await.request();
    provoked.by(&rules::CLIENT_ID_MISSING, &asking.clone().without("client_id").send().await);
    provoked.by(&rules::CLIENT_UNKNOWN, &asking.clone().with("client_id", "nobody").send().await);
    provoked.by(&rules::CLIENT_UNKNOWN, &asking.clone().with("client_id", "no body").send().await);
    provoked.by(&rules::REDIRECT_URI_MISSING, &asking.clone().without("redirect_uri").send().await);
    let elsewhere = asking.clone().with("redirect_uri", "https://rp.example.no/cb/");
    provoked.by(&rules::REDIRECT_URI_UNREGISTERED, &elsewhere.send().await);
    let stopped = world.register(at, registration("stopped")).await;
    world.set_client(at, "stopped", false).await;
    provoked.by(&rules::CLIENT_STOPPED, &stopped.request().send().await);
}

async fn authenticating(world: &World, at: At, provoked: &mut Provoked) {
    let service = world.service(at).await;
    let answer = world.answer(&service, PERSON).await;
    let redemption = service.redemption(&answer);
    let secret = service.service().secret.clone().unwrap();

    let mut bare = redemption.clone();
    bare.basic = None;
    provoked.by(&rules::CLIENT_AUTHENTICATION_MISSING, &bare.send().await);
    let unreadable = bare.call().header("authorization", "Basic %%%");
    provoked.by(&rules::CLIENT_BASIC_UNREADABLE, &world.call(unreadable).await);
    let digest = bare.call().header("authorization", "Digest x");
    provoked.by(&rules::CLIENT_METHOD_UNSUPPORTED, &world.call(digest).await);
    let assertion = redemption.clone().with("client_assertion", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln");
    provoked.by(&rules::CLIENT_METHOD_UNSUPPORTED, &assertion.send().await);
    let twice = redemption.clone().with("client_secret", &secret);
    provoked.by(&rules::CLIENT_AUTHENTICATION_TWICE, &twice.send().await);
    let differs = redemption.clone().with("client_id", "other");
    provoked.by(&rules::CLIENT_ID_DIFFERS, &differs.send().await);

    let pretending = |client_id: &str, secret: &str| {
        let mut other = redemption.clone();
        other.basic = Some((client_id.to_owned(), secret.to_owned()));
        other
    };
    let unknown = pretending("nobody", &secret).send().await;
    provoked.by(&rules::CLIENT_AUTHENTICATION_UNKNOWN, &unknown);
    let unwritable = pretending("no body", &secret).send().await;
    provoked.by(&rules::CLIENT_AUTHENTICATION_UNKNOWN, &unwritable);
    provoked.by(&rules::CLIENT_SECRET_WRONG, &pretending("web", &secret[1..]).send().await);
    let post = ClientRegistration {
        token_endpoint_auth_method: AuthMethod::ClientSecretPost,
        ..registration("post")
    };
    world.register(at, post).await;
    provoked.by(&rules::CLIENT_METHOD_DIFFERS, &pretending("post", &secret).send().await);

    let stopped = world.register(at, registration("stopped")).await;
    world.set_client(at, "stopped", false).await;
    let own = stopped.service().secret.clone().unwrap();
    provoked.by(&rules::CLIENT_AUTHENTICATION_STOPPED, &pretending("stopped", &own).send().await);

    world.register(at, registration("late")).await;
    let late = world.register(at, registration("late")).await;
    let own = late.service().secret.clone().unwrap();
    let days = 361 * 24 * 60 * 60;
    world.wait(days);
    provoked.by(&rules::CLIENT_SECRET_EXPIRED, &pretending("late", &own).send().await);
    world.wait(-days);
}
