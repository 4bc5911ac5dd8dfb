//! Why a login's step may be refused, and what follows when only one cause is left.

use std::collections::BTreeMap;

use super::super::effect::Effect;
use super::super::standing::Standings;
use super::super::{Bounds, Event, Invariant, Kind, Operation, Outcome};
use super::Login;
use super::family::{read_token, used_token};

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
    /// A retry put another in its place.
    Replaced,
    /// Client or person are not active, or a scope is withdrawn.
    Withdrawn,
    /// Other evidence came in between.
    Overtaken,
}

/// What a refusal says of its cause.
fn named(operation: Operation, reason: &str) -> &'static [Cause] {
    use Cause::{Missing, Over, Overtaken, Replaced, Revoked, Used, Withdrawn};
    let refreshes = matches!(operation, Operation::Refresh | Operation::Reuse);
    let reads = matches!(operation, Operation::Userinfo | Operation::Introspect);
    match reason {
        // Of what was spent before, under a grant that was revoked meanwhile.
        "replayed" if refreshes => &[Used, Revoked],
        "replayed" | "finished" => &[Used],
        // One that a retry replaced ends there and then.
        "expired" if reads => &[Over, Replaced],
        "expired" => &[Over],
        "revoked" => &[Revoked],
        "superseded" => &[Overtaken],
        "invalid_client" | "unauthorized_client" | "stopped" | "withdrawn" | "invalid_scope" => &[Withdrawn],
        "unknown" if refreshes => &[Missing, Over, Revoked],
        "invalid_grant" if refreshes => &[Missing, Used, Over, Revoked, Withdrawn],
        "unknown" if operation == Operation::Redeem => &[Missing, Over, Withdrawn],
        "unknown" => &[Missing, Over, Replaced],
        "invalid_grant" => &[Missing, Used, Over, Withdrawn],
        // RFC 6749 §5.2 has one error for a code that is no good.
        _ if operation == Operation::Redeem || refreshes => &[],
        _ => &[Missing, Used, Over, Revoked, Replaced, Withdrawn, Overtaken],
    }
}

impl<'a> Login<'a> {
    /// What refusals say when all but one cause are impossible: a replay that was refused has revoked (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
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
                self.revokers.code = true;
            }
        }
        let refreshes: Vec<&'a Event> = self.family.uses().filter(|event| !event.is_done()).collect();
        for event in &refreshes {
            let says_replay = match &event.outcome {
                Outcome::Refused(reason) => named(Operation::Refresh, reason).contains(&Cause::Used),
                _ => true,
            };
            if says_replay && self.family.may_be_replay(event, bounds) {
                self.revoked.possible_cause(event, bounds);
                self.revokers.refresh = true;
            }
        }
        for event in redemptions() {
            if self.has_only_cause(Cause::Used, event, standings, bounds) {
                self.redeemed.seen(event.end);
                self.revoked.seen(event.end);
            }
        }
        // A replay has revoked, whatever it was refused for.
        for event in refreshes {
            if self.has_only_causes(&[Cause::Used, Cause::Revoked], event, standings, bounds) {
                self.revoked.seen(event.end);
            }
        }
        for event in events {
            if read_token(event).or(used_token(event)).is_some()
                && self.has_only_cause(Cause::Revoked, event, standings, bounds)
            {
                self.revoked.seen(event.end);
            }
        }
    }

    fn has_only_causes(
        &self,
        causes: &[Cause],
        event: &Event,
        standings: &Standings<'_>,
        bounds: &Bounds,
    ) -> bool {
        let Outcome::Refused(reason) = &event.outcome else { return false };
        let named = named(event.operation, reason);
        let mut possible = named.iter().filter(|one| self.may(**one, event, standings, bounds)).peekable();
        possible.peek().is_some() && possible.all(|one| causes.contains(one))
    }

    fn has_only_cause(
        &self,
        cause: Cause,
        event: &Event,
        standings: &Standings<'_>,
        bounds: &Bounds,
    ) -> bool {
        self.has_only_causes(&[cause], event, standings, bounds)
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
                Operation::Refresh => self.family.may_be_replay(event, bounds),
                _ => false,
            },
            Cause::Over => {
                let took =
                    i64::try_from(event.end.saturating_sub(event.start) / 1_000_000).unwrap_or(i64::MAX);
                let latest = event.now.map(|now| now.saturating_add(took).saturating_add(bounds.skew));
                self.expires(event).zip(latest).is_some_and(|((expires, _), latest)| latest >= expires)
            }
            Cause::Revoked => {
                read_token(event).or(used_token(event)).is_some() && self.revoked.is_possible(event)
            }
            Cause::Replaced => {
                read_token(event).is_some_and(|token| self.family.may_be_replaced(token, event))
            }
            Cause::Withdrawn => {
                let may_stop = |kind, name: Option<&str>| {
                    name.is_some_and(|name| standings.may_be(kind, name, false, event))
                };
                needs_client(event.operation)
                    && (may_stop(Kind::Client, self.client)
                        || may_stop(Kind::Person, self.person)
                        || may_stop(Kind::Scope, self.scope))
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
        let fruit = |attempt: u32, fruits: &BTreeMap<u32, Effect<'_>>, ground: &Effect<'_>| {
            fruits.get(&attempt).map_or(!ground.is_given(), missing)
        };
        match event.operation {
            Operation::FindLogin | Operation::Identify | Operation::Refuse | Operation::End => {
                missing(&self.begun)
            }
            Operation::Collect => missing(&self.begun) || missing(&self.evident),
            Operation::FindCode => missing(&self.coded) || fruit(event.attempt, &self.codes, &self.coded),
            Operation::Redeem => missing(&self.coded),
            Operation::Userinfo | Operation::Introspect => fruit(event.attempt, &self.tokens, &self.redeemed),
            Operation::Refresh | Operation::Reuse | Operation::Revoke => {
                let token = event.presented.unwrap_or(0);
                fruit(token, &self.tokens, &self.redeemed)
            }
            _ => false,
        }
    }

    /// The end of what the event is about to use: the first and the last that it may be.
    pub(super) fn expires(&self, event: &Event) -> Option<(i64, i64)> {
        let known = |end: i64| (end, end);
        match event.operation {
            Operation::FindLogin
            | Operation::Identify
            | Operation::Collect
            | Operation::Refuse
            | Operation::End => self.login_expires.map(known),
            // The code that was given: no history redeems one that it does not know.
            Operation::Redeem | Operation::FindCode => self.code_expires.values().min().copied().map(known),
            Operation::Userinfo | Operation::Introspect | Operation::Refresh | Operation::Reuse => {
                let token = read_token(event).or(used_token(event))?;
                self.token_expires.get(&token).copied()
            }
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
    needs_person(operation) || matches!(operation, Operation::Begin | Operation::Identify | Operation::Revoke)
}

/// Whether it succeeds only for an active person.
pub(super) fn needs_person(operation: Operation) -> bool {
    operation == Operation::Collect || needs_scope(operation)
}

/// Whether it succeeds only with every scope of the login's.
pub(super) fn needs_scope(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Redeem
            | Operation::Userinfo
            | Operation::Introspect
            | Operation::Refresh
            | Operation::Reuse
    )
}
