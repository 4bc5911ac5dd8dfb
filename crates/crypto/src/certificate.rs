//! Certificates of signing keys (RFC 5280): a self-signed one for each key we make, and the chain an operator brings.
//!
//! They are published in `x5c`. Whether a *client's* certificate is to be believed (path, policy, revocation) is not
//! decided here.

use std::fmt;
use std::time::Duration;

use rcgen::{
    CertificateParams, DnType, IsCa, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SerialNumber,
    SignatureAlgorithm, SigningKey, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::digest::Sha256;
use crate::jwk::RsaPublicJwk;
use crate::signing::{RsaKey, Signer};

/// The longest chain that is read: leaf, two intermediates, root.
pub const MAX_CHAIN: usize = 4;

/// The largest certificate that is read, in bytes of DER.
const MAX_DER: usize = 16 * 1024;

/// 10000-01-01T00:00:00Z, where X.509 time ends (RFC 5280 §4.1.2.5.2).
const YEAR_10000: u64 = 253_402_300_800;

/// Why there is no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not one X.509 certificate in DER of at most 16 KiB, or not PEM.
    #[error("not an X.509 certificate")]
    Unreadable,
    /// A chain without certificates, with more than [`MAX_CHAIN`], or whose next certificate is not the issuer.
    #[error(
        "the chain must hold 1 to {MAX_CHAIN} certificates, the signing key's first, each followed by its issuer"
    )]
    Chain,
    /// A common name must have 1 to 64 characters, none of them a control character (RFC 5280 §A.1).
    #[error("a common name has 1 to 64 characters, none of them a control character")]
    CommonName,
    /// The validity is empty, or begins before 1970 or ends after 9999.
    #[error("a certificate is valid for at least one day, from 1970 on and until 9999 at the latest")]
    Validity,
    /// The key gave no signature, or the library no certificate.
    #[error("the certificate could not be signed")]
    NotSigned,
}

/// A self-signed certificate for `key`, DER, valid from `not_before_unix` (seconds since 1970) for `days`.
///
/// Its key may sign and nothing else (`digitalSignature`). The serial number follows from the other values.
///
/// # Errors
/// [`CertificateError::CommonName`], [`CertificateError::Validity`], [`CertificateError::NotSigned`].
pub fn self_signed(
    key: &RsaKey,
    common_name: &str,
    not_before_unix: i64,
    days: u32,
) -> Result<Vec<u8>, CertificateError> {
    if !(1..=64).contains(&common_name.chars().count()) || common_name.chars().any(char::is_control) {
        return Err(CertificateError::CommonName);
    }
    let from = u64::try_from(not_before_unix).map_err(|_| CertificateError::Validity)?;
    let until = from.saturating_add(u64::from(days) * 24 * 60 * 60);
    if days == 0 || until >= YEAR_10000 {
        return Err(CertificateError::Validity);
    }
    let mut params = CertificateParams::default();
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(from);
    params.not_after = epoch + Duration::from_secs(until);
    params.serial_number = Some(serial_number(key, common_name, from, until));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let certificate = params.self_signed(&CertificateKey(key)).map_err(|_| CertificateError::NotSigned)?;
    Ok(certificate.der().to_vec())
}

/// Positive and at most 20 bytes (RFC 5280 §4.1.2.2): a digest of what the certificate says, its first bit cleared
/// and its second set.
fn serial_number(key: &RsaKey, common_name: &str, from: u64, until: u64) -> SerialNumber {
    let digest = Sha256::of_parts(&[
        b"portvakt certificate serial",
        key.kid().as_bytes(),
        common_name.as_bytes(),
        &from.to_be_bytes(),
        &until.to_be_bytes(),
    ]);
    let mut serial: Vec<u8> = digest.as_bytes().iter().copied().take(16).collect();
    if let Some(top) = serial.first_mut() {
        *top = (*top & 0x7f) | 0x40;
    }
    SerialNumber::from_slice(&serial)
}

/// Lends our key to `rcgen`.
struct CertificateKey<'k>(&'k RsaKey);

impl PublicKeyData for CertificateKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_der()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for CertificateKey<'_> {
    fn sign(&self, msg: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(msg).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// A certificate that could be read. Nothing about whom to believe has been decided.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    not_before: i64,
    not_after: i64,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    /// Modulus and exponent, without leading zeros; `None` for a key that is not RSA.
    rsa: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificate {
    /// Reads one certificate.
    ///
    /// # Errors
    /// [`CertificateError::Unreadable`], also when something follows the certificate.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_DER {
            return Err(CertificateError::Unreadable);
        }
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| CertificateError::Unreadable)?;
        if !rest.is_empty() {
            return Err(CertificateError::Unreadable);
        }
        let rsa = match read.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => Some((unsigned(key.modulus), unsigned(key.exponent))),
            _ => None,
        };
        Ok(Self {
            not_before: read.validity().not_before.timestamp(),
            not_after: read.validity().not_after.timestamp(),
            subject: read.subject().as_raw().to_vec(),
            issuer: read.issuer().as_raw().to_vec(),
            rsa,
            der: der.to_vec(),
        })
    }

    /// The certificate's DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The first second of its validity, since 1970.
    #[must_use]
    pub fn not_before_unix(&self) -> i64 {
        self.not_before
    }

    /// The last second of its validity, since 1970 (RFC 5280 §4.1.2.5: both ends belong to it).
    #[must_use]
    pub fn not_after_unix(&self) -> i64 {
        self.not_after
    }

    /// Whether this certificate is for that key. An `x5c` for another key must not be published (RFC 7517 §4.7).
    #[must_use]
    pub fn matches_key(&self, key: &RsaPublicJwk) -> bool {
        self.rsa.as_ref().is_some_and(|(n, e)| n == key.n() && e == key.e())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A business certificate may name a person.
        f.debug_struct("Certificate")
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The certificates of a PEM text as DER, in its order: the signing key's own first, each followed by its issuer
/// (RFC 7517 §4.7). Names are compared, signatures are not: the operator vouches for the chain.
///
/// # Errors
/// [`CertificateError::Unreadable`], [`CertificateError::Chain`].
pub fn chain_from_pem(pem: &str) -> Result<Vec<Vec<u8>>, CertificateError> {
    let mut chain: Vec<Certificate> = Vec::new();
    for section in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let der = section.map_err(|_| CertificateError::Unreadable)?;
        let next = Certificate::parse(&der)?;
        let follows =
            chain.last().is_none_or(|previous| previous.issuer == next.subject && *previous != next);
        if !follows || chain.len() == MAX_CHAIN {
            return Err(CertificateError::Chain);
        }
        chain.push(next);
    }
    if chain.is_empty() {
        return Err(CertificateError::Chain);
    }
    Ok(chain.into_iter().map(|certificate| certificate.der).collect())
}

/// A DER INTEGER's content without the zero that keeps it positive.
fn unsigned(integer: &[u8]) -> Vec<u8> {
    integer.iter().copied().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::encoding::base64_encode;
    use crate::signing::Alg;

    static KEY: LazyLock<RsaKey> = LazyLock::new(|| RsaKey::generate().unwrap());
    static OTHER: LazyLock<RsaKey> = LazyLock::new(|| RsaKey::generate().unwrap());

    /// 2016-12-01T00:00:00Z.
    const START: i64 = 1_480_550_400;

    fn certificate(key: &RsaKey) -> Vec<u8> {
        self_signed(key, "Portvakt prøve", START, 365).unwrap()
    }

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64_encode(der))
    }

    #[test]
    fn impossible_names_and_validities_are_refused() {
        for name in ["", "a\nb", "a\0b", &"å".repeat(65)] {
            assert_eq!(self_signed(&KEY, name, START, 1), Err(CertificateError::CommonName), "{name:?}");
        }
        for (from, days) in [(START, 0), (-1, 1), (i64::MIN, 1), (i64::MAX, 1), (START, u32::MAX)] {
            assert_eq!(self_signed(&KEY, "x", from, days), Err(CertificateError::Validity), "{from} {days}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let der = certificate(&KEY);
        let longer = [der.as_slice(), b"\0"].concat();
        for der in [&b""[..], b"\x30\x00", &der[..der.len() - 1], &longer, &vec![0x30; 20_000]] {
            assert_eq!(Certificate::parse(der), Err(CertificateError::Unreadable));
        }
    }

    #[test]
    fn cut_and_flipped_certificates_never_panic() {
        let der = certificate(&KEY);
        for at in 0..der.len() {
            let _ = Certificate::parse(&der[..at]);
            let mut changed = der.clone();
            changed[at] ^= 0xff;
            let _ = Certificate::parse(&changed);
        }
    }

    #[test]
    fn a_certificate_says_what_it_was_made_of() {
        let read = Certificate::parse(&certificate(&KEY)).unwrap();
        assert!(!read.matches_key(OTHER.public_jwk()));
        assert!(read.matches_key(KEY.public_jwk()));
        assert_eq!(read.not_before_unix(), START);
        assert_eq!(read.not_after_unix(), START + 365 * 86_400);
        // 2050 and later is written as GeneralizedTime (RFC 5280 §4.1.2.5).
        let far = self_signed(&KEY, "x", START, 20_000).unwrap();
        assert_eq!(Certificate::parse(&far).unwrap().not_after_unix(), START + 20_000 * 86_400);
    }

    #[test]
    fn its_signature_and_usage_hold() {
        let der = certificate(&KEY);
        let (_, read) = X509Certificate::from_der(&der).unwrap();
        let tbs = read.tbs_certificate.as_ref();
        KEY.public_jwk().parsed().verify_sig(tbs, &read.signature_value.data).unwrap();
        let usage = read.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && !usage.key_cert_sign());
        assert!(!read.is_ca());
        assert!(read.raw_serial().len() <= 20);
        assert_eq!(read.subject().to_string(), "CN=Portvakt prøve");
    }

    #[test]
    fn a_chain_in_another_order_or_of_another_length_is_refused() {
        let leaf = certificate(&KEY);
        let stranger = self_signed(&OTHER, "another", START, 365).unwrap();
        assert_eq!(chain_from_pem(""), Err(CertificateError::Chain));
        assert_eq!(chain_from_pem("no PEM"), Err(CertificateError::Chain));
        assert_eq!(chain_from_pem(&(pem(&leaf) + &pem(&stranger))), Err(CertificateError::Chain));
        assert_eq!(chain_from_pem(&pem(&leaf).repeat(2)), Err(CertificateError::Chain), "one twice");
        assert_eq!(chain_from_pem(&pem(b"\x30\x00")), Err(CertificateError::Unreadable));
        assert_eq!(chain_from_pem("-----BEGIN CERTIFICATE-----\nMII"), Err(CertificateError::Unreadable));
        // Five that name each other as issuer.
        let ring: String = (1..=5).map(|days| pem(&self_signed(&KEY, "x", START, days).unwrap())).collect();
        assert_eq!(chain_from_pem(&ring), Err(CertificateError::Chain));
        assert_eq!(chain_from_pem(&pem(&leaf)), Ok(vec![leaf]));
    }

    #[test]
    fn rfc7517_s4_7_an_x5c_for_another_key_is_refused() {
        let jwk = |chain: &[Vec<u8>]| KEY.public_jwk().to_json(KEY.kid(), Alg::Rs256, chain).to_string();
        assert!(RsaPublicJwk::parse(jwk(&[certificate(&OTHER)]).as_bytes()).is_err());
        assert!(RsaPublicJwk::parse(jwk(&[vec![1, 2, 3]]).as_bytes()).is_err());
        assert!(RsaPublicJwk::parse(jwk(&[certificate(&KEY)]).as_bytes()).is_ok());
    }
}
