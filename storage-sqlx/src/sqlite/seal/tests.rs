//! What has changed is sealed, whatever the statement; what was damaged before stays so.

use fieldgate_core::model::device::Device;
use fieldgate_core::storage::{
    ArchiveStore as _, DeviceStore as _, Effects, OrganizationStore as _, ServerProof,
    SessionStore as _, StorageError,
};
use fieldgate_core::storage::{Finding, Seen};
use fieldgate_core::testing::fixtures::{device, noon, organization};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::error::Error;
use crate::sqlite::SqliteStorage;

#[tokio::test]
async fn a_statement_need_not_think_of_checksums() {
    let (storage, _directory, device) = fresh().await;
    change(&storage, "UPDATE device SET profile = 'pump@2.0'").await;
    assert_eq!(findings(&storage).await, []);
    let found = storage.device(device.organization_id, device.id).await;
    let profile = found.unwrap().unwrap().settings.profile.unwrap();
    assert_eq!(profile.to_string(), "pump@2.0");
}

#[tokio::test]
async fn what_is_undone_keeps_its_checksum() {
    let (storage, _directory, device) = fresh().await;
    let undone = storage.write(|tx| {
        Box::pin(async move {
            sqlx::query("UPDATE device SET profile = 'pump@2.0'")
                .execute(tx)
                .await?;
            Err::<(), _>(Error::not_found("site"))
        })
    });
    undone.await.unwrap_err();
    assert_eq!(findings(&storage).await, []);
    let found = storage.device(device.organization_id, device.id).await;
    assert_eq!(found.unwrap(), Some(device));
}

#[tokio::test]
async fn a_row_is_read_again_by_the_job_that_has_changed_it() {
    let (storage, _directory, device) = fresh().await;
    let read = storage.write(move |tx| {
        Box::pin(async move {
            sqlx::query("UPDATE device SET profile = 'pump@2.0'")
                .execute(&mut *tx)
                .await?;
            crate::sqlite::device::find(tx, device.organization_id, device.id).await
        })
    });
    assert!(read.await.unwrap().is_some());
}

#[tokio::test]
async fn a_damaged_record_is_not_believed() {
    let (storage, directory, device) = fresh().await;
    storage.close().await;
    damage(&directory, "UPDATE device SET revision = 7").await;
    let storage = open(&directory).await;
    let found = storage.device(device.organization_id, device.id).await;
    assert!(
        matches!(found, Err(StorageError::Backend { .. })),
        "{found:?}"
    );
    assert_damaged(&storage, &device).await;
}

#[tokio::test]
async fn a_change_of_one_column_does_not_make_the_rest_good() {
    let (storage, directory, device) = fresh().await;
    storage.close().await;
    damage(&directory, "UPDATE device SET revision = 7").await;
    let storage = open(&directory).await;
    let seen = Seen {
        organization_id: device.organization_id,
        device_id: device.id,
        at: noon(),
    };
    let seen = [seen];
    let touched = storage.touch_devices(ServerProof::vouch(), &seen);
    touched.await.unwrap();
    assert_damaged(&storage, &device).await;
}

async fn assert_damaged(storage: &SqliteStorage, device: &Device) {
    let found = findings(storage).await;
    let place = format!(
        "device {} in organization {}",
        device.id, device.organization_id
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].place, place);
    assert!(found[0].problem.contains("damaged"), "{found:?}");
}

async fn fresh() -> (SqliteStorage, TempDir, Device) {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(&directory).await;
    let organization = organization();
    let server = ServerProof::vouch();
    let created = storage.create_organization(server, &organization, None, &Effects::NONE);
    created.await.unwrap();
    let device = device(organization.id, "pump-7");
    let created = storage.create_device(&device, &Effects::NONE);
    created.await.unwrap();
    (storage, directory, device)
}

async fn open(directory: &TempDir) -> SqliteStorage {
    let path = directory.path().join("fieldgate.db");
    SqliteStorage::open(&path).await.unwrap()
}

async fn change(storage: &SqliteStorage, statement: &'static str) {
    let changed = storage.write(move |tx| {
        Box::pin(async move {
            sqlx::query(statement).execute(tx).await?;
            Ok::<_, Error>(())
        })
    });
    changed.await.unwrap();
}

/// Changes the rows, and leaves the checksums as they were, as a disk would.
pub(in crate::sqlite) async fn damage(directory: &TempDir, statement: &'static str) {
    let mut connection = SqliteConnectOptions::new()
        .filename(directory.path().join("fieldgate.db"))
        .connect()
        .await
        .unwrap();
    let triggers: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    for (name, _) in &triggers {
        run(&mut connection, format!("DROP TRIGGER {name}")).await;
    }
    run(&mut connection, statement.to_owned()).await;
    for (_, sql) in triggers {
        run(&mut connection, sql).await;
    }
    connection.close().await.unwrap();
}

async fn run(connection: &mut sqlx::SqliteConnection, statement: String) {
    let done = sqlx::query(AssertSqlSafe(statement)).execute(connection);
    done.await.unwrap();
}

async fn findings(storage: &SqliteStorage) -> Vec<Finding> {
    storage.verify(ServerProof::vouch()).await.unwrap()
}
