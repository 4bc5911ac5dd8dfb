//! A client as the rules see it: everything resolved, nothing left to look up. It is made in one place, from a stored
//! registration parsed against the provider as it is now ([`crate::registration`]).

mod given;
mod stopped;

pub use stopped::{ScopeRefused, Stopped};

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::issuer::Issuer;
use crate::organisation::OrgNumber;
use crate::profile::{AmrShape, TokenType};
use crate::redirect_uri::RedirectUri;
use crate::scope::{Scope, ScopeRecord, Scopes};
use crate::secret::{ClientSecret, ClientSecretDigest};
use crate::time::{Seconds, Timestamp};

/// A client identifier: 1 to 255 characters of RFC 3986's unreserved set and `:`, so that it needs no quoting anywhere.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// Parses a client identifier; `None` if it is empty, too long or has other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':');
        ((1..=255).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ClientId({})", self.0)
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a client identifier"))
    }
}

/// What to do about a client that an issuer does not know. `elsewhere`: the other issuers that know it, as far as the reader may be
/// told; only development issuers tell of one another.
pub(crate) fn unknown_client_fix(elsewhere: &[Issuer]) -> Cow<'static, str> {
    if elsewhere.is_empty() {
        return "check the spelling, and that the client is registered in this environment".into();
    }
    let issuers: Vec<_> = elsewhere.iter().map(Issuer::as_str).collect();
    format!(
        "use the issuer where this client is registered, {}; or register it here too",
        issuers.join(" or ")
    )
    .into()
}

/// `application_type` (OpenID Connect Registration §2, and ID-porten's `browser`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// Runs on a server and can keep a secret.
    Web,
    /// Runs in a browser.
    Browser,
    /// Runs on the person's device (RFC 8252).
    Native,
}

/// `token_endpoint_auth_method`, of which a client has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// Form fields (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A public client: PKCE and `state` are demanded instead.
    None,
}

impl AuthMethod {
    /// Its name on the wire, and the `client_amr` claim's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
        }
    }

    /// Whether the client has a secret.
    pub fn has_secret(self) -> bool {
        self != Self::None
    }
}

/// What a client must do about PKCE, resolved from its registration and the profile's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PkcePolicy {
    /// A challenge must be sent.
    Required,
    /// A challenge need not be sent; one that is sent is enforced.
    WhenSent,
}

/// A client secret as it is kept: its digest and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The digest.
    pub digest: ClientSecretDigest,
    /// From this instant on it is no secret of the client's.
    pub expires: Timestamp,
}

/// `refresh_token_usage`: what becomes of a refresh token that is used (contract §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefreshUse {
    /// It is spent, and has a successor: rotation (RFC 9700 §4.14.2).
    #[serde(rename = "ONETIME")]
    OneTime,
    /// It stays, for clients that run in several places at once.
    #[serde(rename = "REUSE")]
    Reuse,
}

/// A customer that a client logs people in for (contract §14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnBehalfOf {
    /// The value of the parameter `onbehalfof`.
    pub onbehalfof: String,
    /// The name shown to people in place of the client's.
    pub display_name: String,
    /// The customer.
    pub orgno: OrgNumber,
    /// Where a person is led back to, in place of the client's `client_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A scope of a client's, and whether it may be asked for now.
#[derive(Clone, Debug)]
pub struct ClientScope {
    pub(crate) record: ScopeRecord,
    pub(crate) refused: Option<ScopeRefused>,
}

/// A registered client, with its scopes and its organisation's standing resolved.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) id: ClientId,
    pub(crate) organisation: OrgNumber,
    pub(crate) display_name: String,
    pub(crate) client_uri: Option<String>,
    pub(crate) application_type: ApplicationType,
    pub(crate) auth_method: AuthMethod,
    pub(crate) redirect_uris: Vec<RedirectUri>,
    pub(crate) post_logout_redirect_uris: Vec<RedirectUri>,
    pub(crate) scopes: Vec<ClientScope>,
    pub(crate) refreshes: Option<RefreshUse>,
    pub(crate) supplier: Option<OrgNumber>,
    pub(crate) on_behalf_of: Vec<OnBehalfOf>,
    pub(crate) not_before: Timestamp,
    pub(crate) pkce: PkcePolicy,
    pub(crate) state_required: bool,
    pub(crate) amr: AmrShape,
    pub(crate) userinfo_without_profile: bool,
    pub(crate) access_token_lifetime: Seconds,
    pub(crate) refresh_token_lifetime: Seconds,
    pub(crate) authorization_lifetime: Seconds,
    pub(crate) secrets: Vec<StoredSecret>,
    pub(crate) stopped: Option<Stopped>,
}

impl Client {
    /// `client_id`.
    pub fn id(&self) -> &ClientId {
        &self.id
    }

    /// The organisation it belongs to (`client_orgno`).
    pub fn organisation(&self) -> &OrgNumber {
        &self.organisation
    }

    /// The name shown to people.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Where a person is led back to (`client_uri`).
    pub fn client_uri(&self) -> Option<&str> {
        self.client_uri.as_deref()
    }

    /// `application_type`.
    pub fn application_type(&self) -> ApplicationType {
        self.application_type
    }

    /// `token_endpoint_auth_method`.
    pub fn auth_method(&self) -> AuthMethod {
        self.auth_method
    }

    /// What it must do about PKCE.
    pub fn pkce(&self) -> PkcePolicy {
        self.pkce
    }

    /// Whether it must send `state`: public clients, and those that opted out of PKCE where the profile demands it.
    pub fn state_required(&self) -> bool {
        self.state_required
    }

    /// The shape of its `amr` claims.
    pub fn amr(&self) -> AmrShape {
        self.amr
    }

    /// Whether userinfo answers it without the scope `profile`.
    pub fn userinfo_without_profile(&self) -> bool {
        self.userinfo_without_profile
    }

    /// `authorization_lifetime`: from login to the end of what the login gave.
    pub fn authorization_lifetime(&self) -> Seconds {
        self.authorization_lifetime
    }

    /// `refresh_token_lifetime`.
    pub fn refresh_token_lifetime(&self) -> Seconds {
        self.refresh_token_lifetime
    }

    /// The registered URIs that a logout may return to.
    pub fn post_logout_redirect_uris(&self) -> &[RedirectUri] {
        &self.post_logout_redirect_uris
    }

    /// Why it may not be used at present, if so.
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }

    /// Origins that its browser code may call from: those of its redirect URIs (for CORS).
    pub fn origins(&self) -> impl Iterator<Item = String> + '_ {
        self.redirect_uris.iter().map(RedirectUri::origin)
    }

    /// Where a page leads people back to: `client_uri`; where none is registered (the pilot's fields have none), the origin of the
    /// first redirect URI on the web. An app has no page to lead back to.
    pub fn home(&self) -> Option<String> {
        let is_page = |origin: &String| {
            self.application_type != ApplicationType::Native
                && (origin.starts_with("https://") || origin.starts_with("http://"))
        };
        self.client_uri.clone().or_else(|| self.origins().find(is_page))
    }

    /// The redirect URI as sent, if a registered one admits it.
    pub fn redirect_uri(&self, sent: &str) -> Option<RedirectUri> {
        let admitted =
            self.redirect_uris.iter().any(|registered| registered.admits(sent, self.application_type));
        admitted.then(|| RedirectUri::as_sent(sent))
    }

    /// The first of `asked` that it may not use now, and why.
    pub fn scope_refused<'a>(&self, asked: &'a Scopes) -> Option<(&'a Scope, ScopeRefused)> {
        asked.iter().find_map(|scope| {
            let refused = match self.scopes.iter().find(|known| known.record.scope == *scope) {
                None => Some(ScopeRefused::NotRegistered),
                Some(known) => known.refused,
            };
            refused.map(|why| (scope, why))
        })
    }

    /// Whether it has a scope and may use it now.
    pub fn may_use(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known.record.scope.as_str() == scope && known.refused.is_none())
    }

    /// What is registered of a scope of its own.
    pub fn scope(&self, scope: &Scope) -> Option<&ScopeRecord> {
        self.scopes.iter().map(|known| &known.record).find(|record| record.scope == *scope)
    }

    /// What becomes of its refresh tokens when they are used; `None`: it gets none.
    pub fn refreshes(&self) -> Option<RefreshUse> {
        self.refreshes
    }

    /// The organisation that runs it for the one that it belongs to (`supplier_orgno`).
    pub fn supplier(&self) -> Option<&OrgNumber> {
        self.supplier.as_ref()
    }

    /// The customer of that name that it logs people in for, if it is registered.
    pub fn on_behalf_of(&self, name: &str) -> Option<&OnBehalfOf> {
        self.on_behalf_of.iter().find(|known| known.onbehalfof == name)
    }

    /// What was granted before this is nothing any more: the latest of what was said of its issuer, its organisation and itself.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Whether one of these scopes withholds the `pid` now.
    pub fn requires_pseudonymous(&self, scopes: &Scopes) -> bool {
        self.records(scopes).any(|known| known.requires_pseudonymous_tokens)
    }

    /// From login to the end of a grant with these scopes: the client's own, or the lowest `authorization_max_lifetime` among them
    /// that is not zero.
    pub fn grant_lifetime(&self, scopes: &Scopes) -> Seconds {
        self.records(scopes)
            .map(|known| known.authorization_max_lifetime)
            .filter(|span| span.get() > 0)
            .fold(self.authorization_lifetime, Seconds::min)
    }

    /// The lifetime of an access token with these scopes: the client's own, or the lowest `at_max_age` among them that is
    /// not zero (contract §7).
    pub fn access_token_lifetime(&self, scopes: &Scopes) -> Seconds {
        self.records(scopes)
            .map(|known| known.at_max_age)
            .filter(|age| age.get() > 0)
            .fold(self.access_token_lifetime, Seconds::min)
    }

    /// The format of an access token with these scopes: opaque if any scope is, else what a scope says, else `default`.
    pub fn token_type(&self, scopes: &Scopes, default: TokenType) -> TokenType {
        let mut said = self.records(scopes).filter_map(|known| known.token_type).peekable();
        if said.peek().is_none() {
            default
        } else if said.any(|token_type| token_type == TokenType::Opaque) {
            TokenType::Opaque
        } else {
            TokenType::SelfContained
        }
    }

    /// Whether `presented` is a secret of this client's that has not ended.
    pub fn has_secret(&self, presented: &ClientSecret, now: Timestamp) -> SecretCheck {
        let digest = presented.digest();
        // Every secret is compared, so that the time tells nothing of which one it was.
        let found = self.secrets.iter().fold(None, |found, known| {
            if known.digest.matches(&digest) { Some(known.expires) } else { found }
        });
        match found {
            Some(expires) if now < expires => SecretCheck::Right,
            Some(expires) => SecretCheck::Expired(expires),
            None => SecretCheck::Wrong,
        }
    }

    fn records<'a>(&'a self, scopes: &'a Scopes) -> impl Iterator<Item = &'a ScopeRecord> {
        self.scopes.iter().map(|known| &known.record).filter(|known| scopes.contains(known.scope.as_str()))
    }
}

/// What a presented secret turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretCheck {
    /// A secret of the client's.
    Right,
    /// It was one, until then.
    Expired(Timestamp),
    /// Not one.
    Wrong,
}
