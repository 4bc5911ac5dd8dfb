//! The exchange of a code (RFC 6749 §4.1.3): a pure decision that ends in a plan. The plan names the digests of what will be
//! issued; the store spends the code and keeps them in one commit; only plan and [`Spent`] together can be signed.

use std::sync::Arc;

use serde::Serialize;

use super::authenticate::ClientProof;
use super::faults::{GrantFault, TokenFault};
use crate::claims::{self, IdTokenClaims, JwtAccessTokenClaims};
use crate::client::Client;
use crate::grant::{Grant, LoadedCode, NewAccessToken};
use crate::params::RawParams;
use crate::pkce::CodeVerifier;
use crate::profile::TokenType;
use crate::provider::Provider;
use crate::secret::{AccessToken, Code, CodeDigest};
use crate::subject::PairwiseKey;
use crate::time::{Seconds, Timestamp};
use crate::witness::Spent;

/// A parsed request for the `authorization_code` grant.
#[derive(Debug)]
pub struct CodeRequest {
    code: Code,
    redirect_uri: String,
    verifier: Option<String>,
}

impl CodeRequest {
    /// The digest of the code presented.
    pub fn digest(&self) -> CodeDigest {
        self.code.digest()
    }

    /// The number of characters presented, which is all that may be said of a code.
    pub fn length(&self) -> usize {
        self.code.reveal().chars().count()
    }
}

/// Parses the parameters of the `authorization_code` grant.
///
/// # Errors
/// [`TokenFault`] names the parameter that is missing or not supported. Repeated ones were refused with the credentials.
pub fn code_request(params: &RawParams) -> Result<CodeRequest, TokenFault> {
    match params.first("grant_type") {
        Some("authorization_code") => {}
        Some(other) => return Err(TokenFault::GrantType(other.to_owned())),
        None => return Err(TokenFault::GrantTypeMissing),
    }
    for name in ["resource", "authorization_details"] {
        if params.first(name).is_some() {
            return Err(TokenFault::Unsupported(name));
        }
    }
    let required = |name| params.first(name).ok_or(TokenFault::Missing(name));
    Ok(CodeRequest {
        code: Code::presented(required("code")?),
        redirect_uri: required("redirect_uri")?.to_owned(),
        verifier: params.first("code_verifier").map(str::to_owned),
    })
}

/// The randomness of one exchange, drawn by the caller.
#[derive(Debug)]
pub struct Draws {
    /// What is random in the access token.
    pub access_token: AccessToken,
    /// The `jti` of the ID token.
    pub id_token: [u8; 32],
}

/// What an exchange will give, once the code is spent. Nothing here can be signed yet.
#[derive(Debug)]
pub struct TokenPlan {
    client: Arc<Client>,
    code: CodeDigest,
    grant: Grant,
    draws: Draws,
    token_type: TokenType,
    lifetime: Seconds,
    issued: Timestamp,
}

/// Decides an exchange. `person_stopped` says whether the person may no longer log in.
///
/// # Errors
/// [`TokenFault`]; nothing is burnt by any of them. A code used before passes here: the store says so, and revokes.
pub fn exchange(
    proof: &ClientProof,
    request: &CodeRequest,
    loaded: Option<LoadedCode>,
    person_stopped: bool,
    draws: Draws,
    provider: &Provider,
    now: Timestamp,
) -> Result<TokenPlan, TokenFault> {
    let client = proof.client();
    let length = request.length();
    let LoadedCode { code, grant, spent, revoked } = loaded
        .filter(|loaded| loaded.grant.client_id == *client.id())
        .ok_or(GrantFault::CodeUnknown(length))?;
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
        if revoked || now >= grant.expires {
            return Err(GrantFault::CodeUnknown(length).into());
        }
        if person_stopped {
            return Err(GrantFault::PersonStopped.into());
        }
    }
    Ok(TokenPlan {
        token_type: client.token_type(&grant.scopes, provider.profile().token_type),
        lifetime: client.access_token_lifetime(&grant.scopes),
        client: Arc::clone(client),
        code: code.digest,
        grant,
        draws,
        issued: now,
    })
}

impl TokenPlan {
    /// The client that the code is spent for.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The code to spend.
    pub fn code(&self) -> CodeDigest {
        self.code
    }

    /// The access token to store with the mark.
    pub fn access_token(&self) -> NewAccessToken {
        NewAccessToken { digest: self.draws.access_token.digest(), expires: self.issued + self.lifetime }
    }

    /// Joins the plan with the store's word that its code was spent; `None` if the word is about another code.
    pub fn join(self, spent: &Spent) -> Option<Issuance> {
        (spent.code() == self.code).then_some(Issuance { plan: self })
    }
}

/// A plan whose code is spent: what may be signed.
#[derive(Debug)]
pub struct Issuance {
    plan: TokenPlan,
}

/// The token response (RFC 6749 §5.1).
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    scope: String,
}

impl Issuance {
    /// The claims of the ID token, if `openid` was granted (OpenID Connect Core §2).
    pub fn id_token(&self, provider: &Provider, pairwise: &PairwiseKey) -> Option<IdTokenClaims> {
        let TokenPlan { grant, client, draws, issued, .. } = &self.plan;
        grant
            .scopes
            .contains("openid")
            .then(|| claims::id_token(provider, client, grant, pairwise, &draws.id_token, *issued))
    }

    /// The claims of the access token, if it is self-contained (contract §7).
    pub fn access_token_claims(
        &self,
        provider: &Provider,
        pairwise: &PairwiseKey,
    ) -> Option<JwtAccessTokenClaims> {
        let TokenPlan { grant, client, draws, issued, lifetime, token_type, .. } = &self.plan;
        (*token_type == TokenType::SelfContained).then(|| {
            claims::access_token(
                provider,
                client,
                grant,
                pairwise,
                draws.access_token.reveal(),
                (*issued, *lifetime),
            )
        })
    }

    /// The body of the answer. `signed_access_token` is the JWT made of [`Issuance::access_token_claims`]; an opaque token
    /// needs none.
    pub fn response(&self, signed_access_token: Option<&str>, signed_id_token: Option<&str>) -> Vec<u8> {
        let TokenPlan { grant, draws, lifetime, .. } = &self.plan;
        let response = TokenResponse {
            access_token: signed_access_token.unwrap_or_else(|| draws.access_token.reveal()),
            token_type: "Bearer",
            expires_in: lifetime.get(),
            id_token: signed_id_token,
            scope: grant.scopes.to_string(),
        };
        serde_json::to_vec(&response).unwrap_or_default()
    }
}
