//! Removes what is no longer needed, in small steps.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::timestamp::Timestamp;
use crate::storage::{ServerProof, StorageError};

/// Removes what is no longer needed, and checks that the storage works.
#[async_trait]
pub trait MaintenanceStore: Debug + Send + Sync + 'static {
    /// Removes at most about `limit` records of: what deleted devices, components and sensors left
    /// behind (not certificates); readings, health reports, quarantined items and idempotency
    /// records older than the policy says; certificate records of deleted devices that have
    /// expired. Notes open tokens that have expired as such. Changes no answer but by retention: a
    /// key that was revoked for keyCompromise is refused for good, also when its record is gone.
    /// With its last reading a sensor loses its latest value, and may be given any type.
    async fn purge(
        &self,
        server: ServerProof,
        policy: &PurgePolicy,
        limit: usize,
    ) -> Result<Purged, StorageError>;

    /// Writes and reads something, to see that the storage can do both.
    async fn probe(&self, server: ServerProof) -> Result<(), StorageError>;
}

/// What is old enough to be removed. `None` keeps for ever.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PurgePolicy {
    /// The time now.
    pub now: Timestamp,
    /// Readings taken before this.
    pub readings_before: Option<Timestamp>,
    /// Health reports taken before this.
    pub health_before: Option<Timestamp>,
    /// Quarantined items that arrived before this.
    pub quarantined_before: Timestamp,
    /// Idempotency records made before this.
    pub idempotency_before: Timestamp,
}

/// What a step of [`MaintenanceStore::purge`] did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Purged {
    /// How many records it removed.
    pub removed: usize,
    /// Whether another step may remove more. `false` says that all was looked at, and nothing is
    /// left to remove.
    pub more: bool,
}
