//! A strict reader of chunked framing (RFC 9112 §7.1), which finds where a body ends without keeping any of
//! it.

/// Bytes of chunk extensions that one body may carry in all. Nobody needs any; a proxy may add a short one.
const EXTENSION_BYTES: u32 = 256;

/// Sixteen hexadecimal digits fill a `u64`.
const SIZE_DIGITS: u32 = 16;

/// Where in a chunked body we are, and how much more of it is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunked {
    state: State,
    allowed: u64,
    extensions: u32,
}

/// The rule that a chunked body broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkFault {
    /// Not one to sixteen hexadecimal digits.
    Size,
    /// Extensions too long, or with a control byte.
    Extension,
    /// A chunk or its size line that does not end in CRLF.
    LineEnd,
    /// A field after the last chunk: none means anything here, and fields there have been merged into heads.
    Trailers,
    /// The chunks add up to more than a body may have.
    TooLarge,
}

/// How far a call to [`Chunked::follow`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes that belong to this body.
    pub(super) taken: usize,
    /// Whether the body ends there.
    pub(super) done: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Size { value: u64, digits: u32 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    EndCr,
    EndLf,
}

impl Chunked {
    /// A body of at most `allowed` bytes, not counting its framing.
    pub(super) fn new(allowed: u64) -> Chunked {
        Chunked { state: State::Size { value: 0, digits: 0 }, allowed, extensions: 0 }
    }

    /// Reads on through `bytes`, to their end or the body's.
    ///
    /// # Errors
    /// The rule broken. The reader then stands where it stood before the call.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<Progress, ChunkFault> {
        let mut reader = *self;
        let mut taken = 0;
        while let Some(byte) = bytes.get(taken).copied() {
            if let State::Data { left } = reader.state {
                let here = u64::try_from(bytes.len() - taken).unwrap_or(u64::MAX).min(left);
                taken += usize::try_from(here).unwrap_or(usize::MAX);
                reader.state = if here == left { State::DataCr } else { State::Data { left: left - here } };
                continue;
            }
            taken += 1;
            match reader.step(byte)? {
                Some(next) => reader.state = next,
                None => return Ok(Progress { taken, done: true }),
            }
        }
        *self = reader;
        Ok(Progress { taken, done: false })
    }

    /// One byte of framing. `None`: it was the last of the body.
    fn step(&mut self, byte: u8) -> Result<Option<State>, ChunkFault> {
        let next = match (self.state, byte) {
            (State::Size { value, digits }, _) => self.size(value, digits, byte)?,
            (State::Extension { size }, b'\r') => State::SizeLf { size },
            (State::Extension { size }, b'\t' | b' '..=b'~' | 0x80..) => {
                self.extensions += 1;
                if self.extensions > EXTENSION_BYTES {
                    return Err(ChunkFault::Extension);
                }
                State::Extension { size }
            }
            (State::Extension { .. }, _) => return Err(ChunkFault::Extension),
            (State::SizeLf { size: 0 }, b'\n') => State::EndCr,
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { value: 0, digits: 0 },
            (State::EndCr, b'\r') => State::EndLf,
            (State::EndCr, _) => return Err(ChunkFault::Trailers),
            (State::EndLf, b'\n') => return Ok(None),
            (State::SizeLf { .. } | State::DataCr | State::DataLf | State::EndLf, _) => {
                return Err(ChunkFault::LineEnd);
            }
            // `follow` passes over data itself.
            (State::Data { left }, _) => State::Data { left },
        };
        Ok(Some(next))
    }

    fn size(&mut self, value: u64, digits: u32, byte: u8) -> Result<State, ChunkFault> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            if digits == SIZE_DIGITS {
                return Err(ChunkFault::Size);
            }
            return Ok(State::Size { value: value << 4 | u64::from(digit), digits: digits + 1 });
        }
        if digits == 0 {
            return Err(ChunkFault::Size);
        }
        // Counted when announced, before a byte of the chunk has passed.
        self.allowed = self.allowed.checked_sub(value).ok_or(ChunkFault::TooLarge)?;
        match byte {
            b'\r' => Ok(State::SizeLf { size: value }),
            b';' => Ok(State::Extension { size: value }),
            _ => Err(ChunkFault::Size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(body: &[u8]) -> Result<Progress, ChunkFault> {
        Chunked::new(16).follow(body)
    }

    fn done(taken: usize) -> Result<Progress, ChunkFault> {
        Ok(Progress { taken, done: true })
    }

    #[test]
    fn rfc9112_s7_1_a_broken_chunk_is_refused_beside_its_nearest_accept() {
        let table: &[(&[u8], &[u8], ChunkFault)] = &[
            (b"3\r\nabc\r\n0\r\n\r\n", b"3\nabc\r\n0\r\n\r\n", ChunkFault::Size),
            (b"3\r\nabc\r\n0\r\n\r\n", b"3\rabc\r\n0\r\n\r\n", ChunkFault::LineEnd),
            (b"3\r\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", ChunkFault::LineEnd),
            (b"3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\n0\r\n\r\n", ChunkFault::LineEnd),
            (b"3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\nX: y\r\n\r\n", ChunkFault::Trailers),
            (b"3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\n\n", ChunkFault::Trailers),
            (b"3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\n\rX", ChunkFault::LineEnd),
            (b"3\r\nabc\r\n0\r\n\r\n", b"\r\n", ChunkFault::Size),
            (b"3\r\nabc\r\n0\r\n\r\n", b" 3\r\nabc\r\n0\r\n\r\n", ChunkFault::Size),
            (b"3\r\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n", ChunkFault::Size),
            (b"3\r\nabc\r\n0\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", ChunkFault::Size),
            (b"3\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", ChunkFault::Size),
            (b"3;a=b\r\nabc\r\n0\r\n\r\n", b"3;a\n=b\r\nabc\r\n0\r\n\r\n", ChunkFault::Extension),
            (b"3;a=b\r\nabc\r\n0\r\n\r\n", b"3;a\0\r\nabc\r\n0\r\n\r\n", ChunkFault::Extension),
            (b"0000000000000000\r\n\r\n", b"00000000000000000\r\n\r\n", ChunkFault::Size),
            (b"0\r\n\r\n", b"ffffffffffffffff\r\n", ChunkFault::TooLarge),
            (b"10\r\n0123456789abcdef\r\n0\r\n\r\n", b"11\r\n", ChunkFault::TooLarge),
            (b"8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n", b"8\r\n01234567\r\n9\r\n", ChunkFault::TooLarge),
        ];
        for (accepted, refused, fault) in table {
            assert_eq!(whole(accepted), done(accepted.len()), "{:?}", accepted.escape_ascii().to_string());
            assert_eq!(whole(refused), Err(*fault), "{:?}", refused.escape_ascii().to_string());
        }
    }

    #[test]
    fn extensions_are_counted_over_the_whole_body() {
        let body = |first: usize| {
            format!("1;{}\r\na\r\n0;{}\r\n\r\n", "x".repeat(first), "x".repeat(200)).into_bytes()
        };
        assert_eq!(whole(&body(56)), done(body(56).len()));
        assert_eq!(whole(&body(57)), Err(ChunkFault::Extension));
    }

    #[test]
    fn a_body_ends_at_the_same_byte_however_it_is_cut() {
        let body = b"3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\nGET /";
        let end = body.len() - 5;
        for cut in 0..end {
            let mut reader = Chunked::new(16);
            assert_eq!(reader.follow(&body[..cut]), Ok(Progress { taken: cut, done: false }));
            assert_eq!(reader.follow(&body[cut..]), Ok(Progress { taken: end - cut, done: true }));
        }
    }
}
