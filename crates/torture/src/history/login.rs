//! One login with all that became of it: a code, a grant, tokens. I1, I2, I3, I4 and I6.

mod cause;
mod family;

use std::collections::BTreeMap;

use self::cause::{needs_client, needs_person, needs_scope};
use self::family::{Family, read_token, used_token};
use super::effect::Effect;
use super::standing::Standings;
use super::{Bounds, Breach, Event, Invariant, Kind, Operation, Outcome, Verdict};

/// What the history tells of one login.
#[derive(Debug, Default)]
pub(super) struct Login<'a> {
    pub(super) begun: Effect<'a>,
    pub(super) evident: Effect<'a>,
    /// It led to an answer, with or without a code.
    finished: Effect<'a>,
    pub(super) coded: Effect<'a>,
    /// What each attempt brought: codes and tokens by attempt.
    codes: BTreeMap<u32, Effect<'a>>,
    tokens: BTreeMap<u32, Effect<'a>>,
    pub(super) redeemed: Effect<'a>,
    /// A replay or a revocation took back what the code gave.
    pub(super) revoked: Effect<'a>,
    /// What may have done so.
    pub(super) revokers: Revokers,
    family: Family<'a>,
    /// What showed a token alive.
    alive: Vec<(u32, &'a Event)>,
    login_expires: Option<i64>,
    code_expires: BTreeMap<u32, i64>,
    /// The first and the last end that each attempt's tokens may have.
    token_expires: BTreeMap<u32, (i64, i64)>,
    client: Option<&'a str>,
    person: Option<&'a str>,
    scope: Option<&'a str>,
}

/// What may have taken a grant back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Revokers {
    /// A replay of the code.
    pub(super) code: bool,
    /// A replay of a refresh token.
    pub(super) refresh: bool,
    /// A revocation.
    pub(super) revocation: bool,
}

/// Reads one login's events, sorted by start, without judging them.
pub(super) fn read<'a>(events: &[&'a Event], standings: &Standings<'_>, bounds: &Bounds) -> Login<'a> {
    let mut login = Login::gather(events, bounds);
    login.conclude(events, standings, bounds);
    login
}

/// Judges one login's events, sorted by start.
pub(super) fn judge<'a>(
    events: &[&'a Event],
    standings: &Standings<'_>,
    bounds: &Bounds,
    verdict: &mut Verdict,
) -> Login<'a> {
    let login = read(events, standings, bounds);
    for event in events {
        let broken = match &event.outcome {
            Outcome::Done => login.success(event, standings, bounds),
            Outcome::Refused(reason) => login.refusal(event, reason, standings, bounds),
            Outcome::Unknown | Outcome::Failed(_) => None,
        };
        if let Some((invariant, what)) = broken {
            verdict.breaches.push(Breach::by(invariant, what, events, event));
        }
    }
    for (what, finds, operations) in [
        (
            "finished",
            Operation::FindCode,
            &[Operation::Collect, Operation::Refuse, Operation::End] as &[Operation],
        ),
        ("redeemed", Operation::Userinfo, &[Operation::Redeem]),
    ] {
        let (successes, contested) = successes(events, operations, finds);
        verdict.counts.contested += u64::from(contested);
        if let [_, .., last] = successes.as_slice() {
            let what = format!("one login was {what} {} times", successes.len());
            verdict.breaches.push(Breach::by(Invariant::I1, what, events, last));
        }
    }
    verdict.counts.revoked += u64::from(login.revoked.is_sure_in_the_end());
    let used = || events.iter().filter(|event| used_token(event).is_some() && event.is_done());
    verdict.counts.refreshed += used().count() as u64;
    let mut retried: BTreeMap<u32, u64> = BTreeMap::new();
    for event in login.family.uses().filter(|event| event.is_done()) {
        *retried.entry(event.presented.unwrap_or(0)).or_default() += 1;
    }
    verdict.counts.retried += retried.values().filter(|uses| **uses > 1).count() as u64;
    login
}

/// The successes at one single use: those that were acknowledged, and those without an answer whose fruit was seen. Whether there
/// was more than one attempt.
fn successes<'a>(events: &[&'a Event], operations: &[Operation], finds: Operation) -> (Vec<&'a Event>, bool) {
    let attempts = || events.iter().copied().filter(|event| operations.contains(&event.operation));
    let mut successes: Vec<&Event> = attempts().filter(|event| event.is_done()).collect();
    let mut fruits: BTreeMap<u32, &Event> = BTreeMap::new();
    for event in events.iter().filter(|event| event.operation == finds && shows(event)) {
        fruits.entry(event.attempt).or_insert(event);
    }
    // A fruit is of one of the operations alone: the first.
    let fruitful = operations.first();
    for (attempt, seen) in fruits {
        let is_known = |event: &&Event| Some(&event.operation) == fruitful && event.attempt == attempt;
        let asked = attempts().any(|event| is_known(&event));
        if asked && !successes.iter().any(is_known) {
            successes.push(seen);
        }
    }
    (successes, attempts().nth(1).is_some())
}

/// Whether the login may have been refused at this step, for want of a scope that was withdrawn meanwhile: then it is finished.
pub(super) fn may_refuse_login(event: &Event) -> bool {
    let step = matches!(event.operation, Operation::Begin | Operation::Identify | Operation::Collect);
    let refuses = match &event.outcome {
        Outcome::Done => false,
        Outcome::Refused(reason) => reason == "invalid_scope",
        Outcome::Unknown | Outcome::Failed(_) => true,
    };
    step && refuses && event.scope.is_some()
}

/// Whether a read shows that what it looked for is there.
fn shows(event: &Event) -> bool {
    match &event.outcome {
        Outcome::Done => true,
        Outcome::Refused(reason) => reason == "replayed" || reason == "revoked",
        Outcome::Unknown | Outcome::Failed(_) => false,
    }
}

impl<'a> Login<'a> {
    /// What the events say by themselves.
    fn gather(events: &[&'a Event], bounds: &Bounds) -> Self {
        let asked =
            |operations: &[Operation]| events.iter().any(|event| operations.contains(&event.operation));
        let mut login = Self {
            begun: Effect::given(!asked(&[Operation::Begin])),
            evident: Effect::given(!asked(&[Operation::Begin, Operation::Identify])),
            coded: Effect::given(!asked(&[Operation::Begin, Operation::Identify, Operation::Collect])),
            redeemed: Effect::given(!asked(&[
                Operation::Begin,
                Operation::Identify,
                Operation::Collect,
                Operation::Redeem,
            ])),
            family: Family::of(events),
            ..Self::default()
        };
        for event in events {
            login.client = login.client.or(event.client.as_deref());
            login.person = login.person.or(event.person.as_deref());
            login.scope = login.scope.or(event.scope.as_deref());
            login.note(event, bounds);
        }
        login
    }

    fn note(&mut self, event: &'a Event, bounds: &Bounds) {
        match event.operation {
            Operation::Begin => {
                self.begun.attempted(event, bounds);
                self.login_expires = self.login_expires.or(event.expires);
            }
            Operation::Identify => self.evident.attempted(event, bounds),
            Operation::Collect => {
                self.finished.attempted(event, bounds);
                self.coded.attempted(event, bounds);
                self.codes.entry(event.attempt).or_default().attempted(event, bounds);
                if let Some(expires) = event.expires {
                    self.code_expires.entry(event.attempt).or_insert(expires);
                }
            }
            Operation::Refuse | Operation::End => self.finished.attempted(event, bounds),
            Operation::Redeem => {
                self.redeemed.attempted(event, bounds);
                self.tokens.entry(event.attempt).or_default().attempted(event, bounds);
                self.ends(event.attempt, event.expires);
            }
            Operation::Refresh | Operation::Reuse => {
                self.tokens.entry(event.attempt).or_default().attempted(event, bounds);
                self.ends(event.attempt, event.expires);
                if let (Operation::Reuse, Some(token), false) =
                    (event.operation, event.presented, event.is_refused())
                {
                    self.ends(token, event.expires);
                }
            }
            Operation::Revoke => {
                self.revoked.attempted(event, bounds);
                self.revokers.revocation |= !event.is_refused();
            }
            Operation::FindCode if shows(event) => {
                self.codes.entry(event.attempt).or_default().seen(event.end);
                self.coded.seen(event.end);
            }
            Operation::Userinfo | Operation::Introspect if shows(event) => {
                self.tokens.entry(event.attempt).or_default().seen(event.end);
                self.redeemed.seen(event.end);
            }
            _ => {}
        }
        if may_refuse_login(event) {
            self.finished.possible_cause(event, bounds);
        }
        if let Some(token) = used_token(event).filter(|_| shows(event)) {
            self.tokens.entry(token).or_default().seen(event.end);
            self.redeemed.seen(event.end);
        }
        if let Some(token) = read_token(event).or(used_token(event)).filter(|_| event.is_done()) {
            self.alive.push((token, event));
        }
        self.note_way(event);
    }

    /// What lies further along the way shows what lies before it.
    fn note_way(&mut self, event: &'a Event) {
        let (operation, end) = (event.operation, event.end);
        if event.is_done() {
            match operation {
                Operation::FindLogin | Operation::Identify | Operation::Refuse | Operation::End => {
                    self.begun.seen(end);
                }
                Operation::Collect
                | Operation::FindCode
                | Operation::Redeem
                | Operation::Userinfo
                | Operation::Introspect
                | Operation::Refresh
                | Operation::Reuse => {
                    self.begun.seen(end);
                    self.evident.seen(end);
                    self.coded.seen(end);
                    self.finished.seen(end);
                }
                _ => {}
            }
            match operation {
                Operation::FindLogin | Operation::Identify => self.finished.missed(event),
                Operation::FindCode => self.redeemed.missed(event),
                Operation::Userinfo | Operation::Introspect | Operation::Refresh | Operation::Reuse => {
                    self.revoked.missed(event);
                }
                _ => {}
            }
        } else if let Outcome::Refused(reason) = &event.outcome {
            match (operation, reason.as_str()) {
                (Operation::FindLogin, "finished") => self.finished.seen(end),
                (Operation::FindCode | Operation::Redeem, "replayed") => self.redeemed.seen(end),
                _ => {}
            }
        }
    }

    /// The tokens of an attempt may end then.
    fn ends(&mut self, attempt: u32, expires: Option<i64>) {
        if let Some(expires) = expires {
            let (first, last) = self.token_expires.entry(attempt).or_insert((expires, expires));
            *first = expires.min(*first);
            *last = expires.max(*last);
        }
    }

    /// What is wrong with a success, if anything is. That there was another one is judged apart.
    fn success(
        &self,
        event: &Event,
        standings: &Standings<'_>,
        bounds: &Bounds,
    ) -> Option<(Invariant, String)> {
        let operation = event.operation;
        if operation != Operation::FindCode
            && let Some((now, (_, expires))) = event.now.zip(self.expires(event))
            && now >= expires.saturating_add(bounds.skew)
        {
            let late = now.saturating_sub(expires);
            return Some((Invariant::I6, format!("{operation:?} succeeded {late} s past the end")));
        }
        for (kind, name, needed) in [
            (Kind::Client, self.client, needs_client(operation)),
            (Kind::Person, self.person, needs_person(operation)),
            (Kind::Scope, self.scope, needs_scope(operation)),
        ] {
            if let Some(name) = name
                && needed
                && !standings.may_be(kind, name, true, event)
            {
                return Some((
                    Invariant::I4,
                    format!("{operation:?} succeeded though `{name}` is not active"),
                ));
            }
        }
        if let Some(token) = read_token(event).or(used_token(event)) {
            if self.revoked.is_sure(event) {
                return Some((Invariant::I4, "a token works after its grant was revoked".to_owned()));
            }
            let known_from = |attempt| self.tokens.get(&attempt).and_then(Effect::sure_from);
            if let Some(what) = self.family.outlives(token, event, &known_from, &self.alive, bounds) {
                return Some((Invariant::I3, what.to_owned()));
            }
        }
        let unseen = match operation {
            Operation::FindLogin | Operation::Identify => &self.finished,
            Operation::FindCode => &self.redeemed,
            _ => return self.without_ground(event),
        };
        if unseen.is_sure(event) {
            let what = format!("{operation:?} succeeded on what an acknowledged event had used up");
            return Some((Invariant::I2, what));
        }
        self.without_ground(event)
    }

    /// A success that rests on nothing anybody asked for.
    fn without_ground(&self, event: &Event) -> Option<(Invariant, String)> {
        let grounds: &[&Effect<'_>] = match event.operation {
            Operation::FindLogin | Operation::Identify | Operation::Refuse | Operation::End => &[&self.begun],
            Operation::Collect => &[&self.begun, &self.evident],
            Operation::FindCode | Operation::Redeem => &[&self.coded],
            Operation::Userinfo
            | Operation::Introspect
            | Operation::Refresh
            | Operation::Reuse
            | Operation::Revoke => &[&self.redeemed],
            _ => &[],
        };
        let fruit = match event.operation {
            Operation::FindCode => self.codes.get(&event.attempt).filter(|_| !self.coded.is_given()),
            Operation::Userinfo | Operation::Introspect => self.brought(event.attempt),
            Operation::Refresh | Operation::Reuse | Operation::Revoke => {
                event.presented.and_then(|token| self.brought(token))
            }
            _ => None,
        };
        let missing = grounds.iter().copied().chain(fruit).any(|ground| !ground.is_possible(event));
        missing
            .then(|| (Invariant::I2, format!("{:?} succeeded on what nobody brought about", event.operation)))
    }

    /// What the history tells of an attempt's tokens; nothing if all was there before it begins.
    fn brought(&self, attempt: u32) -> Option<&Effect<'a>> {
        self.tokens.get(&attempt).filter(|_| !self.redeemed.is_given())
    }

    /// How many uses of refresh tokens left each kind of record: at least, and at most. Of the uses of one token the first leaves `refreshed`,
    /// and each later one `refresh_retried`.
    pub(super) fn refreshes(&self, events: &[&Event]) -> [(u64, u64); 2] {
        let [mut refreshed, mut retried] = [(0, 0); 2];
        let mut rotations: BTreeMap<Option<u32>, (u64, u64)> = BTreeMap::new();
        for event in events.iter().filter(|event| used_token(event).is_some()) {
            let Some(brought) = self.tokens.get(&event.attempt) else { continue };
            let [least, most] =
                [brought.is_sure_in_the_end(), brought.is_possible_in_the_end()].map(u64::from);
            let range = match event.operation {
                Operation::Refresh => rotations.entry(event.presented).or_default(),
                _ => &mut refreshed,
            };
            *range = (range.0 + least, range.1 + most);
        }
        for (least, most) in rotations.into_values() {
            refreshed = (refreshed.0 + least.min(1), refreshed.1 + most.min(1));
            retried = (retried.0 + least.saturating_sub(1), retried.1 + most.saturating_sub(1));
        }
        [refreshed, retried]
    }

    /// Whether the code of one attempt is there in the end: for certain, perhaps.
    pub(super) fn code(&self, attempt: u32) -> (bool, bool) {
        self.codes
            .get(&attempt)
            .map_or((false, false), |code| (code.is_sure_in_the_end(), code.is_possible_in_the_end()))
    }
}
