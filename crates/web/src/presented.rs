//! Access tokens that somebody presents: opaque ones, and JWTs that we signed.

use portvakt_protocol::client::Client;
use portvakt_protocol::grant::LoadedAccessToken;
use portvakt_protocol::provider::PersonStanding;
use portvakt_protocol::secret::{AccessToken, AccessTokenDigest};
use portvakt_store::Broken;
use serde::Deserialize;
use std::sync::Arc;

use crate::keys::NotSigned;
use crate::site::{Site, Trace};

#[derive(Deserialize)]
struct JwtId {
    jti: String,
}

/// The digest that the store knows an access token by: of an opaque token the whole, of a JWT that we signed its `jti`. `None`: it is
/// nothing of ours.
///
/// # Errors
/// [`NotSigned`]: the store does not say in time which keys there are.
pub(crate) async fn digest(
    site: &Site,
    trace: &Trace,
    presented: &AccessToken,
) -> Result<Option<AccessTokenDigest>, NotSigned> {
    if !presented.reveal().contains('.') {
        return Ok(Some(presented.digest()));
    }
    let payload = site.verified(trace, presented.reveal()).await?;
    let id = payload.and_then(|payload| serde_json::from_slice::<JwtId>(&payload).ok());
    Ok(id.map(|id| AccessToken::id_digest(&id.jti)))
}

/// What is stored of an access token, its client, and where its person stands.
pub(crate) struct Known {
    pub(crate) token: Option<LoadedAccessToken>,
    pub(crate) client: Option<Arc<Client>>,
    pub(crate) standing: PersonStanding,
}

impl Known {
    /// Loads all of it.
    ///
    /// # Errors
    /// [`Broken`].
    pub(crate) async fn of(
        site: &Site,
        trace: &Trace,
        digest: Option<AccessTokenDigest>,
    ) -> Result<Self, Broken> {
        let store = site.by(trace);
        let token = match digest {
            Some(digest) => store.access_token(site.provider.issuer(), &digest).await?,
            None => None,
        };
        let (client, standing) = match &token {
            Some(token) => (
                store.client(&site.provider, &token.grant.client_id).await?,
                site.standing(trace, &token.grant.pid).await?,
            ),
            None => (None, PersonStanding::Unassigned),
        };
        Ok(Self { token, client, standing })
    }
}
