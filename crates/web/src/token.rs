//! The token endpoint: parse, load, decide, save, reply (RFC 6749 §3.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Request, StatusCode};
use portvakt_protocol::grant::Grant;
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::secret::{AccessToken, RefreshToken};
use portvakt_protocol::token::{
    ClientProof, CodeRequest, Draws, GrantFault, Issuance, RefreshFault, RefreshRequest, TokenRequest, Turn,
    exchange, refresh,
};
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{Broken, CodeSpending, Refresh, Usage};

use crate::asker::{Asker, Refused};
use crate::cors;
use crate::reply::{Reply, json};
use crate::site::{Site, Trace};
use crate::verdict;

/// `POST` to the token endpoint.
pub(crate) async fn token(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    let origin = cors::origin(request.headers());
    let mut asker = Asker::default();
    let reply = match answer(&site, &mut trace, request, &mut asker).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(refused) => asker.refuse(&site, &trace, "token", refused),
    };
    cors::for_client(reply, origin, asker.client())
}

/// `OPTIONS` to an endpoint that takes forms alone.
pub(crate) async fn preflight(headers: HeaderMap) -> Reply {
    cors::preflight(&headers, "POST")
}

async fn answer(
    site: &Site,
    trace: &mut Trace,
    request: Request<Body>,
    asker: &mut Asker,
) -> Result<Vec<u8>, Refused> {
    let (proof, params) = asker.authenticated(site, trace, request).await?;
    let issuance = match TokenRequest::parse(&params)? {
        TokenRequest::Code(request) => by_code(site, trace, &proof, &request).await?,
        TokenRequest::Refresh(request) => by_refresh_token(site, trace, &proof, &request).await?,
    };
    signed(site, trace, &issuance).await
}

/// What a code gives (RFC 6749 §4.1.3).
async fn by_code(
    site: &Site,
    trace: &Trace,
    proof: &ClientProof,
    request: &CodeRequest,
) -> Result<Issuance, Refused> {
    let (store, issuer) = (site.by(trace), site.provider.issuer());
    let loaded = store.code(issuer, &request.digest()).await?;
    let standing = standing(site, trace, loaded.as_ref().map(|loaded| &loaded.grant)).await?;
    // Found before the code is spent: without a key there is nothing to spend it for.
    site.signing_key(trace).await?;
    let plan = exchange(proof, request, loaded, standing, draws(site), &site.provider, trace.now)?;
    let spending = CodeSpending {
        client_id: plan.client().id().clone(),
        code: plan.code(),
        access_token: plan.access_token(),
        refresh_token: plan.refresh_token(),
    };
    match store.spend_code(issuer, spending, trace.now).await? {
        Spending::Spent(spent) => {
            plan.join(&spent).ok_or(Refused::Ours("the store vouched for another code, or other tokens"))
        }
        Spending::Replayed => Err(GrantFault::CodeReplayed.into()),
        Spending::Unknown => Err(request.unknown().into()),
    }
}

/// What a refresh token gives (RFC 6749 §6).
async fn by_refresh_token(
    site: &Site,
    trace: &Trace,
    proof: &ClientProof,
    request: &RefreshRequest,
) -> Result<Issuance, Refused> {
    let (store, issuer) = (site.by(trace), site.provider.issuer());
    let loaded = store.refresh_token(issuer, &request.digest()).await?;
    let standing = standing(site, trace, loaded.as_ref().map(|loaded| &loaded.grant)).await?;
    site.signing_key(trace).await?;
    let plan = refresh(proof, request, loaded, standing, draws(site), &site.provider, trace.now)?;
    let usage = match plan.turn() {
        Some(Turn::Successor { token, retry_since }) => Usage::Rotate { successor: token, retry_since },
        Some(Turn::Stays(expires)) => Usage::Reuse { expires },
        None => return Err(Refused::Ours("a refresh was planned for a client that gets no refresh tokens")),
    };
    let using = Refresh {
        client_id: plan.client().id().clone(),
        presented: plan.presented(),
        usage,
        access_token: plan.access_token(),
    };
    match store.refresh(issuer, using, trace.now).await? {
        Refreshing::Refreshed(refreshed) => {
            plan.join(&refreshed).ok_or(Refused::Ours("the store vouched for other tokens"))
        }
        Refreshing::Replayed => Err(RefreshFault::Replayed.into()),
        Refreshing::Unknown => Err(request.unknown().into()),
    }
}

/// Where the person of a grant stands; of no grant, nowhere.
async fn standing(site: &Site, trace: &Trace, grant: Option<&Grant>) -> Result<PersonStanding, Broken> {
    match grant {
        Some(grant) => site.standing(trace, &grant.pid).await,
        None => Ok(PersonStanding::Unassigned),
    }
}

fn draws(site: &Site) -> Draws {
    Draws {
        access_token: AccessToken::draw(&site.random),
        id_token: site.random.bytes(),
        refresh_token: RefreshToken::draw(&site.random),
    }
}

/// Signs with the key that is in force now, for the one before may have been withdrawn while the code was spent; and gives nothing away
/// that was signed while one was.
async fn signed(site: &Site, trace: &Trace, issuance: &Issuance) -> Result<Vec<u8>, Refused> {
    let mut key = site.signing_key(trace).await?;
    loop {
        let body = issuance.respond(&site.provider, &site.pairwise, |kind, claims| key.sign(kind, claims))?;
        verdict::judge(site, &key, issuance, &body)?;
        if site.still_holds(&key) {
            return Ok(body);
        }
        // Something changed meanwhile: most often a registration, and the key is the same.
        let now = site.signing_key(trace).await?;
        if now.kid() == key.kid() {
            return Ok(body);
        }
        key = now;
    }
}
