//! The revocation endpoint (RFC 7009): a client gives back what it was given, all of that grant at once (contract §11).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Request, Response, StatusCode};
use portvakt_protocol::refusal::rules;
use portvakt_protocol::secret::RefreshToken;
use portvakt_protocol::token::{Reason, TokenFault, presented_token};
use portvakt_store::{Revocation, TokenDigests};

use crate::asker::{Asker, Refused};
use crate::concerned::Concerned;
use crate::cors;
use crate::inactive::log_inactive;
use crate::presented::digest;
use crate::reply::{Reply, no_store};
use crate::site::{Site, Trace};

/// `POST` to the revocation endpoint. The answer has no body (RFC 7009 §2.2), and comes when what it says is durable.
pub(crate) async fn revoke(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    let origin = cors::origin(request.headers());
    let mut asker = Asker::default();
    let reply = match answer(&site, &mut trace, request, &mut asker).await {
        Ok(()) => {
            let mut reply = Response::new(Body::empty());
            *reply.status_mut() = StatusCode::OK;
            no_store(reply)
        }
        Err(refused) => asker.refuse(&site, &trace, "revoke", refused),
    };
    cors::for_client(reply, origin, asker.client())
}

async fn answer(
    site: &Site,
    trace: &mut Trace,
    request: Request<Body>,
    asker: &mut Asker,
) -> Result<(), Refused> {
    let (proof, params) = asker.authenticated(site, trace, request).await?;
    let presented = presented_token(&params)?;
    let digests = TokenDigests {
        // A JWT that is none of ours is looked for as it stands, and not found.
        access: digest(site, trace, &presented).await?.unwrap_or_else(|| presented.digest()),
        refresh: RefreshToken::presented(presented.reveal()).digest(),
    };
    let client = proof.client().id();
    match site.by(trace).revoke(site.provider.issuer(), client, digests, trace.now).await? {
        // RFC 7009 §2.2: what the client wanted is so, also where there never was such a token.
        Revocation::Done | Revocation::Unknown => Ok(()),
        // Anybody may come in the name of a client without a secret: whether another's token exists is not theirs to ask.
        Revocation::NotYours if !proof.client().auth_method().has_secret() => {
            let reason = Reason::from(&rules::TOKEN_NOT_YOURS);
            let (asking, told) = (
                Concerned::Registered(proof.client()),
                "told that another client's token is revoked, which it is not",
            );
            log_inactive(site, trace, "revoke", asking, reason, told);
            Ok(())
        }
        Revocation::NotYours => Err(TokenFault::NotYours.into()),
    }
}
