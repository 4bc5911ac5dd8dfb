//! The one writer. It takes what is queued, does it in one transaction, and answers after the commit: many requests share
//! one fsync, and none hears of success before its write is on the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::folder::FolderLock;
use crate::Broken;

/// How many writes may wait. At a few thousand writes a second, this is more than any of them should wait for.
const QUEUE: usize = 1024;

/// How many writes one transaction takes at most, so that the first of them does not wait for all of a long queue.
const BATCH: usize = 256;

/// How long a request waits for room in the queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the writer. Clones lead to the same one.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    last_commit_failed: Arc<AtomicBool>,
}

/// What a write does, and how its answer gets home.
trait Work: Send {
    /// Runs inside the transaction, again if what it wrote was undone. Whether it went well; if not, what it wrote is undone.
    fn run(&mut self, db: &Connection) -> bool;
    /// Sends the answer. `fate` is what became of the transaction.
    fn answer(self: Box<Self>, fate: Result<(), Broken>);
}

enum Message {
    Write(Box<dyn Work>),
    Close(oneshot::Sender<Result<(), Broken>>),
}

struct Job<T, F, C> {
    work: F,
    on_commit: C,
    outcome: Result<T, Broken>,
    reply: oneshot::Sender<Result<T, Broken>>,
}

impl<T, F, C> Work for Job<T, F, C>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, Broken> + Send,
    C: FnOnce(&T) + Send,
{
    fn run(&mut self, db: &Connection) -> bool {
        self.outcome = (self.work)(db);
        self.outcome.is_ok()
    }

    fn answer(self: Box<Self>, fate: Result<(), Broken>) {
        let answer = fate.and(self.outcome);
        if let Ok(done) = &answer {
            (self.on_commit)(done);
        }
        // A caller that no longer waits was disconnected; what it asked for stands or not, like any lost answer.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    /// Starts the writer. It owns the connection and the folder's lock, and lets go of both when it ends, in that order.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub(super) fn start(db: Connection, lock: FolderLock) -> std::io::Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let last_commit_failed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&last_commit_failed);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || attend(db, lock, requests, &seen))?;
        Ok(Self { queue, last_commit_failed })
    }

    /// Runs `work` in the next transaction, and answers once its commit is durable. An `Err` of `work` undoes what it wrote and
    /// nothing of its neighbours'.
    ///
    /// # Errors
    /// `work`'s own, or [`Broken`] if the queue stays full, the writer has ended or the commit fails.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Broken> + Send + 'static,
    {
        self.write_then(work, |_| ()).await
    }

    /// As [`Writer::write`], and runs `on_commit` between the commit and the answer. It runs even if the caller has gone away
    /// meanwhile, so what this process remembers of the database never lags behind it.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub(super) async fn write_then<T, F, C>(&self, work: F, on_commit: C) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Broken> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job { work, on_commit, outcome: Err(Broken::Closed), reply };
        self.send(Message::Write(Box::new(job))).await?;
        answer.await.map_err(|_| Broken::Closed)?
    }

    /// Has everything queued so far done, the write-ahead log folded into the database, and the writer ended.
    pub(super) async fn close(&self) -> Result<(), Broken> {
        let (reply, answer) = oneshot::channel();
        match self.send(Message::Close(reply)).await {
            Ok(()) => answer.await.unwrap_or(Ok(())),
            Err(Broken::Closed) => Ok(()),
            Err(broken) => Err(broken),
        }
    }

    /// Whether the writer runs, as far as can be told without asking it.
    pub(super) fn is_alive(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Whether the last transaction that had anything to write could not be committed.
    pub(super) fn last_commit_failed(&self) -> bool {
        self.last_commit_failed.load(Ordering::Acquire)
    }

    /// As if the last transaction could not have been committed.
    #[cfg(test)]
    pub(super) fn doubt(&self) {
        self.last_commit_failed.store(true, Ordering::Release);
    }

    async fn send(&self, message: Message) -> Result<(), Broken> {
        match self.queue.try_send(message) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Broken::Closed),
            Err(mpsc::error::TrySendError::Full(message)) => {
                match tokio::time::timeout(PATIENCE, self.queue.send(message)).await {
                    Ok(sent) => sent.map_err(|_| Broken::Closed),
                    Err(_) => Err(Broken::Busy),
                }
            }
        }
    }
}

/// Ends the process if the writer panics: without a writer it would answer 503 for ever, and with the folder's lock let go a
/// second process could own the folder while this one still reads it.
struct PanicIsTheEnd;

impl Drop for PanicIsTheEnd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// The writer's life: ends when it is told to, or when nobody is left who could ask.
fn attend(
    db: Connection,
    lock: FolderLock,
    mut requests: mpsc::Receiver<Message>,
    last_commit_failed: &AtomicBool,
) {
    let _guard = PanicIsTheEnd;
    let mut closing = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = requests.blocking_recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Write(work) => batch.push(work),
                Message::Close(reply) => {
                    requests.close();
                    closing.push(reply);
                }
            }
            next = if batch.len() < BATCH { another(&mut requests) } else { None };
        }
        if !batch.is_empty() {
            commit(&db, &mut batch, last_commit_failed);
        }
    }
    let ended = end(db);
    drop(lock);
    for reply in closing {
        let _ = reply.send(ended.clone());
    }
}

/// What waits. If nothing does, whoever waits for this core has it first, and may send more: on a busy machine, where each commit is dear, more
/// share one; on an idle one nobody waits.
fn another(requests: &mut mpsc::Receiver<Message>) -> Option<Message> {
    requests.try_recv().ok().or_else(|| {
        std::thread::yield_now();
        requests.try_recv().ok()
    })
}

/// Does a batch in one transaction and answers each request of it.
fn commit(db: &Connection, batch: &mut Vec<Box<dyn Work>>, last_commit_failed: &AtomicBool) {
    #[cfg(feature = "danger-faults")]
    if crate::planted::is(crate::Bug::AnswersFirst) {
        return answer_first(db, batch);
    }
    let fate = transact(db, batch);
    if let Err(broken) = &fate {
        // Whatever the failure left open must not leak into the next batch.
        if !db.is_autocommit() && step(db, "ROLLBACK").is_err() {
            tracing::error!("a failed transaction could not be rolled back");
        }
        tracing::error!(error = %broken, writes = batch.len(), "a commit failed; none of its writes was acknowledged");
    }
    match fate {
        Err(_) => last_commit_failed.store(true, Ordering::Release),
        Ok(Wrote::Something) => last_commit_failed.store(false, Ordering::Release),
        Ok(Wrote::Nothing) => {}
    }
    let fate = fate.map(|_| ());
    for work in batch.drain(..) {
        work.answer(fate.clone());
    }
}

/// A planted bug: what is answered is committed later, unless the process has died meanwhile.
#[cfg(feature = "danger-faults")]
fn answer_first(db: &Connection, batch: &mut Vec<Box<dyn Work>>) {
    let begun = step(db, "BEGIN IMMEDIATE");
    for mut work in batch.drain(..) {
        work.run(db);
        work.answer(begun.clone());
    }
    std::thread::sleep(Duration::from_millis(5));
    if let Err(broken) = step(db, "COMMIT") {
        tracing::error!(error = %broken, "a commit failed");
    }
}

/// What a commit had for the disk. One that had nothing never touched it, and says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Something,
    Nothing,
}

fn transact(db: &Connection, batch: &mut [Box<dyn Work>]) -> Result<Wrote, Broken> {
    match all_at_once(db, batch)? {
        Some(wrote) => Ok(wrote),
        None => one_by_one(db, batch),
    }
}

/// The batch without savepoints, each of which would keep a copy of every page that it touches. `None` if one of it failed; then none of it
/// was written.
fn all_at_once(db: &Connection, batch: &mut [Box<dyn Work>]) -> Result<Option<Wrote>, Broken> {
    begin(db)?;
    let before = db.total_changes();
    for work in batch {
        let done = work.run(db);
        still_open(db)?;
        if !done {
            step(db, "ROLLBACK")?;
            return Ok(None);
        }
    }
    step(db, "COMMIT")?;
    Ok(Some(if db.total_changes() > before { Wrote::Something } else { Wrote::Nothing }))
}

/// The batch with a savepoint for each of it, so that one that fails is undone alone.
fn one_by_one(db: &Connection, batch: &mut [Box<dyn Work>]) -> Result<Wrote, Broken> {
    let mut wrote = Wrote::Nothing;
    begin(db)?;
    for work in batch {
        step(db, "SAVEPOINT request")?;
        let before = db.total_changes();
        let done = work.run(db);
        still_open(db)?;
        if !done {
            step(db, "ROLLBACK TO request")?;
        } else if db.total_changes() > before {
            wrote = Wrote::Something;
        }
        step(db, "RELEASE request")?;
    }
    step(db, "COMMIT")?;
    Ok(wrote)
}

/// IMMEDIATE: the write lock is ours from the start, so no statement can fail for want of it.
fn begin(db: &Connection) -> Result<(), Broken> {
    step(db, "BEGIN IMMEDIATE")
}

/// On a full disk and the like SQLite ends the whole transaction itself; then the batch has failed.
fn still_open(db: &Connection) -> Result<(), Broken> {
    if db.is_autocommit() {
        return Err(Broken::Engine("the transaction was ended by a failure of the disk".to_owned()));
    }
    Ok(())
}

fn step(db: &Connection, sql: &str) -> Result<(), Broken> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn end(db: Connection) -> Result<(), Broken> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    db.close().map_err(|(_, error)| Broken::from(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE row (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id));",
        )
        .unwrap();
        db
    }

    type Answer = oneshot::Receiver<Result<usize, Broken>>;

    fn statement(sql: &'static str) -> (Box<dyn Work>, Answer) {
        let (reply, answer) = oneshot::channel();
        let work = move |db: &Connection| {
            // What a failing request wrote before it failed is to be undone too.
            let done = sql.split(';').map(|one| db.execute(one, [])).collect::<Result<Vec<_>, _>>()?;
            Ok(done.into_iter().sum())
        };
        (Box::new(Job { work, on_commit: |_: &usize| (), outcome: Err(Broken::Closed), reply }), answer)
    }

    fn run(db: &Connection, statements: &[&'static str]) -> (Vec<bool>, bool) {
        run_after(false, db, statements)
    }

    fn run_after(failed: bool, db: &Connection, statements: &[&'static str]) -> (Vec<bool>, bool) {
        let failed = AtomicBool::new(failed);
        let (mut batch, answers): (Vec<_>, Vec<_>) = statements.iter().map(|sql| statement(sql)).unzip();
        commit(db, &mut batch, &failed);
        let answers = answers.into_iter().map(|mut answer| answer.try_recv().unwrap().is_ok()).collect();
        (answers, failed.load(Ordering::Acquire))
    }

    fn rows(db: &Connection) -> Vec<i64> {
        let mut select = db.prepare("SELECT id FROM row ORDER BY id").unwrap();
        select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_failing_request_is_undone_alone() {
        let db = database();
        let statements = [
            "INSERT INTO row (id) VALUES (1)",
            "INSERT INTO row (id) VALUES (2); INSERT INTO row (id) VALUES (1)",
            "INSERT INTO row (id) VALUES (3)",
        ];
        assert_eq!(run(&db, &statements), (vec![true, false, true], false));
        assert_eq!(rows(&db), [1, 3]);
        assert!(db.is_autocommit());
    }

    #[test]
    fn a_failing_commit_acknowledges_nothing_and_the_next_one_stands() {
        let db = database();
        // The breach shows only at the commit.
        let statements = [
            "INSERT INTO row (id) VALUES (1)",
            "PRAGMA defer_foreign_keys = ON; INSERT INTO row (id, parent) VALUES (2, 99)",
            "INSERT INTO row (id) VALUES (3)",
        ];
        assert_eq!(run(&db, &statements), (vec![false, false, false], true));
        assert_eq!(rows(&db), [0; 0]);
        assert_eq!(run(&db, &["INSERT INTO row (id) VALUES (4)"]), (vec![true], false));
        assert_eq!(rows(&db), [4]);
    }

    #[test]
    fn a_transaction_that_the_engine_ended_acknowledges_nothing() {
        let db = database();
        let statements = ["INSERT INTO row (id) VALUES (1)", "ROLLBACK", "INSERT INTO row (id) VALUES (2)"];
        assert_eq!(run(&db, &statements), (vec![false, false, false], true));
        assert_eq!(rows(&db), [0; 0]);
        assert_eq!(run(&db, &["INSERT INTO row (id) VALUES (3)"]), (vec![true], false));
    }

    #[test]
    fn a_commit_that_wrote_nothing_says_nothing_of_the_disk() {
        let db = database();
        db.execute("INSERT INTO row (id) VALUES (1)", []).unwrap();
        let nothing = ["DELETE FROM row WHERE id = 99"];
        assert_eq!(run_after(true, &db, &nothing), (vec![true], true));
        assert_eq!(run_after(false, &db, &nothing), (vec![true], false));
        // What a request wrote and then took back is no write either.
        let undone = ["INSERT INTO row (id) VALUES (2); INSERT INTO row (id) VALUES (1)"];
        assert_eq!(run_after(true, &db, &undone), (vec![false], true));
        assert_eq!(run_after(true, &db, &["INSERT INTO row (id) VALUES (3)"]), (vec![true], false));
    }

    fn lock() -> (tempfile::TempDir, FolderLock) {
        let folder = tempfile::tempdir().unwrap();
        let lock = super::super::folder::Folder::take(folder.path()).unwrap().lock;
        (folder, lock)
    }

    #[tokio::test]
    async fn a_queue_that_stays_full_is_busy() {
        let (_folder, lock) = lock();
        let writer = Writer::start(database(), lock).unwrap();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let slow = writer.clone();
        let slow = tokio::spawn(async move { slow.write(move |_| Ok(wait.recv().is_ok())).await });
        let mut queued = Vec::new();
        // The batch in hand holds up to BATCH, the queue QUEUE more.
        for _ in 0..QUEUE + BATCH + 1 {
            let writer = writer.clone();
            let insert = |db: &Connection| Ok(db.execute("INSERT INTO row DEFAULT VALUES", [])?);
            queued.push(tokio::spawn(async move { writer.write(insert).await }));
        }
        tokio::time::sleep(PATIENCE + Duration::from_millis(500)).await;
        let busy = tokio::time::timeout(Duration::from_secs(10), writer.write(|_| Ok(())));
        assert_eq!(busy.await.unwrap(), Err(Broken::Busy));
        go_on.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), Ok(true));
        let mut done = 0;
        for write in queued {
            match write.await.unwrap() {
                Ok(rows) => done += rows,
                Err(broken) => assert_eq!(broken, Broken::Busy),
            }
        }
        assert!(done >= QUEUE, "{done}");
        let counted = writer.write(|db| Ok(rows(db).len())).await.unwrap();
        assert_eq!(counted, done, "what was refused was not written");
    }

    #[tokio::test]
    async fn what_was_asked_for_before_the_end_is_done() {
        let (_folder, lock) = lock();
        let writer = Writer::start(database(), lock).unwrap();
        let inserts: Vec<_> = (0..100)
            .map(|_| {
                let writer = writer.clone();
                let insert = |db: &Connection| Ok(db.execute("INSERT INTO row DEFAULT VALUES", [])?);
                tokio::spawn(async move { writer.write(insert).await })
            })
            .collect();
        tokio::task::yield_now().await;
        writer.close().await.unwrap();
        assert!(!writer.is_alive());
        for insert in inserts {
            // Each was done and said so, or came too late and said that.
            assert!(matches!(insert.await.unwrap(), Ok(1) | Err(Broken::Closed)));
        }
        assert_eq!(writer.write(|_| Ok(())).await, Err(Broken::Closed));
        assert_eq!(writer.close().await, Ok(()));
    }
}
