//! What there is to tell an organisation about itself: its terms, its clients and those that it runs for others, what each may use and
//! until when, the scopes that it owns and who may use them, and what its owners were warned of lately.

use portvakt_protocol::client::ScopeRefused;
use portvakt_protocol::organisation::{Organisation, Standing};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{ClientRegistration, Registry};
use portvakt_protocol::scope::{AccessState, Scope, ScopeRecord, Scopes};
use portvakt_protocol::time::Seconds;
use serde::{Deserialize, Serialize};

use super::client::{self, ShownClient, ShownSecret, Stop};
use super::scope::{self, ShownScope};
use super::warned::{Given, Warned};
use super::{only, unknown};
use crate::desk::{Answer, Desk, Refused};

/// Warnings of so long are told.
const LATELY: Seconds = Seconds::days(30);

/// An organisation at one issuer. The names of its fields are those of the JSON, and stay.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Where.
    pub(crate) issuer: String,
    /// Its number.
    pub(crate) orgno: String,
    /// Its name.
    pub(crate) name: String,
    /// Active, withdrawn or deactivated.
    pub(crate) standing: Standing,
    /// The terms that it accepted; none: it has accepted none.
    pub(crate) terms: Option<ReportedTerms>,
    /// The version in force that it has yet to accept.
    pub(crate) outstanding: Option<String>,
    /// Its clients and those that it runs for others, stopped ones included, by identifier.
    pub(crate) clients: Vec<ReportedClient>,
    /// The scopes that it owns, stopped ones included, by name: what was said of organisations' access to them, and who may introspect.
    #[serde(default)]
    pub(crate) owned_scopes: Vec<ShownScope>,
    /// What was warned of in the last 30 days, newest first.
    pub(crate) warnings: Vec<Given>,
}

/// An acceptance of the terms.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportedTerms {
    /// Which version.
    pub(crate) version: String,
    /// When, RFC 3339.
    pub(crate) accepted_at: String,
    /// By whom.
    pub(crate) accepted_by: String,
}

/// A client of the organisation's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportedClient {
    /// `client_id`.
    pub(crate) client_id: String,
    /// Its name.
    pub(crate) display_name: String,
    /// What the organisation is to it.
    pub(crate) role: Role,
    /// The organisation that it belongs to.
    pub(crate) client_orgno: String,
    /// The one that runs it for that one.
    pub(crate) supplier_orgno: Option<String>,
    /// Why it cannot be used; absent if it can.
    pub(crate) stopped: Option<Stop>,
    /// `token_endpoint_auth_method`: with `none` it has no secret.
    pub(crate) token_endpoint_auth_method: String,
    /// Its secrets that have not ended, newest first.
    pub(crate) secrets: Vec<ShownSecret>,
    /// Seconds.
    pub(crate) authorization_lifetime: Seconds,
    /// Seconds.
    pub(crate) access_token_lifetime: Seconds,
    /// Seconds.
    pub(crate) refresh_token_lifetime: Seconds,
    /// Whether it gets refresh tokens.
    pub(crate) may_refresh: bool,
    /// What it is registered for.
    pub(crate) scopes: Vec<ReportedScope>,
    /// What there is to tell its owner now.
    pub(crate) warnings: Vec<Warned>,
}

/// What an organisation is to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// It is the organisation's own.
    Owner,
    /// It is another's, and the organisation runs it.
    Supplier,
}

/// A scope of a client's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportedScope {
    /// Which.
    pub(crate) scope: String,
    /// Whose it is; none: the operator's, or built in.
    pub(crate) owner_orgno: Option<String>,
    /// What was last said of the client's organisation's access: REQUESTED, APPROVED, DENIED, WITHDRAWN; none: nothing was.
    pub(crate) access: Option<AccessState>,
    /// Whether the client may use it now.
    pub(crate) usable: bool,
    /// Why not.
    pub(crate) why_not: Option<WhyNot>,
}

/// Why a client may not use a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhyNot {
    /// The client's organisation has no access.
    NoAccess,
    /// The scope was deactivated.
    ScopeDeactivated,
    /// It is not for clients of this integration type.
    IntegrationType,
    /// The client's registration no longer holds, so that it may use nothing.
    RegistrationFaulty,
}

impl WhyNot {
    /// For people.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NoAccess => "no access",
            Self::ScopeDeactivated => "scope deactivated",
            Self::IntegrationType => "not for this integration type",
            Self::RegistrationFaulty => "registration no longer holds",
        }
    }
}

impl From<ScopeRefused> for WhyNot {
    fn from(refused: ScopeRefused) -> Self {
        match refused {
            ScopeRefused::NotGranted(_) => Self::NoAccess,
            ScopeRefused::Deactivated => Self::ScopeDeactivated,
            ScopeRefused::IntegrationType => Self::IntegrationType,
            // A scope of the registration that is none of the client's is one that the issuer no longer knows.
            ScopeRefused::NotRegistered => Self::RegistrationFaulty,
        }
    }
}

/// Reports on an organisation at the named issuer, or the only one.
///
/// # Errors
/// It is not registered there, or the store failed.
pub(super) async fn perform(desk: &Desk, issuer: Option<&str>, orgno: &str) -> Result<Answer, Refused> {
    let provider = only(desk, issuer)?;
    let (issuer, now) = (provider.issuer(), desk.clock.now());
    let (_, registry) = desk.store.registry(issuer).await.map_err(Refused::broken)?;
    let found = registry.organisations.iter().find(|known| known.orgno.as_str() == orgno);
    let organisation = found.ok_or_else(|| unknown("organisation", orgno, provider))?;
    let shown = client::list(desk, Some(issuer.as_str())).await?;
    let own =
        shown.into_iter().filter_map(|client| Some((role(organisation, &client.registration)?, client)));
    let clients: Vec<_> = own.map(|(role, client)| reported(provider, &registry, role, client)).collect();
    let given = desk.store.owner_warnings(issuer, now - LATELY).await.map_err(Refused::broken)?;
    let is_owned = |shown: &ShownScope| shown.record.owner_orgno.as_ref() == Some(&organisation.orgno);
    let concerns = |given: &Given| clients.iter().any(|client| client.client_id == given.client_id);
    Ok(Answer::Report(Box::new(Report {
        issuer: issuer.as_str().to_owned(),
        orgno: organisation.orgno.as_str().to_owned(),
        name: organisation.name.clone(),
        standing: organisation.standing,
        terms: organisation.terms.as_ref().map(|terms| ReportedTerms {
            version: terms.version.clone(),
            accepted_at: terms.accepted_at.to_rfc3339(),
            accepted_by: terms.accepted_by.clone(),
        }),
        outstanding: organisation.terms_outstanding(provider.terms()).then(|| provider.terms().to_owned()),
        warnings: given.into_iter().map(Given::from).filter(concerns).collect(),
        owned_scopes: scope::shown(provider, &registry).filter(is_owned).collect(),
        clients,
    })))
}

/// What the organisation is to the client, if anything.
fn role(organisation: &Organisation, registration: &ClientRegistration) -> Option<Role> {
    if registration.client_orgno == organisation.orgno {
        Some(Role::Owner)
    } else {
        (registration.supplier_orgno.as_ref() == Some(&organisation.orgno)).then_some(Role::Supplier)
    }
}

fn reported(provider: &Provider, registry: &Registry, role: Role, shown: ShownClient) -> ReportedClient {
    let ShownClient { registration, stopped, secrets, warnings, .. } = shown;
    ReportedClient {
        scopes: scopes(provider, registry, &registration),
        client_id: registration.client_id.as_str().to_owned(),
        role,
        client_orgno: registration.client_orgno.as_str().to_owned(),
        supplier_orgno: registration.supplier_orgno.as_ref().map(|orgno| orgno.as_str().to_owned()),
        stopped,
        token_endpoint_auth_method: registration.token_endpoint_auth_method.as_str().to_owned(),
        secrets,
        authorization_lifetime: registration.authorization_lifetime,
        access_token_lifetime: registration.access_token_lifetime,
        refresh_token_lifetime: registration.refresh_token_lifetime,
        may_refresh: registration.may_refresh(),
        warnings,
        display_name: registration.display_name,
    }
}

/// What the client is registered for, and what of it it may use now.
fn scopes(provider: &Provider, registry: &Registry, registration: &ClientRegistration) -> Vec<ReportedScope> {
    let record = registry.clients.iter().find(|known| known.registration.client_id == registration.client_id);
    let client = record.and_then(|record| client::judged(provider, registry, record).ok());
    let reported = |scope: &Scope| {
        let why_not = match (&client, Scopes::parse(scope.as_str())) {
            (Some(client), Ok(asked)) => client.scope_refused(&asked).map(|(_, why)| why.into()),
            (None, _) | (_, Err(_)) => Some(WhyNot::RegistrationFaulty),
        };
        let said = registry
            .access
            .iter()
            .find(|known| known.scope == *scope && known.consumer_orgno == registration.client_orgno);
        let record: Option<&ScopeRecord> = registry.scopes.iter().find(|known| known.scope == *scope);
        ReportedScope {
            scope: scope.as_str().to_owned(),
            owner_orgno: record.and_then(|record| record.owner_orgno.as_ref()).map(ToString::to_string),
            access: said.map(|said| said.state),
            usable: why_not.is_none(),
            why_not,
        }
    };
    registration.scopes.iter().map(reported).collect()
}
