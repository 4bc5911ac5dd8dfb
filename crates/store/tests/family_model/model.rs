//! A family, as small as it can be said: what `Store::refresh` and `Store::revoke` promise, without a store.

use std::collections::{BTreeMap, BTreeSet};

/// How long a token may be presented once more after it was spent, in seconds.
const GRACE: i64 = 30;

/// What is done to the token that is presented. `Foreign`: another client rotates it.
#[derive(Clone, Copy, Debug)]
#[rustfmt::skip]
pub(crate) enum Deed { Rotate, Reuse, Revoke, Foreign }

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Answer { Refreshed, Replayed, Revoked, Unknown }

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) expires: i64,
    pub(crate) spent: Option<i64>,
    successor: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) tokens: BTreeMap<usize, Token>,
    /// The access tokens that are there, by the step that gave them.
    pub(crate) accesses: BTreeSet<usize>,
    pub(crate) revoked: bool,
    ends: i64,
    lifetime: i64,
}

impl Family {
    /// One with a first token, of step 0.
    pub(crate) fn new(now: i64, lifetime: i64, ends: i64) -> Self {
        let first = Token { expires: now + lifetime, spent: None, successor: None };
        let (tokens, accesses) = (BTreeMap::from([(0, first)]), BTreeSet::from([0]));
        Self { tokens, accesses, revoked: false, ends, lifetime }
    }

    /// A step of this number: tokens go by the number of the step that gave them.
    pub(crate) fn step(&mut self, number: usize, deed: Deed, presented: usize, now: i64) -> Answer {
        let Some(token) = self.tokens.get(&presented).copied() else { return Answer::Unknown };
        match (deed, token.spent) {
            (Deed::Foreign, _) => Answer::Unknown,
            (Deed::Revoke, _) => {
                self.revoked = true;
                Answer::Revoked
            }
            (Deed::Rotate, None) if self.can_be_used(token, now) => {
                self.succeed(presented, Token { spent: Some(now), ..token }, number, now);
                Answer::Refreshed
            }
            (Deed::Reuse, None) if self.can_be_used(token, now) => {
                let expires = token.expires.max(self.ends.min(now + self.lifetime));
                self.tokens.insert(presented, Token { expires, ..token });
                for other in self.tokens.values_mut().filter(|other| other.successor == Some(presented)) {
                    other.successor = None;
                }
                self.accesses.insert(number);
                Answer::Refreshed
            }
            (_, None) => Answer::Unknown,
            (Deed::Rotate, Some(spent)) if now < spent + GRACE && self.can_be_used(token, now) => {
                let unused = token.successor.and_then(|next| Some((next, *self.tokens.get(&next)?)));
                let Some((next, unused)) =
                    unused.filter(|(_, next)| next.spent.is_none() && now < next.expires)
                else {
                    self.revoked = true;
                    return Answer::Replayed;
                };
                self.tokens.insert(next, Token { spent: Some(now), ..unused });
                self.accesses.remove(&next);
                self.succeed(presented, token, number, now);
                Answer::Refreshed
            }
            (_, Some(_)) => {
                self.revoked = true;
                Answer::Replayed
            }
        }
    }

    fn can_be_used(&self, token: Token, now: i64) -> bool {
        !self.revoked && now < token.expires && now < self.ends
    }

    fn succeed(&mut self, presented: usize, token: Token, successor: usize, now: i64) {
        self.tokens.insert(presented, Token { successor: Some(successor), ..token });
        self.tokens.insert(successor, Token { expires: now + self.lifetime, spent: None, successor: None });
        self.accesses.insert(successor);
    }
}
