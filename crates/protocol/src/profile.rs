//! Profiles: what differs between ID-porten's editions, as data. No rule asks which profile it is; it asks for a value here.

use crate::acr::{AcrLadder, Assurance};
use crate::features::FeatureName;
use crate::time::Seconds;

/// The shape of the `amr` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmrShape {
    /// A string, as the pilot has it, against OpenID Connect Core §2.
    String,
    /// An array of strings.
    Array,
}

/// How a pairwise `sub` is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectSpelling {
    /// Base64 with padding: 44 characters (pilot).
    Base64,
    /// Base64url without padding: 43 characters.
    Base64Url,
}

/// The two formats of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenType {
    /// A random string that only this issuer can read.
    Opaque,
    /// A signed JWT.
    SelfContained,
}

/// When PKCE (RFC 7636) is demanded of a client that does not say so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PkceDefault {
    /// Enforced when a challenge was sent; public clients must send one.
    WhenSent,
    /// Required with S256, unless the client's registration opts out.
    Required,
}

/// Endpoint paths, each appended to the issuer's own path.
#[derive(Clone, Copy, Debug)]
pub struct Paths {
    /// Authorization endpoint (RFC 6749 §3.1).
    pub authorization: &'static str,
    /// Other spellings of it that are answered too but not advertised.
    pub authorization_aliases: &'static [&'static str],
    /// Token endpoint (RFC 6749 §3.2).
    pub token: &'static str,
    /// UserInfo endpoint (OpenID Connect Core §5.3).
    pub userinfo: &'static str,
    /// JWK Set (RFC 7517 §5).
    pub jwks: &'static str,
    /// End-session endpoint (RP-Initiated Logout 1.0 §2).
    pub end_session: &'static str,
    /// Introspection endpoint (RFC 7662 §2), or in its place the pilot's.
    pub introspection: &'static str,
    /// Other spellings of it that are answered too but not advertised.
    pub introspection_aliases: &'static [&'static str],
    /// Revocation endpoint (RFC 7009 §2).
    pub revocation: &'static str,
}

/// What one edition of the protocol is, field by field.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name used in configuration.
    pub name: &'static str,
    /// Where its endpoints are.
    pub paths: Paths,
    /// Its words for levels of assurance.
    pub acr: AcrLadder,
    /// The shape of `amr`, unless the client's registration says otherwise.
    pub amr: AmrShape,
    /// The spelling of `sub`.
    pub subject: SubjectSpelling,
    /// When PKCE is demanded.
    pub pkce: PkceDefault,
    /// Whether a request without `response_type` means `code`, as the pilot's documentation has it.
    pub response_type_implied: bool,
    /// Whether JWT headers carry the signing certificate (`x5c`, RFC 7515 §4.1.6).
    pub x5c_in_header: bool,
    /// `typ` of a self-contained access token's header (RFC 9068 §2.1); none: no `typ`.
    pub access_token_typ: Option<&'static str>,
    /// `aud` of a self-contained access token where no `resource` was asked for; none: no `aud`.
    pub access_token_aud: Option<&'static str>,
    /// Whether a token response says how long its refresh token can be left unused (`refresh_token_expires_in`, contract §4).
    pub refresh_token_expires_in: bool,
    /// The access token's format where no scope says otherwise.
    pub token_type: TokenType,
    /// Lifetimes where a registration names none.
    pub defaults: Defaults,
    /// The features its discovery document and router are built from.
    pub features: &'static [FeatureName],
    /// `ui_locales_supported`, in the order its document lists them.
    pub ui_locales: &'static [&'static str],
    /// How much its discovery document tells.
    pub metadata: MetadataDetail,
}

/// Lifetimes where the registration names none (contract §8), in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// `access_token_lifetime`.
    pub access_token_lifetime: Seconds,
    /// `refresh_token_lifetime`.
    pub refresh_token_lifetime: Seconds,
    /// `authorization_lifetime`.
    pub authorization_lifetime: Seconds,
}

/// How much a discovery document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataDetail {
    /// The pilot's block, and what Discovery 1.0 §3 requires beside it.
    Required,
    /// Everything that the enabled features contribute.
    Full,
}

/// An authorization code lives this long (contract §2, RFC 6749 §4.1.2 allows ten minutes at most).
pub const CODE_LIFETIME: Seconds = Seconds::new(60);

/// An ID token's `exp` is this much after its `iat` (contract §6).
pub const ID_TOKEN_LIFETIME: Seconds = Seconds::new(120);

/// A refresh token that was spent can be presented once more within this time, as long as its successor has not been used: whoever lost
/// the answer may ask again (RFC 9700 §4.14.2 leaves it open, and a client that retries is no thief).
pub const REFRESH_GRACE: Seconds = Seconds::new(30);

/// A login under way is remembered this long.
pub const LOGIN_LIFETIME: Seconds = Seconds::new(30 * 60);

/// A generated client secret lasts this long (contract: 360 days at most).
pub const SECRET_LIFETIME: Seconds = Seconds::days(360);

const CURRENT_DEFAULTS: Defaults = Defaults {
    access_token_lifetime: Seconds::new(120),
    refresh_token_lifetime: Seconds::new(600),
    authorization_lifetime: Seconds::new(7200),
};

/// The pilot of December 2016.
pub static PILOT: Profile = Profile {
    name: "pilot",
    paths: Paths {
        authorization: "/authorize",
        authorization_aliases: &["/authorization"],
        token: "/token",
        userinfo: "/userinfo",
        jwks: "/jwk",
        end_session: "/endsession",
        introspection: "/tokeninfo",
        introspection_aliases: &[],
        revocation: "/revoke",
    },
    acr: AcrLadder {
        rungs: &[("Level3", Assurance::Substantial), ("Level4", Assurance::High)],
        unmet: &[],
        default: Assurance::Substantial,
    },
    amr: AmrShape::String,
    subject: SubjectSpelling::Base64,
    pkce: PkceDefault::WhenSent,
    response_type_implied: true,
    x5c_in_header: false,
    access_token_typ: None,
    access_token_aud: None,
    refresh_token_expires_in: false,
    token_type: TokenType::Opaque,
    defaults: CURRENT_DEFAULTS,
    features: &[
        FeatureName::Discovery,
        FeatureName::CodeFlow,
        FeatureName::ClientSecretBasic,
        FeatureName::ClientSecretPost,
        FeatureName::PublicClients,
        FeatureName::Pkce,
        FeatureName::Userinfo,
        FeatureName::RefreshToken,
        FeatureName::Revocation,
        FeatureName::Tokeninfo,
        FeatureName::OnBehalfOf,
        FeatureName::EndSession,
        FeatureName::Login,
        FeatureName::TestIdHint,
        FeatureName::Pages,
    ],
    ui_locales: &["nb", "nn", "en", "se"],
    metadata: MetadataDetail::Required,
};

/// ID-porten of today.
pub static IDPORTEN: Profile = Profile {
    name: "idporten",
    paths: Paths {
        authorization: "/authorize",
        authorization_aliases: &[],
        token: "/token",
        userinfo: "/userinfo",
        jwks: "/jwks.json",
        end_session: "/logout",
        introspection: "/token/introspect",
        introspection_aliases: &["/tokeninfo", "/tokenintrospect"],
        revocation: "/token/revoke",
    },
    acr: AcrLadder {
        rungs: &[
            ("idporten-loa-low", Assurance::Low),
            ("idporten-loa-substantial", Assurance::Substantial),
            ("idporten-loa-high", Assurance::High),
        ],
        unmet: &["eidas-loa-low", "eidas-loa-substantial", "eidas-loa-high", "selfregistered-email"],
        default: Assurance::Substantial,
    },
    amr: AmrShape::Array,
    subject: SubjectSpelling::Base64Url,
    pkce: PkceDefault::Required,
    response_type_implied: false,
    x5c_in_header: true,
    access_token_typ: None,
    access_token_aud: None,
    refresh_token_expires_in: true,
    token_type: TokenType::SelfContained,
    defaults: CURRENT_DEFAULTS,
    features: &[
        FeatureName::Discovery,
        FeatureName::CodeFlow,
        FeatureName::ClientSecretBasic,
        FeatureName::ClientSecretPost,
        FeatureName::PublicClients,
        FeatureName::Pkce,
        FeatureName::IssuerIdentification,
        FeatureName::Userinfo,
        FeatureName::RefreshToken,
        FeatureName::Introspection,
        FeatureName::Revocation,
        FeatureName::OnBehalfOf,
        FeatureName::EndSession,
        FeatureName::Login,
        FeatureName::TestIdHint,
        FeatureName::Pages,
    ],
    ui_locales: &["en", "nb", "nn", "se"],
    metadata: MetadataDetail::Full,
};

impl Profile {
    /// Every profile there is.
    pub const ALL: [&'static Self; 2] = [&PILOT, &IDPORTEN];

    /// The profile of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|profile| profile.name == name)
    }
}
