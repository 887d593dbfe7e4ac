//! The storage keeps the contract of the port, clause by clause.
//!
//! `cargo test -p fieldgate-custom-storage --test contract every_storage::site::` runs one family.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::storage::Storage;
use fieldgate_core::testing::storage::StorageFixture;
use fieldgate_custom_storage::JournalStorage;
use tempfile::TempDir;

mod every_storage {
    fieldgate_core::storage_contract!(crate::Fixture);
}

mod durable_storage {
    fieldgate_core::durable_storage_contract!(crate::Fixture);
}

struct Fixture {
    storage: JournalStorage,
    directory: TempDir,
}

impl Fixture {
    async fn open(directory: TempDir) -> Self {
        let file = directory.path().join("fieldgate.journal");
        Self {
            storage: JournalStorage::open(&file).await.unwrap(),
            directory,
        }
    }
}

#[async_trait]
impl StorageFixture for Fixture {
    async fn fresh() -> Self {
        Self::open(tempfile::tempdir().unwrap()).await
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.storage.clone())
    }

    async fn reopen(self) -> Self {
        let Self { storage, directory } = self;
        drop(storage);
        Self::open(directory).await
    }
}
