//! What one client did and what it was told: a log that only grows.

use std::time::Duration;

/// What was asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// An authorization request: a login is under way.
    Begin,
    /// The person's form: the login holds evidence.
    Identify,
    /// The resume point: the login is finished, and there is a code.
    Collect,
    /// A redemption of the code.
    Redeem,
    /// A use of the access token.
    Userinfo,
    /// A client's registration.
    Register,
    /// The registered client shows its secret.
    Authenticate,
}

/// What the client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What was asked for is done.
    Done,
    /// It is refused, for this reason.
    Refused(String),
    /// Nothing, or not all of an answer: it is done or not.
    Unknown,
    /// The server failed (5xx), or answered what no client should see.
    Failed(String),
}

/// One line of the log.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// What was asked.
    pub(super) step: Step,
    /// In which life of the server: the first is 0.
    pub(super) life: u32,
    /// When it was asked, since the run began.
    pub(super) start: Duration,
    /// When the answer was there, or the connection lost.
    pub(super) end: Duration,
    /// The answer.
    pub(super) outcome: Outcome,
}

/// All that was asked about one thing: one login with its code and tokens, or one registration.
#[derive(Debug)]
pub(super) struct History {
    /// Tells the thing from others: client and number.
    pub(super) id: String,
    events: Vec<Event>,
}

impl History {
    /// Of a thing of which nothing was asked yet.
    pub(super) fn of(id: String) -> Self {
        Self { id, events: Vec::new() }
    }

    /// Adds a line.
    pub(super) fn add(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Every line, oldest first.
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }
}
