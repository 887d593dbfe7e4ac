//! The databases keep the contract of the storage port, clause by clause.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::storage::Storage;
use fieldgate_core::testing::storage::StorageFixture;
use fieldgate_storage_sqlx::testing::TestDatabase;
use fieldgate_storage_sqlx::{PostgresStorage, SqliteStorage};
use tempfile::TempDir;

mod postgres {
    fieldgate_core::storage_contract!(crate::PostgresFixture);
}

mod postgres_durable {
    fieldgate_core::durable_storage_contract!(crate::PostgresFixture);
}

mod sqlite {
    fieldgate_core::storage_contract!(crate::SqliteFixture);
}

mod sqlite_durable {
    fieldgate_core::durable_storage_contract!(crate::SqliteFixture);
}

struct SqliteFixture {
    storage: SqliteStorage,
    directory: TempDir,
}

impl SqliteFixture {
    async fn open(directory: TempDir) -> Self {
        let path = directory.path().join("fieldgate.db");
        Self {
            storage: SqliteStorage::open(&path).await.unwrap(),
            directory,
        }
    }
}

#[async_trait]
impl StorageFixture for SqliteFixture {
    async fn fresh() -> Self {
        Self::open(tempfile::tempdir().unwrap()).await
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.storage.clone())
    }

    async fn reopen(self) -> Self {
        self.storage.close().await;
        Self::open(self.directory).await
    }
}

struct PostgresFixture {
    storage: PostgresStorage,
    database: TestDatabase,
}

impl PostgresFixture {
    async fn open(database: TestDatabase) -> Self {
        // Fewer connections than the clauses have calls at once.
        let settings = format!("{}&max_connections=8", database.url());
        let settings = settings.parse().unwrap();
        Self {
            storage: PostgresStorage::open(&settings).await.unwrap(),
            database,
        }
    }
}

#[async_trait]
impl StorageFixture for PostgresFixture {
    async fn fresh() -> Self {
        Self::open(TestDatabase::fresh().await).await
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.storage.clone())
    }

    async fn reopen(self) -> Self {
        self.storage.close().await;
        Self::open(self.database).await
    }
}
