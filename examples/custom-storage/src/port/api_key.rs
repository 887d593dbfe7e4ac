//! Keeps API keys.

use async_trait::async_trait;
use fieldgate_core::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, KeyPrefix};
use fieldgate_core::model::id::ApiKeyId;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ApiKeyStore, Effects, StorageError};

use crate::JournalStorage;

#[async_trait]
impl ApiKeyStore for JournalStorage {
    async fn create_api_key(&self, key: &ApiKey, effects: &Effects) -> Result<(), StorageError> {
        self.change(self.memory().create_api_key(key, effects))
            .await
    }

    async fn api_key(&self, owner: KeyOwner, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        self.look(self.memory().api_key(owner, id)).await
    }

    async fn api_key_by_prefix(&self, prefix: KeyPrefix) -> Result<Option<ApiKey>, StorageError> {
        self.look(self.memory().api_key_by_prefix(prefix)).await
    }

    async fn api_keys(
        &self,
        owner: KeyOwner,
        page: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey>, StorageError> {
        self.look(self.memory().api_keys(owner, page)).await
    }

    async fn touch_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        self.pass(self.memory().touch_api_key(owner, id, at)).await
    }

    async fn update_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
        settings: &ApiKeySettings,
    ) -> Result<ApiKey, StorageError> {
        self.change(self.memory().update_api_key(owner, id, expected, settings))
            .await
    }

    async fn delete_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change(self.memory().delete_api_key(owner, id, expected))
            .await
    }
}
