//! Keeps what devices report.

use async_trait::async_trait;
use fieldgate_core::model::announcement::{Announcement, AnnouncementOutcome, plan_announcement};
use fieldgate_core::model::health::DeviceHealth;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::ingestion::{IngestOutcome, ReadingBatch};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::quarantine::QuarantinedItem;
use fieldgate_core::model::text::FirmwareVersion;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReportStore, RetainedTopic, StorageError};
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::ingest::Message;
use crate::sqlite::inventory::{Known, Named};
use crate::sqlite::{SqliteStorage, device, health, quarantine, refuse, retained};

#[async_trait]
impl ReportStore for SqliteStorage {
    async fn store_readings(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        batch: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError> {
        let message = Message {
            organization,
            device,
            batch: batch.clone(),
            limits: limits.clone(),
        };
        self.intake.store(message).await.map_err(refuse)
    }

    async fn store_announcement(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<AnnouncementOutcome, StorageError> {
        let (announcement, limits) = (announcement.clone(), limits.clone());
        self.write(move |tx| {
            Box::pin(
                async move { announce(tx, organization, device, &announcement, &limits).await },
            )
        })
        .await
    }

    async fn store_health(
        &self,
        organization: OrganizationId,
        report: &DeviceHealth,
    ) -> Result<bool, StorageError> {
        let report = report.clone();
        self.write(move |tx| {
            Box::pin(async move {
                device::check(tx, organization, report.device_id).await?;
                health::insert(tx, organization, &report).await
            })
        })
        .await
    }

    async fn store_quarantined(
        &self,
        item: &QuarantinedItem,
        limits: &Limits,
    ) -> Result<(), StorageError> {
        let item = item.clone();
        let limit = limits.quarantined_per_device;
        self.write(move |tx| {
            Box::pin(async move {
                let (organization, device) = (item.organization_id, item.device_id);
                device::check(tx, organization, device).await?;
                quarantine::insert(tx, &item).await?;
                quarantine::trim(tx, organization, device, limit).await
            })
        })
        .await
    }

    async fn store_retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
        payload: &[u8],
        at: Timestamp,
    ) -> Result<(), StorageError> {
        let payload = payload.to_vec();
        self.write(move |tx| {
            Box::pin(async move {
                device::check(tx, organization, device).await?;
                retained::store(tx, organization, device, topic, &payload, at).await
            })
        })
        .await
    }

    async fn retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let mut reader = self.reader().await?;
        let found = retained::find(&mut reader, organization, device, topic).await;
        found.map_err(refuse)
    }
}

async fn announce(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    announcement: &Announcement,
    limits: &Limits,
) -> Result<AnnouncementOutcome, Error> {
    let mut named = Named::default();
    for component in &announcement.components {
        let keys = component.sensors.iter().map(|sensor| &sensor.key);
        named.add_component(&component.key, keys);
    }
    let mut known = Known::default();
    known.load(tx, organization, device, &named).await?;
    let inventory = std::mem::take(&mut known.inventory);
    let (change, outcome) =
        plan_announcement(organization, device, announcement, inventory, limits);
    known.write(tx, &change).await?;
    sqlx::query(
        "UPDATE device SET firmware_version = coalesce(?3, firmware_version), \
         profile = coalesce(?4, profile) WHERE organization_id = ?1 AND id = ?2",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .bind(
        announcement
            .firmware_version
            .as_ref()
            .map(FirmwareVersion::as_str),
    )
    .bind(announcement.profile.as_ref().map(ToString::to_string))
    .execute(tx)
    .await?;
    Ok(outcome)
}
