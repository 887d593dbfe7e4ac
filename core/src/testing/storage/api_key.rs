//! Clauses of [`ApiKeyStore`](crate::storage::ApiKeyStore).

use std::collections::BTreeSet;

use super::world::new_organization;
use crate::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, Scope};
use crate::model::id::ApiKeyId;
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{after, api_key, before, noon, parse};
use crate::testing::storage::Handle;

/// A created key can be read back by its id and by its prefix, unchanged.
pub async fn create_then_read(storage: &Handle) {
    for owner in [owner(storage).await, KeyOwner::Server] {
        let key = created(storage, owner).await;

        assert_same(storage.api_key(owner, key.id).await.unwrap(), &key);
        let by_prefix = storage.api_key_by_prefix(key.prefix).await.unwrap();
        assert_same(by_prefix, &key);
    }
}

/// All scopes, and a key without an end, are kept.
pub async fn scopes_and_ends_are_kept(storage: &Handle) {
    let owner = owner(storage).await;
    let mut all = api_key(owner);
    all.scopes = Scope::ORGANIZATION.into_iter().collect();
    all.expires_at = None;
    let mut none = api_key(owner);
    none.scopes.clear();
    none.expires_at = Some(Timestamp::MAX);
    none.last_used_at = Some(after(1));

    for key in [all, none] {
        storage.create_api_key(&key, &Effects::NONE).await.unwrap();
        assert_same(storage.api_key(owner, key.id).await.unwrap(), &key);
    }
}

/// A taken id is refused, also where its holder is another's; the id of a deleted key is free.
pub async fn create_refuses_a_taken_id(storage: &Handle) {
    let first = created(storage, owner(storage).await).await;
    let mut second = api_key(first.owner);
    second.id = first.id;

    for owner in [first.owner, owner(storage).await, KeyOwner::Server] {
        second.owner = owner;
        let answer = storage.create_api_key(&second, &Effects::NONE).await;
        assert_refused!(answer, StorageError::Taken(Unique::Id));
        let by_prefix = storage.api_key_by_prefix(second.prefix).await.unwrap();
        assert!(by_prefix.is_none());
    }

    let stored = storage.api_key(first.owner, first.id).await.unwrap();
    assert_same(stored, &first);
    let deleted = storage.delete_api_key(first.owner, first.id, None).await;
    deleted.unwrap();
    let created = storage.create_api_key(&second, &Effects::NONE).await;
    created.unwrap();
}

/// A taken prefix is refused, also where its holder is another's.
pub async fn create_refuses_a_taken_prefix(storage: &Handle) {
    let first = created(storage, owner(storage).await).await;

    for owner in [first.owner, owner(storage).await, KeyOwner::Server] {
        let mut second = api_key(owner);
        second.prefix = first.prefix;
        let answer = storage.create_api_key(&second, &Effects::NONE).await;
        assert_refused!(answer, StorageError::Taken(Unique::ApiKeyPrefix));
        let stored = storage.api_key(owner, second.id).await.unwrap();
        assert!(stored.is_none());
    }

    let by_prefix = storage.api_key_by_prefix(first.prefix).await.unwrap();
    assert_same(by_prefix, &first);
}

/// The keys of one owner are not there for another.
pub async fn owners_are_apart(storage: &Handle) {
    let owners = [owner(storage).await, owner(storage).await, KeyOwner::Server];
    for owner in owners {
        let key = created(storage, owner).await;
        for other in owners.into_iter().filter(|other| *other != owner) {
            let found = storage.api_key(other, key.id).await.unwrap();
            assert!(found.is_none());
            let touched = storage.touch_api_key(other, key.id, after(5)).await;
            touched.unwrap();
            let answer = storage.delete_api_key(other, key.id, None).await;
            assert_refused!(answer, StorageError::NotFound { .. });
            let answer = storage
                .update_api_key(other, key.id, None, &settings())
                .await;
            assert_refused!(answer, StorageError::NotFound { .. });
        }
        assert_same(storage.api_key(owner, key.id).await.unwrap(), &key);
    }
    for owner in owners {
        assert_eq!(ids(storage, owner, 500).await.len(), 1);
    }
}

/// The time of last use only ever moves forwards, and nothing else changes with it.
pub async fn touch_moves_forwards(storage: &Handle) {
    let owner = owner(storage).await;
    let mut key = created(storage, owner).await;

    for (at, expected) in [
        (noon(), noon()),
        (after(60), after(60)),
        (before(60), after(60)),
    ] {
        let touched = storage.touch_api_key(owner, key.id, at).await;
        touched.unwrap();
        key.last_used_at = Some(expected);
        assert_same(storage.api_key(owner, key.id).await.unwrap(), &key);
    }
    let by_prefix = storage.api_key_by_prefix(key.prefix).await.unwrap();
    assert_same(by_prefix, &key);
}

/// Touching a key that is not there does not make one.
pub async fn touch_does_not_create(storage: &Handle) {
    let owner = owner(storage).await;
    let unknown = api_key(owner);

    let touched = storage.touch_api_key(owner, unknown.id, noon()).await;

    touched.unwrap();
    let found = storage.api_key(owner, unknown.id).await.unwrap();
    assert!(found.is_none());
    assert!(ids(storage, owner, 500).await.is_empty());
}

/// An update changes name, scopes and end, raises the revision by one, and leaves the secret.
pub async fn update_changes_the_settings(storage: &Handle) {
    let owner = owner(storage).await;
    let mut key = created(storage, owner).await;
    let touched = storage.touch_api_key(owner, key.id, after(5)).await;
    touched.unwrap();
    key.last_used_at = Some(after(5));

    let right = Some(key.revision);
    let updated = storage
        .update_api_key(owner, key.id, right, &settings())
        .await;

    key.update(settings());
    assert_same(updated.ok(), &key);
    assert_same(storage.api_key(owner, key.id).await.unwrap(), &key);
    let by_prefix = storage.api_key_by_prefix(key.prefix).await.unwrap();
    assert_same(by_prefix, &key);
}

/// A change from another revision than the stored one is refused, be it an update or a deletion.
pub async fn changes_check_the_revision(storage: &Handle) {
    let owner = owner(storage).await;
    let key = created(storage, owner).await;
    let wrong = Some(Revision::FIRST.next());

    let answer = storage
        .update_api_key(owner, key.id, wrong, &settings())
        .await;
    assert_refused!(answer, StorageError::StaleRevision { .. });
    let answer = storage.delete_api_key(owner, key.id, wrong).await;
    assert_refused!(answer, StorageError::StaleRevision { .. });

    assert_same(storage.api_key(owner, key.id).await.unwrap(), &key);
    let right = Some(key.revision);
    storage.delete_api_key(owner, key.id, right).await.unwrap();
}

/// Updating what is not there is an error, not a creation.
pub async fn update_needs_a_record(storage: &Handle) {
    let owner = owner(storage).await;
    let unknown = api_key(owner);

    let answer = storage
        .update_api_key(owner, unknown.id, None, &settings())
        .await;

    assert_refused!(answer, StorageError::NotFound { .. });
    assert!(ids(storage, owner, 500).await.is_empty());
}

/// A deleted key is gone from every answer.
pub async fn delete_is_at_once(storage: &Handle) {
    let owner = owner(storage).await;
    let kept = created(storage, owner).await;
    let gone = created(storage, owner).await;

    storage.delete_api_key(owner, gone.id, None).await.unwrap();

    assert!(storage.api_key(owner, gone.id).await.unwrap().is_none());
    let by_prefix = storage.api_key_by_prefix(gone.prefix).await.unwrap();
    assert!(by_prefix.is_none());
    assert_eq!(ids(storage, owner, 500).await, [kept.id]);
    let touched = storage.touch_api_key(owner, gone.id, noon()).await;
    touched.unwrap();
    assert!(storage.api_key(owner, gone.id).await.unwrap().is_none());
    let answer = storage.delete_api_key(owner, gone.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
}

/// The list holds an owner's keys by id, in pages of any size.
pub async fn the_list_is_by_id(storage: &Handle) {
    let owner = owner(storage).await;
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(created(storage, owner).await.id);
        created(storage, KeyOwner::Server).await;
    }
    expected.sort();

    for limit in [1, 2, 7, 500] {
        assert_eq!(ids(storage, owner, limit).await, expected);
    }
    assert_eq!(ids(storage, KeyOwner::Server, 3).await.len(), 7);
}

async fn owner(storage: &Handle) -> KeyOwner {
    KeyOwner::Organization(new_organization(storage).await)
}

fn settings() -> ApiKeySettings {
    ApiKeySettings {
        name: parse("other"),
        scopes: BTreeSet::from([Scope::DataRead]),
        expires_at: None,
    }
}

async fn created(storage: &Handle, owner: KeyOwner) -> ApiKey {
    let key = api_key(owner);
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    key
}

async fn ids(storage: &Handle, owner: KeyOwner, limit: u16) -> Vec<ApiKeyId> {
    let keys = all_pages!(limit, |page| storage.api_keys(owner, page), |key| key.id);
    keys.iter().map(|key| key.id).collect()
}

/// There is no `==` for keys, so that nobody compares hashes by it.
#[track_caller]
fn assert_same(found: Option<ApiKey>, expected: &ApiKey) {
    let found = found.unwrap();
    let hash = *found.secret_hash.as_bytes();
    assert_eq!(hash, *expected.secret_hash.as_bytes());
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}
