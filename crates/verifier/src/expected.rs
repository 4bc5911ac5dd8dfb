//! What a token is to say.

use std::ops::RangeInclusive;

/// A kind of token that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ID token (OpenID Connect Core §2).
    IdToken,
    /// A self-contained access token.
    AccessToken,
}

/// What is expected of a member. Its shape is held whichever it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Want<'a> {
    /// It must not be there.
    Absent,
    /// It must be there.
    Any,
    /// It must be there and be this.
    Is(&'a str),
    /// Whoever asks does not know: it may be there.
    Open,
}

impl<'a> Want<'a> {
    /// This if there is one, else absent.
    pub fn exactly(value: Option<&'a str>) -> Self {
        value.map_or(Self::Absent, Self::Is)
    }

    /// Whether a value that is there is another than the one expected.
    pub(crate) fn differs(self, found: &str) -> bool {
        matches!(self, Self::Is(known) if known != found)
    }
}

/// The shape of `amr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmrShape {
    /// A string, as the pilot has it.
    String,
    /// An array with one string (OpenID Connect Core §2).
    Array,
}

/// The format of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Random text.
    Opaque,
    /// A signed JWT.
    SelfContained,
    /// Whoever asks does not know.
    Open,
}

/// What was asked for and decided, and so what tokens have to say of it. It may hold a person's number: no `Debug`.
#[derive(Clone)]
pub struct Expected<'a> {
    /// `iss`, to the letter.
    pub issuer: &'a str,
    /// The client: `aud` of an ID token, `client_id` of an access token.
    pub client_id: &'a str,
    /// When it may have been issued (`iat`), in seconds since 1970.
    pub issued: RangeInclusive<i64>,
    /// `pid`: 11 digits, or withheld.
    pub pid: Want<'a>,
    /// The person's number where it is known. It may stand in `pid`, and, for the client chose that itself, in `nonce`; nowhere else.
    pub person: Option<&'a str>,
    /// `sub`.
    pub sub: Want<'a>,
    /// `acr`.
    pub acr: Want<'a>,
    /// The scopes granted, as one string.
    pub scope: &'a str,

    /// ID token: `nonce`.
    pub nonce: Want<'a>,
    /// ID token: `amr`; its shape where that is known.
    pub amr: Want<'a>,
    /// ID token: the shape of `amr`.
    pub amr_shape: Option<AmrShape>,
    /// ID token: `auth_time`, where it is known. It is never after `iat`.
    pub auth_time: Option<i64>,
    /// ID token: `locale`.
    pub locale: Want<'a>,
    /// ID token: `client_onbehalfof` and `aud_onbehalfof`, which are one.
    pub onbehalfof: Want<'a>,

    /// Access token: which format it has.
    pub format: Format,
    /// Access token: its lifetime in seconds, where it is known.
    pub lifetime: Option<u32>,
    /// Access token: `typ` of its header.
    pub access_token_typ: Option<&'a str>,
    /// Access token: `aud`.
    pub access_token_aud: Want<'a>,
    /// Access token: `client_amr`.
    pub client_amr: Want<'a>,
    /// Access token: the `ID` of `consumer`, such as `0192:991825827`.
    pub consumer: Want<'a>,
    /// Access token: the `ID` of `supplier`, likewise.
    pub supplier: Want<'a>,

    /// Token response: `refresh_token`.
    pub refresh_token: Want<'a>,
    /// Token response: `refresh_token_expires_in`, which no response has without a refresh token.
    pub refresh_token_expires_in: Want<'a>,
}
