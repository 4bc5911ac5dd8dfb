//! What scenes register: an organisation that accepted the terms, and clients of each kind.

use portvakt_protocol::client::{ApplicationType, AuthMethod, ClientId};
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::registration::{ClientRegistration, GrantType, IntegrationType};
use portvakt_protocol::scope::{INTROSPECTION, Scope, ScopeRecord, Scopes};
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

/// A client with the grant `refresh_token`: its tokens live 120 s, its refresh tokens 600 s unused, its logins 7200 s.
pub fn refreshing(client_id: &str) -> ClientRegistration {
    ClientRegistration {
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        access_token_lifetime: Seconds::new(120),
        refresh_token_lifetime: Seconds::new(600),
        ..registration(client_id)
    }
}

/// An API of another service's, that introspects the tokens brought to it.
pub fn reader(client_id: &str) -> ClientRegistration {
    ClientRegistration {
        integration_type: Some(IntegrationType::ApiKlient),
        scopes: scopes(&format!("openid {INTROSPECTION}")),
        ..registration(client_id)
    }
}

/// Scopes, as a registration names them.
pub fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).expect("scopes")
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

/// A client identifier.
pub fn client_id(text: &str) -> ClientId {
    ClientId::parse(text).expect("a client identifier")
}

/// An organisation number.
pub fn orgno(text: &str) -> OrgNumber {
    OrgNumber::parse(text).expect("an organisation number")
}

/// A scope of the operator's own, open to all, of which nothing else is said.
pub fn open_scope(scope: &str) -> ScopeRecord {
    ScopeRecord::open(Scope::parse(scope).expect("a scope"))
}

/// The same, whose tokens these clients may introspect.
pub fn read_by(scope: &str, readers: &[&str]) -> ScopeRecord {
    let readers = readers.iter().map(|reader| client_id(reader)).collect();
    ScopeRecord { enforced_aud_for_introspection: readers, ..open_scope(scope) }
}

/// A scope that an organisation owns, and others may use only when they are given access.
pub fn owned_scope(scope: &str, owner_orgno: &str) -> ScopeRecord {
    ScopeRecord { owner_orgno: Some(orgno(owner_orgno)), accessible_for_all: false, ..open_scope(scope) }
}

/// A scope whose access tokens are opaque.
pub fn opaque_scope(scope: &str) -> ScopeRecord {
    let scope = Scope::parse(scope).expect("a scope");
    ScopeRecord { token_type: Some(TokenType::Opaque), ..ScopeRecord::open(scope) }
}
