//! Keeps readings.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::reading::{Reading, TimeRange};
use fieldgate_core::model::sensor::ValueType;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReadingStore, StorageError};
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::row::Columns;
use crate::postgres::select::{Select, counted};
use crate::postgres::value::ValueColumns;
use crate::postgres::{PostgresStorage, refuse};

#[async_trait]
impl ReadingStore for PostgresStorage {
    async fn readings(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>, StorageError> {
        // One statement, so that the type is the one at the time of the readings.
        let mut select = Select::new(
            "SELECT r.taken_at, s.value_type, r.value_bigint, r.value_boolean, r.value_double, \
             r.value_text, r.metadata FROM sensor AS s JOIN reading AS r ON r.sensor_number = s.number WHERE s.organization_id = ",
        );
        select.bind(organization.as_uuid());
        select.sql(" AND s.id = ").bind(sensor.as_uuid());
        select.sql(
            " AND EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = s.organization_id \
             AND d.id = s.device_id) AND r.taken_at >= ",
        );
        select.bind(range.from.unix_millis());
        let end = page.after.map_or(range.to, |after| after.min(range.to));
        select.sql(" AND r.taken_at < ").bind(end.unix_millis());
        select.sql(" ORDER BY r.taken_at DESC");
        let mut reader = self.reader(organization).await?;
        let page = select
            .page(&mut reader, page.limit, |row| decode(row, sensor))
            .await;
        page.map_err(refuse)
    }
}

/// Stores readings, each with the number of its sensor, where there is none of that sensor and
/// time; how many they were.
pub(super) async fn insert(
    tx: &mut PgConnection,
    organization: OrganizationId,
    readings: &[(i64, &Reading)],
) -> Result<usize, Error> {
    if readings.is_empty() {
        return Ok(0);
    }
    let (mut numbers, mut times, mut metadata) = (Vec::new(), Vec::new(), Vec::new());
    let mut values = ValueColumns::default();
    for (number, reading) in readings {
        numbers.push(*number);
        times.push(reading.timestamp.unix_millis());
        values.push(Some(&reading.value));
        metadata.push(reading.metadata.as_ref().map(ToString::to_string));
    }
    let inserted = sqlx::query(
        "INSERT INTO reading (organization_id, sensor_number, taken_at, value_bigint, \
         value_boolean, value_double, value_text, metadata) \
         SELECT $1, v.* FROM unnest($2, $3, $4, $5, $6, $7, $8) AS v ON CONFLICT DO NOTHING",
    )
    .bind(organization.as_uuid())
    .bind(numbers)
    .bind(times)
    .bind(values.bigint)
    .bind(values.boolean)
    .bind(values.double)
    .bind(values.text)
    .bind(metadata)
    .execute(tx)
    .await?;
    Ok(counted(inserted.rows_affected().cast_signed()))
}

/// Whether there is a reading of the sensor of this number, and time.
pub(super) async fn exists(
    tx: &mut PgConnection,
    sensor: Option<i64>,
    at: Timestamp,
) -> Result<bool, Error> {
    let exists = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM reading WHERE sensor_number = $1 AND taken_at = $2)",
    );
    Ok(exists
        .bind(sensor)
        .bind(at.unix_millis())
        .fetch_one(tx)
        .await?)
}

pub(super) fn decode(row: &PgRow, sensor_id: SensorId) -> Result<Reading, Error> {
    let mut columns = Columns::of(row, "reading");
    let timestamp = columns.timestamp()?;
    columns.name(format_args!("{sensor_id} at {timestamp}"));
    let value_type: ValueType = columns.text()?;
    let value = columns.value()?;
    Ok(Reading {
        sensor_id,
        timestamp,
        // A reading is kept as it was stored, also where its sensor has been widened since.
        value: value.as_type(value_type),
        metadata: columns.text_optional()?,
    })
}
