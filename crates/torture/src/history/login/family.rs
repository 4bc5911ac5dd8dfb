//! The refresh tokens of one login: one family, of which one token at a time can be used (I3).
//!
//! A token is known by the attempt that brought it. A use of it spends it on a successor. A second use is the retry of a lost answer as long
//! as the successor is unused and the grace lasts: the successor of the first is then replaced, and its access token with it. Any later use is
//! a replay, which revokes everything. Tokens that stay when they are used are no part of this.

use super::super::{Bounds, Event, Operation};

/// For how many seconds after it was spent a refresh token may be presented again (docs/spec-coverage.md).
const GRACE: i64 = 30;

/// What the history tells of a family.
#[derive(Debug, Default)]
pub(super) struct Family<'a> {
    /// Uses of tokens that rotate, by start.
    uses: Vec<&'a Event>,
}

/// The access token that an event reads.
pub(super) fn read_token(event: &Event) -> Option<u32> {
    matches!(event.operation, Operation::Userinfo | Operation::Introspect).then_some(event.attempt)
}

/// The refresh token that an event uses, whether it rotates or stays.
pub(super) fn used_token(event: &Event) -> Option<u32> {
    event.presented.filter(|_| matches!(event.operation, Operation::Refresh | Operation::Reuse))
}

impl<'a> Family<'a> {
    pub(super) fn of(events: &[&'a Event]) -> Self {
        let rotates = |event: &&&Event| event.operation == Operation::Refresh;
        Self { uses: events.iter().filter(rotates).copied().collect() }
    }

    /// Its uses.
    pub(super) fn uses(&self) -> impl Iterator<Item = &'a Event> {
        self.uses.iter().copied()
    }

    /// Uses of a token, beside `event`, that may have taken effect before `event` ended.
    fn possible_uses(&self, token: u32, event: &Event) -> impl Iterator<Item = &'a Event> {
        self.uses().filter(move |other| {
            other.presented == Some(token)
                && !std::ptr::eq(*other, event)
                && !other.is_refused()
                && other.start < event.end
        })
    }

    /// The use that brought a token, if a use did.
    fn maker(&self, token: u32) -> Option<&'a Event> {
        self.uses().find(|event| event.attempt == token)
    }

    /// A token, and each that was used for the one after it, back to the first. (A history that goes round in circles is cut off.)
    fn lineage(&self, token: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(token), |token| self.maker(*token)?.presented).take(self.uses.len() + 1)
    }

    /// Whether the token that `event` presents may be one whose use is a replay.
    pub(super) fn may_be_replay(&self, event: &Event, bounds: &Bounds) -> bool {
        let Some(token) = event.presented else { return false };
        let mut spenders = self.possible_uses(token, event);
        let was_followed = |spender: &Event| self.possible_uses(spender.attempt, event).next().is_some();
        let in_vain = |spender: &Event| {
            let (Some(spent), Some(now)) = (spender.now, event.now) else { return true };
            let latest = now.saturating_add(took(event)).saturating_add(bounds.skew);
            latest >= spent.saturating_sub(bounds.skew).saturating_add(GRACE)
        };
        spenders.any(|spender| was_followed(spender) || in_vain(spender))
            || self.may_be_replaced(token, event)
    }

    /// Whether a retry may have replaced this token and the access token that came with it: no use that was over before it was asked for.
    pub(super) fn may_be_replaced(&self, token: u32, event: &Event) -> bool {
        let made = self.maker(token).and_then(|maker| Some((maker, maker.presented?)));
        made.is_some_and(|(maker, parent)| {
            let mut others = self.possible_uses(parent, event).filter(|other| other.attempt != token);
            others.any(|other| !(other.is_done() && other.is_before(maker)))
        })
    }

    /// What is wrong with the success of `event`, which shows that `token` was alive. `known_from` says from when on the fruit of an attempt
    /// is known to have been there; `alive` are the other events of the login that show a token alive, with it.
    pub(super) fn outlives(
        &self,
        token: u32,
        event: &Event,
        known_from: &dyn Fn(u32) -> Option<u64>,
        alive: &[(u32, &Event)],
        bounds: &Bounds,
    ) -> Option<&'static str> {
        let forked = self.lineage(token).find_map(|own| self.forks((own, token, event), known_from, alive));
        if forked.is_some() {
            return forked;
        }
        (used_token(event).is_some() && self.is_spent_for_good(token, event, bounds))
            .then_some("a refresh token gives tokens whose successor was used, or whose grace is over")
    }

    /// What is wrong with the branch that begins with `own` and in which `event` shows `token` alive, if a use of the same token began
    /// another.
    ///
    /// A retry replaces what nobody has used. So a branch of which a token was used is the one that lives, whenever that was asked; an
    /// access token that came with its first tells only of its own moment.
    fn forks(
        &self,
        (own, token, event): (u32, u32, &Event),
        known_from: &dyn Fn(u32) -> Option<u64>,
        alive: &[(u32, &Event)],
    ) -> Option<&'static str> {
        let maker = self.maker(own)?;
        let was_used =
            |first: u32, token: u32, by: &Event| token != first || by.operation == Operation::Refresh;
        let siblings = self.uses().filter(|other| {
            other.presented == maker.presented && other.attempt != own && !other.is_refused()
        });
        for other in siblings {
            let is_later = known_from(own).is_some_and(|own| own <= other.start) && other.is_done();
            if is_later && (was_used(own, token, event) || other.end <= event.start) {
                return Some("a token lives that a retry has replaced: two living branches");
            }
            let both = known_from(own).zip(known_from(other.attempt)).map(|(own, other)| own.max(other));
            let lives = |first, token, by: &Event| {
                both.is_some_and(|both| was_used(first, token, by) || both <= by.start)
            };
            let shows = |(token, by): &(u32, &Event)| {
                self.lineage(*token).any(|first| first == other.attempt) && lives(other.attempt, *token, by)
            };
            if lives(own, token, event) && alive.iter().any(shows) {
                return Some("the tokens of two uses of one refresh token live: two living branches");
            }
        }
        None
    }

    /// Whether a token is certain to give nothing any more when `event` begins.
    fn is_spent_for_good(&self, token: u32, event: &Event, bounds: &Bounds) -> bool {
        let certain =
            |other: &&Event| other.is_done() && other.end <= event.start && !std::ptr::eq(*other, event);
        let spenders = || self.uses().filter(|other| other.presented == Some(token));
        let was_followed = spenders()
            .filter(certain)
            .any(|spender| self.uses().filter(certain).any(|use_| use_.presented == Some(spender.attempt)));
        // The instant of the spending is the first use's, whichever that was.
        let instant = |use_: &Event| Some(use_.now?.saturating_add(took(use_)).saturating_add(bounds.skew));
        let spent = self.possible_uses(token, event).map(instant).max();
        let is_over = spent
            .flatten()
            .zip(event.now)
            .is_some_and(|(spent, now)| now.saturating_sub(bounds.skew) >= spent.saturating_add(GRACE));
        was_followed || (is_over && spenders().any(|spender| certain(&spender)))
    }
}

/// How many whole seconds an event lasted.
fn took(event: &Event) -> i64 {
    i64::try_from(event.end.saturating_sub(event.start) / 1_000_000).unwrap_or(i64::MAX)
}
