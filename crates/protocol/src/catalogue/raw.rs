//! Entries as written, before any rule has looked at them: what a catalogue and the commands have in common.

use crate::catalogue::SecretReference;
use crate::client::OnBehalfOf;
use crate::organisation::Organisation;
use crate::person::Pid;
use crate::registration::ClientRecord;
use crate::registration::spelled::Spelled;
use crate::scope::{ScopeAccess, ScopeRecord};
use crate::secret::ClientSecret;

/// A client as written: the fields of [`crate::registration::ClientRegistration`], each as it stands, or absent.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are the wire's, explained at `ClientRegistration`")]
pub struct RawClient {
    pub client_id: Option<String>,
    pub client_secret: Option<GivenSecret>,
    pub client_orgno: Option<String>,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub client_uri: Option<String>,
    pub integration_type: Option<String>,
    pub supplier_orgno: Option<String>,
    pub refresh_token_usage: Option<String>,
    pub onbehalfof: Option<Vec<RawOnBehalfOf>>,
    pub application_type: Option<String>,
    pub grant_types: Option<Vec<String>>,
    pub token_endpoint_auth_method: Option<String>,
    pub redirect_uris: Option<Vec<String>>,
    pub post_logout_redirect_uris: Option<Vec<String>>,
    pub scopes: Option<Vec<String>>,
    pub code_challenge_method: Option<String>,
    pub amr_claim: Option<String>,
    pub userinfo_without_profile: Option<bool>,
    pub authorization_lifetime: Option<i64>,
    pub access_token_lifetime: Option<i64>,
    pub refresh_token_lifetime: Option<i64>,
    pub active: Option<bool>,
}

/// A customer of a client's as written.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are those of `OnBehalfOf`")]
pub struct RawOnBehalfOf {
    pub onbehalfof: Option<String>,
    pub display_name: Option<String>,
    pub orgno: Option<String>,
    pub url: Option<String>,
}

/// A client secret that an operator chose.
#[derive(Clone, Debug)]
pub enum GivenSecret {
    /// The secret itself.
    Text(ClientSecret),
    /// Where to fetch it.
    Reference(SecretReference),
}

/// An organisation as written.
#[derive(Clone, Debug, Default)]
pub struct RawOrganisation {
    /// `orgno`: nine digits.
    pub orgno: Option<String>,
    /// `name`; absent: as registered.
    pub name: Option<String>,
    /// `standing`; absent: as registered, and active for a new one.
    pub standing: Option<String>,
    /// `terms`: the acceptance; absent: as registered, for an acceptance cannot be unsaid by leaving it out.
    pub terms: Option<RawTerms>,
}

/// An acceptance of the terms of use as written.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are those of `Acceptance`")]
pub struct RawTerms {
    pub version: Option<String>,
    pub accepted_at: Option<String>,
    pub accepted_by: Option<String>,
}

/// A scope as written.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are those of `ScopeRecord`")]
pub struct RawScope {
    pub scope: Option<String>,
    pub owner_orgno: Option<String>,
    pub description: Option<String>,
    pub description_nn: Option<String>,
    pub description_en: Option<String>,
    pub description_se: Option<String>,
    pub token_type: Option<String>,
    pub at_max_age: Option<i64>,
    pub authorization_max_lifetime: Option<i64>,
    pub requires_pseudonymous_tokens: Option<bool>,
    pub accessible_for_all: Option<bool>,
    pub allowed_integration_types: Option<Vec<String>>,
    pub enforced_aud_for_introspection: Option<Vec<String>>,
    pub active: Option<bool>,
    /// `access`: of the organisations named; of others it stays as it is.
    pub access: Option<Vec<RawAccess>>,
}

/// An organisation's access to a scope as written.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are those of `ScopeAccess`")]
pub struct RawAccess {
    pub consumer_orgno: Option<String>,
    pub state: Option<String>,
}

/// A test person as written. The number is parsed where it is read, so that it is held nowhere else.
#[derive(Clone, Debug, Default)]
pub struct RawPerson {
    /// `pool`.
    pub pool: Option<String>,
    /// `pid`, synthetic.
    pub pid: Option<Pid>,
    /// `active`; absent: as registered, and true for a new one.
    pub active: Option<bool>,
}

fn spelling<T: Spelled + PartialEq>(value: T) -> Option<String> {
    T::ALL.iter().find(|(_, known)| *known == value).map(|(name, _)| (*name).to_owned())
}

fn spellings<T: Spelled + PartialEq>(values: &[T]) -> Vec<String> {
    values.iter().copied().filter_map(spelling).collect()
}

/// What is registered, written out again: what a command changes one field of.
impl From<&ClientRecord> for RawClient {
    fn from(record: &ClientRecord) -> Self {
        let client = &record.registration;
        Self {
            client_id: Some(client.client_id.as_str().to_owned()),
            client_secret: None,
            client_orgno: Some(client.client_orgno.as_str().to_owned()),
            display_name: Some(client.display_name.clone()),
            description: client.description.clone(),
            client_uri: client.client_uri.clone(),
            integration_type: client.integration_type.and_then(spelling),
            supplier_orgno: client.supplier_orgno.as_ref().map(|orgno| orgno.as_str().to_owned()),
            grant_types: client.grant_types.as_deref().map(spellings),
            refresh_token_usage: client.refresh_token_usage.and_then(spelling),
            onbehalfof: (!client.onbehalfof.is_empty())
                .then(|| client.onbehalfof.iter().map(RawOnBehalfOf::from).collect()),
            application_type: spelling(client.application_type),
            token_endpoint_auth_method: spelling(client.token_endpoint_auth_method),
            redirect_uris: Some(client.redirect_uris.clone()),
            post_logout_redirect_uris: Some(client.post_logout_redirect_uris.clone()),
            scopes: Some(client.scopes.iter().map(|scope| scope.as_str().to_owned()).collect()),
            code_challenge_method: client.code_challenge_method.and_then(spelling),
            amr_claim: client.amr_claim.and_then(spelling),
            userinfo_without_profile: Some(client.userinfo_without_profile),
            authorization_lifetime: Some(client.authorization_lifetime.get().into()),
            access_token_lifetime: Some(client.access_token_lifetime.get().into()),
            refresh_token_lifetime: Some(client.refresh_token_lifetime.get().into()),
            active: Some(record.active),
        }
    }
}

impl From<&Organisation> for RawOrganisation {
    fn from(organisation: &Organisation) -> Self {
        Self {
            orgno: Some(organisation.orgno.as_str().to_owned()),
            name: Some(organisation.name.clone()),
            standing: spelling(organisation.standing),
            terms: organisation.terms.as_ref().map(|terms| RawTerms {
                version: Some(terms.version.clone()),
                accepted_at: Some(terms.accepted_at.to_rfc3339()),
                accepted_by: Some(terms.accepted_by.clone()),
            }),
        }
    }
}

impl From<&OnBehalfOf> for RawOnBehalfOf {
    fn from(customer: &OnBehalfOf) -> Self {
        Self {
            onbehalfof: Some(customer.onbehalfof.clone()),
            display_name: Some(customer.display_name.clone()),
            orgno: Some(customer.orgno.as_str().to_owned()),
            url: customer.url.clone(),
        }
    }
}

/// Of access nothing is said: it stays as it is.
impl From<&ScopeRecord> for RawScope {
    fn from(record: &ScopeRecord) -> Self {
        let readers = &record.enforced_aud_for_introspection;
        Self {
            scope: Some(record.scope.as_str().to_owned()),
            owner_orgno: record.owner_orgno.as_ref().map(|orgno| orgno.as_str().to_owned()),
            description: (!record.description.is_empty()).then(|| record.description.clone()),
            description_nn: record.description_nn.clone(),
            description_en: record.description_en.clone(),
            description_se: record.description_se.clone(),
            token_type: record.token_type.and_then(spelling),
            at_max_age: Some(record.at_max_age.get().into()),
            authorization_max_lifetime: Some(record.authorization_max_lifetime.get().into()),
            requires_pseudonymous_tokens: Some(record.requires_pseudonymous_tokens),
            accessible_for_all: Some(record.accessible_for_all),
            allowed_integration_types: Some(spellings(&record.allowed_integration_types)),
            enforced_aud_for_introspection: Some(readers.iter().map(|id| id.as_str().to_owned()).collect()),
            active: Some(record.active),
            access: None,
        }
    }
}

impl From<&ScopeAccess> for RawAccess {
    fn from(access: &ScopeAccess) -> Self {
        Self {
            consumer_orgno: Some(access.consumer_orgno.as_str().to_owned()),
            state: Some(access.state.as_str().to_owned()),
        }
    }
}
