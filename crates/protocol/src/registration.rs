//! Registrations: what is kept of organisations, clients, scopes and test persons, and the changes that bring them about.
//! Whatever the door (catalogue, command, later the API), a registration passes the one parser here.

mod access;
pub(crate) mod fault;
mod refresh_right;
pub(crate) mod rules;
pub(crate) mod scope;
pub(crate) mod secrets;
pub(crate) mod spelled;

use serde::{Deserialize, Serialize};

pub use access::{AccessDeed, AccessFault, judge_access};
pub use fault::{RegistrationFault, Shown};
pub use refresh_right::RefreshRight;
pub use rules::{
    Beside, LONGEST_ACCESS_TOKEN, LONGEST_AUTHORIZATION, LONGEST_DESCRIPTION, LONGEST_NAME, MOST_CUSTOMERS,
    MOST_URIS,
};
pub use scope::MOST_READERS;
pub use secrets::{FEWEST_DIFFERENT, LONGEST_SECRET, SHORTEST_SECRET, rotate_secret};

use crate::client::{ApplicationType, AuthMethod, ClientId, OnBehalfOf, RefreshUse, StoredSecret};
use crate::issuer::Issuer;
use crate::organisation::{OrgNumber, Organisation};
use crate::person::Pid;
use crate::profile::AmrShape;
use crate::provider::Pool;
use crate::scope::{ScopeAccess, ScopeRecord, Scopes};
use crate::secret::ClientSecretDigest;
use crate::time::{Seconds, Timestamp};

/// A client as registered: the ten fields of the pilot's table (the secret kept apart, as a digest) and what the current
/// model adds for the endpoints there are (contract §13.1). Field names are the wire's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRegistration {
    /// `client_id`.
    pub client_id: ClientId,
    /// `client_orgno`: the organisation it belongs to.
    pub client_orgno: OrgNumber,
    /// `display_name`, or `client_name`: shown to people.
    pub display_name: String,
    /// What it is for, for those who administer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where a person is led back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// What it was ordered for, which bounds its scopes; absent: nothing was said, and nothing is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration_type: Option<IntegrationType>,
    /// The organisation that runs it for the one that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_orgno: Option<OrgNumber>,
    /// The grants it may use; absent: what [`ClientRegistration::may_refresh`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<GrantType>>,
    /// What becomes of its refresh tokens when they are used; absent: [`RefreshUse::OneTime`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_usage: Option<RefreshUse>,
    /// The customers that it logs people in for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onbehalfof: Vec<OnBehalfOf>,
    /// `web`, `browser` or `native`.
    pub application_type: ApplicationType,
    /// The one method it authenticates by.
    pub token_endpoint_auth_method: AuthMethod,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// Where a logout may return to.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// What it may ask for.
    pub scopes: Scopes,
    /// `S256`, `none`, or absent: the profile's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge_method: Option<CodeChallengeMethod>,
    /// The shape of its `amr` claims; absent: the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr_claim: Option<AmrClaim>,
    /// Whether userinfo answers it without the scope `profile`.
    #[serde(default)]
    pub userinfo_without_profile: bool,
    /// Seconds.
    pub authorization_lifetime: Seconds,
    /// Seconds.
    pub access_token_lifetime: Seconds,
    /// Seconds; 0: none.
    pub refresh_token_lifetime: Seconds,
}

/// A grant that a client may be registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
}

/// `integration_type` of a registration: those whose clients log people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationType {
    /// Login alone: `openid` and `profile`.
    Idporten,
    /// Login and calls to other services' interfaces: any scope.
    ApiKlient,
}

/// `code_challenge_method` of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeChallengeMethod {
    /// Always demanded.
    S256,
    /// Not demanded; enforced when sent.
    #[serde(rename = "none")]
    None,
}

/// `amr_claim` of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmrClaim {
    /// As the pilot.
    String,
    /// As OpenID Connect Core §2.
    Array,
}

impl From<AmrClaim> for AmrShape {
    fn from(claim: AmrClaim) -> Self {
        match claim {
            AmrClaim::String => Self::String,
            AmrClaim::Array => Self::Array,
        }
    }
}

/// A client as the registry holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// The registration.
    pub registration: ClientRegistration,
    /// Whether it may be used.
    pub active: bool,
    /// When it was first registered.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_updated: Timestamp,
    /// Its secrets, ended ones included as long as they are kept, newest first: a secret that ended is recognised, so that
    /// no catalogue can bring it back.
    pub secrets: Vec<StoredSecret>,
}

/// A test person of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRecord {
    /// The synthetic number.
    pub pid: Pid,
    /// Whether the person may log in, and what was given in their name still holds.
    pub active: bool,
}

/// Everything registered at one issuer, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// Organisations, by number.
    pub organisations: Vec<Organisation>,
    /// Scopes beside the reserved ones, by name.
    pub scopes: Vec<ScopeRecord>,
    /// What was said of organisations' access to them, by scope and organisation.
    pub access: Vec<ScopeAccess>,
    /// Clients, by identifier.
    pub clients: Vec<ClientRecord>,
}

/// One change to the registry. Changes are decided by rules, and brought about together in one commit or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Registers an organisation at an issuer, or replaces what was registered of it.
    Organisation {
        /// Where.
        issuer: Issuer,
        /// What.
        organisation: Organisation,
    },
    /// Registers a scope, or replaces what was registered of it.
    Scope {
        /// Where.
        issuer: Issuer,
        /// What.
        record: ScopeRecord,
    },
    /// Says whether an organisation may use a scope.
    ScopeAccess {
        /// Where.
        issuer: Issuer,
        /// Which, whose and what.
        access: ScopeAccess,
    },
    /// Takes back everything that was granted before an instant. Of several, the latest counts; none is ever made earlier.
    NotBefore {
        /// Where.
        issuer: Issuer,
        /// Whose.
        subject: Subject,
        /// What was granted before this instant is nothing.
        at: Timestamp,
    },
    /// Registers a client, or replaces its registration. Its secrets stay.
    Client {
        /// Where.
        issuer: Issuer,
        /// What.
        registration: Box<ClientRegistration>,
        /// Whether it may be used.
        active: bool,
    },
    /// Gives a client one more secret.
    Secret {
        /// Where.
        issuer: Issuer,
        /// Whose.
        client_id: ClientId,
        /// Its digest.
        digest: ClientSecretDigest,
        /// Its end.
        expires: Timestamp,
        /// The instant at which its other secrets end, if that is earlier than they do anyway.
        others_expire: Timestamp,
    },
    /// Ends every secret of a client's at `at`, unless it ends before: the client authenticates without one from now on.
    EndSecrets {
        /// Where.
        issuer: Issuer,
        /// Whose.
        client_id: ClientId,
        /// From this instant on.
        at: Timestamp,
    },
    /// Puts a test person into a pool, or changes whether the person is active.
    Person {
        /// Which pool.
        pool: Pool,
        /// Who, and whether active.
        person: PersonRecord,
    },
}

/// What everything granted can be taken back of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All that the issuer gave.
    Issuer,
    /// What one client was given.
    Client(ClientId),
    /// What the clients of one organisation were given, and those that it runs for others.
    Organisation(OrgNumber),
    /// What was given in one person's name. By the login: one that began before counts as before.
    Person(Pid),
}

/// The instant before which everything is nothing, if it is taken back at `now`. Instants are whole seconds, and what was granted in this one
/// is taken back as well.
pub fn taken_back_at(now: Timestamp) -> Timestamp {
    now + Seconds::new(1)
}
