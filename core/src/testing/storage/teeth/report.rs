//! Faults of what devices report.

use super::{Fault, FaultyStorage};
use crate::model::health::DeviceHealth;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::ingestion::{IngestOutcome, ReadingBatch};
use crate::model::limits::Limits;
use crate::model::quarantine::{QuarantineReason, QuarantinedItem, Rejection};
use crate::model::sensor::LatestReading;
use crate::model::timestamp::Timestamp;
use crate::storage::{ReportStore, RetainedTopic, StorageError};
use crate::testing::clauses::assert_caught;
use crate::testing::fixtures::seed;
use crate::testing::storage::{StorageFixture, atomicity, health, ingestion, quarantine, retained};

impl FaultyStorage {
    pub(super) async fn store_readings(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        batch: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError> {
        self.note_reported(batch);
        let mut batch = batch.clone();
        match self.fault {
            Fault::RefusesAsAWhole if batch.items.iter().any(Result::is_err) => {
                let rejection = || Rejection::new(QuarantineReason::Malformed, "the batch", b"{}");
                let refused = batch.items.iter().map(|_| Err(rejection()));
                batch.items = refused.collect();
            }
            Fault::StoresOneByOne => {
                return self
                    .store_one_by_one(organization, device, &batch, limits)
                    .await;
            }
            _ => {}
        }
        let stored = self
            .inner
            .store_readings(organization, device, &batch, limits);
        stored.await
    }

    async fn store_one_by_one(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        all: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError> {
        let mut sum = IngestOutcome {
            stored: 0,
            quarantined: 0,
        };
        for item in &all.items {
            let one = ReadingBatch {
                received_at: all.received_at,
                seed: seed(),
                items: vec![item.clone()],
            };
            let stored = self
                .inner
                .store_readings(organization, device, &one, limits);
            let outcome = stored.await?;
            sum.stored += outcome.stored;
            sum.quarantined += outcome.quarantined;
            tokio::task::yield_now().await;
        }
        Ok(sum)
    }

    fn note_reported(&self, batch: &ReadingBatch) {
        let mut noted = self.noted();
        for reported in batch.items.iter().flatten() {
            let timestamp = reported.timestamp.unwrap_or(batch.received_at);
            let value = reported.value.clone();
            noted.reported.insert(timestamp, value.clone());
            noted.last_reported = Some(LatestReading { timestamp, value });
        }
    }

    pub(super) async fn store_health(
        &self,
        organization: OrganizationId,
        health: &DeviceHealth,
    ) -> Result<bool, StorageError> {
        let stored = self.inner.store_health(organization, health).await?;
        Ok(stored || self.has(Fault::TakesReportsTwice))
    }

    pub(super) async fn store_quarantined(
        &self,
        item: &QuarantinedItem,
        limits: &Limits,
    ) -> Result<(), StorageError> {
        let mut limits = limits.clone();
        if self.has(Fault::IgnoresTheCap) {
            limits.quarantined_per_device = usize::MAX;
        }
        self.inner.store_quarantined(item, &limits).await
    }

    pub(super) async fn store_retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
        payload: &[u8],
        at: Timestamp,
    ) -> Result<(), StorageError> {
        let newest = self.noted().retained_at.replace(at);
        if self.has(Fault::KeepsTheNewest) && newest.is_some_and(|newest| newest > at) {
            return Ok(());
        }
        let topic = self.true_topic(topic);
        let stored = self
            .inner
            .store_retained(organization, device, topic, payload, at);
        stored.await
    }

    pub(super) async fn retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let topic = self.true_topic(topic);
        self.inner.retained(organization, device, topic).await
    }

    fn true_topic(&self, topic: RetainedTopic) -> RetainedTopic {
        match self.fault {
            Fault::HasOneRetainedMessage => RetainedTopic::Status,
            _ => topic,
        }
    }
}

#[tokio::test]
async fn faults_of_batches_are_caught() {
    assert_catches!(
        ingestion::good_items_are_stored_bad_ones_quarantined,
        RefusesAsAWhole,
        "left: (0, 5)"
    );
    assert_catches!(
        atomicity::a_batch_is_seen_as_a_whole,
        StoresOneByOne,
        "a part of a batch"
    );
}

#[tokio::test]
async fn faults_of_reports_are_caught() {
    assert_catches!(
        health::the_first_of_a_timestamp_stays,
        TakesReportsTwice,
        "!taken("
    );
    assert_catches!(quarantine::the_oldest_go_first, IgnoresTheCap, "left: [");
    assert_catches!(
        retained::the_last_message_is_kept,
        KeepsTheNewest,
        "found.as_deref()"
    );
    assert_catches!(
        retained::topics_and_devices_are_apart,
        HasOneRetainedMessage,
        "left: Some("
    );
}
