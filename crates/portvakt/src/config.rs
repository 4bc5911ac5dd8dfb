//! The configuration: one TOML file, parsed once into typed settings. Unknown keys are refused, secrets are named by file or
//! environment variable, and every mistake is told at once.

pub(crate) mod duration;
mod face;
mod fault;
mod issuer;
mod key_file;
mod listener;
mod reader;
mod secret_place;
mod signing_files;
mod storage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use portvakt_protocol::features::places;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::Shown;
use portvakt_protocol::time::Seconds;
use portvakt_web::listen::ListenerConfig;

pub(crate) use face::FaceSettings;
pub(crate) use fault::{ConfigFault, ConfigFaults};
pub(crate) use secret_place::SecretPlace;
pub(crate) use signing_files::{CertifiedKey, SigningFiles};
pub(crate) use storage::Storage;

use crate::master_key;
use crate::telemetry::{LogFormat, LogLevel, Logging};
use fault::Place;
use key_file::{Exposed, KeyFile};
use reader::{At, Keys, Page};

/// What the server is to do, as one file says it.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The file itself.
    pub(crate) file: PathBuf,
    /// Where the data is.
    pub(crate) data: Storage,
    /// The master key; none: the store's folder has its own, which production does not allow. With a database there is one.
    pub(crate) master_key: Option<SecretPlace>,
    /// The master key until now, while it is being changed.
    pub(crate) previous_master_key: Option<SecretPlace>,
    /// Where to listen; at least one.
    pub(crate) listeners: Vec<ListenerConfig>,
    /// What to serve; at least one, and no two answer at one URL.
    pub(crate) issuers: Vec<IssuerSettings>,
    /// How long audit records are kept; none: for ever.
    pub(crate) audit_retention: Option<Seconds>,
    /// How to log.
    pub(crate) log: Logging,
}

/// One issuer's settings.
#[derive(Clone, Debug)]
pub(crate) struct IssuerSettings {
    /// The provider.
    pub(crate) provider: Provider,
    /// Its first key and certificate, if the operator brings them.
    pub(crate) signing: Option<SigningFiles>,
    /// How long the next signing key is published before it signs.
    pub(crate) key_lead: Seconds,
    /// How long a key signs before the next one is made unasked; none: an operator rotates.
    pub(crate) key_rotation: Option<Seconds>,
    /// Whether each token response is judged by the independent verifier before it leaves.
    pub(crate) verify_tokens: bool,
    /// What it shows of itself.
    pub(crate) face: FaceSettings,
}

/// How long the next key is published before it signs, where nothing else is said: clients may keep a JWK Set for a day.
pub(crate) const KEY_LEAD: Seconds = Seconds::days(1);

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// Every fault of it.
    pub(crate) fn read(file: &Path) -> Result<Self, ConfigFaults> {
        let text = std::fs::read_to_string(file).map_err(|why| {
            let place = Place { path: String::new(), line: None };
            let fault = ConfigFault::new(&place, Shown::Absent, format!("cannot be read: {why}"))
                .with_fix("name the configuration with --config FILE");
            ConfigFaults::new(file, vec![fault])
        })?;
        Self::parse(&text, file)
    }

    /// Parses the text of `file`, whose folder is where relative paths start.
    ///
    /// # Errors
    /// Every fault of it.
    fn parse(text: &str, file: &Path) -> Result<Self, ConfigFaults> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let (mut page, mut keys) = Page::open(text).map_err(|faults| ConfigFaults::new(file, faults))?;
        let data = Storage::read(&mut page, &mut keys, folder);
        let master_key = SecretPlace::read(&mut page, &mut keys, "master_key", folder);
        let previous_master_key = SecretPlace::read(&mut page, &mut keys, "previous_master_key", folder);
        let listeners = listener::all(&mut page, &mut keys, folder);
        let issuers = issuer::all(&mut page, &mut keys, folder);
        let audit_retention = audit(&mut page, &mut keys);
        let log = logging(&mut page, &mut keys);
        let own_key = keys.place_of(&page, "master_key");
        keys.end(&mut page);
        let production = issuers.iter().find(|it| it.value.provider.environment().is_production());
        let production = production.map(|it| it.value.provider.issuer());
        if master_key.is_none()
            && !page.faults.iter().any(|fault| fault.place.path.starts_with("master_key"))
            && let Some(why) = master_key_needed(data.as_ref(), production)
        {
            let fault = ConfigFault::new(&own_key, Shown::Absent, format!("must be given: {why}"))
                .with_fix("add master_key = { file = \"…\" } or { env = \"…\" }");
            page.faults.push(fault);
        }
        if let Some(data) = &data {
            data.judge(&mut page, production.is_some());
        }
        refuse_collisions(&mut page, &issuers);
        match data {
            Some(data) if page.faults.is_empty() => Ok(Self {
                file: file.to_owned(),
                data,
                master_key,
                previous_master_key,
                listeners,
                issuers: issuers.into_iter().map(|at| at.value).collect(),
                audit_retention,
                log,
            }),
            _ => Err(ConfigFaults::new(file, page.faults)),
        }
    }

    /// Whether what it names by file or environment variable can be had and used, and secrets by nobody else: master keys, signing
    /// keys, the database's password and CA, and themes.
    ///
    /// # Errors
    /// Every fault of them.
    pub(crate) fn check_references(&self) -> Result<(), ConfigFaults> {
        let mut faults: Vec<_> = self.master_keys().filter_map(|place| place.master_key().err()).collect();
        faults.extend(self.data.unusable());
        if !self.data.is_used() {
            faults.extend(self.unusable_signing_files());
        }
        faults.extend(self.exposed().filter_map(|exposed| match exposed {
            Exposed::Refused(fault) => Some(fault),
            Exposed::Warned(_) => None,
        }));
        faults.extend(self.key_beside_its_data());
        faults.extend(self.issuers.iter().filter_map(|issuer| issuer.face.face().err()));
        if faults.is_empty() { Ok(()) } else { Err(ConfigFaults::new(&self.file, faults)) }
    }

    /// A production master key that lies in the data folder: whoever copies the folder has what it seals.
    fn key_beside_its_data(&self) -> Option<ConfigFault> {
        let production = self.issuers.iter().any(|it| it.provider.environment().is_production());
        let key = self.master_key.as_ref()?.key_file("a key").filter(|_| production)?;
        let real = |path: &Path| path.canonicalize().ok();
        let inside = real(&key.path)?.starts_with(real(self.data.folder()?)?);
        let shown = Shown::Value(key.path.display().to_string());
        let rule =
            "must lie outside the data folder in production: a copy of the folder must not open itself";
        inside
            .then(|| ConfigFault::new(&key.place, shown, rule.to_owned()).with_fix("keep the key elsewhere"))
    }

    fn master_keys(&self) -> impl Iterator<Item = &SecretPlace> {
        [&self.master_key, &self.previous_master_key].into_iter().flatten()
    }

    fn signing_files(&self) -> impl Iterator<Item = &SigningFiles> {
        self.issuers.iter().filter_map(|issuer| issuer.signing.as_ref())
    }

    fn unusable_signing_files(&self) -> impl Iterator<Item = ConfigFault> {
        self.signing_files().filter_map(|files| files.load().err())
    }

    /// Every file with a secret that not its owner alone may use.
    fn exposed(&self) -> impl Iterator<Item = Exposed> {
        let production = self.issuers.iter().any(|issuer| issuer.provider.environment().is_production());
        let at = |path: String| Place { path, line: None };
        let own = self.data.folder().filter(|_| self.master_key.is_none()).map(|folder| KeyFile {
            place: at("data".to_owned()),
            path: folder.join(master_key::FILE),
            holds: "a key",
        });
        let tls = self.listeners.iter().enumerate().filter_map(move |(number, listener)| {
            let path = listener.tls.as_ref()?.key.clone();
            Some(KeyFile { place: at(format!("listeners[{number}].tls")), path, holds: "a key" })
        });
        let named = self.master_keys().filter_map(|place| place.key_file("a key"));
        let signing = self.signing_files().map(SigningFiles::key_file);
        let all = own.into_iter().chain(named).chain(tls).chain(signing).chain(self.data.password_file());
        all.filter_map(move |file| file.exposed(production))
    }

    /// What an operator should know, although it is allowed.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.data.warnings();
        let reachable_by_tls = self
            .listeners
            .iter()
            .any(|listener| listener.tls.is_some() || !listener.trusted_proxies.is_empty());
        for IssuerSettings { provider, .. } in &self.issuers {
            let issuer = provider.issuer();
            if provider.is_exposed_plaintext() {
                warnings.push(format!(
                    "{issuer} is http on a host that others can reach: whoever is on the way reads and changes everything"
                ));
            }
            if provider.environment().is_production() && provider.test_id().is_none() {
                warnings.push(format!(
                    "{issuer} is production and has no eID: every authorization request is answered \
                     temporarily_unavailable"
                ));
            }
            if provider.is_https() && !reachable_by_tls {
                warnings.push(format!(
                    "{issuer} is https, but no listener has tls or trusted_proxies: no request will ever be for it"
                ));
            }
        }
        if self.data.is_used() {
            warnings.extend(self.unusable_signing_files().map(|ConfigFault { place, rule, .. }| {
                format!(
                    "{}: {rule} (which matters only to an issuer that has no signing key yet)",
                    place.path
                )
            }));
        }
        warnings.extend(self.exposed().filter_map(|exposed| match exposed {
            Exposed::Warned(told) => Some(told),
            Exposed::Refused(_) => None,
        }));
        warnings
    }
}

/// Why a master key must be named, if it must.
fn master_key_needed(data: Option<&Storage>, production: Option<&Issuer>) -> Option<String> {
    if let Some(issuer) = production {
        return Some(format!("{issuer} is production, whose master key is kept outside the data"));
    }
    let shared = data.is_some_and(|data| data.folder().is_none());
    shared.then(|| "data is a database, which every node opens with the same key".to_owned())
}

/// How long audit records are kept where nothing else is said.
pub(crate) const AUDIT_RETENTION: Seconds = Seconds::days(180);

/// What keeps audit records for ever.
pub(crate) const FOR_EVER: &str = "forever";

/// `[audit]`: how long records are kept; none: for ever.
fn audit(page: &mut Page, keys: &mut Keys<'_>) -> Option<Seconds> {
    let Some(mut table) = keys.table(page, "audit") else { return Some(AUDIT_RETENTION) };
    let retention = table.parsed(page, "retention", |text| match text {
        FOR_EVER => Ok(None),
        text => match duration::parse(text, Seconds::days(1), Seconds::days(36_500)) {
            Ok(span) => Ok(Some(span)),
            Err(rule) => Err(format!("{rule}, or {FOR_EVER}")),
        },
    });
    table.end(page);
    retention.map_or(Some(AUDIT_RETENTION), |at| at.value)
}

/// `[log]`.
fn logging(page: &mut Page, keys: &mut Keys<'_>) -> Logging {
    let usual = Logging::default();
    let Some(mut table) = keys.table(page, "log") else { return usual };
    let format = table.parsed(page, "format", |text| {
        LogFormat::named(text).ok_or_else(|| "must be json or text".to_owned())
    });
    let level = table.parsed(page, "level", |text| {
        LogLevel::named(text).ok_or_else(|| "must be error, warn, info, debug or trace".to_owned())
    });
    table.end(page);
    Logging {
        format: format.map_or(usual.format, |at| at.value),
        level: level.map_or(usual.level, |at| at.value),
    }
}

/// Two issuers at one URL: a request could not be told apart. One identifier twice is a case of it.
fn refuse_collisions(page: &mut Page, issuers: &[At<IssuerSettings>]) {
    let mut taken: BTreeMap<String, &Place> = BTreeMap::new();
    for At { value, place } in issuers {
        let provider = &value.provider;
        let mut collision = None;
        for spot in places(provider) {
            let url = format!("{}{}", spot.base.origin(), spot.path);
            match taken.get(&url) {
                Some(other) => {
                    collision.get_or_insert((url, *other));
                }
                None => {
                    taken.insert(url, place);
                }
            }
        }
        if let Some((url, other)) = collision.filter(|(_, other)| *other != place) {
            let at = Place { path: format!("{}.issuer", place.path), line: place.line };
            let rule = format!("must answer at its own URLs; {url} is already {}'s", other.path);
            page.refuse(&at, Shown::text(provider.issuer().as_str()), rule);
        }
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
