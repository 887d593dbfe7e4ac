//! What devices report, taken in in memory.

use async_trait::async_trait;

use super::tenant::Tenant;
use super::{MemoryStorage, free};
use crate::model::announcement::{Announcement, AnnouncementOutcome, plan_announcement};
use crate::model::health::DeviceHealth;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::ingestion::{
    IngestOutcome, Inventory, InventoryChange, ReadingBatch, SensorAddress, plan_readings,
};
use crate::model::key::Key;
use crate::model::limits::Limits;
use crate::model::quarantine::QuarantinedItem;
use crate::model::timestamp::Timestamp;
use crate::storage::{ReportStore, RetainedTopic, StorageError, Unique};

#[async_trait]
impl ReportStore for MemoryStorage {
    async fn store_readings(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        batch: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device")?;
        tenant.require_device(device)?;
        let mut inventory = counted(tenant, device);
        for reported in batch.items.iter().flatten() {
            match &reported.sensor {
                SensorAddress::Id(id) => {
                    let sensor = tenant.sensors.get(id);
                    let own = sensor.filter(|sensor| sensor.device_id == device);
                    if let Some(own) = own {
                        inventory.load_sensor(own.clone());
                    }
                }
                SensorAddress::Keys { component, sensor } => {
                    load(tenant, device, &mut inventory, component, [sensor]);
                }
            }
        }
        for (sensor, at) in inventory.widening(batch) {
            let readings = tenant.readings.get(&sensor);
            if readings.is_some_and(|readings| readings.contains_key(&at)) {
                inventory.load_reading(sensor, at);
            }
        }
        let plan = plan_readings(organization, device, batch, &mut inventory, limits);
        check_change(tenant, &plan.inventory)?;
        let mut items = plan.quarantined.iter();
        let ids_free = items.all(|item| !tenant.quarantine.contains_key(&item.id));
        free(ids_free, Unique::Id)?;

        write_change(tenant, plan.inventory);
        let mut outcome = IngestOutcome {
            stored: 0,
            quarantined: plan.refused,
        };
        for reading in plan.readings {
            let readings = tenant.readings.entry(reading.sensor_id).or_default();
            readings.entry(reading.timestamp).or_insert_with(|| {
                outcome.stored += 1;
                reading
            });
        }
        for item in plan.quarantined {
            tenant.add_quarantined(item, limits.quarantined_per_device);
        }
        Ok(outcome)
    }

    async fn store_announcement(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<AnnouncementOutcome, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device")?;
        tenant.require_device(device)?;
        let mut inventory = counted(tenant, device);
        for component in &announcement.components {
            let sensors = component.sensors.iter().map(|sensor| &sensor.key);
            load(tenant, device, &mut inventory, &component.key, sensors);
        }
        let (change, outcome) =
            plan_announcement(organization, device, announcement, inventory, limits);
        check_change(tenant, &change)?;

        write_change(tenant, change);
        let record = tenant.device_mut(device)?;
        if let Some(version) = &announcement.firmware_version {
            record.firmware_version = Some(version.clone());
        }
        if let Some(profile) = &announcement.profile {
            record.settings.profile = Some(profile.clone());
        }
        Ok(outcome)
    }

    async fn store_health(
        &self,
        organization: OrganizationId,
        health: &DeviceHealth,
    ) -> Result<bool, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device")?;
        tenant.require_device(health.device_id)?;
        let reports = tenant.health.entry(health.device_id).or_default();
        if reports.contains_key(&health.timestamp) {
            return Ok(false);
        }
        reports.insert(health.timestamp, health.clone());
        Ok(true)
    }

    async fn store_quarantined(
        &self,
        item: &QuarantinedItem,
        limits: &Limits,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(item.organization_id, "device")?;
        tenant.require_device(item.device_id)?;
        free(!tenant.quarantine.contains_key(&item.id), Unique::Id)?;
        tenant.add_quarantined(item.clone(), limits.quarantined_per_device);
        Ok(())
    }

    async fn store_retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
        payload: &[u8],
        _at: Timestamp,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device")?;
        tenant.require_device(device)?;
        if payload.is_empty() {
            tenant.retained.remove(&(device, topic));
        } else {
            tenant.retained.insert((device, topic), payload.to_vec());
        }
        Ok(())
    }

    async fn retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "device")?;
        tenant.require_device(device)?;
        Ok(tenant.retained.get(&(device, topic)).cloned())
    }
}

/// What is known of a device before its components and sensors are loaded.
fn counted(tenant: &Tenant, device: DeviceId) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.component_count = tenant.component_count(device);
    inventory.sensor_count = tenant.sensor_count(device);
    inventory
}

/// Loads a component and sensors of it, as far as they are there.
fn load<'a>(
    tenant: &Tenant,
    device: DeviceId,
    inventory: &mut Inventory,
    component: &Key,
    sensors: impl IntoIterator<Item = &'a Key>,
) {
    let Some(component) = tenant.component_of(device, component) else {
        return;
    };
    inventory.load_component(component.clone());
    for key in sensors {
        if let Some(sensor) = tenant.sensor_of(component.id, key) {
            inventory.load_sensor(sensor.clone());
        }
    }
}

/// Refuses a change whose new ids are taken: two steps were given the same seed.
fn check_change(tenant: &Tenant, change: &InventoryChange) -> Result<(), StorageError> {
    let mut components = change.new_components.iter();
    let mut sensors = change.new_sensors.iter();
    let ids_free = components.all(|new| !tenant.components.contains_key(&new.id))
        && sensors.all(|new| !tenant.sensors.contains_key(&new.id));
    free(ids_free, Unique::Id)
}

fn write_change(tenant: &mut Tenant, change: InventoryChange) {
    for component in change.new_components {
        tenant.add_component(component);
    }
    for component in change.changed_components {
        tenant.components.insert(component.id, component);
    }
    for sensor in change.new_sensors.into_iter().chain(change.changed_sensors) {
        tenant.add_sensor(sensor);
    }
}
