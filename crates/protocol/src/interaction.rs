//! What to do with a valid request: data, not effects. Pages never call one another; each returns to the one resume point,
//! which asks [`decide`] again.

use std::sync::Arc;

use crate::acr::Assurance;
use crate::authorize::{Addressed, LoginFault, Prompt, Refused, Validated, validate};
use crate::client::Client;
use crate::evidence::Evidence;
use crate::grant::{Echo, Grant, GrantId, NewCode};
use crate::language::Language;
use crate::profile::CODE_LIFETIME;
use crate::provider::{PersonStanding, Provider};
use crate::secret::Code;
use crate::time::{Seconds, Timestamp};

/// What comes next for a request that is not refused.
#[derive(Debug)]
pub enum Decision {
    /// The person must log in; nothing below the request's minimum may be offered.
    AskLogin(Validated),
    /// The person has logged in well enough.
    Proceed(Authenticated),
}

/// Who logged in, and where that person stands now.
#[derive(Debug)]
pub struct Login {
    /// What the eID brought.
    pub evidence: Evidence,
    /// Where the person stands in the issuer's pools.
    pub standing: PersonStanding,
}

/// A login is no older than this when it is answered, even if `max_age` is less: the person is on the way back already.
const LEAST_MAX_AGE: Seconds = CODE_LIFETIME;

/// Judges a request for which nobody has logged in yet. `reach` is the highest level that any eID of the issuer reaches, none
/// if it has no eID.
///
/// # Errors
/// [`Refused`]: the client gets a refusal.
pub fn ask(
    addressed: Addressed,
    reach: Option<Assurance>,
    provider: &Provider,
) -> Result<Validated, Box<Refused>> {
    offer(open(addressed, provider)?, reach)
}

/// Decides what comes next, anew at every step. `login` is what this very login brought so far.
///
/// # Errors
/// [`Refused`]: the client gets a refusal.
pub fn decide(
    addressed: Addressed,
    login: Option<Login>,
    reach: Option<Assurance>,
    provider: &Provider,
    now: Timestamp,
) -> Result<Decision, Box<Refused>> {
    let request = open(addressed, provider)?;
    let login = login.filter(|login| provider.offers(login.evidence.method));
    if let Some(Login { evidence, standing }) = login {
        if provider.stops(evidence.method, standing) {
            return Err(request.refuse(LoginFault::person_stopped()));
        }
        let too_old = request.max_age().is_some_and(|age| now >= evidence.auth_time + age.max(LEAST_MAX_AGE))
            || now >= evidence.auth_time + request.addressed().client().authorization_lifetime();
        if evidence.assurance >= request.minimum() && !too_old {
            return Ok(Decision::Proceed(Authenticated { request, evidence }));
        }
    }
    offer(request, reach).map(Decision::AskLogin)
}

/// A valid request that may show pages. There is no session, so one that may not cannot be met.
fn open(addressed: Addressed, provider: &Provider) -> Result<Validated, Box<Refused>> {
    let request = validate(addressed, provider)?;
    match request.prompt() {
        Prompt::None => Err(request.refuse(LoginFault::LoginRequired)),
        Prompt::Interactive => Ok(request),
    }
}

/// A request that some eID can meet.
fn offer(request: Validated, reach: Option<Assurance>) -> Result<Validated, Box<Refused>> {
    if reach.is_some_and(|reach| reach >= request.minimum()) {
        return Ok(request);
    }
    Err(request.refuse(LoginFault::NoEid))
}

/// A valid request whose person has logged in at the level asked for, or higher. Only [`decide`] makes one.
#[derive(Debug)]
pub struct Authenticated {
    request: Validated,
    evidence: Evidence,
}

impl Authenticated {
    /// The scopes agreed to: all that were asked for, since none asks for consent yet.
    pub fn grant(self) -> Granted {
        Granted { authenticated: self }
    }
}

/// An authenticated request with its scopes agreed. Only this becomes a code.
#[derive(Debug)]
pub struct Granted {
    authenticated: Authenticated,
}

impl Granted {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        self.authenticated.request.addressed().client()
    }

    /// Where the code goes.
    pub fn addressed(&self) -> &Addressed {
        self.authenticated.request.addressed()
    }

    /// What the store keeps: the code's digest with all it is bound to, and the grant it leads to. `language` is that of the pages.
    pub fn issue(&self, code: &Code, id: GrantId, language: Language, now: Timestamp) -> (NewCode, Grant) {
        let Authenticated { request, evidence } = &self.authenticated;
        let client = self.client();
        let new_code = NewCode {
            digest: code.digest(),
            redirect_uri: request.addressed().redirect_uri().as_str().to_owned(),
            challenge: request.challenge().cloned(),
            expires: now + CODE_LIFETIME,
        };
        let grant = Grant {
            id,
            client_id: client.id().clone(),
            pid: evidence.pid.clone(),
            scopes: request.scopes().clone(),
            method: evidence.method,
            assurance: evidence.assurance,
            auth_time: evidence.auth_time,
            issued: now,
            expires: evidence.auth_time + client.grant_lifetime(request.scopes()),
            echo: Echo {
                nonce: request.nonce().map(str::to_owned),
                locale: Some(language.tag().to_owned()),
                onbehalfof: request.on_behalf_of().map(|customer| customer.onbehalfof.clone()),
            },
            pseudonymous: client.requires_pseudonymous(request.scopes()),
        };
        (new_code, grant)
    }

    /// The redirect that carries the code (RFC 6749 §4.1.2).
    pub fn reply(&self, provider: &Provider, code: &Code) -> String {
        self.authenticated.request.addressed().location(provider, &[("code", code.reveal())])
    }
}
