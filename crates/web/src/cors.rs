//! CORS (Fetch §3.2) as a browser client needs it: `*` for what is public, the client's own origins for what is not. Errors
//! are readable by any origin that asks, for they tell a caller about its own request alone. Never on authorize.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Response, StatusCode};
use portvakt_protocol::client::Client;

use crate::reply::Reply;

/// The origin that asks; `null` is nobody's.
pub(crate) fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut all = headers.get_all(ORIGIN).iter();
    let first = all.next()?;
    (all.next().is_none() && first.as_bytes() != b"null").then(|| first.clone())
}

/// Lets every origin read, without credentials.
pub(crate) fn public(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    reply
}

/// Lets `origin` read a success if it is one of the client's, and any failure.
pub(crate) fn for_client(mut reply: Reply, origin: Option<HeaderValue>, client: Option<&Client>) -> Reply {
    let headers = reply.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return reply };
    let registered =
        || client.is_some_and(|client| client.origins().any(|known| known.as_bytes() == origin.as_bytes()));
    if !reply.status().is_success() || registered() {
        let headers = reply.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers
            .insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
    }
    reply
}

/// The answer to a preflight. Which client asks is not known yet, so any origin may go on to ask; whether it may read the
/// answer is decided there.
pub(crate) fn preflight(headers: &HeaderMap, methods: &'static str) -> Reply {
    let mut reply = Response::new(axum::body::Body::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let out = reply.headers_mut();
    out.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin(headers) {
        out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        out.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        out.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type"));
        out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    reply
}
