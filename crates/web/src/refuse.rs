//! Refusals that browsers meet: a page where there is no address to redirect to, a redirect where there is.

use http::StatusCode;
use portvakt_protocol::authorize::{Addressed, AuthorizeFault, LoginFault, PageFault, Refused};
use portvakt_protocol::client::ClientId;
use portvakt_protocol::language::Language;
use portvakt_protocol::refusal::{Fault, Refusal};

use crate::pages::{Detail, NoticePage, Texts, page};
use crate::reply::{Reply, log_broken, log_refusal, retry_after, see_other};
use crate::site::{Site, Trace};

/// What a browser meets instead of a step of the login.
pub(crate) enum Stop {
    /// The request has no address: a page.
    Page(PageFault),
    /// The client gets a refusal.
    Redirect(Box<Addressed>, AuthorizeFault),
    /// A notice about the login itself.
    Notice(Notice),
    /// The request or its body could not be read: a page with this status.
    Unreadable(StatusCode),
    /// A failure of ours, and where the client hears of it, if that is settled.
    Broken(String, Option<Box<Addressed>>),
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// No cookie of this login's came.
    CookieGone,
    /// The login outlived its lifetime, or was never begun in this browser.
    Expired,
    /// It led to an answer already.
    Finished,
    /// The form did not come from our page.
    FormStale,
}

impl From<portvakt_store::Broken> for Stop {
    fn from(broken: portvakt_store::Broken) -> Self {
        Self::Broken(broken.to_string(), None)
    }
}

impl From<Box<Refused>> for Stop {
    fn from(refused: Box<Refused>) -> Self {
        Self::Redirect(Box::new(refused.addressed), refused.fault)
    }
}

impl From<PageFault> for Stop {
    fn from(fault: PageFault) -> Self {
        Self::Page(fault)
    }
}

impl From<Notice> for Stop {
    fn from(notice: Notice) -> Self {
        Self::Notice(notice)
    }
}

/// The reply to a stop.
pub(crate) fn stop(
    site: &Site,
    trace: &Trace,
    endpoint: &'static str,
    language: Language,
    stop: Stop,
) -> Reply {
    let texts = Texts::of(language);
    match stop {
        Stop::Page(fault) => {
            let refusal = fault.refusal();
            log_refusal(site, trace, endpoint, fault.client().map(ClientId::as_str), &refusal);
            refusal_page(site, trace, language, &refusal)
        }
        Stop::Redirect(addressed, fault) => {
            log_refusal(site, trace, endpoint, Some(addressed.client().id().as_str()), &fault.refusal());
            see_other(&addressed.refuse(&site.provider, &fault, &trace.id))
        }
        Stop::Notice(notice) => {
            tracing::info!(target: "login", trace_id = %trace.id, issuer = %site.provider.issuer(), endpoint, notice = ?notice, "no such step");
            let (status, sentence) = match notice {
                Notice::CookieGone => (StatusCode::BAD_REQUEST, texts.cookie_gone),
                Notice::Expired => (StatusCode::BAD_REQUEST, texts.login_expired),
                Notice::Finished => (StatusCode::CONFLICT, texts.login_finished),
                Notice::FormStale => (StatusCode::FORBIDDEN, texts.form_stale),
            };
            notice_page(language, status, sentence, Some(&trace.id))
        }
        Stop::Unreadable(status) => notice_page(language, status, texts.request_wrong, Some(&trace.id)),
        Stop::Broken(cause, Some(addressed)) => {
            log_broken(site, trace, endpoint, &cause);
            see_other(&addressed.refuse(&site.provider, &LoginFault::Unavailable.into(), &trace.id))
        }
        Stop::Broken(cause, None) => {
            log_broken(site, trace, endpoint, &cause);
            retry_after(notice_page(
                language,
                StatusCode::SERVICE_UNAVAILABLE,
                texts.unavailable,
                Some(&trace.id),
            ))
        }
    }
}

fn notice_page(language: Language, status: StatusCode, sentence: &str, reference: Option<&str>) -> Reply {
    let texts = Texts::of(language);
    let notice =
        NoticePage { language, texts, id: "error", title: texts.error, sentence, reference, detail: None };
    page(status, &notice, "'none'")
}

/// The page of a refusal that must not redirect: a reference id for everybody; outside production, what is wrong.
fn refusal_page(site: &Site, trace: &Trace, language: Language, refusal: &Refusal) -> Reply {
    let texts = Texts::of(language);
    let received = refusal.received.to_string();
    let detail = (!site.provider.environment().is_production()).then(|| Detail {
        rule: refusal.rule,
        clause: refusal.clause,
        parameter: refusal.parameter.as_deref().unwrap_or(""),
        expected: &refusal.expected,
        received: &received,
        fix: &refusal.fix,
    });
    let notice = NoticePage {
        language,
        texts,
        id: "error",
        title: texts.error,
        sentence: texts.request_wrong,
        reference: Some(&trace.id),
        detail,
    };
    page(StatusCode::BAD_REQUEST, &notice, "'none'")
}
