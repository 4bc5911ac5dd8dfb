//! The part of a plan that happens at one issuer: its organisations first, then its scopes, then its clients, each judged
//! against what the issuer will know once the plan is done.

mod client;
mod scope;

use std::collections::{BTreeMap, BTreeSet};

use portvakt_crypto::random::Random;
use serde::Serialize;
use serde_json::Value;

use super::plan::{Plan, Sign};
use super::raw::{RawClient, RawOrganisation};
use super::{Entry, entry};
use crate::client::ClientId;
use crate::organisation::{OrgNumber, Organisation, Standing};
use crate::provider::Provider;
use crate::registration::fault::{Faults, Shown};
use crate::registration::{Change, RegistrationFault, Registry};
use crate::scope::{AccessState, Scope, ScopeAccess, ScopeRecord};
use crate::time::Timestamp;

/// One issuer under plan.
pub(super) struct Site<'a> {
    provider: &'a Provider,
    registry: &'a Registry,
    prune: bool,
    now: Timestamp,
    random: &'a Random,
    organisations: BTreeMap<OrgNumber, Member>,
    scopes: BTreeMap<Scope, ScopeRecord>,
    access: BTreeMap<(Scope, OrgNumber), AccessState>,
    /// Every client that is registered, or named by an entry.
    clients: BTreeSet<ClientId>,
    plan: Plan,
    found: Vec<RegistrationFault>,
}

/// An organisation as it will be.
struct Member {
    organisation: Organisation,
    /// The path of the entry that names it, if one does.
    entry: Option<String>,
    /// Whether that entry has a fault: what would follow from it is not told as well.
    faulty: bool,
}

impl<'a> Site<'a> {
    pub(super) fn new(
        provider: &'a Provider,
        registry: &'a Registry,
        prune: bool,
        now: Timestamp,
        random: &'a Random,
    ) -> Self {
        let member =
            |known: &Organisation| Member { organisation: known.clone(), entry: None, faulty: false };
        Self {
            provider,
            registry,
            prune,
            now,
            random,
            organisations: registry
                .organisations
                .iter()
                .map(|known| (known.orgno.clone(), member(known)))
                .collect(),
            scopes: registry.scopes.iter().map(|known| (known.scope.clone(), known.clone())).collect(),
            access: registry.access.iter().map(of_access).collect(),
            clients: registry.clients.iter().map(|known| known.registration.client_id.clone()).collect(),
            plan: Plan::default(),
            found: Vec::new(),
        }
    }

    /// Notes the clients that there will be, which a scope may name before their own turn.
    pub(super) fn expect(&mut self, entries: &[&Entry<RawClient>]) {
        let named = entries.iter().filter_map(|entry| ClientId::parse(entry.raw.client_id.as_deref()?));
        self.clients.extend(named);
    }

    /// Refuses an organisation that is neither registered nor named in the same file.
    fn judge_registered(&self, faults: &mut Faults, field: &str, orgno: &OrgNumber) {
        if orgno.as_str() != entry::NO_ORGNO && !self.organisations.contains_key(orgno) {
            let issuer = self.provider.issuer();
            let rule = format!("must be an organisation registered at {issuer}, or named in the same file");
            faults.refuse(field, Shown::text(orgno.as_str()), rule);
        }
    }

    /// Hands over what was planned, and answers the faults.
    pub(super) fn finish(self, plan: &mut Plan) -> Vec<RegistrationFault> {
        plan.changes.extend(self.plan.changes);
        plan.lines.extend(self.plan.lines);
        plan.generated.extend(self.plan.generated);
        self.found
    }

    pub(super) fn organisations(&mut self, entries: &[&Entry<RawOrganisation>]) {
        let issuer = self.provider.issuer();
        let mut named: BTreeMap<OrgNumber, String> = BTreeMap::new();
        for entry in entries {
            let mut faults = Faults::under(&entry.path);
            let known =
                |orgno: &OrgNumber| self.registry.organisations.iter().find(|known| known.orgno == *orgno);
            let read = entry::organisation(&mut faults, &entry.raw, |orgno| known(orgno).cloned(), self.now);
            let Some(organisation) = read else { continue };
            let orgno = organisation.orgno.clone();
            if faults.is_empty() {
                name_once(&mut faults, &mut named, &orgno, entry, ("orgno", orgno.as_str()));
            }
            let faulty = entry.faulty || !faults.is_empty();
            if !faulty {
                let known = known(&orgno);
                let stops = known.is_some_and(|known| known.standing == Standing::Active)
                    && organisation.standing != Standing::Active;
                let change =
                    Change::Organisation { issuer: issuer.clone(), organisation: organisation.clone() };
                let note = entry.raw.standing.is_none().then(|| stays(&organisation)).flatten();
                self.bring_about(
                    format!("organisation {orgno}"),
                    known,
                    &organisation,
                    stops,
                    change,
                    note.as_deref(),
                );
            }
            self.organisations
                .insert(orgno, Member { organisation, entry: Some(entry.path.clone()), faulty });
            self.found.extend(faults.into_found());
        }
        if self.prune {
            let gone = self.organisations.values_mut().filter(|member| member.entry.is_none());
            for Member { organisation, .. } in
                gone.filter(|gone| gone.organisation.standing == Standing::Active)
            {
                organisation.standing = Standing::Deactivated;
                let change =
                    Change::Organisation { issuer: issuer.clone(), organisation: organisation.clone() };
                self.plan.changes.push(change);
                let what = format!("organisation {}", organisation.orgno);
                self.plan.line(Sign::Deactivate, what, Some(issuer), "no longer named".to_owned());
            }
        }
    }

    /// Plans `change` if it changes anything, and says what, and what there is to `note` besides.
    fn bring_about<T: Serialize + PartialEq>(
        &mut self,
        what: String,
        known: Option<&T>,
        becomes: &T,
        stops: bool,
        change: Change,
        note: Option<&str>,
    ) {
        let (sign, mut detail) = match known {
            None => (Sign::Create, String::new()),
            Some(known) if known == becomes => (Sign::Unchanged, String::new()),
            Some(known) => (if stops { Sign::Deactivate } else { Sign::Update }, difference(known, becomes)),
        };
        if let Some(note) = note {
            let before = if detail.is_empty() { "" } else { "; " };
            detail.extend([before, note]);
        }
        self.plan.line(sign, what, Some(self.provider.issuer()), detail);
        if sign != Sign::Unchanged {
            self.plan.changes.push(change);
        }
    }
}

fn of_access(known: &ScopeAccess) -> ((Scope, OrgNumber), AccessState) {
    ((known.scope.clone(), known.consumer_orgno.clone()), known.state)
}

/// What is told of an organisation that an entry names without its standing, and that stays stopped.
fn stays(organisation: &Organisation) -> Option<String> {
    match (organisation.standing, &organisation.terms) {
        (Standing::Active, _) => None,
        (Standing::Deactivated, _) => {
            Some("stays deactivated: say standing = \"active\" to bring it back".to_owned())
        }
        (Standing::Withdrawn, None) => {
            Some("stays withdrawn: say standing = \"active\" beside new terms to bring it back".to_owned())
        }
        (Standing::Withdrawn, Some(accepted)) => Some(format!(
            "stays withdrawn: say standing = \"active\" beside terms accepted later than {} to bring it back",
            accepted.accepted_at.to_rfc3339()
        )),
    }
}

/// What is told of a thing that an entry names without `active`, and that stays deactivated.
pub(super) fn stays_deactivated(said: Option<bool>, active: bool) -> Option<&'static str> {
    (said.is_none() && !active).then_some("stays deactivated: say active = true to bring it back")
}

/// Refuses the second entry that names the same thing.
fn name_once<K: Ord + Clone, T>(
    faults: &mut Faults,
    named: &mut BTreeMap<K, String>,
    key: &K,
    entry: &Entry<T>,
    (field, shown): (&str, &str),
) {
    if let Some(first) = named.get(key) {
        faults.refuse(
            field,
            Shown::text(shown),
            format!("must be named once at an issuer; {first} names it too"),
        );
    } else {
        named.insert(key.clone(), entry.path.clone());
    }
}

/// The fields in which two registrations differ, each with what it was and what it becomes.
fn difference(was: &impl Serialize, becomes: &impl Serialize) -> String {
    let fields =
        |of: Result<Value, _>| of.ok().and_then(|json| json.as_object().cloned()).unwrap_or_default();
    let (was, becomes) = (fields(serde_json::to_value(was)), fields(serde_json::to_value(becomes)));
    let mut names: Vec<&String> = was.keys().chain(becomes.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names.into_iter().filter(|name| was.get(*name) != becomes.get(*name));
    let spelled = |value: Option<&Value>| {
        value.map_or_else(|| "absent".to_owned(), |value| legible(value.clone()).to_string())
    };
    let each =
        differing.map(|name| format!("{name} {} → {}", spelled(was.get(name)), spelled(becomes.get(name))));
    each.collect::<Vec<_>>().join(", ")
}

/// A value as people read it: the instant in an acceptance of terms is RFC 3339, as it is written in a catalogue.
fn legible(mut value: Value) -> Value {
    if let Some(at) = value.get_mut("accepted_at")
        && let Some(instant) = at.as_i64()
    {
        *at = Timestamp::from_unix(instant).to_rfc3339().into();
    }
    value
}
