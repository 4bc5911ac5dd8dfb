//! The seeded world: five issuers over one store, a clock that a scene sets, and randomness that replays.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use portvakt_crypto::random::Random;
use portvakt_protocol::organisation::{OrgNumber, Organisation, Standing};
use portvakt_protocol::person::Pid;
use portvakt_protocol::profile::{IDPORTEN, PILOT, SECRET_LIFETIME};
use portvakt_protocol::provider::{Environment, Pool, Provider, TestIdSettings};
use portvakt_protocol::registration::{Change, ClientRegistration, PersonRecord, Registry, Subject};
use portvakt_protocol::scope::{AccessState, Scope, ScopeAccess, ScopeRecord};
use portvakt_protocol::secret::ClientSecret;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Actor, MasterKey, Opening, Registered, Store};
use portvakt_web::clock::Clock;
use portvakt_web::router::Front;
use portvakt_web::site::Site;

use crate::browser::Browser;
use crate::call::{Call, Reply};
use crate::canaries::Canaries;
use crate::data::Data;
use crate::registered::{organisation, registration};
use crate::relying_party::{RelyingParty, Service};
use crate::rows::Rows;
use crate::signing_keys::signing_key;
use crate::wire::Wire;

/// Synthetic persons: none of these numbers is a real person's.
pub const PERSONS: [&str; 8] = [
    "21879498012",
    "20914695016",
    "28816196088",
    "05895894984",
    "28876895937",
    "10850199405",
    "45840375084",
    "47906701517",
];

/// The issuers of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// The pilot on a developer's machine.
    Pilot,
    /// ID-porten of today, on the same host and port.
    Current,
    /// The pilot's test environment, over https.
    Exttest,
    /// The current test environment: authorize and logout have a host of their own.
    Split,
    /// Production: no TestID, so nobody can log in yet.
    Production,
}

impl At {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pilot, Self::Current, Self::Exttest, Self::Split, Self::Production];

    /// Those where somebody can log in.
    pub const OPEN: [Self; 4] = [Self::Pilot, Self::Current, Self::Exttest, Self::Split];

    /// One of each profile.
    pub const PROFILES: [Self; 2] = [Self::Pilot, Self::Current];

    /// The issuer identifier.
    pub fn issuer(self) -> &'static str {
        match self {
            Self::Pilot => "http://localhost:8080/idporten-oidc-provider/",
            Self::Current => "http://localhost:8080",
            Self::Exttest => "https://eid-exttest.difi.no/idporten-oidc-provider/",
            Self::Split => "https://test.idporten.no",
            Self::Production => "https://idporten.no",
        }
    }

    /// The host that its pages are on, without port.
    pub fn page_host(self) -> &'static str {
        match self {
            Self::Pilot | Self::Current => "localhost",
            Self::Exttest => "eid-exttest.difi.no",
            Self::Split => "login.test.idporten.no",
            Self::Production => "idporten.no",
        }
    }

    /// Its pool of test persons; the two on a developer's machine share one.
    pub fn pool(self) -> Option<Pool> {
        let name = match self {
            Self::Pilot | Self::Current => "demo",
            Self::Exttest => "exttest",
            Self::Split => "test",
            Self::Production => return None,
        };
        Some(Pool(name.to_owned()))
    }

    /// Its word for the level substantial.
    pub fn substantial(self) -> &'static str {
        match self {
            Self::Pilot | Self::Exttest => "Level3",
            Self::Current | Self::Split | Self::Production => "idporten-loa-substantial",
        }
    }

    /// Its word for the level high.
    pub fn high(self) -> &'static str {
        match self {
            Self::Pilot | Self::Exttest => "Level4",
            Self::Current | Self::Split | Self::Production => "idporten-loa-high",
        }
    }

    fn provider(self, pools: fn(Self) -> Option<TestIdSettings>) -> Provider {
        let (profile, environment, front) = match self {
            Self::Pilot => (&PILOT, Environment::Development, None),
            Self::Current => (&IDPORTEN, Environment::Development, None),
            Self::Exttest => (&PILOT, Environment::Test, None),
            Self::Split => (&IDPORTEN, Environment::Test, Some("https://login.test.idporten.no")),
            Self::Production => (&IDPORTEN, Environment::Production, None),
        };
        Provider::new(self.issuer(), front, profile, environment, pools(self), "1").expect("a provider")
    }
}

/// Any valid synthetic number may log in.
fn anybody(at: At) -> Option<TestIdSettings> {
    at.pool().map(|pool| TestIdSettings { pools: vec![pool], assigned_only: false })
}

/// Each issuer has a pool of its own, and only its persons may log in.
fn assigned(at: At) -> Option<TestIdSettings> {
    at.pool().map(|_| TestIdSettings { pools: vec![Pool(format!("{at:?}"))], assigned_only: true })
}

/// A world. Clones are the same one; with the last of them it ends, and is scanned for canaries.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    wire: Wire,
    canaries: Canaries,
    clock: Arc<AtomicI64>,
    random: Random,
    store: Store,
    providers: HashMap<At, Provider>,
    /// Of the client `web`.
    secrets: Mutex<HashMap<At, ClientSecret>>,
    sites: Vec<Arc<Site>>,
    data: Data,
}

/// Each world of a process has a seed of its own, so that no two draw the same secrets.
static SEED: AtomicU64 = AtomicU64::new(1);

/// When every world begins.
pub(crate) const BEGINNING: i64 = 1_800_000_000;

impl World {
    /// A world where anybody with a synthetic number may log in, with the client `web` at every issuer.
    pub async fn new() -> Self {
        Self::settled(anybody, true).await
    }

    /// The same, whose issuers do not judge tokens before they send them (`verify_tokens`). Every other world's do.
    pub async fn unverified() -> Self {
        Self::settled(anybody, false).await
    }

    /// A world where each issuer knows only the persons of a pool of its own: at the `n`th of [`At::OPEN`], the `n`th of
    /// [`PERSONS`].
    pub async fn assigned() -> Self {
        let world = Self::settled(assigned, true).await;
        for (at, pid) in At::OPEN.into_iter().zip(PERSONS) {
            world.person(Pool(format!("{at:?}")), pid, true).await;
        }
        world
    }

    async fn settled(pools: fn(At) -> Option<TestIdSettings>, verifies: bool) -> Self {
        let data = Data::made().await;
        let random = Random::danger_seeded(SEED.fetch_add(1, Ordering::Relaxed));
        let now = Arc::new(AtomicI64::new(BEGINNING));
        let clock = Clock::danger_fixed(Arc::clone(&now));
        let store = Store::open(Opening {
            url: data.url(),
            master: MasterKey::draw(&random),
            previous_master: None,
            random: random.clone(),
            now: clock.now(),
        });
        let store = store.await.expect("a store");
        let providers: HashMap<At, Provider> = At::ALL.map(|at| (at, at.provider(pools))).into();
        let mut sites = Vec::new();
        for (number, at) in At::ALL.into_iter().enumerate() {
            let provider = providers.get(&at).expect("a provider").clone();
            let key = signing_key(number, Timestamp::from_unix(BEGINNING));
            store.add_signing_key(provider.issuer(), key, clock.now()).await.expect("a key stored");
            let site = Site::load(provider, store.clone(), clock.clone(), random.clone()).await;
            sites.push(Arc::new(site.expect("a site").with_verification(verifies)));
        }
        let front = Front::new(&sites, store.clone(), clock).expect("a front");
        let authorities = providers.values().flat_map(|provider| {
            [provider.issuer().authority().to_owned(), provider.front().authority().to_owned()]
        });
        let canaries = Canaries::new();
        for pid in PERSONS {
            canaries.add(pid);
        }
        let wire = Wire::front(front, authorities.collect(), Arc::clone(&now), canaries.clone());
        let world = Self(Arc::new(Inner {
            wire,
            canaries,
            clock: now,
            random,
            store,
            providers,
            secrets: Mutex::default(),
            sites,
            data,
        }));
        for at in At::ALL {
            world
                .change(vec![Change::Organisation { issuer: world.issuer(at), organisation: organisation() }])
                .await;
            world.register(at, registration("web")).await;
        }
        world
    }

    /// The wire to one more issuer over the same store, beside the world's own.
    ///
    /// # Panics
    /// If it cannot be served.
    pub async fn beside(&self, provider: Provider) -> Wire {
        let (store, clock) = (self.0.store.clone(), Clock::danger_fixed(Arc::clone(&self.0.clock)));
        let key = signing_key(At::ALL.len() + 2, Timestamp::from_unix(BEGINNING));
        store.add_signing_key(provider.issuer(), key, clock.now()).await.expect("a key stored");
        let authority = provider.issuer().authority().to_owned();
        let site = Site::load(provider, store.clone(), clock.clone(), self.0.random.clone()).await;
        let front = Front::new(&[Arc::new(site.expect("a site"))], store, clock).expect("a front");
        Wire::front(front, vec![authority], Arc::clone(&self.0.clock), self.0.canaries.clone())
    }

    /// The wire to it.
    pub fn wire(&self) -> &Wire {
        &self.0.wire
    }

    /// Makes a call outside any browser.
    pub async fn call(&self, call: Call) -> Reply {
        self.0.wire.call(call).await
    }

    /// A new browser.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.0.wire)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The provider as configured.
    pub fn provider(&self, at: At) -> &Provider {
        self.0.providers.get(&at).expect("a provider")
    }

    /// The issuer.
    pub fn issuer(&self, at: At) -> portvakt_protocol::issuer::Issuer {
        self.provider(at).issuer().clone()
    }

    /// The service `web` at an issuer.
    pub async fn service(&self, at: At) -> RelyingParty {
        let secret = self.0.secrets.lock().expect("secrets").get(&at).cloned();
        self.discover(at, &registration("web"), secret.as_ref()).await
    }

    /// Registers a client, or replaces its registration and gives it one more secret.
    pub async fn register(&self, at: At, registration: ClientRegistration) -> RelyingParty {
        let id = registration.client_id.clone();
        let has_secret = registration.token_endpoint_auth_method.has_secret();
        let secret = has_secret.then(|| ClientSecret::draw(&self.0.random));
        if let (Some(secret), "web") = (&secret, id.as_str()) {
            self.0.secrets.lock().expect("secrets").insert(at, secret.clone());
        }
        let issuer = self.issuer(at);
        let mut changes = vec![Change::Client {
            issuer: issuer.clone(),
            registration: Box::new(registration.clone()),
            active: true,
        }];
        if let Some(secret) = &secret {
            let expires = self.now() + SECRET_LIFETIME;
            let digest = secret.digest();
            changes.push(Change::Secret { issuer, client_id: id, digest, expires, others_expire: expires });
        }
        self.change(changes).await;
        self.discover(at, &registration, secret.as_ref()).await
    }

    async fn discover(
        &self,
        at: At,
        registration: &ClientRegistration,
        secret: Option<&ClientSecret>,
    ) -> RelyingParty {
        let service = Service {
            client_id: registration.client_id.to_string(),
            secret: secret.map(|secret| secret.reveal().to_owned()),
            method: registration.token_endpoint_auth_method.as_str().to_owned(),
            redirect_uri: registration.redirect_uris.first().cloned().unwrap_or_default(),
        };
        RelyingParty::discover(&self.0.wire, at.issuer(), service, self.0.random.clone()).await
    }

    /// Brings changes to the registry about.
    pub async fn change(&self, changes: Vec<Change>) {
        let done = self.0.store.register(changes, None, Actor("a scene".to_owned()), self.now()).await;
        assert_eq!(done, Ok(Registered::Done));
    }

    /// What is registered at an issuer.
    pub async fn registry(&self, at: At) -> Registry {
        self.0.store.registry(&self.issuer(at)).await.expect("a registry").1
    }

    /// Activates or deactivates a client.
    pub async fn set_client(&self, at: At, client_id: &str, active: bool) {
        let registry = self.registry(at).await;
        let found =
            registry.clients.into_iter().find(|client| client.registration.client_id.as_str() == client_id);
        let registration = Box::new(found.expect("a client").registration);
        self.change(vec![Change::Client { issuer: self.issuer(at), registration, active }]).await;
    }

    /// Changes the standing of the organisation that the clients belong to.
    pub async fn set_organisation(&self, at: At, standing: Standing) {
        let organisation = Organisation { standing, ..organisation() };
        self.change(vec![Change::Organisation { issuer: self.issuer(at), organisation }]).await;
    }

    /// Registers one more organisation, which has accepted the terms.
    pub async fn organisation(&self, at: At, orgno: &str) {
        let orgno = OrgNumber::parse(orgno).expect("an organisation number");
        let organisation = Organisation { orgno, name: "Nabodirektoratet".to_owned(), ..organisation() };
        self.change(vec![Change::Organisation { issuer: self.issuer(at), organisation }]).await;
    }

    /// Says whether an organisation may use a scope.
    pub async fn access(&self, at: At, scope: &str, orgno: &str, state: AccessState) {
        let access = ScopeAccess {
            scope: Scope::parse(scope).expect("a scope"),
            consumer_orgno: OrgNumber::parse(orgno).expect("an organisation number"),
            state,
        };
        self.change(vec![Change::ScopeAccess { issuer: self.issuer(at), access }]).await;
    }

    /// Takes back what was granted before an instant.
    pub async fn take_back(&self, at: At, subject: Subject, before: Timestamp) {
        self.change(vec![Change::NotBefore { issuer: self.issuer(at), subject, at: before }]).await;
    }

    /// Registers a scope.
    pub async fn scope(&self, at: At, record: ScopeRecord) {
        self.change(vec![Change::Scope { issuer: self.issuer(at), record }]).await;
    }

    /// Puts a person into a pool, or changes whether the person may log in.
    pub async fn person(&self, pool: Pool, pid: &str, active: bool) {
        let pid = Pid::parse_synthetic(pid).expect("a synthetic number");
        self.change(vec![Change::Person { pool, person: PersonRecord { pid, active } }]).await;
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.clock.load(Ordering::SeqCst))
    }

    /// Lets time pass; a negative number turns the clock back.
    pub fn wait(&self, seconds: i64) {
        self.0.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Replaces an issuer's signing key at once, as in an emergency, and takes it into use.
    pub async fn rotate_key(&self, at: At) {
        self.rotate_to(at, signing_key(At::ALL.len(), Timestamp::from_unix(BEGINNING))).await;
    }

    /// The same with a key whose published certificate is another key's, as a slip of an operator's or ours could bring about.
    pub async fn rotate_to_misfit(&self, at: At) {
        let [key, other] =
            [0, 1].map(|more| signing_key(At::ALL.len() + more, Timestamp::from_unix(BEGINNING)));
        self.rotate_to(at, portvakt_store::StoredKey { chain: other.chain, ..key }).await;
    }

    async fn rotate_to(&self, at: At, key: portvakt_store::StoredKey) {
        let key = portvakt_store::StoredKey { published: self.now(), signs_from: self.now(), ..key };
        let until = self.now() + Seconds::days(1);
        self.0
            .store
            .rotate_signing_key(&self.issuer(at), key, until, &Actor("scene".to_owned()), self.now())
            .await
            .expect("a new key");
        for site in &self.0.sites {
            site.refresh_keys().await.expect("keys");
        }
    }

    /// What the store holds, but for the audit.
    pub fn rows(&self) -> Rows {
        self.0.data.rows()
    }

    /// Asserts that nothing was written since.
    ///
    /// # Panics
    /// If something was.
    #[track_caller]
    pub fn assert_untouched(&self, before: &Rows) {
        let now = self.rows();
        assert!(now == *before, "a refusal changed {:?}", now.changed(before));
    }

    /// Where it keeps its data.
    pub fn data(&self) -> &Data {
        &self.0.data
    }

    /// The events of the audit, in order.
    pub async fn events(&self) -> Vec<String> {
        let records = self.0.store.audit(0, 10_000).await.expect("the audit");
        records.into_iter().map(|record| record.event).collect()
    }
}

impl Drop for Inner {
    /// The scan that every scene ends with.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.canaries.scan(&self.data);
        }
    }
}
