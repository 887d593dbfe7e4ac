//! Health reports in memory.

use async_trait::async_trait;

use super::{MemoryStorage, page};
use crate::model::health::DeviceHealth;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::reading::TimeRange;
use crate::model::timestamp::Timestamp;
use crate::storage::{HealthStore, StorageError};

#[async_trait]
impl HealthStore for MemoryStorage {
    async fn health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<DeviceHealth>, StorageError> {
        let state = self.lock();
        let reports = state
            .tenant(organization)
            .and_then(|tenant| tenant.health.get(&device));
        Ok(reports.map_or_else(page::empty, |reports| page::history(reports, range, &page)))
    }

    async fn latest_health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<Option<DeviceHealth>, StorageError> {
        let state = self.lock();
        let reports = state
            .tenant(organization)
            .and_then(|tenant| tenant.health.get(&device));
        Ok(reports
            .and_then(|reports| reports.last_key_value())
            .map(|(_, report)| report.clone()))
    }
}
