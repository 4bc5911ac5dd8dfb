//! The issuers as they are being served, and how changed signing keys come into use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use portvakt_web::site::{Site, SiteFault};
use tokio::sync::Mutex;

/// The sites of a running server; none where a command opens the folder itself.
#[derive(Debug, Default)]
pub(crate) struct Served {
    sites: Vec<Keyed>,
    /// Held while keys are read and taken over. Of two at once, the one that read first could else take over last, and what
    /// the other had read would be lost until the next change.
    taking_over: Mutex<()>,
}

/// A site, and whether its keys are known to have changed in the store since they were taken over.
#[derive(Debug)]
struct Keyed {
    site: Arc<Site>,
    changed: AtomicBool,
}

impl Served {
    /// These sites.
    pub(crate) fn new(sites: Vec<Arc<Site>>) -> Self {
        let sites = sites.into_iter().map(|site| Keyed { site, changed: AtomicBool::new(false) }).collect();
        Self { sites, taking_over: Mutex::new(()) }
    }

    /// Takes over an issuer's signing keys, which have changed in the store.
    ///
    /// # Errors
    /// They could not be taken over. Those in use stay, and [`Self::follow`] tries again.
    pub(crate) async fn keys_changed(&self, issuer: &Issuer) -> Result<(), SiteFault> {
        for keyed in self.sites.iter().filter(|keyed| keyed.site.provider.issuer() == issuer) {
            keyed.changed.store(true, Ordering::Release);
            self.take_over(keyed).await?;
        }
        Ok(())
    }

    /// Takes over the signing keys of every site whose keys have changed in the store, or are not what they should be at `now`.
    /// A failure is logged, and the keys in use stay until the next call.
    pub(crate) async fn follow(&self, now: Timestamp) {
        for keyed in &self.sites {
            if !keyed.changed.load(Ordering::Acquire) && !keyed.site.keys.is_stale(now) {
                continue;
            }
            if let Err(fault) = self.take_over(keyed).await {
                let issuer = keyed.site.provider.issuer();
                tracing::error!(target: "broken", %issuer, cause = %fault, "signing keys not taken over");
            }
        }
    }

    async fn take_over(&self, keyed: &Keyed) -> Result<(), SiteFault> {
        let _held = self.taking_over.lock().await;
        // Cleared before the store is read: a change after that sets the mark again.
        keyed.changed.store(false, Ordering::Release);
        keyed.site.refresh_keys().await.inspect_err(|_| keyed.changed.store(true, Ordering::Release))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use portvakt_crypto::random::Random;
    use portvakt_crypto::signing::{RsaKey, Signer};
    use portvakt_protocol::profile::IDPORTEN;
    use portvakt_protocol::provider::{Environment, Provider};
    use portvakt_protocol::time::Seconds;
    use portvakt_store::{MasterKey, Opening, Store, StoreUrl, StoredKey};
    use portvakt_web::clock::Clock;
    use zeroize::Zeroizing;

    use super::*;

    /// When these scenes begin.
    pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_480_593_600);

    /// An issuer with one signing key, served from a folder, at a time that stands still.
    pub(crate) async fn world(folder: &tempfile::TempDir) -> (Store, Arc<Site>) {
        let random = Random::system();
        let opening = Opening {
            url: StoreUrl::Folder(folder.path().join("data")),
            master: MasterKey::draw(&random),
            previous_master: None,
            random: random.clone(),
            now: NOW,
        };
        let store = Store::open(opening).await.unwrap();
        let provider =
            Provider::new("https://a.example", None, &IDPORTEN, Environment::Test, None, "1").unwrap();
        assert!(store.add_signing_key(provider.issuer(), good_key(), NOW).await.unwrap());
        let clock = Clock::danger_fixed(Arc::new(NOW.unix().into()));
        let site = Site::load(provider, store.clone(), clock, random).await.unwrap();
        (store, Arc::new(site))
    }

    fn good_key() -> StoredKey {
        let key = RsaKey::generate().unwrap();
        StoredKey { kid: key.kid().to_owned(), pkcs8: key.to_pkcs8().unwrap(), ..broken_key() }
    }

    /// A key that the store takes and no ring can use.
    pub(crate) fn broken_key() -> StoredKey {
        StoredKey {
            kid: "broken".to_owned(),
            pkcs8: Zeroizing::new(b"no key".to_vec()),
            chain: Vec::new(),
            published: NOW,
            signs_from: NOW,
            signs_until: None,
            removed: None,
        }
    }

    #[tokio::test]
    async fn keys_that_could_not_be_taken_over_are_tried_again_until_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (store, site) = world(&folder).await;
        let issuer = site.provider.issuer().clone();
        let served = Served::new(vec![Arc::clone(&site)]);
        let first = site.keys.jwks();

        store
            .rotate_signing_key(
                &issuer,
                broken_key(),
                NOW + Seconds::days(1),
                &portvakt_store::Actor("test".to_owned()),
                NOW,
            )
            .await
            .unwrap();
        assert!(served.keys_changed(&issuer).await.is_err(), "whoever changed them is told");
        assert_eq!(site.keys.jwks(), first, "the keys in use stay");

        let good = good_key();
        let kid = good.kid.clone();
        store
            .rotate_signing_key(&issuer, good, NOW, &portvakt_store::Actor("test".to_owned()), NOW)
            .await
            .unwrap();
        assert!(!site.keys.is_stale(NOW), "nothing but the mark says that they changed");
        served.follow(NOW).await;
        let now_served = String::from_utf8(site.keys.jwks().to_vec()).unwrap();
        assert!(now_served.contains(&kid), "{now_served}");

        store
            .rotate_signing_key(&issuer, good_key(), NOW, &portvakt_store::Actor("test".to_owned()), NOW)
            .await
            .unwrap();
        served.follow(NOW).await;
        assert_eq!(site.keys.jwks(), now_served, "and once they are, not again");
    }
}
