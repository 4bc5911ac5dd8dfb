//! Two issuers with a client of the same name at each, and what scenes do with them over and over.

use std::sync::atomic::{AtomicU64, Ordering};

use portvakt_cluster::{Postgres, shared};
use portvakt_crypto::random::Random;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::{ApplicationType, AuthMethod, ClientId};
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{Echo, Grant, GrantId, NewAccessToken, NewCode, NewRefreshToken};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use portvakt_protocol::person::Pid;
use portvakt_protocol::pkce::CodeChallenge;
use portvakt_protocol::profile::PILOT;
use portvakt_protocol::provider::{Environment, Pool, Provider};
use portvakt_protocol::registration::{Change, ClientRegistration};
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::secret::{
    AccessToken, AccessTokenDigest, BrowserDigest, BrowserSecret, Code, CodeDigest, LoginDigest, LoginHandle,
    RefreshToken, RefreshTokenDigest,
};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::{Refreshing, Spending};
use portvakt_store::{
    Actor, AuditRecord, CodeSpending, Issue, LoginWrite, MasterKey, NewLogin, OpenFault, Opening, Pooler,
    PostgresUrl, Refresh, Registered, Store, StoreUrl, StoredKey, Usage, migrate,
};

/// Where a backend keeps its data: it can be opened again.
pub(crate) trait Place: Send + Sync {
    /// Where it is.
    fn url(&self) -> StoreUrl;
}

/// A database of its own, on the one server of this process.
pub(crate) struct Database {
    name: String,
    pooler: Pooler,
}

impl Database {
    fn new(pooler: Pooler) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("scene_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { name, pooler }
    }

    /// The database with the schema and nothing else, which each scene gets a copy of.
    async fn template(server: &'static Postgres) -> &'static str {
        static TEMPLATE: tokio::sync::OnceCell<&'static str> = tokio::sync::OnceCell::const_new();
        let make = async || {
            server.create_database("template_scene").unwrap();
            let url = PostgresUrl::parse(&server.url("template_scene")).unwrap();
            migrate(&url, None, START).await.unwrap();
            // A database that somebody is connected to is no template.
            let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'template_scene'";
            while server.sql("postgres", sessions).unwrap().trim() != "0" {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            "template_scene"
        };
        TEMPLATE.get_or_init(make).await
    }
}

impl Database {
    /// One with the schema and nothing else.
    pub(crate) async fn made() -> Self {
        let (database, server) = (Self::new(Pooler::None), shared().unwrap());
        let template = Self::template(server).await;
        server.create_database_from(&database.name, template).unwrap();
        database
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Place for Database {
    fn url(&self) -> StoreUrl {
        let server = shared().unwrap();
        let url = PostgresUrl::parse(&server.url(&self.name)).unwrap().with_connections(6);
        StoreUrl::Postgres(Box::new(url.with_pooler(self.pooler)))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The server goes with the process, and every database with it.
        let _ = shared().unwrap().drop_database(&self.name);
    }
}

impl World {
    /// A world on PostgreSQL.
    pub(crate) async fn on_postgres(pooler: Pooler) -> Self {
        let mut database = Database::made().await;
        database.pooler = pooler;
        Self::new(database).await
    }

    /// A world in a folder.
    pub(crate) async fn embedded() -> Self {
        Self::new(DataFolder::new()).await
    }
}

/// The embedded backend's place.
pub(crate) struct DataFolder(tempfile::TempDir);

impl DataFolder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Place for DataFolder {
    fn url(&self) -> StoreUrl {
        StoreUrl::Folder(self.0.path().join("data"))
    }
}

/// When every scene begins.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_480_593_600);
pub(crate) const KARI: &str = "21879498012";
pub(crate) const OLA: &str = "20914695016";

pub(crate) fn after(seconds: u32) -> Timestamp {
    START + Seconds::new(seconds)
}

pub(crate) fn master(seed: u64) -> MasterKey {
    MasterKey::draw(&Random::danger_seeded(1000 + seed))
}

pub(crate) struct World {
    place: Box<dyn Place>,
    pub(crate) store: Store,
    /// The issuer of most scenes.
    pub(crate) here: Provider,
    /// Another, which has a client and an organisation of the same names.
    pub(crate) there: Provider,
    pub(crate) random: Random,
}

/// A login whose code was spent, and what it gave.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(crate) issue: Issue,
    pub(crate) access: AccessTokenDigest,
    pub(crate) refresh: RefreshTokenDigest,
}

/// What a refresh gave, or would have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) access: AccessTokenDigest,
    pub(crate) refresh: RefreshTokenDigest,
}

/// A login that has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    pub(crate) login: LoginDigest,
    pub(crate) browser: BrowserDigest,
}

pub(crate) fn provider(issuer: &str, environment: Environment) -> Provider {
    Provider::new(issuer, None, &PILOT, environment, None, "1").unwrap()
}

pub(crate) fn client_id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

pub(crate) fn pid(text: &str) -> Pid {
    Pid::parse_synthetic(text).unwrap()
}

pub(crate) fn pool(name: &str) -> Pool {
    Pool(name.to_owned())
}

pub(crate) fn actor() -> Actor {
    Actor("catalogue".to_owned())
}

pub(crate) fn organisation(orgno: &str) -> Organisation {
    Organisation {
        orgno: OrgNumber::parse(orgno).unwrap(),
        name: "Direktoratet".to_owned(),
        terms: Some(Acceptance {
            version: "1".to_owned(),
            accepted_at: START,
            accepted_by: "the director".to_owned(),
        }),
        standing: Standing::Active,
    }
}

pub(crate) fn registration(id: &str) -> ClientRegistration {
    ClientRegistration {
        client_id: client_id(id),
        client_orgno: OrgNumber::parse("991825827").unwrap(),
        display_name: "Demo".to_owned(),
        description: None,
        client_uri: None,
        integration_type: None,
        supplier_orgno: None,
        grant_types: None,
        refresh_token_usage: None,
        onbehalfof: vec![],
        application_type: ApplicationType::Web,
        token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
        redirect_uris: vec!["https://demo.example/callback".to_owned()],
        post_logout_redirect_uris: vec![],
        scopes: Scopes::parse("openid profile").unwrap(),
        code_challenge_method: None,
        amr_claim: None,
        userinfo_without_profile: false,
        authorization_lifetime: Seconds::new(7200),
        access_token_lifetime: Seconds::new(120),
        refresh_token_lifetime: Seconds::new(600),
    }
}

pub(crate) fn register_organisation(issuer: &Issuer) -> Change {
    Change::Organisation { issuer: issuer.clone(), organisation: organisation("991825827") }
}

pub(crate) fn register_client(issuer: &Issuer, id: &str, active: bool) -> Change {
    Change::Client { issuer: issuer.clone(), registration: Box::new(registration(id)), active }
}

pub(crate) fn evidence_of(person: &str, now: Timestamp) -> Evidence {
    Evidence { pid: pid(person), method: Method::TestId, assurance: Assurance::High, auth_time: now }
}

/// What a refresh that rotates would give.
pub(crate) fn given(rotation: &Refresh) -> Given {
    let Usage::Rotate { successor, .. } = &rotation.usage else { panic!("no rotation") };
    Given { access: rotation.access_token.digest, refresh: successor.digest }
}

pub(crate) async fn open(
    url: StoreUrl,
    master: MasterKey,
    previous: Option<MasterKey>,
) -> Result<Store, OpenFault> {
    static OPENINGS: AtomicU64 = AtomicU64::new(1);
    // Another seed each time: a nonce must not come twice.
    let random = Random::danger_seeded(OPENINGS.fetch_add(1, Ordering::Relaxed));
    Store::open(Opening { url, master, previous_master: previous, random, now: START }).await
}

impl World {
    pub(crate) async fn new(place: impl Place + 'static) -> Self {
        let store = open(place.url(), master(1), None).await.unwrap();
        let here = provider("https://eid-exttest.difi.no/idporten-oidc-provider/", Environment::Test);
        let there = provider("https://idporten-ver2.difi.no/idporten-oidc-provider/", Environment::Test);
        let random = Random::danger_seeded(7);
        let world = Self { place: Box::new(place), store, here, there, random };
        for provider in [&world.here, &world.there] {
            let issuer = provider.issuer();
            let changes = vec![
                register_organisation(issuer),
                register_client(issuer, "demo", true),
                register_client(issuer, "other", true),
            ];
            world.registered(changes).await;
        }
        world
    }

    /// Where it is.
    pub(crate) fn url(&self) -> StoreUrl {
        self.place.url()
    }

    /// The name of the database; none for a folder.
    pub(crate) fn database(&self) -> Option<String> {
        match self.place.url() {
            StoreUrl::Folder(_) => None,
            StoreUrl::Postgres(url) => url.to_string().rsplit('/').next().map(str::to_owned),
        }
    }

    /// Whether other processes may open the same store.
    pub(crate) fn is_shared(&self) -> bool {
        self.database().is_some()
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        self.here.issuer()
    }

    /// Opens the place again. The store must have been closed.
    pub(crate) async fn open(&self, key: u64, previous: Option<u64>) -> Result<Store, OpenFault> {
        open(self.place.url(), master(key), previous.map(master)).await
    }

    /// Closes the store and opens the place again with the same key.
    pub(crate) async fn reopen(&mut self) {
        self.store.close().await.unwrap();
        self.store = self.open(1, None).await.unwrap();
    }

    pub(crate) async fn registered(&self, changes: Vec<Change>) {
        let done = self.store.register(changes, None, actor(), START).await.unwrap();
        assert_eq!(done, Registered::Done);
    }

    /// Begins a login of the client `demo` that ends after 30 minutes.
    pub(crate) async fn begin(&self) -> Begun {
        self.begin_in(self.browser_secret()).await
    }

    pub(crate) fn login_handle(&self) -> LoginDigest {
        LoginHandle::draw(&self.random).digest()
    }

    pub(crate) fn browser_secret(&self) -> BrowserDigest {
        BrowserSecret::draw(&self.random).digest()
    }

    pub(crate) async fn begin_in(&self, browser: BrowserDigest) -> Begun {
        let login = self.login_handle();
        self.store.begin_login(self.issuer(), self.new_login(login, browser)).await.unwrap();
        Begun { login, browser }
    }

    pub(crate) fn new_login(&self, login: LoginDigest, browser: BrowserDigest) -> NewLogin {
        NewLogin {
            login,
            browser,
            client_id: client_id("demo"),
            request: "scope=openid&login_hint=28816196088".to_owned(),
            started: START,
            expires: after(1800),
        }
    }

    /// A code that ends after a minute, with a grant of `demo`'s that ends after two hours.
    pub(crate) fn issue(&self) -> Issue {
        Issue {
            code: NewCode {
                digest: Code::draw(&self.random).digest(),
                redirect_uri: "https://demo.example/callback".to_owned(),
                challenge: CodeChallenge::parse("b7elB7ZyxIXgFyvBznKvxl7wOB-H17Pz0a3B62NIMFI"),
                expires: after(60),
            },
            grant: Grant {
                id: GrantId(self.random.bytes()),
                client_id: client_id("demo"),
                pid: pid(KARI),
                scopes: Scopes::parse("openid profile").unwrap(),
                method: Method::TestId,
                assurance: Assurance::High,
                auth_time: START,
                issued: START,
                expires: after(7200),
                echo: Echo {
                    nonce: Some("n-0S6_WzA2Mj".to_owned()),
                    locale: Some("nb".to_owned()),
                    onbehalfof: Some("910753614".to_owned()),
                },
            },
        }
    }

    /// A whole login: what it issued is stored.
    pub(crate) async fn issued(&self) -> Issue {
        let issue = self.issue();
        self.finish(&issue).await;
        issue
    }

    /// A whole login that issues this.
    pub(crate) async fn finish(&self, issue: &Issue) {
        let begun = self.begin().await;
        let Grant { pid, auth_time, .. } = issue.grant.clone();
        let evidence = Evidence { pid, method: Method::TestId, assurance: Assurance::High, auth_time };
        let recorded =
            self.store.record_evidence(self.issuer(), begun.login, begun.browser, evidence, START).await;
        assert_eq!(recorded, Ok(LoginWrite::Done));
        let finished =
            self.store.finish_login(self.issuer(), begun.login, begun.browser, issue.clone(), START).await;
        assert_eq!(finished, Ok(LoginWrite::Done));
    }

    /// A spending of `code` by `client` for a new access token that ends after two minutes.
    pub(crate) fn spending(&self, client: &str, code: CodeDigest) -> CodeSpending {
        CodeSpending {
            client_id: client_id(client),
            code,
            access_token: self.access_token(),
            refresh_token: None,
        }
    }

    pub(crate) fn access_token(&self) -> NewAccessToken {
        NewAccessToken {
            digest: AccessToken::draw(&self.random).digest(),
            issued: START,
            expires: after(120),
            narrowed: None,
        }
    }

    /// One that ends ten minutes after `now`.
    pub(crate) fn new_refresh_token(&self, now: Timestamp) -> NewRefreshToken {
        NewRefreshToken {
            digest: RefreshToken::draw(&self.random).digest(),
            issued: now,
            expires: now + Seconds::new(600),
        }
    }

    /// A login of the client `demo` that gave a refresh token.
    pub(crate) async fn family(&self) -> Family {
        let issue = self.issued().await;
        self.family_of(issue).await
    }

    /// What a login issued, redeemed at its start.
    pub(crate) async fn family_of(&self, issue: Issue) -> Family {
        let mut spending = self.spending("demo", issue.code.digest);
        let first = self.new_refresh_token(START);
        let (access, refresh) = (spending.access_token.digest, first.digest);
        spending.refresh_token = Some(first);
        let spent = self.store.spend_code(self.issuer(), spending, START).await.unwrap();
        assert!(
            matches!(spent, Spending::Spent(spent) if spent.is_about(issue.code.digest, (access, Some(refresh))))
        );
        Family { issue, access, refresh }
    }

    /// A use of `presented` that rotates it, with a grace of 30 seconds.
    pub(crate) fn rotation(&self, presented: RefreshTokenDigest, now: Timestamp) -> Refresh {
        let retry_since = now - Seconds::new(29);
        Refresh {
            client_id: client_id("demo"),
            presented,
            usage: Usage::Rotate { successor: self.new_refresh_token(now), retry_since },
            access_token: NewAccessToken {
                issued: now,
                expires: now + Seconds::new(120),
                ..self.access_token()
            },
        }
    }

    /// A use of `presented` after which it stays, and ends at `expires`.
    pub(crate) fn reuse(&self, presented: RefreshTokenDigest, expires: Timestamp, now: Timestamp) -> Refresh {
        Refresh { usage: Usage::Reuse { expires }, ..self.rotation(presented, now) }
    }

    /// Rotates.
    pub(crate) async fn rotate(&self, presented: RefreshTokenDigest, now: Timestamp) -> (Refreshing, Given) {
        let rotation = self.rotation(presented, now);
        let given = given(&rotation);
        (self.store.refresh(self.issuer(), rotation, now).await.unwrap(), given)
    }

    /// Rotates a token that can be used.
    pub(crate) async fn rotated(&self, presented: RefreshTokenDigest, now: Timestamp) -> Given {
        let (answer, given) = self.rotate(presented, now).await;
        let kept = (given.access, Some(given.refresh));
        assert!(matches!(answer, Refreshing::Refreshed(refreshed) if refreshed.is_about(presented, kept)));
        given
    }

    pub(crate) fn key(&self, kid: &str, published: Timestamp, signs_from: Timestamp) -> StoredKey {
        StoredKey {
            kid: kid.to_owned(),
            pkcs8: b"a private key, which no database shows".to_vec().into(),
            chain: vec![b"certificate".to_vec(), b"issuing certificate".to_vec()],
            published,
            signs_from,
            signs_until: None,
            removed: None,
        }
    }

    pub(crate) async fn is_spent(&self, code: &CodeDigest) -> bool {
        self.store.code(self.issuer(), code).await.unwrap().unwrap().spent
    }

    pub(crate) async fn is_revoked(&self, token: &AccessTokenDigest) -> bool {
        self.store.access_token(self.issuer(), token).await.unwrap().unwrap().revoked
    }

    /// Whether the token is there and may be used, but for its end.
    pub(crate) async fn is_usable(&self, token: &RefreshTokenDigest) -> bool {
        let found = self.store.refresh_token(self.issuer(), token).await.unwrap();
        found.is_some_and(|found| found.spent.is_none() && !found.revoked)
    }

    /// Whether the access token is there and lives, but for its end.
    pub(crate) async fn lives(&self, token: &AccessTokenDigest) -> bool {
        let found = self.store.access_token(self.issuer(), token).await.unwrap();
        found.is_some_and(|found| !found.revoked)
    }

    /// Every record there is.
    pub(crate) async fn audit(&self) -> Vec<AuditRecord> {
        self.store.audit(0, u32::MAX).await.unwrap()
    }

    /// What was recorded after the first `seen` records.
    pub(crate) async fn events_after(&self, seen: usize) -> Vec<String> {
        self.audit().await.into_iter().skip(seen).map(|record| record.event).collect()
    }
}
