//! The listener over real sockets: what reaches the router, what never does, and how refusals are answered.

use std::time::Duration;

use crate::scene::{scene, statuses, told, until, until_closed};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

const CLOSE: &str = "Host: a.example\r\nConnection: close\r\n";

/// What a body would become if its end were mistaken.
const SMUGGLED: &str = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";

fn get(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n")
}

fn post(lines: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n{body}")
}

#[tokio::test]
async fn d_a_head_with_two_readings_is_answered_400_closed_and_never_routed() {
    let scene = scene(|_| {}).await;
    let table = [
        ("length and coding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", SMUGGLED), 400),
        ("length twice, equal", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400),
        ("length list", post("Content-Length: 5, 5\r\n", "hello"), 400),
        ("length signed", post("Content-Length: +5\r\n", "hello"), 400),
        ("coding hidden", post("Transfer-Encoding: x, chunked\r\n", SMUGGLED), 400),
        ("coding twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", SMUGGLED), 400),
        ("space before colon", post("Transfer-Encoding : chunked\r\n", SMUGGLED), 400),
        ("obs-fold", get("/", "A: b\r\n c\r\n"), 400),
        ("bare LF", get("/", "A: b\nC: d\r\n"), 400),
        ("bare LF only", "GET / HTTP/1.1\nHost: a.example\n\n".to_owned(), 400),
        ("bare CR", get("/", "A: b\rC: d\r\n"), 400),
        ("NUL in a value", get("/", "A: b\0\r\n"), 400),
        ("NUL in the path", get("/\0", ""), 400),
        ("empty name", get("/", ": b\r\n"), 400),
        ("no colon", get("/", "A\r\n"), 400),
        ("two hosts", get("/", "Host: a.example\r\n"), 400),
        ("no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n".to_owned(), 400),
        ("host with userinfo", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n".to_owned(), 400),
        ("CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned(), 400),
        ("asterisk-form", get("*", ""), 400),
        ("another authority", get("http://b.example/", ""), 400),
        ("fragment", get("/a#b", ""), 400),
        ("backslash", get("/a\\b", ""), 400),
        ("empty line first", format!("\r\n{}", get("/", "")), 400),
        ("HTTP/0.9", "GET /\r\n".to_owned(), 400),
        ("HTTP/1.0", "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n".to_owned(), 505),
        ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        ("expectation", get("/", "Expect: the-moon\r\n"), 417),
        ("trailer", post("Transfer-Encoding: chunked\r\n", "0\r\nHost: b\r\n\r\n"), 400),
        ("chunk size LF", post("Transfer-Encoding: chunked\r\n", "0\n\r\n"), 400),
        ("chunk too short", post("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n0\r\n\r\n"), 400),
    ];
    for (name, request, status) in table {
        // Whatever follows the broken request must not become one.
        let request = format!("{request}{}", get("/after", ""));
        let answer = scene.exchange(&request).await;
        assert_eq!(statuses(&answer), [status], "{name}: {answer}");
        assert!(answer.contains("connection: close\r\n") && answer.ends_with(".\n"), "{name}: {answer}");
    }
    assert_eq!(scene.routed(), 0);

    let close = "Connection: close\r\n";
    for (name, request) in [
        ("length", post(&format!("{close}Content-Length: 5\r\n"), "hello")),
        ("chunked", post(&format!("{close}Transfer-Encoding: chunked\r\n"), "5\r\nhello\r\n0\r\n\r\n")),
        ("extension", post(&format!("{close}Transfer-Encoding: chunked\r\n"), "5;a\r\nhello\r\n0\r\n\r\n")),
        ("absolute", format!("POST http://a.example HTTP/1.1\r\n{CLOSE}Content-Length: 5\r\n\r\nhello")),
    ] {
        let answer = scene.exchange(&request).await;
        assert_eq!(statuses(&answer), [200], "{name}: {answer}");
        assert_eq!(told(&answer), ["[POST /|a.example|Http|127.0.0.1|false|hello]"], "{name}");
    }
    assert_eq!(scene.routed(), 4);
}

#[tokio::test]
async fn rfc9112_s9_3_2_pipelined_requests_are_framed_and_answered_in_order() {
    let scene = scene(|_| {}).await;
    let requests = format!(
        "POST /slow HTTP/1.1\r\nHost: a.example\r\nContent-Length: 7\r\n\r\nGET /x \
         POST /2 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n4\r\n / H\r\n0\r\n\r\n\
         GET http://a.example/3?q HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n\
         GET /4 HTTP/1.1\r\n{CLOSE}\r\n"
    );
    let expected = ["POST /slow|GET /x ", "POST /2|GET / H", "GET /3?q|", "GET /4|"];
    let expected = expected.map(|told| {
        let (request, body) = told.split_once('|').unwrap();
        format!("[{request}|a.example|Http|127.0.0.1|false|{body}]")
    });
    let answers = scene.exchange(&requests).await;
    assert_eq!(told(&answers), expected, "{answers}");

    // The same, one piece at a time, cut where two requests meet in one piece.
    let mut stream = scene.connect().await;
    stream.set_nodelay(true).unwrap();
    for piece in requests.as_bytes().chunks(37) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answers = until_closed(&mut stream).await;
    assert_eq!(told(&answers), expected, "{answers}");
}

#[tokio::test]
async fn a_refusal_waits_for_its_turn_behind_the_requests_before_it() {
    let scene = scene(|_| {}).await;
    let answers = scene
        .exchange(
            "GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n\
             GET /3 HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n\
             GET /4 HTTP/1.1\r\nHost: a.example\r\n\r\n",
        )
        .await;
    assert_eq!(statuses(&answers), [200, 200, 400], "{answers}");
    assert_eq!(scene.routed(), 2);
}

#[tokio::test]
async fn d_sizes_hold_at_the_limit_and_are_refused_one_over() {
    let scene = scene(|_| {}).await;
    let head = |bytes: usize| {
        let bare = format!("GET / HTTP/1.1\r\n{CLOSE}A: \r\n\r\n").len();
        format!("GET / HTTP/1.1\r\n{CLOSE}A: {}\r\n\r\n", "x".repeat(bytes - bare))
    };
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{CLOSE}{}\r\n", "A: b\r\n".repeat(count - 2));
    let target = |bytes: usize| format!("GET /{} HTTP/1.1\r\n{CLOSE}\r\n", "a".repeat(bytes - 1));
    let length = |bytes: usize| {
        format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: {bytes}\r\n\r\n{}", "x".repeat(bytes))
    };
    let chunked = |bytes: usize| {
        let (full, last) = (bytes / 1000, bytes % 1000);
        let chunks = format!("3e8\r\n{}\r\n", "x".repeat(1000)).repeat(full);
        let last = format!("{last:x}\r\n{}\r\n", "x".repeat(last));
        format!("POST / HTTP/1.1\r\n{CLOSE}Transfer-Encoding: chunked\r\n\r\n{chunks}{last}0\r\n\r\n")
    };
    let body = 256 * 1024;
    for (name, accepted, refused, status) in [
        ("head", head(16 * 1024), head(16 * 1024 + 1), 431),
        ("fields", fields(64), fields(65), 431),
        ("target", target(8 * 1024), target(8 * 1024 + 1), 414),
        ("body", length(body), length(body + 1), 413),
        ("chunks", chunked(body), chunked(body + 1), 413),
        ("far over", length(body), length(10 * body), 413),
    ] {
        let before = scene.routed();
        let answer = scene.exchange(&accepted).await;
        assert_eq!(statuses(&answer), [200], "{name}: {answer}");
        assert_eq!(scene.routed(), before + 1, "{name}");
        let answer = scene.exchange(&refused).await;
        assert_eq!(statuses(&answer), [status], "{name}: {answer}");
        assert!(answer.ends_with(".\n"), "{name}: {answer}");
    }
    assert!(scene.exchange(length(body)).await.contains("|262144 bytes]"));
    assert!(scene.exchange(chunked(body)).await.contains("|262144 bytes]"));
}

#[tokio::test]
async fn a_refused_upload_gets_its_answer_and_no_reset() {
    let scene = scene(|_| {}).await;
    let mut stream = scene.connect().await;
    let upload = post("Content-Length: 500000\r\n", "the first of it");
    stream.write_all(upload.as_bytes()).await.unwrap();
    let answer = until(&mut stream, "too large.\n").await;
    assert_eq!(statuses(&answer), [413], "{answer}");
    // A socket closed with bytes unread resets the connection, and the second write from here would fail.
    for _ in 0..3 {
        stream.write_all(b"more of it").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(until_closed(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_breaks_its_framing_under_way_is_answered_by_the_rule() {
    let scene = scene(|_| {}).await;
    let mut stream = scene.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    while scene.routed() == 0 {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"3 \r\nabc\r\n0\r\n\r\n").await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert_eq!(statuses(&answer), [400], "{answer}");
    assert!(answer.contains("chunk size"), "the handler's own 500 is replaced: {answer}");
}

#[tokio::test]
async fn rfc9110_s10_1_1_an_expected_100_is_sent_when_the_body_is_wanted() {
    let scene = scene(|_| {}).await;
    let mut stream = scene.connect().await;
    let head = format!("POST / HTTP/1.1\r\n{CLOSE}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    assert!(until_closed(&mut stream).await.ends_with("|hello]"));
}

#[tokio::test]
async fn a_body_that_nobody_reads_never_becomes_a_request() {
    let scene = scene(|_| {}).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let length = smuggled.len();
    let request = format!(
        "POST /unread HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n{smuggled}\
         GET /2 HTTP/1.1\r\n{CLOSE}\r\n"
    );
    let answers = scene.exchange(&request).await;
    assert_eq!(told(&answers), ["[GET /2|a.example|Http|127.0.0.1|false|]"], "{answers}");
}

#[tokio::test]
async fn b5_forwarding_fields_are_believed_from_the_configured_proxy_only() {
    let scene = scene(|config| config.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()]).await;
    let from = async |address: &str, fields: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(scene.address).await.unwrap();
        stream.write_all(format!("GET / HTTP/1.1\r\n{CLOSE}{fields}\r\n").as_bytes()).await.unwrap();
        until_closed(&mut stream).await
    };
    let fields = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: IDporten.example:443\r\n\
                  X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\nForwarded: host=evil.example\r\n";
    let answer = from("127.0.0.3", fields).await;
    assert_eq!(told(&answer), ["[GET /|a.example|Http|127.0.0.3|false|]"]);
    let answer = from("127.0.0.2", fields).await;
    assert_eq!(told(&answer), ["[GET /|idporten.example|Https|192.0.2.7|true|]"]);

    let routed = scene.routed();
    for refused in [
        "X-Forwarded-Proto: https, http\r\n",
        "X-Forwarded-Host: a.example\r\nX-Forwarded-Host: b.example\r\n",
        "X-Forwarded-Host: a.example, b.example\r\n",
        "X-Forwarded-Host: a@b\r\n",
        "X-Forwarded-For: unknown\r\n",
    ] {
        let answer = from("127.0.0.2", refused).await;
        assert_eq!(statuses(&answer), [400], "{refused}: {answer}");
    }
    assert_eq!(scene.routed(), routed);
    assert_eq!(statuses(&from("127.0.0.3", "X-Forwarded-Host: a, b\r\n").await), [200]);
}
