//! The time that a command counts by, where several machines share a database.

use std::time::Duration;

use portvakt_protocol::time::{Seconds, Timestamp};
use tokio::time::Instant;

use super::{Desk, Refused};

/// So far apart may the clocks of machines be that share a database.
const CLOCKS_DIFFER: Seconds = Seconds::new(60);

/// So often is looked whether an instant has come.
const LOOK: Duration = Duration::from_millis(20);

/// So long is waited for one: as far as clocks may be apart, and the running second. Longer only if somebody sets a clock.
const LONGEST: Duration = Duration::from_secs(62);

impl Desk {
    /// Now, for what takes something back: by this machine's clock or by the one that the nodes share, whichever is later. A node grants by its
    /// own, which is near one of them.
    ///
    /// # Errors
    /// They are over a minute apart, so that one of them is wrong; or the store failed.
    pub(crate) async fn now(&self) -> Result<Timestamp, Refused> {
        later(self.clock.now(), self.store.clock().await.map_err(Refused::broken)?)
    }

    /// Waits until this instant has come by this machine's clock and by the one that the nodes share: what is granted from then on, by either,
    /// is granted after it.
    pub(crate) async fn until(&self, at: Timestamp) {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST {
            let shared = self.store.clock().await.ok().flatten();
            if earlier(self.clock.now(), shared) >= at {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The earlier of two clocks.
fn earlier(here: Timestamp, shared: Option<Timestamp>) -> Timestamp {
    shared.map_or(here, |shared| shared.min(here))
}

/// The later of two clocks, if both may be right. One that is behind would leave the newest grants where something is taken back; one that
/// is ahead would refuse whoever logs in until its time has come, and nothing makes an instant earlier.
fn later(here: Timestamp, shared: Option<Timestamp>) -> Result<Timestamp, Refused> {
    let shared = shared.unwrap_or(here);
    if here.since(shared).max(shared.since(here)) > CLOCKS_DIFFER {
        return Err(Refused {
            what: format!(
                "the clock here says {}, and the database's {}",
                here.to_rfc3339(),
                shared.to_rfc3339()
            ),
            hint: Some("nothing was changed: set the clock that is wrong, and ask again".to_owned()),
        });
    }
    Ok(here.max(shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_come_when_it_has_by_both_clocks() {
        let at = Timestamp::from_unix;
        assert_eq!(earlier(at(1001), Some(at(1000))), at(1000));
        assert_eq!(earlier(at(1000), Some(at(1060))), at(1000));
        assert_eq!(earlier(at(1000), None), at(1000));
    }

    #[test]
    fn t5_a_clock_that_is_wrong_takes_nothing_back_and_shuts_nobody_out() {
        let at = Timestamp::from_unix;
        for (here, shared) in [(1000, 1061), (1061, 1000), (1000, 90_000)] {
            assert!(later(at(here), Some(at(shared))).is_err(), "{here} {shared}");
        }
        for (here, shared, now) in [(1000, 1060, 1060), (1060, 1000, 1060), (1000, 1000, 1000)] {
            assert!(matches!(later(at(here), Some(at(shared))), Ok(found) if found == at(now)));
        }
        assert!(matches!(later(at(1000), None), Ok(found) if found == at(1000)), "a folder is its process's");
    }
}
