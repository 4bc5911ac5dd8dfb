//! The one table from a broken rule of HTTP to what the peer is told.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use super::chunked::ChunkFault;
use super::judge::HeadFault;
use super::peer::ForwardedFault;

/// Why a request is answered by the listener and not by the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Head(HeadFault),
    Chunk(ChunkFault),
    Forwarded(ForwardedFault),
    /// The head was not complete by `Limits::head_deadline`.
    HeadTooSlow,
    /// The body was not complete by `Limits::body_deadline`.
    BodyTooSlow,
}

/// A row of the table: status, the rule's name in logs, and a sentence for whoever wrote the client.
pub(super) struct Ruling {
    pub(super) status: StatusCode,
    pub(super) rule: &'static str,
    pub(super) sentence: &'static str,
}

impl Refusal {
    /// The answer. It closes the connection: after a broken rule nobody knows where the next request starts.
    pub(super) fn response(self) -> Response<Body> {
        let ruling = self.ruling();
        let mut response = Response::new(Body::from(ruling.sentence));
        *response.status_mut() = ruling.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    pub(super) fn ruling(self) -> Ruling {
        match self {
            Refusal::Head(fault) => of_head(fault),
            Refusal::Chunk(fault) => of_chunk(fault),
            Refusal::Forwarded(ForwardedFault::Repeated) => bad(
                "forwarded_repeated",
                "X-Forwarded-Proto and X-Forwarded-Host must hold one value each.\n",
            ),
            Refusal::Forwarded(ForwardedFault::Invalid) => bad(
                "forwarded_invalid",
                "An X-Forwarded field does not hold a scheme, a host or addresses.\n",
            ),
            Refusal::HeadTooSlow => row(408, "head_too_slow", "The request head took too long to arrive.\n"),
            Refusal::BodyTooSlow => row(408, "body_too_slow", "The request body took too long to arrive.\n"),
        }
    }
}

fn of_head(fault: HeadFault) -> Ruling {
    match fault {
        HeadFault::RequestLine => {
            bad("request_line", "The request line must be exactly METHOD SP target SP HTTP/1.1.\n")
        }
        HeadFault::Method => bad("method", "The method must be a token.\n"),
        HeadFault::Version => row(505, "version", "Only HTTP/1.1 is spoken here.\n"),
        HeadFault::TargetForm => {
            bad("target_form", "The target must be a path, or an http or https URL of this host.\n")
        }
        HeadFault::TargetByte => {
            bad("target_byte", "The target holds a byte that must be percent-encoded there.\n")
        }
        HeadFault::TargetTooLong => row(414, "target_too_long", "The target is too long.\n"),
        HeadFault::TargetAuthority => {
            bad("target_authority", "The target names another host than the Host field.\n")
        }
        HeadFault::BareLf => bad("bare_lf", "A line must end with CR LF, not with LF alone.\n"),
        HeadFault::BareCr => bad("bare_cr", "A CR must be followed by LF.\n"),
        HeadFault::ControlByte => bad("control_byte", "The head holds a control byte.\n"),
        HeadFault::ObsFold => bad("obs_fold", "A field may not be folded over several lines.\n"),
        HeadFault::FieldName => bad("field_name", "Every field needs a name that is a token, and a colon.\n"),
        HeadFault::SpaceBeforeColon => {
            bad("space_before_colon", "No white space may stand between a field's name and its colon.\n")
        }
        HeadFault::HostMissing => bad("host_missing", "The Host field is missing.\n"),
        HeadFault::HostRepeated => bad("host_repeated", "There must be one Host field only.\n"),
        HeadFault::HostInvalid => {
            bad("host_invalid", "The Host field must be a host and an optional port.\n")
        }
        HeadFault::LengthAndCoding => {
            bad("length_and_coding", "Content-Length and Transfer-Encoding exclude each other.\n")
        }
        HeadFault::LengthRepeated => bad("length_repeated", "There must be one Content-Length only.\n"),
        HeadFault::LengthInvalid => bad("length_invalid", "Content-Length must be decimal digits.\n"),
        HeadFault::BodyTooLarge => row(413, "body_too_large", "The request body is too large.\n"),
        HeadFault::Coding => bad("coding", "Transfer-Encoding must be exactly one field: chunked.\n"),
        HeadFault::Expectation => row(417, "expectation", "Only 100-continue can be expected.\n"),
        HeadFault::HeadTooLarge => row(431, "head_too_large", "The request head is too large.\n"),
        HeadFault::TooManyFields => row(431, "too_many_fields", "The request head has too many fields.\n"),
    }
}

fn of_chunk(fault: ChunkFault) -> Ruling {
    match fault {
        ChunkFault::Size => {
            bad("chunk_size", "A chunk size must be one to sixteen hexadecimal digits and CR LF.\n")
        }
        ChunkFault::Extension => {
            bad("chunk_extension", "The chunk extensions are too long or hold a control byte.\n")
        }
        ChunkFault::LineEnd => bad("chunk_line_end", "A chunk must end with CR LF at its announced size.\n"),
        ChunkFault::Trailers => bad("chunk_trailers", "Trailer fields are not accepted.\n"),
        ChunkFault::TooLarge => row(413, "body_too_large", "The request body is too large.\n"),
    }
}

fn bad(rule: &'static str, sentence: &'static str) -> Ruling {
    Ruling { status: StatusCode::BAD_REQUEST, rule, sentence }
}

fn row(status: u16, rule: &'static str, sentence: &'static str) -> Ruling {
    Ruling { status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), rule, sentence }
}
