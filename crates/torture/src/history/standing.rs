//! Clients, persons and scopes: each is active, or given, or not, as the last write says. Writes may overlap each other and the reads.

use std::collections::BTreeMap;

use super::effect::latest;
use super::{Bounds, Breach, Event, Invariant, Kind, Operation, Verdict};

/// What the history writes about every client, person and scope.
#[derive(Debug)]
pub(super) struct Standings<'a> {
    things: BTreeMap<(Kind, &'a str), Standing<'a>>,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Standing<'a> {
    writes: Vec<&'a Event>,
    reads: Vec<&'a Event>,
}

impl<'a> Standings<'a> {
    /// Reads the writes out of a history, sorted by start.
    pub(super) fn of(events: &[&'a Event], bounds: &Bounds) -> Self {
        let mut things: BTreeMap<(Kind, &str), Standing<'_>> = BTreeMap::new();
        for event in events {
            let kind = event.operation.kind();
            if !matches!(kind, Kind::Client | Kind::Person | Kind::Scope) {
                continue;
            }
            let thing = things.entry((kind, &event.about)).or_default();
            if event.operation.writes() { &mut thing.writes } else { &mut thing.reads }.push(event);
        }
        Self { things, bounds: *bounds }
    }

    /// Whether the client, person or scope may have been `active`, or not, at some moment of `event`, as its node may know it. Whoever
    /// is never written about has been active from the beginning.
    pub(super) fn may_be(&self, kind: Kind, name: &str, active: bool, event: &Event) -> bool {
        match self.things.get(&(kind, name)) {
            Some(thing) if !thing.writes.is_empty() => thing.may_be(active, event, &self.bounds),
            Some(_) | None => active,
        }
    }

    /// Judges every read, and every refused write.
    pub(super) fn judge(&self, verdict: &mut Verdict) {
        for ((kind, name), thing) in &self.things {
            let mut breach = |invariant, what: String, event: &Event| {
                let mut shown = thing.writes.clone();
                shown.extend(&thing.reads);
                shown.sort_by_key(|event| event.start);
                verdict.breaches.push(Breach::by(invariant, what, &shown, event));
            };
            for event in &thing.reads {
                if event.is_done() && !self.may_be(*kind, name, true, event) {
                    let what = format!("`{name}` is taken for active when it is not");
                    breach(Invariant::I4, what, event);
                } else if event.is_refused() && !self.may_be(*kind, name, false, event) {
                    breach(Invariant::I2, format!("`{name}` is active, and refused"), event);
                }
            }
            for event in thing.writes.iter().filter(|event| event.is_refused()) {
                if event.operation == Operation::Register && !thing.may_be(true, event, &self.bounds) {
                    breach(
                        Invariant::I2,
                        format!("the registration of `{name}` is refused without a cause"),
                        event,
                    );
                }
            }
        }
    }
}

impl Standing<'_> {
    fn may_be(&self, active: bool, event: &Event, bounds: &Bounds) -> bool {
        let bound = |write: &Event| if write.node == event.node { 0 } else { bounds.copies };
        // The last start among the writes that are certain to be seen by then: what had ended before it is overwritten.
        let overwritten_until = self
            .writes
            .iter()
            .filter(|write| write.is_done() && write.end.saturating_add(bound(write)) <= event.start)
            .map(|write| write.start)
            .max();
        // What is withdrawn first was active before the history begins, and what is registered first was not there.
        let first = self.writes.first().is_some_and(|write| gives_activity(write.operation));
        if overwritten_until.is_none() && active != first {
            return true;
        }
        self.writes.iter().any(|write| {
            !write.is_refused()
                && !std::ptr::eq(*write, event)
                && write.start < event.end
                && overwritten_until.is_none_or(|from| latest(write, bounds) >= from)
                && gives_activity(write.operation) == active
        })
    }
}

/// Whether a write gives, where others take.
pub(super) fn gives_activity(operation: Operation) -> bool {
    matches!(operation, Operation::Register | Operation::Activate | Operation::Admit | Operation::GiveScope)
}
