//! The library's HTTP client: plain HTTP to this machine, each exchange written down so that the page can show it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderMap};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use openidconnect::url::form_urlencoded;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer of Portvakt's is longer.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// It is on this machine: what takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Names and values in their order.
pub(crate) type Pairs = Vec<(String, String)>;

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// `GET` or `POST`.
    pub(crate) method: String,
    /// The whole URL.
    pub(crate) url: String,
    /// The request's headers.
    pub(crate) headers: Pairs,
    /// The request's form, decoded.
    pub(crate) form: Pairs,
    /// The answer's status.
    pub(crate) status: StatusCode,
    /// The answer's headers.
    pub(crate) reply_headers: Pairs,
    /// The answer's body.
    pub(crate) body: String,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireFault {
    /// The URL leads elsewhere than to this machine.
    #[error("this demo speaks http to this machine only, not to {0}")]
    Elsewhere(String),
    /// Nobody answers there.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, #[source] std::io::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// It took too long.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Slow,
    /// The answer is too long, or broke off.
    #[error("the answer cannot be read: {0}")]
    Unreadable(Box<dyn std::error::Error + Send + Sync>),
}

/// The way out, with what went over it.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    exchanges: Mutex<Vec<Exchange>>,
}

impl Wire {
    /// Every exchange, in order.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last exchange, if there was one.
    pub(crate) fn last(&self) -> Option<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// Sends a request and writes down what came.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, WireFault> {
        let mut exchange = Exchange::begun(&request);
        let answer = timeout(PATIENCE, send(request)).await.map_err(|_| WireFault::Slow)??;
        exchange.status = answer.status();
        exchange.reply_headers = pairs(answer.headers());
        exchange.body = String::from_utf8_lossy(answer.body()).into_owned();
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = WireFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WireFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.exchange(request))
    }
}

impl Exchange {
    fn begun(request: &HttpRequest) -> Self {
        Self {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: pairs(request.headers()),
            form: form_urlencoded::parse(request.body()).into_owned().collect(),
            status: StatusCode::OK,
            reply_headers: Vec::new(),
            body: String::new(),
        }
    }
}

async fn send(request: HttpRequest) -> Result<HttpResponse, WireFault> {
    let (mut head, body) = request.into_parts();
    let (authority, addresses) = this_machine(&head.uri)?;
    let stream = TcpStream::connect(&addresses[..])
        .await
        .map_err(|why| WireFault::Unreachable(authority.clone(), why))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; what breaks it, the sender says as well.
    tokio::spawn(connection);
    if let Ok(host) = HeaderValue::from_str(&authority) {
        head.headers.insert(HOST, host);
    }
    // To a server a request goes by path and query (RFC 9112 §3.2.1).
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    let answer = sender.send_request(Request::from_parts(head, Full::new(Bytes::from(body)))).await?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(WireFault::Unreadable)?;
    let mut answer = HttpResponse::new(body.to_bytes().to_vec());
    *answer.status_mut() = head.status;
    *answer.headers_mut() = head.headers;
    Ok(answer)
}

/// The authority of a URL on this machine, and where that is. `localhost` is not looked up: it can only mean this.
fn this_machine(uri: &Uri) -> Result<(String, [SocketAddr; 2]), WireFault> {
    let elsewhere = || WireFault::Elsewhere(uri.to_string());
    let authority = uri.authority().ok_or_else(elsewhere)?;
    let port = authority.port_u16().unwrap_or(80);
    let (first, second) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let order = match authority.host() {
        "localhost" | "127.0.0.1" => [first, second],
        "[::1]" => [second, first],
        _ => return Err(elsewhere()),
    };
    if uri.scheme_str() != Some("http") {
        return Err(elsewhere());
    }
    Ok((authority.to_string(), order.map(|address| SocketAddr::new(address, port))))
}

fn pairs(headers: &HeaderMap) -> Pairs {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to() {
        for url in [
            "http://example.com/",
            "https://localhost/",
            "http://127.0.0.2/",
            "http://localhost.example/",
            "/token",
        ] {
            assert!(this_machine(&url.parse().unwrap()).is_err(), "{url}");
        }
        let (authority, addresses) = this_machine(&"http://localhost:8080/token".parse().unwrap()).unwrap();
        assert_eq!((authority.as_str(), addresses[0].port()), ("localhost:8080", 8080));
    }
}
