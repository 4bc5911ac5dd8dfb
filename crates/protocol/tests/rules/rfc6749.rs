//! The OAuth 2.0 Authorization Framework.

use portvakt_crypto::encoding::base64_encode;
use portvakt_protocol::authorize::{
    AuthorizeFault, PageFault, RequestFault, ScopeFault, address, client_id, validate,
};
use portvakt_protocol::client::{AuthMethod, ClientId};
use portvakt_protocol::params::{ParamsFault, RawParams, Repeated};
use portvakt_protocol::profile::{IDPORTEN, PILOT, Profile};
use portvakt_protocol::provider::{Environment, PersonStanding};
use portvakt_protocol::refusal::{Fault, Malformed};
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::secret::Code;
use portvakt_protocol::token::{
    ClientFault, GrantFault, TokenFault, TokenRequest, authenticate, credentials, exchange,
};
use portvakt_protocol::userinfo::present;
use portvakt_protocol::witness::Spent;
use proptest::prelude::*;

use crate::scene::{
    NOW, REDIRECT_URI, SECRET, addressed, after, authenticating, client, draws, loaded, params, proof,
    provider, redemption, request, web,
};

fn refused(changes: &[(&str, &str)]) -> AuthorizeFault {
    let provider = provider(&IDPORTEN);
    validate(addressed(&provider, request(changes)).unwrap(), &provider).unwrap_err().fault
}

#[test]
fn s2_3_exactly_one_method_of_client_authentication() {
    let basic = format!("Basic {}", base64_encode(b"web:secret"));
    let basic = basic.as_bytes();
    let posted = params(&[("client_id", "web"), ("client_secret", "secret")]);
    assert_eq!(credentials(&[basic], &posted).unwrap_err(), TokenFault::TwoMethods);
    assert_eq!(credentials(&[basic, basic], &params(&[])).unwrap_err(), TokenFault::TwoMethods);
    let other = params(&[("client_id", "other")]);
    assert_eq!(credentials(&[basic], &other).unwrap_err(), TokenFault::ClientIdDiffers);
    let nobody = TokenFault::Client(ClientFault::Missing);
    assert_eq!(credentials(&[], &params(&[])).unwrap_err(), nobody);
    for (authorization, form) in
        [(&[basic][..], params(&[])), (&[basic], params(&[("client_id", "web")])), (&[], posted)]
    {
        assert_eq!(credentials(authorization, &form).unwrap().client_id().as_str(), "web");
    }
}

#[test]
fn s2_3_the_registered_method_and_no_other() {
    let provider = provider(&PILOT);
    let basic = format!("Basic {}", base64_encode(b"web:a+secret+with+%3A+%2B+%25+in+it"));
    let posted = params(&[("client_id", "web"), ("client_secret", SECRET)]);
    let alone = params(&[("client_id", "web")]);
    let methods = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost, AuthMethod::None];
    for registered in methods {
        let registered = authenticating(registered);
        let client = client(&provider, &registered);
        for (used, authorization, form) in [
            (methods[0], &[basic.as_bytes()][..], &params(&[])),
            (methods[1], &[], &posted),
            (methods[2], &[], &alone),
        ] {
            let credentials = credentials(authorization, form).unwrap();
            let authenticated = authenticate(&credentials, Some(client.clone()), NOW);
            assert_eq!(authenticated.is_ok(), used == registered.token_endpoint_auth_method, "{used:?}");
        }
    }
}

#[test]
fn s2_3_1_a_secret_is_wrong_by_one_character_and_ended_at_its_instant() {
    let provider = provider(&PILOT);
    let post = authenticating(AuthMethod::ClientSecretPost);
    let client = client(&provider, &post);
    let try_at = |secret: &str, now| {
        let posted = params(&[("client_id", "web"), ("client_secret", secret)]);
        authenticate(&credentials(&[], &posted).unwrap(), Some(client.clone()), now).map(|_| ())
    };
    let id = ClientId::parse("web").unwrap();
    let wrong = |length| Err(TokenFault::Client(ClientFault::SecretWrong(id.clone(), length)));
    assert_eq!(try_at(&SECRET[1..], NOW), wrong(SECRET.len() - 1));
    assert_eq!(try_at(&SECRET.to_uppercase(), NOW), wrong(SECRET.len()));
    assert_eq!(
        try_at(SECRET, after(1000)),
        Err(TokenFault::Client(ClientFault::SecretExpired(id, after(1000))))
    );
    assert_eq!(try_at(SECRET, after(999)), Ok(()));
}

#[test]
fn s3_1_no_parameter_stands_twice_and_an_empty_one_is_absent() {
    for name in ["response_type", "scope", "state", "nonce", "code_challenge", "prompt", "unknown"] {
        let provider = provider(&IDPORTEN);
        let twice: RawParams = request(&[(name, "code")])
            .iter()
            .chain([(name, "")])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let refused = validate(addressed(&provider, twice).unwrap(), &provider).unwrap_err();
        assert_eq!(refused.fault, AuthorizeFault::Malformed(Malformed::Repeated(Repeated(name.to_owned()))));
    }
    let empty = params(&[("client_id", "")]);
    assert_eq!(client_id(&empty), Err(PageFault::ClientIdMissing));
    assert_eq!(empty.one("client_id"), Ok(None));
}

#[test]
fn s3_1_1_only_the_response_type_code() {
    for other in ["token", "code token", "Code", "code "] {
        assert_eq!(
            refused(&[("response_type", other)]),
            AuthorizeFault::Request(RequestFault::ResponseType(other.to_owned()))
        );
    }
    assert_eq!(refused(&[("response_type", "")]), AuthorizeFault::Request(RequestFault::ResponseTypeMissing));
}

#[test]
fn s3_1_2_3_the_redirect_uri_is_compared_by_string() {
    let provider = provider(&PILOT);
    for other in [
        "https://rp.example.no/cb/",
        "https://RP.example.no/cb",
        "https://rp.example.no:443/cb",
        "https://rp.example.no/%63b",
    ] {
        let fault = addressed(&provider, request(&[("redirect_uri", other)])).unwrap_err();
        assert_eq!(
            fault,
            PageFault::RedirectUriUnregistered(ClientId::parse("web").unwrap(), other.to_owned())
        );
    }
    assert_eq!(addressed(&provider, request(&[])).unwrap().redirect_uri().as_str(), REDIRECT_URI);
}

#[test]
fn s3_3_a_scope_has_its_characters_and_is_registered() {
    for wrong in ["open\"id", "a\\b", "openid  profile", " openid", "openid ", "\u{e5}", "a\tb"] {
        assert!(Scopes::parse(wrong).is_err(), "{wrong:?}");
        assert_eq!(refused(&[("scope", wrong)]).refusal().rule.code.as_str(), "invalid_scope");
    }
    assert_eq!(refused(&[("scope", "")]), AuthorizeFault::Scope(ScopeFault::Missing));
    let unregistered = AuthorizeFault::Scope(ScopeFault::NotRegistered("email".to_owned()));
    assert_eq!(refused(&[("scope", "openid email")]), unregistered);
    let provider = provider(&PILOT);
    let alone = addressed(&provider, request(&[("scope", "openid")])).unwrap();
    assert_eq!(validate(alone, &provider).unwrap().scopes().to_string(), "openid");
}

#[test]
fn s4_1_2_1_an_unknown_client_is_shown_not_redirected() {
    let provider = provider(&PILOT);
    for (sent, client) in [("nobody", None), ("nobody", Some(web(&provider))), ("w eb", Some(web(&provider)))]
    {
        let fault = address(request(&[("client_id", sent)]), client).unwrap_err();
        assert_eq!(
            fault,
            PageFault::ClientUnknown(sent.to_owned(), Vec::new()),
            "and a page fault has no address to go to"
        );
    }
    assert!(addressed(&provider, request(&[])).is_ok());
}

#[test]
fn s4_1_2_1_a_refusal_goes_to_the_redirect_uri_with_error_and_state() {
    for (profile, iss) in [(&PILOT, ""), (&IDPORTEN, "&iss=http%3A%2F%2Flocalhost%3A8080%2Fidporten")] {
        let provider = provider(profile);
        let wrong = addressed(&provider, request(&[("scope", "email"), ("state", "a &=%+#b")])).unwrap();
        let refused = validate(wrong, &provider).unwrap_err();
        let location = refused.addressed.refuse(&provider, &refused.fault, "0123");
        assert!(
            location.starts_with("https://rp.example.no/cb?error=invalid_scope&error_description="),
            "{location}"
        );
        assert!(location.ends_with(&format!("&state=a%20%26%3D%25%2B%23b{iss}")), "{location}");
    }
}

#[test]
fn s4_1_2_a_code_lives_sixty_seconds() {
    let provider = provider(&PILOT);
    let code = Code::presented("a code");
    let at = |seconds| {
        let loaded = Some(loaded(&provider, &code, request(&[])));
        exchange(
            &proof(&provider),
            &redemption("a code", &[]),
            loaded,
            PersonStanding::Active,
            draws(),
            &provider,
            after(seconds),
        )
        .map(|_| ())
    };
    assert_eq!(at(60), Err(TokenFault::Grant(GrantFault::CodeExpired)));
    assert_eq!(at(59), Ok(()));
}

#[test]
fn s4_1_3_a_code_is_its_client_s_and_its_redirect_uri_s() {
    let provider = provider(&IDPORTEN);
    let code = Code::presented("a code");
    let mut foreign = loaded(&provider, &code, request(&[]));
    foreign.grant.client_id = ClientId::parse("other").unwrap();
    let try_with = |loaded, changes: &[(&str, &str)]| {
        exchange(
            &proof(&provider),
            &redemption("a code", changes),
            loaded,
            PersonStanding::Active,
            draws(),
            &provider,
            NOW,
        )
        .map(|_| ())
    };
    assert_eq!(try_with(None, &[]), Err(TokenFault::Grant(GrantFault::CodeUnknown(6))));
    assert_eq!(try_with(Some(foreign), &[]), Err(TokenFault::Grant(GrantFault::CodeUnknown(6))));
    let own = || Some(loaded(&provider, &code, request(&[])));
    let moved = "https://rp.example.no/cb/".to_owned();
    assert_eq!(
        try_with(own(), &[("redirect_uri", &moved)]),
        Err(TokenFault::Grant(GrantFault::RedirectUriDiffers(moved.clone())))
    );
    assert_eq!(try_with(own(), &[]), Ok(()));
}

#[test]
fn s4_1_3_a_revoked_grant_and_a_stopped_person_give_nothing() {
    let provider = provider(&PILOT);
    let code = Code::presented("a code");
    let mut revoked = loaded(&provider, &code, request(&[]));
    revoked.revoked = true;
    let try_with = |loaded, standing| {
        exchange(
            &proof(&provider),
            &redemption("a code", &[]),
            Some(loaded),
            standing,
            draws(),
            &provider,
            NOW,
        )
        .map(|_| ())
    };
    assert_eq!(try_with(revoked, PersonStanding::Active), Err(TokenFault::Grant(GrantFault::CodeUnknown(6))));
    let own = || loaded(&provider, &code, request(&[]));
    assert_eq!(
        try_with(own(), PersonStanding::Deactivated),
        Err(TokenFault::Grant(GrantFault::PersonStopped))
    );
    assert_eq!(try_with(own(), PersonStanding::Unassigned), Ok(()));
}

#[test]
fn s4_1_3_other_grants_and_missing_parameters_are_refused() {
    for grant in ["password", "client_credentials", "Refresh_Token", "Authorization_Code"] {
        let fault = TokenRequest::parse(&params(&[("grant_type", grant)])).unwrap_err();
        assert_eq!(fault, TokenFault::GrantType(grant.to_owned()));
    }
    assert_eq!(TokenRequest::parse(&params(&[])).unwrap_err(), TokenFault::GrantTypeMissing);
    let complete = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", "y")];
    for (at, name) in [(1, "code"), (2, "redirect_uri")] {
        let mut missing = complete.to_vec();
        missing.remove(at);
        assert_eq!(TokenRequest::parse(&params(&missing)).unwrap_err(), Malformed::Missing(name).into());
    }
    assert!(TokenRequest::parse(&params(&complete)).is_ok());
}

#[test]
fn s10_5_a_plan_is_signed_only_with_the_store_s_word_about_its_own_code_and_token() {
    let provider = provider(&PILOT);
    let code = Code::presented("a code");
    let plan = || {
        let loaded = Some(loaded(&provider, &code, request(&[])));
        exchange(
            &proof(&provider),
            &redemption("a code", &[]),
            loaded,
            PersonStanding::Active,
            draws(),
            &provider,
            NOW,
        )
        .unwrap()
    };
    let (own, token) = (plan().code(), plan().access_token().digest);
    let other = Code::presented("another code").digest();
    let other_token = portvakt_protocol::secret::AccessToken::presented("another token").digest();
    assert!(plan().join(&Spent::vouched(other, (token, None))).is_none());
    assert!(plan().join(&Spent::vouched(own, (other_token, None))).is_none());
    let refresh_token = portvakt_protocol::secret::RefreshToken::presented("a refresh token").digest();
    assert!(plan().join(&Spent::vouched(own, (token, Some(refresh_token)))).is_none());
    assert!(plan().join(&Spent::vouched(own, (token, None))).is_some());
}

#[test]
fn appendix_b_what_is_no_form_encoding_is_refused() {
    for wrong in ["a=%", "a=%4", "a=%zz", "%=a", "a=%ff", "a=%C3%28"] {
        assert_eq!(RawParams::parse(wrong.as_bytes()), Err(ParamsFault::Encoding), "{wrong}");
    }
    assert_eq!(RawParams::parse("a=1&".repeat(65).as_bytes()), Err(ParamsFault::TooMany));
    let right = RawParams::parse(b"a=1+2%2B3&b&=c&a=").unwrap();
    assert_eq!(right.iter().collect::<Vec<_>>(), [("a", "1 2+3"), ("b", ""), ("", "c"), ("a", "")]);
}

/// RFC 6749 §5.2: `error_description` has the characters %x20-21 / %x23-5B / %x5D-7E.
fn describes(fault: &impl Fault) -> Result<(), TestCaseError> {
    let refusal = fault.refusal();
    let described = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    let description = refusal.description(Environment::Test, "0123456789abcdef0123456789abcdef");
    prop_assert!(description.bytes().all(described), "{description}");
    prop_assert!(description.ends_with("(trace_id: 0123456789abcdef0123456789abcdef)"), "{description}");
    prop_assert!(
        description.contains(&format!("; rule {}, environment test (", refusal.rule.told_name())),
        "{description}"
    );
    prop_assert!(!refusal.fix.is_empty());
    let logged = refusal.received.to_string();
    prop_assert!(
        !logged.contains(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}', '\u{1b}', '\u{202e}']),
        "{logged:?}"
    );
    Ok(())
}

/// Parameter names that some rule reads, and any text at all.
fn any_pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = prop_oneof![
        4 => prop::sample::select(vec![
            "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
            "code_challenge_method", "acr_values", "prompt", "max_age", "ui_locales", "response_mode", "request",
            "request_uri", "onbehalfof", "resource", "authorization_details", "grant_type", "code",
            "code_verifier", "client_secret", "client_assertion", "access_token",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let values = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "",
            "code",
            "web",
            REDIRECT_URI,
            "openid",
            "none",
            "login",
            "S256",
            "Level4",
            "authorization_code",
            "0"
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec((names, values), 0..12)
}

proptest! {
    #[test]
    fn s5_2_every_refusal_of_any_authorization_request_is_in_its_characters(pairs in any_pairs(), pilot: bool) {
        let profile: &'static Profile = if pilot { &PILOT } else { &IDPORTEN };
        let provider = provider(profile);
        // As it came, and once more with an address, so that the later rules are reached.
        let with_address: Vec<_> = pairs.iter().filter(|(name, _)| name != "client_id" && name != "redirect_uri").cloned()
            .chain([("client_id".to_owned(), "web".to_owned()), ("redirect_uri".to_owned(), REDIRECT_URI.to_owned())]).collect();
        for pairs in [pairs, with_address] {
            match addressed(&provider, pairs.into_iter().collect()) {
                Err(page) => describes(&page)?,
                Ok(addressed) => if let Err(refused) = validate(addressed, &provider) {
                    describes(&refused.fault)?;
                    let location = refused.addressed.refuse(&provider, &refused.fault, "0123");
                    prop_assert!(location.starts_with(REDIRECT_URI));
                    prop_assert!(location.bytes().all(|byte| (0x21..0x7F).contains(&byte)), "{location}");
                },
            }
        }
    }

    #[test]
    fn s5_2_every_refusal_of_any_token_request_is_in_its_characters(
        pairs in any_pairs(),
        header in prop::option::of(any::<Vec<u8>>()),
        basic in prop::option::of(any::<Vec<u8>>()),
    ) {
        let provider = provider(&IDPORTEN);
        let form: RawParams = pairs.into_iter().collect();
        let basic = basic.map(|pair| format!("Basic {}", base64_encode(&pair)).into_bytes());
        let authorization: Vec<&[u8]> = header.iter().chain(&basic).map(Vec::as_slice).collect();
        match credentials(&authorization, &form) {
            Err(fault) => describes(&fault)?,
            Ok(credentials) => if let Err(fault) = authenticate(&credentials, Some(web(&provider)), NOW) {
                describes(&fault)?;
            },
        }
        if let Err(fault) = TokenRequest::parse(&form) {
            describes(&fault)?;
        }
        if let Err(fault) = present(&authorization, Some(&form)) {
            describes(&fault)?;
        }
    }

    #[test]
    fn appendix_b_parse_and_print_agree(pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..20)) {
        let params: RawParams = pairs.iter().cloned().collect();
        let printed = params.encode();
        prop_assert_eq!(RawParams::parse(printed.as_bytes()).unwrap(), params);
        prop_assert!(printed.bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn appendix_b_any_bytes_are_parameters_or_refused(bytes: Vec<u8>) {
        if let Ok(params) = RawParams::parse(&bytes) {
            prop_assert_eq!(RawParams::parse(params.encode().as_bytes()).unwrap(), params);
        }
    }

    #[test]
    fn s4_1_2_state_comes_back_by_one_decoding(state in "[\\x20-\\x7E]{1,200}") {
        let provider = provider(&PILOT);
        let refused = addressed(&provider, request(&[("state", &state), ("scope", "email")])).unwrap();
        let fault = AuthorizeFault::Scope(ScopeFault::Missing);
        let location = refused.refuse(&provider, &fault, "0123");
        let query = location.split_once('?').unwrap().1;
        let answer = RawParams::parse(query.as_bytes()).unwrap();
        prop_assert_eq!(answer.one("state"), Ok(Some(state.as_str())));
    }
}
