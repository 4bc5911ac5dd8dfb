//! How long it takes until another PostgreSQL is primary: measured, as often as wanted.

use std::time::Duration;

use portvakt_cluster::WorkedExample;

use super::hold::Control;
use crate::house::Outcome;

/// A new primary must be there by then.
const LONGEST: Duration = Duration::from_secs(60);

/// Three members must have found each other again by then.
const WHOLE: Duration = Duration::from_secs(120);

/// Kills the primary `times` times, each time with its Patroni, and tells what came.
///
/// # Errors
/// When no new primary came in 60 s, or the killed one did not come back.
pub(super) fn measure(example: &mut WorkedExample, times: u32, control: &Control) -> Outcome {
    let mut slowest = Duration::ZERO;
    for turn in 1..=times {
        if control.ends() {
            return Ok(());
        }
        let killed = example.kill_primary()?;
        let failover = example.await_new_primary(killed, LONGEST)?;
        example.restart(killed.member)?;
        let whole = example.await_healthy(WHOLE)?;
        slowest = slowest.max(failover.writes);
        println!(
            "{turn}: {} killed, {} promoted after {:.1?}, writes after {:.1?}; whole again {whole:.1?} after {} was started",
            killed.member.as_str(),
            failover.primary.as_str(),
            failover.promoted,
            failover.writes,
            killed.member.as_str(),
        );
    }
    println!("{times} failovers, the slowest {slowest:.1?} from kill to the first commit on two disks");
    Ok(())
}
