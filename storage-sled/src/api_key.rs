//! API keys in sled.

use async_trait::async_trait;
use fieldgate_core::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, KeyPrefix};
use fieldgate_core::model::id::ApiKeyId;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ApiKeyStore, Effects, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Change, Source, check_revision};
use crate::error::Error;
use crate::keys::{self, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::writer::Kind;

#[async_trait]
impl ApiKeyStore for SledStorage {
    async fn create_api_key(&self, key: &ApiKey, effects: &Effects) -> Result<(), StorageError> {
        let (api_key, effects) = (key.clone(), effects.clone());
        self.change(move |change| {
            change.effects(&effects)?;
            add(change, &api_key)
        })
        .await
    }

    async fn api_key(&self, owner: KeyOwner, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        self.read(move |reader| reader.look(|view| view.record(&keys::api_key(owner, id))))
            .await
    }

    async fn api_key_by_prefix(&self, prefix: KeyPrefix) -> Result<Option<ApiKey>, StorageError> {
        self.read(move |reader| {
            reader.look(|view| match view.octets(&keys::api_key_prefix(prefix))? {
                Some(key) => view.linked(&key).map(Some),
                None => Ok(None),
            })
        })
        .await
    }

    async fn api_keys(
        &self,
        owner: KeyOwner,
        page: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey>, StorageError> {
        let after = page.after.map(|id| keys::api_key(owner, id));
        let range = Range::of(keys::api_keys(owner)).after(after);
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |_, _, octets| {
                ApiKey::decode(octets).map(Some)
            })
        })
        .await
    }

    async fn touch_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Fleeting, move |change| {
            let key = keys::api_key(owner, id);
            let Some(mut api_key) = change.record::<ApiKey>(&key)? else {
                return Ok(());
            };
            if api_key.last_used_at < Some(at) {
                api_key.last_used_at = Some(at);
                change.put_record(key, &api_key)?;
            }
            Ok(())
        })
        .await
    }

    async fn update_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
        settings: &ApiKeySettings,
    ) -> Result<ApiKey, StorageError> {
        let settings = settings.clone();
        self.change(move |change| {
            let key = keys::api_key(owner, id);
            let stored = change.record(&key)?;
            let mut api_key: ApiKey = stored.ok_or(Error::not_found("API key"))?;
            check_revision(api_key.revision, expected, "API key")?;
            api_key.update(settings);
            change.put_record(key, &api_key)?;
            Ok(api_key)
        })
        .await
    }

    async fn delete_api_key(
        &self,
        owner: KeyOwner,
        id: ApiKeyId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let key = keys::api_key(owner, id);
            let stored = change.record(&key)?;
            let api_key: ApiKey = stored.ok_or(Error::not_found("API key"))?;
            check_revision(api_key.revision, expected, "API key")?;
            remove(change, &api_key);
            Ok(())
        })
        .await
    }
}

/// Adds a key, which must be new, to its owner.
pub(crate) fn add(change: &mut Change<'_>, api_key: &ApiKey) -> Result<(), Error> {
    if let KeyOwner::Organization(id) = api_key.owner {
        change.require(&keys::organization(id), "organization")?;
    }
    let key = keys::api_key(api_key.owner, api_key.id);
    let (id, prefix) = (
        keys::api_key_id(api_key.id),
        keys::api_key_prefix(api_key.prefix),
    );
    change.require_free(&id, Unique::Id)?;
    change.require_free(&prefix, Unique::ApiKeyPrefix)?;
    change.mark(id);
    change.put(prefix, key.clone());
    change.put_record(key, api_key)
}

/// Removes a key.
pub(crate) fn remove(change: &mut Change<'_>, api_key: &ApiKey) {
    change.remove(keys::api_key_id(api_key.id));
    change.remove(keys::api_key_prefix(api_key.prefix));
    change.remove(keys::api_key(api_key.owner, api_key.id));
}
