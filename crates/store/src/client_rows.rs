//! One client as its rows say, and how it is parsed.

use portvakt_protocol::client::{Client, StoredSecret};
use portvakt_protocol::organisation::Organisation;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::scope::ScopeRecord;

/// Everything that makes up one client, as it is stored.
pub(crate) struct ClientRows {
    pub(crate) registration: ClientRegistration,
    pub(crate) active: bool,
    pub(crate) organisation: Organisation,
    pub(crate) scopes: Vec<ScopeRecord>,
    pub(crate) secrets: Vec<StoredSecret>,
}

impl ClientRows {
    /// Parses the registration against the provider as it is now: rows are not trusted, and configuration changes.
    pub(crate) fn parse(self, provider: &Provider) -> Option<Client> {
        let client_id = self.registration.client_id.clone();
        let parsed =
            self.registration.client(provider, &self.organisation, &self.scopes, self.secrets, self.active);
        match parsed {
            Ok(client) => Some(client),
            Err(faults) => {
                let issuer = provider.issuer().as_str();
                tracing::warn!(
                    issuer,
                    client_id = client_id.as_str(),
                    ?faults,
                    "a stored registration no longer holds"
                );
                None
            }
        }
    }
}
