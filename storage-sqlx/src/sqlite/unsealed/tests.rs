//! Rows of an earlier version get checksums, however often that is cut off.

use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::storage::{
    ArchiveStore as _, Effects, OrganizationStore as _, ReportStore as _, ServerProof,
    TokenStore as _,
};
use fieldgate_core::testing::fixtures::{
    batch, device, health, noon, organization, reading, token,
};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::STEP;
use crate::sqlite::SqliteStorage;
use crate::sqlite::checksum::SUMMED;
use crate::sqlite::select::Select;

#[tokio::test]
async fn the_rows_of_an_earlier_version_get_checksums() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.db");
    let storage = SqliteStorage::open(&path).await.unwrap();
    fill(&storage).await;
    storage.close().await;

    // As the migration finds them, and as one that was cut off leaves them.
    let mut connection = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    for table in SUMMED {
        forget(&mut connection, table.name).await;
    }
    drop(connection);

    let storage = SqliteStorage::open(&path).await.unwrap();
    let found = storage.verify(ServerProof::vouch()).await.unwrap();
    assert_eq!(found, []);
    let mut reader = storage.reader().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM unsealed")
        .fetch_one(&mut *reader)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

/// More readings than a step takes, of which the first have a checksum.
async fn fill(storage: &SqliteStorage) {
    let organization = organization();
    let server = ServerProof::vouch();
    let created = storage.create_organization(server, &organization, None, &Effects::NONE);
    created.await.unwrap();
    let device = device(organization.id, "pump-7");
    let token = token(&device);
    let registered = storage.register_device(&device, &token, &Effects::NONE);
    registered.await.unwrap();
    let report = health(device.id, noon());
    storage
        .store_health(organization.id, &report)
        .await
        .unwrap();
    let readings = (0..2 * STEP as u64 + 9).map(|second| {
        let at = noon().plus(std::time::Duration::from_secs(second));
        reading("tank/level", at, Value::BigInt(1))
    });
    let readings = batch(readings);
    let limits = Limits::default();
    let stored = storage.store_readings(organization.id, device.id, &readings, &limits);
    stored.await.unwrap();
}

async fn forget(connection: &mut SqliteConnection, table: &'static str) {
    let mut forget = Select::new("UPDATE ");
    forget.sql(table).sql(" SET checksum = NULL");
    if table == "reading" {
        forget.sql(" WHERE taken_at > (SELECT min(taken_at) + 1000000 FROM reading)");
    }
    forget.query().execute(&mut *connection).await.unwrap();
    let mut note = Select::new("INSERT INTO unsealed (name) VALUES (");
    note.bind(table).sql(")");
    note.query().execute(connection).await.unwrap();
}
