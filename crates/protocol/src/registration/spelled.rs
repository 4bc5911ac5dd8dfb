//! The closed sets of a registration, as it spells them.

use std::fmt;

use super::{AmrClaim, CodeChallengeMethod, GrantType, IntegrationType};
use crate::client::{ApplicationType, AuthMethod, RefreshUse};
use crate::organisation::Standing;
use crate::profile::TokenType;
use crate::scope::AccessState;

/// A value of a closed set, as a registration spells it.
pub(crate) trait Spelled: Copy + 'static {
    /// Every value there is, with its name on the wire.
    const ALL: &'static [(&'static str, Self)];

    /// The value of that name.
    fn spelled(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The rule that a name outside the set breaks.
    fn rule() -> String {
        let names = Names(Self::ALL.iter().map(|(name, _)| *name).collect());
        format!("must be {names}")
    }
}

impl Spelled for ApplicationType {
    const ALL: &'static [(&'static str, Self)] =
        &[("web", Self::Web), ("browser", Self::Browser), ("native", Self::Native)];
}

impl Spelled for AuthMethod {
    const ALL: &'static [(&'static str, Self)] = &[
        ("client_secret_basic", Self::ClientSecretBasic),
        ("client_secret_post", Self::ClientSecretPost),
        ("none", Self::None),
    ];
}

impl Spelled for IntegrationType {
    const ALL: &'static [(&'static str, Self)] =
        &[("idporten", Self::Idporten), ("api_klient", Self::ApiKlient)];
}

impl Spelled for GrantType {
    const ALL: &'static [(&'static str, Self)] =
        &[("authorization_code", Self::AuthorizationCode), ("refresh_token", Self::RefreshToken)];
}

impl Spelled for RefreshUse {
    const ALL: &'static [(&'static str, Self)] = &[("ONETIME", Self::OneTime), ("REUSE", Self::Reuse)];
}

impl Spelled for AccessState {
    const ALL: &'static [(&'static str, Self)] = &[
        ("REQUESTED", Self::Requested),
        ("APPROVED", Self::Approved),
        ("DENIED", Self::Denied),
        ("WITHDRAWN", Self::Withdrawn),
    ];
}

impl Spelled for CodeChallengeMethod {
    const ALL: &'static [(&'static str, Self)] = &[("S256", Self::S256), ("none", Self::None)];
}

impl Spelled for AmrClaim {
    const ALL: &'static [(&'static str, Self)] = &[("string", Self::String), ("array", Self::Array)];
}

impl Spelled for TokenType {
    const ALL: &'static [(&'static str, Self)] =
        &[("OPAQUE", Self::Opaque), ("SELF_CONTAINED", Self::SelfContained)];
}

impl Spelled for Standing {
    const ALL: &'static [(&'static str, Self)] =
        &[("active", Self::Active), ("withdrawn", Self::Withdrawn), ("deactivated", Self::Deactivated)];
}

/// Names, as a sentence lists alternatives.
pub(crate) struct Names<'a>(pub(crate) Vec<&'a str>);

impl fmt::Display for Names<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            let before = match at {
                0 => "",
                _ if at + 1 == self.0.len() => " or ",
                _ => ", ",
            };
            write!(out, "{before}{name}")?;
        }
        Ok(())
    }
}
