//! TLS to the server: its certificate must have been issued by the configured authority for the host's name. There is no connection
//! otherwise, and none without encryption.

use portvakt_cluster::{Account, Durability, Folder, Postgres, Settings};
use portvakt_store::{OpenFault, PostgresUrl, StoreUrl, migrate};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::world::{START, master, open};

/// An authority of its own, and a certificate that it issued for `localhost`, written where the server finds them.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec!["authority".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_trusted_by_the_configured_authority_alone() {
    let (ours, theirs) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    let folder = Folder::temporary("tls").unwrap();
    let (certificate_file, key_file) = (folder.path().join("server.crt"), folder.path().join("server.key"));
    std::fs::write(&certificate_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key_file, mode).unwrap();
    for file in [&certificate_file, &key_file] {
        Account::of_servers().unwrap().give(file).unwrap();
    }
    let settings = Settings::new(Durability::Quick)
        .set("ssl", "on")
        .set("ssl_cert_file", certificate_file.to_str().unwrap())
        .set("ssl_key_file", key_file.to_str().unwrap());
    let server = Postgres::temporary(&settings).unwrap();
    server.create_database("scene_tls").unwrap();
    let url = |host: &str| {
        let url = server.url("scene_tls").replace("127.0.0.1", host);
        PostgresUrl::parse(&url).unwrap().with_connections(2)
    };
    let trusted = ours.pem().into_bytes();

    for (refused, why) in [
        (url("localhost").with_ca(theirs.pem().into_bytes()), "another authority"),
        (url("127.0.0.1").with_ca(trusted.clone()), "a name that the certificate does not have"),
    ] {
        let fault = migrate(&refused, None, START).await.unwrap_err();
        assert!(matches!(fault, OpenFault::Unreachable(_)), "{why}: {fault}");
    }
    for nonsense in [&b""[..], b"no certificate at all"] {
        let fault = migrate(&url("localhost").with_ca(nonsense.to_vec()), None, START).await.unwrap_err();
        assert!(matches!(fault, OpenFault::Database(_)), "{fault}");
    }

    let url = url("localhost").with_ca(trusted);
    migrate(&url, None, START).await.unwrap();
    let store = open(StoreUrl::Postgres(Box::new(url)), master(1), None).await.unwrap();
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'portvakt'";
    assert_eq!(server.sql("scene_tls", encrypted).unwrap().trim(), "t");
    store.close().await.unwrap();
}
