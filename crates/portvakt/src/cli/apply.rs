//! `portvakt apply`.

use std::path::{Path, PathBuf};

use clap::Args;
use portvakt_crypto::random::Random;
use portvakt_protocol::catalogue::Catalogue;
use portvakt_web::clock::Clock;

use super::{Where, applied, other_answer};
use crate::catalogue::{NotApplied, rehearse, with_secrets};
use crate::config::Settings;
use crate::desk::reach::{Target, have};
use crate::desk::{Answer, Command, Refused};
use crate::failure::Failure;
use crate::registry::applied::Applied;
use crate::registry::carried::{Carried, fetch};
use crate::registry::{Application, faults_of};

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The catalogue: a TOML file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    whose: Where,
    /// Deactivate what the catalogue no longer names, at the issuers and in the pools that it names.
    #[arg(long)]
    prune: bool,
    /// Tell what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// Carries it out.
///
/// # Errors
/// Every fault of the catalogue, or why it could not be brought about.
pub(super) async fn perform(asked: Apply) -> Result<(), Failure> {
    let Apply { file, whose, prune, dry_run, json } = asked;
    let name = file.display().to_string();
    let text = std::fs::read_to_string(&file)
        .map_err(|why| Failure::new(format!("{name}: {why}")).hint("name a catalogue that can be read"))?;
    let told = |faults| Failure::from(faults_of(&name, NotApplied::Faults(faults)));
    let catalogue = Catalogue::parse(&text).map_err(told)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let target = whose.target()?;
    // Opening a folder would make it.
    if let Target::Configured(settings) = &target
        && dry_run
        && settings.data.folder().is_some_and(|folder| !folder.exists())
    {
        let rehearsed = rehearsed(settings, with_secrets(catalogue, folder), prune);
        return applied::show(&rehearsed.map_err(|fault| faults_of(&name, fault))?, json);
    }
    let secrets = fetch(catalogue.secret_references(), folder);
    let command = Command::Apply(Application { name, text: Carried::new(text), secrets, prune, dry_run });
    let Answer::Applied(applied) = have(target, command).await? else { return Err(other_answer()) };
    applied::show(&applied, json)
}

fn rehearsed(settings: &Settings, catalogue: Catalogue, prune: bool) -> Result<Applied, NotApplied> {
    let (now, random) = (Clock::system().now(), Random::system());
    let plan = rehearse(&settings.issuers, &catalogue, prune, now, &random)?;
    Ok(Applied::of(plan, true))
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let failure = Self::new(refused.what);
        match refused.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
