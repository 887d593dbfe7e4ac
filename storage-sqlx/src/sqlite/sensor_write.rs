//! Writes sensors, with the index tables that belong to them.

use fieldgate_core::model::reading::Value;
use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::model::tag::Tags;
use fieldgate_core::model::text::{Name, Unit};
use fieldgate_core::storage::Unique;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::label::Labels;
use crate::sqlite::row::{stored, tags_json};
use crate::sqlite::select::{Select, chunks};
use crate::sqlite::sensor::Numbered;
use crate::sqlite::value::Stored;

/// Adds a sensor; its key is free. Returns its number.
pub(super) async fn insert(tx: &mut SqliteConnection, sensor: &Sensor) -> Result<i64, Error> {
    let settings = &sensor.settings;
    let inserted = sqlx::query(
        "INSERT INTO sensor (organization_id, id, device_id, component_id, key, name, \
         value_type, unit, tags, type_origin, latest_at, latest_value, revision) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(sensor.organization_id.as_bytes().as_slice())
    .bind(sensor.id.as_bytes().as_slice())
    .bind(sensor.device_id.as_bytes().as_slice())
    .bind(sensor.component_id.as_bytes().as_slice())
    .bind(sensor.key.as_str())
    .bind(settings.name.as_str())
    .bind(settings.value_type.as_str())
    .bind(settings.unit.as_ref().map(Unit::as_str))
    .bind(tags_json(&settings.tags))
    .bind(sensor.type_origin.as_str())
    .bind(latest_at(sensor))
    .bind(latest_value(sensor))
    .bind(stored(sensor.revision.as_u64()))
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::Id));
    }
    let none = Tags::default();
    let tags = (&none, &settings.tags);
    set_labels(tx, sensor, tags, (None, Some(&settings.name))).await?;
    Ok(inserted.last_insert_rowid())
}

/// Writes what has changed, the name too.
pub(super) async fn replace(
    tx: &mut SqliteConnection,
    before: &Numbered,
    sensor: &Sensor,
) -> Result<(), Error> {
    let settings = &sensor.settings;
    sqlx::query("UPDATE sensor SET name = ?2, tags = ?3, revision = ?4 WHERE number = ?1")
        .bind(before.number)
        .bind(settings.name.as_str())
        .bind(tags_json(&settings.tags))
        .bind(stored(sensor.revision.as_u64()))
        .execute(&mut *tx)
        .await?;
    report(tx, &[(before.number, sensor)]).await?;
    let old = &before.sensor.settings;
    let tags = (&old.tags, &settings.tags);
    set_labels(tx, sensor, tags, (Some(&old.name), Some(&settings.name))).await
}

/// Writes what a report has changed, but for the name, of sensors with their numbers.
pub(super) async fn report(
    tx: &mut SqliteConnection,
    sensors: &[(i64, &Sensor)],
) -> Result<(), Error> {
    for chunk in chunks(sensors) {
        let mut latest = Select::new(
            "UPDATE sensor SET latest_at = v.column2, latest_value = v.column3 FROM (VALUES ",
        );
        // What names a column writes its indexes anew, and these seldom change.
        let mut types = Select::new(
            "UPDATE sensor SET value_type = v.column2, unit = v.column3, \
             type_origin = v.column4 FROM (VALUES ",
        );
        for (index, (number, sensor)) in chunk.iter().enumerate() {
            let begin = if index == 0 { "(" } else { ", (" };
            latest.sql(begin).bind(*number).sql(", ");
            latest.bind(latest_at(sensor)).sql(", ");
            latest.bind(latest_value(sensor)).sql(")");
            types.sql(begin).bind(*number).sql(", ");
            types.bind(sensor.settings.value_type.as_str()).sql(", ");
            let unit = sensor.settings.unit.as_ref();
            types.bind(unit.map(Unit::as_str)).sql(", ");
            types.bind(sensor.type_origin.as_str()).sql(")");
        }
        latest.sql(") AS v WHERE sensor.number = v.column1");
        latest.query().execute(&mut *tx).await?;
        types.sql(
            ") AS v WHERE sensor.number = v.column1 AND (sensor.value_type <> v.column2 \
             OR sensor.unit IS NOT v.column3 OR sensor.type_origin <> v.column4)",
        );
        types.query().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Removes a sensor from every answer; its readings stay for the purge.
pub(super) async fn delete(tx: &mut SqliteConnection, numbered: &Numbered) -> Result<(), Error> {
    let settings = &numbered.sensor.settings;
    let none = Tags::default();
    let tags = (&settings.tags, &none);
    set_labels(tx, &numbered.sensor, tags, (Some(&settings.name), None)).await?;
    sqlx::query("DELETE FROM sensor WHERE number = ?")
        .bind(numbered.number)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO deleted_sensor (number) VALUES (?)")
        .bind(numbered.number)
        .execute(tx)
        .await?;
    Ok(())
}

async fn set_labels(
    tx: &mut SqliteConnection,
    sensor: &Sensor,
    tags: (&Tags, &Tags),
    names: (Option<&Name>, Option<&Name>),
) -> Result<(), Error> {
    let id = sensor.id.as_bytes().as_slice();
    let labels = Labels::SENSOR;
    labels
        .set_tags(tx, sensor.organization_id, id, tags)
        .await?;
    labels
        .set_words(tx, sensor.organization_id, id, names)
        .await
}

/// Notes that a sensor has no readings any more, where it has none.
pub(super) async fn forget_latest(tx: &mut SqliteConnection, number: i64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE sensor SET latest_at = NULL, latest_value = NULL WHERE number = ?1 \
         AND NOT EXISTS (SELECT 1 FROM reading WHERE sensor_number = ?1)",
    )
    .bind(number)
    .execute(tx)
    .await?;
    Ok(())
}

fn latest_at(sensor: &Sensor) -> Option<i64> {
    let latest = sensor.latest.as_ref()?;
    Some(latest.timestamp.unix_millis())
}

fn latest_value(sensor: &Sensor) -> Option<Stored<&Value>> {
    sensor.latest.as_ref().map(|latest| Stored(&latest.value))
}
