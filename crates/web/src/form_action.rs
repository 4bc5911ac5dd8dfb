//! Where the forms of our pages may lead, as `form-action` says it to browsers (CSP Level 3 §6.4.1).
//!
//! Chromium holds each redirect that follows a form's POST against it, and not our own alone: a callback that redirects on, from an
//! API's host to the application's, is stopped halfway too. Then the code has left, and the person still looks at the login page.
//! Where a service leads is its own to say, so the origin of its redirect URI is not enough: a login's page names schemes.

use portvakt_protocol::provider::Environment;

/// The sources beside `'self'` of a page whose form leads to a service: https; http where services have it (outside production, and
/// on an app's loopback); and an app's private scheme (RFC 8252 §7.1). `redirect_uri`: the request's, as far as it is known.
pub(crate) fn to_service(environment: Environment, redirect_uri: Option<&str>) -> String {
    let scheme = redirect_uri.and_then(|uri| uri.split_once(':')).map(|(scheme, _)| scheme);
    let mut sources = "https:".to_owned();
    if !environment.is_production() || scheme == Some("http") {
        sources.push_str(" http:");
    }
    if let Some(private) = scheme.filter(|scheme| is_private(scheme)) {
        sources.push_str(&format!(" {private}:"));
    }
    sources
}

/// A private scheme as it can be registered: nothing in it ends a source or a directive.
fn is_private(scheme: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    scheme.contains('.') && scheme.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_adds_its_scheme_and_nothing_else() {
        for hostile in
            ["", "x", "evil.example; script-src *:/cb", "a.b *:/", "javascript:x", "data:x", "A.b:/", "//x:"]
        {
            assert_eq!(to_service(Environment::Production, Some(hostile)), "https:", "{hostile}");
        }
        let private = to_service(Environment::Production, Some("no.example.app:/cb"));
        assert_eq!(private, "https: no.example.app:");
    }

    #[test]
    fn plain_http_is_for_loopback_in_production_and_for_all_outside() {
        assert_eq!(to_service(Environment::Production, None), "https:");
        assert_eq!(to_service(Environment::Production, Some("https://rp.example.no/cb")), "https:");
        // An IPv6 literal can be no host source, so the scheme stands for it (CSP Level 3 §6.7.2.8).
        assert_eq!(to_service(Environment::Production, Some("http://[::1]:4000/cb")), "https: http:");
        for open in [Environment::Test, Environment::Development] {
            assert_eq!(to_service(open, Some("https://rp.example.no/cb")), "https: http:");
        }
    }
}
