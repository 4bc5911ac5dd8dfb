//! A whole request body, for handlers.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// More than the handler takes: 413.
    TooLarge,
    /// It broke off, was misframed or too slow. The listener replaces whatever is answered by the rule
    /// broken.
    Broken,
}

/// Reads `body` to its end, at most `limit` bytes of it, chunked or not.
///
/// The listener holds every body to `Limits::body_bytes` already; this is for handlers that take less, and
/// for routers that run without a listener.
///
/// # Errors
/// The body is larger, or does not arrive whole. Nothing may be decided on a part of it.
pub async fn whole(body: Body, limit: usize) -> Result<Bytes, BodyFault> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(fault) if fault.is::<LengthLimitError>() => Err(BodyFault::TooLarge),
        Err(_) => Err(BodyFault::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_one_byte_over_is_refused() {
        assert_eq!(whole(Body::from("12345"), 4).await, Err(BodyFault::TooLarge));
        assert_eq!(whole(Body::from("1234"), 4).await, Ok(Bytes::from("1234")));
    }
}
