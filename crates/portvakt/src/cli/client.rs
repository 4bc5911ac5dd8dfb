//! `portvakt client …`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use portvakt_protocol::catalogue::SecretReference;
use portvakt_protocol::client::OnBehalfOf;
use portvakt_protocol::profile::SECRET_LIFETIME;
use portvakt_protocol::time::Seconds;
use serde_json::Value;

use super::applied::{change, told};
use super::{At, other_answer, table, tell};
use crate::config::duration;
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::carried::{Fetched, fetch};
use crate::registry::client::{ClientDeed, ClientFields, ShownClient, Stop, Unset};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Register a client. Its secret is generated and told once, unless one is given.
    Add {
        /// client_id: a-z, A-Z, 0-9 and - . _ ~ :
        client_id: String,
        #[command(flatten)]
        fields: Box<ClientFields>,
        #[command(flatten)]
        secret: GivenSecret,
        #[command(flatten)]
        at: At,
    },
    /// List clients: whether each can be used, when its secrets end, and what its owner is to be told.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Show everything of a client but its secrets.
    Show {
        /// Which.
        client_id: String,
        #[command(flatten)]
        at: At,
    },
    /// Change the named fields of a client, and leave the others. A list replaces the whole list.
    #[command(visible_alias = "change")]
    Update {
        /// Which.
        client_id: String,
        #[command(flatten)]
        fields: Box<ClientFields>,
        /// A field that it has no longer; once for each.
        #[arg(long, value_name = "FIELD")]
        unset: Vec<Unset>,
        #[command(flatten)]
        secret: GivenSecret,
        #[command(flatten)]
        at: At,
    },
    /// Stop a client at every endpoint. Nothing of it is deleted.
    Deactivate {
        /// Which.
        client_id: String,
        #[command(flatten)]
        at: At,
    },
    /// Let a client be used again.
    Activate {
        /// Which.
        client_id: String,
        #[command(flatten)]
        at: At,
    },
    /// Look after a client's secrets.
    Secret {
        #[command(subcommand)]
        command: SecretCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Generate a new secret, and tell it once. The client's others end at once.
    Rotate {
        /// Whose.
        client_id: String,
        /// Let the others go on for so long: 90s, 10m, 24h, 30d. None outlives its own end.
        #[arg(long, value_name = "DURATION", value_parser = keep_old)]
        keep_old: Option<Seconds>,
        #[command(flatten)]
        at: At,
    },
}

/// A secret that the operator chose. It is never an argument, for those are every process's to read.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct GivenSecret {
    /// Take the secret from this environment variable.
    #[arg(long, value_name = "NAME")]
    client_secret_env: Option<String>,
    /// Take the secret from this file, without its last line end.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

impl GivenSecret {
    fn fetch(self) -> Option<Fetched> {
        let variable = self.client_secret_env.map(SecretReference::Environment);
        let reference = variable.or(self.client_secret_file.map(SecretReference::File))?;
        fetch([reference].into(), Path::new("")).pop()
    }
}

fn keep_old(text: &str) -> Result<Seconds, String> {
    duration::parse(text, Seconds::default(), SECRET_LIFETIME)
}

/// Carries one out.
///
/// # Errors
/// Why it was not.
pub(super) async fn perform(command: ClientCommand) -> Result<(), Failure> {
    let (at, deed) = match command {
        ClientCommand::List { at } => return list(at).await,
        ClientCommand::Show { client_id, at } => return show(client_id, at).await,
        ClientCommand::Add { client_id, fields, secret, at } => {
            (at, ClientDeed::Add { client_id, fields, secret: secret.fetch() })
        }
        ClientCommand::Update { client_id, fields, unset, secret, at } => {
            (at, ClientDeed::Update { client_id, fields, unset, secret: secret.fetch() })
        }
        ClientCommand::Deactivate { client_id, at } => (at, ClientDeed::Deactivate { client_id }),
        ClientCommand::Activate { client_id, at } => (at, ClientDeed::Activate { client_id }),
        ClientCommand::Secret { command: SecretCommand::Rotate { client_id, keep_old, at } } => {
            (at, ClientDeed::RotateSecret { client_id, keep_old: keep_old.unwrap_or_default() })
        }
    };
    change(at.whose, Command::Client { issuer: at.issuer, deed }, at.json).await
}

async fn list(at: At) -> Result<(), Failure> {
    let command = Command::Client { issuer: at.issuer, deed: ClientDeed::List };
    let Answer::Clients(listed) = have(at.whose.target()?, command).await? else {
        return Err(other_answer());
    };
    if at.json {
        let clients = listed.iter().map(as_json).collect::<Result<_, _>>()?;
        return tell(Some(Value::Array(clients)), |_| Ok(()));
    }
    told(listed.as_slice(), false, write_list)
}

async fn show(client_id: String, at: At) -> Result<(), Failure> {
    let command = Command::Client { issuer: at.issuer, deed: ClientDeed::Show { client_id } };
    let Answer::Client(shown) = have(at.whose.target()?, command).await? else { return Err(other_answer()) };
    let json = if at.json { Some(as_json(&shown)?) } else { None };
    tell(json, |out| write_one(&shown, out))
}

/// The registration's fields beside what else is told of the client.
fn as_json(shown: &ShownClient) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(shown).map_err(Failure::new)?;
    if let Some(members) = value.as_object_mut()
        && let Some(Value::Object(registration)) = members.remove("registration")
    {
        members.extend(registration);
    }
    Ok(value)
}

fn write_list(listed: &[ShownClient], out: &mut dyn Write) -> io::Result<()> {
    for clients in listed.chunk_by(|one, next| one.issuer == next.issuer) {
        if let Some(first) = clients.first() {
            writeln!(out, "{}", first.issuer)?;
        }
        let row = |shown: &ShownClient| {
            let registration = &shown.registration;
            [
                registration.client_id.as_str().to_owned(),
                registration.client_orgno.as_str().to_owned(),
                word(&registration.application_type),
                shown.stopped.map_or("active", Stop::as_str).to_owned(),
                secrets(shown),
                registration.display_name.clone(),
                warnings(shown, "; "),
            ]
        };
        let headings = ["CLIENT_ID", "CLIENT_ORGNO", "TYPE", "STATE", "SECRET", "NAME", "WARNINGS"];
        table::write(out, headings, clients.iter().map(row).collect())?;
    }
    if listed.is_empty() {
        writeln!(out, "No client is registered.")?;
    }
    Ok(())
}

/// What there is to tell its owner.
fn warnings(shown: &ShownClient, between: &str) -> String {
    let warnings: Vec<_> = shown.warnings.iter().map(ToString::to_string).collect();
    warnings.join(between)
}

/// How long the secret that ends last goes on.
fn secrets(shown: &ShownClient) -> String {
    if !shown.registration.token_endpoint_auth_method.has_secret() {
        return "none".to_owned();
    }
    match shown.secrets.iter().max_by_key(|secret| secret.days_left) {
        None => "ended".to_owned(),
        Some(last) => format!("{} days left", last.days_left),
    }
}

fn write_one(shown: &ShownClient, out: &mut dyn Write) -> io::Result<()> {
    let registration = &shown.registration;
    let scopes: Vec<_> = registration.scopes.iter().map(|scope| scope.as_str()).collect();
    let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.join("  "));
    let seconds = |span: Seconds| Some(format!("{} s", span.get()));
    let ends = |secret: &crate::registry::client::ShownSecret| {
        format!("until {} ({} days left)", secret.expires, secret.days_left)
    };
    let ends: Vec<String> = shown.secrets.iter().map(ends).collect();
    let fields = vec![
        ("issuer", Some(shown.issuer.clone())),
        ("client_id", Some(registration.client_id.as_str().to_owned())),
        ("client_orgno", Some(registration.client_orgno.as_str().to_owned())),
        ("display_name", Some(registration.display_name.clone())),
        ("description", registration.description.clone()),
        ("client_uri", registration.client_uri.clone()),
        ("integration_type", registration.integration_type.as_ref().map(word)),
        ("supplier_orgno", registration.supplier_orgno.as_ref().map(ToString::to_string)),
        ("grant_types", registration.grant_types.as_ref().map(|grants| words(grants))),
        ("refresh_token_usage", registration.refresh_token_usage.as_ref().map(word)),
        ("application_type", Some(word(&registration.application_type))),
        ("token_endpoint_auth_method", Some(registration.token_endpoint_auth_method.as_str().to_owned())),
        ("redirect_uris", list(&registration.redirect_uris)),
        ("post_logout_redirect_uris", list(&registration.post_logout_redirect_uris)),
        ("scopes", Some(scopes.join(" "))),
        ("scopes_refused", list(&shown.scopes_refused)),
        ("onbehalfof", list(&registration.onbehalfof.iter().map(customer).collect::<Vec<_>>())),
        ("code_challenge_method", registration.code_challenge_method.as_ref().map(word)),
        ("amr_claim", registration.amr_claim.as_ref().map(word)),
        ("userinfo_without_profile", Some(registration.userinfo_without_profile.to_string())),
        ("authorization_lifetime", seconds(registration.authorization_lifetime)),
        ("access_token_lifetime", seconds(registration.access_token_lifetime)),
        ("refresh_token_lifetime", seconds(registration.refresh_token_lifetime)),
        ("refresh_tokens", refresh_tokens(shown)),
        ("state", Some(shown.stopped.map_or("active", Stop::as_str).to_owned())),
        ("secrets", list(&ends)),
        ("not_before", shown.not_before.clone()),
        ("warnings", Some(warnings(shown, "  ")).filter(|warnings| !warnings.is_empty())),
        ("created", Some(shown.created.clone())),
        ("last_updated", Some(shown.last_updated.clone())),
    ];
    table::write_fields(out, fields)?;
    for fault in &shown.faults {
        writeln!(out, "no longer holds: {fault}")?;
    }
    Ok(())
}

/// Whether it gets any, and why. A server of an earlier version does not say.
fn refresh_tokens(shown: &ShownClient) -> Option<String> {
    let words = if shown.may_refresh { "gets refresh tokens" } else { "gets no refresh tokens" };
    (!shown.may_refresh_why.is_empty()).then(|| format!("{words}: {}", shown.may_refresh_why))
}

fn customer(customer: &OnBehalfOf) -> String {
    let OnBehalfOf { onbehalfof, display_name, orgno, url } = customer;
    let url = url.as_ref().map(|url| format!(",{url}")).unwrap_or_default();
    format!("{onbehalfof}={orgno},{display_name}{url}")
}

fn words<T: serde::Serialize>(values: &[T]) -> String {
    let words: Vec<_> = values.iter().map(word).collect();
    words.join(" ")
}

/// A value of a closed set, by its name on the wire.
pub(super) fn word<T: serde::Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
