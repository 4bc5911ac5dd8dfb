//! The exchange of a code (RFC 6749 §4.1.3): a pure decision that ends in a plan. The plan names the digests of what will be
//! issued; the store spends the code and keeps them in one commit; only plan and [`Spent`] together can be signed.

use std::sync::Arc;

use serde::Serialize;

use super::authenticate::ClientProof;
use super::faults::{GrantFault, TokenFault};
use crate::authorize::Unsupported;
use crate::claims;
use crate::client::Client;
use crate::grant::{Grant, LoadedCode, NewAccessToken};
use crate::params::RawParams;
use crate::pkce::CodeVerifier;
use crate::profile::TokenType;
use crate::provider::{PersonStanding, Provider};
use crate::secret::{AccessToken, AccessTokenDigest, Code, CodeDigest};
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
    for (name, fault) in
        [("resource", Unsupported::Resource), ("authorization_details", Unsupported::AuthorizationDetails)]
    {
        if params.names(name) {
            return Err(TokenFault::Unsupported(fault));
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
        if provider.stops(grant.method, standing) {
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

    /// The access token to store with the mark: an opaque one by its digest, a JWT by its `jti`'s.
    pub fn access_token(&self) -> NewAccessToken {
        NewAccessToken { digest: self.digest(), expires: self.issued + self.lifetime }
    }

    fn digest(&self) -> AccessTokenDigest {
        let drawn = &self.draws.access_token;
        match self.token_type {
            TokenType::Opaque => drawn.digest(),
            TokenType::SelfContained => AccessToken::id_digest(drawn.reveal()),
        }
    }

    /// Joins the plan with the store's word that its code was spent and its access token kept; `None` if the word is about
    /// others.
    pub fn join(self, spent: &Spent) -> Option<Issuance> {
        spent.is_about(self.code, self.digest()).then_some(Issuance { plan: self })
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

/// A kind of token that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// An ID token.
    IdToken,
    /// A self-contained access token.
    AccessToken,
}

impl Issuance {
    /// Has the tokens signed that the plan holds, and writes the answer: the ID token if `openid` was granted (OpenID Connect
    /// Core §2), the access token if it is self-contained (contract §7). `sign` gets the claims as JSON.
    ///
    /// # Errors
    /// Whatever `sign` fails with; then nothing is answered.
    pub fn respond<E: From<serde_json::Error>>(
        &self,
        provider: &Provider,
        pairwise: &PairwiseKey,
        sign: impl Fn(Signed, &[u8]) -> Result<String, E>,
    ) -> Result<Vec<u8>, E> {
        let TokenPlan { client, grant, draws, token_type, lifetime, issued, .. } = &self.plan;
        let drawn = draws.access_token.reveal();
        let signed_access_token = match token_type {
            TokenType::Opaque => None,
            TokenType::SelfContained => {
                let claims =
                    claims::access_token(provider, client, grant, pairwise, drawn, (*issued, *lifetime));
                Some(sign(Signed::AccessToken, &serde_json::to_vec(&claims)?)?)
            }
        };
        let id_token = if grant.scopes.contains("openid") {
            let claims = claims::id_token(provider, client, grant, pairwise, &draws.id_token, *issued);
            Some(sign(Signed::IdToken, &serde_json::to_vec(&claims)?)?)
        } else {
            None
        };
        let response = TokenResponse {
            access_token: signed_access_token.as_deref().unwrap_or(drawn),
            token_type: "Bearer",
            expires_in: lifetime.get(),
            id_token: id_token.as_deref(),
            scope: grant.scopes.to_string(),
        };
        Ok(serde_json::to_vec(&response)?)
    }
}
