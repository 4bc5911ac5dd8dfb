//! What is wrong with a token request, and what each fault says.

use std::borrow::Cow;

use crate::authorize::Unsupported;
use crate::client::{AuthMethod, ClientId, Stopped, unknown_client_fix};
use crate::issuer::Issuer;
use crate::params::ParamsFault;
use crate::refusal::{ErrorCode as Code, Fault, Received, Refusal, Told, beginning};
use crate::time::Timestamp;

/// A fault at the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// The form cannot be read.
    Encoding(ParamsFault),
    /// The content type is not a form's.
    ContentType(Option<String>),
    /// The query holds parameters: credentials never stand in a URL.
    Query,
    /// A parameter stands more than once.
    Repeated(String),
    /// More than one method of client authentication.
    TwoMethods,
    /// `client_id` differs from the one in the `Authorization` header.
    ClientIdDiffers,
    /// The client did not authenticate.
    Client(ClientFault),
    /// No `grant_type`.
    GrantTypeMissing,
    /// A `grant_type` that is not supported.
    GrantType(String),
    /// `resource` or `authorization_details`.
    Unsupported(Unsupported),
    /// A parameter that the grant needs is missing.
    Missing(&'static str),
    /// The code, or what comes with it, is not good.
    Grant(GrantFault),
}

/// Why a client is not authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFault {
    /// No credentials and no `client_id`.
    Missing,
    /// The `Authorization` header is no readable Basic.
    BasicUnreadable,
    /// A method that is not supported: the parameter or header it came in.
    MethodUnsupported(&'static str),
    /// No such client at this issuer, and the other issuers that may be named because they know it.
    Unknown(String, Vec<Issuer>),
    /// Another method than the registered one.
    Method {
        /// The client.
        client: ClientId,
        /// What is registered.
        registered: AuthMethod,
        /// What was used.
        used: AuthMethod,
    },
    /// Not a secret of the client's; its length.
    SecretWrong(ClientId, usize),
    /// A secret of the client's that has ended.
    SecretExpired(ClientId, Timestamp),
    /// The client may not be used at present.
    Stopped(ClientId, Stopped),
}

/// Why a code gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantFault {
    /// No such code, or not this client's, or its grant was taken back.
    CodeUnknown(usize),
    /// Older than 60 s.
    CodeExpired,
    /// Used before: what it gave has been revoked.
    CodeReplayed,
    /// Not the redirect URI of the authorization request.
    RedirectUriDiffers(String),
    /// A challenge was sent, and now no verifier.
    VerifierMissing,
    /// A verifier, though no challenge was sent (RFC 9700 §4.8.2).
    VerifierUnexpected,
    /// The verifier is malformed; its length.
    VerifierFormat(usize),
    /// The verifier does not answer the challenge.
    VerifierDiffers,
    /// The person may no longer log in.
    PersonStopped,
}

impl From<ClientFault> for TokenFault {
    fn from(fault: ClientFault) -> Self {
        Self::Client(fault)
    }
}

impl From<GrantFault> for TokenFault {
    fn from(fault: GrantFault) -> Self {
        Self::Grant(fault)
    }
}

impl Fault for TokenFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Client(fault) => fault.refusal(),
            Self::Grant(fault) => fault.refusal(),
            Self::Encoding(_) => Refusal::encoding(),
            Self::ContentType(sent) => Refusal::content_type(sent.as_deref()),
            Self::Query => Refusal::row(
                Code::InvalidRequest,
                ("parameters-in-query", "RFC 6749 §2.3.1"),
                None,
                "parameters in the body, and none in the URL",
                Received::State("a query"),
                "move the parameters from the URL into the form body",
            ),
            Self::Repeated(name) => Refusal::repeated(name),
            Self::TwoMethods => Refusal::row(
                Code::InvalidRequest,
                ("client-authentication-twice", "RFC 6749 §2.3"),
                Some("client_secret"),
                "one method of client authentication",
                Received::State("more than one"),
                "send the Authorization header or client_secret, not both",
            ),
            Self::ClientIdDiffers => Refusal::row(
                Code::InvalidRequest,
                ("client-id-differs", "RFC 6749 §2.3"),
                Some("client_id"),
                "the client_id of the Authorization header, or none",
                Received::State("another client_id"),
                "send the same client_id in both places",
            ),
            Self::GrantTypeMissing => Refusal::row(
                Code::InvalidRequest,
                ("grant-type-missing", "RFC 6749 §4.1.3"),
                Some("grant_type"),
                "authorization_code",
                Received::Absent,
                "send grant_type=authorization_code",
            ),
            Self::GrantType(sent) => Refusal::row(
                Code::UnsupportedGrantType,
                ("grant-type-unsupported", "RFC 6749 §5.2"),
                Some("grant_type"),
                "authorization_code",
                Received::text(sent),
                "send grant_type=authorization_code",
            ),
            Self::Unsupported(fault) => fault.refusal(),
            Self::Missing(name) => Refusal::row(
                Code::InvalidRequest,
                ("parameter-missing", "RFC 6749 §4.1.3"),
                Some(name),
                "a value",
                Received::Absent,
                "send the parameter",
            ),
        }
    }
}

/// What every caller that did not authenticate is told, whatever the reason.
const NOT_AUTHENTICATED: &str = "client authentication failed: check client_id, the registered token_endpoint_auth_method, and the secret";

impl Fault for ClientFault {
    fn refusal(&self) -> Refusal {
        let (rule, parameter, expected, received, fix): (_, _, Cow<'static, str>, _, Cow<'static, str>) =
            match self {
                Self::Missing => (
                    "client-authentication-missing",
                    "client_id",
                    "client authentication".into(),
                    Received::Absent,
                    "authenticate by the method registered for the client".into(),
                ),
                Self::BasicUnreadable => (
                    "client-basic-unreadable",
                    "Authorization",
                    "Basic and the base64 of client_id:client_secret, each form-encoded".into(),
                    Received::State("a header that cannot be read"),
                    "form-encode client_id and secret, join them with a colon, and base64-encode the whole"
                        .into(),
                ),
                Self::MethodUnsupported(place) => (
                    "client-method-unsupported",
                    *place,
                    "client_secret_basic, client_secret_post, or none for public clients".into(),
                    Received::State("another method"),
                    "use a method of token_endpoint_auth_methods_supported".into(),
                ),
                Self::Unknown(sent, elsewhere) => (
                    "client-unknown",
                    "client_id",
                    "a client registered at this issuer".into(),
                    Received::text(&beginning(sent)),
                    unknown_client_fix(elsewhere),
                ),
                Self::Method { client: _, registered, used } => (
                    "client-method-differs",
                    "token_endpoint_auth_method",
                    format!("{}, the method registered for the client", registered.as_str()).into(),
                    Received::text(used.as_str()),
                    "configure your library for the registered method, or register the one it uses".into(),
                ),
                Self::SecretWrong(_, length) => (
                    "client-secret-wrong",
                    "client_secret",
                    "a current secret of the client's".into(),
                    Received::Hidden(*length),
                    "check for a secret of another environment, a cut or an unencoded one; or rotate it"
                        .into(),
                ),
                Self::SecretExpired(_, at) => (
                    "client-secret-expired",
                    "client_secret",
                    format!("a current secret; this one ended {}", at.to_rfc3339()).into(),
                    Received::State("a secret that has ended"),
                    "rotate the secret: portvakt client secret rotate".into(),
                ),
                Self::Stopped(_, stopped) => (
                    "client-stopped",
                    "client_id",
                    match stopped {
                        Stopped::ClientDeactivated => "an active client".into(),
                        Stopped::OrganisationStopped => {
                            "a client of an active organisation that has accepted the terms of use".into()
                        }
                    },
                    Received::State("a client that may not be used at present"),
                    "activate the client, or have its organisation accept the terms of use".into(),
                ),
            };
        Refusal {
            told: Told::Only(NOT_AUTHENTICATED),
            ..Refusal::row(
                Code::InvalidClient,
                (rule, "RFC 6749 §5.2"),
                Some(parameter),
                expected,
                received,
                fix,
            )
        }
    }
}

impl Fault for GrantFault {
    fn refusal(&self) -> Refusal {
        let invalid = |rule, clause, parameter, expected: &'static str, received, fix| {
            Refusal::row(Code::InvalidGrant, (rule, clause), Some(parameter), expected, received, fix)
        };
        match self {
            Self::CodeUnknown(length) => invalid(
                "code-unknown",
                "RFC 6749 §5.2",
                "code",
                "a code that this issuer gave to this client and that still holds",
                Received::Hidden(*length),
                "redeem the code at the issuer and with the client that asked for it",
            ),
            Self::CodeExpired => invalid(
                "code-expired",
                "RFC 6749 §4.1.2",
                "code",
                "a code younger than 60 seconds",
                Received::State("an older one"),
                "redeem the code at once; check for a queue or a slow start in between",
            ),
            Self::CodeReplayed => invalid(
                "code-replayed",
                "RFC 6749 §4.1.2",
                "code",
                "a code that has not been used: its tokens are now revoked",
                Received::State("a used one"),
                "redeem each code once; look for a retry, a double click, or a stolen code",
            ),
            Self::RedirectUriDiffers(sent) => invalid(
                "redirect-uri-differs",
                "RFC 6749 §4.1.3",
                "redirect_uri",
                "the redirect_uri of the authorization request, character for character",
                Received::text(sent),
                "send the same redirect_uri in both requests",
            ),
            Self::VerifierMissing => invalid(
                "code-verifier-missing",
                "RFC 7636 §4.5",
                "code_verifier",
                "the verifier of the code_challenge that was sent",
                Received::Absent,
                "send the verifier that the challenge was made from",
            ),
            Self::VerifierUnexpected => invalid(
                "code-verifier-unexpected",
                "RFC 9700 §4.8.2",
                "code_verifier",
                "no verifier: the authorization request had no code_challenge",
                Received::State("a verifier"),
                "send code_challenge with the authorization request",
            ),
            Self::VerifierFormat(length) => invalid(
                "code-verifier-format",
                "RFC 7636 §4.1",
                "code_verifier",
                "43 to 128 letters, digits, or - . _ ~",
                Received::Hidden(*length),
                "draw 32 random bytes and encode them as base64url",
            ),
            Self::VerifierDiffers => invalid(
                "code-verifier-differs",
                "RFC 7636 §4.6",
                "code_verifier",
                "the verifier whose SHA-256 is the code_challenge that was sent",
                Received::State("another verifier"),
                "keep the verifier of each login apart: two tabs have two",
            ),
            Self::PersonStopped => invalid(
                "person-stopped",
                "OpenID Connect Core §3.1.3.4",
                "code",
                "a code of a person who may log in",
                Received::State("a person who may not"),
                "use an active test person",
            ),
        }
    }
}
