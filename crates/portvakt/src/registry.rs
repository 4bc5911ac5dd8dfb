//! The registry as commands change it and show it: organisations, clients, scopes and test persons. Every change passes the
//! rules of [`portvakt_protocol::catalogue`], as a catalogue's does; only what stops something does not, so that a registration
//! that no longer holds can be stopped too.

pub(crate) mod applied;
pub(crate) mod carried;
pub(crate) mod client;
pub(crate) mod not_before;
pub(crate) mod organisation;
pub(crate) mod person;
pub(crate) mod report;
pub(crate) mod scope;
pub(crate) mod warned;

use portvakt_crypto::random::Random;
use portvakt_protocol::catalogue::{AsRegistered, Catalogue, Plan, PlanLine, Sign, plan};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{Change, Registry, Shown};
use portvakt_protocol::time::Timestamp;
use portvakt_store::Actor;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Manner, Needed, NotApplied, apply, bring_about};
use crate::desk::{Answer, Desk, Refused, chosen};
use applied::Applied;
use carried::{Carried, Fetched, found};

/// A catalogue to be brought about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Application {
    /// What the caller calls it, for what is told of it.
    pub(crate) name: String,
    /// Its text, which may hold secrets.
    pub(crate) text: Carried,
    /// The secrets that it names elsewhere.
    pub(crate) secrets: Vec<Fetched>,
    /// Whether what it no longer names is deactivated.
    pub(crate) prune: bool,
    /// Whether it is planned only.
    pub(crate) dry_run: bool,
}

/// Brings a catalogue about.
///
/// # Errors
/// Every fault of it; nothing of it was registered then.
pub(crate) async fn perform(desk: &Desk, actor: &Actor, asked: Application) -> Result<Answer, Refused> {
    let Application { name, text, secrets, prune, dry_run } = asked;
    let told = |fault: NotApplied| faults_of(&name, fault);
    let catalogue = Catalogue::parse(text.reveal()).map_err(|faults| told(NotApplied::Faults(faults)))?;
    let catalogue = catalogue.resolve(&found(secrets));
    let plan = apply(desk, actor, &catalogue, Manner { prune, dry_run }).await.map_err(told)?;
    Ok(Answer::Applied(Applied::of(plan, dry_run)))
}

/// Why a file was not applied, with its name before its faults.
pub(crate) fn faults_of(name: &str, fault: NotApplied) -> Refused {
    let of_file = matches!(fault, NotApplied::Faults(_));
    let refused = Refused::from(fault);
    if of_file { Refused { what: format!("{name}:\n{}", refused.what), ..refused } } else { refused }
}

/// One issuer, as a command decides on it.
struct Place<'a> {
    provider: &'a Provider,
    registry: &'a Registry,
    registered: AsRegistered<'a>,
    now: Timestamp,
    random: &'a Random,
}

impl Place<'_> {
    /// The issuer, as a catalogue names it.
    fn issuers(&self) -> [String; 1] {
        [self.provider.issuer().as_str().to_owned()]
    }

    /// Has the rules judge an entry.
    fn plan(&self, catalogue: &Catalogue) -> Result<Plan, NotApplied> {
        plan(catalogue, self.registered, false, self.now, self.random).map_err(NotApplied::Faults)
    }

    /// A plan of one change that no rule can refuse; none if nothing changes.
    fn stop(&self, what: String, change: Option<Change>) -> Plan {
        let sign = if change.is_some() { Sign::Deactivate } else { Sign::Unchanged };
        let issuer = Some(self.provider.issuer().clone());
        let line = PlanLine { sign, what, issuer, detail: String::new() };
        Plan { changes: change.into_iter().collect(), lines: vec![line], generated: Vec::new() }
    }
}

/// Decides on the registry of one issuer, the only one if none is named, and registers what was decided.
async fn change_at(
    desk: &Desk,
    actor: &Actor,
    issuer: Option<&str>,
    decide: impl Fn(&Place<'_>) -> Result<Plan, NotApplied>,
) -> Result<Answer, Refused> {
    let provider = only(desk, issuer)?;
    let needed = Needed { issuers: [provider.issuer().clone()].into(), ..Needed::default() };
    let nothing = Registry::default();
    let decide = |registered: AsRegistered<'_>, now| {
        let registry = registered.registries.get(provider.issuer()).unwrap_or(&nothing);
        decide(&Place { provider, registry, registered, now, random: &desk.random })
    };
    let plan = bring_about(desk, actor, &needed, false, decide).await?;
    Ok(Answer::Applied(Applied::of(plan, false)))
}

/// The issuer of that name, or the only one.
fn only<'d>(desk: &'d Desk, issuer: Option<&str>) -> Result<&'d Provider, Refused> {
    let found = chosen(desk, issuer)?;
    match found.as_slice() {
        [one] => Ok(&one.provider),
        several => {
            let names: Vec<_> = several.iter().map(|one| one.provider.issuer().as_str()).collect();
            Err(Refused {
                what: format!("there are {} issuers, and none was named", several.len()),
                hint: Some(format!("name one of them with --issuer URL: {}", names.join(", "))),
            })
        }
    }
}

/// The registries of the named issuer, or of all.
async fn registries<'d>(
    desk: &'d Desk,
    issuer: Option<&str>,
) -> Result<Vec<(&'d Provider, Registry)>, Refused> {
    let mut registries = Vec::new();
    for settings in chosen(desk, issuer)? {
        let (_, registry) = desk.store.registry(settings.provider.issuer()).await.map_err(Refused::broken)?;
        registries.push((&settings.provider, registry));
    }
    Ok(registries)
}

/// It is not registered.
fn unknown(kind: &str, name: &str, provider: &Provider) -> Refused {
    Refused {
        what: format!("no {kind} {} is registered at {}", Shown::text(name), provider.issuer()),
        hint: Some(format!("`portvakt {kind} list` tells what is")),
    }
}

/// It is registered already, and adding it would change it.
fn taken(kind: &str, name: &str, provider: &Provider, instead: &str) -> Refused {
    Refused {
        what: format!("the {kind} {} is registered at {} already", Shown::text(name), provider.issuer()),
        hint: Some(instead.to_owned()),
    }
}
