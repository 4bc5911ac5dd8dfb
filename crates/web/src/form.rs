//! A request's parameters: from the query of a GET, or from the form of a POST.

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Request};
use portvakt_protocol::params::RawParams;
use portvakt_protocol::refusal::Malformed;

use crate::listen::{BodyFault, whole};

/// A form is this many bytes at most.
pub(crate) const MOST_BODY: usize = 64 * 1024;

/// The parameters in the query.
pub(crate) fn query(request: &Request<Body>) -> Result<RawParams, Malformed> {
    Ok(RawParams::parse(request.uri().query().unwrap_or_default().as_bytes())?)
}

/// Reads a POST's body as a form.
pub(crate) async fn form(headers: &HeaderMap, body: Body) -> Result<RawParams, Malformed> {
    form_of(headers, &read(body).await?)
}

/// Reads a body that is there as a form.
pub(crate) fn form_of(headers: &HeaderMap, body: &[u8]) -> Result<RawParams, Malformed> {
    if !is_form(headers) {
        return Err(Malformed::ContentType(content_type(headers)));
    }
    Ok(RawParams::parse(body)?)
}

/// Reads a body whole.
pub(crate) async fn read(body: Body) -> Result<Bytes, Malformed> {
    whole(body, MOST_BODY).await.map_err(|fault| match fault {
        BodyFault::TooLarge => Malformed::TooLarge,
        BodyFault::Broken => Malformed::BrokeOff,
    })
}

/// Whether the content type is a form's, parameters such as a charset aside, and the content not compressed: a small body that
/// unpacks to a large one is not unpacked at all.
fn is_form(headers: &HeaderMap) -> bool {
    if headers.contains_key(CONTENT_ENCODING) {
        return false;
    }
    content_type(headers).is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// The one content type, as text.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let first = all.next()?;
    if all.next().is_some() {
        return None;
    }
    first.to_str().ok().map(str::to_owned)
}
