//! Whether a grant may still be used as it was given: its scopes and its customer must be the client's to use now.

use super::faults::{RefreshFault, TokenFault};
use crate::client::Client;
use crate::grant::Grant;
use crate::scope::Scopes;

/// Holds `scopes` of a grant, and its customer, against the client as it is now.
///
/// # Errors
/// [`TokenFault`] for the first that the client may not use any more.
pub(super) fn holds(client: &Client, grant: &Grant, scopes: &Scopes) -> Result<(), TokenFault> {
    if let Some((scope, why)) = client.scope_refused(scopes) {
        return Err(RefreshFault::ScopeWithdrawn(scope.clone(), why).into());
    }
    match &grant.echo.onbehalfof {
        Some(name) if client.on_behalf_of(name).is_none() => {
            Err(RefreshFault::OnBehalfOfWithdrawn(name.clone()).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether a grant is nothing any more: `revoked` says that it was taken back by itself or with its person, its client says the rest.
pub(crate) fn taken_back(client: &Client, grant: &Grant, revoked: bool) -> bool {
    revoked || grant.issued < client.not_before()
}

/// Whether a grant that was given may be told of now: as [`holds`], where nobody is told why not.
pub(crate) fn stands(client: &Client, grant: &Grant, scopes: &Scopes) -> bool {
    client.stopped().is_none() && holds(client, grant, scopes).is_ok()
}
