//! Organisations: registering and stopping them, and recording which terms of use they accepted.

use portvakt_protocol::catalogue::{Catalogue, Plan, RawOrganisation, RawTerms};
use portvakt_protocol::organisation::{Organisation, Standing};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{Change, Registry};
use portvakt_protocol::time::Timestamp;
use portvakt_store::Actor;
use serde::{Deserialize, Serialize};

use super::{Place, change_at, only, registries, report, taken, unknown};
use crate::catalogue::NotApplied;
use crate::desk::{Answer, Desk, Refused};

/// What can be done with organisations.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrganisationDeed {
    /// Registers one. It has accepted nothing yet.
    Add {
        /// Its number.
        orgno: String,
        /// Its name.
        name: String,
        /// The acceptance of the terms, if it comes with one.
        accepted: Option<Accepted>,
    },
    /// Changes its name.
    Rename {
        /// Which.
        orgno: String,
        /// Its new name.
        name: String,
    },
    /// Records that it accepted the terms of use. One that had withdrawn is back.
    AcceptTerms {
        /// Which.
        orgno: String,
        /// What was accepted.
        accepted: Accepted,
    },
    /// Stops its clients: it withdrew from the terms. Only [`OrganisationDeed::AcceptTerms`] takes it back.
    Withdraw {
        /// Which.
        orgno: String,
    },
    /// Stops its clients: the operator says so.
    Deactivate {
        /// Which.
        orgno: String,
    },
    /// Takes a deactivation back.
    Activate {
        /// Which.
        orgno: String,
    },
    /// Shows all.
    List,
    /// Shows one.
    Show {
        /// Which.
        orgno: String,
    },
    /// Reports on one.
    Report {
        /// Which.
        orgno: String,
    },
}

impl OrganisationDeed {
    /// Its command's name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "organisation add",
            Self::Rename { .. } => "organisation update",
            Self::AcceptTerms { .. } => "organisation accept-terms",
            Self::Withdraw { .. } => "organisation withdraw",
            Self::Deactivate { .. } => "organisation deactivate",
            Self::Activate { .. } => "organisation activate",
            Self::List => "organisation list",
            Self::Show { .. } => "organisation show",
            Self::Report { .. } => "organisation report",
        }
    }
}

/// An acceptance of the terms of use, as it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// Which version; none: the one in force at the issuer.
    pub(crate) version: Option<String>,
    /// When, RFC 3339; none: now.
    pub(crate) at: Option<String>,
    /// Who did, for the organisation.
    pub(crate) by: String,
}

/// Carries a deed out at the named issuer, or the only one.
///
/// # Errors
/// Why it was not; nothing has changed then.
pub(crate) async fn perform(
    desk: &Desk,
    actor: &Actor,
    issuer: Option<&str>,
    deed: OrganisationDeed,
) -> Result<Answer, Refused> {
    match deed {
        OrganisationDeed::Add { orgno, name, accepted } => {
            change_at(desk, actor, issuer, |place| add(place, &orgno, &name, accepted.as_ref())).await
        }
        OrganisationDeed::Rename { orgno, name } => {
            let decide = |place: &Place<'_>| {
                let registered = RawOrganisation::from(known(place, &orgno)?);
                plan(place, RawOrganisation { name: Some(name.clone()), ..registered })
            };
            change_at(desk, actor, issuer, decide).await
        }
        OrganisationDeed::AcceptTerms { orgno, accepted } => {
            let decide = |place: &Place<'_>| accept(place, known(place, &orgno)?, &accepted);
            change_at(desk, actor, issuer, decide).await
        }
        OrganisationDeed::Withdraw { orgno } => {
            let decide = |place: &Place<'_>| Ok(stop(place, known(place, &orgno)?, Standing::Withdrawn));
            change_at(desk, actor, issuer, decide).await
        }
        OrganisationDeed::Deactivate { orgno } => {
            let decide = |place: &Place<'_>| Ok(stop(place, known(place, &orgno)?, Standing::Deactivated));
            change_at(desk, actor, issuer, decide).await
        }
        OrganisationDeed::Activate { orgno } => {
            let decide = |place: &Place<'_>| {
                let registered = known(place, &orgno)?;
                if registered.standing == Standing::Withdrawn {
                    return Err(withdrew(registered, place.provider).into());
                }
                let standing = Some("active".to_owned());
                plan(place, RawOrganisation { standing, ..RawOrganisation::from(registered) })
            };
            change_at(desk, actor, issuer, decide).await
        }
        OrganisationDeed::List => list(desk, issuer).await.map(Answer::Organisations),
        OrganisationDeed::Show { orgno } => show(desk, issuer, &orgno).await,
        OrganisationDeed::Report { orgno } => report::perform(desk, issuer, &orgno).await,
    }
}

fn plan(place: &Place<'_>, raw: RawOrganisation) -> Result<Plan, NotApplied> {
    place.plan(&Catalogue::of_organisation(&place.issuers(), raw))
}

fn add(place: &Place<'_>, orgno: &str, name: &str, accepted: Option<&Accepted>) -> Result<Plan, NotApplied> {
    if find(place.registry, orgno).is_some() {
        let instead = "it has `portvakt organisation update`, `accept-terms` and `activate`";
        return Err(taken("organisation", orgno, place.provider, instead).into());
    }
    let raw = RawOrganisation {
        orgno: Some(orgno.to_owned()),
        name: Some(name.to_owned()),
        standing: None,
        terms: accepted.map(|accepted| terms(place, accepted)),
    };
    plan(place, raw)
}

fn accept(place: &Place<'_>, registered: &Organisation, accepted: &Accepted) -> Result<Plan, NotApplied> {
    let mut raw = RawOrganisation::from(registered);
    raw.terms = Some(terms(place, accepted));
    // Who accepts has not withdrawn any more, unless it is an older acceptance that is recorded late: the plan then notes that
    // nothing is undone. What the operator turned off stays so.
    if registered.standing == Standing::Withdrawn {
        raw.standing = is_later(&raw, registered).then(|| "active".to_owned());
    }
    plan(place, raw)
}

/// The acceptance as an entry has it.
fn terms(place: &Place<'_>, accepted: &Accepted) -> RawTerms {
    let in_force = || place.provider.terms().to_owned();
    RawTerms {
        version: Some(accepted.version.clone().unwrap_or_else(in_force)),
        accepted_at: Some(accepted.at.clone().unwrap_or_else(|| place.now.to_rfc3339())),
        accepted_by: Some(accepted.by.clone()),
    }
}

/// Whether the entry's acceptance is later than the one that is registered.
fn is_later(raw: &RawOrganisation, registered: &Organisation) -> bool {
    let given = raw.terms.as_ref().and_then(|terms| terms.accepted_at.as_deref());
    let given = given.and_then(Timestamp::from_rfc3339);
    given > registered.terms.as_ref().map(|terms| terms.accepted_at)
}

fn find<'r>(registry: &'r Registry, orgno: &str) -> Option<&'r Organisation> {
    registry.organisations.iter().find(|known| known.orgno.as_str() == orgno)
}

fn known<'p>(place: &Place<'p>, orgno: &str) -> Result<&'p Organisation, Refused> {
    let found = find(place.registry, orgno);
    found.ok_or_else(|| unknown("organisation", orgno, place.provider))
}

/// It is not the operator's to take a withdrawal back.
fn withdrew(organisation: &Organisation, provider: &Provider) -> Refused {
    let orgno = &organisation.orgno;
    Refused {
        what: format!("the organisation {orgno} withdrew from the terms of use at {}", provider.issuer()),
        hint: Some(format!(
            "once it has accepted them anew, `portvakt organisation accept-terms {orgno}` brings it back"
        )),
    }
}

fn stop(place: &Place<'_>, organisation: &Organisation, standing: Standing) -> Plan {
    // One that withdrew is stopped already. Marked as deactivated instead, `activate` would bring it back without an acceptance.
    let has_withdrawn = organisation.standing == Standing::Withdrawn;
    let change = (organisation.standing != standing && !has_withdrawn).then(|| Change::Organisation {
        issuer: place.provider.issuer().clone(),
        organisation: Organisation { standing, ..organisation.clone() },
    });
    let mut plan = place.stop(format!("organisation {}", organisation.orgno), change);
    if has_withdrawn {
        plan.lines
            .iter_mut()
            .for_each(|line| line.detail = "it has withdrawn, and is stopped by that".into());
    }
    plan
}

/// An organisation as it is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShownOrganisation {
    /// Where.
    pub(crate) issuer: String,
    /// It.
    pub(crate) organisation: Organisation,
    /// When it accepted, RFC 3339.
    pub(crate) accepted_at: Option<String>,
    /// The version of the terms of use that is in force and that it has yet to accept.
    pub(crate) outstanding: Option<String>,
    /// Its clients, stopped ones included.
    pub(crate) clients: Vec<String>,
}

async fn show(desk: &Desk, issuer: Option<&str>, orgno: &str) -> Result<Answer, Refused> {
    let provider = only(desk, issuer)?;
    let listed = list(desk, Some(provider.issuer().as_str())).await?;
    let found = listed.into_iter().find(|shown| shown.organisation.orgno.as_str() == orgno);
    let shown = found.ok_or_else(|| unknown("organisation", orgno, provider))?;
    Ok(Answer::Organisation(Box::new(shown)))
}

async fn list(desk: &Desk, issuer: Option<&str>) -> Result<Vec<ShownOrganisation>, Refused> {
    let mut listed = Vec::new();
    for (provider, registry) in registries(desk, issuer).await? {
        listed.extend(registry.organisations.iter().map(|known| shown(provider, &registry, known)));
    }
    Ok(listed)
}

fn shown(provider: &Provider, registry: &Registry, organisation: &Organisation) -> ShownOrganisation {
    let in_force = provider.terms();
    let own = registry.clients.iter().filter(|one| one.registration.client_orgno == organisation.orgno);
    ShownOrganisation {
        issuer: provider.issuer().as_str().to_owned(),
        accepted_at: organisation.terms.as_ref().map(|terms| terms.accepted_at.to_rfc3339()),
        outstanding: organisation.terms_outstanding(in_force).then(|| in_force.to_owned()),
        clients: own.map(|one| one.registration.client_id.as_str().to_owned()).collect(),
        organisation: organisation.clone(),
    }
}
