//! The issuer itself, opened in a browser: what it is, for whom, and outside production what a developer tries next.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use http::{Request, StatusCode};
use portvakt_eid::test_id::offered;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::language::Localized;
use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::{Environment, TestIdSettings};

use crate::face::Face;
use crate::form::query;
use crate::here::Here;
use crate::login::MOST_PERSONS;
use crate::pages::{IssuerPage, IssuerTexts, PageName, Part, TestPart, around, page};
use crate::refuse::{Stop, stop};
use crate::reply::Reply;
use crate::site::{Site, Trace};

/// The page lists so many of the last refusals at most: those of one's last try.
const REFUSALS: usize = 3;

/// Its body takes so many bytes, so that it is within 8 KB with its head: what a refusal quotes and how many persons there are
/// is not ours to say, so the oldest refusals make room.
const MOST_BYTES: u64 = 7_400;

/// What a developer types to register a client of their own.
const REGISTER: &str = "portvakt dev --client ID --redirect-uri URL\nportvakt dev --catalogue FILE";

/// `GET` of the issuer.
pub(crate) async fn issuer_page(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let trace = Trace::begin(&site);
    let asked = query(&request).ok().and_then(|params| params.first("ui_locales").map(str::to_owned));
    let back = request.uri().path().to_owned();
    let here = Here::at(&site, Endpoint::IssuerPage, request.headers(), back, asked.as_deref());
    let persons = match site.provider.test_id() {
        Some(settings) => site.by(&trace).some_persons(&settings.pools, MOST_PERSONS).await,
        None => Ok(Vec::new()),
    };
    match persons {
        Ok(persons) => shown(&site, &here, &persons),
        Err(broken) => stop(&trace, "issuer", &here, Stop::from(broken)),
    }
}

fn shown(site: &Site, here: &Here<'_>, persons: &[Pid]) -> Reply {
    let provider = &site.provider;
    let production = provider.environment().is_production();
    let name = if production { PageName::IssuerProduction } else { PageName::IssuerOpen };
    let is_open = provider.environment() == Environment::Development;
    let mut body = IssuerPage {
        frame: here.frame(name),
        texts: IssuerTexts::of(here.language()),
        parts: parts(site, here),
        issuer: provider.issuer().as_str(),
        profile: provider.profile().name,
        discovery: &provider.url(Endpoint::Discovery),
        jwks: &provider.url(Endpoint::Jwks),
        test: provider.test_id().and_then(|settings| test_part(site, here, settings, persons)),
        lately: is_open.then(|| site.newest(REFUSALS)),
    };
    loop {
        let reply = page(StatusCode::OK, &body, "");
        let is_small = reply.body().size_hint().exact().is_some_and(|size| size <= MOST_BYTES);
        let mut oldest = || body.lately.as_mut().filter(|lately| lately.len() > 1)?.pop();
        if is_small || oldest().is_none() {
            return reply;
        }
    }
}

/// What the issuer tells of itself, in the order in which whoever comes asks it.
fn parts<'a>(site: &'a Site, here: &Here<'a>) -> Vec<Part<'a>> {
    let texts = IssuerTexts::of(here.language());
    let environment = site.provider.environment();
    let is_open = environment == Environment::Development;
    let sentence = match environment {
        Environment::Development => texts.development_sentence,
        Environment::Test => texts.test_sentence,
        Environment::Production => texts.production_sentence,
    };
    let Face { about, .. } = &site.face;
    let configured = |text: &'a Option<Localized>| text.as_ref().map(|text| text.of(here.language()));
    let open = |text: &'static str| is_open.then_some(text);
    let plain = |id, heading, text| Part { id, heading, before: text, value: "", after: "", code: "" };
    let general = |id, heading, text, value| {
        let (before, after) = around(text);
        Part { id, heading, before, value, after, code: "" }
    };
    let mut parts = vec![plain("environment-text", texts.environment, sentence)];
    let level = configured(&about.service_level).or(open(texts.service_level_development));
    parts.extend(level.map(|text| plain("service-level", texts.service_level, text)));
    let notice = configured(&about.notice).or(open(texts.notice_development));
    parts.extend(notice.map(|text| plain("notice", texts.notice, text)));
    parts.push(match configured(&about.audience).or(open(texts.audience_development)) {
        Some(text) => plain("audience", texts.audience, text),
        None => general("audience", texts.audience, texts.audience_general, site.provider.terms()),
    });
    parts.push(match configured(&about.registration) {
        Some(text) => plain("registration", texts.registration, text),
        None if is_open => {
            let part = plain("registration", texts.registration, texts.registration_development);
            Part { code: REGISTER, ..part }
        }
        None => plain("registration", texts.registration, texts.registration_general),
    });
    parts.push(match configured(&about.contact).or(open(texts.contact_development)) {
        Some(text) => plain("contact", texts.contact, text),
        None => general("contact", texts.contact, texts.contact_general, site.face.name()),
    });
    parts
}

/// The test persons, or that there are none, and how a test logs one in. They may be more than the page shows.
fn test_part<'a>(
    site: &Site,
    here: &Here<'_>,
    settings: &TestIdSettings,
    persons: &'a [Pid],
) -> Option<TestPart<'a>> {
    let texts = IssuerTexts::of(here.language());
    let sentence = match (settings.assigned_only, persons.is_empty()) {
        (true, true) => texts.test_persons_assigned_none,
        (true, false) => texts.test_persons_assigned,
        (false, true) => texts.test_persons_any_none,
        (false, false) => texts.test_persons_any,
    };
    let ladder = &site.provider.profile().acr;
    let (level, _) = offered(ladder, ladder.default).next()?;
    Some(TestPart { sentence, persons: persons.iter().map(Pid::reveal).collect(), level })
}
