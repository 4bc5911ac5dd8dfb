//! Replies: JSON, redirects and refusals as HTTP, each with the headers it must have.

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, PRAGMA, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::refusal::{ErrorCode, Fault, Refusal, inert, rules};
use serde_json::json;

use crate::concerned::Concerned;
use crate::site::{Site, Trace};

/// How long anybody may keep a public document; [`JWKS_MAX_AGE`](crate::keys::JWKS_MAX_AGE) in a header's words.
const PUBLIC: &str = "public, max-age=3600";

/// A reply of ours.
pub(crate) type Reply = Response<Body>;

/// How long a caller is asked to wait when the store cannot answer, in seconds.
const RETRY_AFTER_SECONDS: &str = "2";

/// A reply with the headers that every one of ours has.
pub(crate) fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    reply
}

/// Marks a reply that holds a token, code, session or claim: nobody keeps it (RFC 6749 §5.1).
pub(crate) fn no_store(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}

/// JSON that anybody may keep for a while.
pub(crate) fn public_json(body: Bytes) -> Reply {
    let mut reply = reply(StatusCode::OK, "application/json", body);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(PUBLIC));
    reply
}

/// JSON for its asker alone.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Reply {
    no_store(reply(status, "application/json", body))
}

/// A page. Its own forms must say where they stood: under `no-referrer` a browser posts them with `Origin: null` (Fetch, append
/// a request `Origin` header), so here the referrer goes to our own origin, and to no other.
pub(crate) fn html(status: StatusCode, body: String) -> Reply {
    let mut reply = no_store(reply(status, "text/html; charset=utf-8", body));
    reply.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    reply
}

/// One sentence of plain text.
pub(crate) fn text(status: StatusCode, body: &'static str) -> Reply {
    plain(status, body)
}

/// Plain text, such as no browser takes for a page.
pub(crate) fn plain(status: StatusCode, body: impl Into<Body>) -> Reply {
    no_store(reply(status, "text/plain; charset=utf-8", body))
}

/// 303: the browser goes on with a GET, so what was posted to us is posted to nobody else (RFC 9700 §4.12).
pub(crate) fn see_other(location: &str) -> Reply {
    let mut reply = no_store(reply(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Body::empty()));
    match HeaderValue::from_str(location) {
        Ok(location) => {
            reply.headers_mut().insert(LOCATION, location);
            reply
        }
        // A location is made of registered and percent-encoded parts; one that no header can hold is a fault of ours.
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "An error of ours.\n"),
    }
}

/// Logs a refusal in full: rule, clause, parameter, expected, received and fix, in one event, and keeps it for the issuer's own page
/// where that lists refusals. A registered client's is counted. Values are escaped, and secrets never stand in a fault.
pub(crate) fn log_refusal<'a>(
    site: &Site,
    trace: &Trace,
    endpoint: &'static str,
    concerned: impl Into<Concerned<'a>>,
    refusal: &Refusal,
) {
    let concerned = concerned.into();
    tracing::info!(
        target: "refusal",
        trace_id = %trace.id,
        issuer = %site.provider.issuer(),
        environment = site.provider.environment().as_str(),
        endpoint,
        client = %concerned,
        organisation = concerned.organisation().map(OrgNumber::as_str),
        code = refusal.rule.code.as_str(),
        rule = refusal.rule.name,
        clause = refusal.rule.clause,
        parameter = %inert(refusal.parameter.as_deref().unwrap_or("")),
        expected = %inert(&refusal.expected),
        received = %refusal.received,
        fix = %inert(&refusal.fix),
        page = %refusal.error_uri(&site.provider),
        "refused"
    );
    if let Some(lately) = &site.lately {
        lately.add(trace, endpoint, concerned.shown(), refusal);
    }
    if let Some(client) = concerned.client() {
        site.refusals.add(trace, (client.id(), client.organisation()), refusal);
    }
}

/// The members of a refusal (RFC 6749 §5.2).
fn body(site: &Site, trace: &Trace, refusal: &Refusal) -> String {
    let members = json!({
        "error": refusal.rule.code.as_str(),
        "error_description": refusal.description(site.provider.environment(), &trace.id),
        "error_uri": refusal.error_uri(&site.provider),
    });
    members.to_string()
}

/// The JSON of a refusal (RFC 6749 §5.2).
pub(crate) fn refuse_json<'a>(
    site: &Site,
    trace: &Trace,
    endpoint: &'static str,
    concerned: impl Into<Concerned<'a>>,
    fault: &impl Fault,
) -> Reply {
    let refusal = fault.refusal();
    log_refusal(site, trace, endpoint, concerned, &refusal);
    let status = StatusCode::from_u16(refusal.rule.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut reply = json(status, body(site, trace, &refusal));
    if refusal.rule.code == ErrorCode::InvalidClient {
        reply
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\""));
    }
    reply
}

/// The refusal of a protected resource (RFC 6750 §3): the header says it all. Without a token it says nothing.
pub(crate) fn refuse_bearer<'a>(
    site: &Site,
    trace: &Trace,
    concerned: impl Into<Concerned<'a>>,
    fault: &impl Fault,
) -> Reply {
    let refusal = fault.refusal();
    log_refusal(site, trace, "userinfo", concerned, &refusal);
    let status = StatusCode::from_u16(refusal.rule.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let (challenge, body) = if *refusal.rule == rules::BEARER_MISSING {
        ("Bearer".to_owned(), String::new())
    } else {
        // Neither the description nor the address has a quote or a backslash (RFC 6750 §3): see `Refusal::description`.
        let challenge = format!(
            "Bearer error=\"{}\", error_description=\"{}\", error_uri=\"{}\"",
            refusal.rule.code.as_str(),
            refusal.description(site.provider.environment(), &trace.id),
            refusal.error_uri(&site.provider),
        );
        (challenge, body(site, trace, &refusal))
    };
    let mut reply = no_store(reply(status, "application/json", body));
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    reply
}

/// Logs a failure of ours, in full.
pub(crate) fn log_broken(site: &Site, trace: &Trace, endpoint: &'static str, broken: &dyn std::fmt::Display) {
    tracing::error!(
        target: "broken",
        trace_id = %trace.id,
        issuer = %site.provider.issuer(),
        environment = site.provider.environment().as_str(),
        endpoint,
        cause = %broken,
        "failed"
    );
}

/// The JSON of a failure of ours: the world learns a reference, and when to try again.
pub(crate) fn broken_json(
    site: &Site,
    trace: &Trace,
    endpoint: &'static str,
    broken: &dyn std::fmt::Display,
) -> Reply {
    log_broken(site, trace, endpoint, broken);
    let code = ErrorCode::TemporarilyUnavailable;
    let description = format!("try again in a moment (trace_id: {})", trace.id);
    let uri = rules::UNAVAILABLE.page_url(&site.provider);
    retry_after(json(
        StatusCode::SERVICE_UNAVAILABLE,
        json!({ "error": code.as_str(), "error_description": description, "error_uri": uri }).to_string(),
    ))
}

/// Asks the caller to come back.
pub(crate) fn retry_after(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    reply
}

/// The JSON of a fault of ours that waiting does not mend.
pub(crate) fn server_error(
    site: &Site,
    trace: &Trace,
    endpoint: &'static str,
    cause: &dyn std::fmt::Display,
) -> Reply {
    log_broken(site, trace, endpoint, cause);
    let description = format!("an error of ours (trace_id: {})", trace.id);
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        json!({ "error": ErrorCode::ServerError.as_str(), "error_description": description }).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::JWKS_MAX_AGE;

    #[test]
    fn a_public_document_is_kept_as_long_as_the_rules_on_keys_reckon_with() {
        let reply = public_json(Bytes::new());
        assert_eq!(reply.headers()[CACHE_CONTROL], format!("public, max-age={}", JWKS_MAX_AGE.get()));
    }
}
