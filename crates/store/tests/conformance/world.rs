//! Two issuers with a client of the same name at each, and what scenes do with them over and over.

// By their paths, for the model of a family has this world too.
#[path = "world/family.rs"]
pub(crate) mod family;
#[path = "world/place.rs"]
mod place;

pub(crate) use place::{DataFolder, Database, Place};

use std::sync::atomic::{AtomicU64, Ordering};

use portvakt_crypto::random::Random;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::{ApplicationType, AuthMethod, ClientId};
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{Echo, Grant, GrantId, NewAccessToken, NewCode};
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
};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{
    Actor, AuditRecord, CodeSpending, Issue, LoginWrite, MasterKey, NewLogin, OpenFault, Opening, Pooler,
    Registered, Store, StoreUrl, StoredKey,
};

impl World {
    /// A world on PostgreSQL.
    pub(crate) async fn on_postgres(pooler: Pooler) -> Self {
        Self::new(Database::made().await.behind(pooler)).await
    }

    /// A world in a folder.
    pub(crate) async fn embedded() -> Self {
        Self::new(DataFolder::new()).await
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
                pseudonymous: true,
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

    /// Every record there is.
    pub(crate) async fn audit(&self) -> Vec<AuditRecord> {
        self.store.audit(0, u32::MAX).await.unwrap()
    }

    /// What was recorded after the first `seen` records.
    pub(crate) async fn events_after(&self, seen: usize) -> Vec<String> {
        self.audit().await.into_iter().skip(seen).map(|record| record.event).collect()
    }
}
