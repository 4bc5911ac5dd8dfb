//! The contract with services that were configured for ID-porten: a test for each row of its checklist that has an endpoint
//! here, and for what services already in use rely on.

use portvakt_crypto::certificate::Certificate;
use portvakt_crypto::digest::Sha256;
use portvakt_crypto::encoding::{base64_decode, base64url_encode};
use portvakt_crypto::jwk::RsaPublicJwk;
use portvakt_protocol::client::AuthMethod;
use portvakt_protocol::registration::{AmrClaim, ClientRegistration, CodeChallengeMethod};
use portvakt_protocol::scope::Scopes;
use portvakt_testkit::{
    At, Call, PERSONS, Redemption, World, assert_marks, opaque_scope, public, registration,
};
use serde_json::{Value, json};

const PERSON: &str = PERSONS[0];

#[tokio::test]
async fn row_01_discovery_is_under_the_issuer_and_names_it_byte_for_byte() {
    let world = World::new().await;
    for at in At::ALL {
        let path = "/.well-known/openid-configuration";
        for wrong in [format!("{}//{}", at.issuer().trim_end_matches('/'), &path[1..]), format!("{path}/")] {
            let url = if wrong.starts_with('/') {
                format!("{}{wrong}", at.issuer().trim_end_matches('/'))
            } else {
                wrong
            };
            assert_eq!(world.call(Call::get(&url)).await.status, 404, "{url}");
        }
        let right = format!("{}{path}", at.issuer().trim_end_matches('/'));
        let reply = world.call(Call::get(&right)).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
        assert_eq!(reply.json()["issuer"], at.issuer(), "the configured string, its slash too");
    }
}

#[tokio::test]
async fn row_02_each_profile_advertises_its_own_paths_and_nothing_that_is_not_there() {
    let world = World::new().await;
    for (at, jwks, end_session) in [(At::Pilot, "jwk", "endsession"), (At::Current, "jwks.json", "logout")] {
        let service = world.service(at).await;
        let base = at.issuer().trim_end_matches('/');
        for (member, path) in [
            ("authorization_endpoint", "authorize"),
            ("token_endpoint", "token"),
            ("userinfo_endpoint", "userinfo"),
            ("jwks_uri", jwks),
            ("end_session_endpoint", end_session),
        ] {
            assert_eq!(service.url(member), format!("{base}/{path}"));
            assert_ne!(world.call(Call::get(service.url(member))).await.status, 404, "{member} is served");
        }
        // The pilot has both, and tells of neither in its document of 2016.
        for (member, path) in
            [("introspection_endpoint", "token/introspect"), ("revocation_endpoint", "token/revoke")]
        {
            let told = service.metadata().get(member).and_then(Value::as_str);
            assert_eq!(told, (at == At::Current).then(|| format!("{base}/{path}")).as_deref(), "{member}");
        }
        for absent in [
            "pushed_authorization_request_endpoint",
            "registration_endpoint",
            "backchannel_logout_supported",
            "frontchannel_logout_supported",
        ] {
            assert_eq!(service.metadata().get(absent), None, "{absent} does not exist yet");
        }
    }
}

#[tokio::test]
async fn row_03_authorize_and_logout_may_be_on_another_host_than_the_issuer() {
    let world = World::new().await;
    let service = world.service(At::Split).await;
    assert_eq!(service.url("authorization_endpoint"), "https://login.test.idporten.no/authorize");
    assert_eq!(service.url("end_session_endpoint"), "https://login.test.idporten.no/logout");
    assert_eq!(service.url("token_endpoint"), "https://test.idporten.no/token");
    for elsewhere in ["https://test.idporten.no/authorize", "https://login.test.idporten.no/token"] {
        assert_eq!(world.call(Call::get(elsewhere)).await.status, 404, "{elsewhere}");
    }
    let tokens = world.tokens(&service, PERSON).await;
    assert_eq!(tokens.claim("iss"), "https://test.idporten.no");
}

#[tokio::test]
async fn row_04_each_key_has_its_thumbprint_for_kid_and_its_certificate_in_x5c() {
    let world = World::new().await;
    for at in At::ALL {
        let keys = world.service(at).await.jwks().await;
        assert!(!keys.is_empty());
        for jwk in keys {
            let canonical = format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, jwk["e"], jwk["n"]);
            let thumbprint = base64url_encode(Sha256::of(canonical.as_bytes()).as_bytes());
            assert_eq!(jwk["kid"], json!(thumbprint), "RFC 7638 §3");
            assert_eq!(
                (&jwk["use"], &jwk["alg"], &jwk["kty"]),
                (&json!("sig"), &json!("RS256"), &json!("RSA"))
            );
            let der = base64_decode(jwk["x5c"][0].as_str().unwrap()).unwrap();
            let key = RsaPublicJwk::from_object(&jwk).unwrap();
            assert!(Certificate::parse(&der).unwrap().matches_key(&key), "x5c holds this key's certificate");
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(!jwk.contains_key(private), "{private} is nobody's business");
            }
        }
    }
}

#[tokio::test]
async fn row_05_response_type_other_than_code_is_unsupported_response_type() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for other in ["token", "id_token", "id_token token", "code id_token", "none", "CODE", "code "] {
            let asking = service.request().with("response_type", other);
            assert_eq!(world.refused(&asking).await, "unsupported_response_type", "{other}");
        }
        world.accepted(&service.request()).await;
    }
    let without = world.service(At::Current).await.request().without("response_type");
    assert_eq!(world.refused(&without).await, "invalid_request");
    world.accepted(&world.service(At::Pilot).await.request().without("response_type")).await;
}

#[tokio::test]
async fn row_06_unregistered_redirect_uri_never_causes_a_redirect() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let other = world
            .register(
                at,
                ClientRegistration {
                    redirect_uris: vec!["https://other.example.no/cb".into()],
                    ..registration("other")
                },
            )
            .await;
        for asking in [
            service.request().without("redirect_uri"),
            service.request().with("redirect_uri", ""),
            service.request().with("redirect_uri", "https://evil.example/cb"),
            service.request().with("redirect_uri", &other.service().redirect_uri),
            service.request().again("redirect_uri", "https://evil.example/cb"),
            // Whatever else is wrong, the address is judged first.
            service.request().with("redirect_uri", "https://evil.example/cb").with("response_type", "token"),
            service.request().with("redirect_uri", "https://evil.example/cb").without("scope"),
        ] {
            let page = world.refused_on_page(&asking).await;
            let text = page.text();
            let mut links =
                text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
            let leads = |link: &str| link.contains("evil.example") || link == other.service().redirect_uri;
            assert!(!links.any(leads), "nothing on the page leads there either");
        }
        world.accepted(&service.request()).await;
    }
}

#[tokio::test]
async fn row_07_missing_scope_is_an_error_and_an_unregistered_one_is_invalid_scope() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        assert_eq!(
            world.refused(&service.request().without("scope")).await,
            "invalid_scope",
            "RFC 6749 §3.3"
        );
        assert_eq!(world.refused(&service.request().with("scope", "")).await, "invalid_scope");
        for unregistered in
            ["openid unregistered", "email", "OPENID", "openid\tprofile", "openid  profile", "openid \"x\""]
        {
            let asking = service.request().with("scope", unregistered);
            assert_eq!(world.refused(&asking).await, "invalid_scope", "{unregistered}");
        }
        world.accepted(&service.request().with("scope", "openid")).await;
    }
}

#[tokio::test]
async fn row_08_current_demands_a_code_challenge_unless_the_client_opted_out() {
    let world = World::new().await;
    let service = world.service(At::Current).await.without_pkce();
    assert_eq!(world.refused(&service.request()).await, "invalid_request");
    let opted_out = ClientRegistration {
        code_challenge_method: Some(CodeChallengeMethod::None),
        ..registration("opted-out")
    };
    let opted_out = world.register(At::Current, opted_out).await.without_pkce();
    world.tokens(&opted_out, PERSON).await;
    // Whoever goes without the one protection against a code from elsewhere must have the other (contract §2).
    assert_eq!(world.refused(&opted_out.request().without("state")).await, "invalid_request");
    // The pilot demands it of nobody that did not ask for it.
    world.tokens(&world.service(At::Pilot).await.without_pkce(), PERSON).await;
    let strict = ClientRegistration {
        code_challenge_method: Some(CodeChallengeMethod::S256),
        ..registration("strict")
    };
    let strict = world.register(At::Pilot, strict).await;
    assert_eq!(world.refused(&strict.without_pkce().request()).await, "invalid_request");
    world.tokens(&strict, PERSON).await;
}

#[tokio::test]
async fn row_09_plain_and_padded_challenges_are_rejected() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let challenge = service.request().get("code_challenge").unwrap().to_owned();
        for asking in [
            service.request().with("code_challenge_method", "plain"),
            service.request().with("code_challenge_method", "s256"),
            service.request().with("code_challenge_method", "S512"),
            service.request().with("code_challenge_method", ""),
            service.request().without("code_challenge_method"),
            service.request().without("code_challenge"),
            service.request().with("code_challenge", &format!("{challenge}=")),
            service.request().with("code_challenge", &challenge[..42]),
            service.request().with("code_challenge", &format!("{challenge}A")),
            service.request().with("code_challenge", &format!("{}+", &challenge[..42])),
        ] {
            assert_eq!(world.refused(&asking).await, "invalid_request", "{:?}", asking.params);
        }
        world.accepted(&service.request()).await;
    }
}

#[tokio::test]
async fn row_10_the_documented_verifier_answers_the_documented_challenge() {
    let world = World::new().await;
    let verifier = "xyo94uhy3zKvgB0NJwLms86SwcjtWviEOpkBnGgaLlo";
    for at in At::PROFILES {
        let service = world.service(at).await;
        let asking = service.request().with_verifier(verifier);
        assert_eq!(asking.get("code_challenge"), Some("b7elB7ZyxIXgFyvBznKvxl7wOB-H17Pz0a3B62NIMFI"));
        let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
        service.tokens(&answer).await;
    }
}

#[tokio::test]
async fn row_11_a_verifier_shorter_than_43_or_longer_than_128_characters_is_rejected() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    for length in [1, 42, 129, 1000] {
        let verifier = "a".repeat(length);
        let answer = service
            .login_with(&mut world.browser(), PERSON, service.request().with_verifier(&verifier))
            .await;
        assert_eq!(world.refused_at_token(&service.redemption(&answer)).await, "invalid_grant", "{length}");
    }
    for length in [43, 128] {
        let verifier = "a-._~Z9".repeat(20)[..length].to_owned();
        let answer = service
            .login_with(&mut world.browser(), PERSON, service.request().with_verifier(&verifier))
            .await;
        service.tokens(&answer).await;
    }
}

#[tokio::test]
async fn row_12_a_public_client_without_state_is_rejected() {
    let world = World::new().await;
    for at in At::PROFILES {
        let public = world.register(at, public("public")).await;
        for asking in [public.request().without("state"), public.request().with("state", "")] {
            assert_eq!(world.refused(&asking).await, "invalid_request");
        }
        assert_eq!(
            world.refused(&public.without_pkce().request()).await,
            "invalid_request",
            "nor without PKCE"
        );
        world.tokens(&public, PERSON).await;
        // A confidential client may leave it out.
        world.accepted(&world.service(at).await.request().without("state")).await;
    }
}

#[tokio::test]
async fn row_13_responses_carry_iss_at_current_and_not_at_pilot() {
    let world = World::new().await;
    for (at, iss) in [
        (At::Current, Some("http://localhost:8080")),
        (At::Split, Some("https://test.idporten.no")),
        (At::Pilot, None),
    ] {
        let service = world.service(at).await;
        let answer = world.answer(&service, PERSON).await;
        assert_eq!(answer.get("iss"), iss);
        let asking = service.request().without("scope");
        assert_eq!(asking.answer(&asking.send().await).get("iss"), iss, "on an error too");
    }
}

#[tokio::test]
async fn row_14_state_of_any_printable_character_comes_back_after_one_decoding() {
    let world = World::new().await;
    let printable: String = (0x20..=0x7E_u8).map(char::from).collect();
    for at in At::PROFILES {
        let service = world.service(at).await;
        for unprintable in ["a\u{7f}", "a\nb", "a\u{0}", "å", "a\tb"] {
            assert_eq!(world.refused(&service.request().with("state", unprintable)).await, "invalid_request");
        }
        for state in [printable.clone(), "%2B+%20 &=#".to_owned(), "x".repeat(2048)] {
            let asking = service.request().with("state", &state);
            let answer = service.login_with(&mut world.browser(), PERSON, asking.clone()).await;
            assert_eq!(answer.get("state"), Some(state.as_str()));
            assert_marks(&asking, &answer);
        }
    }
}

#[tokio::test]
async fn row_16_a_login_at_high_for_a_substantial_request_says_high() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        for (asked, picked) in
            [(at.substantial(), at.high()), (at.substantial(), at.substantial()), (at.high(), at.high())]
        {
            let (asking, mut browser) = (service.request().with("acr_values", asked), world.browser());
            let page = world.page(&mut browser, &asking).await;
            let left = browser.log_in(&page, PERSON, picked).await;
            let tokens = service.tokens(&asking.answer(&left)).await;
            assert_eq!(tokens.claim("acr"), picked, "{at:?}");
        }
    }
}

#[tokio::test]
async fn row_16_a_level_below_the_request_is_neither_offered_nor_taken() {
    let world = World::new().await;
    for at in At::OPEN {
        let asking = world.service(at).await.request().with("acr_values", at.high());
        let mut browser = world.browser();
        let page = world.page(&mut browser, &asking).await;
        assert_eq!(page.form().offers("acr"), [at.high()]);
        let before = world.rows();
        for low in [at.substantial(), "idporten-loa-low", "Level0", ""] {
            let again = browser.log_in(&page, PERSON, low).await;
            assert!(again.is_page_with(422), "{low}: {}", again.status);
        }
        world.assert_untouched(&before);
        assert!(asking.answer(&browser.log_in(&page, PERSON, at.high()).await).get("code").is_some());
    }
}

#[tokio::test]
async fn row_16_an_unknown_level_is_invalid_request() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for wrong in [
            "Level5",
            "idporten-loa-HIGH",
            "urn:x",
            if at == At::Pilot { "idporten-loa-high" } else { "Level4" },
        ] {
            assert_eq!(
                world.refused(&service.request().with("acr_values", wrong)).await,
                "invalid_request",
                "{wrong}"
            );
        }
        world.accepted(&service.request().with("acr_values", at.high())).await;
    }
}

#[tokio::test]
async fn row_18_ui_locales_beats_nb() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for (asked, shown) in [
            (None, "nb"),
            (Some("en"), "en"),
            (Some("nn"), "nn"),
            (Some("se"), "se"),
            (Some("fr"), "nb"),
            (Some("fr en"), "en"),
            (Some(""), "nb"),
        ] {
            let asking =
                asked.map_or_else(|| service.request(), |asked| service.request().with("ui_locales", asked));
            let page = world.accepted(&asking).await.text();
            assert!(page.contains(&format!("<html lang=\"{shown}\" ")), "{asked:?}: {}", &page[..80]);
        }
    }
}

#[tokio::test]
async fn row_18_the_language_the_person_picked_beats_ui_locales() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let asking = service.request().with("ui_locales", "en");
        for (picked, shown) in [("xx", "en"), ("se", "se"), ("nn", "nn")] {
            let mut browser = world.browser();
            browser.plant(at.page_host(), "IDPORTEN_SELECTED_LANGUAGE", picked);
            let page = browser.visit(&asking.url()).await;
            let page = browser.follow(page).await.text();
            assert!(page.contains(&format!("<html lang=\"{shown}\" ")), "{picked}: {}", &page[..80]);
        }
    }
}

#[tokio::test]
async fn row_21_amr_and_acr_have_the_profile_s_shape() {
    let world = World::new().await;
    for (at, amr, acr) in
        [(At::Pilot, json!("TestID"), "Level3"), (At::Current, json!(["TestID"]), "idporten-loa-substantial")]
    {
        let tokens = world.tokens(&world.service(at).await, PERSON).await;
        assert_eq!((tokens.claim("amr"), tokens.claim("acr")), (amr, json!(acr)));
    }
    let array = ClientRegistration { amr_claim: Some(AmrClaim::Array), ..registration("array") };
    let array = world.register(At::Pilot, array).await;
    assert_eq!(world.tokens(&array, PERSON).await.claim("amr"), json!(["TestID"]), "as the client asked");
}

#[tokio::test]
async fn row_22_aud_is_a_string_and_the_id_token_lives_120_seconds() {
    let world = World::new().await;
    for at in At::PROFILES {
        let tokens = world.tokens(&world.service(at).await, PERSON).await;
        assert_eq!(tokens.claim("aud"), json!("web"));
        let time = |name| tokens.claim(name).as_i64().unwrap();
        assert_eq!(time("exp") - time("iat"), 120);
        assert_eq!((time("iat"), time("auth_time")), (world.now().unix(), world.now().unix()));
    }
}

#[tokio::test]
async fn row_23_sub_is_stable_for_client_and_person_and_differs_between_clients() {
    let world = World::new().await;
    for (at, length) in [(At::Pilot, 44), (At::Current, 43)] {
        let (one, two) = (world.service(at).await, world.register(at, registration("two")).await);
        let first = world.tokens(&one, PERSON).await.claim("sub");
        assert_eq!(first.as_str().unwrap().len(), length);
        world.wait(86_400);
        assert_eq!(world.tokens(&one, PERSON).await.claim("sub"), first);
        assert_ne!(world.tokens(&one, PERSONS[1]).await.claim("sub"), first);
        assert_ne!(world.tokens(&two, PERSON).await.claim("sub"), first);
    }
}

#[tokio::test]
async fn row_24_no_sid_without_a_registered_logout_and_no_at_hash() {
    let world = World::new().await;
    let tokens = world.tokens(&world.service(At::Current).await, PERSON).await;
    assert_eq!((tokens.claim("sid"), tokens.claim("at_hash")), (Value::Null, Value::Null));
}

#[tokio::test]
async fn row_26_another_method_than_the_registered_one_is_invalid_client() {
    let world = World::new().await;
    for at in At::PROFILES {
        let basic = world.service(at).await;
        let post = ClientRegistration {
            token_endpoint_auth_method: AuthMethod::ClientSecretPost,
            ..registration("post")
        };
        let post = world.register(at, post).await;
        let public = world.register(at, public("public")).await;
        for (registered, others) in [
            (&basic, ["client_secret_post", "none"]),
            (&post, ["client_secret_basic", "none"]),
            (&public, ["client_secret_basic", "client_secret_post"]),
        ] {
            let answer = world.answer(registered, PERSON).await;
            for method in others {
                let other = registered.pretending(|service| {
                    service.method = method.to_owned();
                    service.secret =
                        service.secret.clone().or_else(|| Some("a-secret-that-nobody-gave".to_owned()));
                });
                let other = other.redemption(&answer);
                world.refused_by(&other, "invalid_client", "client-method-differs").await;
            }
            registered.tokens(&answer).await;
        }
    }
}

#[tokio::test]
async fn row_33_a_scope_with_opaque_tokens_gives_one_and_consumer_is_iso6523() {
    let world = World::new().await;
    world.scope(At::Current, opaque_scope("example:opaque")).await;
    let scopes = Scopes::parse("openid profile example:opaque").unwrap();
    let service = world.register(At::Current, ClientRegistration { scopes, ..registration("opaque") }).await;
    let answer = world.answer(&service, PERSON).await;
    let jwt = service.tokens(&answer).await.access_token;
    let claims = service.verify(&jwt).await.expect("self-contained by default");
    assert_eq!(claims["consumer"], json!({ "authority": "iso6523-actorid-upis", "ID": "0192:991825827" }));

    let asking = service.request().with("scope", "openid profile example:opaque");
    let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
    let tokens = service.tokens(&answer).await;
    assert!(!tokens.access_token.contains('.') && tokens.access_token.len() == 43);
    assert_eq!(service.userinfo(&tokens.access_token).await.status, 200);
}

#[tokio::test]
async fn row_34_an_access_token_has_no_aud_and_resource_is_refused_until_it_can_be_obeyed() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    for resource in ["https://api.example.no/", "urn:x"] {
        assert_eq!(world.refused(&service.request().with("resource", resource)).await, "invalid_target");
    }
    let answer = world.answer(&service, PERSON).await;
    let with_resource = service.redemption(&answer).with("resource", "https://api.example.no/");
    assert_eq!(world.refused_at_token(&with_resource).await, "invalid_target");
    let tokens = service.tokens(&answer).await;
    assert_eq!(service.verify(&tokens.access_token).await.unwrap().get("aud"), None);
}

#[tokio::test]
async fn what_does_not_exist_yet_is_refused_where_ignoring_it_would_change_the_answer() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for (name, value, error) in [
            ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
            ("request_uri", "urn:idporten:x", "request_uri_not_supported"),
            ("response_mode", "form_post", "invalid_request"),
            ("response_mode", "fragment", "invalid_request"),
            ("response_mode", "query.jwt", "invalid_request"),
            ("onbehalfof", "someone", "invalid_request"),
            ("resource", "https://api.example.no", "invalid_target"),
            ("authorization_details", "[]", "invalid_authorization_details"),
        ] {
            assert_eq!(world.refused(&service.request().with(name, value)).await, error, "{name}={value}");
        }
        for (name, value) in [
            ("response_mode", "query"),
            ("grant_type", "authorization_code"),
            ("unknown", "x"),
            ("display", "popup"),
        ] {
            world.accepted(&service.request().with(name, value)).await;
        }
    }
}

#[tokio::test]
async fn s21_the_token_response_names_scope_and_type_and_every_jwt_has_a_kid() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        let tokens = world.tokens(&service, PERSON).await;
        assert_eq!(tokens.response["scope"], "openid profile");
        assert_eq!(tokens.response["token_type"], "Bearer");
        assert_eq!(tokens.response["expires_in"], 600);
        let published: Vec<Value> = service.jwks().await.into_iter().map(|jwk| jwk["kid"].clone()).collect();
        assert!(published.contains(&tokens.header()["kid"]));
        assert_eq!(tokens.header()["alg"], "RS256");
        if at == At::Current {
            assert!(published.contains(&tokens.access_token_header()["kid"]));
            assert!(tokens.header()["x5c"].is_array(), "the current platform names its certificate");
        }
    }
}

#[tokio::test]
async fn s21_acr_and_pid_are_strings_and_acr_is_never_lower_than_asked_for() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let answer = service
            .login_with(&mut world.browser(), PERSON, service.request().with("acr_values", at.high()))
            .await;
        let tokens = service.tokens(&answer).await;
        assert_eq!((tokens.claim("acr"), tokens.claim("pid")), (json!(at.high()), json!(PERSON)));
    }
}

#[tokio::test]
async fn s21_a_client_without_nonce_gets_an_id_token_without_one() {
    let world = World::new().await;
    let service = world.service(At::Pilot).await;
    let asking = service.request().without("nonce");
    let answer = service.login_with(&mut world.browser(), PERSON, asking).await;
    assert_eq!(service.tokens(&answer).await.claim("nonce"), Value::Null);
}

#[tokio::test]
async fn s21_metadata_lists_the_languages_and_levels_that_clients_check_at_start() {
    let world = World::new().await;
    for at in At::ALL {
        let service = world.service(at).await;
        for language in ["nb", "nn", "en", "se"] {
            assert!(
                service.metadata()["ui_locales_supported"].as_array().unwrap().contains(&json!(language))
            );
        }
    }
    let current = world.service(At::Current).await;
    for level in ["idporten-loa-substantial", "idporten-loa-high"] {
        assert!(current.metadata()["acr_values_supported"].as_array().unwrap().contains(&json!(level)));
    }
}

#[tokio::test]
async fn s21_a_browser_client_can_read_answers_and_refusals() {
    let world = World::new().await;
    let public = world.register(At::Current, public("spa")).await;
    let answer = world.answer(&public, PERSON).await;
    let from = |redemption: &Redemption, origin: &str| redemption.call().header("origin", origin);
    let wrong = public.redemption(&answer).with("code", "wrong");
    let refused = world.call(from(&wrong, "https://rp.example.no")).await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("access-control-allow-origin")),
        (400, "https://rp.example.no")
    );
    let given = world.call(from(&public.redemption(&answer), "https://rp.example.no")).await;
    assert_eq!(
        (given.status.as_u16(), given.header("access-control-allow-origin")),
        (200, "https://rp.example.no")
    );
    let token = public.read(&given).await.access_token;
    let userinfo = Call::get(public.url("userinfo_endpoint")).bearer(&token);
    let userinfo = world.call(userinfo.header("origin", "https://rp.example.no")).await;
    assert_eq!(userinfo.header("access-control-allow-origin"), "https://rp.example.no");
}
