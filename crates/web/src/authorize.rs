//! The authorization endpoint: a valid request becomes a login under way, and the browser is sent to its page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Method, Request, StatusCode};
use portvakt_protocol::authorize::{self, PageFault, Validated};
use portvakt_protocol::evidence::Evidence;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::interaction::{Decision, decide};
use portvakt_protocol::language::Language;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::profile::LOGIN_LIFETIME;
use portvakt_protocol::secret::{BrowserSecret, LoginHandle};
use portvakt_store::NewLogin;

use crate::form::{FormFault, form, query};
use crate::refuse::{Stop, stop};
use crate::reply::{Reply, see_other};
use crate::site::{Site, Trace};
use crate::{cookies, listen};

/// `GET` or `POST` to the authorization endpoint (RFC 6749 §3.1).
pub(crate) async fn authorize(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let trace = Trace::begin(&site, request.extensions().get::<listen::Peer>().map(|peer| peer.address));
    let headers = request.headers().clone();
    let params = match params(request).await {
        Ok(params) => params,
        Err(refused) => return stop(&site, &trace, "authorize", Language::Nb, refused),
    };
    let language = Language::choose(params.first("ui_locales"));
    match begin(&site, &trace, &headers, params).await {
        Ok(reply) => reply,
        Err(refused) => stop(&site, &trace, "authorize", language, refused),
    }
}

async fn params(request: Request<Body>) -> Result<RawParams, Stop> {
    if request.method() != Method::POST {
        return query(&request).map_err(|fault| PageFault::Encoding(fault).into());
    }
    let (head, body) = request.into_parts();
    form(&head.headers, body).await.map_err(|fault| match fault {
        FormFault::Encoding(fault) => PageFault::Encoding(fault).into(),
        FormFault::ContentType(_) => Stop::Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        FormFault::TooLarge => Stop::Unreadable(StatusCode::PAYLOAD_TOO_LARGE),
        FormFault::Broken => Stop::Unreadable(StatusCode::BAD_REQUEST),
    })
}

async fn begin(site: &Site, trace: &Trace, headers: &HeaderMap, params: RawParams) -> Result<Reply, Stop> {
    let request = params.encode();
    let validated = match weigh(site, params, None).await? {
        Decision::AskLogin(validated) => validated,
        Decision::Refuse(validated, fault) => {
            return Err(Stop::Redirect(Box::new(validated.addressed().clone()), fault));
        }
        Decision::Proceed(_) => return Err(Stop::Broken("a login without evidence".into())),
    };
    let (handle, browser) = (LoginHandle::draw(&site.random), BrowserSecret::draw(&site.random));
    let login = NewLogin {
        login: handle.digest(),
        browser: browser.digest(),
        client_id: client_of(&validated),
        request,
        started: trace.now,
        expires: trace.now + LOGIN_LIFETIME,
    };
    site.store.begin_login(site.provider.issuer(), login).await?;
    let mut reply = see_other(&authorize::login_url(&site.provider, Endpoint::Login, &handle));
    cookies::begin(&mut reply, headers, &site.provider, &handle, &browser);
    Ok(reply)
}

fn client_of(validated: &Validated) -> portvakt_protocol::client::ClientId {
    validated.addressed().client().id().clone()
}

/// Runs every rule on a request, new or resumed, against the client as it is now: the one way to a decision.
///
/// # Errors
/// [`Stop`] as the rules have it.
pub(crate) async fn weigh(
    site: &Site,
    params: RawParams,
    evidence: Option<Evidence>,
) -> Result<Decision, Stop> {
    let id = authorize::client_id(&params)?;
    let client = site.store.client(&site.provider, &id).await?;
    let addressed = authorize::address(params, client)?;
    let validated = authorize::validate(addressed, &site.provider)
        .map_err(|refused| Stop::Redirect(Box::new(refused.addressed), refused.fault))?;
    Ok(decide(validated, evidence, site.reach()))
}
