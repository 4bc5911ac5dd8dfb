//! What nothing serves, outside production: a host, a path or a method. A path is most often a library that was given the issuer with a slash too many or too few
//! and looks for the discovery document where it is not (OpenID Connect Discovery 1.0 §4). It is told which URL it meant.

use crate::features::Endpoint;
use crate::issuer::Issuer;
use crate::profile::Profile;
use crate::provider::Provider;
use crate::refusal::{Fault, Received, Refusal, rules};

/// A path or a host at which nothing is served, or a path that another method is served at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotServed {
    /// The path asked for, the URL that was probably meant, and the issuers of this host.
    Path {
        /// As it came, without its query.
        sent: String,
        /// An endpoint of an issuer of this host.
        meant: Option<Meant>,
        /// The issuers of this host.
        issuers: Vec<Issuer>,
    },
    /// The method asked with, and those served there.
    Method {
        /// As it came.
        sent: String,
        /// In the order in which they are told.
        served: &'static [&'static str],
    },
    /// The host asked for, and the issuers of this process.
    Host {
        /// As it came.
        sent: String,
        /// The issuers of this process.
        issuers: Vec<Issuer>,
    },
}

/// What was probably meant by a path that nothing serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    /// Whose.
    pub issuer: Issuer,
    endpoint: Endpoint,
    url: String,
}

/// What a library or a person is likely to look for.
const SOUGHT: [Endpoint; 6] = [
    Endpoint::Discovery,
    Endpoint::Jwks,
    Endpoint::Authorization,
    Endpoint::Token,
    Endpoint::Userinfo,
    Endpoint::EndSession,
];

/// The well-known names under which a library looks for metadata: OpenID Connect's and OAuth's (RFC 8414 §3).
const METADATA: [&str; 2] = [".well-known/openid-configuration", ".well-known/oauth-authorization-server"];

/// The endpoint that a path is likely meant for: it is the same but for slashes and letter case, stands where RFC 8414 §3.1 has it,
/// or has another profile's name.
pub fn meant<'a>(path: &str, providers: impl Iterator<Item = &'a Provider>) -> Option<Meant> {
    let path = plain(path);
    providers
        .flat_map(|provider| SOUGHT.map(|endpoint| (provider, endpoint)))
        .find(|(provider, endpoint)| spellings(provider, *endpoint).any(|spelling| plain(&spelling) == path))
        .map(|(provider, endpoint)| Meant {
            issuer: provider.issuer().clone(),
            endpoint,
            url: provider.url(endpoint),
        })
}

/// The paths at which an endpoint is looked for.
fn spellings(provider: &Provider, endpoint: Endpoint) -> impl Iterator<Item = String> {
    let mut all = Vec::new();
    for base in [provider.issuer().path(), provider.front().path()] {
        all.extend(Profile::ALL.map(|profile| format!("{base}/{}", endpoint.path(profile))));
        if endpoint == Endpoint::Discovery {
            let trimmed = base.trim_end_matches('/');
            for name in METADATA {
                all.extend([format!("{name}/{base}"), format!("{base}/{name}"), format!("{trimmed}{name}")]);
            }
        }
    }
    all.into_iter()
}

/// A path's segments that are not empty, in lower case: what is left of it for someone who does not mind slashes.
fn plain(path: &str) -> String {
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    segments.join("/").to_ascii_lowercase()
}

fn discovery_of(issuer: &Issuer) -> String {
    issuer.url("/.well-known/openid-configuration")
}

fn discoveries(issuers: &[Issuer]) -> String {
    issuers.iter().map(discovery_of).collect::<Vec<_>>().join(" and ")
}

impl Meant {
    /// What to do about a path that was meant for this.
    fn fix(&self) -> String {
        if self.endpoint != Endpoint::Discovery {
            return format!("take the endpoints from {}", discovery_of(&self.issuer));
        }
        let slash = if self.issuer.as_str().ends_with('/') { "with" } else { "without" };
        format!(
            "configure the issuer as {}, {slash} a slash at its end; a library that appends \
             /.well-known/openid-configuration must first remove such a slash (Discovery 1.0 §4.1)",
            self.issuer.as_str()
        )
    }
}

impl Fault for NotServed {
    fn refusal(&self) -> Refusal {
        let row = |rule, parameter, expected: String, sent: Received, fix: String| {
            Refusal::of(rule, Some(parameter), expected, sent, fix)
        };
        match self {
            Self::Path { sent, meant, issuers } => {
                let url = meant.as_ref().map(|meant| meant.url.clone());
                let expected = url.unwrap_or_else(|| "a path that an issuer of this host serves".to_owned());
                let fix = meant.as_ref().map(Meant::fix);
                let fix = fix.unwrap_or_else(|| format!("take the endpoints from {}", discoveries(issuers)));
                row(&rules::PATH_UNKNOWN, "path", expected, Received::path(sent), fix)
            }
            Self::Method { sent, served } => row(
                &rules::METHOD_NOT_ALLOWED,
                "method",
                served.join(" or "),
                Received::text(sent),
                format!(
                    "send the request with {}; a redirect or a proxy on the way may have changed the method",
                    served.join(" or ")
                ),
            ),
            Self::Host { sent, issuers } => row(
                &rules::HOST_UNKNOWN,
                "Host",
                "the host of an issuer of this process".to_owned(),
                Received::text(sent),
                format!("use the issuer's own host: {}", discoveries(issuers)),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{IDPORTEN, PILOT};
    use crate::provider::Environment;

    fn providers() -> [Provider; 2] {
        [("http://localhost:8080/idporten-oidc-provider/", &PILOT), ("http://localhost:8080", &IDPORTEN)].map(
            |(issuer, profile)| {
                Provider::new(issuer, None, profile, Environment::Development, None, "1").unwrap()
            },
        )
    }

    fn told(path: &str) -> Refusal {
        let providers = providers();
        let issuers = providers.iter().map(|provider| provider.issuer().clone()).collect();
        NotServed::Path { sent: path.to_owned(), meant: meant(path, providers.iter()), issuers }.refusal()
    }

    #[test]
    fn discovery_s4_an_issuer_with_a_slash_too_many_or_too_few_is_told_its_right_spelling() {
        let pilot = "http://localhost:8080/idporten-oidc-provider/.well-known/openid-configuration";
        let current = "http://localhost:8080/.well-known/openid-configuration";
        for (path, url, fix) in [
            ("/idporten-oidc-provider//.well-known/openid-configuration", pilot, "with a slash"),
            ("/idporten-oidc-provider.well-known/openid-configuration", pilot, "with a slash"),
            ("/.well-known/openid-configuration/idporten-oidc-provider", pilot, "with a slash"),
            ("/.well-known/openid-configuration/idporten-oidc-provider/", pilot, "with a slash"),
            ("/.well-known/oauth-authorization-server/idporten-oidc-provider", pilot, "with a slash"),
            ("/Idporten-OIDC-Provider/.well-known/openid-configuration", pilot, "with a slash"),
            ("//.well-known/openid-configuration", current, "without a slash"),
            ("/.well-known/openid-configuration/", current, "without a slash"),
            ("/.well-known/oauth-authorization-server", current, "without a slash"),
        ] {
            let refusal = told(path);
            assert_eq!((refusal.rule.name, refusal.expected.as_ref()), ("path-unknown", url), "{path}");
            assert!(refusal.fix.contains(fix), "{path}: {}", refusal.fix);
            assert_eq!(refusal.received.to_string(), format!("\"{path}\""));
        }
    }

    #[test]
    fn an_endpoint_under_another_name_or_with_other_slashes_is_named() {
        for (path, url) in [
            ("//authorize", "http://localhost:8080/authorize"),
            ("/token/", "http://localhost:8080/token"),
            ("/jwk", "http://localhost:8080/jwks.json"),
            ("/endsession", "http://localhost:8080/logout"),
            ("/idporten-oidc-provider//token", "http://localhost:8080/idporten-oidc-provider/token"),
            ("/idporten-oidc-provider/jwks.json", "http://localhost:8080/idporten-oidc-provider/jwk"),
        ] {
            assert_eq!(told(path).expected, url, "{path}");
        }
    }

    #[test]
    fn what_is_meant_for_nothing_here_is_told_where_everything_is() {
        for path in ["/", "/oauth2/v1/authorize", "/.well-known", "/%2e%2e/etc", "/21879498012"] {
            let refusal = told(path);
            assert!(refusal.expected.starts_with("a path that"), "{path}: {}", refusal.expected);
            assert!(refusal.fix.contains("8080/.well-known") && refusal.fix.contains("provider/.well-known"));
            assert!(!refusal.received.to_string().contains("2187"), "a number is named by kind and length");
        }
    }

    #[test]
    fn an_unknown_host_is_told_of_the_known_ones() {
        let issuers = providers().map(|provider| provider.issuer().clone()).to_vec();
        let refusal = NotServed::Host { sent: "127.0.0.1:8080".into(), issuers }.refusal();
        assert_eq!(
            (refusal.rule.name, refusal.received.to_string().as_str()),
            ("host-unknown", "\"127.0.0.1:8080\"")
        );
        assert!(refusal.fix.contains("http://localhost:8080/.well-known/"), "{}", refusal.fix);
    }
}
