//! One issuer as it is served: what every handler of it needs, made once at start.

use std::net::IpAddr;

use bytes::Bytes;
use portvakt_crypto::encoding::hex_encode;
use portvakt_crypto::random::Random;
use portvakt_crypto::signing::KeyFault;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::features::discovery;
use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::{Pool, Provider};
use portvakt_protocol::subject::PairwiseKey;
use portvakt_protocol::time::Timestamp;
use portvakt_store::{Broken, PersonStanding, Store};

use crate::clock::Clock;
use crate::keys::KeyRing;

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
        Ok(Self { provider, store, clock, random, keys, pairwise, discovery })
    }

    /// Takes the signing keys from the store anew.
    ///
    /// # Errors
    /// [`SiteFault`]; the keys in use stay.
    pub async fn refresh_keys(&self) -> Result<(), SiteFault> {
        let stored = self.store.signing_keys(self.provider.issuer(), self.clock.now()).await?;
        Ok(self.keys.replace(&self.provider, &stored)?)
    }

    /// The pools whose persons this issuer knows.
    pub fn pools(&self) -> &[Pool] {
        self.provider.test_id().map_or(&[], |settings| &settings.pools)
    }

    /// The highest level that an eID of this issuer reaches.
    pub fn reach(&self) -> Option<Assurance> {
        self.provider.test_id().map(|_| portvakt_eid::test_id::REACH)
    }

    /// Whether a person may not log in, nor use what was given in their name: deactivated, or unknown where only assigned
    /// persons may.
    ///
    /// # Errors
    /// [`Broken`] if the store failed.
    pub async fn is_stopped(&self, pid: &Pid) -> Result<bool, Broken> {
        let Some(settings) = self.provider.test_id() else { return Ok(false) };
        if settings.pools.is_empty() {
            return Ok(settings.assigned_only);
        }
        Ok(match self.store.person_standing(&settings.pools, pid).await? {
            PersonStanding::Active => false,
            PersonStanding::Deactivated => true,
            PersonStanding::Unassigned => settings.assigned_only,
        })
    }
}

/// One request's facts, beside its own parts: a trace id to find it by, when it came, and from where.
#[derive(Clone, Debug)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    /// When it came.
    pub now: Timestamp,
    /// Who asks, if known.
    pub address: Option<IpAddr>,
}

impl Trace {
    /// The facts of a request that has just come.
    pub fn begin(site: &Site, address: Option<IpAddr>) -> Self {
        Self { id: hex_encode(&site.random.bytes::<16>()), now: site.clock.now(), address }
    }
}
