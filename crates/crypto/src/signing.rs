//! Keys that sign: RSA for RS256, P-256 for ES256, and whatever else implements [`Signer`].
//!
//! An RSA signature costs 240 to 810 µs by machine and is most of what a token costs, so what is spent inside
//! signatures can be measured apart from the rest: [`measure_signatures`].

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustix::time::{ClockId, clock_gettime};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::jwk::{EcPublicJwk, JwkFault, RsaPublicJwk};

/// The signature algorithms of the house (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Alg {
    /// The `alg` value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of an `alg` value, which is case-sensitive (RFC 7515 §4.1.1). `None` for all others.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256].into_iter().find(|alg| alg.as_str() == value)
    }
}

/// A key that signs, wherever it lies. It may be slow or fail: a security module is reached over a wire.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The one algorithm of this key (RFC 8725 §3.1: one key, one algorithm).
    fn alg(&self) -> Alg;

    /// The key's name in the JWK Set.
    fn kid(&self) -> &str;

    /// Signs the JWS signing input (RFC 7515 §5.1). An ES256 signature is `r || s`, 64 bytes (RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`SigningFailed::Key`] when the key or its module gives no signature.
    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SigningFailed>;
}

/// No signature was made. The fault is ours, never a client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningFailed {
    /// The key, or the module that holds it, gave no signature.
    #[error("the signing key gave no signature")]
    Key,
    /// A header made for one key was to be signed with another, which nobody could verify.
    #[error("the prepared header belongs to another signing key")]
    HeadOfAnotherKey,
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The text or DER is no private key of this kind. An encrypted one is not read either.
    #[error("not an unencrypted private key of the expected kind (PKCS#8)")]
    Unreadable,
    /// A readable key whose public half is not acceptable.
    #[error("the private key is not acceptable: {0}")]
    Unacceptable(#[from] JwkFault),
    /// The library could not generate or write a key.
    #[error("a private key could not be generated or written")]
    Library,
}

/// An RSA signing key for RS256. Its `kid` is its thumbprint.
pub struct RsaKey {
    pair: RsaKeyPair,
    public: RsaPublicJwk,
    kid: String,
}

impl RsaKey {
    /// A new key of 2048 bits. Takes 50 to 500 ms, by luck.
    ///
    /// # Errors
    /// [`KeyFault::Library`].
    pub fn generate() -> Result<Self, KeyFault> {
        Self::of(RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyFault::Library)?)
    }

    /// The key in a PKCS#8 `PrivateKeyInfo` (RFC 5208), consistent in itself and of 2048 to 4096 bits.
    ///
    /// # Errors
    /// [`KeyFault::Unreadable`], [`KeyFault::Unacceptable`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFault> {
        Self::of(RsaKeyPair::from_pkcs8(der).map_err(|_| KeyFault::Unreadable)?)
    }

    /// The first private key of a PEM text: `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    /// As [`RsaKey::from_pkcs8`]; an encrypted key is [`KeyFault::Unreadable`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyFault> {
        let pair = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyFault::Unreadable)? {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Sec1(_) | _ => return Err(KeyFault::Unreadable),
        };
        Self::of(pair.map_err(|_| KeyFault::Unreadable)?)
    }

    fn of(pair: RsaKeyPair) -> Result<Self, KeyFault> {
        let half = pair.public_key();
        let public = RsaPublicJwk::from_components(
            half.modulus().big_endian_without_leading_zero(),
            half.exponent().big_endian_without_leading_zero(),
        )?;
        let kid = public.thumbprint();
        Ok(Self { pair, public, kid })
    }

    /// The key as PKCS#8, to be sealed and stored. The text is cleared when dropped.
    ///
    /// # Errors
    /// [`KeyFault::Library`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let der = self.pair.as_der().map_err(|_| KeyFault::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// The public half.
    #[must_use]
    pub fn public_jwk(&self) -> &RsaPublicJwk {
        &self.public
    }

    /// The public half as a PKCS#1 `RSAPublicKey`, for a certificate.
    pub(crate) fn public_der(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }
}

impl Signer for RsaKey {
    fn alg(&self) -> Alg {
        Alg::Rs256
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        measured(|| {
            let mut signature = vec![0; self.public.n().len()];
            self.pair
                .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signing_input, &mut signature)
                .map_err(|_| SigningFailed::Key)?;
            Ok(signature)
        })
    }
}

/// A P-256 signing key for ES256. Its `kid` is its thumbprint.
pub struct EcKey {
    pair: EcdsaKeyPair,
    public: EcPublicJwk,
    kid: String,
}

impl EcKey {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyFault::Library`].
    pub fn generate() -> Result<Self, KeyFault> {
        Self::of(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyFault::Library)?)
    }

    /// The key in a PKCS#8 `PrivateKeyInfo` (RFC 5208).
    ///
    /// # Errors
    /// [`KeyFault::Unreadable`], also for another curve.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFault> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
        Self::of(pair.map_err(|_| KeyFault::Unreadable)?)
    }

    fn of(pair: EcdsaKeyPair) -> Result<Self, KeyFault> {
        // SEC 1 §2.3.3: 4, then both coordinates.
        let (_, point) = pair.public_key().as_ref().split_first().ok_or(KeyFault::Library)?;
        let (x, y) = point.split_first_chunk().ok_or(KeyFault::Library)?;
        let y = y.try_into().map_err(|_| KeyFault::Library)?;
        let public = EcPublicJwk::from_coordinates(*x, y)?;
        let kid = public.thumbprint();
        Ok(Self { pair, public, kid })
    }

    /// The key as PKCS#8, to be sealed and stored. The text is cleared when dropped.
    ///
    /// # Errors
    /// [`KeyFault::Library`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let der = self.pair.to_pkcs8v1().map_err(|_| KeyFault::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// The public half.
    #[must_use]
    pub fn public_jwk(&self) -> &EcPublicJwk {
        &self.public
    }
}

impl Signer for EcKey {
    fn alg(&self) -> Alg {
        Alg::Es256
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        measured(|| {
            let signature = self.pair.sign(&SystemRandom::new(), signing_input);
            Ok(signature.map_err(|_| SigningFailed::Key)?.as_ref().to_vec())
        })
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({}, ***)", self.kid)
    }
}

impl fmt::Debug for EcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EcKey({}, ***)", self.kid)
    }
}

static MEASURING: AtomicBool = AtomicBool::new(false);
static SIGNATURES: AtomicU64 = AtomicU64::new(0);
static NANOS: AtomicU64 = AtomicU64::new(0);

/// Turns the measuring of signatures on or off for the whole process. Off at start, it costs one relaxed load per
/// signature; on, two readings of the thread's CPU clock.
pub fn measure_signatures(on: bool) {
    MEASURING.store(on, Ordering::Relaxed);
}

/// CPU time spent inside signatures while measuring was on, in nanoseconds, over all threads since the start.
#[must_use]
pub fn signature_cpu_nanos() -> u64 {
    NANOS.load(Ordering::Relaxed)
}

/// Signatures attempted while measuring was on, over all threads since the start.
#[must_use]
pub fn signature_count() -> u64 {
    SIGNATURES.load(Ordering::Relaxed)
}

fn measured<T>(sign: impl FnOnce() -> T) -> T {
    if !MEASURING.load(Ordering::Relaxed) {
        return sign();
    }
    let before = thread_cpu_nanos();
    let signed = sign();
    NANOS.fetch_add(thread_cpu_nanos().saturating_sub(before), Ordering::Relaxed);
    SIGNATURES.fetch_add(1, Ordering::Relaxed);
    signed
}

/// A thread's CPU time fits: 2^64 ns are 584 years, and neither field is ever negative.
fn thread_cpu_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused() {
        let ec = EcKey::generate().unwrap().to_pkcs8().unwrap();
        for der in [&b""[..], b"\x30\x00", &[0x30; 64], &ec] {
            assert_eq!(RsaKey::from_pkcs8(der).unwrap_err(), KeyFault::Unreadable);
        }
        assert_eq!(EcKey::from_pkcs8(&ec[1..]).unwrap_err(), KeyFault::Unreadable);
        for pem in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not PEM at all"] {
            assert_eq!(RsaKey::from_pem(pem).unwrap_err(), KeyFault::Unreadable);
        }
    }

    #[test]
    fn only_exact_alg_values_are_known() {
        for value in ["", "rs256", "RS256 ", "RS384", "HS256", "none", "PS256", "EdDSA"] {
            assert_eq!(Alg::parse(value), None, "{value:?}");
        }
        assert_eq!(Alg::parse("RS256"), Some(Alg::Rs256));
        assert_eq!(Alg::parse("ES256"), Some(Alg::Es256));
    }

    #[test]
    fn a_key_survives_storage() {
        let key = RsaKey::generate().unwrap();
        let again = RsaKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(again.public_jwk(), key.public_jwk());
        assert_eq!(key.kid(), key.public_jwk().thumbprint());
        // PKCS#1 v1.5 signatures have no randomness.
        assert_eq!(again.sign(b"x").unwrap(), key.sign(b"x").unwrap());
        assert_eq!(key.sign(b"x").unwrap().len(), 256);

        let key = EcKey::generate().unwrap();
        let again = EcKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!((again.kid(), again.public_jwk()), (key.kid(), key.public_jwk()));
        assert_eq!(key.sign(b"x").unwrap().len(), 64);
    }

    #[test]
    fn debug_shows_the_kid_and_no_key() {
        let key = EcKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("EcKey({}, ***)", key.kid()));
        let key = RsaKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("RsaKey({}, ***)", key.kid()));
    }
}
