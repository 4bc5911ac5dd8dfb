//! Refusals that browsers meet: a page where there is no address to redirect to, a redirect where there is. Each page says what
//! happened, and leads on.

use std::sync::Arc;

use http::StatusCode;
use portvakt_protocol::authorize::{Addressed, AuthorizeFault, LoginFault, PageFault, Refused};
use portvakt_protocol::client::{Client, ClientId};
use portvakt_protocol::profile::LOGIN_LIFETIME;
use portvakt_protocol::refusal::{Fault, Refusal};

use crate::concerned::Concerned;
use crate::here::Here;
use crate::pages::{Detail, NoticePage, PageName, Service, page};
use crate::reply::{Reply, log_broken, log_refusal, retry_after, see_other};
use crate::site::{Site, Trace};

/// What a browser meets instead of a step of the login.
pub(crate) enum Stop {
    /// The request has no address: a page, and the client that it is about, if one is known.
    Page(PageFault, Option<Arc<Client>>),
    /// The client gets a refusal.
    Redirect(Box<Addressed>, AuthorizeFault),
    /// A notice about the login itself, and the client that it is a login to, if that is known.
    Notice(Notice, Option<Arc<Client>>),
    /// What was posted from a page of ours could not be read.
    Unreadable(PageFault),
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
    /// The login's form did not come from our page.
    FormStale,
    /// The language switch's did not.
    LanguageStale,
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
        Self::Page(fault, None)
    }
}

impl From<Notice> for Stop {
    fn from(notice: Notice) -> Self {
        Self::Notice(notice, None)
    }
}

impl Stop {
    /// The same, once it is settled where the client is answered: it hears of a failure of ours too.
    pub(crate) fn answered_to(self, addressed: &Addressed) -> Self {
        match self {
            Self::Broken(cause, None) => Self::Broken(cause, Some(Box::new(addressed.clone()))),
            other @ (Self::Page(..)
            | Self::Redirect(..)
            | Self::Notice(..)
            | Self::Unreadable(_)
            | Self::Broken(_, Some(_))) => other,
        }
    }
}

impl Notice {
    /// The notice about a login to this client. That the client cannot be read just now changes nothing about the login.
    pub(crate) async fn about(self, site: &Site, trace: &Trace, client: &ClientId) -> Stop {
        Stop::Notice(self, site.by(trace).client(&site.provider, client).await.ok().flatten())
    }
}

/// The reply to a stop.
pub(crate) fn stop(trace: &Trace, endpoint: &'static str, here: &Here<'_>, stop: Stop) -> Reply {
    let site = here.site();
    match stop {
        Stop::Page(fault, client) => {
            let refusal = fault.refusal();
            let named = fault.named();
            let concerned = Concerned::of(client.as_deref(), named.as_deref());
            log_refusal(site, trace, endpoint, concerned, &refusal);
            refusal_page(trace, here, (&refusal, status(&fault)), Service::maybe(client.as_ref()))
        }
        Stop::Redirect(addressed, fault) => {
            log_refusal(site, trace, endpoint, addressed.client().as_ref(), &fault.refusal());
            see_other(&addressed.refuse(&site.provider, &fault, &trace.id))
        }
        Stop::Notice(notice, client) => {
            tracing::info!(
                target: "login",
                trace_id = %trace.id,
                issuer = %site.provider.issuer(),
                environment = site.provider.environment().as_str(),
                endpoint,
                notice = ?notice,
                "no such step"
            );
            notice_page(trace, here, notice, Service::maybe(client.as_ref()))
        }
        Stop::Unreadable(fault) => {
            let refusal = fault.refusal();
            log_refusal(site, trace, endpoint, Concerned::Nobody, &refusal);
            let (texts, received) = (here.texts(), refusal.received.to_string());
            let (title, sentence) = (texts.unreadable, texts.unreadable_sentence);
            let detail = detail(site, &refusal, &received);
            let told = Told { title, sentence, detail, ..Told::default() };
            told.page(trace, here, PageName::Unreadable, status(&fault))
        }
        Stop::Broken(cause, Some(addressed)) => {
            log_broken(site, trace, endpoint, &cause);
            see_other(&addressed.refuse(&site.provider, &LoginFault::Unavailable.into(), &trace.id))
        }
        Stop::Broken(cause, None) => {
            log_broken(site, trace, endpoint, &cause);
            let texts = here.texts();
            let notice = Told {
                title: texts.unavailable,
                sentence: texts.unavailable_sentence,
                way_on: Some((texts.try_again, here.back())),
                ..Told::default()
            };
            retry_after(notice.page(trace, here, PageName::Unavailable, StatusCode::SERVICE_UNAVAILABLE))
        }
    }
}

/// What a notice tells.
#[derive(Default)]
struct Told<'a> {
    title: &'static str,
    sentence: &'static str,
    value: &'a str,
    way_on: Option<(&'static str, &'a str)>,
    service: Option<Service>,
    detail: Option<Detail<'a>>,
}

impl Told<'_> {
    fn page(self, trace: &Trace, here: &Here<'_>, name: PageName, status: StatusCode) -> Reply {
        let Self { title, sentence, value, way_on, service, detail } = self;
        let reference = Some(trace.id.as_str());
        let frame = here.frame(name);
        let notice = NoticePage { frame, title, sentence, value, way_on, service, reference, detail };
        page(status, &notice, here.form_action())
    }
}

fn notice_page(trace: &Trace, here: &Here<'_>, notice: Notice, service: Option<Service>) -> Reply {
    let texts = here.texts();
    let minutes = (LOGIN_LIFETIME.get() / 60).to_string();
    let (name, status, title, sentence) = match notice {
        Notice::CookieGone => {
            (PageName::CookieGone, StatusCode::BAD_REQUEST, texts.cookie_gone, texts.cookie_gone_sentence)
        }
        Notice::Expired => {
            (PageName::LoginExpired, StatusCode::BAD_REQUEST, texts.expired, texts.expired_sentence)
        }
        Notice::Finished => {
            (PageName::LoginFinished, StatusCode::CONFLICT, texts.finished, texts.finished_sentence)
        }
        Notice::FormStale => (PageName::FormStale, StatusCode::FORBIDDEN, texts.stale, texts.stale_sentence),
        Notice::LanguageStale => {
            (PageName::FormStale, StatusCode::FORBIDDEN, texts.stale, texts.stale_language_sentence)
        }
    };
    // The login page that the form should have come from is still there to be opened.
    let way_on = (notice == Notice::FormStale).then(|| (texts.open_again, here.back()));
    let value = if notice == Notice::Expired { minutes.as_str() } else { "" };
    Told { title, sentence, value, way_on, service, detail: None }.page(trace, here, name, status)
}

fn status(fault: &PageFault) -> StatusCode {
    StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::BAD_REQUEST)
}

/// What a developer is told of a refusal: nothing in production. `received` is the refusal's own, as text.
fn detail<'a>(site: &Site, refusal: &'a Refusal, received: &'a str) -> Option<Detail<'a>> {
    (!site.provider.environment().is_production()).then(|| Detail {
        rule: refusal.rule.name,
        clause: refusal.rule.clause,
        parameter: refusal.parameter.as_deref().unwrap_or(""),
        expected: &refusal.expected,
        received,
        fix: &refusal.fix,
    })
}

/// The page of a refusal that must not redirect: a reference id for everybody; outside production, what is wrong.
fn refusal_page(
    trace: &Trace,
    here: &Here<'_>,
    (refusal, status): (&Refusal, StatusCode),
    service: Option<Service>,
) -> Reply {
    let texts = here.texts();
    let received = refusal.received.to_string();
    let detail = detail(here.site(), refusal, &received);
    let name = if detail.is_some() { PageName::RefusedDetail } else { PageName::RefusedPlain };
    let (title, sentence) = (texts.refused, texts.refused_sentence);
    Told { title, sentence, service, detail, ..Told::default() }.page(trace, here, name, status)
}
