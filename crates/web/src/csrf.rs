//! Whether a form was posted from our own page: by what the browser says of where it stood, and by the token the page carried.

use http::header::{HeaderMap, HeaderName, ORIGIN};
use portvakt_protocol::issuer::Scheme;
use portvakt_protocol::provider::Provider;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser's word on where a POST came from, if it gave any, is our own front host. A browser too old to say is
/// judged by the cookie and the form's token alone.
pub(crate) fn is_same_origin(headers: &HeaderMap, provider: &Provider) -> bool {
    let said = |name| headers.get(name).map(|value: &http::HeaderValue| value.as_bytes());
    if said(SEC_FETCH_SITE).is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    let front = provider.front();
    let scheme = match front.scheme() {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    said(ORIGIN).is_none_or(|origin| origin == format!("{scheme}://{}", front.authority()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use portvakt_protocol::profile::PILOT;
    use portvakt_protocol::provider::Environment;

    #[test]
    fn a_post_from_elsewhere_is_seen() {
        let provider =
            Provider::new("http://localhost:8080/x/", None, &PILOT, Environment::Test, None, "1").unwrap();
        let judge = |pairs: &[(HeaderName, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
            is_same_origin(&headers, &provider)
        };
        for refused in [
            &[(SEC_FETCH_SITE, "cross-site")][..],
            &[(SEC_FETCH_SITE, "same-site")],
            &[(ORIGIN, "https://evil.example")],
            &[(ORIGIN, "null")],
            &[(ORIGIN, "http://localhost:8081")],
            &[(SEC_FETCH_SITE, "same-origin"), (ORIGIN, "https://localhost:8080")],
        ] {
            assert!(!judge(refused), "{refused:?}");
        }
        assert!(judge(&[]));
        assert!(judge(&[(SEC_FETCH_SITE, "same-origin"), (ORIGIN, "http://localhost:8080")]));
    }
}
