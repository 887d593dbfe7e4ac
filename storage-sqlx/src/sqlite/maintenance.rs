//! Removes what is no longer needed, in small steps.

use async_trait::async_trait;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{MaintenanceStore, PurgePolicy, Purged, ServerProof, StorageError};
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::row::Columns;
use crate::sqlite::select::{counted, row_count};
use crate::sqlite::{SqliteStorage, component, refuse, sensor, sensor_write, tally};

#[async_trait]
impl MaintenanceStore for SqliteStorage {
    async fn purge(
        &self,
        _server: ServerProof,
        policy: &PurgePolicy,
        limit: usize,
    ) -> Result<Purged, StorageError> {
        let policy = policy.clone();
        let sweep = self.sweep();
        let (purged, sweep) = self
            .write_many(limit, move |tx| {
                Box::pin(async move {
                    let mut step = Step::new(limit, sweep);
                    step.run(tx, &policy).await?;
                    Ok((step.purged, step.sweep))
                })
            })
            .await?;
        self.set_sweep(sweep);
        Ok(purged)
    }

    async fn probe(&self, _server: ServerProof) -> Result<(), StorageError> {
        let written: i64 = self
            .write(|tx| {
                Box::pin(async move {
                    let count = sqlx::query_scalar(
                        "INSERT INTO probe (id, count) VALUES (1, 1) \
                         ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
                    );
                    Ok(count.fetch_one(tx).await?)
                })
            })
            .await?;
        let mut reader = self.reader().await?;
        let read: Result<i64, _> = sqlx::query_scalar("SELECT count FROM probe WHERE id = 1")
            .fetch_one(&mut *reader)
            .await;
        // Other probes may have come between.
        if read.map_err(|error| refuse(error.into()))? < written {
            return Err(refuse(Error::Lost));
        }
        Ok(())
    }
}

/// Where the search for old readings and health reports has come to. It goes by sensors and
/// devices, as an index by time would cost every insert more than the search ever does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sweep {
    /// The number of the last sensor that was looked at.
    sensor: i64,
    /// The last device that was looked at.
    device: Option<(OrganizationId, DeviceId)>,
}

/// One step of a purge.
#[derive(Debug)]
struct Step {
    /// How many records it looks at in one place.
    window: usize,
    /// How many more it may remove.
    left: usize,
    purged: Purged,
    sweep: Sweep,
}

impl Step {
    fn new(limit: usize, sweep: Sweep) -> Self {
        let limit = limit.max(1);
        Self {
            window: limit,
            left: limit,
            purged: Purged::default(),
            sweep,
        }
    }

    async fn run(&mut self, tx: &mut SqliteConnection, policy: &PurgePolicy) -> Result<(), Error> {
        self.purged.more |= tally::count_any(tx).await?;
        self.expire_tokens(tx, policy.now).await?;
        self.empty_devices(tx).await?;
        self.empty_sensors(tx).await?;
        if let Some(before) = policy.readings_before {
            self.sweep_readings(tx, before).await?;
        }
        if let Some(before) = policy.health_before {
            self.sweep_health(tx, before).await?;
        }
        self.remove_old(tx, QUARANTINE, policy.quarantined_before)
            .await?;
        self.remove_old(tx, IDEMPOTENCY, policy.idempotency_before)
            .await?;
        self.remove_certificates(tx, policy.now).await
    }

    /// Counts what was removed; whether that was all that may be.
    fn note(&mut self, removed: usize) -> bool {
        self.purged.removed += removed;
        self.left = self.left.saturating_sub(removed);
        // There may be no more; but who looks again loses nothing.
        self.purged.more |= self.left == 0;
        self.left == 0
    }

    async fn expire_tokens(
        &mut self,
        tx: &mut SqliteConnection,
        now: Timestamp,
    ) -> Result<(), Error> {
        let expired = sqlx::query(
            "UPDATE token SET fate = 'EXPIRED' WHERE id IN (SELECT id FROM token \
             WHERE fate = 'OPEN' AND expires_at <= ? ORDER BY expires_at LIMIT ?)",
        )
        .bind(now.unix_millis())
        .bind(row_count(self.window))
        .execute(tx)
        .await?;
        self.purged.more |= expired.rows_affected() >= self.window as u64;
        Ok(())
    }

    /// Removes what deleted devices have left behind, but for readings and certificates.
    async fn empty_devices(&mut self, tx: &mut SqliteConnection) -> Result<(), Error> {
        for _ in 0..self.window {
            if self.left == 0 {
                return Ok(());
            }
            let row = sqlx::query(
                "SELECT organization_id, id FROM deleted_device WHERE emptied = 0 LIMIT 1",
            )
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else {
                return Ok(());
            };
            let mut columns = Columns::of(&row, "deleted_device");
            let organization = columns.id(OrganizationId::from_uuid)?;
            let device = columns.id(DeviceId::from_uuid)?;
            if self.empty_device(tx, organization, device).await? {
                return Ok(());
            }
            for statement in EMPTIED {
                sqlx::query(statement)
                    .bind(organization.as_bytes().as_slice())
                    .bind(device.as_bytes().as_slice())
                    .execute(&mut *tx)
                    .await?;
            }
        }
        self.purged.more = true;
        Ok(())
    }

    /// Whether it came to the end of what it may do.
    async fn empty_device(
        &mut self,
        tx: &mut SqliteConnection,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<bool, Error> {
        let limit = row_count(self.left);
        let removed = sensor::purge(tx, organization, device, limit).await?;
        if self.note(removed) {
            return Ok(true);
        }
        let limit = row_count(self.left);
        let removed = component::purge(tx, organization, device, limit).await?;
        if self.note(removed) {
            return Ok(true);
        }
        for statement in OF_DEVICE {
            let removed = sqlx::query(statement)
                .bind(organization.as_bytes().as_slice())
                .bind(device.as_bytes().as_slice())
                .bind(row_count(self.left))
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if self.note(counted(removed.cast_signed())) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes the readings of deleted sensors.
    async fn empty_sensors(&mut self, tx: &mut SqliteConnection) -> Result<(), Error> {
        for _ in 0..self.window {
            if self.left == 0 {
                return Ok(());
            }
            let number: Option<i64> =
                sqlx::query_scalar("SELECT number FROM deleted_sensor LIMIT 1")
                    .fetch_optional(&mut *tx)
                    .await?;
            let Some(number) = number else {
                return Ok(());
            };
            if self.remove_readings(tx, number, Timestamp::MAX).await? {
                return Ok(());
            }
            sqlx::query("DELETE FROM reading WHERE sensor_number = ?")
                .bind(number)
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM deleted_sensor WHERE number = ?")
                .bind(number)
                .execute(&mut *tx)
                .await?;
        }
        self.purged.more = true;
        Ok(())
    }

    /// Whether it came to the end of what it may do.
    async fn remove_readings(
        &mut self,
        tx: &mut SqliteConnection,
        sensor: i64,
        before: Timestamp,
    ) -> Result<bool, Error> {
        let removed = sqlx::query(
            "DELETE FROM reading WHERE sensor_number = ?1 AND taken_at IN ( \
             SELECT taken_at FROM reading WHERE sensor_number = ?1 AND taken_at < ?2 \
             ORDER BY taken_at LIMIT ?3)",
        )
        .bind(sensor)
        .bind(before.unix_millis())
        .bind(row_count(self.left))
        .execute(tx)
        .await?
        .rows_affected();
        Ok(self.note(counted(removed.cast_signed())))
    }

    async fn sweep_readings(
        &mut self,
        tx: &mut SqliteConnection,
        before: Timestamp,
    ) -> Result<(), Error> {
        if self.left == 0 {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT s.number, EXISTS (SELECT 1 FROM reading AS r \
             WHERE r.sensor_number = s.number AND r.taken_at < ?2) \
             FROM sensor AS s WHERE s.number > ?1 ORDER BY s.number LIMIT ?3",
        )
        .bind(self.sweep.sensor)
        .bind(before.unix_millis())
        .bind(row_count(self.window))
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            let mut columns = Columns::of(row, "sensor");
            let number = columns.plain()?;
            if columns.plain()? {
                let is_enough = self.remove_readings(tx, number, before).await?;
                sensor_write::forget_latest(tx, number).await?;
                if is_enough {
                    // The next step begins with this sensor again.
                    return Ok(());
                }
            }
            self.sweep.sensor = number;
        }
        if rows.len() < self.window {
            self.sweep.sensor = 0;
        } else {
            self.purged.more = true;
        }
        Ok(())
    }

    async fn sweep_health(
        &mut self,
        tx: &mut SqliteConnection,
        before: Timestamp,
    ) -> Result<(), Error> {
        if self.left == 0 {
            return Ok(());
        }
        let device = self.sweep.device.as_ref();
        let rows = sqlx::query(
            "SELECT d.organization_id, d.id, EXISTS (SELECT 1 FROM health AS h \
             WHERE h.organization_id = d.organization_id AND h.device_id = d.id \
             AND h.taken_at < ?3) FROM device AS d WHERE (d.organization_id, d.id) > (?1, ?2) \
             ORDER BY d.organization_id, d.id LIMIT ?4",
        )
        .bind(device.map_or(&[][..], |(organization, _)| organization.as_bytes()))
        .bind(device.map_or(&[][..], |(_, device)| device.as_bytes()))
        .bind(before.unix_millis())
        .bind(row_count(self.window))
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            let mut columns = Columns::of(row, "device");
            let organization = columns.id(OrganizationId::from_uuid)?;
            let device = columns.id(DeviceId::from_uuid)?;
            if columns.plain()? {
                let removed = sqlx::query(
                    "DELETE FROM health WHERE organization_id = ?1 AND device_id = ?2 \
                     AND taken_at IN (SELECT taken_at FROM health WHERE organization_id = ?1 \
                     AND device_id = ?2 AND taken_at < ?3 ORDER BY taken_at LIMIT ?4)",
                )
                .bind(organization.as_bytes().as_slice())
                .bind(device.as_bytes().as_slice())
                .bind(before.unix_millis())
                .bind(row_count(self.left))
                .execute(&mut *tx)
                .await?
                .rows_affected();
                if self.note(counted(removed.cast_signed())) {
                    return Ok(());
                }
            }
            self.sweep.device = Some((organization, device));
        }
        if rows.len() < self.window {
            self.sweep.device = None;
        } else {
            self.purged.more = true;
        }
        Ok(())
    }

    async fn remove_old(
        &mut self,
        tx: &mut SqliteConnection,
        statement: &'static str,
        before: Timestamp,
    ) -> Result<(), Error> {
        if self.left > 0 {
            let removed = sqlx::query(statement)
                .bind(before.unix_millis())
                .bind(row_count(self.left))
                .execute(tx)
                .await?
                .rows_affected();
            self.note(counted(removed.cast_signed()));
        }
        Ok(())
    }

    /// Removes the expired certificates of deleted devices, and with the last one what was left
    /// of the device.
    async fn remove_certificates(
        &mut self,
        tx: &mut SqliteConnection,
        now: Timestamp,
    ) -> Result<(), Error> {
        for _ in 0..self.window {
            if self.left == 0 {
                return Ok(());
            }
            let row = sqlx::query(
                "SELECT organization_id, id FROM deleted_device \
                 WHERE emptied = 1 AND next_expiry < ? LIMIT 1",
            )
            .bind(now.unix_millis())
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else {
                return Ok(());
            };
            let mut columns = Columns::of(&row, "deleted_device");
            let organization = columns.id(OrganizationId::from_uuid)?;
            let device = columns.id(DeviceId::from_uuid)?;
            let mut removed = 0;
            for statement in CERTIFICATES {
                removed = sqlx::query(statement)
                    .bind(organization.as_bytes().as_slice())
                    .bind(device.as_bytes().as_slice())
                    .bind(now.unix_millis())
                    .bind(row_count(self.left))
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
            }
            for statement in EMPTIED {
                sqlx::query(statement)
                    .bind(organization.as_bytes().as_slice())
                    .bind(device.as_bytes().as_slice())
                    .execute(&mut *tx)
                    .await?;
            }
            self.note(counted(removed.cast_signed()));
        }
        self.purged.more = true;
        Ok(())
    }
}

/// What a device leaves behind besides components and sensors.
const OF_DEVICE: [&str; 4] = [
    "DELETE FROM health WHERE organization_id = ?1 AND device_id = ?2 AND taken_at IN ( \
     SELECT taken_at FROM health WHERE organization_id = ?1 AND device_id = ?2 LIMIT ?3)",
    "DELETE FROM quarantine WHERE rowid IN (SELECT rowid FROM quarantine \
     WHERE organization_id = ?1 AND device_id = ?2 LIMIT ?3)",
    "DELETE FROM retained WHERE rowid IN (SELECT rowid FROM retained \
     WHERE organization_id = ?1 AND device_id = ?2 LIMIT ?3)",
    "DELETE FROM token WHERE rowid IN (SELECT rowid FROM token \
     WHERE organization_id = ?1 AND device_id = ?2 LIMIT ?3)",
];

/// What follows once a deleted device has nothing left but certificates, and then not even those.
const EMPTIED: [&str; 2] = [
    "UPDATE deleted_device SET emptied = 1, next_expiry = (SELECT min(not_after) \
     FROM certificate WHERE organization_id = ?1 AND device_id = ?2) \
     WHERE organization_id = ?1 AND id = ?2",
    "DELETE FROM deleted_device WHERE organization_id = ?1 AND id = ?2 AND next_expiry IS NULL",
];

/// Removes certificates, but remembers keys that may never be used again.
const CERTIFICATES: [&str; 2] = [
    "INSERT OR IGNORE INTO compromised_key (public_key_sha256) SELECT public_key_sha256 \
     FROM certificate WHERE organization_id = ?1 AND device_id = ?2 AND not_after < ?3 \
     AND revocation_reason = 'keyCompromise'",
    "DELETE FROM certificate WHERE rowid IN (SELECT rowid FROM certificate \
     WHERE organization_id = ?1 AND device_id = ?2 AND not_after < ?3 LIMIT ?4)",
];

const QUARANTINE: &str = "DELETE FROM quarantine WHERE rowid IN (SELECT rowid FROM quarantine \
     WHERE received_at < ? LIMIT ?)";

const IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE (owner, key) IN ( \
     SELECT owner, key FROM idempotency WHERE created_at < ? LIMIT ?)";

#[cfg(test)]
mod tests;
