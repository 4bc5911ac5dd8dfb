//! A deadline that costs nothing until somebody is slow, and one timer per connection then.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// A timer that runs for one reason at a time, started when it is first asked about that reason.
pub(super) struct Deadline<Reason> {
    running: Option<Reason>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<Reason> Default for Deadline<Reason> {
    fn default() -> Deadline<Reason> {
        Deadline { running: None, sleep: None }
    }
}

impl<Reason: Copy + PartialEq> Deadline<Reason> {
    /// Ready when `patience` has passed since `reason` was first given. The next poll starts anew.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, reason: Reason, patience: Duration) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(patience)));
        if self.running != Some(reason) {
            self.running = Some(reason);
            sleep.as_mut().reset(Instant::now() + patience);
        }
        ready!(sleep.as_mut().poll(context));
        self.running = None;
        Poll::Ready(())
    }

    /// What it runs for, if it runs.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.running
    }

    /// What it ran for has happened.
    pub(super) fn stop(&mut self) {
        self.running = None;
        self.sleep = None;
    }
}
