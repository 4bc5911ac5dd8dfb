//! Ports of the loopback that nobody else takes.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::{Mutex, PoisonError};

/// Below those that the system gives to outgoing connections (32768 and up): while a server is down, no client's socket can sit on
/// the port that it comes back to.
const RANGE: std::ops::Range<u16> = 16_384..32_768;

/// What this process has taken, until it ends.
static TAKEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A port of 127.0.0.1 on which nobody listens, below 32768 and ours until this process ends: no other process that asks this
/// function gets it, even while nothing listens there.
///
/// # Errors
/// When none is left.
pub fn free_port() -> Result<u16, String> {
    let width = RANGE.end - RANGE.start;
    // Each `RandomState` hashes differently: a start of its own for every call of every process.
    let start = u16::try_from(RandomState::new().hash_one(0_u8) % u64::from(width)).unwrap_or_default();
    for step in 0..width {
        let port = RANGE.start + (start + step) % width;
        if let Some(claim) = claim(port)
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        {
            TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
            return Ok(port);
        }
    }
    Err(format!("no free port from {} to {}", RANGE.start, RANGE.end - 1))
}

/// An abstract socket named after the port: as machine-wide as ports are, and gone with its process, however that ends.
fn claim(port: u16) -> Option<UnixListener> {
    let name = SocketAddr::from_abstract_name(format!("portvakt-port-{port}")).ok()?;
    UnixListener::bind_addr(&name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_even_while_nobody_listens_on_it() {
        let mut ports: Vec<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        assert!(ports.iter().all(|port| RANGE.contains(port)), "{ports:?}");
        assert!(
            ports.iter().all(|port| claim(*port).is_none()),
            "another process could take one of {ports:?}"
        );
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 50);
    }
}
