//! The examples on the rules' pages, read from the pages of both profiles and done as they stand there: requests are sent and succeed,
//! commands and catalogues are carried out, and a configuration is one.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use portvakt_protocol::refusal::{ExampleKind, Rule, Shared};
use portvakt_testkit::{At, Browser, Call, RelyingParty, Reply, Tokens, World, refreshing};

use crate::{PERSON, unescaped};

/// Every page about rules.
fn pages() -> impl Iterator<Item = &'static Rule> {
    Shared::ALL.iter().map(|shared| &shared.page).chain(Rule::all())
}

/// A rule's page at an issuer.
async fn page(world: &World, at: At, rule: &Rule) -> String {
    let url = format!("{}/errors/{}?ui_locales=en", at.issuer().trim_end_matches('/'), rule.name);
    unescaped(&world.call(Call::get(&url)).await.text())
}

/// The example on it.
async fn example(world: &World, at: At, rule: &Rule) -> String {
    let page = page(world, at, rule).await;
    let (_, after) = page.split_once("<pre class=\"code\" id=\"example\" translate=\"no\">").unwrap();
    after.split_once("</pre>").unwrap().0.to_owned()
}

/// The words of a command line, as a shell reads it (POSIX.1-2017, Shell Command Language §2.2): of all there is, what the examples have.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, quoted) {
            ('\'', _) => {
                word.get_or_insert_default();
                quoted = !quoted;
            }
            ('\\', false) => match characters.next() {
                Some('\n') => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => panic!("a backslash at the end: {line}"),
            },
            (' ', false) => words.extend(word.take()),
            ('\n' | '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '"', false) => {
                panic!("{character:?} is not quoted: {line}")
            }
            (character, _) => word.get_or_insert_default().push(character),
        }
    }
    assert!(!quoted, "a quote is left open: {line}");
    words.extend(word);
    words
}

/// What curl sends.
fn call(line: &str) -> Call {
    let words = words(line);
    let mut words = words.iter().map(String::as_str);
    assert_eq!(words.next(), Some("curl"));
    let (mut url, mut get, mut fields, mut user, mut headers) = ("", false, Vec::new(), None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "--include" => {}
            "--get" => get = true,
            "--data-urlencode" => fields.push(words.next().unwrap().split_once('=').unwrap()),
            "--user" => user = words.next().unwrap().split_once(':'),
            "--header" => headers.push(words.next().unwrap().split_once(": ").unwrap()),
            other => url = other,
        }
    }
    let form = Call::post(url, &fields);
    let call = match String::from_utf8(form.body.clone()).unwrap() {
        query if query.is_empty() => Call::get(url),
        query if get => Call::get(&format!("{url}?{query}")),
        _ => form,
    };
    let call = headers.into_iter().fold(call, |call, (name, value)| call.header(name, value));
    // curl encodes neither half (RFC 6749 §2.3.1 does): the secrets that are drawn need none.
    user.into_iter().fold(call, |call, (client_id, secret)| call.basic(client_id, secret))
}

/// What a reader puts in where an example has capitals.
struct Fillings {
    secret: String,
    code: String,
    tokens: Tokens,
}

impl Fillings {
    /// Those of two logins: one whose code is still to be redeemed, by the verifier that the examples have, and one for its tokens.
    async fn drawn(world: &World, service: &RelyingParty, login: &Call) -> Self {
        let mut browser = world.browser();
        let page = browser.visit(&login.url).await;
        let left = browser.log_in_as(&page, PERSON).await;
        let location = left.location().unwrap_or_else(|| panic!("{} {}", left.status, left.text()));
        let (_, after) =
            location.split_once("code=").unwrap_or_else(|| panic!("no code, but {}", left.error()));
        let code = after.split('&').next().unwrap().to_owned();
        world.wire().keep_secret(&code);
        let secret = service.service().secret.clone().unwrap();
        Self { secret, code, tokens: world.tokens(service, PERSON).await }
    }

    fn put_into(&self, line: &str) -> String {
        line.replace("CLIENT_SECRET", &self.secret)
            .replace("=CODE'", &format!("={}'", self.code))
            .replace("REFRESH_TOKEN", self.tokens.refresh_token())
            .replace("ACCESS_TOKEN", &self.tokens.access_token)
    }
}

/// A login that is asked for comes to its page, or to its code where a test person needs none.
fn assert_logs_in(rule: &Rule, at: At, reply: &Reply) {
    let offers = reply.is_page_with(200) && !reply.form().offers("acr").is_empty();
    let answers = reply.location().is_some_and(|place| place.starts_with("https://rp.example.no/cb?code="));
    assert!(offers || answers, "{} at {at:?}: {} {:?}", rule.name, reply.status, reply.location());
}

#[tokio::test]
async fn every_request_that_is_given_as_an_example_is_answered_where_it_is_given() {
    for at in At::PROFILES {
        let world = World::new().await;
        let service = world.register(at, refreshing("web")).await;
        let login = call(&example(&world, at, Rule::named("state-missing").unwrap()).await);
        let mut tried = 0;
        for rule in pages() {
            let line = example(&world, at, rule).await;
            if !line.starts_with("curl ") {
                continue;
            }
            tried += 1;
            if line.contains(" --get ") {
                let reply = Browser::new(world.wire()).visit(&call(&line).url).await;
                assert_logs_in(rule, at, &reply);
                continue;
            }
            let filled = Fillings::drawn(&world, &service, &login).await.put_into(&line);
            let reply = world.call(call(&filled)).await;
            let told = (reply.error(), reply.description());
            assert_eq!(reply.status, 200, "{} at {at:?}: {told:?}\n{line}", rule.name);
        }
        println!("{at:?}: {tried} requests are answered");
        assert!(tried > 60, "{tried} at {at:?}");
    }
}

#[tokio::test]
async fn a_page_says_so_where_its_rule_cannot_be_broken() {
    let world = World::new().await;
    let hinted =
        ["login-hint-syntax", "login-hint-number", "login-hint-level-unknown", "login-hint-level-low"];
    for (at, expected) in [
        (At::Pilot, ["response-type-missing", "acr-values-unmet", "login-hint-not-offered"].as_slice()),
        (At::Current, &["login-hint-not-offered"]),
        (At::Production, &hinted),
    ] {
        for rule in pages() {
            let said = page(&world, at, rule).await.contains("id=\"never\"");
            assert_eq!(said, expected.contains(&rule.name), "{} at {at:?}", rule.name);
        }
    }
    // And it is so.
    let asking = world.service(At::Pilot).await.request();
    world.accepted(&asking.without("response_type")).await;
    let asking = world.service(At::Production).await.request();
    let hinted = asking.with("login_hint", "testid:21879498013_Level9").send().await;
    assert!(hinted.error_uri().ends_with("/errors/login-hint-not-offered"), "{}", hinted.error_uri());
}

/// Runs the binary on a command line of an operator's, in a folder; what it told, if it failed.
fn run(folder: &Path, line: &str) -> Result<(), String> {
    let words = words(line);
    let (first, arguments) = words.split_first().unwrap();
    assert_eq!(first, "portvakt");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portvakt"));
    let ended = command.args(arguments).current_dir(folder).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    ended.status.success().then_some(()).ok_or(format!("{line}\n{told}"))
}

/// What the commands of the pages are about: the client `web`, a scope of another organisation's, and a person who is stopped.
const REGISTERED: &str = r#"
issuer = ["http://localhost:8080/idporten-oidc-provider/", "http://localhost:8080"]

[[organisations]]
orgno = "991825827"
name = "Eksempeletaten"
terms = { version = "1", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Kari Nordmann" }

[[organisations]]
orgno = "910753614"
name = "Nabodirektoratet"
terms = { version = "1", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Ola Nordmann" }

[[scopes]]
scope = "skatt:inntekt"
owner_orgno = "910753614"

[[clients]]
client_id = "web"
client_orgno = "991825827"
display_name = "Eksempeltjenesten"
redirect_uris = ["https://rp.example.no/cb"]
scopes = ["openid", "profile"]
active = false

[[test_persons]]
pool = "demo"
pid = "21879498012"
active = false
"#;

/// The examples of one kind at both profiles, each with its rule's name.
async fn examples(world: &World, kind: ExampleKind) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for at in At::PROFILES {
        for rule in pages().filter(|rule| rule.example.at(world.provider(at)).kind == kind) {
            found.push((rule.name, example(world, at, rule).await));
        }
    }
    found
}

#[tokio::test]
async fn every_command_and_catalogue_that_is_given_as_an_example_is_carried_out() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The configurations that are given as examples are one together.
    let mut config = "data = \"data\"\n\n[[listeners]]\naddress = \"127.0.0.1:8080\"\n".to_owned();
    let issuers = examples(&world, ExampleKind::Configuration).await;
    assert_eq!(issuers.len(), 2);
    for (_, issuer) in issuers {
        write!(config, "\n{issuer}\n").unwrap();
    }
    std::fs::write(folder.join("portvakt.toml"), &config).unwrap();
    run(folder, "portvakt config check --config portvakt.toml").unwrap();

    let catalogues = examples(&world, ExampleKind::Catalogue).await;
    assert!(catalogues.len() >= 8, "{}", catalogues.len());
    for (rule, catalogue) in catalogues {
        std::fs::write(folder.join("catalogue.toml"), &catalogue).unwrap();
        let done = run(folder, "portvakt apply catalogue.toml --dry-run --config portvakt.toml");
        done.unwrap_or_else(|told| panic!("{rule}: {told}\n{catalogue}"));
    }
    std::fs::write(folder.join("registered.toml"), REGISTERED).unwrap();
    run(folder, "portvakt apply registered.toml --config portvakt.toml").unwrap();
    let commands = examples(&world, ExampleKind::Command).await;
    assert!(commands.len() >= 24, "{}", commands.len());
    for (rule, line) in commands {
        run(folder, &line).unwrap_or_else(|told| panic!("{rule}: {told}"));
    }
}
