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

/// What an access token is known by.
pub(crate) struct Name {
    /// To the store: of an opaque token the whole, of a JWT its `jti`.
    pub(crate) digest: AccessTokenDigest,
    /// The `jti` of a JWT.
    pub(crate) jti: Option<String>,
}

/// What an access token is known by, if it is an opaque one, or a JWT that we signed. `None`: it is nothing of ours.
///
/// # Errors
/// [`NotSigned`]: the store does not say in time which keys there are.
pub(crate) async fn name(
    site: &Site,
    trace: &Trace,
    presented: &AccessToken,
) -> Result<Option<Name>, NotSigned> {
    if !presented.reveal().contains('.') {
        return Ok(Some(Name { digest: presented.digest(), jti: None }));
    }
    let payload = site.verified(trace, presented.reveal()).await?;
    let id = payload.and_then(|payload| serde_json::from_slice::<JwtId>(&payload).ok());
    Ok(id.map(|id| Name { digest: AccessToken::id_digest(&id.jti), jti: Some(id.jti) }))
}

/// The digest alone.
///
/// # Errors
/// As [`name`].
pub(crate) async fn digest(
    site: &Site,
    trace: &Trace,
    presented: &AccessToken,
) -> Result<Option<AccessTokenDigest>, NotSigned> {
    Ok(name(site, trace, presented).await?.map(|name| name.digest))
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
