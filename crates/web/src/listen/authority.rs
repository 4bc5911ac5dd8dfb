//! `host[:port]` as a request may name us (RFC 9110 §7.2, RFC 3986 §3.2), in one strict spelling.

use std::net::Ipv6Addr;

use super::peer::Scheme;

/// Longer than any DNS name (255) with a port.
const LONGEST: usize = 261;

/// Whether `bytes` is a host with an optional port: letters, digits, `-`, `.`, `_`, or an IPv6 literal in
/// brackets.
///
/// RFC 3986 allows more in a registered name (percent-encoding, sub-delimiters). No host of ours is spelled
/// so, and each of those bytes has been a way to make two parsers disagree. Userinfo is refused, and an empty
/// port too.
pub(super) fn is_valid(bytes: &[u8]) -> bool {
    if bytes.is_empty() || bytes.len() > LONGEST {
        return false;
    }
    let Some(literal) = bytes.strip_prefix(b"[") else {
        let mut parts = bytes.splitn(2, |byte| *byte == b':');
        let host = parts.next().unwrap_or_default();
        return is_name(host) && parts.next().is_none_or(is_port);
    };
    let mut parts = literal.splitn(2, |byte| *byte == b']');
    let address = parts.next().and_then(|address| str::from_utf8(address).ok());
    let after = parts.next();
    address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        && after.is_some_and(|after| after.is_empty() || after.strip_prefix(b":").is_some_and(is_port))
}

fn is_name(host: &[u8]) -> bool {
    !host.is_empty()
        && host.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn is_port(port: &[u8]) -> bool {
    port.first().is_some_and(u8::is_ascii_digit)
        && str::from_utf8(port).is_ok_and(|port| port.len() <= 5 && port.parse::<u16>().is_ok())
}

/// The comparable spelling of a valid authority: lower case, without the scheme's default port (RFC 9110
/// §4.2.3).
pub(super) fn normal(authority: &str, scheme: Scheme) -> String {
    let default_port = match scheme {
        Scheme::Http => ":80",
        Scheme::Https => ":443",
    };
    authority.strip_suffix(default_port).unwrap_or(authority).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_refused_beside_its_nearest_accept() {
        for (accepted, refused) in [
            ("idporten.no", ""),
            ("idporten.no", "idporten.no:"),
            ("idporten.no:8080", "idporten.no:65536"),
            ("idporten.no:80", "idporten.no:+80"),
            ("idporten.no:80", "idporten.no:80:80"),
            ("idporten.no:80", "idporten.no:000080"),
            ("idporten.no", "user@idporten.no"),
            ("idporten.no", "idporten.no/"),
            ("idporten.no", "idporten%2eno"),
            ("idporten.no", "idporten no"),
            ("a_b.example", "a,b.example"),
            ("[::1]", "[::1"),
            ("[::1]:8080", "[::1]8080"),
            ("[::1]", "[localhost]"),
            ("[::1]", "::1"),
            ("[::1]", "[fe80::1%25eth0]"),
            ("127.0.0.1:8080", ":8080"),
        ] {
            assert!(is_valid(accepted.as_bytes()), "{accepted}");
            assert!(!is_valid(refused.as_bytes()), "{refused}");
        }
        assert!(is_valid("a".repeat(LONGEST).as_bytes()));
        assert!(!is_valid("a".repeat(LONGEST + 1).as_bytes()));
    }

    #[test]
    fn only_the_schemes_own_default_port_is_dropped() {
        assert_eq!(normal("IDporten.NO:443", Scheme::Https), "idporten.no");
        assert_eq!(normal("idporten.no:443", Scheme::Http), "idporten.no:443");
        assert_eq!(normal("localhost:80", Scheme::Http), "localhost");
        assert_eq!(normal("localhost:8080", Scheme::Http), "localhost:8080");
        assert_eq!(normal("[2001:db8::1]:443", Scheme::Https), "[2001:db8::1]");
    }
}
