//! Writes devices, with the index tables and checks that belong to them.

use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::location::Location;
use fieldgate_core::model::text::FirmwareVersion;
use fieldgate_core::model::timestamp::Timestamp;
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::postgres::label::Labels;
use crate::postgres::row::{stored, tag_texts};
use crate::postgres::session::Live;
use crate::postgres::site::label;

/// Adds a device.
pub(super) async fn insert(tx: &mut PgConnection, device: &Device) -> Result<(), Error> {
    sqlx::query("INSERT INTO device_identity (organization_id, id) VALUES ($1, $2)")
        .bind(device.organization_id.as_uuid())
        .bind(device.id.as_uuid())
        .execute(&mut *tx)
        .await?;
    let settings = &device.settings;
    let certificate = device.certificate.as_ref();
    sqlx::query(
        "INSERT INTO device (organization_id, id, name, latitude, longitude, altitude, \
         location_label, tags, metadata, site_id, profile, firmware_version, \
         certificate_serial_number, certificate_not_after, created_at, updated_at, revision, \
         status, online, status_changed_at, session_epoch) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, false, $19, 0)",
    )
    .bind(device.organization_id.as_uuid())
    .bind(device.id.as_uuid())
    .bind(settings.name.as_str())
    .bind(settings.location.as_ref().map(Location::latitude))
    .bind(settings.location.as_ref().map(Location::longitude))
    .bind(settings.location.as_ref().and_then(Location::altitude))
    .bind(settings.location.as_ref().and_then(label))
    .bind(tag_texts(&settings.tags))
    .bind(settings.metadata.to_string())
    .bind(settings.site_id.map(|id| *id.as_uuid()))
    .bind(settings.profile.as_ref().map(ToString::to_string))
    .bind(
        device
            .firmware_version
            .as_ref()
            .map(FirmwareVersion::as_str),
    )
    .bind(certificate.map(|certificate| certificate.serial_number.as_be_bytes()))
    .bind(certificate.map(|certificate| certificate.not_after.unix_millis()))
    .bind(device.created_at.unix_millis())
    .bind(device.updated_at.unix_millis())
    .bind(stored(device.revision.as_u64()))
    .bind(device.presence.status().as_str())
    .bind(device.presence.status_changed_at().unix_millis())
    .execute(&mut *tx)
    .await?;
    Live::of(device)
        .store(tx, device.organization_id, device.id)
        .await?;
    set_labels(tx, device, (None, Some(device))).await
}

/// Writes what an operator has changed.
pub(super) async fn replace(
    tx: &mut PgConnection,
    before: &Device,
    device: &Device,
) -> Result<(), Error> {
    let settings = &device.settings;
    sqlx::query(
        "UPDATE device SET name = $3, latitude = $4, longitude = $5, altitude = $6, \
         location_label = $7, tags = $8, metadata = $9, site_id = $10, profile = $11, \
         updated_at = $12, revision = $13 WHERE organization_id = $1 AND id = $2",
    )
    .bind(device.organization_id.as_uuid())
    .bind(device.id.as_uuid())
    .bind(settings.name.as_str())
    .bind(settings.location.as_ref().map(Location::latitude))
    .bind(settings.location.as_ref().map(Location::longitude))
    .bind(settings.location.as_ref().and_then(Location::altitude))
    .bind(settings.location.as_ref().and_then(label))
    .bind(tag_texts(&settings.tags))
    .bind(settings.metadata.to_string())
    .bind(settings.site_id.map(|id| *id.as_uuid()))
    .bind(settings.profile.as_ref().map(ToString::to_string))
    .bind(device.updated_at.unix_millis())
    .bind(stored(device.revision.as_u64()))
    .execute(&mut *tx)
    .await?;
    if device.presence != before.presence || device.session != before.session {
        Live::of(device)
            .store(tx, device.organization_id, device.id)
            .await?;
    }
    set_labels(tx, device, (Some(before), Some(device))).await
}

/// Moves a device out of the living ones; what it has stays for the purge.
pub(super) async fn delete(tx: &mut PgConnection, device: &Device) -> Result<(), Error> {
    set_labels(tx, device, (Some(device), None)).await?;
    sqlx::query(
        "UPDATE device_identity SET deleted = true, next_expiry = (SELECT min(not_after) \
         FROM certificate WHERE organization_id = $1 AND device_id = $2) WHERE id = $2",
    )
    .bind(device.organization_id.as_uuid())
    .bind(device.id.as_uuid())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM device WHERE organization_id = $1 AND id = $2")
        .bind(device.organization_id.as_uuid())
        .bind(device.id.as_uuid())
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes the newest certificate of a device.
pub(super) async fn set_certificate(
    tx: &mut PgConnection,
    organization: OrganizationId,
    device: DeviceId,
    serial_number: &[u8],
    not_after: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE device SET certificate_serial_number = $3, certificate_not_after = $4 \
         WHERE organization_id = $1 AND id = $2",
    )
    .bind(organization.as_uuid())
    .bind(device.as_uuid())
    .bind(serial_number)
    .bind(not_after.unix_millis())
    .execute(tx)
    .await?;
    Ok(())
}

async fn set_labels(
    tx: &mut PgConnection,
    device: &Device,
    (old, new): (Option<&Device>, Option<&Device>),
) -> Result<(), Error> {
    let none = Default::default();
    let id = device.id.as_uuid();
    let name = |device: Option<&'_ Device>| device.map(|device| device.settings.name.clone());
    let (old_name, new_name) = (name(old), name(new));
    let old_tags = old.map_or(&none, |device| &device.settings.tags);
    let new_tags = new.map_or(&none, |device| &device.settings.tags);
    let labels = Labels::DEVICE;
    labels
        .set_tags(tx, device.organization_id, id, (old_tags, new_tags))
        .await?;
    let names = (old_name.as_ref(), new_name.as_ref());
    labels
        .set_words(tx, device.organization_id, id, names)
        .await
}
