//! The catalogue: a TOML file that names organisations, scopes, clients and test persons, and the plan that brings them about.
//!
//! Reading goes through three beats. [`Catalogue::parse`] reads the text; [`Catalogue::resolve`] puts in the secrets that it
//! names by environment variable or file, which the caller fetched; [`plan()`] judges every entry against what is registered and
//! answers the changes, or every fault there is. A command that registers one thing builds the same raw entry
//! ([`Catalogue::of_client`] and its siblings) and goes through the same plan.

mod entry;
mod joined;
mod plan;
mod raw;
mod reader;
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

pub use plan::{AsRegistered, Plan, PlanLine, Sign, plan};
pub use raw::{
    GivenSecret, RawAccess, RawClient, RawOnBehalfOf, RawOrganisation, RawPerson, RawScope, RawTerms,
};

use crate::issuer::Issuer;
use crate::provider::{Pool, Provider};
use crate::registration::fault::{Faults, join};
use crate::registration::{RegistrationFault, Shown};
use crate::secret::ClientSecret;

/// What a catalogue names, as written: nothing of it is judged before [`plan()`].
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// `issuer`: where an entry is registered that names none itself.
    issuers: Option<Vec<String>>,
    organisations: Vec<Entry<RawOrganisation>>,
    scopes: Vec<Entry<RawScope>>,
    clients: Vec<Entry<RawClient>>,
    persons: Vec<Entry<RawPerson>>,
    /// The line of each field, by path.
    lines: BTreeMap<String, u32>,
    /// What was wrong in reading: unknown fields and wrong types.
    faults: Vec<RegistrationFault>,
    /// What pruning reaches beside what is named.
    beyond: Beyond,
}

/// See [`Catalogue::as_all_there_is`].
#[derive(Clone, Debug, Default)]
struct Beyond {
    issuers: BTreeSet<Issuer>,
    pools: BTreeSet<Pool>,
}

/// One entry, and where it stands.
#[derive(Clone, Debug)]
struct Entry<T> {
    /// `clients[3]`; empty if a command made it.
    path: String,
    /// `issuer`, if it names its own.
    issuers: Option<Vec<String>>,
    /// Whether a fault was found in reading it.
    faulty: bool,
    raw: T,
}

/// Where a secret is to be fetched from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretReference {
    /// `{ env = "NAME" }`.
    Environment(String),
    /// `{ file = "path" }`; its one trailing line end is no part of the secret.
    File(PathBuf),
}

impl fmt::Display for SecretReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(out, "the environment variable {name}"),
            Self::File(path) => write!(out, "the file {}", path.display()),
        }
    }
}

impl Catalogue {
    /// Reads a catalogue. Unknown fields and wrong types are remembered, and told by [`plan()`] with all else that is wrong.
    ///
    /// # Errors
    /// Where the text is no TOML, with the line of each mistake and none of the text, which may hold secrets.
    pub fn parse(text: &str) -> Result<Self, Vec<RegistrationFault>> {
        reader::read(text)
    }

    /// One client, registered at `issuers`, or at the only configured one if that is empty.
    pub fn of_client(issuers: &[String], client: RawClient) -> Self {
        Self { clients: vec![Entry::alone(client)], ..Self::at(issuers) }
    }

    /// One organisation; see [`Catalogue::of_client`].
    pub fn of_organisation(issuers: &[String], organisation: RawOrganisation) -> Self {
        Self { organisations: vec![Entry::alone(organisation)], ..Self::at(issuers) }
    }

    /// One scope; see [`Catalogue::of_client`].
    pub fn of_scope(issuers: &[String], scope: RawScope) -> Self {
        Self { scopes: vec![Entry::alone(scope)], ..Self::at(issuers) }
    }

    /// One test person. A pool belongs to no issuer.
    pub fn of_person(person: RawPerson) -> Self {
        Self { persons: vec![Entry::alone(person)], ..Self::default() }
    }

    fn at(issuers: &[String]) -> Self {
        Self { issuers: (!issuers.is_empty()).then(|| issuers.to_vec()), ..Self::default() }
    }

    /// The configured issuers that it names, in itself or in an entry: those whose registry [`plan()`] needs.
    pub fn issuers(&self, providers: &[Provider]) -> BTreeSet<Issuer> {
        let named = |text: &String| providers.iter().find(|provider| provider.issuer().as_str() == text);
        let own = self.issuers.iter().flatten();
        let mut found: BTreeSet<Issuer> = own
            .chain(self.entry_issuers().flatten().flatten())
            .filter_map(named)
            .map(|at| at.issuer().clone())
            .collect();
        if let ([only], None) = (providers, &self.issuers)
            && self.entry_issuers().any(Option::is_none)
        {
            found.insert(only.issuer().clone());
        }
        found.extend(self.beyond.issuers.iter().cloned());
        found
    }

    fn entry_issuers(&self) -> impl Iterator<Item = &Option<Vec<String>>> {
        let organisations = self.organisations.iter().map(|entry| &entry.issuers);
        let scopes = self.scopes.iter().map(|entry| &entry.issuers);
        organisations.chain(scopes).chain(self.clients.iter().map(|entry| &entry.issuers))
    }

    /// The pools that it names persons of: those whose persons [`plan()`] needs.
    pub fn pools(&self) -> BTreeSet<Pool> {
        let named = self.persons.iter().filter_map(|entry| entry.raw.pool.clone()).map(Pool);
        named.chain(self.beyond.pools.iter().cloned()).collect()
    }

    /// The secrets that are to be fetched for it, each once.
    pub fn secret_references(&self) -> BTreeSet<SecretReference> {
        let references = self.clients.iter().filter_map(|entry| match &entry.raw.client_secret {
            Some(GivenSecret::Reference(reference)) => Some(reference.clone()),
            Some(GivenSecret::Text(_)) | None => None,
        });
        references.collect()
    }

    /// Puts in what was fetched for each of its [`Catalogue::secret_references`]: the text, or why there is none (which must
    /// not hold the text). One trailing line end of a file is dropped. What was not fetched is a fault of the plan.
    #[must_use]
    pub fn resolve(mut self, fetched: &BTreeMap<SecretReference, Result<Zeroizing<String>, String>>) -> Self {
        for entry in &mut self.clients {
            let Some(GivenSecret::Reference(reference)) = &entry.raw.client_secret else { continue };
            match fetched.get(reference) {
                Some(Ok(text)) => {
                    let text = match reference {
                        SecretReference::Environment(_) => text.as_str(),
                        SecretReference::File(_) => {
                            let line = text.strip_suffix('\n').unwrap_or(text);
                            line.strip_suffix('\r').unwrap_or(line)
                        }
                    };
                    entry.raw.client_secret = Some(GivenSecret::Text(ClientSecret::presented(text)));
                }
                Some(Err(why)) => {
                    let mut faults = Faults::under(&entry.path);
                    faults.refuse(
                        "client_secret",
                        Shown::Absent,
                        format!("could not be had from {reference}: {why}"),
                    );
                    self.faults.extend(faults.into_found());
                }
                None => {}
            }
        }
        self
    }

    /// The faults as they are told: each with its line, one for each path and rule, and none that only follows from another
    /// in the same field.
    fn told(&self, judged: Vec<RegistrationFault>) -> Vec<RegistrationFault> {
        let part =
            |fault: &RegistrationFault| self.faults.iter().any(|read| is_part(&read.path, &fault.path));
        let same = |fault: &RegistrationFault| self.faults.iter().any(|read| read.path == fault.path);
        let read = self.faults.iter().filter(|fault| !part(fault)).cloned();
        let judged = judged.into_iter().filter(|fault| !part(fault) && !same(fault));
        let mut told: Vec<RegistrationFault> = Vec::new();
        for fault in read.chain(judged) {
            if !told.iter().any(|known| known.path == fault.path && known.rule == fault.rule) {
                let line = fault.line.or_else(|| self.line(&fault.path));
                told.push(RegistrationFault { line, ..fault });
            }
        }
        told.sort_by_key(|fault| fault.line);
        told
    }

    /// The line of a field, or of the nearest thing around it that stands in the file.
    fn line(&self, path: &str) -> Option<u32> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

/// Whether `inner` is a part of the field `outer`.
fn is_part(inner: &str, outer: &str) -> bool {
    !outer.is_empty() && inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
}

impl<T> Entry<T> {
    /// An entry that a command made: its fields stand under no path.
    fn alone(raw: T) -> Self {
        Self { path: String::new(), issuers: None, faulty: false, raw }
    }

    /// An entry that stands in no file, with a path of its own.
    fn at(path: &str, issuers: Vec<String>, raw: T) -> Self {
        Self { path: path.to_owned(), issuers: Some(issuers), faulty: false, raw }
    }

    /// The path of one of its fields.
    fn field(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

#[cfg(test)]
mod tests;
