//! What is committed together with a change, and remembered of requests.

use async_trait::async_trait;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use fieldgate_core::storage::{IdempotencyStore, StorageError};

use crate::JournalStorage;

#[async_trait]
impl IdempotencyStore for JournalStorage {
    async fn idempotency_record(
        &self,
        owner: KeyOwner,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        self.look(self.memory().idempotency_record(owner, key))
            .await
    }
}
