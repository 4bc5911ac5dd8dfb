//! Faults and what follows them (I8).

use super::{Bounds, Breach, Event, Invariant, Operation, Outcome, UNENDED, Verdict};

/// Judges every fault, and every answer that only a fault excuses.
pub(super) fn judge(events: &[&Event], bounds: &Bounds, verdict: &mut Verdict) {
    let faults: Vec<&Event> =
        events.iter().copied().filter(|event| event.operation == Operation::Fault).collect();
    for fault in &faults {
        if fault.end == UNENDED {
            continue;
        }
        let horizon = fault.end.saturating_add(bounds.recovery);
        let succeeds = |event: &&&Event| {
            event.operation.writes() && event.is_done() && event.start >= fault.end && event.end <= horizon
        };
        if events.iter().any(|event| succeeds(&event)) {
            verdict.counts.recovered += 1;
            continue;
        }
        // Whatever broke next is judged in its own turn.
        let goes_on = |other: &&Event| other.start < horizon && other.end > fault.end;
        if !faults.iter().any(goes_on) {
            let what = format!("nothing succeeded within {} s of a fault's end", bounds.recovery / 1_000_000);
            verdict.breaches.push(Breach::by(Invariant::I8, what, events, fault));
        }
    }
    for event in events {
        let Outcome::Failed(how) = &event.outcome else { continue };
        let excuses = |fault: &&Event| {
            fault.start < event.end && event.start < fault.end.saturating_add(bounds.recovery)
        };
        if !faults.iter().any(excuses) {
            let what = format!("{:?} failed while nothing was broken: {how}", event.operation);
            verdict.breaches.push(Breach::by(Invariant::I8, what, events, event));
        }
    }
}
