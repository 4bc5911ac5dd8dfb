//! `portvakt dev`: both profiles on this machine's loopback, with a demo catalogue, for whoever builds a service.

mod folder;
mod loopback;
mod summary;

use std::path::{Path, PathBuf};

use portvakt_crypto::random::Random;
use portvakt_protocol::catalogue::Catalogue;
use portvakt_protocol::profile::{IDPORTEN, PILOT, Profile};
use portvakt_protocol::provider::{Environment, Pool, Provider, ProviderFault, TestIdSettings};
use portvakt_store::Actor;

pub(crate) use loopback::Loopback;

use crate::catalogue::{Manner, NotApplied, apply, with_secrets};
use crate::config::{IssuerSettings, KEY_LEAD};
use crate::failure::Failure;
use crate::house::{House, Plan};
use crate::shutdown::Shutdown;
use crate::telemetry::{self, LogFormat, LogLevel, Logging};
use crate::{master_key, measure};
use folder::Folder;
use summary::Summary;

/// The catalogue where none is given.
const DEMO: &str = include_str!("dev/demo.toml");

/// The base that a catalogue for `dev` is written for; on another port it stands for the real one.
const WRITTEN_FOR: &str = "http://localhost:8080";

/// The pool of the test persons.
const POOL: &str = "demo";

/// The version of the terms of use in force here.
const TERMS: &str = "demo";

/// What `dev` was asked for.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Where to listen.
    pub(crate) listen: Loopback,
    /// The data folder; none: a temporary one, removed at the end.
    pub(crate) data: Option<PathBuf>,
    /// The catalogue; none: the demo's.
    pub(crate) catalogue: Option<PathBuf>,
    /// Whether a script reads what stands.
    pub(crate) json: bool,
    /// Whether the benchmark asks what signatures cost.
    pub(crate) measure: bool,
}

/// Serves both profiles until SIGTERM or SIGINT.
///
/// # Errors
/// Why it could not start.
pub(crate) async fn dev(wish: Wish) -> Result<(), Failure> {
    telemetry::start(Logging { format: LogFormat::Text, level: LogLevel::Info });
    let shutdown = Shutdown::on_signals()?;
    // Bound before anything else: the issuers carry the port.
    let (listeners, port) = wish.listen.bind().await?;
    let base = format!("http://localhost:{port}");
    let random = Random::system();
    let folder = Folder::new(wish.data.clone(), &random)?;
    if folder.is_temporary() {
        shutdown.takes_along(folder.path());
    }
    let issuers = issuers(&base).map_err(Failure::new)?;
    let text = match &wish.catalogue {
        None => DEMO.to_owned(),
        Some(file) => std::fs::read_to_string(file).map_err(|why| {
            Failure::new(format!("{}: {why}", file.display())).hint("name a file with --catalogue")
        })?,
    };
    let text = if base == WRITTEN_FOR { text } else { moved(&text, &base) };
    let master = master_key::own(folder.path(), &random)?;
    let plan = Plan {
        data: folder.path().to_owned(),
        master,
        previous_master: None,
        issuers,
        audit_retention: None,
    };
    let house = House::open(plan).await?;
    let served = match open_doors(&house, &wish, &text, &base).await {
        Ok(()) => house.serve(listeners, shutdown).await,
        Err(failure) => Err(house.close(failure).await),
    };
    drop(folder);
    served
}

/// What is left to do before anybody is let in: the catalogue is registered, and told of.
async fn open_doors(house: &House, wish: &Wish, text: &str, base: &str) -> Result<(), Failure> {
    let summary = register(house, text, wish.catalogue.as_ref()).await?;
    if wish.json { summary.write_json() } else { summary.write_text(base) }
        .map_err(|why| Failure::new(format!("standard output: {why}")))?;
    if wish.measure {
        measure::attend().map_err(|why| Failure::new(format!("signatures cannot be measured: {why}")))?;
    }
    Ok(())
}

/// The catalogue for another port. The text ends at the port's digits, so that `8080` does not match in `80801`.
fn moved(text: &str, base: &str) -> String {
    let mut parts = text.split(WRITTEN_FOR);
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        moved.push_str(if part.starts_with(|next: char| next.is_ascii_digit()) { WRITTEN_FOR } else { base });
        moved.push_str(part);
    }
    moved
}

/// Both issuers: the pilot under its own path, the current edition at the root.
fn issuers(base: &str) -> Result<Vec<IssuerSettings>, ProviderFault> {
    let pilot = format!("{base}/idporten-oidc-provider/");
    let both: [(&str, &'static Profile); 2] = [(&pilot, &PILOT), (base, &IDPORTEN)];
    let issuer = |(issuer, profile)| {
        let door = TestIdSettings { pools: vec![Pool(POOL.to_owned())], assigned_only: false };
        let provider = Provider::new(issuer, None, profile, Environment::Development, Some(door), TERMS)?;
        Ok(IssuerSettings { provider, signing: None, key_lead: KEY_LEAD })
    };
    both.into_iter().map(issuer).collect()
}

/// Brings the catalogue about, and tells what is registered then.
async fn register(house: &House, text: &str, file: Option<&PathBuf>) -> Result<Summary, Failure> {
    let told = |faults: NotApplied| {
        let name = file.map_or_else(|| "the demo catalogue".to_owned(), |file| file.display().to_string());
        Failure::new(format!("{name}:\n{faults}")).hint("nothing of the catalogue was registered: correct it")
    };
    let catalogue = Catalogue::parse(text).map_err(|faults| told(NotApplied::Faults(faults)))?;
    let folder = file.and_then(|file| file.parent()).unwrap_or(Path::new(""));
    let catalogue = with_secrets(catalogue, folder);
    let actor = Actor("portvakt dev".to_owned());
    let plan = apply(house.desk(), &actor, &catalogue, Manner::default()).await.map_err(told)?;
    Summary::of(house.desk(), text, &plan).await.map_err(|broken| told(NotApplied::Store(broken)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_moved_to_another_port_and_nothing_beside_it() {
        let text = "a http://localhost:8080/x b http://localhost:80801 c http://localhost:3000";
        assert_eq!(
            moved(text, "http://localhost:7"),
            "a http://localhost:7/x b http://localhost:80801 c http://localhost:3000"
        );
    }
}
