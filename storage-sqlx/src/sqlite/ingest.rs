//! Stores messages with readings, many in one go: each statement costs a change of threads, which is
//! far more than what SQLite does in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;
use std::sync::Arc;

use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::ingestion::{
    IngestOutcome, InventoryChange, ReadingBatch, plan_readings,
};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Reading;
use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::model::timestamp::Timestamp;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::inventory::{Known, Named};
use crate::sqlite::{quarantine, reading, sensor_write};

/// A message of a device.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) organization: OrganizationId,
    pub(super) device: DeviceId,
    pub(super) batch: ReadingBatch,
    pub(super) limits: Limits,
}

/// Stores messages as if they came one after the other. With an error nothing counts, whichever of
/// them it is owed to.
pub(super) async fn ingest(
    tx: &mut SqliteConnection,
    messages: &[Arc<Message>],
) -> Result<Vec<IngestOutcome>, Error> {
    let mut devices: BTreeMap<_, Vec<(usize, &Message)>> = BTreeMap::new();
    for (index, message) in messages.iter().enumerate() {
        let of_device = devices.entry((message.organization, message.device));
        of_device.or_default().push((index, message));
    }
    let mut rows = Rows::new(messages.len());
    for ((organization, device), messages) in devices {
        rows.plan(tx, organization, device, &messages).await?;
    }
    rows.write(tx).await
}

/// What is written at the end, for all devices together.
struct Rows {
    sensors: Vec<(i64, Sensor)>,
    /// Each with its message and the number of its sensor.
    readings: Vec<(usize, i64, Reading)>,
    outcomes: Vec<IngestOutcome>,
}

impl Rows {
    fn new(messages: usize) -> Self {
        Self {
            sensors: Vec::new(),
            readings: Vec::new(),
            outcomes: vec![IngestOutcome::default(); messages],
        }
    }

    /// Plans the messages of a device. What is new is written at once: the next message may find
    /// it there.
    async fn plan(
        &mut self,
        tx: &mut SqliteConnection,
        organization: OrganizationId,
        device: DeviceId,
        messages: &[(usize, &Message)],
    ) -> Result<(), Error> {
        let mut named = Named::default();
        for (_, message) in messages {
            for reported in message.batch.items.iter().flatten() {
                named.add(&reported.sensor);
            }
        }
        let mut known = Known::default();
        known.load(tx, organization, device, &named).await?;
        let mut sensors = HashMap::new();
        for (behind, (index, message)) in (1..).zip(messages) {
            let mut inventory = if behind == messages.len() {
                mem::take(&mut known.inventory)
            } else {
                known.inventory.clone()
            };
            let (batch, limits) = (&message.batch, &message.limits);
            for (sensor, at) in inventory.widening(batch) {
                let number = known.numbers.get(&sensor).map(|known| known.number);
                if self.has(sensor, at) || reading::exists(tx, number, at).await? {
                    inventory.load_reading(sensor, at);
                }
            }
            let plan = plan_readings(organization, device, batch, inventory, limits);
            known.write_new(tx, &plan.inventory).await?;
            learn(&mut known, &plan.inventory);
            let changed = plan.inventory.changed_sensors.into_iter();
            sensors.extend(changed.map(|sensor| (sensor.id, sensor)));
            for reading in plan.readings {
                if let Some(numbered) = known.numbers.get(&reading.sensor_id) {
                    self.readings.push((*index, numbered.number, reading));
                }
            }
            for item in &plan.quarantined {
                quarantine::insert(tx, item).await?;
            }
            if plan.refused > 0 {
                let limit = limits.quarantined_per_device;
                quarantine::trim(tx, organization, device, limit).await?;
            }
            self.outcomes[*index].quarantined = plan.refused;
        }
        let changed = known.write_renamed(tx, sensors.values()).await?;
        let changed = changed.into_iter();
        let changed = changed.map(|(number, sensor)| (number, sensor.clone()));
        self.sensors.extend(changed);
        Ok(())
    }

    /// Whether a reading of this sensor and time is to be written.
    fn has(&self, sensor: SensorId, at: Timestamp) -> bool {
        let mut readings = self.readings.iter().map(|(_, _, reading)| reading);
        readings.any(|reading| (reading.sensor_id, reading.timestamp) == (sensor, at))
    }

    async fn write(mut self, tx: &mut SqliteConnection) -> Result<Vec<IngestOutcome>, Error> {
        let sensors = self.sensors.iter();
        let sensors: Vec<_> = sensors.map(|(number, sensor)| (*number, sensor)).collect();
        sensor_write::report(tx, &sensors).await?;
        let readings = self.readings.iter();
        let readings: Vec<_> = readings
            .map(|(_, number, reading)| (*number, reading))
            .collect();
        let mut stored: HashSet<_> = reading::insert(tx, &readings).await?;
        for (index, number, reading) in &self.readings {
            // Of two of one sensor and time, the first was stored.
            if stored.remove(&(*number, reading.timestamp)) {
                self.outcomes[*index].stored += 1;
            }
        }
        Ok(self.outcomes)
    }
}

/// Takes in what a message has changed, for the next one.
fn learn(known: &mut Known, change: &InventoryChange) {
    let inventory = &mut known.inventory;
    inventory.component_count += change.new_components.len();
    inventory.sensor_count += change.new_sensors.len();
    let components = change.new_components.iter();
    for component in components.chain(&change.changed_components) {
        inventory.load_component(component.clone());
    }
    for sensor in change.new_sensors.iter().chain(&change.changed_sensors) {
        inventory.load_sensor(sensor.clone());
    }
}
