//! The tasks of a running server, whose work none of the others does: if one ends before its time, the process must not go on
//! and look well.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{Id, JoinError, JoinSet};

use crate::failure::Failure;
use crate::shutdown::Shutdown;

/// Tasks that run until the end of the process. Each tells how many connections it had to cut.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    tasks: JoinSet<usize>,
    duties: HashMap<Id, &'static str>,
}

impl Crew {
    /// One more, for this duty.
    pub(crate) fn take_on(&mut self, duty: &'static str, work: impl Future<Output = usize> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.duties.insert(task.id(), duty);
    }

    /// Waits until all have ended, and tells how many connections were cut. One that ends before the end was asked for asks for
    /// it, so that the others finish what they have begun.
    ///
    /// # Errors
    /// The first that panicked, or ended before its time.
    pub(crate) async fn ended(mut self, shutdown: &Shutdown) -> Result<usize, Failure> {
        let (mut cut, mut lost) = (0, None);
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let (id, how) = match ended {
                Ok((_, part)) if shutdown.has_begun() => {
                    cut += part;
                    continue;
                }
                Ok((id, _)) => (id, "ended"),
                Err(error) => (error.id(), how(&error)),
            };
            let duty = self.duties.get(&id).copied().unwrap_or_default();
            tracing::error!(target: "broken", duty, "a task {how} that runs as long as the server: the server ends");
            lost.get_or_insert_with(|| {
                Failure::new(format!("{duty}: the task {how}, and a server without it would only look well"))
                    .hint("start it again, and report what the log says")
            });
            shutdown.begin();
        }
        lost.map_or(Ok(cut), Err)
    }
}

fn how(error: &JoinError) -> &'static str {
    if error.is_panic() { "panicked" } else { "was cancelled" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_ends_before_its_time_ends_them_all_with_its_name() {
        let early = || async { 0 };
        let broken = || async { panic!("as a test wants it") };
        let mut told = Vec::new();
        for broken_one in [false, true] {
            let shutdown = Shutdown::default();
            let mut crew = Crew::default();
            for _ in 0..2 {
                let end = shutdown.clone();
                crew.take_on("another", async move {
                    end.begun().await;
                    1
                });
            }
            if broken_one {
                crew.take_on("upkeep", broken())
            } else {
                crew.take_on("upkeep", early())
            }
            told.push(crew.ended(&shutdown).await.unwrap_err().to_string());
        }
        assert!(told[0].contains("upkeep: the task ended"), "{told:?}");
        assert!(told[1].contains("upkeep: the task panicked"), "{told:?}");
    }

    #[tokio::test]
    async fn at_the_end_they_tell_together_how_many_connections_were_cut() {
        let shutdown = Shutdown::default();
        let mut crew = Crew::default();
        for cut in [2, 0, 3] {
            let end = shutdown.clone();
            crew.take_on("listening", async move {
                end.begun().await;
                cut
            });
        }
        shutdown.begin();
        assert_eq!(crew.ended(&shutdown).await.unwrap(), 5);
    }
}
