//! `portvakt scope …`.

use std::io::{self, Write};

use clap::Subcommand;
use portvakt_protocol::profile::TokenType;
use serde_json::{Value, json};

use super::applied::{change, told};
use super::{At, other_answer, table, tell};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::scope::{ScopeDeed, ShownScope};

#[derive(Debug, Subcommand)]
pub(super) enum ScopeCommand {
    /// Register a scope.
    Add {
        /// A prefix, a colon and a name: skatt:inntekt.
        scope: String,
        /// What it gives access to.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// OPAQUE or SELF_CONTAINED; without it: as the issuer's profile says.
        #[arg(long, value_name = "TYPE")]
        token_type: Option<String>,
        /// The greatest age of an access token that carries it; 0 or nothing: no limit.
        #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
        at_max_age: Option<i64>,
        #[command(flatten)]
        at: At,
    },
    /// List scopes. openid and profile are always there.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Refuse a scope from now on where it is asked for. Nothing is deleted.
    Deactivate {
        /// Which.
        scope: String,
        #[command(flatten)]
        at: At,
    },
    /// Give a scope again.
    Activate {
        /// Which.
        scope: String,
        #[command(flatten)]
        at: At,
    },
}

/// Carries one out.
///
/// # Errors
/// Why it was not.
pub(super) async fn perform(command: ScopeCommand) -> Result<(), Failure> {
    let (at, deed) = match command {
        ScopeCommand::List { at } => return list(at).await,
        ScopeCommand::Add { scope, description, token_type, at_max_age, at } => {
            (at, ScopeDeed::Add { scope, description, token_type, at_max_age })
        }
        ScopeCommand::Deactivate { scope, at } => (at, ScopeDeed::Deactivate { scope }),
        ScopeCommand::Activate { scope, at } => (at, ScopeDeed::Activate { scope }),
    };
    change(at.whose, Command::Scope { issuer: at.issuer, deed }, at.json).await
}

async fn list(at: At) -> Result<(), Failure> {
    let command = Command::Scope { issuer: at.issuer, deed: ScopeDeed::List };
    let Answer::Scopes(listed) = have(at.whose.target()?, command).await? else { return Err(other_answer()) };
    if at.json {
        return tell(Some(listed.iter().map(as_json).collect()), |_| Ok(()));
    }
    told(listed.as_slice(), false, write_list)
}

/// The name on the wire; none: the profile's own.
fn token_type(shown: &ShownScope) -> Option<&'static str> {
    shown.record.token_type.map(|token_type| match token_type {
        TokenType::Opaque => "OPAQUE",
        TokenType::SelfContained => "SELF_CONTAINED",
    })
}

fn as_json(shown: &ShownScope) -> Value {
    let record = &shown.record;
    json!({
        "issuer": shown.issuer,
        "scope": record.scope,
        "description": record.description,
        "token_type": token_type(shown),
        "at_max_age": record.at_max_age,
        "active": record.active,
    })
}

fn write_list(listed: &[ShownScope], out: &mut dyn Write) -> io::Result<()> {
    for scopes in listed.chunk_by(|one, next| one.issuer == next.issuer) {
        if let Some(first) = scopes.first() {
            writeln!(out, "{}", first.issuer)?;
        }
        let row = |shown: &ShownScope| {
            let ShownScope { record, .. } = shown;
            [
                record.scope.as_str().to_owned(),
                if record.active { "active" } else { "deactivated" }.to_owned(),
                token_type(shown).unwrap_or("as the profile").to_owned(),
                match record.at_max_age.get() {
                    0 => "no limit".to_owned(),
                    seconds => format!("{seconds} s"),
                },
                record.description.clone(),
            ]
        };
        let headings = ["SCOPE", "STATE", "TOKEN TYPE", "MAX AGE", "DESCRIPTION"];
        table::write(out, headings, scopes.iter().map(row).collect())?;
    }
    if listed.is_empty() {
        writeln!(out, "No scope is registered beside openid and profile.")?;
    }
    Ok(())
}
