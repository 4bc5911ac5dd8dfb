//! What Portvakt said when it was ready: its issuers, and the clients registered there with their secrets.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// What stands at Portvakt.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Summary {
    /// In the order it lists them.
    pub(crate) issuers: Vec<Issuer>,
    /// At all issuers.
    clients: Vec<Registered>,
}

/// An issuer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Issuer {
    /// Its identifier, byte for byte.
    pub(crate) issuer: String,
    /// `pilot` or `idporten`: which edition of the protocol it speaks.
    pub(crate) profile: String,
    /// `development`, `test` or `production`.
    pub(crate) environment: String,
}

/// A client.
#[derive(Clone, Deserialize)]
pub(crate) struct Registered {
    issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) token_endpoint_auth_method: String,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    pub(crate) scopes: Vec<String>,
}

impl std::fmt::Debug for Registered {
    /// Without the secret.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Registered({} at {})", self.client_id, self.issuer)
    }
}

impl Registered {
    /// Where the person may be sent after a logout: the first registered address under `base`.
    pub(crate) fn after_logout(&self, base: &str) -> Option<&str> {
        self.post_logout_redirect_uris.iter().map(String::as_str).find(|uri| is_under(uri, base))
    }

    fn has_a_method_of_ours(&self) -> bool {
        match self.token_endpoint_auth_method.as_str() {
            "none" => true,
            "client_secret_basic" | "client_secret_post" => self.client_secret.is_some(),
            _ => false,
        }
    }
}

/// Whether a URI is of the service at `base`, which has no path: `http://localhost:30001/` is not of `http://localhost:3000`.
fn is_under(uri: &str, base: &str) -> bool {
    uri.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

impl Summary {
    /// The issuer of that identifier.
    pub(crate) fn issuer(&self, identifier: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|one| one.issuer == identifier)
    }

    /// A client at `issuer` that `callback` is registered for: a confidential one, else a public one.
    pub(crate) fn client(&self, issuer: &str, callback: &str) -> Option<&Registered> {
        let ours = |client: &&Registered| {
            client.issuer == issuer
                && client.redirect_uris.iter().any(|uri| uri == callback)
                && client.has_a_method_of_ours()
        };
        let confidential = self.clients.iter().filter(ours).find(|client| client.client_secret.is_some());
        confidential.or_else(|| self.clients.iter().find(ours))
    }
}

/// The file in which Portvakt says it.
#[derive(Debug)]
pub(crate) struct Source {
    file: PathBuf,
}

impl Source {
    /// The file may come later.
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// What it says now: it is read each time, for Portvakt writes it anew when its catalogue changes.
    ///
    /// Waits two seconds for it, since Portvakt may be about to get ready.
    ///
    /// # Errors
    /// Why there is nothing to read, as a sentence for the page.
    pub(crate) async fn read(&self) -> Result<Summary, String> {
        for _ in 0..20 {
            match fs::read(&self.file) {
                Ok(bytes) => {
                    return serde_json::from_slice(&bytes).map_err(|why| {
                        format!("The file that Portvakt writes when it is ready cannot be read: {why}.")
                    });
                }
                Err(why) if why.kind() == io::ErrorKind::NotFound => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(why) => {
                    return Err(format!(
                        "The file that Portvakt writes when it is ready cannot be opened: {why}."
                    ));
                }
            }
        }
        Err("Portvakt is not ready yet, or it has ended: it writes a file when it is ready, and that file is not there.".to_owned())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two issuers; at the second a public client beside the confidential one.
    pub(crate) const JSON: &str = r#"{
        "issuers": [
            {"issuer": "http://localhost:8080/idporten-oidc-provider/", "profile": "pilot", "environment": "development", "discovery": "x"},
            {"issuer": "http://localhost:8080", "profile": "idporten", "environment": "development", "discovery": "x"}
        ],
        "clients": [
            {"issuer": "http://localhost:8080/idporten-oidc-provider/", "client_id": "demo-pilot", "client_secret": "s", "display_name": "d",
             "application_type": "web", "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": ["http://localhost:3000/callback"],
             "post_logout_redirect_uris": ["http://localhost:3000/"], "scopes": ["openid", "profile"]},
            {"issuer": "http://localhost:8080", "client_id": "public", "client_secret": null, "display_name": "d",
             "application_type": "browser", "token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost:3000/callback", "http://localhost:4000/callback"],
             "post_logout_redirect_uris": [], "scopes": ["openid"]},
            {"issuer": "http://localhost:8080", "client_id": "lost", "client_secret": null, "display_name": "d",
             "application_type": "web", "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": ["http://localhost:5000/callback"],
             "post_logout_redirect_uris": [], "scopes": ["openid"]},
            {"issuer": "http://localhost:8080", "client_id": "web", "client_secret": "s", "display_name": "d",
             "application_type": "web", "token_endpoint_auth_method": "client_secret_post", "redirect_uris": ["http://localhost:3000/callback"],
             "post_logout_redirect_uris": [], "scopes": ["openid"]}
        ],
        "persons": []
    }"#;

    const CURRENT: &str = "http://localhost:8080";

    pub(crate) fn summary() -> Summary {
        serde_json::from_str(JSON).unwrap()
    }

    fn picked(callback: &str) -> Option<String> {
        summary().client(CURRENT, callback).map(|client| client.client_id.clone())
    }

    #[test]
    fn no_client_is_picked_that_could_not_finish() {
        assert_eq!(picked("http://localhost:9/callback"), None);
        assert_eq!(picked("http://localhost:5000/callback"), None, "its secret is not known");
    }

    #[test]
    fn a_confidential_client_comes_first() {
        assert_eq!(picked("http://localhost:3000/callback").as_deref(), Some("web"));
        assert_eq!(picked("http://localhost:4000/callback").as_deref(), Some("public"));
    }

    #[test]
    fn after_a_logout_nobody_is_sent_to_another_port() {
        let summary = summary();
        let client =
            summary.client("http://localhost:8080/idporten-oidc-provider/", "http://localhost:3000/callback");
        let back = |base| client.and_then(|client| client.after_logout(base));
        assert_eq!(back("http://localhost:300"), None);
        assert_eq!(back("http://localhost:30001"), None);
        assert_eq!(back("http://localhost:3000"), Some("http://localhost:3000/"));
    }

    #[test]
    fn a_secret_is_not_in_the_debug_output() {
        let debug = format!("{:?}", summary());
        assert!(!debug.contains("\"s\""), "{debug}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_summary_is_an_error_with_a_reason() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "{}").unwrap();
        let why = Source::new(file.path().to_owned()).read().await.unwrap_err();
        assert!(why.contains("issuers"), "{why}");
    }
}
