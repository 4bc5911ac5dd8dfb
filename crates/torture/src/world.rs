//! What the proofs on the store's verbs have in common: an issuer, clients, persons, and how a store is opened.

use portvakt_crypto::random::Random;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::{ApplicationType, AuthMethod, ClientId, RefreshUse};
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{Echo, Grant, GrantId, NewAccessToken, NewCode, NewRefreshToken};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use portvakt_protocol::person::Pid;
use portvakt_protocol::profile::PILOT;
use portvakt_protocol::provider::{Environment, Pool, Provider};
use portvakt_protocol::registration::{Change, ClientRegistration, GrantType, PersonRecord};
use portvakt_protocol::scope::{AccessState, Scope, ScopeAccess, ScopeRecord, Scopes};
use portvakt_protocol::secret::{
    AccessToken, AccessTokenDigest, BrowserDigest, CodeDigest, LoginDigest, RefreshToken, RefreshTokenDigest,
};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{
    Actor, Broken, Issue, MasterKey, NewLogin, Opening, PostgresUrl, Store, StoreUrl, StoredKey,
    TokenDigests, migrate,
};

/// For how long a login lasts.
pub const LOGIN: Seconds = Seconds::new(1800);
/// For how long a code lasts: long enough that no run is over it.
pub const CODE: Seconds = Seconds::days(1);
/// For how long an access token lasts, and a refresh token that nobody uses.
pub const TOKEN: Seconds = Seconds::days(2);
/// For how long a grant lasts.
const GRANT: Seconds = Seconds::days(3);

/// Synthetic numbers.
const PIDS: [&str; 8] = [
    "21879498012",
    "20914695016",
    "28816196088",
    "05895894984",
    "28876895937",
    "10850199405",
    "45840375084",
    "47906701517",
];

/// Connections of one process to a database.
const CONNECTIONS: usize = 16;

const ORGANISATION: &str = "991825827";

/// An issuer with its clients and persons.
#[derive(Debug)]
pub struct World {
    provider: Provider,
    pools: [Pool; 1],
    clients: Vec<ClientId>,
    scope: Scope,
    persons: Vec<Person>,
}

/// A person, and the name that histories know the person by.
#[derive(Debug)]
pub struct Person {
    /// `person 3`.
    pub name: String,
    /// The number, which no history tells.
    pub pid: Pid,
}

impl World {
    /// With clients called `NAME-0`, `NAME-1` and so on, and the scope `NAME:api`. Of every six clients one has refresh tokens that stay, one
    /// has none, and the others have such as rotate; from the fifth on they have the scope.
    ///
    /// # Errors
    /// A name that no client may have.
    pub fn new(name: &str, clients: usize) -> Result<Self, String> {
        let provider =
            Provider::new(&format!("https://{name}.example/"), None, &PILOT, Environment::Test, None, "1")
                .map_err(|fault| fault.to_string())?;
        let client = |number| {
            ClientId::parse(&format!("{name}-{number}")).ok_or_else(|| format!("`{name}` names no client"))
        };
        let person = |(at, pid): (usize, &&str)| {
            let pid = Pid::parse_synthetic(pid).map_err(|_| "a number is none".to_owned())?;
            Ok(Person { name: format!("person {at}"), pid })
        };
        Ok(Self {
            provider,
            pools: [Pool(name.to_owned())],
            clients: (0..clients).map(client).collect::<Result<_, _>>()?,
            scope: Scope::parse(&format!("{name}:api")).ok_or_else(|| format!("`{name}` names no scope"))?,
            persons: PIDS.iter().enumerate().map(person).collect::<Result<_, String>>()?,
        })
    }

    /// The provider.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Its issuer.
    pub fn issuer(&self) -> &Issuer {
        self.provider.issuer()
    }

    /// The pools that its persons are in.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Its clients.
    pub fn clients(&self) -> &[ClientId] {
        &self.clients
    }

    /// What becomes of a client's refresh tokens, if it has any.
    pub fn refreshes(&self, client_id: &ClientId) -> Option<RefreshUse> {
        match self.number(client_id) % 6 {
            2 => Some(RefreshUse::Reuse),
            3 => None,
            _ => Some(RefreshUse::OneTime),
        }
    }

    /// The scope that its clients' organisation may lose.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The scopes of a client.
    pub fn scopes_of(&self, client_id: &ClientId) -> Scopes {
        let login = ["openid", "profile"].into_iter().filter_map(Scope::parse);
        let own = (self.number(client_id) >= FIRST_WITH_SCOPE).then(|| self.scope.clone());
        login.chain(own).collect()
    }

    fn number(&self, client_id: &ClientId) -> usize {
        self.clients.iter().position(|known| known == client_id).unwrap_or(0)
    }

    /// Its persons.
    pub fn persons(&self) -> &[Person] {
        &self.persons
    }

    /// Registers the clients' organisation.
    ///
    /// # Errors
    /// The organisation's number is none.
    pub fn organisation(&self, now: Timestamp) -> Result<Change, String> {
        Ok(Change::Organisation {
            issuer: self.issuer().clone(),
            organisation: Organisation {
                orgno: organisation_number()?,
                name: "Torture".to_owned(),
                terms: Some(Acceptance {
                    version: "1".to_owned(),
                    accepted_at: now,
                    accepted_by: "the torturer".to_owned(),
                }),
                standing: Standing::Active,
            },
        })
    }

    /// Registers a client, or says whether it is active.
    ///
    /// # Errors
    /// The organisation's number is none.
    pub fn client(&self, client_id: &ClientId, active: bool) -> Result<Change, String> {
        let refreshes = self.refreshes(client_id);
        let refresh = refreshes.map(|_| GrantType::RefreshToken);
        let grants = [GrantType::AuthorizationCode].into_iter().chain(refresh).collect();
        let registration = ClientRegistration {
            client_id: client_id.clone(),
            client_orgno: organisation_number()?,
            display_name: client_id.as_str().to_owned(),
            description: None,
            client_uri: None,
            integration_type: None,
            supplier_orgno: None,
            grant_types: Some(grants),
            refresh_token_usage: refreshes,
            onbehalfof: Vec::new(),
            application_type: ApplicationType::Web,
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            post_logout_redirect_uris: Vec::new(),
            scopes: self.scopes_of(client_id),
            code_challenge_method: None,
            amr_claim: None,
            userinfo_without_profile: false,
            authorization_lifetime: Seconds::new(7200),
            access_token_lifetime: Seconds::new(120),
            refresh_token_lifetime: Seconds::new(600),
        };
        Ok(Change::Client { issuer: self.issuer().clone(), registration: Box::new(registration), active })
    }

    /// Gives the clients' organisation the scope, or withdraws it.
    ///
    /// # Errors
    /// The organisation's number is none.
    pub fn access(&self, given: bool) -> Result<Change, String> {
        let state = if given { AccessState::Approved } else { AccessState::Withdrawn };
        let access = ScopeAccess { scope: self.scope.clone(), consumer_orgno: organisation_number()?, state };
        Ok(Change::ScopeAccess { issuer: self.issuer().clone(), access })
    }

    /// Puts a person into the pool, or says whether the person is active.
    pub fn person(&self, person: &Person, active: bool) -> Change {
        let [pool] = &self.pools;
        Change::Person { pool: pool.clone(), person: PersonRecord { pid: person.pid.clone(), active } }
    }

    /// What a login gives that is finished now, and that tells of this evidence.
    pub fn issue(
        &self,
        code: CodeDigest,
        grant: GrantId,
        client_id: &ClientId,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Issue {
        Issue {
            code: NewCode {
                digest: code,
                redirect_uri: REDIRECT_URI.to_owned(),
                challenge: None,
                expires: now + CODE,
            },
            grant: Grant {
                id: grant,
                client_id: client_id.clone(),
                pid: evidence.pid.clone(),
                scopes: self.scopes_of(client_id),
                method: evidence.method,
                assurance: evidence.assurance,
                auth_time: evidence.auth_time,
                issued: now,
                expires: now + GRANT,
                pseudonymous: false,
                echo: Echo { nonce: Some("n".to_owned()), locale: Some("nb".to_owned()), onbehalfof: None },
            },
        }
    }

    /// Registers everything, as one commit.
    ///
    /// # Errors
    /// The store's, or a name that does not parse.
    pub async fn register(&self, store: &Store, now: Timestamp) -> Result<(), String> {
        let closed = ScopeRecord { accessible_for_all: false, ..ScopeRecord::open(self.scope.clone()) };
        let scope = Change::Scope { issuer: self.issuer().clone(), record: closed };
        let mut changes = vec![self.organisation(now)?, scope, self.access(true)?];
        for client_id in &self.clients {
            changes.push(self.client(client_id, true)?);
        }
        changes.extend(self.persons.iter().map(|person| self.person(person, true)));
        store
            .register(changes, None, actor(), now)
            .await
            .map(|_| ())
            .map_err(|broken| format!("registering: {broken}"))
    }
}

const REDIRECT_URI: &str = "https://demo.example/callback";

fn organisation_number() -> Result<OrgNumber, String> {
    OrgNumber::parse(ORGANISATION).map_err(|_| "the organisation's number is none".to_owned())
}

/// The first client that has the scope of its world: the others never lose one.
const FIRST_WITH_SCOPE: usize = 4;

/// An access token that is issued now.
pub fn access_token(digest: AccessTokenDigest, now: Timestamp) -> NewAccessToken {
    NewAccessToken { digest, issued: now, expires: now + TOKEN, narrowed: None }
}

/// A refresh token that is issued now.
pub fn refresh_token(digest: RefreshTokenDigest, now: Timestamp) -> NewRefreshToken {
    NewRefreshToken { digest, issued: now, expires: now + TOKEN }
}

/// What a revocation knows a token by that is an access token: no refresh token has the other digest (RFC 7009 §2.1).
pub fn by_access(access: AccessTokenDigest) -> TokenDigests {
    TokenDigests { access, refresh: RefreshToken::presented("none").digest() }
}

/// What it knows a refresh token by, likewise.
pub fn by_refresh(refresh: RefreshTokenDigest) -> TokenDigests {
    TokenDigests { access: AccessToken::presented("none").digest(), refresh }
}

/// Who changes the registry here.
pub fn actor() -> Actor {
    Actor("torture".to_owned())
}

/// A login that begins now.
pub fn new_login(
    login: LoginDigest,
    browser: BrowserDigest,
    client_id: &ClientId,
    now: Timestamp,
) -> NewLogin {
    NewLogin {
        login,
        browser,
        client_id: client_id.clone(),
        request: "scope=openid+profile&state=torture".to_owned(),
        started: now,
        expires: now + LOGIN,
    }
}

/// Evidence that the person logged in now.
pub fn evidence(pid: &Pid, now: Timestamp) -> Evidence {
    Evidence { pid: pid.clone(), method: Method::TestId, assurance: Assurance::High, auth_time: now }
}

/// A signing key that signs from now on. It is no key, but the store does not look into it.
pub fn signing_key(kid: &str, now: Timestamp) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        pkcs8: b"what a signing key would be".to_vec().into(),
        chain: Vec::new(),
        published: now,
        signs_from: now,
        signs_until: None,
        removed: None,
    }
}

/// The master key of every proof's store.
pub fn master() -> MasterKey {
    MasterKey::draw(&Random::danger_seeded(0x70_6f_72_74))
}

/// Opens a store: a folder, or the address of a database that was made ready. The master key is the same for every proof.
///
/// # Errors
/// Why it does not open.
pub async fn open(place: &str, now: Timestamp) -> Result<Store, String> {
    let opening = Opening {
        url: store_url(place)?,
        master: master(),
        previous_master: None,
        random: Random::system(),
        now,
    };
    // Boxed: an opening is large, and is done once.
    Box::pin(Store::open(opening)).await.map_err(|fault| format!("opening the store: {fault}"))
}

/// Makes a database ready; a folder makes itself.
///
/// # Errors
/// Why its schema cannot be made.
pub async fn make_ready(place: &str, now: Timestamp) -> Result<(), String> {
    match store_url(place)? {
        StoreUrl::Folder(_) => Ok(()),
        StoreUrl::Postgres(url) => {
            migrate(&url, None, now).await.map(|_| ()).map_err(|fault| format!("migrating: {fault}"))
        }
    }
}

fn store_url(place: &str) -> Result<StoreUrl, String> {
    if !place.starts_with("postgres") {
        return Ok(StoreUrl::Folder(place.into()));
    }
    let url = PostgresUrl::parse(place).map_err(|fault| fault.to_string())?;
    Ok(StoreUrl::Postgres(Box::new(url.with_connections(CONNECTIONS))))
}

/// What a store's failure says.
pub(crate) fn told(broken: &Broken) -> String {
    format!("the store: {broken}")
}
