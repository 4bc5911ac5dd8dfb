//! The exchange of a code (RFC 6749 §4.1.3): a pure decision that ends in a plan. The plan names the digests of what will be
//! issued; the store spends the code and keeps them in one commit; only plan and [`Spent`] together can be signed.

use std::sync::Arc;

use super::authenticate::ClientProof;
use super::faults::{GrantFault, TokenFault};
use super::plan::{Draws, Issuance, Planned};
use super::standing::{holds, taken_back};
use crate::authorize::Unsupported;
use crate::client::Client;
use crate::grant::{LoadedCode, NewAccessToken, NewRefreshToken};
use crate::params::RawParams;
use crate::pkce::CodeVerifier;
use crate::provider::{PersonStanding, Provider};
use crate::refusal::Malformed;
use crate::secret::{Code, CodeDigest};
use crate::time::Timestamp;
use crate::witness::Spent;

/// A parsed request for the `authorization_code` grant.
#[derive(Debug)]
pub struct CodeRequest {
    code: Code,
    redirect_uri: String,
    verifier: Option<String>,
}

impl CodeRequest {
    /// Parses the parameters of the `authorization_code` grant. Repeated ones were refused with the credentials.
    ///
    /// # Errors
    /// [`TokenFault`] names the parameter that is missing.
    pub(super) fn parse(params: &RawParams) -> Result<Self, TokenFault> {
        if let Some(fault) = Unsupported::binding(params) {
            return Err(fault.into());
        }
        let required = |name| Malformed::required(name, params.first(name));
        Ok(Self {
            code: Code::presented(required("code")?),
            redirect_uri: required("redirect_uri")?.to_owned(),
            verifier: params.first("code_verifier").map(str::to_owned),
        })
    }

    /// The digest of the code presented.
    pub fn digest(&self) -> CodeDigest {
        self.code.digest()
    }

    /// That nothing is known of this code, or nothing any more.
    pub fn unknown(&self) -> TokenFault {
        GrantFault::CodeUnknown(self.code.reveal().chars().count()).into()
    }
}

/// What an exchange will give, once the code is spent. Nothing here can be signed yet.
#[derive(Debug)]
pub struct CodePlan {
    code: CodeDigest,
    planned: Planned,
}

/// Decides an exchange. `standing` is where the code's person stands now.
///
/// # Errors
/// [`TokenFault`]; nothing is burnt by any of them. A code used before passes here: the store says so, and revokes.
pub fn exchange(
    proof: &ClientProof,
    request: &CodeRequest,
    loaded: Option<LoadedCode>,
    standing: PersonStanding,
    draws: Draws,
    provider: &Provider,
    now: Timestamp,
) -> Result<CodePlan, TokenFault> {
    let client = proof.client();
    let LoadedCode { code, mut grant, spent, revoked } =
        loaded.filter(|loaded| loaded.grant.client_id == *client.id()).ok_or_else(|| request.unknown())?;
    grant.expires = client.end_of(&grant);
    if code.redirect_uri != request.redirect_uri {
        return Err(GrantFault::RedirectUriDiffers(request.redirect_uri.clone()).into());
    }
    match (&code.challenge, request.verifier.as_deref()) {
        (None, None) => {}
        (None, Some(_)) => return Err(GrantFault::VerifierUnexpected.into()),
        (Some(_), None) => return Err(GrantFault::VerifierMissing.into()),
        (Some(challenge), Some(sent)) => {
            let verifier =
                CodeVerifier::parse(sent).ok_or(GrantFault::VerifierFormat(sent.chars().count()))?;
            if !verifier.answers(challenge) {
                return Err(GrantFault::VerifierDiffers.into());
            }
        }
    }
    if !spent {
        if now >= code.expires {
            return Err(GrantFault::CodeExpired.into());
        }
        if taken_back(client, &grant, revoked) || now >= grant.expires {
            return Err(request.unknown());
        }
        if provider.stops(grant.method, standing) {
            return Err(GrantFault::PersonStopped.into());
        }
        holds(client, &grant, &grant.scopes)?;
    }
    let planned = Planned::new(client, grant, None, None, draws, provider, now);
    Ok(CodePlan { code: code.digest, planned })
}

impl CodePlan {
    /// The client that the code is spent for.
    pub fn client(&self) -> &Arc<Client> {
        self.planned.client()
    }

    /// The code to spend.
    pub fn code(&self) -> CodeDigest {
        self.code
    }

    /// The access token to store with the mark.
    pub fn access_token(&self) -> NewAccessToken {
        self.planned.access_token()
    }

    /// The refresh token to store with the mark, if the client gets one.
    pub fn refresh_token(&self) -> Option<NewRefreshToken> {
        self.planned.new_refresh_token()
    }

    /// Joins the plan with the store's word that its code was spent and its tokens kept; `None` if the word is about others.
    pub fn join(self, spent: &Spent) -> Option<Issuance> {
        spent.is_about(self.code, self.planned.kept()).then_some(Issuance { planned: self.planned })
    }
}
