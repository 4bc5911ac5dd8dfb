//! How a call reaches a server: straight into the router of a world, or over a socket to a process.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use portvakt_web::listen::{Peer, Scheme};
use portvakt_web::router::Front;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::Service;

use crate::call::{Call, Reply, split};
use crate::canaries::Canaries;
use crate::verdict::{self, Known, TokenSource};

/// A way to a server. Clones lead to the same one.
#[derive(Clone)]
pub struct Wire {
    end: Arc<End>,
    canaries: Canaries,
    /// Where tokens come from, as relying parties have discovered it.
    sources: Arc<Mutex<Vec<TokenSource>>>,
}

enum End {
    Front { front: Front, authorities: Vec<String>, clock: Arc<AtomicI64> },
    Sockets(HashMap<String, SocketAddr>),
}

impl Wire {
    pub(crate) fn front(
        front: Front,
        authorities: Vec<String>,
        clock: Arc<AtomicI64>,
        canaries: Canaries,
    ) -> Self {
        Self { end: Arc::new(End::Front { front, authorities, clock }), canaries, sources: Arc::default() }
    }

    /// To a process that answers for each of these authorities (`host:port`) at a socket address.
    pub fn sockets(authorities: impl IntoIterator<Item = (String, SocketAddr)>) -> Self {
        let end = Arc::new(End::Sockets(authorities.into_iter().collect()));
        Self { end, canaries: Canaries::default(), sources: Arc::default() }
    }

    /// Whether a URL leads to a server at this wire's end.
    pub fn serves(&self, url: &str) -> bool {
        let (_, authority, _) = split(url);
        match &*self.end {
            End::Front { authorities, .. } => authorities.iter().any(|known| known == authority),
            End::Sockets(authorities) => authorities.contains_key(authority),
        }
    }

    /// Remembers a secret: it must turn up in no log and no file.
    pub fn keep_secret(&self, secret: &str) {
        self.canaries.add(secret);
    }

    /// The present, where the server's clock is known.
    pub(crate) fn now(&self) -> i64 {
        match &*self.end {
            End::Front { clock, .. } => clock.load(Ordering::SeqCst),
            End::Sockets(_) => 0,
        }
    }

    /// Every token response from there is judged from now on.
    pub(crate) fn has_tokens_from(&self, source: TokenSource) {
        self.sources.lock().expect("sources").push(source);
    }

    /// Makes a call. If it brings tokens, they are judged.
    ///
    /// # Panics
    /// If the call is no request, the server does not answer, or the independent verifier refuses a token.
    pub async fn call(&self, call: Call) -> Reply {
        let source = self.source(&call.url);
        let Some(source) = source else { return self.carry(call).await };
        let client_id = verdict::asker(&call).unwrap_or_default();
        let known = Known { client_id, ..Known::default() };
        let asked = self.clock();
        let reply = self.carry(call).await;
        if verdict::brings_tokens(&reply) {
            let jwks = self.carry(Call::get(&source.jwks_uri)).await.body;
            let judged = verdict::judge(&jwks, &reply.body, &source, &known, asked..=self.clock());
            judged.unwrap_or_else(|fault| panic!("{}: {fault}", reply.url));
        }
        reply
    }

    /// Makes a call whose answer is judged by nobody: for what a scene made wrong on purpose.
    ///
    /// # Panics
    /// If the call is no request, or the server does not answer.
    pub async fn call_unjudged(&self, call: Call) -> Reply {
        self.carry(call).await
    }

    fn source(&self, token_endpoint: &str) -> Option<TokenSource> {
        let sources = self.sources.lock().expect("sources");
        sources.iter().find(|source| source.token_endpoint == token_endpoint).cloned()
    }

    /// The present, as the server reads it too: a world's clock, or the machine's.
    fn clock(&self) -> i64 {
        match &*self.end {
            End::Front { clock, .. } => clock.load(Ordering::SeqCst),
            End::Sockets(_) => {
                #[expect(clippy::disallowed_methods, reason = "the process at the other end has this clock")]
                let now = std::time::SystemTime::now();
                let since = now.duration_since(UNIX_EPOCH).expect("a time after 1970");
                i64::try_from(since.as_secs()).expect("a time before the end")
            }
        }
    }

    async fn carry(&self, call: Call) -> Reply {
        match &*self.end {
            End::Front { front, .. } => routed(front.clone(), call).await,
            End::Sockets(authorities) => {
                let (_, authority, _) = call.parts();
                let address = authorities.get(authority).copied();
                spoken(address.unwrap_or_else(|| panic!("nobody serves {}", call.url)), call).await
            }
        }
    }
}

/// A call as the listener would hand it to the router.
async fn routed(mut front: Front, call: Call) -> Reply {
    let (scheme, authority, target) = call.parts();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let peer = Peer {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        scheme: if scheme == "https" { Scheme::Https } else { Scheme::Http },
        authority: authority.to_ascii_lowercase(),
        via_proxy: false,
    };
    let mut request = Request::builder().method(call.method.clone()).uri(target).header("host", authority);
    for (name, value) in &call.headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        request = request.header(name.as_str(), value);
    }
    let mut request = request.body(Body::from(call.body)).expect("a request");
    request.extensions_mut().insert(peer);
    let reply: Response<Body> = front.call(request).await.unwrap_or_else(|never| match never {});
    let (head, body) = reply.into_parts();
    let body = body.collect().await.expect("a body").to_bytes().to_vec();
    Reply { url: call.url, status: head.status, headers: head.headers, body }
}

/// A call over a connection of its own.
async fn spoken(address: SocketAddr, call: Call) -> Reply {
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let (_, authority, target) = call.parts();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let mut bytes =
        format!("{} {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n", call.method);
    for (name, value) in &call.headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    if !call.body.is_empty() || call.method == http::Method::POST {
        bytes.push_str(&format!("content-length: {}\r\n", call.body.len()));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(&call.body);
    socket.write_all(&bytes).await.expect("a request sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an answer");
    read(call.url, &answer).expect("an HTTP answer")
}

/// An answer that ends with its connection.
fn read(url: String, answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse::<u16>().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.parse().ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    let body = answer.get(end + 4..)?.to_vec();
    Some(Reply { url, status: StatusCode::from_u16(status).ok()?, headers, body })
}
