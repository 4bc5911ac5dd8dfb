//! The end-session endpoint. There is no session across services yet: it ends the logins that this browser has under way,
//! shows a page, and redirects nowhere (RP-Initiated Logout 1.0 §2 lets the provider decide).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Request, StatusCode};
use portvakt_protocol::language::Language;

use crate::cookies;
use crate::form::query;
use crate::pages::{NoticePage, Texts, page};
use crate::refuse::{Stop, stop};
use crate::reply::Reply;
use crate::site::{Site, Trace};

/// `GET` or `POST` to the end-session endpoint.
pub(crate) async fn end_session(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let trace = Trace::begin(&site);
    let asked = query(&request).ok().and_then(|params| params.first("ui_locales").map(str::to_owned));
    let language = Language::choose(cookies::language(request.headers()), asked.as_deref());
    let browsers = cookies::browsers(request.headers(), &site.provider);
    for (_, browser) in &browsers {
        if let Err(broken) = site.store.end_logins(site.provider.issuer(), browser.digest(), trace.now).await
        {
            return stop(&site, &trace, "end_session", language, Stop::from(broken));
        }
    }
    let texts = Texts::of(language);
    let notice = NoticePage {
        language,
        texts,
        id: "logged-out",
        title: texts.logged_out,
        sentence: texts.logged_out_sentence,
        reference: None,
        detail: None,
    };
    let mut reply = page(StatusCode::OK, &notice, "'none'");
    for (name, _) in &browsers {
        cookies::end_named(&mut reply, &site.provider, name);
    }
    reply
}
