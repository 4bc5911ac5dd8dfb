//! The clients that rows are measured with, which the bench registers by itself.

use super::server::Server;
use crate::client::{Endpoints, LOGIN_SCOPES, RelyingParty};

/// What is registered, beside the demo's.
pub(super) const CATALOGUE: &str = include_str!("catalogue.toml");

/// The secret and the redirect URI of all of them, as registered.
const SECRET: &str = "bench-secret-never-in-production";
const REDIRECT_URI: &str = "http://localhost:3000/callback";

/// Every client that a row needs.
pub(super) struct Parties {
    /// The demo's at the pilot, whose pages are weighed.
    pub(super) demo: RelyingParty,
    /// Without refresh tokens, at the pilot: opaque tokens.
    pub(super) opaque: RelyingParty,
    /// Without refresh tokens, at the current edition: JWTs.
    pub(super) jwt: RelyingParty,
    /// With refresh tokens and opaque tokens.
    pub(super) refreshing_opaque: RelyingParty,
    /// With refresh tokens and JWTs.
    pub(super) refreshing_jwt: RelyingParty,
    /// With opaque tokens that [`Parties::reader`] may introspect.
    pub(super) api_opaque: RelyingParty,
    /// With such JWTs.
    pub(super) api_jwt: RelyingParty,
    /// An API.
    pub(super) reader: RelyingParty,
}

impl Parties {
    /// All of them at a server on which they are registered.
    ///
    /// # Errors
    /// An issuer has no discovery document.
    pub(super) fn at(server: &Server) -> Result<Self, String> {
        let pilot = Endpoints::discover(server.issuer_of("pilot")?)?;
        let current = Endpoints::discover(server.issuer_of("idporten")?)?;
        let party = |client_id: &str, at: &Endpoints, scope: &str| RelyingParty {
            at: at.clone(),
            client_id: client_id.to_owned(),
            secret: SECRET.to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            pkce: true,
            scope: scope.to_owned(),
        };
        Ok(Self {
            demo: server.relying_party("pilot")?,
            opaque: party("bench-plain", &pilot, LOGIN_SCOPES),
            jwt: party("bench-plain", &current, LOGIN_SCOPES),
            refreshing_opaque: party("bench-refresh", &pilot, LOGIN_SCOPES),
            refreshing_jwt: party("bench-refresh", &current, LOGIN_SCOPES),
            api_opaque: party("bench-api", &current, "openid bench:opaque"),
            api_jwt: party("bench-api", &current, "openid bench:jwt"),
            reader: party("bench-reader", &current, LOGIN_SCOPES),
        })
    }
}
