//! The reference storage keeps the contract that it is the reference for.

use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::storage::{MemoryStorage, Storage};
use fieldgate_core::testing::storage::StorageFixture;

struct MemoryFixture(Arc<MemoryStorage>);

#[async_trait]
impl StorageFixture for MemoryFixture {
    async fn fresh() -> Self {
        Self(Arc::default())
    }

    fn storage(&self) -> Arc<dyn Storage> {
        self.0.clone()
    }

    /// Nothing survives in memory, so there is nothing to close.
    async fn reopen(self) -> Self {
        self
    }
}

fieldgate_core::storage_contract!(MemoryFixture);

/// Nothing of this storage is durable: this shows only that the clauses themselves agree with it
/// as long as it lives.
mod durable_clauses {
    fieldgate_core::durable_storage_contract!(super::MemoryFixture);
}
