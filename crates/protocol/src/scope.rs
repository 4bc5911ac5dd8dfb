//! Scopes (RFC 6749 §3.3) and the little that is known of each: the format and greatest age of the tokens that carry it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::TokenType;
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

/// What is registered of a scope, as far as it bears on the tokens that carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRecord {
    /// The scope itself.
    pub scope: Scope,
    /// What it gives access to, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The format of access tokens that carry it; none: the profile's own.
    #[serde(default)]
    pub token_type: Option<TokenType>,
    /// The greatest age of an access token that carries it, in seconds; 0: no limit (contract §7).
    #[serde(default)]
    pub at_max_age: Seconds,
    /// Whether it may be used.
    pub active: bool,
}

impl ScopeRecord {
    /// `openid` and `profile` are reserved and always there: they say nothing of token type or age.
    pub fn reserved() -> [Self; 2] {
        ["openid", "profile"].map(|name| Self {
            scope: Scope(name.to_owned()),
            description: String::new(),
            token_type: None,
            at_max_age: Seconds::new(0),
            active: true,
        })
    }

    /// Whether `scope` is reserved by OpenID Connect Core §5.4 as used here.
    pub fn is_reserved(scope: &str) -> bool {
        matches!(scope, "openid" | "profile")
    }
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
