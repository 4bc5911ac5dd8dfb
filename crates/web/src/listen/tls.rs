//! Our own TLS: versions, certificate, and the certificate's renewal without a restart.
//!
//! The only file that names rustls. The crypto provider is passed explicitly; nothing process-wide is
//! installed.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(1);

/// Where the server's certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the server's certificate first, then the intermediates.
    pub certificate: PathBuf,
    /// PEM: the certificate's private key (PKCS#8, PKCS#1 or SEC1), not encrypted.
    pub key: PathBuf,
}

/// Why a certificate cannot be served. Names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Unreadable {
        /// The file in question.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not PEM, or has no section of the kind it is for.
    #[error("{file}: {expected} expected in PEM form")]
    NotPem {
        /// The file in question.
        file: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// The key is of an unsupported kind, or is not the certificate's.
    #[error("{certificate} and {key} cannot be used together: {reason}")]
    Unusable {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What rustls said of them.
        reason: rustls::Error,
    },
    /// The provider lacks TLS 1.2 or 1.3: a broken build.
    #[error("TLS cannot be set up: {0}")]
    Provider(rustls::Error),
}

/// The TLS side of a listener: an acceptor whose certificate follows its files.
pub(super) struct Tls {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    served: Arc<Served>,
    acceptor: Acceptor,
    /// Of the files when they were last read, well or not, so that a broken pair is reported once.
    seen: Fingerprint,
}

/// Shakes hands on accepted sockets; cheap to clone.
#[derive(Clone)]
pub(super) struct Acceptor(TlsAcceptor);

/// A connection whose handshake is done.
pub(super) type TlsSocket = tokio_rustls::server::TlsStream<TcpStream>;

impl Tls {
    /// Reads the files and makes the acceptor.
    pub(super) fn load(files: TlsFiles) -> Result<Tls, TlsFault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Fingerprint::of(&files);
        let served = Arc::new(Served(ArcSwap::from_pointee(read(&files, &provider)?)));
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsFault::Provider)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&served) as Arc<dyn ResolvesServerCert>);
        // HTTP/2 is not offered, which removes its classes of flood with it.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = Acceptor(TlsAcceptor::from(Arc::new(config)));
        Ok(Tls { files, provider, served, acceptor, seen })
    }

    pub(super) fn acceptor(&self) -> Acceptor {
        self.acceptor.clone()
    }

    /// Serves what is in the files from now on, looking at them once a second. A pair that cannot be used
    /// leaves the old one in place and is reported once. Never returns.
    pub(super) async fn follow_files(mut self) -> Infallible {
        loop {
            tokio::time::sleep(POLL).await;
            // File IO may block (a network mount), so not on a thread that serves.
            match tokio::task::spawn_blocking(move || self.reread()).await {
                Ok(tls) => self = tls,
                Err(ended) => match ended.try_into_panic() {
                    // With this task goes the listener, which is noticed; a certificate that is followed no longer is not.
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime is shutting down.
                    Err(_) => return std::future::pending().await,
                },
            }
        }
    }

    fn reread(mut self) -> Tls {
        let now = Fingerprint::of(&self.files);
        if now == self.seen {
            return self;
        }
        // Taken before reading: what is written meanwhile has another fingerprint and is read next time.
        self.seen = now;
        match read(&self.files, &self.provider) {
            Ok(key) => {
                self.served.0.store(Arc::new(key));
                tracing::info!(target: "http", file = %self.files.certificate.display(), "certificate reloaded");
            }
            Err(fault) => {
                tracing::error!(target: "http", %fault, "new certificate not used, the old one stays");
            }
        }
        self
    }
}

impl Acceptor {
    /// The server's side of a handshake. The caller limits its time.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsSocket> {
        self.0.accept(stream).await
    }
}

#[derive(Debug)]
struct Served(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Tells one state of the two files from another; a file that is missing is a state as well.
#[derive(PartialEq, Eq)]
struct Fingerprint {
    certificate: Option<FileState>,
    key: Option<FileState>,
}

/// A file replaced by renaming has another inode, one written in place another time or length.
#[derive(PartialEq, Eq)]
struct FileState {
    inode: (u64, u64),
    modified: (i64, i64),
    length: u64,
}

impl Fingerprint {
    fn of(files: &TlsFiles) -> Fingerprint {
        Fingerprint { certificate: FileState::of(&files.certificate), key: FileState::of(&files.key) }
    }
}

impl FileState {
    fn of(file: &Path) -> Option<FileState> {
        let found = fs::metadata(file).ok()?;
        Some(FileState {
            inode: (found.dev(), found.ino()),
            modified: (found.mtime(), found.mtime_nsec()),
            length: found.len(),
        })
    }
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsFault> {
    let certificates = CertificateDer::pem_reader_iter(open(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|fault| pem_fault(&files.certificate, "a certificate", fault))?;
    if certificates.is_empty() {
        return Err(pem_fault(&files.certificate, "a certificate", pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_reader(open(&files.key)?)
        .map_err(|fault| pem_fault(&files.key, "a private key", fault))?;
    CertifiedKey::from_der(certificates, key, provider).map_err(|reason| TlsFault::Unusable {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        reason,
    })
}

fn open(file: &Path) -> Result<io::BufReader<File>, TlsFault> {
    match File::open(file) {
        Ok(opened) => Ok(io::BufReader::new(opened)),
        Err(source) => Err(TlsFault::Unreadable { file: file.to_owned(), source }),
    }
}

/// PEM faults may quote the offending line, which in a key file must not be shown.
fn pem_fault(file: &Path, expected: &'static str, fault: pem::Error) -> TlsFault {
    if let pem::Error::Io(source) = fault {
        return TlsFault::Unreadable { file: file.to_owned(), source };
    }
    TlsFault::NotPem { file: file.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_again_when_they_change_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let files =
            TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let write = || {
            let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
            fs::write(&files.certificate, made.cert.pem()).unwrap();
            fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        };
        write();
        let tls = Tls::load(files.clone()).unwrap();
        let first = tls.served.0.load_full();
        let tls = tls.reread();
        assert!(Arc::ptr_eq(&first, &tls.served.0.load_full()), "unchanged");
        fs::remove_file(&files.key).unwrap();
        let tls = tls.reread();
        assert!(Arc::ptr_eq(&first, &tls.served.0.load_full()), "the old one stays");
        write();
        let tls = tls.reread();
        let second = tls.served.0.load_full();
        assert!(!Arc::ptr_eq(&first, &second), "the new one is served");
        let tls = tls.reread();
        assert!(Arc::ptr_eq(&second, &tls.served.0.load_full()), "unchanged again");
    }
}
