//! Keeps API keys.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, KeyPrefix};
use crate::model::id::ApiKeyId;
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;
use crate::storage::{Effects, StorageError};

/// Keeps [`ApiKey`] records: hashes, never secrets.
#[async_trait]
pub trait ApiKeyStore: Debug + Send + Sync + 'static {
    /// Adds a key to its owner.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] for its id or prefix, whoever holds it; [`StorageError::NotFound`] where the owning
    /// organization is not there.
    async fn create_api_key(&self, key: &ApiKey, effects: &Effects) -> Result<(), StorageError>;

    /// Looks one of an owner's keys up.
    async fn api_key(&self, owner: KeyOwner, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError>;

    /// Looks a key up by its public prefix: the first step of every authentication, and the one
    /// look-up that cannot name the owner.
    async fn api_key_by_prefix(&self, prefix: KeyPrefix) -> Result<Option<ApiKey>, StorageError>;

    /// Lists an owner's keys, by id.
    async fn api_keys(
        &self,
        owner: KeyOwner,
        page: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey>, StorageError>;

    /// Notes when a key was last used; a time before the noted one changes nothing, a key that is
    /// not there neither. Need not be durable.
    async fn touch_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StorageError>;

    /// Changes it by [`ApiKey::update`]; what it may do from then on counts once this returns.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn update_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
        settings: &ApiKeySettings,
    ) -> Result<ApiKey, StorageError>;

    /// Removes a key; it is worth nothing once this returns.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn delete_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError>;
}
