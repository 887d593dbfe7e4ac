//! Removes old readings, device by device.

use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::StorageError;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::purge::Step;
use crate::postgres::row::Columns;
use crate::postgres::select::Select;
use crate::postgres::select::row_count;
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, refuse, sensor_write};

/// A sensor that was looked at.
struct Seen {
    number: i64,
    device: Uuid,
    has_old: bool,
}

impl PostgresStorage {
    /// Looks at the next sensors. Those that follow one another and are of the same device share a
    /// transaction, which holds that device and no other one.
    pub(super) async fn sweep_readings(
        &self,
        mut step: Step,
        before: Timestamp,
    ) -> Result<Step, StorageError> {
        if step.left == 0 {
            return Ok(step);
        }
        let seen = self.next_sensors(step, before).await?;
        for of_device in seen.chunk_by(|one, next| one.device == next.device) {
            if of_device.iter().any(|sensor| sensor.has_old) {
                step = self
                    .write(View::Server, |tx| {
                        scoped(async move { step.remove_of_device(tx, of_device, before).await })
                    })
                    .await?;
                if step.left == 0 {
                    // The next step begins with what this one has not come to the end of.
                    return Ok(step);
                }
            }
            if let Some(last) = of_device.last() {
                step.sweep.sensor = last.number;
            }
        }
        if seen.len() < step.window {
            step.sweep.sensor = 0;
        } else {
            step.purged.more = true;
        }
        Ok(step)
    }

    async fn next_sensors(&self, step: Step, before: Timestamp) -> Result<Vec<Seen>, StorageError> {
        let mut select = Select::new("SELECT s.number, s.device_id, s.latest_at < ");
        select.bind(before.unix_millis());
        // The latest value may be of a month that was dropped.
        select.sql(
            " OR EXISTS (SELECT 1 FROM reading AS r WHERE r.sensor_number = s.number \
             AND r.taken_at < ",
        );
        select.bind(before.unix_millis());
        select.sql(") FROM sensor AS s WHERE s.number > ");
        select
            .bind(step.sweep.sensor)
            .sql(" ORDER BY s.number LIMIT ");
        select.bind(row_count(step.window));
        let mut reader = self.reader(View::Server).await?;
        let rows = select.query().fetch_all(&mut *reader).await;
        let rows = rows.map_err(|error| refuse(error.into()))?;
        let seen: Result<_, Error> = rows.iter().map(decode).collect();
        seen.map_err(refuse)
    }
}

impl Step {
    async fn remove_of_device(
        mut self,
        tx: &mut PgConnection,
        sensors: &[Seen],
        before: Timestamp,
    ) -> Result<Self, Error> {
        for sensor in sensors {
            if sensor.has_old {
                sensor_write::lock_device(tx, sensor.number).await?;
                let is_enough = self.remove_readings(tx, sensor.number, before).await?;
                sensor_write::forget_latest(tx, sensor.number, before).await?;
                if is_enough {
                    break;
                }
            }
            self.sweep.sensor = sensor.number;
        }
        Ok(self)
    }
}

fn decode(row: &PgRow) -> Result<Seen, Error> {
    let mut columns = Columns::of(row, "sensor");
    Ok(Seen {
        number: columns.plain()?,
        device: columns.plain()?,
        has_old: columns.plain::<Option<bool>>()? == Some(true),
    })
}
