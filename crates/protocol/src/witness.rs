//! Proofs that only storage can give. Their constructors are for the crate `store` alone (`cargo xtask tidy` holds that).

use crate::secret::{AccessTokenDigest, CodeDigest};

/// This code was unspent until now, and is spent, with the tokens of its plan stored beside it, in one durable commit.
#[derive(Debug)]
pub struct Spent {
    code: CodeDigest,
    access_token: AccessTokenDigest,
}

impl Spent {
    /// The store's word that the commit which spent `code` and keeps `access_token` is durable.
    pub fn vouched(code: CodeDigest, access_token: AccessTokenDigest) -> Self {
        Self { code, access_token }
    }

    /// Whether this is the word about that code and that token.
    pub fn is_about(&self, code: CodeDigest, access_token: AccessTokenDigest) -> bool {
        self.code == code && self.access_token == access_token
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
