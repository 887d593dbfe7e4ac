//! The one writer: a task that commits the jobs of many callers together.
//!
//! SQLite takes one writer at a time, and each commit waits for the disk. So all writes go by one
//! queue to one task with a connection of its own:
//!
//! ```text
//!  callers ──job──> queue ──> BEGIN IMMEDIATE; SAVEPOINT
//!                             first job; on its error ROLLBACK TO the savepoint
//!                             RELEASE; SAVEPOINT; next job …   while there is one, up to a limit
//!                             checksums of what has changed
//!                             COMMIT                           one wait for the disk for all
//!  callers <─answers──────────┘                      and only now does anyone hear anything
//! ```
//!
//! * A lone job is committed at once: the task never waits for company.
//! * A job that fails, or panics, is undone by its savepoint; its neighbors do not notice.
//! * A caller that goes away takes its job with it if that has not begun; else the job is
//!   committed, and nobody hears of it.
//! * When SQLite gives the whole transaction up in the middle (a full disk), all jobs of the group
//!   hear that the storage is unavailable, and nothing of them is there. When the COMMIT fails, they
//!   hear the same, and it is not known whether they are there: all of them, or none.
//! * When the BEGIN fails, all that is queued hears so at once: else each job would wait in turn
//!   for a lock that the one before it did not get.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::sqlite::open::FileLock;
use crate::sqlite::seal::Seals;

/// A handle to the writer; the writer ends when the last one is gone, or by [`Writer::close`].
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the writer on a connection that `seals` watches; it holds `lock` until that is closed.
    pub(super) fn spawn(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        seals: Seals,
        lock: FileLock,
    ) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let task = WriterTask {
            connection: Some(connection),
            options,
            seals,
            jobs,
            commits: Arc::clone(&commits),
            lock,
        };
        tokio::spawn(task.run());
        Self { queue, commits }
    }

    /// Does `work` in a transaction; returns once that is committed, and durable.
    ///
    /// A group ends where its jobs together weigh too much, so that light ones do not wait for many
    /// heavy ones.
    pub(super) async fn write<T, F>(&self, weight: usize, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>>
            + Send
            + 'static,
    {
        self.write_weighed(move || weight, work).await
    }

    /// The same for work whose weight is known once it is done.
    pub(super) async fn write_weighed<T, F>(
        &self,
        weight: impl FnOnce() -> usize + Send + 'static,
        work: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>>
            + Send
            + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let message = Message::Job(job(weight, work, answer));
        match self.queue.send(message).await {
            Ok(()) => answered.await.unwrap_or(Err(Error::Stopped)),
            Err(_) => Err(Error::Stopped),
        }
    }

    /// Ends the writer after what is queued, and closes its connection.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error says that it has ended already.
            drop(closed.await);
        }
    }

    /// How many transactions were committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }
}

enum Message {
    Job(Job),
    Close(oneshot::Sender<()>),
}

/// Work to do in the transaction that is under way, or the reason why there is none.
type Job = Box<dyn for<'c> FnOnce(Begun<'c>) -> BoxFuture<'c, Option<Ran>> + Send>;

type Begun<'c> = Result<&'c mut SqliteConnection, Arc<sqlx::Error>>;

/// What a job did; nothing counts before its transaction is committed, an error neither: it may
/// be owed to a neighbor.
struct Ran {
    succeeded: bool,
    weight: usize,
    answer: Box<dyn FnOnce(Result<(), Arc<sqlx::Error>>) + Send>,
}

fn job<T, F>(
    weight: impl FnOnce() -> usize + Send + 'static,
    work: F,
    answer: oneshot::Sender<Result<T, Error>>,
) -> Job
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
{
    Box::new(move |begun| {
        Box::pin(async move {
            if answer.is_closed() {
                return None;
            }
            let connection = match begun {
                Ok(connection) => connection,
                Err(error) => {
                    let _ = answer.send(Err(Error::Commit(error)));
                    return None;
                }
            };
            // Nothing that a panic has left half done is used any more.
            let result = AssertUnwindSafe(async { work(connection).await })
                .catch_unwind()
                .await
                .unwrap_or(Err(Error::Panicked));
            Some(Ran {
                succeeded: result.is_ok(),
                weight: weight(),
                answer: Box::new(move |committed| {
                    let result = committed.map_err(Error::Commit).and(result);
                    // A caller that has gone away misses nothing.
                    let _ = answer.send(result);
                }),
            })
        })
    })
}

struct WriterTask {
    // Before the lock, so that it is dropped before it.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    seals: Seals,
    jobs: mpsc::Receiver<Message>,
    commits: Arc<AtomicU64>,
    lock: FileLock,
}

impl WriterTask {
    async fn run(mut self) {
        let mut closing = None;
        while closing.is_none() {
            match self.jobs.recv().await {
                None => break,
                Some(Message::Close(done)) => closing = Some(done),
                Some(Message::Job(first)) => closing = self.commit_group(first).await,
            }
        }
        self.jobs.close();
        self.disconnect().await;
        drop(self.lock);
        if let Some(done) = closing {
            // Who asked may be gone.
            let _ = done.send(());
        }
    }

    /// Runs `first`, and what is queued behind it, in one transaction. Returns who asked meanwhile
    /// to close.
    async fn commit_group(&mut self, first: Job) -> Option<oneshot::Sender<()>> {
        let connection = match begin(&mut self.connection, &self.options, &self.seals).await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(%error, "a transaction could not begin");
                let closing = self.refuse(first, &error).await;
                self.disconnect().await;
                return closing;
            }
        };
        let mut group = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        let mut committed = Ok(());
        while let Some(job) = next.take() {
            committed = run_job(connection, job, &mut group).await;
            let weight: usize = group.iter().map(|ran| ran.weight).sum();
            let full = weight >= GROUP_WEIGHT || group.len() >= GROUP;
            if committed.is_err() || full || self.jobs.is_empty() {
                break;
            }
            committed = execute(connection, "RELEASE job; SAVEPOINT job").await;
            if committed.is_err() {
                break;
            }
            match self.jobs.try_recv() {
                Ok(Message::Job(job)) => next = Some(job),
                Ok(Message::Close(done)) => closing = Some(done),
                Err(_) => {}
            }
        }
        if committed.is_ok() {
            committed = self.seals.write(connection).await.map_err(Arc::new);
        }
        if committed.is_ok() {
            committed = execute(connection, "COMMIT").await;
        }
        match committed {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::SeqCst);
                group.into_iter().for_each(|ran| (ran.answer)(Ok(())));
            }
            Err(error) => {
                tracing::warn!(%error, jobs = group.len(), "a transaction was not committed");
                // Rolls back whatever is left of it.
                self.disconnect().await;
                group
                    .into_iter()
                    .for_each(|ran| (ran.answer)(Err(Arc::clone(&error))));
            }
        }
        closing
    }

    /// Tells `first`, and what is queued behind it, that no transaction could begin. Returns who
    /// asked meanwhile to close.
    async fn refuse(
        &mut self,
        first: Job,
        error: &Arc<sqlx::Error>,
    ) -> Option<oneshot::Sender<()>> {
        first(Err(Arc::clone(error))).await;
        // Not what comes in meanwhile: callers that try again at once would never let this end.
        for _ in 0..self.jobs.len() {
            match self.jobs.try_recv() {
                Ok(Message::Job(job)) => drop(job(Err(Arc::clone(error))).await),
                Ok(Message::Close(done)) => return Some(done),
                Err(_) => break,
            }
        }
        None
    }

    async fn disconnect(&mut self) {
        // The last one that is closed puts the log back, and it has to be able to write.
        self.seals.close().await;
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }
}

async fn begin<'c>(
    connection: &'c mut Option<SqliteConnection>,
    options: &SqliteConnectOptions,
    seals: &Seals,
) -> Result<&'c mut SqliteConnection, Arc<sqlx::Error>> {
    let open = match connection.take() {
        Some(open) => open,
        None => connect(options, seals).await.map_err(Arc::new)?,
    };
    let connection = connection.insert(open);
    execute(connection, "BEGIN IMMEDIATE; SAVEPOINT job").await?;
    Ok(connection)
}

async fn connect(
    options: &SqliteConnectOptions,
    seals: &Seals,
) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    seals.watch(&mut connection).await?;
    Ok(connection)
}

/// Runs a job, and undoes it up to the savepoint where it fails. An error means that the whole
/// transaction is lost.
async fn run_job(
    connection: &mut SqliteConnection,
    job: Job,
    group: &mut Vec<Ran>,
) -> Result<(), Arc<sqlx::Error>> {
    let Some(ran) = job(Ok(&mut *connection)).await else {
        return Ok(());
    };
    let succeeded = ran.succeeded;
    group.push(ran);
    if !succeeded {
        undo(connection).await?;
    }
    Ok(())
}

/// Undoes what the job that is under way has done so far. An error means that the whole transaction
/// is lost.
pub(super) async fn undo(connection: &mut SqliteConnection) -> Result<(), Arc<sqlx::Error>> {
    execute(connection, "ROLLBACK TO job").await
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
) -> Result<(), Arc<sqlx::Error>> {
    let done = sqlx::query(statement).execute(connection).await;
    done.map(drop).map_err(Arc::new)
}

/// How many jobs may wait; further callers wait for a place.
const QUEUE: usize = 1024;

/// How many jobs are committed together at most.
const GROUP: usize = 128;

/// How many rows they may write before no more jobs join them.
const GROUP_WEIGHT: usize = 4000;

#[cfg(test)]
mod tests;
