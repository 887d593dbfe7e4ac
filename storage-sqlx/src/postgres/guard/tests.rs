//! What becomes of a server whose lock is lost, and of what it has begun.

use std::time::Duration;

use fieldgate_core::storage::{
    ArchiveStore as _, DeviceStore as _, MaintenanceStore as _, ServerProof, StorageError,
};
use fieldgate_core::testing::fixtures::device;
use fieldgate_core::testing::fixtures::organization;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::time::sleep;

use super::KEY;
use crate::PostgresStorage;
use crate::postgres::transaction::{View, scoped};
use crate::testing::TestDatabase;

/// It has waited for the lock, so that the first one cannot be faster.
#[tokio::test]
async fn who_has_lost_the_database_does_nothing_more() {
    let database = TestDatabase::fresh().await;
    let (first, second) = replace(&database).await;
    let (organization, proof) = (organization().id, ServerProof::vouch);
    let device = device(organization, "pump-7");

    // First it finds that its connections are gone.
    let mut read = first.device(organization, device.id).await.map(drop);
    while let Err(StorageError::Unavailable { source, .. }) = &read
        && !format!("{source:?}").contains("TakenOver")
    {
        read = first.device(organization, device.id).await.map(drop);
    }
    assert_taken_over(read);
    assert_taken_over(first.archive(proof(), None).await.map(drop));
    assert_taken_over(first.probe(proof()).await);
    second.probe(proof()).await.unwrap();

    // For good: what the second one has written, the first one has never seen.
    second.close().await;
    assert_taken_over(first.probe(proof()).await);
    let third = open(&database).await;
    third.probe(proof()).await.unwrap();
}

#[tokio::test]
async fn a_lost_database_is_noticed_without_a_call() {
    let database = TestDatabase::fresh().await;
    let (first, _second) = replace(&database).await;
    while first.guard.epoch().check().is_ok() {
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_lost_lock_is_taken_again_without_a_call() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database).await;
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let before = holder(&mut admin).await.unwrap();
    end(&mut admin, before).await;
    loop {
        match holder(&mut admin).await {
            Some(now) if now != before => break,
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
    storage.probe(ServerProof::vouch()).await.unwrap();
}

/// What the first one has begun is not done after the second one has started.
#[tokio::test]
async fn nothing_that_was_begun_before_is_done_after() {
    let database = TestDatabase::fresh().await;
    let first = open(&database).await;
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let writing = tokio::spawn(async move {
        let begun = &begun;
        first
            .write(View::Server, |tx| {
                scoped(async move {
                    sqlx::query("INSERT INTO probe (id, count) VALUES (1, 7)")
                        .execute(&mut *tx)
                        .await?;
                    if let Some(begun) = begun.lock().unwrap().take() {
                        begun.send(()).unwrap();
                    }
                    sqlx::query("SELECT pg_sleep(20)").execute(tx).await?;
                    Ok(())
                })
            })
            .await
    });
    is_begun.await.unwrap();
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let second = tokio::spawn(open_at(database.url()));
    waiting(&mut admin).await;
    let lost = holder(&mut admin).await.unwrap();
    end(&mut admin, lost).await;

    second.await.unwrap();

    assert!(writing.await.unwrap().is_err());
    let written = sqlx::query_scalar("SELECT count(*) FROM fieldgate.probe");
    let written: i64 = written.fetch_one(&mut admin).await.unwrap();
    assert_eq!(written, 0);
}

#[tokio::test]
async fn the_lock_outlives_a_time_limit_on_idle_sessions() {
    let database = TestDatabase::fresh().await;
    let limit = format!(
        "ALTER DATABASE {} SET idle_session_timeout = '200ms'",
        database.name()
    );
    database.execute(limit).await;
    let storage = open(&database).await;
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let before = holder(&mut admin).await.unwrap();
    // More than that.
    sqlx::query("SELECT pg_sleep(1)")
        .execute(&mut admin)
        .await
        .unwrap();
    assert_eq!(holder(&mut admin).await, Some(before));
    storage.close().await;
}

/// Two servers, of which the second one has taken the database from the first one.
async fn replace(database: &TestDatabase) -> (PostgresStorage, PostgresStorage) {
    let first = open(database).await;
    let mut admin = PgConnection::connect(&database.admin_url()).await.unwrap();
    let second = tokio::spawn(open_at(database.url()));
    waiting(&mut admin).await;
    let lost = holder(&mut admin).await.unwrap();
    end(&mut admin, lost).await;
    (first, second.await.unwrap())
}

async fn open(database: &TestDatabase) -> PostgresStorage {
    open_at(database.url()).await
}

async fn open_at(url: String) -> PostgresStorage {
    PostgresStorage::open(&url.parse().unwrap()).await.unwrap()
}

/// The process that holds the lock.
async fn holder(admin: &mut PgConnection) -> Option<i32> {
    lock(admin, true).await
}

/// Waits until somebody waits for the lock.
async fn waiting(admin: &mut PgConnection) {
    while lock(admin, false).await.is_none() {
        tokio::task::yield_now().await;
    }
}

async fn lock(admin: &mut PgConnection, granted: bool) -> Option<i32> {
    let lock = format!(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted = {granted} \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND (classid::bigint << 32) + objid::bigint = {KEY}"
    );
    let lock = sqlx::query_scalar(AssertSqlSafe(lock)).fetch_optional(admin);
    lock.await.unwrap()
}

async fn end(admin: &mut PgConnection, pid: i32) {
    let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(pid);
    end.execute(admin).await.unwrap();
}

#[track_caller]
fn assert_taken_over(result: Result<(), StorageError>) {
    let error = result.unwrap_err();
    let unavailable = matches!(error, StorageError::Unavailable { .. });
    let text = format!("{error:?}");
    assert!(unavailable && text.contains("TakenOver"), "{text}");
}
