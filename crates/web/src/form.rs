//! A request's parameters: from the query of a GET, or from the form of a POST.

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Request};
use portvakt_protocol::params::RawParams;
use portvakt_protocol::refusal::{Malformed, Sent};

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
    match no_form(headers) {
        Some(sent) => Err(Malformed::ContentType(sent)),
        None => Ok(RawParams::parse(body)?),
    }
}

/// Reads a body whole.
pub(crate) async fn read(body: Body) -> Result<Bytes, Malformed> {
    whole(body, MOST_BODY).await.map_err(|fault| match fault {
        BodyFault::TooLarge => Malformed::TooLarge,
        BodyFault::Broken => Malformed::BrokeOff,
    })
}

/// What a body is said to be, if it is no form. Parameters of the type, such as a charset, make no difference.
fn no_form(headers: &HeaderMap) -> Option<Sent> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let Some(first) = all.next() else { return Some(Sent::Unsaid) };
    if all.next().is_some() {
        return Some(Sent::Several);
    }
    let said = String::from_utf8_lossy(first.as_bytes());
    let media_type = said.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Some(Sent::Type(media_type.to_owned()));
    }
    headers.contains_key(CONTENT_ENCODING).then_some(Sent::Encoded)
}
