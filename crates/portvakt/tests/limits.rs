//! How large a request may be: each limit holds at its edge, and what is over it is refused before anything is written.

use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::scope::Scopes;
use portvakt_testkit::{At, Call, PERSONS, World, assert_token_refusal, opaque_scope, registration};

const PERSON: &str = PERSONS[0];

/// A form's greatest size, in bytes.
const MOST_BODY: usize = 64 * 1024;

/// A form of exactly `size` bytes, filled up with a parameter that nobody reads.
fn filled(call: Call, size: usize) -> Call {
    let rest = size - call.body.len() - "&filler=".len();
    let mut body = call.body.clone();
    body.extend_from_slice(b"&filler=");
    body.resize(body.len() + rest, b'x');
    Call { body, ..call }
}

#[tokio::test]
async fn a_form_has_at_most_64_kib_at_every_endpoint_that_takes_one() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let (answer, asking, mut browser) =
            (world.answer(&service, PERSON).await, service.request(), world.browser());
        let form = world.page(&mut browser, &asking).await.form().with("pid", PERSON).with("action", "login");
        let cookie = browser.cookies(at.page_host()).join("; ");
        let tokens = world.tokens(&service, PERSON).await;
        let userinfo =
            Call::post(service.url("userinfo_endpoint"), &[("access_token", &tokens.access_token)]);
        for (what, call, status) in [
            ("authorize", asking.posted(), 303),
            ("token", service.redemption(&answer).call(), 200),
            ("userinfo", userinfo, 200),
            ("login", Call::post(&form.action, &form.fields).header("cookie", &cookie), 303),
        ] {
            let before = world.rows();
            let over = world.call(filled(call.clone(), MOST_BODY + 1)).await;
            assert_eq!(over.status, 413, "{what}");
            world.assert_untouched(&before);
            assert_eq!(world.call(filled(call, MOST_BODY)).await.status, status, "{what}");
        }
    }
}

#[tokio::test]
async fn a_request_has_at_most_64_parameters() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let fill = |asking: portvakt_testkit::Asking, most: usize| {
            (asking.params.len()..most)
                .fold(asking, |asking, number| asking.with(&format!("filler-{number}"), "x"))
        };
        world.refused_on_page(&fill(service.request(), 65)).await;
        world.accepted(&fill(service.request(), 64)).await;
        let answer = world.answer(&service, PERSON).await;
        let right = service.redemption(&answer);
        let fill = |most: usize| {
            (right.fields.len()..most)
                .fold(right.clone(), |right, number| right.with(&format!("filler-{number}"), "x"))
        };
        assert_eq!(world.refused_at_token(&fill(65)).await, "invalid_request");
        assert_eq!(fill(64).send().await.status, 200);
    }
}

#[tokio::test]
async fn state_and_nonce_have_at_most_2048_characters() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let (most, over) = ("x".repeat(2048), "x".repeat(2049));
        let answer_to = async |asking: &portvakt_testkit::Asking| asking.answer(&asking.send().await);
        let before = world.rows();
        let refused = answer_to(&service.request().with("state", &over)).await;
        assert_eq!((refused.get("error"), refused.get("state")), (Some("invalid_request"), None));
        let refused = answer_to(&service.request().with("nonce", &over)).await;
        assert_eq!(refused.get("error"), Some("invalid_request"));
        world.assert_untouched(&before);
        let asking = service.request().with("state", &most).with("nonce", &most);
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        assert_eq!(answer.get("state"), Some(most.as_str()));
        assert_eq!(service.tokens(&answer).await.claim("nonce"), most);
    }
}

#[tokio::test]
async fn no_value_that_is_read_has_more_than_2048_bytes_and_what_is_not_read_may() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for name in ["scope", "acr_values", "prompt", "ui_locales", "max_age"] {
            let over = service.request().with(name, &"x ".repeat(1025));
            assert_eq!(world.refused(&over).await, "invalid_request", "{name}");
        }
        for name in ["ui_locales", "unknown"] {
            world.accepted(&service.request().with(name, &"x".repeat(2048))).await;
        }
        world.accepted(&service.request().with("unknown", &"x".repeat(2049))).await;
    }
}

#[tokio::test]
async fn a_request_names_at_most_64_scopes() {
    let world = World::new().await;
    let at = At::Current;
    let names: Vec<String> = (0..64).map(|number| format!("example:{number}")).collect();
    for name in &names[..63] {
        world.scope(at, opaque_scope(name)).await;
    }
    let most = format!("openid {}", names[..63].join(" "));
    let scopes = Scopes::parse(&most).unwrap();
    let service = world.register(at, ClientRegistration { scopes, ..registration("many") }).await;
    assert_eq!(
        world.refused(&service.request().with("scope", &format!("{most} profile"))).await,
        "invalid_scope"
    );
    let asking = service.request().with("scope", &most);
    let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
    assert_eq!(service.tokens(&answer).await.response["scope"], most);
}

#[tokio::test]
async fn an_oversized_token_code_or_secret_is_refused_like_any_wrong_one() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let long = "A".repeat(30_000);
        let answer = world.answer(&service, PERSON).await;
        let before = world.rows();
        assert_eq!(service.userinfo(&long).await.status, 401);
        assert_eq!(service.userinfo(&format!("{long}.{long}.{long}")).await.status, 401);
        for name in ["code", "code_verifier", "redirect_uri"] {
            let reply = service.redemption(&answer).with(name, &long).send().await;
            assert_token_refusal(&reply);
            assert_eq!(reply.error(), "invalid_grant", "{name}");
        }
        let mut bare = service.redemption(&answer);
        bare.basic = Some(("web".to_owned(), long.clone()));
        assert_eq!(bare.send().await.error(), "invalid_client");
        world.assert_untouched(&before);
        service.tokens(&answer).await;
    }
}
