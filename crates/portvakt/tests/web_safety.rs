//! What browsers must be protected from: scripts in what is shown, forms posted from elsewhere, cookies that travel, origins that
//! read, and redirect URIs that only look registered.

use portvakt_protocol::registration::ClientRegistration;
use portvakt_testkit::{At, Browser, Call, Method, PERSONS, Reply, World, log, native, public, registration};

const PERSON: &str = PERSONS[0];

/// Texts that would run, break out of an attribute, or turn what is read, were they not escaped.
const HOSTILE: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</main></body><script>alert(1)</script>",
    "javascript:alert(1)",
    "\" autofocus onfocus=alert(1) x=\"",
    "{{7*7}}${alert(1)}",
    "\u{202e}lmth\u{2066}x",
    "<!--<base href=//evil.example>",
];

/// A page in which nothing of `hostile` is markup, and that runs nothing in any case.
#[track_caller]
fn assert_inert(page: &Reply, hostile: &str) {
    let html = page.text();
    for markup in ["<script", "<svg", "<base", "<!--<"] {
        assert!(!html.contains(markup), "{markup} of {hostile:?} in {}", page.url);
    }
    for image in html.split("<img").skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        let own = image.starts_with(" src=\"/") && image.contains("/assets/icon-");
        assert!(own, "<img{image}> of {hostile:?} in {}", page.url);
    }
    // As text between tags it may stand, escaped; in no tag.
    for tag in html.split('<').filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag) {
        // The page's own way back, a path of ours: a value between quotes, in which nothing ends it.
        let way_back = tag.strip_prefix("input type=\"hidden\" name=\"back\" value=\"/");
        if way_back.and_then(|value| value.strip_suffix('"')).is_some_and(|value| !value.contains('"')) {
            continue;
        }
        for running in ["onerror", "onload", "onfocus", "javascript:", "alert(1)"] {
            assert!(!tag.contains(running), "{running} of {hostile:?} in <{tag}>");
        }
    }
    let policy = page.header("content-security-policy");
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
}

#[tokio::test]
async fn xss_a_hostile_display_name_is_text_on_every_page() {
    let world = World::new().await;
    for at in At::PROFILES {
        for (number, hostile) in HOSTILE.into_iter().enumerate() {
            let named = ClientRegistration {
                display_name: hostile.to_owned(),
                ..registration(&format!("named-{number}"))
            };
            let service = world.register(at, named).await;
            let mut browser = world.browser();
            let reply = browser.visit(&service.request().url()).await;
            assert_inert(&reply, hostile);
            if reply.status == 200 {
                assert_inert(&browser.log_in_as(&reply, "not a number").await, hostile);
            }
        }
    }
}

#[tokio::test]
async fn xss_no_request_parameter_is_markup_on_any_page() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for hostile in HOSTILE {
            for name in [
                "client_id",
                "redirect_uri",
                "state",
                "nonce",
                "scope",
                "login_hint",
                "ui_locales",
                "claims",
                "acr_values",
                "prompt",
                "display",
                "response_type",
                "error_description",
                "unknown",
            ] {
                let reply = service.request().with(name, hostile).send().await;
                if reply.is_page() {
                    assert_inert(&reply, hostile);
                }
                // And on the page of a refusal without address, whatever else stands in the request.
                let page = world
                    .refused_on_page(&service.request().with("client_id", "nobody").with(name, hostile))
                    .await;
                assert_inert(&page, hostile);
            }
            for name in ["login_hint", "ui_locales", "claims", "nonce", "display"] {
                let page = world.browser().visit(&service.request().with(name, hostile).url()).await;
                if page.is_page() {
                    assert_inert(&page, hostile);
                }
            }
        }
    }
}

#[tokio::test]
async fn xss_nothing_typed_on_the_login_page_comes_back_as_markup() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let mut browser = world.browser();
    let page = world.page(&mut browser, &service.request()).await;
    for hostile in HOSTILE {
        for form in [
            page.form().with("pid", hostile),
            page.form().with("pid", PERSON).with("acr", hostile),
            page.form().with("pid", PERSON).with("acr", "idporten-loa-high").with("form_token", hostile),
        ] {
            let reply = browser.submit(&form.with("action", "login")).await;
            assert!(reply.is_page() && reply.location().is_none());
            assert_inert(&reply, hostile);
        }
        let elsewhere =
            format!("http://localhost:8080/login/{}", hostile.replace(['/', ' ', '#', '?', '%'], "."));
        if elsewhere.is_ascii() && !elsewhere.contains(['"', '<', '>', '{', '}', '\\']) {
            assert_inert(&browser.visit(&elsewhere).await, hostile);
        }
    }
    assert!(browser.log_in_as(&page, PERSON).await.location().is_some());
}

#[tokio::test]
async fn csrf_a_login_form_is_taken_from_our_own_page_in_the_same_browser_only() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let (asking, mut browser) = (service.request(), world.browser());
        let page = world.page(&mut browser, &asking).await;
        let form = page.form().with("pid", PERSON).with("action", "login");
        let before = world.rows();
        for initiator in ["https://evil.example", "https://rp.example.no", "null"] {
            let reply = browser.post_from(initiator, &form.action, &form.fields).await;
            assert!(
                reply.is_page() && matches!(reply.status.as_u16(), 400 | 403),
                "{initiator}: {}",
                reply.status
            );
        }
        for wrong in [
            form.clone().without("form_token"),
            form.clone().with("form_token", ""),
            form.clone().with("form_token", &"A".repeat(43)),
        ] {
            let page = browser.submit(&wrong).await;
            assert_eq!(page.status, 403);
            let text = page.text();
            let told = text.split("id=\"sentence\">").nth(1).and_then(|rest| rest.split('<').next());
            assert!(told.is_some_and(|told| told.ends_with('.')), "a whole sentence: {told:?}");
        }
        // Another login's token in the same browser is as good as none.
        let mut other = world.browser();
        let other_page = world.page(&mut other, &service.request()).await;
        let rows = world.rows();
        let swapped = form.clone().with("form_token", other_page.form().value("form_token"));
        assert_eq!(browser.submit(&swapped).await.status, 403);
        world.assert_untouched(&rows);
        assert_ne!(rows, before, "only the other login was begun meanwhile");
        assert!(asking.answer(&browser.submit(&form).await).get("code").is_some());
    }
}

#[tokio::test]
async fn csrf_a_form_posted_with_the_cookie_but_from_another_origin_is_refused() {
    let world = World::new().await;
    let service = world.service(At::Exttest).await;
    let mut browser = world.browser();
    let form =
        world.page(&mut browser, &service.request()).await.form().with("pid", PERSON).with("action", "login");
    let cookie = browser.cookies(At::Exttest.page_host()).join("; ");
    let own = "https://eid-exttest.difi.no";
    let before = world.rows();
    for (origin, site) in [
        ("https://evil.example", "cross-site"),
        ("https://evil.difi.no", "same-site"),
        ("http://eid-exttest.difi.no", "same-site"),
        ("https://eid-exttest.difi.no:8443", "same-site"),
        ("null", "cross-site"),
        (own, "cross-site"),
        ("https://evil.example", "same-origin"),
    ] {
        let call = Call::post(&form.action, &form.fields).header("cookie", &cookie);
        let reply = world.call(call.header("origin", origin).header("sec-fetch-site", site)).await;
        assert_eq!(reply.status, 403, "{origin} {site}");
    }
    world.assert_untouched(&before);
    let call = Call::post(&form.action, &form.fields).header("cookie", &cookie).header("origin", own);
    assert_eq!(world.call(call.header("sec-fetch-site", "same-origin")).await.status, 303);
}

#[tokio::test]
async fn login_csrf_an_attacker_cannot_put_a_victim_into_the_attacker_s_login() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let (mut attacker, mut victim) = (world.browser(), world.browser());
        let asking = service.request();
        let page = world.page(&mut attacker, &asking).await;
        let form = page.form().with("pid", PERSON).with("action", "login");
        let before = world.rows();
        // The attacker's page posts the attacker's form in the victim's browser: their cookie is not there.
        let posted = victim.post_from("https://evil.example", &form.action, &form.fields).await;
        assert!(posted.is_page_with(400) || posted.is_page_with(403), "{}", posted.status);
        assert!(posted.headers("set-cookie").is_empty());
        // Nor can it plant one over https: the name demands a cookie that only this host over https may set.
        if at == At::Exttest || at == At::Split {
            assert!(attacker.cookies(at.page_host()).iter().all(|cookie| cookie.starts_with("__Host-")));
        }
        world.assert_untouched(&before);
        assert!(asking.answer(&attacker.submit(&form).await).get("code").is_some());
    }
}

#[tokio::test]
async fn a_request_posted_from_another_site_overwrites_no_login_under_way() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let mut browser = world.browser();
    let asking = service.request();
    let page = world.page(&mut browser, &asking).await;
    for _ in 0..20 {
        let posted = service.request();
        browser
            .post_from("https://evil.example", posted.url().split('?').next().unwrap(), &posted.params)
            .await;
    }
    assert!(asking.answer(&browser.log_in_as(&page, PERSON).await).get("code").is_some());
}

#[tokio::test]
async fn cookies_are_host_bound_over_https_and_never_readable_or_sent_across_sites() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let begun = world.call(Call::get(&service.request().url())).await;
        let set = begun.headers("set-cookie");
        assert_eq!(set.len(), 1);
        let attributes: Vec<&str> = set[0].split("; ").skip(1).collect();
        let https = at.issuer().starts_with("https");
        assert_eq!(set[0].starts_with("__Host-"), https, "{}", set[0]);
        assert_eq!(attributes.contains(&"Secure"), https, "{}", set[0]);
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(&attribute), "{}", set[0]);
        }
        assert!(!set[0].to_ascii_lowercase().contains("domain="));
    }
}

#[tokio::test]
async fn cookies_that_stand_twice_or_are_oversized_are_ignored_safely() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let (asking, mut browser) = (service.request(), world.browser());
        let page = world.page(&mut browser, &asking).await;
        let own = browser.cookies(at.page_host()).join("; ");
        let (name, value) = own.split_once('=').unwrap();
        let before = world.rows();
        for cookie in [
            format!("{own}; {own}"),
            format!("{name}={}", "A".repeat(43)),
            format!("{name}={}", "A".repeat(8000)),
            format!("{name}={value}A"),
            format!("{name}={}", &value[1..]),
            format!("{name}=\"{value}\""),
            format!("{name}="),
            name.to_owned(),
            ";;;=;=".to_owned(),
            format!("{}={value}", name.to_ascii_uppercase()),
        ] {
            let reply = world.call(Call::get(&page.url).header("cookie", &cookie)).await;
            assert!(reply.is_page_with(400), "{cookie}: {}", reply.status);
        }
        world.assert_untouched(&before);
        let among_others = format!("a=b; {own}; c=d");
        assert_eq!(world.call(Call::get(&page.url).header("cookie", &among_others)).await.status, 200);
    }
}

#[tokio::test]
async fn no_secret_of_one_login_is_another_s() {
    let world = World::new().await;
    let service = world.service(At::Split).await;
    let mut browser = world.browser();
    let first = world.page(&mut browser, &service.request()).await;
    let second = world.page(&mut browser, &service.request()).await;
    let cookies = browser.cookies(At::Split.page_host());
    assert_eq!(cookies.len(), 2);
    let halves: Vec<_> = cookies.iter().map(|cookie| cookie.split_once('=').unwrap()).collect();
    assert!(halves[0].0 != halves[1].0 && halves[0].1 != halves[1].1);
    assert_ne!(first.form().value("form_token"), second.form().value("form_token"));
    assert!(!first.text().contains(halves[0].1), "the cookie's value is on no page");
}

/// Who may read an answer, by the headers that the browser obeys.
fn reader(reply: &Reply) -> (&str, &str) {
    (reply.header("access-control-allow-origin"), reply.header("access-control-allow-credentials"))
}

#[tokio::test]
async fn cors_discovery_and_keys_are_for_everybody_and_without_credentials() {
    let world = World::new().await;
    for at in At::ALL {
        let service = world.service(at).await;
        let discovery = format!("{}/.well-known/openid-configuration", at.issuer().trim_end_matches('/'));
        for url in [discovery.as_str(), service.url("jwks_uri")] {
            let reply = world.call(Call::get(url).header("origin", "https://anything.example")).await;
            assert_eq!(reader(&reply), ("*", ""));
        }
    }
}

#[tokio::test]
async fn cors_token_and_userinfo_are_for_the_client_s_own_origins() {
    let world = World::new().await;
    for at in At::PROFILES {
        let spa = world.register(at, public("spa")).await;
        let token = world.tokens(&spa, PERSON).await.access_token;
        for (origin, readable) in [
            ("https://rp.example.no", true),
            ("https://evil.example", false),
            ("https://rp.example.no.evil.example", false),
            ("http://rp.example.no", false),
            ("https://rp.example.no:8443", false),
            ("HTTPS://RP.EXAMPLE.NO", false),
            ("null", false),
        ] {
            let answer = world.answer(&spa, PERSON).await;
            let given = world.call(spa.redemption(&answer).call().header("origin", origin)).await;
            let read = world
                .call(Call::get(spa.url("userinfo_endpoint")).bearer(&token).header("origin", origin))
                .await;
            for reply in [given, read] {
                assert_eq!(reply.status, 200);
                assert_eq!(
                    reader(&reply),
                    (if readable { origin } else { "" }, ""),
                    "{origin} at {}",
                    reply.url
                );
                assert!(reply.headers("vary").iter().any(|vary| vary.eq_ignore_ascii_case("origin")));
            }
        }
    }
}

#[tokio::test]
async fn cors_a_preflight_is_answered_and_promises_no_credentials() {
    let world = World::new().await;
    for at in At::PROFILES {
        let service = world.service(at).await;
        for (member, methods) in [("token_endpoint", "POST"), ("userinfo_endpoint", "GET, POST")] {
            let preflight = |origin| {
                Call::new(Method::OPTIONS, service.url(member))
                    .header("origin", origin)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "authorization")
            };
            let reply = world.call(preflight("https://rp.example.no")).await;
            assert_eq!((reply.status.as_u16(), reader(&reply)), (204, ("https://rp.example.no", "")));
            assert_eq!(reply.header("access-control-allow-methods"), methods);
            assert_eq!(reader(&world.call(preflight("null")).await).0, "", "null is nobody's origin");
        }
    }
}

#[tokio::test]
async fn cors_authorize_login_and_logout_are_read_by_no_other_origin() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let asking = service.request();
        let mut browser = world.browser();
        let page = world.page(&mut browser, &asking).await;
        for url in [
            asking.url(),
            service.request().without("scope").url(),
            service.request().without("client_id").url(),
            page.url,
            service.url("end_session_endpoint").to_owned(),
        ] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let reply =
                    world.call(Call::new(method, &url).header("origin", "https://rp.example.no")).await;
                assert_eq!(reader(&reply), ("", ""), "{url}");
            }
        }
    }
}

/// The strings that only look like a registered redirect URI. Registered are `https://rp.example.no/cb` for a web client, and
/// `http://127.0.0.1/cb` and `no.example.app:/cb` for a native one.
const LOOKALIKES: [&str; 50] = [
    "https://rp.example.no/cb/",
    "https://rp.example.no/CB",
    "https://RP.example.no/cb",
    "HTTPS://rp.example.no/cb",
    "https://rp.example.no:443/cb",
    "https://rp.example.no/cb?x=1",
    "https://rp.example.no/cb?",
    "https://rp.example.no/cb#",
    "https://rp.example.no/cb#f",
    "https://rp.example.no/%63b",
    "https://rp.example.no/./cb",
    "https://rp.example.no/x/../cb",
    "https://rp.example.no//cb",
    "https://rp.example.no/cb/..;/evil",
    "https://rp.example.no/cb%2f..%2fe",
    "https://rp.example.no\\.evil.example/cb",
    "https://rp.example.no\\@evil.example/cb",
    "https://rp.example.no@evil.example/cb",
    "https://evil.example@rp.example.no/cb",
    "https://a@b@rp.example.no/cb",
    "https://rp.example.no%40evil.example/cb",
    "https://rp.example.no.evil.example/cb",
    "https://evilrp.example.no/cb",
    "https://rp-example.no/cb",
    "https://rpXexample.no/cb",
    "https://rp.example.no./cb",
    "https://rp\u{3002}example.no/cb",
    "https://r\u{440}.example.no/cb",
    "https://rp.example.no%00.evil.example/cb",
    "https://rp.example.no/cb%0d%0aLocation:%20https://evil.example",
    "https://rp.example.no/cb ",
    "\thttps://rp.example.no/cb",
    "//rp.example.no/cb",
    "/cb",
    "http://rp.example.no/cb",
    "https:rp.example.no/cb",
    "https:///rp.example.no/cb",
    "javascript://rp.example.no/%0aalert(1)",
    "data:text/html,x",
    "https://[::ffff:127.0.0.1]/cb",
    "http://127.0.0.1:49152/cb?x=1",
    "http://localhost:49152/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://2130706433/cb",
    "http://127.1/cb",
    "http://0.0.0.0:49152/cb",
    "https://127.0.0.1:49152/cb",
    "http://127.0.0.1:99999/cb",
    "NO.EXAMPLE.APP:/cb",
    "no.example.app://cb",
];

#[tokio::test]
async fn redirect_strings_that_only_look_registered_are_refused_all_fifty() {
    let world = World::new().await;
    for at in At::OPEN {
        let web = world.service(at).await;
        let native =
            world.register(at, native("native", &["http://127.0.0.1/cb", "no.example.app:/cb"])).await;
        for lookalike in LOOKALIKES {
            for client in [&web, &native] {
                world.refused_on_page(&client.request().with("redirect_uri", lookalike)).await;
                // As bytes that no encoder touched, too.
                if lookalike.is_ascii() && !lookalike.contains([' ', '\t', '\\', '#', '%']) {
                    let plain = client.request().without("redirect_uri").url();
                    let raw = world.call(Call::get(&format!("{plain}&redirect_uri={lookalike}"))).await;
                    assert!(raw.is_page_with(400), "{lookalike}: {} {:?}", raw.status, raw.location());
                }
            }
            let posted = web.request().with("redirect_uri", lookalike).posted();
            assert!(world.call(posted).await.is_page_with(400), "{lookalike}");
        }
        let on_port =
            native.pretending(|service| service.redirect_uri = "http://127.0.0.1:49152/cb".to_owned());
        for right in [&web, &native, &on_port] {
            world.tokens(right, PERSON).await;
        }
        world.accepted(&native.request().with("redirect_uri", "no.example.app:/cb")).await;
    }
}

/// What a page's forms may lead to (CSP Level 3 §6.4.1).
fn form_action(page: &Reply) -> String {
    let policy = page.header("content-security-policy");
    policy.split("; ").find(|directive| directive.starts_with("form-action")).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_page_of_no_login_leads_its_forms_to_our_own_origin_alone() {
    let world = World::new().await;
    for at in At::ALL {
        let service = world.service(at).await;
        for url in [at.issuer(), service.url("end_session_endpoint")] {
            assert_eq!(form_action(&world.browser().visit(url).await), "form-action 'self'", "{url}");
        }
        let refused = world.browser().visit(&service.request().with("redirect_uri", "x.evil:/").url()).await;
        assert!(refused.is_page_with(400) && !form_action(&refused).contains("evil"), "{at:?}");
    }
}

/// Chromium holds the redirects that a service's callback makes on its own behalf against the page whose form began them, so the
/// page names schemes: with the redirect URI's origin alone, a login through an API's host to the application's never arrives.
#[tokio::test]
async fn the_forms_of_a_login_may_lead_wherever_the_service_leads_on_to() {
    let world = World::new().await;
    for at in At::OPEN {
        let web = world.service(at).await;
        let native =
            world.register(at, native("native", &["no.example.app:/cb", "http://127.0.0.1/cb"])).await;
        for (asking, sources) in [
            (web.request(), "https: http:"),
            (native.request().with("redirect_uri", "no.example.app:/cb"), "https: http: no.example.app:"),
            (native.request().with("redirect_uri", "http://127.0.0.1:49152/cb"), "https: http:"),
        ] {
            let wanted = format!("form-action 'self' {sources}");
            let mut browser = world.browser();
            let page = world.page(&mut browser, &asking).await;
            assert_eq!(form_action(&page), wanted, "{at:?}");
            // The language switch of these comes back by a GET, and that may lead to the service.
            let wrong = browser.log_in_as(&page, "not a number").await;
            assert_eq!((wrong.status.as_u16(), form_action(&wrong)), (422, wanted.clone()), "{at:?}");
            let stale = browser.submit(&page.form().with("form_token", "x")).await;
            assert_eq!((stale.status.as_u16(), form_action(&stale)), (403, wanted), "{at:?}");
        }
        let elsewhere =
            world.browser().visit(&world.page(&mut world.browser(), &web.request()).await.url).await;
        assert_eq!(form_action(&elsewhere), "form-action 'self' https: http:", "without its cookie");
    }
}

#[tokio::test]
async fn logs_a_line_break_in_any_parameter_makes_no_line() {
    let world = World::new().await;
    let service = world.service(At::Current).await;
    let mark = "2027-01-01T00:00:00.000000Z  INFO forged: a line";
    let hostile = |name: &str| format!("{name}\r\n{mark}\n\u{2028}{mark}\u{85}\u{1b}[31m\u{202e}");
    for name in [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "nonce",
        "acr_values",
        "prompt",
        "max_age",
        "ui_locales",
        "response_mode",
        "onbehalfof",
        "code_challenge",
        "code_challenge_method",
        "login_hint",
        "unknown",
    ] {
        service.request().with(name, &hostile(name)).send().await;
        service.request().again(&hostile(name), "x").again(&hostile(name), "x").send().await;
    }
    let answer = world.answer(&service, PERSON).await;
    for name in
        ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "resource"]
    {
        service.redemption(&answer).with(name, &hostile(name)).send().await;
        service.redemption(&answer).again(&hostile(name), "x").again(&hostile(name), "y").send().await;
    }
    let basic = service.redemption(&answer).call();
    world.call(basic.basic(&hostile("id"), &hostile("secret"))).await;
    let mut browser: Browser = world.browser();
    let page = world.page(&mut browser, &service.request()).await;
    for name in ["pid", "acr", "action", "form_token"] {
        browser.submit(&page.form().with("pid", PERSON).with(name, &hostile(name))).await;
    }
    world.call(Call::post(service.url("userinfo_endpoint"), &[("access_token", hostile("token"))])).await;
    let log = log();
    assert!(log.contains("forged: a line"), "the values were logged, escaped");
    for line in log.lines() {
        assert!(!line.starts_with(mark), "a value made a line of its own");
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\u{2028}', '\u{85}', '\r']), "{line:?}");
    }
}
