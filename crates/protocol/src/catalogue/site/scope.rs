//! The scopes of one issuer, and who may use them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Site, name_once, stays_deactivated};
use crate::catalogue::plan::{PlanLine, Sign};
use crate::catalogue::raw::RawScope;
use crate::catalogue::{Entry, entry};
use crate::features::FeatureName;
use crate::organisation::OrgNumber;
use crate::registration::Change;
use crate::registration::fault::{Faults, Shown};
use crate::scope::{AccessState, Scope, ScopeAccess, ScopeRecord};

impl Site<'_> {
    pub(in crate::catalogue) fn scopes(&mut self, entries: &[&Entry<RawScope>]) {
        let issuer = self.provider.issuer();
        let mut named: BTreeMap<Scope, String> = BTreeMap::new();
        let mut said: BTreeSet<(Scope, OrgNumber)> = BTreeSet::new();
        for entry in entries {
            let mut faults = Faults::under(&entry.path);
            let known = |name: &Scope| self.registry.scopes.iter().find(|known| known.scope == *name);
            let active = |name: &Scope| known(name).map(|known| known.active);
            if let Some(record) = entry::scope(&mut faults, &entry.raw, active) {
                let name = record.scope.clone();
                name_once(&mut faults, &mut named, &name, entry, ("scope", name.as_str()));
                self.judge_named(&mut faults, &record);
                let access = self.judge_access(&mut faults, entry, &record);
                if !entry.faulty && faults.is_empty() {
                    let known = known(&name);
                    let stops = known.is_some_and(|known| known.active) && !record.active;
                    let change = Change::Scope { issuer: issuer.clone(), record: record.clone() };
                    let state = stays_deactivated(entry.raw.active, record.active);
                    let notes =
                        [state, still_for_all(known, &record), self.unread(&record)].into_iter().flatten();
                    let but = self.for_all_but(known, &record, &access);
                    let note = notes.map(str::to_owned).chain(but).collect::<Vec<_>>().join("; ");
                    let note = Some(note.as_str()).filter(|note| !note.is_empty());
                    self.bring_about(format!("scope {name}"), known, &record, stops, change, note);
                    for access in access {
                        said.insert((name.clone(), access.consumer_orgno.clone()));
                        self.plan_access(access, "");
                    }
                }
                self.scopes.insert(name, record);
            }
            self.found.extend(faults.into_found());
        }
        if self.prune {
            self.prune_scopes(&named);
            self.prune_access(&said);
        }
    }

    /// Whom a scope names must be there: the owner, and the clients that may introspect.
    fn judge_named(&self, faults: &mut Faults, record: &ScopeRecord) {
        if let Some(owner) = &record.owner_orgno {
            self.judge_registered(faults, "owner_orgno", owner);
        }
        for (at, reader) in record.enforced_aud_for_introspection.iter().enumerate() {
            if !self.clients.contains(reader) {
                let issuer = self.provider.issuer();
                let rule = format!("must be a client registered at {issuer}, or named in the same file");
                let field = format!("enforced_aud_for_introspection[{at}]");
                faults.refuse(&field, Shown::text(reader.as_str()), rule);
            }
        }
    }

    /// What is told of a scope whose tokens hold no `pid`, where nobody can introspect them.
    fn unread(&self, record: &ScopeRecord) -> Option<&'static str> {
        let unread = record.requires_pseudonymous_tokens && !self.provider.has(FeatureName::Introspection);
        unread.then_some("nobody reads its pid at this issuer, which has no introspection by clients")
    }

    /// What is told of a scope that is opened to all: who may not use it all the same.
    fn for_all_but(
        &self,
        known: Option<&ScopeRecord>,
        record: &ScopeRecord,
        said: &[ScopeAccess],
    ) -> Option<String> {
        let opened = record.accessible_for_all && known.is_some_and(|known| !known.accessible_for_all);
        let before = self.access.iter().filter(|((scope, _), _)| opened && *scope == record.scope);
        let mut as_it_will_be: BTreeMap<_, _> =
            before.map(|((_, consumer), state)| (consumer, *state)).collect();
        as_it_will_be.extend(said.iter().map(|access| (&access.consumer_orgno, access.state)));
        let out =
            as_it_will_be.iter().filter(|(consumer, state)| !record.is_open_to(consumer, Some(**state)));
        let out: Vec<_> = out.map(|(consumer, state)| format!("{consumer} ({})", state.as_str())).collect();
        let them = if out.len() == 1 { "it" } else { "them" };
        (opened && !out.is_empty())
            .then(|| format!("for all but {}: APPROVED lets {them} in", out.join(", ")))
    }

    /// What an entry says of access, as it will stand.
    fn judge_access(
        &self,
        faults: &mut Faults,
        entry: &Entry<RawScope>,
        record: &ScopeRecord,
    ) -> Vec<ScopeAccess> {
        let given = entry.raw.access.as_deref().unwrap_or_default();
        let said = entry::access(faults, given, record.owner_orgno.as_ref());
        for (at, consumer, state) in &said {
            self.judge_registered(faults, &format!("access[{at}].consumer_orgno"), consumer);
            // A file says how access stands, and may say that it ends; not so that a request ends what all have.
            let before = self.access.get(&(record.scope.clone(), consumer.clone())).copied();
            if *state == AccessState::Requested
                && record.accessible_for_all
                && record.is_open_to(consumer, before)
            {
                let rule = "must be APPROVED, DENIED or WITHDRAWN, for the scope is for all and the organisation has access: \
                            to record that it asks would shut it out";
                faults.refuse(&format!("access[{at}].state"), Shown::text(state.as_str()), rule);
            }
        }
        let scope = &record.scope;
        let access = said.into_iter().map(|(_, consumer_orgno, state)| ScopeAccess {
            scope: scope.clone(),
            consumer_orgno,
            state,
        });
        access.collect()
    }

    /// Plans an organisation's access, if it is not as it is to be.
    fn plan_access(&mut self, access: ScopeAccess, why: &str) {
        let issuer = self.provider.issuer();
        let key = (access.scope.clone(), access.consumer_orgno.clone());
        let before = self.access.insert(key, access.state);
        let mut line = PlanLine::of_access(issuer, &access, before);
        line.detail.push_str(why);
        if line.sign != Sign::Unchanged {
            self.plan.changes.push(Change::ScopeAccess { issuer: issuer.clone(), access });
        }
        self.plan.lines.push(line);
    }

    fn prune_scopes(&mut self, named: &BTreeMap<Scope, String>) {
        let issuer = self.provider.issuer();
        for record in
            self.scopes.values_mut().filter(|record| record.active && !named.contains_key(&record.scope))
        {
            record.active = false;
            self.plan.changes.push(Change::Scope { issuer: issuer.clone(), record: record.clone() });
            let what = format!("scope {}", record.scope);
            self.plan.line(Sign::Deactivate, what, Some(issuer), "no longer named".to_owned());
        }
    }

    /// What was asked for or given, and is no longer named, is withdrawn. Not of a scope for all: there, to be withdrawn is to be shut out
    /// alone of all, and a file that names nobody shuts nobody out.
    fn prune_access(&mut self, said: &BTreeSet<(Scope, OrgNumber)>) {
        let for_all = |scope: &Scope| self.scopes.get(scope).is_some_and(|record| record.accessible_for_all);
        let open = |state: AccessState| matches!(state, AccessState::Requested | AccessState::Approved);
        let gone: Vec<_> = self
            .access
            .iter()
            .filter(|(key, state)| open(**state) && !said.contains(*key) && !for_all(&key.0))
            .map(|(key, _)| key.clone())
            .collect();
        for (scope, consumer_orgno) in gone {
            let access = ScopeAccess { scope, consumer_orgno, state: AccessState::Withdrawn };
            self.plan_access(access, "; no longer named");
        }
    }
}

/// What is told of a scope that gets an owner, and that everybody may use as before.
fn still_for_all(known: Option<&ScopeRecord>, record: &ScopeRecord) -> Option<&'static str> {
    let gets_owner =
        record.owner_orgno.is_some() && known.is_some_and(|known| known.owner_orgno != record.owner_orgno);
    (gets_owner && record.accessible_for_all)
        .then_some("still for all organisations: say --accessible-for-all false")
}
