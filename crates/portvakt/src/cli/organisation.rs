//! `portvakt organisation …`.

mod report;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use portvakt_protocol::organisation::Standing;
use serde_json::{Value, json};

use super::applied::{change, told};
use super::{At, other_answer, table, tell};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::organisation::{Accepted, OrganisationDeed, ShownOrganisation};

#[derive(Debug, Subcommand)]
pub(super) enum OrganisationCommand {
    /// Register an organisation. Before it has accepted the terms of use it can have no clients.
    Add {
        /// Its number: nine digits.
        orgno: String,
        /// Its name.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Who accepted the terms of use for it; without it, it has accepted nothing yet.
        #[arg(long, value_name = "WHO")]
        accepted_by: Option<String>,
        #[command(flatten)]
        terms: Terms,
        #[command(flatten)]
        at: At,
    },
    /// List organisations, and which terms of use each accepted, when and by whom.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Show an organisation and its clients.
    Show {
        /// Which.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
    /// Report on an organisation: terms, clients, secrets, lifetimes, access to scopes, who may use the scopes that it owns, and
    /// warnings of the last 30 days.
    Report {
        /// Which.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
    /// Change its name.
    Update {
        /// Which.
        orgno: String,
        /// Its new name.
        #[arg(long, value_name = "NAME")]
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Record that an organisation accepted the terms of use. One that had withdrawn is back.
    AcceptTerms {
        /// Which.
        orgno: String,
        /// Who accepted for it: a name or a role.
        #[arg(long, value_name = "WHO")]
        accepted_by: String,
        #[command(flatten)]
        terms: Terms,
        #[command(flatten)]
        at: At,
    },
    /// Record that an organisation withdrew from the terms of use: its clients stop at every endpoint.
    Withdraw {
        /// Which.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
    /// Turn an organisation off: its clients stop at every endpoint. Nothing is deleted.
    Deactivate {
        /// Which.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
    /// Take a deactivation back. A withdrawal is taken back by accept-terms.
    Activate {
        /// Which.
        orgno: String,
        #[command(flatten)]
        at: At,
    },
}

/// Which terms of use were accepted.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// The version accepted; without it: the one in force.
    #[arg(long, value_name = "VERSION")]
    terms_version: Option<String>,
    /// When: 2016-12-01T12:00:00Z; without it: now.
    #[arg(long, value_name = "INSTANT")]
    accepted_at: Option<String>,
}

impl Terms {
    fn accepted(self, by: String) -> Accepted {
        Accepted { version: self.terms_version, at: self.accepted_at, by }
    }
}

/// Carries one out.
///
/// # Errors
/// Why it was not.
pub(super) async fn perform(command: OrganisationCommand) -> Result<(), Failure> {
    let (at, deed) = match command {
        OrganisationCommand::List { at } => return list(at).await,
        OrganisationCommand::Show { orgno, at } => return show(orgno, at).await,
        OrganisationCommand::Report { orgno, at } => return report::report(orgno, at).await,
        OrganisationCommand::Add { orgno, name, accepted_by, terms, at } => {
            let says_what = terms.terms_version.is_some() || terms.accepted_at.is_some();
            if says_what && accepted_by.is_none() {
                return Err(Failure::new("an acceptance without --accepted-by")
                    .hint("name who accepted the terms of use with --accepted-by WHO"));
            }
            let accepted = accepted_by.map(|by| terms.accepted(by));
            (at, OrganisationDeed::Add { orgno, name, accepted })
        }
        OrganisationCommand::Update { orgno, name, at } => (at, OrganisationDeed::Rename { orgno, name }),
        OrganisationCommand::AcceptTerms { orgno, accepted_by, terms, at } => {
            (at, OrganisationDeed::AcceptTerms { orgno, accepted: terms.accepted(accepted_by) })
        }
        OrganisationCommand::Withdraw { orgno, at } => (at, OrganisationDeed::Withdraw { orgno }),
        OrganisationCommand::Deactivate { orgno, at } => (at, OrganisationDeed::Deactivate { orgno }),
        OrganisationCommand::Activate { orgno, at } => (at, OrganisationDeed::Activate { orgno }),
    };
    change(at.whose, Command::Organisation { issuer: at.issuer, deed }, at.json).await
}

async fn list(at: At) -> Result<(), Failure> {
    let command = Command::Organisation { issuer: at.issuer, deed: OrganisationDeed::List };
    let Answer::Organisations(listed) = have(at.whose.target()?, command).await? else {
        return Err(other_answer());
    };
    if at.json {
        return tell(Some(listed.iter().map(as_json).collect()), |_| Ok(()));
    }
    told(listed.as_slice(), false, write_list)
}

async fn show(orgno: String, at: At) -> Result<(), Failure> {
    let command = Command::Organisation { issuer: at.issuer, deed: OrganisationDeed::Show { orgno } };
    let Answer::Organisation(shown) = have(at.whose.target()?, command).await? else {
        return Err(other_answer());
    };
    tell(at.json.then(|| as_json(&shown)), |out| write_one(&shown, out))
}

fn as_json(shown: &ShownOrganisation) -> Value {
    let organisation = &shown.organisation;
    let terms = organisation.terms.as_ref().map(|terms| {
        json!({
            "version": terms.version,
            "accepted_at": shown.accepted_at,
            "accepted_by": terms.accepted_by,
        })
    });
    json!({
        "issuer": shown.issuer,
        "orgno": organisation.orgno,
        "name": organisation.name,
        "standing": organisation.standing,
        "terms": terms,
        "outstanding": shown.outstanding,
        "clients": shown.clients,
    })
}

fn standing(shown: &ShownOrganisation) -> String {
    standing_word(shown.organisation.standing).to_owned()
}

fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Withdrawn => "withdrawn",
        Standing::Deactivated => "deactivated",
    }
}

/// Version, day and person.
fn terms(shown: &ShownOrganisation) -> String {
    let Some(terms) = &shown.organisation.terms else { return "none accepted".to_owned() };
    let at = shown.accepted_at.as_deref().unwrap_or_default();
    format!("{}, {at}, by {}", terms.version, terms.accepted_by)
}

fn write_list(listed: &[ShownOrganisation], out: &mut dyn Write) -> io::Result<()> {
    for organisations in listed.chunk_by(|one, next| one.issuer == next.issuer) {
        if let Some(first) = organisations.first() {
            writeln!(out, "{}", first.issuer)?;
        }
        let row = |shown: &ShownOrganisation| {
            [
                shown.organisation.orgno.as_str().to_owned(),
                standing(shown),
                shown.clients.len().to_string(),
                terms(shown),
                shown.outstanding.clone().unwrap_or_default(),
                shown.organisation.name.clone(),
            ]
        };
        let headings = ["ORGNO", "STANDING", "CLIENTS", "TERMS ACCEPTED", "OUTSTANDING", "NAME"];
        table::write(out, headings, organisations.iter().map(row).collect())?;
    }
    if listed.is_empty() {
        writeln!(out, "No organisation is registered.")?;
    }
    Ok(())
}

fn write_one(shown: &ShownOrganisation, out: &mut dyn Write) -> io::Result<()> {
    let clients = (!shown.clients.is_empty()).then(|| shown.clients.join("  "));
    let fields = vec![
        ("issuer", Some(shown.issuer.clone())),
        ("orgno", Some(shown.organisation.orgno.as_str().to_owned())),
        ("name", Some(shown.organisation.name.clone())),
        ("standing", Some(standing(shown))),
        ("terms accepted", Some(terms(shown))),
        ("outstanding", shown.outstanding.clone()),
        ("clients", clients),
    ];
    table::write_fields(out, fields)
}
