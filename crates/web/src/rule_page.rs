//! Pages about the rules that refusals name: `error_uri` leads to one. They say the same to everybody, and nothing of the request that
//! was refused; the example is the issuer's own, so that it works there.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Request, StatusCode};
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::language::Language;
use portvakt_protocol::refusal::{ExampleKind, Rule, Shared};

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
    let shown = rule.example.at(&site.provider);
    let (example, note) = (shown.text, labels.note(shown.kind));
    let never = (!rule.can_be_broken_at(&site.provider)).then_some(labels.never);
    let rule_page = RulePage { frame, rule, text, language, labels, never, example, note, told_as, told_so };
    page(StatusCode::OK, &rule_page, "")
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

/// What stands around a rule's text on its page, in the language of that text: headings, and what to do with the example.
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
    /// Of a rule that cannot be broken at this issuer.
    never: &'static str,
    of_request: &'static str,
    of_command: &'static str,
    of_commands: &'static str,
    of_catalogue: &'static str,
    of_configuration: &'static str,
}

impl Labels {
    /// What to do with an example of this kind.
    fn note(&self, kind: ExampleKind) -> &'static str {
        match kind {
            ExampleKind::Request => self.of_request,
            ExampleKind::Command => self.of_command,
            ExampleKind::Commands => self.of_commands,
            ExampleKind::Catalogue => self.of_catalogue,
            ExampleKind::Configuration => self.of_configuration,
        }
    }

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
                never: "Denne regelen kan ikke brytes hos denne utstederen, bare hos andre.",
                of_request: "Sett inn dine egne verdier for web, rp.example.no og ordene med bare store bokstaver.",
                of_command: "Kjør kommandoen på serveren, med dine egne verdier. Kjører portvakt dev, er det --data MAPPE i stedet for --config FIL.",
                of_commands: "Den første kommandoen sier hva som er stoppet; kjør så den som retter det, på serveren og med dine egne verdier. Kjører portvakt dev, er det --data MAPPE i stedet for --config FIL.",
                of_catalogue: "Sett inn dine egne verdier og lagre det i en fil: portvakt apply FIL --config portvakt.toml registrerer det i stedet for det som var registrert av dette. Kjører portvakt dev, er det --data MAPPE i stedet for --config FIL.",
                of_configuration: "Dette står i konfigurasjonen, portvakt.toml. portvakt dev har ingen: der tilbyr hver utsteder TestID fra før.",
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
                never: "This rule cannot be broken at this issuer, only at others.",
                of_request: "Put in your own values for web, rp.example.no and the words in capitals only.",
                of_command: "Run the command on the server, with your own values. If portvakt dev runs, it is --data FOLDER in place of --config FILE.",
                of_commands: "The first command says what is stopped; then run the one that mends it, on the server and with your own values. If portvakt dev runs, it is --data FOLDER in place of --config FILE.",
                of_catalogue: "Put in your own values and save it in a file: portvakt apply FILE --config portvakt.toml registers it in place of what was registered of these. If portvakt dev runs, it is --data FOLDER in place of --config FILE.",
                of_configuration: "This stands in the configuration, portvakt.toml. portvakt dev has none: there every issuer offers TestID already.",
            },
        }
    }
}
