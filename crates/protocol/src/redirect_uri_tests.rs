//! The redirect strings that have fooled other servers, each beside its nearest accept.

use super::*;
use ApplicationType::{Browser, Native, Web};
use RedirectUriFault as Fault;

/// Registered: `https://rp.example.no/cb` (web), `http://127.0.0.1/cb` and `no.example.app:/cb` (native).
const REFUSED: &[&str] = &[
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
    "https://r\u{0440}.example.no/cb",
    "https://rp.example.no%00.evil.example/cb",
    "https://rp.example.no/cb\r\nLocation: https://evil.example",
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
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:080/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:49152",
];

fn registered() -> Vec<(RedirectUri, ApplicationType)> {
    [("https://rp.example.no/cb", Web), ("http://127.0.0.1/cb", Native), ("no.example.app:/cb", Native)]
        .map(|(text, kind)| (RedirectUri::register(text, kind, Environment::Production).unwrap(), kind))
        .to_vec()
}

#[test]
fn part_d_no_redirect_string_but_the_registered_is_admitted() {
    for sent in REFUSED {
        for (uri, kind) in registered() {
            assert!(!uri.admits(sent, kind), "{sent:?} against {uri:?}");
        }
    }
    let admitted = |sent: &str| registered().iter().any(|(uri, kind)| uri.admits(sent, *kind));
    for sent in
        ["https://rp.example.no/cb", "http://127.0.0.1:49152/cb", "http://127.0.0.1/cb", "no.example.app:/cb"]
    {
        assert!(admitted(sent), "{sent}");
    }
}

#[test]
fn n1_any_port_is_for_native_clients_and_ip_literals() {
    let stored = RedirectUri::as_sent("http://127.0.0.1:0/cb");
    assert!(!stored.admits("http://127.0.0.1:5000/cb", Web));
    let zero = RedirectUri::register("http://127.0.0.1:0/cb", Native, Environment::Test).unwrap();
    assert!(zero.admits("http://127.0.0.1:5000/cb", Native));
    let v6 = RedirectUri::register("http://[::1]/cb", Native, Environment::Production).unwrap();
    assert!(v6.admits("http://[::1]:5000/cb", Native));
    let local = RedirectUri::register("http://localhost:3000/cb", Web, Environment::Development).unwrap();
    assert!(!local.admits("http://localhost:3001/cb", Web));
    assert!(local.admits("http://localhost:3000/cb", Web));
}

#[test]
fn g1_what_may_not_be_registered_is_refused() {
    for (text, kind, environment, fault) in [
        ("rp.example.no/cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https://rp.example.no/cb#f", Web, Environment::Test, Fault::Fragment),
        ("https://*.example.no/cb", Web, Environment::Test, Fault::Wildcard),
        ("https://a@rp.example.no/cb", Web, Environment::Test, Fault::UserInformation),
        ("https://rp.example.no\\@evil.example/cb", Web, Environment::Test, Fault::Backslash),
        ("https://r\u{0440}.example.no/cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https://rp.example.no/cb\n", Web, Environment::Test, Fault::NotAbsolute),
        ("https://RP.example.no/cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https://a;script-src/cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https://a'self'/cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https://a,b/cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https://%61.example/cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https:///cb", Web, Environment::Test, Fault::NotAbsolute),
        ("https://rp.example.no:99999/cb", Web, Environment::Test, Fault::Port),
        ("https://rp.example.no:/cb", Web, Environment::Test, Fault::Port),
        ("https://rp.example.no:0/cb", Web, Environment::Test, Fault::Port),
        ("https://127.0.0.1:0/cb", Native, Environment::Test, Fault::Port),
        ("http://localhost:0/cb", Native, Environment::Test, Fault::Port),
        ("http://127.0.0.1:00/cb", Native, Environment::Test, Fault::Port),
        ("http://127.0.0.1:0/cb", Web, Environment::Test, Fault::AnyPort),
        ("http://[::1]:0/cb", Browser, Environment::Development, Fault::AnyPort),
        ("javascript:alert(1)", Web, Environment::Test, Fault::Scheme),
        ("javascript:alert(1)", Native, Environment::Test, Fault::Scheme),
        ("data:text/html,x", Native, Environment::Test, Fault::Scheme),
        ("vbscript:x", Native, Environment::Test, Fault::Scheme),
        ("file:///etc/passwd", Native, Environment::Test, Fault::Scheme),
        ("blob:https://rp.example.no/x", Native, Environment::Test, Fault::Scheme),
        ("app:/cb", Native, Environment::Test, Fault::Scheme),
        ("no.example.app://cb", Native, Environment::Test, Fault::Scheme),
        ("no.example.app:/cb", Web, Environment::Test, Fault::Scheme),
        ("https://localhost:3000/cb", Web, Environment::Test, Fault::LocalhostScheme),
        ("http://rp.example.no/cb", Web, Environment::Production, Fault::PlaintextInProduction),
        ("http://rp.example.no/cb", Native, Environment::Production, Fault::PlaintextInProduction),
        ("http://localhost:3000/cb", Web, Environment::Production, Fault::LoopbackInProduction),
        ("http://127.0.0.1:3000/cb", Web, Environment::Production, Fault::LoopbackInProduction),
    ] {
        assert_eq!(RedirectUri::register(text, kind, environment).unwrap_err(), fault, "{text}");
    }
    for (text, kind, environment) in [
        ("https://rp.example.no/cb?x=1", Web, Environment::Production),
        ("http://rp.example.no/cb", Web, Environment::Test),
        ("http://localhost:3000/cb", Web, Environment::Test),
        ("http://localhost:3000/cb", Native, Environment::Production),
        ("http://127.0.0.1:0/cb", Native, Environment::Production),
        ("no.example.app:/cb", Native, Environment::Production),
    ] {
        assert!(RedirectUri::register(text, kind, environment).is_ok(), "{text}");
    }
}

#[test]
fn the_origin_is_what_form_action_needs() {
    let origin = |text| RedirectUri::as_sent(text).origin();
    assert_eq!(origin("https://rp.example.no/cb?x"), "https://rp.example.no");
    assert_eq!(origin("http://localhost:3000/cb"), "http://localhost:3000");
    assert_eq!(origin("https://rp.example.no:443/cb"), "https://rp.example.no");
    assert_eq!(origin("http://[::1]:80/cb"), "http://[::1]");
    assert_eq!(origin("http://rp.example.no:443/cb"), "http://rp.example.no:443");
    assert_eq!(origin("no.example.app:/cb"), "no.example.app:");
}
