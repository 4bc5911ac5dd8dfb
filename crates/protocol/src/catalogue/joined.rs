//! A catalogue joined with a client that stands in no file, and one that is all there is: what a double does with it, whose file is
//! read again while people work on it.

use std::collections::BTreeSet;

use super::raw::{RawClient, RawOrganisation};
use super::{Catalogue, Entry};
use crate::provider::Provider;

impl Catalogue {
    /// The catalogue with one more client at `issuers`, and its organisation wherever the catalogue does not name that
    /// itself. Faults of either stand under `path`.
    #[must_use]
    pub fn with_client(
        mut self,
        path: &str,
        issuers: &[String],
        client: RawClient,
        organisation: RawOrganisation,
    ) -> Self {
        let alone = |issuer: &&String| !self.names_organisation(issuer, organisation.orgno.as_deref());
        let homes: Vec<String> = issuers.iter().filter(alone).cloned().collect();
        if !homes.is_empty() {
            self.organisations.push(Entry::at(path, homes, organisation));
        }
        self.clients.push(Entry::at(path, issuers.to_vec(), client));
        self
    }

    fn names_organisation(&self, issuer: &str, orgno: Option<&str>) -> bool {
        self.organisations.iter().any(|entry| {
            let issuers = entry.issuers.as_ref().or(self.issuers.as_ref());
            entry.raw.orgno.as_deref() == orgno
                && issuers.is_some_and(|named| named.iter().any(|at| at == issuer))
        })
    }

    /// The catalogue as all there is at `providers`: what it names is active unless it says otherwise, so that what went with
    /// one reading comes back with the next; and pruning reaches every issuer and pool of theirs, named or not.
    #[must_use]
    pub fn as_all_there_is(mut self, providers: &[Provider]) -> Self {
        for entry in &mut self.organisations {
            entry.raw.standing.get_or_insert_with(|| "active".to_owned());
        }
        for entry in &mut self.scopes {
            entry.raw.active.get_or_insert(true);
        }
        for entry in &mut self.clients {
            entry.raw.active.get_or_insert(true);
        }
        for entry in &mut self.persons {
            entry.raw.active.get_or_insert(true);
        }
        self.beyond.issuers.extend(providers.iter().map(|provider| provider.issuer().clone()));
        let doors = providers.iter().filter_map(Provider::test_id);
        self.beyond.pools.extend(doors.flat_map(|door| door.pools.iter().cloned()));
        self
    }

    /// What `before` names and this does not, in words without a number: `client a`, `2 test persons`.
    pub fn no_longer_names(&self, before: &Self) -> Vec<String> {
        let (names, named) = (self.names(), before.names());
        let mut gone: Vec<String> = named.difference(&names).cloned().collect();
        let person = |entry: &Entry<super::RawPerson>| {
            let known = |other: &Entry<super::RawPerson>| {
                (&other.raw.pool, &other.raw.pid) == (&entry.raw.pool, &entry.raw.pid)
            };
            !self.persons.iter().any(known)
        };
        match before.persons.iter().filter(|entry| person(entry)).count() {
            0 => {}
            1 => gone.push("1 test person".to_owned()),
            several => gone.push(format!("{several} test persons")),
        }
        gone
    }

    fn names(&self) -> BTreeSet<String> {
        let name = |kind: &str, name: &Option<String>| name.as_ref().map(|name| format!("{kind} {name}"));
        let organisations = self.organisations.iter().map(|entry| name("organisation", &entry.raw.orgno));
        let scopes = self.scopes.iter().map(|entry| name("scope", &entry.raw.scope));
        let clients = self.clients.iter().map(|entry| name("client", &entry.raw.client_id));
        let access = self.scopes.iter().flat_map(|entry| {
            let said = entry.raw.access.iter().flatten();
            said.map(|access| {
                let consumer = access.consumer_orgno.as_ref()?;
                Some(format!("access of {consumer} to {}", entry.raw.scope.as_ref()?))
            })
        });
        organisations.chain(scopes).chain(clients).chain(access).flatten().collect()
    }
}
