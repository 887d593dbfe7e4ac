//! Keeps sensors.

use async_trait::async_trait;
use fieldgate_core::model::Invalid;
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::sensor::{
    LatestReading, Sensor, SensorFilter, SensorSettings, SensorSummary, SensorUpdate, TypeOrigin,
};
use fieldgate_core::storage::{SensorStore, StorageError};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{SENSOR, sound};
use crate::sqlite::row::Columns;
use crate::sqlite::select::{Select, check_revision, counted};
use crate::sqlite::sensor_filter::{Lead, list_query};
use crate::sqlite::value::Stored;
use crate::sqlite::{SqliteStorage, refuse, sensor_write, tally};

#[async_trait]
impl SensorStore for SqliteStorage {
    async fn sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
    ) -> Result<Option<Sensor>, StorageError> {
        let mut reader = self.reader().await?;
        let found = find(&mut reader, organization, id).await;
        Ok(found.map_err(refuse)?.map(|numbered| numbered.sensor))
    }

    async fn sensors(
        &self,
        organization: OrganizationId,
        filter: &SensorFilter,
        page: PageRequest<SensorId>,
    ) -> Result<Page<Sensor>, StorageError> {
        let mut reader = self.reader().await?;
        let lead = Lead::choose(&mut reader, organization, filter).await;
        let lead = lead.map_err(refuse)?;
        let select = list_query(SELECT, organization, filter, page.after, lead);
        let page = select
            .page(&mut reader, page.limit, |row| {
                decode(row).map(|numbered| numbered.sensor)
            })
            .await;
        page.map_err(refuse)
    }

    async fn sensor_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<SensorSummary, StorageError> {
        let mut reader = self.reader().await?;
        let summary = tally::sensors(&mut reader, organization).await;
        summary.map_err(refuse)
    }

    async fn update_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
        update: &SensorUpdate,
    ) -> Result<Sensor, StorageError> {
        let update = update.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let before = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, before.sensor.revision, WHAT)?;
                let mut sensor = before.sensor.clone();
                sensor.update(update).map_err(StorageError::from)?;
                sensor_write::replace(tx, &before, &sensor).await?;
                Ok(sensor)
            })
        })
        .await
    }

    async fn delete_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let sensor = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, sensor.sensor.revision, WHAT)?;
                sensor_write::delete(tx, &sensor).await
            })
        })
        .await
    }
}

/// A sensor, and the number by which its readings refer to it.
#[derive(Clone, Debug)]
pub(super) struct Numbered {
    pub(super) number: i64,
    pub(super) sensor: Sensor,
}

/// The sensor of a living device.
async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    id: SensorId,
) -> Result<Option<Numbered>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" FROM sensor AS s WHERE s.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND s.id = ").bind(id.as_bytes().as_slice());
    select.sql(LIVES);
    select.optional(connection, sound(&SENSOR, decode)).await
}

/// The number of a sensor of a living device.
pub(super) async fn number(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    id: SensorId,
) -> Result<i64, Error> {
    let found = find(connection, organization, id).await?;
    found.map(|it| it.number).ok_or(Error::not_found(WHAT))
}

/// How many sensors a device has.
pub(super) async fn count(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
) -> Result<usize, Error> {
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM sensor WHERE organization_id = ? AND device_id = ?",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .fetch_one(tx)
    .await?;
    Ok(counted(count))
}

/// The sensors of a component that have one of the keys, a JSON array.
pub(super) async fn with_keys(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    component: ComponentId,
    keys: &str,
) -> Result<Vec<Numbered>, Error> {
    let mut select = of_component(organization, component);
    select.sql(" AND s.key IN (SELECT value FROM json_each(");
    select.bind(keys).sql("))");
    all(tx, select).await
}

/// The sensors of a device that have one of the ids, a JSON array in hexadecimal.
pub(super) async fn with_ids(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    ids: &str,
) -> Result<Vec<Numbered>, Error> {
    let mut select = Select::new(SELECT);
    // The pluses leave the ids as the one way in: an index would lead to all of the organization.
    select.sql(" FROM sensor AS s WHERE +s.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND +s.device_id = ");
    select.bind(device.as_bytes().as_slice());
    select.sql(" AND s.id IN (SELECT unhex(value) FROM json_each(");
    select.bind(ids).sql("))");
    all(tx, select).await
}

/// Removes the sensors of a component from every answer.
pub(super) async fn delete_of_component(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    component: ComponentId,
) -> Result<(), Error> {
    for sensor in all(tx, of_component(organization, component)).await? {
        sensor_write::delete(tx, &sensor).await?;
    }
    Ok(())
}

/// Removes at most `limit` sensors of a deleted device; how many they were.
pub(super) async fn purge(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    limit: i64,
) -> Result<usize, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" FROM sensor AS s WHERE s.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND s.device_id = ");
    select.bind(device.as_bytes().as_slice());
    select.sql(" LIMIT ").bind(limit);
    let sensors = all(tx, select).await?;
    for sensor in &sensors {
        sensor_write::delete(tx, sensor).await?;
    }
    Ok(sensors.len())
}

fn of_component(organization: OrganizationId, component: ComponentId) -> Select {
    let mut select = Select::new(SELECT);
    select.sql(" FROM sensor AS s WHERE s.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND s.component_id = ");
    select.bind(component.as_bytes().as_slice());
    select
}

async fn all(tx: &mut SqliteConnection, mut select: Select) -> Result<Vec<Numbered>, Error> {
    let rows = select.query().fetch_all(tx).await?;
    rows.iter().map(decode).collect()
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<Numbered, Error> {
    let mut columns = Columns::of(row, "sensor");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let id = columns.id(SensorId::from_uuid)?;
    columns.name(id);
    let number = columns.plain()?;
    let device_id = columns.id(DeviceId::from_uuid)?;
    let component_id = columns.id(ComponentId::from_uuid)?;
    let key = columns.text()?;
    let settings = SensorSettings {
        name: columns.text()?,
        value_type: columns.text()?,
        unit: columns.text_optional()?,
        tags: columns.tags()?,
    };
    let type_origin = columns.parse_with(type_origin)?;
    let latest_at = columns.timestamp_optional()?;
    let latest_value: Option<Stored<_>> = columns.plain()?;
    let latest = latest_at
        .zip(latest_value)
        .map(|(timestamp, Stored(value))| LatestReading { timestamp, value });
    Ok(Numbered {
        number,
        sensor: Sensor {
            id,
            organization_id,
            device_id,
            component_id,
            key,
            settings,
            type_origin,
            latest,
            revision: columns.revision()?,
        },
    })
}

fn type_origin(text: &str) -> Result<TypeOrigin, Invalid> {
    [
        TypeOrigin::Announced,
        TypeOrigin::Inferred,
        TypeOrigin::Profile,
    ]
    .into_iter()
    .find(|origin| origin.as_str() == text)
    .ok_or_else(|| Invalid::new("no such origin of a type"))
}

const WHAT: &str = "sensor";

pub(super) const SELECT: &str = "SELECT s.organization_id, s.id, s.number, s.device_id, s.component_id, \
     s.key, s.name, s.value_type, s.unit, s.tags, s.type_origin, s.latest_at, s.latest_value, \
     s.revision, s.checksum";

pub(super) const LIVES: &str = " AND EXISTS (SELECT 1 FROM device AS d \
     WHERE d.organization_id = s.organization_id AND d.id = s.device_id)";
