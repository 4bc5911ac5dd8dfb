//! An issuer's signing keys in use: which one signs now, which are published, and the JWK Set's bytes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use portvakt_crypto::jws::{self, Compact, Head, Header, VerifyingKey};
use portvakt_crypto::signing::{Alg, KeyFault, RsaKey, Signer, SigningFailed};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::time::Timestamp;
use portvakt_store::StoredKey;
use serde::Serialize;
use serde_json::json;

/// The keys of one issuer; swapped whole when they change.
#[derive(Debug)]
pub struct KeyRing(ArcSwap<Keys>);

#[derive(Debug)]
struct Keys {
    keys: Vec<Key>,
    jwks: Bytes,
}

#[derive(Debug)]
struct Key {
    signer: RsaKey,
    verifying: VerifyingKey,
    head: Head,
    signs_from: Timestamp,
    signs_until: Option<Timestamp>,
    removed: Option<Timestamp>,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// No key signs at this instant.
    #[error("no signing key is in force")]
    NoKey,
    /// The key failed.
    #[error(transparent)]
    Failed(#[from] SigningFailed),
    /// Claims that cannot be written as JSON.
    #[error("the claims cannot be serialised")]
    Claims(#[from] serde_json::Error),
}

impl KeyRing {
    /// The ring of these stored keys.
    ///
    /// # Errors
    /// [`KeyFault`] if a stored key cannot be read.
    pub fn new(provider: &Provider, stored: &[StoredKey]) -> Result<Self, KeyFault> {
        Ok(Self(ArcSwap::from_pointee(Keys::new(provider, stored)?)))
    }

    /// Replaces the keys.
    ///
    /// # Errors
    /// [`KeyFault`] if a stored key cannot be read; the ring stays as it was.
    pub fn replace(&self, provider: &Provider, stored: &[StoredKey]) -> Result<(), KeyFault> {
        self.0.store(Arc::new(Keys::new(provider, stored)?));
        Ok(())
    }

    /// The JWK Set (RFC 7517 §5), ready to send.
    pub fn jwks(&self) -> Bytes {
        self.0.load().jwks.clone()
    }

    /// Whether a key was to leave the JWK Set by now and is still in it.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.0.load().keys.iter().any(|key| key.removed.is_some_and(|removed| removed <= now))
    }

    /// Signs claims with the key in force: its time to sign has come, and its successor's has not.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn sign(&self, claims: &impl Serialize, now: Timestamp) -> Result<String, NotSigned> {
        let keys = self.0.load();
        let in_force =
            |key: &&Key| key.signs_from <= now && key.signs_until.is_none_or(|signs_until| now < signs_until);
        let key =
            keys.keys.iter().filter(in_force).max_by_key(|key| key.signs_from).ok_or(NotSigned::NoKey)?;
        Ok(jws::sign_with_head(&key.head, &key.signer, &serde_json::to_vec(claims)?)?)
    }

    /// The payload of a JWT that a published key of this issuer signed; `None` for anything else.
    pub fn verify(&self, token: &str) -> Option<Vec<u8>> {
        let compact = Compact::parse(token).ok()?;
        let keys = self.0.load();
        let key = keys.keys.iter().find(|key| compact.kid() == Some(key.verifying.kid()))?;
        jws::verify(&compact, &key.verifying).ok()
    }
}

impl Keys {
    fn new(provider: &Provider, stored: &[StoredKey]) -> Result<Self, KeyFault> {
        let mut keys = Vec::with_capacity(stored.len());
        let mut published = Vec::with_capacity(stored.len());
        for key in stored {
            let signer = RsaKey::from_pkcs8(&key.pkcs8)?;
            published.push(signer.public_jwk().to_json(signer.kid(), Alg::Rs256, &key.chain));
            let x5c: &[Vec<u8>] = if provider.profile().x5c_in_header { &key.chain } else { &[] };
            let head = Head::new(&signer, &Header { typ: None, x5c });
            let verifying = VerifyingKey::from_rsa_key(&signer);
            let StoredKey { signs_from, signs_until, removed, .. } = *key;
            keys.push(Key { signer, verifying, head, signs_from, signs_until, removed });
        }
        let jwks = Bytes::from(json!({ "keys": published }).to_string());
        Ok(Self { keys, jwks })
    }
}
