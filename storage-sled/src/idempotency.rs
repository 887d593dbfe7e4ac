//! What is remembered of requests, in sled; it is written by
//! [`Change::effects`](crate::change::Change::effects).

use async_trait::async_trait;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use fieldgate_core::storage::{IdempotencyStore, StorageError};

use crate::SledStorage;
use crate::change::Source as _;
use crate::keys;

#[async_trait]
impl IdempotencyStore for SledStorage {
    async fn idempotency_record(
        &self,
        owner: KeyOwner,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        let key = keys::idempotency(owner, key);
        self.read(move |reader| reader.look(|view| view.record(&key)))
            .await
    }
}
