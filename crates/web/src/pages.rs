//! The pages people see, one plain page a step. Everything shown is escaped by the template; nothing runs in them.

mod texts;

use askama::Template;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_FRAME_OPTIONS};
use portvakt_eid::test_id::EntryFault;
use portvakt_protocol::language::Language;
use portvakt_protocol::person::PidFault;

pub(crate) use texts::Texts;

use crate::reply::{Reply, html};

/// One level that a person may pick.
pub(crate) struct Level {
    /// Its word.
    pub(crate) word: &'static str,
    /// Whether it is picked already.
    pub(crate) picked: bool,
}

/// The login page.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub(crate) language: Language,
    pub(crate) texts: &'static Texts,
    pub(crate) service: &'a str,
    pub(crate) action: &'a str,
    pub(crate) form_token: &'a str,
    pub(crate) levels: Vec<Level>,
    /// Test persons to pick from.
    pub(crate) persons: Vec<&'a str>,
    pub(crate) fault: Option<&'static str>,
    /// Whether the fault is about the level; otherwise about the number.
    pub(crate) fault_in_level: bool,
}

/// A page that tells something: a title, a sentence, and a reference id if there is something to look up.
#[derive(Template)]
#[template(path = "notice.html")]
pub(crate) struct NoticePage<'a> {
    pub(crate) language: Language,
    pub(crate) texts: &'static Texts,
    pub(crate) id: &'static str,
    pub(crate) title: &'a str,
    pub(crate) sentence: &'a str,
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

/// A page as a reply. `form_action` lists the origins that a form here may lead to: browsers apply `form-action` to the
/// redirects that follow a POST, so the answer's own origin must be named with `'self'`.
pub(crate) fn page(status: StatusCode, page: &impl Template, form_action: &str) -> Reply {
    let Ok(body) = page.render() else {
        return crate::reply::text(StatusCode::INTERNAL_SERVER_ERROR, "An error of ours.\n");
    };
    let mut reply = html(status, body);
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
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
