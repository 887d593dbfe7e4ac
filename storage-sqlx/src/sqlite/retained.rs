//! Keeps the last messages of retained topics.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::RetainedTopic;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::checksum::{RETAINED, sound};
use crate::sqlite::device;
use crate::sqlite::row::Columns;

/// Keeps a message of a living device; an empty one removes what was there.
pub(super) async fn store(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    topic: RetainedTopic,
    payload: &[u8],
    at: Timestamp,
) -> Result<(), Error> {
    if payload.is_empty() {
        sqlx::query(
            "DELETE FROM retained WHERE organization_id = ? AND device_id = ? AND topic = ?",
        )
        .bind(organization.as_bytes().as_slice())
        .bind(device.as_bytes().as_slice())
        .bind(topic_text(topic))
        .execute(tx)
        .await?;
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO retained (organization_id, device_id, topic, payload, received_at) \
         VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE \
         SET payload = excluded.payload, received_at = excluded.received_at",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .bind(topic_text(topic))
    .bind(payload)
    .bind(at.unix_millis())
    .execute(tx)
    .await?;
    Ok(())
}

/// The last message.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    topic: RetainedTopic,
) -> Result<Option<Vec<u8>>, Error> {
    // The device's row tells a device without a message from no device.
    let row = sqlx::query(
        "SELECT r.payload, r.organization_id, r.device_id, r.topic, r.received_at, r.checksum \
         FROM device AS d LEFT JOIN retained AS r \
         ON r.organization_id = d.organization_id AND r.device_id = d.id AND r.topic = ?3 \
         WHERE d.organization_id = ?1 AND d.id = ?2",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .bind(topic_text(topic))
    .fetch_optional(connection)
    .await?;
    let row = row.ok_or(Error::not_found(device::WHAT))?;
    sound(&RETAINED, |row| Columns::of(row, "retained").plain())(&row)
}

/// A topic as it is stored.
pub(super) const fn topic_text(topic: RetainedTopic) -> &'static str {
    match topic {
        RetainedTopic::ConfigReported => "CONFIG_REPORTED",
        RetainedTopic::Status => "STATUS",
    }
}

/// Reads a topic as [`topic_text`] writes it.
pub(super) fn topic(text: &str) -> Result<RetainedTopic, Invalid> {
    [RetainedTopic::ConfigReported, RetainedTopic::Status]
        .into_iter()
        .find(|topic| topic_text(*topic) == text)
        .ok_or_else(|| Invalid::new("no such retained topic"))
}
