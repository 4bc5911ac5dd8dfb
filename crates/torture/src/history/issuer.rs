//! An issuer's signing keys: the first one is stored once (I1), an acknowledged one is shown (I2), and no signature is older
//! than the publication of its key (I5).

use std::collections::BTreeSet;

use super::{Bounds, Breach, Event, Invariant, Operation, Outcome, Verdict};

/// Judges one issuer's events, sorted by start.
pub(super) fn judge(events: &[&Event], bounds: &Bounds, verdict: &mut Verdict) {
    first_key(events, verdict);
    let sets: Vec<&Event> = events
        .iter()
        .copied()
        .filter(|event| event.operation == Operation::KeySet && event.is_done())
        .collect();
    for event in events {
        let what = match event.operation {
            Operation::FirstKey | Operation::Rotate if event.is_done() => {
                if let Some((set, what)) = lost_key(event, events, &sets, bounds) {
                    verdict.breaches.push(Breach::by(Invariant::I2, what, events, set));
                }
                None
            }
            Operation::Verify => {
                verdict.counts.signatures += 1;
                unpublished(event, &sets, bounds)
            }
            _ => None,
        };
        if let Some(what) = what {
            verdict.breaches.push(Breach::by(Invariant::I5, what, events, event));
        }
    }
}

fn first_key(events: &[&Event], verdict: &mut Verdict) {
    let attempts = || events.iter().copied().filter(|event| event.operation == Operation::FirstKey);
    verdict.counts.contested += u64::from(attempts().nth(1).is_some());
    let shown: BTreeSet<&str> = events
        .iter()
        .filter(|event| event.operation == Operation::KeySet && event.is_done())
        .flat_map(|event| event.kids.iter().map(String::as_str))
        .collect();
    let is_shown = |event: &Event| event.kids.iter().any(|kid| shown.contains(kid.as_str()));
    let successes: Vec<&Event> = attempts().filter(|event| event.is_done() || is_shown(event)).collect();
    if let [_, .., last] = successes.as_slice() {
        let what = format!("an issuer got {} first keys", successes.len());
        verdict.breaches.push(Breach::by(Invariant::I1, what, events, last));
    }
    for event in attempts().filter(|event| event.is_refused()) {
        let another =
            |other: &&Event| !std::ptr::eq(*other, event) && !other.is_refused() && other.start < event.end;
        if !attempts().any(|other| another(&other)) {
            let what = "a first key was refused though there was none".to_owned();
            verdict.breaches.push(Breach::by(Invariant::I2, what, events, event));
        }
    }
}

/// A JWK Set that lacks an acknowledged key, which no other key has taken the place of.
fn lost_key<'a>(
    key: &Event,
    events: &[&Event],
    sets: &[&'a Event],
    bounds: &Bounds,
) -> Option<(&'a Event, String)> {
    let kid = key.kids.first()?;
    let set = sets.iter().find(|set| {
        let bound = if set.node == key.node { 0 } else { bounds.copies };
        let is_later = key.end.saturating_add(bound) <= set.start
            && key.now.zip(set.now).is_none_or(|(key, set)| set >= key.saturating_add(bounds.skew));
        let may_be_replaced = events.iter().any(|event| {
            event.operation == Operation::Rotate
                && !event.is_refused()
                && !std::ptr::eq(*event, key)
                && event.end > key.start
                && event.start < set.end
        });
        is_later && !may_be_replaced && !set.kids.contains(kid)
    })?;
    Some((set, format!("the JWK Set lacks `{kid}`, whose storing was acknowledged")))
}

/// Why a signature is none that a sound issuer makes.
fn unpublished(signature: &Event, sets: &[&Event], bounds: &Bounds) -> Option<String> {
    if let Outcome::Refused(reason) = &signature.outcome {
        return Some(format!("a signature does not verify: {reason}"));
    }
    let kid = signature.kids.first()?;
    let shows = |set: &&&Event| set.kids.contains(kid);
    if !sets.iter().any(|set| shows(&set)) {
        return Some(format!("no JWK Set ever showed `{kid}`"));
    }
    let iat = signature.iat?;
    let lag = i64::try_from(bounds.copies.div_ceil(1_000_000)).unwrap_or(i64::MAX);
    let late = sets.iter().find(|set| {
        let was_shown =
            sets.iter().any(|other| shows(&other) && other.node == set.node && other.is_before(set));
        let after = set.now.is_some_and(|now| now > iat.saturating_add(bounds.skew).saturating_add(lag));
        after && !shows(set) && !was_shown
    })?;
    Some(format!(
        "`{kid}` signed at {iat}, and the JWK Set of {} did not show it at {}",
        late.node,
        late.now.unwrap_or_default()
    ))
}
