//! Where `dev` listens: on this machine alone, under both addresses that `localhost` may mean.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use portvakt_web::listen::{Listener, ListenerConfig};
use tokio::net::TcpListener;

use crate::failure::Failure;

/// Ports that are tried where any free one will do, for one that is free under both addresses.
const TRIES: usize = 20;

/// A port of `localhost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loopback {
    port: u16,
}

impl FromStr for Loopback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || {
            "must be a port of this machine: localhost:8080, 127.0.0.1:8080 or 8080; 0 picks a free one"
                .to_owned()
        };
        let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
        let port = port.parse().map_err(|_| form())?;
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        match address {
            Ok(address) if local.contains(&address) => Ok(Self { port }),
            Ok(_) => Err(format!("{}. `portvakt serve` listens on other addresses", form())),
            Err(_) if host == "localhost" => Ok(Self { port }),
            Err(_) => Err(form()),
        }
    }
}

impl Loopback {
    /// Binds the port under both addresses, or under the first where the machine has no second, and tells which it is.
    ///
    /// # Errors
    /// The port is taken under one of them: what a browser would then reach depends on which it tries.
    pub(super) async fn bind(self) -> Result<(Vec<Listener>, u16), Failure> {
        let mut refused = None;
        for _ in 0..if self.port == 0 { TRIES } else { 1 } {
            match self.bind_once().await {
                Ok(bound) => return Ok(bound),
                Err(why) => refused = Some(why),
            }
        }
        Err(refused.unwrap_or_else(|| Failure::new("no port is free")))
    }

    async fn bind_once(self) -> Result<(Vec<Listener>, u16), Failure> {
        let first = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).await;
        let first = first.map_err(|why| self.refused(self.port, &why))?;
        let port = first.local_addr().map_err(|why| self.refused(self.port, &why))?.port();
        let mut sockets = vec![first];
        match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
            Ok(second) => sockets.push(second),
            Err(why) if why.kind() == io::ErrorKind::AddrInUse => return Err(self.refused(port, &why)),
            Err(why) => tracing::debug!(%why, "no IPv6 on the loopback"),
        }
        let mut listeners = Vec::with_capacity(sockets.len());
        for socket in sockets {
            let config = ListenerConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            listeners.push(Listener::on(socket, config).map_err(Failure::new)?);
        }
        Ok((listeners, port))
    }

    fn refused(self, port: u16, why: &io::Error) -> Failure {
        Failure::new(format!("cannot listen on localhost:{port}: {why}")).hint(
            "stop what uses the port, or name another with --listen localhost:PORT (0 picks a free one)",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_can_reach_is_refused() {
        for text in
            ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "127.0.0.2:80", "example.com:80", "", "x", "70000"]
        {
            assert!(text.parse::<Loopback>().is_err(), "{text}");
        }
        for text in ["8080", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert_eq!(text.parse(), Ok(Loopback { port: 8080 }), "{text}");
        }
    }
}
