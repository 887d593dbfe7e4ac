//! Keeps what devices report.

use async_trait::async_trait;
use fieldgate_core::model::announcement::{Announcement, AnnouncementOutcome};
use fieldgate_core::model::health::DeviceHealth;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::ingestion::{IngestOutcome, ReadingBatch};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::quarantine::QuarantinedItem;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReportStore, RetainedTopic, StorageError};

use crate::JournalStorage;

#[async_trait]
impl ReportStore for JournalStorage {
    async fn store_readings(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        batch: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError> {
        self.change(
            self.memory()
                .store_readings(organization, device, batch, limits),
        )
        .await
    }

    async fn store_announcement(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<AnnouncementOutcome, StorageError> {
        self.change(
            self.memory()
                .store_announcement(organization, device, announcement, limits),
        )
        .await
    }

    async fn store_health(
        &self,
        organization: OrganizationId,
        health: &DeviceHealth,
    ) -> Result<bool, StorageError> {
        self.change(self.memory().store_health(organization, health))
            .await
    }

    async fn store_quarantined(
        &self,
        item: &QuarantinedItem,
        limits: &Limits,
    ) -> Result<(), StorageError> {
        self.change(self.memory().store_quarantined(item, limits))
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
        self.change(
            self.memory()
                .store_retained(organization, device, topic, payload, at),
        )
        .await
    }

    async fn retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        self.look(self.memory().retained(organization, device, topic))
            .await
    }
}
