//! The attributes of a scope as a command names them.

use clap::{Args, ValueEnum};
use portvakt_protocol::catalogue::RawScope;
use serde::{Deserialize, Serialize};

/// The attributes of a scope, by the wire's names.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScopeFields {
    /// The organisation that owns it, and always may use it; without one it is the operator's own.
    #[arg(long, value_name = "ORGNO")]
    owner_orgno: Option<String>,
    /// What it gives access to, in Bokmål: shown by `scope list`, `scope show` and the owner's `organisation report`, and not to those who
    /// log in.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The same in Nynorsk.
    #[arg(long, value_name = "TEXT")]
    description_nn: Option<String>,
    /// The same in English.
    #[arg(long, value_name = "TEXT")]
    description_en: Option<String>,
    /// The same in Northern Sámi.
    #[arg(long, value_name = "TEXT")]
    description_se: Option<String>,
    /// OPAQUE or SELF_CONTAINED; without it: as the issuer's profile says.
    #[arg(long, value_name = "TYPE")]
    token_type: Option<String>,
    /// The greatest age of an access token that carries it; 0 or nothing: no limit.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    at_max_age: Option<i64>,
    /// The longest from a login to the end of all that it gave with this scope; 0 or nothing: no limit.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    authorization_max_lifetime: Option<i64>,
    /// Whether tokens with it hold no pid: who may introspect reads it there.
    #[arg(long, value_name = "BOOL")]
    requires_pseudonymous_tokens: Option<bool>,
    /// Whether every organisation may use it. A new scope without it: if it has no owner. An update without it leaves it as it was,
    /// also where the scope gets an owner or loses it.
    #[arg(long, value_name = "BOOL")]
    accessible_for_all: Option<bool>,
    /// idporten or api_klient: the clients that may have it; once for each, and without it: all.
    #[arg(long = "allowed-integration-type", alias = "allowed-integration-types", value_name = "TYPE")]
    allowed_integration_types: Option<Vec<String>>,
    /// A client that may introspect tokens with it; once for each.
    #[arg(long, value_name = "CLIENT_ID")]
    enforced_aud_for_introspection: Option<Vec<String>>,
}

/// An attribute that a scope can be without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnsetOfScope {
    /// `owner_orgno`: the operator's own from then on. Who may use it stays as it is.
    OwnerOrgno,
    /// `description`.
    Description,
    /// `description_nn`.
    DescriptionNn,
    /// `description_en`.
    DescriptionEn,
    /// `description_se`.
    DescriptionSe,
    /// `token_type`: the profile's from then on.
    TokenType,
    /// `allowed_integration_types`: all from then on.
    AllowedIntegrationTypes,
    /// `enforced_aud_for_introspection`: none from then on.
    EnforcedAudForIntrospection,
}

impl ScopeFields {
    /// An entry with these attributes, and for the others those of `raw`.
    pub(super) fn over(&self, raw: RawScope) -> RawScope {
        let fields = self.clone();
        RawScope {
            owner_orgno: fields.owner_orgno.or(raw.owner_orgno),
            description: fields.description.or(raw.description),
            description_nn: fields.description_nn.or(raw.description_nn),
            description_en: fields.description_en.or(raw.description_en),
            description_se: fields.description_se.or(raw.description_se),
            token_type: fields.token_type.or(raw.token_type),
            at_max_age: fields.at_max_age.or(raw.at_max_age),
            authorization_max_lifetime: fields.authorization_max_lifetime.or(raw.authorization_max_lifetime),
            requires_pseudonymous_tokens: fields
                .requires_pseudonymous_tokens
                .or(raw.requires_pseudonymous_tokens),
            accessible_for_all: fields.accessible_for_all.or(raw.accessible_for_all),
            allowed_integration_types: fields.allowed_integration_types.or(raw.allowed_integration_types),
            enforced_aud_for_introspection: fields
                .enforced_aud_for_introspection
                .or(raw.enforced_aud_for_introspection),
            ..raw
        }
    }
}

impl UnsetOfScope {
    /// Takes it out of an entry.
    pub(super) fn clear(self, raw: &mut RawScope) {
        match self {
            Self::OwnerOrgno => raw.owner_orgno = None,
            Self::Description => raw.description = None,
            Self::DescriptionNn => raw.description_nn = None,
            Self::DescriptionEn => raw.description_en = None,
            Self::DescriptionSe => raw.description_se = None,
            Self::TokenType => raw.token_type = None,
            Self::AllowedIntegrationTypes => raw.allowed_integration_types = None,
            Self::EnforcedAudForIntrospection => raw.enforced_aud_for_introspection = None,
        }
    }
}
