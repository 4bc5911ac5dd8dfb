//! What the proofs on the store's verbs have in common: an issuer, clients, persons, and how a store is opened.

use portvakt_crypto::random::Random;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::{ApplicationType, AuthMethod, ClientId};
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{Echo, Grant, GrantId, NewCode};
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use portvakt_protocol::person::Pid;
use portvakt_protocol::profile::PILOT;
use portvakt_protocol::provider::{Environment, Pool, Provider};
use portvakt_protocol::registration::{Change, ClientRegistration, PersonRecord};
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::secret::{BrowserDigest, CodeDigest, LoginDigest};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{
    Actor, Broken, Issue, MasterKey, NewLogin, Opening, PostgresUrl, Store, StoreUrl, StoredKey, migrate,
};

/// For how long a login lasts.
pub const LOGIN: Seconds = Seconds::new(1800);
/// For how long a code lasts: long enough that no run is over it.
pub const CODE: Seconds = Seconds::days(1);
/// For how long an access token lasts.
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
    /// With clients called `NAME-0`, `NAME-1` and so on.
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
        let registration = ClientRegistration {
            client_id: client_id.clone(),
            client_orgno: organisation_number()?,
            display_name: client_id.as_str().to_owned(),
            description: None,
            client_uri: None,
            integration_type: None,
            application_type: ApplicationType::Web,
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            post_logout_redirect_uris: Vec::new(),
            scopes: scopes()?,
            code_challenge_method: None,
            amr_claim: None,
            userinfo_without_profile: false,
            authorization_lifetime: Seconds::new(7200),
            access_token_lifetime: Seconds::new(120),
            refresh_token_lifetime: Seconds::new(600),
        };
        Ok(Change::Client { issuer: self.issuer().clone(), registration: Box::new(registration), active })
    }

    /// Puts a person into the pool, or says whether the person is active.
    pub fn person(&self, person: &Person, active: bool) -> Change {
        let [pool] = &self.pools;
        Change::Person { pool: pool.clone(), person: PersonRecord { pid: person.pid.clone(), active } }
    }

    /// Registers everything, as one commit.
    ///
    /// # Errors
    /// The store's, or a name that does not parse.
    pub async fn register(&self, store: &Store, now: Timestamp) -> Result<(), String> {
        let mut changes = vec![self.organisation(now)?];
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

fn scopes() -> Result<Scopes, String> {
    Scopes::parse("openid profile").map_err(|_| "the scopes are none".to_owned())
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

/// What a login gives that is finished now, and that tells of this evidence.
///
/// # Errors
/// The scopes are none.
pub fn issue(
    code: CodeDigest,
    grant: GrantId,
    client_id: &ClientId,
    evidence: &Evidence,
    now: Timestamp,
) -> Result<Issue, String> {
    Ok(Issue {
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
            scopes: scopes()?,
            method: evidence.method,
            assurance: evidence.assurance,
            auth_time: evidence.auth_time,
            expires: now + GRANT,
            echo: Echo { nonce: Some("n".to_owned()), locale: Some("nb".to_owned()) },
        },
    })
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
