//! Columns into values and back. A row is parsed like anything else that comes from outside.

use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::ClientId;
use portvakt_protocol::organisation::Standing;
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::time::Timestamp;

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

pub(crate) fn instant(seconds: Option<i64>) -> Option<Timestamp> {
    seconds.map(Timestamp::from_unix)
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
