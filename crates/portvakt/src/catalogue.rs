//! Bringing registrations about: what is registered is read, the changes are decided on it, and they are registered in one
//! commit, or decided anew if others registered meanwhile. A catalogue is one way to decide; a command is another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use portvakt_crypto::random::Random;
use portvakt_protocol::catalogue::{AsRegistered, Catalogue, Plan, plan};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::provider::{Pool, Provider};
use portvakt_protocol::registration::{Change, RegistrationFault, Registry, taken_back_at};
use portvakt_protocol::time::Timestamp;
use portvakt_store::{Actor, Broken, Registered};

use crate::config::IssuerSettings;
use crate::desk::{Desk, Refused};
use crate::registry::carried::{fetch, found};

/// Others may register meanwhile: this often is planned anew.
const ATTEMPTS: usize = 10;

/// How a catalogue is brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Whether what it no longer names is deactivated.
    pub(crate) prune: bool,
    /// Whether it is planned only.
    pub(crate) dry_run: bool,
}

/// Why registrations were not brought about. Nothing of them was.
#[derive(Debug)]
pub(crate) enum NotApplied {
    /// They break rules.
    Faults(Vec<RegistrationFault>),
    /// What they are about is not there, or is there already.
    Refused(Refused),
    /// The store failed.
    Store(Broken),
    /// Others went on registering.
    Contended,
}

impl fmt::Display for NotApplied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults(faults) => {
                let mut lines = faults.iter();
                if let Some(first) = lines.next() {
                    write!(out, "{first}")?;
                }
                lines.try_for_each(|fault| write!(out, "\n{fault}"))
            }
            Self::Refused(refused) => out.write_str(&refused.what),
            Self::Store(broken) => broken.fmt(out),
            Self::Contended => out.write_str("others went on registering meanwhile: try again"),
        }
    }
}

impl From<Broken> for NotApplied {
    fn from(broken: Broken) -> Self {
        Self::Store(broken)
    }
}

impl From<Refused> for NotApplied {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Vec<RegistrationFault>> for NotApplied {
    fn from(faults: Vec<RegistrationFault>) -> Self {
        Self::Faults(faults)
    }
}

impl From<NotApplied> for Refused {
    fn from(fault: NotApplied) -> Self {
        let what = fault.to_string();
        match fault {
            NotApplied::Faults(_) => Self {
                what,
                hint: Some("nothing was registered: correct what is told, and try again".into()),
            },
            NotApplied::Refused(refused) => refused,
            NotApplied::Store(broken) => Self::broken(broken),
            NotApplied::Contended => Self { what, hint: None },
        }
    }
}

/// Puts in the secrets that a catalogue names by environment variable or file; relative paths start at `folder`. It is for the
/// caller's process: a server has neither its environment nor its folder.
pub(crate) fn with_secrets(catalogue: Catalogue, folder: &Path) -> Catalogue {
    let fetched = fetch(catalogue.secret_references(), folder);
    catalogue.resolve(&found(fetched))
}

/// What a decision needs to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needed {
    /// The registries of these issuers.
    pub(crate) issuers: BTreeSet<Issuer>,
    /// The persons of these pools.
    pub(crate) pools: BTreeSet<Pool>,
}

/// Decides on what is registered, and registers what was decided; with `dry_run`, decides only. Answers the plan, changes
/// included.
///
/// # Errors
/// [`NotApplied`].
pub(crate) async fn bring_about(
    desk: &Desk,
    actor: &Actor,
    needed: &Needed,
    dry_run: bool,
    decide: impl Fn(AsRegistered<'_>, Timestamp) -> Result<Plan, NotApplied>,
) -> Result<Plan, NotApplied> {
    let providers = providers(&desk.issuers);
    for _ in 0..ATTEMPTS {
        // Taken before anything is read: what changes while reading makes the registration a conflict.
        let generation = desk.store.generation().await?;
        let mut registries = BTreeMap::new();
        for issuer in &needed.issuers {
            let (_, registry) = desk.store.registry(issuer).await?;
            registries.insert(issuer.clone(), registry);
        }
        let mut persons = BTreeMap::new();
        for pool in &needed.pools {
            let known = desk.store.persons(pool).await?;
            persons.insert(pool.clone(), known);
        }
        let mut now = desk.clock.now();
        let registered = AsRegistered { providers: &providers, registries: &registries, persons: &persons };
        let planned = decide(registered, now)?;
        if dry_run || planned.is_empty() {
            return Ok(planned);
        }
        // A client that moves loses what it was given until now, so whose clock that is matters; nothing else waits for clocks to be set.
        let moves = planned.changes.iter().any(|change| moves(change, &registries));
        if moves {
            now = desk.now().await?;
        }
        match desk.store.register(planned.changes.clone(), Some(generation), actor.clone(), now).await? {
            Registered::Done => {
                // Whoever logs in after this is not among those who must log in anew.
                if moves {
                    desk.until(taken_back_at(now)).await;
                }
                return Ok(planned);
            }
            Registered::Conflict => {}
        }
    }
    Err(NotApplied::Contended)
}

/// Whether a client comes to another organisation or supplier by this.
fn moves(change: &Change, registries: &BTreeMap<Issuer, Registry>) -> bool {
    let Change::Client { issuer, registration, .. } = change else { return false };
    let known = registries.get(issuer).into_iter().flat_map(|registry| &registry.clients);
    let mut before = known.map(|record| &record.registration);
    before.any(|before| before.client_id == registration.client_id && registration.has_moved(before))
}

/// Brings a catalogue about, or plans it only, and answers the plan.
///
/// # Errors
/// [`NotApplied`].
pub(crate) async fn apply(
    desk: &Desk,
    actor: &Actor,
    catalogue: &Catalogue,
    manner: Manner,
) -> Result<Plan, NotApplied> {
    let issuers = catalogue.issuers(&providers(&desk.issuers));
    let needed = Needed { issuers, pools: catalogue.pools() };
    let decide = |registered: AsRegistered<'_>, now| {
        plan(catalogue, registered, manner.prune, now, &desk.random).map_err(NotApplied::Faults)
    };
    bring_about(desk, actor, &needed, manner.dry_run, decide).await
}

/// Plans a catalogue where nothing is registered yet, and no data folder is there.
///
/// # Errors
/// [`NotApplied::Faults`].
pub(crate) fn rehearse(
    issuers: &[IssuerSettings],
    catalogue: &Catalogue,
    prune: bool,
    now: Timestamp,
    random: &Random,
) -> Result<Plan, NotApplied> {
    let providers = providers(issuers);
    let (registries, persons) = (BTreeMap::new(), BTreeMap::new());
    let registered = AsRegistered { providers: &providers, registries: &registries, persons: &persons };
    plan(catalogue, registered, prune, now, random).map_err(NotApplied::Faults)
}

fn providers(issuers: &[IssuerSettings]) -> Vec<Provider> {
    issuers.iter().map(|settings| settings.provider.clone()).collect()
}
