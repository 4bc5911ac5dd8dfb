//! What a decided token request will give: tokens that are planned, and can be signed only when the store has vouched for the commit
//! that keeps their digests.

use std::sync::Arc;

use serde::Serialize;

use crate::claims::{self, Issue};
use crate::client::{Client, RefreshUse};
use crate::grant::{Grant, NewAccessToken, NewRefreshToken};
use crate::profile::TokenType;
use crate::provider::Provider;
use crate::scope::Scopes;
use crate::secret::{AccessToken, AccessTokenDigest, RefreshToken};
use crate::subject::PairwiseKey;
use crate::time::{Seconds, Timestamp};
use crate::witness::Kept;

/// The randomness of one token response, drawn by the caller.
#[derive(Debug)]
pub struct Draws {
    /// What is random in the access token.
    pub access_token: AccessToken,
    /// The `jti` of the ID token.
    pub id_token: [u8; 32],
    /// The refresh token, if one comes to be issued.
    pub refresh_token: RefreshToken,
}

/// Tokens that are planned. Nothing here can be signed yet.
#[derive(Debug)]
pub(super) struct Planned {
    client: Arc<Client>,
    grant: Grant,
    /// The scopes asked for by a refresh; `None`: the grant's.
    narrowed: Option<Scopes>,
    draws: Draws,
    refresh_token: Refreshable,
    token_type: TokenType,
    lifetime: Seconds,
    issued: Timestamp,
}

/// What the response says of a refresh token.
#[derive(Debug)]
enum Refreshable {
    /// Nothing.
    No,
    /// A new one, which ends then.
    New(Timestamp),
    /// The one presented, which now ends then.
    Same(RefreshToken, Timestamp),
}

impl Planned {
    /// Plans the tokens of a grant, decided at `now`. The access token ends with the grant, if that is sooner. `presented` is the
    /// refresh token that the client refreshes by, if it does.
    pub(super) fn new(
        client: &Arc<Client>,
        grant: Grant,
        narrowed: Option<Scopes>,
        presented: Option<&RefreshToken>,
        draws: Draws,
        provider: &Provider,
        now: Timestamp,
    ) -> Self {
        let scopes = narrowed.as_ref().unwrap_or(&grant.scopes);
        let ends = (now + client.refresh_token_lifetime()).min(grant.expires);
        let refresh_token = match (client.refreshes(), presented) {
            (None, _) => Refreshable::No,
            (Some(RefreshUse::Reuse), Some(presented)) => Refreshable::Same(presented.clone(), ends),
            (Some(RefreshUse::OneTime | RefreshUse::Reuse), _) => Refreshable::New(ends),
        };
        Self {
            token_type: client.token_type(scopes, provider.profile().token_type),
            lifetime: client.access_token_lifetime(scopes).min(grant.expires.since(now)),
            client: Arc::clone(client),
            grant,
            narrowed,
            draws,
            refresh_token,
            issued: now,
        }
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The access token to store: an opaque one by its digest, a JWT by its `jti`'s.
    pub(super) fn access_token(&self) -> NewAccessToken {
        NewAccessToken {
            digest: self.digest(),
            issued: self.issued,
            expires: self.issued + self.lifetime,
            narrowed: self.narrowed.clone(),
        }
    }

    fn digest(&self) -> AccessTokenDigest {
        let drawn = &self.draws.access_token;
        match self.token_type {
            TokenType::Opaque => drawn.digest(),
            TokenType::SelfContained => AccessToken::id_digest(drawn.reveal()),
        }
    }

    /// The new refresh token to store, if there is one.
    pub(super) fn new_refresh_token(&self) -> Option<NewRefreshToken> {
        match self.refresh_token {
            Refreshable::New(expires) => {
                let digest = self.draws.refresh_token.digest();
                Some(NewRefreshToken { digest, issued: self.issued, expires })
            }
            Refreshable::No | Refreshable::Same(..) => None,
        }
    }

    /// When the refresh token presented ends from now on, if it stays.
    pub(super) fn kept_until(&self) -> Option<Timestamp> {
        match self.refresh_token {
            Refreshable::Same(_, expires) => Some(expires),
            Refreshable::No | Refreshable::New(_) => None,
        }
    }

    /// What the commit keeps, as its witness names it.
    pub(super) fn kept(&self) -> Kept {
        (self.digest(), self.new_refresh_token().map(|token| token.digest))
    }
}

/// Planned tokens whose digests are kept, by a commit that the store vouched for: what may be signed.
#[derive(Debug)]
pub struct Issuance {
    pub(super) planned: Planned,
}

/// The token response (RFC 6749 §5.1).
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_in: Option<u32>,
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
    /// The client that the tokens are for.
    pub fn client(&self) -> &Arc<Client> {
        &self.planned.client
    }

    /// The grant that they hang under.
    pub fn grant(&self) -> &Grant {
        &self.planned.grant
    }

    /// When they are issued, and how long the access token lives.
    pub fn span(&self) -> (Timestamp, Seconds) {
        (self.planned.issued, self.planned.lifetime)
    }

    /// The scopes of the access token: the grant's, or fewer.
    pub fn scopes(&self) -> &Scopes {
        self.planned.narrowed.as_ref().unwrap_or(&self.planned.grant.scopes)
    }

    /// Has the tokens signed that the plan holds, and writes the answer: the ID token if `openid` is among the scopes (OpenID Connect
    /// Core §2, §12.2), the access token if it is self-contained (contract §7). `sign` gets the claims as JSON.
    ///
    /// # Errors
    /// Whatever `sign` fails with; then nothing is answered.
    pub fn respond<E: From<serde_json::Error>>(
        &self,
        provider: &Provider,
        pairwise: &PairwiseKey,
        sign: impl Fn(Signed, &[u8]) -> Result<String, E>,
    ) -> Result<Vec<u8>, E> {
        let Planned { client, grant, draws, refresh_token, token_type, lifetime, issued, .. } = &self.planned;
        let (drawn, scopes) = (draws.access_token.reveal(), self.scopes());
        let issue = Issue { provider, client, grant, pairwise };
        let signed_access_token = match token_type {
            TokenType::Opaque => None,
            TokenType::SelfContained => {
                let claims =
                    claims::access_token(&issue, scopes, Some(drawn), (*issued, *issued + *lifetime));
                Some(sign(Signed::AccessToken, &serde_json::to_vec(&claims)?)?)
            }
        };
        let id_token = if scopes.contains("openid") {
            let claims = claims::id_token(&issue, &draws.id_token, *issued);
            Some(sign(Signed::IdToken, &serde_json::to_vec(&claims)?)?)
        } else {
            None
        };
        let refresh_token = match refresh_token {
            Refreshable::No => None,
            Refreshable::New(expires) => Some((&draws.refresh_token, *expires)),
            Refreshable::Same(presented, expires) => Some((presented, *expires)),
        };
        let response = TokenResponse {
            access_token: signed_access_token.as_deref().unwrap_or(drawn),
            token_type: "Bearer",
            expires_in: lifetime.get(),
            id_token: id_token.as_deref(),
            refresh_token: refresh_token.map(|(token, _)| token.reveal()),
            refresh_token_expires_in: refresh_token
                .filter(|_| provider.profile().refresh_token_expires_in)
                .map(|(_, expires)| expires.since(*issued).get()),
            scope: scopes.to_string(),
        };
        Ok(serde_json::to_vec(&response)?)
    }
}
