//! One event: what was asked about what, where and when, and what the answer was.

use serde::{Deserialize, Serialize};

/// The end of what never ended: whoever asked was itself lost, or still waits.
pub const UNENDED: u64 = u64::MAX;

/// What was asked. Every operation is about one kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// An authorization request: a login is under way. `expires` is the login's end.
    Begin,
    /// A read of the login: done if it is under way, refused as `finished`, `expired` or `unknown`.
    FindLogin,
    /// The person's form: the login holds evidence.
    Identify,
    /// The resume point: the login is finished, and there is a code. `expires` is the code's end. Single use.
    Collect,
    /// The login is finished without a code. The same single use.
    Refuse,
    /// A logout finished the login. The same single use; refused if there was nothing to end.
    End,
    /// A read of the code: done if it is there and not spent, refused as `replayed` if it is spent, or as `unknown`.
    FindCode,
    /// A redemption of the code. `expires` is the access token's end. Single use.
    Redeem,
    /// A use of the access token.
    Userinfo,
    /// A look at the access token by who may introspect it.
    Introspect,
    /// A use of a refresh token that rotates: `presented` says which, `attempt` counts it among the redemptions. `expires` is the end of the
    /// tokens that it brings.
    Refresh,
    /// A use of a refresh token that stays, likewise.
    Reuse,
    /// A revocation of everything under the grant, by the tokens that `presented` names.
    Revoke,
    /// A client's registration.
    Register,
    /// A client is withdrawn.
    Deactivate,
    /// A withdrawn client is taken back.
    Activate,
    /// A read of the client: it shows its secret, or is looked up to be asked for.
    Authenticate,
    /// A person is put into a pool, or taken back.
    Admit,
    /// A person is deactivated.
    Stop,
    /// A read of where the person stands.
    FindPerson,
    /// An organisation is given a scope.
    GiveScope,
    /// The scope is withdrawn from it.
    WithdrawScope,
    /// A read of whether a client may use the scope.
    FindScope,
    /// An issuer's first signing key is stored. Single use.
    FirstKey,
    /// A signing key is stored beside the others.
    Rotate,
    /// A JWK Set was read at a node: `kids` are all its keys, `now` is the instant of asking.
    KeySet,
    /// A signature was held against the key that its one `kids` names, in the JWK Set as it was then; `iat` is its instant.
    Verify,
    /// Something was broken on purpose, from start to end.
    Fault,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A login with its code, its grant and the tokens under it.
    Login,
    /// A client.
    Client,
    /// A person, by a name that the run made up. Never a `pid`.
    Person,
    /// A scope, as one organisation may use it.
    Scope,
    /// An issuer, for its signing keys.
    Issuer,
    /// The machines.
    Site,
}

impl Operation {
    /// What it is about.
    pub fn kind(self) -> Kind {
        match self {
            Self::Begin
            | Self::FindLogin
            | Self::Identify
            | Self::Collect
            | Self::Refuse
            | Self::End
            | Self::FindCode
            | Self::Redeem
            | Self::Userinfo
            | Self::Introspect
            | Self::Refresh
            | Self::Reuse
            | Self::Revoke => Kind::Login,
            Self::Register | Self::Deactivate | Self::Activate | Self::Authenticate => Kind::Client,
            Self::Admit | Self::Stop | Self::FindPerson => Kind::Person,
            Self::GiveScope | Self::WithdrawScope | Self::FindScope => Kind::Scope,
            Self::FirstKey | Self::Rotate | Self::KeySet | Self::Verify => Kind::Issuer,
            Self::Fault => Kind::Site,
        }
    }

    /// Whether it changes anything.
    pub fn writes(self) -> bool {
        match self {
            Self::Begin
            | Self::Identify
            | Self::Collect
            | Self::Refuse
            | Self::End
            | Self::Redeem
            | Self::Refresh
            | Self::Reuse
            | Self::Revoke
            | Self::GiveScope
            | Self::WithdrawScope
            | Self::Register
            | Self::Deactivate
            | Self::Activate
            | Self::Admit
            | Self::Stop
            | Self::FirstKey
            | Self::Rotate => true,
            Self::FindLogin
            | Self::FindCode
            | Self::Userinfo
            | Self::Introspect
            | Self::FindScope
            | Self::Authenticate
            | Self::FindPerson
            | Self::KeySet
            | Self::Verify
            | Self::Fault => false,
        }
    }
}

/// What the answer was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What was asked for is done.
    Done,
    /// It is refused, for this reason: an OAuth error code, or the word of a verb (`replayed`, `finished`, `expired`, `revoked`,
    /// `superseded`, `unknown`). A reason that the judge does not know may have any cause, but not at a redemption.
    Refused(String),
    /// Nothing, or not all of an answer: it is done or not.
    Unknown,
    /// An answer that no sound server gives while nothing is broken. What was asked for is done or not.
    Failed(String),
}

/// Where a question was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node's name.
    pub node: String,
    /// In which life of the node's: the first is 0.
    pub life: u32,
}

/// One line of a history. Times are microseconds on one clock, the same for every writer of the history; instants are seconds
/// since 1970, as the protocol counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Names the thing among all of its kind in the history.
    pub about: String,
    /// What was asked.
    pub operation: Operation,
    /// Which of several attempts at a single use this is, or whose fruit it reads: the code that a `Collect` brought, the token
    /// that a `Redeem`, `Refresh` or `Reuse` brought. Attempts may share a number where nobody can tell their fruits apart.
    #[serde(default, skip_serializing_if = "is_first")]
    pub attempt: u32,
    /// The refresh token that is used, or whose grant is revoked: the attempt that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented: Option<u32>,
    /// The node that was asked.
    pub node: String,
    /// In which of its lives.
    pub life: u32,
    /// When it was asked.
    pub start: u64,
    /// When the answer was there, or hope was given up.
    pub end: u64,
    /// The answer.
    pub outcome: Outcome,
    /// The instant of asking, where instants matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<i64>,
    /// The instant at which what this brings about ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// The client that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The person who logs in, by a name that the run made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The scope of the login's that may be withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The grant that a `Collect` brings, as the audit names it, where the client of the history knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Keys: those of a JWK Set, or the one of a signature or of a write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kids: Vec<String>,
    /// The instant in a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
}

fn is_first(attempt: &u32) -> bool {
    *attempt == 0
}

impl Event {
    /// What is being asked now, and has no answer yet.
    pub fn asked(about: impl Into<String>, operation: Operation, at: Place, start: u64) -> Self {
        Self {
            about: about.into(),
            operation,
            attempt: 0,
            presented: None,
            node: at.node,
            life: at.life,
            start,
            end: UNENDED,
            outcome: Outcome::Unknown,
            now: None,
            expires: None,
            client: None,
            person: None,
            scope: None,
            grant: None,
            kids: Vec::new(),
            iat: None,
        }
    }

    /// With its answer.
    #[must_use]
    pub fn told(self, end: u64, outcome: Outcome) -> Self {
        Self { end, outcome, ..self }
    }

    /// Whether it succeeded.
    pub fn is_done(&self) -> bool {
        self.outcome == Outcome::Done
    }

    /// Whether it is certain to have changed nothing, or, of a redemption, nothing but by being a replay.
    pub fn is_refused(&self) -> bool {
        matches!(self.outcome, Outcome::Refused(_))
    }

    /// Whether it had ended before `other` began.
    pub fn is_before(&self, other: &Self) -> bool {
        self.end <= other.start
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { about, operation, attempt, node, life, start, end, outcome, .. } = self;
        write!(out, "{}..", seconds(*start))?;
        match *end {
            UNENDED => write!(out, "never")?,
            end => write!(out, "{}", seconds(end))?,
        }
        write!(out, "  {node} life {life}  {about}  {operation:?}")?;
        if *attempt > 0 {
            write!(out, " #{attempt}")?;
        }
        if let Some(presented) = self.presented {
            write!(out, " by #{presented}")?;
        }
        for (what, value) in [("now", self.now), ("expires", self.expires), ("iat", self.iat)] {
            if let Some(value) = value {
                write!(out, " {what}={value}")?;
            }
        }
        for (what, value) in [("client", &self.client), ("person", &self.person), ("scope", &self.scope)] {
            if let Some(value) = value {
                write!(out, " {what}={value}")?;
            }
        }
        if !self.kids.is_empty() {
            write!(out, " kids={}", self.kids.join(","))?;
        }
        write!(out, ": {outcome:?}")
    }
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
