//! What a running server does unasked: it takes over changed signing keys, and sweeps what has ended.

use std::sync::Arc;
use std::time::Duration;

use portvakt_protocol::time::Seconds;
use portvakt_store::{Store, SweepPolicy, Swept};
use portvakt_web::clock::Clock;
use tokio::time::{MissedTickBehavior, interval};

use crate::desk::Desk;
use crate::shutdown::Shutdown;

/// How often the keys in use are compared with what the clock says.
const LOOK: Duration = Duration::from_secs(1);

/// How often what has ended is swept.
const SWEEP: Duration = Duration::from_secs(30);

/// Rows to one commit: a few milliseconds of the one writer.
const SWEEP_BATCH: u32 = 500;

/// Takes over signing keys, until the end: those that a command changed and could not bring into use itself, and whatever the
/// clock has overtaken.
pub(crate) async fn follow_keys(desk: Arc<Desk>, shutdown: Shutdown) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end = std::pin::pin!(shutdown.begun());
    loop {
        tokio::select! {
            () = &mut end => return,
            _ = ticks.tick() => {}
        }
        desk.served.follow(desk.clock.now()).await;
    }
}

/// Sweeps until the end. A sweep that fails is logged, and tried again at its next time.
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
            swept = store.sweep(clock.now(), policy) => swept,
        };
        match swept {
            Ok(swept) if swept == Swept::default() => {}
            Ok(Swept { logins, grants, access_tokens, secrets, audit, signing_keys }) => {
                tracing::debug!(logins, grants, access_tokens, secrets, audit, signing_keys, "swept");
            }
            Err(broken) => tracing::error!(target: "broken", cause = %broken, "sweep failed"),
        }
    }
}
