//! A form request of a client's in the making (token, introspection, revocation), and the tokens it brings.

use portvakt_crypto::jws::Compact;
use serde_json::Value;

use crate::call::{Call, Reply};
use crate::wire::Wire;

/// A form request in the making: what a client that authenticates sends to an endpoint.
#[derive(Clone)]
pub struct Redemption {
    pub(crate) wire: Wire,
    pub(crate) url: String,
    /// The form, in order.
    pub fields: Vec<(String, String)>,
    /// Client and secret for HTTP Basic.
    pub basic: Option<(String, String)>,
}

impl Redemption {
    /// The same, sent somewhere else.
    #[must_use]
    pub fn to(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    /// With a field set to this value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// With a field once more.
    #[must_use]
    pub fn again(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// As a call.
    pub fn call(&self) -> Call {
        let call = Call::post(&self.url, &self.fields);
        match &self.basic {
            Some((client_id, secret)) => call.basic(client_id, secret),
            None => call,
        }
    }

    /// Sends it.
    pub async fn send(&self) -> Reply {
        self.wire.call(self.call()).await
    }
}

/// What a code gave, or a refresh token.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The whole response.
    pub response: Value,
    /// `access_token`.
    pub access_token: String,
    /// `refresh_token`.
    pub refresh_token: Option<String>,
    /// `id_token`.
    pub id_token: Option<String>,
    /// The claims of the ID token, verified.
    pub id_claims: Option<Value>,
}

impl Tokens {
    /// A claim of the ID token; `null` if it is not there.
    pub fn claim(&self, name: &str) -> Value {
        self.id_claims.as_ref().and_then(|claims| claims.get(name)).cloned().unwrap_or_default()
    }

    /// The refresh token.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn refresh_token(&self) -> &str {
        self.refresh_token.as_deref().expect("a refresh token")
    }

    /// The scopes that were granted.
    pub fn scope(&self) -> &str {
        self.response.get("scope").and_then(Value::as_str).unwrap_or_default()
    }

    /// The ID token's header.
    pub fn header(&self) -> Value {
        self.id_token.as_deref().map(header_of).unwrap_or_default()
    }

    /// The access token's header, if it is a JWT.
    pub fn access_token_header(&self) -> Value {
        header_of(&self.access_token)
    }
}

/// The header of a JWT, unverified.
fn header_of(token: &str) -> Value {
    let header = Compact::parse(token).map(|compact| compact.header().clone());
    header.map(Value::Object).unwrap_or_default()
}
