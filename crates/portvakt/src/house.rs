//! A data folder opened with its issuers, ready to be served: what `serve` and `dev` have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portvakt_crypto::random::Random;
use portvakt_protocol::time::Seconds;
use portvakt_store::{MasterKey, OpenFault, Opening, Store, StoreUrl};
use portvakt_web::clock::Clock;
use portvakt_web::listen::Listener;
use portvakt_web::router::Front;
use portvakt_web::site::Site;
use tokio::task::JoinSet;

use crate::config::IssuerSettings;
use crate::desk::{Desk, socket};
use crate::failure::Failure;
use crate::served::Served;
use crate::shutdown::Shutdown;
use crate::{keys, upkeep};

/// What is to be opened.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The data folder.
    pub(crate) data: PathBuf,
    /// What its keys are sealed under.
    pub(crate) master: MasterKey,
    /// What they were sealed under until now, while that is being changed.
    pub(crate) previous_master: Option<MasterKey>,
    /// The issuers.
    pub(crate) issuers: Vec<IssuerSettings>,
    /// How long audit records are kept; none: for ever.
    pub(crate) audit_retention: Option<Seconds>,
}

/// An opened data folder and its issuers. From here on the folder is this process's.
pub(crate) struct House {
    desk: Arc<Desk>,
    front: Front,
    socket: socket::Bound,
    audit_retention: Option<Seconds>,
}

impl House {
    /// Opens the store, sees to it that every issuer has a signing key, and prepares to serve.
    ///
    /// # Errors
    /// What failed, and what to do.
    pub(crate) async fn open(plan: Plan) -> Result<Self, Failure> {
        let (clock, random) = (Clock::system(), Random::system());
        let opened = open_store(&plan.data, plan.master, plan.previous_master, &clock, &random);
        let store = opened.map_err(|fault| not_opened(&plan.data, &fault))?;
        first_keys(&store, &plan.issuers, &clock).await?;
        let mut sites = Vec::with_capacity(plan.issuers.len());
        for issuer in &plan.issuers {
            let site =
                Site::load(issuer.provider.clone(), store.clone(), clock.clone(), random.clone()).await;
            let told = |fault| Failure::new(format!("{}: {fault}", issuer.provider.issuer()));
            sites.push(Arc::new(site.map_err(told)?));
        }
        let front = Front::new(&sites, store.clone(), clock.clone()).map_err(Failure::new)?;
        let served = Served::new(sites);
        let desk = Arc::new(Desk { store, clock, random, issuers: plan.issuers, served });
        let socket = socket::Bound::bind(&plan.data)?;
        Ok(Self { desk, front, socket, audit_retention: plan.audit_retention })
    }

    /// The desk, to bring changes about before anything is served.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Serves until `shutdown`, then drains the listeners, finishes what the desk was asked, and closes the store.
    ///
    /// # Errors
    /// The store could not be closed durably.
    pub(crate) async fn serve(self, listeners: Vec<Listener>, shutdown: Shutdown) -> Result<(), Failure> {
        let Self { desk, front, socket, audit_retention } = self;
        let (store, clock) = (desk.store.clone(), desk.clock.clone());
        let sweeping = upkeep::sweep(store.clone(), clock, audit_retention, shutdown.clone());
        let following = upkeep::follow_keys(Arc::clone(&desk), shutdown.clone());
        let mut behind = JoinSet::new();
        behind.spawn(sweeping);
        behind.spawn(following);
        behind.spawn(socket.attend(desk, shutdown.clone()));
        let mut serving = JoinSet::new();
        for listener in listeners {
            serving.spawn(listener.serve(front.clone(), shutdown.clone().begun()));
        }
        let mut cut = 0;
        while let Some(drained) = serving.join_next().await {
            cut += drained.map_or(0, |drained| drained.cut);
        }
        while behind.join_next().await.is_some() {}
        tracing::info!(cut, "drained");
        store.close().await.map_err(|broken| Failure::new(format!("the store could not be closed: {broken}")))
    }
}

/// Whether a store has been in this folder before.
pub(crate) fn is_used(data: &Path) -> bool {
    data.join("portvakt.db").exists()
}

/// Opens the store in a folder.
///
/// # Errors
/// What the store said; [`not_opened`] tells it.
pub(crate) fn open_store(
    data: &Path,
    master: MasterKey,
    previous_master: Option<MasterKey>,
    clock: &Clock,
    random: &Random,
) -> Result<Store, OpenFault> {
    let opening = Opening {
        url: StoreUrl::Folder(data.to_owned()),
        master,
        previous_master,
        random: random.clone(),
        now: clock.now(),
    };
    Store::open(opening)
}

/// Why a folder was not opened, and what to do.
pub(crate) fn not_opened(data: &Path, fault: &OpenFault) -> Failure {
    Failure::new(format!("{}: {fault}", data.display()))
}

/// Every issuer's first key, made beside one another: each takes as long as its primes.
async fn first_keys(store: &Store, issuers: &[IssuerSettings], clock: &Clock) -> Result<(), Failure> {
    let mut making = JoinSet::new();
    for issuer in issuers {
        let (store, issuer, now) = (store.clone(), issuer.clone(), clock.now());
        making.spawn(async move {
            let made = keys::ensure_first(&store, &issuer, now).await;
            made.map_err(|fault| Failure::new(format!("{}: {fault}", issuer.provider.issuer())))
        });
    }
    while let Some(made) = making.join_next().await {
        made.map_err(|_| Failure::new("a signing key could not be made: its task ended"))??;
    }
    Ok(())
}
