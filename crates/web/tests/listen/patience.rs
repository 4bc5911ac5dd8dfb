//! Peers that are slow, many or silent, and the listener's own end.

use std::time::{Duration, Instant};

use crate::scene::{LARGE, PATIENCE, SLOW, Scene, scene, short, statuses, told, until, until_closed};
use portvakt_web::listen::{Admission, Drained, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
const LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

/// Sends `bytes` one at a time until the server closes, and answers what it said.
async fn dribble(mut stream: TcpStream, bytes: &'static [u8]) -> String {
    let (mut reads, mut writes) = stream.split();
    let sending = async {
        for byte in bytes.iter().cycle() {
            if writes.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(500)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = until_closed(&mut reads) => answer,
        () = sending => unreachable!(),
    }
}

#[tokio::test]
async fn d_two_thousand_dribbling_sockets_stop_nobody_and_are_closed_at_the_deadline() {
    let scene = scene(|config| {
        short(&mut config.limits);
        config.limits.head_deadline = Duration::from_millis(2500);
        config.limits.connections_per_address = 3000;
        // Both ends of every connection are in this process.
        let files = Limits { connections: 2 * config.limits.connections, ..config.limits };
        config.admission = Admission::of_process(&files);
    })
    .await;
    let mut dribblers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..2000 {
        dribblers.spawn(dribble(scene.connect().await, b"GET /dribble"));
    }
    let mut answered = 0;
    while start.elapsed() < Duration::from_millis(1500) || answered < 5 {
        assert_eq!(statuses(&scene.exchange(LAST).await), [200]);
        answered += 1;
        sleep(Duration::from_millis(20)).await;
    }
    let all = timeout(PATIENCE, dribblers.join_all()).await.expect("all are closed");
    for answer in all {
        assert_eq!(statuses(&answer), [408], "{answer}");
    }
    assert_eq!(scene.routed(), answered, "no dribbler was routed");
}

#[tokio::test]
async fn d_a_peer_that_says_nothing_or_rests_too_long_is_closed_without_a_word() {
    let scene = scene(|config| short(&mut config.limits)).await;
    let silent = async { until_closed(&mut scene.connect().await).await };
    let resting = async {
        let mut stream = scene.connect().await;
        let start = Instant::now();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
        (until_closed(&mut stream).await, start.elapsed())
    };
    let (silent, (resting, lasted)) = tokio::join!(silent, resting);
    assert_eq!(silent, "");
    assert_eq!(statuses(&resting), [200], "{resting}");
    let rest = Duration::from_millis(700);
    assert!(lasted >= SLOW + rest, "the rest begins with the answer, not with the request: {lasted:?}");
}

#[tokio::test]
async fn d_a_body_that_dribbles_is_answered_408_and_never_taken_for_whole() {
    let scene = scene(|config| short(&mut config.limits)).await;
    for framing in ["Content-Length: 50", "Transfer-Encoding: chunked"] {
        let mut stream = scene.connect().await;
        let head = format!("POST / HTTP/1.1\r\nHost: a.example\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // Steady, well-framed, and too slow: three bytes a piece.
        let answer = dribble(stream, b"1\r\nx\r\n").await;
        assert_eq!(statuses(&answer), [408], "{framing}: {answer}");
    }
}

#[tokio::test]
async fn a_service_slower_than_every_deadline_is_waited_for() {
    let scene = scene(|config| {
        short(&mut config.limits);
        config.limits.idle_deadline = Duration::from_millis(50);
        config.limits.head_deadline = Duration::from_millis(300);
    })
    .await;
    let answer = scene.exchange("GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert_eq!(told(&answer), ["[GET /slow|a.example|Http|127.0.0.1|false|]"]);
}

/// Asks for more than socket buffers hold, reads nothing for `pause`, and answers how much came then.
async fn read_late(scene: &Scene, pause: Duration) -> usize {
    let mut stream = scene.connect().await;
    let request = b"GET /large HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    sleep(pause).await;
    let mut all = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("closed in the end");
    all.len()
}

#[tokio::test]
async fn d_a_peer_that_does_not_take_its_reply_is_cut_at_that_deadline_and_no_other() {
    let deadlines = async |reply: u64, idle: u64| {
        scene(|config| {
            config.limits.reply_deadline = Duration::from_millis(reply);
            config.limits.idle_deadline = Duration::from_millis(idle);
        })
        .await
    };
    let (cut, patient) = (deadlines(300, 60_000).await, deadlines(60_000, 300).await);
    let pause = Duration::from_millis(1500);
    let (cut, whole) = tokio::join!(read_late(&cut, pause), read_late(&patient, pause));
    assert!(cut < LARGE, "{cut} bytes");
    assert!(whole > LARGE, "a reply that is being read is no rest: {whole} bytes");
}

#[tokio::test]
async fn d_a_connection_over_the_cap_is_closed_at_once_and_has_a_place_again_later() {
    let scene = scene(|config| config.limits.connections_per_address = 2).await;
    let mut first = greeted(&scene).await;
    let mut second = greeted(&scene).await;
    let mut third = scene.connect().await;
    let start = Instant::now();
    let mut nothing = Vec::new();
    let _ = timeout(PATIENCE, third.read_to_end(&mut nothing)).await.expect("closed");
    assert!(nothing.is_empty() && start.elapsed() < Duration::from_secs(5));
    for stream in [&mut first, &mut second] {
        stream.write_all(LAST).await.unwrap();
        assert_eq!(statuses(&until_closed(stream).await), [200]);
    }
    let again = async {
        loop {
            let mut stream = scene.connect().await;
            let mut answer = Vec::new();
            if stream.write_all(LAST).await.is_ok()
                && stream.read_to_end(&mut answer).await.is_ok()
                && !answer.is_empty()
            {
                break;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("a place again");
}

/// A connection that has had one answer and rests.
async fn greeted(scene: &Scene) -> TcpStream {
    let mut stream = scene.connect().await;
    stream.write_all(GET).await.unwrap();
    until(&mut stream, "|]").await;
    stream
}

#[tokio::test]
async fn a_drain_finishes_requests_in_flight_and_closes_resting_connections() {
    let scene = scene(|_| {}).await;
    let address = scene.address;
    let mut resting = greeted(&scene).await;
    let mut silent = scene.connect().await;
    let mut working = scene.connect().await;
    working.write_all(b"GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
    while scene.routed() < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    let served = scene.stop();
    assert_eq!(until_closed(&mut resting).await, "");
    assert_eq!(until_closed(&mut silent).await, "");
    let answer = until_closed(&mut working).await;
    assert_eq!(statuses(&answer), [200], "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(timeout(PATIENCE, served).await.unwrap().unwrap(), Drained { cut: 0 });
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_drain_cuts_what_outlasts_its_deadline_and_says_so() {
    let scene = scene(|config| config.limits.drain_deadline = Duration::from_millis(200)).await;
    let mut stuck = scene.connect().await;
    stuck.write_all(b"GET /never HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
    while scene.routed() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let served = scene.stop();
    assert_eq!(timeout(PATIENCE, served).await.unwrap().unwrap(), Drained { cut: 1 });
    assert_eq!(until_closed(&mut stuck).await, "");
}
