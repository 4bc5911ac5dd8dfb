//! What lives of contested refresh tokens when all is over: looked at, not used, for whoever uses a token may end its family.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError};

use portvakt_store::Broken;
use tokio::task::JoinSet;

use super::rivals::Ring;
use super::{NOW, Pair, Thing};

/// Looks at every refresh token that any rival of any process may have got. A thing that came to what it must is counted as won once; one of
/// which two branches live as won twice.
///
/// # Errors
/// The store's.
pub(super) async fn settle(ring: &Arc<Ring>) -> Result<(), String> {
    let next = Arc::new(AtomicU32::new(0));
    let mut lookers: JoinSet<Result<(), String>> = JoinSet::new();
    for _ in 0..ring.plan.tasks.max(1) {
        let (ring, next) = (Arc::clone(ring), Arc::clone(&next));
        lookers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= ring.plan.things() {
                    return Ok(());
                }
                look(&ring, number).await.map_err(|broken| format!("thing {number}: {broken}"))?;
            }
        });
    }
    while let Some(looked) = lookers.join_next().await {
        looked.map_err(|fault| fault.to_string())??;
    }
    Ok(())
}

async fn look(ring: &Ring, number: u32) -> Result<(), Broken> {
    let thing = ring.plan.thing(number);
    if !matches!(thing, Thing::Refresh | Thing::Fork | Thing::Revocation) {
        return Ok(());
    }
    let plan = &ring.plan;
    let rivals = (0..plan.processes.max(1))
        .flat_map(|process| (0..plan.contenders.max(1)).map(move |rival| Some((process, rival))));
    let brought: Vec<Pair> = rivals.map(|by| plan.pair(number, by)).chain([plan.successor(number)]).collect();
    let first = plan.pair(number, None);
    let (mut leaves, mut tokens) = (0, 0);
    for pair in &brought {
        leaves += u32::from(is_leaf(ring, pair).await?);
        tokens += u32::from(is_alive(ring, pair).await?);
    }
    leaves += u32::from(is_leaf(ring, &first).await?);
    let times = match thing {
        Thing::Revocation => {
            let outlived = leaves + tokens + u32::from(is_alive(ring, &first).await?);
            ring.outlived.fetch_add(u64::from(outlived > 0), Ordering::Relaxed);
            leaves.max(1)
        }
        // What gives tokens, and what was given with it.
        Thing::Refresh => leaves.max(tokens),
        // The family may have ended by a replay; the access token that its first use gave stays as long as the family does.
        Thing::Fork | Thing::Code | Thing::Login | Thing::Answer | Thing::FirstKey => leaves.max(1),
    };
    let mut wins = ring.wins.lock().unwrap_or_else(PoisonError::into_inner);
    wins.extend((0..times).map(|_| number));
    Ok(())
}

/// Whether a refresh token can be used.
async fn is_leaf(ring: &Ring, pair: &Pair) -> Result<bool, Broken> {
    let found = ring.store.refresh_token(ring.world.issuer(), &pair.refresh).await?;
    Ok(found.is_some_and(|found| found.spent.is_none() && !found.revoked))
}

/// Whether an access token is good: neither revoked, nor ended by a retry.
async fn is_alive(ring: &Ring, pair: &Pair) -> Result<bool, Broken> {
    let found = ring.store.access_token(ring.world.issuer(), &pair.access).await?;
    Ok(found.is_some_and(|found| !found.revoked && found.expires > NOW))
}
