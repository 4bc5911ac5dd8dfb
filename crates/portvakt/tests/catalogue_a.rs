//! Requirements that every provider must withstand: core OAuth, PKCE, issuer identification and native applications. Each
//! refusal stands beside its acceptance, and changes nothing.

use std::collections::HashSet;

use portvakt_crypto::encoding::base64_encode;
use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::profile::SECRET_LIFETIME;
use portvakt_protocol::registration::{Change, ClientRegistration};
use portvakt_protocol::secret::ClientSecret;
use portvakt_testkit::{
    Asking, At, Call, Method, PERSONS, RelyingParty, Reply, World, assert_token_refusal, native, registration,
};

const PERSON: &str = PERSONS[0];

// A1: core OAuth (RFC 6749, RFC 6750).

#[tokio::test]
async fn c1_an_unknown_or_stopped_client_gets_a_page_and_never_a_redirect() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        world.register(at, registration("stopped")).await;
        world.set_client(at, "stopped", false).await;
        for asking in [
            service.request().without("client_id"),
            service.request().with("client_id", ""),
            service.request().with("client_id", "nobody"),
            service.request().with("client_id", "WEB"),
            service.request().with("client_id", "web "),
            service.request().with("client_id", "web\0"),
            service.request().with("client_id", &"w".repeat(300)),
            service.request().with("client_id", "stopped"),
            service.request().again("client_id", "web"),
        ] {
            world.refused_on_page(&asking).await;
        }
        world.accepted(&service.request()).await;
    }
}

#[tokio::test]
async fn c1_any_other_authorize_error_is_a_redirect_with_error_state_and_iss() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for (name, value, error) in [
            ("response_type", "token", "unsupported_response_type"),
            ("scope", "unregistered", "invalid_scope"),
            ("acr_values", "Level9", "invalid_request"),
            ("prompt", "unheard-of", "invalid_request"),
            ("max_age", "soon", "invalid_request"),
            ("max_age", "-1", "invalid_request"),
            ("response_mode", "fragment", "invalid_request"),
        ] {
            assert_eq!(world.refused(&service.request().with(name, value)).await, error, "{name}={value}");
        }
        world.accepted(&service.request().with("max_age", "0")).await;
    }
}

#[tokio::test]
async fn c2_a_repeated_parameter_is_invalid_request_at_every_endpoint() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for (name, value) in service.request().params {
            let asking = service.request();
            let again = asking.get(&name).map_or(value, str::to_owned);
            let asking = asking.again(&name, &again);
            match name.as_str() {
                "client_id" | "redirect_uri" => drop(world.refused_on_page(&asking).await),
                _ => assert_eq!(world.refused(&asking).await, "invalid_request", "{name} twice"),
            }
        }
        let unknown = service.request().again("unknown", "1").again("unknown", "2");
        assert_eq!(world.refused(&unknown).await, "invalid_request", "RFC 6749 §3.1: request parameters");

        let answer = world.answer(&service, PERSON).await;
        for (name, value) in service.redemption(&answer).fields {
            let twice = service.redemption(&answer).again(&name, &value);
            world.refused_by(&twice, "invalid_request", "parameter-repeated").await;
        }
        let tokens = service.tokens(&answer).await;
        let url = service.url("userinfo_endpoint");
        let twice = [("access_token", &tokens.access_token), ("access_token", &tokens.access_token)];
        let reply = world.call(Call::post(url, &twice)).await;
        assert_eq!((reply.status.as_u16(), reply.error().as_str()), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn c2_an_empty_parameter_counts_as_absent_and_an_unknown_one_is_ignored() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    for name in
        ["nonce", "prompt", "acr_values", "max_age", "ui_locales", "request", "request_uri", "resource"]
    {
        world.accepted(&service.request().with(name, "")).await;
    }
    world.accepted(&service.request().with("unknown", "x").with("claims", "{}")).await;
    let answer = world.answer(&service, PERSON).await;
    let empty =
        service.redemption(&answer).with("resource", "").with("client_secret", "").with("unknown", "x");
    assert_eq!(empty.send().await.status, 200);
}

#[tokio::test]
async fn c3_a_code_has_256_bits_and_no_two_are_alike() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let answer = world.answer(&service, PERSON).await;
        assert_eq!(answer.code().len(), 43, "256 bits in base64url");
        assert!(seen.insert(answer.code().to_owned()));
    }
}

#[tokio::test]
async fn c3_a_code_is_bound_to_its_client_its_redirect_uri_and_its_challenge() {
    let world = World::new().await;
    for at in At::PROFILES {
        let two = ["https://rp.example.no/cb", "https://rp.example.no/other"].map(str::to_owned).to_vec();
        let service =
            world.register(at, ClientRegistration { redirect_uris: two, ..registration("two-uris") }).await;
        let other = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        let stolen = other.redemption(&answer);
        let moved = service.redemption(&answer).with("redirect_uri", "https://rp.example.no/other");
        let guessed = service.redemption(&answer).with("code_verifier", &"A".repeat(43));
        for wrong in [stolen, moved, guessed] {
            assert_eq!(world.refused_at_token(&wrong).await, "invalid_grant");
        }
        service.tokens(&answer).await;
    }
}

#[tokio::test]
async fn c3_a_second_use_is_invalid_grant_and_revokes_what_the_first_gave() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let (answer, other) = (world.answer(&service, PERSON).await, world.answer(&service, PERSON).await);
        let tokens = service.tokens(&answer).await;
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
        let again = service.redeem(&answer).await;
        assert_token_refusal(&again);
        assert_eq!(again.error(), "invalid_grant");
        world.refused_at_userinfo(&service, &tokens.access_token).await;
        let tokens = service.tokens(&other).await;
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 200, "another login's stay");
    }
}

#[tokio::test]
async fn c4_the_token_endpoint_takes_only_posted_forms_and_nothing_from_the_query() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        let right = service.redemption(&answer).call();
        let body = String::from_utf8(right.body.clone()).unwrap();
        let before = world.rows();
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD] {
            let call = Call { method, ..right.clone() };
            assert_eq!(world.call(call).await.status, 405);
        }
        for content_type in ["application/json", "multipart/form-data; boundary=x", "text/plain", ""] {
            let mut call = right.clone();
            call.headers.retain(|(name, _)| name != "content-type");
            if !content_type.is_empty() {
                call = call.header("content-type", content_type);
            }
            let reply = world.call(call).await;
            assert_eq!(
                (reply.status.as_u16(), reply.error().as_str()),
                (400, "invalid_request"),
                "{content_type}"
            );
        }
        let in_query = Call { url: format!("{}?{body}", right.url), ..right.clone() };
        assert_eq!(world.call(in_query).await.error(), "invalid_request");
        let beside = Call { url: format!("{}?client_id=web", right.url), ..right.clone() };
        assert_eq!(world.call(beside).await.error(), "invalid_request");
        world.assert_untouched(&before);
        let mut charset = right.clone();
        charset.headers.retain(|(name, _)| name != "content-type");
        let charset = charset.header("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
        assert_eq!(world.call(charset).await.status, 200);
    }
}

#[tokio::test]
async fn c4_exactly_one_method_of_client_authentication() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let secret = service.service().secret.clone().unwrap();
        let answer = world.answer(&service, PERSON).await;
        let right = service.redemption(&answer);
        for (two, error) in [
            (right.clone().with("client_secret", &secret), "invalid_request"),
            (right.clone().with("client_id", "somebody-else"), "invalid_request"),
            (right.clone().with("client_assertion", "x.y.z"), "invalid_client"),
        ] {
            assert_eq!(world.refused_at_token(&two).await, error, "{:?}", two.fields);
        }
        let before = world.rows();
        let twice = right.call().basic("web", &secret);
        assert_eq!(world.call(twice).await.error(), "invalid_request");
        world.assert_untouched(&before);
        assert_eq!(
            right.with("client_id", "web").send().await.status,
            200,
            "the same client_id may stand twice"
        );
    }
}

#[tokio::test]
async fn c4_a_wrong_or_unreadable_secret_is_401_with_a_challenge() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let secret = service.service().secret.clone().unwrap();
    let answer = world.answer(&service, PERSON).await;
    let mut bare = service.redemption(&answer);
    bare.basic = None;
    let wrong_secret = &secret[..secret.len() - 1];
    let upper = secret.to_ascii_uppercase();
    // What the request itself shows is told. What is registered is not: each of those reads the same.
    let (unsupported, unreadable) = ("client-method-unsupported", "client-basic-unreadable");
    let headers = [
        (String::new(), "client-authentication-missing"),
        ("Basic".to_owned(), unreadable),
        ("Basic ".to_owned(), unreadable),
        ("Basic %%%".to_owned(), unreadable),
        ("Bearer x".to_owned(), unsupported),
        (format!("Digest {}", base64_encode(format!("web:{secret}").as_bytes())), unsupported),
        (format!("Basic {}", base64_encode(b"web")), unreadable),
        (format!("Basic {}", base64_encode(b"web:")), unreadable),
        (format!("Basic {}", base64_encode(format!("nobody:{secret}").as_bytes())), "client-authentication"),
        (
            format!("Basic {}", base64_encode(format!("web:{wrong_secret}").as_bytes())),
            "client-authentication",
        ),
        (format!("Basic {}", base64_encode(format!("web:{secret}x").as_bytes())), "client-authentication"),
        (format!("Basic {}", base64_encode(format!("web:{upper}").as_bytes())), "client-authentication"),
        (format!("Basic {}", base64_encode(b"web:%zz")), unreadable),
        (format!("Basic {}", base64_encode(b"web:\xff\xfe")), unreadable),
    ];
    let before = world.rows();
    let mut told = HashSet::new();
    for (header, rule) in headers {
        let call = if header.is_empty() { bare.call() } else { bare.call().header("authorization", &header) };
        let reply = world.call(call).await;
        assert_token_refusal(&reply);
        assert_eq!(reply.error(), "invalid_client", "{header}");
        assert!(reply.header("www-authenticate").starts_with("Basic"));
        assert_eq!(reply.error_uri(), format!("{}/errors/{rule}", At::Pilot.issuer().trim_end_matches('/')));
        told.insert(reply.description().split(" (trace_id").next().unwrap_or_default().to_owned());
    }
    world.assert_untouched(&before);
    assert_eq!(told.len(), 4, "no caller learns what is registered: {told:?}");
    let lower = bare
        .call()
        .header("authorization", &format!("basic {}", base64_encode(format!("web:{secret}").as_bytes())));
    assert_eq!(world.call(lower).await.status, 200, "the scheme in any case (RFC 7617 §2)");
}

#[tokio::test]
async fn c4_basic_values_are_form_decoded() {
    let world = World::new().await;
    for (at, text) in [(At::Pilot, "a%b+c d:e&f=g/\"~"), (At::Current, "100%+1: ja")] {
        for method in [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost] {
            let id = format!("chosen:{}", method.as_str());
            let chosen = ClientRegistration { token_endpoint_auth_method: method, ..registration(&id) };
            let service = world.register(at, chosen).await;
            give_secret(&world, at, &id, text).await;
            let service = service.pretending(|service| service.secret = Some(text.to_owned()));
            let answer = world.answer(&service, PERSON).await;
            let other = service
                .pretending(|service| service.secret = Some(text.replace('+', " ").replace('%', "%25")));
            assert_eq!(world.refused_at_token(&other.redemption(&answer)).await, "invalid_client");
            service.tokens(&answer).await;
        }
    }
}

async fn give_secret(world: &World, at: At, client_id: &str, text: &str) {
    let expires = world.now() + SECRET_LIFETIME;
    let client_id = registration(client_id).client_id;
    let digest = ClientSecret::presented(text).digest();
    world
        .change(vec![Change::Secret {
            issuer: world.issuer(at),
            client_id,
            digest,
            expires,
            others_expire: expires,
        }])
        .await;
}

#[tokio::test]
async fn c4_a_secret_ends_at_its_end_and_not_before() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    world.wait(i64::from(SECRET_LIFETIME.get()) - 1);
    world.tokens(&service, PERSON).await;
    let answer = world.answer(&service, PERSON).await;
    world.wait(1);
    assert_eq!(world.refused_at_token(&service.redemption(&answer)).await, "invalid_client");
}

#[tokio::test]
async fn c5_redirect_uri_at_redemption_equals_the_original_byte_for_byte() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        for other in [
            "https://rp.example.no/cb/",
            "https://rp.example.no/CB",
            "https://RP.example.no/cb",
            "https://rp.example.no:443/cb",
            "https://rp.example.no/cb?",
            "https://rp.example.no/%63b",
        ] {
            let wrong = service.redemption(&answer).with("redirect_uri", other);
            assert_eq!(world.refused_at_token(&wrong).await, "invalid_grant", "{other}");
        }
        let without = service.redemption(&answer).without("redirect_uri");
        assert_eq!(world.refused_at_token(&without).await, "invalid_request");
        service.tokens(&answer).await;

        let native = world.register(at, native("native", &["http://127.0.0.1/cb"])).await;
        let at_port = |port: &str| {
            native.pretending(|service| service.redirect_uri = format!("http://127.0.0.1:{port}/cb"))
        };
        let answer = world.answer(&at_port("49152"), PERSON).await;
        let moved = native.redemption(&answer).with("redirect_uri", "http://127.0.0.1:49153/cb");
        assert_eq!(world.refused_at_token(&moved).await, "invalid_grant", "the port that was asked with");
        native.tokens(&answer).await;
    }
}

#[tokio::test]
async fn c6_other_grants_are_refused() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        for grant in [
            "password",
            "client_credentials",
            "implicit",
            "AUTHORIZATION_CODE",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:device_code",
        ] {
            let asked = service
                .redemption(&answer)
                .with("grant_type", grant)
                .with("username", "x")
                .with("password", "y");
            world.refused_by(&asked, "unsupported_grant_type", "grant-type-unsupported").await;
        }
        let without = service.redemption(&answer).without("grant_type");
        world.refused_by(&without, "invalid_request", "grant-type-missing").await;
        let unregistered =
            service.redemption(&answer).with("grant_type", "refresh_token").with("refresh_token", "x");
        world.refused_by(&unregistered, "unauthorized_client", "grant-not-registered").await;
        service.tokens(&answer).await;
    }
}

#[tokio::test]
async fn c7_nothing_with_a_code_token_claim_or_form_is_kept_by_anyone() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let (asking, mut browser) = (service.request(), world.browser());
        let begun = world.call(Call::get(&asking.url())).await;
        let page = world.page(&mut browser, &asking).await;
        let left = browser.log_in_as(&page, PERSON).await;
        let answer = asking.answer(&left);
        let given = service.redeem(&answer).await;
        let token = service.read(&given).await.access_token;
        let userinfo = service.userinfo(&token).await;
        let refused = service.userinfo("wrong").await;
        let logout = world.call(Call::get(service.url("end_session_endpoint"))).await;
        for reply in [&begun, &page, &left, &given, &userinfo, &refused, &logout] {
            assert_eq!(reply.header("cache-control"), "no-store", "{}", reply.url);
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{}", reply.url);
            // Under `no-referrer` a browser posts our own form with `Origin: null`, so a page says `same-origin`.
            let policy = reply.header("referrer-policy");
            assert_eq!(policy, if reply.is_page() { "same-origin" } else { "no-referrer" });
        }
        let public = world.call(Call::get(service.url("jwks_uri"))).await;
        assert!(public.header("cache-control").starts_with("public, max-age="));
    }
}

#[tokio::test]
async fn c8_a_bearer_token_stands_in_the_header_or_in_a_posted_form_and_nowhere_else() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let token = world.tokens(&service, PERSON).await.access_token;
        let url = service.url("userinfo_endpoint");
        let before = world.rows();
        let in_query = world.call(Call::get(&format!("{url}?access_token={token}"))).await;
        assert_bare(&in_query);
        assert_bare(&world.call(Call::get(url)).await);
        assert_bare(&world.call(Call::post(url, &[("x", "y")])).await);
        let both = world.call(Call::post(url, &[("access_token", &token)]).bearer(&token)).await;
        let two = world.call(Call::get(url).bearer(&token).bearer(&token)).await;
        for reply in [both, two] {
            assert_eq!((reply.status.as_u16(), reply.error().as_str()), (400, "invalid_request"));
            assert_challenge(&reply, "invalid_request");
        }
        let json = Call::new(Method::POST, url)
            .body("application/json", format!("{{\"access_token\":\"{token}\"}}"));
        assert_eq!(world.call(json).await.status, 400);
        for wrong in ["x", &format!("{token}x"), "a\"b", "\u{e5}"] {
            let reply = service.userinfo(wrong).await;
            assert_eq!(reply.status, 401, "{wrong}");
            assert_challenge(&reply, "invalid_token");
        }
        let basic = world.call(Call::get(url).basic("web", &token)).await;
        assert_eq!(basic.status, 401);
        world.assert_untouched(&before);

        for right in [
            Call::get(url).bearer(&token),
            Call::get(url).header("authorization", &format!("bearer {token}")),
            Call::post(url, &[("access_token", &token)]),
            Call::new(Method::POST, url).bearer(&token),
        ] {
            assert_eq!(world.call(right).await.status, 200);
        }
    }
}

/// RFC 6750 §3.1: who sent no token at all learns only that one is wanted.
fn assert_bare(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, "Bearer"));
    assert!(reply.body.is_empty());
}

/// RFC 6750 §3: within its own quotes, a challenge has no quote, backslash or control byte.
fn assert_challenge(reply: &Reply, error: &str) {
    let header = reply.header("www-authenticate");
    assert!(header.starts_with(&format!("Bearer error=\"{error}\", error_description=\"")), "{header}");
    assert_eq!(header.matches('"').count(), 6, "{header}");
    assert!(header.ends_with(&format!("error_uri=\"{}\"", reply.error_uri())), "{header}");
    assert!(header.bytes().all(|byte| (0x20..0x7F).contains(&byte) && byte != b'\\'), "{header}");
}

#[tokio::test]
async fn c8_a_token_without_profile_is_403_unless_the_client_was_registered_for_that() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let only_openid = |service: &RelyingParty| service.request().with("scope", "openid");
        let answer = service.login_with(&mut world.browser(), PERSON, only_openid(&service)).await;
        let token = service.tokens(&answer).await.access_token;
        let reply = service.userinfo(&token).await;
        assert_eq!((reply.status.as_u16(), reply.error().as_str()), (403, "insufficient_scope"));
        let relaxed = ClientRegistration { userinfo_without_profile: true, ..registration("relaxed") };
        let relaxed = world.register(at, relaxed).await;
        let answer = relaxed.login_with(&mut world.browser(), PERSON, only_openid(&relaxed)).await;
        let token = relaxed.tokens(&answer).await.access_token;
        assert_eq!(relaxed.userinfo(&token).await.status, 200);
    }
}

#[tokio::test]
async fn without_openid_it_is_plain_oauth_and_gives_no_id_token() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let asking = service.request().with("scope", "profile");
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        let tokens = service.tokens(&answer).await;
        assert_eq!((tokens.id_token, tokens.response["scope"].as_str()), (None, Some("profile")));
    }
}

// A2: PKCE (RFC 7636).

#[tokio::test]
async fn p1_p2_only_s256_and_only_43_base64url_characters() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let challenge = service.request().get("code_challenge").unwrap().to_owned();
        let wrong: [fn(Asking, &str) -> Asking; 7] = [
            |asking, _| asking.with("code_challenge_method", "plain"),
            |asking, _| asking.without("code_challenge_method"),
            |asking, _| asking.with("code_challenge_method", "unknown"),
            |asking, challenge| asking.with("code_challenge", &challenge[1..]),
            |asking, challenge| asking.with("code_challenge", &format!("{challenge}A")),
            |asking, challenge| asking.with("code_challenge", &format!("{}=", &challenge[1..])),
            |asking, challenge| asking.with("code_challenge", &format!("{}/", &challenge[1..])),
        ];
        for change in wrong {
            assert_eq!(world.refused(&change(service.request(), &challenge)).await, "invalid_request");
        }
        world.accepted(&service.request()).await;
    }
}

#[tokio::test]
async fn p2_a_verifier_has_43_to_128_unreserved_characters() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    for verifier in [
        "a".repeat(42),
        "a".repeat(129),
        format!("{}+", "a".repeat(42)),
        format!("{} ", "a".repeat(42)),
        format!("{}å", "a".repeat(42)),
    ] {
        let asking = service.request().with_verifier(&verifier);
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        let refused = world.refused_at_token(&service.redemption(&answer)).await;
        assert_eq!(refused, "invalid_grant", "{} characters", verifier.len());
    }
    let asking = service.request().with_verifier(&"a-._~".repeat(9));
    let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
    service.tokens(&answer).await;
}

#[tokio::test]
async fn p3_a_challenge_wants_its_verifier_and_a_verifier_its_challenge() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let with = world.answer(&service, PERSON).await;
    for wrong in [
        service.redemption(&with).without("code_verifier"),
        service.redemption(&with).with("code_verifier", ""),
    ] {
        assert_eq!(world.refused_at_token(&wrong).await, "invalid_grant");
    }
    service.tokens(&with).await;
    let plain = service.without_pkce();
    let without = world.answer(&plain, PERSON).await;
    let added = plain.redemption(&without).with("code_verifier", &"a".repeat(43));
    assert_eq!(world.refused_at_token(&added).await, "invalid_grant", "RFC 9700 §4.8.2: a downgrade");
    plain.tokens(&without).await;
}

#[tokio::test]
async fn p4_a_wrong_verifier_burns_nothing() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        let verifier = answer.verifier.clone().unwrap();
        for wrong in [
            "B".repeat(43),
            verifier.to_ascii_lowercase() + "-",
            format!("{verifier}="),
            verifier.chars().rev().collect(),
        ] {
            let guess = service.redemption(&answer).with("code_verifier", &wrong);
            assert_eq!(world.refused_at_token(&guess).await, "invalid_grant");
        }
        service.tokens(&answer).await;
    }
}

// A4: issuer identification (RFC 9207) and best current practice (RFC 9700).

#[tokio::test]
async fn b1_iss_on_success_and_on_error_is_the_metadata_s() {
    let world = World::new().await;
    for at in [At::Current, At::Split] {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        assert_eq!(answer.get("iss"), service.metadata()["issuer"].as_str());
        assert_eq!(world.refused(&service.request().with("scope", "x")).await, "invalid_scope", "with iss");
        let (mut browser, asking) = (world.browser(), service.request());
        let page = world.page(&mut browser, &asking).await;
        let cancelled = asking.answer(&browser.cancel(&page).await);
        assert_eq!(
            (cancelled.get("error"), cancelled.get("iss")),
            (Some("access_denied"), Some(at.issuer()))
        );
    }
}

#[tokio::test]
async fn b2_every_redirect_after_a_post_is_303() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let asking = service.request();
        let posted = world.call(asking.posted()).await;
        assert_eq!(posted.status, 303, "authorize takes a POST too (OpenID Connect Core §3.1.2.1)");
        let mut browser = world.browser();
        let form = world.page(&mut browser, &asking).await.form();
        let fields = form.clone().with("pid", PERSON).with("action", "login").fields;
        let origin = service.url("authorization_endpoint").split("/").take(3).collect::<Vec<_>>().join("/");
        let logged_in = browser.post_from(&origin, &form.action, &fields).await;
        assert_eq!(logged_in.status, 303);
        let resumed = browser.call(Call::get(logged_in.header("location")), &origin).await;
        assert_eq!(resumed.status, 303);
        asking.answer(&resumed);
        let refused = world.call(service.request().with("scope", "x").posted()).await;
        assert_eq!(refused.status, 303);
    }
}

#[tokio::test]
async fn b5_no_header_moves_the_issuer() {
    let world = World::new().await;
    for at in At::ALL {
        let url = format!("{}/.well-known/openid-configuration", at.issuer().trim_end_matches('/'));
        let plain = world.call(Call::get(&url)).await.text();
        for (name, value) in [
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-prefix", "/evil"),
            ("x-original-url", "/evil"),
            ("x-rewrite-url", "/evil"),
            ("forwarded", "host=evil.example;proto=http"),
        ] {
            assert_eq!(world.call(Call::get(&url).header(name, value)).await.text(), plain, "{name}");
        }
    }
    for elsewhere in [
        "https://evil.example/authorize",
        "http://idporten.no/token",
        "https://localhost:8080/authorize",
        "http://localhost/authorize",
        "http://localhost:8081/authorize",
        "http://127.0.0.1:8080/authorize",
    ] {
        assert_eq!(world.call(Call::get(elsewhere)).await.status, 421, "{elsewhere}");
    }
}

// A5: native applications (RFC 8252).

#[tokio::test]
async fn n1_a_loopback_literal_takes_any_port_and_is_otherwise_exact() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service =
            world.register(at, native("native", &["http://127.0.0.1/cb?a=1", "http://[::1]:0/cb"])).await;
        for refused in [
            "http://127.0.0.1:49152/cb",
            "http://127.0.0.1:49152/cb?a=1&b=2",
            "http://127.0.0.1:49152/cb?a=2",
            "http://127.0.0.1:49152/CB?a=1",
            "http://127.0.0.1:0/cb?a=1",
            "http://127.0.0.1:/cb?a=1",
            "http://127.0.0.1:65536/cb?a=1",
            "http://127.0.0.1:080/cb?a=1",
            "http://127.0.0.1:+80/cb?a=1",
            "http://127.0.0.1:80@evil.example/cb?a=1",
            "https://127.0.0.1:49152/cb?a=1",
            "http://127.0.0.2:49152/cb?a=1",
            "http://[::1]:49152/cb?a=1",
            "http://[0:0:0:0:0:0:0:1]:49152/cb",
        ] {
            world.refused_on_page(&service.request().with("redirect_uri", refused)).await;
        }
        for accepted in [
            "http://127.0.0.1/cb?a=1",
            "http://127.0.0.1:1/cb?a=1",
            "http://127.0.0.1:65535/cb?a=1",
            "http://[::1]:49152/cb",
        ] {
            let there = service.pretending(|service| service.redirect_uri = accepted.to_owned());
            world.tokens(&there, PERSON).await;
        }
        // Any port is for native applications only.
        let web = ClientRegistration {
            redirect_uris: vec!["http://127.0.0.1/cb".to_owned()],
            ..registration("loopback-web")
        };
        let web = world.register(at, web).await;
        world.refused_on_page(&web.request().with("redirect_uri", "http://127.0.0.1:49152/cb")).await;
        world.accepted(&web.request()).await;
    }
}

#[tokio::test]
async fn n2_localhost_is_no_synonym_and_a_private_scheme_has_a_dot() {
    let world = World::new().await;
    for at in At::PROFILES {
        let uris = ["http://127.0.0.1/cb", "http://localhost:3000/cb", "no.example.app:/cb"];
        let service = world.register(at, native("native", &uris)).await;
        for refused in [
            "http://localhost/cb",
            "http://localhost:49152/cb",
            "http://localhost.:3000/cb",
            "NO.example.app:/cb",
            "no.example.app://cb",
            "no.example.app:/cb/",
        ] {
            world.refused_on_page(&service.request().with("redirect_uri", refused)).await;
        }
        for accepted in uris {
            world.accepted(&service.request().with("redirect_uri", accepted)).await;
        }
        // A registration that breaks the rule is no client, whatever door it came through.
        let bad = world.register(at, native("undotted", &["example:/cb"])).await;
        world.refused_on_page(&bad.request()).await;
    }
}

#[tokio::test]
async fn n3_a_second_request_in_the_same_browser_asks_for_a_login_again() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.register(at, native("native", &["http://127.0.0.1/cb"])).await;
        let mut browser = world.browser();
        service.login(&mut browser, PERSON).await;
        let again = browser.visit(&service.request().url()).await;
        assert!(again.is_page_with(200) && !again.form().offers("acr").is_empty());
    }
}
