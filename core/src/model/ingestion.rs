//! What a batch of reported readings changes: the rules of ingest, without I/O.
//!
//! A storage loads what the batch names ([`Inventory`]), and which of the readings that could
//! widen a sensor are stored already ([`Inventory::widening`]), calls [`plan_readings`], and writes
//! the [`ReadingPlan`], all in one atomic step. So every backend keeps the same rules.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use uuid::Uuid;

use crate::model::component::{Component, ComponentOrigin, ComponentSettings};
use crate::model::id::{ComponentId, DeviceId, OrganizationId, QuarantineId, SensorId, uuid_v7};
use crate::model::key::Key;
use crate::model::limits::Limits;
use crate::model::metadata::Metadata;
use crate::model::quarantine::{QuarantineReason, QuarantinedItem, Rejection};
use crate::model::reading::{Reading, Value};
use crate::model::revision::Revision;
use crate::model::sensor::{Sensor, SensorSettings, TypeOrigin, ValueType};
use crate::model::tag::Tags;
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;

/// Readings as one message of a device brought them: the well-formed ones, and what was not.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingBatch {
    /// When the message arrived.
    pub received_at: Timestamp,
    /// From which the ids of what it creates are made.
    pub seed: IdSeed,
    /// The items in the message's order; a structured reading has become several.
    pub items: Vec<Result<ReportedReading, Rejection>>,
}

/// A well-formed reading as a device reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedReading {
    /// Which sensor.
    pub sensor: SensorAddress,
    /// When it was taken; the time of receipt where the device does not say.
    pub timestamp: Option<Timestamp>,
    /// What was read.
    pub value: Value,
    /// Anything else.
    pub metadata: Option<Metadata>,
    /// The item as it was sent, for the quarantine.
    pub raw: Bytes,
}

/// How a device names a sensor.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SensorAddress {
    /// By its id; such a sensor has to be there.
    Id(SensorId),
    /// By its keys; such a sensor is created where it is not there.
    Keys {
        /// The component's key.
        component: Key,
        /// The sensor's key.
        sensor: Key,
    },
}

/// What a storage knows of a device, as far as a batch or an announcement names it.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    components: HashMap<Key, Component>,
    sensors: HashMap<(ComponentId, Key), Sensor>,
    sensor_keys: HashMap<SensorId, (ComponentId, Key)>,
    /// Of which sensor and timestamp there is a reading, as far as it matters.
    stored: HashSet<(SensorId, Timestamp)>,
    /// How many components the device has in all.
    pub component_count: usize,
    /// How many sensors the device has in all.
    pub sensor_count: usize,
}

/// What a storage has to write of components and sensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InventoryChange {
    /// Components to create.
    pub new_components: Vec<Component>,
    /// Components to replace: name and profile may differ, and nothing else.
    pub changed_components: Vec<Component>,
    /// Sensors to create, as they are after the batch.
    pub new_sensors: Vec<Sensor>,
    /// Sensors to replace, as they are after the batch.
    pub changed_sensors: Vec<Sensor>,
}

/// What a storage has to write for a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadingPlan {
    /// Components and sensors.
    pub inventory: InventoryChange,
    /// Readings to store where there is none of that sensor and timestamp yet.
    pub readings: Vec<Reading>,
    /// Items for the quarantine, oldest first; no more than it can hold.
    pub quarantined: Vec<QuarantinedItem>,
    /// How many items were refused in all.
    pub refused: usize,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct IngestOutcome {
    /// Readings that are stored now and were not before.
    pub stored: usize,
    /// Items that went to the quarantine.
    pub quarantined: usize,
}

impl Inventory {
    /// Adds a component that the storage has; does not count it.
    pub fn load_component(&mut self, component: Component) {
        self.components.insert(component.key.clone(), component);
    }

    /// Adds a sensor that the storage has; does not count it.
    pub fn load_sensor(&mut self, sensor: Sensor) {
        let place = (sensor.component_id, sensor.key.clone());
        self.sensor_keys.insert(sensor.id, place.clone());
        self.sensors.insert(place, sensor);
    }

    /// Which readings of a batch would widen the sensors that are loaded. Those of them that are
    /// stored already do not count: a storage says so by [`Inventory::load_reading`].
    #[must_use]
    pub fn widening(&self, batch: &ReadingBatch) -> HashSet<(SensorId, Timestamp)> {
        let items = batch.items.iter().flatten();
        let widening = items.filter_map(|reported| {
            let place = match &reported.sensor {
                SensorAddress::Id(id) => self.sensor_keys.get(id)?.clone(),
                SensorAddress::Keys { component, sensor } => {
                    (self.components.get(component)?.id, sensor.clone())
                }
            };
            let sensor = self.sensors.get(&place)?;
            let at = reported.timestamp.unwrap_or(batch.received_at);
            sensor
                .would_widen(&reported.value)
                .then_some((sensor.id, at))
        });
        widening.collect()
    }

    /// Notes that the storage has a reading of this sensor and timestamp.
    pub fn load_reading(&mut self, sensor: SensorId, timestamp: Timestamp) {
        self.stored.insert((sensor, timestamp));
    }

    /// The component of this key, if it was loaded or created.
    #[must_use]
    pub fn component(&self, key: &Key) -> Option<&Component> {
        self.components.get(key)
    }

    pub(crate) fn component_mut(&mut self, key: &Key) -> Option<&mut Component> {
        self.components.get_mut(key)
    }

    pub(crate) fn add_component(&mut self, component: Component) {
        self.component_count += 1;
        self.load_component(component);
    }

    pub(crate) fn add_sensor(&mut self, sensor: Sensor) {
        self.sensor_count += 1;
        self.load_sensor(sensor);
    }

    pub(crate) fn sensor_mut(&mut self, component: ComponentId, key: &Key) -> Option<&mut Sensor> {
        self.sensors.get_mut(&(component, key.clone()))
    }

    fn sensor_by_id(&mut self, id: SensorId) -> Option<&mut Sensor> {
        let place = self.sensor_keys.get(&id)?;
        self.sensors.get_mut(place)
    }
}

impl InventoryChange {
    /// Notes the new form of a component, whether it is to be created or replaced.
    pub(crate) fn put_component(&mut self, component: Component) {
        let known = self
            .new_components
            .iter_mut()
            .chain(&mut self.changed_components)
            .find(|other| other.id == component.id);
        match known {
            Some(other) => *other = component,
            None => self.changed_components.push(component),
        }
    }

    /// Notes the new form of a sensor, whether it is to be created or replaced.
    pub(crate) fn put_sensor(&mut self, sensor: Sensor) {
        let known = self
            .new_sensors
            .iter_mut()
            .chain(&mut self.changed_sensors)
            .find(|other| other.id == sensor.id);
        match known {
            Some(other) => *other = sensor,
            None => self.changed_sensors.push(sensor),
        }
    }
}

/// Says what a batch changes.
///
/// `inventory` holds each component and sensor of the device that the batch names and that is
/// there, and the device's counts; afterwards it is as the batch leaves it, so that the device's
/// next batch can be planned before this one is written. The order of the items decides which of
/// two readings of one sensor and timestamp is the first.
#[must_use]
pub fn plan_readings(
    organization_id: OrganizationId,
    device_id: DeviceId,
    batch: &ReadingBatch,
    inventory: &mut Inventory,
    limits: &Limits,
) -> ReadingPlan {
    let mut planner = Planner {
        organization_id,
        device_id,
        latest_timestamp: batch.received_at.plus(limits.timestamp_ahead),
        batch,
        limits,
        ids: batch.seed.ids(batch.received_at),
        inventory,
        created: Vec::new(),
        new_components: Vec::new(),
        touched: HashSet::new(),
        readings: Vec::new(),
        quarantined: Vec::new(),
    };
    for item in &batch.items {
        let taken = match item {
            Ok(reported) => planner.take(reported),
            Err(rejection) => Err(rejection.clone()),
        };
        if let Err(rejection) = taken {
            planner.quarantine(rejection);
        }
    }
    planner.finish()
}

struct Planner<'a> {
    organization_id: OrganizationId,
    device_id: DeviceId,
    latest_timestamp: Timestamp,
    batch: &'a ReadingBatch,
    limits: &'a Limits,
    ids: Ids,
    inventory: &'a mut Inventory,
    created: Vec<SensorId>,
    new_components: Vec<Component>,
    touched: HashSet<SensorId>,
    readings: Vec<Reading>,
    quarantined: Vec<QuarantinedItem>,
}

impl Planner<'_> {
    fn take(&mut self, reported: &ReportedReading) -> Result<(), Rejection> {
        let reject = |reason, detail: String| Rejection::new(reason, detail, &reported.raw);
        let timestamp = reported.timestamp.unwrap_or(self.batch.received_at);
        if timestamp > self.latest_timestamp {
            let ahead = self.limits.timestamp_ahead.as_secs();
            return Err(reject(
                QuarantineReason::TimestampAhead,
                format!("the timestamp is more than {ahead} s ahead of the server's clock"),
            ));
        }
        let id = match &reported.sensor {
            SensorAddress::Id(id) => *id,
            SensorAddress::Keys { component, sensor } => self
                .sensor_or_new(component, sensor, reported.value.value_type())
                .map_err(|detail| reject(QuarantineReason::LimitExceeded, detail))?,
        };
        let is_stored = self.inventory.stored.contains(&(id, timestamp));
        let sensor = self.inventory.sensor_by_id(id).ok_or_else(|| {
            reject(
                QuarantineReason::UnknownSensor,
                format!("the device has no sensor {id}"),
            )
        })?;
        // The first stored one wins, so this one decides nothing.
        if sensor.would_widen(&reported.value) && is_stored {
            return Ok(());
        }
        let value = sensor
            .admit(reported.value.clone())
            .map_err(|mismatch| reject(QuarantineReason::TypeMismatch, mismatch.to_string()))?;
        sensor.note_latest(timestamp, &value);
        self.touched.insert(id);
        if self.inventory.stored.insert((id, timestamp)) {
            self.readings.push(Reading {
                sensor_id: id,
                timestamp,
                value,
                metadata: reported.metadata.clone(),
            });
        }
        Ok(())
    }

    fn sensor_or_new(
        &mut self,
        component: &Key,
        sensor: &Key,
        value_type: ValueType,
    ) -> Result<SensorId, String> {
        let known = self.inventory.component(component).map(|known| known.id);
        let exists = known.is_some_and(|id| {
            let place = (id, sensor.clone());
            self.inventory.sensors.contains_key(&place)
        });
        if !exists && self.inventory.sensor_count >= self.limits.sensors_per_device {
            let limit = self.limits.sensors_per_device;
            return Err(format!("a device has at most {limit} sensors"));
        }
        if known.is_none() {
            if self.inventory.component_count >= self.limits.components_per_device {
                let limit = self.limits.components_per_device;
                return Err(format!("a device has at most {limit} components"));
            }
            let id = ComponentId::from_uuid(self.ids.next_id());
            let new = new_component(id, self.organization_id, self.device_id, component.clone());
            self.new_components.push(new.clone());
            self.inventory.add_component(new);
        }
        let component = &self.inventory.components[component];
        let place = (component.id, sensor.clone());
        if !exists {
            let new = new_sensor(
                SensorId::from_uuid(self.ids.next_id()),
                component,
                sensor.clone(),
                value_type,
                TypeOrigin::Inferred,
            );
            self.created.push(new.id);
            self.inventory.add_sensor(new);
        }
        let sensor = self.inventory.sensors.get(&place);
        let sensor = sensor.ok_or_else(|| "the sensor could not be created".to_owned())?;
        Ok(sensor.id)
    }

    fn quarantine(&mut self, rejection: Rejection) {
        self.quarantined.push(QuarantinedItem {
            id: QuarantineId::from_uuid(self.ids.next_id()),
            organization_id: self.organization_id,
            device_id: self.device_id,
            received_at: self.batch.received_at,
            rejection,
        });
    }

    fn finish(mut self) -> ReadingPlan {
        // A sensor may have widened after its first readings in the batch were taken.
        for reading in &mut self.readings {
            if let Some(sensor) = self.inventory.sensor_by_id(reading.sensor_id) {
                reading.value = reading.value.clone().as_type(sensor.settings.value_type);
            }
        }
        let mut inventory = InventoryChange {
            new_components: self.new_components,
            ..InventoryChange::default()
        };
        for id in &self.created {
            self.touched.remove(id);
            inventory
                .new_sensors
                .extend(self.inventory.sensor_by_id(*id).cloned());
        }
        for id in self.touched {
            inventory
                .changed_sensors
                .extend(self.inventory.sensor_by_id(id).cloned());
        }
        inventory.changed_sensors.sort_by_key(|sensor| sensor.id);
        // The oldest would be pushed out at once: writing them would only cost.
        let kept = self.limits.quarantined_per_device;
        let refused = self.quarantined.len();
        ReadingPlan {
            inventory,
            readings: self.readings,
            quarantined: self.quarantined.split_off(refused.saturating_sub(kept)),
            refused,
        }
    }
}

/// A component that its device has named for the first time. Its name is its key.
pub(crate) fn new_component(
    id: ComponentId,
    organization_id: OrganizationId,
    device_id: DeviceId,
    key: Key,
) -> Component {
    Component {
        id,
        organization_id,
        device_id,
        origin: ComponentOrigin::Announced,
        settings: ComponentSettings {
            name: name_of(&key),
            profile: None,
            tags: Tags::default(),
            metadata: Metadata::default(),
        },
        key,
        revision: Revision::FIRST,
    }
}

/// A sensor that its device has named for the first time. Its name is its key.
pub(crate) fn new_sensor(
    id: SensorId,
    component: &Component,
    key: Key,
    value_type: ValueType,
    type_origin: TypeOrigin,
) -> Sensor {
    Sensor {
        id,
        organization_id: component.organization_id,
        device_id: component.device_id,
        component_id: component.id,
        settings: SensorSettings {
            name: name_of(&key),
            value_type,
            unit: None,
            tags: Tags::default(),
        },
        key,
        type_origin,
        latest: None,
        revision: Revision::FIRST,
    }
}

/// What something is called that nobody has given a name: its key.
#[expect(
    clippy::expect_used,
    reason = "each key is a name: shorter, and fewer characters"
)]
pub(crate) fn name_of(key: &Key) -> Name {
    key.as_str().parse().expect("a key is a name")
}

/// Random octets from which the ids of one step are made, so that planning it needs no port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IdSeed([u8; 10]);

impl IdSeed {
    /// Takes random octets.
    #[must_use]
    pub const fn from_random(octets: [u8; 10]) -> Self {
        Self(octets)
    }

    pub(crate) const fn ids(self, at: Timestamp) -> Ids {
        Ids { at, octets: self.0 }
    }
}

pub(crate) struct Ids {
    at: Timestamp,
    octets: [u8; 10],
}

impl Ids {
    /// The next id: the seed, counted up.
    pub(crate) fn next_id(&mut self) -> Uuid {
        let id = uuid_v7(self.at, self.octets);
        for octet in self.octets.iter_mut().rev() {
            *octet = octet.wrapping_add(1);
            if *octet != 0 {
                break;
            }
        }
        id
    }
}

#[cfg(test)]
mod tests;
