//! The plan: what must change so that everything a catalogue names is registered as named. Applying the same catalogue to what
//! a plan brought about changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use portvakt_crypto::random::Random;

use super::site::{Site, stays_deactivated};
use super::{Catalogue, Entry};
use crate::client::ClientId;
use crate::issuer::Issuer;
use crate::person::Pid;
use crate::provider::{Pool, Provider};
use crate::registration::fault::{Faults, Shown};
use crate::registration::spelled::Names;
use crate::registration::{Change, PersonRecord, RegistrationFault, Registry};
use crate::scope::{AccessState, ScopeAccess};
use crate::secret::ClientSecret;
use crate::time::Timestamp;

/// What a plan starts from.
#[derive(Clone, Copy, Debug)]
pub struct AsRegistered<'a> {
    /// Every configured issuer.
    pub providers: &'a [Provider],
    /// The registry of each issuer of [`Catalogue::issuers`]; one that is missing counts as empty.
    pub registries: &'a BTreeMap<Issuer, Registry>,
    /// The persons of each pool of [`Catalogue::pools`].
    pub persons: &'a BTreeMap<Pool, Vec<PersonRecord>>,
}

/// What a catalogue changes.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The changes, in an order in which each finds what it refers to. Together in one commit, or not at all.
    pub changes: Vec<Change>,
    /// What happens to each thing, for people.
    pub lines: Vec<PlanLine>,
    /// The secrets that were generated: to be shown once, after the commit.
    pub generated: Vec<(Issuer, ClientId, ClientSecret)>,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn line(&mut self, sign: Sign, what: String, issuer: Option<&Issuer>, detail: String) {
        self.lines.push(PlanLine { sign, what, issuer: issuer.cloned(), detail });
    }
}

/// What a plan does to one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Registers it.
    Create,
    /// Changes it.
    Update,
    /// Stops it. Nothing is hard-deleted.
    Deactivate,
    /// Leaves it as it is.
    Unchanged,
}

/// One line of a plan. It holds no secret and no identity number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLine {
    /// What is done.
    pub sign: Sign,
    /// To what: `client demo-web`.
    pub what: String,
    /// Where; `None` for what belongs to a pool.
    pub issuer: Option<Issuer>,
    /// The fields that change, or what there is to know; may be empty.
    pub detail: String,
}

impl PlanLine {
    /// Of an organisation's access to a scope, of which something else may have been said before.
    pub fn of_access(issuer: &Issuer, access: &ScopeAccess, before: Option<AccessState>) -> Self {
        let ScopeAccess { scope, consumer_orgno, state } = access;
        let ends = matches!(state, AccessState::Denied | AccessState::Withdrawn);
        let (sign, detail) = match before {
            Some(before) if before == *state => (Sign::Unchanged, String::new()),
            None => (Sign::Create, format!("state {}", state.as_str())),
            Some(before) => {
                let sign = if ends { Sign::Deactivate } else { Sign::Update };
                (sign, format!("state {} → {}", before.as_str(), state.as_str()))
            }
        };
        Self {
            sign,
            what: format!("access of {consumer_orgno} to {scope}"),
            issuer: Some(issuer.clone()),
            detail,
        }
    }
}

impl fmt::Display for PlanLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.sign {
            Sign::Create => '+',
            Sign::Update => '~',
            Sign::Deactivate => '-',
            Sign::Unchanged => '=',
        };
        write!(out, "{sign} {}", self.what)?;
        if let Some(issuer) = &self.issuer {
            write!(out, " at {issuer}")?;
        }
        if !self.detail.is_empty() {
            write!(out, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// Plans a catalogue. With `prune`, what the catalogue no longer names is deactivated: organisations, scopes and clients of
/// the issuers it names, and persons of the pools it names.
///
/// # Errors
/// Every fault of the catalogue, if there is one; nothing of it is planned then.
pub fn plan(
    catalogue: &Catalogue,
    registered: AsRegistered<'_>,
    prune: bool,
    now: Timestamp,
    random: &Random,
) -> Result<Plan, Vec<RegistrationFault>> {
    let mut plan = Plan::default();
    let mut faults = judge_issuers(catalogue, registered.providers);
    let named = catalogue.issuers(registered.providers);
    let nothing = Registry::default();
    for provider in registered.providers.iter().filter(|provider| named.contains(provider.issuer())) {
        let registry = registered.registries.get(provider.issuer()).unwrap_or(&nothing);
        let mut site = Site::new(provider, registry, prune, now, random);
        site.organisations(&at(&catalogue.organisations, catalogue, registered.providers, provider));
        let clients = at(&catalogue.clients, catalogue, registered.providers, provider);
        site.expect(&clients);
        site.scopes(&at(&catalogue.scopes, catalogue, registered.providers, provider));
        site.clients(&clients);
        faults.extend(site.finish(&mut plan));
    }
    faults.extend(persons(catalogue, registered, prune, &mut plan));
    let told = catalogue.told(faults);
    if told.is_empty() { Ok(plan) } else { Err(told) }
}

/// The entries that are registered at `provider`.
fn at<'c, T>(
    entries: &'c [Entry<T>],
    catalogue: &Catalogue,
    providers: &[Provider],
    provider: &Provider,
) -> Vec<&'c Entry<T>> {
    let here = |entry: &&Entry<T>| match entry.issuers.as_ref().or(catalogue.issuers.as_ref()) {
        Some(named) => named.iter().any(|text| text == provider.issuer().as_str()),
        None => providers.len() == 1,
    };
    entries.iter().filter(here).collect()
}

/// Every entry must be at a configured issuer, named exactly as configured.
fn judge_issuers(catalogue: &Catalogue, providers: &[Provider]) -> Vec<RegistrationFault> {
    let configured: Vec<&str> = providers.iter().map(|provider| provider.issuer().as_str()).collect();
    let mut faults = Faults::under("");
    let mut judge = |path: &str, named: &Option<Vec<String>>| {
        let Some(named) = named else { return };
        if named.is_empty() {
            faults.refuse(
                path,
                Shown::Withheld { kind: "array", length: 0 },
                "must name at least one issuer",
            );
        }
        for text in named.iter().filter(|text| !configured.contains(&text.as_str())) {
            let rule = format!("must be a configured issuer, exactly: {}", Names(configured.clone()));
            faults.refuse(path, Shown::text(text), rule);
        }
    };
    judge("issuer", &catalogue.issuers);
    let organisations = catalogue.organisations.iter().map(|entry| (entry.field("issuer"), &entry.issuers));
    let scopes = catalogue.scopes.iter().map(|entry| (entry.field("issuer"), &entry.issuers));
    let clients = catalogue.clients.iter().map(|entry| (entry.field("issuer"), &entry.issuers));
    let mut homeless = None;
    for (path, named) in organisations.chain(scopes).chain(clients) {
        judge(&path, named);
        if named.is_none() && catalogue.issuers.is_none() && homeless.is_none() {
            homeless = Some(path);
        }
    }
    if let Some(path) = homeless.filter(|_| providers.len() != 1) {
        let rule =
            format!("must be given, here or for the whole file, as one of {}", Names(configured.clone()));
        faults.refuse(&path, Shown::Absent, rule);
    }
    faults.into_found()
}

/// Plans the test persons. Pools are shared between issuers, but a production issuer has none.
fn persons(
    catalogue: &Catalogue,
    registered: AsRegistered<'_>,
    prune: bool,
    plan: &mut Plan,
) -> Vec<RegistrationFault> {
    let offered: BTreeSet<&str> = registered
        .providers
        .iter()
        .filter_map(Provider::test_id)
        .flat_map(|door| &door.pools)
        .map(|pool| pool.0.as_str())
        .collect();
    let mut found = Vec::new();
    let mut named: Vec<(&str, &Pid)> = Vec::new();
    for entry in &catalogue.persons {
        let mut faults = Faults::under(&entry.path);
        match entry.raw.pool.as_deref() {
            None => faults.refuse("pool", Shown::Absent, "must be given"),
            Some(pool) if offered.is_empty() => {
                let rule =
                    "must be a pool of a configured issuer's TestID; none has any, and production never does";
                faults.refuse("pool", Shown::text(pool), rule);
            }
            Some(pool) if !offered.contains(pool) => {
                let names = Names(offered.iter().copied().collect());
                faults.refuse(
                    "pool",
                    Shown::text(pool),
                    format!("must be a pool of a configured issuer's TestID: {names}"),
                );
            }
            Some(_) => {}
        }
        let Some(pid) = &entry.raw.pid else {
            faults.refuse("pid", Shown::Absent, "must be given");
            found.extend(faults.into_found());
            continue;
        };
        if let Some(pool) = entry.raw.pool.as_deref() {
            if named.contains(&(pool, pid)) {
                let rule = "must be named once in its pool";
                faults.refuse("pid", Shown::withheld("text", pid.reveal()), rule);
            }
            named.push((pool, pid));
            if faults.is_empty() {
                person(entry, pool, pid, registered, plan);
            }
        }
        found.extend(faults.into_found());
    }
    if prune {
        for pool in catalogue.pools() {
            prune_persons(&pool, &named, registered, plan);
        }
    }
    found
}

fn person(
    entry: &Entry<super::RawPerson>,
    pool: &str,
    pid: &Pid,
    registered: AsRegistered<'_>,
    plan: &mut Plan,
) {
    let pool = Pool(pool.to_owned());
    let known = registered.persons.get(&pool).into_iter().flatten().find(|known| known.pid == *pid);
    let active = entry.raw.active.unwrap_or_else(|| known.is_none_or(|known| known.active));
    let sign = match known.map(|known| known.active) {
        None => Sign::Create,
        Some(was) if was == active => Sign::Unchanged,
        Some(_) if active => Sign::Update,
        Some(_) => Sign::Deactivate,
    };
    let what = if entry.path.is_empty() { "test person" } else { &entry.path };
    let note = stays_deactivated(entry.raw.active, active).unwrap_or_default().to_owned();
    plan.line(sign, format!("{what} in the pool {}", pool.0), None, note);
    if sign != Sign::Unchanged {
        plan.changes.push(Change::Person { pool, person: PersonRecord { pid: pid.clone(), active } });
    }
}

fn prune_persons(pool: &Pool, named: &[(&str, &Pid)], registered: AsRegistered<'_>, plan: &mut Plan) {
    let kept = |known: &PersonRecord| named.contains(&(pool.0.as_str(), &known.pid));
    let gone: Vec<_> = registered
        .persons
        .get(pool)
        .into_iter()
        .flatten()
        .filter(|known| known.active && !kept(known))
        .collect();
    if gone.is_empty() {
        return;
    }
    plan.line(
        Sign::Deactivate,
        format!("{} test persons in the pool {}", gone.len(), pool.0),
        None,
        "no longer named".into(),
    );
    for known in gone {
        let person = PersonRecord { pid: known.pid.clone(), active: false };
        plan.changes.push(Change::Person { pool: pool.clone(), person });
    }
}
