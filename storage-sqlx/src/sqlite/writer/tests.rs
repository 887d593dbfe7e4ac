//! What the writer promises to those whose jobs it commits together.

use std::sync::Arc;

use fieldgate_core::storage::{StorageError, Unique};
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::{GROUP, GROUP_WEIGHT, QUEUE, Writer};
use crate::SqliteStorage;
use crate::error::Error;

#[tokio::test]
async fn jobs_that_wait_together_share_a_commit() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold(&storage).await;
    let before = storage.commits();
    let jobs: Vec<_> = (0..50).map(|id| spawn(&storage, put(id))).collect();
    held.release_behind(50).await;
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    assert_eq!(storage.commits() - before, 1);
    assert_eq!(rows(&storage).await, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_group_has_an_end() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold(&storage).await;
    let before = storage.commits();
    let count = i64::try_from(2 * GROUP).unwrap();
    let jobs: Vec<_> = (0..count).map(|id| spawn(&storage, put(id))).collect();
    held.release_behind(2 * GROUP).await;
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    // The job that held the writer is one more.
    assert_eq!(storage.commits() - before, 3);
}

#[tokio::test]
async fn a_heavy_job_ends_a_group() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold(&storage).await;
    let before = storage.commits();
    let heavy = storage.clone();
    let heavy = tokio::spawn(async move { heavy.write_many(GROUP_WEIGHT, put(1)).await });
    held.wait_for(1).await;
    let light = spawn(&storage, put(2));
    held.release_behind(2).await;
    heavy.await.unwrap().unwrap();
    light.await.unwrap().unwrap();
    assert_eq!(storage.commits() - before, 2);
}

#[tokio::test]
async fn lone_jobs_are_committed_one_by_one() {
    let (storage, _directory) = fresh().await;
    let before = storage.commits();
    for id in 0..5 {
        storage.write(put(id)).await.unwrap();
    }
    assert_eq!(storage.commits() - before, 5);
}

#[tokio::test]
async fn failing_and_panicking_jobs_do_not_hurt_their_neighbors() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold(&storage).await;
    let first = spawn(&storage, put(1));
    let refused = spawn(&storage, |tx| {
        Box::pin(async move {
            put(2)(tx).await?;
            Err(Error::taken(Unique::Id))
        })
    });
    let panicked = spawn(&storage, |tx| {
        Box::pin(async move {
            put(3)(tx).await?;
            panic!("a job that panics");
        })
    });
    let broken = spawn(&storage, |tx| {
        Box::pin(async move {
            put(4)(tx).await?;
            sqlx::query("SELECT nothing").execute(tx).await?;
            Ok(())
        })
    });
    let last = spawn(&storage, put(5));
    held.release_behind(5).await;

    first.await.unwrap().unwrap();
    last.await.unwrap().unwrap();
    let refused = refused.await.unwrap();
    assert!(
        matches!(refused, Err(StorageError::Taken(Unique::Id))),
        "{refused:?}"
    );
    for broken in [panicked, broken] {
        let broken = broken.await.unwrap();
        assert!(
            matches!(broken, Err(StorageError::Backend { .. })),
            "{broken:?}"
        );
    }
    assert_eq!(rows(&storage).await, [1, 5]);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_waiting_job_along() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold(&storage).await;
    let gone = spawn(&storage, put(1));
    let stays = spawn(&storage, put(2));
    held.wait_for(2).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    held.release_behind(2).await;
    stays.await.unwrap().unwrap();
    assert_eq!(rows(&storage).await, [2]);
}

#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_stops_nothing() {
    let (storage, _directory) = fresh().await;
    let (entered, has_entered) = oneshot::channel();
    let go_on = Arc::new(Notify::new());
    let wait = Arc::clone(&go_on);
    let gone = spawn(&storage, |tx| {
        Box::pin(async move {
            entered.send(()).unwrap();
            wait.notified().await;
            put(1)(tx).await
        })
    });
    has_entered.await.unwrap();
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    storage.write(put(2)).await.unwrap();
    assert_eq!(rows(&storage).await, [1, 2]);
}

#[tokio::test]
async fn a_lost_transaction_is_lost_for_all_and_the_next_one_works() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold(&storage).await;
    let before = storage.commits();
    let first = spawn(&storage, put(1));
    // As SQLite itself does it, for example when the disk fails.
    let loses = spawn(&storage, |tx| {
        Box::pin(async move {
            sqlx::query("ROLLBACK").execute(tx).await?;
            Ok(())
        })
    });
    held.release_behind(2).await;
    for job in [first, loses] {
        let lost = job.await.unwrap();
        assert!(
            matches!(lost, Err(StorageError::Unavailable { .. })),
            "{lost:?}"
        );
    }
    assert_eq!(storage.commits(), before);
    storage.write(put(3)).await.unwrap();
    assert_eq!(rows(&storage).await, [3]);
}

#[tokio::test]
async fn a_full_disk_is_unavailable_until_there_is_space() {
    let (storage, _directory) = fresh().await;
    set_pages(&storage, 1).await;
    let refused = storage.write(put_much()).await;
    assert!(
        matches!(refused, Err(StorageError::Unavailable { .. })),
        "{refused:?}"
    );
    set_pages(&storage, 1_000_000).await;
    storage.write(put_much()).await.unwrap();
}

#[tokio::test]
async fn a_locked_database_is_unavailable_until_it_is_free() {
    let (storage, directory) = fresh().await;
    let options = SqliteConnectOptions::new().filename(directory.path().join("test.db"));
    let mut other = options.connect().await.unwrap();
    // Not to wait as long as it does otherwise.
    pragma(&storage, "PRAGMA busy_timeout = 1").await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let refused = storage.write(put(1)).await;
    assert!(
        matches!(refused, Err(StorageError::Unavailable { .. })),
        "{refused:?}"
    );
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    storage.write(put(2)).await.unwrap();
    assert_eq!(rows(&storage).await, [2]);
}

#[tokio::test]
async fn all_that_wait_hear_at_once_that_no_transaction_begins() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold_and_break(&storage).await;
    let jobs: Vec<_> = (0..50).map(|id| spawn(&storage, put(id))).collect();
    held.release_behind(50).await;
    for job in jobs {
        let refused = job.await.unwrap();
        assert!(
            matches!(refused, Err(StorageError::Unavailable { .. })),
            "{refused:?}"
        );
    }
    // By a connection of its own.
    storage.write(put(50)).await.unwrap();
    assert_eq!(rows(&storage).await, [50]);
}

#[tokio::test]
async fn a_writer_whose_transaction_does_not_begin_can_be_closed() {
    let (storage, _directory) = fresh().await;
    let held = Held::hold_and_break(&storage).await;
    let before = spawn(&storage, put(1));
    held.wait_for(1).await;
    let writer = storage.writer.clone();
    let closing = tokio::spawn(async move { writer.close().await });
    held.wait_for(2).await;
    let behind = spawn(&storage, put(2));
    held.release_behind(3).await;
    closing.await.unwrap();
    for job in [before, behind] {
        let refused = job.await.unwrap();
        assert!(
            matches!(refused, Err(StorageError::Unavailable { .. })),
            "{refused:?}"
        );
    }
    assert!(rows(&storage).await.is_empty());
}

#[tokio::test]
async fn readers_do_not_wait_and_see_only_what_is_committed() {
    let (storage, _directory) = fresh().await;
    storage.write(put(1)).await.unwrap();
    let (written, has_written) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let writing = spawn(&storage, |tx| {
        Box::pin(async move {
            put(2)(tx).await?;
            written.send(()).unwrap();
            released.await.unwrap();
            Ok(())
        })
    });
    has_written.await.unwrap();
    assert_eq!(rows(&storage).await, [1]);
    release.send(()).unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(rows(&storage).await, [1, 2]);
}

/// Lets the file have so many pages, or as many as it has.
async fn set_pages(storage: &SqliteStorage, count: i64) {
    pragma(storage, format!("PRAGMA max_page_count = {count}")).await;
}

/// Sets something of the writer's connection.
async fn pragma(storage: &SqliteStorage, pragma: impl Into<String>) {
    let statement = AssertSqlSafe(pragma.into());
    let set = storage.write(move |tx| {
        Box::pin(async move {
            sqlx::query(statement).execute(tx).await?;
            Ok(())
        })
    });
    set.await.unwrap();
}

fn put_much() -> impl Job {
    |tx| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO deleted_device VALUES (zeroblob(1000000), x'01', 0, NULL, NULL)",
            )
            .execute(tx)
            .await?;
            Ok(())
        })
    }
}

/// The kind of job that these tests have.
trait Job:
    for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<(), Error>> + Send + 'static
{
}

impl<F> Job for F where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<(), Error>>
        + Send
        + 'static
{
}

async fn fresh() -> (SqliteStorage, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(&directory.path().join("test.db")).await;
    (storage.unwrap(), directory)
}

fn spawn(storage: &SqliteStorage, job: impl Job) -> JoinHandle<Result<(), StorageError>> {
    let storage = storage.clone();
    tokio::spawn(async move { storage.write(job).await })
}

/// Writes a row, into a table that needs no others.
fn put(id: i64) -> impl Job {
    move |tx| {
        Box::pin(async move {
            sqlx::query("INSERT INTO deleted_sensor (number) VALUES (?)")
                .bind(id)
                .execute(tx)
                .await?;
            Ok(())
        })
    }
}

async fn rows(storage: &SqliteStorage) -> Vec<i64> {
    let mut reader = storage.reader().await.unwrap();
    sqlx::query_scalar("SELECT number FROM deleted_sensor ORDER BY number")
        .fetch_all(&mut *reader)
        .await
        .unwrap()
}

/// A job that holds the writer, so that others have to wait in the queue.
struct Held {
    writer: Writer,
    release: oneshot::Sender<()>,
    job: JoinHandle<Result<(), StorageError>>,
}

impl Held {
    async fn hold(storage: &SqliteStorage) -> Self {
        Self::hold_by(storage, 1, "SELECT 1").await
    }

    /// Holds the writer by a job that ends its group, and after which no transaction begins until
    /// there is another connection.
    async fn hold_and_break(storage: &SqliteStorage) -> Self {
        Self::hold_by(storage, GROUP_WEIGHT, "PRAGMA query_only = 1").await
    }

    /// Holds the writer by a job that runs a statement at its end.
    async fn hold_by(storage: &SqliteStorage, weight: usize, statement: &'static str) -> Self {
        let (entered, has_entered) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let holding = storage.clone();
        let job = tokio::spawn(async move {
            let held = holding.write_many(weight, move |tx| {
                Box::pin(async move {
                    entered.send(()).unwrap();
                    released.await.unwrap();
                    sqlx::query(statement).execute(tx).await?;
                    Ok(())
                })
            });
            held.await
        });
        has_entered.await.unwrap();
        Self {
            writer: storage.writer.clone(),
            release,
            job,
        }
    }

    /// Waits until so many jobs are in the queue.
    async fn wait_for(&self, count: usize) {
        while QUEUE - self.writer.queue.capacity() < count {
            tokio::task::yield_now().await;
        }
    }

    async fn release_behind(self, count: usize) {
        self.wait_for(count).await;
        self.release.send(()).unwrap();
        self.job.await.unwrap().unwrap_or_default();
    }
}
