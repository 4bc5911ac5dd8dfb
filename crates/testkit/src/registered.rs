//! What scenes register: an organisation that accepted the terms, and clients of each kind.

use portvakt_protocol::client::{ApplicationType, AuthMethod, ClientId};
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::registration::ClientRegistration;
use portvakt_protocol::scope::{Scope, ScopeRecord, Scopes};
use portvakt_protocol::time::{Seconds, Timestamp};

use crate::world::BEGINNING;

/// An organisation that has accepted the terms.
pub fn organisation() -> Organisation {
    Organisation {
        orgno: OrgNumber::parse("991825827").expect("an organisation number"),
        name: "Eksempeletaten".to_owned(),
        terms: Some(Acceptance {
            version: "1".to_owned(),
            accepted_at: Timestamp::from_unix(BEGINNING),
            accepted_by: "a director".to_owned(),
        }),
        standing: Standing::Active,
    }
}

/// A registration with what every client has: confidential, Basic, `openid profile`. A scene changes what it is about.
pub fn registration(client_id: &str) -> ClientRegistration {
    ClientRegistration {
        client_id: ClientId::parse(client_id).expect("a client identifier"),
        client_orgno: organisation().orgno,
        display_name: "Eksempeltjenesten".to_owned(),
        description: None,
        client_uri: None,
        integration_type: None,
        supplier_orgno: None,
        grant_types: None,
        refresh_token_usage: None,
        onbehalfof: Vec::new(),
        application_type: ApplicationType::Web,
        token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
        redirect_uris: vec!["https://rp.example.no/cb".to_owned()],
        post_logout_redirect_uris: Vec::new(),
        scopes: Scopes::parse("openid profile").expect("scopes"),
        code_challenge_method: None,
        amr_claim: None,
        userinfo_without_profile: false,
        authorization_lifetime: Seconds::new(7200),
        access_token_lifetime: Seconds::new(600),
        refresh_token_lifetime: Seconds::new(0),
    }
}

/// A public client, as runs in a browser.
pub fn public(client_id: &str) -> ClientRegistration {
    ClientRegistration {
        application_type: ApplicationType::Browser,
        token_endpoint_auth_method: AuthMethod::None,
        ..registration(client_id)
    }
}

/// A native application, answered at these URIs.
pub fn native(client_id: &str, redirect_uris: &[&str]) -> ClientRegistration {
    ClientRegistration {
        application_type: ApplicationType::Native,
        redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
        ..public(client_id)
    }
}

/// A scope whose access tokens are opaque.
pub fn opaque_scope(scope: &str) -> ScopeRecord {
    let scope = Scope::parse(scope).expect("a scope");
    ScopeRecord { token_type: Some(TokenType::Opaque), ..ScopeRecord::open(scope) }
}
