//! Who asks, and how they see us: the facts of a request that do not come from its target or body.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HOST};
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::authority;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The facts of one request, which the listener puts among the request's extensions.
///
/// They choose among the configured issuers; nothing is ever built from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client's address: of the socket, or as the trusted proxies report it. IPv4-mapped IPv6 is IPv4
    /// here.
    pub address: IpAddr,
    /// The scheme that the client used.
    pub scheme: Scheme,
    /// `host[:port]` that the client asked for, in lower case and without the scheme's default port.
    pub authority: String,
    /// Whether the request came through a trusted proxy.
    pub via_proxy: bool,
}

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS: ours, or that of a trusted proxy which says so.
    Https,
}

/// What a trusted proxy got wrong. A proxy that can be confused must not be guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForwardedFault {
    /// Several values where one decides: the client's own may be among them.
    Repeated,
    /// Neither scheme, authority nor address.
    Invalid,
}

/// What the socket itself tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Socket {
    pub(super) address: IpAddr,
    pub(super) scheme: Scheme,
    /// Whether `address` is one of the trusted proxies.
    pub(super) trusted: bool,
}

impl Socket {
    pub(super) fn new(address: IpAddr, scheme: Scheme, proxies: &[IpNet]) -> Socket {
        let address = address.to_canonical();
        Socket { address, scheme, trusted: is_trusted(address, proxies) }
    }
}

/// Reads the facts, and takes every forwarding field out of `headers`, so that none can reach a later
/// decision.
///
/// `X-Forwarded-Proto`, `-Host` and `-For` are believed from a trusted proxy only. RFC 7239 `Forwarded` is
/// never read: few proxies write it, and a proxy that does not know it passes the client's own on.
///
/// # Errors
/// A trusted proxy's fields contradict themselves or hold something else than they are for.
pub(super) fn facts(
    headers: &mut HeaderMap,
    socket: Socket,
    proxies: &[IpNet],
) -> Result<Peer, ForwardedFault> {
    // The judge let no request pass without exactly one valid Host.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let peer = if socket.trusted {
        forwarded(headers, host, socket, proxies)
    } else {
        let authority = authority::normal(host, socket.scheme);
        Ok(Peer { address: socket.address, scheme: socket.scheme, authority, via_proxy: false })
    };
    for name in [FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, FORWARDED] {
        headers.remove(name);
    }
    peer
}

fn forwarded(
    headers: &HeaderMap,
    host: &str,
    socket: Socket,
    proxies: &[IpNet],
) -> Result<Peer, ForwardedFault> {
    let scheme = match single(headers, &FORWARDED_PROTO)? {
        None => socket.scheme,
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
        Some(_) => return Err(ForwardedFault::Invalid),
    };
    let host = single(headers, &FORWARDED_HOST)?.unwrap_or(host);
    if !authority::is_valid(host.as_bytes()) {
        return Err(ForwardedFault::Invalid);
    }
    let address = client_address(headers, socket.address, proxies)?;
    Ok(Peer { address, scheme, authority: authority::normal(host, scheme), via_proxy: true })
}

/// The value of a field that may stand once and hold one value.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ForwardedFault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let value = value.to_str().map_err(|_| ForwardedFault::Invalid)?;
    if values.next().is_some() || value.contains(',') {
        return Err(ForwardedFault::Repeated);
    }
    Ok(Some(value.trim()))
}

/// Walks from the proxy that speaks to us towards the client, as far as the hops are ours: the first address
/// that is not a trusted proxy's was written by one, and everything left of it may be the client's invention.
fn client_address(headers: &HeaderMap, socket: IpAddr, proxies: &[IpNet]) -> Result<IpAddr, ForwardedFault> {
    let mut nearest = socket;
    for value in headers.get_all(FORWARDED_FOR).iter().rev() {
        let value = value.to_str().map_err(|_| ForwardedFault::Invalid)?;
        for hop in value.rsplit(',') {
            nearest = hop_address(hop.trim()).ok_or(ForwardedFault::Invalid)?;
            if !is_trusted(nearest, proxies) {
                return Ok(nearest);
            }
        }
    }
    Ok(nearest)
}

/// An address, or address and port as some load balancers write it.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.parse::<IpAddr>();
    bare.or_else(|_| hop.parse::<SocketAddr>().map(|hop| hop.ip())).ok().map(|address| address.to_canonical())
}

fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|proxies| proxies.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    /// What a request with these fields, from this address, is taken for.
    fn seen(from: &str, fields: &[(&str, &str)]) -> Result<Peer, ForwardedFault> {
        let proxies = ["10.0.0.0/24".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "inner:8080".parse().unwrap());
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let socket = Socket::new(from.parse().unwrap(), Scheme::Http, &proxies);
        let peer = facts(&mut headers, socket, &proxies);
        assert_eq!(headers.len(), 1, "no forwarding field reaches the router");
        peer
    }

    fn peer(address: &str, scheme: Scheme, authority: &str, via_proxy: bool) -> Result<Peer, ForwardedFault> {
        Ok(Peer { address: address.parse().unwrap(), scheme, authority: authority.to_owned(), via_proxy })
    }

    #[test]
    fn b5_forwarding_fields_from_anyone_else_are_ignored() {
        let fields = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "idporten.no"),
            ("x-forwarded-for", "192.0.2.7"),
            ("forwarded", "for=192.0.2.7;host=idporten.no;proto=https"),
        ];
        assert_eq!(seen("10.0.1.1", &fields), peer("10.0.1.1", Scheme::Http, "inner:8080", false));
        assert_eq!(seen(PROXY, &fields), peer("192.0.2.7", Scheme::Https, "idporten.no", true));
        assert_eq!(seen("::ffff:10.0.0.1", &fields), peer("192.0.2.7", Scheme::Https, "idporten.no", true));
    }

    #[test]
    fn b5_a_proxy_is_believed_on_what_it_says_and_only_on_that() {
        assert_eq!(seen(PROXY, &[]), peer(PROXY, Scheme::Http, "inner:8080", true));
        assert_eq!(
            seen(PROXY, &[("forwarded", "proto=https;host=evil.example")]),
            peer(PROXY, Scheme::Http, "inner:8080", true)
        );
        assert_eq!(
            seen(PROXY, &[("x-forwarded-proto", "HTTPS"), ("x-forwarded-host", "IDporten.no:443")]),
            peer(PROXY, Scheme::Https, "idporten.no", true)
        );
    }

    #[test]
    fn b5_several_values_where_one_decides_are_refused() {
        for fields in [
            &[("x-forwarded-proto", "https,http")][..],
            &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "https")],
            &[("x-forwarded-host", "idporten.no, evil.example")],
            &[("x-forwarded-host", "idporten.no"), ("x-forwarded-host", "evil.example")],
        ] {
            assert_eq!(seen(PROXY, fields), Err(ForwardedFault::Repeated), "{fields:?}");
        }
        for field in [
            ("x-forwarded-proto", "ftp"),
            ("x-forwarded-proto", ""),
            ("x-forwarded-host", "user@idporten.no"),
            ("x-forwarded-host", ""),
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-for", "192.0.2.7,"),
        ] {
            assert_eq!(seen(PROXY, &[field]), Err(ForwardedFault::Invalid), "{field:?}");
        }
    }

    #[test]
    fn b5_the_client_is_the_rightmost_address_that_is_not_a_proxy() {
        for (hops, client) in [
            (&["192.0.2.7"][..], "192.0.2.7"),
            (&["forged, 192.0.2.7"], "192.0.2.7"),
            (&["198.51.100.1, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
            (&["198.51.100.1", "192.0.2.7", "10.0.0.2"], "192.0.2.7"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["192.0.2.7:49152"], "192.0.2.7"),
            (&["[2001:db8::7]:49152"], "2001:db8::7"),
            (&["2001:db8::7"], "2001:db8::7"),
        ] {
            let fields: Vec<_> = hops.iter().map(|hop| ("x-forwarded-for", *hop)).collect();
            assert_eq!(seen(PROXY, &fields), peer(client, Scheme::Http, "inner:8080", true), "{hops:?}");
        }
    }
}
