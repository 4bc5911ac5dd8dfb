//! A store opened with its issuers, ready to be served: what `serve` and `dev` have in common. A data folder is this process's alone,
//! and has a socket for commands; a database has neither, for any number of processes serve it.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
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
use crate::crew::Crew;
use crate::desk::{Desk, socket};
use crate::failure::Failure;
use crate::served::Served;
use crate::shutdown::Shutdown;
use crate::{keys, upkeep};

/// What is to be opened.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where the store is.
    pub(crate) url: StoreUrl,
    /// What its keys are sealed under.
    pub(crate) master: MasterKey,
    /// What they were sealed under until now, while that is being changed.
    pub(crate) previous_master: Option<MasterKey>,
    /// The issuers.
    pub(crate) issuers: Vec<IssuerSettings>,
    /// How long audit records are kept; none: for ever.
    pub(crate) audit_retention: Option<Seconds>,
}

/// An opened store and its issuers. From here on a folder is this process's.
pub(crate) struct House {
    desk: Arc<Desk>,
    front: Front,
    /// Where commands come in; none at a database, which a command opens itself.
    socket: Option<socket::Bound>,
    audit_retention: Option<Seconds>,
    more: Vec<(&'static str, Work)>,
}

/// What a house does besides, until the end.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl House {
    /// Opens the store, sees to it that every issuer has a signing key, and prepares to serve.
    ///
    /// # Errors
    /// What failed, and what to do.
    pub(crate) async fn open(plan: Plan) -> Result<Self, Failure> {
        let (clock, random) = (Clock::system(), Random::system());
        let opened = open_store(&plan.url, plan.master, plan.previous_master, &clock, &random).await;
        let store = opened.map_err(|fault| not_opened(&plan.url, &fault))?;
        let furnished = Self::furnish(
            Desk { store: store.clone(), clock, random, issuers: plan.issuers, served: Served::default() },
            &plan.url,
            plan.audit_retention,
        );
        match furnished.await {
            Ok(house) => Ok(house),
            Err(failure) => Err(closing(&store, failure).await),
        }
    }

    /// The rest of opening, from the store on.
    async fn furnish(
        mut desk: Desk,
        url: &StoreUrl,
        audit_retention: Option<Seconds>,
    ) -> Result<Self, Failure> {
        let Desk { store, clock, random, issuers, .. } = &desk;
        first_keys(store, issuers, clock).await?;
        let mut sites = Vec::with_capacity(issuers.len());
        for issuer in issuers {
            let site =
                Site::load(issuer.provider.clone(), store.clone(), clock.clone(), random.clone()).await;
            let told = |fault| Failure::new(format!("{}: {fault}", issuer.provider.issuer()));
            let face = issuer.face.face();
            let face = face.map_err(|fault| Failure::new(format!("{}: {}", fault.place.path, fault.rule)))?;
            let site = site.map_err(told)?.with_face(face).with_verification(issuer.verify_tokens);
            sites.push(Arc::new(site));
        }
        let front = Front::new(&sites, store.clone(), clock.clone()).map_err(Failure::new)?;
        desk.served = Served::new(sites);
        let socket = match url {
            StoreUrl::Folder(data) => Some(socket::Bound::bind(data)?),
            StoreUrl::Postgres(_) => None,
        };
        Ok(Self { desk: Arc::new(desk), front, socket, audit_retention, more: Vec::new() })
    }

    /// Closes what was opened, because of a failure before anything was served.
    pub(crate) async fn close(self, because: Failure) -> Failure {
        let Self { desk, socket, .. } = self;
        // Before the lock: from then on the file may be another server's.
        drop(socket);
        closing(&desk.store, because).await
    }

    /// The desk, to bring changes about before anything is served.
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Has one thing more done while serving. It must end when the end is asked for, and not before.
    pub(crate) fn also(&mut self, duty: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.more.push((duty, Box::pin(work)));
    }

    /// Serves until `shutdown`, then drains the listeners, finishes what the desk was asked, and closes the store.
    ///
    /// # Errors
    /// A task ended before its time, or the store could not be closed durably.
    pub(crate) async fn serve(self, listeners: Vec<Listener>, shutdown: Shutdown) -> Result<(), Failure> {
        let Self { desk, front, socket, audit_retention, more } = self;
        let (store, clock) = (desk.store.clone(), desk.clock.clone());
        let sweeping = upkeep::sweep(store.clone(), clock, audit_retention, shutdown.clone());
        let following = upkeep::follow_keys(Arc::clone(&desk), shutdown.clone());
        let rotating = upkeep::rotate_keys(Arc::clone(&desk), shutdown.clone());
        let warning = upkeep::warn_owners(Arc::clone(&desk), shutdown.clone());
        let mut crew = Crew::default();
        crew.take_on("sweeping", none_cut(sweeping));
        crew.take_on("following keys", none_cut(following));
        crew.take_on("rotating keys", none_cut(rotating));
        crew.take_on("warning owners", none_cut(warning));
        if let Some(socket) = socket {
            crew.take_on("taking commands", none_cut(socket.attend(desk, shutdown.clone())));
        }
        for (duty, work) in more {
            crew.take_on(duty, none_cut(work));
        }
        for listener in listeners {
            let serving = listener.serve(front.clone(), shutdown.clone().begun());
            crew.take_on("listening", async { serving.await.cut });
        }
        match crew.ended(&shutdown).await {
            Ok(cut) => tracing::info!(cut, "drained"),
            Err(failure) => return Err(closing(&store, failure).await),
        }
        store.close().await.map_err(|broken| Failure::new(format!("the store could not be closed: {broken}")))
    }
}

/// Work that has no connections to cut.
async fn none_cut(work: impl Future<Output = ()>) -> usize {
    work.await;
    0
}

/// Closes the store because of a failure, which tells more than that closing failed too.
async fn closing(store: &Store, because: Failure) -> Failure {
    if let Err(broken) = store.close().await {
        tracing::error!(target: "broken", cause = %broken, "the store could not be closed");
    }
    because
}

/// Whether a store has been in this folder before.
pub(crate) fn is_used(data: &Path) -> bool {
    data.join("portvakt.db").exists()
}

/// Opens a store.
///
/// # Errors
/// What the store said; [`not_opened`] tells it.
pub(crate) async fn open_store(
    url: &StoreUrl,
    master: MasterKey,
    previous_master: Option<MasterKey>,
    clock: &Clock,
    random: &Random,
) -> Result<Store, OpenFault> {
    let opening =
        Opening { url: url.clone(), master, previous_master, random: random.clone(), now: clock.now() };
    Store::open(opening).await
}

/// Why a store was not opened, and what to do.
pub(crate) fn not_opened(url: &StoreUrl, fault: &OpenFault) -> Failure {
    Failure::new(match url {
        StoreUrl::Folder(data) => format!("{}: {fault}", data.display()),
        StoreUrl::Postgres(url) => format!("{url}: {fault}"),
    })
}

/// Every issuer's first key, made beside one another: each takes as long as its primes.
async fn first_keys(store: &Store, issuers: &[IssuerSettings], clock: &Clock) -> Result<(), Failure> {
    let mut making = JoinSet::new();
    for issuer in issuers {
        let (store, issuer, clock) = (store.clone(), issuer.clone(), clock.clone());
        making.spawn(async move {
            let made = keys::ensure_first(&store, &issuer, &clock).await;
            made.map_err(|fault| Failure::new(format!("{}: {fault}", issuer.provider.issuer())))
        });
    }
    while let Some(made) = making.join_next().await {
        made.map_err(|_| Failure::new("a signing key could not be made: its task ended"))??;
    }
    Ok(())
}
