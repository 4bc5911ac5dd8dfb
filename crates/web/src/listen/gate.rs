//! The gate: stands between the socket and the HTTP library, and lets through only bytes that were judged.
//!
//! It follows the stream (head, body, head, body), so it knows for every byte which request it belongs to. A
//! head that the judge accepts stays where the socket read put it, in the library's own buffer; only what
//! arrives in pieces, and the rare absolute-form head, which is rewritten, is copied. A head that is refused
//! is replaced by a harmless one, and [`Turns`] tells the service to answer that one with the refusal: so the
//! library keeps doing the order of answers, the closing, and the dates.
//!
//! The gate also holds the peer to its deadlines. The library could time heads by itself, but only with a
//! timer installed (without one its setting is silently off), and it would count the rest between two
//! requests as slow.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::deadline::Deadline;
use super::limits::Limits;
use super::position::{Halt, Position};
use super::refusal::Refusal;
use super::turn::Turns;

/// What the library reads in place of a refused head. It closes, so the library asks for nothing more.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";

/// How much is read at a time of a head that comes in pieces: small, because such peers may be many.
const PIECE: usize = 1024;

/// After a refusal, how long and how much more of the request is taken and thrown away. Closing a socket with
/// unread bytes resets it, and the reset can overtake the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// A socket that yields judged bytes only.
pub(super) struct Gate<S> {
    socket: S,
    turns: Arc<Turns>,
    limits: Limits,
    position: Position,
    /// Bytes read but not judged: a head that is not complete.
    held: Vec<u8>,
    /// Bytes judged but not yet taken by the library, from `passed_at` on.
    passed: Vec<u8>,
    passed_at: usize,
    waiting: Deadline<Wait>,
    stalled: Deadline<Stall>,
    /// How often the socket took something of a reply.
    writes: u64,
    lingered: usize,
}

/// What the gate waits for on the reading side. The number of heads handed on tells one request's wait from the
/// next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    FirstByte,
    /// A rest, which begins anew with every write.
    NextHead {
        writes: u64,
    },
    RestOfHead(u64),
    RestOfBody(u64),
}

/// And on the writing side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stall {
    /// The peer takes nothing of the reply. Any progress begins the wait anew: the system reports some only when
    /// the peer has taken a good part of the socket's buffer, so dribbling reads do not count.
    Reply {
        writes: u64,
    },
    Linger,
}

impl<S> Gate<S> {
    pub(super) fn new(socket: S, turns: Arc<Turns>, limits: Limits) -> Gate<S> {
        Gate {
            socket,
            turns,
            limits,
            position: Position::Head,
            held: Vec::new(),
            passed: Vec::new(),
            passed_at: 0,
            waiting: Deadline::default(),
            stalled: Deadline::default(),
            writes: 0,
            lingered: 0,
        }
    }

    fn follow(&mut self, bytes: &[u8]) -> (usize, Option<Halt>) {
        self.position.follow(bytes, &self.turns, &self.limits)
    }

    /// Follows the stream through the held bytes, and moves what may pass to `passed`.
    fn settle(&mut self) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        loop {
            let (passing, halt) = self.follow(rest);
            let (pass, after) = rest.split_at_checked(passing).unwrap_or((rest, &[]));
            self.passed.extend_from_slice(pass);
            rest = after;
            match halt {
                None => return,
                Some(Halt::Partial) => {
                    self.held = rest.to_vec();
                    return;
                }
                Some(Halt::Absolute { head, start, path }) => {
                    self.passed.extend_from_slice(rest.get(..start).unwrap_or_default());
                    let origin = rest.get(path..head.length).unwrap_or_default();
                    if origin.first() != Some(&b'/') {
                        self.passed.push(b'/');
                    }
                    self.passed.extend_from_slice(origin);
                    rest = rest.get(head.length..).unwrap_or_default();
                    self.position.enter(head.body, &self.turns, &self.limits);
                }
                Some(Halt::Head(fault)) => return self.refuse_head(Refusal::Head(fault)),
                Some(Halt::Chunk(fault)) => return self.refuse_body(Refusal::Chunk(fault)),
            }
        }
    }

    fn refuse_head(&mut self, refusal: Refusal) {
        self.turns.hand_on();
        self.turns.refuse(refusal);
        self.held = Vec::new();
        self.passed.extend_from_slice(STAND_IN);
        self.position = Position::Closed;
    }

    fn refuse_body(&mut self, refusal: Refusal) {
        self.turns.refuse(refusal);
        self.position = Position::Broken;
    }

    /// Gives the library what was judged, as far as its buffer goes. Answers whether there was anything.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let rest = self.passed.get(self.passed_at..).unwrap_or_default();
        let (now, later) = rest.split_at_checked(buffer.remaining()).unwrap_or((rest, &[]));
        if now.is_empty() {
            return false;
        }
        buffer.put_slice(now);
        self.passed_at += now.len();
        if later.is_empty() {
            // Freed, not kept: a connection rests far longer than it works.
            self.passed = Vec::new();
            self.passed_at = 0;
        }
        true
    }

    /// Called when the peer has sent nothing more. `Ready`: its deadline has passed. Then `true` means that
    /// the request was refused for it and there is more to give, and `false` that the stream ends here.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let handed = self.turns.handed();
        let (wait, patience) = match self.position {
            Position::Head if !self.held.is_empty() => (Wait::RestOfHead(handed), self.limits.head_deadline),
            Position::Head if handed == 0 => (Wait::FirstByte, self.limits.head_deadline),
            Position::Head => (Wait::NextHead { writes: self.writes }, self.limits.idle_deadline),
            Position::Length(_) | Position::Chunked(_) => {
                (Wait::RestOfBody(handed), self.limits.body_deadline)
            }
            Position::Broken | Position::Closed => return Poll::Pending,
        };
        ready!(self.waiting.poll(context, wait, patience));
        match wait {
            Wait::FirstByte => Poll::Ready(false),
            Wait::NextHead { .. } if self.turns.under_way() || self.stalled.reason().is_some() => {
                // It is we who are slow, or the reply is not taken yet and has a deadline of its own.
                let _ = self.waiting.poll(context, wait, patience);
                Poll::Pending
            }
            Wait::NextHead { .. } => Poll::Ready(false),
            Wait::RestOfHead(_) => {
                self.refuse_head(Refusal::HeadTooSlow);
                Poll::Ready(true)
            }
            Wait::RestOfBody(_) => {
                self.refuse_body(Refusal::BodyTooSlow);
                Poll::Ready(true)
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Gate<S> {
    /// Reads into the library's buffer, and leaves there what may pass. `Ready(Ok(false))`: the peer has hung
    /// up.
    fn read_in_place(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let start = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        let fresh = buffer.filled().get(start..).unwrap_or_default();
        if fresh.is_empty() {
            return Poll::Ready(Ok(false));
        }
        let (passing, halt) = self.follow(fresh);
        if let Some(halt) = halt {
            self.held = fresh.get(passing..).unwrap_or_default().to_vec();
            if !matches!(halt, Halt::Partial) {
                self.settle();
            }
        }
        buffer.set_filled(start + passing);
        Poll::Ready(Ok(true))
    }

    /// Reads another piece of the head that is held. `Ready(Ok(false))`: the peer has hung up.
    fn read_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut piece = [0; PIECE];
        let mut piece = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut piece))?;
        if piece.filled().is_empty() {
            return Poll::Ready(Ok(false));
        }
        self.held.extend_from_slice(piece.filled());
        // Judged again per line, not per piece: a head has at most `Limits::fields` lines, so whoever sends
        // it byte by byte cannot make the work grow with the square of its length.
        if piece.filled().contains(&b'\n') || self.held.len() >= self.limits.head_bytes {
            self.settle();
        }
        Poll::Ready(Ok(true))
    }

    /// After the last answer, throws away what the peer still sends. See [`LINGER`].
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut waste = [0; PIECE];
        while self.lingered < LINGER_BYTES {
            let mut waste = ReadBuf::new(&mut waste);
            match Pin::new(&mut self.socket).poll_read(context, &mut waste) {
                Poll::Pending => return self.stalled.poll(context, Stall::Linger, LINGER),
                Poll::Ready(Ok(())) if !waste.filled().is_empty() => self.lingered += waste.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }

    /// Passes a write's progress on, unless the peer has taken nothing of the reply by the deadline.
    fn held_up<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            return progress;
        }
        let stall = Stall::Reply { writes: self.writes };
        ready!(self.stalled.poll(context, stall, self.limits.reply_deadline));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = &mut *self;
        let start = buffer.filled().len();
        loop {
            if gate.give(buffer) || buffer.filled().len() > start {
                return Poll::Ready(Ok(()));
            }
            let read = match gate.position {
                // Not the end of the stream: the library would take that for a hang-up and drop the answer
                // under way.
                Position::Closed => return Poll::Pending,
                Position::Broken => {
                    gate.position = Position::Closed;
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
                Position::Head if !gate.held.is_empty() => gate.read_piece(context),
                Position::Head | Position::Length(_) | Position::Chunked(_) => {
                    gate.read_in_place(context, buffer)
                }
            };
            match read {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if !ready!(gate.wait(context)) {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.writes += u64::from(written.is_ready());
        self.held_up(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, bytes);
        self.writes += u64::from(written.is_ready());
        self.held_up(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        if flushed.is_ready() {
            // The library flushes when it has written all it has: only here has the peer caught up.
            self.stalled.stop();
        }
        self.held_up(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = &mut *self;
        if gate.stalled.reason() != Some(Stall::Linger) {
            let shut = Pin::new(&mut gate.socket).poll_shutdown(context);
            ready!(gate.held_up(context, shut))?;
        }
        if !matches!(gate.position, Position::Head) {
            ready!(gate.linger(context));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
