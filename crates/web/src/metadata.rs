//! Discovery document and JWK Set: bytes made at start, or when a key changes.

use std::sync::Arc;

use axum::extract::State;

use crate::reply::{Reply, public_json};
use crate::site::Site;

/// `GET {issuer}/.well-known/openid-configuration` (Discovery 1.0 §4).
pub(crate) async fn discovery(State(site): State<Arc<Site>>) -> Reply {
    crate::cors::public(public_json(site.discovery.clone()))
}

/// `GET` the JWK Set (RFC 7517 §5).
pub(crate) async fn jwks(State(site): State<Arc<Site>>) -> Reply {
    crate::cors::public(public_json(site.keys.jwks()))
}
