//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower::{Service, ServiceExt};

use super::admission::Place;
use super::gate::Gate;
use super::limits::Limits;
use super::peer::{self, Socket};
use super::refusal::Refusal;
use super::turn::Turns;

/// How far the listener has come towards its end, for every connection to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    /// Requests in flight finish, resting connections close.
    Draining,
    /// The drain deadline has passed: connections are cut.
    Cutting,
}

/// What all connections of a listener share.
pub(super) struct House {
    pub(super) http: http1::Builder,
    pub(super) limits: Limits,
    pub(super) proxies: Vec<IpNet>,
}

impl House {
    pub(super) fn new(limits: Limits, proxies: Vec<IpNet>) -> House {
        let mut http = http1::Builder::new();
        // The gate keeps all deadlines; see there for why the library's is not used.
        http.header_read_timeout(None);
        // One head fits whole, and a reply is buffered up to as much. The library insists on 8 KiB at least.
        http.max_buf_size((2 * limits.head_bytes).max(8 * 1024));
        if limits.fields > 100 {
            http.max_headers(limits.fields);
        }
        House { http, limits, proxies }
    }
}

/// Serves `stream` until it closes or the listener cuts it. `false`: it was cut with a request under way.
pub(super) async fn converse<IO, S>(
    stream: IO,
    (socket, place): (Socket, Place),
    service: S,
    house: Arc<House>,
    mut phase: watch::Receiver<Phase>,
) -> bool
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    let turns = Arc::new(Turns::default());
    let gate = Gate::new(stream, Arc::clone(&turns), house.limits);
    let answering = Arc::clone(&turns);
    let proxies = Arc::clone(&house);
    let answer = service_fn(move |request: Request<Incoming>| {
        let turns = Arc::clone(&answering);
        let turn = turns.begin();
        let request = match turns.refusal_of(turn) {
            Some(refusal) => Err(refusal),
            None => admitted(request, socket, &proxies.proxies).map(|mut request| {
                request.extensions_mut().insert(place.clone());
                request
            }),
        };
        let service = service.clone();
        async move {
            let response = match request {
                Err(refusal) => Err(refusal),
                Ok(request) => {
                    let Ok(response) = service.oneshot(request).await;
                    // The body may have broken a rule while the handler read it: the rule is the better
                    // answer.
                    turns.refusal_of(turn).map_or(Ok(response), Err)
                }
            };
            turns.finish();
            Ok::<_, Infallible>(response.unwrap_or_else(|refusal| refused(refusal, socket)))
        }
    });
    let mut connection = pin!(house.http.serve_connection(TokioIo::new(gate), answer));
    loop {
        // Copied out: the guard of a watch channel must not live across an await.
        let now = *phase.borrow_and_update();
        match now {
            Phase::Serving => {}
            Phase::Draining => connection.as_mut().graceful_shutdown(),
            Phase::Cutting => return !turns.under_way(),
        }
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(target: "http", %error, peer = %socket.address, "connection ended");
                }
                return true;
            }
            changed = phase.changed() => if changed.is_err() {
                return !turns.under_way();
            }
        }
    }
}

/// The request as the router sees it: with the peer's facts, without what was said about forwarding, and
/// without the library's offer to switch protocols (`Upgrade` is ignored, RFC 9110 §7.8).
fn admitted(request: Request<Incoming>, socket: Socket, proxies: &[IpNet]) -> Result<Request<Body>, Refusal> {
    let mut request = request.map(Body::new);
    request.extensions_mut().remove::<OnUpgrade>();
    let peer = peer::facts(request.headers_mut(), socket, proxies).map_err(Refusal::Forwarded)?;
    request.extensions_mut().insert(peer);
    Ok(request)
}

fn refused(refusal: Refusal, socket: Socket) -> Response<Body> {
    let ruling = refusal.ruling();
    tracing::info!(
        target: "http",
        rule = ruling.rule,
        status = ruling.status.as_u16(),
        expected = ruling.sentence.trim_end(),
        peer = %socket.address,
        "request refused"
    );
    refusal.response()
}
