//! Where in a connection's stream of requests we are, and how far bytes carry us.

use super::chunked::{ChunkFault, Chunked};
use super::judge::{self, BodyFraming, Head, HeadFault, TargetForm};
use super::limits::Limits;
use super::turn::Turns;

/// Where in the stream the next unjudged byte stands.
pub(super) enum Position {
    Head,
    /// In a body with this many bytes to come.
    Length(u64),
    Chunked(Chunked),
    /// A body broke a rule: the library is told once, by a read error, and then nothing more.
    Broken,
    /// Nothing after this is read as HTTP.
    Closed,
}

/// Why following the stream stopped before the end of what was read.
pub(super) enum Halt {
    /// A head that goes on in bytes yet to come.
    Partial,
    /// A head in absolute-form, to be rewritten and entered by the caller.
    Absolute {
        head: Head,
        start: usize,
        path: usize,
    },
    Head(HeadFault),
    Chunk(ChunkFault),
}

impl Position {
    /// Follows the stream through `bytes`, counting each head into `turns`. Answers how many bytes may pass, and why
    /// not all: then the position is before the first byte that may not.
    pub(super) fn follow(&mut self, bytes: &[u8], turns: &Turns, limits: &Limits) -> (usize, Option<Halt>) {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return (at, None);
            }
            match self {
                Position::Head => match judge::head(rest, limits) {
                    Ok(None) => return (at, Some(Halt::Partial)),
                    Err(fault) => return (at, Some(Halt::Head(fault))),
                    Ok(Some(head)) => {
                        if let TargetForm::Absolute { start, path } = head.target {
                            return (at, Some(Halt::Absolute { head, start, path }));
                        }
                        at += head.length;
                        self.enter(head.body, turns, limits);
                    }
                },
                Position::Length(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= u64::try_from(here).unwrap_or(*left);
                    at += here;
                    if *left == 0 {
                        *self = Position::Head;
                    }
                }
                Position::Chunked(reader) => match reader.follow(rest) {
                    Err(fault) => return (at, Some(Halt::Chunk(fault))),
                    Ok(progress) => {
                        at += progress.taken;
                        if progress.done {
                            *self = Position::Head;
                        }
                    }
                },
                Position::Broken | Position::Closed => return (at, None),
            }
        }
    }

    /// A head has been handed on, and its body follows.
    pub(super) fn enter(&mut self, body: BodyFraming, turns: &Turns, limits: &Limits) {
        turns.hand_on();
        *self = match body {
            BodyFraming::Length(0) => Position::Head,
            BodyFraming::Length(length) => Position::Length(length),
            BodyFraming::Chunked => Position::Chunked(Chunked::new(limits.body_bytes)),
        };
    }
}
