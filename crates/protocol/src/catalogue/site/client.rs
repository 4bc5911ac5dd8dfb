//! The clients of one issuer, and their secrets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Site, name_once, stays_deactivated};
use crate::catalogue::plan::Sign;
use crate::catalogue::raw::{GivenSecret, RawClient};
use crate::catalogue::{Entry, entry};
use crate::client::{Client, ClientId, ScopeRefused};
use crate::organisation::{OrgNumber, Organisation, Standing};
use crate::profile::SECRET_LIFETIME;
use crate::registration::fault::{Faults, Shown};
use crate::registration::secrets::judge_secret;
use crate::registration::{Beside, Change, ClientRecord, ClientRegistration};
use crate::scope::{AccessState, Scope, ScopeAccess, ScopeRecord};
use crate::secret::ClientSecret;
use crate::time::Timestamp;

impl Site<'_> {
    pub(in crate::catalogue) fn clients(&mut self, entries: &[&Entry<RawClient>]) {
        let issuer = self.provider.issuer();
        let registered: BTreeMap<&ClientId, &ClientRecord> =
            self.registry.clients.iter().map(|record| (&record.registration.client_id, record)).collect();
        let mut named: BTreeMap<ClientId, String> = BTreeMap::new();
        for entry in entries {
            let mut faults = Faults::under(&entry.path);
            let defaults = &self.provider.profile().defaults;
            let ordered_for =
                |id: &ClientId| registered.get(id).and_then(|known| known.registration.integration_type);
            let Some(registration) = entry::client(&mut faults, &entry.raw, ordered_for, defaults) else {
                continue;
            };
            let id = registration.client_id.clone();
            if entry.raw.client_id.as_deref() == Some(id.as_str()) {
                name_once(&mut faults, &mut named, &id, entry, ("client_id", id.as_str()));
            }
            let known = registered.get(&id).copied();
            let active = entry.raw.active.unwrap_or_else(|| known.is_none_or(|known| known.active));
            let client = self.judge_client(&mut faults, &registration, active);
            let secret =
                self.judge_secret(&mut faults, &registration, entry.raw.client_secret.as_ref(), known);
            if faults.is_empty() {
                let waits = client.and_then(|client| waits(&client, &registration));
                let state = stays_deactivated(entry.raw.active, active).map(str::to_owned).or(waits);
                let follows = known.map(|known| self.follows(&known.registration, &registration));
                let notes: Vec<String> = state.into_iter().chain(follows.into_iter().flatten()).collect();
                let note = (!notes.is_empty()).then(|| notes.join("; "));
                self.plan_client(registration, active, known, secret, note.as_deref());
            }
            self.found.extend(faults.into_found());
        }
        let gone = self.registry.clients.iter().filter(|known| known.active);
        for known in gone.filter(|known| self.prune && !named.contains_key(&known.registration.client_id)) {
            let registration = Box::new(known.registration.clone());
            let what = format!("client {}", registration.client_id);
            self.plan.changes.push(Change::Client { issuer: issuer.clone(), registration, active: false });
            self.plan.line(Sign::Deactivate, what, Some(issuer), "no longer named".to_owned());
        }
    }

    /// Runs the rules of registration, against organisations and scopes as they will be.
    fn judge_client(
        &self,
        faults: &mut Faults,
        registration: &ClientRegistration,
        active: bool,
    ) -> Option<Client> {
        let orgno = &registration.client_orgno;
        let shown = || Shown::text(orgno.as_str());
        let issuer = self.provider.issuer();
        let member = self.organisations.get(orgno);
        if orgno.as_str() != entry::NO_ORGNO {
            match member {
                None => {
                    let rule =
                        format!("must be an organisation registered at {issuer}, or named in the same file");
                    faults.refuse("client_orgno", shown(), rule);
                }
                Some(member) if member.faulty => {}
                Some(member) if member.organisation.terms.is_none() => {
                    let rule =
                        format!("must be an organisation that has accepted the terms of use of {issuer}");
                    faults.refuse("client_orgno", shown(), rule);
                }
                Some(member) if self.prune && active && member.entry.is_none() => {
                    let rule =
                        "must be an organisation that the file names, for pruning deactivates the others";
                    faults.refuse("client_orgno", shown(), rule);
                }
                Some(_) => {}
            }
        }
        if let Some(supplier) = &registration.supplier_orgno {
            self.judge_registered(faults, "supplier_orgno", supplier);
        }
        let stand_in;
        let organisation = match member {
            Some(member) => &member.organisation,
            None => {
                stand_in = Organisation {
                    orgno: orgno.clone(),
                    name: String::new(),
                    terms: None,
                    standing: Standing::Active,
                };
                &stand_in
            }
        };
        let scopes: Vec<ScopeRecord> = self.scopes.values().cloned().collect();
        let of_its_own = |((scope, consumer), state): (&(Scope, OrgNumber), &AccessState)| {
            (consumer == orgno).then(|| ScopeAccess {
                scope: scope.clone(),
                consumer_orgno: consumer.clone(),
                state: *state,
            })
        };
        let access: Vec<ScopeAccess> = self.access.iter().filter_map(of_its_own).collect();
        let supplier = registration.supplier_orgno.as_ref().and_then(|orgno| self.organisations.get(orgno));
        let beside = Beside {
            organisation,
            supplier: supplier.map(|member| &member.organisation),
            scopes: &scopes,
            access: &access,
            secrets: Vec::new(),
            active,
            not_before: Timestamp::from_unix(0),
        };
        let judged = registration.client(self.provider, beside);
        for (at, scope) in registration.scopes.iter().enumerate() {
            if active && self.scopes.get(scope).is_some_and(|record| !record.active) {
                let rule = format!("must be a scope that is active at {issuer}");
                faults.refuse(&format!("scopes[{at}]"), Shown::text(scope.as_str()), rule);
            }
        }
        judged.map_err(|judged| faults.take_over(judged)).ok()
    }

    /// Judges a given secret, and answers it if the client does not have it yet.
    fn judge_secret<'e>(
        &self,
        faults: &mut Faults,
        registration: &ClientRegistration,
        given: Option<&'e GivenSecret>,
        known: Option<&ClientRecord>,
    ) -> Option<&'e ClientSecret> {
        let field = "client_secret";
        let secret = match given? {
            GivenSecret::Text(secret) => secret,
            GivenSecret::Reference(reference) => {
                faults.refuse(
                    field,
                    Shown::Absent,
                    format!("must be fetched from {reference}, which was not done"),
                );
                return None;
            }
        };
        if !registration.token_endpoint_auth_method.has_secret() {
            let method = registration.token_endpoint_auth_method.as_str();
            let rule = format!("must be left out where token_endpoint_auth_method is {method}");
            faults.refuse(field, Shown::withheld("text", secret.reveal()), rule);
            return None;
        }
        judge_secret(faults, field, secret, self.provider.environment());
        let digest = secret.digest();
        match known.and_then(|known| known.secrets.iter().find(|stored| stored.digest.matches(&digest))) {
            None => Some(secret),
            Some(stored) if self.now < stored.expires => None,
            Some(stored) => {
                let ended = stored.expires.to_rfc3339();
                let rule = format!(
                    "must be a new one: this secret of the client's ended {ended} and does not come back"
                );
                faults.refuse(field, Shown::withheld("text", secret.reveal()), rule);
                None
            }
        }
    }

    fn plan_client(
        &mut self,
        registration: ClientRegistration,
        active: bool,
        known: Option<&ClientRecord>,
        secret: Option<&ClientSecret>,
        note: Option<&str>,
    ) {
        /// What is compared of a client.
        #[derive(Serialize, PartialEq)]
        struct Compared<'a> {
            #[serde(flatten)]
            registration: &'a ClientRegistration,
            active: bool,
        }
        let issuer = self.provider.issuer();
        let id = registration.client_id.clone();
        let has_secret = registration.token_endpoint_auth_method.has_secret();
        let stops = known.is_some_and(|known| known.active) && !active;
        let boxed = Box::new(registration.clone());
        let change = Change::Client { issuer: issuer.clone(), registration: boxed, active };
        let was = known.map(|known| Compared { registration: &known.registration, active: known.active });
        let becomes = Compared { registration: &registration, active };
        self.bring_about(format!("client {id}"), was.as_ref(), &becomes, stops, change, note);

        let lives = known.is_some_and(|known| known.living_secrets(self.now).next().is_some());
        let what = format!("secret of client {id}");
        match secret {
            Some(given) => {
                let sign = if lives { Sign::Update } else { Sign::Create };
                let ends = if lives {
                    "the given one; its others end now; it ends"
                } else {
                    "the given one; it ends"
                };
                self.add_secret(&id, given, sign, what, ends);
            }
            None if has_secret && active && !lives => {
                let generated = ClientSecret::draw(self.random);
                self.add_secret(&id, &generated, Sign::Create, what, "generated; it ends");
                self.plan.generated.push((issuer.clone(), id, generated));
            }
            None if !has_secret && lives => {
                self.plan.changes.push(Change::EndSecrets {
                    issuer: issuer.clone(),
                    client_id: id,
                    at: self.now,
                });
                let detail = "it authenticates without one from now on".to_owned();
                self.plan.line(Sign::Deactivate, what, Some(issuer), detail);
            }
            None => {}
        }
    }

    /// What follows from a change that its fields do not show: with another organisation what was given is taken back, and scopes that name
    /// the client as a reader go on doing so; and refresh tokens come or go.
    fn follows(&self, was: &ClientRegistration, becomes: &ClientRegistration) -> Vec<String> {
        let moved = becomes.has_moved(was);
        let taken_back = moved.then(|| "takes back what it was given; its users log in anew".to_owned());
        let named = moved.then(|| self.named_as_reader(&becomes.client_id)).flatten();
        let refresh = becomes.refresh_right().changed_from(was.refresh_right());
        taken_back.into_iter().chain(named).chain(refresh).collect()
    }

    /// The scopes that will name a client as one that introspects, and whose each is: another organisation reads their tokens now.
    fn named_as_reader(&self, id: &ClientId) -> Option<String> {
        let naming = self.scopes.values().filter(|scope| scope.enforced_aud_for_introspection.contains(id));
        let each: Vec<_> = naming
            .map(|scope| {
                let owner = scope.owner_orgno.as_ref().map_or("the operator", OrgNumber::as_str);
                format!("{} of {owner}", scope.scope)
            })
            .collect();
        (!each.is_empty()).then(|| format!("still named as a reader by {}", each.join(", ")))
    }

    fn add_secret(&mut self, id: &ClientId, secret: &ClientSecret, sign: Sign, what: String, detail: &str) {
        let issuer = self.provider.issuer();
        let expires = self.now + SECRET_LIFETIME;
        let detail = format!("{detail} {}", expires.to_rfc3339());
        self.plan.line(sign, what, Some(issuer), detail);
        self.plan.changes.push(Change::Secret {
            issuer: issuer.clone(),
            client_id: id.clone(),
            digest: secret.digest(),
            expires,
            others_expire: self.now,
        });
    }
}

/// What is told of a client that has a scope which its organisation may not use yet: it is registered, and refused the scope.
fn waits(client: &Client, registration: &ClientRegistration) -> Option<String> {
    let (scope, why) = client.scope_refused(&registration.scopes)?;
    let ScopeRefused::NotGranted(said) = why else { return None };
    let said = said.map_or("nothing was said of it", AccessState::as_str);
    let orgno = &registration.client_orgno;
    Some(format!("may not ask for {scope} until access is given to {orgno} ({said})"))
}
