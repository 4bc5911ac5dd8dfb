//! The listener's own TLS: handshakes, their deadline, and a certificate that changes on disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::scene::{PATIENCE, Scene, scene, short, told, until_closed};
use portvakt_web::listen::{ListenFault, Listener, ListenerConfig, TlsFault, TlsFiles};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

/// A self-signed certificate for `a.example`, written to `folder`.
fn certificate(folder: &Path) -> (TlsFiles, CertificateDer<'static>) {
    let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

/// A client that trusts exactly this certificate and prefers HTTP/2.
async fn shake_hands(
    scene: &Scene,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("a.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, scene.connect().await).await
}

#[tokio::test]
async fn a_request_over_tls_is_https_and_http_1_1() {
    let folder = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(folder.path());
    let scene = scene(|config| config.tls = Some(files)).await;
    let mut stream = shake_hands(&scene, &trusted).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let request = "GET / HTTP/1.1\r\nHost: a.example:443\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert_eq!(told(&answer), ["[GET /|a.example|Https|127.0.0.1|false|]"], "{answer}");

    let mut stream = shake_hands(&scene, &trusted).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\nHost: a.example\r\n\r\n").await.unwrap();
    assert!(until_closed(&mut stream).await.starts_with("HTTP/1.1 400 "), "the judge sits behind TLS too");
}

#[tokio::test]
async fn d_a_handshake_that_dribbles_or_is_none_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(folder.path());
    let scene = scene(|config| {
        short(&mut config.limits);
        config.tls = Some(files);
    })
    .await;
    let mut stream = scene.connect().await;
    let (mut reads, mut writes) = stream.split();
    let dribbling = async {
        // The start of a ClientHello record of 512 bytes, and then a byte now and then.
        let _ = writes.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
        while writes.write_all(b"\0").await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = until_closed(&mut reads) => assert_eq!(answer, ""),
        () = dribbling => unreachable!(),
    }

    let mut stream = scene.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP"), "no HTTP in clear on a TLS port");
    assert_eq!(scene.routed(), 0);
}

#[tokio::test]
async fn a_changed_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (files, first) = certificate(folder.path());
    let scene = scene(|config| config.tls = Some(files.clone())).await;
    assert!(shake_hands(&scene, &first).await.is_ok());

    // Longer than the listener takes to look: it has seen the broken file, and serves on.
    std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nnot base64!\n").unwrap();
    sleep(Duration::from_millis(1500)).await;
    assert!(shake_hands(&scene, &first).await.is_ok());

    let (_, second) = certificate(folder.path());
    let renewed = async {
        while shake_hands(&scene, &second).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, renewed).await.expect("the new certificate is served");
    assert!(shake_hands(&scene, &first).await.is_err(), "the old one no more");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_refused_at_start_by_file_name() {
    let fault = async |files: TlsFiles| {
        let mut config = ListenerConfig::new(([127, 0, 0, 1], 0).into());
        config.tls = Some(files);
        match Listener::bind(config).await {
            Err(ListenFault::Tls(fault)) => fault,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("served"),
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(folder.path());
    let other = tempfile::tempdir().unwrap();
    let (other, _) = certificate(other.path());

    let mixed = TlsFiles { key: other.key, ..files.clone() };
    assert!(matches!(fault(mixed).await, TlsFault::Unusable { .. }));

    let swapped = TlsFiles { certificate: files.key.clone(), key: files.certificate.clone() };
    let swapped = fault(swapped).await;
    assert!(
        matches!(swapped, TlsFault::NotPem { .. }) && swapped.to_string().contains("key.pem"),
        "{swapped}"
    );

    std::fs::write(&files.key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0c2VjcmV0!\n").unwrap();
    let garbled = fault(files.clone()).await;
    assert!(matches!(garbled, TlsFault::NotPem { .. }), "{garbled}");
    assert!(!format!("{garbled} {garbled:?}").contains("c2Vjc"), "no key material in the fault");

    std::fs::remove_file(&files.key).unwrap();
    let missing = fault(files).await;
    assert!(
        matches!(missing, TlsFault::Unreadable { .. }) && missing.to_string().contains("key.pem"),
        "{missing}"
    );
}
