//! Why a client is not authenticated, and what each fault says.

use std::borrow::Cow;

use crate::client::{AuthMethod, ClientId, Stopped, unknown_client_fix};
use crate::issuer::Issuer;
use crate::refusal::{Fault, Received, Refusal, rules};
use crate::time::Timestamp;

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

impl ClientFault {
    /// A `client_id` that nobody registered here, be it for its characters or for want of a registration.
    pub(super) fn unknown(sent: &str) -> Self {
        Self::Unknown(sent.to_owned(), Vec::new())
    }

    /// The same; of an unknown client it is told at which other issuers it is known.
    #[must_use]
    pub fn known_at(mut self, issuers: Vec<Issuer>) -> Self {
        if let Self::Unknown(_, elsewhere) = &mut self {
            *elsewhere = issuers;
        }
        self
    }
}

impl Fault for ClientFault {
    fn refusal(&self) -> Refusal {
        let (rule, parameter, expected, received, fix): (_, _, Cow<'static, str>, _, Cow<'static, str>) =
            match self {
                Self::Missing => (
                    &rules::CLIENT_AUTHENTICATION_MISSING,
                    "client_id",
                    "client authentication".into(),
                    Received::Absent,
                    "authenticate by the method registered for the client".into(),
                ),
                Self::BasicUnreadable => (
                    &rules::CLIENT_BASIC_UNREADABLE,
                    "Authorization",
                    "Basic and the base64 of client_id:client_secret, each form-encoded".into(),
                    Received::State("a header that cannot be read"),
                    "form-encode client_id and secret, join them with a colon, and base64-encode the whole"
                        .into(),
                ),
                Self::MethodUnsupported(place) => (
                    &rules::CLIENT_METHOD_UNSUPPORTED,
                    *place,
                    "client_secret_basic, client_secret_post, or none for public clients".into(),
                    Received::State("another method"),
                    "use a method of token_endpoint_auth_methods_supported".into(),
                ),
                Self::Unknown(sent, elsewhere) => (
                    &rules::CLIENT_AUTHENTICATION_UNKNOWN,
                    "client_id",
                    "a client registered at this issuer".into(),
                    Received::beginning(sent),
                    unknown_client_fix(elsewhere),
                ),
                Self::Method { client: _, registered, used } => (
                    &rules::CLIENT_METHOD_DIFFERS,
                    "token_endpoint_auth_method",
                    format!("{}, the method registered for the client", registered.as_str()).into(),
                    Received::text(used.as_str()),
                    "configure your library for the registered method, or register the one it uses".into(),
                ),
                Self::SecretWrong(_, length) => (
                    &rules::CLIENT_SECRET_WRONG,
                    "client_secret",
                    "a current secret of the client's".into(),
                    Received::Hidden(*length),
                    "check for a secret of another environment, a cut or an unencoded one; or rotate it"
                        .into(),
                ),
                Self::SecretExpired(_, at) => (
                    &rules::CLIENT_SECRET_EXPIRED,
                    "client_secret",
                    format!("a current secret; this one ended {}", at.to_rfc3339()).into(),
                    Received::State("a secret that has ended"),
                    "rotate the secret: portvakt client secret rotate".into(),
                ),
                Self::Stopped(_, stopped) => (
                    &rules::CLIENT_AUTHENTICATION_STOPPED,
                    "client_id",
                    stopped.expected().into(),
                    Received::State("a client that may not be used at present"),
                    stopped.fix().into(),
                ),
            };
        Refusal::of(rule, Some(parameter), expected, received, fix)
    }
}
