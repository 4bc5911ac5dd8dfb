//! Why a login's step may be refused, and what follows when only one cause is left.

use std::collections::BTreeMap;

use super::super::effect::Effect;
use super::super::standing::Standings;
use super::super::{Bounds, Event, Invariant, Kind, Operation, Outcome};
use super::Login;

/// Why a sound server may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// What it rests on is not there.
    Missing,
    /// It was used before.
    Used,
    /// It has ended.
    Over,
    /// It was taken back.
    Revoked,
    /// Client or person are not active.
    Withdrawn,
    /// Other evidence came in between.
    Overtaken,
}

/// What a refusal says of its cause.
fn named(operation: Operation, reason: &str) -> &'static [Cause] {
    use Cause::{Missing, Over, Overtaken, Revoked, Used, Withdrawn};
    match reason {
        "replayed" | "finished" => &[Used],
        "expired" => &[Over],
        "revoked" => &[Revoked],
        "superseded" => &[Overtaken],
        "invalid_client" | "unauthorized_client" | "stopped" => &[Withdrawn],
        "unknown" if operation == Operation::Redeem => &[Missing, Over, Withdrawn],
        "unknown" => &[Missing, Over],
        "invalid_grant" => &[Missing, Used, Over, Withdrawn],
        // RFC 6749 §5.2 has one error for a code that is no good.
        _ if operation == Operation::Redeem => &[],
        _ => &[Missing, Used, Over, Revoked, Withdrawn, Overtaken],
    }
}

impl<'a> Login<'a> {
    /// What refusals say when all but one cause are impossible: a replay that was refused has revoked (RFC 6749 §4.1.2).
    pub(super) fn conclude(&mut self, events: &[&'a Event], standings: &Standings<'_>, bounds: &Bounds) {
        let redemptions = || events.iter().copied().filter(|event| event.operation == Operation::Redeem);
        for event in redemptions() {
            let may_be_replay = !event.is_done()
                && redemptions().any(|other| !std::ptr::eq(other, event) && !other.is_refused());
            let says_replay = match &event.outcome {
                Outcome::Refused(reason) => named(Operation::Redeem, reason).contains(&Cause::Used),
                _ => true,
            };
            if may_be_replay && says_replay {
                self.revoked.possible_cause(event, bounds);
            }
        }
        for event in redemptions() {
            if self.has_only_cause(Cause::Used, event, standings, bounds) {
                self.redeemed.seen(event.end);
                self.revoked.seen(event.end);
            }
        }
        for event in events.iter().filter(|event| event.operation == Operation::Userinfo) {
            if self.has_only_cause(Cause::Revoked, event, standings, bounds) {
                self.revoked.seen(event.end);
            }
        }
    }

    fn has_only_cause(
        &self,
        cause: Cause,
        event: &Event,
        standings: &Standings<'_>,
        bounds: &Bounds,
    ) -> bool {
        let Outcome::Refused(reason) = &event.outcome else { return false };
        let mut possible =
            named(event.operation, reason).iter().filter(|one| self.may(**one, event, standings, bounds));
        possible.next() == Some(&cause) && possible.next().is_none()
    }

    /// Whether a refusal may have this cause.
    fn may(&self, cause: Cause, event: &Event, standings: &Standings<'_>, bounds: &Bounds) -> bool {
        match cause {
            Cause::Missing => self.may_miss_ground(event),
            Cause::Used => match event.operation {
                Operation::Begin => self.begun.is_possible(event),
                Operation::FindLogin
                | Operation::Identify
                | Operation::Collect
                | Operation::Refuse
                | Operation::End => self.finished.is_possible(event),
                Operation::FindCode | Operation::Redeem => self.redeemed.is_possible(event),
                _ => false,
            },
            Cause::Over => {
                let took =
                    i64::try_from(event.end.saturating_sub(event.start) / 1_000_000).unwrap_or(i64::MAX);
                let latest = event.now.map(|now| now.saturating_add(took).saturating_add(bounds.skew));
                self.expires(event).zip(latest).is_some_and(|(expires, latest)| latest >= expires)
            }
            Cause::Revoked => event.operation == Operation::Userinfo && self.revoked.is_possible(event),
            Cause::Withdrawn => {
                let may_stop = |kind, name: Option<&str>| {
                    name.is_some_and(|name| standings.may_be(kind, name, false, event))
                };
                needs_client(event.operation)
                    && (may_stop(Kind::Client, self.client) || may_stop(Kind::Person, self.person))
            }
            Cause::Overtaken => {
                event.operation == Operation::Collect && self.evident.may_change_during(event)
            }
        }
    }

    /// Whether what the event rests on may not be there yet.
    fn may_miss_ground(&self, event: &Event) -> bool {
        let missing = |effect: &Effect<'_>| !effect.is_sure(event);
        // The fruit of an attempt that the history does not tell of may be missing, unless all was there before it begins.
        let fruit = |fruits: &BTreeMap<u32, Effect<'_>>, ground: &Effect<'_>| {
            fruits.get(&event.attempt).map_or(!ground.is_given(), missing)
        };
        match event.operation {
            Operation::FindLogin | Operation::Identify | Operation::Refuse | Operation::End => {
                missing(&self.begun)
            }
            Operation::Collect => missing(&self.begun) || missing(&self.evident),
            Operation::FindCode => missing(&self.coded) || fruit(&self.codes, &self.coded),
            Operation::Redeem => missing(&self.coded),
            Operation::Userinfo => fruit(&self.tokens, &self.redeemed),
            _ => false,
        }
    }

    /// The end of what the event is about to use.
    pub(super) fn expires(&self, event: &Event) -> Option<i64> {
        match event.operation {
            Operation::FindLogin
            | Operation::Identify
            | Operation::Collect
            | Operation::Refuse
            | Operation::End => self.login_expires,
            // The code that was given: no history redeems one that it does not know.
            Operation::Redeem | Operation::FindCode => self.code_expires.values().min().copied(),
            Operation::Userinfo => self.token_expires.get(&event.attempt).copied(),
            _ => None,
        }
    }

    /// What is wrong with a refusal, if anything is: no cause that it names was possible.
    pub(super) fn refusal(
        &self,
        event: &Event,
        reason: &str,
        standings: &Standings<'_>,
        bounds: &Bounds,
    ) -> Option<(Invariant, String)> {
        let causes = named(event.operation, reason);
        if causes.iter().any(|cause| self.may(*cause, event, standings, bounds)) {
            return None;
        }
        let what = format!("{:?} was refused as `{reason}`, for which there is no cause", event.operation);
        Some((Invariant::I2, what))
    }
}

/// Whether it succeeds only for an active client.
pub(super) fn needs_client(operation: Operation) -> bool {
    needs_person(operation) || matches!(operation, Operation::Begin | Operation::Identify)
}

/// Whether it succeeds only for an active person.
pub(super) fn needs_person(operation: Operation) -> bool {
    matches!(operation, Operation::Collect | Operation::Redeem | Operation::Userinfo)
}
