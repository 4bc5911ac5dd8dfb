//! `data` and `[database]`: where the data is. A path is the embedded store's folder, `postgres://` a database that several nodes share.

use std::fmt;
use std::path::{Path, PathBuf};

use portvakt_protocol::registration::Shown;
use portvakt_store::{Pooler, PostgresUrl, StoreUrl};

use super::fault::{ConfigFault, Place};
use super::key_file::KeyFile;
use super::reader::{At, Keys, Page};
use super::secret_place::SecretPlace;
use crate::house;

/// The fewest and the most connections of one node: one that reads while another waits, and what a server has to give.
const CONNECTIONS: std::ops::RangeInclusive<u32> = 2..=1000;

/// What is done about a password in the URL.
const NAME_THE_PASSWORD: &str =
    "name it with password = { file = \"…\" } or { env = \"…\" } under [database]";

/// Where the data is.
#[derive(Clone, Debug)]
pub(crate) enum Storage {
    /// The embedded store's folder: one process owns it.
    Folder(PathBuf),
    /// A database that every node of this configuration uses.
    Database(Box<Database>),
}

/// A database, and how to get there.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// As the file says it: without what is named elsewhere.
    url: PostgresUrl,
    password: Option<SecretPlace>,
    ca: Option<CaFile>,
    place: Place,
}

/// The certificates that a database server's own must be issued by.
#[derive(Clone, Debug)]
struct CaFile {
    path: PathBuf,
    place: Place,
}

/// `[database]`.
struct Connecting {
    place: Place,
    password: Option<SecretPlace>,
    ca: Option<CaFile>,
    pooler: Option<Pooler>,
    connections: Option<u32>,
}

impl Storage {
    /// Reads both; `None` if `data` is not there or no place.
    pub(super) fn read(page: &mut Page, keys: &mut Keys<'_>, folder: &Path) -> Option<Self> {
        let data = keys.required(page, "data");
        let connecting = Connecting::read(page, keys, folder);
        let At { value, place } = data?;
        // Neither of a URL nor of what was meant as one is anything shown: it may hold a password.
        let withheld = || Shown::withheld("text", &value);
        if value.starts_with("postgres://") || value.starts_with("postgresql://") {
            // What `verify-full` asks for is what is done wherever there is a CA, and the only kind of TLS there is.
            let asked = value.replace("sslmode=verify-full", "sslmode=require");
            return match PostgresUrl::parse(&asked) {
                Ok(url) => Some(Self::Database(Box::new(Database::of(url, connecting, place)))),
                Err(fault) => {
                    page.refuse(&place, withheld(), fault.to_string());
                    None
                }
            };
        }
        if value.is_empty() || value.contains("://") || value.starts_with("postgres") && value.contains(':') {
            let rule = "must be the path of a folder, or postgres://USER@HOST:PORT/DATABASE";
            page.refuse(&place, withheld(), rule);
            return None;
        }
        if let Some(Connecting { place, .. }) = connecting {
            let rule = "must not be given: data is a folder, which has no connections";
            let fault = ConfigFault::new(&place, Shown::Absent, rule);
            page.faults.push(fault.with_fix("remove it, or set data to postgres://USER@HOST:PORT/DATABASE"));
        }
        Some(Self::Folder(folder.join(value)))
    }

    /// Refuses what the rest of the file does not allow.
    pub(super) fn judge(&self, page: &mut Page, production: bool) {
        if let Self::Database(database) = self {
            page.faults.extend(database.faults(production));
        }
    }

    /// The folder, if it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Database(_) => None,
        }
    }

    /// The database, if it is one.
    pub(crate) fn database(&self) -> Option<&Database> {
        match self {
            Self::Folder(_) => None,
            Self::Database(database) => Some(database),
        }
    }

    /// Whether a store is there already, as far as that can be known without opening it: of a database it is taken for granted, and
    /// opening a new one tells what is missing.
    pub(super) fn is_used(&self) -> bool {
        self.folder().is_none_or(house::is_used)
    }

    /// Where the store is, with everything that is named elsewhere.
    ///
    /// # Errors
    /// The password or the CA cannot be had.
    pub(crate) fn url(&self) -> Result<StoreUrl, ConfigFault> {
        Ok(match self {
            Self::Folder(folder) => StoreUrl::Folder(folder.clone()),
            Self::Database(database) => StoreUrl::Postgres(Box::new(database.url()?)),
        })
    }

    /// What it names and cannot be had.
    pub(super) fn unusable(&self) -> Vec<ConfigFault> {
        let Self::Database(database) = self else { return Vec::new() };
        let password = database.password.as_ref().and_then(|place| place.password().err());
        let ca = database.ca.as_ref().and_then(|ca| ca.read().err());
        password.into_iter().chain(ca).collect()
    }

    /// The file with the password, if there is one.
    pub(super) fn password_file(&self) -> Option<KeyFile> {
        match self {
            Self::Folder(_) => None,
            Self::Database(database) => database.password.as_ref()?.key_file("a password"),
        }
    }

    /// What an operator should know, although it is allowed.
    pub(super) fn warnings(&self) -> Vec<String> {
        match self {
            Self::Folder(_) => Vec::new(),
            Self::Database(database) => {
                let told = |fault: ConfigFault| match fault.fix {
                    Some(fix) => format!("{}: {}; {fix}", fault.place.path, fault.rule),
                    None => format!("{}: {}", fault.place.path, fault.rule),
                };
                database.unsafe_outside_development().map(told).collect()
            }
        }
    }
}

impl fmt::Display for Storage {
    /// Without any password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(out),
            Self::Database(database) => database.url.fmt(out),
        }
    }
}

impl Database {
    fn of(url: PostgresUrl, connecting: Option<Connecting>, place: Place) -> Self {
        let Some(Connecting { password, ca, pooler, connections, .. }) = connecting else {
            return Self { url, password: None, ca: None, place };
        };
        let url = url.with_pooler(pooler.unwrap_or_default());
        let connections = connections.and_then(|connections| usize::try_from(connections).ok());
        let url = match connections {
            Some(connections) => url.with_connections(connections),
            None => url,
        };
        Self { url, password, ca, place }
    }

    /// Where it is, with its password and its CA.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub(crate) fn url(&self) -> Result<PostgresUrl, ConfigFault> {
        let mut url = self.url.clone();
        if let Some(place) = &self.password {
            url = url.with_password(&place.password()?);
        }
        if let Some(ca) = &self.ca {
            url = url.with_ca(ca.read()?);
        }
        Ok(url)
    }

    /// The role that serves.
    pub(crate) fn user(&self) -> &str {
        self.url.user()
    }

    /// Another way to a database, with this one's CA: for what another role does.
    ///
    /// # Errors
    /// The CA cannot be had.
    pub(crate) fn trusted(&self, url: PostgresUrl) -> Result<PostgresUrl, ConfigFault> {
        match &self.ca {
            Some(ca) => Ok(url.with_ca(ca.read()?)),
            None => Ok(url),
        }
    }

    fn fault(&self, rule: impl Into<String>, fix: &str) -> ConfigFault {
        // Of the URL nothing is shown: it may hold a password.
        ConfigFault::new(&self.place, Shown::Absent, rule).with_fix(fix)
    }

    fn faults(&self, production: bool) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if self.url.has_password() && self.password.is_some() {
            faults.push(
                self.fault("must not hold a password that [database] names too", "remove it from the URL"),
            );
        }
        if self.url.asks_for_tls() && self.ca.is_none() {
            faults.push(self.fault(
                "asks for TLS, and nothing says which server to believe",
                "name the certificates that issue the server's with ca = \"file.pem\" under [database]",
            ));
        }
        if production {
            faults.extend(self.unsafe_outside_development());
        }
        faults
    }

    /// What production refuses, and any other environment is warned of.
    fn unsafe_outside_development(&self) -> impl Iterator<Item = ConfigFault> {
        let password = self.url.has_password().then(|| {
            self.fault("holds a password, which everybody has who reads the configuration", NAME_THE_PASSWORD)
        });
        let is_open = self.ca.is_none() && !self.url.is_local() && !self.url.asks_for_tls();
        let plaintext = is_open.then(|| {
            self.fault(
                format!(
                    "leads to {} without TLS: whoever is on the way reads and changes everything",
                    self.url
                ),
                "give ca = \"file.pem\" under [database], or reach the database on this machine",
            )
        });
        password.into_iter().chain(plaintext)
    }
}

impl CaFile {
    /// The certificates, PEM. Whether they are any is judged once more, and by each, when they are used.
    fn read(&self) -> Result<Vec<u8>, ConfigFault> {
        let refuse = |why: String| {
            ConfigFault::new(&self.place, Shown::Absent, format!("{}: {why}", self.path.display()))
        };
        let pem = std::fs::read(&self.path).map_err(|why| refuse(format!("cannot be read: {why}")))?;
        let header = b"-----BEGIN CERTIFICATE-----";
        if pem.windows(header.len()).any(|window| window == header) {
            Ok(pem)
        } else {
            Err(refuse("must hold certificates in PEM form".to_owned()))
        }
    }
}

impl Connecting {
    fn read(page: &mut Page, keys: &mut Keys<'_>, folder: &Path) -> Option<Self> {
        let mut table = keys.table(page, "database")?;
        let place = table.place.clone();
        let password = SecretPlace::read(page, &mut table, "password", folder);
        let ca = table.text(page, "ca").map(|At { value, place }| CaFile { path: folder.join(value), place });
        let pooler = table.parsed(page, "pooler", |text| match text {
            "none" => Ok(Pooler::None),
            "transaction" => Ok(Pooler::Transaction),
            _ => Err("must be none, or transaction for one such as PgBouncer with pool_mode = transaction"
                .to_owned()),
        });
        let connections = table.number(page, "connections", CONNECTIONS);
        table.end(page);
        Some(Self {
            place,
            password,
            ca,
            pooler: pooler.map(|at| at.value),
            connections: connections.map(|at| at.value),
        })
    }
}
