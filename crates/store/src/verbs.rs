//! What goes into the verbs and what comes out, grouped by what it is about.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::evidence::Evidence;
use portvakt_protocol::grant::{Grant, NewAccessToken, NewCode, NewRefreshToken};
use portvakt_protocol::secret::{
    AccessTokenDigest, BrowserDigest, CodeDigest, LoginDigest, RefreshTokenDigest,
};
use portvakt_protocol::time::{Seconds, Timestamp};
use zeroize::Zeroizing;

/// A login under way, as it is begun.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// The digest of the handle in its pages' paths.
    pub login: LoginDigest,
    /// The digest of the browser's secret.
    pub browser: BrowserDigest,
    /// The client that asked.
    pub client_id: ClientId,
    /// The request's parameters, encoded again: the rules run on them anew at every step. Sealed at rest, for a `login_hint`
    /// may name a person.
    pub request: String,
    /// When it began.
    pub started: Timestamp,
    /// The instant from which it is over.
    pub expires: Timestamp,
}

/// A login under way, as it is found.
#[derive(Clone, Debug)]
pub struct OpenLogin {
    /// The client that asked.
    pub client_id: ClientId,
    /// The request's parameters, encoded.
    pub request: String,
    /// When it began.
    pub started: Timestamp,
    /// Who logged in, once somebody has.
    pub evidence: Option<Evidence>,
}

/// What is known of a login, told only to the browser that began it.
#[derive(Clone, Debug)]
pub enum FoundLogin {
    /// Under way.
    Open(Box<OpenLogin>),
    /// It led this client to an answer already: a code, a refusal, or an end by logout.
    Finished(ClientId),
    /// This client's; it outlived its lifetime.
    Expired(ClientId),
    /// No login of this browser's at this issuer.
    Unknown,
}

/// What became of a write to a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginWrite {
    /// Done, durably, by this call.
    Done,
    /// The login led to an answer already; nothing was written.
    Finished,
    /// Over, or no login of this browser's at this issuer; nothing was written.
    Unknown,
    /// The grant tells of another login than the one now recorded: somebody logged in again meanwhile. Decide anew; nothing was
    /// written.
    Superseded,
}

/// What a finished login gives: a code and the grant it leads to.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The code.
    pub code: NewCode,
    /// The grant.
    pub grant: Grant,
}

/// What spending a code stores beside the mark.
#[derive(Clone, Debug)]
pub struct CodeSpending {
    /// The client that authenticated: part of the condition.
    pub client_id: ClientId,
    /// The code's digest.
    pub code: CodeDigest,
    /// The access token that the plan holds.
    pub access_token: NewAccessToken,
    /// The refresh token that the plan holds, if the client gets one: the first of its family.
    pub refresh_token: Option<NewRefreshToken>,
}

/// What using a refresh token stores.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The client that authenticated: part of the condition.
    pub client_id: ClientId,
    /// The digest of the token presented.
    pub presented: RefreshTokenDigest,
    /// What becomes of it.
    pub usage: Usage,
    /// The access token that the plan holds.
    pub access_token: NewAccessToken,
}

/// What becomes of a refresh token that is used.
#[derive(Clone, Debug)]
pub enum Usage {
    /// It is spent, and this is its successor.
    Rotate {
        /// The successor.
        successor: NewRefreshToken,
        /// A token spent at this instant or later may be presented once more, if its successor has not been used: that one is then
        /// replaced, and the access token that came with it is nothing. The instant of the spending stays the first one's.
        retry_since: Timestamp,
    },
    /// It stays, and ends at this instant if it is not used before.
    Reuse {
        /// The instant from which it is nothing, unless it is used again.
        expires: Timestamp,
    },
}

/// What a token that somebody presented may be known by: it says itself nothing of which kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenDigests {
    /// As an access token: by its whole, or by the `jti` of a JWT of ours.
    pub access: AccessTokenDigest,
    /// As a refresh token.
    pub refresh: RefreshTokenDigest,
}

/// What became of a revocation (RFC 7009 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Everything under the token's grant is taken back, durably: by this call or before.
    Done,
    /// The token is another client's; nothing was written.
    NotYours,
    /// No such token at this issuer, or none any more.
    Unknown,
}

/// What a client's owner is warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerWarning {
    /// Which client.
    pub client_id: ClientId,
    /// Of what.
    pub kind: WarningKind,
    /// What exactly: the instant at which a secret ends (RFC 3339), or the rule that refused. Never anything of a request.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// The kinds of warnings to owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// A secret ends soon; or it has ended, if the warning was given then or later.
    SecretEnds,
    /// The client was refused often, for one reason.
    RefusedOften,
}

impl WarningKind {
    /// Its name, as a column and machine-readable output have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretEnds => "secret_ends",
            Self::RefusedOften => "refused_often",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::SecretEnds, Self::RefusedOften].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A signing key at rest, opened.
#[derive(Clone)]
pub struct StoredKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The private key, PKCS #8 DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// The certificate chain, DER, the key's own first.
    pub chain: Vec<Vec<u8>>,
    /// When it was published in the JWK Set.
    pub published: Timestamp,
    /// The instant from which it signs.
    pub signs_from: Timestamp,
    /// The instant at which its successor takes over, once there is one.
    pub signs_until: Option<Timestamp>,
    /// The instant at which it leaves the JWK Set, once it has a successor.
    pub removed: Option<Timestamp>,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "StoredKey({}, from {:?}, until {:?})", self.kid, self.signs_from, self.signs_until)
    }
}

/// What a verb about registrations answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// Durable, and seen by every later read.
    Done,
    /// The registry has changed since the generation that the changes were decided on; nothing was written.
    Conflict,
}

/// The registry's state, counted: it grows with every change anywhere in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

/// Who made a change, for the audit: a command's user, or `catalogue`. Never a `pid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(pub String);

/// One audit record: written in the same commit as what it records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number: grows by one with each record, and is never used again.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Where; none for what concerns no single issuer (pools, the master key).
    pub issuer: Option<String>,
    /// What happened.
    pub event: String,
    /// The particulars: JSON without secrets and without a `pid`.
    pub detail: serde_json::Value,
}

/// What a sweep removed, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Logins an hour past their lifetime: until then their browser is told that they expired.
    pub logins: u64,
    /// Grants past their end, with their codes and tokens: a refresh token goes with its family.
    pub grants: u64,
    /// Access tokens past their end.
    pub access_tokens: u64,
    /// Secrets past their end for longer than a year.
    pub secrets: u64,
    /// Signing keys that have left the JWK Set.
    pub signing_keys: u64,
    /// Warnings to owners that are older than 90 days.
    pub owner_warnings: u64,
    /// Audit records past their own retention.
    pub audit: u64,
}

/// What a sweep may remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepPolicy {
    /// How long audit records are kept; `None`: for ever. Nothing else decides over them.
    pub audit_retention: Option<Seconds>,
    /// How many rows one commit removes at most, so that no other write waits long.
    pub batch: u32,
}

/// What one process does for all that share a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Sweeping what has ended.
    Sweep,
    /// Making the next signing keys.
    Rotate,
    /// Warning the owners of secrets that end.
    Warn,
}

impl Duty {
    /// Its name, as a column holds it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Rotate => "rotate",
            Self::Warn => "warn",
        }
    }
}
