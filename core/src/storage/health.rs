//! Looks stored health reports up.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::health::DeviceHealth;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::reading::TimeRange;
use crate::model::timestamp::Timestamp;
use crate::storage::StorageError;

/// Looks stored [`DeviceHealth`] records up.
#[async_trait]
pub trait HealthStore: Debug + Send + Sync + 'static {
    /// Lists a device's reports in a range, newest first, by timestamp. Empty where there is no
    /// such device.
    async fn health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<DeviceHealth>, StorageError>;

    /// The newest report of a device, by timestamp.
    async fn latest_health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<Option<DeviceHealth>, StorageError>;
}
