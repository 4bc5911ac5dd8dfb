//! The issuer: a configured string, compared byte for byte (OpenID Connect Discovery 1.0 §3, RFC 9207 §2.4).

use std::fmt;
use std::sync::Arc;

use portvakt_crypto::digest::Sha256;
use url::Url;

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Without TLS: loopback and development only.
    Http,
    /// With TLS, our own or a configured proxy's.
    Https,
}

/// An issuer identifier: the exact configured string, trailing slash included. It is never built from a request.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Issuer(Arc<Parts>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Parts {
    text: String,
    scheme: Scheme,
    authority: String,
    path: String,
    id: String,
}

/// Why a text is no issuer identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// Not an absolute `http` or `https` URL.
    #[error("must be an absolute http or https URL")]
    NotAUrl,
    /// Discovery 1.0 §3 forbids query and fragment; user information has no meaning here.
    #[error("must have no query, fragment or user information")]
    Decorated,
    /// The text differs from its own normal form: two spellings of one issuer would be two issuers.
    #[error(
        "must be in its normal form: lower-case host, no default port, no dot segments, no empty segments, no percent-encoding"
    )]
    NotNormal,
}

impl Issuer {
    /// Parses a configured issuer.
    ///
    /// # Errors
    /// [`IssuerFault`] says which rule of Discovery 1.0 §3 the text breaks.
    pub fn parse(text: &str) -> Result<Self, IssuerFault> {
        let url = Url::parse(text).map_err(|_| IssuerFault::NotAUrl)?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(IssuerFault::NotAUrl),
        };
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(IssuerFault::Decorated);
        }
        let host = url.host_str().ok_or(IssuerFault::NotAUrl)?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = url.path();
        let normal = if text.ends_with('/') || path != "/" {
            url.as_str()
        } else {
            url.as_str().trim_end_matches('/')
        };
        if normal != text
            || path.contains("//")
            || path.contains(['%', ';', '{', '}', '*', ':'])
            || !text.is_ascii()
        {
            return Err(IssuerFault::NotNormal);
        }
        let id = portvakt_crypto::encoding::base64url_encode(&Sha256::of(text.as_bytes()).as_bytes()[..6]);
        Ok(Self(Arc::new(Parts {
            text: text.to_owned(),
            scheme,
            authority,
            path: path.trim_end_matches('/').to_owned(),
            id,
        })))
    }

    /// The identifier, exactly as configured.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// Host, and port if it is not the scheme's own: what a `Host` header must say.
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// Scheme and authority: what a browser calls its origin (RFC 6454 §6.1).
    pub fn origin(&self) -> String {
        let scheme = match self.scheme() {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}", self.authority())
    }

    /// The host alone, without port.
    pub fn host(&self) -> &str {
        host_of(self.authority())
    }

    /// The path without a trailing slash: empty, or starting with `/`. An endpoint's path is appended to it.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Eight characters that name this issuer where its URL cannot stand, as in a cookie's name.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The URL of `path` (which starts with `/`) under this issuer, concatenated after the issuer's own path (Discovery 1.0 §4).
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.text.trim_end_matches('/'))
    }

    /// Whether the host is this machine's loopback: `localhost`, a name under it, or a loopback literal.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(self.host())
    }
}

/// The host of an authority: without port, brackets of an IPv6 literal kept.
pub(crate) fn host_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.find(']').and_then(|end| authority.get(..=end)).unwrap_or(authority);
    }
    authority.split_once(':').map_or(authority, |(host, _)| host)
}

/// Whether `host` names this machine's loopback (RFC 6761 §6.3 for `localhost`).
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Issuer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Issuer({:?})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_issuer_is_refused() {
        for (text, fault) in [
            ("eid-exttest.difi.no", IssuerFault::NotAUrl),
            ("ftp://eid-exttest.difi.no/", IssuerFault::NotAUrl),
            ("https://eid-exttest.difi.no/?x=1", IssuerFault::Decorated),
            ("https://eid-exttest.difi.no/#x", IssuerFault::Decorated),
            ("https://a@eid-exttest.difi.no/", IssuerFault::Decorated),
            ("https://EID-exttest.difi.no/", IssuerFault::NotNormal),
            ("https://eid-exttest.difi.no:443/", IssuerFault::NotNormal),
            ("https://eid-exttest.difi.no/a/../b", IssuerFault::NotNormal),
            ("https://eid-exttest.difi.no/a//b", IssuerFault::NotNormal),
            ("https://eid-exttest.difi.no/%61", IssuerFault::NotNormal),
        ] {
            assert_eq!(Issuer::parse(text).unwrap_err(), fault, "{text}");
        }
    }

    #[test]
    fn the_trailing_slash_is_kept_and_paths_are_concatenated() {
        let pilot = Issuer::parse("https://eid-exttest.difi.no/idporten-oidc-provider/").unwrap();
        assert_eq!(pilot.as_str(), "https://eid-exttest.difi.no/idporten-oidc-provider/");
        assert_eq!(pilot.path(), "/idporten-oidc-provider");
        assert_eq!(
            pilot.url("/.well-known/openid-configuration"),
            "https://eid-exttest.difi.no/idporten-oidc-provider/.well-known/openid-configuration"
        );
        let bare = Issuer::parse("https://test.idporten.no").unwrap();
        assert_eq!((bare.as_str(), bare.path()), ("https://test.idporten.no", ""));
        assert_eq!(bare.url("/token"), "https://test.idporten.no/token");
        let slashed = Issuer::parse("https://test.idporten.no/").unwrap();
        assert_ne!(bare, slashed);
        assert_ne!(bare.id(), slashed.id());
        assert_eq!(slashed.url("/token"), "https://test.idporten.no/token");
    }

    #[test]
    fn loopback_is_recognised() {
        for (text, loopback) in [
            ("http://localhost:8080", true),
            ("http://127.0.0.1:8080/x/", true),
            ("http://[::1]:8080", true),
            ("http://pilot.localhost:8080", true),
            ("http://localhost.evil.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(Issuer::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
