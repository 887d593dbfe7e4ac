//! Keeps devices.

use async_trait::async_trait;
use fieldgate_core::model::device::{
    CertificateSummary, Device, DeviceFilter, DeviceSettings, DeviceSummary, DeviceUpdate,
};
use fieldgate_core::model::id::{DeviceId, OrganizationId, SiteId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{DeletedDevice, DeviceChange, DeviceStore, Effects, StorageError};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{DEVICE, sound};
use crate::sqlite::device_filter::list_query;
use crate::sqlite::row::Columns;
use crate::sqlite::select::{Select, check_revision, row_count};
use crate::sqlite::session::Live;
use crate::sqlite::{SqliteStorage, certificate, device_write, idempotency, refuse, tally, token};

#[async_trait]
impl DeviceStore for SqliteStorage {
    async fn create_device(&self, device: &Device, effects: &Effects) -> Result<(), StorageError> {
        let (device, effects) = (device.clone(), effects.clone());
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                device_write::insert(tx, &device).await
            })
        })
        .await
    }

    async fn device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<Option<Device>, StorageError> {
        let mut reader = self.reader().await?;
        let found = find(&mut reader, organization, id).await;
        found.map_err(refuse)
    }

    async fn devices(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>, StorageError> {
        let select = list_query(SELECT, organization, filter, page.after);
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn update_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        update: &DeviceUpdate,
        now: Timestamp,
    ) -> Result<DeviceChange, StorageError> {
        let update = update.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let before = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, before.revision, WHAT)?;
                let mut device = before.clone();
                let ended = device.update(&update, now).map_err(StorageError::from)?;
                device_write::replace(tx, &before, &device).await?;
                Ok(DeviceChange { device, ended })
            })
        })
        .await
    }

    async fn delete_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<DeletedDevice, StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let device = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, device.revision, WHAT)?;
                token::revoke_open(tx, organization, id, now).await?;
                certificate::cease(tx, organization, id, now).await?;
                device_write::delete(tx, &device).await?;
                Ok(DeletedDevice {
                    ended: device.session,
                })
            })
        })
        .await
    }

    async fn device_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<DeviceSummary, StorageError> {
        let mut reader = self.reader().await?;
        let summary = tally::devices(&mut reader, organization).await;
        summary.map_err(refuse)
    }
}

/// The living device.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    id: DeviceId,
) -> Result<Option<Device>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" FROM device AS d WHERE d.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND d.id = ").bind(id.as_bytes().as_slice());
    select.optional(connection, sound(&DEVICE, decode)).await
}

/// Refuses a device that is not there, or deleted.
pub(super) async fn check(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    id: DeviceId,
) -> Result<(), Error> {
    let exists: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM device WHERE organization_id = ? AND id = ?)",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(id.as_bytes().as_slice())
    .fetch_one(tx)
    .await?;
    if !exists {
        return Err(Error::not_found(WHAT));
    }
    Ok(())
}

/// Whether no more than `most` devices match.
pub(super) async fn has_at_most(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    filter: &DeviceFilter,
    most: usize,
) -> Result<bool, Error> {
    let mut select = list_query("SELECT 1", organization, filter, None);
    select.sql(" LIMIT 1 OFFSET ").bind(row_count(most));
    let next = select.optional(connection, |_| Ok(())).await?;
    Ok(next.is_none())
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<Device, Error> {
    let mut columns = Columns::of(row, "device");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let id = columns.id(DeviceId::from_uuid)?;
    columns.name(id);
    let settings = DeviceSettings {
        name: columns.text()?,
        location: columns.location()?,
        tags: columns.tags()?,
        metadata: columns.text()?,
        site_id: columns.id_optional(SiteId::from_uuid)?,
        profile: columns.text_optional()?,
    };
    let firmware_version = columns.text_optional()?;
    let serial_number = columns.parse_optional_with(SerialNumber::from_be_bytes)?;
    let not_after = columns.timestamp_optional()?;
    let certificate = match (serial_number, not_after) {
        (None, None) => None,
        (Some(serial_number), Some(not_after)) => Some(CertificateSummary {
            serial_number,
            not_after,
        }),
        _ => return Err(columns.contradiction("half a certificate")),
    };
    let live = Live::decode(&mut columns)?;
    Ok(Device {
        id,
        organization_id,
        settings,
        presence: live.presence,
        firmware_version,
        certificate,
        session_epoch: live.epoch,
        session: live.session,
        created_at: columns.timestamp()?,
        updated_at: columns.timestamp()?,
        revision: columns.revision()?,
    })
}

pub(super) const WHAT: &str = "device";

pub(super) const SELECT: &str = "SELECT d.organization_id, d.id, d.name, d.latitude, d.longitude, \
     d.altitude, d.location_label, d.tags, d.metadata, d.site_id, d.profile, \
     d.firmware_version, d.certificate_serial_number, d.certificate_not_after, d.status, \
     d.online, d.first_session_at, d.last_seen_at, d.status_changed_at, d.session_epoch, \
     d.live_epoch, d.live_node, d.live_serial_number, d.created_at, d.updated_at, d.revision, \
     d.checksum";
