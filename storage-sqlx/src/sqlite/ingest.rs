//! Stores messages with readings, many in one go: each statement costs a change of threads, which is
//! far more than what SQLite does in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::slice;
use std::sync::Arc;

use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::ingestion::{IngestOutcome, ReadingBatch, plan_readings};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Reading;
use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::storage::StorageError;
use futures_util::FutureExt as _;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::inventory::{Known, Named};
use crate::sqlite::writer::{execute, undo};
use crate::sqlite::{quarantine, reading, sensor_write};

/// A message of a device.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) organization: OrganizationId,
    pub(super) device: DeviceId,
    pub(super) batch: ReadingBatch,
    pub(super) limits: Limits,
}

/// What became of each message, in their order.
pub(super) type Outcomes = Vec<Result<IngestOutcome, Error>>;

/// Stores messages as if they came one after the other: all that a job of the writer does. An error
/// means that the whole transaction is lost.
///
/// Where they cannot be stored together, whichever of them that is owed to, each is stored by
/// itself. That happens here, and not by jobs of their own: these would come after later messages
/// of the same devices.
pub(super) async fn ingest(
    tx: &mut SqliteConnection,
    messages: &[Arc<Message>],
) -> Result<Outcomes, Error> {
    let error = match together(tx, messages).await {
        Ok(outcomes) => return Ok(outcomes),
        Err(error) => error,
    };
    undo(tx).await.map_err(Error::Commit)?;
    if messages.len() == 1 {
        return Ok(vec![Err(error)]);
    }
    let mut outcomes = Vec::new();
    for message in messages {
        run(tx, "SAVEPOINT message").await?;
        match together(tx, slice::from_ref(message)).await {
            Ok(outcome) => outcomes.extend(outcome),
            Err(error) => {
                run(tx, "ROLLBACK TO message").await?;
                outcomes.push(Err(error));
            }
        }
        run(tx, "RELEASE message").await?;
    }
    Ok(outcomes)
}

async fn run(tx: &mut SqliteConnection, statement: &'static str) -> Result<(), Error> {
    execute(tx, statement).await.map_err(Error::Commit)
}

/// Stores messages by as few statements as can be. With an error, nothing counts.
async fn together(tx: &mut SqliteConnection, messages: &[Arc<Message>]) -> Result<Outcomes, Error> {
    // Nothing that a panic has left half done is used any more.
    let stored = AssertUnwindSafe(store(tx, messages)).catch_unwind().await;
    stored.unwrap_or(Err(Error::Panicked))
}

async fn store(tx: &mut SqliteConnection, messages: &[Arc<Message>]) -> Result<Outcomes, Error> {
    let mut devices: BTreeMap<_, Vec<(usize, &Message)>> = BTreeMap::new();
    for (index, message) in messages.iter().enumerate() {
        let of_device = devices.entry((message.organization, message.device));
        of_device.or_default().push((index, message));
    }
    let mut gathered = Gathered::default();
    gathered
        .outcomes
        .resize(messages.len(), IngestOutcome::default());
    let mut refused = HashMap::new();
    for ((organization, device), messages) in devices {
        let named = named(&messages);
        let mut known = Known::default();
        match known.load(tx, organization, device, &named).await {
            Ok(()) => gathered.add(tx, known, &messages).await?,
            // Deleted while its messages waited, and nothing of them is written yet.
            Err(Error::Refused(StorageError::NotFound { what })) => {
                refused.extend(messages.iter().map(|(index, _)| (*index, what)));
            }
            Err(error) => return Err(error),
        }
    }
    let outcomes = gathered.write(tx).await?.into_iter().enumerate();
    let outcomes = outcomes.map(|(index, outcome)| match refused.get(&index) {
        Some(what) => Err(Error::not_found(what)),
        None => Ok(outcome),
    });
    Ok(outcomes.collect())
}

fn named<'m>(messages: &[(usize, &'m Message)]) -> Named<'m> {
    let mut named = Named::default();
    for (_, message) in messages {
        for reported in message.batch.items.iter().flatten() {
            named.add(&reported.sensor);
        }
    }
    named
}

/// What comes of the messages of all devices, as far as it can be written together.
#[derive(Default)]
struct Gathered {
    sensors: Vec<(i64, Sensor)>,
    /// Each with its message and the number of its sensor.
    readings: Vec<(usize, i64, Reading)>,
    outcomes: Vec<IngestOutcome>,
}

impl Gathered {
    /// Plans the messages of a device, and writes the rest of what comes of them.
    async fn add(
        &mut self,
        tx: &mut SqliteConnection,
        mut known: Known,
        messages: &[(usize, &Message)],
    ) -> Result<(), Error> {
        let batches = messages.iter().map(|(_, message)| &message.batch);
        known.load_widening(tx, batches).await?;
        let mut sensors = HashMap::new();
        for (index, message) in messages {
            let (organization, device) = (message.organization, message.device);
            let (batch, limits) = (&message.batch, &message.limits);
            let inventory = &mut known.inventory;
            let plan = plan_readings(organization, device, batch, inventory, limits);
            known.write_new(tx, &plan.inventory).await?;
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
        known.write_renamed(tx, sensors.values()).await?;
        let reported = known.reported(sensors.values());
        self.sensors
            .extend(reported.map(|(number, sensor)| (number, sensor.clone())));
        Ok(())
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
