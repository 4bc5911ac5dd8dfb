//! The judge: one strict reading of a request head, made before the HTTP library sees it.
//!
//! The library is lenient where RFC 9112 allows leniency: it takes a bare LF for a line end, `Content-Length`
//! beside `Transfer-Encoding`, the same length twice, two `Host` fields, `CONNECT`. A proxy in front of us
//! may read such a head another way, and the difference between two readings is request smuggling (RFC 9112
//! §11.2). So a head that could be read in two ways is refused here, and what is accepted reads the same to
//! every parser (a property test holds that against the library). One pass over the bytes, no allocation, no
//! IO.

use super::authority;
use super::limits::Limits;

/// A head that has exactly one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes from the method to the empty line, both included.
    pub length: usize,
    /// How the target was written.
    pub target: TargetForm,
    /// Where the next head starts.
    pub body: BodyFraming,
}

/// The two forms of request target that a server which is no proxy can be asked for (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`.
    Origin,
    /// `http://host/path?query`, the authority being the `Host` field byte for byte.
    Absolute {
        /// Where the target starts in the head.
        start: usize,
        /// Where its path, query or end starts: the head without `start..path` is origin-form, but for a
        /// missing `/`.
        path: usize,
    },
}

/// How the body that follows a head is delimited (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// This many bytes; zero when there is neither `Content-Length` nor `Transfer-Encoding`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// The rule that a head broke. The table in `refusal` gives each its status and sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// Not exactly `METHOD SP target SP HTTP/1.1` (RFC 9112 §3). An empty line before it is refused too.
    RequestLine,
    /// The method is not a token (RFC 9110 §9.1).
    Method,
    /// Another version than HTTP/1.1.
    Version,
    /// CONNECT, authority-form or asterisk-form (RFC 9112 §3.2.3, §3.2.4).
    TargetForm,
    /// A byte that RFC 3986 allows in no path or query and that browsers encode, such as `#`, `\` or NUL.
    TargetByte,
    /// Longer than `Limits::target_bytes`.
    TargetTooLong,
    /// Absolute-form naming another authority than `Host` (RFC 9112 §3.2.2).
    TargetAuthority,
    /// LF without CR (RFC 9112 §2.2).
    BareLf,
    /// CR without LF.
    BareCr,
    /// NUL or another control byte (RFC 9110 §5.5).
    ControlByte,
    /// A line that starts with a space or tab (RFC 9112 §5.2).
    ObsFold,
    /// An empty field name, one that is no token, or a line without a colon.
    FieldName,
    /// White space between field name and colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// No `Host` (RFC 9112 §3.2).
    HostMissing,
    /// Two `Host` fields.
    HostRepeated,
    /// `Host` is no `host[:port]`.
    HostInvalid,
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112 §6.1).
    LengthAndCoding,
    /// Two `Content-Length` fields, equal ones too.
    LengthRepeated,
    /// `Content-Length` is not `1*DIGIT` (RFC 9110 §8.6).
    LengthInvalid,
    /// `Content-Length` above `Limits::body_bytes`.
    BodyTooLarge,
    /// `Transfer-Encoding` is not one field `chunked`.
    Coding,
    /// `Expect` is not `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// More than `Limits::head_bytes`.
    HeadTooLarge,
    /// More than `Limits::fields`.
    TooManyFields,
}

/// Reads the head at the start of `bytes`. `Ok(None)`: no rule is broken yet, and more bytes are needed.
///
/// # Errors
/// The first rule broken, reading from the left; what concerns the head as a whole (`Host`, framing) comes
/// last.
pub fn head(bytes: &[u8], limits: &Limits) -> Result<Option<Head>, HeadFault> {
    // What lies beyond the limit is never looked at: a head that does not end before it is too large.
    let window = bytes.get(..limits.head_bytes).unwrap_or(bytes);
    match read(window, limits) {
        Ok(head) => Ok(Some(head)),
        Err(Stop::Incomplete) if bytes.len() >= limits.head_bytes => Err(HeadFault::HeadTooLarge),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn read(bytes: &[u8], limits: &Limits) -> Result<Head, Stop> {
    let mut reader = Reader { bytes, at: 0 };
    let (target, form) = request_line(&mut reader, limits)?;
    let mut noted = Noted::default();
    let mut count = 0_usize;
    while !reader.at_empty_line()? {
        let (name, value) = field(&mut reader)?;
        count += 1;
        if count > limits.fields {
            return Err(HeadFault::TooManyFields.into());
        }
        noted.note(name, value)?;
    }
    let host = noted.host.ok_or(HeadFault::HostMissing)?;
    if !authority::is_valid(host) {
        return Err(HeadFault::HostInvalid.into());
    }
    if target.authority.is_some_and(|authority| authority != host) {
        return Err(HeadFault::TargetAuthority.into());
    }
    Ok(Head { length: reader.at, target: form, body: noted.framing(limits)? })
}

/// Why reading stopped before the end of the head.
enum Stop {
    Incomplete,
    Fault(HeadFault),
}

impl From<HeadFault> for Stop {
    fn from(fault: HeadFault) -> Stop {
        Stop::Fault(fault)
    }
}

// ---- the request line ----

struct Target<'a> {
    /// Present in absolute-form only.
    authority: Option<&'a [u8]>,
}

fn request_line<'a>(reader: &mut Reader<'a>, limits: &Limits) -> Result<(Target<'a>, TargetForm), Stop> {
    let method = reader.run(TOKEN);
    if reader.peek()? != b' ' {
        // An empty line first is tolerated by others (RFC 9112 §2.2 SHOULD); it also hides a body one byte
        // too long.
        return Err(reader.stop(if method.is_empty() { HeadFault::RequestLine } else { HeadFault::Method }));
    }
    if method.is_empty() {
        return Err(HeadFault::Method.into());
    }
    reader.at += 1;
    let start = reader.at;
    let target = reader.run(TARGET);
    if target.len() > limits.target_bytes {
        return Err(HeadFault::TargetTooLong.into());
    }
    match reader.peek()? {
        b' ' if !target.is_empty() => reader.at += 1,
        b' ' | b'\r' | b'\n' => return Err(reader.stop(HeadFault::RequestLine)),
        _ => return Err(HeadFault::TargetByte.into()),
    }
    version(reader)?;
    if method == b"CONNECT" {
        return Err(HeadFault::TargetForm.into());
    }
    if target.first() == Some(&b'/') {
        return Ok((Target { authority: None }, TargetForm::Origin));
    }
    let scheme = ["http://", "https://"].into_iter().find(|scheme| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    });
    let scheme = scheme.ok_or(HeadFault::TargetForm)?.len();
    let named = target.get(scheme..).unwrap_or_default();
    let length = named.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(named.len());
    let form = TargetForm::Absolute { start, path: start + scheme + length };
    Ok((Target { authority: named.get(..length) }, form))
}

/// `HTTP/1.1` and the line's end, byte by byte, so that a wrong version is refused as soon as it shows.
fn version(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let mut other = false;
    for expected in b"HTTP/1.1" {
        let byte = reader.peek()?;
        if byte != *expected {
            if !(expected.is_ascii_digit() && byte.is_ascii_digit()) {
                return Err(reader.stop(HeadFault::RequestLine));
            }
            other = true;
        }
        reader.at += 1;
    }
    if other {
        return Err(HeadFault::Version.into());
    }
    reader.line_end(HeadFault::RequestLine)
}

// ---- the fields ----

fn field<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), Stop> {
    let name = reader.run(TOKEN);
    match reader.peek()? {
        b':' if !name.is_empty() => reader.at += 1,
        b' ' | b'\t' if name.is_empty() => return Err(HeadFault::ObsFold.into()),
        b' ' | b'\t' => return Err(HeadFault::SpaceBeforeColon.into()),
        _ => return Err(reader.stop(HeadFault::FieldName)),
    }
    let value = reader.run(VALUE);
    // Every byte outside VALUE is CR, LF or a control byte.
    reader.line_end(HeadFault::ControlByte)?;
    Ok((name, value))
}

/// The fields that decide framing and addressing; all others pass unread.
#[derive(Default)]
struct Noted<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
}

impl<'a> Noted<'a> {
    fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), HeadFault> {
        // The length alone rules nearly every field out.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => once(&mut self.host, value, HeadFault::HostRepeated),
            6 if name.eq_ignore_ascii_case(b"expect") => {
                let known = value.trim_ascii().eq_ignore_ascii_case(b"100-continue");
                if known { Ok(()) } else { Err(HeadFault::Expectation) }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                once(&mut self.length, value, HeadFault::LengthRepeated)
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                once(&mut self.coding, value, HeadFault::Coding)
            }
            _ => Ok(()),
        }
    }

    fn framing(&self, limits: &Limits) -> Result<BodyFraming, HeadFault> {
        match (self.length, self.coding) {
            (None, None) => Ok(BodyFraming::Length(0)),
            (Some(_), Some(_)) => Err(HeadFault::LengthAndCoding),
            (None, Some(b"chunked")) => Ok(BodyFraming::Chunked),
            (None, Some(_)) => Err(HeadFault::Coding),
            (Some(digits), None) => {
                let length = decimal(digits).ok_or(HeadFault::LengthInvalid)?;
                if length > limits.body_bytes {
                    return Err(HeadFault::BodyTooLarge);
                }
                Ok(BodyFraming::Length(length))
            }
        }
    }
}

fn once<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8], repeated: HeadFault) -> Result<(), HeadFault> {
    match slot.replace(value.trim_ascii()) {
        None => Ok(()),
        Some(_) => Err(repeated),
    }
}

/// `1*DIGIT`. A number beyond `u64` is as good as the largest: every limit is below it.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_u64, |value, digit| {
        value.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
    });
    Some(value)
}

// ---- bytes ----

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const VALUE: u8 = 4;

/// Which classes each byte belongs to.
static CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a wrong index is an error")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = class(byte);
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

const fn class(byte: u8) -> u8 {
    let mut class = 0;
    // RFC 9110 §5.6.2.
    if matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\''
        | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
    {
        class |= TOKEN;
    }
    // Visible ASCII, less what may end a URI in prose or start a fragment. Browsers leave `{|}^[]` as they
    // are.
    if matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'`') {
        class |= TARGET;
    }
    // RFC 9110 §5.5: visible, obs-text, space and tab.
    if matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xFF) {
        class |= VALUE;
    }
    class
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Incomplete)
    }

    /// The longest run of bytes of `class`, passed over.
    fn run(&mut self, class: u8) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let inside = |byte: &u8| CLASSES.get(usize::from(*byte)).is_some_and(|classes| classes & class != 0);
        let length = rest.iter().position(|byte| !inside(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Whether the next line is the empty one, passing over it.
    fn at_empty_line(&mut self) -> Result<bool, Stop> {
        if self.peek()? != b'\r' {
            return Ok(false);
        }
        self.line_end(HeadFault::BareCr)?;
        Ok(true)
    }

    fn line_end(&mut self, otherwise: HeadFault) -> Result<(), Stop> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"\r\n")) {
            self.at += 2;
            return Ok(());
        }
        Err(self.stop(otherwise))
    }

    /// Names what is wrong with the byte we stand on: line ends and control bytes by name, `otherwise` for
    /// the rest.
    fn stop(&self, otherwise: HeadFault) -> Stop {
        let fault = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
            (None, _) | (Some(b'\r'), None) => return Stop::Incomplete,
            (Some(b'\r'), Some(b'\n')) | (Some(b'\t'), _) => otherwise,
            (Some(b'\r'), Some(_)) => HeadFault::BareCr,
            (Some(b'\n'), _) => HeadFault::BareLf,
            (Some(byte), _) if byte.is_ascii_control() => HeadFault::ControlByte,
            (Some(_), _) => otherwise,
        };
        Stop::Fault(fault)
    }
}

#[cfg(test)]
mod tests;
