//! `portvakt serve`: the server as its configuration says.

use std::path::Path;

use portvakt_crypto::random::Random;
use portvakt_store::{MasterKey, StoreUrl};
use portvakt_web::listen::{Admission, Limits, ListenFault, Listener, ListenerConfig};

use crate::config::{ConfigFaults, SecretPlace, Settings, Storage};
use crate::failure::Failure;
use crate::house::{House, Plan};
use crate::shutdown::Shutdown;
use crate::{master_key, measure, telemetry};

/// Serves until SIGTERM or SIGINT, then drains. `measured`: the benchmark asks what signatures cost.
///
/// # Errors
/// Why the server could not start, or not end in good order.
pub(crate) async fn serve(file: &Path, measured: bool) -> Result<(), Failure> {
    let settings = Settings::read(file).map_err(Failure::new)?;
    settings.check_references().map_err(Failure::new)?;
    telemetry::start(settings.log);
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    let shutdown = Shutdown::on_signals()?;
    let (master, previous_master) = master_keys(&settings, &Random::system())?;
    let url = store_url(&settings)?;
    let Settings { listeners, issuers, audit_retention, .. } = settings;
    // The store first: that a folder is another process's tells more than that its port is taken.
    let house = House::open(Plan { url, master, previous_master, issuers, audit_retention }).await?;
    match open_doors(listeners, measured).await {
        Ok(bound) => house.serve(bound, shutdown).await,
        Err(failure) => Err(house.close(failure).await),
    }
}

/// Binds every listener, and begins to measure before any of them lets anybody in.
///
/// # Errors
/// The first step that failed.
async fn open_doors(listeners: Vec<ListenerConfig>, measured: bool) -> Result<Vec<Listener>, Failure> {
    let bound = bind(listeners).await?;
    if measured {
        measure::begin()?;
    }
    Ok(bound)
}

/// Binds every listener.
///
/// # Errors
/// The first that cannot be bound.
async fn bind(listeners: Vec<ListenerConfig>) -> Result<Vec<Listener>, Failure> {
    let mut bound = Vec::with_capacity(listeners.len());
    let admission = Admission::of_process(&Limits::default());
    for mut config in listeners {
        config.admission = admission.clone();
        let listener = Listener::bind(config).await.map_err(|fault| match fault {
            ListenFault::Bind { .. } => {
                Failure::new(fault).hint("stop what uses it, or change listeners.address")
            }
            ListenFault::Tls(_) => Failure::new(fault).hint("correct listeners.tls"),
        })?;
        tracing::info!(address = %listener.address(), "listening");
        bound.push(listener);
    }
    Ok(bound)
}

/// The master key to open the store with, and the one before it while that is being changed.
///
/// # Errors
/// A key cannot be had.
pub(crate) fn master_keys(
    settings: &Settings,
    random: &Random,
) -> Result<(MasterKey, Option<MasterKey>), Failure> {
    let fetch = |place: &SecretPlace| {
        place.master_key().map_err(|fault| Failure::new(ConfigFaults::new(&settings.file, vec![fault])))
    };
    let master = match &settings.master_key {
        Some(place) => fetch(place)?,
        None => match &settings.data {
            Storage::Folder(folder) => master_key::own(folder, random)?,
            // Refused when the configuration was read.
            Storage::Database(_) => return Err(Failure::new("master_key must be given: data is a database")),
        },
    };
    Ok((master, settings.previous_master_key.as_ref().map(fetch).transpose()?))
}

/// Where the store is, with the password and the CA that the configuration names.
///
/// # Errors
/// One of them cannot be had.
pub(crate) fn store_url(settings: &Settings) -> Result<StoreUrl, Failure> {
    settings.data.url().map_err(|fault| Failure::new(ConfigFaults::new(&settings.file, vec![fault])))
}
