//! The UserInfo endpoint (OpenID Connect Core §5.3).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, StatusCode};
use portvakt_protocol::claims;
use portvakt_protocol::client::Client;
use portvakt_protocol::userinfo::{Presented, UserinfoFault, admit, present};
use portvakt_store::Broken;

use crate::concerned::Concerned;
use crate::cors;
use crate::form::{form_of, read};
use crate::keys::NotSigned;
use crate::presented::{Known, digest};
use crate::reply::{Reply, broken_json, json, refuse_bearer, server_error};
use crate::site::{Site, Trace};

enum Refused {
    Fault(UserinfoFault),
    Broken(Broken),
    NotVerified(NotSigned),
    Json(serde_json::Error),
}

impl From<UserinfoFault> for Refused {
    fn from(fault: UserinfoFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Broken> for Refused {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// `GET` or `POST` to the UserInfo endpoint.
pub(crate) async fn userinfo(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    let origin = cors::origin(request.headers());
    let mut client = None;
    let reply = match answer(&site, &mut trace, request, &mut client).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(Refused::Fault(fault)) => {
            let concerned = Concerned::of(client.as_deref(), None);
            refuse_bearer(&site, &trace, concerned, &fault)
        }
        Err(Refused::Broken(broken)) => broken_json(&site, &trace, "userinfo", &broken),
        Err(Refused::NotVerified(fault)) if fault.passes() => broken_json(&site, &trace, "userinfo", &fault),
        Err(Refused::NotVerified(fault)) => server_error(&site, &trace, "userinfo", &fault),
        Err(Refused::Json(fault)) => server_error(&site, &trace, "userinfo", &fault),
    };
    cors::for_client(reply, origin, client.as_deref())
}

/// `OPTIONS` to the UserInfo endpoint.
pub(crate) async fn preflight(headers: HeaderMap) -> Reply {
    cors::preflight(&headers, "GET, POST")
}

async fn answer(
    site: &Site,
    trace: &mut Trace,
    request: Request<Body>,
    asker: &mut Option<Arc<Client>>,
) -> Result<Vec<u8>, Refused> {
    let presented = parse(request).await?;
    trace.body_read(site);
    let digest = digest(site, trace, presented.opaque()).await.map_err(Refused::NotVerified)?;
    let known = Known::of(site, trace, digest).await?;
    asker.clone_from(&known.client);
    let at = (&site.provider, known.standing);
    let admitted = admit(&presented, known.token, known.client, at, trace.now)?;
    let claims = claims::userinfo(&claims::Issue {
        provider: &site.provider,
        client: admitted.client(),
        grant: admitted.grant(),
        pairwise: &site.pairwise,
    });
    serde_json::to_vec(&claims).map_err(Refused::Json)
}

/// Reads the token, and the form of a POST that has one.
async fn parse(request: Request<Body>) -> Result<Presented, Refused> {
    let (head, body) = request.into_parts();
    let authorization: Vec<&[u8]> =
        head.headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes()).collect();
    let form = if head.method == Method::POST {
        let body = read(body).await.map_err(UserinfoFault::from)?;
        if body.is_empty() { None } else { Some(form_of(&head.headers, &body).map_err(UserinfoFault::from)?) }
    } else {
        None
    };
    Ok(present(&authorization, form.as_ref())?)
}
