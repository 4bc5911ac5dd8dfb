//! The authorization endpoint: a valid request becomes a login under way, and the browser is sent to its page; or to its answer, where
//! the request itself says who logs in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Method, Request};
use portvakt_eid::test_id::Entry;
use portvakt_protocol::authorize::{self, Addressed, LoginFault, LoginHint, PageFault};
use portvakt_protocol::evidence::{Evidence, Method as Eid};
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::interaction::ask;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::profile::LOGIN_LIFETIME;
use portvakt_protocol::secret::{BrowserSecret, LoginHandle};
use portvakt_store::{LoginWrite, NewLogin};

use crate::cookies;
use crate::form::{form, query};
use crate::here::Here;
use crate::login::LoginStep;
use crate::refuse::{Notice, Stop, stop};
use crate::reply::{Reply, see_other};
use crate::site::{Site, Trace};

/// `GET` or `POST` to the authorization endpoint (RFC 6749 §3.1).
pub(crate) async fn authorize(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    let headers = request.headers().clone();
    let path = request.uri().path().to_owned();
    let here = Here::at(&site, Endpoint::Authorization, &headers, path, None);
    let params = match params(request).await {
        Ok(params) => params,
        Err(refused) => return stop(&trace, "authorize", &here, refused),
    };
    trace.body_read(&site);
    // A page finds its way back by the request, but for what must not stand in a page.
    let here = here
        .asked(&headers, params.first("ui_locales"))
        .back_by(&authorize::way_back(&params, &site.provider));
    match begin(&site, &trace, &here, &headers, params).await {
        Ok(reply) => reply,
        Err(refused) => stop(&trace, "authorize", &here, refused),
    }
}

async fn params(request: Request<Body>) -> Result<RawParams, Stop> {
    if request.method() != Method::POST {
        return query(&request).map_err(|fault| PageFault::from(fault).into());
    }
    let (head, body) = request.into_parts();
    form(&head.headers, body).await.map_err(|fault| PageFault::from(fault).into())
}

async fn begin(
    site: &Site,
    trace: &Trace,
    here: &Here<'_>,
    headers: &HeaderMap,
    params: RawParams,
) -> Result<Reply, Stop> {
    let addressed = address(site, trace, params).await?;
    let validated = ask(addressed, site.reach(), &site.provider)?;
    let Some(hint) = validated.login_hint() else {
        let (handle, browser) = begin_login(site, trace, validated.addressed()).await?;
        let mut reply = see_other(&authorize::login_url(&site.provider, Endpoint::Login, &handle));
        cookies::begin(&mut reply, headers, &site.provider, &handle, &browser);
        return Ok(reply);
    };
    let answer = hinted(trace, here, headers, validated.addressed(), hint).await;
    // There is no page to try again on: whoever asked so reads the redirect URI alone.
    answer.map_err(|refused| refused.answered_to(validated.addressed()))
}

/// The answer to a request that says who logs in.
async fn hinted(
    trace: &Trace,
    here: &Here<'_>,
    headers: &HeaderMap,
    addressed: &Addressed,
    hint: &LoginHint,
) -> Result<Reply, Stop> {
    let site = here.site();
    let standing = site.standing(trace, hint.pid()).await?;
    let stopped = site.provider.stops(Eid::TestId, standing);
    match Entry::hinted(hint).evidence(stopped, trace.now) {
        Ok(evidence) => at_once(trace, here, headers, addressed, evidence).await,
        Err(_) => Err(Stop::Redirect(Box::new(addressed.clone()), LoginFault::person_stopped().into())),
    }
}

/// A login that its own request brings the evidence for (`login_hint`, contract §2): begun, recorded, decided and answered by the
/// same verbs as one with pages between. Nothing of it is left to the browser, so it gets no cookie.
async fn at_once(
    trace: &Trace,
    here: &Here<'_>,
    headers: &HeaderMap,
    addressed: &Addressed,
    evidence: Evidence,
) -> Result<Reply, Stop> {
    let site = here.site();
    let (handle, browser) = begin_login(site, trace, addressed).await?;
    let (login, secret) = (handle.digest(), browser.digest());
    let issuer = site.provider.issuer();
    match site.by(trace).record_evidence(issuer, login, secret, evidence, trace.now).await? {
        LoginWrite::Done => {}
        LoginWrite::Finished | LoginWrite::Unknown | LoginWrite::Superseded => {
            return Err(Notice::Expired.into());
        }
    }
    let mut step = LoginStep::open(trace, here, headers, (handle.clone(), browser.clone())).await?;
    let mut reply = step.resume().await?;
    if !step.has_ended() {
        // Evidence that does not do, though no rule comes to that today: the person is asked, as for any request.
        cookies::begin(&mut reply, headers, &site.provider, &handle, &browser);
    }
    Ok(reply)
}

/// Stores a login under way.
async fn begin_login(
    site: &Site,
    trace: &Trace,
    addressed: &Addressed,
) -> Result<(LoginHandle, BrowserSecret), Stop> {
    let (handle, browser) = (LoginHandle::draw(&site.random), BrowserSecret::draw(&site.random));
    let login = NewLogin {
        login: handle.digest(),
        browser: browser.digest(),
        client_id: addressed.client().id().clone(),
        request: addressed.kept(&site.provider),
        started: trace.now,
        expires: trace.now + LOGIN_LIFETIME,
    };
    let begun = site.by(trace).begin_login(site.provider.issuer(), login).await;
    begun.map_err(|broken| Stop::from(broken).answered_to(addressed))?;
    Ok((handle, browser))
}

/// Settles where a request is answered, against the client as it is now.
///
/// # Errors
/// [`Stop`]: a page.
pub(crate) async fn address(site: &Site, trace: &Trace, params: RawParams) -> Result<Addressed, Stop> {
    let id = authorize::client_id(&params)?;
    let client = site.by(trace).client(&site.provider, &id).await?;
    match authorize::address(params, client.clone()) {
        Err(fault @ PageFault::ClientUnknown(..)) => {
            Err(fault.known_at(site.elsewhere(trace, &id).await).into())
        }
        settled => settled.map_err(|fault| Stop::Page(fault, client)),
    }
}
