//! The issuers as they are being served, and how signing keys that changed in the store come into use: by whose command, and at which
//! node, makes no difference.

use std::sync::Arc;

use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::time::Timestamp;
use portvakt_web::keys::NotTakenOver;
use portvakt_web::site::Site;

/// The sites of a running server; none where a command opens the store itself.
#[derive(Debug, Default)]
pub(crate) struct Served {
    sites: Vec<Arc<Site>>,
}

impl Served {
    /// These sites.
    pub(crate) fn new(sites: Vec<Arc<Site>>) -> Self {
        Self { sites }
    }

    /// Takes over an issuer's signing keys, which have changed in the store.
    ///
    /// # Errors
    /// They could not be taken over. Those here sign nothing from now on, and [`Self::follow`] tries again.
    pub(crate) async fn keys_changed(&self, issuer: &Issuer) -> Result<(), NotTakenOver> {
        for site in self.sites.iter().filter(|site| site.provider.issuer() == issuer) {
            site.refresh_keys().await?;
        }
        Ok(())
    }

    /// Takes over the signing keys of every site whose keys are older than what the store says, or are not what they should be at
    /// `now`, and tells whether all are as they should be. A failure is logged.
    pub(crate) async fn follow(&self, now: Timestamp) -> bool {
        let mut followed = true;
        for site in &self.sites {
            // A store that has not been heard for a second is being asked already. Until it answers, keys sign nothing anyway.
            if site.store.current().is_none() || site.keys_hold() && !site.keys.is_stale(now) {
                continue;
            }
            if let Err(fault) = site.refresh_keys().await {
                let issuer = site.provider.issuer();
                tracing::error!(target: "broken", %issuer, cause = %fault, "signing keys not taken over");
            }
            followed &= site.keys_hold() && !site.keys.is_stale(now);
        }
        followed
    }

    /// Every issuer that is served.
    pub(crate) fn sites(&self) -> &[Arc<Site>] {
        &self.sites
    }

    /// When an issuer's newest key signs first, as far as is known here.
    pub(crate) fn newest_key(&self, issuer: &Issuer) -> Option<Timestamp> {
        let site = self.sites.iter().find(|site| site.provider.issuer() == issuer)?;
        site.keys.newest()
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
        assert!(!served.follow(NOW).await);
        assert_eq!(site.keys.jwks(), first, "the keys in use stay");

        let good = good_key();
        let kid = good.kid.clone();
        store
            .rotate_signing_key(&issuer, good, NOW, &portvakt_store::Actor("test".to_owned()), NOW)
            .await
            .unwrap();
        assert!(!site.keys.is_stale(NOW), "nothing but the generation says that they changed");
        assert!(!site.keys_hold(), "and until they are here, none signs");
        assert!(served.follow(NOW).await);
        assert!(site.keys_hold());
        let now_served = String::from_utf8(site.keys.jwks().to_vec()).unwrap();
        assert!(now_served.contains(&kid), "{now_served}");

        let before = site.keys.of();
        assert!(served.follow(NOW).await);
        assert_eq!(site.keys.of(), before);
        assert_eq!(site.keys.jwks(), now_served, "and once they are, not again");
    }
}
