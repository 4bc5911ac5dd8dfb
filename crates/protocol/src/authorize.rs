//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1): from raw parameters to a request that every
//! rule has passed. Before [`address`] an error is a page; after it, a redirect. The redirecting half demands an
//! [`Addressed`], so an open redirect cannot be written.

mod faults;
mod login_fault;
mod login_hint;
mod page_fault;
mod scope_fault;
mod validate;

pub use faults::{AuthorizeFault, PkceFault, RequestFault, Unsupported};
pub use login_fault::LoginFault;
pub use login_hint::{HintFault, LoginHint};
pub use page_fault::PageFault;
pub use scope_fault::ScopeFault;
pub use validate::{Prompt, Refused, Validated, validate};

use std::sync::Arc;

use crate::client::{Client, ClientId};
use crate::features::{Endpoint, FeatureName, knows};
use crate::params::{RawParams, append_pair};
use crate::provider::Provider;
use crate::redirect_uri::RedirectUri;
use crate::refusal::{Fault as _, Malformed, holds_number, is_shown_whole};

/// A request whose answer has an address: a known client, and a redirect URI that is registered for it.
#[derive(Clone, Debug)]
pub struct Addressed {
    client: Arc<Client>,
    redirect_uri: RedirectUri,
    /// `state`, if one came and may be sent back.
    state: Option<String>,
    params: RawParams,
}

/// The client that a request names, before anything is known of it.
///
/// # Errors
/// [`PageFault`] if the request names none, or more than one.
pub fn client_id(params: &RawParams) -> Result<ClientId, PageFault> {
    let sent = params.one("client_id").map_err(Malformed::from)?;
    let text = sent.ok_or(PageFault::ClientIdMissing)?;
    ClientId::parse(text).ok_or_else(|| PageFault::unknown_client(text))
}

/// Settles where the answer goes. `client` is what is registered under the request's `client_id` at this issuer.
///
/// # Errors
/// [`PageFault`]: shown to the person, never redirected (RFC 6749 §4.1.2.1).
pub fn address(params: RawParams, client: Option<Arc<Client>>) -> Result<Addressed, PageFault> {
    let id = client_id(&params)?;
    let client =
        client.filter(|client| *client.id() == id).ok_or_else(|| PageFault::unknown_client(id.as_str()))?;
    if let Some(stopped) = client.stopped() {
        return Err(PageFault::ClientStopped(id, stopped));
    }
    let sent = params.one("redirect_uri").map_err(Malformed::from)?;
    let sent = sent.ok_or(PageFault::RedirectUriMissing)?;
    let redirect_uri =
        client.redirect_uri(sent).ok_or_else(|| PageFault::RedirectUriUnregistered(id, sent.to_owned()))?;
    let state = params.one("state").ok().flatten().filter(|state| is_state(state)).map(str::to_owned);
    Ok(Addressed { client, redirect_uri, state, params })
}

/// A value is this many bytes at most: it is kept while the login is under way, and some come back in URLs and tokens.
const MOST_ECHOED: usize = 2048;

/// `state` has the characters `^[\x20-\x7E]+$` (contract §2), and is short enough to come back.
fn is_state(text: &str) -> bool {
    text.len() <= MOST_ECHOED && text.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
}

/// The request as a page may carry it, to be asked again in another language: what is kept, but for values that look like a secret or
/// a number in the wrong field. (`state`, `nonce` and `code_challenge` look like a secret when they are right.)
pub fn way_back(params: &RawParams, provider: &Provider) -> String {
    let may_stand = |name: &str, value: &str| match name {
        "state" | "nonce" | "code_challenge" => value.len() <= MOST_ECHOED && !holds_number(value),
        _ => is_shown_whole(value),
    };
    let pairs = params.iter().filter(|(name, value)| is_kept(provider, name) && may_stand(name, value));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<RawParams>().encode()
}

/// Whether a parameter is kept with the login.
fn is_kept(provider: &Provider, name: &str) -> bool {
    name != login_hint::LOGIN_HINT && knows(provider, Endpoint::Authorization, name)
}

impl Addressed {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Where the answer goes.
    pub fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// The request's parameters.
    pub fn params(&self) -> &RawParams {
        &self.params
    }

    /// The request as the store keeps it for the login's length: what the issuer's features read, but for `login_hint`, which is for
    /// this one request and may hold a person's number.
    pub fn kept(&self, provider: &Provider) -> String {
        self.params.clone().only(|name| is_kept(provider, name)).encode()
    }

    /// The location of a refusal: `error`, `error_description`, `error_uri`, `state`, and `iss` where the profile has it (RFC 9207).
    pub fn refuse(&self, provider: &Provider, fault: &AuthorizeFault, trace_id: &str) -> String {
        let refusal = fault.refusal();
        let (description, uri) =
            (refusal.description(provider.environment(), trace_id), refusal.error_uri(provider));
        let error = ("error", refusal.rule.code.as_str());
        self.location(provider, &[error, ("error_description", &description), ("error_uri", &uri)])
    }

    /// The location of an answer: the redirect URI with `answer`, `state` and `iss` in its query.
    pub(crate) fn location(&self, provider: &Provider, answer: &[(&str, &str)]) -> String {
        let mut location = self.redirect_uri.as_str().to_owned();
        location.push(if location.contains('?') { '&' } else { '?' });
        for (name, value) in answer {
            append_pair(&mut location, name, value);
        }
        if let Some(state) = &self.state {
            append_pair(&mut location, "state", state);
        }
        if provider.has(FeatureName::IssuerIdentification) {
            append_pair(&mut location, "iss", provider.issuer().as_str());
        }
        location
    }
}

/// The URL of a login's page or of its resume point: the handle stands in the path, the person's number never does.
pub fn login_url(provider: &Provider, endpoint: Endpoint, handle: &crate::secret::LoginHandle) -> String {
    format!("{}/{}", provider.url(endpoint), handle.reveal())
}
