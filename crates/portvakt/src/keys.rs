//! Signing keys over time: an issuer's first one, the next, and what is told of them.

use std::time::Duration;

use portvakt_crypto::certificate::{CertificateError, self_signed};
use portvakt_crypto::signing::{KeyFault, RsaKey, Signer};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::profile::ID_TOKEN_LIFETIME;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::LONGEST_ACCESS_TOKEN;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Actor, Broken, Registered, Store, StoredKey};
use portvakt_web::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::config::{CertifiedKey, ConfigFault, IssuerSettings};

/// A self-signed certificate outlives every rotation that anyone plans: clients warn when one in `x5c` is about to end.
const CERTIFICATE_DAYS: u32 = 3650;

/// A certificate begins this much before its key, for clients whose clock is behind.
const CERTIFICATE_LEEWAY: Seconds = Seconds::new(3600);

/// A common name has at most this many characters (RFC 5280 appendix A.1).
const LONGEST_COMMON_NAME: usize = 64;

/// How much the clocks of nodes may differ without one of them refusing to start beside the others.
const CLOCKS_DIFFER: Seconds = Seconds::new(5);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKey {
    /// The operator's own files.
    #[error("{}: {}", .0.place.path, .0.rule)]
    Files(ConfigFault),
    /// The key could not be made or read.
    #[error("a signing key could not be made: {0}")]
    Key(#[from] KeyFault),
    /// Its certificate could not be made.
    #[error("a signing key's certificate could not be made: {0}")]
    Certificate(#[from] CertificateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Broken),
    /// There are keys, and none of them signs now.
    #[error(
        "no signing key is in force at {0}: this machine's clock is behind, or was ahead when the key was made; set the clock"
    )]
    NoneInForce(String),
    /// The thread that made it ended.
    #[error("a signing key could not be made: its thread ended")]
    Thread,
}

/// Sees to it that an issuer has a signing key, durably, before it is served.
///
/// # Errors
/// [`NoKey`].
pub(crate) async fn ensure_first(store: &Store, issuer: &IssuerSettings, clock: &Clock) -> Result<(), NoKey> {
    let (provider, now) = (&issuer.provider, clock.now());
    let known = store.signing_keys(provider.issuer(), now).await?;
    if !known.is_empty() {
        compare(issuer, &known);
        return in_force(&known, now);
    }
    let brought = issuer.signing.as_ref().map(|files| files.load()).transpose().map_err(NoKey::Files)?;
    let key = match brought {
        Some(CertifiedKey { key, chain }) => stored(&key, chain, now, now)?,
        None => generate(provider, now, now).await?,
    };
    let kid = key.kid.clone();
    if add_first(store, provider.issuer(), key, clock).await? {
        tracing::info!(issuer = %provider.issuer(), kid, "first signing key");
    }
    let now = clock.now();
    in_force(&store.signing_keys(provider.issuer(), now).await?, now)
}

/// Stores a first key. Of nodes that start at once, another may have stored one meanwhile, by a clock that is ahead of this one by as
/// little as clocks differ: that is waited for.
async fn add_first(store: &Store, issuer: &Issuer, key: StoredKey, clock: &Clock) -> Result<bool, NoKey> {
    for _ in 0..CLOCKS_DIFFER.get() {
        let now = clock.now();
        match store.add_signing_key(issuer, key.clone(), now).await {
            Err(Broken::ClockBehind { published }) if published <= now + CLOCKS_DIFFER => {
                sleep(Duration::from_secs(1)).await;
            }
            added => return Ok(added?),
        }
    }
    Ok(store.add_signing_key(issuer, key, clock.now()).await?)
}

/// Whether one of these keys signs now.
fn in_force(keys: &[StoredKey], now: Timestamp) -> Result<(), NoKey> {
    let signs = keys.iter().any(|key| KeyState::of(key, now) == KeyState::Signing);
    if signs { Ok(()) } else { Err(NoKey::NoneInForce(now.to_rfc3339())) }
}

/// Tells of files that were configured for an issuer which has other keys already. Files that are gone by now are no loss.
fn compare(issuer: &IssuerSettings, known: &[StoredKey]) {
    let Some(Ok(brought)) = issuer.signing.as_ref().map(|files| files.load()) else { return };
    if known.iter().all(|known| known.kid != brought.key.kid()) {
        tracing::warn!(
            issuer = %issuer.provider.issuer(),
            kid = brought.key.kid(),
            "the configured signing key is not in use: it is read at an issuer's first start only"
        );
    }
}

/// A new key of an issuer's, with a self-signed certificate.
///
/// # Errors
/// [`NoKey`].
async fn generate(
    provider: &Provider,
    published: Timestamp,
    signs_from: Timestamp,
) -> Result<StoredKey, NoKey> {
    let common_name: String = provider.issuer().host().chars().take(LONGEST_COMMON_NAME).collect();
    // Finding primes takes up to half a second of a core.
    let made = tokio::task::spawn_blocking(move || {
        let key = RsaKey::generate()?;
        let begins = (published - CERTIFICATE_LEEWAY).unix();
        let certificate = self_signed(&key, &common_name, begins, CERTIFICATE_DAYS)?;
        stored(&key, vec![certificate], published, signs_from)
    });
    made.await.map_err(|_| NoKey::Thread)?
}

fn stored(
    key: &RsaKey,
    chain: Vec<Vec<u8>>,
    published: Timestamp,
    signs_from: Timestamp,
) -> Result<StoredKey, NoKey> {
    Ok(StoredKey {
        kid: key.kid().to_owned(),
        pkcs8: key.to_pkcs8()?,
        chain,
        published,
        signs_from,
        signs_until: None,
        removed: None,
    })
}

/// When the next key takes over, and what becomes of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Takeover {
    /// After the configured lead; the keys before it stay published until the last token that they can have signed has ended.
    AfterLead,
    /// At once; the keys before it stay published as long.
    AtOnce,
    /// At once, and the keys before it are withdrawn with everything they signed: somebody else has one of them.
    Withdrawing,
}

/// What came of a rotation, for whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotated {
    /// Where.
    pub(crate) issuer: String,
    /// The new key.
    pub(crate) kid: String,
    /// The instant from which it signs, RFC 3339.
    pub(crate) signs_from: String,
    /// The instant at which the keys before it leave the JWK Set, RFC 3339.
    pub(crate) previous_removed: String,
}

impl Rotated {
    fn of(provider: &Provider, key: &StoredKey, previous_removed: Timestamp) -> Self {
        Self {
            issuer: provider.issuer().as_str().to_owned(),
            kid: key.kid.clone(),
            signs_from: key.signs_from.to_rfc3339(),
            previous_removed: previous_removed.to_rfc3339(),
        }
    }
}

/// Publishes a new key of an issuer's.
///
/// # Errors
/// [`NoKey`].
pub(crate) async fn rotate(
    store: &Store,
    issuer: &IssuerSettings,
    takeover: Takeover,
    actor: &Actor,
    now: Timestamp,
) -> Result<Rotated, NoKey> {
    let provider = &issuer.provider;
    let (signs_from, removed) = match takeover {
        Takeover::AfterLead => (now + issuer.key_lead, previous_removed(now + issuer.key_lead)),
        Takeover::AtOnce => (now, previous_removed(now)),
        Takeover::Withdrawing => (now, now),
    };
    let key = generate(provider, now, signs_from).await?;
    let rotated = Rotated::of(provider, &key, removed);
    store.rotate_signing_key(provider.issuer(), key, removed, actor, now).await?;
    Ok(rotated)
}

/// Who rotates where nobody asked for it, as the audit names it.
const BY_SETTING: &str = "key_rotation";

/// Publishes a new key of an issuer's, to sign after the configured lead, if the newest one has signed for as long as its
/// `key_rotation`. `None`: it has not, or another process has just changed something.
///
/// # Errors
/// [`NoKey`].
pub(crate) async fn rotate_if_due(
    store: &Store,
    issuer: &IssuerSettings,
    now: Timestamp,
) -> Result<Option<Rotated>, NoKey> {
    let Some(every) = issuer.key_rotation else { return Ok(None) };
    let provider = &issuer.provider;
    // The generation first: whatever changes after it refuses what is decided here.
    let decided = store.generation().await?;
    let known = store.signing_keys(provider.issuer(), now).await?;
    let newest = known.iter().map(|key| key.signs_from).max();
    if newest.is_none_or(|newest| newest + every > now) {
        return Ok(None);
    }
    let signs_from = now + issuer.key_lead;
    let removed = previous_removed(signs_from);
    let key = generate(provider, now, signs_from).await?;
    let rotated = Rotated::of(provider, &key, removed);
    let actor = Actor(BY_SETTING.to_owned());
    let done = store.rotate_signing_key_at(provider.issuer(), key, removed, decided, &actor, now).await?;
    Ok((done == Registered::Done).then_some(rotated))
}

/// When nothing that a key signed before `signs_until` can still be valid. The bound is what a registration *may* say of access
/// tokens, not what one says now: a client registered while the old key still signs is covered too.
fn previous_removed(signs_until: Timestamp) -> Timestamp {
    signs_until + LONGEST_ACCESS_TOKEN.max(ID_TOKEN_LIFETIME)
}

/// An issuer's published keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IssuerKeys {
    /// The issuer.
    pub(crate) issuer: String,
    /// In the order in which they sign.
    pub(crate) keys: Vec<ShownKey>,
}

/// A key as it is told of. Instants are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownKey {
    /// Its name in the JWK Set.
    pub(crate) kid: String,
    /// What it does now.
    pub(crate) state: KeyState,
    /// When it was published.
    pub(crate) published: String,
    /// When it signs, or signed, first.
    pub(crate) signs_from: String,
    /// When its successor takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signs_until: Option<String>,
    /// When it leaves the JWK Set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) removed: Option<String>,
}

/// What a published key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyState {
    /// It will sign.
    Next,
    /// It signs.
    Signing,
    /// It signs no more, and what it signed can still be verified.
    Previous,
}

impl KeyState {
    fn of(key: &StoredKey, now: Timestamp) -> Self {
        if key.signs_until.is_some_and(|until| until <= now || until <= key.signs_from) {
            Self::Previous
        } else if key.signs_from <= now {
            Self::Signing
        } else {
            Self::Next
        }
    }

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Signing => "signing",
            Self::Previous => "previous",
        }
    }
}

/// The published keys of an issuer.
///
/// # Errors
/// [`Broken`].
pub(crate) async fn list(store: &Store, provider: &Provider, now: Timestamp) -> Result<IssuerKeys, Broken> {
    let keys = store.signing_keys(provider.issuer(), now).await?;
    let shown = |key: &StoredKey| ShownKey {
        kid: key.kid.clone(),
        state: KeyState::of(key, now),
        published: key.published.to_rfc3339(),
        signs_from: key.signs_from.to_rfc3339(),
        signs_until: key.signs_until.map(Timestamp::to_rfc3339),
        removed: key.removed.map(Timestamp::to_rfc3339),
    };
    Ok(IssuerKeys { issuer: provider.issuer().as_str().to_owned(), keys: keys.iter().map(shown).collect() })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::served::tests::{NOW, world};

    fn key(signs_from: i64, signs_until: Option<i64>) -> StoredKey {
        StoredKey {
            kid: "k".into(),
            pkcs8: Zeroizing::new(Vec::new()),
            chain: Vec::new(),
            published: Timestamp::from_unix(0),
            signs_from: Timestamp::from_unix(signs_from),
            signs_until: signs_until.map(Timestamp::from_unix),
            removed: None,
        }
    }

    #[test]
    fn a_next_key_that_an_emergency_stopped_never_signs() {
        for now in [60, 100, 200] {
            assert_eq!(
                KeyState::of(&key(100, Some(50)), Timestamp::from_unix(now)),
                KeyState::Previous,
                "{now}"
            );
        }
    }

    #[test]
    fn a_key_signs_from_its_first_instant_until_its_successors() {
        for (now, state) in [
            (99, KeyState::Next),
            (100, KeyState::Signing),
            (199, KeyState::Signing),
            (200, KeyState::Previous),
        ] {
            assert_eq!(KeyState::of(&key(100, Some(200)), Timestamp::from_unix(now)), state, "{now}");
        }
    }

    fn settings(site: &portvakt_web::site::Site) -> IssuerSettings {
        IssuerSettings {
            provider: site.provider.clone(),
            signing: None,
            key_lead: Seconds::days(1),
            key_rotation: None,
            verify_tokens: false,
            face: crate::config::FaceSettings::default(),
        }
    }

    #[tokio::test]
    async fn with_the_clock_before_the_keys_publication_nothing_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let (store, site) = world(&folder).await;
        let issuer = settings(&site);
        let early = NOW - Seconds::new(60);
        let at = |now: Timestamp| Clock::danger_fixed(std::sync::Arc::new(now.unix().into()));
        let refused = ensure_first(&store, &issuer, &at(early)).await.unwrap_err().to_string();
        assert!(refused.contains("clock"), "{refused}");
        ensure_first(&store, &issuer, &at(NOW)).await.unwrap();
        // A next key that is published and does not sign yet changes nothing.
        rotate(&store, &issuer, Takeover::AfterLead, &Actor("test".to_owned()), early).await.unwrap();
        assert!(ensure_first(&store, &issuer, &at(early)).await.is_err());
    }

    #[tokio::test]
    async fn a_node_whose_clock_is_a_little_behind_waits_for_the_others_first_key() {
        let folder = tempfile::tempdir().unwrap();
        let (store, site) = world(&folder).await;
        let now = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(NOW.unix() - 1));
        let clock = Clock::danger_fixed(std::sync::Arc::clone(&now));
        let ticking = tokio::spawn(async move {
            sleep(Duration::from_millis(500)).await;
            now.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        });
        ensure_first(&store, &settings(&site), &clock).await.unwrap();
        ticking.await.unwrap();
        assert_eq!(store.signing_keys(site.provider.issuer(), NOW).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_key_that_signs_long_enough_gets_one_successor_however_many_look() {
        let folder = tempfile::tempdir().unwrap();
        let (store, site) = world(&folder).await;
        let mut issuer = settings(&site);
        let every = Seconds::days(180);
        let due = NOW + every;
        assert_eq!(rotate_if_due(&store, &issuer, due).await.unwrap(), None, "nobody wished it");
        issuer.key_rotation = Some(every);
        assert_eq!(rotate_if_due(&store, &issuer, due - Seconds::new(1)).await.unwrap(), None);
        // Each decides before any other has written: what two nodes do when one is paused with the duty in its hand.
        let looks = (0..4).map(|_| {
            let (store, issuer) = (store.clone(), issuer.clone());
            tokio::spawn(async move { rotate_if_due(&store, &issuer, due).await.unwrap() })
        });
        let mut made = Vec::new();
        for look in looks.collect::<Vec<_>>() {
            made.extend(look.await.unwrap());
        }
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].signs_from, (due + issuer.key_lead).to_rfc3339(), "published before it signs");
        assert_eq!(store.signing_keys(site.provider.issuer(), due).await.unwrap().len(), 2);
        assert_eq!(rotate_if_due(&store, &issuer, due).await.unwrap(), None, "the newest is the one to come");
    }

    #[test]
    fn a_key_stays_published_as_long_as_any_registration_may_let_a_token_live() {
        let until = Timestamp::from_unix(1000);
        assert!(previous_removed(until) >= until + LONGEST_ACCESS_TOKEN);
        assert!(previous_removed(until) >= until + ID_TOKEN_LIFETIME);
    }
}
