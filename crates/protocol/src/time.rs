//! Instants and spans in whole seconds. The protocol speaks in seconds (RFC 7519 §2, `NumericDate`), and a rule is handed
//! its `now`: nothing in this crate reads a clock.

use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// An instant: seconds since 1970-01-01T00:00:00Z (RFC 7519 §2 `NumericDate`, without fractions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `seconds` after the epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The span from `earlier` to this instant; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Seconds {
        Seconds(u32::try_from(self.0.saturating_sub(earlier.0).max(0)).unwrap_or(u32::MAX))
    }

    /// RFC 3339 in UTC, for people and logs.
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0).map_or_else(|_| self.0.to_string(), |at| at.to_string())
    }

    /// Reads RFC 3339 (`2016-12-01T12:00:00Z`); fractions of a second are dropped.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_second()))
    }
}

/// A span of whole seconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(u32);

impl Seconds {
    /// A span of `seconds`.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// A span of whole days.
    pub const fn days(days: u32) -> Self {
        Self(days.saturating_mul(86_400))
    }

    /// The number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Add<Seconds> for Timestamp {
    type Output = Self;
    fn add(self, span: Seconds) -> Self {
        Self(self.0.saturating_add(i64::from(span.0)))
    }
}

impl Sub<Seconds> for Timestamp {
    type Output = Self;
    fn sub(self, span: Seconds) -> Self {
        Self(self.0.saturating_sub(i64::from(span.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_before_another_is_no_span() {
        assert_eq!(Timestamp::from_unix(10).since(Timestamp::from_unix(11)), Seconds::new(0));
        assert_eq!(Timestamp::from_unix(11).since(Timestamp::from_unix(10)), Seconds::new(1));
    }

    #[test]
    fn rfc3339_reads_what_it_prints() {
        assert_eq!(Timestamp::from_rfc3339("yesterday"), None);
        let at = Timestamp::from_unix(1_480_593_600);
        assert_eq!(at.to_rfc3339(), "2016-12-01T12:00:00Z");
        assert_eq!(Timestamp::from_rfc3339(&at.to_rfc3339()), Some(at));
    }
}
