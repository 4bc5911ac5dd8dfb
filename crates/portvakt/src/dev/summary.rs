//! What stands when `dev` is ready: a line of JSON for scripts, or a page for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use portvakt_protocol::catalogue::Plan;
use portvakt_protocol::client::ClientId;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::params::percent_encode;
use portvakt_protocol::registration::ClientRecord;
use portvakt_protocol::secret::ClientSecret;
use portvakt_store::Broken;
use serde::Serialize;

use crate::desk::Desk;

/// What stands.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    issuers: Vec<Served>,
    clients: Vec<Client>,
    persons: Vec<Person>,
}

#[derive(Debug, Serialize)]
struct Served {
    issuer: String,
    profile: &'static str,
    environment: &'static str,
    discovery: String,
    #[serde(skip)]
    authorize: String,
}

#[derive(Debug, Serialize)]
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

impl std::fmt::Debug for Person {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Person({})", self.pool)
    }
}

impl Summary {
    /// What is registered and active, with those secrets that the catalogue's text names and those just generated.
    pub(super) async fn of(desk: &Desk, catalogue: &str, plan: &Plan) -> Result<Self, Broken> {
        let named = named_secrets(catalogue);
        let mut summary = Self { issuers: Vec::new(), clients: Vec::new(), persons: Vec::new() };
        let mut pools = Vec::new();
        for settings in &desk.issuers {
            let provider = &settings.provider;
            let issuer = provider.issuer().as_str().to_owned();
            summary.issuers.push(Served {
                issuer: issuer.clone(),
                profile: provider.profile().name,
                environment: provider.environment().as_str(),
                discovery: provider.url(Endpoint::Discovery),
                authorize: provider.url(Endpoint::Authorization),
            });
            let generated = |client: &ClientId| {
                let mut found =
                    plan.generated.iter().filter(|(at, id, _)| at == provider.issuer() && id == client);
                found.next().map(|(_, _, secret)| secret.reveal().to_owned())
            };
            let (_, registry) = desk.store.registry(provider.issuer()).await?;
            for record in registry.clients.iter().filter(|record| record.active) {
                let id = &record.registration.client_id;
                let secret = generated(id).or_else(|| own_secret(&named, record));
                summary.clients.push(Client::of(issuer.clone(), record, secret));
            }
            pools.extend(provider.test_id().into_iter().flat_map(|door| door.pools.clone()));
        }
        pools.sort();
        pools.dedup();
        for pool in pools {
            let known = desk.store.persons(&pool).await?;
            let active = known.into_iter().filter(|person| person.active);
            summary.persons.extend(
                active.map(|person| Person { pid: person.pid.reveal().to_owned(), pool: pool.0.clone() }),
            );
        }
        Ok(summary)
    }

    /// One line to standard output.
    pub(super) fn write_json(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, self)?;
        writeln!(out)?;
        out.flush()
    }

    /// An authorization request that can be opened as it stands: of a confidential client at the first issuer, the pilot,
    /// which demands no PKCE of it.
    fn first_login(&self) -> Option<String> {
        let at = self.issuers.first()?;
        let client = self
            .clients
            .iter()
            .find(|client| client.issuer == at.issuer && client.client_secret.is_some())?;
        let mut url = format!("{}?response_type=code&scope=openid&state=try&client_id=", at.authorize);
        percent_encode(&client.client_id, &mut url);
        url.push_str("&redirect_uri=");
        percent_encode(client.redirect_uris.first()?, &mut url);
        Some(url)
    }

    /// A page to standard output.
    pub(super) fn write_text(&self, base: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "Portvakt is ready at {base}\n\nIssuers")?;
        for Served { issuer, profile, discovery, .. } in &self.issuers {
            writeln!(out, "  {issuer}  (profile {profile})\n    {discovery}")?;
        }
        for Served { issuer, .. } in &self.issuers {
            writeln!(out, "\nClients at {issuer}")?;
            for client in self.clients.iter().filter(|client| client.issuer == *issuer) {
                let secret = match (&client.client_secret, client.token_endpoint_auth_method) {
                    (Some(secret), _) => secret,
                    (None, "none") => "no secret: PKCE",
                    (None, _) => "its secret is not shown again",
                };
                writeln!(out, "  {:<14} {secret}", client.client_id)?;
                writeln!(out, "  {:<14} {}", "", client.redirect_uris.join("  "))?;
            }
        }
        let persons: Vec<_> = self.persons.iter().map(|person| person.pid.as_str()).collect();
        writeln!(out, "\nTest persons (any other synthetic number works too)")?;
        for row in persons.chunks(4) {
            writeln!(out, "  {}", row.join("  "))?;
        }
        if let Some(url) = self.first_login() {
            writeln!(
                out,
                "\nTry a login in a browser (nobody has to be at the redirect URI to see what comes back)\n  {url}"
            )?;
        }
        writeln!(
            out,
            "\nNext: give your service one of the issuers and a client, with its redirect URI as listed.\n\
             --json prints all this for scripts, --catalogue FILE registers your own clients, --data DIR keeps the data.\n\
             Ctrl-C ends it."
        )?;
        out.flush()
    }
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

/// The secrets that a catalogue's text gives, by client: this is a developer's machine, and its demo secrets are no secrets.
fn named_secrets(catalogue: &str) -> BTreeMap<String, Vec<ClientSecret>> {
    let mut named: BTreeMap<String, Vec<ClientSecret>> = BTreeMap::new();
    let document = catalogue.parse::<toml::Table>().unwrap_or_default();
    let clients = document.get("clients").and_then(toml::Value::as_array).into_iter().flatten();
    for client in clients {
        let text = |key: &str| client.get(key).and_then(toml::Value::as_str);
        if let (Some(id), Some(secret)) = (text("client_id"), text("client_secret")) {
            named.entry(id.to_owned()).or_default().push(ClientSecret::presented(secret));
        }
    }
    named
}

/// The named secret that is the client's own.
fn own_secret(named: &BTreeMap<String, Vec<ClientSecret>>, record: &ClientRecord) -> Option<String> {
    let mut candidates = named.get(record.registration.client_id.as_str())?.iter();
    let is_own = |secret: &&ClientSecret| {
        let digest = secret.digest();
        record.secrets.iter().any(|kept| kept.digest == digest)
    };
    candidates.find(is_own).map(|secret| secret.reveal().to_owned())
}
