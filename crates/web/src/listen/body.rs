//! A whole request body, for handlers.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// More than the handler takes: 413.
    TooLarge,
    /// It broke off, was misframed or too slow. The listener replaces whatever is answered by the rule
    /// broken.
    Broken,
}

/// Reads `body` to its end, chunked or not, and keeps at most `limit` bytes of it.
///
/// What is too much is read too, and dropped, so that the answer finds a caller who has sent everything and
/// listens. The listener's `Limits::body_bytes` bounds that.
///
/// # Errors
/// The body is larger, or does not arrive whole. Nothing may be decided on a part of it.
pub async fn whole(mut body: Body, limit: usize) -> Result<Bytes, BodyFault> {
    let (mut kept, mut is_over) = (BytesMut::new(), false);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        is_over = is_over || kept.len().saturating_add(data.len()) > limit;
        if is_over {
            kept.clear();
        } else {
            kept.extend_from_slice(&data);
        }
    }
    if is_over { Err(BodyFault::TooLarge) } else { Ok(kept.freeze()) }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use axum::body::HttpBody;
    use hyper::body::Frame;

    use super::*;

    /// A body in parts, the last of which may be a failure; and how many are left.
    struct Parts(Vec<Result<&'static str, ()>>, Arc<AtomicUsize>);

    impl HttpBody for Parts {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let next = self.0.pop();
            self.1.store(self.0.len(), Ordering::Relaxed);
            let failure = |()| std::io::Error::other("broken off");
            Poll::Ready(next.map(|part| part.map(|text| Frame::data(Bytes::from(text))).map_err(failure)))
        }
    }

    #[tokio::test]
    async fn what_is_too_much_is_read_to_its_end() {
        for (last, read) in [(Ok("6"), BodyFault::TooLarge), (Err(()), BodyFault::Broken)] {
            let left = Arc::new(AtomicUsize::new(9));
            let body = Parts(vec![last, Ok("45"), Ok("123")], Arc::clone(&left));
            assert_eq!(whole(Body::new(body), 4).await, Err(read));
            assert_eq!(left.load(Ordering::Relaxed), 0);
        }
        let body = Parts(vec![Ok("3"), Ok("12")], Arc::default());
        assert_eq!(whole(Body::new(body), 4).await, Ok(Bytes::from("123")));
    }

    #[tokio::test]
    async fn a_body_one_byte_over_is_refused() {
        assert_eq!(whole(Body::from("12345"), 4).await, Err(BodyFault::TooLarge));
        assert_eq!(whole(Body::from("1234"), 4).await, Ok(Bytes::from("1234")));
    }
}
