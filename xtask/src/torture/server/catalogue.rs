//! What is registered at a tortured site.

use super::{CLIENT, READER, REUSING, Registered, SCOPE, WITH_SCOPE};

/// A catalogue of one client, which has the secret and redirect URI of [`CLIENT`]. Its tokens last for a day, so that what
/// was promised in the first life can be called in at the end.
pub(in super::super) fn catalogue(port: u16, client_id: &str) -> String {
    head(port) + &client(client_id, r#"scopes = ["openid", "profile"]"#)
}

/// A catalogue of the clients that load the server, with the scope given.
pub(in super::super) fn catalogue_of_all(port: u16) -> String {
    let reuses = "scopes = [\"openid\", \"profile\"]\ngrant_types = [\"authorization_code\", \"refresh_token\"]\n\
                  refresh_token_usage = \"REUSE\"";
    let current =
        format!("issuer = [\"http://localhost:{port}\"]\nscopes = [\"openid\", \"profile\", \"{SCOPE}\"]");
    let reads = format!(
        "issuer = [\"http://localhost:{port}\"]\nintegration_type = \"api_klient\"\n\
         scopes = [\"openid\", \"idporten:token.introspection\"]"
    );
    [
        catalogue(port, CLIENT.client_id),
        scope(port, true),
        client(REUSING.client_id, reuses),
        client(WITH_SCOPE.client_id, &current),
        client(READER.client_id, &reads),
    ]
    .concat()
}

/// A catalogue of the scope alone, which the clients' organisation may use or not.
pub(in super::super) fn catalogue_of_scope(port: u16, given: bool) -> String {
    head(port) + &scope(port, given)
}

fn head(port: u16) -> String {
    format!(
        r#"issuer = ["http://localhost:{port}/idporten-oidc-provider/", "http://localhost:{port}"]

[[organisations]]
orgno = "991825827"
name = "Torture"
terms = {{ version = "demo", accepted_at = "2016-12-01T12:00:00Z", accepted_by = "cargo xtask torture" }}
"#
    )
}

fn client(client_id: &str, more: &str) -> String {
    let Registered { secret, redirect_uri, .. } = CLIENT;
    format!(
        r#"
[[clients]]
client_id = "{client_id}"
client_secret = "{secret}"
client_orgno = "991825827"
display_name = "Torture"
redirect_uris = ["{redirect_uri}"]
post_logout_redirect_uris = []
authorization_lifetime = 86400
access_token_lifetime = 86400
refresh_token_lifetime = 86400
{more}
"#
    )
}

fn scope(port: u16, given: bool) -> String {
    let (reader, state) = (READER.client_id, if given { "APPROVED" } else { "WITHDRAWN" });
    format!(
        r#"
[[scopes]]
issuer = ["http://localhost:{port}"]
scope = "{SCOPE}"
accessible_for_all = false
enforced_aud_for_introspection = ["{reader}"]

[[scopes.access]]
consumer_orgno = "991825827"
state = "{state}"
"#
    )
}
