//! Keeps devices.

use async_trait::async_trait;
use fieldgate_core::model::device::{Device, DeviceFilter, DeviceSummary, DeviceUpdate};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{DeletedDevice, DeviceChange, DeviceStore, Effects, StorageError};

use crate::JournalStorage;

#[async_trait]
impl DeviceStore for JournalStorage {
    async fn create_device(&self, device: &Device, effects: &Effects) -> Result<(), StorageError> {
        self.change(self.memory().create_device(device, effects))
            .await
    }

    async fn device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<Option<Device>, StorageError> {
        self.look(self.memory().device(organization, id)).await
    }

    async fn devices(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>, StorageError> {
        self.look(self.memory().devices(organization, filter, page))
            .await
    }

    async fn update_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        update: &DeviceUpdate,
        now: Timestamp,
    ) -> Result<DeviceChange, StorageError> {
        self.change(
            self.memory()
                .update_device(organization, id, expected, update, now),
        )
        .await
    }

    async fn delete_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<DeletedDevice, StorageError> {
        self.change(self.memory().delete_device(organization, id, expected, now))
            .await
    }

    async fn device_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<DeviceSummary, StorageError> {
        self.look(self.memory().device_summary(organization)).await
    }
}
