//! Requests that can be tried as they stand: a login in a browser, one without a page, and the tokens for it.

use portvakt_protocol::features::Endpoint;
use portvakt_protocol::params::percent_encode;
use portvakt_protocol::profile::PkceDefault;
use portvakt_protocol::provider::Provider;

use super::Client;

/// What can be tried at one issuer, with one of its confidential clients: its secret and a person's number are in it.
pub(super) struct Trial {
    /// An authorization request that a browser can open.
    pub(super) login: String,
    /// The same, with the person named in `login_hint`: it is answered with the code at once.
    pub(super) headless: String,
    /// Where the code is redeemed.
    token: String,
    user: String,
    redirect_uri: String,
}

impl Trial {
    /// At an issuer that demands no PKCE of a confidential client: what a request proves there fits on a command line. None if
    /// no such client has a known secret, or nobody can log in.
    pub(super) fn at(provider: &Provider, clients: &[Client], pid: Option<&str>) -> Option<Self> {
        if provider.profile().pkce == PkceDefault::Required {
            return None;
        }
        let usable = |client: &&Client| client.client_secret.is_some() && !client.redirect_uris.is_empty();
        let client = clients.iter().find(usable)?;
        let redirect_uri = encoded(client.redirect_uris.first()?);
        let login = format!(
            "{}?response_type=code&scope=openid&state=try&client_id={}&redirect_uri={redirect_uri}",
            provider.url(Endpoint::Authorization),
            encoded(&client.client_id),
        );
        let (word, _) = provider.profile().acr.rungs.last()?;
        let headless = format!("{login}&login_hint=testid:{}_{word}", pid?);
        // RFC 6749 §2.3.1: both are form-encoded before they stand in the header.
        let user = format!("{}:{}", encoded(&client.client_id), encoded(client.client_secret.as_deref()?));
        Some(Self { login, headless, token: provider.url(Endpoint::Token), user, redirect_uri })
    }

    /// A shell's lines: the login without a page, which prints where a browser would be sent, and the tokens for its code.
    pub(super) fn lines(&self) -> [String; 2] {
        let Self { headless, token, user, redirect_uri, .. } = self;
        [
            format!("answer=$(curl -s -o /dev/null -w '%{{redirect_url}}' '{headless}'); echo \"$answer\""),
            format!(
                "curl -s -u '{user}' -d grant_type=authorization_code -d redirect_uri={redirect_uri} \
                 -d code=\"$(expr \"$answer\" : '.*[?&]code=\\([^&]*\\)')\" {token}"
            ),
        ]
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    percent_encode(text, &mut encoded);
    encoded
}
