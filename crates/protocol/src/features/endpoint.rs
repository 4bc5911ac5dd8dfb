//! Where a provider answers: the endpoints that features open.

use crate::profile::Profile;

/// Everything an issuer answers at. `web` maps each to a handler in one exhaustive match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// `/.well-known/openid-configuration`.
    Discovery,
    /// The JWK Set.
    Jwks,
    /// The authorization endpoint.
    Authorization,
    /// The token endpoint.
    Token,
    /// The UserInfo endpoint.
    Userinfo,
    /// The introspection endpoint, for clients that authenticate.
    Introspection,
    /// The pilot's introspection endpoint, for anyone.
    Tokeninfo,
    /// The revocation endpoint.
    Revocation,
    /// The end-session endpoint.
    EndSession,
    /// The page where the person picks an eID, and logs in with TestID.
    Login,
    /// The one point that every page returns to, which decides again.
    Resume,
    /// The issuer itself: a page for whoever opens it.
    IssuerPage,
    /// Where every page's language switch posts to.
    Language,
    /// What pages are drawn with, by name.
    Asset,
    /// The list of the rules that refusals name.
    RuleList,
    /// The page about one of them: an `error_uri`.
    RulePage,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 16] = [
        Self::Discovery,
        Self::Jwks,
        Self::Authorization,
        Self::Token,
        Self::Userinfo,
        Self::Introspection,
        Self::Tokeninfo,
        Self::Revocation,
        Self::EndSession,
        Self::Login,
        Self::Resume,
        Self::IssuerPage,
        Self::Language,
        Self::Asset,
        Self::RuleList,
        Self::RulePage,
    ];

    /// Its path under the base it hangs on. Login pages take the handle of a login as one more segment, assets their name.
    pub fn path(self, profile: &Profile) -> &'static str {
        match self {
            Self::Discovery => "/.well-known/openid-configuration",
            Self::Jwks => profile.paths.jwks,
            Self::Authorization => profile.paths.authorization,
            Self::Token => profile.paths.token,
            Self::Userinfo => profile.paths.userinfo,
            Self::Introspection | Self::Tokeninfo => profile.paths.introspection,
            Self::Revocation => profile.paths.revocation,
            Self::EndSession => profile.paths.end_session,
            Self::Login => "/login",
            Self::Resume => "/resume",
            Self::IssuerPage => "/",
            Self::Language => "/language",
            Self::Asset => "/assets",
            Self::RuleList | Self::RulePage => "/errors",
        }
    }

    /// Under which base it hangs, where the front's host is not the issuer's.
    pub fn side(self) -> Side {
        match self {
            Self::Authorization | Self::EndSession | Self::Login | Self::Resume => Side::Front,
            Self::Discovery
            | Self::Jwks
            | Self::Token
            | Self::Userinfo
            | Self::Introspection
            | Self::Tokeninfo
            | Self::Revocation
            | Self::IssuerPage
            | Self::RuleList
            | Self::RulePage => Side::Issuer,
            Self::Language | Self::Asset => Side::Both,
        }
    }
}

/// The base that an endpoint hangs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The front: browsers are sent here.
    Front,
    /// The issuer.
    Issuer,
    /// Either: every page uses it on its own host, where its cookies are.
    Both,
}
