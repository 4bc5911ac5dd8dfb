//! The clock, read in one place and handed on as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;

use portvakt_protocol::time::Timestamp;

/// Where the present comes from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that a test sets: seconds since the epoch. Never in a server that people use.
    pub fn danger_fixed(seconds: Arc<AtomicI64>) -> Self {
        Self(Source::Fixed(seconds))
    }

    /// The present.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(match &self.0 {
            Source::System => std::time::SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
            Source::Fixed(seconds) => seconds.load(Ordering::SeqCst),
        })
    }
}
