//! Pages about the rules that refusals name: `error_uri` leads to one. They say the same at every issuer and to everybody, and nothing
//! of the request that was refused.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Request, StatusCode};
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::language::Language;
use portvakt_protocol::refusal::{Rule, Shared};

use crate::form::query;
use crate::here::Here;
use crate::pages::{Linked, NoticePage, PageName, RuleListPage, RulePage, page};
use crate::reply::Reply;
use crate::site::Site;

/// `GET` the list of all rules.
pub(crate) async fn rule_list(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let here = here(&site, Endpoint::RuleList, &request);
    let shared = Shared::ALL.iter().map(|shared| &shared.page);
    let (rules, language) = linked(shared.chain(Rule::all()), here.language());
    page(StatusCode::OK, &RuleListPage { frame: here.frame(PageName::RuleList), language, rules }, "")
}

/// `GET` the page of a rule.
pub(crate) async fn rule_page(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let here = here(&site, Endpoint::RulePage, &request);
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    let Some(rule) = Rule::page(name) else { return unknown(&here) };
    let (text, language) = rule.text(here.language());
    let shared = Shared::ALL.iter().find(|shared| shared.page == *rule);
    let (told_so, _) = linked(shared.into_iter().flat_map(|shared| shared.rules()), here.language());
    let told_as = rule.told_as.into_iter().map(|shared| &shared.page);
    let (told_as, _) = linked(told_as, here.language());
    let frame = here.frame(PageName::Rule);
    let labels = Labels::of(language);
    page(StatusCode::OK, &RulePage { frame, rule, text, language, labels, told_as, told_so }, "")
}

fn here<'a>(site: &'a Site, endpoint: Endpoint, request: &Request<Body>) -> Here<'a> {
    let asked = query(request).ok().and_then(|params| params.first("ui_locales").map(str::to_owned));
    Here::at(site, endpoint, request.headers(), request.uri().path().to_owned(), asked.as_deref())
}

/// Rules by name and heading, and the language of the headings.
fn linked(rules: impl Iterator<Item = &'static Rule>, reader: Language) -> (Vec<Linked>, Language) {
    let linked = rules.map(|rule| Linked { name: rule.name, title: rule.text(reader).0.title });
    let language = if matches!(reader, Language::Nb | Language::Nn) { Language::Nb } else { Language::En };
    (linked.collect(), language)
}

fn unknown(here: &Here<'_>) -> Reply {
    let texts = here.texts();
    let notice = NoticePage {
        frame: here.frame(PageName::RuleUnknown),
        title: texts.rule_unknown,
        sentence: texts.rule_unknown_sentence,
        value: "",
        way_on: Some((texts.rules, here.rules())),
        service: None,
        reference: None,
        detail: None,
    };
    page(StatusCode::NOT_FOUND, &notice, "")
}

/// The headings on a rule's page, in the language of its text.
#[derive(Debug)]
pub(crate) struct Labels {
    pub(crate) rule: &'static str,
    pub(crate) code: &'static str,
    pub(crate) clause: &'static str,
    pub(crate) why: &'static str,
    pub(crate) mend: &'static str,
    pub(crate) example: &'static str,
    pub(crate) told_as: &'static str,
    pub(crate) told_so: &'static str,
}

impl Labels {
    /// Those of a text in `language`.
    fn of(language: Language) -> &'static Self {
        match language {
            Language::Nb | Language::Nn => &Self {
                rule: "Regel",
                code: "Feilkode",
                clause: "Står i",
                why: "Hvorfor",
                mend: "Slik retter du det",
                example: "Et eksempel som virker",
                told_as: "I svaret står",
                told_so: "Regler som får dette svaret",
            },
            Language::En | Language::Se => &Self {
                rule: "Rule",
                code: "Error code",
                clause: "Written in",
                why: "Why",
                mend: "How to mend it",
                example: "An example that works",
                told_as: "The answer says",
                told_so: "Rules that have this answer",
            },
        }
    }
}
