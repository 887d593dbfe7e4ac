//! Keeps what devices report.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use fieldgate_core::model::announcement::{Announcement, AnnouncementOutcome, plan_announcement};
use fieldgate_core::model::health::DeviceHealth;
use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::ingestion::{
    IngestOutcome, Inventory, InventoryChange, ReadingBatch, SensorAddress, plan_readings,
};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::quarantine::QuarantinedItem;
use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::model::text::FirmwareVersion;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReportStore, RetainedTopic, StorageError};
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::postgres::month::Parent;
use crate::postgres::sensor::Numbered;
use crate::postgres::transaction::scoped;
use crate::postgres::{
    PostgresStorage, component, device, health, quarantine, reading, refuse, retained, sensor,
    sensor_write,
};

#[async_trait]
impl ReportStore for PostgresStorage {
    async fn store_readings(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        batch: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError> {
        let reported = batch.items.iter().flatten();
        let times = reported.filter_map(|reported| reported.timestamp);
        self.make_months_of(Parent::Reading, times).await;
        self.write(organization, |tx| {
            scoped(async move { ingest(tx, organization, device, batch, limits).await })
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
        self.write(organization, |tx| {
            scoped(async move { announce(tx, organization, device, announcement, limits).await })
        })
        .await
    }

    async fn store_health(
        &self,
        organization: OrganizationId,
        report: &DeviceHealth,
    ) -> Result<bool, StorageError> {
        let times = [report.timestamp].into_iter();
        self.make_months_of(Parent::Health, times).await;
        self.write(organization, |tx| {
            scoped(async move {
                device::lock(tx, organization, report.device_id).await?;
                health::insert(tx, organization, report).await
            })
        })
        .await
    }

    async fn store_quarantined(
        &self,
        item: &QuarantinedItem,
        limits: &Limits,
    ) -> Result<(), StorageError> {
        let limit = limits.quarantined_per_device;
        self.write(item.organization_id, |tx| {
            scoped(async move {
                let (organization, device) = (item.organization_id, item.device_id);
                device::lock(tx, organization, device).await?;
                quarantine::insert(tx, item).await?;
                quarantine::trim(tx, organization, device, limit).await
            })
        })
        .await
    }

    async fn store_retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
        payload: &[u8],
        at: Timestamp,
    ) -> Result<(), StorageError> {
        self.write(organization, |tx| {
            scoped(async move {
                device::lock(tx, organization, device).await?;
                retained::store(tx, organization, device, topic, payload, at).await
            })
        })
        .await
    }

    async fn retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let mut reader = self.reader(organization).await?;
        let found = retained::find(&mut reader, organization, device, topic).await;
        found.map_err(refuse)
    }
}

async fn ingest(
    tx: &mut PgConnection,
    organization: OrganizationId,
    device: DeviceId,
    batch: &ReadingBatch,
    limits: &Limits,
) -> Result<IngestOutcome, Error> {
    let mut named = Named::default();
    for reported in batch.items.iter().flatten() {
        named.add(&reported.sensor);
    }
    let mut known = Known::default();
    known.load(tx, organization, device, &named).await?;
    let mut inventory = std::mem::take(&mut known.inventory);
    for (sensor, at) in inventory.widening(batch) {
        let number = known.numbers.get(&sensor).map(|known| known.number);
        if reading::exists(tx, number, at).await? {
            inventory.load_reading(sensor, at);
        }
    }
    let plan = plan_readings(organization, device, batch, &mut inventory, limits);
    known.write(tx, &plan.inventory).await?;

    let numbered = plan.readings.iter().filter_map(|reading| {
        let number = known.numbers.get(&reading.sensor_id)?.number;
        Some((number, reading))
    });
    let numbered: Vec<_> = numbered.collect();
    let stored = reading::insert(tx, organization, &numbered).await?;
    for item in &plan.quarantined {
        quarantine::insert(tx, item).await?;
    }
    if plan.refused > 0 {
        quarantine::trim(tx, organization, device, limits.quarantined_per_device).await?;
    }
    Ok(IngestOutcome {
        stored,
        quarantined: plan.refused,
    })
}

async fn announce(
    tx: &mut PgConnection,
    organization: OrganizationId,
    device: DeviceId,
    announcement: &Announcement,
    limits: &Limits,
) -> Result<AnnouncementOutcome, Error> {
    let mut named = Named::default();
    for component in &announcement.components {
        let keys = component.sensors.iter().map(|sensor| &sensor.key);
        named.keys.entry(&component.key).or_default().extend(keys);
    }
    let mut known = Known::default();
    known.load(tx, organization, device, &named).await?;
    let inventory = std::mem::take(&mut known.inventory);
    let (change, outcome) =
        plan_announcement(organization, device, announcement, inventory, limits);
    known.write(tx, &change).await?;
    sqlx::query(
        "UPDATE device SET firmware_version = coalesce($3, firmware_version), \
         profile = coalesce($4, profile) WHERE organization_id = $1 AND id = $2",
    )
    .bind(organization.as_uuid())
    .bind(device.as_uuid())
    .bind(
        announcement
            .firmware_version
            .as_ref()
            .map(FirmwareVersion::as_str),
    )
    .bind(announcement.profile.as_ref().map(ToString::to_string))
    .execute(tx)
    .await?;
    Ok(outcome)
}

/// What a report names.
#[derive(Debug, Default)]
struct Named<'a> {
    keys: BTreeMap<&'a Key, BTreeSet<&'a Key>>,
    ids: BTreeSet<SensorId>,
}

impl<'a> Named<'a> {
    fn add(&mut self, address: &'a SensorAddress) {
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
struct Known {
    inventory: Inventory,
    numbers: HashMap<SensorId, Numbered>,
}

impl Known {
    /// Refuses a device that is not there, or deleted.
    async fn load(
        &mut self,
        tx: &mut PgConnection,
        organization: OrganizationId,
        device: DeviceId,
        named: &Named<'_>,
    ) -> Result<(), Error> {
        device::lock(tx, organization, device).await?;
        let mut missing = false;
        let keys: Vec<_> = named.keys.keys().map(|key| key.as_str()).collect();
        let components = component::with_keys(tx, organization, device, &keys).await?;
        missing |= components.len() < named.keys.len();
        for component in components {
            let Some(wanted) = named.keys.get(&component.key) else {
                continue;
            };
            let keys: Vec<_> = wanted.iter().map(|key| key.as_str()).collect();
            let sensors = sensor::with_keys(tx, organization, component.id, &keys).await?;
            missing |= sensors.len() < wanted.len();
            sensors.into_iter().for_each(|sensor| self.add(sensor));
            self.inventory.load_component(component);
        }
        if !named.ids.is_empty() {
            let ids: Vec<_> = named.ids.iter().map(|id| *id.as_uuid()).collect();
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

    fn add(&mut self, numbered: Numbered) {
        self.inventory.load_sensor(numbered.sensor.clone());
        self.numbers.insert(numbered.sensor.id, numbered);
    }

    async fn write(
        &mut self,
        tx: &mut PgConnection,
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
        let changed = change.changed_sensors.iter().filter_map(|sensor| {
            let before = self.numbers.get(&sensor.id)?;
            changed(&before.sensor, sensor).then_some((before, sensor))
        });
        // A new name is rare, and has to be found by its words.
        let (renamed, others): (Vec<_>, Vec<_>) = changed
            .partition(|(before, sensor)| before.sensor.settings.name != sensor.settings.name);
        for (before, sensor) in renamed {
            sensor_write::replace(tx, before, sensor).await?;
        }
        let others = others
            .iter()
            .map(|(before, sensor)| (before.number, *sensor));
        let others: Vec<_> = others.collect();
        sensor_write::report(tx, &others).await
    }
}

/// Whether a report has changed anything of a sensor.
fn changed(before: &Sensor, after: &Sensor) -> bool {
    before.latest != after.latest
        || before.type_origin != after.type_origin
        || before.settings != after.settings
}
