//! An issuer's signing keys in use: which one signs now, which are published, and the JWK Set's bytes. They are a copy of what is stored,
//! and know of which generation: several nodes share a store, and a copy that is older than what the store says signs and verifies
//! nothing ([`crate::site::Site::signing_key`]). It is still published: whoever fetches a JWK Set may keep it for an hour anyway.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use bytes::Bytes;
use portvakt_crypto::jws::{self, Compact, Head, Header, VerifyingKey};
use portvakt_crypto::signing::{Alg, KeyFault, RsaKey, Signer, SigningFailed};
use portvakt_protocol::provider::Provider;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::token::Signed;
use portvakt_store::{Broken, Generation, StoredKey};
use portvakt_verifier::{Expected, Fault};
use serde_json::json;

/// How long anybody may keep the JWK Set after fetching it: a key that signs sooner after it was published is unknown to some.
pub const JWKS_MAX_AGE: Seconds = Seconds::new(3600);

/// The keys of one issuer; swapped whole when they change.
#[derive(Debug)]
pub struct KeyRing(ArcSwap<Keys>);

#[derive(Debug)]
struct Keys {
    /// The generation that was current before they were read: they may be newer, never older.
    of: Generation,
    keys: Vec<Key>,
    jwks: Bytes,
    /// The JWK Set as whoever fetches it reads it: parsed when it is first asked for, from the bytes that are sent.
    published: OnceLock<Result<portvakt_verifier::Keys, Fault>>,
}

#[derive(Debug)]
struct Key {
    signer: RsaKey,
    verifying: VerifyingKey,
    id_token_head: Head,
    access_token_head: Head,
    signs_from: Timestamp,
    signs_until: Option<Timestamp>,
    removed: Option<Timestamp>,
}

/// The key that signs now.
#[derive(Debug)]
pub struct InForce {
    keys: Arc<Keys>,
    at: usize,
}

impl InForce {
    /// Its name in the JWK Set.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.keys.keys.get(self.at).map(|key| key.verifying.kid())
    }

    /// The generation that its ring is of.
    pub(crate) fn of(&self) -> Generation {
        self.keys.of
    }

    /// Signs a token's claims, given as JSON.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn sign(&self, kind: Signed, claims: &[u8]) -> Result<String, NotSigned> {
        let key = self.keys.keys.get(self.at).ok_or(NotSigned::NoKey)?;
        let head = match kind {
            Signed::IdToken => &key.id_token_head,
            Signed::AccessToken => &key.access_token_head,
        };
        Ok(jws::sign_with_head(head, &key.signer, claims)?)
    }

    /// Judges a token response as whoever has fetched this JWK Set will.
    ///
    /// # Errors
    /// [`NotSigned::Misread`].
    pub(crate) fn judge(&self, body: &[u8], expected: &Expected<'_>) -> Result<(), NotSigned> {
        let published = self.keys.published.get_or_init(|| portvakt_verifier::Keys::parse(&self.keys.jwks));
        match published {
            Ok(keys) => Ok(keys.verify_response(body, expected)?),
            Err(fault) => Err(fault.clone().into()),
        }
    }
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// No key signs at this instant.
    #[error("no signing key is in force")]
    NoKey,
    /// The keys here are older than what is stored, and cannot be had anew in time.
    #[error("the signing keys here may have been withdrawn: the store was not heard")]
    Outdated,
    /// They are older than what is stored, and could not be had anew.
    #[error(transparent)]
    NotTakenOver(#[from] NotTakenOver),
    /// The key failed.
    #[error(transparent)]
    Failed(#[from] SigningFailed),
    /// Claims that cannot be written as JSON.
    #[error("the claims cannot be serialised")]
    Claims(#[from] serde_json::Error),
    /// The independent verifier refuses what was signed.
    #[error("what was signed does not verify: {0}")]
    Misread(#[from] Fault),
}

impl NotSigned {
    /// Whether it may be otherwise in a moment.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Outdated | Self::NotTakenOver(NotTakenOver::Store(_)) => true,
            Self::NoKey
            | Self::NotTakenOver(NotTakenOver::Unreadable(_))
            | Self::Failed(_)
            | Self::Claims(_)
            | Self::Misread(_) => false,
        }
    }
}

/// Why stored keys were not taken over; those in use stay, and are published.
#[derive(Debug, thiserror::Error)]
pub enum NotTakenOver {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Broken),
    /// A stored key cannot be read.
    #[error("a stored signing key cannot be used: {0}")]
    Unreadable(#[from] KeyFault),
}

impl KeyRing {
    /// The ring of these stored keys, read when `of` was current or later.
    ///
    /// # Errors
    /// [`KeyFault`] if a stored key cannot be read.
    pub fn new(provider: &Provider, of: Generation, stored: &[StoredKey]) -> Result<Self, KeyFault> {
        Ok(Self(ArcSwap::from_pointee(Keys::new(provider, of, stored)?)))
    }

    /// Replaces the keys. One replaces at a time: of two, what was read first could else come last.
    ///
    /// # Errors
    /// [`KeyFault`] if a stored key cannot be read; the ring stays as it was.
    pub fn replace(&self, provider: &Provider, of: Generation, stored: &[StoredKey]) -> Result<(), KeyFault> {
        self.0.store(Arc::new(Keys::new(provider, of, stored)?));
        Ok(())
    }

    /// The generation that the ring is of.
    pub fn of(&self) -> Generation {
        self.0.load().of
    }

    /// When the newest key signs first, if there is any.
    pub fn newest(&self) -> Option<Timestamp> {
        self.0.load().keys.iter().map(|key| key.signs_from).max()
    }

    /// The JWK Set (RFC 7517 §5), ready to send.
    pub fn jwks(&self) -> Bytes {
        self.0.load().jwks.clone()
    }

    /// Whether the store may know better: a key was to leave the JWK Set by now and is still in it, or none is in force.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let keys = self.0.load();
        let overdue = keys.keys.iter().any(|key| key.removed.is_some_and(|removed| removed <= now));
        overdue || keys.in_force(now).is_none()
    }

    /// The key in force: its time to sign has come, and its successor's has not. Taken before anything is spent on a signature.
    ///
    /// # Errors
    /// [`NotSigned::NoKey`].
    pub fn in_force(&self, now: Timestamp) -> Result<InForce, NotSigned> {
        let keys = self.0.load_full();
        let at = keys.in_force(now).ok_or(NotSigned::NoKey)?;
        Ok(InForce { keys, at })
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
    fn new(provider: &Provider, of: Generation, stored: &[StoredKey]) -> Result<Self, KeyFault> {
        let mut keys = Vec::with_capacity(stored.len());
        let mut published = Vec::with_capacity(stored.len());
        for key in stored {
            let signer = RsaKey::from_pkcs8(&key.pkcs8)?;
            published.push(signer.public_jwk().to_json(signer.kid(), Alg::Rs256, &key.chain));
            let x5c: &[Vec<u8>] = if provider.profile().x5c_in_header { &key.chain } else { &[] };
            let id_token_head = Head::new(&signer, &Header { typ: None, x5c });
            let typ = provider.profile().access_token_typ;
            let access_token_head = Head::new(&signer, &Header { typ, x5c });
            let verifying = VerifyingKey::from_rsa_key(&signer);
            let StoredKey { signs_from, signs_until, removed, .. } = *key;
            keys.push(Key {
                signer,
                verifying,
                id_token_head,
                access_token_head,
                signs_from,
                signs_until,
                removed,
            });
        }
        let jwks = Bytes::from(json!({ "keys": published }).to_string());
        Ok(Self { of, keys, jwks, published: OnceLock::new() })
    }

    /// Where the key stands that signs at `now`.
    fn in_force(&self, now: Timestamp) -> Option<usize> {
        let signs =
            |key: &Key| key.signs_from <= now && key.signs_until.is_none_or(|signs_until| now < signs_until);
        let latest =
            self.keys.iter().enumerate().filter(|(_, key)| signs(key)).max_by_key(|(_, key)| key.signs_from);
        latest.map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::profile::IDPORTEN;
    use portvakt_protocol::provider::Environment;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn a_ring_is_stale_while_no_key_is_in_force_and_once_one_was_to_leave() {
        let provider =
            Provider::new("https://a.example", None, &IDPORTEN, Environment::Test, None, "1").unwrap();
        assert!(KeyRing::new(&provider, Generation(1), &[]).unwrap().is_stale(at(100)), "no key at all");
        let key = RsaKey::generate().unwrap();
        let stored = StoredKey {
            kid: key.kid().to_owned(),
            pkcs8: key.to_pkcs8().unwrap(),
            chain: Vec::new(),
            published: at(100),
            signs_from: at(100),
            signs_until: Some(at(200)),
            removed: Some(at(300)),
        };
        let ring = KeyRing::new(&provider, Generation(1), &[stored]).unwrap();
        for (now, stale) in [(99, true), (100, false), (199, false), (200, true), (300, true)] {
            assert_eq!(ring.is_stale(at(now)), stale, "{now}");
        }
    }
}
