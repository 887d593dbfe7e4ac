//! Faults of API keys.

use super::{Fault, FaultyStorage};
use crate::model::api_key::{ApiKey, KeyPrefix};
use crate::storage::{ApiKeyStore, Effects, StorageError};
use crate::testing::clauses::assert_caught;
use crate::testing::storage::{StorageFixture, api_key, organization};

impl FaultyStorage {
    pub(super) async fn create_api_key(
        &self,
        key: &ApiKey,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.inner.create_api_key(key, effects).await?;
        self.noted().api_keys.push(key.clone());
        Ok(())
    }

    pub(super) async fn api_key_by_prefix(
        &self,
        prefix: KeyPrefix,
    ) -> Result<Option<ApiKey>, StorageError> {
        let found = self.inner.api_key_by_prefix(prefix).await?;
        if found.is_none() && self.has(Fault::LeavesApiKeys) {
            let left = self.noted();
            return Ok(left.api_keys.iter().find(|it| it.prefix == prefix).cloned());
        }
        Ok(found)
    }
}

#[tokio::test]
async fn faults_of_api_keys_are_caught() {
    assert_catches!(
        api_key::delete_is_at_once,
        LeavesApiKeys,
        "by_prefix.is_none()"
    );
    assert_catches!(
        organization::delete_takes_keys_sites_and_groups_along,
        LeavesApiKeys,
        "by_prefix.is_none()"
    );
}
