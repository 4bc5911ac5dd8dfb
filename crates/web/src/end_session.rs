//! The end-session endpoint. There is no session across services yet: it ends the logins that this browser has under way,
//! shows a page, and redirects nowhere (RP-Initiated Logout 1.0 §2 lets the provider decide).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Request, StatusCode};
use portvakt_protocol::features::Endpoint;

use crate::cookies;
use crate::form::query;
use crate::here::Here;
use crate::pages::{NoticePage, PageName, page};
use crate::refuse::{Stop, stop};
use crate::reply::Reply;
use crate::site::{Site, Trace};

/// `GET` or `POST` to the end-session endpoint.
pub(crate) async fn end_session(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let trace = Trace::begin(&site);
    let asked = query(&request).ok().and_then(|params| params.first("ui_locales").map(str::to_owned));
    let back = request.uri().path().to_owned();
    let here = Here::at(&site, Endpoint::EndSession, request.headers(), back, asked.as_deref());
    let browsers = cookies::browsers(request.headers(), &site.provider);
    let digests: Vec<_> = browsers.iter().map(|(_, browser)| browser.digest()).collect();
    if let Err(broken) = site.by(&trace).end_logins(site.provider.issuer(), &digests, trace.now).await {
        return stop(&trace, "end_session", &here, Stop::from(broken));
    }
    let texts = here.texts();
    let notice = NoticePage {
        frame: here.frame(PageName::LoggedOut),
        title: texts.logged_out,
        sentence: texts.logged_out_sentence,
        value: "",
        way_on: None,
        service: None,
        reference: None,
        detail: None,
    };
    let mut reply = page(StatusCode::OK, &notice, "");
    for (name, _) in &browsers {
        cookies::end_named(&mut reply, &site.provider, name);
    }
    reply
}
