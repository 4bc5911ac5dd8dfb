//! What nobody serves: a path that no issuer of its host has, a method that its path does not have, and a host that is no issuer's.
//! Outside production the answer names the rule, what was probably meant, and what to do, and so does the log; in production it is
//! one plain sentence.

use std::sync::Arc;

use axum::body::Body;
use http::header::{ALLOW, HeaderValue};
use http::{Method, Request, StatusCode};
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::provider::Environment;
use portvakt_protocol::refusal::{Fault, Refusal, inert};
use portvakt_protocol::well_known::{NotServed, meant};

use crate::concerned::Concerned;
use crate::reply::{Reply, log_refusal, plain, text};
use crate::site::{Site, Trace};

/// What browsers and crawlers ask for by themselves: nobody's mistake, and nothing to tell.
const UNASKED: [&str; 5] = [
    "/favicon.ico",
    "/robots.txt",
    "/apple-touch-icon.png",
    "/apple-touch-icon-precomposed.png",
    "/.well-known/appspecific/com.chrome.devtools.json",
];

/// The answer to a request whose path no issuer of its host serves. `here`: the issuers of this host.
pub(crate) fn path_unknown(here: &[Arc<Site>], request: &Request<Body>) -> Reply {
    let path = request.uri().path();
    let meant = meant(path, here.iter().map(|site| &site.provider));
    let site =
        here.iter().find(|site| meant.as_ref().is_some_and(|meant| meant.issuer == *site.provider.issuer()));
    let Some(site) = site.or_else(|| here.first()).filter(|_| is_told(here) && !UNASKED.contains(&path))
    else {
        return text(StatusCode::NOT_FOUND, "Nothing is served here.\n");
    };
    let issuers = here.iter().map(|site| site.provider.issuer().clone()).collect();
    let refusal = NotServed::Path { sent: path.to_owned(), meant, issuers }.refusal();
    told(site, "path", StatusCode::NOT_FOUND, "Nothing is served at this path.", &refusal)
}

/// The answer to a method that an endpoint of this issuer does not have, with those that it has (RFC 9110 §15.5.6).
pub(crate) fn method_unserved(
    site: &Site,
    endpoint: Endpoint,
    served: &'static [&'static str],
    method: &Method,
) -> Reply {
    let mut reply = if site.provider.environment().is_production() {
        text(StatusCode::METHOD_NOT_ALLOWED, "This method is not served here.\n")
    } else {
        let refusal = NotServed::Method { sent: method.as_str().to_owned(), served }.refusal();
        told(
            site,
            name(endpoint),
            StatusCode::METHOD_NOT_ALLOWED,
            "This method is not served here.",
            &refusal,
        )
    };
    if let Ok(allow) = HeaderValue::from_str(&served.join(", ")) {
        reply.headers_mut().insert(ALLOW, allow);
    }
    reply
}

/// An endpoint as the log names it.
fn name(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Discovery => "discovery",
        Endpoint::Jwks => "jwks",
        Endpoint::Authorization => "authorize",
        Endpoint::Token => "token",
        Endpoint::Userinfo => "userinfo",
        Endpoint::Introspection => "introspect",
        Endpoint::Tokeninfo => "tokeninfo",
        Endpoint::Revocation => "revoke",
        Endpoint::EndSession => "end_session",
        Endpoint::Login => "login",
        Endpoint::Resume => "resume",
        Endpoint::IssuerPage => "issuer",
        Endpoint::Language => "language",
        Endpoint::Asset => "assets",
        Endpoint::RuleList | Endpoint::RulePage => "errors",
    }
}

/// The answer to a request for a host that is no issuer's. `all`: every issuer of this process.
pub(crate) fn host_unknown(all: &[Arc<Site>], authority: Option<&str>) -> Reply {
    // Only a developer's machine says whom it serves to somebody who does not know: elsewhere a host is asked for by scanners.
    let is_open = all.iter().all(|site| site.provider.environment() == Environment::Development);
    let (Some(site), Some(authority)) = (all.first().filter(|_| is_open), authority) else {
        return text(StatusCode::MISDIRECTED_REQUEST, "No issuer is configured at this address.\n");
    };
    let issuers = all.iter().map(|site| site.provider.issuer().clone()).collect();
    let refusal = NotServed::Host { sent: authority.to_owned(), issuers }.refusal();
    told(site, "host", StatusCode::MISDIRECTED_REQUEST, "No issuer is configured at this address.", &refusal)
}

/// Whether a host tells what is wrong: not if any of its issuers is in production.
fn is_told(here: &[Arc<Site>]) -> bool {
    !here.iter().any(|site| site.provider.environment().is_production())
}

/// Logs the refusal, and answers with the same fields as the log has, a line each.
fn told(site: &Site, place: &'static str, status: StatusCode, sentence: &str, refusal: &Refusal) -> Reply {
    let trace = Trace::begin(site);
    log_refusal(site, &trace, place, Concerned::Nobody, refusal);
    let lines = [
        ("page", refusal.error_uri(&site.provider)),
        ("rule", refusal.rule.name.to_owned()),
        ("clause", refusal.rule.clause.to_owned()),
        ("parameter", inert(refusal.parameter.as_deref().unwrap_or_default())),
        ("expected", inert(&refusal.expected)),
        ("received", refusal.received.to_string()),
        ("fix", inert(&refusal.fix)),
        ("trace_id", trace.id),
    ];
    let lines: String = lines.into_iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect();
    plain(status, format!("{sentence}\n\n{lines}"))
}
