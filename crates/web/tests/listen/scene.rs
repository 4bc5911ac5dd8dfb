//! A listener on a free port with a service that tells what reached it, and a client that writes raw bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use portvakt_web::listen::{Drained, Limits, Listener, ListenerConfig, Peer, whole};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long `/slow` takes to answer.
pub(crate) const SLOW: Duration = Duration::from_millis(400);

/// Bytes that `/large` answers with: more than socket buffers hold.
pub(crate) const LARGE: usize = 32 * 1024 * 1024;

/// Long enough for a loaded machine; every wait that a test ends by it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A listener that runs until stopped.
pub(crate) struct Scene {
    pub(crate) address: SocketAddr,
    /// Requests that reached the service.
    pub(crate) routed: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
}

/// The default limits on a free loopback port, changed by `change`.
pub(crate) async fn scene(change: impl FnOnce(&mut ListenerConfig)) -> Scene {
    let mut config = ListenerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    change(&mut config);
    let listener = Listener::bind(config).await.unwrap();
    let address = listener.address();
    let routed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&routed);
    let service = tower::service_fn(move |request: Request<Body>| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, Infallible>(tell(request).await) }
    });
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(listener.serve(service, async { drop(stopped.await) }));
    Scene { address, routed, stop, served }
}

/// Answers with what the request was taken for: `METHOD target|authority|scheme|address|via|body`.
async fn tell(request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match parts.uri.path() {
        "/slow" => tokio::time::sleep(SLOW).await,
        "/never" => std::future::pending().await,
        "/large" => return Response::new(Body::from(vec![b'x'; LARGE])),
        "/unread" => return Response::new(Body::from("unread")),
        _ => {}
    }
    let Ok(body) = whole(body, 1024 * 1024).await else {
        return Response::builder().status(500).body(Body::from("broken body")).unwrap();
    };
    let body =
        if body.len() > 64 { format!("{} bytes", body.len()) } else { body.escape_ascii().to_string() };
    let Peer { address, scheme, authority, via_proxy } = parts.extensions.get().unwrap();
    let (method, target) = (parts.method, parts.uri);
    let forwarded = parts.headers.keys().filter(|name| name.as_str().contains("forwarded")).count();
    assert_eq!(forwarded, 0, "no forwarding field reaches the router");
    Response::new(Body::from(format!(
        "[{method} {target}|{authority}|{scheme:?}|{address}|{via_proxy}|{body}]"
    )))
}

impl Scene {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` on a new connection and reads until the server closes it.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        let (mut reads, mut writes) = stream.split();
        // Both at once: a server may answer and close before it has read everything.
        let sending = async { drop(writes.write_all(bytes.as_ref()).await) };
        tokio::join!(sending, until_closed(&mut reads)).1
    }

    pub(crate) fn routed(&self) -> usize {
        self.routed.load(Ordering::SeqCst)
    }

    /// Tells the listener to stop.
    pub(crate) fn stop(self) -> JoinHandle<Drained> {
        let _ = self.stop.send(());
        self.served
    }
}

/// Everything until the server closes, which it must.
pub(crate) async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    let Ok(read) = read else { panic!("still open after {}", all.escape_ascii()) };
    if let Err(error) = read {
        assert_ne!(all.len(), 0, "reset before an answer: {error}");
    }
    String::from_utf8(all).unwrap()
}

/// Reads until `end` was read.
pub(crate) async fn until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut all = Vec::new();
    let reading = async {
        while !all.ends_with(end.as_bytes()) {
            let byte = stream.read_u8().await;
            all.push(byte.unwrap_or_else(|error| panic!("{error} after {}", all.escape_ascii())));
        }
    };
    assert!(tokio::time::timeout(PATIENCE, reading).await.is_ok(), "no {end:?}");
    String::from_utf8(all).unwrap()
}

/// The status of each answer, in order.
pub(crate) fn statuses(answers: &str) -> Vec<u16> {
    let starts = answers.split("HTTP/1.1 ").skip(1);
    starts.filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
}

/// What the service told, in order.
pub(crate) fn told(answers: &str) -> Vec<&str> {
    let starts = answers.match_indices('[').map(|(start, _)| start);
    starts.map(|start| &answers[start..=start + answers[start..].find(']').unwrap()]).collect()
}

/// Limits for tests that wait for a deadline.
pub(crate) fn short(limits: &mut Limits) {
    limits.head_deadline = Duration::from_millis(700);
    limits.body_deadline = Duration::from_millis(700);
    limits.reply_deadline = Duration::from_millis(700);
    limits.idle_deadline = Duration::from_millis(700);
    limits.handshake_deadline = Duration::from_millis(700);
}
