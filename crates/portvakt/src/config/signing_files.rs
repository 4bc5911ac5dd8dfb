//! An issuer's first signing key, when the operator brings it with its certificate.

use std::path::{Path, PathBuf};

use portvakt_crypto::certificate::{Certificate, chain_from_pem};
use portvakt_crypto::signing::RsaKey;
use portvakt_protocol::registration::Shown;
use zeroize::Zeroizing;

use super::fault::{ConfigFault, Place};
use super::key_file::KeyFile;
use super::reader::{At, Keys, Page};

/// Where key and certificate are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SigningFiles {
    certificate: PathBuf,
    key: PathBuf,
    place: Place,
}

/// A key and the certificate chain that is published with it: its own first, DER.
#[derive(Debug)]
pub(crate) struct CertifiedKey {
    /// The private key.
    pub(crate) key: RsaKey,
    /// The chain.
    pub(crate) chain: Vec<Vec<u8>>,
}

/// Reads `{ certificate = "…", key = "…" }`, two files relative to `folder`, and where the table stands.
pub(super) fn pair_of_files(
    page: &mut Page,
    keys: &mut Keys<'_>,
    name: &str,
    folder: &Path,
) -> Option<(PathBuf, PathBuf, Place)> {
    let mut table = keys.table(page, name)?;
    let place = table.place.clone();
    let (certificate, key) = (table.required(page, "certificate"), table.required(page, "key"));
    table.end(page);
    let path = |at: At<String>| folder.join(at.value);
    Some((path(certificate?), path(key?), place))
}

impl SigningFiles {
    pub(super) fn read(page: &mut Page, keys: &mut Keys<'_>, folder: &Path) -> Option<Self> {
        let (certificate, key, place) = pair_of_files(page, keys, "signing", folder)?;
        Some(Self { certificate, key, place })
    }

    /// The file with the private key.
    pub(super) fn key_file(&self) -> KeyFile {
        KeyFile { place: self.place.clone(), path: self.key.clone(), holds: "a key" }
    }

    /// Reads both files. They must belong together.
    ///
    /// # Errors
    /// The fault, which names the file and holds nothing of it.
    pub(crate) fn load(&self) -> Result<CertifiedKey, ConfigFault> {
        let refuse = |path: &Path, why: String| {
            ConfigFault::new(&self.place, Shown::Absent, format!("{}: {why}", path.display()))
        };
        let text = |path: &Path| {
            let read = std::fs::read_to_string(path).map(Zeroizing::new);
            read.map_err(|why| refuse(path, format!("cannot be read: {why}")))
        };
        let key = RsaKey::from_pem(&text(&self.key)?).map_err(|fault| {
            refuse(&self.key, format!("must hold an RSA private key in PEM form: {fault}"))
        })?;
        let chain = chain_from_pem(&text(&self.certificate)?)
            .map_err(|fault| refuse(&self.certificate, fault.to_string()))?;
        let own = chain.first().and_then(|der| Certificate::parse(der).ok());
        if own.is_some_and(|own| own.matches_key(key.public_jwk())) {
            Ok(CertifiedKey { key, chain })
        } else {
            let rule = format!("its first certificate must be the one of the key in {}", self.key.display());
            Err(refuse(&self.certificate, rule))
        }
    }
}
