//! Looks stored health reports up.

use async_trait::async_trait;
use fieldgate_core::model::health::DeviceHealth;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::reading::TimeRange;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{HealthStore, StorageError};

use crate::JournalStorage;

#[async_trait]
impl HealthStore for JournalStorage {
    async fn health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<DeviceHealth>, StorageError> {
        self.look(self.memory().health(organization, device, range, page))
            .await
    }

    async fn latest_health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<Option<DeviceHealth>, StorageError> {
        self.look(self.memory().latest_health(organization, device))
            .await
    }
}
