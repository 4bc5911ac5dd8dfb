//! Scopes beside the reserved ones, which are always there: registering, changing, stopping and showing them, and who may use them.

mod fields;

use portvakt_protocol::catalogue::{Catalogue, Plan, PlanLine, RawScope, Sign};
use portvakt_protocol::organisation::Organisation;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{AccessDeed, AccessFault, Change, Registry, judge_access};
use portvakt_protocol::scope::{ScopeAccess, ScopeRecord};
use portvakt_store::Actor;
use serde::{Deserialize, Serialize};

use super::{Place, change_at, only, registries, taken, unknown};
use crate::catalogue::NotApplied;
use crate::desk::{Answer, Desk, Refused};

pub(crate) use fields::{ScopeFields, UnsetOfScope};

/// What can be done with scopes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeDeed {
    /// Registers one.
    Add {
        /// The scope.
        scope: String,
        /// Its attributes.
        fields: Box<ScopeFields>,
    },
    /// Changes attributes of one.
    Update {
        /// Which.
        scope: String,
        /// The attributes that change.
        fields: Box<ScopeFields>,
        /// The attributes that it has no longer.
        unset: Vec<UnsetOfScope>,
    },
    /// Refuses it from now on where it is asked for.
    Deactivate {
        /// Which.
        scope: String,
    },
    /// Gives it again.
    Activate {
        /// Which.
        scope: String,
    },
    /// Says something of an organisation's access to one.
    Access {
        /// Which.
        scope: String,
        /// Whose.
        orgno: String,
        /// What.
        said: Said,
    },
    /// Shows all.
    List,
    /// Shows one.
    Show {
        /// Which.
        scope: String,
    },
}

/// What is said of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// The organisation asks for it.
    Request,
    /// The owner gives it.
    Approve,
    /// The owner does not.
    Deny,
    /// The owner takes it back.
    Withdraw,
}

impl From<Said> for AccessDeed {
    fn from(said: Said) -> Self {
        match said {
            Said::Request => Self::Request,
            Said::Approve => Self::Approve,
            Said::Deny => Self::Deny,
            Said::Withdraw => Self::Withdraw,
        }
    }
}

impl ScopeDeed {
    /// Its command's name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "scope add",
            Self::Update { .. } => "scope update",
            Self::Deactivate { .. } => "scope deactivate",
            Self::Activate { .. } => "scope activate",
            Self::Access { said: Said::Request, .. } => "scope access request",
            Self::Access { said: Said::Approve, .. } => "scope access approve",
            Self::Access { said: Said::Deny, .. } => "scope access deny",
            Self::Access { said: Said::Withdraw, .. } => "scope access withdraw",
            Self::List => "scope list",
            Self::Show { .. } => "scope show",
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
    deed: ScopeDeed,
) -> Result<Answer, Refused> {
    match deed {
        ScopeDeed::Add { scope, fields } => {
            let decide = |place: &Place<'_>| {
                if known(place, &scope).is_ok() {
                    let other = "change it with `portvakt scope update`";
                    return Err(taken("scope", &scope, place.provider, other).into());
                }
                let raw = RawScope { scope: Some(scope.clone()), ..RawScope::default() };
                place.plan(&Catalogue::of_scope(&place.issuers(), fields.over(raw)))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::Update { scope, fields, unset } => {
            let decide = |place: &Place<'_>| {
                let mut raw = fields.over(RawScope::from(known(place, &scope)?));
                unset.iter().for_each(|field| field.clear(&mut raw));
                place.plan(&Catalogue::of_scope(&place.issuers(), raw))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::Deactivate { scope } => {
            let decide = |place: &Place<'_>| {
                let record = known(place, &scope)?;
                let change = record.active.then(|| Change::Scope {
                    issuer: place.provider.issuer().clone(),
                    record: ScopeRecord { active: false, ..record.clone() },
                });
                Ok(place.stop(format!("scope {scope}"), change))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::Activate { scope } => {
            let decide = |place: &Place<'_>| {
                let raw = RawScope { active: Some(true), ..RawScope::from(known(place, &scope)?) };
                place.plan(&Catalogue::of_scope(&place.issuers(), raw))
            };
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::Access { scope, orgno, said } => {
            let decide = |place: &Place<'_>| access(place, &scope, &orgno, said);
            change_at(desk, actor, issuer, decide).await
        }
        ScopeDeed::List => list(desk, issuer).await.map(Answer::Scopes),
        ScopeDeed::Show { scope } => {
            let provider = only(desk, issuer)?;
            let listed = list(desk, Some(provider.issuer().as_str())).await?;
            let found = listed.into_iter().find(|shown| shown.record.scope.as_str() == scope);
            Ok(Answer::Scope(Box::new(found.ok_or_else(|| unknown("scope", &scope, provider))?)))
        }
    }
}

fn known<'p>(place: &Place<'p>, scope: &str) -> Result<&'p ScopeRecord, Refused> {
    let found = place.registry.scopes.iter().find(|record| record.scope.as_str() == scope);
    found.ok_or_else(|| unknown("scope", scope, place.provider))
}

/// Only the order in which things are said is judged: a scope that no longer holds has access to it taken back all the same.
fn access(place: &Place<'_>, scope: &str, orgno: &str, said: Said) -> Result<Plan, NotApplied> {
    let record = known(place, scope)?;
    let mut organisations = place.registry.organisations.iter();
    let Some(Organisation { orgno: consumer, .. }) =
        organisations.find(|organisation| organisation.orgno.as_str() == orgno)
    else {
        return Err(unknown("organisation", orgno, place.provider).into());
    };
    let same = |access: &&ScopeAccess| access.scope == record.scope && access.consumer_orgno == *consumer;
    let before = place.registry.access.iter().find(same).map(|access| access.state);
    let state = judge_access(record, consumer, before, said.into())
        .map_err(|fault| NotApplied::Refused(refused(fault, scope, orgno)))?;
    let issuer = place.provider.issuer();
    let access = ScopeAccess { scope: record.scope.clone(), consumer_orgno: consumer.clone(), state };
    let line = PlanLine::of_access(issuer, &access, before);
    let change = (line.sign != Sign::Unchanged)
        .then(|| Change::ScopeAccess { issuer: issuer.clone(), access: access.clone() });
    Ok(Plan { changes: change.into_iter().collect(), lines: vec![line], generated: Vec::new() })
}

fn refused(fault: AccessFault, scope: &str, orgno: &str) -> Refused {
    Refused {
        what: format!("access of {orgno} to {scope} stays as it is: {fault}"),
        hint: Some(format!("`portvakt scope show {scope}` tells who may use it")),
    }
}

async fn list(desk: &Desk, issuer: Option<&str>) -> Result<Vec<ShownScope>, Refused> {
    let mut listed = Vec::new();
    for (provider, registry) in registries(desk, issuer).await? {
        listed.extend(shown(provider, &registry));
    }
    Ok(listed)
}

/// The scopes of an issuer, with what was said of access to each.
pub(super) fn shown(provider: &Provider, registry: &Registry) -> impl Iterator<Item = ShownScope> {
    let Registry { scopes, access, .. } = registry;
    scopes.iter().map(move |record| ShownScope {
        issuer: provider.issuer().as_str().to_owned(),
        access: access.iter().filter(|access| access.scope == record.scope).cloned().collect(),
        record: record.clone(),
    })
}

/// A scope as it is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShownScope {
    /// Where.
    pub(crate) issuer: String,
    /// It.
    pub(crate) record: ScopeRecord,
    /// What was last said of organisations' access to it, by their numbers.
    pub(crate) access: Vec<ScopeAccess>,
}
