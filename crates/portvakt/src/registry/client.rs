//! Clients: registering, changing, stopping and showing them, and rotating their secrets.

mod fields;

use portvakt_protocol::catalogue::{Catalogue, GivenSecret, Plan, PlanLine, RawClient, Sign};
use portvakt_protocol::client::{Client, ScopeRefused};
use portvakt_protocol::organisation::{OrgNumber, Organisation, Standing};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{
    Beside, Change, ClientRecord, ClientRegistration, Registry, Subject, rotate_secret,
};
use portvakt_protocol::scope::{AccessState, Scope, Scopes};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Actor, OwnerWarning};
use serde::{Deserialize, Serialize};

use super::carried::{Fetched, Found, found};
use super::warned::{REFUSED_LATELY, Warned};
use super::{Place, change_at, only, registries, taken, unknown};
use crate::catalogue::NotApplied;
use crate::config::duration::spelled;
use crate::desk::{Answer, Desk, Refused};

pub(crate) use fields::{ClientFields, Unset};

/// What can be done with clients.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientDeed {
    /// Registers one.
    Add {
        /// `client_id`.
        client_id: String,
        /// Its other fields.
        fields: Box<ClientFields>,
        /// Its secret; none: one is generated if it needs one.
        secret: Option<Fetched>,
    },
    /// Changes fields of one.
    Update {
        /// Which.
        client_id: String,
        /// The fields that change.
        fields: Box<ClientFields>,
        /// The fields that it has no longer.
        unset: Vec<Unset>,
        /// A new secret; its others end.
        secret: Option<Fetched>,
    },
    /// Stops one, whatever state its registration is in.
    Deactivate {
        /// Which.
        client_id: String,
    },
    /// Lets one be used again.
    Activate {
        /// Which.
        client_id: String,
    },
    /// Generates a new secret.
    RotateSecret {
        /// Whose.
        client_id: String,
        /// For how many seconds the others go on.
        keep_old: Seconds,
    },
    /// Shows all.
    List,
    /// Shows one.
    Show {
        /// Which.
        client_id: String,
    },
}

impl ClientDeed {
    /// Its command's name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "client add",
            Self::Update { .. } => "client update",
            Self::Deactivate { .. } => "client deactivate",
            Self::Activate { .. } => "client activate",
            Self::RotateSecret { .. } => "client secret rotate",
            Self::List => "client list",
            Self::Show { .. } => "client show",
        }
    }
}

/// Carries a deed out at the named issuer, or the only one.
///
/// # Errors
/// Why it was not; nothing has changed then.
pub(crate) async fn perform(
    desk: &Desk,
    actor: &Actor,
    issuer: Option<&str>,
    deed: ClientDeed,
) -> Result<Answer, Refused> {
    match deed {
        ClientDeed::Add { client_id, fields, secret } => {
            let (given, secrets) = given(secret);
            let decide = |place: &Place<'_>| {
                if find(place.registry, &client_id).is_some() {
                    let other = "change it with `portvakt client update`";
                    return Err(taken("client", &client_id, place.provider, other).into());
                }
                let raw = RawClient {
                    client_id: Some(client_id.clone()),
                    client_secret: given.clone(),
                    ..RawClient::default()
                };
                place.plan(&Catalogue::of_client(&place.issuers(), fields.over(raw)).resolve(&secrets))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ClientDeed::Update { client_id, fields, unset, secret } => {
            let (given, secrets) = given(secret);
            let decide = |place: &Place<'_>| {
                let mut raw = fields.over(RawClient::from(known(place, &client_id)?));
                unset.iter().for_each(|field| field.clear(&mut raw));
                raw.client_secret.clone_from(&given);
                place.plan(&Catalogue::of_client(&place.issuers(), raw).resolve(&secrets))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ClientDeed::Deactivate { client_id } => {
            let decide = |place: &Place<'_>| Ok(deactivate(place, known(place, &client_id)?));
            change_at(desk, actor, issuer, decide).await
        }
        ClientDeed::Activate { client_id } => {
            let decide = |place: &Place<'_>| {
                let raw = RawClient { active: Some(true), ..RawClient::from(known(place, &client_id)?) };
                place.plan(&Catalogue::of_client(&place.issuers(), raw))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ClientDeed::RotateSecret { client_id, keep_old } => {
            let decide = |place: &Place<'_>| rotate(place, known(place, &client_id)?, keep_old);
            change_at(desk, actor, issuer, decide).await
        }
        ClientDeed::List => list(desk, issuer).await.map(Answer::Clients),
        ClientDeed::Show { client_id } => show(desk, issuer, &client_id).await,
    }
}

/// The secret as an entry names it, and what was fetched for it.
fn given(secret: Option<Fetched>) -> (Option<GivenSecret>, Found) {
    let given = secret.as_ref().map(|fetched| GivenSecret::Reference(fetched.reference()));
    (given, found(secret.into_iter().collect()))
}

fn find<'r>(registry: &'r Registry, client_id: &str) -> Option<&'r ClientRecord> {
    registry.clients.iter().find(|record| record.registration.client_id.as_str() == client_id)
}

fn known<'p>(place: &Place<'p>, client_id: &str) -> Result<&'p ClientRecord, Refused> {
    let found = find(place.registry, client_id);
    found.ok_or_else(|| unknown("client", client_id, place.provider))
}

fn deactivate(place: &Place<'_>, record: &ClientRecord) -> Plan {
    let change = record.active.then(|| Change::Client {
        issuer: place.provider.issuer().clone(),
        registration: Box::new(record.registration.clone()),
        active: false,
    });
    place.stop(format!("client {}", record.registration.client_id), change)
}

fn rotate(place: &Place<'_>, record: &ClientRecord, keep_old: Seconds) -> Result<Plan, NotApplied> {
    let issuer = place.provider.issuer();
    let (change, secret) = rotate_secret(issuer, record, Some(keep_old), place.now, place.random)
        .map_err(|fault| NotApplied::Faults(vec![fault]))?;
    let client_id = record.registration.client_id.clone();
    let others = if keep_old == Seconds::default() {
        "now".to_owned()
    } else {
        format!("in {} at the latest", spelled(keep_old))
    };
    let line = PlanLine {
        sign: Sign::Update,
        what: format!("secret of client {client_id}"),
        issuer: Some(issuer.clone()),
        detail: format!("generated; its others end {others}"),
    };
    Ok(Plan {
        changes: vec![change],
        lines: vec![line],
        generated: vec![(issuer.clone(), client_id, secret)],
    })
}

/// A client as it is shown: everything but its secrets.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShownClient {
    /// Where.
    pub(crate) issuer: String,
    /// Its registration.
    pub(crate) registration: ClientRegistration,
    /// Whether it may be used, as far as it itself is concerned.
    pub(crate) active: bool,
    /// Why it cannot be used; absent if it can.
    pub(crate) stopped: Option<Stop>,
    /// The scopes of its own that it may not ask for now, each with why.
    #[serde(default)]
    pub(crate) scopes_refused: Vec<String>,
    /// What of its registration breaks a rule as the issuer is configured now.
    pub(crate) faults: Vec<String>,
    /// Its secrets that have not ended, newest first.
    pub(crate) secrets: Vec<ShownSecret>,
    /// Whether it gets refresh tokens.
    #[serde(default)]
    pub(crate) may_refresh: bool,
    /// Why, or why not.
    #[serde(default)]
    pub(crate) may_refresh_why: String,
    /// What it was given before this instant is nothing, RFC 3339; none: nothing was taken back of it.
    #[serde(default)]
    pub(crate) not_before: Option<String>,
    /// What there is to tell its owner.
    pub(crate) warnings: Vec<Warned>,
    /// When it was registered, RFC 3339.
    pub(crate) created: String,
    /// When it was last changed, RFC 3339.
    pub(crate) last_updated: String,
}

/// Of a secret no more than its end is known to anybody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ShownSecret {
    /// Its end, RFC 3339.
    pub(crate) expires: String,
    /// Whole days until then.
    pub(crate) days_left: u32,
}

/// Whole days until a secret's end; 0 once it has ended.
pub(super) fn days_left(expires: Timestamp, now: Timestamp) -> u32 {
    expires.since(now).get() / Seconds::days(1).get()
}

/// Why a client cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stop {
    /// It was deactivated.
    ClientDeactivated,
    /// Its organisation withdrew from the terms.
    OrganisationWithdrawn,
    /// Its organisation was deactivated.
    OrganisationDeactivated,
    /// Its organisation has accepted no terms.
    TermsNotAccepted,
    /// The organisation that runs it is stopped, or none that is registered.
    SupplierStopped,
    /// Its registration breaks a rule as the issuer is configured now.
    RegistrationFaulty,
}

impl Stop {
    /// For people.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClientDeactivated => "deactivated",
            Self::OrganisationWithdrawn => "organisation withdrawn",
            Self::OrganisationDeactivated => "organisation deactivated",
            Self::TermsNotAccepted => "terms not accepted",
            Self::SupplierStopped => "supplier stopped",
            Self::RegistrationFaulty => "registration no longer holds",
        }
    }

    fn of(record: &ClientRecord, organisations: &[Organisation], faulty: bool) -> Option<Self> {
        if !record.active {
            return Some(Self::ClientDeactivated);
        }
        let known = |orgno: &OrgNumber| organisations.iter().find(|known| known.orgno == *orgno);
        match known(&record.registration.client_orgno).map(|known| (known.standing, &known.terms)) {
            Some((Standing::Withdrawn, _)) => return Some(Self::OrganisationWithdrawn),
            Some((Standing::Deactivated, _)) => return Some(Self::OrganisationDeactivated),
            Some((Standing::Active, None)) => return Some(Self::TermsNotAccepted),
            Some((Standing::Active, Some(_))) | None => {}
        }
        let supplier = record.registration.supplier_orgno.as_ref();
        if supplier.is_some_and(|orgno| !known(orgno).is_some_and(Organisation::may_have_clients)) {
            return Some(Self::SupplierStopped);
        }
        faulty.then_some(Self::RegistrationFaulty)
    }
}

async fn show(desk: &Desk, issuer: Option<&str>, client_id: &str) -> Result<Answer, Refused> {
    let provider = only(desk, issuer)?;
    let listed = list(desk, Some(provider.issuer().as_str())).await?;
    let found = listed.into_iter().find(|shown| shown.registration.client_id.as_str() == client_id);
    let shown = found.ok_or_else(|| unknown("client", client_id, provider))?;
    Ok(Answer::Client(Box::new(shown)))
}

/// Every client of the named issuer, or of all.
pub(super) async fn list(desk: &Desk, issuer: Option<&str>) -> Result<Vec<ShownClient>, Refused> {
    let now = desk.clock.now();
    let mut listed = Vec::new();
    for (provider, registry) in registries(desk, issuer).await? {
        let since = now - REFUSED_LATELY;
        let lately = desk.store.owner_warnings(provider.issuer(), since).await.map_err(Refused::broken)?;
        let taken_back = desk.store.taken_back(provider.issuer(), None).await.map_err(Refused::broken)?;
        let shown = |record| shown(provider, &registry, record, (&lately, &taken_back), now);
        listed.extend(registry.clients.iter().map(shown));
    }
    Ok(listed)
}

/// The client as the rules see it, or what of its registration breaks one as the issuer is configured now.
pub(super) fn judged(
    provider: &Provider,
    registry: &Registry,
    record: &ClientRecord,
) -> Result<Client, Vec<String>> {
    let registration = &record.registration;
    let organisation = registry.organisations.iter().find(|known| known.orgno == registration.client_orgno);
    let organisation = organisation
        .ok_or_else(|| vec![format!("client_orgno = {}: must be registered", registration.client_orgno)])?;
    let supplier = registration.supplier_orgno.as_ref();
    let beside = Beside {
        organisation,
        supplier: supplier
            .and_then(|orgno| registry.organisations.iter().find(|known| known.orgno == *orgno)),
        scopes: &registry.scopes,
        access: &registry.access,
        secrets: Vec::new(),
        active: record.active,
        not_before: Timestamp::from_unix(0),
    };
    registration.client(provider, beside).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The scopes that it may not ask for now, each with why.
fn scopes_refused(client: &Client, registration: &ClientRegistration) -> Vec<String> {
    let refused = |scope: &Scope| {
        let why = match client.scope_refused(&Scopes::from_iter([scope.clone()]))?.1 {
            ScopeRefused::NotRegistered => "not registered",
            ScopeRefused::Deactivated => "deactivated",
            ScopeRefused::IntegrationType => "not for clients of this integration type",
            ScopeRefused::NotGranted(said) => said.map_or("no access", AccessState::as_str),
        };
        Some(format!("{scope} ({why})"))
    };
    registration.scopes.iter().filter_map(refused).collect()
}

/// The latest that was said of its issuer, itself, its organisation and the one that runs it.
fn not_before(taken_back: &[(Subject, Timestamp)], registration: &ClientRegistration) -> Option<Timestamp> {
    let concerns = |subject: &Subject| match subject {
        Subject::Issuer => true,
        Subject::Client(client_id) => *client_id == registration.client_id,
        Subject::Organisation(orgno) => {
            *orgno == registration.client_orgno || registration.supplier_orgno.as_ref() == Some(orgno)
        }
        Subject::Person(_) => false,
    };
    taken_back.iter().filter(|(subject, _)| concerns(subject)).map(|(_, at)| *at).max()
}

fn shown(
    provider: &Provider,
    registry: &Registry,
    record: &ClientRecord,
    (lately, taken_back): (&[OwnerWarning], &[(Subject, Timestamp)]),
    now: Timestamp,
) -> ShownClient {
    let registration = &record.registration;
    let (scopes_refused, faults) = match judged(provider, registry, record) {
        Ok(client) => (scopes_refused(&client, registration), Vec::new()),
        Err(faults) => (Vec::new(), faults),
    };
    let has_secret = registration.token_endpoint_auth_method.has_secret();
    let living = record.living_secrets(now).filter(|_| has_secret);
    let secrets: Vec<_> = living
        .map(|secret| ShownSecret {
            expires: secret.expires.to_rfc3339(),
            days_left: days_left(secret.expires, now),
        })
        .collect();
    ShownClient {
        issuer: provider.issuer().as_str().to_owned(),
        active: record.active,
        stopped: Stop::of(record, &registry.organisations, !faults.is_empty()),
        scopes_refused,
        faults,
        may_refresh: registration.may_refresh(),
        may_refresh_why: registration.refresh_right().to_string(),
        not_before: not_before(taken_back, registration).map(Timestamp::to_rfc3339),
        warnings: Warned::of(record, lately, now),
        secrets,
        created: record.created.to_rfc3339(),
        last_updated: record.last_updated.to_rfc3339(),
        registration: registration.clone(),
    }
}
