//! What reports name of a device, what is there of it, and how it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::ingestion::{Inventory, InventoryChange, ReadingBatch, SensorAddress};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::sensor::Sensor;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::select::json_array;
use crate::sqlite::sensor::Numbered;
use crate::sqlite::{component, reading, sensor, sensor_write};

/// What a report names.
#[derive(Debug, Default)]
pub(super) struct Named<'a> {
    keys: BTreeMap<&'a Key, BTreeSet<&'a Key>>,
    ids: BTreeSet<SensorId>,
}

impl<'a> Named<'a> {
    pub(super) fn add_component(
        &mut self,
        component: &'a Key,
        sensors: impl Iterator<Item = &'a Key>,
    ) {
        self.keys.entry(component).or_default().extend(sensors);
    }

    pub(super) fn add(&mut self, address: &'a SensorAddress) {
        match address {
            SensorAddress::Id(id) => {
                self.ids.insert(*id);
            }
            SensorAddress::Keys { component, sensor } => {
                self.keys.entry(component).or_default().insert(sensor);
            }
        }
    }
}

/// What is there of it.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) inventory: Inventory,
    pub(super) numbers: HashMap<SensorId, Numbered>,
}

impl Known {
    /// Refuses a device that is not there, or deleted.
    pub(super) async fn load(
        &mut self,
        tx: &mut SqliteConnection,
        organization: OrganizationId,
        device: DeviceId,
        named: &Named<'_>,
    ) -> Result<(), Error> {
        let mut missing = false;
        let keys = json_array(named.keys.keys().map(|key| key.as_str()));
        let components = component::with_keys(tx, organization, device, &keys).await?;
        missing |= components.len() < named.keys.len();
        for component in components {
            let Some(wanted) = named.keys.get(&component.key) else {
                continue;
            };
            let keys = json_array(wanted.iter().map(|key| key.as_str()));
            let sensors = sensor::with_keys(tx, organization, component.id, &keys).await?;
            missing |= sensors.len() < wanted.len();
            sensors.into_iter().for_each(|sensor| self.add(sensor));
            self.inventory.load_component(component);
        }
        if !named.ids.is_empty() {
            let ids: Vec<_> = named
                .ids
                .iter()
                .map(|id| id.as_uuid().simple().to_string())
                .collect();
            let ids = json_array(ids.iter().map(String::as_str));
            let sensors = sensor::with_ids(tx, organization, device, &ids).await?;
            sensors.into_iter().for_each(|sensor| self.add(sensor));
        }
        // The counts matter only where something is created.
        if missing {
            self.inventory.component_count = component::count(tx, organization, device).await?;
            self.inventory.sensor_count = sensor::count(tx, organization, device).await?;
        }
        Ok(())
    }

    /// Loads which readings are there that could widen a sensor. For batches that follow each other
    /// once is enough: none of them makes a type narrower, and a sensor that one of them creates has
    /// no readings yet.
    pub(super) async fn load_widening(
        &mut self,
        tx: &mut SqliteConnection,
        batches: impl Iterator<Item = &ReadingBatch> + Send,
    ) -> Result<(), Error> {
        let widening = batches.flat_map(|batch| self.inventory.widening(batch));
        let widening: HashSet<_> = widening.collect();
        if widening.is_empty() {
            return Ok(());
        }
        let places = widening.iter().filter_map(|(sensor, at)| {
            let number = self.numbers.get(sensor)?.number;
            Some((number, *at))
        });
        let existing = reading::existing(tx, places).await?;
        for (sensor, at) in widening {
            let numbered = self.numbers.get(&sensor);
            if numbered.is_some_and(|numbered| existing.contains(&(numbered.number, at))) {
                self.inventory.load_reading(sensor, at);
            }
        }
        Ok(())
    }

    fn add(&mut self, numbered: Numbered) {
        self.inventory.load_sensor(numbered.sensor.clone());
        self.numbers.insert(numbered.sensor.id, numbered);
    }

    /// Writes what is new, and what has changed.
    pub(super) async fn write(
        &mut self,
        tx: &mut SqliteConnection,
        change: &InventoryChange,
    ) -> Result<(), Error> {
        self.write_new(tx, change).await?;
        let sensors = change.changed_sensors.iter();
        self.write_renamed(tx, sensors.clone()).await?;
        let reported: Vec<_> = self.reported(sensors).collect();
        sensor_write::report(tx, &reported).await
    }

    /// Writes what is new, and components that have changed.
    pub(super) async fn write_new(
        &mut self,
        tx: &mut SqliteConnection,
        change: &InventoryChange,
    ) -> Result<(), Error> {
        for component in &change.new_components {
            component::insert(tx, component).await?;
        }
        for component in &change.changed_components {
            component::replace(tx, component, component).await?;
        }
        for sensor in &change.new_sensors {
            let number = sensor_write::insert(tx, sensor).await?;
            let sensor = sensor.clone();
            self.numbers.insert(sensor.id, Numbered { number, sensor });
        }
        Ok(())
    }

    /// Of sensors, writes those with a new name: it is rare, and has to be found by its words.
    pub(super) async fn write_renamed<'s>(
        &self,
        tx: &mut SqliteConnection,
        sensors: impl Iterator<Item = &'s Sensor> + Send,
    ) -> Result<(), Error> {
        for sensor in sensors {
            if let Some(before) = self.numbers.get(&sensor.id)
                && is_renamed(&before.sensor, sensor)
            {
                sensor_write::replace(tx, before, sensor).await?;
            }
        }
        Ok(())
    }

    /// Of sensors, those that have changed and kept their name, with their numbers.
    pub(super) fn reported<'s>(
        &self,
        sensors: impl Iterator<Item = &'s Sensor>,
    ) -> impl Iterator<Item = (i64, &'s Sensor)> {
        sensors.filter_map(|sensor| {
            let before = self.numbers.get(&sensor.id)?;
            let changed = changed(&before.sensor, sensor) && !is_renamed(&before.sensor, sensor);
            changed.then_some((before.number, sensor))
        })
    }
}

fn is_renamed(before: &Sensor, after: &Sensor) -> bool {
    before.settings.name != after.settings.name
}

/// Whether a report has changed anything of a sensor.
fn changed(before: &Sensor, after: &Sensor) -> bool {
    before.latest != after.latest
        || before.type_origin != after.type_origin
        || before.settings != after.settings
}
