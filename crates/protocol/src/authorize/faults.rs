//! What is wrong with an addressed request, and what each fault says to the client.

use super::HintFault;
use crate::acr::AcrFault;
use crate::refusal::{ErrorCode as Code, Fault, Received, Refusal};

/// A fault found after the answer had an address: told to the client by redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeFault {
    /// The request's own parameters.
    Request(RequestFault),
    /// A parameter of a feature that is not there: ignoring it would change the answer.
    Unsupported(Unsupported),
    /// PKCE.
    Pkce(PkceFault),
    /// The login asked for.
    Login(LoginFault),
    /// The person hinted at.
    Hint(HintFault),
}

/// A fault in the parameters of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// A parameter stands more than once.
    Repeated(String),
    /// `state` has other characters than 0x20-0x7E, or too many; its length.
    StateCharacters(usize),
    /// No `state` where one is demanded.
    StateMissing,
    /// A value is too long: its parameter and length.
    TooLong(String, usize),
    /// No `response_type`.
    ResponseTypeMissing,
    /// Another `response_type` than `code`.
    ResponseType(String),
    /// Another `response_mode` than `query`.
    ResponseMode(String),
    /// No `scope`.
    ScopeMissing,
    /// `scope` cannot be read.
    ScopeSyntax,
    /// A scope that the client may not ask for.
    ScopeRefused(String),
}

/// A parameter of a feature that this issuer does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// `request`.
    RequestObject,
    /// `request_uri`.
    RequestUri,
    /// `onbehalfof`.
    OnBehalfOf(String),
    /// `resource`.
    Resource,
    /// `authorization_details`.
    AuthorizationDetails,
}

/// A fault in the PKCE parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PkceFault {
    /// No `code_challenge` where one is demanded.
    ChallengeMissing,
    /// `code_challenge_method` is not `S256`.
    Method(Option<String>),
    /// `code_challenge` is not 43 base64url characters; its length.
    Format(usize),
    /// `code_challenge_method` without `code_challenge`.
    MethodAlone,
}

/// A fault about the login asked for, or in the login itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginFault {
    /// `acr_values` cannot be obeyed; the ladder's words.
    Acr(AcrFault, String),
    /// `prompt` has an unknown value.
    Prompt(String),
    /// `prompt=none` beside another value.
    PromptNoneCombined,
    /// `max_age` is no number.
    MaxAge(String),
    /// `prompt=none`, and the person must log in.
    LoginRequired,
    /// The person cancelled.
    Cancelled,
    /// The person who logged in may not, or no longer.
    PersonStopped,
    /// We cannot answer at present: what failed is ours, and in the log.
    Unavailable,
    /// No eID that reaches the level is to be had at this issuer.
    NoEid,
}

impl Fault for AuthorizeFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Request(fault) => fault.refusal(),
            Self::Unsupported(fault) => fault.refusal(),
            Self::Pkce(fault) => fault.refusal(),
            Self::Login(fault) => fault.refusal(),
            Self::Hint(fault) => fault.refusal(),
        }
    }
}

impl From<RequestFault> for AuthorizeFault {
    fn from(fault: RequestFault) -> Self {
        Self::Request(fault)
    }
}

impl From<Unsupported> for AuthorizeFault {
    fn from(fault: Unsupported) -> Self {
        Self::Unsupported(fault)
    }
}

impl From<PkceFault> for AuthorizeFault {
    fn from(fault: PkceFault) -> Self {
        Self::Pkce(fault)
    }
}

impl From<LoginFault> for AuthorizeFault {
    fn from(fault: LoginFault) -> Self {
        Self::Login(fault)
    }
}

impl Fault for RequestFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Repeated(name) => Refusal::repeated(name),
            Self::StateCharacters(length) => Refusal::row(
                Code::InvalidRequest,
                ("state-characters", "contract §2"),
                Some("state"),
                "at most 2048 characters from 0x20 to 0x7E",
                Received::Hidden(*length),
                "encode the state as printable ASCII, such as base64url",
            ),
            Self::StateMissing => Refusal::row(
                Code::InvalidRequest,
                ("state-missing", "RFC 6749 §10.12"),
                Some("state"),
                "a value that binds the answer to the browser: demanded of public clients, and without PKCE",
                Received::Absent,
                "draw a random state for each request and compare it in the answer",
            ),
            Self::TooLong(name, length) => Refusal {
                parameter: Some(name.clone().into()),
                ..Refusal::row(
                    Code::InvalidRequest,
                    ("parameter-too-long", "RFC 6749 §3.1"),
                    None,
                    "at most 2048 bytes",
                    Received::Hidden(*length),
                    "send a shorter value",
                )
            },
            Self::ResponseTypeMissing => Refusal::row(
                Code::InvalidRequest,
                ("response-type-missing", "RFC 6749 §3.1.1"),
                Some("response_type"),
                "code",
                Received::Absent,
                "send response_type=code",
            ),
            Self::ResponseType(sent) => Refusal::row(
                Code::UnsupportedResponseType,
                ("response-type-unsupported", "RFC 6749 §3.1.1"),
                Some("response_type"),
                "code",
                Received::text(sent),
                "use the code flow: response_type=code",
            ),
            Self::ResponseMode(sent) => Refusal::row(
                Code::InvalidRequest,
                ("response-mode-unsupported", "OAuth 2.0 Multiple Response Types §2.1"),
                Some("response_mode"),
                "query, or no response_mode",
                Received::text(sent),
                "leave response_mode out",
            ),
            Self::ScopeMissing => Refusal::row(
                Code::InvalidScope,
                ("scope-missing", "RFC 6749 §3.3"),
                Some("scope"),
                "at least one registered scope, such as openid",
                Received::Absent,
                "send scope=openid, and profile for userinfo",
            ),
            Self::ScopeSyntax => Refusal::row(
                Code::InvalidScope,
                ("scope-syntax", "RFC 6749 §3.3"),
                Some("scope"),
                "at most 64 scopes with single spaces between them",
                Received::State("something else"),
                "separate scopes with one space, encoded as + or %20",
            ),
            Self::ScopeRefused(scope) => Refusal::row(
                Code::InvalidScope,
                ("scope-unregistered", "RFC 6749 §3.3"),
                Some("scope"),
                "only scopes that are registered on the client and in use",
                Received::text(scope),
                "register the scope on the client, or leave it out",
            ),
        }
    }
}

impl Fault for Unsupported {
    fn refusal(&self) -> Refusal {
        match self {
            Self::RequestObject => Refusal::row(
                Code::RequestNotSupported,
                ("request-object-unsupported", "OpenID Connect Core §6.1"),
                Some("request"),
                "the parameters themselves: request objects are not supported",
                Received::State("a request object"),
                "send the parameters in the query",
            ),
            Self::RequestUri => Refusal::row(
                Code::RequestUriNotSupported,
                ("request-uri-unsupported", "OpenID Connect Core §6.2"),
                Some("request_uri"),
                "the parameters themselves: request_uri is not supported",
                Received::State("a request_uri"),
                "send the parameters in the query",
            ),
            Self::OnBehalfOf(sent) => Refusal::row(
                Code::InvalidRequest,
                ("onbehalfof-unregistered", "contract §14"),
                Some("onbehalfof"),
                "no onbehalfof: none is registered for the client",
                Received::text(sent),
                "leave onbehalfof out",
            ),
            Self::Resource => Refusal::row(
                Code::InvalidTarget,
                ("resource-unsupported", "RFC 8707 §2"),
                Some("resource"),
                "no resource: access tokens cannot be bound to one here",
                Received::State("a resource"),
                "leave resource out",
            ),
            Self::AuthorizationDetails => Refusal::row(
                Code::InvalidAuthorizationDetails,
                ("authorization-details-unsupported", "RFC 9396 §5"),
                Some("authorization_details"),
                "no authorization_details: no type is supported",
                Received::State("authorization_details"),
                "leave authorization_details out",
            ),
        }
    }
}

impl Fault for PkceFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::ChallengeMissing => Refusal::row(
                Code::InvalidRequest,
                ("code-challenge-missing", "RFC 7636 §4.4.1"),
                Some("code_challenge"),
                "the S256 challenge of a code verifier",
                Received::Absent,
                "turn PKCE on in your library, or register code_challenge_method none for a confidential client",
            ),
            Self::Method(sent) => Refusal::row(
                Code::InvalidRequest,
                ("code-challenge-method", "RFC 7636 §4.3"),
                Some("code_challenge_method"),
                "S256",
                Received::maybe(sent.as_deref()),
                "send code_challenge_method=S256; absent means plain, which is not accepted",
            ),
            Self::Format(length) => Refusal::row(
                Code::InvalidRequest,
                ("code-challenge-format", "RFC 7636 §4.2"),
                Some("code_challenge"),
                "43 base64url characters without padding",
                Received::Hidden(*length),
                "encode SHA-256 of the verifier as base64url and drop the =",
            ),
            Self::MethodAlone => Refusal::row(
                Code::InvalidRequest,
                ("code-challenge-method-alone", "RFC 7636 §4.3"),
                Some("code_challenge"),
                "a code_challenge beside code_challenge_method",
                Received::Absent,
                "send both or neither",
            ),
        }
    }
}

impl Fault for LoginFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Acr(AcrFault::Unknown(word), words) => Refusal::row(
                Code::InvalidRequest,
                ("acr-values-unknown", "OpenID Connect Core §3.1.2.1"),
                Some("acr_values"),
                format!("values from: {words}"),
                Received::text(word),
                "send levels of this issuer, separated by spaces",
            ),
            Self::Acr(AcrFault::Unmet(sent), words) => Refusal::row(
                Code::InvalidRequest,
                ("acr-values-unmet", "OpenID Connect Core §3.1.2.1"),
                Some("acr_values"),
                format!("at least one value from: {words}"),
                Received::text(sent),
                "add a level that an eID of this issuer reaches",
            ),
            Self::Prompt(sent) => Refusal::row(
                Code::InvalidRequest,
                ("prompt-unknown", "OpenID Connect Core §3.1.2.1"),
                Some("prompt"),
                "values from: none login consent select_account",
                Received::text(sent),
                "send a value of OpenID Connect Core §3.1.2.1",
            ),
            Self::PromptNoneCombined => Refusal::row(
                Code::InvalidRequest,
                ("prompt-none-combined", "OpenID Connect Core §3.1.2.1"),
                Some("prompt"),
                "none alone",
                Received::State("none beside another value"),
                "send prompt=none without other values",
            ),
            Self::MaxAge(sent) => Refusal::row(
                Code::InvalidRequest,
                ("max-age", "OpenID Connect Core §3.1.2.1"),
                Some("max_age"),
                "a whole number of seconds",
                Received::text(sent),
                "send digits only",
            ),
            Self::LoginRequired => Refusal::row(
                Code::LoginRequired,
                ("login-required", "OpenID Connect Core §3.1.2.6"),
                Some("prompt"),
                "a request that may show pages: the person must log in",
                Received::State("prompt=none"),
                "send the request again without prompt=none",
            ),
            Self::Cancelled => Refusal::row(
                Code::AccessDenied,
                ("cancelled", "RFC 6749 §4.1.2.1"),
                None,
                "a login: the person cancelled",
                Received::State("a cancellation"),
                "offer the person to log in again",
            ),
            Self::Unavailable => Refusal::row(
                Code::TemporarilyUnavailable,
                ("unavailable", "RFC 6749 §4.1.2.1"),
                None,
                "a moment in which it can be answered",
                Received::State("a failure of ours"),
                "send the request again in a moment",
            ),
            Self::PersonStopped => Refusal::row(
                Code::AccessDenied,
                ("person-stopped", "RFC 6749 §4.1.2.1"),
                None,
                "a person who may log in",
                Received::State("a person who may not"),
                "use an active test person",
            ),
            Self::NoEid => Refusal::row(
                Code::TemporarilyUnavailable,
                ("no-eid", "RFC 6749 §4.1.2.1"),
                Some("acr_values"),
                "a level that an eID reaches: none can be used at present",
                Received::State("no eID at this issuer"),
                "configure an eID for this issuer",
            ),
        }
    }
}
