//! The OpenID Provider as configured: an issuer, its profile, its environment, and what that environment allows.

use std::fmt;

use crate::evidence::Method;
use crate::features::{Endpoint, Feature, FeatureName, Side};
use crate::issuer::{Issuer, IssuerFault, Scheme};
use crate::profile::Profile;

/// What an issuer is run for. Independent of its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A developer's machine or a CI run.
    Development,
    /// A shared test environment.
    Test,
    /// Real people.
    Production,
}

impl Environment {
    /// Whether real people log in here: no TestID, no test person, no `http`.
    pub fn is_production(self) -> bool {
        self == Self::Production
    }

    /// Its name in configuration and in machine-readable output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A named set of test persons. Two environments may name the same pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Pool(pub String);

/// Where a person of an issuer's pools stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonStanding {
    /// In none of the pools.
    Unassigned,
    /// In a pool, and in none deactivated.
    Active,
    /// Deactivated in at least one of the pools.
    Deactivated,
}

/// TestID as an issuer offers it. It cannot be had in production: [`Provider::new`] refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestIdSettings {
    /// The pools whose persons this issuer knows.
    pub pools: Vec<Pool>,
    /// Whether only persons of those pools may log in; otherwise any valid synthetic number may.
    pub assigned_only: bool,
}

/// A configured OpenID Provider.
#[derive(Clone, Debug)]
pub struct Provider {
    issuer: Issuer,
    front: Issuer,
    profile: &'static Profile,
    environment: Environment,
    test_id: Option<TestIdSettings>,
    terms: String,
    tokeninfo: bool,
}

/// Why a configured issuer cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// The issuer, or the front, is no issuer URL.
    #[error("`{0}`: {1}")]
    Url(String, IssuerFault),
    /// `http` in production.
    #[error("`{0}`: production needs https")]
    PlaintextInProduction(String),
    /// `http` on a host that is not loopback, outside development.
    #[error("`{0}`: http is for loopback hosts; any other host only in the environment `development`")]
    PlaintextHost(String),
    /// A test door in production.
    #[error("`{0}`: TestID is a test door and cannot be configured in production; remove `testid`")]
    TestDoorInProduction(String),
    /// The front is served over another scheme than the issuer.
    #[error("`{0}`: the front channel's host must use the issuer's scheme")]
    FrontScheme(String),
}

impl Provider {
    /// A provider from its configured parts. `front` is where authorize and logout are served when their host differs from the
    /// issuer's (contract §1 B); it takes the issuer's place as the base of those URLs.
    ///
    /// # Errors
    /// [`ProviderFault`] names the value and the rule.
    pub fn new(
        issuer: &str,
        front: Option<&str>,
        profile: &'static Profile,
        environment: Environment,
        test_id: Option<TestIdSettings>,
        terms: &str,
    ) -> Result<Self, ProviderFault> {
        let parse = |text: &str| {
            let url = Issuer::parse(text).map_err(|fault| ProviderFault::Url(text.to_owned(), fault))?;
            if url.scheme() == Scheme::Http {
                if environment.is_production() {
                    return Err(ProviderFault::PlaintextInProduction(text.to_owned()));
                }
                if environment != Environment::Development && !url.is_loopback() {
                    return Err(ProviderFault::PlaintextHost(text.to_owned()));
                }
            }
            Ok(url)
        };
        let issuer = parse(issuer)?;
        let front = front.map_or_else(|| Ok(issuer.clone()), parse)?;
        if front.scheme() != issuer.scheme() {
            return Err(ProviderFault::FrontScheme(front.to_string()));
        }
        if environment.is_production() && test_id.is_some() {
            return Err(ProviderFault::TestDoorInProduction(issuer.to_string()));
        }
        let (terms, tokeninfo) = (terms.to_owned(), !environment.is_production());
        Ok(Self { issuer, front, profile, environment, test_id, terms, tokeninfo })
    }

    /// The same provider, with the pilot's introspection for anyone or without it. It is there from the start, but in production
    /// (contract, settled 11); where the profile has none, this changes nothing.
    #[must_use]
    pub fn with_tokeninfo(self, tokeninfo: bool) -> Self {
        Self { tokeninfo, ..self }
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The base of authorize, logout and the pages: the issuer itself, unless configured otherwise.
    pub fn front(&self) -> &Issuer {
        &self.front
    }

    /// The profile.
    pub fn profile(&self) -> &'static Profile {
        self.profile
    }

    /// The environment.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// TestID's settings, if it is offered.
    pub fn test_id(&self) -> Option<&TestIdSettings> {
        self.test_id.as_ref()
    }

    /// The version of the terms of use now in force.
    pub fn terms(&self) -> &str {
        &self.terms
    }

    /// Whether the issuer is served over TLS: cookies are `__Host-` and `Secure` then.
    pub fn is_https(&self) -> bool {
        self.issuer.scheme() == Scheme::Https
    }

    /// Whether this is `http` on a host that others can reach: worth a warning at start.
    pub fn is_exposed_plaintext(&self) -> bool {
        !(self.is_https() || self.issuer.is_loopback() && self.front.is_loopback())
    }

    /// The features of this issuer's profile, in the table's order.
    pub fn features(&self) -> impl Iterator<Item = &'static Feature> + '_ {
        Feature::ALL.iter().filter(|feature| self.has(feature.name))
    }

    /// Whether a feature is enabled here.
    pub fn has(&self, feature: FeatureName) -> bool {
        self.profile.features.contains(&feature) && (feature != FeatureName::Tokeninfo || self.tokeninfo)
    }

    /// Whether people may log in by this eID here. Evidence of one that is gone is no evidence, and what it gave has ended.
    pub fn offers(&self, eid: Method) -> bool {
        match eid {
            Method::TestId => self.test_id.is_some(),
        }
    }

    /// Whether a person who logged in by `eid` may not, or no longer, be told of: the eID is gone, the person deactivated, or
    /// unknown where only assigned persons may log in.
    pub fn stops(&self, eid: Method, standing: PersonStanding) -> bool {
        match (eid, &self.test_id) {
            (Method::TestId, None) => true,
            (Method::TestId, Some(settings)) => match standing {
                PersonStanding::Active => false,
                PersonStanding::Deactivated => true,
                PersonStanding::Unassigned => settings.assigned_only,
            },
        }
    }

    /// The URL of an endpoint, on the front host where the endpoint is one that browsers are sent to.
    pub fn url(&self, endpoint: Endpoint) -> String {
        self.base(endpoint).url(endpoint.path(self.profile))
    }

    /// The base that an endpoint hangs under; the front, of one that hangs under both.
    pub fn base(&self, endpoint: Endpoint) -> &Issuer {
        match endpoint.side() {
            Side::Front | Side::Both => &self.front,
            Side::Issuer => &self.issuer,
        }
    }

    /// Every base that an endpoint hangs under.
    pub fn bases(&self, endpoint: Endpoint) -> impl Iterator<Item = &Issuer> {
        let second = (endpoint.side() == Side::Both && self.front != self.issuer).then_some(&self.issuer);
        std::iter::once(self.base(endpoint)).chain(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{IDPORTEN, PILOT};

    fn provider(issuer: &str, environment: Environment) -> Result<Provider, ProviderFault> {
        Provider::new(issuer, None, &PILOT, environment, None, "1")
    }

    #[test]
    fn production_refuses_plaintext_and_test_doors() {
        assert!(matches!(
            provider("http://localhost:8080", Environment::Production),
            Err(ProviderFault::PlaintextInProduction(_))
        ));
        let door = Some(TestIdSettings { pools: vec![], assigned_only: false });
        assert!(matches!(
            Provider::new("https://idporten.no", None, &IDPORTEN, Environment::Production, door, "1"),
            Err(ProviderFault::TestDoorInProduction(_))
        ));
        assert!(provider("https://idporten.no", Environment::Production).is_ok());
    }

    #[test]
    fn plaintext_is_for_loopback_and_for_any_host_in_development() {
        assert!(matches!(
            provider("http://portvakt.test", Environment::Test),
            Err(ProviderFault::PlaintextHost(_))
        ));
        assert!(provider("http://localhost:8080", Environment::Test).is_ok());
        assert!(provider("http://portvakt.test", Environment::Development).unwrap().is_exposed_plaintext());
    }

    #[test]
    fn the_front_host_may_differ_but_not_its_scheme() {
        let split = |front| {
            Provider::new("https://test.idporten.no", Some(front), &IDPORTEN, Environment::Test, None, "1")
        };
        assert!(matches!(split("http://localhost"), Err(ProviderFault::FrontScheme(_))));
        let provider = split("https://login.test.idporten.no").unwrap();
        assert_eq!(provider.url(Endpoint::Authorization), "https://login.test.idporten.no/authorize");
        assert_eq!(provider.url(Endpoint::EndSession), "https://login.test.idporten.no/logout");
        assert_eq!(provider.url(Endpoint::Token), "https://test.idporten.no/token");
    }
}
