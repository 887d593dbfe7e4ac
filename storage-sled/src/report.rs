//! What devices report, taken in into sled.

use std::collections::HashMap;

use async_trait::async_trait;
use fieldgate_core::model::announcement::{Announcement, AnnouncementOutcome, plan_announcement};
use fieldgate_core::model::health::DeviceHealth;
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::ingestion::{
    IngestOutcome, Inventory, InventoryChange, ReadingBatch, SensorAddress, plan_readings,
};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::quarantine::QuarantinedItem;
use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReportStore, RetainedTopic, StorageError};

use crate::SledStorage;
use crate::change::{Change, Source};
use crate::error::Error;
use crate::keys::{self, Range};
use crate::{component, device, health, quarantine, reading, sensor};

#[async_trait]
impl ReportStore for SledStorage {
    async fn store_readings(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        batch: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError> {
        let (batch, limits) = (batch.clone(), limits.clone());
        self.change(move |change| {
            change.require_device(organization, device)?;
            let mut known = Known::new(organization, device);
            for reported in batch.items.iter().flatten() {
                match &reported.sensor {
                    SensorAddress::Id(id) => known.load_by_id(change, *id)?,
                    SensorAddress::Keys { component, sensor } => {
                        known.load(change, component, [sensor])?;
                    }
                }
            }
            let before = known.sensors.clone();
            let mut inventory = known.into_inventory(change)?;
            for (sensor, at) in inventory.widening(&batch) {
                if change.has(&keys::reading(organization, sensor, at))? {
                    inventory.load_reading(sensor, at);
                }
            }
            let plan = plan_readings(organization, device, &batch, &mut inventory, &limits);
            write_inventory(change, &plan.inventory, &before)?;
            let mut outcome = IngestOutcome {
                stored: 0,
                quarantined: plan.refused,
            };
            for taken in &plan.readings {
                outcome.stored += usize::from(reading::add(change, organization, taken)?);
            }
            let limit = limits.quarantined_per_device;
            quarantine::add(change, organization, device, &plan.quarantined, limit)?;
            Ok(outcome)
        })
        .await
    }

    async fn store_announcement(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<AnnouncementOutcome, StorageError> {
        let (announcement, limits) = (announcement.clone(), limits.clone());
        self.change(move |change| {
            let record = device::stored(change, organization, device)?;
            let mut known = Known::new(organization, device);
            for component in &announcement.components {
                let sensors = component.sensors.iter().map(|sensor| &sensor.key);
                known.load(change, &component.key, sensors)?;
            }
            let before = known.sensors.clone();
            let inventory = known.into_inventory(change)?;
            let (inventory, outcome) =
                plan_announcement(organization, device, &announcement, inventory, &limits);
            write_inventory(change, &inventory, &before)?;
            let mut announced = record.clone();
            if let Some(version) = announcement.firmware_version {
                announced.firmware_version = Some(version);
            }
            if let Some(profile) = announcement.profile {
                announced.settings.profile = Some(profile);
            }
            if announced != record {
                device::replace(change, &record, &announced)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn store_health(
        &self,
        organization: OrganizationId,
        health: &DeviceHealth,
    ) -> Result<bool, StorageError> {
        let health = health.clone();
        self.change(move |change| {
            change.require_device(organization, health.device_id)?;
            health::add(change, organization, &health)
        })
        .await
    }

    async fn store_quarantined(
        &self,
        item: &QuarantinedItem,
        limits: &Limits,
    ) -> Result<(), StorageError> {
        let (item, limit) = (item.clone(), limits.quarantined_per_device);
        self.change(move |change| {
            let (organization, device) = (item.organization_id, item.device_id);
            change.require_device(organization, device)?;
            quarantine::add(change, organization, device, &[item], limit)
        })
        .await
    }

    async fn store_retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
        payload: &[u8],
        _at: Timestamp,
    ) -> Result<(), StorageError> {
        let payload = payload.to_vec();
        self.change(move |change| {
            change.require_device(organization, device)?;
            change.remove_all(Range::of(keys::retained(organization, device, topic)))?;
            // A whole one could be larger than what sled keeps in its log.
            for (number, piece) in (0..).zip(payload.chunks(RETAINED_PIECE_MAX)) {
                let key = keys::retained_piece(organization, device, topic, number);
                change.put(key, piece);
            }
            Ok(())
        })
        .await
    }

    async fn retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(move |reader| {
            reader.look(|view| {
                view.require_device(organization, device)?;
                let mut payload = Vec::new();
                for entry in view.entries(Range::of(keys::retained(organization, device, topic))) {
                    let (_, piece) = entry?;
                    payload.extend_from_slice(&piece);
                }
                Ok((!payload.is_empty()).then_some(payload))
            })
        })
        .await
    }
}

/// What is known of a device, as far as a report names it.
struct Known {
    organization: OrganizationId,
    device: DeviceId,
    inventory: Inventory,
    components: HashMap<Key, Option<ComponentId>>,
    sensors: HashMap<SensorId, Sensor>,
    /// Whether the report names something that is not there, so that it may have to be created.
    incomplete: bool,
}

impl Known {
    fn new(organization: OrganizationId, device: DeviceId) -> Self {
        Self {
            organization,
            device,
            inventory: Inventory::default(),
            components: HashMap::new(),
            sensors: HashMap::new(),
            incomplete: false,
        }
    }

    fn load_by_id(&mut self, source: &impl Source, id: SensorId) -> Result<(), Error> {
        if !self.sensors.contains_key(&id) {
            let sensor = sensor::living(source, self.organization, id)?;
            let own = sensor.filter(|sensor| sensor.device_id == self.device);
            self.load_sensor(own);
        }
        Ok(())
    }

    fn load<'a>(
        &mut self,
        source: &impl Source,
        component: &Key,
        sensors: impl IntoIterator<Item = &'a Key>,
    ) -> Result<(), Error> {
        let id = match self.components.get(component) {
            Some(id) => *id,
            None => self.load_component(source, component)?,
        };
        let Some(id) = id else {
            self.incomplete = true;
            return Ok(());
        };
        for key in sensors {
            let sensor = sensor::by_key(source, self.organization, id, key)?;
            self.incomplete |= sensor.is_none();
            self.load_sensor(sensor);
        }
        Ok(())
    }

    fn load_component(
        &mut self,
        source: &impl Source,
        key: &Key,
    ) -> Result<Option<ComponentId>, Error> {
        let component = component::by_key(source, self.organization, self.device, key)?;
        let id = component.as_ref().map(|component| component.id);
        self.components.insert(key.clone(), id);
        if let Some(component) = component {
            self.inventory.load_component(component);
        }
        Ok(id)
    }

    fn load_sensor(&mut self, sensor: Option<Sensor>) {
        if let Some(sensor) = sensor {
            self.sensors.insert(sensor.id, sensor.clone());
            self.inventory.load_sensor(sensor);
        }
    }

    /// With the counts, which only matter where something may have to be created.
    fn into_inventory(mut self, change: &Change<'_>) -> Result<Inventory, Error> {
        if self.incomplete {
            let (organization, device) = (self.organization, self.device);
            self.inventory.component_count = component::count(change, organization, device)?;
            self.inventory.sensor_count = sensor::count(change, organization, device)?;
        }
        Ok(self.inventory)
    }
}

/// Writes a plan; of the sensors that were there `before`, only those that differ.
fn write_inventory(
    change: &mut Change<'_>,
    plan: &InventoryChange,
    before: &HashMap<SensorId, Sensor>,
) -> Result<(), Error> {
    for new in &plan.new_components {
        component::require_free_id(change, new.organization_id, new.id)?;
        component::add(change, new)?;
    }
    for changed in &plan.changed_components {
        change.put_record(
            keys::component(changed.organization_id, changed.id),
            changed,
        )?;
    }
    for new in &plan.new_sensors {
        sensor::require_free_id(change, new.organization_id, new.id)?;
        sensor::add(change, new)?;
    }
    for changed in &plan.changed_sensors {
        if before.get(&changed.id) != Some(changed) {
            change.put_record(keys::sensor(changed.organization_id, changed.id), changed)?;
        }
    }
    Ok(())
}

pub(crate) const RETAINED_PIECE_MAX: usize = 32 * 1024;
