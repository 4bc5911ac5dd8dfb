//! A small blocking HTTP/1.1 client: what loads, tortures and traces a server of ours on this machine.
//!
//! Blocking and without dependencies on purpose: one thread is one client, so that what a client saw and when is told
//! by one stack. It reads what our server writes (`Content-Length` bodies) and nothing more general.

mod relying_party;

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

pub(crate) use relying_party::{Endpoints, LOGIN_SCOPES, Login, RelyingParty, Tokens};

/// Longer than any deadline of the server: whoever waits this long waits for nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reply is this many bytes at most.
const MOST_BODY: usize = 1 << 20;

/// Why there is no answer of the kind that was asked for.
#[derive(Debug)]
pub(crate) enum Miss {
    /// The connection ended before a whole answer had come: what was asked for was done, or was not.
    Lost(io::Error),
    /// The server answered something else.
    Answered(Answer),
}

impl From<io::Error> for Miss {
    fn from(fault: io::Error) -> Self {
        Self::Lost(fault)
    }
}

impl std::fmt::Display for Miss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(fault) => write!(f, "no whole answer: {fault}"),
            Self::Answered(answer) => write!(f, "answered {}: {}", answer.status, answer.text()),
        }
    }
}

/// One whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    size: usize,
}

impl Answer {
    /// Its bytes over the wire: head and body, as they came.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The first field of that name, whose case does not matter.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub(crate) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON; `null` when it is not.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `error` of an OAuth refusal (RFC 6749 §5.2), or nothing.
    pub(crate) fn error(&self) -> String {
        self.json().get("error").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Whether it tells of an active token (RFC 7662 §2.2).
    pub(crate) fn is_active(&self) -> bool {
        self.json().get("active").and_then(Value::as_bool) == Some(true)
    }

    /// Itself when the status is `status`.
    ///
    /// # Errors
    /// [`Miss::Answered`] when it is another.
    pub(crate) fn expect(self, status: u16) -> Result<Self, Miss> {
        if self.status == status { Ok(self) } else { Err(Miss::Answered(self)) }
    }
}

/// One request. Its target is what stands in the request line: a path, perhaps with a query.
pub(crate) struct Request<'a> {
    method: &'static str,
    target: &'a str,
    fields: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl<'a> Request<'a> {
    /// A `GET`.
    pub(crate) fn get(target: &'a str) -> Self {
        Self { method: "GET", target, fields: Vec::new(), body: None }
    }

    /// A `POST` of a form.
    pub(crate) fn form(target: &'a str, pairs: &[(&str, &str)]) -> Self {
        Self {
            method: "POST",
            target,
            fields: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: Some(form(pairs)),
        }
    }

    /// With one more field.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// The request as it is sent to that authority.
    pub(crate) fn bytes(&self, authority: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {authority}\r\n", self.method, self.target);
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let body = self.body.as_deref().unwrap_or_default();
        if self.body.is_some() {
            let _ = write!(head, "content-length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        head.push_str(body);
        head.into_bytes()
    }
}

/// Whoever answers requests: one connection, or several among which one is chosen for each request.
pub(crate) trait Server {
    /// Sends a request, once, and waits for its answer.
    ///
    /// # Errors
    /// As [`Connection::send`].
    fn send(&mut self, request: &Request<'_>) -> io::Result<Answer>;

    /// As [`Server::send`], of a request made ready before.
    ///
    /// # Errors
    /// As there.
    fn send_bytes(&mut self, request: &[u8]) -> io::Result<Answer>;
}

/// One client of the server: its connection is kept alive, and opened anew after it was lost.
pub(crate) struct Connection {
    address: SocketAddr,
    authority: String,
    patience: Duration,
    stream: Option<BufReader<TcpStream>>,
}

impl Server for Connection {
    fn send(&mut self, request: &Request<'_>) -> io::Result<Answer> {
        Connection::send(self, request)
    }

    fn send_bytes(&mut self, request: &[u8]) -> io::Result<Answer> {
        Connection::send_bytes(self, request)
    }
}

impl Connection {
    /// Towards the server on this machine whose URLs have that authority (`localhost:8080`). Nothing is opened yet.
    pub(crate) fn to(authority: &str) -> Self {
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80);
        Self::through(port, authority)
    }

    /// As [`Connection::to`], by another port: one of several nodes behind that authority.
    pub(crate) fn through(port: u16, authority: &str) -> Self {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        Self { address, authority: authority.to_owned(), patience: PATIENCE, stream: None }
    }

    /// Waits so long for an answer, and no longer.
    pub(crate) fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Opens the connection unless it is open.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.address, self.patience)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(self.patience))?;
            stream.set_write_timeout(Some(self.patience))?;
            self.stream = Some(BufReader::with_capacity(16 * 1024, stream));
        }
        Ok(())
    }

    /// Sends a request, once, and waits for its answer. It is never sent again: a repeated redemption is another one.
    ///
    /// # Errors
    /// The connection could not be opened, or ended before a whole answer; the next request opens another.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> io::Result<Answer> {
        let bytes = request.bytes(&self.authority);
        self.send_bytes(&bytes)
    }

    /// As [`Connection::send`], of a request made ready before: see [`Request::bytes`].
    ///
    /// # Errors
    /// As there.
    pub(crate) fn send_bytes(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.write(request)?;
        self.answer()
    }

    /// Sends some bytes of a request, without waiting for anything.
    ///
    /// # Errors
    /// The connection could not be opened or is lost.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open()?;
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let written = stream.get_mut().write_all(bytes);
        if written.is_err() {
            self.stream = None;
        }
        written
    }

    /// Waits for the answer to what was written.
    ///
    /// # Errors
    /// The connection ended before a whole answer.
    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let mut stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        let answer = read(&mut stream)?;
        if !answer.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

/// The length of what [`line()`] takes off.
const LINE_END: usize = 2;

/// Reads one answer.
fn read(stream: &mut impl BufRead) -> io::Result<Answer> {
    let status = line(stream)?;
    let mut size = status.len() + LINE_END;
    let status = status
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .ok_or_else(|| other(format!("no status line: {status}")))?;
    let mut fields = Vec::new();
    loop {
        let field = line(stream)?;
        size += field.len() + LINE_END;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':').ok_or_else(|| other(format!("no field: {field}")))?;
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, fields, body: Vec::new(), size };
    let length = match answer.field("content-length") {
        Some(length) => length.parse().ok().filter(|length| *length <= MOST_BODY),
        None if answer.field("transfer-encoding").is_some() => None,
        None => Some(0),
    };
    answer.body = vec![0; length.ok_or_else(|| other("a body without a usable length".to_owned()))?];
    stream.read_exact(&mut answer.body)?;
    answer.size += answer.body.len();
    Ok(answer)
}

/// Reads a line, and takes its end off.
fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(16 * 1024).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    String::from_utf8(line.to_vec()).map_err(|_| other("a head that is not UTF-8".to_owned()))
}

fn other(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The pairs as a form or query (WHATWG URL §5.2).
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode(&mut text, name);
        text.push('=');
        encode(&mut text, value);
    }
    text
}

fn encode(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._*".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// The value of a `Basic` authorization field (RFC 7617 §2, both halves form-encoded as RFC 6749 §2.3.1 has it).
pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut pair = String::new();
    encode(&mut pair, client_id);
    pair.push(':');
    encode(&mut pair, secret);
    let mut text = "Basic ".to_owned();
    for three in pair.as_bytes().chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, at| bits << 8 | three.get(at).map_or(0, |byte| usize::from(*byte)));
        for at in 0..4 {
            let letter = ALPHABET.get(bits >> (18 - 6 * at) & 63).map_or('=', |letter| char::from(*letter));
            text.push(if at <= three.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> io::Result<Answer> {
        read(&mut BufReader::new(text.as_bytes()))
    }

    #[test]
    fn an_answer_that_broke_off_is_no_answer() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: y\r\n\r\nok";
        for end in 0..whole.len() {
            assert!(read_text(&whole[..end]).is_err(), "{:?}", &whole[..end]);
        }
        let answer = read_text(whole).unwrap();
        assert_eq!((answer.status, answer.field("X"), answer.text().as_ref()), (200, Some("y"), "ok"));
        assert_eq!(answer.size(), whole.len());
    }

    #[test]
    fn a_body_whose_end_nobody_told_is_refused() {
        for field in ["transfer-encoding: chunked", "content-length: x", "content-length: 1048577"] {
            assert!(read_text(&format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n")).is_err(), "{field}");
        }
        assert_eq!(read_text("HTTP/1.1 303 See Other\r\nlocation: /\r\n\r\n").unwrap().status, 303);
    }

    #[test]
    fn basic_is_the_base64_of_both_halves_form_encoded() {
        assert_eq!(basic("Aladdin", "opensesame"), "Basic QWxhZGRpbjpvcGVuc2VzYW1l");
        assert_eq!(basic("a", "b"), "Basic YTpi");
        assert_eq!(basic("a", "bc"), "Basic YTpiYw==");
        assert_eq!(basic("a:", "b"), "Basic YSUzQTpi");
    }

    #[test]
    fn a_form_is_sent_with_its_length_and_its_values_encoded() {
        let request = Request::form("/token", &[("a", "b c"), ("d", "http://x/")]).with("accept", "*/*");
        let sent = String::from_utf8(request.bytes("localhost:1")).unwrap();
        assert!(sent.starts_with("POST /token HTTP/1.1\r\nhost: localhost:1\r\n"), "{sent}");
        assert!(sent.ends_with("content-length: 27\r\n\r\na=b%20c&d=http%3A%2F%2Fx%2F"), "{sent}");
    }
}
