//! What stands when `dev` is ready: a line of JSON for scripts, or a page for people.

mod page;
mod trial;

use std::io::{self, Write};

use portvakt_protocol::features::Endpoint;
use portvakt_protocol::registration::ClientRecord;
use portvakt_store::Broken;
use serde::Serialize;

use super::wanted::Wanted;
use crate::desk::Desk;
use trial::Trial;

/// What stands. Neither it nor a part of it has a `Debug`: there are secrets and national numbers in it, for the developer alone.
#[derive(Serialize)]
pub(super) struct Summary {
    /// Where the demo service runs; `null` if it does not.
    demo: Option<String>,
    issuers: Vec<Served>,
    clients: Vec<Client>,
    persons: Vec<Person>,
    #[serde(skip)]
    base: String,
    /// What can be tried at once.
    #[serde(skip)]
    trial: Option<Trial>,
    /// Which file says what is registered, if one does.
    #[serde(skip)]
    file: Option<String>,
    /// Whether it is read again when it changes.
    #[serde(skip)]
    is_followed: bool,
    /// The developer's own client.
    #[serde(skip)]
    own: Option<String>,
}

#[derive(Serialize)]
struct Served {
    issuer: String,
    profile: &'static str,
    environment: &'static str,
    /// A page for people: what this issuer is, who may use it, what it refused last.
    issuer_page: String,
    discovery: String,
    /// A login without a page, of one of its clients: it answers with a redirect that carries the code. `null` where no client
    /// can do that without PKCE.
    login_hint_example: Option<String>,
}

#[derive(Serialize)]
struct Client {
    issuer: String,
    client_id: String,
    /// `null` for a client without one, and for one whose secret was shown at an earlier start.
    client_secret: Option<String>,
    display_name: String,
    application_type: String,
    token_endpoint_auth_method: &'static str,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Serialize)]
struct Person {
    pid: String,
    pool: String,
}

impl Summary {
    /// What is registered and active, with those secrets that were given or generated since the start.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn of(desk: &Desk, wanted: &Wanted) -> Result<Self, Broken> {
        let mut summary = Self {
            demo: wanted.demo.as_ref().map(ToString::to_string),
            issuers: Vec::new(),
            clients: Vec::new(),
            persons: persons(desk).await?,
            base: wanted.base.clone(),
            trial: None,
            file: wanted.file.as_ref().map(|_| wanted.name()),
            is_followed: wanted.is_followed,
            own: wanted.own.as_ref().map(|own| own.client_id.clone()),
        };
        for settings in &desk.issuers {
            let provider = &settings.provider;
            let issuer = provider.issuer().as_str().to_owned();
            let (_, registry) = desk.store.registry(provider.issuer()).await?;
            let mut clients: Vec<Client> = Vec::new();
            for record in registry.clients.iter().filter(|record| record.active) {
                clients.push(Client::of(issuer.clone(), record, wanted.secrets.of(record)));
            }
            // The developer's own comes first: it is what they look for.
            clients.sort_by_key(|client| Some(&client.client_id) != summary.own.as_ref());
            let person = summary.persons.first().map(|person| person.pid.as_str());
            let trial = Trial::at(provider, &clients, person);
            summary.issuers.push(Served {
                issuer_page: issuer.clone(),
                issuer,
                profile: provider.profile().name,
                environment: provider.environment().as_str(),
                discovery: provider.url(Endpoint::Discovery),
                login_hint_example: trial.as_ref().map(|trial| trial.headless.clone()),
            });
            summary.trial = summary.trial.or(trial);
            summary.clients.extend(clients);
        }
        Ok(summary)
    }

    /// One line of JSON, without its end.
    pub(super) fn json(&self) -> String {
        // Strings and lists of them have no value that JSON could not hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// That line to standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write_json(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", self.json())?;
        out.flush()
    }

    /// A page to standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write_text(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        self.write_page(&mut out)?;
        out.flush()
    }
}

/// The active persons of every pool that an issuer offers.
async fn persons(desk: &Desk) -> Result<Vec<Person>, Broken> {
    let doors = desk.issuers.iter().filter_map(|settings| settings.provider.test_id());
    let mut pools: Vec<_> = doors.flat_map(|door| door.pools.clone()).collect();
    pools.sort();
    pools.dedup();
    let mut persons = Vec::new();
    for pool in pools {
        let known = desk.store.persons(&pool).await?;
        let active = known.into_iter().filter(|person| person.active);
        persons.extend(
            active.map(|person| Person { pid: person.pid.reveal().to_owned(), pool: pool.0.clone() }),
        );
    }
    Ok(persons)
}

impl Client {
    fn of(issuer: String, record: &ClientRecord, client_secret: Option<String>) -> Self {
        let registration = &record.registration;
        let application_type = serde_json::to_value(registration.application_type).unwrap_or_default();
        Self {
            issuer,
            client_id: registration.client_id.as_str().to_owned(),
            client_secret,
            display_name: registration.display_name.clone(),
            application_type: application_type.as_str().unwrap_or_default().to_owned(),
            token_endpoint_auth_method: registration.token_endpoint_auth_method.as_str(),
            redirect_uris: registration.redirect_uris.clone(),
            post_logout_redirect_uris: registration.post_logout_redirect_uris.clone(),
            scopes: registration.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        }
    }
}
