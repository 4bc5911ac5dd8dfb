//! The UserInfo endpoint (OpenID Connect Core §5.3).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, StatusCode};
use portvakt_protocol::client::Client;
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::secret::{AccessToken, AccessTokenDigest};
use portvakt_protocol::userinfo::{Presented, UserinfoFault, admit, present};
use portvakt_protocol::{claims, params};
use portvakt_store::Broken;
use serde::Deserialize;

use crate::concerned::Concerned;
use crate::cors;
use crate::form::{FormFault, content_type, is_form, read};
use crate::keys::NotSigned;
use crate::reply::{Reply, broken_json, json, refuse_bearer, server_error, text};
use crate::site::{Site, Trace};

enum Refused {
    Fault(UserinfoFault),
    Broken(Broken),
    NotVerified(NotSigned),
    Json(serde_json::Error),
    Body(StatusCode, &'static str),
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
            refuse_bearer(&site, &trace, concerned, &fault, fault == UserinfoFault::NoToken)
        }
        Err(Refused::Broken(broken)) => broken_json(&site, &trace, "userinfo", &broken),
        Err(Refused::NotVerified(fault)) if fault.passes() => broken_json(&site, &trace, "userinfo", &fault),
        Err(Refused::NotVerified(fault)) => server_error(&site, &trace, "userinfo", &fault),
        Err(Refused::Json(fault)) => server_error(&site, &trace, "userinfo", &fault),
        Err(Refused::Body(status, sentence)) => text(status, sentence),
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
    let digest = digest(site, trace, &presented).await?;
    let digest = digest.ok_or_else(|| UserinfoFault::Unknown(presented.text().chars().count()))?;
    let loaded = site.by(trace).access_token(site.provider.issuer(), &digest).await?;
    let (client, standing) = match &loaded {
        Some(loaded) => (
            site.by(trace).client(&site.provider, &loaded.grant.client_id).await?,
            site.standing(trace, &loaded.grant.pid).await?,
        ),
        None => (None, PersonStanding::Unassigned),
    };
    asker.clone_from(&client);
    let admitted = admit(&presented, loaded, client, (&site.provider, standing), trace.now)?;
    let claims = claims::userinfo(&site.provider, admitted.client(), admitted.grant(), &site.pairwise);
    serde_json::to_vec(&claims).map_err(Refused::Json)
}

/// Reads the token, and the form of a POST that has one.
async fn parse(request: Request<Body>) -> Result<Presented, Refused> {
    let (head, body) = request.into_parts();
    let authorization: Vec<&[u8]> =
        head.headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes()).collect();
    let form = if head.method == Method::POST {
        let body = read(body).await.map_err(|fault| match fault {
            FormFault::TooLarge => Refused::Body(StatusCode::PAYLOAD_TOO_LARGE, "The body is over 64 KiB.\n"),
            FormFault::Broken | FormFault::ContentType(_) | FormFault::Encoding(_) => {
                Refused::Body(StatusCode::BAD_REQUEST, "The body broke off.\n")
            }
        })?;
        match (body.is_empty(), is_form(&head.headers)) {
            (true, _) => None,
            (false, true) => Some(params::RawParams::parse(&body).map_err(UserinfoFault::Encoding)?),
            (false, false) => return Err(UserinfoFault::ContentType(content_type(&head.headers)).into()),
        }
    } else {
        None
    };
    Ok(present(&authorization, form.as_ref())?)
}

#[derive(Deserialize)]
struct JwtId {
    jti: String,
}

/// The digest that the store knows a token by: of an opaque token the whole, of a JWT that we signed its `jti`.
async fn digest(
    site: &Site,
    trace: &Trace,
    presented: &Presented,
) -> Result<Option<AccessTokenDigest>, Refused> {
    if !presented.text().contains('.') {
        return Ok(Some(presented.opaque().digest()));
    }
    let payload = site.verified(trace, presented.text()).await.map_err(Refused::NotVerified)?;
    let id = payload.and_then(|payload| serde_json::from_slice::<JwtId>(&payload).ok());
    Ok(id.map(|id| AccessToken::id_digest(&id.jti)))
}
