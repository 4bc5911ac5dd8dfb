//! `portvakt db backup` and `portvakt db restore`.

use std::path::PathBuf;

use clap::Args;
use portvakt_crypto::random::Random;
use portvakt_store::{Ended, Opening, StoreUrl, backup, end_past, restore};
use portvakt_web::clock::Clock;

use super::Configured;
use crate::cli::tell;
use crate::config::{Settings, Storage};
use crate::failure::Failure;
use crate::house::not_opened;
use crate::serve::{master_keys, store_url};

#[derive(Debug, Args)]
pub(in crate::cli) struct Backup {
    #[command(flatten)]
    configured: Configured,
    /// The file that the backup is written to. Nothing may be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    #[command(flatten)]
    configured: Configured,
    /// The backup that is put in the data folder's place.
    #[arg(long, value_name = "FILE", required_unless_present = "already_restored")]
    from: Option<PathBuf>,
    /// Even if the folder has a store: it stays beside the restored one, as portvakt.db.replaced.
    #[arg(long, requires = "from")]
    replace: bool,
    /// The data was restored by other means, such as pg_restore, to a point in time, or as a copy of the folder: end what that would
    /// revive, before the first server starts.
    #[arg(long, conflicts_with = "from")]
    already_restored: bool,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// Writes a backup of the configured folder, beside its server.
///
/// # Errors
/// Why there is none.
pub(super) fn perform_backup(asked: &Backup) -> Result<(), Failure> {
    let settings = asked.configured.settings()?;
    let Storage::Folder(folder) = &settings.data else {
        return Err(Failure::new(format!(
            "{} is a database, which is backed up with its own tools",
            settings.data
        ))
        .hint(format!(
            "pg_dump --format=custom --file={} --dbname={}",
            asked.to.display(),
            settings.data
        )));
    };
    let bytes = backup(folder, &asked.to).map_err(Failure::new)?;
    tell(None, |out| {
        writeln!(
            out,
            "{}: {bytes} bytes; of no use without the master key, which is not in it",
            asked.to.display()
        )
    })
}

/// Puts a backup in place, or ends what a restored database would revive.
///
/// # Errors
/// Why it was not done.
pub(super) async fn perform_restore(asked: Restore) -> Result<(), Failure> {
    let settings = asked.configured.settings()?;
    let url = store_url(&settings)?;
    let opening = opening(&settings, &url)?;
    let ended = match (&url, &asked.from) {
        (_, None) => Box::pin(end_past(opening)).await.map_err(|fault| not_opened(&url, &fault))?,
        (StoreUrl::Folder(folder), Some(from)) => {
            restore(from, folder, opening, asked.replace).map_err(Failure::new)?
        }
        (StoreUrl::Postgres(_), Some(_)) => {
            return Err(Failure::new(format!(
                "{} is a database, which is restored with its own tools",
                settings.data
            ))
            .hint("pg_restore, then `portvakt db restore --already-restored --config FILE`"));
        }
    };
    let Ended { logins, codes, grants } = ended;
    let told = serde_json::json!({
        "data": settings.data.to_string(),
        "ended": { "logins": logins, "codes": codes, "grants": grants },
    });
    tell(asked.json.then_some(told), |out| {
        writeln!(out, "{} is as it was when it was backed up", settings.data)?;
        writeln!(
            out,
            "ended, for nobody knows what became of them since: {logins} logins, {codes} codes, {grants} grants"
        )?;
        writeln!(
            out,
            "not undone, and for you to look at: secrets, clients, organisations and signing keys that were withdrawn since are back"
        )
    })
}

fn opening(settings: &Settings, url: &StoreUrl) -> Result<Opening, Failure> {
    let random = Random::system();
    let (master, previous_master) = master_keys(settings, &random)?;
    Ok(Opening { url: url.clone(), master, previous_master, random, now: Clock::system().now() })
}
