//! Taking back everything that was given before now: at an issuer, or there to one client, one organisation's clients or in one
//! person's name.

use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::registration::{Change, Registry, Subject, taken_back_at};
use portvakt_store::{Actor, Registered};
use serde::{Deserialize, Serialize};

use super::carried::Carried;
use super::{only, unknown};
use crate::desk::{Answer, Desk, Refused};

/// Whose everything is taken back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whose {
    /// All that the issuer gave.
    Issuer,
    /// What this client was given.
    Client(String),
    /// What the clients of this organisation were given, and those that it runs for others.
    Organisation(String),
    /// What was given in this person's name.
    Person(Carried),
}

/// What was taken back. Of a person no number is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TakenBack {
    /// By which issuer.
    pub(crate) issuer: String,
    /// From whom.
    #[serde(flatten)]
    pub(crate) from: From,
    /// What was granted before this instant is nothing: the latest that was ever said of them. RFC 3339.
    pub(crate) not_before: String,
}

/// From whom something was taken back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum From {
    /// From everybody.
    Issuer,
    /// From one client.
    Client {
        /// Which.
        client_id: String,
    },
    /// From the clients of one organisation.
    Organisation {
        /// Which.
        orgno: String,
    },
    /// From one person.
    Person,
}

/// Takes everything back, and returns when whatever is granted from now on is granted after that.
///
/// # Errors
/// Why it was not.
pub(crate) async fn perform(
    desk: &Desk,
    actor: &Actor,
    issuer: Option<&str>,
    whose: Whose,
) -> Result<Answer, Refused> {
    let provider = only(desk, issuer)?;
    let (_, registry) = desk.store.registry(provider.issuer()).await.map_err(Refused::broken)?;
    let (subject, from) = subject(provider, &registry, whose)?;
    let now = desk.now().await?;
    let at = taken_back_at(now);
    let change = Change::NotBefore { issuer: provider.issuer().clone(), subject: subject.clone(), at };
    match desk.store.register(vec![change], None, actor.clone(), now).await.map_err(Refused::broken)? {
        Registered::Done => {}
        Registered::Conflict => return Err(Refused::broken("a change without a condition had a conflict")),
    }
    desk.until(at).await;
    let person = match &subject {
        Subject::Person(pid) => Some(pid),
        Subject::Issuer | Subject::Client(_) | Subject::Organisation(_) => None,
    };
    let said = desk.store.taken_back(provider.issuer(), person).await.map_err(Refused::broken)?;
    let in_force = said.into_iter().find_map(|(of, at)| (of == subject).then_some(at));
    Ok(Answer::TakenBack(TakenBack {
        issuer: provider.issuer().as_str().to_owned(),
        from,
        not_before: in_force.unwrap_or(at).to_rfc3339(),
    }))
}

/// The one of whom something is taken back must be known: a name that is misspelt takes nothing back. A person need not be
/// registered to have been given something.
fn subject(provider: &Provider, registry: &Registry, whose: Whose) -> Result<(Subject, From), Refused> {
    match whose {
        Whose::Issuer => Ok((Subject::Issuer, From::Issuer)),
        Whose::Client(client_id) => {
            let mut clients = registry.clients.iter().map(|known| &known.registration.client_id);
            let known = clients.find(|known| known.as_str() == client_id);
            let known = known.ok_or_else(|| unknown("client", &client_id, provider))?;
            Ok((Subject::Client(known.clone()), From::Client { client_id }))
        }
        Whose::Organisation(orgno) => {
            let mut organisations = registry.organisations.iter().map(|known| &known.orgno);
            let known = organisations.find(|known| known.as_str() == orgno);
            let known = known.ok_or_else(|| unknown("organisation", &orgno, provider))?;
            Ok((Subject::Organisation(known.clone()), From::Organisation { orgno }))
        }
        Whose::Person(number) => {
            let pid = Pid::parse(number.reveal()).map_err(|fault| Refused {
                what: format!("the person's number {fault}"),
                hint: Some("nothing was taken back: name eleven digits on standard input".to_owned()),
            })?;
            Ok((Subject::Person(pid), From::Person))
        }
    }
}
