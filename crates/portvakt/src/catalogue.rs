//! Bringing a catalogue about: what it names is fetched, planned against what is registered, and registered in one commit.

use std::collections::BTreeMap;
use std::fmt;

use portvakt_protocol::catalogue::{AsRegistered, Catalogue, Plan, SecretReference, plan};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::RegistrationFault;
use portvakt_store::{Actor, Broken, Registered};
use zeroize::Zeroizing;

use crate::desk::Desk;

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

/// Why a catalogue was not brought about. Nothing of it was.
#[derive(Debug)]
pub(crate) enum NotApplied {
    /// It breaks rules.
    Faults(Vec<RegistrationFault>),
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

/// Fetches the secrets that a catalogue names by environment variable or file. It is for the caller's process: a server has
/// neither its environment nor its folder.
#[expect(clippy::disallowed_methods, reason = "the catalogue's own references to the environment")]
pub(crate) fn with_secrets(catalogue: Catalogue) -> Catalogue {
    let fetch = |reference: &SecretReference| match reference {
        SecretReference::Environment(name) => match std::env::var(name) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(std::env::VarError::NotPresent) => Err("it is not set".to_owned()),
            Err(std::env::VarError::NotUnicode(_)) => Err("it is no text".to_owned()),
        },
        SecretReference::File(path) => {
            std::fs::read_to_string(path).map(Zeroizing::new).map_err(|why| why.to_string())
        }
    };
    let fetched: BTreeMap<_, _> = catalogue
        .secret_references()
        .into_iter()
        .map(|reference| {
            let secret = fetch(&reference);
            (reference, secret)
        })
        .collect();
    catalogue.resolve(&fetched)
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
    let providers: Vec<Provider> = desk.issuers.iter().map(|settings| settings.provider.clone()).collect();
    for _ in 0..ATTEMPTS {
        // Taken before anything is read: what changes while reading makes the registration a conflict.
        let generation = desk.store.generation();
        let mut registries = BTreeMap::new();
        for issuer in catalogue.issuers(&providers) {
            let (_, registry) = desk.store.registry(&issuer).await?;
            registries.insert(issuer, registry);
        }
        let mut persons = BTreeMap::new();
        for pool in catalogue.pools() {
            let known = desk.store.persons(&pool).await?;
            persons.insert(pool, known);
        }
        let now = desk.clock.now();
        let registered = AsRegistered { providers: &providers, registries: &registries, persons: &persons };
        let mut planned =
            plan(catalogue, registered, manner.prune, now, &desk.random).map_err(NotApplied::Faults)?;
        if manner.dry_run || planned.is_empty() {
            return Ok(planned);
        }
        let changes = std::mem::take(&mut planned.changes);
        match desk.store.register(changes, Some(generation), actor.clone(), now).await? {
            Registered::Done => return Ok(planned),
            Registered::Conflict => {}
        }
    }
    Err(NotApplied::Contended)
}
