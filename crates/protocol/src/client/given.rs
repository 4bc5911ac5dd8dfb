//! What a registration of today says of what was given before.

use super::Client;
use crate::grant::Grant;
use crate::scope::Scopes;
use crate::time::Timestamp;

impl Client {
    /// Whether tokens of a grant hold no `pid`: its scopes withheld it when it was given, or do now.
    pub fn withholds_pid(&self, grant: &Grant) -> bool {
        grant.pseudonymous || self.requires_pseudonymous(&grant.scopes)
    }

    /// When a grant ends: what is registered now bounds what was given before.
    pub fn end_of(&self, grant: &Grant) -> Timestamp {
        grant.expires.min(grant.auth_time + self.grant_lifetime(&grant.scopes))
    }

    /// When an access token of a grant ends, in the same way. `issued` and `expires` are the token's, and so are `scopes`.
    pub fn end_of_token(
        &self,
        grant: &Grant,
        scopes: &Scopes,
        (issued, expires): (Timestamp, Timestamp),
    ) -> Timestamp {
        self.end_of(grant).min(expires).min(issued + self.access_token_lifetime(scopes))
    }
}
