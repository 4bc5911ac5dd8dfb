//! `portvakt dev`: both profiles on this machine's loopback, with a demo catalogue, for whoever builds a service.

mod base;
mod folder;
mod follow;
mod loopback;
mod own;
mod ready;
mod summary;
mod wanted;

use std::path::{Path, PathBuf};

use portvakt_crypto::random::Random;
use portvakt_protocol::profile::{IDPORTEN, PILOT, Profile};
use portvakt_protocol::provider::{Environment, Pool, Provider, ProviderFault, TestIdSettings};
use portvakt_store::StoreUrl;

pub(crate) use base::Base;
pub(crate) use folder::TEMPORARY;
pub(crate) use loopback::Loopback;
pub(crate) use own::OwnClient;

use crate::config::{AUDIT_RETENTION, FaceSettings, IssuerSettings, KEY_LEAD};
use crate::failure::Failure;
use crate::house::{House, Plan};
use crate::shutdown::{Shutdown, Temporary};
use crate::telemetry::{self, Explaining, LogFormat, LogLevel, Logging};
use crate::{master_key, measure};
use folder::Folder;
use follow::Follower;
use ready::ReadyFile;
use summary::Summary;
use wanted::{Reading, Secrets, Wanted};

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
    /// A client beside the catalogue's.
    pub(crate) own: Option<OwnClient>,
    /// Where the demo service runs, if it does.
    pub(crate) demo: Option<Base>,
    /// Where to write what stands, when it stands.
    pub(crate) ready_file: Option<PathBuf>,
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
    let log = telemetry::start_and_keep(Logging { format: LogFormat::Text, level: LogLevel::Info });
    let shutdown = Shutdown::on_signals()?;
    // Bound before anything else: the issuers carry the port.
    let (listeners, port) = wish.listen.bind().await?;
    let base = format!("http://localhost:{port}");
    let random = Random::system();
    let folder = Folder::new(wish.data.clone(), &random)?;
    if folder.is_temporary() {
        shutdown.takes_along(Temporary::Folder(folder.path().to_owned()));
    }
    let ready = wish.ready_file.map(ReadyFile::claim).transpose()?;
    if let Some(ready) = &ready {
        shutdown.takes_along(Temporary::File(ready.path().to_owned()));
    }
    let issuers = issuers(&base).map_err(Failure::new)?;
    let wanted = Wanted {
        is_followed: wish.catalogue.as_deref().is_some_and(Path::is_file),
        file: wish.catalogue,
        own: wish.own,
        demo: wish.demo,
        base,
        is_all: folder.is_temporary(),
        secrets: Secrets::default(),
    };
    let read = wanted.read();
    let reading = read.map_err(|why| {
        Failure::new(format!("{}: {why}", wanted.name())).hint("name a file with --catalogue")
    })?;
    let master = master_key::own(folder.path(), &random)?;
    let plan = Plan {
        url: StoreUrl::Folder(folder.path().to_owned()),
        master,
        previous_master: None,
        issuers,
        audit_retention: Some(AUDIT_RETENTION),
    };
    let mut house = House::open(plan).await?;
    // From here on the folder is this process's.
    let explained =
        if folder.is_temporary() { Explaining::Temporary } else { Explaining::In(folder.path().to_owned()) };
    if let Err(why) = log.keep_in(folder.path(), explained) {
        tracing::warn!(%why, "the log is not kept: `portvakt explain` will find nothing");
    }
    let opening = Opening { wanted, reading, ready, json: wish.json, measure: wish.measure };
    let served = match opening.open_doors(&house).await {
        Ok(follower) => {
            house.also("following the catalogue", follower.follow(shutdown.clone()));
            house.serve(listeners, shutdown).await
        }
        Err(failure) => Err(house.close(failure).await),
    };
    drop(folder);
    served
}

/// What is left to do before anybody is let in.
struct Opening {
    wanted: Wanted,
    reading: Reading,
    ready: Option<ReadyFile>,
    json: bool,
    measure: bool,
}

impl Opening {
    /// Registers the catalogue, and tells what stands. What answers follows the catalogue from here on.
    async fn open_doors(self, house: &House) -> Result<Follower, Failure> {
        let Self { mut wanted, reading, mut ready, json, measure } = self;
        let desk = house.desk();
        if let Err(why) = wanted.register(desk, &reading).await {
            return Err(Failure::new(wanted.why_not(why)).hint("nothing of it was registered: correct it"));
        }
        let summary = Summary::of(desk, &wanted).await.map_err(Failure::new)?;
        if let Some(ready) = &mut ready {
            ready.write(&summary.json())?;
        }
        if json { summary.write_json() } else { summary.write_text() }
            .map_err(|why| Failure::new(format!("standard output: {why}")))?;
        if measure {
            measure::begin()?;
        }
        Ok(Follower::new(desk.clone(), wanted, reading, ready))
    }
}

/// Both issuers: the pilot under its own path, the current edition at the root.
fn issuers(base: &str) -> Result<Vec<IssuerSettings>, ProviderFault> {
    let pilot = format!("{base}/idporten-oidc-provider/");
    let both: [(&str, &'static Profile); 2] = [(&pilot, &PILOT), (base, &IDPORTEN)];
    let issuer = |(issuer, profile)| {
        let door = TestIdSettings { pools: vec![Pool(POOL.to_owned())], assigned_only: false };
        let provider = Provider::new(issuer, None, profile, Environment::Development, Some(door), TERMS)?;
        Ok(IssuerSettings {
            provider,
            signing: None,
            key_lead: KEY_LEAD,
            key_rotation: None,
            verify_tokens: false,
            face: FaceSettings::default(),
        })
    };
    both.into_iter().map(issuer).collect()
}
