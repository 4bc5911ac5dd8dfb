//! What became of a statement. A read is asked again. A write that the server refused was not done, and is sent again where another
//! would only have been faster. A write whose answer did not come may be done or not: nobody repeats it, and its own key tells.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::Postgres;
use super::pool::{BEGIN, Lease, Param};
use super::statement::{Statement, statements};
use crate::Broken;

/// The longest that a verb takes until its first answer: what comes later is of no use to whoever waits for a page.
const PATIENCE: Duration = Duration::from_millis(1000);
/// The longest that a transaction of several statements takes: only operators wait for those.
const LONG_PATIENCE: Duration = Duration::from_secs(20);
/// The longest that it then takes to find out what became of a write.
const PROBING: Duration = Duration::from_millis(400);
/// How often a statement is sent again that lost against another.
pub(super) const ATTEMPTS: u32 = 4;

statements! {
    /// Whether a write that has no key of its own left its mark.
    MARK(BYTEA) = "SELECT 1 FROM written WHERE mark = $1";
    /// A commit of its own after a probe: what the probe saw is then as safe as any acknowledged write, also if the server had been
    /// restarted before its standby had it.
    BARRIER() = "UPDATE state SET barrier = barrier + 1 WHERE sole = 1";
}

/// Why a statement has no answer.
#[derive(Clone, Debug)]
pub(super) enum Cut {
    /// It never left: nothing was done.
    NotSent(String),
    /// The server refused it: nothing was done.
    Refused(Broken),
    /// It lost against another transaction, or reached a server that takes no writes: nothing was done, and it may be sent again.
    Again(String),
    /// It was sent, and no answer came.
    Unanswered(String),
    /// The store was closed.
    Closed,
}

impl From<tokio_postgres::Error> for Cut {
    fn from(fault: tokio_postgres::Error) -> Self {
        let Some(answered) = fault.as_db_error() else { return Self::Unanswered(told(&fault)) };
        let code = answered.code();
        let again = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
        // The server is ending, or was: what it says of this statement is not what became of it.
        let ending = [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::CANNOT_CONNECT_NOW];
        // A family has one token that can be used: another came first, and what it left is to be looked at.
        let lost = *code == SqlState::UNIQUE_VIOLATION && answered.constraint() == Some("refresh_token_leaf");
        if lost || again.contains(&code) || *code == SqlState::READ_ONLY_SQL_TRANSACTION {
            Self::Again(told(&fault))
        } else if ending.contains(&code) || code.code().starts_with("08") {
            Self::Unanswered(told(&fault))
        } else {
            Self::Refused(Broken::Engine(told(&fault)))
        }
    }
}

/// A fault in words that hold no value of a row: messages name tables and constraints, only their details quote.
pub(super) fn told(fault: &tokio_postgres::Error) -> String {
    match fault.as_db_error() {
        Some(answered) => format!("{} ({})", answered.message(), answered.code().code()),
        None => match std::error::Error::source(fault) {
            Some(cause) => format!("{fault}: {cause}"),
            None => fault.to_string(),
        },
    }
}

/// How to find out whether a write whose answer did not come was done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Probe<'a> {
    /// By what only this write can have stored: it was done if the statement finds a row.
    Key(&'a Statement, &'a [Param<'a>]),
    /// By its mark in `written`.
    Mark(&'a [u8; 16]),
    /// Not at all: done twice it does what it does once, so it is sent again.
    Repeat,
}

/// A transaction under way. Dropped before its commit, it ends with its connection.
#[derive(Debug)]
pub(super) struct Transaction {
    lease: Option<Lease>,
    deadline: Instant,
}

impl Transaction {
    /// Sends one statement and reads what it returns.
    ///
    /// # Errors
    /// [`Cut`]: nothing of the transaction will be done.
    pub(super) async fn query(&self, statement: &Statement, params: &[Param<'_>]) -> Result<Vec<Row>, Cut> {
        self.in_time(self.lease()?.query(statement, params)).await
    }

    /// Commits.
    ///
    /// # Errors
    /// [`Cut`].
    pub(super) async fn commit(mut self) -> Result<(), Cut> {
        self.in_time(self.lease()?.frame("COMMIT")).await?;
        // Whole again: back to the others.
        drop(self.lease.take());
        Ok(())
    }

    fn lease(&self) -> Result<&Lease, Cut> {
        self.lease.as_ref().ok_or(Cut::Closed)
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Cut> {
        match timeout_at(self.deadline, answer).await {
            Ok(answered) => Ok(answered?),
            Err(_) => Err(Cut::Unanswered("the database did not answer in time".to_owned())),
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            // What it left open ends with its connection, once that has answered.
            lease.park(false);
        }
    }
}

/// What a write answers.
#[derive(Debug)]
pub(super) enum Written {
    /// What the statement returned.
    Rows(Vec<Row>),
    /// No answer came, and it was done.
    Probed,
}

impl Postgres {
    /// When the first answer of a verb that begins now comes too late.
    pub(super) fn patient_until(&self) -> Instant {
        let own = Instant::now() + PATIENCE;
        self.until.map_or(own, |until| until.min(own))
    }

    /// Asks. Nothing is written, so a question without an answer is asked once more.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn read(&self, statement: &Statement, params: &[Param<'_>]) -> Result<Vec<Row>, Broken> {
        let deadline = self.patient_until();
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            match self.send(statement, params, deadline).await {
                Ok(rows) => return Ok(rows),
                Err(Cut::Again(_) | Cut::Unanswered(_)) if left > 0 && Instant::now() < deadline => {}
                Err(Cut::Unanswered(cause)) => return Err(Broken::Unreachable(cause)),
                Err(cut) => return Err(unread(cut)),
            }
        }
    }

    /// The first row of an answer, if there is one.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn read_one(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, Broken> {
        Ok(self.read(statement, params).await?.into_iter().next())
    }

    /// Writes: one statement, which is its own transaction.
    ///
    /// # Errors
    /// [`Broken`]; [`Broken::Unknown`] if nobody can tell whether it was done.
    pub(super) async fn write(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
        probe: Probe<'_>,
    ) -> Result<Written, Broken> {
        let deadline = self.patient_until();
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let cause = match self.send(statement, params, deadline).await {
                Ok(rows) => return Ok(Written::Rows(rows)),
                Err(Cut::Again(_)) if left > 0 && Instant::now() < deadline => continue,
                Err(Cut::Unanswered(cause)) => cause,
                Err(cut) => return Err(unread(cut)),
            };
            if matches!(probe, Probe::Repeat) && left > 0 && Instant::now() < deadline {
                continue;
            }
            return match self.probe(probe).await {
                Some(true) => Ok(Written::Probed),
                Some(false) | None => Err(Broken::Unknown(cause)),
            };
        }
    }

    /// Whether a write was done: `None` if nobody can tell. One that is not there may still come: then it was never acknowledged.
    async fn probe(&self, probe: Probe<'_>) -> Option<bool> {
        let deadline = Instant::now() + PROBING;
        let found = match probe {
            Probe::Key(statement, params) => self.send(statement, params, deadline).await,
            Probe::Mark(mark) => self.send(&MARK, &[&mark.as_slice()], deadline).await,
            Probe::Repeat => return None,
        };
        match found {
            Ok(rows) if rows.is_empty() => Some(false),
            Ok(_) => self.send(&BARRIER, &[], deadline).await.ok().map(|_| true),
            Err(_) => None,
        }
    }

    /// Begins a transaction, which ends with [`Transaction::commit`] or not at all. Its statements are prepared first.
    ///
    /// # Errors
    /// [`Cut`].
    pub(super) async fn begin(&self, statements: &[&Statement]) -> Result<Transaction, Cut> {
        let lease = self.connections().get(Instant::now() + PATIENCE).await?;
        let begun = Transaction { lease: Some(lease), deadline: Instant::now() + LONG_PATIENCE };
        begun.in_time(begun.lease()?.prepare(statements)).await?;
        begun.in_time(begun.lease()?.frame(BEGIN)).await?;
        Ok(begun)
    }

    /// What to do about a transaction that was cut off, of which `left` attempts remain: `Ok(true)`, it was done after all; `Ok(false)`,
    /// try again.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn after(&self, cut: &Cut, left: &mut u32, probe: Probe<'_>) -> Result<bool, Broken> {
        *left -= 1;
        match cut {
            Cut::Again(_) if *left > 0 => Ok(false),
            Cut::Unanswered(cause) => match self.probe(probe).await {
                Some(true) => Ok(true),
                Some(false) | None => Err(Broken::Unknown(cause.clone())),
            },
            Cut::NotSent(_) | Cut::Refused(_) | Cut::Again(_) | Cut::Closed => Err(unread(cut.clone())),
        }
    }

    async fn send(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
        deadline: Instant,
    ) -> Result<Vec<Row>, Cut> {
        if Instant::now() >= deadline {
            return Err(Cut::NotSent("the request has no time left".to_owned()));
        }
        let lease = self.connections().get(deadline).await?;
        tracing::trace!(statement = statement.name, "sent");
        match timeout_at(deadline, lease.query(statement, params)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(fault)) => Err(self.settled(lease, fault)),
            Err(_) => {
                lease.park(true);
                Err(Cut::Unanswered("the database did not answer in time".to_owned()))
            }
        }
    }

    /// What a fault means, and what becomes of the connection it came by.
    fn settled(&self, lease: Lease, fault: tokio_postgres::Error) -> Cut {
        let moved = fault.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
        let cut = Cut::from(fault);
        if moved {
            self.connections().forget();
        }
        if moved || matches!(cut, Cut::Unanswered(_)) {
            lease.discard();
        }
        cut
    }
}

/// A cut as the verb's answer, where nothing was written or nobody knows.
fn unread(cut: Cut) -> Broken {
    match cut {
        Cut::NotSent(cause) | Cut::Again(cause) => Broken::Unreachable(cause),
        Cut::Unanswered(cause) => Broken::Unknown(cause),
        Cut::Refused(broken) => broken,
        Cut::Closed => Broken::Closed,
    }
}

impl From<tokio_postgres::Error> for Broken {
    /// A column that does not hold what it should.
    fn from(fault: tokio_postgres::Error) -> Self {
        Self::Engine(told(&fault))
    }
}
