//! Every fault of the table is provoked over HTTP, and its page is opened. The log names the rule; the wire names it where its caller
//! may learn it, and leads to its page.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a scene that cannot go on fails where it stands")]

mod authorize;
mod bearer;
mod client;
mod examples;
mod grant;
mod login;
mod refresh;
mod request;
mod served;

use std::collections::BTreeSet;

use portvakt_protocol::refusal::{Rule, Shared};
use portvakt_testkit::{At, Call, PERSONS, Reply, World, log};

const PERSON: &str = PERSONS[0];

/// The rules that were provoked so far.
#[derive(Default)]
struct Provoked(BTreeSet<&'static str>);

impl Provoked {
    /// This reply is a refusal by `rule`: the log says so under its trace id, and so does whatever of it goes onto the wire.
    #[track_caller]
    fn by(&mut self, rule: &'static Rule, reply: &Reply) {
        let trace = trace_id(reply);
        let line = event(&trace);
        let named = format!("rule=\"{}\"", rule.name);
        assert!(line.contains(&named), "{} is expected: {line}", rule.name);
        assert!(line.contains(&format!("code=\"{}\"", rule.code.as_str())), "{line}");
        if !reply.error().is_empty() {
            assert_eq!(reply.error(), rule.code.as_str());
            let page = format!("/errors/{}", rule.told_name());
            assert!(reply.error_uri().ends_with(&page), "{}: {}", rule.name, reply.error_uri());
            let environment = line.split(" environment=\"").nth(1).and_then(|rest| rest.split('"').next());
            let environment = environment.unwrap_or_else(|| panic!("no environment in {line}"));
            let end = format!("; rule {}, environment {environment} (trace_id: {trace})", rule.told_name());
            assert!(reply.description().ends_with(&end), "{}: {}", rule.name, reply.description());
            if reply.location().is_none() {
                assert_eq!(reply.status, rule.status(), "{}", rule.name);
            }
        }
        self.0.insert(rule.name);
    }

    /// A refusal that a plain text tells of, a fact on each line.
    #[track_caller]
    fn told_by(&mut self, rule: &'static Rule, reply: &Reply) {
        assert_eq!(reply.status, rule.status(), "{}", reply.text());
        assert!(reply.text().contains(&format!("rule       {}\n", rule.name)), "{}", reply.text());
        assert!(reply.text().contains(&format!("/errors/{}\n", rule.name)), "{}", reply.text());
        self.0.insert(rule.name);
    }
}

/// The trace id that a refusal carries, in whatever form it came.
#[track_caller]
fn trace_id(reply: &Reply) -> String {
    let said = format!("{} {} {}", reply.description(), reply.header("www-authenticate"), reply.text());
    let is_hex = |word: &&str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words = said.split(|character: char| !character.is_ascii_alphanumeric()).filter(is_hex);
    words.next().unwrap_or_else(|| panic!("no trace id in {} {said}", reply.status)).to_owned()
}

/// What the log says of the refusal with this trace id.
#[track_caller]
fn event(trace: &str) -> String {
    let log = log();
    let mut lines = log.lines().filter(|line| line.contains(trace) && line.contains("refusal:"));
    lines.next().unwrap_or_else(|| panic!("the log has no refusal {trace}")).to_owned()
}

#[tokio::test]
async fn every_fault_of_the_table_is_provoked_and_has_its_page() {
    let mut provoked = Provoked::default();
    let world = World::new().await;
    request::provoke(&world, &mut provoked).await;
    client::provoke(&world, &mut provoked).await;
    authorize::provoke(&world, &mut provoked).await;
    login::provoke(&world, &mut provoked).await;
    grant::provoke(&world, &mut provoked).await;
    refresh::provoke(&world, &mut provoked).await;
    bearer::provoke(&world, &mut provoked).await;
    served::provoke(&world, &mut provoked).await;

    let mut pages = 0;
    for rule in Rule::all() {
        opens(&world, rule).await;
        pages += 1;
    }
    let faults = Rule::all().count();
    println!("faults: {faults}, provoked: {}, pages: {pages}", provoked.0.len());
    let left: Vec<_> = Rule::all().map(|rule| rule.name).filter(|name| !provoked.0.contains(name)).collect();
    assert_eq!(left, Vec::<&str>::new(), "never provoked");
    assert_eq!((faults, faults), (provoked.0.len(), pages));
}

/// The page of a rule, as an integrator opens it from `error_uri`.
async fn opens(world: &World, rule: &'static Rule) {
    for (at, language, text) in [(At::Current, "en", &rule.en), (At::Pilot, "nb", &rule.nb)] {
        let url = format!("{}/errors/{}?ui_locales={language}", at.issuer().trim_end_matches('/'), rule.name);
        let page = world.call(Call::get(&url)).await;
        assert!(page.is_page_with(200), "{url}: {}", page.status);
        let page = unescaped(&page.text());
        let example = rule.example.at(world.provider(at)).text;
        for words in [rule.name, rule.code.as_str(), rule.clause, text.what, text.why, text.mend, &example] {
            assert!(page.contains(words), "{url} lacks {words:?}");
        }
        assert!(page.contains(&format!("<section lang=\"{language}\"")), "{url}");
        assert!(page.contains(&format!(">{}</h1>", text.title)), "{url}");
    }
}

/// A page's text without its character references.
fn unescaped(html: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(html.to_owned(), |text, (reference, character)| text.replace(reference, character))
}

#[tokio::test]
async fn what_callers_may_not_tell_apart_has_one_page_for_all_of_it() {
    let world = World::new().await;
    for shared in Shared::ALL {
        opens(&world, &shared.page).await;
        let url = format!("{}/errors/{}?ui_locales=en", At::Current.issuer(), shared.page.name);
        let page = unescaped(&world.call(Call::get(&url)).await.text());
        for rule in shared.rules() {
            assert!(page.contains(&format!("/errors/{}\"", rule.name)), "{}", rule.name);
        }
    }
}

#[tokio::test]
async fn a_rule_that_there_is_not_is_404_and_leads_to_the_list_of_all() {
    let world = World::new().await;
    for at in [At::Pilot, At::Current, At::Split, At::Production] {
        let base = format!("{}/errors", at.issuer().trim_end_matches('/'));
        for name in ["state-missin", "STATE-MISSING", "%73tate-missing", "-", "state-missing.html"] {
            let page = world.call(Call::get(&format!("{base}/{name}"))).await;
            assert!(page.is_page_with(404), "{name}: {}", page.status);
            assert!(page.text().contains(&format!("href=\"{base}\"")), "{at:?}");
        }
        let list = world.call(Call::get(&base)).await;
        assert!(list.is_page_with(200));
        let list = list.text();
        for rule in Rule::all() {
            assert!(list.contains(&format!("href=\"{base}/{}\"", rule.name)), "{}", rule.name);
        }
    }
}
