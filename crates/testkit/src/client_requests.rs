//! What a client asks beside logins, by its own method of authentication: refresh (RFC 6749 §6), introspection (RFC 7662) and
//! revocation (RFC 7009); and what anyone may ask at the pilot.

use serde_json::Value;

use crate::call::{Call, Reply};
use crate::redemption::{Redemption, Tokens};
use crate::relying_party::RelyingParty;

impl RelyingParty {
    /// A form request with this client's authentication.
    pub(crate) fn form_request(&self, url: &str, mut fields: Vec<(String, String)>) -> Redemption {
        let service = self.service();
        let mut basic = None;
        match (service.method.as_str(), &service.secret) {
            ("client_secret_basic", Some(secret)) => {
                basic = Some((service.client_id.clone(), secret.clone()));
            }
            (method, secret) => {
                fields.push(("client_id".to_owned(), service.client_id.clone()));
                if let (true, Some(secret)) = (method == "client_secret_post", secret) {
                    fields.push(("client_secret".to_owned(), secret.clone()));
                }
            }
        }
        Redemption { wire: self.wire.clone(), url: url.to_owned(), fields, basic }
    }

    /// A request to refresh.
    pub fn refreshing(&self, refresh_token: &str) -> Redemption {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.form_request(self.url("token_endpoint"), owned(fields))
    }

    /// Refreshes, and reads what it gives: verified, and judged as every token response.
    ///
    /// # Panics
    /// If it gives nothing.
    pub async fn refresh(&self, refresh_token: &str) -> Tokens {
        let reply = self.refreshing(refresh_token).send().await;
        assert_eq!(reply.status, 200, "{}: {}", reply.error(), reply.description());
        self.read(&reply).await
    }

    /// A request to introspect a token, at `idporten`.
    pub fn introspecting(&self, token: &str) -> Redemption {
        self.form_request(self.url("introspection_endpoint"), owned([("token", token)]))
    }

    /// What introspection tells of a token.
    ///
    /// # Panics
    /// If it refuses to.
    pub async fn introspect(&self, token: &str) -> Value {
        let reply = self.introspecting(token).send().await;
        assert_eq!(reply.status, 200, "{}: {}", reply.error(), reply.description());
        reply.json()
    }

    /// Where tokens are revoked. The pilot's document does not say it; its integration guide does (contract §11).
    pub fn revocation_endpoint(&self) -> String {
        let told = self.metadata().get("revocation_endpoint").and_then(Value::as_str);
        told.map_or_else(|| format!("{}/revoke", self.url("issuer").trim_end_matches('/')), str::to_owned)
    }

    /// A request to revoke a token's grant.
    pub fn revoking(&self, token: &str) -> Redemption {
        self.form_request(&self.revocation_endpoint(), owned([("token", token)]))
    }

    /// Revokes a token's grant.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn revoke(&self, token: &str) {
        let reply = self.revoking(token).send().await;
        assert_eq!(reply.status, 200, "{}: {}", reply.error(), reply.description());
    }

    /// The pilot's `/tokeninfo` (contract §10).
    pub fn tokeninfo_endpoint(&self) -> String {
        format!("{}/tokeninfo", self.url("issuer").trim_end_matches('/'))
    }

    /// What the pilot tells anyone of a token, without authentication.
    pub async fn tokeninfo(&self, token: &str) -> Reply {
        self.wire.call(Call::post(&self.tokeninfo_endpoint(), &[("token", token)])).await
    }
}

fn owned<const N: usize>(fields: [(&str, &str); N]) -> Vec<(String, String)> {
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
