//! One issuer as it is served: what every handler of it needs, made once at start.

use std::sync::{Arc, OnceLock};

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

use crate::clock::Clock;
use crate::face::{About, Face};
use crate::keys::KeyRing;
use crate::lately::{LateRefusal, Lately};

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
    /// The signing keys.
    pub keys: KeyRing,
    /// The key of pairwise subjects.
    pub pairwise: PairwiseKey,
    /// The discovery document, ready to send.
    pub discovery: Bytes,
    /// What its pages show of it.
    pub face: Face,
    /// The last refusals, where the environment is `development`; none elsewhere.
    pub(crate) lately: Option<Lately>,
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
        let stored = store.signing_keys(provider.issuer(), clock.now()).await?;
        let keys = KeyRing::new(&provider, &stored)?;
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
            pairwise,
            discovery,
            face,
            lately,
            neighbours: OnceLock::new(),
        })
    }

    /// The same site with another face.
    #[must_use]
    pub fn with_face(self, face: Face) -> Self {
        Self { face, ..self }
    }

    /// Takes the signing keys from the store anew.
    ///
    /// # Errors
    /// [`SiteFault`]; the keys in use stay.
    pub async fn refresh_keys(&self) -> Result<(), SiteFault> {
        let stored = self.store.signing_keys(self.provider.issuer(), self.clock.now()).await?;
        Ok(self.keys.replace(&self.provider, &stored)?)
    }

    /// The `n` last refusals, newest first: none outside the environment `development`.
    pub(crate) fn newest(&self, n: usize) -> Vec<Arc<LateRefusal>> {
        self.lately.as_ref().map(|lately| lately.newest(n)).unwrap_or_default()
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
    pub(crate) async fn elsewhere(&self, id: &ClientId) -> Vec<Issuer> {
        let mut known = Vec::new();
        for other in self.neighbours.get().into_iter().flatten() {
            if let Ok(Some(_)) = self.store.client(other, id).await {
                known.push(other.issuer().clone());
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
    pub async fn standing(&self, pid: &Pid) -> Result<PersonStanding, Broken> {
        match self.provider.test_id() {
            Some(settings) if !settings.pools.is_empty() => {
                self.store.person_standing(&settings.pools, pid).await
            }
            Some(_) | None => Ok(PersonStanding::Unassigned),
        }
    }
}

/// One request's facts, beside its own parts: a trace id to find it by, and when it is decided.
#[derive(Clone, Debug)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The present, for every rule that this request meets.
    pub now: Timestamp,
}

impl Trace {
    /// The facts of a request that has just come.
    pub fn begin(site: &Site) -> Self {
        Self { id: hex_encode(&site.random.bytes::<16>()), now: site.clock.now() }
    }

    /// Reads the clock again, now that the body is here: a slow one must not be judged by the time of its first byte.
    pub fn body_read(&mut self, site: &Site) {
        self.now = site.clock.now();
    }
}
