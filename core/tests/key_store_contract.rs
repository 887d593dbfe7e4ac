//! The key store in memory keeps the contract.

use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::testing::key_store::{Handle, KeyStoreFixture};

struct MemoryKeys(Arc<MemoryKeyStore>);

#[async_trait]
impl KeyStoreFixture for MemoryKeys {
    async fn fresh() -> Self {
        Self(Arc::default())
    }

    fn key_store(&self) -> Handle {
        self.0.clone()
    }
}

fieldgate_core::key_store_contract!(MemoryKeys);
