//! The language switch of every page: a form, since picking a language is an act (contract §2), and a cookie.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Request;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::language::Language;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::provider::Provider;

use crate::form::form;
use crate::here::{Here, LONGEST_BACK};
use crate::listen::Peer;
use crate::refuse::{Notice, Stop, stop};
use crate::reply::{Reply, see_other};
use crate::site::{Site, Trace};
use crate::{cookies, csrf};

/// `POST` from a page's language switch: sets the cookie, and leads back to the page.
pub(crate) async fn language(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let trace = Trace::begin(&site);
    let (head, body) = request.into_parts();
    let base = host(&site.provider, head.extensions.get::<Peer>());
    let here = Here::at(&site, Endpoint::Language, &head.headers, format!("{}/", base.path()), None);
    if !csrf::is_same_origin(&head.headers, base) {
        return stop(&trace, "language", &here, Notice::LanguageStale.into());
    }
    let form = match form(&head.headers, body).await {
        Ok(form) => form,
        Err(fault) => return stop(&trace, "language", &here, Stop::Unreadable(fault.into())),
    };
    match (form.first("language").and_then(Language::of_tag), way_back(&form, base)) {
        (Some(language), Some(back)) => {
            let mut reply = see_other(&back);
            cookies::pick_language(&mut reply, &site.provider, language);
            reply
        }
        _ => stop(&trace, "language", &here, Notice::LanguageStale.into()),
    }
}

/// The base on the host that was asked.
fn host<'a>(provider: &'a Provider, peer: Option<&Peer>) -> &'a Issuer {
    let asked = |base: &&Issuer| peer.is_some_and(|peer| peer.authority == base.authority());
    provider.bases(Endpoint::Language).find(asked).unwrap_or_else(|| provider.base(Endpoint::Language))
}

/// The URL of the page that the form stood on: a path of this issuer on this host, never another site. It is appended to our own
/// scheme and authority, so whatever it holds leads nowhere else.
fn way_back(form: &RawParams, base: &Issuer) -> Option<String> {
    let back = form.first("back")?;
    let path = back.strip_prefix(base.path())?;
    let is_ours = (path.is_empty() || path.starts_with(['/', '?']))
        && back.len() <= LONGEST_BACK
        && back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !back.starts_with("//")
        && !climbs(back);
    is_ours.then(|| format!("{}{back}", base.origin()))
}

/// Whether a path has a segment that leads out of the one before it. Browsers read `%2e` as a dot there (URL Standard, double-dot
/// path segment).
fn climbs(back: &str) -> bool {
    let path = back.split('?').next().unwrap_or_default();
    path.split('/')
        .any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(issuer: &str, sent: &str) -> Option<String> {
        let form = RawParams::parse(format!("back={sent}").as_bytes()).unwrap();
        way_back(&form, &Issuer::parse(issuer).unwrap())
    }

    #[test]
    fn the_way_back_leads_to_no_other_site_and_no_other_issuer() {
        let issuer = "https://a.example/login-gateway/";
        for refused in [
            "",
            "https://evil.example/",
            "//evil.example/",
            "/other",
            "/login-gatewayer/x",
            "/login-gateway\\..",
            "/login-gateway/%0d%0aSet-Cookie:x",
            "/login-gateway/å",
            "/login-gateway/ x",
            "login-gateway/",
            "/login-gateway/../other",
            "/login-gateway/..",
            "/login-gateway/%252e%252E/other",
            "/login-gateway/.%252e/other?x=1",
            "/login-gateway/./x",
        ] {
            assert_eq!(back(issuer, refused), None, "{refused}");
        }
        assert_eq!(back("https://a.example", "//evil.example/"), None);
        assert_eq!(back("https://a.example", "@evil.example/"), None);
        assert_eq!(back("https://a.example", &format!("/{}", "a".repeat(LONGEST_BACK))), None);
        assert_eq!(
            back(issuer, "/login-gateway/a..b?x=/../y").as_deref(),
            Some("https://a.example/login-gateway/a..b?x=/../y")
        );
        assert_eq!(
            back(issuer, "/login-gateway/login/abc").as_deref(),
            Some("https://a.example/login-gateway/login/abc")
        );
        assert_eq!(
            back("https://a.example", "/authorize?client_id=%2525").as_deref(),
            Some("https://a.example/authorize?client_id=%25")
        );
    }
}
