//! The introspection endpoint (RFC 7662), and the pilot's, which anyone may ask (contract §10).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Request, StatusCode};
use portvakt_protocol::refusal::Malformed;
use portvakt_protocol::token::{Inactive, introspect, presented_token, tokeninfo as tell};
use serde::Serialize;

use crate::asker::{Asker, Refused};
use crate::concerned::Concerned;
use crate::cors;
use crate::form::form;
use crate::inactive::log_inactive;
use crate::presented::{Known, digest, name};
use crate::reply::{Reply, json};
use crate::site::{Site, Trace};

/// What is said of a token that is not good, whatever the reason.
const INACTIVE: &str = r#"{"active":false}"#;

/// `POST` to the introspection endpoint.
pub(crate) async fn introspection(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    let origin = cors::origin(request.headers());
    let mut asker = Asker::default();
    let reply = match for_client(&site, &mut trace, request, &mut asker).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(refused) => asker.refuse(&site, &trace, "introspect", refused),
    };
    cors::for_client(reply, origin, asker.client())
}

async fn for_client(
    site: &Site,
    trace: &mut Trace,
    request: Request<Body>,
    asker: &mut Asker,
) -> Result<Vec<u8>, Refused> {
    let (proof, params) = asker.authenticated(site, trace, request).await?;
    let (digest, jti) = match name(site, trace, &presented_token(&params)?).await? {
        Some(name) => (Some(name.digest), name.jti),
        None => (None, None),
    };
    let known = Known::of(site, trace, digest).await?;
    let (token, at) = ((known.token, jti.as_deref()), (&site.provider, known.standing));
    let told = introspect(&proof, token, known.client, at, &site.pairwise, trace.now);
    body(site, trace, "introspect", Concerned::Registered(proof.client()), told)
}

/// `POST` to the pilot's `/tokeninfo`.
pub(crate) async fn tokeninfo(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    match for_anyone(&site, &mut trace, request).await {
        Ok(body) => cors::public(json(StatusCode::OK, body)),
        Err(refused) => cors::public(Asker::default().refuse(&site, &trace, "tokeninfo", refused)),
    }
}

async fn for_anyone(site: &Site, trace: &mut Trace, request: Request<Body>) -> Result<Vec<u8>, Refused> {
    let (head, form_body) = request.into_parts();
    Malformed::no_query(head.uri.query())?;
    let params = form(&head.headers, form_body).await?;
    trace.body_read(site);
    if let Some(again) = params.repeated() {
        return Err(Malformed::from(again).into());
    }
    let digest = digest(site, trace, &presented_token(&params)?).await?;
    let known = Known::of(site, trace, digest).await?;
    let told = tell(known.token, known.client, (&site.provider, known.standing), trace.now);
    body(site, trace, "tokeninfo", Concerned::Nobody, told)
}

/// The answer. Why a token is not active is for the log alone.
fn body<T: Serialize>(
    site: &Site,
    trace: &Trace,
    endpoint: &'static str,
    asking: Concerned<'_>,
    told: Result<T, Inactive>,
) -> Result<Vec<u8>, Refused> {
    match told {
        Ok(told) => {
            serde_json::to_vec(&told).map_err(|_| Refused::Ours("an introspection cannot be written"))
        }
        Err(why) => {
            log_inactive(site, trace, endpoint, asking, why.reason(), "told that a token is not active");
            Ok(INACTIVE.as_bytes().to_vec())
        }
    }
}
