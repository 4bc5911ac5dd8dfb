//! `portvakt organisation report`: what there is to tell an organisation about itself.

use std::io::{self, Write};

use portvakt_protocol::scope::AccessState;
use serde_json::Value;

use super::super::{At, other_answer, scope, table, tell};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::client::{ShownSecret, Stop};
use crate::registry::organisation::OrganisationDeed;
use crate::registry::report::{Report, ReportedClient, ReportedScope, Role, WhyNot};

/// Has an organisation reported on, and tells it.
///
/// # Errors
/// Why it was not.
pub(super) async fn report(orgno: String, at: At) -> Result<(), Failure> {
    let command = Command::Organisation { issuer: at.issuer, deed: OrganisationDeed::Report { orgno } };
    let Answer::Report(report) = have(at.whose.target()?, command).await? else { return Err(other_answer()) };
    let json = if at.json { Some(as_json(&report)?) } else { None };
    tell(json, |out| write(&report, out))
}

/// The scopes that it owns are as `portvakt scope show` tells each.
fn as_json(report: &Report) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(report).map_err(Failure::new)?;
    if let Some(members) = value.as_object_mut() {
        let owned = report.owned_scopes.iter().map(scope::as_json).collect::<Result<_, _>>()?;
        members.insert("owned_scopes".to_owned(), Value::Array(owned));
    }
    Ok(value)
}

fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let terms = report.terms.as_ref().map_or_else(
        || "none accepted".to_owned(),
        |terms| format!("{}, {}, by {}", terms.version, terms.accepted_at, terms.accepted_by),
    );
    let fields = vec![
        ("issuer", Some(report.issuer.clone())),
        ("orgno", Some(report.orgno.clone())),
        ("name", Some(report.name.clone())),
        ("standing", Some(super::standing_word(report.standing).to_owned())),
        ("terms accepted", Some(terms)),
        ("outstanding", report.outstanding.clone()),
    ];
    table::write_fields(out, fields)?;
    write_clients(report, out)?;
    if report.owned_scopes.is_empty() {
        writeln!(out, "\nIt owns no scopes.")?;
    } else {
        writeln!(out, "\nScopes that it owns (it may always use them)")?;
        scope::write_owned(&report.owned_scopes, out)?;
    }
    if report.warnings.is_empty() {
        return writeln!(out, "\nNo warnings in the last 30 days.");
    }
    writeln!(out, "\nWarnings of the last 30 days")?;
    let given = report.warnings.iter();
    let rows = given.map(|one| [one.at.clone(), one.client_id.clone(), one.kind.clone(), one.reason.clone()]);
    table::write(out, ["AT", "CLIENT_ID", "KIND", "RULE, OR END OF SECRET"], rows.collect())
}

fn write_clients(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.clients.is_empty() {
        return writeln!(out, "\nIt has no clients, and runs none for others.");
    }
    writeln!(out, "\nClients")?;
    let headings =
        ["CLIENT_ID", "ROLE", "CLIENT_ORGNO", "STATE", "SECRETS END", "LIFETIMES", "NAME", "WARNINGS"];
    table::write(out, headings, report.clients.iter().map(client).collect())?;
    writeln!(
        out,
        "\nScopes of clients (what each may use now, and what was last said of its organisation's access)"
    )?;
    let scopes =
        report.clients.iter().flat_map(|client| client.scopes.iter().map(|one| of_client(client, one)));
    table::write(out, ["CLIENT_ID", "SCOPE", "OWNER", "ACCESS", "USABLE"], scopes.collect())
}

fn client(client: &ReportedClient) -> [String; 8] {
    let role = match client.role {
        Role::Owner => "owner",
        Role::Supplier => "supplier",
    };
    let end = |secret: &ShownSecret| format!("{} ({} days left)", secret.expires, secret.days_left);
    let secrets: Vec<_> = client.secrets.iter().map(end).collect();
    let secrets = match (client.token_endpoint_auth_method.as_str(), secrets.is_empty()) {
        ("none", _) => "none".to_owned(),
        (_, true) => "ended".to_owned(),
        (_, false) => secrets.join(", "),
    };
    let refresh = match client.may_refresh {
        true => format!("refresh {} s", client.refresh_token_lifetime.get()),
        false => "no refresh".to_owned(),
    };
    let (grant, access) = (client.authorization_lifetime.get(), client.access_token_lifetime.get());
    let warnings: Vec<_> = client.warnings.iter().map(ToString::to_string).collect();
    [
        client.client_id.clone(),
        role.to_owned(),
        client.client_orgno.clone(),
        client.stopped.map_or("active", Stop::as_str).to_owned(),
        secrets,
        format!("grant {grant} s, access {access} s, {refresh}"),
        client.display_name.clone(),
        warnings.join("; "),
    ]
}

fn of_client(client: &ReportedClient, scope: &ReportedScope) -> [String; 5] {
    [
        client.client_id.clone(),
        scope.scope.clone(),
        scope.owner_orgno.clone().unwrap_or_default(),
        scope.access.map_or("", AccessState::as_str).to_owned(),
        scope.why_not.map_or_else(|| "yes".to_owned(), |why| format!("no: {}", WhyNot::as_str(why))),
    ]
}
