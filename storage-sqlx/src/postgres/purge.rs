//! One step of a purge: what it removes, and in which order.
//!
//! Each part is a transaction of its own: calls wait for what it has locked, so it has little, and
//! nothing of what others lock in another order.

mod readings;

use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{PurgePolicy, Purged, StorageError};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::row::Columns;
use crate::postgres::select::{counted, row_count};
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, component, sensor};

/// Where the search for old readings and health reports has come to. It goes by sensors and
/// devices: an index by time would cost every insert more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sweep {
    /// The number of the last sensor that was looked at.
    sensor: i64,
    /// The last device that was looked at.
    device: Option<(OrganizationId, DeviceId)>,
}

/// One step of a purge.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// How many records it looks at in one place.
    window: usize,
    /// How many more it may remove.
    left: usize,
    purged: Purged,
    sweep: Sweep,
}

/// What a step does in one transaction. The readings of living devices come besides, by devices.
#[derive(Clone, Copy, Debug)]
enum Part {
    Tokens,
    Devices,
    Sensors,
    Health,
    Quarantine,
    Idempotency,
    Certificates,
}

impl PostgresStorage {
    /// Does one step.
    pub(super) async fn purge_step(
        &self,
        policy: &PurgePolicy,
        limit: usize,
    ) -> Result<Purged, StorageError> {
        let mut step = Step::new(limit, self.sweep());
        for part in BEFORE_READINGS {
            step = self.purge_part(step, part, policy).await?;
        }
        if let Some(before) = policy.readings_before {
            step = self.sweep_readings(step, before).await?;
        }
        for part in AFTER_READINGS {
            step = self.purge_part(step, part, policy).await?;
        }
        self.set_sweep(step.sweep);
        Ok(step.purged)
    }

    async fn purge_part(
        &self,
        step: Step,
        part: Part,
        policy: &PurgePolicy,
    ) -> Result<Step, StorageError> {
        self.write(View::Server, |tx| {
            scoped(async move { step.run(tx, part, policy).await })
        })
        .await
    }
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

    /// Removes what may be removed of one kind.
    async fn run(
        mut self,
        tx: &mut PgConnection,
        part: Part,
        policy: &PurgePolicy,
    ) -> Result<Self, Error> {
        match part {
            Part::Tokens => self.expire_tokens(tx, policy.now).await?,
            Part::Devices => self.empty_devices(tx).await?,
            Part::Sensors => self.empty_sensors(tx).await?,
            Part::Health => {
                if let Some(before) = policy.health_before {
                    self.sweep_health(tx, before).await?;
                }
            }
            Part::Quarantine => {
                self.remove_old(tx, QUARANTINE, policy.quarantined_before)
                    .await?;
            }
            Part::Idempotency => {
                self.remove_old(tx, IDEMPOTENCY, policy.idempotency_before)
                    .await?;
            }
            Part::Certificates => self.remove_certificates(tx, policy.now).await?,
        }
        Ok(self)
    }

    /// Counts what was removed; whether that was all that may be.
    fn note(&mut self, removed: usize) -> bool {
        self.purged.removed += removed;
        self.left = self.left.saturating_sub(removed);
        // There may be no more; but who looks again loses nothing.
        self.purged.more |= self.left == 0;
        self.left == 0
    }

    async fn expire_tokens(&mut self, tx: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
        let expired = sqlx::query(
            "UPDATE token SET fate = 'EXPIRED' WHERE id IN (SELECT id FROM token \
             WHERE fate = 'OPEN' AND expires_at <= $1 ORDER BY expires_at LIMIT $2 \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind(now.unix_millis())
        .bind(row_count(self.window))
        .execute(tx)
        .await?;
        self.purged.more |= expired.rows_affected() >= self.window as u64;
        Ok(())
    }

    /// Removes what deleted devices have left behind, but for readings and certificates.
    async fn empty_devices(&mut self, tx: &mut PgConnection) -> Result<(), Error> {
        for _ in 0..self.window {
            if self.left == 0 {
                return Ok(());
            }
            let row = sqlx::query(
                "SELECT organization_id, id FROM device_identity WHERE deleted AND NOT emptied \
                 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
            )
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else {
                return Ok(());
            };
            let mut columns = Columns::of(&row, "device_identity");
            let organization = columns.id(OrganizationId::from_uuid)?;
            let device = columns.id(DeviceId::from_uuid)?;
            if self.empty_device(tx, organization, device).await? {
                return Ok(());
            }
            for statement in EMPTIED {
                sqlx::query(statement)
                    .bind(organization.as_uuid())
                    .bind(device.as_uuid())
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
        tx: &mut PgConnection,
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
                .bind(organization.as_uuid())
                .bind(device.as_uuid())
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
    async fn empty_sensors(&mut self, tx: &mut PgConnection) -> Result<(), Error> {
        for _ in 0..self.window {
            if self.left == 0 {
                return Ok(());
            }
            let number: Option<i64> = sqlx::query_scalar(
                "SELECT number FROM deleted_sensor LIMIT 1 FOR UPDATE SKIP LOCKED",
            )
            .fetch_optional(&mut *tx)
            .await?;
            let Some(number) = number else {
                return Ok(());
            };
            if self.remove_readings(tx, number, Timestamp::MAX).await? {
                return Ok(());
            }
            sqlx::query("DELETE FROM reading WHERE sensor_number = $1")
                .bind(number)
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM deleted_sensor WHERE number = $1")
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
        tx: &mut PgConnection,
        sensor: i64,
        before: Timestamp,
    ) -> Result<bool, Error> {
        let removed = sqlx::query(
            "DELETE FROM reading WHERE sensor_number = $1 AND taken_at IN ( \
             SELECT taken_at FROM reading WHERE sensor_number = $1 AND taken_at < $2 \
             ORDER BY taken_at LIMIT $3)",
        )
        .bind(sensor)
        .bind(before.unix_millis())
        .bind(row_count(self.left))
        .execute(tx)
        .await?
        .rows_affected();
        Ok(self.note(counted(removed.cast_signed())))
    }

    async fn sweep_health(
        &mut self,
        tx: &mut PgConnection,
        before: Timestamp,
    ) -> Result<(), Error> {
        if self.left == 0 {
            return Ok(());
        }
        let device = self.sweep.device.as_ref();
        let rows = sqlx::query(
            "SELECT d.organization_id, d.id, EXISTS (SELECT 1 FROM health AS h \
             WHERE h.organization_id = d.organization_id AND h.device_id = d.id \
             AND h.taken_at < $3) FROM device AS d WHERE (d.organization_id, d.id) > ($1, $2) \
             ORDER BY d.organization_id, d.id LIMIT $4",
        )
        .bind(device.map_or(&Uuid::nil(), |(organization, _)| organization.as_uuid()))
        .bind(device.map_or(&Uuid::nil(), |(_, device)| device.as_uuid()))
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
                    "DELETE FROM health WHERE organization_id = $1 AND device_id = $2 \
                     AND taken_at IN (SELECT taken_at FROM health WHERE organization_id = $1 \
                     AND device_id = $2 AND taken_at < $3 ORDER BY taken_at LIMIT $4)",
                )
                .bind(organization.as_uuid())
                .bind(device.as_uuid())
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
        tx: &mut PgConnection,
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
        tx: &mut PgConnection,
        now: Timestamp,
    ) -> Result<(), Error> {
        for _ in 0..self.window {
            if self.left == 0 {
                return Ok(());
            }
            let row = sqlx::query(
                "SELECT organization_id, id FROM device_identity WHERE deleted AND emptied \
                 AND next_expiry < $1 LIMIT 1 FOR UPDATE SKIP LOCKED",
            )
            .bind(now.unix_millis())
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else {
                return Ok(());
            };
            let mut columns = Columns::of(&row, "device_identity");
            let organization = columns.id(OrganizationId::from_uuid)?;
            let device = columns.id(DeviceId::from_uuid)?;
            let mut removed = 0;
            for statement in CERTIFICATES {
                removed = sqlx::query(statement)
                    .bind(organization.as_uuid())
                    .bind(device.as_uuid())
                    .bind(now.unix_millis())
                    .bind(row_count(self.left))
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
            }
            for statement in EMPTIED {
                sqlx::query(statement)
                    .bind(organization.as_uuid())
                    .bind(device.as_uuid())
                    .execute(&mut *tx)
                    .await?;
            }
            self.note(counted(removed.cast_signed()));
        }
        self.purged.more = true;
        Ok(())
    }
}

const BEFORE_READINGS: [Part; 3] = [Part::Tokens, Part::Devices, Part::Sensors];

const AFTER_READINGS: [Part; 4] = [
    Part::Health,
    Part::Quarantine,
    Part::Idempotency,
    Part::Certificates,
];

/// What a device leaves behind besides components and sensors.
const OF_DEVICE: [&str; 4] = [
    "DELETE FROM health WHERE organization_id = $1 AND device_id = $2 AND taken_at IN ( \
     SELECT taken_at FROM health WHERE organization_id = $1 AND device_id = $2 LIMIT $3)",
    "DELETE FROM quarantine WHERE ctid = ANY (ARRAY (SELECT ctid FROM quarantine \
     WHERE organization_id = $1 AND device_id = $2 LIMIT $3 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM retained WHERE ctid = ANY (ARRAY (SELECT ctid FROM retained \
     WHERE organization_id = $1 AND device_id = $2 LIMIT $3 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM token WHERE ctid = ANY (ARRAY (SELECT ctid FROM token \
     WHERE organization_id = $1 AND device_id = $2 LIMIT $3 FOR UPDATE SKIP LOCKED))",
];

/// What follows once a deleted device has nothing left but certificates, and then not even those.
const EMPTIED: [&str; 2] = [
    "UPDATE device_identity SET emptied = true, next_expiry = (SELECT min(not_after) \
     FROM certificate WHERE organization_id = $1 AND device_id = $2) \
     WHERE organization_id = $1 AND id = $2",
    "DELETE FROM device_identity WHERE organization_id = $1 AND id = $2 AND next_expiry IS NULL",
];

/// Removes certificates, but remembers keys that may never be used again.
const CERTIFICATES: [&str; 2] = [
    "INSERT INTO compromised_key (public_key_sha256) SELECT public_key_sha256 \
     FROM certificate WHERE organization_id = $1 AND device_id = $2 AND not_after < $3 \
     AND revocation_reason = 'keyCompromise' ON CONFLICT DO NOTHING",
    "DELETE FROM certificate WHERE ctid = ANY (ARRAY (SELECT ctid FROM certificate \
     WHERE organization_id = $1 AND device_id = $2 AND not_after < $3 LIMIT $4 FOR UPDATE SKIP LOCKED))",
];

const QUARANTINE: &str = "DELETE FROM quarantine WHERE ctid = ANY (ARRAY (SELECT ctid FROM quarantine \
     WHERE received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";

const IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE ctid = ANY (ARRAY ( \
     SELECT ctid FROM idempotency WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests;
