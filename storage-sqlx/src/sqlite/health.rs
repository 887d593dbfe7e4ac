//! Keeps health reports.

use async_trait::async_trait;
use fieldgate_core::model::health::DeviceHealth;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::reading::TimeRange;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{HealthStore, StorageError};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{Datum, HEALTH, checksum, sound};
use crate::sqlite::row::{Columns, stored};
use crate::sqlite::select::Select;
use crate::sqlite::{SqliteStorage, refuse};

#[async_trait]
impl HealthStore for SqliteStorage {
    async fn health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<DeviceHealth>, StorageError> {
        let mut select = of_device(organization, device);
        select
            .sql(" AND h.taken_at >= ")
            .bind(range.from.unix_millis());
        let end = page.after.map_or(range.to, |after| after.min(range.to));
        select.sql(" AND h.taken_at < ").bind(end.unix_millis());
        select.sql(" ORDER BY h.taken_at DESC");
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn latest_health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<Option<DeviceHealth>, StorageError> {
        let mut select = of_device(organization, device);
        select.sql(" ORDER BY h.taken_at DESC LIMIT 1");
        let mut reader = self.reader().await?;
        let found = select.optional(&mut reader, sound(&HEALTH, decode)).await;
        found.map_err(refuse)
    }
}

/// Stores a report of a living device, unless there is one of its time.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    health: &DeviceHealth,
) -> Result<bool, Error> {
    let extra = health.extra.as_ref().map(ToString::to_string);
    let sum = checksum(
        &HEALTH,
        [
            Datum::Blob(organization.as_bytes()),
            Datum::Blob(health.device_id.as_bytes()),
            Datum::Integer(health.timestamp.unix_millis()),
            Datum::Integer(stored(health.uptime_seconds)),
            Datum::optional(health.free_heap_bytes.map(stored), Datum::Integer),
            Datum::optional(health.signal_strength_dbm.map(i64::from), Datum::Integer),
            Datum::Text(health.connection_type.as_str()),
            Datum::Integer(stored(health.readings_sent)),
            Datum::Integer(stored(health.readings_dropped)),
            Datum::optional(extra.as_deref(), Datum::Text),
        ],
    );
    let inserted = sqlx::query(
        "INSERT INTO health (organization_id, device_id, taken_at, uptime_seconds, \
         free_heap_bytes, signal_strength_dbm, connection_type, readings_sent, \
         readings_dropped, extra, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO NOTHING",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(health.device_id.as_bytes().as_slice())
    .bind(health.timestamp.unix_millis())
    .bind(stored(health.uptime_seconds))
    .bind(health.free_heap_bytes.map(stored))
    .bind(health.signal_strength_dbm)
    .bind(health.connection_type.as_str())
    .bind(stored(health.readings_sent))
    .bind(stored(health.readings_dropped))
    .bind(extra)
    .bind(sum)
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

fn of_device(organization: OrganizationId, device: DeviceId) -> Select {
    let mut select = Select::new(SELECT);
    select.sql(LIVES).sql(" AND h.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND h.device_id = ");
    select.bind(device.as_bytes().as_slice());
    select
}

/// Reads a row of [`SELECT`], behind which there may be more.
pub(super) fn decode(row: &SqliteRow) -> Result<DeviceHealth, Error> {
    let mut columns = Columns::of(row, "health");
    let device_id = columns.id(DeviceId::from_uuid)?;
    let timestamp = columns.timestamp()?;
    columns.name(format_args!("{device_id} at {timestamp}"));
    Ok(DeviceHealth {
        device_id,
        timestamp,
        uptime_seconds: columns.number()?,
        free_heap_bytes: columns.number_optional()?,
        signal_strength_dbm: columns.plain()?,
        connection_type: columns.text()?,
        readings_sent: columns.number()?,
        readings_dropped: columns.number()?,
        extra: columns.text_optional()?,
    })
}

pub(super) const SELECT: &str = "SELECT h.device_id, h.taken_at, h.uptime_seconds, \
     h.free_heap_bytes, h.signal_strength_dbm, h.connection_type, h.readings_sent, \
     h.readings_dropped, h.extra, h.organization_id, h.checksum FROM health AS h";

pub(super) const LIVES: &str = " WHERE EXISTS (SELECT 1 FROM device AS d \
     WHERE d.organization_id = h.organization_id AND d.id = h.device_id)";
