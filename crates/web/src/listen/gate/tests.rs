//! The gate alone: what goes in, however it is cut, and what comes out.

use std::collections::VecDeque;

use tokio::io::AsyncReadExt;

use super::*;
use crate::listen::chunked::ChunkFault;
use crate::listen::judge::HeadFault;

/// A peer whose bytes arrive in these pieces, one per read, and who then hangs up.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn gate(pieces: &[&[u8]]) -> (Gate<Pieces>, Arc<Turns>) {
    let turns = Arc::new(Turns::default());
    let pieces =
        Pieces(pieces.iter().filter(|piece| !piece.is_empty()).map(|piece| piece.to_vec()).collect());
    (Gate::new(pieces, Arc::clone(&turns), Limits::default()), turns)
}

/// Everything that the gate lets through until it ends, errs or falls silent.
async fn through(gate: &mut Gate<Pieces>, buffer: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = vec![0; buffer];
    let silence = Duration::from_millis(5);
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(silence, gate.read(&mut buffer)).await {
        all.extend_from_slice(&buffer[..count]);
    }
    all
}

const STREAM: &[u8] = b"POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello\
    GET http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n\
    POST http://a.example/b HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n\
    5\r\nGET /\r\n0\r\n\r\n\
    GET /c HTTP/1.1\r\nHost: a.example\r\n\r\n";

const PASSED: &[u8] = b"POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello\
    GET / HTTP/1.1\r\nHost: a.example\r\n\r\n\
    POST /b HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n\
    5\r\nGET /\r\n0\r\n\r\n\
    GET /c HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[tokio::test]
async fn a_stream_passes_the_same_however_it_is_cut() {
    for cut in 0..STREAM.len() {
        let (mut gate, turns) = gate(&[&STREAM[..cut], &STREAM[cut..]]);
        let passed = through(&mut gate, 4096).await;
        assert_eq!(passed.escape_ascii().to_string(), PASSED.escape_ascii().to_string(), "cut at {cut}");
        assert_eq!(turns.handed(), 4, "cut at {cut}");
    }
    for buffer in [1, 7, 50] {
        let pieces: Vec<&[u8]> = STREAM.chunks(3).collect();
        let (mut gate, turns) = gate(&pieces);
        let passed = through(&mut gate, buffer).await;
        assert_eq!(
            passed.escape_ascii().to_string(),
            PASSED.escape_ascii().to_string(),
            "buffer of {buffer}"
        );
        assert_eq!(turns.handed(), 4);
    }
}

#[tokio::test]
async fn a_refused_head_is_replaced_and_nothing_after_it_passes() {
    let bad = b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\nGET /after HTTP/1.1\r\n";
    let stream = [STREAM, bad].concat();
    let expected = [PASSED, STAND_IN].concat();
    for cut in [0, 1, STREAM.len() - 1, STREAM.len(), STREAM.len() + 20, stream.len() - 3] {
        let (mut gate, turns) = gate(&[&stream[..cut], &stream[cut..]]);
        let passed = through(&mut gate, 4096).await;
        assert_eq!(passed.escape_ascii().to_string(), expected.escape_ascii().to_string(), "cut at {cut}");
        assert_eq!(turns.refusal_of(5), Some(Refusal::Head(HeadFault::HostRepeated)));
        assert_eq!(turns.refusal_of(4), None);
    }
}

#[tokio::test]
async fn a_broken_body_refuses_the_request_that_it_belongs_to() {
    let head = b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n";
    let stream = [head, &b"3\r\nabc\r\nzz\r\n"[..]].concat();
    for cut in 0..stream.len() {
        let (mut gate, turns) = gate(&[&stream[..cut], &stream[cut..]]);
        let passed = through(&mut gate, 4096).await;
        assert!(stream.starts_with(&passed) && passed.len() >= head.len(), "cut at {cut}");
        assert_eq!(turns.refusal_of(1), Some(Refusal::Chunk(ChunkFault::Size)), "cut at {cut}");
    }
}
