//! One issuer as it is served: what every handler of it needs, made once at start.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use portvakt_crypto::encoding::hex_encode;
use portvakt_crypto::random::Random;
use portvakt_crypto::signing::KeyFault;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::ClientId;
use portvakt_protocol::features::discovery;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::{Environment, PersonStanding, Provider};
use portvakt_protocol::subject::PairwiseKey;
use portvakt_protocol::time::Timestamp;
use portvakt_store::{Broken, Store};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::face::{About, Face};
use crate::keys::{InForce, KeyRing, NotSigned, NotTakenOver};
use crate::lately::{LateRefusal, Lately};
use crate::refusal_count::{RefusalCount, RefusedOften};

/// An issuer being served.
#[derive(Debug)]
pub struct Site {
    /// The provider as configured.
    pub provider: Provider,
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The source of codes, tokens and handles.
    pub random: Random,
    /// The signing keys: a copy of what is stored, which another node may have changed. See [`Site::signing_key`].
    pub keys: KeyRing,
    /// Held while keys are read and taken over: of two at once, the one that read first could else take over last.
    taking_over: Mutex<()>,
    /// The key of pairwise subjects. It is the store's for life, so no node's copy grows old.
    pub pairwise: PairwiseKey,
    /// The discovery document, ready to send. It is made of the configuration alone, which every node has.
    pub discovery: Bytes,
    /// What its pages show of it: of the configuration alone too.
    pub face: Face,
    /// Whether each token response is judged before it leaves.
    pub(crate) verifies: bool,
    /// The last refusals, where the environment is `development`; none elsewhere. Each node's own: they are to help whoever sits
    /// before one, and decide nothing.
    pub(crate) lately: Option<Lately>,
    /// How often clients were refused lately.
    pub(crate) refusals: RefusalCount,
    /// The other development issuers of this process, which [`Site::elsewhere`] asks; set once all are loaded.
    neighbours: OnceLock<Vec<Provider>>,
}

/// Why a site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SiteFault {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Broken),
    /// A signing key could not be made or read.
    #[error("a signing key cannot be used: {0}")]
    Key(#[from] KeyFault),
    /// What pages are drawn with could not be made ready.
    #[error("the pages' stylesheet cannot be made ready: {0}")]
    Face(#[from] std::io::Error),
}

impl Site {
    /// Loads what the issuer's handlers need. The issuer must have a signing key already.
    ///
    /// # Errors
    /// [`SiteFault`].
    pub async fn load(
        provider: Provider,
        store: Store,
        clock: Clock,
        random: Random,
    ) -> Result<Self, SiteFault> {
        let of = store.generation().await?;
        let stored = store.signing_keys(provider.issuer(), clock.now()).await?;
        let keys = KeyRing::new(&provider, of, &stored)?;
        let discovery = Bytes::from(serde_json::Value::Object(discovery(&provider)).to_string());
        let pairwise = PairwiseKey::new(store.pairwise_key().clone());
        let lately = Lately::in_environment(provider.environment());
        let face = Face::new(About::default(), None)?;
        Ok(Self {
            provider,
            store,
            clock,
            random,
            keys,
            taking_over: Mutex::new(()),
            pairwise,
            discovery,
            face,
            verifies: false,
            lately,
            refusals: RefusalCount::default(),
            neighbours: OnceLock::new(),
        })
    }

    /// The same site with another face.
    #[must_use]
    pub fn with_face(self, face: Face) -> Self {
        Self { face, ..self }
    }

    /// The same site, which has each token response judged by the independent verifier before it leaves, or does not.
    #[must_use]
    pub fn with_verification(self, verifies: bool) -> Self {
        Self { verifies, ..self }
    }

    /// Takes the signing keys from the store anew.
    ///
    /// # Errors
    /// [`NotTakenOver`]; the keys here stay.
    pub async fn refresh_keys(&self) -> Result<(), NotTakenOver> {
        let _held = self.taking_over.lock().await;
        self.take_over(&self.store).await
    }

    /// Whether the keys here are as new as what the store says, and the store was heard within the last second.
    pub fn keys_hold(&self) -> bool {
        self.store.current().is_some_and(|current| self.keys.of() >= current)
    }

    /// The key that signs now. Keys that another node may have replaced or withdrawn are read anew first: what was withdrawn signs
    /// nowhere a second later. Taken before anything is spent on a signature.
    ///
    /// # Errors
    /// [`NotSigned`]: there is none, or the store does not say in time which it is.
    pub async fn signing_key(&self, trace: &Trace) -> Result<InForce, NotSigned> {
        self.up_to_date(trace).await?;
        self.keys.in_force(trace.now)
    }

    /// Whether what this key has just signed may be given away: no newer generation was heard of meanwhile.
    pub(crate) fn still_holds(&self, key: &InForce) -> bool {
        self.store.current().is_some_and(|current| key.of() >= current)
    }

    /// The payload of a JWT that a published key of this issuer signed; `None` for anything else. What a withdrawn key signed is
    /// nothing any more, so the keys must be as new as for signing.
    ///
    /// # Errors
    /// [`NotSigned`]: the store does not say in time which keys there are.
    pub(crate) async fn verified(&self, trace: &Trace, token: &str) -> Result<Option<Vec<u8>>, NotSigned> {
        self.up_to_date(trace).await?;
        Ok(self.keys.verify(token))
    }

    async fn up_to_date(&self, trace: &Trace) -> Result<(), NotSigned> {
        if self.keys_hold() {
            return Ok(());
        }
        let held = timeout_at(trace.by, self.taking_over.lock()).await;
        let _held = held.map_err(|_| NotSigned::Outdated)?;
        // Who waited finds it done; who did it may find one change more.
        for _ in 0..TAKE_OVERS {
            if self.keys_hold() {
                return Ok(());
            }
            self.take_over(&self.by(trace)).await?;
        }
        if self.keys_hold() { Ok(()) } else { Err(NotSigned::Outdated) }
    }

    async fn take_over(&self, store: &Store) -> Result<(), NotTakenOver> {
        // The generation first: what is read then may be newer, never older.
        let of = match store.current() {
            Some(current) => current,
            None => store.generation().await?,
        };
        let stored = store.signing_keys(self.provider.issuer(), self.clock.now()).await?;
        Ok(self.keys.replace(&self.provider, of, &stored)?)
    }

    /// The store, for one request: its verbs end in time for an answer.
    pub(crate) fn by(&self, trace: &Trace) -> Store {
        self.store.until(trace.by)
    }

    /// The `n` last refusals, newest first: none outside the environment `development`.
    pub(crate) fn newest(&self, n: usize) -> Vec<Arc<LateRefusal>> {
        self.lately.as_ref().map(|lately| lately.newest(n)).unwrap_or_default()
    }

    /// The clients that were refused often for one rule, and whose owners have not been told of it on that day. What is counted is
    /// counted at this node.
    pub fn refused_often(&self) -> Vec<RefusedOften> {
        self.refusals.often()
    }

    /// That owner has been told, by this node or another.
    pub fn owner_told(&self, often: &RefusedOften) {
        self.refusals.told(often);
    }

    /// Tells a development issuer of the others in this process. Any other environment neither tells nor is told of.
    pub(crate) fn meet(&self, all: &[Arc<Self>]) {
        let is_open = |site: &Self| site.provider.environment() == Environment::Development;
        let others = all.iter().filter(|other| is_open(self) && is_open(other));
        let others =
            others.map(|other| &other.provider).filter(|other| other.issuer() != self.provider.issuer());
        // Set by the first front that serves this site; another would serve the same ones.
        let _ = self.neighbours.set(others.cloned().collect());
    }

    /// The other development issuers of this process at which a client is registered. What cannot be read is not told: the refusal
    /// that this belongs to stands either way.
    pub(crate) async fn elsewhere(&self, trace: &Trace, id: &ClientId) -> Vec<Issuer> {
        let mut known = Vec::new();
        for other in self.neighbours.get().into_iter().flatten() {
            match self.by(trace).client(other, id).await {
                Ok(Some(_)) => known.push(other.issuer().clone()),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        known
    }

    /// The highest level that an eID of this issuer reaches.
    pub fn reach(&self) -> Option<Assurance> {
        self.provider.test_id().map(|_| portvakt_eid::test_id::REACH)
    }

    /// Where a person stands in the issuer's pools.
    ///
    /// # Errors
    /// [`Broken`] if the store failed.
    pub async fn standing(&self, trace: &Trace, pid: &Pid) -> Result<PersonStanding, Broken> {
        match self.provider.test_id() {
            Some(settings) if !settings.pools.is_empty() => {
                self.by(trace).person_standing(&settings.pools, pid).await
            }
            Some(_) | None => Ok(PersonStanding::Unassigned),
        }
    }
}

/// How often keys are read anew for one request, while the registry changes under it.
const TAKE_OVERS: u32 = 3;

/// One request's facts, beside its own parts: a trace id to find it by, and when it is decided.
#[derive(Clone, Debug)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The present, for every rule that this request meets.
    pub now: Timestamp,
    /// What the store is waited for until, all its verbs together.
    pub by: Instant,
}

/// How long a request waits for the store. Finding out what became of a write takes half a second more, and whoever waits has an
/// answer within two.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1400);

impl Trace {
    /// The facts of a request that has just come.
    pub fn begin(site: &Site) -> Self {
        Self {
            id: hex_encode(&site.random.bytes::<16>()),
            now: site.clock.now(),
            by: Instant::now() + PATIENCE,
        }
    }

    /// Reads the clocks again, now that the body is here: a slow one must not be judged by the time of its first byte.
    pub fn body_read(&mut self, site: &Site) {
        self.now = site.clock.now();
        self.by = Instant::now() + PATIENCE;
    }
}
