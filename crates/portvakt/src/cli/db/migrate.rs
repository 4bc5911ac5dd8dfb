//! `portvakt db migrate`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use portvakt_crypto::random::Random;
use portvakt_protocol::catalogue::SecretReference;
use portvakt_store::{PostgresUrl, StoreUrl, migrate, schema_status};
use portvakt_web::clock::Clock;
use zeroize::Zeroizing;

use super::Configured;
use crate::cli::tell;
use crate::config::{ConfigFaults, Settings, Storage};
use crate::failure::Failure;
use crate::house::{not_opened, open_store};
use crate::registry::carried::{fetch, found};
use crate::serve::master_keys;

/// Where the owner's password is, if neither the URL nor a file has it.
const PASSWORD: &str = "PORTVAKT_MIGRATE_PASSWORD";

#[derive(Debug, Args)]
pub(in crate::cli) struct Migrate {
    #[command(flatten)]
    configured: Configured,
    /// The database as the role that owns its tables: postgres://OWNER@HOST:PORT/DATABASE, past any pooler. The CA is the
    /// configuration's. Without it, the configuration's own role is the owner.
    #[arg(long = "as", value_name = "URL")]
    owner: Option<String>,
    /// Take that role's password from this file. Else it is taken from the variable PORTVAKT_MIGRATE_PASSWORD.
    #[arg(long, value_name = "FILE", requires = "owner")]
    password_file: Option<PathBuf>,
    /// The role that may read and write rows afterwards. Without it, the configuration's, where the owner is another.
    #[arg(long, value_name = "ROLE")]
    grant_to: Option<String>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// Brings the schema up to date.
///
/// # Errors
/// Why it is not.
pub(super) async fn perform(asked: Migrate) -> Result<(), Failure> {
    let settings = asked.configured.settings()?;
    match &settings.data {
        Storage::Folder(_) if asked.owner.is_some() || asked.grant_to.is_some() => {
            Err(Failure::new(format!("{} is a folder, which has no roles", settings.data))
                .hint("leave --as and --grant-to out"))
        }
        Storage::Folder(folder) => of_folder(&settings, folder, asked.json).await,
        Storage::Database(_) => of_database(&settings, asked).await,
    }
}

/// A folder is migrated by opening it.
async fn of_folder(settings: &Settings, folder: &Path, json: bool) -> Result<(), Failure> {
    let (clock, random) = (Clock::system(), Random::system());
    let (master, previous_master) = master_keys(settings, &random)?;
    let url = StoreUrl::Folder(folder.to_owned());
    let opened = open_store(&url, master, previous_master, &clock, &random).await;
    let store = opened.map_err(|fault| not_opened(&url, &fault))?;
    let closed = store.close().await;
    closed.map_err(|broken| Failure::new(format!("the store could not be closed: {broken}")))?;
    let told = serde_json::json!({ "data": settings.data.to_string() });
    tell(json.then_some(told), |out| {
        writeln!(out, "{} is up to date: a folder is brought up to date whenever it is opened", settings.data)
    })
}

async fn of_database(settings: &Settings, asked: Migrate) -> Result<(), Failure> {
    let url = owner(settings, &asked)?;
    let run = settings.data.database().map(|database| database.user().to_owned());
    let grant_to = asked.grant_to.or(run).filter(|role| role != url.user());
    let failed = |fault: &_| not_opened(&StoreUrl::Postgres(Box::new(url.clone())), fault);
    let applied = migrate(&url, grant_to.as_deref(), Clock::system().now()).await;
    let applied = applied.map_err(|fault| failed(&fault))?;
    let schema = schema_status(&url).await.map_err(|fault| failed(&fault))?.found;
    let told = serde_json::json!({
        "data": url.to_string(),
        "applied": applied,
        "schema": schema,
        "granted_to": grant_to,
    });
    tell(asked.json.then_some(told), |out| {
        match applied.as_slice() {
            [] => writeln!(out, "{url} has schema {schema} already")?,
            applied => writeln!(out, "{url} has schema {schema} now; applied: {}", applied.join(", "))?,
        }
        match &grant_to {
            Some(role) => writeln!(out, "{role} may read and write its rows"),
            None => Ok(()),
        }
    })
}

/// The database as its owner.
fn owner(settings: &Settings, asked: &Migrate) -> Result<PostgresUrl, Failure> {
    let told = |fault| Failure::new(ConfigFaults::new(&settings.file, vec![fault]));
    let Some(database) = settings.data.database() else {
        return Err(Failure::new("data is no database"));
    };
    let Some(text) = &asked.owner else { return database.url().map_err(told) };
    // Nothing of the text is repeated: it may hold a password.
    let mut url = PostgresUrl::parse(text).map_err(|fault| Failure::new(format!("--as: {fault}")))?;
    if let Some(password) = password(asked.password_file.as_deref())? {
        url = url.with_password(&password);
    }
    database.trusted(url).map_err(told)
}

/// The owner's password, from the file that was named, or else the variable; `None` if there is neither.
fn password(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Failure> {
    let reference = match file {
        Some(file) => SecretReference::File(file.to_owned()),
        None => SecretReference::Environment(PASSWORD.to_owned()),
    };
    let fetched = found(fetch(BTreeSet::from([reference]), Path::new("")));
    match (fetched.into_values().next(), file) {
        (Some(Ok(text)), _) => Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))),
        (Some(Err(why)), Some(file)) => Err(Failure::new(format!("{}: {why}", file.display()))),
        (Some(Err(_)) | None, _) => Ok(None),
    }
}
