//! What is remembered of requests, in memory.

use async_trait::async_trait;

use super::MemoryStorage;
use crate::model::api_key::KeyOwner;
use crate::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::storage::{IdempotencyStore, StorageError};

#[async_trait]
impl IdempotencyStore for MemoryStorage {
    async fn idempotency_record(
        &self,
        owner: KeyOwner,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        let state = self.lock();
        Ok(state.idempotency.get(&(owner, key.clone())).cloned())
    }
}
