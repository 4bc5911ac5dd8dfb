//! The authorization endpoint: a valid request becomes a login under way, and the browser is sent to its page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Method, Request, StatusCode};
use portvakt_protocol::authorize::{self, Addressed, PageFault};
use portvakt_protocol::features::{Endpoint, knows};
use portvakt_protocol::interaction::ask;
use portvakt_protocol::language::Language;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::profile::LOGIN_LIFETIME;
use portvakt_protocol::secret::{BrowserSecret, LoginHandle};
use portvakt_store::NewLogin;

use crate::cookies;
use crate::form::{FormFault, form, query};
use crate::refuse::{Stop, stop};
use crate::reply::{Reply, see_other};
use crate::site::{Site, Trace};

/// `GET` or `POST` to the authorization endpoint (RFC 6749 §3.1).
pub(crate) async fn authorize(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    let headers = request.headers().clone();
    let picked = cookies::language(&headers);
    let params = match params(request).await {
        Ok(params) => params,
        Err(refused) => return stop(&site, &trace, "authorize", Language::choose(picked, None), refused),
    };
    trace.body_read(&site);
    let language = Language::choose(picked, params.first("ui_locales"));
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
    let addressed = address(site, params).await?;
    let validated = ask(addressed, site.reach(), &site.provider)?;
    let addressed = validated.addressed();
    let (handle, browser) = (LoginHandle::draw(&site.random), BrowserSecret::draw(&site.random));
    let known = |name: &str| knows(&site.provider, Endpoint::Authorization, name);
    let login = NewLogin {
        login: handle.digest(),
        browser: browser.digest(),
        client_id: addressed.client().id().clone(),
        request: addressed.params().clone().only(known).encode(),
        started: trace.now,
        expires: trace.now + LOGIN_LIFETIME,
    };
    let begun = site.store.begin_login(site.provider.issuer(), login).await;
    begun.map_err(|broken| Stop::Broken(broken.to_string(), Some(Box::new(addressed.clone()))))?;
    let mut reply = see_other(&authorize::login_url(&site.provider, Endpoint::Login, &handle));
    cookies::begin(&mut reply, headers, &site.provider, &handle, &browser);
    Ok(reply)
}

/// Settles where a request is answered, against the client as it is now.
///
/// # Errors
/// [`Stop`]: a page.
pub(crate) async fn address(site: &Site, params: RawParams) -> Result<Addressed, Stop> {
    let id = authorize::client_id(&params)?;
    let client = site.store.client(&site.provider, &id).await?;
    Ok(authorize::address(params, client)?)
}
