//! What to do with a valid request: data, not effects. Pages never call one another; each returns to the one resume point,
//! which asks [`decide`] again.

use std::sync::Arc;

use crate::acr::Assurance;
use crate::authorize::{AuthorizeFault, LoginFault, Prompt, Validated};
use crate::client::Client;
use crate::evidence::Evidence;
use crate::grant::{Echo, Grant, GrantId, NewCode};
use crate::profile::CODE_LIFETIME;
use crate::provider::Provider;
use crate::secret::Code;
use crate::time::Timestamp;

/// What comes next for a valid request.
#[derive(Debug)]
pub enum Decision {
    /// The person must log in; nothing below the request's minimum may be offered.
    AskLogin(Validated),
    /// The person has logged in well enough.
    Proceed(Authenticated),
    /// The client gets a refusal.
    Refuse(Validated, AuthorizeFault),
}

/// Decides what comes next. `evidence` is what this very login brought; `reach` the highest level that any eID of the issuer
/// reaches, none if it has no eID.
pub fn decide(request: Validated, evidence: Option<Evidence>, reach: Option<Assurance>) -> Decision {
    if request.prompt() == Prompt::None {
        return Decision::Refuse(request, LoginFault::LoginRequired.into());
    }
    match evidence {
        Some(evidence) if evidence.assurance >= request.minimum() => {
            Decision::Proceed(Authenticated { request, evidence })
        }
        Some(_) | None if reach.is_some_and(|reach| reach >= request.minimum()) => {
            Decision::AskLogin(request)
        }
        Some(_) | None => Decision::Refuse(request, LoginFault::NoEid.into()),
    }
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

    /// What the store keeps: the code's digest with all it is bound to, and the grant it leads to.
    pub fn issue(&self, code: &Code, id: GrantId, now: Timestamp) -> (NewCode, Grant) {
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
            expires: evidence.auth_time + client.authorization_lifetime(),
            echo: Echo {
                nonce: request.nonce().map(str::to_owned),
                locale: Some(request.language().tag().to_owned()),
            },
        };
        (new_code, grant)
    }

    /// The redirect that carries the code (RFC 6749 §4.1.2).
    pub fn reply(&self, provider: &Provider, code: &Code) -> String {
        self.authenticated.request.addressed().location(provider, &[("code", code.reveal())])
    }
}
