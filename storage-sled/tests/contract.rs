//! The storage port's contract, clause by clause.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure has to name its line"
)]

use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::storage::Storage;
use fieldgate_core::testing::storage::StorageFixture;
use fieldgate_storage_sled::SledStorage;
use tempfile::TempDir;

struct Sled {
    storage: SledStorage,
    dir: TempDir,
}

impl Sled {
    fn open(dir: TempDir) -> Self {
        // Many storages are open at the same time.
        let storage = SledStorage::builder(dir.path())
            .cache_capacity(1024 * 1024)
            .open()
            .unwrap();
        Self { storage, dir }
    }
}

#[async_trait]
impl StorageFixture for Sled {
    async fn fresh() -> Self {
        Self::open(tempfile::tempdir().unwrap())
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.storage.clone())
    }

    async fn reopen(self) -> Self {
        self.storage.close().await;
        Self::open(self.dir)
    }
}

mod every_storage {
    fieldgate_core::storage_contract!(crate::Sled);
}

mod durable_storage {
    fieldgate_core::durable_storage_contract!(crate::Sled);
}
