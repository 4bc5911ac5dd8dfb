//! `[[issuers]]`: what is served, each with its profile and its environment.

use std::path::Path;

use portvakt_protocol::features::FeatureName;
use portvakt_protocol::profile::Profile;
use portvakt_protocol::provider::{Environment, Pool, Provider, ProviderFault, TestIdSettings};
use portvakt_protocol::registration::Shown;
use portvakt_protocol::time::Seconds;
use portvakt_web::keys::JWKS_MAX_AGE;

use super::face::FaceSettings;
use super::fault::{ConfigFault, Place};
use super::reader::{At, Keys, Page};
use super::signing_files::SigningFiles;
use super::{IssuerSettings, KEY_LEAD, duration};

/// Every issuer, each with its place; at least one must be there.
pub(super) fn all(page: &mut Page, keys: &mut Keys<'_>, folder: &Path) -> Vec<At<IssuerSettings>> {
    let place = keys.place_of(page, "issuers");
    let tables = keys.tables(page, "issuers");
    if tables.is_empty() && !page.faults.iter().any(|fault| fault.place.path.starts_with("issuers")) {
        page.refuse(&place, Shown::Absent, "must name at least one issuer, under the heading [[issuers]]");
    }
    tables.into_iter().filter_map(|table| one(page, table, folder)).collect()
}

fn one(page: &mut Page, mut table: Keys<'_>, folder: &Path) -> Option<At<IssuerSettings>> {
    let place = table.place.clone();
    let places = Places {
        issuer: table.place_of(page, "issuer"),
        front: table.place_of(page, "front"),
        test_id: table.place_of(page, "testid"),
    };
    let issuer = table.required(page, "issuer");
    let front = table.text(page, "front");
    let profile = table.required_parsed(page, "profile", |text| {
        Profile::named(text)
            .ok_or_else(|| format!("must be {}", Profile::ALL.map(|profile| profile.name).join(" or ")))
    });
    let environment = table.required_parsed(page, "environment", environment);
    let terms = table.required(page, "terms");
    if let Some(At { value, place }) = &terms
        && value.trim().is_empty()
    {
        page.refuse(place, Shown::text(value), "must name the version of the terms of use that is in force");
    }
    let test_id = table.table(page, "testid").map(|keys| test_id(page, keys));
    let signing = SigningFiles::read(page, &mut table, folder);
    let shortest = shortest_lead(environment.as_ref().map(|at| at.value));
    let key_lead = table.parsed(page, "key_lead", |text| duration::parse(text, shortest, Seconds::days(365)));
    let key_rotation = rotation(page, &mut table, signing.as_ref(), environment.as_ref().map(|at| at.value));
    let verify_tokens = table.boolean(page, "verify_tokens").is_some_and(|at| at.value);
    let tokeninfo = tokeninfo(page, &mut table, profile.as_ref().map(|at| at.value));
    let face = FaceSettings::read(page, &mut table, folder);
    table.end(page);
    let provider = Provider::new(
        &issuer?.value,
        front.as_ref().map(|at| at.value.as_str()),
        profile?.value,
        environment?.value,
        test_id,
        &terms?.value,
    );
    match provider {
        Ok(provider) => {
            let provider = match tokeninfo {
                Some(tokeninfo) => provider.with_tokeninfo(tokeninfo),
                None => provider,
            };
            let key_lead = key_lead.map_or(KEY_LEAD, |at| at.value);
            let value = IssuerSettings { provider, signing, key_lead, key_rotation, verify_tokens, face };
            Some(At { value, place })
        }
        Err(fault) => {
            page.faults.push(places.told(fault, front.as_ref().map(|at| at.value.as_str())));
            None
        }
    }
}

/// Whether anyone may introspect (contract §10): a door of one profile's alone, closed in production unless it is opened here.
fn tokeninfo(page: &mut Page, table: &mut Keys<'_>, profile: Option<&'static Profile>) -> Option<bool> {
    let At { value, place } = table.boolean(page, "tokeninfo")?;
    if profile.is_some_and(|profile| !profile.features.contains(&FeatureName::Tokeninfo)) {
        let rule = "must be left out: clients of this profile authenticate to introspect";
        page.faults.push(ConfigFault::new(&place, Shown::Absent, rule));
        return None;
    }
    Some(value)
}

fn environment(text: &str) -> Result<Environment, String> {
    let all = [Environment::Development, Environment::Test, Environment::Production];
    let found = all.into_iter().find(|environment| environment.as_str() == text);
    found.ok_or_else(|| "must be development, test or production".to_owned())
}

/// What signs sooner than the JWK Set may be kept is refused by whoever keeps it. In development that is one's own affair, and
/// nobody waits an hour for a test.
fn shortest_lead(environment: Option<Environment>) -> Seconds {
    match environment {
        Some(Environment::Test | Environment::Production) => JWKS_MAX_AGE,
        Some(Environment::Development) | None => Seconds::new(1),
    }
}

/// How long a key signs: shorter than a certificate lives by far, and no shorter than the days in which anybody would notice.
fn rotation(
    page: &mut Page,
    table: &mut Keys<'_>,
    signing: Option<&SigningFiles>,
    environment: Option<Environment>,
) -> Option<Seconds> {
    let shortest = match environment {
        Some(Environment::Test | Environment::Production) => Seconds::days(1),
        Some(Environment::Development) | None => Seconds::new(1),
    };
    let span = |text: &str| duration::parse(text, shortest, Seconds::days(1825));
    let At { value, place } = table.parsed(page, "key_rotation", span)?;
    if signing.is_some() {
        let rule =
            "must not be given beside signing: the next key would have a certificate of its own making";
        let fault = ConfigFault::new(&place, Shown::Absent, rule);
        page.faults.push(fault.with_fix("remove signing once the first key is stored, or rotate by command"));
    }
    Some(value)
}

fn test_id(page: &mut Page, mut keys: Keys<'_>) -> TestIdSettings {
    let pools = keys.texts(page, "pools").into_iter().map(|at| Pool(at.value)).collect();
    let assigned_only = keys.boolean(page, "assigned_only").is_some_and(|at| at.value);
    keys.end(page);
    TestIdSettings { pools, assigned_only }
}

/// Where the keys stand that a provider can be refused for.
struct Places {
    issuer: Place,
    front: Place,
    test_id: Place,
}

impl Places {
    fn told(&self, fault: ProviderFault, front: Option<&str>) -> ConfigFault {
        let url = |text: &str, rule: String| {
            // Front and issuer are judged by the same rules; which one was refused shows in the text.
            let place =
                if front == Some(text) && self.front != self.issuer { &self.front } else { &self.issuer };
            ConfigFault::new(place, Shown::text(text), rule)
        };
        match fault {
            ProviderFault::Url(text, fault) => url(&text, fault.to_string()),
            ProviderFault::PlaintextInProduction(text) => {
                url(&text, "must be https in production".to_owned()).with_fix("http is for development")
            }
            ProviderFault::PlaintextHost(text) => url(
                &text,
                "must be https: http is for loopback hosts, and for any host only in the environment development"
                    .to_owned(),
            ),
            ProviderFault::TestDoorInProduction(_) => {
                let rule = "must not be given in production: TestID is a test door";
                ConfigFault::new(&self.test_id, Shown::Absent, rule).with_fix("remove testid")
            }
            ProviderFault::FrontScheme(text) => {
                ConfigFault::new(&self.front, Shown::text(&text), "must have the issuer's scheme")
            }
        }
    }
}
