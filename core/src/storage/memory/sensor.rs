//! Sensors in memory.

use async_trait::async_trait;

use super::tenant::Tenant;
use super::{MemoryStorage, check_revision, page};
use crate::model::id::{OrganizationId, SensorId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::sensor::{Sensor, SensorFilter, SensorSummary, SensorUpdate};
use crate::storage::{SensorStore, StorageError};

#[async_trait]
impl SensorStore for MemoryStorage {
    async fn sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
    ) -> Result<Option<Sensor>, StorageError> {
        let state = self.lock();
        let tenant = state.tenant(organization);
        Ok(tenant.and_then(|tenant| tenant.sensors.get(&id)).cloned())
    }

    async fn sensors(
        &self,
        organization: OrganizationId,
        filter: &SensorFilter,
        page: PageRequest<SensorId>,
    ) -> Result<Page<Sensor>, StorageError> {
        let state = self.lock();
        Ok(state
            .tenant(organization)
            .map_or_else(page::empty, |tenant| {
                page::ascending(&tenant.sensors, &page, |sensor| {
                    filter.matches(sensor) && device_matches(tenant, filter, sensor)
                })
            }))
    }

    async fn sensor_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<SensorSummary, StorageError> {
        let state = self.lock();
        let mut summary = SensorSummary::default();
        let sensors = state.tenant(organization).map(|tenant| &tenant.sensors);
        for sensor in sensors.into_iter().flat_map(|sensors| sensors.values()) {
            summary.add(sensor.settings.value_type, 1);
        }
        Ok(summary)
    }

    async fn update_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
        update: &SensorUpdate,
    ) -> Result<Sensor, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "sensor")?;
        let sensor = tenant
            .sensors
            .get_mut(&id)
            .ok_or(StorageError::NotFound { what: "sensor" })?;
        check_revision(sensor.revision, expected, "sensor")?;
        sensor.update(update.clone())?;
        Ok(sensor.clone())
    }

    async fn delete_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "sensor")?;
        let found = tenant.sensors.get(&id);
        let found = found.ok_or(StorageError::NotFound { what: "sensor" })?;
        check_revision(found.revision, expected, "sensor")?;
        tenant.remove_sensor(id);
        Ok(())
    }
}

/// The part of a filter that concerns the sensor's device.
fn device_matches(tenant: &Tenant, filter: &SensorFilter, sensor: &Sensor) -> bool {
    tenant.devices.get(&sensor.device_id).is_some_and(|device| {
        let settings = &device.settings;
        (filter.site_id.is_none() || filter.site_id == settings.site_id)
            && filter
                .device_selector
                .as_ref()
                .is_none_or(|selector| selector.matches(&settings.tags))
    })
}
