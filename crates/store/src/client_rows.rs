//! One client as its rows say, and how it is parsed.

use portvakt_protocol::client::{Client, StoredSecret};
use portvakt_protocol::organisation::Organisation;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{Beside, ClientRegistration};
use portvakt_protocol::scope::{ScopeAccess, ScopeRecord};
use portvakt_protocol::time::Timestamp;

/// Everything that makes up one client, as it is stored.
pub(crate) struct ClientRows {
    pub(crate) registration: ClientRegistration,
    pub(crate) active: bool,
    pub(crate) organisation: Organisation,
    /// Who runs it for that one.
    pub(crate) supplier: Option<Organisation>,
    pub(crate) scopes: Vec<ScopeRecord>,
    /// Of its own organisation alone.
    pub(crate) access: Vec<ScopeAccess>,
    pub(crate) secrets: Vec<StoredSecret>,
    /// The latest of its issuer, its organisations and itself.
    pub(crate) not_before: Timestamp,
}

impl ClientRows {
    /// Parses the registration against the provider as it is now: rows are not trusted, and configuration changes.
    pub(crate) fn parse(self, provider: &Provider) -> Option<Client> {
        let client_id = self.registration.client_id.clone();
        let parsed = self.registration.client(
            provider,
            Beside {
                organisation: &self.organisation,
                supplier: self.supplier.as_ref(),
                scopes: &self.scopes,
                access: &self.access,
                secrets: self.secrets,
                active: self.active,
                not_before: self.not_before,
            },
        );
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
