//! A provider, its clients, a request and what follows from it, as plain values.

use std::sync::Arc;

use portvakt_crypto::digest::HmacKey;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::authorize::{Addressed, PageFault, address};
use portvakt_protocol::client::{ApplicationType, AuthMethod, Client, ClientId, StoredSecret};
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{GrantId, LoadedCode};
use portvakt_protocol::interaction::{Decision, Granted, Login, decide};
use portvakt_protocol::language::Language;
use portvakt_protocol::organisation::{Acceptance, OrgNumber, Organisation, Standing};
use portvakt_protocol::params::RawParams;
use portvakt_protocol::person::Pid;
use portvakt_protocol::profile::Profile;
use portvakt_protocol::provider::{Environment, PersonStanding, Provider, TestIdSettings};
use portvakt_protocol::registration::{Beside, ClientRegistration};
use portvakt_protocol::scope::{ScopeAccess, ScopeRecord, Scopes};
use portvakt_protocol::secret::{AccessToken, ClientSecret, Code, RefreshToken};
use portvakt_protocol::subject::PairwiseKey;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::token::{
    ClientProof, CodeRequest, Draws, RefreshRequest, TokenRequest, authenticate, credentials,
};

pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(crate) const PERSON: &str = "21879498012";
pub(crate) const SECRET: &str = "a secret with : + % in it";
pub(crate) const REDIRECT_URI: &str = "https://rp.example.no/cb";
/// The documented pair of verifier and challenge.
pub(crate) const VERIFIER: &str = "xyo94uhy3zKvgB0NJwLms86SwcjtWviEOpkBnGgaLlo";
pub(crate) const CHALLENGE: &str = "b7elB7ZyxIXgFyvBznKvxl7wOB-H17Pz0a3B62NIMFI";

pub(crate) fn after(seconds: u32) -> Timestamp {
    NOW + Seconds::new(seconds)
}

pub(crate) fn provider(profile: &'static Profile) -> Provider {
    let test_id = Some(TestIdSettings { pools: Vec::new(), assigned_only: false });
    let issuer = format!("http://localhost:8080/{}", profile.name);
    Provider::new(&issuer, None, profile, Environment::Test, test_id, "1").unwrap()
}

pub(crate) fn registration() -> ClientRegistration {
    ClientRegistration {
        client_id: ClientId::parse("web").unwrap(),
        client_orgno: OrgNumber::parse("991825827").unwrap(),
        display_name: "Eksempeltjenesten".to_owned(),
        description: None,
        client_uri: None,
        integration_type: None,
        supplier_orgno: None,
        grant_types: None,
        refresh_token_usage: None,
        onbehalfof: Vec::new(),
        application_type: ApplicationType::Web,
        token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        post_logout_redirect_uris: Vec::new(),
        scopes: Scopes::parse("openid profile").unwrap(),
        code_challenge_method: None,
        amr_claim: None,
        userinfo_without_profile: false,
        authorization_lifetime: Seconds::new(7200),
        access_token_lifetime: Seconds::new(600),
        refresh_token_lifetime: Seconds::new(0),
    }
}

/// A client that authenticates by `method`; without a secret it is one that runs in a browser.
pub(crate) fn authenticating(method: AuthMethod) -> ClientRegistration {
    let application_type = if method.has_secret() { ApplicationType::Web } else { ApplicationType::Browser };
    ClientRegistration { application_type, token_endpoint_auth_method: method, ..registration() }
}

pub(crate) fn client(provider: &Provider, registration: &ClientRegistration) -> Arc<Client> {
    client_among(provider, registration, &[], &[], Timestamp::from_unix(0))
}

/// A client at an issuer that has these scopes and says this of access to them, and where everything before `not_before` was taken back.
pub(crate) fn client_among(
    provider: &Provider,
    registration: &ClientRegistration,
    scopes: &[ScopeRecord],
    access: &[ScopeAccess],
    not_before: Timestamp,
) -> Arc<Client> {
    let organisation = Organisation {
        orgno: registration.client_orgno.clone(),
        name: "Eksempeletaten".to_owned(),
        terms: Some(Acceptance {
            version: "1".to_owned(),
            accepted_at: NOW,
            accepted_by: "a director".to_owned(),
        }),
        standing: Standing::Active,
    };
    let secret = StoredSecret { digest: ClientSecret::presented(SECRET).digest(), expires: after(1000) };
    let secrets =
        if registration.token_endpoint_auth_method.has_secret() { vec![secret] } else { Vec::new() };
    let beside = Beside {
        organisation: &organisation,
        supplier: None,
        scopes,
        access,
        secrets,
        active: true,
        not_before,
    };
    Arc::new(registration.client(provider, beside).unwrap())
}

/// The client `web` at `provider`.
pub(crate) fn web(provider: &Provider) -> Arc<Client> {
    client(provider, &registration())
}

pub(crate) fn params(pairs: &[(&str, &str)]) -> RawParams {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A request that every rule passes, with `changes` in place of its own values; an empty value takes a parameter away.
pub(crate) fn request(changes: &[(&str, &str)]) -> RawParams {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid profile"),
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    pairs.retain(|(_, value)| !value.is_empty());
    params(&pairs)
}

pub(crate) fn addressed(provider: &Provider, params: RawParams) -> Result<Addressed, PageFault> {
    address(params, Some(web(provider)))
}

pub(crate) fn evidence(assurance: Assurance) -> Evidence {
    Evidence { pid: Pid::parse(PERSON).unwrap(), method: Method::TestId, assurance, auth_time: NOW }
}

/// A request whose person logged in at `NOW`, at the highest level.
pub(crate) fn granted(provider: &Provider, params: RawParams) -> Granted {
    let login = Login { evidence: evidence(Assurance::High), standing: PersonStanding::Active };
    let addressed = addressed(provider, params).unwrap();
    match decide(addressed, Some(login), Some(Assurance::High), provider, NOW) {
        Ok(Decision::Proceed(authenticated)) => authenticated.grant(),
        other => panic!("{other:?}"),
    }
}

/// The code of such a request as the store would bring it back.
pub(crate) fn loaded(provider: &Provider, code: &Code, params: RawParams) -> LoadedCode {
    let (code, grant) = granted(provider, params).issue(code, GrantId([7; 16]), Language::Nb, NOW);
    LoadedCode { code, grant, spent: false, revoked: false }
}

/// The client `web`, authenticated.
pub(crate) fn proof(provider: &Provider) -> ClientProof {
    proof_of(client(provider, &authenticating(AuthMethod::ClientSecretPost)))
}

/// A client that posts its secret, or has none, authenticated.
pub(crate) fn proof_of(client: Arc<Client>) -> ClientProof {
    let mut posted = vec![("client_id", client.id().as_str())];
    if client.auth_method().has_secret() {
        posted.push(("client_secret", SECRET));
    }
    let credentials = credentials(&[], &params(&posted)).unwrap();
    authenticate(&credentials, Some(client), NOW).unwrap()
}

pub(crate) fn redemption(code: &str, changes: &[(&str, &str)]) -> CodeRequest {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    match TokenRequest::parse(&params(&pairs)).unwrap() {
        TokenRequest::Code(request) => request,
        other @ TokenRequest::Refresh(_) => panic!("{other:?}"),
    }
}

/// A refresh by the token `presented`, asking for these scopes or saying nothing of them.
pub(crate) fn refreshing(presented: &str, scope: Option<&str>) -> RefreshRequest {
    let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", presented)];
    pairs.extend(scope.map(|scope| ("scope", scope)));
    match TokenRequest::parse(&params(&pairs)).unwrap() {
        TokenRequest::Refresh(request) => request,
        other @ TokenRequest::Code(_) => panic!("{other:?}"),
    }
}

pub(crate) fn draws() -> Draws {
    Draws {
        access_token: AccessToken::presented(&"t".repeat(43)),
        id_token: [9; 32],
        refresh_token: RefreshToken::presented(&"r".repeat(43)),
    }
}

pub(crate) fn pairwise() -> PairwiseKey {
    PairwiseKey::new(HmacKey::from_bytes([3; 32]))
}
