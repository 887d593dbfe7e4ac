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
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::device_filter::list_query;
use crate::postgres::row::Columns;
use crate::postgres::select::{Select, check_revision, row_count};
use crate::postgres::session::Live;
use crate::postgres::transaction::scoped;
use crate::postgres::{
    PostgresStorage, certificate, device_write, idempotency, refuse, tally, token,
};

#[async_trait]
impl DeviceStore for PostgresStorage {
    async fn create_device(&self, device: &Device, effects: &Effects) -> Result<(), StorageError> {
        self.write(device.organization_id, |tx| {
            scoped(async move {
                idempotency::record(tx, device.organization_id, effects).await?;
                device_write::insert(tx, device).await
            })
        })
        .await
    }

    async fn device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<Option<Device>, StorageError> {
        let push_one = |select: &mut Select| push_one(select, organization, id);
        self.look(organization, push_one, decode).await
    }

    async fn devices(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>, StorageError> {
        let select = list_query(SELECT, organization, filter, page.after);
        let mut reader = self.reader(organization).await?;
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
        self.write(organization, |tx| {
            scoped(async move {
                let found = find_locked(tx, organization, id).await?;
                let before = found.ok_or(Error::not_found(WHAT))?;
                check_revision(expected, before.revision, WHAT)?;
                let mut device = before.clone();
                let ended = device.update(update, now).map_err(StorageError::from)?;
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
        self.write(organization, |tx| {
            scoped(async move {
                let found = find_locked(tx, organization, id).await?;
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
        let mut reader = self.reader(organization).await?;
        let summary = tally::devices(&mut reader, organization).await;
        summary.map_err(refuse)
    }
}

/// The living device, to be changed with all that belongs to it.
async fn find_locked(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: DeviceId,
) -> Result<Option<Device>, Error> {
    let mut select = Select::new("");
    push_one(&mut select, organization, id);
    select.sql(" FOR NO KEY UPDATE");
    select.optional(tx, decode).await
}

/// Adds the query of the living device.
fn push_one(select: &mut Select, organization: OrganizationId, id: DeviceId) {
    select.sql(SELECT);
    select.sql(" FROM device AS d WHERE d.organization_id = ");
    select.bind(organization.as_uuid());
    select.sql(" AND d.id = ").bind(id.as_uuid());
}

/// Locks a living device, and with it all that belongs to it, until the transaction ends. Refuses
/// a device that is not there, or deleted.
pub(super) async fn lock(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: DeviceId,
) -> Result<(), Error> {
    let found = sqlx::query(
        "SELECT 1 FROM device WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
    )
    .bind(organization.as_uuid())
    .bind(id.as_uuid())
    .fetch_optional(tx)
    .await?;
    found.map(drop).ok_or(Error::not_found(WHAT))
}

/// Whether no more than `most` devices match.
pub(super) async fn has_at_most(
    connection: &mut PgConnection,
    organization: OrganizationId,
    filter: &DeviceFilter,
    most: usize,
) -> Result<bool, Error> {
    let mut select = list_query("SELECT 1", organization, filter, None);
    select.sql(" LIMIT 1 OFFSET ").bind(row_count(most));
    let next = select.optional(connection, |_| Ok(())).await?;
    Ok(next.is_none())
}

pub(super) fn decode(row: &PgRow) -> Result<Device, Error> {
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
     d.live_epoch, d.live_node, d.live_serial_number, d.created_at, d.updated_at, d.revision";
