//! What a running server does unasked: it takes over changed signing keys, sweeps what has ended, warns owners of clients, and makes the
//! next signing key where that is wished. Of several nodes one sweeps, one rotates and one looks at secrets, by a lease that the others
//! take over when it does not come back. A lease that is lost half-way does no harm: what two sweep is swept once, of two rotations the
//! later is refused, and of two warnings the later is none.

use std::sync::Arc;
use std::time::Duration;

use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Broken, Duty, Store, SweepPolicy, Swept};
use portvakt_web::clock::Clock;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::config::IssuerSettings;
use crate::desk::Desk;
use crate::shutdown::Shutdown;
use crate::{keys, owners};

/// How often the keys in use are compared with what the store and the clock say: a part of the second within which every node must
/// have them. Nothing is read unless they differ.
const LOOK: Duration = Duration::from_millis(100);

/// How often it is tried again after a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// How often what has ended is swept.
const SWEEP: Duration = Duration::from_secs(30);

/// How long whoever sweeps has that to itself: three sweeps, so that a slow one is no other's.
const SWEEPER: Seconds = Seconds::new(90);

/// Rows to one commit: a few milliseconds of the one writer.
const SWEEP_BATCH: u32 = 500;

/// How often it is asked whether a rotation is due. Nothing is read unless one is.
const DUE: Duration = Duration::from_secs(1);

/// How long whoever rotates has that to itself: longer than nodes' clocks differ, so that a key which one has published is there for
/// the next that looks.
const ROTATOR: Seconds = Seconds::new(60);

/// How often it is asked whether a client was refused often here. Nothing is read unless one was.
const REFUSED: Duration = Duration::from_secs(2);

/// How long a failed warning is left alone.
const WARN_AGAIN: Duration = Duration::from_secs(30);

/// How often secrets are looked at, and how long whoever does that has it to itself.
const SECRETS: Seconds = Seconds::new(3600);

/// How often a node that has not got that duty asks for it.
const SECRETS_ASKED: Duration = Duration::from_secs(300);

/// Takes over signing keys, until the end: those that a command changed, here or at another node, and whatever the clock has overtaken.
pub(crate) async fn follow_keys(desk: Arc<Desk>, shutdown: Shutdown) {
    let mut end = std::pin::pin!(shutdown.begun());
    let mut pause = LOOK;
    loop {
        tokio::select! {
            () = &mut end => return,
            () = sleep(pause) => {}
        }
        pause = if desk.served.follow(desk.clock.now()).await { LOOK } else { AGAIN };
    }
}

/// Sweeps until the end, if no other node does. A sweep that fails is logged, and tried again at its next time.
pub(crate) async fn sweep(store: Store, clock: Clock, audit_retention: Option<Seconds>, shutdown: Shutdown) {
    let policy = SweepPolicy { audit_retention, batch: SWEEP_BATCH };
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end = std::pin::pin!(shutdown.begun());
    loop {
        tokio::select! {
            () = &mut end => return,
            _ = ticks.tick() => {}
        }
        // Each batch is a commit of its own, so the end may come between two of them.
        let swept = tokio::select! {
            () = &mut end => return,
            swept = sweep_once(&store, clock.now(), policy) => swept,
        };
        match swept {
            Ok(swept) if swept == Swept::default() => {}
            Ok(Swept { logins, grants, access_tokens, secrets, signing_keys, owner_warnings, audit }) => {
                tracing::debug!(
                    logins,
                    grants,
                    access_tokens,
                    secrets,
                    signing_keys,
                    owner_warnings,
                    audit,
                    "swept"
                );
            }
            Err(broken) => tracing::error!(target: "broken", cause = %broken, "sweep failed"),
        }
    }
}

/// One sweep, if it is this process's to do.
async fn sweep_once(store: &Store, now: Timestamp, policy: SweepPolicy) -> Result<Swept, Broken> {
    if store.take_duty(Duty::Sweep, now, now + SWEEPER).await? {
        store.sweep(now, policy).await
    } else {
        Ok(Swept::default())
    }
}

/// Makes the next key of every issuer whose newest has signed for as long as its `key_rotation`, until the end.
pub(crate) async fn rotate_keys(desk: Arc<Desk>, shutdown: Shutdown) {
    let mut end = std::pin::pin!(shutdown.begun());
    let mut pause = DUE;
    loop {
        tokio::select! {
            () = &mut end => return,
            () = sleep(pause) => {}
        }
        pause = DUE;
        let now = desk.clock.now();
        let due: Vec<_> = desk.issuers.iter().filter(|issuer| is_due(&desk, issuer, now)).collect();
        if due.is_empty() {
            continue;
        }
        pause = SWEEP;
        match desk.store.take_duty(Duty::Rotate, now, now + ROTATOR).await {
            Ok(true) => rotate_all(&desk, &due, now).await,
            Ok(false) => {}
            Err(broken) => tracing::error!(target: "broken", cause = %broken, "signing keys not rotated"),
        }
    }
}

/// Whether a rotation is due, as far as is known here; whoever has the duty reads the store.
fn is_due(desk: &Desk, issuer: &IssuerSettings, now: Timestamp) -> bool {
    let newest = desk.served.newest_key(issuer.provider.issuer());
    issuer.key_rotation.zip(newest).is_some_and(|(every, newest)| newest + every <= now)
}

async fn rotate_all(desk: &Desk, due: &[&IssuerSettings], now: Timestamp) {
    for settings in due {
        let issuer = settings.provider.issuer();
        match keys::rotate_if_due(&desk.store, settings, now).await {
            Ok(Some(rotated)) => {
                tracing::info!(%issuer, kid = rotated.kid, signs_from = rotated.signs_from, "next signing key");
            }
            Ok(None) => {}
            Err(fault) => {
                tracing::error!(target: "broken", %issuer, cause = %fault, "signing key not rotated");
            }
        }
    }
}

/// Warns owners of clients, until the end: of refusals that keep coming, as soon as they do; and of secrets that soon end, once an hour
/// at most, if no other node does.
pub(crate) async fn warn_owners(desk: Arc<Desk>, shutdown: Shutdown) {
    let mut end = std::pin::pin!(shutdown.begun());
    let (mut pause, mut secrets_due) = (REFUSED, Instant::now());
    loop {
        tokio::select! {
            () = &mut end => return,
            () = sleep(pause) => {}
        }
        pause = REFUSED;
        if let Err(broken) = warn_of_refusals(&desk).await {
            tracing::error!(target: "broken", cause = %broken, "owners not warned of refusals");
            pause = WARN_AGAIN;
        }
        if Instant::now() < secrets_due {
            continue;
        }
        secrets_due = Instant::now()
            + match warn_of_secrets(&desk).await {
                Ok(true) => Duration::from_secs(SECRETS.get().into()),
                Ok(false) => SECRETS_ASKED,
                Err(broken) => {
                    tracing::error!(target: "broken", cause = %broken, "owners not warned of secrets that end");
                    WARN_AGAIN
                }
            };
    }
}

async fn warn_of_refusals(desk: &Desk) -> Result<(), Broken> {
    for site in desk.served.sites() {
        owners::warn_of_refusals(site, desk.clock.now()).await?;
    }
    Ok(())
}

/// One look at every issuer's secrets, if it is this process's to do; whether it was.
async fn warn_of_secrets(desk: &Desk) -> Result<bool, Broken> {
    let now = desk.clock.now();
    if !desk.store.take_duty(Duty::Warn, now, now + SECRETS).await? {
        return Ok(false);
    }
    for issuer in &desk.issuers {
        owners::warn_of_secrets(&desk.store, issuer.provider.issuer(), now).await?;
    }
    Ok(true)
}
