//! The grant `refresh_token` (RFC 6749 §6, RFC 9700 §4.14): a pure decision that ends in a plan. A grant is a family: its refresh
//! tokens follow one another, and one of them at a time can be used.

use std::sync::Arc;

use super::authenticate::ClientProof;
use super::faults::{RefreshFault, TokenFault};
use super::plan::{Draws, Issuance, Planned};
use super::standing::{holds, taken_back};
use crate::authorize::{ScopeFault, Unsupported};
use crate::client::{Client, RefreshUse};
use crate::grant::{LoadedRefreshToken, NewAccessToken, NewRefreshToken, SpentOn};
use crate::params::RawParams;
use crate::profile::REFRESH_GRACE;
use crate::provider::{PersonStanding, Provider};
use crate::refusal::Malformed;
use crate::scope::Scopes;
use crate::secret::{RefreshToken, RefreshTokenDigest};
use crate::time::{Seconds, Timestamp};
use crate::witness::Refreshed;

/// A parsed request for the `refresh_token` grant.
#[derive(Debug)]
pub struct RefreshRequest {
    presented: RefreshToken,
    /// What it asks for, or what is wrong with that. Told once it is sure that the token is no replay, which must not be hidden by it.
    asked: Result<Option<Scopes>, TokenFault>,
}

impl RefreshRequest {
    /// Parses the parameters of the `refresh_token` grant. Repeated ones were refused with the credentials.
    ///
    /// # Errors
    /// [`TokenFault`] names the parameter.
    pub(super) fn parse(params: &RawParams) -> Result<Self, TokenFault> {
        let presented = Malformed::required("refresh_token", params.first("refresh_token"))?;
        let asked = match Unsupported::binding(params) {
            Some(fault) => Err(fault.into()),
            None => params.first("scope").map(ScopeFault::read).transpose().map_err(TokenFault::from),
        };
        Ok(Self { presented: RefreshToken::presented(presented), asked })
    }

    /// The digest of the token presented.
    pub fn digest(&self) -> RefreshTokenDigest {
        self.presented.digest()
    }

    /// That nothing is known of this token, or nothing any more.
    pub fn unknown(&self) -> TokenFault {
        RefreshFault::Unknown(self.presented.reveal().chars().count()).into()
    }
}

/// What a refresh will give, once the token is used. Nothing here can be signed yet.
#[derive(Debug)]
pub struct RefreshPlan {
    presented: RefreshTokenDigest,
    planned: Planned,
}

/// What becomes of the token presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is spent on this successor. One that was spent at `retry_since` or later may have another in the place of one that was not
    /// used ([`REFRESH_GRACE`]).
    Successor {
        /// The successor.
        token: NewRefreshToken,
        /// The earliest instant of a spending that may be retried.
        retry_since: Timestamp,
    },
    /// It stays, and ends then.
    Stays(Timestamp),
}

/// Decides a refresh. `standing` is where the grant's person stands now.
///
/// # Errors
/// [`TokenFault`]; nothing is burnt by any of them. A spent token that is no retry passes here, whatever else is wrong with the request,
/// unless the client is registered for no refresh tokens any more: the store says that it is a replay, and revokes.
pub fn refresh(
    proof: &ClientProof,
    request: &RefreshRequest,
    loaded: Option<LoadedRefreshToken>,
    standing: PersonStanding,
    draws: Draws,
    provider: &Provider,
    now: Timestamp,
) -> Result<RefreshPlan, TokenFault> {
    let client = proof.client();
    let loaded = loaded.filter(|loaded| loaded.grant.client_id == *client.id());
    // Whoever brings one of these gets nothing: what it brings is the store's word that it was a replay.
    let stays = client.refreshes() == Some(RefreshUse::Reuse);
    let is_over = |spent: SpentOn| stays || !spent.successor_unused || now >= spent.at + REFRESH_GRACE;
    let replayed = loaded.as_ref().and_then(|loaded| loaded.spent).is_some_and(is_over);
    let asked = match &request.asked {
        Err(fault) if !replayed => return Err(fault.clone()),
        Err(_) => None,
        Ok(asked) => asked.as_ref(),
    };
    // Anybody may come in the name of a client without a secret: only who has a token of its learns how it is registered.
    if client.refreshes().is_none() && (loaded.is_some() || client.auth_method().has_secret()) {
        return Err(RefreshFault::NotRegistered.into());
    }
    let LoadedRefreshToken { mut grant, expires, spent, revoked } =
        loaded.ok_or_else(|| request.unknown())?;
    grant.expires = client.end_of(&grant);
    if !replayed {
        if taken_back(client, &grant, revoked) {
            return Err(request.unknown());
        }
        // One that was spent in time is retried after its own end too. Whether its successor has ended the store sees.
        let ends = if spent.is_some() { grant.expires } else { expires.min(grant.expires) };
        if now >= ends {
            return Err(RefreshFault::Expired.into());
        }
        if provider.stops(grant.method, standing) {
            return Err(RefreshFault::Stopped.into());
        }
        let mut scopes = asked.into_iter().flat_map(Scopes::iter);
        if let Some(scope) = scopes.find(|scope| !grant.scopes.contains(scope.as_str())) {
            return Err(RefreshFault::Wider(scope.clone()).into());
        }
        holds(client, &grant, asked.unwrap_or(&grant.scopes))?;
    }
    let narrowed = asked.filter(|asked| **asked != grant.scopes).cloned();
    let planned = Planned::new(client, grant, narrowed, Some(&request.presented), draws, provider, now);
    Ok(RefreshPlan { presented: request.digest(), planned })
}

impl RefreshPlan {
    /// The client that the token is used for.
    pub fn client(&self) -> &Arc<Client> {
        self.planned.client()
    }

    /// The token to use.
    pub fn presented(&self) -> RefreshTokenDigest {
        self.presented
    }

    /// The access token to store with it.
    pub fn access_token(&self) -> NewAccessToken {
        self.planned.access_token()
    }

    /// What becomes of the token. Between a registration of today and the one that the token was issued under, today's decides.
    pub fn turn(&self) -> Option<Turn> {
        let retry_since = self.access_token().issued - REFRESH_GRACE + Seconds::new(1);
        match (self.planned.new_refresh_token(), self.planned.kept_until()) {
            (Some(token), _) => Some(Turn::Successor { token, retry_since }),
            (None, Some(expires)) => Some(Turn::Stays(expires)),
            (None, None) => None,
        }
    }

    /// Joins the plan with the store's word that its token was used and what it gives is kept; `None` if the word is about others.
    pub fn join(self, refreshed: &Refreshed) -> Option<Issuance> {
        refreshed.is_about(self.presented, self.planned.kept()).then_some(Issuance { planned: self.planned })
    }
}
