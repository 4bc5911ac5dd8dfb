//! Columns into values and back. A row is parsed like anything else that comes from outside.

use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::ClientId;
use portvakt_protocol::grant::{Grant, SpentOn};
use portvakt_protocol::organisation::{OrgNumber, Standing};
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::scope::{AccessState, Scope, ScopeAccess, ScopeRecord, Scopes};
use portvakt_protocol::time::{Seconds, Timestamp};

use crate::Broken;

/// Names the row that a value could not be read from.
pub(crate) fn unreadable(table: &'static str, what: &'static str) -> Broken {
    Broken::Row { table, what }
}

pub(crate) fn client_id(table: &'static str, text: &str) -> Result<ClientId, Broken> {
    ClientId::parse(text).ok_or_else(|| unreadable(table, "client_id"))
}

pub(crate) fn scopes(table: &'static str, text: &str) -> Result<Scopes, Broken> {
    if text.is_empty() {
        Ok(Scopes::default())
    } else {
        Scopes::parse(text).map_err(|_| unreadable(table, "scopes"))
    }
}

/// An access token's scopes: its own, where it has fewer than its grant.
pub(crate) fn token_scopes(narrowed: Option<&str>, grant: &Grant) -> Result<Scopes, Broken> {
    narrowed.map_or_else(|| Ok(grant.scopes.clone()), |narrowed| scopes("access_token", narrowed))
}

pub(crate) fn instant(seconds: Option<i64>) -> Option<Timestamp> {
    seconds.map(Timestamp::from_unix)
}

/// That a refresh token was spent, if it was.
pub(crate) fn spent(at: Option<i64>, successor_unused: bool) -> Option<SpentOn> {
    instant(at).map(|at| SpentOn { at, successor_unused })
}

pub(crate) fn assurance_word(assurance: Assurance) -> &'static str {
    match assurance {
        Assurance::Low => "low",
        Assurance::Substantial => "substantial",
        Assurance::High => "high",
    }
}

pub(crate) fn assurance(table: &'static str, word: &str) -> Result<Assurance, Broken> {
    [Assurance::Low, Assurance::Substantial, Assurance::High]
        .into_iter()
        .find(|level| assurance_word(*level) == word)
        .ok_or_else(|| unreadable(table, "assurance"))
}

pub(crate) fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Withdrawn => "withdrawn",
        Standing::Deactivated => "deactivated",
    }
}

pub(crate) fn standing(word: &str) -> Result<Standing, Broken> {
    [Standing::Active, Standing::Withdrawn, Standing::Deactivated]
        .into_iter()
        .find(|standing| standing_word(*standing) == word)
        .ok_or_else(|| unreadable("organisation", "standing"))
}

pub(crate) fn token_type_word(token_type: TokenType) -> &'static str {
    match token_type {
        TokenType::Opaque => "OPAQUE",
        TokenType::SelfContained => "SELF_CONTAINED",
    }
}

pub(crate) fn token_type(word: &str) -> Result<TokenType, Broken> {
    [TokenType::Opaque, TokenType::SelfContained]
        .into_iter()
        .find(|token_type| token_type_word(*token_type) == word)
        .ok_or_else(|| unreadable("scope", "token_type"))
}

/// A client's registration, as its text says.
pub(crate) fn registration(text: &str) -> Result<ClientRegistration, Broken> {
    serde_json::from_str(text).map_err(|_| unreadable("client", "registration"))
}

/// The columns of a scope's row.
pub(crate) struct ScopeRow<'a> {
    pub(crate) scope: &'a str,
    pub(crate) description: &'a str,
    pub(crate) token_type: Option<&'a str>,
    pub(crate) at_max_age: i64,
    pub(crate) active: bool,
    /// The whole, since there is more to say of a scope than the other columns do.
    pub(crate) record: Option<&'a str>,
}

impl ScopeRow<'_> {
    /// What is registered of the scope. A row without the whole is from before scopes had owners: open to all, as it was.
    pub(crate) fn read(self) -> Result<ScopeRecord, Broken> {
        let scope = Scope::parse(self.scope).ok_or_else(|| unreadable("scope", "scope"))?;
        if let Some(text) = self.record {
            let record: ScopeRecord =
                serde_json::from_str(text).map_err(|_| unreadable("scope", "record"))?;
            // The key is what the row was found by.
            return if record.scope == scope { Ok(record) } else { Err(unreadable("scope", "record")) };
        }
        let at_max_age = u32::try_from(self.at_max_age).map_err(|_| unreadable("scope", "at_max_age"))?;
        Ok(ScopeRecord {
            description: self.description.to_owned(),
            token_type: self.token_type.map(token_type).transpose()?,
            at_max_age: Seconds::new(at_max_age),
            active: self.active,
            ..ScopeRecord::open(scope)
        })
    }
}

/// An organisation's access to a scope, as its row says.
pub(crate) fn scope_access(scope: &str, consumer: &str, state: &str) -> Result<ScopeAccess, Broken> {
    Ok(ScopeAccess {
        scope: Scope::parse(scope).ok_or_else(|| unreadable("scope_access", "scope"))?,
        consumer_orgno: OrgNumber::parse(consumer)
            .map_err(|_| unreadable("scope_access", "consumer_orgno"))?,
        state: AccessState::named(state).ok_or_else(|| unreadable("scope_access", "state"))?,
    })
}

/// The day of an instant, counted from 1970 (UTC).
pub(crate) fn day(at: Timestamp) -> i64 {
    at.unix().div_euclid(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_from_before_scopes_had_owners_is_open_to_all_and_one_that_is_whole_says_so_itself() {
        let row = |record| ScopeRow {
            scope: "skatt:inntekt",
            description: "Inntekt",
            token_type: Some("OPAQUE"),
            at_max_age: 60,
            active: false,
            record,
        };
        let before = row(None).read().unwrap();
        assert!(before.accessible_for_all && before.owner_orgno.is_none() && !before.active);
        assert_eq!((before.description.as_str(), before.at_max_age), ("Inntekt", Seconds::new(60)));
        assert_eq!(before.token_type, Some(TokenType::Opaque));
        let whole = ScopeRecord { accessible_for_all: false, active: true, ..before };
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(row(Some(&text)).read(), Ok(whole));
        for text in ["", "{}", &text.replace("skatt:inntekt", "skatt:formue")] {
            assert!(row(Some(text)).read().is_err(), "{text}");
        }
    }
}
