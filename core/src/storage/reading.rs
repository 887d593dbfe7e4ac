//! Looks stored readings up.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::id::{OrganizationId, SensorId};
use crate::model::page::{Page, PageRequest};
use crate::model::reading::{Reading, TimeRange};
use crate::model::timestamp::Timestamp;
use crate::storage::StorageError;

/// Looks stored [`Reading`] records up.
#[async_trait]
pub trait ReadingStore: Debug + Send + Sync + 'static {
    /// Lists a sensor's readings in a range, newest first, by timestamp; each value of the sensor's
    /// present type. Empty where there is no such sensor.
    async fn readings(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>, StorageError>;
}
