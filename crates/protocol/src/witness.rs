//! Proofs that only storage can give. Their constructors are for the crate `store` alone (`cargo xtask tidy` holds that).

use crate::secret::{AccessTokenDigest, CodeDigest, RefreshTokenDigest};

/// This code was unspent until now, and is spent, with the tokens of its plan stored beside it, in one durable commit.
#[derive(Debug)]
pub struct Spent {
    code: CodeDigest,
    tokens: Kept,
}

/// The tokens that a commit keeps: the access token's digest, and the refresh token's if there is one.
pub type Kept = (AccessTokenDigest, Option<RefreshTokenDigest>);

impl Spent {
    /// The store's word that the commit which spent `code` and keeps `tokens` is durable.
    pub fn vouched(code: CodeDigest, tokens: Kept) -> Self {
        Self { code, tokens }
    }

    /// Whether this is the word about that code and those tokens.
    pub fn is_about(&self, code: CodeDigest, tokens: Kept) -> bool {
        self.code == code && self.tokens == tokens
    }
}

/// What the store answers to spending a code.
#[derive(Debug)]
pub enum Spending {
    /// Spent now, by this call.
    Spent(Spent),
    /// Spent before: everything its grant gave has been revoked, durably.
    Replayed,
    /// No such code of this client at this issuer, or its grant was revoked, or it had expired.
    Unknown,
}

/// This refresh token could be used until now, and was: the access token of its plan, and its successor if it has one, are stored
/// in one durable commit.
#[derive(Debug)]
pub struct Refreshed {
    presented: RefreshTokenDigest,
    tokens: Kept,
}

impl Refreshed {
    /// The store's word that the commit which used `presented` and keeps `tokens` is durable.
    pub fn vouched(presented: RefreshTokenDigest, tokens: Kept) -> Self {
        Self { presented, tokens }
    }

    /// Whether this is the word about that token and those that it gave.
    pub fn is_about(&self, presented: RefreshTokenDigest, tokens: Kept) -> bool {
        self.presented == presented && self.tokens == tokens
    }
}

/// What the store answers to using a refresh token.
#[derive(Debug)]
pub enum Refreshing {
    /// Used now, by this call.
    Refreshed(Refreshed),
    /// Spent before, and no retry of a lost answer: everything its grant gave has been revoked, durably.
    Replayed,
    /// No such token of this client at this issuer, or its grant was revoked, or it had expired.
    Unknown,
}
