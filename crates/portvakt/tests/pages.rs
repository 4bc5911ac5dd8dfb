//! What people meet: the language switch, the way back to the service, and what is said when a login cannot go on.

use portvakt_protocol::registration::ClientRegistration;
use portvakt_testkit::{At, Browser, Call, Method, PERSONS, Reply, World, log};

/// The page's name for itself.
fn name(page: &Reply) -> String {
    let text = page.text();
    let rest = text.split_once("data-page=\"").map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn language(page: &Reply) -> String {
    let text = page.text();
    text.split_once("<html lang=\"").map_or("", |(_, rest)| &rest[..2]).to_owned()
}

fn origin(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// The hidden way back of the page's language switch, as the form would post it.
fn way_back(page: &Reply) -> String {
    let text = page.text();
    let rest = text.split_once("name=\"back\" value=\"").map_or("", |(_, rest)| rest);
    let escaped = rest.split('"').next().unwrap_or_default();
    escaped.replace("&#38;", "&").replace("&amp;", "&")
}

async fn pick(browser: &mut Browser, page: &Reply, tag: &str, base: &str) -> Reply {
    let url = format!("{}{base}/language", origin(&page.url));
    let fields = [("language", tag), ("back", &way_back(page))];
    let picked = browser.post_from(&origin(&page.url), &url, &fields).await;
    assert_eq!(picked.status, 303, "{}", picked.text());
    assert_eq!(picked.headers("set-cookie").len(), 1);
    browser.follow(picked).await
}

/// Contract §2: the cookie is set by an act of the person's on our own page, and by nothing else.
#[tokio::test]
async fn a_language_is_picked_on_our_own_page_and_leads_back_to_no_other() {
    let world = World::new().await;
    let mut browser = world.browser();
    let own = "http://localhost:8080";
    for (initiator, language, back) in [
        ("https://evil.example", "nn", "/"),
        (own, "fr", "/"),
        (own, "", "/"),
        (own, "nn", "https://evil.example/"),
        (own, "nn", "//evil.example/"),
        (own, "nn", "/\\evil.example/"),
        (own, "nn", "x"),
    ] {
        let fields = [("language", language), ("back", back)];
        let refused = browser.post_from(initiator, "http://localhost:8080/language", &fields).await;
        assert_eq!(name(&refused), "form-stale", "{initiator} {language} {back}: {}", refused.text());
        assert_eq!(refused.location(), None);
        assert!(refused.headers("set-cookie").is_empty());
        let text = refused.text();
        assert!(text.contains("Språket er ikke endret.") && !text.contains("nnloggingssiden"), "{text}");
        assert!(!text.contains("id=\"way-on\""), "there is no login to open again");
    }
    let got = browser.call(Call::get("http://localhost:8080/language?language=nn&back=/"), own).await;
    assert_eq!(got.status, 405, "a link picks no language");
    assert!(browser.cookies("localhost").is_empty());
}

/// Contract §2, §15: cookie, then `ui_locales`, then nb; at every issuer and on each of its hosts.
#[tokio::test]
async fn a_picked_language_comes_back_to_the_same_page_and_stays() {
    let world = World::new().await;
    for at in At::OPEN {
        let (service, mut browser) = (world.service(at).await, world.browser());
        let base = if matches!(at, At::Pilot | At::Exttest) { "/idporten-oidc-provider" } else { "" };
        let asking = service.request().with("ui_locales", "en");
        let page = browser.visit(&asking.url()).await;
        assert_eq!((name(&page).as_str(), language(&page).as_str()), ("login", "en"));
        for tag in ["se", "nb", "nn"] {
            let again = pick(&mut browser, &page, tag, base).await;
            assert_eq!(
                (name(&again), language(&again), again.url.clone()),
                ("login".into(), tag.into(), page.url.clone())
            );
        }
        let wrong =
            browser.visit(&service.request().with("redirect_uri", "https://evil.example/").url()).await;
        assert_eq!((name(&wrong).as_str(), language(&wrong).as_str()), ("refused/detail", "nn"));
        let wrong = pick(&mut browser, &wrong, "en", base).await;
        assert_eq!((name(&wrong).as_str(), language(&wrong).as_str()), ("refused/detail", "en"));
        let own = browser.visit(at.issuer()).await;
        assert_eq!(name(&own), "issuer/open");
        let own = pick(&mut browser, &own, "se", base).await;
        assert_eq!((name(&own).as_str(), language(&own).as_str()), ("issuer/open", "se"), "{at:?}");
    }
}

/// Contract §15: each page that a login can end in says so, and leads back to the service.
#[tokio::test]
async fn a_login_that_cannot_go_on_says_what_happened_and_leads_back() {
    let world = World::new().await;
    for at in At::OPEN {
        let service = world.service(at).await;
        let back = format!("id=\"back\" href=\"{}\"", origin(&service.service().redirect_uri));

        let mut browser = world.browser();
        let page = browser.visit(&service.request().url()).await;
        assert!(page.text().contains(&back), "{at:?}: the login page leads back: {}", page.text());
        let form = page.form().with("pid", PERSONS[0]);
        let elsewhere = world.browser().visit(&page.url).await;
        assert_eq!((name(&elsewhere).as_str(), elsewhere.status.as_u16()), ("cookie-gone", 400));
        let tampered = browser.submit(&form.clone().with("form_token", "x").with("action", "login")).await;
        assert_eq!((name(&tampered).as_str(), tampered.status.as_u16()), ("form-stale", 403));
        assert!(tampered.text().contains("id=\"way-on\""), "the login page is still there");
        let left = browser.submit(&form.clone().with("action", "login")).await;
        assert!(left.location().is_some_and(|to| to.contains("code=")), "{at:?}: {}", left.text());

        // The back button, and the form sent once more.
        for again in [browser.visit(&page.url).await, browser.submit(&form.with("action", "login")).await] {
            assert_eq!((name(&again).as_str(), again.status.as_u16()), ("login-finished", 409), "{at:?}");
            assert!(again.text().contains(&back), "{at:?}");
        }

        let mut slow = world.browser();
        let page = slow.visit(&service.request().url()).await;
        world.wait(30 * 60);
        let late = slow.submit(&page.form().with("pid", PERSONS[0]).with("action", "login")).await;
        assert_eq!((name(&late).as_str(), late.status.as_u16()), ("login-expired", 400), "{at:?}");
        assert!(late.text().contains(&back) && late.text().contains("30 minutter"), "{at:?}");
        world.wait(20 * 3600);
        let swept_or_not = slow.visit(&page.url).await;
        assert_eq!(name(&swept_or_not), "login-expired", "the next morning too");
    }
}

/// A reference that people are asked to give must lead somewhere.
#[tokio::test]
async fn the_reference_of_a_page_about_what_was_posted_stands_in_the_log() {
    let world = World::new().await;
    for at in At::OPEN {
        let (service, mut browser) = (world.service(at).await, world.browser());
        let json = |url: &str| Call::new(Method::POST, url).body("application/json", "{}");
        let no_form = world.call(json(service.url("authorization_endpoint"))).await;
        let form = browser.visit(&service.request().url()).await.form();
        let cookie = browser.cookies(at.page_host()).join("; ");
        let unreadable = world.call(json(&form.action).header("cookie", &cookie)).await;
        let stale = browser.submit(&form.with("form_token", "x")).await;
        for page in [&no_form, &unreadable] {
            assert_eq!(page.status, 415, "{at:?}");
            for told in ["content-type", "x-www-form-urlencoded", "application/json", "as a form"] {
                assert!(page.text().contains(told), "{at:?}: {told} in {}", page.text());
            }
        }
        for (page, shown) in [(no_form, "refused/detail"), (unreadable, "unreadable"), (stale, "form-stale")]
        {
            assert_eq!(name(&page), shown);
            let text = page.text();
            let reference =
                text.split_once("id=\"reference\"").and_then(|(_, rest)| rest.split("</code>").next());
            let reference = reference.and_then(|rest| rest.rsplit('>').next()).unwrap_or_default();
            assert_eq!(reference.len(), 32, "{text}");
            assert!(log().contains(reference), "{at:?}: {shown}");
        }
    }
}

/// Contract §13: `client_uri` is where back leads, if it is registered.
#[tokio::test]
async fn a_registered_client_uri_is_where_back_leads() {
    let world = World::new().await;
    let known = world.registry(At::Current).await.clients.remove(0);
    let registration = ClientRegistration {
        client_uri: Some("https://www.example.no/min-side?a=1&b=2".to_owned()),
        ..known.registration
    };
    let service = world.register(At::Current, registration).await;
    let page = world.browser().visit(&service.request().url()).await;
    assert!(page.text().contains("href=\"https://www.example.no/min-side?a=1&#38;b=2\""), "{}", page.text());
}

/// The issuer's page: what a newcomer asks is answered, and production tells of no test person and of no refusal.
#[tokio::test]
async fn an_issuer_opened_in_a_browser_tells_what_it_is() {
    let world = World::new().await;
    for at in At::OPEN {
        world.person(at.pool().expect("a pool"), PERSONS[0], true).await;
    }
    world.browser().visit(&world.service(At::Current).await.request().with("scope", "nothing").url()).await;
    for at in At::ALL {
        let page = world.browser().visit(at.issuer()).await;
        let text = page.text();
        assert_eq!(page.status, 200, "{at:?}");
        for part in ["environment-text", "audience", "registration", "contact", "developers"] {
            assert!(text.contains(&format!("id=\"{part}\"")), "{at:?}: {part}");
        }
        assert!(text.contains(&format!("{}</code>", at.issuer())), "spelled as it is compared");
        assert!(text.contains("/.well-known/openid-configuration\""));
        let production = at == At::Production;
        assert_eq!(name(&page), if production { "issuer/production" } else { "issuer/open" });
        assert_eq!(text.contains(PERSONS[0]), !production, "{at:?}: test persons");
        assert_eq!(text.contains("login_hint"), !production, "{at:?}");
        assert_eq!(text.contains("id=\"environment\""), !production, "{at:?}");
        let open = matches!(at, At::Pilot | At::Current);
        assert_eq!(text.contains("id=\"refusals\""), open, "{at:?}: one caller does not read of another's");
        assert_eq!(text.contains("scope-not-registered"), at == At::Current, "{at:?}: its own refusals only");
        let slashed = if at.issuer().ends_with('/') {
            at.issuer().trim_end_matches('/').to_owned()
        } else {
            format!("{}/", at.issuer())
        };
        assert_eq!(world.browser().visit(&slashed).await.status, 200, "{slashed}");
    }
}

/// A page is 8 KB at most: where what refusals quote is long, the issuer's page lists fewer of them, and always the newest.
#[tokio::test]
async fn refusals_that_quote_much_do_not_make_a_heavy_page_of_the_issuers() {
    let world = World::new().await;
    for at in [At::Pilot, At::Current] {
        for pid in PERSONS {
            world.person(at.pool().expect("a pool"), pid, true).await;
        }
        let service = world.service(at).await;
        let issuer = at.issuer();
        for (address, listed) in [("http://localhost:9/", 3..=3), (&*"https://\"<>&'".repeat(30), 1..=2)] {
            for try_again in 0..3 {
                let address = format!("{address}{try_again}");
                world.browser().visit(&service.request().with("redirect_uri", &address).url()).await;
            }
            for language in ["nb", "nn", "en", "se"] {
                let page = world.browser().visit(&format!("{issuer}?ui_locales={language}")).await;
                let text = page.text();
                let found = text.matches("<article").count();
                assert!(listed.contains(&found), "{at:?} {language}: {found} of {listed:?}");
                assert!(text.len() <= 7_400, "{at:?} {language}: {} bytes", text.len());
            }
        }
    }
}

/// An example that cannot be used, and a list of nobody, tell a newcomer nothing.
#[tokio::test]
async fn an_issuer_without_test_persons_says_so() {
    for (world, none, some) in [
        (World::new().await, "Ingen er registrert på forhånd.", "Alle syntetiske numre kan brukes her."),
        (World::assigned().await, "ingen er registrert ennå.", "Bare personer som er registrert"),
    ] {
        for (at, person) in At::OPEN.into_iter().zip(PERSONS) {
            let own = at.pool().expect("a pool");
            let pools = [own, portvakt_protocol::provider::Pool(format!("{at:?}"))];
            for (active, is_told) in [(false, false), (true, true)] {
                for pool in &pools {
                    world.person(pool.clone(), person, active).await;
                }
                let text = world.browser().visit(at.issuer()).await.text();
                assert!(text.contains(some), "{at:?}: {text}");
                assert_eq!(text.contains(none), !is_told, "{at:?}: {text}");
                for part in [person, "login_hint=testid:", "class=\"ds-list numbers\""] {
                    assert_eq!(text.contains(part), is_told, "{at:?}: {part}");
                }
                assert!(!text.contains("testid:PID"));
            }
            for pool in &pools {
                world.person(pool.clone(), person, false).await;
            }
        }
    }
}

/// What pages are drawn with is kept for good under a name that says what it holds, compressed for whoever takes it.
#[tokio::test]
async fn stylesheets_are_kept_under_the_name_of_their_content_alone() {
    let world = World::new().await;
    for at in At::ALL {
        let page = world.browser().visit(at.issuer()).await;
        let text = page.text();
        let sheets: Vec<_> =
            text.split("/assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(sheets.len() >= 3, "{at:?}: {sheets:?}");
        for sheet in sheets {
            let url = format!("{}/assets/{sheet}", at.issuer().trim_end_matches('/'));
            let plain = world.call(Call::get(&url)).await;
            assert_eq!(plain.status, 200, "{url}");
            assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(plain.header("vary"), "accept-encoding");
            assert_eq!(plain.header("content-encoding"), "");
            // A page of another version of ours, behind the same address, is drawn all the same.
            let digest = sheet.rsplit_once('-').and_then(|(_, end)| end.split_once('.')).unwrap().0;
            let other = world.call(Call::get(&url.replace(digest, "0123456789abcdef"))).await;
            assert_eq!((other.status.as_u16(), other.text()), (200, plain.text()), "{url}");
            assert_eq!(other.header("cache-control"), "no-store", "it is not what the name says");
            for gone in ["0123456789abcdeg", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdef0", ""] {
                let gone = world.call(Call::get(&url.replace(digest, gone))).await;
                assert_eq!(gone.status, 404, "{}", gone.url);
            }
            let gzip = world.call(Call::get(&url).header("accept-encoding", "gzip, br")).await;
            assert_eq!(gzip.header("content-encoding"), "gzip");
            assert_eq!(gzip.header("content-type"), plain.header("content-type"));
        }
        let gone =
            world.call(Call::get(&format!("{}/assets/pages-0.css", at.issuer().trim_end_matches('/')))).await;
        assert_eq!(gone.status, 404);
    }
}

/// A login page that comes back with what is wrong keeps what was right.
#[tokio::test]
async fn a_picked_level_outlives_a_wrong_number() {
    let world = World::new().await;
    for at in At::OPEN {
        let (service, mut browser) = (world.service(at).await, world.browser());
        let page = browser.visit(&service.request().url()).await;
        for (picked, shown) in
            [(at.high(), at.high()), (at.substantial(), at.substantial()), ("x", at.substantial())]
        {
            let wrong = page.form().with("pid", "1").with("acr", picked).with("action", "login");
            let again = browser.submit(&wrong).await;
            assert_eq!(again.form().value("acr"), shown, "{at:?}: {picked}");
        }
    }
}

/// RFC 9110 §15.5.6: whoever asks with another method learns which there are, and outside production by which rule.
#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let world = World::new().await;
    for at in At::ALL {
        let service = world.service(at).await;
        let issuer = at.issuer().trim_end_matches('/');
        let front = service.url("authorization_endpoint").rsplit_once('/').unwrap().0.to_owned();
        for (url, allowed) in [
            (service.url("authorization_endpoint").to_owned(), "GET, POST"),
            (service.url("token_endpoint").to_owned(), "POST, OPTIONS"),
            (service.url("userinfo_endpoint").to_owned(), "GET, HEAD, POST, OPTIONS"),
            (service.url("end_session_endpoint").to_owned(), "GET, POST"),
            (service.url("jwks_uri").to_owned(), "GET, HEAD"),
            (format!("{issuer}/.well-known/openid-configuration"), "GET, HEAD"),
            (at.issuer().to_owned(), "GET, HEAD"),
            (format!("{issuer}/assets/pages-0.css"), "GET, HEAD"),
            (format!("{issuer}/language"), "POST"),
            (format!("{front}/login/x"), "GET, POST"),
            (format!("{front}/resume/x"), "GET"),
        ] {
            for method in ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "SEARCH"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let reply = world.call(Call::new(method.clone(), &url)).await;
                let is_allowed = allowed.split(", ").any(|known| known == method.as_str());
                assert_eq!(reply.status == 405, !is_allowed, "{method} {url}: {}", reply.status);
                if is_allowed {
                    continue;
                }
                assert_eq!(reply.header("allow"), allowed, "{method} {url}");
                let told = reply.text();
                let is_told = at != At::Production && method != Method::HEAD;
                for part in
                    ["method-not-allowed", "RFC 9110", &allowed.replace(", ", " or "), method.as_str()]
                {
                    assert!(!is_told || told.contains(part), "{part}: {told}");
                }
                assert!(at != At::Production || !told.contains("rule"), "{told}");
            }
        }
    }
}

/// A posted request may be longer than any that a GET could repeat: its page leads back to the endpoint alone.
#[tokio::test]
async fn the_way_back_of_a_long_posted_request_is_one_that_a_get_can_ask() {
    let world = World::new().await;
    for at in At::PROFILES {
        let (service, mut browser) = (world.service(at).await, world.browser());
        for (filling, is_whole) in [("å".repeat(100), true), ("å".repeat(500), false)] {
            let mut asking = service.request().with("client_id", "nobody");
            for name in ["prompt", "acr_values", "ui_locales", "display", "max_age", "response_mode"] {
                asking = asking.with(name, &filling);
            }
            let refused = world.call(asking.posted()).await;
            assert_eq!(name(&refused), "refused/detail");
            assert_eq!(way_back(&refused).contains('?'), is_whole, "{}", way_back(&refused));
            let base = if at == At::Pilot { "/idporten-oidc-provider" } else { "" };
            let again = pick(&mut browser, &refused, "en", base).await;
            assert_eq!((name(&again).as_str(), language(&again).as_str()), ("refused/detail", "en"));
        }
    }
}
