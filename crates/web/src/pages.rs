//! The pages people see. Everything shown is escaped by the template; nothing runs in them. Which page is shown where stands in
//! [`PageName::at`], which those who try every page read.

mod texts;

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_FRAME_OPTIONS};
use portvakt_eid::test_id::EntryFault;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::authorize::Validated;
use portvakt_protocol::client::Client;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::language::Language;
use portvakt_protocol::person::PidFault;
use portvakt_protocol::refusal::{Rule, Text};

pub(crate) use texts::{IssuerTexts, Texts, around};

use crate::assets::Assets;
use crate::lately::LateRefusal;
use crate::reply::{Reply, html};
use crate::rule_page::Labels;

/// A page, in a state that it can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageName {
    /// The login page as it is first shown.
    Login,
    /// The login page again, with what is wrong with the number or the person.
    LoginFaultPid,
    /// The login page again, with what is wrong with the level.
    LoginFaultLevel,
    /// A refusal that must not redirect, with what a developer wants to know.
    RefusedDetail,
    /// A refusal that must not redirect, as people see it in production.
    RefusedPlain,
    /// A login of another browser, or without its cookie.
    CookieGone,
    /// A login that outlived its lifetime.
    LoginExpired,
    /// A login that led to an answer already.
    LoginFinished,
    /// A form that is not from our page as it is.
    FormStale,
    /// A body that is no form.
    Unreadable,
    /// A failure of ours.
    Unavailable,
    /// The end of the logins in this browser.
    LoggedOut,
    /// The issuer's own page outside production.
    IssuerOpen,
    /// The issuer's own page in production.
    IssuerProduction,
    /// The page of a rule that refusals name.
    Rule,
    /// The list of all of them.
    RuleList,
    /// A rule that there is not.
    RuleUnknown,
}

use PageName as P;

impl PageName {
    /// Its name, in the page's `data-page`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            P::Login => "login",
            P::LoginFaultPid => "login/fault-pid",
            P::LoginFaultLevel => "login/fault-level",
            P::RefusedDetail => "refused/detail",
            P::RefusedPlain => "refused/plain",
            P::CookieGone => "cookie-gone",
            P::LoginExpired => "login-expired",
            P::LoginFinished => "login-finished",
            P::FormStale => "form-stale",
            P::Unreadable => "unreadable",
            P::Unavailable => "unavailable",
            P::LoggedOut => "logged-out",
            P::IssuerOpen => "issuer/open",
            P::IssuerProduction => "issuer/production",
            P::Rule => "rule/one",
            P::RuleList => "rule/list",
            P::RuleUnknown => "rule-unknown",
        }
    }

    /// The `id` and class of its main part.
    pub(crate) fn main(self) -> &'static str {
        match self {
            P::Login | P::LoginFaultPid | P::LoginFaultLevel => "login",
            P::RefusedDetail
            | P::RefusedPlain
            | P::CookieGone
            | P::LoginExpired
            | P::LoginFinished
            | P::FormStale
            | P::Unreadable
            | P::Unavailable
            | P::RuleUnknown => "error",
            P::LoggedOut => "logged-out",
            P::IssuerOpen | P::IssuerProduction => "issuer",
            P::Rule | P::RuleList => "rule",
        }
    }

    /// A phrase on the page that is the same in every language, for whoever drives a browser.
    pub(crate) fn phrase(self) -> &'static str {
        match self.main() {
            "login" => "portvakt-login",
            "logged-out" => "portvakt-logged-out",
            "issuer" => "portvakt-issuer",
            "rule" => "portvakt-rule",
            _ => "portvakt-error",
        }
    }

    /// The pages that an endpoint may show.
    pub(crate) fn at(endpoint: Endpoint) -> &'static [Self] {
        match endpoint {
            Endpoint::Authorization => &[P::RefusedDetail, P::RefusedPlain, P::Unavailable],
            Endpoint::Login => &[
                P::Login,
                P::LoginFaultPid,
                P::LoginFaultLevel,
                P::CookieGone,
                P::LoginExpired,
                P::LoginFinished,
                P::FormStale,
                P::Unreadable,
                P::Unavailable,
                P::RefusedDetail,
                P::RefusedPlain,
            ],
            Endpoint::Resume => &[
                P::CookieGone,
                P::LoginExpired,
                P::LoginFinished,
                P::Unavailable,
                P::RefusedDetail,
                P::RefusedPlain,
            ],
            Endpoint::EndSession => &[P::LoggedOut, P::Unavailable],
            Endpoint::IssuerPage => &[P::IssuerOpen, P::IssuerProduction, P::Unavailable],
            Endpoint::Language => &[P::FormStale, P::Unreadable],
            Endpoint::RuleList => &[P::RuleList],
            Endpoint::RulePage => &[P::Rule, P::RuleUnknown],
            Endpoint::Discovery
            | Endpoint::Jwks
            | Endpoint::Token
            | Endpoint::Userinfo
            | Endpoint::Introspection
            | Endpoint::Tokeninfo
            | Endpoint::Revocation
            | Endpoint::Asset => &[],
        }
    }
}

/// The name of every page that some endpoint shows, each once.
pub fn pages_shown() -> Vec<&'static str> {
    let mut names = Vec::new();
    for page in Endpoint::ALL.into_iter().flat_map(PageName::at) {
        if !names.contains(&page.name()) {
            names.push(page.name());
        }
    }
    names
}

/// What every page has around its own part.
pub(crate) struct Frame<'a> {
    pub(crate) page: PageName,
    pub(crate) language: Language,
    pub(crate) texts: &'static Texts,
    /// The gateway's name.
    pub(crate) name: &'a str,
    /// What the environment is called, unless it is production.
    pub(crate) environment: Option<&'static str>,
    /// The path that the issuer's URLs on this host start with.
    pub(crate) base: &'a str,
    /// The issuer's own page.
    pub(crate) about: &'a str,
    /// The list of the rules that refusals name; each rule's page is under it.
    pub(crate) rules: &'a str,
    /// Where to come back to in another language: path and query on this host.
    pub(crate) back: &'a str,
    pub(crate) assets: &'a Assets,
}

impl Frame<'_> {
    /// Every language with its own name for itself.
    fn languages(&self) -> [(&'static Language, &'static str); 4] {
        [
            (&Language::Nb, "Bokmål"),
            (&Language::Nn, "Nynorsk"),
            (&Language::En, "English"),
            (&Language::Se, "Davvisámegiella"),
        ]
    }
}

/// The service that a page is about, and where its own pages are.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) link: Option<String>,
}

impl Service {
    /// A client as people know it.
    pub(crate) fn of(client: &Client) -> Self {
        Self { name: client.display_name().to_owned(), link: client.home() }
    }

    /// Whom a person logs in to: the customer that the client asked on behalf of (contract §14), or the client itself.
    pub(crate) fn asked_for(request: &Validated) -> Self {
        let client = request.addressed().client();
        match request.on_behalf_of() {
            Some(customer) => Self {
                name: customer.display_name.clone(),
                link: customer.url.clone().or_else(|| client.home()),
            },
            None => Self::of(client),
        }
    }

    /// A client that may be unknown.
    pub(crate) fn maybe(client: Option<&Arc<Client>>) -> Option<Self> {
        client.map(|client| Self::of(client))
    }
}

/// One level that a person may pick.
pub(crate) struct Level {
    /// Its word.
    pub(crate) word: &'static str,
    /// What people call it.
    pub(crate) label: &'static str,
    /// Whether it is picked already.
    pub(crate) picked: bool,
}

impl Level {
    /// A level of a ladder.
    pub(crate) fn of(
        texts: &'static Texts,
        (word, assurance): (&'static str, Assurance),
        picked: bool,
    ) -> Self {
        let label = match assurance {
            Assurance::Low => texts.level_low,
            Assurance::Substantial => texts.level_substantial,
            Assurance::High => texts.level_high,
        };
        Self { word, label, picked }
    }
}

/// The login page.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub(crate) frame: Frame<'a>,
    /// The service's name.
    pub(crate) name: &'a str,
    pub(crate) service: Option<Service>,
    pub(crate) action: &'a str,
    pub(crate) form_token: &'a str,
    pub(crate) levels: Vec<Level>,
    /// Test persons to log in as.
    pub(crate) persons: Vec<&'a str>,
    pub(crate) fault: Option<&'static str>,
    pub(crate) fault_in_pid: bool,
    pub(crate) fault_in_level: bool,
}

/// A page that says what happened and what to do next, with a reference id if there is something to look up.
#[derive(Template)]
#[template(path = "notice.html")]
pub(crate) struct NoticePage<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) title: &'static str,
    pub(crate) sentence: &'static str,
    /// What stands for the sentence's placeholder.
    pub(crate) value: &'a str,
    /// A link's text and address.
    pub(crate) way_on: Option<(&'static str, &'a str)>,
    pub(crate) service: Option<Service>,
    pub(crate) reference: Option<&'a str>,
    pub(crate) detail: Option<Detail<'a>>,
}

/// What a developer is shown outside production.
pub(crate) struct Detail<'a> {
    pub(crate) rule: &'a str,
    pub(crate) clause: &'a str,
    pub(crate) parameter: &'a str,
    pub(crate) expected: &'a str,
    pub(crate) received: &'a str,
    pub(crate) fix: &'a str,
}

/// The issuer's own page.
#[derive(Template)]
#[template(path = "issuer.html")]
pub(crate) struct IssuerPage<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) texts: &'static IssuerTexts,
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) issuer: &'a str,
    pub(crate) profile: &'a str,
    pub(crate) discovery: &'a str,
    pub(crate) jwks: &'a str,
    pub(crate) test: Option<TestPart<'a>>,
    pub(crate) lately: Option<Vec<Arc<LateRefusal>>>,
}

/// A heading with a text, and with what one would type.
pub(crate) struct Part<'a> {
    pub(crate) id: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) before: &'a str,
    pub(crate) value: &'a str,
    pub(crate) after: &'a str,
    pub(crate) code: &'a str,
}

/// Test persons, as the issuer's page tells of them.
pub(crate) struct TestPart<'a> {
    pub(crate) sentence: &'static str,
    pub(crate) persons: Vec<&'a str>,
    /// The level of the example, which logs in the first of them.
    pub(crate) level: &'static str,
}

/// The page of a rule.
#[derive(Template)]
#[template(path = "rule.html")]
pub(crate) struct RulePage<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) rule: &'static Rule,
    pub(crate) text: &'static Text,
    /// The language of the text.
    pub(crate) language: Language,
    pub(crate) labels: &'static Labels,
    /// A sentence, if the rule cannot be broken at this issuer.
    pub(crate) never: Option<&'static str>,
    /// Something that works here, and what to do with it.
    pub(crate) example: String,
    pub(crate) note: &'static str,
    /// What callers are told in its place.
    pub(crate) told_as: Vec<Linked>,
    /// The rules that are told as this.
    pub(crate) told_so: Vec<Linked>,
}

/// The list of all rules.
#[derive(Template)]
#[template(path = "rules.html")]
pub(crate) struct RuleListPage<'a> {
    pub(crate) frame: Frame<'a>,
    /// The language of the headings.
    pub(crate) language: Language,
    pub(crate) rules: Vec<Linked>,
}

/// A rule's page as a link.
pub(crate) struct Linked {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

/// A page as a reply. `form_action` names what a form here may lead to besides our own origin: see [`crate::form_action`]. The
/// components' signs are `data:` images in the stylesheet.
pub(crate) fn page(status: StatusCode, page: &impl Template, form_action: &str) -> Reply {
    let Ok(body) = page.render() else {
        return crate::reply::text(StatusCode::INTERNAL_SERVER_ERROR, "An error of ours.\n");
    };
    let mut reply = html(status, body);
    let form_action = if form_action.is_empty() { String::new() } else { format!(" {form_action}") };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'{form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = reply.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    reply
}

/// What a fault in an entry says to the person.
pub(crate) fn entry_fault(texts: &'static Texts, fault: EntryFault) -> &'static str {
    match fault {
        EntryFault::Pid(PidFault::NotElevenDigits) => texts.pid_not_eleven_digits,
        EntryFault::Pid(PidFault::NoDate | PidFault::ControlDigits) => texts.pid_wrong,
        EntryFault::Pid(PidFault::NotSynthetic) => texts.pid_not_synthetic,
        EntryFault::Level => texts.level_wrong,
        EntryFault::Stopped => texts.person_stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_shown_somewhere_and_its_name_is_its_own() {
        let shown = pages_shown();
        assert_eq!(shown.len(), 17, "{shown:?}");
        let listed: usize = Endpoint::ALL.into_iter().map(|endpoint| PageName::at(endpoint).len()).sum();
        assert!(listed >= shown.len());
    }
}
