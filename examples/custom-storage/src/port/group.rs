//! Keeps device groups.

use async_trait::async_trait;
use fieldgate_core::model::group::{DeviceGroup, GroupSettings};
use fieldgate_core::model::id::{GroupId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::storage::{Effects, GroupStore, StorageError};

use crate::JournalStorage;

#[async_trait]
impl GroupStore for JournalStorage {
    async fn create_group(
        &self,
        group: &DeviceGroup,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.change(self.memory().create_group(group, effects))
            .await
    }

    async fn group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<Option<DeviceGroup>, StorageError> {
        self.look(self.memory().group(organization, id)).await
    }

    async fn groups(
        &self,
        organization: OrganizationId,
        page: PageRequest<GroupId>,
    ) -> Result<Page<DeviceGroup>, StorageError> {
        self.look(self.memory().groups(organization, page)).await
    }

    async fn update_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
        settings: &GroupSettings,
    ) -> Result<DeviceGroup, StorageError> {
        self.change(
            self.memory()
                .update_group(organization, id, expected, settings),
        )
        .await
    }

    async fn delete_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change(self.memory().delete_group(organization, id, expected))
            .await
    }

    async fn group_sizes(
        &self,
        organization: OrganizationId,
        ids: &[GroupId],
    ) -> Result<Vec<u64>, StorageError> {
        self.look(self.memory().group_sizes(organization, ids))
            .await
    }
}
