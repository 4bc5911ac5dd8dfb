//! The table of features. Router, parameter lists and discovery document are built from the rows that an issuer's profile
//! enables, so the three cannot disagree; what is not enabled is absent.

mod endpoint;

pub use endpoint::{Endpoint, Side};

use serde_json::{Map, Value, json};

use crate::issuer::Issuer;
use crate::profile::MetadataDetail;
use crate::provider::Provider;

/// The name of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeatureName {
    /// Discovery document and JWK Set.
    Discovery,
    /// The authorization code flow.
    CodeFlow,
    /// Client authentication by HTTP Basic.
    ClientSecretBasic,
    /// Client authentication by form fields.
    ClientSecretPost,
    /// Clients that cannot keep a secret.
    PublicClients,
    /// Proof Key for Code Exchange.
    Pkce,
    /// `iss` in authorization responses.
    IssuerIdentification,
    /// The UserInfo endpoint.
    Userinfo,
    /// The grant `refresh_token`.
    RefreshToken,
    /// Introspection by clients that authenticate.
    Introspection,
    /// The pilot's introspection, by anyone.
    Tokeninfo,
    /// Revocation by the token's client.
    Revocation,
    /// Logins on behalf of a client's customers.
    OnBehalfOf,
    /// The end-session endpoint.
    EndSession,
    /// The login pages.
    Login,
    /// What belongs to every page, and the issuer's own.
    Pages,
    /// Logins without a page, for test suites: obeyed where TestID is offered, refused elsewhere.
    TestIdHint,
}

/// One feature: its standard, the parameters it owns, the endpoints it opens, and what it adds to the discovery document.
pub struct Feature {
    /// The row's name.
    pub name: FeatureName,
    /// Where it is specified.
    pub standard: &'static str,
    /// The request parameters it owns, each with the endpoint that reads it.
    pub parameters: &'static [(Endpoint, &'static str)],
    /// The endpoints it opens.
    pub endpoints: &'static [Endpoint],
    /// What it adds to the discovery document.
    metadata: fn(&Provider, &mut Metadata),
}

/// A discovery document in the making.
struct Metadata {
    members: Map<String, Value>,
    detail: MetadataDetail,
}

impl Metadata {
    /// A member that the profile's own block or Discovery 1.0 §3 has.
    fn always(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// A member that only a full document has.
    fn full(&mut self, name: &str, value: Value) {
        if self.detail == MetadataDetail::Full {
            self.always(name, value);
        }
    }

    /// One more value of a list that several features share.
    fn push(&mut self, name: &str, value: &str) {
        if self.detail == MetadataDetail::Full {
            let list = self.members.entry(name.to_owned()).or_insert_with(|| json!([]));
            if let Value::Array(values) = list {
                values.push(Value::from(value));
            }
        }
    }
}

use Endpoint as E;

impl Feature {
    /// The table.
    pub const ALL: &'static [Self] = &[
        Self {
            name: FeatureName::Discovery,
            standard: "OpenID Connect Discovery 1.0",
            parameters: &[],
            endpoints: &[E::Discovery, E::Jwks],
            metadata: |provider, out| {
                out.always("issuer", provider.issuer().as_str().into());
                out.always("jwks_uri", provider.url(E::Jwks).into());
                out.always("id_token_signing_alg_values_supported", json!(["RS256"]));
                out.always("subject_types_supported", json!(["pairwise"]));
                out.always("scopes_supported", json!(["openid", "profile"]));
                out.always("ui_locales_supported", json!(provider.profile().ui_locales));
                out.full("claims_parameter_supported", false.into());
                out.full("request_parameter_supported", false.into());
                out.full("request_uri_parameter_supported", false.into());
            },
        },
        Self {
            name: FeatureName::CodeFlow,
            standard: "RFC 6749 §4.1, OpenID Connect Core §3.1",
            parameters: &[
                (E::Authorization, "response_type"),
                (E::Authorization, "client_id"),
                (E::Authorization, "redirect_uri"),
                (E::Authorization, "scope"),
                (E::Authorization, "state"),
                (E::Authorization, "nonce"),
                (E::Authorization, "response_mode"),
                (E::Authorization, "prompt"),
                (E::Authorization, "max_age"),
                (E::Authorization, "acr_values"),
                (E::Authorization, "ui_locales"),
                (E::Authorization, "display"),
                (E::Token, "grant_type"),
                (E::Token, "code"),
                (E::Token, "redirect_uri"),
                (E::Token, "client_id"),
            ],
            endpoints: &[E::Authorization, E::Token],
            metadata: |provider, out| {
                out.always("authorization_endpoint", provider.url(E::Authorization).into());
                out.always("token_endpoint", provider.url(E::Token).into());
                out.always("response_types_supported", json!(["code"]));
                out.full("response_modes_supported", json!(["query"]));
                out.push("grant_types_supported", "authorization_code");
                let rungs: Vec<_> = provider.profile().acr.rungs.iter().map(|(word, _)| *word).collect();
                out.full("acr_values_supported", json!(rungs));
                out.full("prompt_values_supported", json!(["login", "none"]));
                out.full("display_values_supported", json!(["page"]));
            },
        },
        Self {
            name: FeatureName::ClientSecretBasic,
            standard: "RFC 6749 §2.3.1",
            parameters: &[],
            endpoints: &[],
            metadata: |_, out| out.push("token_endpoint_auth_methods_supported", "client_secret_basic"),
        },
        Self {
            name: FeatureName::ClientSecretPost,
            standard: "RFC 6749 §2.3.1",
            parameters: &[(E::Token, "client_secret")],
            endpoints: &[],
            metadata: |_, out| out.push("token_endpoint_auth_methods_supported", "client_secret_post"),
        },
        Self {
            name: FeatureName::PublicClients,
            standard: "RFC 6749 §2.1, RFC 8252 §8.5",
            parameters: &[],
            endpoints: &[],
            metadata: |_, out| out.push("token_endpoint_auth_methods_supported", "none"),
        },
        Self {
            name: FeatureName::Pkce,
            standard: "RFC 7636",
            parameters: &[
                (E::Authorization, "code_challenge"),
                (E::Authorization, "code_challenge_method"),
                (E::Token, "code_verifier"),
            ],
            endpoints: &[],
            metadata: |_, out| out.full("code_challenge_methods_supported", json!(["S256"])),
        },
        Self {
            name: FeatureName::IssuerIdentification,
            standard: "RFC 9207",
            parameters: &[],
            endpoints: &[],
            metadata: |_, out| out.full("authorization_response_iss_parameter_supported", true.into()),
        },
        Self {
            name: FeatureName::Userinfo,
            standard: "OpenID Connect Core §5.3",
            parameters: &[(E::Userinfo, "access_token")],
            endpoints: &[E::Userinfo],
            metadata: |provider, out| out.always("userinfo_endpoint", provider.url(E::Userinfo).into()),
        },
        Self {
            name: FeatureName::RefreshToken,
            standard: "RFC 6749 §6, RFC 9700 §4.14",
            parameters: &[(E::Token, "refresh_token"), (E::Token, "scope")],
            endpoints: &[],
            metadata: |_, out| out.push("grant_types_supported", "refresh_token"),
        },
        Self {
            name: FeatureName::Introspection,
            standard: "RFC 7662",
            parameters: &[
                (E::Introspection, "token"),
                (E::Introspection, "token_type_hint"),
                (E::Introspection, "client_id"),
                (E::Introspection, "client_secret"),
            ],
            endpoints: &[E::Introspection],
            metadata: |provider, out| {
                out.full("introspection_endpoint", provider.url(E::Introspection).into());
                out.full(
                    "introspection_endpoint_auth_methods_supported",
                    json!(["client_secret_basic", "client_secret_post"]),
                );
            },
        },
        Self {
            name: FeatureName::Tokeninfo,
            standard: "contract §10",
            parameters: &[(E::Tokeninfo, "token")],
            endpoints: &[E::Tokeninfo],
            metadata: |_, _| {},
        },
        Self {
            name: FeatureName::Revocation,
            standard: "RFC 7009",
            parameters: &[
                (E::Revocation, "token"),
                (E::Revocation, "token_type_hint"),
                (E::Revocation, "client_id"),
                (E::Revocation, "client_secret"),
            ],
            endpoints: &[E::Revocation],
            metadata: |provider, out| {
                out.full("revocation_endpoint", provider.url(E::Revocation).into());
                out.full(
                    "revocation_endpoint_auth_methods_supported",
                    json!(["client_secret_basic", "client_secret_post", "none"]),
                );
            },
        },
        Self {
            name: FeatureName::OnBehalfOf,
            standard: "contract §14",
            parameters: &[(E::Authorization, "onbehalfof")],
            endpoints: &[],
            metadata: |_, _| {},
        },
        Self {
            name: FeatureName::EndSession,
            standard: "OpenID Connect RP-Initiated Logout 1.0 §2",
            parameters: &[],
            endpoints: &[E::EndSession],
            metadata: |provider, out| out.always("end_session_endpoint", provider.url(E::EndSession).into()),
        },
        Self {
            name: FeatureName::Login,
            standard: "contract §15",
            parameters: &[],
            endpoints: &[E::Login, E::Resume],
            metadata: |_, _| {},
        },
        Self {
            name: FeatureName::Pages,
            standard: "contract §2 (language), §15",
            parameters: &[(E::Language, "language"), (E::Language, "back")],
            endpoints: &[E::IssuerPage, E::Language, E::Asset, E::RuleList, E::RulePage],
            metadata: |_, _| {},
        },
        Self {
            name: FeatureName::TestIdHint,
            standard: "contract §2",
            parameters: &[(E::Authorization, "login_hint")],
            endpoints: &[],
            metadata: |_, _| {},
        },
    ];
}

/// The discovery document of a provider: what its features contribute (Discovery 1.0 §3).
pub fn discovery(provider: &Provider) -> Map<String, Value> {
    let mut out = Metadata { members: Map::new(), detail: provider.profile().metadata };
    for feature in provider.features() {
        (feature.metadata)(provider, &mut out);
    }
    out.members
}

/// Whether a provider's features own this parameter at this endpoint. What nobody owns is ignored, and not kept.
pub fn knows(provider: &Provider, endpoint: Endpoint, parameter: &str) -> bool {
    provider.features().flat_map(|feature| feature.parameters).any(|known| *known == (endpoint, parameter))
}

/// A place on a host at which a provider answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// What answers there.
    pub endpoint: Endpoint,
    /// The base it hangs under, which has its scheme and host.
    pub base: &'a Issuer,
    /// The whole path on that host. What differs from login to login, or from asset to asset, stands in braces (RFC 6570 §3.2.2).
    pub path: String,
}

/// Every place at which a provider answers. The issuer's page is found with and without its last slash.
pub fn places(provider: &Provider) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    for (endpoint, path) in endpoints(provider) {
        let segment = match endpoint {
            E::Login | E::Resume => "/{handle}",
            E::Asset => "/{name}",
            E::RulePage => "/{rule}",
            E::Discovery
            | E::Jwks
            | E::Authorization
            | E::Token
            | E::Userinfo
            | E::Introspection
            | E::Tokeninfo
            | E::Revocation
            | E::EndSession
            | E::IssuerPage
            | E::Language
            | E::RuleList => "",
        };
        for base in provider.bases(endpoint) {
            places.push(Place { endpoint, base, path: format!("{}{path}{segment}", base.path()) });
            if endpoint == E::IssuerPage && !base.path().is_empty() {
                places.push(Place { endpoint, base, path: base.path().to_owned() });
            }
        }
    }
    places
}

/// The endpoints a provider answers at, with their paths below their base.
fn endpoints(provider: &Provider) -> Vec<(Endpoint, &'static str)> {
    let profile = provider.profile();
    let mut all: Vec<_> = provider
        .features()
        .flat_map(|feature| feature.endpoints)
        .map(|endpoint| (*endpoint, endpoint.path(profile)))
        .collect();
    all.extend(profile.paths.authorization_aliases.iter().map(|alias| (E::Authorization, *alias)));
    if provider.has(FeatureName::Introspection) {
        all.extend(profile.paths.introspection_aliases.iter().map(|alias| (E::Introspection, *alias)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{IDPORTEN, PILOT};
    use crate::provider::Environment;

    #[test]
    fn a_provider_answers_at_no_place_twice_and_at_its_own_page_with_and_without_a_slash() {
        for (issuer, pages) in [
            (
                "http://localhost:8080/idporten-oidc-provider/",
                vec!["/idporten-oidc-provider/", "/idporten-oidc-provider"],
            ),
            ("http://localhost:8080", vec!["/"]),
        ] {
            for profile in [&PILOT, &IDPORTEN] {
                let provider = Provider::new(issuer, None, profile, Environment::Test, None, "1").unwrap();
                let places = places(&provider);
                let own = places.iter().filter(|place| place.endpoint == E::IssuerPage);
                assert_eq!(own.map(|place| place.path.as_str()).collect::<Vec<_>>(), pages);
                for (at, place) in places.iter().enumerate() {
                    assert!(!places[..at].iter().any(|other| other.path == place.path), "{}", place.path);
                }
                let introspection = |one: &Endpoint| matches!(one, E::Introspection | E::Tokeninfo);
                assert!(
                    Endpoint::ALL
                        .iter()
                        .filter(|one| !introspection(one))
                        .all(|one| places.iter().any(|place| place.endpoint == *one))
                );
                assert_eq!(
                    places.iter().any(|place| place.endpoint == E::Tokeninfo),
                    profile.name == "pilot",
                    "the pilot's is for anyone"
                );
            }
        }
    }
}
