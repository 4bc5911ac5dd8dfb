//! The examples on the rules' pages, read from the pages of both profiles and done as they stand there: requests are sent and succeed,
//! commands and catalogues are carried out, and a configuration is one.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use portvakt_crypto::encoding::base64_encode;
use portvakt_protocol::profile::SECRET_LIFETIME;
use portvakt_protocol::refusal::{ExampleKind, Rule, Shared};
use portvakt_protocol::registration::Change;
use portvakt_protocol::secret::ClientSecret;
use portvakt_testkit::{At, Browser, Call, RelyingParty, Reply, Tokens, World, client_id, refreshing};
use serde_json::Value;

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
            "--user" => user = words.next(),
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
    user.into_iter().fold(call, |call, user| {
        call.header("authorization", &format!("Basic {}", base64_encode(user.as_bytes())))
    })
}

/// A secret that HTTP Basic cannot carry as it is, and its form encoding (RFC 6749 appendix B).
const AWKWARD: (&str, &str) =
    ("100%25 + a:b-which-nobody-guesses", "100%2525+%2B+a%3Ab-which-nobody-guesses");

/// Gives the client `web` that secret beside its own.
async fn give_awkward(world: &World, at: At) {
    let expires = world.now() + SECRET_LIFETIME;
    let digest = ClientSecret::presented(AWKWARD.0).digest();
    let (issuer, client_id) = (world.issuer(at), client_id("web"));
    world.change(vec![Change::Secret { issuer, client_id, digest, expires, others_expire: expires }]).await;
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
        line.replace("FORM_ENCODED_SECRET", AWKWARD.1)
            .replace("CLIENT_SECRET", &self.secret)
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
        give_awkward(&world, at).await;
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

#[tokio::test]
async fn rfc6749_s2_3_1_a_secret_that_needs_encoding_is_the_clients_only_when_it_is_encoded() {
    let world = World::new().await;
    give_awkward(&world, At::Current).await;
    let line = example(&world, At::Current, Rule::named("client-basic-unreadable").unwrap()).await;
    for (secret, error) in [(AWKWARD.0, "invalid_client"), (AWKWARD.1, "invalid_grant")] {
        let filled = line.replace("FORM_ENCODED_SECRET", secret);
        assert_ne!(filled, line);
        assert_eq!(world.call(call(&filled)).await.error(), error, "{filled}");
    }
}

#[tokio::test]
async fn what_is_to_be_done_with_an_example_is_said_for_serve_and_for_dev() {
    let world = World::new().await;
    for rule in pages() {
        let page = page(&world, At::Current, rule).await;
        let said = match rule.example.at(world.provider(At::Current)).kind {
            ExampleKind::Request => continue,
            ExampleKind::Command | ExampleKind::Commands | ExampleKind::Catalogue => {
                "If portvakt dev runs, it is --data FOLDER in place of --config FILE."
            }
            ExampleKind::Configuration => "portvakt dev has none",
        };
        assert!(page.contains(said), "{}: {said}", rule.name);
    }
}

/// Runs the binary on a command line of an operator's, in a folder; what it told, if it failed.
fn run(folder: &Path, line: &str) -> Result<(), String> {
    output(folder, line).map(drop)
}

/// The same, and what it told on standard output.
fn output(folder: &Path, line: &str) -> Result<String, String> {
    let words = words(line);
    let (first, arguments) = words.split_first().unwrap();
    assert_eq!(first, "portvakt");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portvakt"));
    let ended = command.args(arguments).current_dir(folder).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let done = String::from_utf8_lossy(&ended.stdout).into_owned();
    ended.status.success().then_some(done).ok_or(format!("{line}\n{told}"))
}

/// What the commands of the pages are about: the client `web`, a scope of another organisation's, and a person who is stopped.
const REGISTERED: &str = r#"
issuer = ["http://localhost:8080/idporten-oidc-provider/", "http://localhost:8080"]

[[organisations]]
orgno = "910753614"
name = "Eksempeletaten"
terms = { version = "1", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Kari Nordmann" }

[[organisations]]
orgno = "889640782"
name = "Nabodirektoratet"
terms = { version = "1", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "Ola Nordmann" }

[[scopes]]
scope = "skatt:inntekt"
owner_orgno = "889640782"

[[clients]]
client_id = "web"
client_orgno = "910753614"
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

/// A folder with the configuration that the examples give, which are one together.
async fn configured(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut config = "data = \"data\"\n\n[[listeners]]\naddress = \"127.0.0.1:8080\"\n".to_owned();
    let issuers = examples(world, ExampleKind::Configuration).await;
    assert_eq!(issuers.len(), 2);
    for (_, issuer) in issuers {
        write!(config, "\n{issuer}\n").unwrap();
    }
    std::fs::write(folder.path().join("portvakt.toml"), &config).unwrap();
    run(folder.path(), "portvakt config check --config portvakt.toml").unwrap();
    folder
}

/// Where nothing is registered, and beside the demo of `portvakt dev`, of which each leaves everything as it is.
#[tokio::test]
async fn every_catalogue_that_is_given_as_an_example_is_carried_out_and_adds_to_what_there_is() {
    let world = World::new().await;
    let folder = configured(&world).await;
    let folder = folder.path();
    let catalogues = examples(&world, ExampleKind::Catalogue).await;
    assert!(catalogues.len() >= 6, "{}", catalogues.len());
    let demo = include_str!("../../src/dev/demo.toml").replace("version = \"demo\"", "version = \"1\"");
    for is_registered in [false, true] {
        if is_registered {
            std::fs::write(folder.join("demo.toml"), &demo).unwrap();
            run(folder, "portvakt apply demo.toml --config portvakt.toml").unwrap();
        }
        for (rule, catalogue) in &catalogues {
            std::fs::write(folder.join("catalogue.toml"), catalogue).unwrap();
            let done =
                output(folder, "portvakt apply catalogue.toml --dry-run --json --config portvakt.toml");
            let done = done.unwrap_or_else(|told| panic!("{rule}: {told}\n{catalogue}"));
            let done: Value = serde_json::from_str(&done).unwrap();
            let changes = done["changes"].as_array().unwrap();
            assert!(!changes.is_empty(), "{rule}");
            assert!(changes.iter().all(|line| line["change"] == "create"), "{rule}: {done}");
        }
    }
}

/// The same folder with what the commands of the pages are about.
async fn registered(world: &World) -> tempfile::TempDir {
    let folder = configured(world).await;
    std::fs::write(folder.path().join("registered.toml"), REGISTERED).unwrap();
    run(folder.path(), "portvakt apply registered.toml --config portvakt.toml").unwrap();
    folder
}

#[tokio::test]
async fn every_command_that_is_given_as_an_example_is_carried_out() {
    let world = World::new().await;
    let folder = registered(&world).await;
    let found = examples(&world, ExampleKind::Command).await;
    assert!(found.len() >= 20, "{}", found.len());
    for (rule, line) in found {
        run(folder.path(), &line).unwrap_or_else(|told| panic!("{rule}: {told}"));
    }
    // Each of these is to give refresh tokens, or to leave them, also by itself.
    let told: Vec<_> = examples(&world, ExampleKind::Command).await;
    let told = told.iter().filter(|(_, line)| line.contains("refresh"));
    for (rule, line) in told {
        let folder = registered(&world).await;
        run(folder.path(), line).unwrap();
        let issuer = line.split_once(" \\\n").unwrap().1;
        let shown = output(folder.path(), &format!("portvakt client show web --json {issuer}")).unwrap();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["may_refresh"], true, "{rule}: {line}");
    }
}

#[tokio::test]
async fn whatever_stops_a_client_the_commands_of_the_pages_about_it_let_it_go_on() {
    let world = World::new().await;
    let found = examples(&world, ExampleKind::Commands).await;
    assert_eq!(found.len(), 6);
    for (rule, lines) in found {
        let folder = registered(&world).await;
        let folder = folder.path();
        let (show, _) = lines.split_once("\n\n").unwrap();
        let stopped = || {
            let shown: Value =
                serde_json::from_str(&output(folder, &format!("{show} --json")).unwrap()).unwrap();
            shown["stopped"].clone()
        };
        for stop in
            ["organisation withdraw 910753614", "organisation deactivate 910753614", "client deactivate web"]
        {
            run(folder, &show.replace("client show web", stop)).unwrap();
            assert_ne!(stopped(), Value::Null, "{stop}");
            for line in lines.split("\n\n") {
                run(folder, line).unwrap_or_else(|told| panic!("{rule}: {told}"));
            }
            assert_eq!(stopped(), Value::Null, "{rule} after {stop}");
        }
    }
}
