//! One HTTP exchange: what is asked, and what came back.

use http::{HeaderMap, Method, StatusCode};
use portvakt_crypto::encoding::base64_encode;
use serde_json::Value;
use url::form_urlencoded;

/// A request. Nothing of it is normalised: a path goes out as it is written here.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// Header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// A request without a body.
    pub fn new(method: Method, url: &str) -> Self {
        Self { method, url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A HEAD.
    pub fn head(url: &str) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// `GET`.
    pub fn get(url: &str) -> Self {
        Self::new(Method::GET, url)
    }

    /// `POST` of a form.
    pub fn post<N: AsRef<str>, V: AsRef<str>>(url: &str, fields: &[(N, V)]) -> Self {
        Self::new(Method::POST, url).body("application/x-www-form-urlencoded", encode(fields))
    }

    /// One more header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// With a bearer token (RFC 6750 §2.1).
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With HTTP Basic, both halves form-encoded (RFC 6749 §2.3.1).
    #[must_use]
    pub fn basic(self, client_id: &str, secret: &str) -> Self {
        let half = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", half(client_id), half(secret));
        self.header("authorization", &format!("Basic {}", base64_encode(pair.as_bytes())))
    }

    /// `scheme`, `host[:port]`, and the rest from the first slash or question mark on.
    pub(crate) fn parts(&self) -> (&str, &str, &str) {
        split(&self.url)
    }
}

/// A form or query.
pub(crate) fn encode<N: AsRef<str>, V: AsRef<str>>(fields: &[(N, V)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Scheme, authority, and path with query; without interpreting any of it.
pub(crate) fn split(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (scheme, authority, path)
}

/// The `scheme://host[:port]` of a URL.
pub(crate) fn origin(url: &str) -> String {
    let (scheme, authority, _) = split(url);
    format!("{scheme}://{authority}")
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What was asked.
    pub url: String,
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header field's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// All values of a header field.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(fault) => panic!("{} answered {} without JSON: {fault}", self.url, self.status),
        }
    }

    /// Where it leads, if it is a redirect.
    pub fn location(&self) -> Option<&str> {
        self.status.is_redirection().then(|| self.header("location"))
    }

    /// Whether it is a page that people see.
    pub fn is_page(&self) -> bool {
        self.header("content-type").starts_with("text/html")
    }

    /// The `error` of a refusal, whether it stands in JSON or in a redirect; empty if there is none.
    pub fn error(&self) -> String {
        self.member("error")
    }

    /// The `error_description` of a refusal, likewise.
    pub fn description(&self) -> String {
        self.member("error_description")
    }

    /// The `error_uri` of a refusal, likewise: the page about its rule.
    pub fn error_uri(&self) -> String {
        self.member("error_uri")
    }

    /// Whether it is a page with this status: what a request gets whose answer has no address.
    pub fn is_page_with(&self, status: u16) -> bool {
        self.is_page() && self.status.as_u16() == status && self.location().is_none()
    }

    fn member(&self, name: &str) -> String {
        if let Some(location) = self.location() {
            let query = location.split_once('?').map_or("", |(_, query)| query);
            let found = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
            return found.map(|(_, value)| value.into_owned()).unwrap_or_default();
        }
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}
