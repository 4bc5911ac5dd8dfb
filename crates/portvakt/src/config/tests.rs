use std::cell::RefCell;
use std::collections::BTreeMap;

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
    assert_eq!(settings.data.folder(), Some(Path::new("etc/data")), "relative to the file's folder");
    assert_eq!(settings.issuers[0].key_lead, Seconds::days(1));
    assert!(settings.issuers[0].provider.test_id().is_none(), "no test door unless it is asked for");
    assert_eq!(settings.issuers[0].key_rotation, None, "an operator rotates");
    assert!(!settings.issuers[0].verify_tokens, "it costs, and whoever trusts the signer needs it not");
    assert_eq!(settings.audit_retention, Some(Seconds::days(180)));
    assert!(settings.listeners[0].trusted_proxies.is_empty());
}

#[test]
fn tokens_are_verified_before_they_leave_if_it_is_said() {
    let said = |text: &str| format!("{GOOD}verify_tokens = {text}\n");
    assert!(faults(&said("\"yes\"")).contains("issuers[0].verify_tokens"));
    assert!(good(&said("true")).issuers[0].verify_tokens);
    assert!(!good(&said("false")).issuers[0].verify_tokens);
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

#[test]
fn audit_records_are_kept_for_a_span_of_days_or_for_ever() {
    let kept = |text: &str| format!("{GOOD}[audit]\nretention = \"{text}\"\n");
    for text in ["23h", "for ever", ""] {
        let found = faults(&kept(text));
        assert!(found.contains("audit.retention") && found.contains("or forever"), "{found}");
    }
    assert_eq!(good(&kept("5d")).audit_retention, Some(Seconds::days(5)));
    assert_eq!(good(&kept("forever")).audit_retention, None);
}

#[test]
fn a_rotation_that_nobody_would_notice_or_that_loses_a_certificate_is_refused() {
    let rotated = |text: &str| format!("{GOOD}key_rotation = \"{text}\"\n");
    assert!(faults(&rotated("23h")).contains("issuers[0].key_rotation = \"23h\": must be a span from 1d to"));
    let certified = format!("{}signing = {{ certificate = \"c.pem\", key = \"k.pem\" }}\n", rotated("180d"));
    assert!(faults(&certified).contains("must not be given beside signing"), "{}", faults(&certified));
    assert_eq!(good(&rotated("180d")).issuers[0].key_rotation, Some(Seconds::days(180)));
}

/// The good configuration on a database.
fn on_database(url: &str, more: &str) -> String {
    let data = format!("data = \"{url}\"\nmaster_key = {{ env = \"KEY\" }}\n{more}");
    GOOD.replace("data = \"data\"", &data)
}

const HERE: &str = "postgres://run@127.0.0.1:5433/portvakt";
const AWAY: &str = "postgres://run@db1.example:5432,db2.example:5432/portvakt";

#[test]
fn what_is_no_place_for_data_is_refused_without_being_shown() {
    for text in [
        "mysql://run:swordfish@h/d",
        "postgres:/run:swordfish@h/d",
        "postgres://run:swordfish@h:port/d",
        "postgres://run:swordfish@h/d?nonsense=1",
        "postgres://run:swordfish@h",
    ] {
        let found = faults_with("\"data\"", &format!("\"{text}\""));
        assert!(found.contains("data = (text of") && found.contains("must"), "{found}");
        assert!(!found.contains("swordfish") && !found.contains("nonsense=1"), "{found}");
    }
}

#[test]
fn a_folder_has_no_connections() {
    let found = faults_with("data = \"data\"", "data = \"data\"\ndatabase = { connections = 4 }");
    assert!(found.contains("database: must not be given: data is a folder"), "{found}");
}

#[test]
fn every_node_of_a_database_has_the_same_master_key() {
    let found = faults(&on_database(HERE, "").replace("master_key", "# master_key"));
    assert!(found.contains("master_key: must be given: data is a database"), "{found}");
    assert!(found.contains("master_key = { file"), "{found}");
}

#[test]
fn what_database_says_is_judged_key_by_key() {
    for (key, told) in [
        ("connections = 1", "database.connections = (number of 1 characters): must be a whole number from 2"),
        ("connections = \"16\"", "database.connections = (text of 2 characters): must be a whole number"),
        ("pooler = \"session\"", "database.pooler = \"session\": must be none, or transaction"),
        ("password = \"swordfish\"", "database.password = (text of 9 characters): must be a table"),
        ("user = \"run\"", "database.user = (text of 3 characters): is not a key"),
    ] {
        let found = faults(&on_database(HERE, &format!("database = {{ {key} }}")));
        assert!(found.contains(told), "{told} in {found}");
        assert!(!found.contains("swordfish"), "{found}");
    }
    good(&on_database(HERE, "database = { connections = 4, pooler = \"transaction\" }"));
}

#[test]
fn tls_to_nobody_in_particular_is_refused_everywhere() {
    for mode in ["require", "verify-full"] {
        let url = format!("{AWAY}?sslmode={mode}");
        let found = faults(&on_database(&url, ""));
        assert!(found.contains("data: asks for TLS, and nothing says which server"), "{found}");
        assert!(found.contains("ca = \"file.pem\""), "{found}");
        let settings = good(&on_database(&url, "database = { ca = \"ca.pem\" }"));
        assert_eq!(settings.warnings(), Vec::<String>::new());
    }
}

#[test]
fn production_refuses_a_password_in_the_url_and_a_database_elsewhere_without_tls() {
    let with_password = AWAY.replace("run@", "run:swordfish@");
    let production = |text: String| {
        text.replace("\"test\"", "\"production\"").replace("http://localhost:8080", "https://idporten.no")
    };
    let found = faults(&production(on_database(&with_password, "")));
    for told in ["data: holds a password", "under [database]", "without TLS: whoever is on the way"] {
        assert!(found.contains(told), "{told} in {found}");
    }
    assert!(!found.contains("swordfish"), "{found}");
    // Elsewhere both are warned of.
    let settings = good(&on_database(&with_password, ""));
    let warnings = settings.warnings().join("\n");
    for told in ["data: holds a password", "without TLS"] {
        assert!(warnings.contains(told), "{told} in {warnings}");
    }
    assert!(!warnings.contains("swordfish") && !format!("{settings:?}").contains("swordfish"), "{warnings}");
    assert_eq!(settings.data.to_string(), AWAY);
    // On this machine nobody is on the way.
    good(&production(on_database(HERE, "database = { password = { env = \"PASSWORD\" } }")));
    good(&production(on_database(AWAY, "database = { ca = \"ca.pem\" }")));
}

#[test]
fn a_password_is_given_once() {
    let url = HERE.replace("run@", "run:swordfish@");
    let found = faults(&on_database(&url, "database = { password = { env = \"PASSWORD\" } }"));
    assert!(found.contains("data: must not hold a password that [database] names too"), "{found}");
    assert!(!found.contains("swordfish"), "{found}");
}

#[test]
fn a_password_or_a_ca_that_cannot_be_had_is_told_without_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portvakt.toml");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let more = "[database]\npassword = { file = \"password\" }\nca = \"ca.pem\"\n";
    let text = on_database(HERE, "").replace("{ env = \"KEY\" }", "{ file = \"key\" }") + more;
    write("key", "3f9c1b7e52a8d0464e6b8a1f0c93d75e2b48f6a1907c3d5e8b1a4f7260d9c3e5");
    let told = || Settings::parse(&text, &file).unwrap().check_references().map_err(|why| why.to_string());
    let found = told().unwrap_err();
    for told in ["database.password: cannot be had from the file", "database.ca: ", "cannot be read"] {
        assert!(found.contains(told), "{told} in {found}");
    }
    for password in ["", "\n", "sword\nfish\n", "sword\tfish"] {
        write("password", password);
        let found = told().unwrap_err();
        assert!(found.contains("is no password") && !found.contains("fish"), "{found}");
    }
    write("password", "swordfish\n");
    write("ca.pem", "no certificate");
    assert!(told().unwrap_err().contains("must hold certificates in PEM form"));
    write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    told().unwrap();
    let settings = Settings::parse(&text, &file).unwrap();
    assert!(!format!("{:?}", settings.data.url().unwrap()).contains("swordfish"));
}

thread_local! {
    /// Each key that was read since this thread began, and whether it was ever there.
    static ASKED: RefCell<BTreeMap<String, bool>> = const { RefCell::new(BTreeMap::new()) };
}

/// A key is read.
pub(super) fn asked(path: &str, there: bool) {
    let path = path.replace("[0]", "");
    ASKED.with_borrow_mut(|asked| *asked.entry(path).or_default() |= there);
}

/// The example with what is commented out put in, but for the lines that begin so.
fn example_without(left_out: &[&str]) -> String {
    let text = include_str!("../../../../examples/config.toml");
    let lines = text.lines().filter(|line| !left_out.iter().any(|begin| line.starts_with(begin)));
    let told = |line: &str| match line.strip_prefix("# ") {
        Some(key) if key.contains(" = ") || key.starts_with('[') => format!("{key}\n"),
        _ => format!("{line}\n"),
    };
    lines.map(told).collect()
}

/// `docs/operations.md` says that every key stands in it, explained.
#[test]
fn every_key_that_is_read_stands_in_the_example() {
    for left_out in [["data = ", "# master_key = { env"], ["# data = ", "# master_key = { file"]] {
        // What it refuses of them together is no matter here.
        let _ = Settings::parse(&example_without(&left_out), Path::new("etc/portvakt.toml"));
    }
    let asked = ASKED.take();
    assert!(asked.get("issuers.tokeninfo").is_some_and(|there| *there) && asked.len() > 30, "{asked:?}");
    for (path, there) in asked {
        // Each secret is in a file or in the environment, which one key's example shows of both.
        let of_a_secret = path.ends_with(".file") || path.ends_with(".env");
        assert!(there || (of_a_secret && !path.starts_with("master_key.")), "{path} is not in the example");
    }
}
