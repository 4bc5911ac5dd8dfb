//! Client authentication (RFC 6749 §2.3): exactly one method, the registered one.

use std::sync::Arc;

use portvakt_crypto::encoding::base64_decode;

use super::ClientFault;
use super::faults::TokenFault;
use crate::client::{AuthMethod, Client, ClientId, SecretCheck};
use crate::params::{RawParams, form_decode};
use crate::refusal::Malformed;
use crate::secret::ClientSecret;
use crate::time::Timestamp;

/// Who a request says it comes from, and how it would show it.
#[derive(Debug)]
pub struct Credentials {
    client_id: ClientId,
    method: AuthMethod,
    secret: Option<ClientSecret>,
}

impl Credentials {
    /// The client named.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }
}

/// Proof that a client authenticated by its registered method, or is a registered public client. Only [`authenticate`] makes one.
#[derive(Debug)]
pub struct ClientProof {
    client: Arc<Client>,
}

impl ClientProof {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

/// Reads the credentials of a form request: `authorization` holds every `Authorization` header there was.
///
/// # Errors
/// [`TokenFault`] if there are none, if they cannot be read, or if there is more than one method (RFC 6749 §2.3).
pub fn credentials(authorization: &[&[u8]], params: &RawParams) -> Result<Credentials, TokenFault> {
    if let Some(again) = params.repeated() {
        return Err(Malformed::from(again).into());
    }
    let named = params.first("client_id");
    let posted = params.first("client_secret");
    if let Some(place) = unsupported(authorization, params) {
        return Err(ClientFault::MethodUnsupported(place).into());
    }
    let (text, method, secret) = match (authorization, posted) {
        ([], Some(secret)) => {
            let secret = ClientSecret::presented(secret);
            (named.map(str::to_owned), AuthMethod::ClientSecretPost, Some(secret))
        }
        ([], None) => (named.map(str::to_owned), AuthMethod::None, None),
        ([header], None) => {
            let (client_id, secret) = basic(header).ok_or(ClientFault::BasicUnreadable)?;
            if named.is_some_and(|named| named != client_id) {
                return Err(TokenFault::ClientIdDiffers);
            }
            (Some(client_id), AuthMethod::ClientSecretBasic, Some(ClientSecret::presented(&secret)))
        }
        _ => return Err(TokenFault::TwoMethods),
    };
    let text = text.ok_or(ClientFault::Missing)?;
    let client_id = ClientId::parse(&text).ok_or_else(|| ClientFault::unknown(&text))?;
    Ok(Credentials { client_id, method, secret })
}

/// Where a method stands that no client here has: an assertion, or a header of another scheme than Basic.
fn unsupported(authorization: &[&[u8]], params: &RawParams) -> Option<&'static str> {
    if params.first("client_assertion").is_some() || params.first("client_assertion_type").is_some() {
        return Some("client_assertion");
    }
    let is_other = |header: &&[u8]| {
        let scheme = header.split(|byte| *byte == b' ').next().unwrap_or_default();
        !scheme.eq_ignore_ascii_case(b"basic")
    };
    authorization.iter().any(is_other).then_some("Authorization")
}

/// The user and password of HTTP Basic, each form-encoded (RFC 6749 §2.3.1, RFC 7617); the scheme in any case.
fn basic(header: &[u8]) -> Option<(String, String)> {
    let (_, encoded) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let decoded = base64_decode(encoded.trim_matches(' ')).ok()?;
    let at = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at_checked(at)?;
    let user = form_decode(user).ok().filter(|user| !user.is_empty())?;
    let password = form_decode(password.get(1..)?).ok().filter(|password| !password.is_empty())?;
    Some((user, password))
}

/// Authenticates the client. `client` is what is registered under the named identifier at this issuer.
///
/// # Errors
/// [`ClientFault`]. All but the log learn the same of each: a caller that has not authenticated is told nothing of what is registered.
pub fn authenticate(
    credentials: &Credentials,
    client: Option<Arc<Client>>,
    now: Timestamp,
) -> Result<ClientProof, TokenFault> {
    let id = &credentials.client_id;
    let Some(client) = client.filter(|client| client.id() == id) else {
        return Err(ClientFault::unknown(id.as_str()).into());
    };
    if client.auth_method() != credentials.method {
        let (registered, used) = (client.auth_method(), credentials.method);
        return Err(ClientFault::Method { client: id.clone(), registered, used }.into());
    }
    if let Some(secret) = &credentials.secret {
        match client.has_secret(secret, now) {
            SecretCheck::Right => {}
            SecretCheck::Wrong => {
                return Err(ClientFault::SecretWrong(id.clone(), secret.reveal().chars().count()).into());
            }
            SecretCheck::Expired(at) => return Err(ClientFault::SecretExpired(id.clone(), at).into()),
        }
    }
    if let Some(stopped) = client.stopped() {
        return Err(ClientFault::Stopped(id.clone(), stopped).into());
    }
    Ok(ClientProof { client })
}
