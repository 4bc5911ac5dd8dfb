//! A family, as small as it can be said: what `Store::refresh`, `Store::revoke` and `Store::sweep` promise, without a store.

use std::collections::BTreeMap;

/// How long a token may be presented once more after it was spent, in seconds.
const GRACE: i64 = 30;

/// From its issue to an access token's end, in seconds.
pub(crate) const ACCESS: u32 = 120;

/// From its issue to the end of a refresh token that nobody uses, in seconds.
pub(crate) const INACTIVITY: u32 = 600;

/// From the login to the end of everything, in seconds.
pub(crate) const GRANT: u32 = 900;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A refresh token is rotated.
    Rotate,
    /// A refresh token is used and stays, for so many seconds more.
    Reuse(u32),
    /// A refresh token is revoked.
    Revoke,
    /// An access token is revoked, by its own number: a living one, an ended one or one that a retry replaced.
    RevokeByAccess,
    /// Another client rotates a refresh token.
    Foreign,
    /// Another client revokes a refresh token.
    ForeignRevoke,
    /// What has ended is swept.
    Sweep,
    /// Everything is taken back that the person was given before now.
    NotBefore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Answer { Refreshed, Replayed, Revoked, NotYours, Unknown, Done }

/// A refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    expires: i64,
    spent: Option<i64>,
    successor: Option<usize>,
}

/// What the store shows of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShownToken {
    pub(crate) number: usize,
    pub(crate) expires: i64,
    /// When, and whether the successor can still be replaced.
    pub(crate) spent: Option<(i64, bool)>,
    pub(crate) revoked: bool,
}

/// What the store shows of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShownAccess {
    pub(crate) number: usize,
    pub(crate) expires: i64,
    pub(crate) revoked: bool,
}

/// Tokens go by the number of the step that gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    tokens: BTreeMap<usize, Token>,
    /// When each access token ends. They are there until the grant's end.
    accesses: BTreeMap<usize, i64>,
    revoked: bool,
    given: i64,
    ends: i64,
}

impl Family {
    /// One with a first token, of step 0.
    pub(crate) fn new(now: i64) -> Self {
        let first = Token { expires: now + i64::from(INACTIVITY), spent: None, successor: None };
        Self {
            tokens: BTreeMap::from([(0, first)]),
            accesses: BTreeMap::from([(0, now + i64::from(ACCESS))]),
            revoked: false,
            given: now,
            ends: now + i64::from(GRANT),
        }
    }

    /// A step of this number.
    pub(crate) fn step(&mut self, number: usize, deed: Deed, presented: usize, now: i64) -> Answer {
        match deed {
            Deed::Rotate => self.rotate(number, presented, now),
            Deed::Reuse(lifetime) => self.reuse(number, presented, i64::from(lifetime), now),
            Deed::Revoke => self.revoke(self.tokens.contains_key(&presented)),
            Deed::RevokeByAccess => self.revoke(self.accesses.contains_key(&presented)),
            Deed::Foreign => Answer::Unknown,
            Deed::ForeignRevoke if self.tokens.contains_key(&presented) => Answer::NotYours,
            Deed::ForeignRevoke => Answer::Unknown,
            Deed::Sweep => self.sweep(now),
            Deed::NotBefore => {
                self.revoked |= self.given < now;
                Answer::Done
            }
        }
    }

    pub(crate) fn has_ended(&self, now: i64) -> bool {
        self.ends <= now
    }

    pub(crate) fn is_spent(&self, number: usize) -> bool {
        self.tokens.get(&number).is_some_and(|token| token.spent.is_some())
    }

    /// Whether the access token has ended, and its grant has not.
    pub(crate) fn access_ended(&self, number: usize, now: i64) -> bool {
        now < self.ends && self.accesses.get(&number).is_some_and(|expires| *expires <= now)
    }

    /// The refresh tokens that are there.
    pub(crate) fn tokens(&self) -> Vec<ShownToken> {
        let unused = |number: usize| self.tokens.get(&number).is_some_and(|token| token.spent.is_none());
        let shown = self.tokens.iter().map(|(number, token)| ShownToken {
            number: *number,
            expires: token.expires,
            spent: token.spent.map(|spent| (spent, token.successor.is_some_and(unused))),
            revoked: self.revoked,
        });
        shown.collect()
    }

    /// The access tokens that are there.
    pub(crate) fn accesses(&self) -> Vec<ShownAccess> {
        let shown = |(number, expires): (&usize, &i64)| ShownAccess {
            number: *number,
            expires: *expires,
            revoked: self.revoked,
        };
        self.accesses.iter().map(shown).collect()
    }

    fn rotate(&mut self, number: usize, presented: usize, now: i64) -> Answer {
        let Some(token) = self.tokens.get(&presented).copied() else { return Answer::Unknown };
        let Some(spent) = token.spent else {
            if !self.can_be_used(token, now) {
                return Answer::Unknown;
            }
            self.succeed(presented, Token { spent: Some(now), ..token }, number, now);
            return Answer::Refreshed;
        };
        let next = token.successor.and_then(|next| Some((next, *self.tokens.get(&next)?)));
        match next.filter(|(_, next)| next.spent.is_none() && now < next.expires) {
            Some((next, unused)) if now < spent + GRACE && !self.revoked && now < self.ends => {
                self.tokens.insert(next, Token { spent: Some(now), ..unused });
                self.accesses.entry(next).and_modify(|expires| *expires = 0);
                self.succeed(presented, token, number, now);
                Answer::Refreshed
            }
            Some(_) | None => self.replayed(),
        }
    }

    fn reuse(&mut self, number: usize, presented: usize, lifetime: i64, now: i64) -> Answer {
        match self.tokens.get(&presented).copied() {
            Some(token) if token.spent.is_some() => self.replayed(),
            Some(token) if self.can_be_used(token, now) => {
                let expires = self.ends.min(now + lifetime);
                self.tokens.insert(presented, Token { expires, ..token });
                // It was used: what was spent on it is no retry any more.
                for other in self.tokens.values_mut().filter(|other| other.successor == Some(presented)) {
                    other.successor = None;
                }
                self.accesses.insert(number, now + i64::from(ACCESS));
                Answer::Refreshed
            }
            Some(_) | None => Answer::Unknown,
        }
    }

    fn revoke(&mut self, found: bool) -> Answer {
        self.revoked |= found;
        if found { Answer::Revoked } else { Answer::Unknown }
    }

    fn replayed(&mut self) -> Answer {
        self.revoked = true;
        Answer::Replayed
    }

    /// Access tokens are kept until the grant's end, refresh tokens until the last of them has ended too.
    fn sweep(&mut self, now: i64) -> Answer {
        if self.ends <= now {
            self.accesses.clear();
            if self.tokens.values().all(|token| token.spent.is_some() || token.expires <= now) {
                self.tokens.clear();
            }
        }
        Answer::Done
    }

    fn can_be_used(&self, token: Token, now: i64) -> bool {
        !self.revoked && now < token.expires && now < self.ends
    }

    fn succeed(&mut self, presented: usize, token: Token, successor: usize, now: i64) {
        self.tokens.insert(presented, Token { successor: Some(successor), ..token });
        let expires = now + i64::from(INACTIVITY);
        self.tokens.insert(successor, Token { expires, spent: None, successor: None });
        self.accesses.insert(successor, now + i64::from(ACCESS));
    }
}
