//! API keys in memory.

use async_trait::async_trait;

use super::{MemoryStorage, State, check_revision, free};
use crate::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, KeyPrefix};
use crate::model::id::ApiKeyId;
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;
use crate::storage::{ApiKeyStore, Effects, StorageError, Unique};

#[async_trait]
impl ApiKeyStore for MemoryStorage {
    async fn create_api_key(&self, key: &ApiKey, effects: &Effects) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        if let KeyOwner::Organization(organization) = key.owner {
            state.tenant_mut(organization, "organization")?;
        }
        state.check_api_key(key)?;
        state.api_keys.insert((key.owner, key.id), key.clone());
        state.apply_effects(effects);
        Ok(())
    }

    async fn api_key(&self, owner: KeyOwner, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        Ok(self.lock().api_keys.get(&(owner, id)).cloned())
    }

    async fn api_key_by_prefix(&self, prefix: KeyPrefix) -> Result<Option<ApiKey>, StorageError> {
        let state = self.lock();
        let mut keys = state.api_keys.values();
        Ok(keys.find(|key| key.prefix == prefix).cloned())
    }

    async fn api_keys(
        &self,
        owner: KeyOwner,
        page: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey>, StorageError> {
        let state = self.lock();
        let found = state
            .api_keys
            .values()
            .filter(|key| key.owner == owner && page.after.is_none_or(|after| key.id > after))
            .take(page.limit.as_usize() + 1)
            .cloned()
            .collect();
        Ok(Page::cut(found, page.limit))
    }

    async fn touch_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        if let Some(key) = self.lock().api_keys.get_mut(&(owner, id)) {
            key.last_used_at = key.last_used_at.max(Some(at));
        }
        Ok(())
    }

    async fn update_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
        settings: &ApiKeySettings,
    ) -> Result<ApiKey, StorageError> {
        let mut state = self.lock();
        let found = state.api_keys.get_mut(&(owner, id));
        let key = found.ok_or(StorageError::NotFound { what: "API key" })?;
        check_revision(key.revision, expected, "API key")?;
        key.update(settings.clone());
        Ok(key.clone())
    }

    async fn delete_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let found = state.api_keys.get(&(owner, id));
        let key = found.ok_or(StorageError::NotFound { what: "API key" })?;
        check_revision(key.revision, expected, "API key")?;
        state.api_keys.remove(&(owner, id));
        Ok(())
    }
}

impl State {
    /// Whether a key is new.
    pub(super) fn check_api_key(&self, key: &ApiKey) -> Result<(), StorageError> {
        let others = || self.api_keys.values();
        free(others().all(|other| other.id != key.id), Unique::Id)?;
        free(
            others().all(|other| other.prefix != key.prefix),
            Unique::ApiKeyPrefix,
        )
    }
}
