//! One question over HTTP to a server on this machine: only its status matters.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Patroni answers from memory: one that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// More than any answer here has, in bytes.
const LONGEST: u64 = 1 << 20;

/// The status of `GET path` on a port of 127.0.0.1; nothing if there is no answer.
pub(crate) fn status_of(port: u16, path: &str) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").as_bytes())
        .ok()?;
    // To its end: Patroni complains at length in its log of callers who hang up.
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).ok()?;
    status_in(&answer)
}

fn status_in(answer: &[u8]) -> Option<u16> {
    // "HTTP/1.1 200 OK"
    let text = String::from_utf8_lossy(answer);
    let (version, rest) = text.split_once(' ')?;
    version.starts_with("HTTP/1.").then_some(())?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_has_no_status() {
        assert_eq!(status_in(b"SSH-2.0-Open"), None);
        assert_eq!(status_in(b"HTTP/1.1 2x0 OK\r\n"), None);
        assert_eq!(status_in(b"HTTP/1.1"), None);
        assert_eq!(status_in(b"HTTP/1.0 503 Service Unavailable\r\n\r\n{}"), Some(503));
    }
}
