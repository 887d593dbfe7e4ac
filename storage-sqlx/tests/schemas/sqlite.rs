//! Stores of SQLite.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fieldgate_core::storage::Storage;
use fieldgate_core::testing::specimen;
use fieldgate_storage_sqlx::SqliteStorage;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::{kept, missing};

#[tokio::test]
async fn a_store_of_each_schema_opens_with_all_that_it_held() {
    let directory = tempfile::tempdir().unwrap();
    let fresh = directory.path().join("fresh.db");
    SqliteStorage::open(&fresh).await.unwrap().close().await;

    for (schema, store) in kept("sqlite", "db") {
        let path = directory.path().join(format!("{schema}.db"));
        fs::copy(store, &path).unwrap();
        assert_eq!(schema_number(&path).await, schema);

        let storage = SqliteStorage::open(&path).await.unwrap();
        specimen::assert_holds(&handle(&storage)).await;
        storage.close().await;

        assert_eq!(structure(&path).await, structure(&fresh).await);
    }
}

#[tokio::test]
async fn a_store_of_the_newest_schema_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.db");
    let storage = SqliteStorage::open(&path).await.unwrap();
    let schema = schema_number(&path).await;
    if let Some(new) = missing("sqlite", schema, "db") {
        specimen::fill(&handle(&storage)).await;
        storage.close().await;
        fs::copy(path, new).unwrap();
    }
}

fn handle(storage: &SqliteStorage) -> Arc<dyn Storage> {
    Arc::new(storage.clone())
}

async fn schema_number(path: &Path) -> i64 {
    let mut connection = connect(path).await;
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut connection)
        .await;
    connection.close().await.unwrap();
    newest.unwrap()
}

/// All tables, indexes and triggers, as they were made.
async fn structure(path: &Path) -> Vec<(String, Option<String>)> {
    let mut connection = connect(path).await;
    let all = sqlx::query_as("SELECT type || ' ' || name, sql FROM sqlite_schema ORDER BY 1")
        .fetch_all(&mut connection)
        .await;
    connection.close().await.unwrap();
    all.unwrap()
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.disable_statement_logging().connect().await.unwrap()
}
