//! Ten relying parties, each with one thing broken. Each is told rule, expected, received and fix where its developer looks: in what
//! it got over HTTP as far as the wire allows, on the issuer's page, and on the terminal. And each looks for what it must not be told.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a scene that cannot go on fails where it stands"
)]

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use portvakt_testkit::{
    Answer, At, Browser, Call, PERSONS, Process, RelyingParty, Reply, Wire, World, assert_token_refusal, log,
    registration,
};

const PERSON: &str = PERSONS[0];

/// What a developer must be told of a refusal.
#[derive(Clone, Copy)]
struct Told<'a> {
    rule: &'a str,
    /// Words of what was expected.
    expected: &'a str,
    /// Words of what came.
    received: &'a str,
    /// Words of what to do.
    fix: &'a str,
}

/// A broken relying party's developer, at a development issuer where another service is registered too.
struct Developer {
    world: World,
    at: At,
    service: RelyingParty,
    /// What nobody may read back: this service's secrets, and all that is another's.
    unspoken: Vec<String>,
}

impl Developer {
    async fn at(at: At) -> Self {
        let world = World::new().await;
        let mut other = registration("skattekortet");
        other.display_name = "Skattekortet".to_owned();
        other.redirect_uris = vec!["https://skatt.example.no/tilbake".to_owned()];
        let other = world.register(at, other).await;
        let service = world.service(at).await;
        let secret = |service: &RelyingParty| service.service().secret.clone().unwrap();
        let unspoken = vec![
            secret(&service),
            secret(&other),
            "skattekortet".to_owned(),
            "Skattekortet".to_owned(),
            "skatt.example.no".to_owned(),
            PERSON.to_owned(),
        ];
        Self { world, at, service, unspoken }
    }

    /// A login as it should be: its code and verifier are secrets from then on.
    async fn login(&mut self) -> Answer {
        let answer = self.world.answer(&self.service, PERSON).await;
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        self.unspoken.push(answer.code().to_owned());
        self.unspoken.extend(answer.verifier.clone());
    }

    /// Reads what the terminal and the issuer's page say of a refusal, and that no secret stands in any of it.
    async fn reads(&self, reply: &Reply, told: Told<'_>) {
        let trace = trace_id(reply);
        let event = event(&trace);
        let listed = self.listed(&trace).await;
        for (place, text) in [("the terminal", &event), ("the issuer's page", &listed)] {
            for words in [told.rule, told.expected, told.received, told.fix] {
                assert!(text.contains(words), "{place} says {words:?}: {text}");
            }
        }
        let wire = format!("{:?}\n{}", reply.headers, unescaped(&reply.text()));
        for (place, text) in [("the wire", &wire), ("the terminal", &event), ("the issuer's page", &listed)] {
            for secret in &self.unspoken {
                assert!(!text.contains(secret.as_str()), "{place} tells {secret:?}: {text}");
            }
        }
    }

    /// What the issuer's page says of the refusal with this trace id.
    async fn listed(&self, trace: &str) -> String {
        let page = self.world.call(Call::get(self.at.issuer())).await;
        assert!(page.is_page_with(200), "{}", page.status);
        let page = unescaped(&page.text());
        let (_, refusals) = page.split_once("id=\"refusals\"").expect("the list of refusals");
        let mut articles = refusals.split("<article").filter(|article| article.contains(trace));
        articles.next().unwrap_or_else(|| panic!("no {trace} in {refusals}")).to_owned()
    }
}

/// The trace id that a refusal carries, in whatever form it came.
fn trace_id(reply: &Reply) -> String {
    let said = format!("{} {} {}", reply.description(), reply.header("www-authenticate"), reply.text());
    let is_hex = |word: &&str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words = said.split(|character: char| !character.is_ascii_alphanumeric()).filter(is_hex);
    words.next().unwrap_or_else(|| panic!("no trace id in {said}")).to_owned()
}

/// What the log says of the refusal with this trace id: one event, one line.
fn event(trace: &str) -> String {
    let log = log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains(trace)).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines.concat();
    assert!(line.contains("refusal"), "{line}");
    line
}

/// A page's text without its character references.
fn unescaped(html: &str) -> String {
    [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(html.to_owned(), |text, (reference, character)| text.replace(reference, character))
}

#[tokio::test]
async fn rp_1_with_an_unregistered_redirect_uri_reads_it_all_on_the_page() {
    for at in At::PROFILES {
        let developer = Developer::at(at).await;
        let asking = developer.service.request().with("redirect_uri", "https://rp.example.no/callback");
        let page = developer.world.refused_on_page(&asking).await;
        let told = Told {
            rule: "redirect-uri-unregistered",
            expected: "registered for the client, character for character",
            received: "\"https://rp.example.no/callback\"",
            fix: "register this exact URI",
        };
        let text = unescaped(&page.text());
        for words in [told.rule, "RFC 6749 §3.1.2.3", "redirect_uri", told.expected, told.received, told.fix]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("https://rp.example.no/cb"), "what is registered is for its owner to know");
        developer.reads(&page, told).await;
    }
}

#[tokio::test]
async fn rp_2_without_pkce_is_told_by_redirect() {
    let developer = Developer::at(At::Current).await;
    let asking = developer.service.without_pkce().request();
    assert_eq!(developer.world.refused(&asking).await, "invalid_request");
    let reply = asking.send().await;
    assert!(reply.description().starts_with("code_challenge: expected the S256 challenge"));
    let told = Told {
        rule: "code-challenge-missing",
        expected: "the S256 challenge of a code verifier",
        received: "nothing",
        fix: "turn PKCE on in your library",
    };
    developer.reads(&reply, told).await;
}

#[tokio::test]
async fn rp_3_with_a_wrong_secret_is_told_on_the_wire_only_that_it_did_not_authenticate() {
    for at in At::PROFILES {
        let mut developer = Developer::at(at).await;
        let answer = developer.login().await;
        let wrong = "the-secret-of-another-environment";
        let broken = developer.service.pretending(|service| service.secret = Some(wrong.to_owned()));
        let redemption = broken.redemption(&answer);
        assert_eq!(developer.world.refused_at_token(&redemption).await, "invalid_client");
        let reply = redemption.send().await;
        developer.unspoken.push(wrong.to_owned());
        let told = Told {
            rule: "client-secret-wrong",
            expected: "a current secret of the client's",
            received: "33 characters (not shown)",
            fix: "check for a secret of another environment",
        };
        developer.reads(&reply, told).await;
        assert!(!reply.text().contains("secret-wrong") && !reply.text().contains("33 characters"));
        assert!(developer.service.redeem(&answer).await.status == 200, "and it burned nothing");
    }
}

#[tokio::test]
async fn rp_4_with_another_method_than_the_registered_one_reads_the_same_on_the_wire() {
    for at in At::PROFILES {
        let mut developer = Developer::at(at).await;
        let answer = developer.login().await;
        let broken = developer.service.pretending(|service| {
            service.method = "client_secret_post".to_owned();
        });
        let reply = broken.redeem(&answer).await;
        assert_token_refusal(&reply);
        let told = Told {
            rule: "client-method-differs",
            expected: "client_secret_basic, the method registered for the client",
            received: "\"client_secret_post\"",
            fix: "configure your library for the registered method",
        };
        developer.reads(&reply, told).await;
        let wrong = developer.service.pretending(|service| service.secret = Some("wrong".to_owned()));
        let other = wrong.redeem(&answer).await;
        let without_trace = |reply: &Reply| reply.text().replace(&trace_id(reply), "");
        assert_eq!(
            without_trace(&reply),
            without_trace(&other),
            "an unauthenticated caller learns nothing more"
        );
    }
}

#[tokio::test]
async fn rp_5_without_scope_is_told_by_redirect() {
    for at in At::PROFILES {
        let developer = Developer::at(at).await;
        let asking = developer.service.request().without("scope");
        assert_eq!(developer.world.refused(&asking).await, "invalid_scope");
        let reply = asking.send().await;
        assert!(reply.description().starts_with("scope: expected at least one registered scope"));
        let told = Told {
            rule: "scope-missing",
            expected: "at least one registered scope, such as openid",
            received: "nothing",
            fix: "send scope=openid",
        };
        developer.reads(&reply, told).await;
    }
}

#[tokio::test]
async fn rp_6_that_redeems_a_code_twice_is_told_that_it_did() {
    for at in At::PROFILES {
        let mut developer = Developer::at(at).await;
        let answer = developer.login().await;
        let tokens = developer.service.tokens(&answer).await;
        developer.unspoken.push(tokens.access_token.clone());
        developer.unspoken.extend(tokens.id_token.clone());
        let reply = developer.service.redeem(&answer).await;
        assert_token_refusal(&reply);
        assert_eq!(reply.error(), "invalid_grant");
        assert!(reply.description().contains("a code that has not been used: its tokens are now revoked"));
        let told = Told {
            rule: "code-replayed",
            expected: "a code that has not been used",
            received: "a used one",
            fix: "redeem each code once; look for a retry",
        };
        developer.reads(&reply, told).await;
    }
}

#[tokio::test]
async fn rp_7_with_the_issuer_s_slash_wrong_is_told_the_discovery_url_it_meant() {
    let pilot = "http://localhost:8080/idporten-oidc-provider";
    let current = "http://localhost:8080";
    let well_known = "/.well-known/openid-configuration";
    for (at, wrong, right) in [
        // A library that appends without removing the last slash; one that appends without adding it; and OAuth's way.
        (At::Pilot, format!("{pilot}/{well_known}"), format!("{pilot}{well_known}")),
        (At::Pilot, format!("{pilot}{}", &well_known[1..]), format!("{pilot}{well_known}")),
        (At::Pilot, format!("{current}{well_known}/idporten-oidc-provider"), format!("{pilot}{well_known}")),
        (
            At::Pilot,
            format!("{current}/.well-known/oauth-authorization-server/idporten-oidc-provider/"),
            format!("{pilot}{well_known}"),
        ),
        (At::Current, format!("{current}/{well_known}"), format!("{current}{well_known}")),
        (
            At::Current,
            format!("{current}/.well-known/oauth-authorization-server"),
            format!("{current}{well_known}"),
        ),
    ] {
        let developer = Developer::at(at).await;
        let before = developer.world.rows();
        let probe = format!("{wrong}?code=a-code-that-was-sent-here-by-mistake");
        let reply = developer.world.call(Call::get(&probe)).await;
        developer.world.assert_untouched(&before);
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (404, "text/plain; charset=utf-8"));
        let path = wrong.strip_prefix(current).unwrap();
        let fix = format!("configure the issuer as {},", at.issuer());
        let told =
            Told { rule: "path-unknown", expected: &right, received: &format!("\"{path}\""), fix: &fix };
        for words in [told.rule, "Discovery 1.0 §4", told.expected, told.received, told.fix] {
            assert!(reply.text().contains(words), "{words}: {}", reply.text());
        }
        assert!(!reply.text().contains("by-mistake"), "no query is repeated");
        developer.reads(&reply, told).await;
        assert_eq!(developer.world.call(Call::get(&right)).await.json()["issuer"], at.issuer());
    }
}

#[tokio::test]
async fn rp_8_with_control_bytes_in_its_state_is_told_by_redirect_and_does_not_get_them_back() {
    for at in At::PROFILES {
        let developer = Developer::at(at).await;
        let state = "a state\u{7}with\r\nbytes\u{0}";
        let asking = developer.service.request().with("state", state);
        assert_eq!(developer.world.refused(&asking).await, "invalid_request");
        let reply = asking.send().await;
        assert!(reply.description().starts_with("state: expected at most 2048 characters from 0x20 to 0x7E"));
        assert!(!reply.header("location").contains("%07"), "{}", reply.header("location"));
        let told = Told {
            rule: "state-characters",
            expected: "at most 2048 characters from 0x20 to 0x7E",
            received: "20 characters (not shown)",
            fix: "encode the state as printable ASCII",
        };
        developer.reads(&reply, told).await;
    }
}

#[tokio::test]
async fn rp_9_with_a_padded_challenge_is_told_by_redirect() {
    for at in At::PROFILES {
        let developer = Developer::at(at).await;
        let asking = developer.service.request();
        let padded = format!("{}=", asking.get("code_challenge").unwrap());
        let asking = asking.with("code_challenge", &padded);
        assert_eq!(developer.world.refused(&asking).await, "invalid_request");
        let reply = asking.send().await;
        assert!(
            reply
                .description()
                .starts_with("code_challenge: expected 43 base64url characters without padding")
        );
        let told = Told {
            rule: "code-challenge-format",
            expected: "43 base64url characters without padding",
            received: "44 characters (not shown)",
            fix: "drop the =",
        };
        developer.reads(&reply, told).await;
        assert!(!event(&trace_id(&reply)).contains(&padded), "what came is told by its length");
    }
}

#[tokio::test]
async fn rp_10_that_redeems_too_late_is_told_how_long_a_code_lives() {
    for at in At::PROFILES {
        let mut developer = Developer::at(at).await;
        let answer = developer.login().await;
        developer.world.wait(61);
        let redemption = developer.service.redemption(&answer);
        assert_eq!(developer.world.refused_at_token(&redemption).await, "invalid_grant");
        let reply = redemption.send().await;
        assert!(reply.description().starts_with("code: expected a code younger than 60 seconds"));
        let told = Told {
            rule: "code-expired",
            expected: "a code younger than 60 seconds",
            received: "an older one",
            fix: "redeem the code at once",
        };
        developer.reads(&reply, told).await;
    }
}

#[tokio::test]
async fn a_client_of_another_development_issuer_is_told_where_it_is_registered() {
    let developer = Developer::at(At::Pilot).await;
    developer.world.register(At::Pilot, registration("pilot-only")).await;
    let fix = format!("use the issuer where this client is registered, {};", At::Pilot.issuer());
    let told = Told {
        rule: "client-unknown",
        expected: "a client registered at this issuer",
        received: "\"pilot-only\"",
        fix: &fix,
    };
    let here =
        Developer { at: At::Current, service: developer.world.service(At::Current).await, ..developer };
    let asking = here.service.request().with("client_id", "pilot-only");
    let page = here.world.refused_on_page(&asking).await;
    assert!(unescaped(&page.text()).contains(told.fix), "{}", page.text());
    here.reads(&page, told).await;
    let broken = here.service.pretending(|service| service.client_id = "pilot-only".to_owned());
    let answer = here.world.answer(&here.service, PERSON).await;
    let reply = broken.redeem(&answer).await;
    assert_eq!(reply.error(), "invalid_client");
    let said = "client authentication failed: check client_id, the registered token_endpoint_auth_method, and the secret;";
    assert!(
        reply.description().starts_with(said),
        "on the wire it is a failed authentication like any other"
    );
    here.reads(&reply, Told { rule: "client-authentication-unknown", ..told }).await;
}

#[tokio::test]
async fn outside_development_no_issuer_tells_of_another_and_none_lists_refusals() {
    let world = World::new().await;
    world.register(At::Exttest, registration("test-only")).await;
    world.register(At::Current, registration("development-only")).await;
    for (at, client) in [
        (At::Split, "test-only"),
        (At::Split, "development-only"),
        (At::Production, "test-only"),
        (At::Current, "test-only"),
    ] {
        let asking = world.service(at).await.request().with("client_id", client);
        let page = world.refused_on_page(&asking).await;
        let said = format!("{} {}", page.text(), event(&trace_id(&page)));
        assert!(!said.contains("where this client is registered"), "{at:?}: {said}");
    }
    for at in [At::Exttest, At::Split, At::Production] {
        let page = world.call(Call::get(at.issuer())).await;
        assert!(
            !page.text().contains("client-unknown") && !page.text().contains("id=\"refusals\""),
            "{at:?}"
        );
    }
}

#[tokio::test]
async fn in_production_a_wrong_path_is_a_plain_404_and_no_event() {
    let world = World::new().await;
    for path in
        ["//.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/nowhere-at-all"]
    {
        let reply = world.call(Call::get(&format!("{}{path}", At::Production.issuer()))).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (404, "Nothing is served here.\n"));
    }
    assert!(!log().contains("nowhere-at-all"));
    for asked_by_itself in ["/favicon.ico", "/robots.txt"] {
        let reply = world.call(Call::get(&format!("{}{asked_by_itself}", At::Current.issuer()))).await;
        assert_eq!(reply.text(), "Nothing is served here.\n");
    }
    assert!(!log().contains("favicon.ico"));
}

/// Over a socket, to the binary as a developer runs it: what is told stands in the terminal, a fact on each line.
#[tokio::test]
async fn the_terminal_of_portvakt_dev_shows_a_refusal_as_a_block() {
    let process = Process::dev_watched(Path::new(env!("CARGO_BIN_EXE_portvakt")), &[]);
    for issuer in process.issuers() {
        let service = process.service(&issuer).await;
        let secret = service.service().secret.clone().unwrap();
        let asking = service.request().with("redirect_uri", "http://localhost:3000/wrong\u{1b}[2J");
        let page = asking.send().await;
        assert!(page.is_page_with(400), "{}", page.text());
        let mut browser = Browser::new(process.wire());
        let answer = service.login(&mut browser, PERSON).await;
        let verifier = answer.verifier.clone().unwrap();
        let wrong = service.pretending(|service| service.secret = Some("0123456789".to_owned()));
        let unauthenticated = wrong.redeem(&answer).await;
        let slash = process
            .wire()
            .call(Call::get(&format!("{}//.well-known/openid-configuration", issuer.trim_end_matches('/'))))
            .await;
        assert_eq!(slash.status, 404);
        for (reply, facts) in [
            (
                &page,
                [
                    "rule redirect-uri-unregistered",
                    "expected a redirect URI registered for the client",
                    "received \"http://localhost:3000/wrong\\u{1b}[2J\"",
                    "fix register this exact URI",
                ],
            ),
            (
                &unauthenticated,
                [
                    "rule client-secret-wrong",
                    "expected a current secret of the client's",
                    "received 10 characters (not shown)",
                    "fix check for a secret of another environment",
                ],
            ),
            (
                &slash,
                [
                    "rule path-unknown",
                    "expected http://localhost:",
                    "received \"/",
                    "fix configure the issuer as http://localhost:",
                ],
            ),
        ] {
            let trace = trace_id(reply);
            let lines = process.terminal(&trace).await;
            let at = lines.iter().position(|line| line.contains(&trace)).unwrap();
            let begins = lines[..at].iter().rposition(|line| !line.starts_with("    ")).unwrap();
            let block: Vec<String> = lines[begins + 1..]
                .iter()
                .take_while(|line| line.starts_with("    "))
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            for fact in facts {
                assert!(block.iter().any(|line| line.starts_with(fact)), "{fact}: {block:#?}");
            }
        }
        let all = process.terminal("refused").await.join("\n");
        for unspoken in [&secret, &verifier, answer.code(), PERSON, "0123456789"] {
            assert!(!all.contains(unspoken), "{unspoken} stands in the terminal");
        }
        assert!(!all.contains("\u{1b}[2J"), "a value steers no terminal");
    }
}

/// The commonest slip of all on one's own machine: `127.0.0.1` is another host than `localhost`.
#[tokio::test]
async fn portvakt_dev_asked_by_another_host_name_names_its_own() {
    let process = Process::dev_watched(Path::new(env!("CARGO_BIN_EXE_portvakt")), &[]);
    let issuers = process.issuers();
    let port: u16 = issuers.iter().find_map(|issuer| issuer.rsplit_once(':')?.1.parse().ok()).unwrap();
    let stranger = format!("127.0.0.1:{port}");
    let wire = Wire::sockets([(stranger.clone(), SocketAddr::from(([127, 0, 0, 1], port)))]);
    let reply = wire.call(Call::get(&format!("http://{stranger}/.well-known/openid-configuration"))).await;
    assert_eq!(reply.status, 421);
    let text = reply.text();
    for words in ["host-unknown", &format!("\"{stranger}\""), "use the issuer's own host"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(issuers.iter().all(|issuer| text.contains(issuer.as_str())), "{text}");
    process.terminal(&trace_id(&reply)).await;
}

/// What breaks a rule of HTTP comes to no endpoint, and is told all the same.
#[tokio::test]
async fn the_terminal_of_portvakt_dev_says_what_http_expects() {
    let process = Process::dev_watched(Path::new(env!("CARGO_BIN_EXE_portvakt")), &[]);
    let port: u16 =
        process.issuers().iter().find_map(|issuer| issuer.rsplit_once(':')?.1.parse().ok()).unwrap();
    let mut socket = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    socket.write_all(b"GET / HTTP/1.1\nHost: x\r\n\r\n").unwrap();
    let lines = process.terminal("    expected   A line must end with CR LF, not with LF alone.").await;
    assert!(lines.contains(&"    rule       bare_lf".to_owned()), "{lines:#?}");
}
