//! A grant: what one login gave one client. Codes and tokens hang under it and end with it.

use serde::{Deserialize, Serialize};

use crate::acr::Assurance;
use crate::client::ClientId;
use crate::evidence::Method;
use crate::person::Pid;
use crate::pkce::CodeChallenge;
use crate::scope::Scopes;
use crate::secret::{AccessTokenDigest, CodeDigest, RefreshTokenDigest};
use crate::time::Timestamp;

/// The name of a grant: 16 random bytes, never shown to anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(pub [u8; 16]);

/// What is claimed of a login, kept until the last token that tells it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// The client it was given to.
    pub client_id: ClientId,
    /// The person. Sealed at rest; the store looks it up by handle.
    pub pid: Pid,
    /// What the client was granted.
    pub scopes: Scopes,
    /// How, and how surely, the person logged in.
    pub method: Method,
    /// The level reached; its word is the issuer's ladder's.
    pub assurance: Assurance,
    /// When the person logged in.
    pub auth_time: Timestamp,
    /// When it was given. What is taken back from a time on takes back the grants given before it.
    pub issued: Timestamp,
    /// When everything under this grant ends (`authorization_lifetime` from `auth_time`).
    pub expires: Timestamp,
    /// What the request said that claims repeat.
    pub echo: Echo,
    /// Whether its scopes withheld the `pid` when it was given: it stays withheld.
    pub pseudonymous: bool,
}

/// What of the request comes back in claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// `nonce`, unchanged (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The language of the pages (`locale`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// `onbehalfof`: whom of its customers the client logged the person in for (contract §14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onbehalfof: Option<String>,
}

/// A code to be stored: its digest and what it is bound to (RFC 6749 §4.1.2, RFC 7636 §4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCode {
    /// The code's digest.
    pub digest: CodeDigest,
    /// The redirect URI of the request, byte for byte.
    pub redirect_uri: String,
    /// The challenge, if one was sent.
    pub challenge: Option<CodeChallenge>,
    /// The instant from which it cannot be redeemed.
    pub expires: Timestamp,
}

/// A stored code with its grant, read in a form that nothing can sign: signing needs the store's word that it was spent.
#[derive(Clone, Debug)]
pub struct LoadedCode {
    /// The code as it was stored.
    pub code: NewCode,
    /// The grant it leads to.
    pub grant: Grant,
    /// Whether it has been spent already. Only for telling early; [`crate::witness::Spent`] is what counts.
    pub spent: bool,
    /// Whether everything under the grant has been taken back.
    pub revoked: bool,
}

/// An access token to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccessToken {
    /// Digest of the opaque token, or of a JWT's `jti`.
    pub digest: AccessTokenDigest,
    /// When it is issued (`iat`).
    pub issued: Timestamp,
    /// The instant from which it is nothing.
    pub expires: Timestamp,
    /// Its scopes, where a refresh asked for fewer than were granted (RFC 6749 §6); `None`: the grant's.
    pub narrowed: Option<Scopes>,
}

/// A stored access token with its grant.
#[derive(Clone, Debug)]
pub struct LoadedAccessToken {
    /// The grant it hangs under.
    pub grant: Grant,
    /// When it was issued.
    pub issued: Timestamp,
    /// The instant from which it is nothing.
    pub expires: Timestamp,
    /// Its scopes: all of the grant's, or fewer.
    pub scopes: Scopes,
    /// Whether everything under the grant has been taken back.
    pub revoked: bool,
}

/// A refresh token to be stored (RFC 6749 §1.5). A grant has one at a time that can be used, and the store holds it to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefreshToken {
    /// Its digest.
    pub digest: RefreshTokenDigest,
    /// When it is issued.
    pub issued: Timestamp,
    /// The instant from which it is nothing, unless it is used before: never later than the grant's.
    pub expires: Timestamp,
}

/// A refresh token was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentOn {
    /// When.
    pub at: Timestamp,
    /// Whether there is a successor that nobody has used since.
    pub successor_unused: bool,
}

/// A stored refresh token with its grant, read in a form that nothing can sign.
#[derive(Clone, Debug)]
pub struct LoadedRefreshToken {
    /// The grant: all that hangs under it is one family.
    pub grant: Grant,
    /// The instant from which it is nothing.
    pub expires: Timestamp,
    /// When it was spent on a successor, if it was. Only for telling early; [`crate::witness::Refreshed`] is what counts.
    pub spent: Option<SpentOn>,
    /// Whether everything under the grant has been taken back.
    pub revoked: bool,
}
