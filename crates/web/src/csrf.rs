//! Whether a form was posted from our own page: by what the browser says of where it stood, and by the token the page carried.

use http::header::{HeaderMap, HeaderName, ORIGIN};
use portvakt_protocol::issuer::Issuer;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser's word on where a POST came from, if it gave any, is this base's own host. A browser too old to say is
/// judged by the cookie and the form's token alone.
pub(crate) fn is_same_origin(headers: &HeaderMap, base: &Issuer) -> bool {
    let said = |name| headers.get(name).map(|value: &http::HeaderValue| value.as_bytes());
    if said(SEC_FETCH_SITE).is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    said(ORIGIN).is_none_or(|origin| origin == base.origin().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_post_from_elsewhere_is_seen() {
        let base = Issuer::parse("http://localhost:8080/x/").unwrap();
        let judge = |pairs: &[(HeaderName, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
            is_same_origin(&headers, &base)
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
