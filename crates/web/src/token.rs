//! The token endpoint: parse, load, decide, save, reply (RFC 6749 §3.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, StatusCode};
use portvakt_protocol::client::Client;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::refusal::beginning;
use portvakt_protocol::secret::AccessToken;
use portvakt_protocol::token::{
    ClientFault, CodeRequest, Credentials, Draws, GrantFault, Issuance, TokenFault, authenticate,
    code_request, credentials, exchange,
};
use portvakt_protocol::witness::Spending;
use portvakt_store::{Broken, CodeSpending};

use crate::concerned::Concerned;
use crate::cors;
use crate::form::{FormFault, form};
use crate::keys::NotSigned;
use crate::reply::{Reply, broken_json, json, refuse_json, server_error, text};
use crate::site::{Site, Trace};

/// Why there is no token.
enum Refused {
    Fault(TokenFault),
    Broken(Broken),
    NotSigned(NotSigned),
    /// What cannot be.
    Ours(&'static str),
    /// The body could not be had: a status and a sentence.
    Body(StatusCode, &'static str),
}

impl From<TokenFault> for Refused {
    fn from(fault: TokenFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Broken> for Refused {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<NotSigned> for Refused {
    fn from(fault: NotSigned) -> Self {
        Self::NotSigned(fault)
    }
}

/// `POST` to the token endpoint.
pub(crate) async fn token(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let mut trace = Trace::begin(&site);
    let origin = cors::origin(request.headers());
    let mut asker = Asker::default();
    let reply = match answer(&site, &mut trace, request, &mut asker).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(Refused::Fault(fault)) => refuse_json(&site, &trace, "token", asker.concerned(), &fault),
        Err(Refused::Broken(broken)) => broken_json(&site, &trace, "token", &broken),
        Err(Refused::NotSigned(fault)) if fault.passes() => broken_json(&site, &trace, "token", &fault),
        Err(Refused::NotSigned(fault)) => server_error(&site, &trace, "token", &fault),
        Err(Refused::Ours(cause)) => server_error(&site, &trace, "token", &cause),
        Err(Refused::Body(status, sentence)) => text(status, sentence),
    };
    cors::for_client(reply, origin, asker.client.as_deref())
}

/// `OPTIONS` to the token endpoint.
pub(crate) async fn preflight(headers: HeaderMap) -> Reply {
    cors::preflight(&headers, "POST")
}

/// Who asks, as far as it is known when the answer is written.
#[derive(Default)]
struct Asker {
    /// Whole only once it is known to be a client's: a stranger's may be a secret in the wrong place.
    named: Option<String>,
    client: Option<Arc<Client>>,
}

impl Asker {
    fn concerned(&self) -> Concerned<'_> {
        Concerned::of(self.client.as_deref(), self.named.as_deref())
    }
}

async fn answer(
    site: &Site,
    trace: &mut Trace,
    request: Request<Body>,
    asker: &mut Asker,
) -> Result<Vec<u8>, Refused> {
    let (credentials, code) = parse(request, asker).await?;
    trace.body_read(site);
    let store = site.by(trace);
    let client = store.client(&site.provider, credentials.client_id()).await?;
    asker.client.clone_from(&client);
    if let Some(client) = &client {
        asker.named = Some(client.id().to_string());
    }
    let proof = match authenticate(&credentials, client, trace.now) {
        Err(TokenFault::Client(ClientFault::Unknown(sent, _))) => {
            let elsewhere = site.elsewhere(trace, credentials.client_id()).await;
            return Err(TokenFault::from(ClientFault::Unknown(sent, elsewhere)).into());
        }
        authenticated => authenticated?,
    };
    let code = code?;
    let loaded = store.code(site.provider.issuer(), &code.digest()).await?;
    let standing = match &loaded {
        Some(loaded) => site.standing(trace, &loaded.grant.pid).await?,
        None => PersonStanding::Unassigned,
    };
    // Found before the code is spent: without a key there is nothing to spend it for.
    site.signing_key(trace).await?;
    let draws = Draws { access_token: AccessToken::draw(&site.random), id_token: site.random.bytes() };
    let plan = exchange(&proof, &code, loaded, standing, draws, &site.provider, trace.now)?;
    let spending = CodeSpending {
        client_id: plan.client().id().clone(),
        code: plan.code(),
        access_token: plan.access_token(),
    };
    match store.spend_code(site.provider.issuer(), spending, trace.now).await? {
        Spending::Spent(spent) => {
            let issuance = plan.join(&spent).ok_or(Refused::Ours("the store vouched for another code"))?;
            signed(site, trace, &issuance).await
        }
        Spending::Replayed => Err(Refused::Fault(GrantFault::CodeReplayed.into())),
        Spending::Unknown => Err(Refused::Fault(GrantFault::CodeUnknown(code.length()).into())),
    }
}

/// Signs with the key that is in force now, for the one before may have been withdrawn while the code was spent; and gives nothing away
/// that was signed while one was.
async fn signed(site: &Site, trace: &Trace, issuance: &Issuance) -> Result<Vec<u8>, Refused> {
    let mut key = site.signing_key(trace).await?;
    loop {
        let body = issuance.respond(&site.provider, &site.pairwise, |kind, claims| key.sign(kind, claims))?;
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

/// Reads who asks, and what for. What for is judged only once the client has authenticated.
async fn parse(
    request: Request<Body>,
    asker: &mut Asker,
) -> Result<(Credentials, Result<CodeRequest, TokenFault>), Refused> {
    let (head, body) = request.into_parts();
    if head.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(TokenFault::Query.into());
    }
    let params: RawParams = form(&head.headers, body).await.map_err(|fault| match fault {
        FormFault::ContentType(sent) => Refused::Fault(TokenFault::ContentType(sent)),
        FormFault::Encoding(fault) => Refused::Fault(TokenFault::Encoding(fault)),
        FormFault::TooLarge => Refused::Body(StatusCode::PAYLOAD_TOO_LARGE, "The body is over 64 KiB.\n"),
        FormFault::Broken => Refused::Body(StatusCode::BAD_REQUEST, "The body broke off.\n"),
    })?;
    let authorization: Vec<&[u8]> =
        head.headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes()).collect();
    asker.named = params.first("client_id").map(beginning);
    let credentials = credentials(&authorization, &params)?;
    asker.named = Some(beginning(credentials.client_id().as_str()));
    Ok((credentials, code_request(&params)))
}
