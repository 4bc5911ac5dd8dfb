//! A request's parameters: from the query of a GET, or from the form of a POST.

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Request};
use portvakt_protocol::authorize::PageFault;
use portvakt_protocol::params::{ParamsFault, RawParams};

use crate::listen::{BodyFault, whole};

/// A form is this many bytes at most.
pub(crate) const MOST_BODY: usize = 64 * 1024;

/// Why a form cannot be had. The status and the rule of each are [`PageFault`]'s where a browser asks.
#[derive(Debug)]
pub(crate) enum FormFault {
    /// Another content type.
    ContentType(Option<String>),
    /// Not to be decoded.
    Encoding(ParamsFault),
    /// Larger than [`MOST_BODY`].
    TooLarge,
    /// It broke off.
    Broken,
}

impl From<FormFault> for PageFault {
    fn from(fault: FormFault) -> Self {
        match fault {
            FormFault::ContentType(sent) => Self::ContentType(sent),
            FormFault::Encoding(fault) => Self::Encoding(fault),
            FormFault::TooLarge => Self::TooLarge,
            FormFault::Broken => Self::BrokeOff,
        }
    }
}

/// The parameters in the query.
pub(crate) fn query(request: &Request<Body>) -> Result<RawParams, ParamsFault> {
    RawParams::parse(request.uri().query().unwrap_or_default().as_bytes())
}

/// Reads a POST's body as a form.
pub(crate) async fn form(headers: &HeaderMap, body: Body) -> Result<RawParams, FormFault> {
    let body = read(body).await?;
    if !is_form(headers) {
        return Err(FormFault::ContentType(content_type(headers)));
    }
    RawParams::parse(&body).map_err(FormFault::Encoding)
}

/// Reads a body whole.
pub(crate) async fn read(body: Body) -> Result<Bytes, FormFault> {
    whole(body, MOST_BODY).await.map_err(|fault| match fault {
        BodyFault::TooLarge => FormFault::TooLarge,
        BodyFault::Broken => FormFault::Broken,
    })
}

/// Whether the content type is a form's, parameters such as a charset aside, and the content not compressed: a small body that
/// unpacks to a large one is not unpacked at all.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    if headers.contains_key(CONTENT_ENCODING) {
        return false;
    }
    content_type(headers).is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// The one content type, as text.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let first = all.next()?;
    if all.next().is_some() {
        return None;
    }
    first.to_str().ok().map(str::to_owned)
}
