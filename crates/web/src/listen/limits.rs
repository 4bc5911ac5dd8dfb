//! What one peer may take of us: time, bytes, connections. Every limit has a safe default.

use std::time::Duration;

/// The listener's limits. `Limits::default()` is meant for production; tests shorten the deadlines.
///
/// Bodies need no minimum rate beside the deadline: with at most 256 KiB to send in 15 s, whoever is still
/// sending at the end was below 17.5 kB/s, and the deadline already bounds how long a connection can be held
/// by a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request head to its last, and from accepting a connection to its first byte.
    /// 10 s.
    pub head_deadline: Duration,
    /// From the end of the head to the last byte of the body. 15 s.
    pub body_deadline: Duration,
    /// From the moment the peer stops taking our reply until it takes some more. 15 s.
    pub reply_deadline: Duration,
    /// How long a connection may rest between two requests. 60 s.
    pub idle_deadline: Duration,
    /// For the whole TLS handshake. 10 s.
    pub handshake_deadline: Duration,
    /// How long requests in flight may take to finish once the listener was told to stop. 10 s.
    pub drain_deadline: Duration,
    /// Bytes of a request head: request line, fields and the empty line that ends them. 16 KiB.
    pub head_bytes: usize,
    /// Bytes of the request target. 8 KiB.
    pub target_bytes: usize,
    /// Fields in a request head. 64.
    pub fields: usize,
    /// Bytes of a request body, chunked or not, after decoding. 256 KiB: more than any handler takes, so that
    /// one that takes less reads what is too much to its end and answers in its own words.
    pub body_bytes: u64,
    /// Connections at one time, over all peers. 4096.
    pub connections: u32,
    /// Connections at one time from one IPv4 address or one IPv6 /64 network; trusted proxies are exempt.
    /// 256.
    pub connections_per_address: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head_deadline: Duration::from_secs(10),
            body_deadline: Duration::from_secs(15),
            reply_deadline: Duration::from_secs(15),
            idle_deadline: Duration::from_secs(60),
            handshake_deadline: Duration::from_secs(10),
            drain_deadline: Duration::from_secs(10),
            head_bytes: 16 * 1024,
            target_bytes: 8 * 1024,
            fields: 64,
            body_bytes: 256 * 1024,
            connections: 4096,
            connections_per_address: 256,
        }
    }
}
