//! Scopes (RFC 6749 §3.3), and what is registered of each: whose it is, who may use it, and what tokens that carry it are like.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::client::ClientId;
use crate::language::Language;
use crate::organisation::OrgNumber;
use crate::profile::TokenType;
use crate::registration::IntegrationType;
use crate::time::Seconds;

/// One scope token: `1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3), at most 255 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Scope(String);

impl Scope {
    /// Parses one scope token; `None` if a character is not allowed in one.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        (!text.is_empty() && text.len() <= 255 && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Scope({})", self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a scope token (RFC 6749 §3.3)"))
    }
}

/// A set of scopes in the order first named, without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

/// A request may name this many scope tokens at most.
pub const MOST_SCOPES: usize = 64;

/// Why a `scope` value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopesFault {
    /// A character that no scope token may have, or two separators together.
    Syntax,
    /// More than [`MOST_SCOPES`].
    TooMany,
}

impl Scopes {
    /// Parses the space-separated list of RFC 6749 §3.3.
    ///
    /// # Errors
    /// [`ScopesFault`].
    pub fn parse(text: &str) -> Result<Self, ScopesFault> {
        let mut scopes = Vec::new();
        for token in text.split(' ') {
            let scope = Scope::parse(token).ok_or(ScopesFault::Syntax)?;
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
            if scopes.len() > MOST_SCOPES {
                return Err(ScopesFault::TooMany);
            }
        }
        Ok(Self(scopes))
    }

    /// Whether `scope` is among them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| known.as_str() == scope)
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(from: I) -> Self {
        let mut scopes = Vec::new();
        for scope in from {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        Self(scopes)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.0.iter().enumerate() {
            write!(out, "{}{scope}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// The scope whose bearer may introspect (contract §10): built in, as `openid` and `profile` are. It opens the endpoint alone; each
/// token's own scopes say who may read it.
pub const INTROSPECTION: &str = "idporten:token.introspection";

/// A scope as registered (contract §13.2). Field names are the wire's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRecord {
    /// The scope itself: its prefix, a colon and its subscope.
    pub scope: Scope,
    /// The organisation whose it is, which always has access; none: the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_orgno: Option<OrgNumber>,
    /// What it gives access to, in Bokmål: for who administers scopes and clients, and for owners in reports. No page of a login shows it.
    #[serde(default)]
    pub description: String,
    /// The same in Nynorsk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_nn: Option<String>,
    /// The same in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_en: Option<String>,
    /// The same in Northern Sámi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_se: Option<String>,
    /// The format of access tokens that carry it; none: the profile's own.
    #[serde(default)]
    pub token_type: Option<TokenType>,
    /// The greatest age of an access token that carries it, in seconds; 0: no limit (contract §7).
    #[serde(default)]
    pub at_max_age: Seconds,
    /// The longest that a grant of it lasts from the login, in seconds; 0: no limit.
    #[serde(default)]
    pub authorization_max_lifetime: Seconds,
    /// Whether tokens of a grant with it hold no `pid`: who may introspect reads it there.
    #[serde(default)]
    pub requires_pseudonymous_tokens: bool,
    /// Whether every organisation may use it, but those that were denied it, had it withdrawn, or asked and wait.
    #[serde(default)]
    pub accessible_for_all: bool,
    /// The integration types whose clients may have it; none named: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_integration_types: Vec<IntegrationType>,
    /// The clients that may introspect tokens that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforced_aud_for_introspection: Vec<ClientId>,
    /// Whether it may be used.
    pub active: bool,
}

impl ScopeRecord {
    /// A scope of the operator's own, of which nothing is said: open to all.
    pub fn open(scope: Scope) -> Self {
        Self {
            scope,
            owner_orgno: None,
            description: String::new(),
            description_nn: None,
            description_en: None,
            description_se: None,
            token_type: None,
            at_max_age: Seconds::new(0),
            authorization_max_lifetime: Seconds::new(0),
            requires_pseudonymous_tokens: false,
            accessible_for_all: true,
            allowed_integration_types: Vec::new(),
            enforced_aud_for_introspection: Vec::new(),
            active: true,
        }
    }

    /// `openid`, `profile` and [`INTROSPECTION`] are reserved and always there: they say nothing of token type or age.
    pub fn reserved() -> [Self; 3] {
        ["openid", "profile", INTROSPECTION].map(|name| Self::open(Scope(name.to_owned())))
    }

    /// Whether `scope` is reserved: by OpenID Connect Core §5.4 as used here, or by contract §10.
    pub fn is_reserved(scope: &str) -> bool {
        Self::is_of_login(scope) || scope == INTROSPECTION
    }

    /// Whether `scope` is one of login alone: `openid` or `profile`.
    pub fn is_of_login(scope: &str) -> bool {
        matches!(scope, "openid" | "profile")
    }

    /// What it gives access to, in a language, or else in Bokmål.
    pub fn description_in(&self, language: Language) -> &str {
        let own = match language {
            Language::Nb => None,
            Language::Nn => self.description_nn.as_deref(),
            Language::En => self.description_en.as_deref(),
            Language::Se => self.description_se.as_deref(),
        };
        own.unwrap_or(&self.description)
    }

    /// Whether an organisation may use it now. `said`: what was last said of its access, if anything was.
    ///
    /// A request gives nothing, of a scope for all either. Who asks is without access, since there is nothing to ask for otherwise; the
    /// reason may be that its owner said so, and that must not be undone by asking, nor by opening the scope to all while they wait.
    pub fn is_open_to(&self, organisation: &OrgNumber, said: Option<AccessState>) -> bool {
        let owns = self.owner_orgno.as_ref() == Some(organisation);
        owns || match said {
            Some(AccessState::Approved) => true,
            Some(AccessState::Requested | AccessState::Denied | AccessState::Withdrawn) => false,
            None => self.accessible_for_all,
        }
    }
}

/// What was last said of an organisation's access to a scope (contract §13.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessState {
    /// The organisation asked, and waits.
    Requested,
    /// The owner gave it.
    Approved,
    /// The owner did not.
    Denied,
    /// The owner took it back.
    Withdrawn,
}

impl AccessState {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Approved => "APPROVED",
            Self::Denied => "DENIED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Requested, Self::Approved, Self::Denied, Self::Withdrawn]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// An organisation's access to a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeAccess {
    /// The scope.
    pub scope: Scope,
    /// Who may, or may not, use it.
    pub consumer_orgno: OrgNumber,
    /// What was last said.
    pub state: AccessState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_3_a_scope_with_other_characters_is_refused() {
        for text in
            ["", " openid", "openid ", "openid  profile", "open\"id", "open\\id", "åpen", "openid\tprofile"]
        {
            assert_eq!(Scopes::parse(text), Err(ScopesFault::Syntax), "{text:?}");
        }
        assert_eq!(Scopes::parse("openid profile openid").unwrap().to_string(), "openid profile");
    }

    #[test]
    fn sixty_four_scopes_pass_and_one_more_does_not() {
        let list = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        assert!(Scopes::parse(&list(64)).is_ok());
        assert_eq!(Scopes::parse(&list(65)), Err(ScopesFault::TooMany));
    }
}
