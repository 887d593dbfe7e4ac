//! Writes sensors, with the index tables that belong to them.

use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::model::tag::Tags;
use fieldgate_core::model::text::{Name, Unit};
use fieldgate_core::model::timestamp::Timestamp;
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::postgres::label::Labels;
use crate::postgres::row::{stored, tag_texts};
use crate::postgres::sensor::Numbered;
use crate::postgres::value::ValueColumns;

/// Adds a sensor; its key is free. Returns its number.
pub(super) async fn insert(tx: &mut PgConnection, sensor: &Sensor) -> Result<i64, Error> {
    let settings = &sensor.settings;
    let number = sqlx::query_scalar(
        "INSERT INTO sensor (organization_id, id, device_id, component_id, key, name, \
         value_type, unit, tags, type_origin, revision) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING number",
    )
    .bind(sensor.organization_id.as_uuid())
    .bind(sensor.id.as_uuid())
    .bind(sensor.device_id.as_uuid())
    .bind(sensor.component_id.as_uuid())
    .bind(sensor.key.as_str())
    .bind(settings.name.as_str())
    .bind(settings.value_type.as_str())
    .bind(settings.unit.as_ref().map(Unit::as_str))
    .bind(tag_texts(&settings.tags))
    .bind(sensor.type_origin.as_str())
    .bind(stored(sensor.revision.as_u64()))
    .fetch_one(&mut *tx)
    .await?;
    if sensor.latest.is_some() {
        report(tx, &[(number, sensor)]).await?;
    }
    let none = Tags::default();
    let tags = (&none, &settings.tags);
    set_labels(tx, sensor, tags, (None, Some(&settings.name))).await?;
    Ok(number)
}

/// Writes what has changed, the name too.
pub(super) async fn replace(
    tx: &mut PgConnection,
    before: &Numbered,
    sensor: &Sensor,
) -> Result<(), Error> {
    let settings = &sensor.settings;
    sqlx::query("UPDATE sensor SET name = $2, tags = $3, revision = $4 WHERE number = $1")
        .bind(before.number)
        .bind(settings.name.as_str())
        .bind(tag_texts(&settings.tags))
        .bind(stored(sensor.revision.as_u64()))
        .execute(&mut *tx)
        .await?;
    report(tx, &[(before.number, sensor)]).await?;
    let old = &before.sensor.settings;
    let tags = (&old.tags, &settings.tags);
    set_labels(tx, sensor, tags, (Some(&old.name), Some(&settings.name))).await
}

/// Writes what a report has changed, but for the name, of sensors with their numbers.
pub(super) async fn report(tx: &mut PgConnection, sensors: &[(i64, &Sensor)]) -> Result<(), Error> {
    let mut rows = Rows::default();
    for (number, sensor) in sensors {
        let settings = &sensor.settings;
        rows.numbers.push(*number);
        rows.types.push(settings.value_type.as_str());
        rows.units.push(settings.unit.as_ref().map(Unit::as_str));
        rows.origins.push(sensor.type_origin.as_str());
        let latest = sensor.latest.as_ref();
        rows.times.push(latest.map(|it| it.timestamp.unix_millis()));
        rows.values.push(latest.map(|it| &it.value));
    }
    sqlx::query(
        "UPDATE sensor SET value_type = v.value_type, unit = v.unit, type_origin = v.origin, \
         latest_at = v.taken_at, latest_bigint = v.bigint_, latest_boolean = v.boolean_, \
         latest_double = v.double_, latest_text = v.text_ \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         AS v (number, value_type, unit, origin, taken_at, bigint_, boolean_, double_, text_) \
         WHERE sensor.number = v.number",
    )
    .bind(rows.numbers)
    .bind(rows.types)
    .bind(rows.units)
    .bind(rows.origins)
    .bind(rows.times)
    .bind(rows.values.bigint)
    .bind(rows.values.boolean)
    .bind(rows.values.double)
    .bind(rows.values.text)
    .execute(tx)
    .await?;
    Ok(())
}

/// What is written of sensors, column by column.
#[derive(Debug, Default)]
struct Rows<'s> {
    numbers: Vec<i64>,
    types: Vec<&'static str>,
    units: Vec<Option<&'s str>>,
    origins: Vec<&'static str>,
    times: Vec<Option<i64>>,
    values: ValueColumns,
}

/// Locks the device of the sensor of this number.
pub(super) async fn lock_device(tx: &mut PgConnection, number: i64) -> Result<(), Error> {
    sqlx::query(
        "SELECT 1 FROM sensor AS s JOIN device AS d ON d.organization_id = s.organization_id \
         AND d.id = s.device_id WHERE s.number = $1 FOR NO KEY UPDATE OF d",
    )
    .bind(number)
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that a sensor has no readings any more, where retention has taken the last one.
pub(super) async fn forget_latest(
    tx: &mut PgConnection,
    number: i64,
    before: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE sensor SET latest_at = NULL, latest_bigint = NULL, latest_boolean = NULL, \
         latest_double = NULL, latest_text = NULL WHERE number = $1 AND latest_at < $2 \
         AND NOT EXISTS (SELECT 1 FROM reading WHERE sensor_number = $1)",
    )
    .bind(number)
    .bind(before.unix_millis())
    .execute(tx)
    .await?;
    Ok(())
}

/// Removes a sensor from every answer; its readings stay for the purge.
pub(super) async fn delete(tx: &mut PgConnection, numbered: &Numbered) -> Result<(), Error> {
    let settings = &numbered.sensor.settings;
    let none = Tags::default();
    let tags = (&settings.tags, &none);
    set_labels(tx, &numbered.sensor, tags, (Some(&settings.name), None)).await?;
    sqlx::query("DELETE FROM sensor WHERE number = $1")
        .bind(numbered.number)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO deleted_sensor (organization_id, number) VALUES ($1, $2)")
        .bind(numbered.sensor.organization_id.as_uuid())
        .bind(numbered.number)
        .execute(tx)
        .await?;
    Ok(())
}

async fn set_labels(
    tx: &mut PgConnection,
    sensor: &Sensor,
    tags: (&Tags, &Tags),
    names: (Option<&Name>, Option<&Name>),
) -> Result<(), Error> {
    let id = sensor.id.as_uuid();
    let labels = Labels::SENSOR;
    labels
        .set_tags(tx, sensor.organization_id, id, tags)
        .await?;
    labels
        .set_words(tx, sensor.organization_id, id, names)
        .await
}
