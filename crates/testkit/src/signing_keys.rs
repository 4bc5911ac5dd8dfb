//! Signing keys, made once for a process: an RSA key costs more than a whole scene.

use std::sync::{LazyLock, Mutex};

use portvakt_crypto::certificate::self_signed;
use portvakt_crypto::signing::{RsaKey, Signer};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::StoredKey;

static KEYS: LazyLock<Mutex<Vec<StoredKey>>> = LazyLock::new(Mutex::default);

/// The `number`th key of this process, published and signing from `now` on.
pub(crate) fn signing_key(number: usize, now: Timestamp) -> StoredKey {
    let mut keys = KEYS.lock().expect("keys");
    while keys.len() <= number {
        keys.push(generate(now));
    }
    keys.get(number).expect("a key").clone()
}

fn generate(now: Timestamp) -> StoredKey {
    let key = RsaKey::generate().expect("a key");
    let certificate = self_signed(&key, "Portvakt test", (now - Seconds::days(1)).unix(), 3650);
    StoredKey {
        kid: key.kid().to_owned(),
        pkcs8: key.to_pkcs8().expect("PKCS #8"),
        chain: vec![certificate.expect("a certificate")],
        published: now,
        signs_from: now,
        signs_until: None,
        removed: None,
    }
}
