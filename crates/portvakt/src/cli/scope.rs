//! `portvakt scope …`.

use std::io::{self, Write};

use clap::Subcommand;
use portvakt_protocol::client::ClientId;
use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::profile::TokenType;
use portvakt_protocol::scope::{AccessState, ScopeAccess};
use portvakt_protocol::time::Seconds;
use serde_json::{Value, json};

use super::applied::{change, told};
use super::client::word;
use super::{At, other_answer, table, tell};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::scope::{Said, ScopeDeed, ScopeFields, ShownScope, UnsetOfScope};

#[derive(Debug, Subcommand)]
pub(super) enum ScopeCommand {
    /// Register a scope.
    Add {
        /// A prefix, a colon and a name: skatt:inntekt.
        scope: String,
        #[command(flatten)]
        fields: Box<ScopeFields>,
        #[command(flatten)]
        at: At,
    },
    /// List scopes: whether each can be used, and by whom. openid, profile and idporten:token.introspection are always there.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Show everything of a scope, and what was said of access to it.
    Show {
        /// Which.
        scope: String,
        #[command(flatten)]
        at: At,
    },
    /// Change the named attributes of a scope, and leave the others. A list replaces the whole list.
    #[command(visible_alias = "change")]
    Update {
        /// Which.
        scope: String,
        #[command(flatten)]
        fields: Box<ScopeFields>,
        /// An attribute that it has no longer; once for each.
        #[arg(long, value_name = "ATTRIBUTE")]
        unset: Vec<UnsetOfScope>,
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
    /// Say which organisations may use a scope. Its owner always may, and all may if it is for all.
    Access {
        #[command(subcommand)]
        command: AccessCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AccessCommand {
    /// List what was last said of organisations' access to a scope.
    List {
        /// Which.
        scope: String,
        #[command(flatten)]
        at: At,
    },
    /// Record that an organisation asks for access, also again. It has none until it is approved, of a scope for all either.
    Request {
        /// To which scope.
        scope: String,
        /// The organisation's number.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
    /// Give an organisation access, asked or not.
    Approve {
        /// To which scope.
        scope: String,
        /// The organisation's number.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
    /// Refuse an organisation the access that it asked for; of a scope for all, exclude it.
    Deny {
        /// To which scope.
        scope: String,
        /// The organisation's number.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
    /// Take an organisation's access back. Its clients are refused the scope from now on, refresh tokens with it too.
    Withdraw {
        /// To which scope.
        scope: String,
        /// The organisation's number.
        orgno: String,
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
        ScopeCommand::Show { scope, at } => return show(scope, at).await,
        ScopeCommand::Add { scope, fields, at } => (at, ScopeDeed::Add { scope, fields }),
        ScopeCommand::Update { scope, fields, unset, at } => (at, ScopeDeed::Update { scope, fields, unset }),
        ScopeCommand::Deactivate { scope, at } => (at, ScopeDeed::Deactivate { scope }),
        ScopeCommand::Activate { scope, at } => (at, ScopeDeed::Activate { scope }),
        ScopeCommand::Access { command } => match command {
            AccessCommand::List { scope, at } => return list_access(scope, at).await,
            AccessCommand::Request { scope, orgno, at } => (at, said(scope, orgno, Said::Request)),
            AccessCommand::Approve { scope, orgno, at } => (at, said(scope, orgno, Said::Approve)),
            AccessCommand::Deny { scope, orgno, at } => (at, said(scope, orgno, Said::Deny)),
            AccessCommand::Withdraw { scope, orgno, at } => (at, said(scope, orgno, Said::Withdraw)),
        },
    };
    change(at.whose, Command::Scope { issuer: at.issuer, deed }, at.json).await
}

fn said(scope: String, orgno: String, said: Said) -> ScopeDeed {
    ScopeDeed::Access { scope, orgno, said }
}

async fn list(at: At) -> Result<(), Failure> {
    let command = Command::Scope { issuer: at.issuer, deed: ScopeDeed::List };
    let Answer::Scopes(listed) = have(at.whose.target()?, command).await? else { return Err(other_answer()) };
    if at.json {
        let scopes = listed.iter().map(as_json).collect::<Result<_, _>>()?;
        return tell(Some(Value::Array(scopes)), |_| Ok(()));
    }
    told(listed.as_slice(), false, write_list)
}

async fn show(scope: String, at: At) -> Result<(), Failure> {
    let json = at.json;
    let shown = one(scope, at).await?;
    let json = if json { Some(as_json(&shown)?) } else { None };
    tell(json, |out| write_one(&shown, out))
}

async fn list_access(scope: String, at: At) -> Result<(), Failure> {
    let json = at.json;
    let shown = one(scope, at).await?;
    let json = json.then(|| shown.access.iter().map(said_as_json).collect());
    tell(json, |out| write_access(&shown, out))
}

async fn one(scope: String, at: At) -> Result<ShownScope, Failure> {
    let command = Command::Scope { issuer: at.issuer, deed: ScopeDeed::Show { scope } };
    let Answer::Scope(shown) = have(at.whose.target()?, command).await? else { return Err(other_answer()) };
    Ok(*shown)
}

/// The name on the wire; none: the profile's own.
fn token_type(shown: &ShownScope) -> Option<&'static str> {
    shown.record.token_type.map(|token_type| match token_type {
        TokenType::Opaque => "OPAQUE",
        TokenType::SelfContained => "SELF_CONTAINED",
    })
}

/// Every attribute by its name, said or not, so that scripts find each; and access beside them.
///
/// # Errors
/// None but a defect here.
pub(super) fn as_json(shown: &ShownScope) -> Result<Value, Failure> {
    let record = &shown.record;
    let mut value = serde_json::to_value(record).map_err(Failure::new)?;
    if let Some(members) = value.as_object_mut() {
        members.insert("issuer".to_owned(), json!(shown.issuer));
        members.insert("allowed_integration_types".to_owned(), json!(record.allowed_integration_types));
        let readers = json!(record.enforced_aud_for_introspection);
        members.insert("enforced_aud_for_introspection".to_owned(), readers);
        members.insert("access".to_owned(), shown.access.iter().map(said_as_json).collect());
    }
    Ok(value)
}

fn said_as_json(access: &ScopeAccess) -> Value {
    json!({ "consumer_orgno": access.consumer_orgno, "state": access.state })
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
                record.owner_orgno.as_ref().map_or("none", OrgNumber::as_str).to_owned(),
                state(shown).to_owned(),
                users(shown),
                token_type(shown).unwrap_or("as the profile").to_owned(),
                limit(record.at_max_age),
                record.description.clone(),
            ]
        };
        let headings = ["SCOPE", "OWNER", "STATE", "ACCESS", "TOKEN TYPE", "MAX AGE", "DESCRIPTION"];
        table::write(out, headings, scopes.iter().map(row).collect())?;
    }
    if listed.is_empty() {
        writeln!(out, "No scope is registered beside those that are always there.")?;
    }
    Ok(())
}

fn state(shown: &ShownScope) -> &'static str {
    if shown.record.active { "active" } else { "deactivated" }
}

/// Who may use it beside its owner, and how many wait for an answer.
fn users(shown: &ShownScope) -> String {
    let ShownScope { record, access, .. } = shown;
    let count = |state| access.iter().filter(|access| access.state == state).count();
    let (approved, asked) = (count(AccessState::Approved), count(AccessState::Requested));
    let is_out = |access: &&ScopeAccess| !record.is_open_to(&access.consumer_orgno, Some(access.state));
    let mut users = match (record.accessible_for_all, access.iter().filter(is_out).count()) {
        (true, 0) => "all".to_owned(),
        (true, out) => format!("all but {out}"),
        (false, _) => format!("{approved} approved"),
    };
    if asked > 0 {
        users.push_str(&format!(", {asked} asked"));
    }
    users
}

/// The clients that may introspect tokens with it.
fn readers(shown: &ShownScope) -> Vec<String> {
    shown.record.enforced_aud_for_introspection.iter().map(ClientId::to_string).collect()
}

fn limit(span: Seconds) -> String {
    match span.get() {
        0 => "no limit".to_owned(),
        seconds => format!("{seconds} s"),
    }
}

fn write_one(shown: &ShownScope, out: &mut dyn Write) -> io::Result<()> {
    let ShownScope { issuer, record, .. } = shown;
    let list = |texts: Vec<String>| (!texts.is_empty()).then(|| texts.join("  "));
    let fields = vec![
        ("issuer", Some(issuer.clone())),
        ("scope", Some(record.scope.as_str().to_owned())),
        ("owner_orgno", record.owner_orgno.as_ref().map(ToString::to_string)),
        ("description", Some(record.description.clone()).filter(|text| !text.is_empty())),
        ("description_nn", record.description_nn.clone()),
        ("description_en", record.description_en.clone()),
        ("description_se", record.description_se.clone()),
        ("token_type", Some(token_type(shown).unwrap_or("as the profile").to_owned())),
        ("at_max_age", Some(limit(record.at_max_age))),
        ("authorization_max_lifetime", Some(limit(record.authorization_max_lifetime))),
        ("requires_pseudonymous_tokens", Some(record.requires_pseudonymous_tokens.to_string())),
        ("accessible_for_all", Some(record.accessible_for_all.to_string())),
        ("allowed_integration_types", list(record.allowed_integration_types.iter().map(word).collect())),
        ("enforced_aud_for_introspection", list(readers(shown))),
        ("state", Some(state(shown).to_owned())),
    ];
    table::write_fields(out, fields)?;
    if shown.access.is_empty() { Ok(()) } else { write_access(shown, out) }
}

fn write_access(shown: &ShownScope, out: &mut dyn Write) -> io::Result<()> {
    if shown.access.is_empty() {
        return writeln!(out, "Nothing was said of any organisation's access.");
    }
    let row = |access: &ScopeAccess| [access.consumer_orgno.to_string(), said_as_text(access)];
    table::write(out, ["CONSUMER_ORGNO", "ACCESS"], shown.access.iter().map(row).collect())
}

fn said_as_text(access: &ScopeAccess) -> String {
    let awaits = if access.state == AccessState::Requested { " (awaits a decision)" } else { "" };
    format!("{}{awaits}", access.state.as_str())
}

/// Writes scopes as their owner is told of them: who may use each, who asks for it, and who may introspect.
///
/// # Errors
/// Of `out`.
pub(super) fn write_owned(owned: &[ShownScope], out: &mut dyn Write) -> io::Result<()> {
    let row = |shown: &ShownScope| {
        [
            shown.record.scope.as_str().to_owned(),
            state(shown).to_owned(),
            users(shown),
            readers(shown).join(" "),
            shown.record.description.clone(),
        ]
    };
    let headings = ["SCOPE", "STATE", "ACCESS", "MAY INTROSPECT", "DESCRIPTION"];
    table::write(out, headings, owned.iter().map(row).collect())?;
    let said = owned.iter().flat_map(|shown| &shown.access);
    let rows: Vec<_> = said
        .map(|access| [access.scope.to_string(), access.consumer_orgno.to_string(), said_as_text(access)])
        .collect();
    if rows.is_empty() {
        return writeln!(out, "Nothing was said of any organisation's access to them.");
    }
    writeln!(out, "\nAccess to them (what was last said)")?;
    table::write(out, ["SCOPE", "CONSUMER_ORGNO", "ACCESS"], rows)
}
