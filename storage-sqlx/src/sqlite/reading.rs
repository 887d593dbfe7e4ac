//! Keeps readings.

use std::collections::HashSet;

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::reading::{Reading, TimeRange, Value};
use fieldgate_core::model::sensor::ValueType;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReadingStore, StorageError};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{Datum, READING, checksum};
use crate::sqlite::row::Columns;
use crate::sqlite::select::{Select, chunks};
use crate::sqlite::value::Stored;
use crate::sqlite::{SqliteStorage, refuse};

#[async_trait]
impl ReadingStore for SqliteStorage {
    async fn readings(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>, StorageError> {
        // One statement, so that the type is the one at the time of the readings.
        let mut select = Select::new(
            "SELECT r.taken_at, s.value_type, r.value, r.metadata FROM sensor AS s \
             CROSS JOIN reading AS r ON r.sensor_number = s.number WHERE s.organization_id = ",
        );
        select.bind(organization.as_bytes().as_slice());
        select
            .sql(" AND s.id = ")
            .bind(sensor.as_bytes().as_slice());
        select.sql(
            " AND EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = s.organization_id \
             AND d.id = s.device_id) AND r.taken_at >= ",
        );
        select.bind(range.from.unix_millis());
        let end = page.after.map_or(range.to, |after| after.min(range.to));
        select.sql(" AND r.taken_at < ").bind(end.unix_millis());
        select.sql(" ORDER BY r.taken_at DESC");
        let mut reader = self.reader().await?;
        let page = select
            .page(&mut reader, page.limit, |row| decode(row, sensor))
            .await;
        page.map_err(refuse)
    }
}

/// Stores readings, each with the number of its sensor, where there is none of that sensor and
/// time; which they were.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    readings: &[(i64, &Reading)],
) -> Result<HashSet<(i64, Timestamp)>, Error> {
    let mut stored = HashSet::with_capacity(readings.len());
    for chunk in chunks(readings) {
        let mut insert = Select::new(
            "INSERT INTO reading (sensor_number, taken_at, value, metadata, checksum) VALUES ",
        );
        for (index, (number, reading)) in chunk.iter().enumerate() {
            insert.sql(if index == 0 { "(" } else { ", (" });
            insert.bind(*number).sql(", ");
            insert.bind(reading.timestamp.unix_millis()).sql(", ");
            insert.bind(Stored(&reading.value)).sql(", ");
            let metadata = reading.metadata.as_ref().map(ToString::to_string);
            let sum = checksum(
                &READING,
                [
                    Datum::Integer(*number),
                    Datum::Integer(reading.timestamp.unix_millis()),
                    Datum::from(&reading.value),
                    Datum::optional(metadata.as_deref(), Datum::Text),
                ],
            );
            insert.bind(metadata).sql(", ").bind(sum).sql(")");
        }
        insert.sql(" ON CONFLICT DO NOTHING RETURNING sensor_number, taken_at");
        for row in insert.query().fetch_all(&mut *tx).await? {
            stored.insert(decode_place(&row)?);
        }
    }
    Ok(stored)
}

/// Which of these there are, each named by the number of its sensor and its time.
pub(super) async fn existing(
    tx: &mut SqliteConnection,
    wanted: impl Iterator<Item = (i64, Timestamp)> + Send,
) -> Result<HashSet<(i64, Timestamp)>, Error> {
    let wanted = wanted.map(|(number, at)| serde_json::json!([number, at.unix_millis()]));
    let wanted = serde_json::Value::from_iter(wanted).to_string();
    let rows = sqlx::query(
        "SELECT r.sensor_number, r.taken_at FROM json_each(?) AS w CROSS JOIN reading AS r \
         ON r.sensor_number = w.value ->> 0 AND r.taken_at = w.value ->> 1",
    )
    .bind(wanted)
    .fetch_all(tx)
    .await?;
    rows.iter().map(decode_place).collect()
}

fn decode_place(row: &SqliteRow) -> Result<(i64, Timestamp), Error> {
    let mut columns = Columns::of(row, "reading");
    Ok((columns.plain()?, columns.timestamp()?))
}

/// Reads a row: the time, the type of the sensor, value and metadata.
pub(super) fn decode(row: &SqliteRow, sensor_id: SensorId) -> Result<Reading, Error> {
    let mut columns = Columns::of(row, "reading");
    let timestamp = columns.timestamp()?;
    columns.name(format_args!("{sensor_id} at {timestamp}"));
    let value_type: ValueType = columns.text()?;
    let Stored(value) = columns.plain::<Stored<Value>>()?;
    Ok(Reading {
        sensor_id,
        timestamp,
        // A reading is kept as it was stored, also where its sensor has been widened since.
        value: value.as_type(value_type),
        metadata: columns.text_optional()?,
    })
}
