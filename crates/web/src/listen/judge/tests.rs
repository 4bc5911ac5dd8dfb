//! Each reject beside its nearest accept; and what is accepted reads the same to the library behind the gate.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

fn judged(bytes: &[u8]) -> Result<Option<Head>, HeadFault> {
    head(bytes, &Limits::default())
}

fn accepted(bytes: &[u8]) -> Head {
    match judged(bytes) {
        Ok(Some(head)) => head,
        other => panic!("{other:?} for {}", bytes.escape_ascii()),
    }
}

fn assert_refused(bytes: &[u8], fault: HeadFault) {
    assert_eq!(judged(bytes), Err(fault), "{}", bytes.escape_ascii());
}

/// `GET / HTTP/1.1`, a good Host, and these lines.
fn with_lines(lines: &[u8]) -> Vec<u8> {
    [b"GET / HTTP/1.1\r\nHost: a.example\r\n", lines, b"\r\n"].concat()
}

fn with_target(target: &[u8]) -> Vec<u8> {
    [b"GET ", target, b" HTTP/1.1\r\nHost: a.example\r\n\r\n"].concat()
}

#[test]
fn rfc9112_s3_a_request_line_is_refused_beside_its_nearest_accept() {
    let fields = b"\r\nHost: a.example\r\n\r\n";
    let line = |line: &[u8]| [line, fields].concat();
    accepted(&line(b"GET /a?b HTTP/1.1"));
    accepted(&line(b"M-SEARCH / HTTP/1.1"));
    accepted(&line(b"get / HTTP/1.1"));
    for (refused, fault) in [
        (&b"\r\nGET / HTTP/1.1"[..], HeadFault::RequestLine),
        (b"\nGET / HTTP/1.1", HeadFault::BareLf),
        (b" GET / HTTP/1.1", HeadFault::Method),
        (b"G(ET / HTTP/1.1", HeadFault::Method),
        (b"G\xc3\x86T / HTTP/1.1", HeadFault::Method),
        (b"GET\t/ HTTP/1.1", HeadFault::Method),
        (b"GET", HeadFault::Method),
        (b"GE\0T / HTTP/1.1", HeadFault::ControlByte),
        (b"\x16\x03\x01\x02\x00", HeadFault::ControlByte),
        (b"GET  / HTTP/1.1", HeadFault::RequestLine),
        (b"GET /  HTTP/1.1", HeadFault::RequestLine),
        (b"GET / HTTP/1.1 ", HeadFault::RequestLine),
        (b"GET / x HTTP/1.1", HeadFault::RequestLine),
        (b"GET /", HeadFault::RequestLine),
        (b"GET / ", HeadFault::RequestLine),
        (b"GET / http/1.1", HeadFault::RequestLine),
        (b"GET / HTTP/1.1\x0b", HeadFault::ControlByte),
        (b"GET / HTTP/11", HeadFault::RequestLine),
        (b"GET / HTTP/1.10", HeadFault::RequestLine),
        (b"GET / HTTP/1.0", HeadFault::Version),
        (b"GET / HTTP/2.0", HeadFault::Version),
        (b"GET / HTTP/9.9", HeadFault::Version),
        (b"PRI * HTTP/2.0", HeadFault::Version),
    ] {
        assert_refused(&line(refused), fault);
    }
    assert_refused(b"GET / HTTP/1.1\nHost: a.example\r\n\r\n", HeadFault::BareLf);
    assert_refused(b"GET / HTTP/1.1\rHost: a.example\r\n\r\n", HeadFault::BareCr);
}

#[test]
fn rfc9112_s3_2_a_target_is_refused_beside_its_nearest_accept() {
    for good in ["/", "/a/b;c?d=e&f={g}|^[h]", "/%00", "/a%2fb", "//a", "/?", "/*", "/:443"] {
        assert_eq!(accepted(&with_target(good.as_bytes())).target, TargetForm::Origin, "{good}");
    }
    for (bad, fault) in [
        (&b"*"[..], HeadFault::TargetForm),
        (b"a", HeadFault::TargetForm),
        (b"?a", HeadFault::TargetForm),
        (b"a.example:443", HeadFault::TargetForm),
        (b"ftp://a.example/", HeadFault::TargetForm),
        (b"http:/a.example/", HeadFault::TargetForm),
        (b"javascript:alert(1)", HeadFault::TargetForm),
        (b"/a#b", HeadFault::TargetByte),
        (b"/a\\b", HeadFault::TargetByte),
        (b"/a\0b", HeadFault::TargetByte),
        (b"/a\x7fb", HeadFault::TargetByte),
        (b"/a\tb", HeadFault::TargetByte),
        (b"/\xc3\xa6", HeadFault::TargetByte),
        (b"/\"", HeadFault::TargetByte),
        (b"/<", HeadFault::TargetByte),
        (b"/`", HeadFault::TargetByte),
        (b"/a\r b", HeadFault::BareCr),
    ] {
        assert_refused(&with_target(bad), fault);
    }
    assert_refused(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", HeadFault::TargetForm);
    assert_refused(b"CONNECT / HTTP/1.1\r\nHost: a.example\r\n\r\n", HeadFault::TargetForm);
    assert_refused(b"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", HeadFault::TargetForm);
    accepted(b"OPTIONS / HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

#[test]
fn rfc9112_s3_2_2_absolute_form_names_the_host_byte_for_byte() {
    for good in ["http://a.example/x", "https://a.example/x?y", "HTTP://a.example", "http://a.example?y"] {
        let TargetForm::Absolute { start, path } = accepted(&with_target(good.as_bytes())).target else {
            panic!("{good} is in absolute-form")
        };
        let authority_ends = good.find(".example").unwrap() + ".example".len();
        assert_eq!((start, path), (4, 4 + authority_ends), "{good}");
    }
    for bad in [
        "http://b.example/",
        "http://A.example/",
        "http://a.example:80/",
        "http://a.example./",
        "http://user@a.example/",
        "http:///",
        "http://",
        "http://a.example@b.example/",
    ] {
        assert_refused(&with_target(bad.as_bytes()), HeadFault::TargetAuthority);
    }
}

#[test]
fn rfc9112_s5_a_field_is_refused_beside_its_nearest_accept() {
    for good in [
        &b""[..],
        b"A: b\r\n",
        b"A:b\r\n",
        b"A:\r\n",
        b"A: \t b \t\r\n",
        b"A: b: c\r\n",
        b"A: \xe6\xf8\xe5\r\n",
        b"X!#$%&'*+-.^_`|~9: y\r\n",
        b"Upgrade: h2c\r\nConnection: upgrade\r\n",
        b"Expect: 100-continue\r\n",
    ] {
        accepted(&with_lines(good));
    }
    for (bad, fault) in [
        (&b"A: b\n"[..], HeadFault::BareLf),
        (b"A: b\nC: d\r\n", HeadFault::BareLf),
        (b"A\n", HeadFault::BareLf),
        (b"\n", HeadFault::BareLf),
        (b"A: b\rC: d\r\n", HeadFault::BareCr),
        (b"A: b\r\r\n", HeadFault::BareCr),
        (b"\rA: b\r\n", HeadFault::BareCr),
        (b"A: b\0c\r\n", HeadFault::ControlByte),
        (b"A: b\x1b[0m\r\n", HeadFault::ControlByte),
        (b"A: \x7f\r\n", HeadFault::ControlByte),
        (b"A\0: b\r\n", HeadFault::ControlByte),
        (b"A: b\r\n c\r\n", HeadFault::ObsFold),
        (b"A: b\r\n\tc\r\n", HeadFault::ObsFold),
        (b" A: b\r\n", HeadFault::ObsFold),
        (b"A : b\r\n", HeadFault::SpaceBeforeColon),
        (b"A\t: b\r\n", HeadFault::SpaceBeforeColon),
        (b": b\r\n", HeadFault::FieldName),
        (b"A\r\n", HeadFault::FieldName),
        (b"A(b): c\r\n", HeadFault::FieldName),
        (b"\xc3\x86: c\r\n", HeadFault::FieldName),
        (b"Content-Length\xa0: 1\r\n", HeadFault::FieldName),
        (b"Expect: 200-ok\r\n", HeadFault::Expectation),
        (b"Expect: 100-continue, x\r\n", HeadFault::Expectation),
        (b"Expect:\r\n", HeadFault::Expectation),
    ] {
        assert_refused(&with_lines(bad), fault);
    }
}

#[test]
fn rfc9112_s3_2_there_is_one_valid_host() {
    let lines = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n").into_bytes();
    accepted(&lines("hOsT:   a.example:8080 \t\r\n"));
    assert_refused(&lines(""), HeadFault::HostMissing);
    assert_refused(&lines("X-Host: a.example\r\n"), HeadFault::HostMissing);
    assert_refused(&lines("Host: a.example\r\nHost: a.example\r\n"), HeadFault::HostRepeated);
    assert_refused(&lines("Host: a.example\r\nhost: b.example\r\n"), HeadFault::HostRepeated);
    for bad in ["", "user@a.example", "a.example/", "a b", "a.example, b.example", "http://a.example", "a:b"]
    {
        assert_refused(&lines(&format!("Host: {bad}\r\n")), HeadFault::HostInvalid);
    }
}

#[test]
fn rfc9112_s6_there_is_one_reading_of_where_the_body_ends() {
    for (good, framing) in [
        ("", BodyFraming::Length(0)),
        ("Content-Length: 0\r\n", BodyFraming::Length(0)),
        ("content-length:  17 \r\n", BodyFraming::Length(17)),
        ("Content-Length: 0017\r\n", BodyFraming::Length(17)),
        ("Content-Length: 262144\r\n", BodyFraming::Length(262_144)),
        ("Transfer-Encoding: chunked\r\n", BodyFraming::Chunked),
    ] {
        assert_eq!(accepted(&with_lines(good.as_bytes())).body, framing, "{good}");
    }
    for (bad, fault) in [
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", HeadFault::LengthAndCoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", HeadFault::LengthAndCoding),
        ("Transfer-Encoding: x\r\nContent-Length: 1\r\n", HeadFault::LengthAndCoding),
        ("Content-Length: 1\r\nContent-Length: 1\r\n", HeadFault::LengthRepeated),
        ("Content-Length: 1\r\ncontent-length: 2\r\n", HeadFault::LengthRepeated),
        ("Content-Length: 1, 1\r\n", HeadFault::LengthInvalid),
        ("Content-Length: +1\r\n", HeadFault::LengthInvalid),
        ("Content-Length: -1\r\n", HeadFault::LengthInvalid),
        ("Content-Length: 1 1\r\n", HeadFault::LengthInvalid),
        ("Content-Length: 0x1\r\n", HeadFault::LengthInvalid),
        ("Content-Length:\r\n", HeadFault::LengthInvalid),
        ("Content-Length: 262145\r\n", HeadFault::BodyTooLarge),
        ("Content-Length: 18446744073709551617\r\n", HeadFault::BodyTooLarge),
        ("Transfer-Encoding: identity\r\n", HeadFault::Coding),
        ("Transfer-Encoding: gzip, chunked\r\n", HeadFault::Coding),
        ("Transfer-Encoding: chunked, chunked\r\n", HeadFault::Coding),
        ("Transfer-Encoding: Chunked\r\n", HeadFault::Coding),
        ("Transfer-Encoding: \x0bchunked\r\n", HeadFault::ControlByte),
        ("Transfer-Encoding: chunked;x\r\n", HeadFault::Coding),
        ("Transfer-Encoding:\r\n", HeadFault::Coding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", HeadFault::Coding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", HeadFault::Coding),
    ] {
        assert_refused(&with_lines(bad.as_bytes()), fault);
    }
}

#[test]
fn sizes_are_refused_one_over_and_accepted_at_the_limit() {
    let sized = |bytes: usize| {
        let bare = with_lines(b"A: \r\n").len();
        with_lines(format!("A: {}\r\n", "x".repeat(bytes - bare)).as_bytes())
    };
    let limit = Limits::default().head_bytes;
    assert_eq!(accepted(&sized(limit)).length, limit);
    assert_refused(&sized(limit + 1), HeadFault::HeadTooLarge);
    assert_refused(&sized(limit + 1)[..limit], HeadFault::HeadTooLarge);
    assert_eq!(judged(&sized(limit + 1)[..limit - 1]), Ok(None));

    let target = |bytes: usize| with_target(&[b"/", "x".repeat(bytes - 1).as_bytes()].concat());
    let limit = Limits::default().target_bytes;
    accepted(&target(limit));
    assert_refused(&target(limit + 1), HeadFault::TargetTooLong);
    assert_refused(&target(limit + 1)[..4 + limit + 1], HeadFault::TargetTooLong);

    let fields = |count: usize| with_lines("A: b\r\n".repeat(count - 1).as_bytes());
    let limit = Limits::default().fields;
    accepted(&fields(limit));
    assert_refused(&fields(limit + 1), HeadFault::TooManyFields);
}

#[test]
fn a_head_is_incomplete_at_every_byte_before_its_last() {
    let whole = b"POST http://a.example/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nA: b\r\n\r\n";
    for end in 0..whole.len() {
        assert_eq!(judged(&whole[..end]), Ok(None), "{}", whole[..end].escape_ascii());
    }
    let with_body = [&whole[..], b"hello"].concat();
    assert_eq!(accepted(&with_body).length, whole.len());
}

// ---- the same head, read by the library ----

/// Method, target, fields in order, and the body's exact length if it has one.
type Reading = (String, String, Vec<(String, Vec<u8>)>, Option<u64>);

/// What hyper makes of a head: `None` when it refuses.
async fn library_reading(bytes: &[u8]) -> Option<Reading> {
    let seen = Arc::new(Mutex::new(None));
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let keep = Arc::clone(&seen);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let fields = request.headers().iter();
        let fields = fields.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        let reading = (
            request.method().to_string(),
            request.uri().to_string(),
            fields.collect(),
            request.body().size_hint().exact(),
        );
        *keep.lock().unwrap() = Some(reading);
        async { Ok::<_, Infallible>(hyper::Response::new(String::new())) }
    });
    ours.write_all(bytes).await.unwrap();
    ours.shutdown().await.unwrap();
    let mut http = http1::Builder::new();
    let served = http.half_close(true).header_read_timeout(None);
    let _ = served.serve_connection(TokioIo::new(theirs), service).await;
    let mut answer = Vec::new();
    let _ = ours.read_to_end(&mut answer).await;
    seen.lock().unwrap().take()
}

/// A parser so plain that it is right or wrong at a glance; it relies on everything that the judge refuses.
fn plain_reading(bytes: &[u8], head: Head) -> Reading {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    assert_eq!(head.length, end + 4, "the head ends at its first empty line");
    let mut lines = bytes[..end].split(|byte| *byte == b'\n').map(|line| line.trim_suffix_cr());
    let mut first = lines.next().unwrap().split(|byte| *byte == b' ');
    let (method, target) = (text(first.next().unwrap()), text(first.next().unwrap()));
    let mut fields: Vec<(String, Vec<u8>)> = lines
        .map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap();
            (text(&line[..colon]).to_ascii_lowercase(), line[colon + 1..].trim_ascii().to_vec())
        })
        .collect();
    fields.sort();
    let length = match head.body {
        BodyFraming::Length(length) => Some(length),
        BodyFraming::Chunked => None,
    };
    (method, target, fields, length)
}

trait TrimCr {
    fn trim_suffix_cr(&self) -> &[u8];
}

impl TrimCr for [u8] {
    fn trim_suffix_cr(&self) -> &[u8] {
        self.strip_suffix(b"\r").unwrap_or(self)
    }
}

/// Heads built of parts that are mostly right, then damaged in a few places: near the border on both sides.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof!["GET", "POST", "[!-~]{1,4}"];
    let target = prop_oneof!["/", "/[!-~]{0,12}", "http://a.example/[a-z?]{0,4}"];
    let field = prop_oneof![
        4 => "[A-Za-z-]{1,8}: [ -~]{0,12}",
        1 => "Content-Length: [0-9]{1,3}",
        1 => "Transfer-Encoding: chunked",
        1 => "(Connection|Upgrade|Expect|Cookie|TE): (close|keep-alive|upgrade|h2c|100-continue|x)",
        1 => "[!-~]{1,6}:[ -~]{0,6}",
    ];
    let damage = vec((any::<prop::sample::Index>(), prop::sample::select(DAMAGE)), 0..3);
    (method, target, vec(field, 0..5), damage).prop_map(|(method, target, fields, damage)| {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: a.example\r\n").into_bytes();
        for field in fields {
            head.extend_from_slice(field.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        for (at, byte) in damage {
            let at = at.index(head.len());
            if byte == b'D' {
                head.remove(at);
            } else {
                head.insert(at, byte);
            }
        }
        head
    })
}

/// Bytes to insert; `D` deletes instead.
const DAMAGE: &[u8] = b"DDD\r\n\0\t :,;#\\\x7f\xe6a0/";

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_head_that_is_accepted_reads_the_same_to_the_library(bytes in heads()) {
        let Ok(Some(head)) = judged(&bytes) else { return Ok(()) };
        let plain = plain_reading(&bytes, head);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let library = runtime.block_on(library_reading(&bytes[..head.length]));
        let Some((method, target, mut fields, length)) = library else {
            return Err(TestCaseError::fail(format!("the library refuses {}", bytes.escape_ascii())));
        };
        fields.sort();
        // The gate rewrites absolute-form; unwritten, the library's own spelling of a bare authority adds a
        // slash.
        let target = if head.target == TargetForm::Origin { target } else { plain.1.clone() };
        prop_assert_eq!((method, target, fields, length), plain, "{}", bytes.escape_ascii());
    }

    #[test]
    fn no_bytes_make_the_judge_panic(bytes in vec(any::<u8>(), 0..200), cut in 0_usize..120) {
        let _ = judged(&bytes);
        let mut head = with_lines(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
        head.truncate(cut);
        head.extend_from_slice(&bytes);
        let _ = judged(&head);
    }
}
