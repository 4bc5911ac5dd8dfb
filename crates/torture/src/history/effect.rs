//! One effect that stays once it is there, and what a history tells of it.

use super::{Bounds, Event, Outcome};

/// What is known of an effect from those who asked for it and those who saw it, or saw that it was missing.
#[derive(Debug, Default)]
pub(super) struct Effect<'a> {
    attempts: Vec<Attempt<'a>>,
    /// The end of the first event that shows it.
    sure_from: Option<u64>,
    /// Starts and ends of the events that show its lack.
    lacks: Vec<(u64, u64)>,
    /// It was there before the history begins.
    given: bool,
}

#[derive(Clone, Copy, Debug)]
struct Attempt<'a> {
    event: &'a Event,
    /// Until when it may take effect, if it has not.
    latest: u64,
}

impl<'a> Effect<'a> {
    /// One that was there before the history begins, if `given`.
    pub(super) fn given(given: bool) -> Self {
        Self { given, sure_from: given.then_some(0), ..Self::default() }
    }

    /// This event may have brought it about. A refused one has not.
    pub(super) fn attempted(&mut self, event: &'a Event, bounds: &Bounds) {
        if event.is_refused() {
            return;
        }
        self.possible_cause(event, bounds);
        if event.is_done() {
            self.seen(event.end);
        }
    }

    /// This event may have brought it about, though its answer says nothing of that.
    pub(super) fn possible_cause(&mut self, event: &'a Event, bounds: &Bounds) {
        self.attempts.push(Attempt { event, latest: latest(event, bounds) });
    }

    /// An event that ended then shows that it is there.
    pub(super) fn seen(&mut self, end: u64) {
        self.sure_from = Some(self.sure_from.map_or(end, |known| known.min(end)));
    }

    /// This event shows that it was not there at some moment between its start and its end.
    pub(super) fn missed(&mut self, event: &Event) {
        self.lacks.push((event.start, event.end));
    }

    /// Whether it is there for certain when `event` begins.
    pub(super) fn is_sure(&self, event: &Event) -> bool {
        self.sure_from.is_some_and(|from| from <= event.start)
    }

    /// The end of the first event that shows it.
    pub(super) fn sure_from(&self) -> Option<u64> {
        self.sure_from
    }

    /// Whether it was there before the history begins.
    pub(super) fn is_given(&self) -> bool {
        self.given
    }

    /// Whether it is there for certain, sooner or later.
    pub(super) fn is_sure_in_the_end(&self) -> bool {
        self.sure_from.is_some()
    }

    /// Whether somebody else than `event` may have brought it about before `event` ended.
    pub(super) fn is_possible(&self, event: &Event) -> bool {
        let missing_at =
            self.lacks.iter().filter(|(_, end)| *end <= event.start).map(|(start, _)| *start).max();
        self.given
            || self.attempts.iter().any(|attempt| {
                !std::ptr::eq(attempt.event, event)
                    && attempt.event.start < event.end
                    && missing_at.is_none_or(|missing| attempt.latest > missing)
            })
    }

    /// Whether it may be brought about once more while `event` lasts.
    pub(super) fn may_change_during(&self, event: &Event) -> bool {
        self.attempts.iter().any(|attempt| attempt.event.start < event.end && attempt.latest > event.start)
    }

    /// Whether it may be there when everything has come to rest.
    pub(super) fn is_possible_in_the_end(&self) -> bool {
        let missing_at = self.lacks.iter().map(|(start, _)| *start).max();
        self.is_sure_in_the_end()
            || self.attempts.iter().any(|attempt| missing_at.is_none_or(|missing| attempt.latest > missing))
    }
}

/// Until when an event may take effect.
pub(super) fn latest(event: &Event, bounds: &Bounds) -> u64 {
    match event.outcome {
        Outcome::Done | Outcome::Refused(_) => event.end,
        Outcome::Unknown | Outcome::Failed(_) => {
            bounds.unknown.map_or(super::UNENDED, |longer| event.end.saturating_add(longer))
        }
    }
}
