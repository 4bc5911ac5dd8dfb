//! `portvakt key …`.

use clap::Subcommand;

use super::{Where, other_answer, tell};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::keys::{IssuerKeys, Rotated, Takeover};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Tell which signing keys are published.
    List {
        #[command(flatten)]
        whose: Where,
        /// At this issuer only.
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// Tell it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Publish the next signing key at once, and sign with it after the configured `key_lead`.
    Rotate {
        #[command(flatten)]
        whose: Where,
        /// At this issuer only.
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// Sign with it at once, for emergencies: clients that keep the JWK Set for a while refuse what it signs until they fetch it anew.
        #[arg(long)]
        now: bool,
        /// And withdraw the keys before it, because somebody else has one: what they signed is no longer accepted.
        #[arg(long, requires = "now")]
        withdraw: bool,
        /// Tell it as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Carries one out.
///
/// # Errors
/// Why it was not.
pub(super) async fn perform(command: KeyCommand) -> Result<(), Failure> {
    let (whose, command, json) = match command {
        KeyCommand::List { whose, issuer, json } => (whose, Command::KeyList { issuer }, json),
        KeyCommand::Rotate { whose, issuer, now, withdraw, json } => {
            let takeover = match (now, withdraw) {
                (_, true) => Takeover::Withdrawing,
                (true, false) => Takeover::AtOnce,
                (false, false) => Takeover::AfterLead,
            };
            (whose, Command::KeyRotate { issuer, takeover }, json)
        }
    };
    match have(whose.target()?, command).await? {
        Answer::Keys(listed) => told(&listed, json, list),
        Answer::Rotated(rotated) => told(&rotated, json, rotations),
        Answer::Applied(_)
        | Answer::Clients(_)
        | Answer::Client(_)
        | Answer::Organisations(_)
        | Answer::Organisation(_)
        | Answer::Report(_)
        | Answer::Scopes(_)
        | Answer::Scope(_)
        | Answer::TakenBack(_)
        | Answer::Persons(_) => Err(other_answer()),
    }
}

type Page<T> = fn(&[T], &mut dyn std::io::Write) -> std::io::Result<()>;

fn told<T: serde::Serialize>(answer: &[T], json: bool, page: Page<T>) -> Result<(), Failure> {
    let value = if json { Some(serde_json::to_value(answer).map_err(Failure::new)?) } else { None };
    tell(value, |out| page(answer, out))
}

fn list(listed: &[IssuerKeys], out: &mut dyn std::io::Write) -> std::io::Result<()> {
    for IssuerKeys { issuer, keys } in listed {
        writeln!(out, "{issuer}")?;
        for key in keys {
            write!(out, "  {}  {:<8}  signs from {}", key.kid, key.state.as_str(), key.signs_from)?;
            if let Some(until) = &key.signs_until {
                write!(out, " until {until}")?;
            }
            if let Some(removed) = &key.removed {
                write!(out, ", published until {removed}")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

fn rotations(rotated: &[Rotated], out: &mut dyn std::io::Write) -> std::io::Result<()> {
    for Rotated { issuer, kid, signs_from, previous_removed } in rotated {
        write!(out, "{issuer}\n  {kid}  signs from {signs_from}; ")?;
        if previous_removed == signs_from {
            writeln!(out, "older keys are withdrawn, and what they signed with them")?;
        } else {
            writeln!(out, "older keys stay published until {previous_removed}")?;
        }
    }
    Ok(())
}
