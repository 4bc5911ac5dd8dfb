//! The listener: accepts connections and turns each into requests that have exactly one reading.
//!
//! HTTP/1.1 over TCP or TLS; HTTP/2 is left to a proxy in front, and its classes of flood with it. A
//! connection passes, in this order: `admission` (how many there may be), `tls`, the `gate` (deadlines,
//! sizes, and the `judge`'s strict reading of every head before the HTTP library sees it), the library, and
//! `peer` (who asks, and how they see us). What breaks a rule on the way is answered from the one table in
//! `refusal` and never routed.

mod admission;
mod authority;
mod body;
mod chunked;
mod connection;
mod deadline;
mod gate;
pub mod judge;
mod limits;
mod peer;
mod position;
mod refusal;
mod tls;
mod turn;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tower::Service;

pub use body::{BodyFault, whole};
pub use limits::Limits;
pub use peer::{Peer, Scheme};
pub use tls::{TlsFault, TlsFiles};

use admission::Permit;
pub use admission::{Admission, Place};
use connection::{House, Phase, converse};
use peer::Socket;
use tls::{Acceptor, Tls, TlsSocket};

/// After accepting has failed for want of a resource (file handles): trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Repeated events are logged at most this often.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// The address to bind; port 0 picks a free one.
    pub address: SocketAddr,
    /// Our own TLS, or none: behind a proxy, or on a loopback address.
    pub tls: Option<TlsFiles>,
    /// Networks of the proxies in front of us, whose `X-Forwarded-*` fields are believed. Empty: nobody's
    /// are.
    pub trusted_proxies: Vec<IpNet>,
    /// What one peer may take of us.
    pub limits: Limits,
    /// The places there are: listeners that share it are held by its caps together.
    pub admission: Admission,
}

impl ListenerConfig {
    /// In clear, no proxy, default limits.
    pub fn new(address: SocketAddr) -> ListenerConfig {
        ListenerConfig {
            address,
            tls: None,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            admission: Admission::default(),
        }
    }
}

/// Why a listener cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    /// The address is taken, not ours, or not allowed to us.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
}

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Connections that were cut with a request under way, because the drain deadline had passed.
    pub cut: usize,
}

/// A bound socket that is not served yet: connections wait in the system's queue.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    house: House,
    admission: Admission,
}

impl Listener {
    /// Reads the certificate, if any, and binds the address.
    ///
    /// # Errors
    /// The certificate cannot be used or the address not bound; nothing is left behind then.
    pub async fn bind(config: ListenerConfig) -> Result<Listener, ListenFault> {
        let address = config.address;
        let socket = TcpListener::bind(address);
        let socket = socket.await.map_err(|source| ListenFault::Bind { address, source })?;
        Listener::on(socket, config)
    }

    /// As [`bind`](Listener::bind), on a socket that listens already; `config.address` is not used.
    ///
    /// # Errors
    /// The certificate cannot be used.
    pub fn on(socket: TcpListener, config: ListenerConfig) -> Result<Listener, ListenFault> {
        let tls = config.tls.map(Tls::load).transpose()?;
        let address = socket.local_addr();
        let address = address.map_err(|source| ListenFault::Bind { address: config.address, source })?;
        let house = House::new(config.limits, config.trusted_proxies);
        Ok(Listener { socket, address, tls, house, admission: config.admission })
    }

    /// The address that is listened on, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done, then drains: no new connections, requests in flight are finished,
    /// resting connections are closed, and what is left at `Limits::drain_deadline` is cut.
    ///
    /// Every request reaches `service` with a [`Peer`] and its connection's [`Place`] among its extensions. When a client hangs
    /// up, the future that answers it is dropped at its next await: a service that must not stop there runs apart, and
    /// holds the place meanwhile.
    pub async fn serve<S>(self, service: S, shutdown: impl Future<Output = ()>) -> Drained
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let Listener { socket, tls, house, admission, .. } = self;
        let drain_deadline = house.limits.drain_deadline;
        let (phase, watched) = watch::channel(Phase::Serving);
        let mut reception = Reception {
            service,
            acceptor: tls.as_ref().map(Tls::acceptor),
            house: Arc::new(house),
            admission,
            phase: watched,
            cut: Arc::default(),
        };
        let cut = Arc::clone(&reception.cut);
        let follow_files = async {
            match tls {
                Some(tls) => tls.follow_files().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            never = follow_files => match never {},
            never = reception.accept_all(&socket) => match never {},
        }
        // From here on the system refuses connections.
        drop(socket);
        drop(reception);
        drain(&phase, drain_deadline).await;
        Drained { cut: cut.load(Ordering::Relaxed) }
    }
}

/// Tells all connections to finish, and waits until they have: each holds a receiver until its end.
async fn drain(phase: &watch::Sender<Phase>, deadline: Duration) {
    phase.send_replace(Phase::Draining);
    if timeout(deadline, phase.closed()).await.is_err() {
        phase.send_replace(Phase::Cutting);
        phase.closed().await;
    }
}

/// What is needed to receive a connection.
struct Reception<S> {
    service: S,
    acceptor: Option<Acceptor>,
    house: Arc<House>,
    admission: Admission,
    phase: watch::Receiver<Phase>,
    cut: Arc<AtomicUsize>,
}

impl<S> Reception<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn accept_all(&mut self, listener: &TcpListener) -> Infallible {
        let (mut turned_away, mut failed) = (Throttled::default(), Throttled::default());
        loop {
            self.accept(listener, &mut turned_away, &mut failed).await;
        }
    }

    async fn accept(&mut self, listener: &TcpListener, turned_away: &mut Throttled, failed: &mut Throttled) {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                if !is_the_peers_doing(&error) {
                    if let Some(count) = failed.count(Instant::now()) {
                        tracing::error!(target: "http", %error, count, "cannot accept connections");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
                return;
            }
        };
        let scheme = if self.acceptor.is_some() { Scheme::Https } else { Scheme::Http };
        let socket = Socket::new(from.ip(), scheme, &self.house.proxies);
        match self.admission.admit(socket.address, socket.trusted, &self.house.limits) {
            Some(permit) => self.receive(stream, socket, permit),
            // Dropping the stream closes it. A reply would cost what the cap is there to save.
            None => {
                if let Some(count) = turned_away.count(Instant::now()) {
                    tracing::warn!(target: "http", count, "connections over the cap were closed");
                }
            }
        }
    }

    fn receive(&mut self, stream: TcpStream, socket: Socket, permit: Permit) {
        // Replies are written whole; waiting for more to send would only delay them. Failing is harmless.
        let _ = stream.set_nodelay(true);
        let (service, house, phase) = (self.service.clone(), Arc::clone(&self.house), self.phase.clone());
        let (acceptor, cut, place) = (self.acceptor.clone(), Arc::clone(&self.cut), Place::of(permit));
        tokio::spawn(async move {
            let finished = match acceptor {
                None => converse(stream, (socket, place), service, house, phase).await,
                Some(acceptor) => {
                    let limit = house.limits.handshake_deadline;
                    match shake_hands(acceptor, stream, socket, limit, phase.clone()).await {
                        Some(stream) => converse(stream, (socket, place), service, house, phase).await,
                        None => true,
                    }
                }
            };
            if !finished {
                cut.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// The TLS handshake, given up when it is too slow or the listener stops: nobody has asked for anything yet.
async fn shake_hands(
    acceptor: Acceptor,
    stream: TcpStream,
    socket: Socket,
    limit: Duration,
    mut phase: watch::Receiver<Phase>,
) -> Option<TlsSocket> {
    let shaken = tokio::select! {
        shaken = timeout(limit, acceptor.accept(stream)) => shaken,
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => return None,
    };
    match shaken {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => tracing::debug!(target: "http", %error, peer = %socket.address, "no TLS handshake"),
        Err(_) => tracing::debug!(target: "http", peer = %socket.address, "TLS handshake too slow"),
    }
    None
}

/// Whether only the one connection that was to be accepted is lost.
fn is_the_peers_doing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Counts an event that may come in floods, and says when to log it.
#[derive(Default)]
struct Throttled {
    since_logged: u64,
    logged: Option<Instant>,
}

impl Throttled {
    /// One more. `Some(n)`: log now that there were `n` since the last time.
    fn count(&mut self, now: Instant) -> Option<u64> {
        self.since_logged += 1;
        if self.logged.is_some_and(|logged| now.duration_since(logged) < LOG_PAUSE) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.since_logged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_logged_once_a_second_with_its_size() {
        let mut flood = Throttled::default();
        let start = Instant::now();
        assert_eq!(flood.count(start), Some(1));
        assert_eq!(flood.count(start + LOG_PAUSE / 2), None);
        assert_eq!(flood.count(start + LOG_PAUSE * 9 / 10), None);
        assert_eq!(flood.count(start + LOG_PAUSE), Some(3));
    }
}
