use super::*;

const GOOD: &str = r#"
data = "data"

[[listeners]]
address = "127.0.0.1:0"

[[issuers]]
issuer = "http://localhost:8080"
profile = "idporten"
environment = "test"
terms = "1"
"#;

fn faults(text: &str) -> String {
    Settings::parse(text, Path::new("etc/portvakt.toml")).unwrap_err().to_string()
}

/// The faults of the good configuration with one text in the place of another.
fn faults_with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    faults(&GOOD.replacen(from, to, 1))
}

fn good(text: &str) -> Settings {
    Settings::parse(text, Path::new("etc/portvakt.toml")).unwrap()
}

#[test]
fn an_unknown_key_is_refused_with_its_path_and_line_wherever_it_stands() {
    for (from, to, told) in [
        (
            "data = \"data\"",
            "data = \"data\"\ncolour = \"red\"",
            "etc/portvakt.toml:3: colour = (text of 3 characters): is not a key",
        ),
        ("address =", "adress =", "listeners[0].adress"),
        ("terms = \"1\"", "terms = \"1\"\ntestid = { pool = [] }", "issuers[0].testid.pool"),
        ("data = \"data\"", "data = \"data\"\n[log]\nformats = \"json\"\n", "log.formats"),
        ("data = \"data\"", "data = \"data\"\n\"a\\u001bb\" = 1\n", "\"a\\u{1b}b\""),
    ] {
        let found = faults_with(from, to);
        assert!(found.contains(told), "{told} in {found}");
    }
}

#[test]
fn every_fault_is_told_at_once_in_the_order_of_the_file() {
    let found = faults(
        r#"
        data = 7
        [[listeners]]
        address = "localhost"
        trusted_proxies = ["10.0.0.0/8", "proxy.example", "0.0.0.0/0"]
        [[issuers]]
        issuer = "https://a.example/"
        profile = "pilto"
        environment = "staging"
        key_lead = "1 day"
        "#,
    );
    let paths: Vec<_> = found.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(
        paths,
        [
            "data = (number of 1 characters)",
            "listeners[0].address = \"localhost\"",
            "listeners[0].trusted_proxies[1] = \"proxy.example\"",
            "listeners[0].trusted_proxies[2] = \"0.0.0.0/0\"",
            "issuers[0].terms",
            "issuers[0].profile = \"pilto\"",
            "issuers[0].environment = \"staging\"",
            "issuers[0].key_lead = \"1 day\"",
        ],
        "{found}"
    );
}

#[test]
fn what_stands_where_a_secret_may_is_never_shown() {
    for text in [
        "master_key = \"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlYw\"",
        "master_kye = \"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlYw\"",
        "master_key = { value = \"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlYw\" }",
        "master_key = \"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlYw",
    ] {
        let found = faults(&format!("{text}\n{GOOD}"));
        assert!(!found.contains("c2Vj"), "{found}");
    }
}

#[test]
fn production_refuses_http_testid_and_a_master_key_beside_its_data() {
    let production = GOOD.replace("\"test\"", "\"production\"");
    let found = faults(&production);
    assert!(
        found.contains("issuers[0].issuer = \"http://localhost:8080\": must be https in production"),
        "{found}"
    );
    let https = production.replace("http://localhost:8080", "https://idporten.no");
    let found = faults(&https);
    assert!(found.contains("master_key: must be given: https://idporten.no is production"), "{found}");
    let door = format!("master_key = {{ env = \"KEY\" }}\n{https}testid = {{ pools = [\"a\"] }}\n");
    let found = faults(&door);
    assert!(found.contains("issuers[0].testid: must not be given in production"), "{found}");
    assert!(
        good(&door.replace("testid", "#"))
            .warnings()
            .iter()
            .any(|told| told.contains("temporarily_unavailable"))
    );
}

#[test]
fn http_on_a_host_that_others_reach_is_for_development_and_warned_of() {
    let open = GOOD.replace("localhost:8080", "portvakt.example");
    assert!(faults(&open).contains("must be https: http is for loopback hosts"), "{}", faults(&open));
    let settings = good(&open.replace("\"test\"", "\"development\""));
    assert!(settings.warnings().iter().any(|told| told.contains("is http on a host that others can reach")));
    assert_eq!(good(GOOD).warnings(), Vec::<String>::new());
}

#[test]
fn an_https_issuer_that_no_listener_can_serve_is_warned_of() {
    let https = GOOD.replace("http://localhost:8080", "https://a.example");
    assert!(
        good(&https).warnings().iter().any(|told| told.contains("no listener has tls or trusted_proxies"))
    );
    let proxied = https.replace("\"127.0.0.1:0\"", "\"127.0.0.1:0\"\ntrusted_proxies = [\"10.0.0.1\"]");
    assert_eq!(good(&proxied).warnings(), Vec::<String>::new());
}

#[test]
fn a_key_does_not_sign_before_everybody_has_fetched_it() {
    let lead = |environment: &str, lead: &str| {
        Settings::parse(
            &format!("{}key_lead = \"{lead}\"\n", GOOD.replace("\"test\"", &format!("\"{environment}\""))),
            Path::new("etc/portvakt.toml"),
        )
    };
    for environment in ["test", "production"] {
        let found = lead(environment, "59m").unwrap_err().to_string();
        assert!(found.contains("issuers[0].key_lead = \"59m\": must be a span from 1h to 365d"), "{found}");
    }
    assert_eq!(lead("test", "1h").unwrap().issuers[0].key_lead, Seconds::new(3600));
    assert_eq!(lead("development", "1s").unwrap().issuers[0].key_lead, Seconds::new(1));
}

#[test]
fn two_issuers_at_one_url_are_refused() {
    let second = |issuer: &str| {
        format!(
            "{GOOD}[[issuers]]\nissuer = \"{issuer}\"\nprofile = \"idporten\"\nenvironment = \"test\"\nterms = \"1\"\n"
        )
    };
    // The last two are other issuers, whose own page would stand where the first one's endpoint does.
    for issuer in [
        "http://localhost:8080",
        "http://localhost:8080/",
        "http://localhost:8080/language",
        "http://localhost:8080/token/",
    ] {
        let found = faults(&second(issuer));
        assert!(found.contains("issuers[1].issuer") && found.contains("already issuers[0]'s"), "{found}");
    }
    for issuer in ["http://localhost:8080/other/", "http://localhost:8080/login"] {
        assert_eq!(good(&second(issuer)).issuers.len(), 2, "{issuer}");
    }
}

#[test]
fn what_is_not_said_has_its_safe_value() {
    let settings = good(GOOD);
    assert_eq!(settings.data, Path::new("etc/data"), "relative to the file's folder");
    assert_eq!(settings.issuers[0].key_lead, Seconds::days(1));
    assert!(settings.issuers[0].provider.test_id().is_none(), "no test door unless it is asked for");
    assert_eq!(settings.audit_retention, None);
    assert!(settings.listeners[0].trusted_proxies.is_empty());
}

#[test]
fn a_file_without_anything_to_do_is_refused() {
    let found = faults("");
    for told in
        ["data: must be given", "listeners: must name at least one", "issuers: must name at least one"]
    {
        assert!(found.contains(told), "{told} in {found}");
    }
}
