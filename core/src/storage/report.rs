//! Keeps what devices report.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::announcement::{Announcement, AnnouncementOutcome};
use crate::model::health::DeviceHealth;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::ingestion::{IngestOutcome, ReadingBatch};
use crate::model::limits::Limits;
use crate::model::quarantine::QuarantinedItem;
use crate::model::timestamp::Timestamp;
use crate::storage::StorageError;

/// Takes in what devices report.
///
/// # Contract
///
/// * For a device that is not there, or deleted, each method is [`StorageError::NotFound`] and
///   changes nothing.
/// * What an `Ok` has acknowledged is never lost.
/// * Of a device there are at most
///   [`Limits::quarantined_per_device`] quarantined items; the oldest go first, by id.
#[async_trait]
pub trait ReportStore: Debug + Send + Sync + 'static {
    /// Takes a batch of readings in: loads what it names, calls
    /// [`plan_readings`](crate::model::ingestion::plan_readings), and writes the plan, in one
    /// atomic step. A reading of a sensor and timestamp that is stored already is passed over, and
    /// changes nothing of its sensor: what it could widen is loaded too
    /// ([`Inventory::widening`](crate::model::ingestion::Inventory::widening)).
    async fn store_readings(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        batch: &ReadingBatch,
        limits: &Limits,
    ) -> Result<IngestOutcome, StorageError>;

    /// Takes an announcement in: loads what it names, calls
    /// [`plan_announcement`](crate::model::announcement::plan_announcement), and writes the result,
    /// in one atomic step. The device's firmware version and profile become those announced, where
    /// there is one.
    async fn store_announcement(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<AnnouncementOutcome, StorageError>;

    /// Takes a health report in; one of a timestamp that is stored already is passed over (false).
    async fn store_health(
        &self,
        organization: OrganizationId,
        health: &DeviceHealth,
    ) -> Result<bool, StorageError>;

    /// Puts an item into the quarantine.
    async fn store_quarantined(
        &self,
        item: &QuarantinedItem,
        limits: &Limits,
    ) -> Result<(), StorageError>;

    /// Keeps the last message of a retained topic; an empty payload removes it.
    async fn store_retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
        payload: &[u8],
        at: Timestamp,
    ) -> Result<(), StorageError>;

    /// The last message of a retained topic.
    async fn retained(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        topic: RetainedTopic,
    ) -> Result<Option<Vec<u8>>, StorageError>;
}

/// The topics of a device whose last message is kept.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RetainedTopic {
    /// `config/reported`.
    ConfigReported,
    /// `status`.
    Status,
}
