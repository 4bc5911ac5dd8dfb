//! Redirect URIs: compared by string (RFC 6749 §3.1.2.3), registered by rule (RFC 8252 for native applications).

use std::fmt;

use serde::Serialize;
use url::{Host, Url};

use crate::client::ApplicationType;
use crate::provider::Environment;

/// A registered redirect URI: the string exactly as registered, since comparison is by string.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

/// Why a URI may not be registered for a client of this kind in this environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriFault {
    /// Not an absolute URI in ASCII without spaces and control characters.
    #[error("must be an absolute URI of printable ASCII characters")]
    NotAbsolute,
    /// A fragment (RFC 6749 §3.1.2).
    #[error("must have no fragment")]
    Fragment,
    /// A wildcard: nothing here is a pattern.
    #[error("must have no wildcard: it is compared by string")]
    Wildcard,
    /// User information before the host.
    #[error("must have no user information")]
    UserInformation,
    /// A backslash, which browsers read as a slash.
    #[error("must have no backslash")]
    Backslash,
    /// A scheme that runs something rather than goes somewhere.
    #[error(
        "must have the scheme https (http where allowed, or for native clients a private scheme with a dot in it)"
    )]
    Scheme,
    /// `http` in production, outside a native client's loopback.
    #[error("must have the scheme https in production")]
    PlaintextInProduction,
    /// `localhost` or a loopback literal in production, outside a native client.
    #[error("must not be a loopback address in production, unless the client is native")]
    LoopbackInProduction,
    /// `https://localhost` cannot be had with a certificate that browsers trust; ID-porten takes `http://localhost` only.
    #[error("must have the scheme http for localhost")]
    LocalhostScheme,
    /// A port over 65535, or none where a colon promises one.
    #[error("must have a port from 1 to 65535, or none")]
    Port,
    /// Port 0 stands for whatever port a native client gets (RFC 8252 §7.3); no other client can be answered there.
    #[error(
        "must have a port from 1 to 65535, or none: port 0, for whatever port it gets, is a native client's"
    )]
    AnyPort,
}

impl RedirectUri {
    /// A URI as sent in a request, which is nothing until a registered one equals it.
    pub(crate) fn as_sent(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Parses a URI to be registered. Run on creation, on change, and each time the client is loaded.
    ///
    /// # Errors
    /// [`RedirectUriFault`] names the first rule broken.
    pub fn register(
        text: &str,
        application: ApplicationType,
        environment: Environment,
    ) -> Result<Self, RedirectUriFault> {
        use RedirectUriFault as Fault;
        let production = environment.is_production();
        if !text.bytes().all(|byte| (0x21..=0x7E).contains(&byte)) || text.len() > 2048 {
            return Err(Fault::NotAbsolute);
        }
        for (character, fault) in [('#', Fault::Fragment), ('*', Fault::Wildcard), ('\\', Fault::Backslash)] {
            if text.contains(character) {
                return Err(fault);
            }
        }
        let (scheme, rest) = text.split_once(':').ok_or(Fault::NotAbsolute)?;
        let url = Url::parse(text).map_err(|_| {
            if rest.starts_with("//") && matches!(scheme, "http" | "https") {
                Fault::Port
            } else {
                Fault::NotAbsolute
            }
        })?;
        let web = matches!(scheme, "http" | "https");
        if !web {
            // RFC 8252 §7.1: a private scheme is a domain reversed, so it has a dot, and a single slash follows.
            let private = scheme.contains('.')
                && scheme.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')
                })
                && rest.starts_with('/')
                && !rest.starts_with("//");
            return if private && application == ApplicationType::Native {
                Ok(Self(text.to_owned()))
            } else {
                Err(Fault::Scheme)
            };
        }
        let authority = rest
            .strip_prefix("//")
            .and_then(|rest| rest.split(['/', '?']).next())
            .ok_or(Fault::NotAbsolute)?;
        if authority.is_empty() {
            return Err(Fault::NotAbsolute);
        }
        if authority.contains('@') {
            return Err(Fault::UserInformation);
        }
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(Fault::NotAbsolute),
        };
        // The host must be spelled as the parser reads it, or two readers could disagree about where it leads.
        let host = url.host_str().ok_or(Fault::NotAbsolute)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let is_name = host.starts_with('[') || host.bytes().all(plain);
        if crate::issuer::host_of(authority) != host || host.ends_with('.') || !is_name {
            return Err(Fault::NotAbsolute);
        }
        let port = authority.strip_prefix(host).unwrap_or_default();
        let native = application == ApplicationType::Native;
        let any_port = port == ":0" && is_loopback_literal(host) && scheme == "http";
        if any_port && !native {
            return Err(Fault::AnyPort);
        }
        if port == ":" || port.starts_with(":0") && !any_port {
            return Err(Fault::Port);
        }
        if host == "localhost" && scheme == "https" {
            return Err(Fault::LocalhostScheme);
        }
        if production && loopback && !native {
            return Err(Fault::LoopbackInProduction);
        }
        if production && scheme == "http" && !loopback {
            return Err(Fault::PlaintextInProduction);
        }
        Ok(Self(text.to_owned()))
    }

    /// The string, as registered or as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `sent` is this registered URI: the same bytes, or for a native client's `http://127.0.0.1/…` or
    /// `http://127.0.0.1:0/…` (and `[::1]`) the same bytes but for a port from 1 to 65535 (RFC 8252 §7.3).
    pub fn admits(&self, sent: &str, application: ApplicationType) -> bool {
        self.0 == sent || application == ApplicationType::Native && self.any_port(sent).unwrap_or(false)
    }

    fn any_port(&self, sent: &str) -> Option<bool> {
        let (host, tail) = loopback_template(&self.0)?;
        let rest = sent.strip_prefix("http://")?.strip_prefix(host)?.strip_prefix(':')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (port, sent_tail) = rest.split_at_checked(digits)?;
        let number: u16 = port.parse().ok()?;
        Some(number > 0 && !port.starts_with('0') && sent_tail == tail)
    }

    /// `scheme://host[:port]` as a browser names it (RFC 6454 §6.2): without the scheme's own port. A private scheme has only
    /// itself.
    pub fn origin(&self) -> String {
        match self.0.split_once("://") {
            Some((scheme, rest)) => {
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                let own_port = if scheme == "https" { ":443" } else { ":80" };
                let authority = authority.strip_suffix(own_port).unwrap_or(authority);
                format!("{scheme}://{authority}")
            }
            None => format!("{}:", self.0.split(':').next().unwrap_or_default()),
        }
    }
}

/// The host and what follows the port, if a registered URI admits any port: a loopback literal without port or with port 0.
fn loopback_template(registered: &str) -> Option<(&'static str, &str)> {
    let rest = registered.strip_prefix("http://")?;
    ["127.0.0.1", "[::1]"].into_iter().find_map(|host| {
        let after = rest.strip_prefix(host)?;
        let tail = after.strip_prefix(":0").unwrap_or(after);
        (tail.is_empty() || tail.starts_with(['/', '?'])).then_some((host, tail))
    })
}

fn is_loopback_literal(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]")
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RedirectUri({:?})", self.0)
    }
}

#[cfg(test)]
#[path = "redirect_uri_tests.rs"]
mod tests;
