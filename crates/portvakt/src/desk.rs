//! The desk: where commands are carried out. A command is a value, carried out by one function, whether in this process, which
//! opens the data folder itself, or in the running server, which it reaches through a socket in that folder.
//!
//! A new command is a variant of [`Command`], an arm of [`perform`], an [`Answer`] and a subcommand of the command line. What
//! a command needs from its caller's files or environment it carries with it: the server has neither.

mod command;
mod now;
pub(crate) mod reach;
pub(crate) mod socket;

use portvakt_crypto::random::Random;
use portvakt_store::{Actor, Store};
use portvakt_web::clock::Clock;

pub(crate) use command::{Answer, Command, Outcome, Refused};

use crate::config::IssuerSettings;
use crate::keys::{self, NoKey, Rotated, Takeover};
use crate::registry;
use crate::served::Served;

/// What commands work on.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The store.
    pub(crate) store: Store,
    /// The clock.
    pub(crate) clock: Clock,
    /// The source of keys and secrets.
    pub(crate) random: Random,
    /// Every configured issuer.
    pub(crate) issuers: Vec<IssuerSettings>,
    /// The same issuers as they are served, if this process serves them.
    pub(crate) served: Served,
}

/// Carries out a command for `actor`. When this returns, what the command changed is durable, and served.
pub(crate) async fn perform(desk: &Desk, actor: &Actor, command: Command) -> Outcome {
    let name = command.name();
    let outcome = match command {
        Command::KeyList { issuer } => key_list(desk, issuer.as_deref()).await,
        Command::KeyRotate { issuer, takeover } => key_rotate(desk, actor, issuer.as_deref(), takeover).await,
        Command::Apply(asked) => registry::perform(desk, actor, asked).await,
        Command::Client { issuer, deed } => {
            registry::client::perform(desk, actor, issuer.as_deref(), deed).await
        }
        Command::Organisation { issuer, deed } => {
            registry::organisation::perform(desk, actor, issuer.as_deref(), deed).await
        }
        Command::Scope { issuer, deed } => {
            registry::scope::perform(desk, actor, issuer.as_deref(), deed).await
        }
        Command::Revoke { issuer, whose } => {
            registry::not_before::perform(desk, actor, issuer.as_deref(), whose).await
        }
        Command::Person { pool, deed } => registry::person::perform(desk, actor, pool.as_deref(), deed).await,
    };
    match &outcome {
        Ok(_) => tracing::info!(command = name, actor = actor.0, "command done"),
        Err(refused) => {
            tracing::info!(command = name, actor = actor.0, why = refused.what, "command refused")
        }
    }
    outcome.map_or_else(Outcome::Refused, Outcome::Done)
}

async fn key_list(desk: &Desk, issuer: Option<&str>) -> Result<Answer, Refused> {
    let now = desk.clock.now();
    let mut listed = Vec::new();
    for settings in chosen(desk, issuer)? {
        listed.push(keys::list(&desk.store, &settings.provider, now).await.map_err(Refused::broken)?);
    }
    Ok(Answer::Keys(listed))
}

async fn key_rotate(
    desk: &Desk,
    actor: &Actor,
    issuer: Option<&str>,
    takeover: Takeover,
) -> Result<Answer, Refused> {
    let mut rotated = Vec::new();
    for settings in chosen(desk, issuer)? {
        let done = keys::rotate(&desk.store, settings, takeover, actor, desk.clock.now()).await;
        rotated.push(done.map_err(|fault| not_rotated(&rotated, settings, &fault))?);
        // Registrations are read anew by every request; keys are not.
        let issuer = settings.provider.issuer();
        desk.served.keys_changed(issuer).await.map_err(|fault| Refused {
            what: format!("{issuer}: the new key is stored and not yet served: {fault}"),
            hint: Some(
                "do not rotate again: the server tries once a second to take the key over; see its log, and `portvakt key list`"
                    .to_owned(),
            ),
        })?;
    }
    Ok(Answer::Rotated(rotated))
}

/// Why one issuer has no new key, and which have one already.
fn not_rotated(rotated: &[Rotated], settings: &IssuerSettings, fault: &NoKey) -> Refused {
    let refused = Refused::broken(format!("{}: {fault}", settings.provider.issuer()));
    if rotated.is_empty() {
        return refused;
    }
    let done: Vec<_> = rotated.iter().map(|done| done.issuer.as_str()).collect();
    Refused {
        hint: Some(format!("rotated already: {}; name the others one by one", done.join(", "))),
        ..refused
    }
}

/// The issuer of that name, or all of them.
///
/// # Errors
/// None is configured under that name.
pub(crate) fn chosen<'d>(desk: &'d Desk, issuer: Option<&str>) -> Result<Vec<&'d IssuerSettings>, Refused> {
    let name = |settings: &'d IssuerSettings| settings.provider.issuer().as_str();
    let found: Vec<_> =
        desk.issuers.iter().filter(|settings| issuer.is_none_or(|wanted| wanted == name(settings))).collect();
    if found.is_empty() {
        let configured: Vec<_> = desk.issuers.iter().map(name).collect();
        return Err(Refused {
            what: format!("no issuer is configured as {}", issuer.unwrap_or_default()),
            hint: Some(format!("name one of them exactly: {}", configured.join(", "))),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::time::Seconds;

    use super::*;
    use crate::served::tests::{NOW, broken_key, world};

    #[tokio::test]
    async fn a_key_that_is_stored_and_not_served_is_told_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let (store, site) = world(&folder).await;
        let issuer = site.provider.issuer().clone();
        store
            .rotate_signing_key(&issuer, broken_key(), NOW + Seconds::days(1), &Actor("test".to_owned()), NOW)
            .await
            .unwrap();
        let settings = IssuerSettings {
            provider: site.provider.clone(),
            signing: None,
            key_lead: Seconds::days(1),
            key_rotation: None,
            verify_tokens: false,
            face: crate::config::FaceSettings::default(),
        };
        let desk = Desk {
            store: store.clone(),
            clock: site.clock.clone(),
            random: site.random.clone(),
            issuers: vec![settings],
            served: Served::new(vec![site]),
        };
        let command = Command::KeyRotate { issuer: None, takeover: Takeover::AtOnce };
        let Outcome::Refused(refused) = perform(&desk, &Actor("Kari".to_owned()), command).await else {
            panic!("reported as done");
        };
        assert!(refused.what.contains("stored and not yet served"), "{}", refused.what);
        assert_eq!(store.signing_keys(&issuer, NOW).await.unwrap().len(), 3, "it is stored");
    }
}
