//! What is wrong with a token request, and what each fault says.

use super::ClientFault;
use crate::authorize::{ScopeFault, Unsupported};
use crate::client::ScopeRefused;
use crate::refusal::{Fault, Malformed, Received, Refusal, rules};
use crate::scope::Scope;

/// A fault at an endpoint that clients authenticate at: token, introspection and revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// The request itself.
    Malformed(Malformed),
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
    /// `scope`.
    Scope(ScopeFault),
    /// The code, or what comes with it, is not good.
    Grant(GrantFault),
    /// The refresh token, or what comes with it, is not good.
    Refresh(RefreshFault),
    /// No `token` to introspect or to revoke.
    TokenMissing,
    /// A token that is another client's to revoke.
    NotYours,
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

/// Why a refresh token gives nothing, or a grant no longer what it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshFault {
    /// The client is not registered for refresh tokens.
    NotRegistered,
    /// No such token, or not this client's, or its grant was taken back; its length.
    Unknown(usize),
    /// Unused for too long, or the authorization is over.
    Expired,
    /// Spent before, and no retry: what its grant gave has been revoked.
    Replayed,
    /// The person may no longer log in.
    Stopped,
    /// A scope that was not granted.
    Wider(Scope),
    /// A granted scope that the client may no longer use.
    ScopeWithdrawn(Scope, ScopeRefused),
    /// A customer that is no longer registered for the client.
    OnBehalfOfWithdrawn(String),
}

impl From<Malformed> for TokenFault {
    fn from(fault: Malformed) -> Self {
        Self::Malformed(fault)
    }
}

impl From<ClientFault> for TokenFault {
    fn from(fault: ClientFault) -> Self {
        Self::Client(fault)
    }
}

impl From<Unsupported> for TokenFault {
    fn from(fault: Unsupported) -> Self {
        Self::Unsupported(fault)
    }
}

impl From<ScopeFault> for TokenFault {
    fn from(fault: ScopeFault) -> Self {
        Self::Scope(fault)
    }
}

impl From<GrantFault> for TokenFault {
    fn from(fault: GrantFault) -> Self {
        Self::Grant(fault)
    }
}

impl From<RefreshFault> for TokenFault {
    fn from(fault: RefreshFault) -> Self {
        Self::Refresh(fault)
    }
}

impl Fault for TokenFault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Malformed(fault) => fault.refusal(),
            Self::Client(fault) => fault.refusal(),
            Self::Unsupported(fault) => fault.refusal(),
            Self::Scope(fault) => fault.refusal(),
            Self::Grant(fault) => fault.refusal(),
            Self::Refresh(fault) => fault.refusal(),
            Self::TwoMethods => Refusal::of(
                &rules::CLIENT_AUTHENTICATION_TWICE,
                Some("client_secret"),
                "one method of client authentication",
                Received::State("more than one"),
                "send the Authorization header or client_secret, not both",
            ),
            Self::ClientIdDiffers => Refusal::of(
                &rules::CLIENT_ID_DIFFERS,
                Some("client_id"),
                "the client_id of the Authorization header, or none",
                Received::State("another client_id"),
                "send the same client_id in both places",
            ),
            Self::GrantTypeMissing => Refusal::of(
                &rules::GRANT_TYPE_MISSING,
                Some("grant_type"),
                "authorization_code or refresh_token",
                Received::Absent,
                "send grant_type=authorization_code",
            ),
            Self::GrantType(sent) => Refusal::of(
                &rules::GRANT_TYPE_UNSUPPORTED,
                Some("grant_type"),
                "authorization_code or refresh_token",
                Received::text(sent),
                "send grant_type=authorization_code, or refresh_token with a refresh token",
            ),
            Self::TokenMissing => Refusal::of(
                &rules::TOKEN_MISSING,
                Some("token"),
                "the token that the request is about",
                Received::Absent,
                "send token in the form",
            ),
            Self::NotYours => Refusal::of(
                &rules::TOKEN_NOT_YOURS,
                Some("token"),
                "a token that was given to this client",
                Received::State("a token of another client"),
                "revoke with the client that the token was given to",
            ),
        }
    }
}

impl Fault for RefreshFault {
    fn refusal(&self) -> Refusal {
        let token = Some("refresh_token");
        match self {
            Self::NotRegistered => Refusal::of(
                &rules::GRANT_NOT_REGISTERED,
                Some("grant_type"),
                "a grant type that is registered on the client",
                Received::State("refresh_token"),
                "register grant_types with refresh_token, and a refresh_token_lifetime above 0",
            ),
            Self::Unknown(length) => Refusal::of(
                &rules::REFRESH_TOKEN_UNKNOWN,
                token,
                "a refresh token that this issuer gave to this client and that still holds",
                Received::Hidden(*length),
                "send the refresh_token of the latest token response, or have the person log in again",
            ),
            Self::Expired => Refusal::of(
                &rules::REFRESH_TOKEN_EXPIRED,
                token,
                "a token used within refresh_token_lifetime, and within authorization_lifetime of the login",
                Received::State("one past its end"),
                "have the person log in again, or register longer lifetimes",
            ),
            Self::Replayed => Refusal::of(
                &rules::REFRESH_TOKEN_REPLAYED,
                token,
                "a refresh token that has not been used: all tokens of its login are now revoked",
                Received::State("a used one"),
                "keep the refresh_token of each answer; look for two processes that share one, or a stolen token",
            ),
            Self::Stopped => Refusal::of(
                &rules::REFRESH_TOKEN_STOPPED,
                token,
                "a refresh token of a person who may log in",
                Received::State("a person who may not"),
                "use an active test person",
            ),
            Self::Wider(scope) => Refusal::of(
                &rules::REFRESH_SCOPE_WIDER,
                Some("scope"),
                "scopes that the login was granted, or fewer",
                Received::word(scope.as_str()),
                "leave scope out, or log in again with the scopes needed",
            ),
            Self::ScopeWithdrawn(scope, why) => Refusal::of(
                &rules::SCOPE_WITHDRAWN,
                Some("scope"),
                why.expected(),
                Received::word(scope.as_str()),
                "refresh with the scopes that remain, or have the access given again",
            ),
            Self::OnBehalfOfWithdrawn(name) => Refusal::of(
                &rules::ONBEHALFOF_WITHDRAWN,
                Some("onbehalfof"),
                "a login for a customer that is still registered on the client",
                Received::text(name),
                "register the customer again, or have the person log in again",
            ),
        }
    }
}

impl Fault for GrantFault {
    fn refusal(&self) -> Refusal {
        let invalid = |rule, parameter, expected: &'static str, received, fix| {
            Refusal::of(rule, Some(parameter), expected, received, fix)
        };
        match self {
            Self::CodeUnknown(length) => invalid(
                &rules::CODE_UNKNOWN,
                "code",
                "a code that this issuer gave to this client and that still holds",
                Received::Hidden(*length),
                "redeem the code at the issuer and with the client that asked for it",
            ),
            Self::CodeExpired => invalid(
                &rules::CODE_EXPIRED,
                "code",
                "a code younger than 60 seconds",
                Received::State("an older one"),
                "redeem the code at once; check for a queue or a slow start in between",
            ),
            Self::CodeReplayed => invalid(
                &rules::CODE_REPLAYED,
                "code",
                "a code that has not been used: its tokens are now revoked",
                Received::State("a used one"),
                "redeem each code once; look for a retry, a double click, or a stolen code",
            ),
            Self::RedirectUriDiffers(sent) => invalid(
                &rules::REDIRECT_URI_DIFFERS,
                "redirect_uri",
                "the redirect_uri of the authorization request, character for character",
                Received::text(sent),
                "send the same redirect_uri in both requests",
            ),
            Self::VerifierMissing => invalid(
                &rules::CODE_VERIFIER_MISSING,
                "code_verifier",
                "the verifier of the code_challenge that was sent",
                Received::Absent,
                "send the verifier that the challenge was made from",
            ),
            Self::VerifierUnexpected => invalid(
                &rules::CODE_VERIFIER_UNEXPECTED,
                "code_verifier",
                "no verifier: the authorization request had no code_challenge",
                Received::State("a verifier"),
                "send code_challenge with the authorization request",
            ),
            Self::VerifierFormat(length) => invalid(
                &rules::CODE_VERIFIER_FORMAT,
                "code_verifier",
                "43 to 128 letters, digits, or - . _ ~",
                Received::Hidden(*length),
                "draw 32 random bytes and encode them as base64url",
            ),
            Self::VerifierDiffers => invalid(
                &rules::CODE_VERIFIER_DIFFERS,
                "code_verifier",
                "the verifier whose SHA-256 is the code_challenge that was sent",
                Received::State("another verifier"),
                "keep the verifier of each login apart: two tabs have two",
            ),
            Self::PersonStopped => invalid(
                &rules::CODE_PERSON_STOPPED,
                "code",
                "a code of a person who may log in",
                Received::State("a person who may not"),
                "use an active test person",
            ),
        }
    }
}
