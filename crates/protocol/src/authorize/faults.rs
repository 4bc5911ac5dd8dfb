//! What is wrong with an addressed request, and what each fault says to the client.

use super::{HintFault, LoginFault, ScopeFault};
use crate::params::RawParams;
use crate::refusal::{Fault, Malformed, Received, Refusal, rules};

/// A fault found after the answer had an address: told to the client by redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeFault {
    /// How the request is written.
    Malformed(Malformed),
    /// The request's own parameters.
    Request(RequestFault),
    /// The scopes asked for.
    Scope(ScopeFault),
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
    /// An `onbehalfof` that is not registered for the client.
    OnBehalfOf(String),
}

/// A parameter of a feature that this issuer does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// `request`.
    RequestObject,
    /// `request_uri`.
    RequestUri,
    /// `resource`.
    Resource,
    /// `authorization_details`.
    AuthorizationDetails,
}

impl Unsupported {
    /// The first parameter of a request that would bind its tokens to something, which they cannot be at any endpoint.
    pub(crate) fn binding(params: &RawParams) -> Option<Self> {
        if params.names("resource") {
            return Some(Self::Resource);
        }
        params.names("authorization_details").then_some(Self::AuthorizationDetails)
    }
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

/// The response types of several words (OAuth 2.0 Multiple Response Type Encoding Practices §5, OpenID Connect Core §3).
const OTHER_FLOWS: [&str; 4] = ["code id_token", "code token", "id_token token", "code id_token token"];

impl Fault for AuthorizeFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Malformed(fault) => fault.refusal(),
            Self::Scope(fault) => fault.refusal(),
            Self::Request(fault) => fault.refusal(),
            Self::Unsupported(fault) => fault.refusal(),
            Self::Pkce(fault) => fault.refusal(),
            Self::Login(fault) => fault.refusal(),
            Self::Hint(fault) => fault.refusal(),
        }
    }
}

impl From<Malformed> for AuthorizeFault {
    fn from(fault: Malformed) -> Self {
        Self::Malformed(fault)
    }
}

impl From<ScopeFault> for AuthorizeFault {
    fn from(fault: ScopeFault) -> Self {
        Self::Scope(fault)
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
            Self::StateCharacters(length) => Refusal::of(
                &rules::STATE_CHARACTERS,
                Some("state"),
                "at most 2048 characters from 0x20 to 0x7E",
                Received::Hidden(*length),
                "encode the state as printable ASCII, such as base64url",
            ),
            Self::StateMissing => Refusal::of(
                &rules::STATE_MISSING,
                Some("state"),
                "a value that binds the answer to the browser: demanded of public clients, and without PKCE",
                Received::Absent,
                "draw a random state for each request and compare it in the answer",
            ),
            Self::TooLong(name, length) => Refusal {
                parameter: Some(name.clone().into()),
                ..Refusal::of(
                    &rules::PARAMETER_TOO_LONG,
                    None,
                    "at most 2048 bytes",
                    Received::Hidden(*length),
                    "send a shorter value",
                )
            },
            Self::ResponseTypeMissing => Refusal::of(
                &rules::RESPONSE_TYPE_MISSING,
                Some("response_type"),
                "code",
                Received::Absent,
                "send response_type=code",
            ),
            Self::ResponseType(sent) => Refusal::of(
                &rules::RESPONSE_TYPE_UNSUPPORTED,
                Some("response_type"),
                "code",
                // Of several words none is quoted, but for those that somebody may have meant.
                OTHER_FLOWS
                    .into_iter()
                    .find(|known| sent == known)
                    .map_or_else(|| Received::text(sent), Received::State),
                "use the code flow: response_type=code",
            ),
            Self::ResponseMode(sent) => Refusal::of(
                &rules::RESPONSE_MODE_UNSUPPORTED,
                Some("response_mode"),
                "query, or no response_mode",
                Received::text(sent),
                "leave response_mode out",
            ),
            Self::OnBehalfOf(sent) => Refusal::of(
                &rules::ONBEHALFOF_UNKNOWN,
                Some("onbehalfof"),
                "a customer that is registered for the client",
                Received::text(sent),
                "register the customer on the client, or leave onbehalfof out",
            ),
        }
    }
}

impl Fault for Unsupported {
    fn refusal(&self) -> Refusal {
        match self {
            Self::RequestObject => Refusal::of(
                &rules::REQUEST_OBJECT_UNSUPPORTED,
                Some("request"),
                "the parameters themselves: request objects are not supported",
                Received::State("a request object"),
                "send the parameters in the query",
            ),
            Self::RequestUri => Refusal::of(
                &rules::REQUEST_URI_UNSUPPORTED,
                Some("request_uri"),
                "the parameters themselves: request_uri is not supported",
                Received::State("a request_uri"),
                "send the parameters in the query",
            ),
            Self::Resource => Refusal::of(
                &rules::RESOURCE_UNSUPPORTED,
                Some("resource"),
                "no resource: access tokens cannot be bound to one here",
                Received::State("a resource"),
                "leave resource out",
            ),
            Self::AuthorizationDetails => Refusal::of(
                &rules::AUTHORIZATION_DETAILS_UNSUPPORTED,
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
            Self::ChallengeMissing => Refusal::of(
                &rules::CODE_CHALLENGE_MISSING,
                Some("code_challenge"),
                "the S256 challenge of a code verifier",
                Received::Absent,
                "turn PKCE on in your library, or register code_challenge_method none for a confidential client",
            ),
            Self::Method(sent) => Refusal::of(
                &rules::CODE_CHALLENGE_METHOD,
                Some("code_challenge_method"),
                "S256",
                Received::maybe(sent.as_deref()),
                "send code_challenge_method=S256; absent means plain, which is not accepted",
            ),
            Self::Format(length) => Refusal::of(
                &rules::CODE_CHALLENGE_FORMAT,
                Some("code_challenge"),
                "43 base64url characters without padding",
                Received::Hidden(*length),
                "encode SHA-256 of the verifier as base64url and drop the =",
            ),
            Self::MethodAlone => Refusal::of(
                &rules::CODE_CHALLENGE_METHOD_ALONE,
                Some("code_challenge"),
                "a code_challenge beside code_challenge_method",
                Received::Absent,
                "send both or neither",
            ),
        }
    }
}
