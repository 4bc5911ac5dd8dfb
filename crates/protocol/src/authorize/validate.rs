//! The checks of an addressed request, in order. Each is a small function named after its parameter.

use super::login_hint::LOGIN_HINT;
use super::{
    Addressed, AuthorizeFault, LoginFault, LoginHint, MOST_ECHOED, PkceFault, RequestFault, ScopeFault,
    Unsupported, is_kept, is_state,
};
use crate::acr::Assurance;
use crate::client::{OnBehalfOf, PkcePolicy};
use crate::features::{Endpoint, knows};
use crate::pkce::CodeChallenge;
use crate::provider::Provider;
use crate::refusal::Malformed;
use crate::scope::Scopes;
use crate::time::Seconds;

/// A request that every rule has passed.
#[derive(Clone, Debug)]
pub struct Validated {
    addressed: Addressed,
    scopes: Scopes,
    nonce: Option<String>,
    challenge: Option<CodeChallenge>,
    minimum: Assurance,
    prompt: Prompt,
    max_age: Option<Seconds>,
    login_hint: Option<LoginHint>,
    on_behalf_of: Option<OnBehalfOf>,
}

/// `prompt` (OpenID Connect Core §3.1.2.1), as far as it decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Pages may be shown.
    Interactive,
    /// `none`: no page may be shown.
    None,
}

impl Validated {
    /// The request with its address.
    pub fn addressed(&self) -> &Addressed {
        &self.addressed
    }

    /// Refuses it after all.
    pub(crate) fn refuse(self, fault: LoginFault) -> Box<Refused> {
        Box::new(Refused { addressed: self.addressed, fault: fault.into() })
    }

    /// What was asked for.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// `nonce`.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The PKCE challenge.
    pub fn challenge(&self) -> Option<&CodeChallenge> {
        self.challenge.as_ref()
    }

    /// The lowest level that will do. Nothing lower is offered.
    pub fn minimum(&self) -> Assurance {
        self.minimum
    }

    /// Whether pages may be shown.
    pub fn prompt(&self) -> Prompt {
        self.prompt
    }

    /// `max_age`: how old the login may be.
    pub fn max_age(&self) -> Option<Seconds> {
        self.max_age
    }

    /// Whom to log in without a page: a `testid:` hint's. Gone once the request is kept.
    pub fn login_hint(&self) -> Option<&LoginHint> {
        self.login_hint.as_ref()
    }

    /// The customer that the client logs the person in for.
    pub fn on_behalf_of(&self) -> Option<&OnBehalfOf> {
        self.on_behalf_of.as_ref()
    }
}

/// A refused request: the fault, and the address that the refusal goes to.
#[derive(Debug)]
pub struct Refused {
    /// Where it goes.
    pub addressed: Addressed,
    /// What is wrong.
    pub fault: AuthorizeFault,
}

/// Runs every check on an addressed request.
///
/// # Errors
/// [`Refused`]: the first fault found.
pub fn validate(addressed: Addressed, provider: &Provider) -> Result<Validated, Box<Refused>> {
    let checks = || {
        repeated(&addressed)?;
        state(&addressed)?;
        unsupported(&addressed)?;
        response_type(&addressed, provider)?;
        response_mode(&addressed)?;
        lengths(&addressed, provider)?;
        let scopes = scope(&addressed)?;
        let challenge = code_challenge(&addressed)?;
        let minimum = acr_values(&addressed, provider)?;
        let prompt = prompt(&addressed)?;
        let max_age = max_age(&addressed)?;
        let login_hint = login_hint(&addressed, provider, minimum)?;
        let on_behalf_of = on_behalf_of(&addressed)?;
        Ok((scopes, challenge, minimum, prompt, max_age, login_hint, on_behalf_of))
    };
    match checks() {
        Ok((scopes, challenge, minimum, prompt, max_age, login_hint, on_behalf_of)) => {
            let nonce = addressed.params.first("nonce").map(str::to_owned);
            Ok(Validated {
                addressed,
                scopes,
                nonce,
                challenge,
                minimum,
                prompt,
                max_age,
                login_hint,
                on_behalf_of,
            })
        }
        Err(fault) => Err(Box::new(Refused { addressed, fault })),
    }
}

/// RFC 6749 §3.1: no parameter stands twice. After this check the first value is the only one.
fn repeated(request: &Addressed) -> Result<(), AuthorizeFault> {
    request.params.repeated().map_or(Ok(()), |again| Err(Malformed::from(again).into()))
}

/// Contract §2: `state` is printable ASCII, and demanded of public clients and where PKCE was opted out of.
fn state(request: &Addressed) -> Result<(), AuthorizeFault> {
    match request.params.first("state") {
        Some(state) if !is_state(state) => Err(RequestFault::StateCharacters(state.chars().count()).into()),
        None if request.client.state_required() => Err(RequestFault::StateMissing.into()),
        Some(_) | None => Ok(()),
    }
}

/// RFC 6749 §3.1.1: only `code`, which the pilot implies.
fn response_type(request: &Addressed, provider: &Provider) -> Result<(), AuthorizeFault> {
    match request.params.first("response_type") {
        Some("code") => Ok(()),
        Some(other) => Err(RequestFault::ResponseType(other.to_owned()).into()),
        None if provider.profile().response_type_implied => Ok(()),
        None => Err(RequestFault::ResponseTypeMissing.into()),
    }
}

/// OAuth 2.0 Multiple Response Types §2.1: only `query`.
fn response_mode(request: &Addressed) -> Result<(), AuthorizeFault> {
    match request.params.first("response_mode") {
        None | Some("query") => Ok(()),
        Some(other) => Err(RequestFault::ResponseMode(other.to_owned()).into()),
    }
}

/// What is read is kept for the login's length, and anyone may ask: no value is endless. (`state` has its own rule.)
fn lengths(request: &Addressed, provider: &Provider) -> Result<(), AuthorizeFault> {
    let long =
        request.params.iter().find(|(name, value)| is_kept(provider, name) && value.len() > MOST_ECHOED);
    match long {
        Some((name, value)) => Err(RequestFault::TooLong(name.to_owned(), value.len()).into()),
        None => Ok(()),
    }
}

/// What does not exist here is refused where ignoring it would change the answer.
fn unsupported(request: &Addressed) -> Result<(), AuthorizeFault> {
    let sent = |name| request.params.names(name);
    if sent("request") {
        return Err(Unsupported::RequestObject.into());
    }
    if sent("request_uri") {
        return Err(Unsupported::RequestUri.into());
    }
    Unsupported::binding(&request.params).map_or(Ok(()), |fault| Err(fault.into()))
}

/// Contract §14: a customer that is registered for the client, by its exact name.
fn on_behalf_of(request: &Addressed) -> Result<Option<OnBehalfOf>, AuthorizeFault> {
    let Some(sent) = request.params.first("onbehalfof") else { return Ok(None) };
    match request.client.on_behalf_of(sent) {
        Some(customer) => Ok(Some(customer.clone())),
        None => Err(RequestFault::OnBehalfOf(sent.to_owned()).into()),
    }
}

/// RFC 6749 §3.3: present, well formed, and registered on the client.
fn scope(request: &Addressed) -> Result<Scopes, AuthorizeFault> {
    let sent = request.params.first("scope").ok_or(ScopeFault::Missing)?;
    let scopes = ScopeFault::read(sent)?;
    match request.client.scope_refused(&scopes) {
        Some((scope, why)) => Err(ScopeFault::refused(scope, why).into()),
        None => Ok(scopes),
    }
}

/// RFC 7636 §4.3, §4.4.1: S256 only, demanded where the registration says so, enforced wherever it is sent.
fn code_challenge(request: &Addressed) -> Result<Option<CodeChallenge>, AuthorizeFault> {
    let method = request.params.first("code_challenge_method");
    match (request.params.first("code_challenge"), method) {
        (None, Some(_)) => Err(PkceFault::MethodAlone.into()),
        (None, None) if request.client.pkce() == PkcePolicy::Required => {
            Err(PkceFault::ChallengeMissing.into())
        }
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) => match CodeChallenge::parse(challenge) {
            Some(challenge) => Ok(Some(challenge)),
            None => Err(PkceFault::Format(challenge.chars().count()).into()),
        },
        (Some(_), other) => Err(PkceFault::Method(other.map(str::to_owned)).into()),
    }
}

/// OpenID Connect Core §3.1.2.1 with ID-porten's meaning: the lowest level asked for is the minimum.
fn acr_values(request: &Addressed, provider: &Provider) -> Result<Assurance, AuthorizeFault> {
    let ladder = &provider.profile().acr;
    ladder
        .minimum(request.params.first("acr_values"))
        .map_err(|fault| LoginFault::acr(fault, ladder.words()).into())
}

/// OpenID Connect Core §3.1.2.1. Every login is fresh, so `login`, `consent` and `select_account` ask for what happens anyway.
fn prompt(request: &Addressed) -> Result<Prompt, AuthorizeFault> {
    let Some(sent) = request.params.first("prompt") else { return Ok(Prompt::Interactive) };
    let values: Vec<&str> = sent.split(' ').filter(|value| !value.is_empty()).collect();
    if let Some(unknown) =
        values.iter().find(|value| !matches!(**value, "none" | "login" | "consent" | "select_account"))
    {
        return Err(LoginFault::Prompt((*unknown).to_owned()).into());
    }
    match values.as_slice() {
        ["none"] => Ok(Prompt::None),
        several if several.contains(&"none") => Err(LoginFault::PromptNoneCombined.into()),
        _ => Ok(Prompt::Interactive),
    }
}

/// OpenID Connect Core §3.1.2.1: a whole number of seconds.
fn max_age(request: &Addressed) -> Result<Option<Seconds>, AuthorizeFault> {
    let Some(sent) = request.params.first("max_age") else { return Ok(None) };
    let digits = sent.bytes().all(|byte| byte.is_ascii_digit());
    match sent.parse() {
        Ok(seconds) if digits => Ok(Some(Seconds::new(seconds))),
        Ok(_) | Err(_) => Err(LoginFault::MaxAge(sent.to_owned()).into()),
    }
}

/// Contract §2: a `testid:` hint is obeyed or refused, any other ignored.
fn login_hint(
    request: &Addressed,
    provider: &Provider,
    minimum: Assurance,
) -> Result<Option<LoginHint>, AuthorizeFault> {
    match request.params.first(LOGIN_HINT).filter(|_| knows(provider, Endpoint::Authorization, LOGIN_HINT)) {
        Some(hint) => Ok(LoginHint::parse(hint, provider, minimum)?),
        None => Ok(None),
    }
}
