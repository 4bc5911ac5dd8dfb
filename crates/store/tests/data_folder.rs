//! What is the embedded backend's own: the folder, who may read it, and what its bytes show.

#[cfg(test)]
mod scenes {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use portvakt_crypto::random::Random;
    use portvakt_protocol::acr::Assurance;
    use portvakt_protocol::client::{ApplicationType, AuthMethod, ClientId};
    use portvakt_protocol::evidence::{Evidence, Method};
    use portvakt_protocol::grant::{Echo, Grant, GrantId, NewAccessToken, NewCode, NewRefreshToken};
    use portvakt_protocol::issuer::Issuer;
    use portvakt_protocol::organisation::{OrgNumber, Organisation, Standing};
    use portvakt_protocol::person::Pid;
    use portvakt_protocol::provider::Pool;
    use portvakt_protocol::registration::{Change, ClientRegistration, PersonRecord};
    use portvakt_protocol::scope::Scopes;
    use portvakt_protocol::secret::{
        AccessToken, BrowserSecret, ClientSecret, Code, LoginHandle, RefreshToken,
    };
    use portvakt_protocol::time::{Seconds, Timestamp};
    use portvakt_store::{
        Actor, CodeSpending, Issue, LoginWrite, MasterKey, NewLogin, OpenFault, Opening, Store, StoreUrl,
        StoredKey,
    };

    const NOW: Timestamp = Timestamp::from_unix(1_480_593_600);

    async fn open(folder: &Path, key: u64) -> Result<Store, OpenFault> {
        Store::open(Opening {
            url: StoreUrl::Folder(folder.to_owned()),
            master: MasterKey::draw(&Random::danger_seeded(key)),
            previous_master: None,
            random: Random::system(),
            now: NOW,
        })
        .await
    }

    #[tokio::test]
    async fn the_second_opener_is_told_which_process_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path(), 1).await.unwrap();
        let Err(OpenFault::Locked { pid }) = open(folder.path(), 1).await else { panic!("it opened twice") };
        assert_eq!(pid, Some(std::process::id()));
        first.close().await.unwrap();
        open(folder.path(), 1).await.unwrap();
    }

    #[tokio::test]
    async fn the_folder_is_its_owners_alone() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        let store = open(&folder, 1).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let mut files = BTreeSet::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
            files.insert(entry.file_name().into_string().unwrap());
        }
        let expected = ["lock", "portvakt.db", "portvakt.db-shm", "portvakt.db-wal"];
        assert_eq!(files, expected.map(str::to_owned).into());
        store.close().await.unwrap();
    }

    #[tokio::test]
    async fn what_others_could_read_is_closed_to_them() {
        let outer = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let folder = outer.path().join("data");
        std::fs::create_dir(&folder).unwrap();
        set(&folder, 0o775);
        open(&folder, 1).await.unwrap().close().await.unwrap();
        assert_eq!(mode(&folder), 0o700, "an empty folder is about to be a data folder");
        // A restored backup, say.
        set(&folder, 0o755);
        let files = ["lock", "portvakt.db"].map(|name| folder.join(name));
        files.iter().for_each(|file| set(file, 0o664));
        open(&folder, 1).await.unwrap().close().await.unwrap();
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(files.map(|file| mode(&file)), [0o600, 0o600]);
    }

    #[tokio::test]
    async fn a_folder_with_somebody_elses_files_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a letter"), "to somebody").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for _ in 0..2 {
            open(folder.path(), 1).await.unwrap().close().await.unwrap();
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(folder.path()), 0o755);
            assert_eq!(mode(&folder.path().join("portvakt.db")), 0o600);
        }
    }

    #[tokio::test]
    async fn a_refused_opening_changes_no_byte() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path(), 1).await.unwrap().close().await.unwrap();
        let database = folder.path().join("portvakt.db");
        let before = std::fs::read(&database).unwrap();
        assert!(matches!(open(folder.path(), 2).await, Err(OpenFault::WrongMasterKey)));
        assert_eq!(std::fs::read(&database).unwrap(), before);
    }

    #[tokio::test]
    async fn what_is_no_database_of_ours_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("portvakt.db");
        std::fs::write(&database, "a letter to somebody").unwrap();
        assert!(matches!(open(folder.path(), 1).await, Err(OpenFault::Corrupt(_))));
        assert_eq!(std::fs::read(&database).unwrap(), b"a letter to somebody");
        std::fs::remove_file(&database).unwrap();
        std::fs::write(folder.path().join("portvakt.db-wal"), "what was acknowledged last").unwrap();
        assert!(
            matches!(open(folder.path(), 1).await, Err(OpenFault::Corrupt(_))),
            "never an empty store in its place"
        );
    }

    #[tokio::test]
    async fn a_damaged_page_is_never_an_empty_store() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path(), 1).await.unwrap().close().await.unwrap();
        let database = folder.path().join("portvakt.db");
        let whole = std::fs::read(&database).unwrap();
        for page in 0..whole.len() / 4096 {
            let mut damaged = whole.clone();
            damaged[page * 4096..page * 4096 + 64].fill(0xA5);
            std::fs::write(&database, &damaged).unwrap();
            match open(folder.path(), 1).await {
                Err(OpenFault::Corrupt(_)) => {}
                opened => panic!("page {page}: {opened:?}"),
            }
        }
        std::fs::write(&database, &whole).unwrap();
        open(folder.path(), 1).await.unwrap();
    }

    /// Everything that must not be readable in the files, with a name for it.
    struct Canaries(Vec<(&'static str, Vec<u8>)>);

    impl Canaries {
        fn find_in(&self, folder: &Path) -> Vec<String> {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let bytes = std::fs::read(&path).unwrap();
                for (name, canary) in &self.0 {
                    if bytes.windows(canary.len()).any(|window| window == canary) {
                        found.push(format!("{name} in {}", path.display()));
                    }
                }
            }
            found
        }
    }

    #[tokio::test]
    async fn no_secret_and_no_pid_is_in_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let random = Random::system();
        let store = open(folder.path(), 1).await.unwrap();
        let canaries = exercise(&store, &random).await;
        assert!(folder.path().join("portvakt.db-wal").metadata().unwrap().len() > 0);
        assert_eq!(canaries.find_in(folder.path()), [""; 0], "while it runs, the log included");
        store.close().await.unwrap();
        assert_eq!(canaries.find_in(folder.path()), [""; 0], "when it is closed");
        // The search does find what is there in plain.
        let plain = Canaries(vec![("the redirect URI", b"https://demo.example/callback".to_vec())]);
        assert!(!plain.find_in(folder.path()).is_empty());
    }

    /// Stores one of everything.
    async fn exercise(store: &Store, random: &Random) -> Canaries {
        let issuer = Issuer::parse("https://eid-exttest.difi.no/idporten-oidc-provider/").unwrap();
        let [login_pid, pool_pid, hinted] = ["21879498012", "20914695016", "28816196088"];
        let client_id = ClientId::parse("demo").unwrap();
        let secret = ClientSecret::draw(random);
        let (code, token) = (Code::draw(random), AccessToken::draw(random));
        let (handle, browser) = (LoginHandle::draw(random), BrowserSecret::draw(random));
        let private = b"a private key in PKCS #8, as far as the store can tell".to_vec();
        store
            .register(registrations(&issuer, &client_id, &secret, pool_pid), None, Actor("test".into()), NOW)
            .await
            .unwrap();
        let key = StoredKey {
            kid: "kid".into(),
            pkcs8: private.clone().into(),
            chain: vec![],
            published: NOW,
            signs_from: NOW,
            signs_until: None,
            removed: None,
        };
        assert!(store.add_signing_key(&issuer, key, NOW).await.unwrap());
        let expires = NOW + Seconds::new(1800);
        let login = NewLogin {
            login: handle.digest(),
            browser: browser.digest(),
            client_id: client_id.clone(),
            request: format!("login_hint={hinted}"),
            started: NOW,
            expires,
        };
        store.begin_login(&issuer, login).await.unwrap();
        let (method, assurance, auth_time) = (Method::TestId, Assurance::High, NOW);
        let pid = Pid::parse_synthetic(login_pid).unwrap();
        let evidence = Evidence { pid: pid.clone(), method, assurance, auth_time };
        let recorded = store.record_evidence(&issuer, handle.digest(), browser.digest(), evidence, NOW).await;
        assert_eq!(recorded, Ok(LoginWrite::Done));
        let scopes = Scopes::parse("openid").unwrap();
        let (id, echo) = (GrantId(random.bytes()), Echo::default());
        let issued = NOW;
        let client = client_id.clone();
        let grant = Grant {
            id,
            client_id: client,
            pid,
            scopes,
            method,
            assurance,
            auth_time,
            issued,
            expires,
            echo,
            pseudonymous: false,
        };
        let redirect_uri = "https://demo.example/callback".to_owned();
        let issue =
            Issue { code: NewCode { digest: code.digest(), redirect_uri, challenge: None, expires }, grant };
        let finished = store.finish_login(&issuer, handle.digest(), browser.digest(), issue, NOW).await;
        assert_eq!(finished, Ok(LoginWrite::Done));
        let access_token = NewAccessToken { digest: token.digest(), issued, expires, narrowed: None };
        let first = RefreshToken::draw(random);
        let refresh_token = Some(NewRefreshToken { digest: first.digest(), issued, expires });
        let spending = CodeSpending { client_id, code: code.digest(), access_token, refresh_token };
        store.spend_code(&issuer, spending, NOW).await.unwrap();
        let text = |name, text: &str| (name, text.as_bytes().to_vec());
        let master = MasterKey::draw(&Random::danger_seeded(1));
        Canaries(vec![
            text("the pid of a login", login_pid),
            text("the pid of a pool", pool_pid),
            text("a pid in a request", hinted),
            text("a client secret", secret.reveal()),
            text("a code", code.reveal()),
            text("an access token", token.reveal()),
            text("a refresh token", first.reveal()),
            text("a login's handle", handle.reveal()),
            text("a browser's secret", browser.reveal()),
            text("the master key", &master.reveal()),
            (
                "the master key's bytes",
                portvakt_crypto::encoding::base64url_decode(&master.reveal()).unwrap(),
            ),
            ("a private key", private),
        ])
    }

    fn registrations(
        issuer: &Issuer,
        client_id: &ClientId,
        secret: &ClientSecret,
        pool_pid: &str,
    ) -> Vec<Change> {
        let orgno = OrgNumber::parse("991825827").unwrap();
        let standing = Standing::Active;
        let organisation =
            Organisation { orgno: orgno.clone(), name: "Direktoratet".into(), terms: None, standing };
        let registration = ClientRegistration {
            client_id: client_id.clone(),
            client_orgno: orgno,
            display_name: "Demo".into(),
            description: None,
            client_uri: None,
            integration_type: None,
            supplier_orgno: None,
            grant_types: None,
            refresh_token_usage: None,
            onbehalfof: vec![],
            application_type: ApplicationType::Web,
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            redirect_uris: vec!["https://demo.example/callback".into()],
            post_logout_redirect_uris: vec![],
            scopes: Scopes::parse("openid").unwrap(),
            code_challenge_method: None,
            amr_claim: None,
            userinfo_without_profile: false,
            authorization_lifetime: Seconds::new(7200),
            access_token_lifetime: Seconds::new(120),
            refresh_token_lifetime: Seconds::new(600),
        };
        let (issuer, expires) = (issuer.clone(), NOW + Seconds::days(1));
        let client_id = client_id.clone();
        let person = PersonRecord { pid: Pid::parse_synthetic(pool_pid).unwrap(), active: true };
        vec![
            Change::Organisation { issuer: issuer.clone(), organisation },
            Change::Client { issuer: issuer.clone(), registration: Box::new(registration), active: true },
            Change::Secret { issuer, client_id, digest: secret.digest(), expires, others_expire: expires },
            Change::Person { pool: Pool("ours".into()), person },
        ]
    }
}
