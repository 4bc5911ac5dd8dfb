//! A broken invariant, and the events that show it.

use std::fmt;

use super::Event;

/// What must hold whatever breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// What is used once succeeds at most once.
    I1,
    /// Every acknowledged effect is visible to every later read on every node, and nothing is visible that nobody asked for.
    I2,
    /// Every refresh family has at most one unspent leaf: of the tokens that one refresh token gave, those of one attempt live, and none
    /// gives anything once its successor was used.
    I3,
    /// Nothing lives under a revoked grant, a deactivated client or person, or with a withdrawn scope.
    I4,
    /// Every signature verifies against a JWK Set that was published before its `iat`.
    I5,
    /// Nothing is accepted past its end and the clocks' tolerance.
    I6,
    /// Every success has its audit record, and every audit record its effect.
    I7,
    /// When faults have stopped the service succeeds again by itself, in time.
    I8,
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which one.
    pub invariant: Invariant,
    /// What happened, in a sentence.
    pub what: String,
    /// The events that show it, one a line, the one that broke it marked.
    pub shown: String,
}

/// So many events are shown before and after the one that broke the invariant.
const AROUND: usize = 40;

impl Breach {
    /// A breach by one of `events`.
    pub(super) fn by(
        invariant: Invariant,
        what: impl Into<String>,
        events: &[&Event],
        culprit: &Event,
    ) -> Self {
        let at = events.iter().position(|event| std::ptr::eq(*event, culprit)).unwrap_or(0);
        let first = at.saturating_sub(AROUND);
        let mut shown = String::new();
        if first > 0 {
            shown.push_str(&format!("  ({first} events before)\n"));
        }
        for event in events.iter().skip(first).take(2 * AROUND) {
            let mark = if std::ptr::eq(*event, culprit) { "  <-- here" } else { "" };
            shown.push_str(&format!("  {event}{mark}\n"));
        }
        Self { invariant, what: what.into(), shown }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}\n{}", self.invariant, self.what, self.shown)
    }
}
