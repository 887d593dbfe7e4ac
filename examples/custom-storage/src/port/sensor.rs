//! Keeps sensors.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::sensor::{Sensor, SensorFilter, SensorSummary, SensorUpdate};
use fieldgate_core::storage::{SensorStore, StorageError};

use crate::JournalStorage;

#[async_trait]
impl SensorStore for JournalStorage {
    async fn sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
    ) -> Result<Option<Sensor>, StorageError> {
        self.look(self.memory().sensor(organization, id)).await
    }

    async fn sensors(
        &self,
        organization: OrganizationId,
        filter: &SensorFilter,
        page: PageRequest<SensorId>,
    ) -> Result<Page<Sensor>, StorageError> {
        self.look(self.memory().sensors(organization, filter, page))
            .await
    }

    async fn update_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
        update: &SensorUpdate,
    ) -> Result<Sensor, StorageError> {
        self.change(
            self.memory()
                .update_sensor(organization, id, expected, update),
        )
        .await
    }

    async fn delete_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change(self.memory().delete_sensor(organization, id, expected))
            .await
    }

    async fn sensor_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<SensorSummary, StorageError> {
        self.look(self.memory().sensor_summary(organization)).await
    }
}
