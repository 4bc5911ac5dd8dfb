//! Whether a grant may still be used as it was given: its client, its person, its scopes and its customer must be good for it now.

use std::sync::Arc;

use super::faults::{RefreshFault, TokenFault};
use crate::client::{Client, ScopeRefused, Stopped};
use crate::grant::Grant;
use crate::organisation::OrgNumber;
use crate::provider::{PersonStanding, Provider};
use crate::scope::{Scope, Scopes};

/// Why what was granted may not be used at present, though it has not ended and was not taken back. It can be used again when this is
/// over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halted {
    /// Its client is not registered any more, or not as it may be.
    ClientGone,
    /// Its client was stopped; and the organisation that this is about: the supplier if it was stopped, or else the client's.
    Client(Stopped, OrgNumber),
    /// Its person may not log in, or the eID is gone.
    Person,
    /// A scope that the client may not use any more.
    Scope(Scope, ScopeRefused),
    /// A customer that is no longer registered for the client.
    OnBehalfOf(String),
}

/// What of a grant its client may not use any more.
pub(super) enum Withdrawn {
    Scope(Scope, ScopeRefused),
    OnBehalfOf(String),
}

impl From<Withdrawn> for Halted {
    fn from(withdrawn: Withdrawn) -> Self {
        match withdrawn {
            Withdrawn::Scope(scope, why) => Self::Scope(scope, why),
            Withdrawn::OnBehalfOf(name) => Self::OnBehalfOf(name),
        }
    }
}

impl From<Withdrawn> for TokenFault {
    fn from(withdrawn: Withdrawn) -> Self {
        match withdrawn {
            Withdrawn::Scope(scope, why) => RefreshFault::ScopeWithdrawn(scope, why).into(),
            Withdrawn::OnBehalfOf(name) => RefreshFault::OnBehalfOfWithdrawn(name).into(),
        }
    }
}

/// Holds `scopes` of a grant, and its customer, against the client as it is now.
///
/// # Errors
/// [`Withdrawn`]: the first that the client may not use any more.
pub(super) fn holds(client: &Client, grant: &Grant, scopes: &Scopes) -> Result<(), Withdrawn> {
    if let Some((scope, why)) = client.scope_refused(scopes) {
        return Err(Withdrawn::Scope(scope.clone(), why));
    }
    match &grant.echo.onbehalfof {
        Some(name) if client.on_behalf_of(name).is_none() => Err(Withdrawn::OnBehalfOf(name.clone())),
        Some(_) | None => Ok(()),
    }
}

/// Whether a grant is nothing any more: `revoked` says that it was taken back by itself or with its person, its client says the rest.
pub(crate) fn taken_back(client: &Client, grant: &Grant, revoked: bool) -> bool {
    revoked || grant.issued < client.not_before()
}

/// The client of a grant, out of what was found of it.
///
/// # Errors
/// [`Halted::ClientGone`].
pub(crate) fn client_of(grant: &Grant, found: Option<Arc<Client>>) -> Result<Arc<Client>, Halted> {
    found.filter(|client| *client.id() == grant.client_id).ok_or(Halted::ClientGone)
}

/// Whether a grant that was given may be told of now: its client and its person are held against what they are, and the rest as by
/// [`holds`].
///
/// # Errors
/// [`Halted`]: the first that stands in the way.
pub(crate) fn stands(
    client: &Client,
    grant: &Grant,
    scopes: &Scopes,
    (provider, standing): (&Provider, PersonStanding),
) -> Result<(), Halted> {
    if let Some(stopped) = client.stopped() {
        let supplier = client.supplier().filter(|_| stopped == Stopped::SupplierStopped);
        return Err(Halted::Client(stopped, supplier.unwrap_or(client.organisation()).clone()));
    }
    if provider.stops(grant.method, standing) {
        return Err(Halted::Person);
    }
    Ok(holds(client, grant, scopes)?)
}
