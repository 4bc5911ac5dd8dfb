//! What shall be registered at `dev`: what a catalogue says, the demo's or a file's, and the developer's own client beside it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use portvakt_protocol::catalogue::{Catalogue, Plan};
use portvakt_protocol::registration::{ClientRecord, RegistrationFault};
use portvakt_protocol::secret::ClientSecret;
use portvakt_store::Actor;
use zeroize::Zeroizing;

use super::base::Base;
use super::own::{self, OwnClient};
use crate::catalogue::{Manner, NotApplied, apply};
use crate::desk::Desk;
use crate::registry::carried::{Found, fetch, found};

/// The catalogue where none is given.
const DEMO: &str = include_str!("demo.toml");

/// The base that a catalogue for `dev` is written for; on another port it stands for the real one.
const WRITTEN_FOR: &str = "http://localhost:8080";

/// The service that the demo's catalogue is written for.
const DEMO_SERVICE: u16 = 3000;

/// What shall be registered, and the secrets that came of it.
pub(super) struct Wanted {
    /// The file; none: the demo.
    pub(super) file: Option<PathBuf>,
    /// Whether that is a regular file, which is read again when it changes. What else has a path, such as a pipe, gives its text
    /// once.
    pub(super) is_followed: bool,
    /// The developer's own client.
    pub(super) own: Option<OwnClient>,
    /// Where the demo service runs, if it does.
    pub(super) demo: Option<Base>,
    /// Where Portvakt runs.
    pub(super) base: String,
    /// Whether what is no longer named stops: nobody else registers in a folder that goes with the process.
    pub(super) is_all: bool,
    /// Every secret that was given or generated since the start, by client.
    pub(super) secrets: Secrets,
}

/// A catalogue as it was read at one moment.
#[derive(Clone)]
pub(super) struct Reading {
    text: Zeroizing<String>,
    found: Found,
    catalogue: Result<Catalogue, Vec<RegistrationFault>>,
}

impl PartialEq for Reading {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.found == other.found
    }
}

impl Reading {
    /// Whether there is nothing in it: how a file looks that is just being written.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What is no longer named, in words.
    pub(super) fn no_longer_names(&self, before: &Self) -> Vec<String> {
        match (&self.catalogue, &before.catalogue) {
            (Ok(now), Ok(before)) => now.no_longer_names(before),
            _ => Vec::new(),
        }
    }
}

impl Wanted {
    /// Reads the catalogue, and the secrets that it names elsewhere.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(&self) -> io::Result<Reading> {
        let text = match &self.file {
            Some(file) => moved(&Zeroizing::new(std::fs::read_to_string(file)?), WRITTEN_FOR, &self.base),
            None => self.demo_text(),
        };
        let catalogue = Catalogue::parse(&text);
        let folder = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let named = catalogue.as_ref().map(Catalogue::secret_references).unwrap_or_default();
        Ok(Reading { text: Zeroizing::new(text), found: found(fetch(named, folder)), catalogue })
    }

    fn demo_text(&self) -> String {
        let mut text = moved(DEMO, WRITTEN_FOR, &self.base);
        if let Some(demo) = &self.demo {
            for host in ["localhost", "127.0.0.1"] {
                text = moved(&text, &format!("http://{host}:{DEMO_SERVICE}"), &demo.at(host));
            }
        }
        text
    }

    /// Brings about what was read, and the own client.
    ///
    /// # Errors
    /// [`NotApplied`]; [`Wanted::why_not`] tells it.
    pub(super) async fn register(&mut self, desk: &Desk, reading: &Reading) -> Result<Plan, NotApplied> {
        let mut catalogue = reading.catalogue.clone()?.resolve(&reading.found);
        let providers: Vec<_> = desk.issuers.iter().map(|settings| settings.provider.clone()).collect();
        if let Some(own) = &self.own {
            let every = || providers.iter().map(|provider| provider.issuer().as_str().to_owned()).collect();
            let named = |issuer: &String| vec![moved(issuer, WRITTEN_FOR, &self.base)];
            catalogue = own.beside(catalogue, &own.issuer.as_ref().map_or_else(every, named));
        }
        if self.is_all {
            catalogue = catalogue.as_all_there_is(&providers);
        }
        let actor = Actor("portvakt dev".to_owned());
        let manner = Manner { prune: self.is_all, dry_run: false };
        let plan = apply(desk, &actor, &catalogue, manner).await?;
        self.secrets.learn(&reading.text, self.own.as_ref(), &plan);
        Ok(plan)
    }

    /// What the catalogue is called.
    pub(super) fn name(&self) -> String {
        self.file.as_ref().map_or_else(|| "the demo catalogue".to_owned(), |file| file.display().to_string())
    }

    /// Why something was not registered: whose fault it is, and every fault on a line of its own.
    pub(super) fn why_not(&self, why: NotApplied) -> String {
        let faults = match why {
            NotApplied::Faults(faults) => faults,
            NotApplied::Refused(_) | NotApplied::Store(_) | NotApplied::Contended => {
                return format!("{}: {why}", self.name());
            }
        };
        let (of_options, of_file) = own::split(faults);
        let mut text = String::new();
        for (name, faults) in [("the command line".to_owned(), of_options), (self.name(), of_file)] {
            if !faults.is_empty() {
                let before = if text.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{before}{name}:\n{}", NotApplied::Faults(faults)));
            }
        }
        text
    }
}

/// Secrets in the clear, by client: this is a developer's machine, and its demo secrets are no secrets.
#[derive(Debug, Default)]
pub(super) struct Secrets(BTreeMap<String, Vec<ClientSecret>>);

impl Secrets {
    /// What a catalogue's text names, what an option gave, and what was just generated.
    fn learn(&mut self, text: &str, own: Option<&OwnClient>, plan: &Plan) {
        let document = text.parse::<toml::Table>().unwrap_or_default();
        let clients = document.get("clients").and_then(toml::Value::as_array).into_iter().flatten();
        for client in clients {
            let text = |key: &str| client.get(key).and_then(toml::Value::as_str);
            if let (Some(id), Some(secret)) = (text("client_id"), text("client_secret")) {
                self.add(id, ClientSecret::presented(secret));
            }
        }
        if let Some(OwnClient { client_id, secret: Some(secret), .. }) = own {
            self.add(client_id, secret.clone());
        }
        for (_, client_id, secret) in &plan.generated {
            self.add(client_id.as_str(), secret.clone());
        }
    }

    fn add(&mut self, client_id: &str, secret: ClientSecret) {
        let known = self.0.entry(client_id.to_owned()).or_default();
        if !known.iter().any(|one| one.digest().matches(&secret.digest())) {
            known.push(secret);
        }
    }

    /// The one that is the client's own, by the digest of its newest.
    pub(super) fn of(&self, record: &ClientRecord) -> Option<String> {
        let candidates = self.0.get(record.registration.client_id.as_str())?;
        let found = record
            .secrets
            .iter()
            .find_map(|kept| candidates.iter().find(|secret| kept.digest.matches(&secret.digest())));
        found.map(|secret| secret.reveal().to_owned())
    }
}

/// A text with one base in place of another. A base ends at its port's digits, so that `8080` does not match in `80801`.
fn moved(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split(from);
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        moved.push_str(if part.starts_with(|next: char| next.is_ascii_digit()) { from } else { to });
        moved.push_str(part);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_moved_to_another_port_and_nothing_beside_it() {
        let text = "a http://localhost:8080/x b http://localhost:80801 c http://localhost:3000";
        assert_eq!(
            moved(text, WRITTEN_FOR, "http://localhost:7"),
            "a http://localhost:7/x b http://localhost:80801 c http://localhost:3000"
        );
    }
}
